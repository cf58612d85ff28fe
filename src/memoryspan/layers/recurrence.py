"""The base of every layer with a state."""

from collections.abc import Callable
from math import prod
from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.layers.initializers import as_initializer
from memoryspan.layers.masked_steps import back_in_place, shown_first

ops: Any = keras.ops  # annotated there as returning None
tree: Any = keras.tree

State = dict[str, Any]
"""What is carried from step to step, by name: arrays (batch, ...)."""

WINDOW = "window"
"""The name of the part of a state that a short convolution carries."""


class Recurrence(keras.layers.Layer):
    """A layer that carries a state from step to step. Subclasses define `run` and `state_shapes`.

    `run` computes many steps at once, from a state to a state. All else follows from it: a sequence begins with the
    initial state, one step is a sequence of length 1, and a masked step is skipped, so that the state stays as it is.

    Args:
        return_sequences: whether to return the output of every step, or of the last one only.
        seed: seed of the initial weights; with None they differ each time.
    """

    def __init__(self, *, return_sequences: bool = False, seed: int | None = None, **kwargs):
        """Take the arguments of all layers with a state."""
        super().__init__(**kwargs)
        self.return_sequences, self.seed = return_sequences, seed
        self.supports_masking = True
        self._undecayed: list[str] = []

    def run(self, x: Float[Any, "batch time features"], state: State) -> tuple[Float[Any, "batch time width"], State]:
        """Return the outputs of the steps of `x`, from a state on, and the state after them."""
        raise NotImplementedError

    def state_shapes(self, length: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the state of one sequence of `length` steps, by name. The layer has to be built."""
        raise NotImplementedError

    def width(self, features: int) -> int:
        """Return the number of features of an output."""
        return features

    def call(
        self,
        inputs: Float[Any, "batch time features"],
        mask: Bool[Any, "batch time"] | None = None,
        initial_state: State | None = None,
    ):
        """Return the outputs, (batch, time, width), or that of the last step that is not masked, (batch, width).

        A masked step repeats the output before it, as in Keras's recurrent layers.
        """
        x = inputs if mask is None else shown_first(inputs, mask)
        batch, time = x.shape[:2]
        outputs, _ = self.run(x, self.get_initial_state(batch, time) if initial_state is None else initial_state)
        outputs = outputs if mask is None else back_in_place(outputs, mask)
        return outputs if self.return_sequences else outputs[:, -1]

    def step(self, x: Float[Any, "batch features"], state: State) -> tuple[Float[Any, "batch width"], State]:
        """Return the output of one step, and the state after it."""
        outputs, state = self.run(x[:, None], state)
        return outputs[:, 0], state

    def get_initial_state(self, batch_size: int, length: int = 1) -> State:
        """Return the state before the first step of sequences of up to `length` steps: zeros."""
        return {
            name: ops.zeros((batch_size, *shape), self.state_dtype) for name, shape in self.state_shapes(length).items()
        }

    @property
    def state_dtype(self) -> str:
        """float32, or float64 where the layer computes in it: products of many gates are not kept in 16 bits."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def state_size(self, length: int) -> int:
        """Return how many numbers are carried from step to step for one sequence of `length` steps."""
        return sum(prod(shape) for shape in self.state_shapes(length).values())

    def trace_states(self, x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """Return the state after every step, by name, for `memoryspan.trace`: (batch, time, units) each.

        The window of a short convolution is left out.
        """
        batch, time = x.shape[:2]
        shown = ops.ones((batch, time), "bool") if mask is None else mask

        def one_step(state, given):
            x, is_shown = given
            _, after = self.step(x, state)
            after = tree.map_structure(lambda new, old: ops.where(_like(is_shown, new), new, old), after, state)
            return after, {name: part for name, part in after.items() if name != WINDOW}

        x = ops.where(shown[..., None], x, 0.0)  # a NaN in the padding stays there
        given = ops.swapaxes(x, 0, 1), ops.swapaxes(shown, 0, 1)
        _, states = ops.scan(one_step, self.get_initial_state(batch, time), given)
        return {name: ops.reshape(ops.swapaxes(part, 0, 1), (batch, time, -1)) for name, part in states.items()}

    def compute_mask(self, inputs, previous_mask=None):
        """Return the mask where the layer returns a sequence."""
        return previous_mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        """Return (batch, time, width), or (batch, width)."""
        batch, time, features = input_shape
        width = self.width(features)
        return (batch, time, width) if self.return_sequences else (batch, width)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "return_sequences": self.return_sequences, "seed": self.seed}

    def add_drawn(
        self, name: str, shape: tuple[int, ...], draw: Callable[[], Any], *, decay: bool = True, autocast: bool = True
    ) -> None:
        """Add a weight as an attribute of this name.

        Args:
            name: of the weight and the attribute.
            shape: of the weight.
            draw: returns the initial values, when they are needed.
            decay: whether weight decay may shrink it.
            autocast: whether it is cast to the layer's compute dtype; False for what decides how long a state lasts.
        """
        setattr(self, name, self.add_weight(shape, as_initializer(draw), name=name, autocast=autocast))
        if not decay:
            self._undecayed.append(name)

    @property
    def undecayed_weights(self) -> list[keras.Variable]:
        """The weights that weight decay should leave alone, for the optimizer's `exclude_from_weight_decay`."""
        return [getattr(self, name) for name in self._undecayed]


def _like(shown: Bool[Any, "batch"], part: Any) -> Any:
    return ops.reshape(shown, (-1, *(1 for _ in part.shape[1:])))
