"""What a task is: how sequences are made, and what is right.

A task is a frozen dataclass. Its `length` is the width, in time steps, of the arrays that `sample` makes; the
lengths of the examples in them are an argument, and may be known only at run time. Inputs are tokens
or real vectors, answers are classes, numbers or vectors of numbers, one for an example or one at any of its steps:
what differs is a shape, never a branch in the code that trains or evaluates.
"""

from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int

from memoryspan.errors import TaskError
from memoryspan.validate import shown


class Batch(NamedTuple):
    """A batch of examples. `*steps` is `time` where the task returns sequences, else empty.

    Attributes:
        inputs: tokens (each stands for its one-hot vector), or real vectors; anything past a row's length.
        lengths: the time steps of each example.
        targets: the right answers: a class (an integer), a number (a float), or, of a task whose `n_outputs` is 2 or
            more, a vector of that many numbers (floats). A number that is answered with several, such as quantiles,
            is a vector of one.
        target_mask: the steps that have an answer: within the row's length, and at least once in a row. What stands in
            `targets` elsewhere means nothing. An example is right where all of its answers are.
    """

    inputs: Int[Array, "batch time"] | Float[Array, "batch time features"]
    lengths: Int[Array, "batch"]
    targets: Int[Array, "batch *steps"] | Float[Array, "batch *steps"] | Float[Array, "batch *steps outputs"]
    target_mask: Bool[Array, "batch *steps"]


@runtime_checkable
class Task(Protocol):
    """The protocol of all tasks. See `tasks/echo.py` for the smallest one."""

    __dataclass_fields__: ClassVar[dict]
    """It is a dataclass: another length of the same task is `dataclasses.replace(task, length=…)`."""

    name: ClassVar[str]
    """What it is called on the command line."""

    return_sequences: ClassVar[bool]
    """Whether an answer is required at every step, not once at the end of the sequence."""

    loss: ClassVar[str]
    """The Keras loss that fits: what a builder compiles a model with."""

    activation: ClassVar[str]
    """The Keras activation of a model's last layer that fits."""

    @property
    def length(self) -> int:
        """Time steps of the longest example."""
        ...

    @property
    def n_features(self) -> int:
        """The width of a model's input: the number of symbols, or of real channels."""
        ...

    @property
    def n_outputs(self) -> int:
        """The width of a model's answer: the number of classes, 1 for a number, or the numbers of a vector."""
        ...

    @property
    def min_length(self) -> int:
        """The least length at which the question makes sense: where a curriculum begins."""
        ...

    @property
    def chance(self) -> float:
        """The accuracy, as a share of right examples, of the best guess that does not read the input."""
        ...

    def lag(self, length: int) -> int:
        """Return how many steps before its answer the symbols lie that it depends on, in an example of this length."""
        ...

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Return fresh examples of a length, or of a length each, up to `self.length`; runs under `jax.jit`.

        What an example is follows from the key, its row and its length, and not from the width of the arrays.
        """
        ...

    def correct(self, predictions: Float[Array, "batch *steps outputs"], targets: Any) -> Bool[Array, "batch *steps"]:
        """Return which answers are right; a vector of numbers is one answer."""
        ...


def require_task(task: Any, called: str | None = None) -> None:
    """Raise `TaskError` where something is not a task, and says what it lacks."""
    called = called or shown(task)
    if isinstance(task, type) or not is_dataclass(task):
        raise TaskError(f"A task should be a dataclass like Echo(length=50), got {called}.")
    lacking = [name for name in _MEMBERS if not hasattr(task, name)]
    if lacking:
        raise TaskError(f"{called} is not a task yet: it lacks {', '.join(lacking)} (see memoryspan.tasks.Task).")
    if "length" not in {field.name for field in fields(task)}:
        raise TaskError(f"{called} should have its length as a field, so that it can be made at another one.")
    _require_batch(task, called)


def has_symbol_inputs(task: Task) -> bool:
    """Return whether the inputs of a task are symbols, and not numbers."""
    return _is_whole(_spec(task).inputs)


def has_class_targets(task: Task) -> bool:
    """Return whether the right answers of a task are classes, and not numbers."""
    return _is_whole(_spec(task).targets)


def _spec(task: Any, rows: int = 2) -> Any:
    """Return what the task's `sample` returns, with the shapes and types of its arrays in their place: none is made."""
    try:
        hash(task)
    except TypeError:  # a setting is a list
        return _traced(task, rows)
    return _traced_once(task, rows)


def _traced(task: Any, rows: int) -> Any:
    import jax
    import jax.numpy as jnp

    return jax.eval_shape(lambda key: task.sample(key, rows, jnp.int32(task.min_length)), jax.random.key(0))


_traced_once = lru_cache(maxsize=16)(_traced)
"""A loop over single sequences does not trace its task in each turn."""


def _is_whole(array: Any) -> bool:
    import jax.numpy as jnp

    return jnp.issubdtype(array.dtype, jnp.integer)


def _require_batch(task: Any, called: str) -> None:
    """Raise `TaskError` where a batch does not have the shapes of the protocol, without making one."""
    rows, steps = 2, task.length
    batch = _spec(task, rows)
    if not isinstance(batch, Batch):
        raise TaskError(
            f"{called} samples a {type(batch).__name__}, and it should sample a memoryspan.tasks.Batch("
            f"{', '.join(Batch._fields)})."
        )
    if lacking := [name for name, part in zip(Batch._fields, batch, strict=True) if not hasattr(part, "shape")]:
        raise TaskError(f"{called} samples no array of {' or '.join(lacking)}, and a Batch has four arrays.")
    answers = (rows, steps) if task.return_sequences else (rows,)
    inputs = (rows, steps) if _is_whole(batch.inputs) else (rows, steps, task.n_features)
    one_value = _is_whole(batch.targets) or task.n_outputs == 1
    targets = (answers,) if one_value else ((*answers, task.n_outputs), (*answers, 1))
    expected = dict(zip(Batch._fields, ((inputs,), ((rows,),), targets, (answers,)), strict=True))
    for name, part in zip(Batch._fields, batch, strict=True):
        if part.shape not in expected[name]:
            shape = f"{expected[name][0]}"
            if name == "targets" and not one_value:
                shape = (
                    f"{answers} for classes, which are integers, {(*answers, task.n_outputs)} for vectors of numbers "
                    f"(floats), or {(*answers, 1)} for one number that is answered with several, such as quantiles"
                )
            raise TaskError(
                f"{called} samples {name} of shape {part.shape} for {rows} examples of up to {steps} steps, and they "
                f"should have {shape}."
            )


_MEMBERS = sorted({*Task.__annotations__, *(name for name in vars(Task) if name[0] != "_")} - {"__dataclass_fields__"})
"""What a task has."""


def at_length(task: Task, length: int) -> Task:
    """The same task at another length."""
    return replace(task, length=length)
