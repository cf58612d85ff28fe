"""What a task is: how sequences are made, and what is right.

A task is a frozen dataclass. Its `length` is the width, in time steps, of the arrays that `sample` makes; the
lengths of the examples in them are chosen by whoever asks, and may be known only at run time. Inputs are tokens
or real vectors, answers are classes or numbers, asked for once an example or at any of its steps: what differs is
a shape, never a branch in the code that trains or evaluates.
"""

from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int

Asks = Literal["once", "every step"]
"""Whether a model gives one answer an example, (batch, outputs), or one a step, (batch, time, outputs)."""


class Batch(NamedTuple):
    """A batch of examples. `*asked` is empty for tasks that ask once an example, else it is `time`.

    Attributes:
        inputs: tokens (each stands for its one-hot vector), or real vectors; anything past a row's length.
        lengths: the time steps of each example.
        targets: the right answers: a class, or a number.
        asked: where an answer is asked for: within the row's length, and at least once in a row. What stands in
            `targets` elsewhere means nothing. An example is right where every answer asked for is.
    """

    inputs: Int[Array, "batch time"] | Float[Array, "batch time features"]
    lengths: Int[Array, "batch"]
    targets: Int[Array, "batch *asked"] | Float[Array, "batch *asked"]
    asked: Bool[Array, "batch *asked"]


@runtime_checkable
class Task(Protocol):
    """The protocol of all tasks. See `tasks/echo.py` for the smallest one."""

    __dataclass_fields__: ClassVar[dict]
    """It is a dataclass: another length of the same task is `dataclasses.replace(task, length=…)`."""

    name: ClassVar[str]
    """What it is called on the command line."""

    asks: ClassVar[Asks]
    """How often an answer is asked for."""

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
        """The width of a model's answer: the number of classes, or 1 for a number."""
        ...

    @property
    def shortest(self) -> int:
        """The least length at which the question makes sense: where a curriculum begins."""
        ...

    @property
    def chance(self) -> float:
        """The accuracy, as a share of right examples, of the best guess that does not look at the input."""
        ...

    def lag(self, length: int) -> int:
        """How many steps back, from the answer, what it depends on lies in an example of this length."""
        ...

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Fresh examples of a length, or of a length each, up to `self.length`; runs under `jax.jit`.

        What an example is follows from the key, its row and its length, and not from the width of the arrays.
        """
        ...

    def correct(self, predictions: Float[Array, "batch *asked outputs"], targets: Any) -> Bool[Array, "batch *asked"]:
        """Which answers are right."""
        ...
