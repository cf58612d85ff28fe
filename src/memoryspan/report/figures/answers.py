"""The panel of a trace that shows the model's answers along the sequence, and whether they are right.

A model that answers once is shown at every step as if the sequence ended there. A model that answers at every step is
shown at all of them. Steps with an expected answer are shaded: a point marks a right answer, a cross a wrong one, with
the expected answer above the model's. Without a task no answer is expected.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Num
from matplotlib.axes import Axes

from memoryspan.report.figures.style import BLUE, GREY, ORANGE, PALE
from memoryspan.tasks import Batch, Task

HEIGHT = 1.1
"""The height of the panel, in inches."""

POINTS_SHOWN = 60
"""The maximum number of steps at which the line has a point for each."""

SIZE = 6
"""The size of the symbols, in points."""


class Expectation(NamedTuple):
    """The answers that a task expects in one sequence; values at other steps mean nothing."""

    target_mask: Bool[np.ndarray, "time"]
    """The mask of the steps with an expected answer; the last step alone for a task with one answer."""
    expected: Num[np.ndarray, "time *outputs"]
    """A class, a number or a vector for each step."""
    correct: Bool[np.ndarray, "time"]
    """Whether the model's answer is right, for each step."""

    @property
    def steps(self) -> Int[np.ndarray, "answers"]:
        """The numbers of the steps with an expected answer."""
        return np.flatnonzero(self.target_mask)


def expectation_of(task: Task, batch: Batch, output: Float[np.ndarray, "*time outputs"]) -> Expectation:
    """Return the expected answers of a batch of one example, and whether a model with this output is right."""
    length, target, mask = (np.asarray(part)[0] for part in (batch.lengths, batch.targets, batch.target_mask))
    right = np.asarray(task.correct(jnp.asarray(output)[None], batch.targets))[0]
    if mask.ndim:
        return Expectation(mask, target, right)
    everywhere = np.broadcast_to(target, (length, *target.shape))
    return Expectation(np.arange(length) == length - 1, everywhere, np.full(length, right))


def draw_answers(
    axes: Axes,
    outputs: Float[np.ndarray, "time outputs"],
    inches: float,
    return_sequences: bool,
    expectation: Expectation | None,
    of_classes: bool = True,
) -> None:
    """Draw the panel, `inches` wide per step; answers that are not `of_classes` get a line for each number."""
    title = "answer, if the sequence ended at this step"
    if return_sequences:
        title = "answer at every step"
    if outputs.shape[1] == 1 or not of_classes:
        rows = _draw_numbers(axes, outputs, inches, expectation)
    elif return_sequences:
        title += ", named where there is room"
        rows = _draw_every_answer(axes, outputs, inches, expectation)
    else:
        rows = _draw_final_answer(axes, outputs, inches, expectation)
    above = 3 + rows * (SIZE + 3)
    axes.set_title(title, loc="left", fontsize="small", pad=above)
    legend = axes.legend(
        fontsize="x-small",
        loc="lower right",
        bbox_to_anchor=(1, 1 + above / 72 / HEIGHT),
        ncols=5,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
    )
    legend.set_in_layout(False)  # it is beside the title, and needs no height of its own


def _draw_numbers(
    axes: Axes, answers: Float[np.ndarray, "time outputs"], inches: float, expectation: Expectation | None
) -> int:
    """Draw a line for each number, and mark right and wrong answers on the highest one."""
    more = f", {answers.shape[1]:,} numbers" if answers.shape[1] > 1 else ""
    lines = axes.plot(answers, color=BLUE, linewidth=1)
    lines[0].set_label(f"answer{more}")
    axes.set_ylabel("answer", fontsize="small")
    if expectation is not None:
        expected = expectation.expected[expectation.steps]
        points = axes.plot(expectation.steps, expected, "D", markersize=7, fillstyle="none", color=GREY)
        points[0].set_label("expected")
    _mark_right_and_wrong(axes, answers.max(-1), inches, expectation)
    return 0


