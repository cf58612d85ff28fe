"""The page of a run: the model to try, at several moments of its training, and how it was trained."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from memoryspan.backend import keras
from memoryspan.engine import assign, variables_of
from memoryspan.errors import ModelError
from memoryspan.files.json import to_builtins
from memoryspan.inference.evaluate import correct
from memoryspan.report.curves import one_chance
from memoryspan.report.jump import find_jump
from memoryspan.report.page.export_js import described, weights_of
from memoryspan.report.page.html import Page
from memoryspan.report.scales import FAR, GATES, RESOLVED
from memoryspan.report.tables.span import held_sentence
from memoryspan.runs import SavedRun, weight_snapshots
from memoryspan.runs.record import Record
from memoryspan.sampling import Stream, stream
from memoryspan.spans.held import THRESHOLD
from memoryspan.spans.held_file import HeldSpan
from memoryspan.stats import percent
from memoryspan.tasks import Echo, Task
from memoryspan.tasks.base import at_length, has_class_targets
from memoryspan.training import HistoryRow

MAX_LENGTH = 500
"""Time steps of the longest sequence that the page draws."""

CONSTANTS = {"max_length": MAX_LENGTH, "maps": {"gates": GATES, "most": RESOLVED, "far": FAR}}
"""Constants that the page's JavaScript shares with Python."""

MAX_NUMBERS = 20_000
"""The maximum of numbers in all examples of a page together."""

MAX_EXAMPLES = 200
"""The maximum number of examples on a page."""

MAX_ROWS = 2_000
"""Rows of the history that a page draws, at most about: of a longer one every second, third, … is left."""

DIGITS = 4
"""Decimal places of a real number in an example; the model is given the rounded number."""


def run_page(run: SavedRun, model: keras.Model, updates: int, held: HeldSpan | None) -> Page:
    """Return the page of a run, from `run.model_and_updates()` and the held span, if it was measured.

    Raises:
        RunError: the run's task, history or snapshots cannot be read.
    """
    record, task, history = run.record, run.task, run.history()
    network, reason = None, ""
    if task.min_length > MAX_LENGTH:
        reason = f"The page draws up to {MAX_LENGTH} steps, and this task has at least {task.min_length:,}."
    elif task.n_outputs > 1 and not has_class_targets(task):
        reason = f"The page shows classes, or one number, and an answer of this task is {task.n_outputs} numbers."
    else:
        try:
            network = {"layers": described(model), "moments": _moments(run, model, updates, history)}
        except ModelError as error:
            reason = str(error)
    return Page(
        title=f"{record.config.model.name} on {record.config.task.name}, {task.length:,} steps",
        sentence=f"{_sentence(record)} {_about(task)}".strip(),
        record=json.dumps(to_builtins(record), indent=2, ensure_ascii=False),
        data={
            "kind": "run",
            **CONSTANTS,
            "task": _task(task, model),
            "network": network,
            "reason": reason,
            "examples": [] if network is None else list(_examples(task, run.config.seed)),
            "history": [
                {name: getattr(row, name) for name in ("examples", "accuracy", "length")} for row in _thinned(history)
            ],
            "story": _story(history, task),
            "held": held and _held(held),
        },
    )


def _sentence(record: Record) -> str:
    """Return the sentence on what was trained, on which task, and with what accuracy."""
    model = f"{record.config.model.name} ({record.resolved.parameters:,} parameters)"
    results = record.results
    if results is None:
        return f"{model} is still being trained, or its training was killed: this is its last checkpoint."
    effort = f"after {results.examples:,} examples and {results.seconds:.2f} s of training"
    if (accuracy := results.accuracy) is None:
        return f"{model}, {effort}; its accuracy was not measured (status: {record.status})."
    low, high = accuracy.interval
    return (
        f"{model} has {percent(accuracy.value)} right at {accuracy.length:,} steps ({accuracy.n_correct} of "
        f"{accuracy.examples} fresh examples; 95 % interval {percent(low)} to {percent(high)}; chance "
        f"{percent(accuracy.chance)}), {effort}."
    )


def _about(task: Task) -> str:
    """Return the first line of a task's docstring, with the values of the settings that it names; empty without one."""
    first = (type(task).__doc__ or "").strip().split("\n")[0]
    if first.startswith(f"{type(task).__name__}("):  # a dataclass without any has its signature there
        return ""
    return "The task: " + re.sub(r"`(\w+)`", lambda name: _setting(task, name[1]), first)


def _setting(task: Task, name: str) -> str:
    """Return a setting that a sentence names: a number in the place of its name, a word beside it."""
    value = getattr(task, name, None)
    if isinstance(value, str):
        return f"{name} (here {value})"
    return f"{value:,}" if isinstance(value, int | float) else name