def _draw_final_answer(
    axes: Axes, outputs: Float[np.ndarray, "time outputs"], inches: float, expectation: Expectation | None
) -> int:
    """Draw the probabilities of the final answer and, if it differs, of the expected one, and name the answers."""
    classes = outputs.argmax(-1)
    last = classes[-1]
    axes.plot(outputs.max(-1), color=GREY, linestyle=":", linewidth=1, label="most probable")
    if expectation is not None and not expectation.correct[-1]:
        expected = int(expectation.expected[-1])
        axes.plot(outputs[:, expected], color=ORANGE, linestyle="--", linewidth=1, label=f"expected, {expected}")
    point = "." if len(outputs) <= POINTS_SHOWN else None
    axes.plot(outputs[:, last], color=BLUE, marker=point, linewidth=1, label=f"final answer, {last}")
    _mark_right_and_wrong(axes, outputs[:, last], inches, expectation)
    _set_probability(axes, outputs)
    begins = np.flatnonzero(np.diff(classes, prepend=-1))
    lasts = np.diff(begins, append=len(classes))
    _name(axes, with_room(begins[np.argsort(-lasts, kind="stable")], classes, inches), classes, "answer", 0)
    return 1


def _draw_every_answer(
    axes: Axes, outputs: Float[np.ndarray, "time outputs"], inches: float, expectation: Expectation | None
) -> int:
    """Draw the probability of each answer, and their names; where room is short, wrong answers come first."""
    classes, sure = outputs.argmax(-1), outputs.max(-1)
    point = "." if expectation is None and len(outputs) <= POINTS_SHOWN else None
    axes.plot(sure, color=GREY, linestyle=":", linewidth=1, marker=point, label="of the answer")
    _mark_right_and_wrong(axes, sure, inches, expectation)
    _set_probability(axes, outputs)
    if expectation is None:
        _name(axes, with_room(range(len(classes)), classes, inches), classes, "answer", 0)
        return 1
    wrong_first = expectation.steps[np.argsort(expectation.correct[expectation.steps], kind="stable")]
    named = with_room(wrong_first, np.maximum(classes, expectation.expected), inches)
    _name(axes, named, classes, "answer", 0, boxed=~expectation.correct)
    _name(axes, named, expectation.expected, "expected", 1)
    return 2


def _set_probability(axes: Axes, outputs: Float[np.ndarray, "time outputs"]) -> None:
    if ((outputs >= 0) & (outputs <= 1)).all():
        axes.set_ylim(-0.08, 1.08)
        axes.set_ylabel("probability", fontsize="small")
    else:
        axes.set_ylabel("output", fontsize="small")


def _mark_right_and_wrong(
    axes: Axes, heights: Float[np.ndarray, "time"], inches: float, expectation: Expectation | None
) -> None:
    """Mark right and wrong answers by shapes, which can be told apart without colour."""
    if expectation is None:
        return
    everywhere = axes.get_xaxis_transform()
    axes.bar(expectation.steps, 1, 1, color=PALE, antialiased=False, transform=everywhere, zorder=0, label="asked")
    size = min(max(30 * inches, 3), 5)
    for right, form, colour in ((True, "o", BLUE), (False, "x", ORANGE)):
        steps = expectation.steps[expectation.correct[expectation.steps] == right]
        if steps.size:
            count = f", {len(steps):,}" if len(expectation.steps) > 1 else ""
            axes.plot(
                steps,
                heights[steps],
                form,
                color=colour,
                markersize=size if right else size + 2,
                markeredgewidth=1 if right else 2,
                zorder=3,
                clip_on=False,
                label=("right" if right else "wrong") + count,
            )


def _name(
    axes: Axes,
    steps: Iterable[int],
    symbols: Num[np.ndarray, "time"],
    what: str,
    row: int,
    boxed: Bool[np.ndarray, "time"] | None = None,
) -> None:
    """Draw a row of symbols above the panel, each at its step, with a title at the left."""
    up = 3 + row * (SIZE + 3)
    place = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "fontsize": SIZE, "color": "black"}
    box = {"boxstyle": "square,pad=0.1", "fill": False, "linewidth": 0.7}
    for step in steps:
        around = box if boxed is not None and boxed[step] else None
        axes.annotate(str(symbols[step]), (step, 1), (0, up), ha="center", bbox=around, **place)
    axes.annotate(what, (0, 1), (-4, up), ha="right", **(place | {"xycoords": axes.transAxes, "color": GREY}))


def with_room(by_priority: Iterable[int], symbols: Num[np.ndarray, "time"], inches: float) -> Sequence[int]:
    """Return the steps whose symbols have room beside those that come before them in priority."""
    least = width_of(symbols) / inches
    kept: list[int] = []
    for step in by_priority:
        if all(abs(step - other) >= least for other in kept):
            kept.append(int(step))
    return kept


def width_of(symbols: Num[np.ndarray, "time"]) -> float:
    """Return the width of the widest symbol in inches, with the gap to the next one."""
    return 0.05 + 0.055 * len(str(symbols.max()))