def _moments(run: SavedRun, model: keras.Model, updates: int, history: Sequence[HistoryRow]) -> list[dict[str, Any]]:
    """Return the weights at the saved moments, the last one being the model as it is now."""
    rows, now = {row.updates: row for row in history}, variables_of(model)
    moments = []
    for moment, arrays in weight_snapshots.load(run.directory, until=updates - 1).items():
        assign(model, weight_snapshots.variables_at(arrays, now))
        moments.append(_moment(moment, rows.get(moment), weights_of(model)))
    assign(model, now)
    return [*moments, _moment(updates, rows.get(updates), weights_of(model))]


def _moment(updates: int, row: HistoryRow | None, weights: str) -> dict[str, Any]:
    about = {name: getattr(row, name, None) for name in ("examples", "accuracy", "length")}
    return {"updates": updates, "weights": weights, **about}


def _task(task: Task, model: keras.Model) -> dict[str, Any]:
    """Return the facts about the task that the page uses."""
    number = task.n_outputs == 1 or not has_class_targets(task)
    tokens = np.issubdtype(_sampled(task, 0, 1, task.min_length)[0].dtype, np.integer)
    return {
        "reads": "symbols" if tokens else "vectors",
        "n_features": task.n_features,
        "length": task.length,
        "min_length": task.min_length,
        "chance": task.chance,
        "return_sequences": task.return_sequences,
        "answers": "number" if number else "classes",
        "one_right": number or _one_is_right(task),
        "tolerance": getattr(task, "tolerance", None),
        "probabilities": getattr(getattr(model.layers[-1], "activation", None), "__name__", "") == "softmax",
        "out_index": task.out_index if isinstance(task, Echo) else None,
    }


def _one_is_right(task: Task) -> bool:
    """Return whether only the expected class is correct, so that predicting it with certainty is correct everywhere."""
    batch = at_length(task, task.min_length).sample(stream(0, Stream.SHOWN), 1, task.min_length)
    return bool(correct(task, jax.nn.one_hot(batch.targets, task.n_outputs), batch).all())


def _examples(task: Task, seed: int):
    """Return fresh examples with the expected answers by step, as many and as long as the page has room for."""
    length = min(task.length, MAX_LENGTH)
    width = 1 if _sampled(task, seed, 1, length)[0].ndim == 2 else task.n_features
    count = max(1, min(MAX_EXAMPLES, MAX_NUMBERS // (length * width)))
    samples = _sampled(task, seed, count, length)
    for row, expected, where in zip(*samples, strict=True):
        if not task.return_sequences:
            where, expected = np.arange(length) == length - 1, np.full(length, expected)
        yield {
            "inputs": np.round(row.astype(np.float64), DIGITS).tolist() if row.ndim > 1 else row.tolist(),
            "asked": where.tolist(),
            "expected": {step: round(expected[step].item(), DIGITS) for step in np.flatnonzero(where).tolist()},
        }


def _sampled(task: Task, seed: int, count: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the inputs, targets and target masks of `count` examples."""
    batch = at_length(task, length).sample(stream(seed, Stream.SHOWN), count, length)
    return np.asarray(batch.inputs), np.asarray(batch.targets), np.asarray(batch.target_mask)


def _thinned(history: Sequence[HistoryRow]) -> Sequence[HistoryRow]:
    every = math.ceil(len(history) / MAX_ROWS)
    return [*history[:-1:every], history[-1]] if every > 1 else history


def _story(history: Sequence[HistoryRow], task: Task) -> str:
    """Return sentences on the plateau, the jump and the growth of the length, if the history has them."""
    sentences = []
    if jump := find_jump(history, task) if history else None:
        sentences.append(
            f"A plateau: after {jump.flat:,} examples of up to {jump.length:,} steps {percent(jump.before.accuracy)} "
            f"are right. Then a jump: {jump.steep:,} examples later {percent(jump.after.accuracy)} are."
        )
    if history and history[-1].length > history[0].length:
        sentences.append("Each time the model has mastered a length, the length grows, and the accuracy dips at first.")
    return " ".join(sentences)


def _held(held: HeldSpan) -> dict[str, Any]:
    curve, sentence = held.curve, held_sentence(held.span, held.curve)
    if held.span.length is not None:
        sentence += (
            f" It is the longest length at which the model, without more training, is proved to have "
            f"{percent(THRESHOLD)} right."
        )
    points = [[point.length, point.value] for point in curve]
    band = [[point.length, *point.interval] for point in curve]
    chart = {
        "title": "Accuracy on fresh examples of each length, with its 95 % interval",
        "series": [{"name": "accuracy", "points": points, "band": band}],
        "threshold": THRESHOLD,
        "chance": one_chance([curve]),
        "file": "span.svg",
    }
    return {"sentence": sentence, "chart": chart}
