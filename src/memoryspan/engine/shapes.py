"""The shapes of the input and of the answer of a model."""

import re
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

import jax

from memoryspan.backend import keras
from memoryspan.engine.keras_call import keras_call, pack_input, single_array
from memoryspan.engine.signature import require_model, variables_of
from memoryspan.errors import ModelError


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return (batch, time, features), or (batch, time) for symbols or one number a step; raises `ModelError`."""
    require_model(model)
    shape = getattr(model, "input_shape", None)
    if shape is None:  # a class of its own knows only the shape that it was built on
        shape = (model.get_build_config() or {}).get("input_shape")
        shape = _freed(model, tuple(shape)) if isinstance(shape, (tuple, list)) else shape
    if shape is None and model.built:
        raise ModelError(
            f"The model {model.name!r} was called, and Keras could not work out its shapes from that: where it "
            f"branches on a value (`if x > 0`, float(x)) it cannot be compiled. Use keras.ops.where or keras.ops.cond "
            f"there; if that is not it, give it a build(input_shape) that builds its layers."
        )
    if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 3) or not all(_is_size(n) for n in shape):
        raise ModelError(
            f"The model {model.name!r} should take one array of shape (batch, time, features), or of symbols "
            f"(batch, time), and it takes {shape}. "
            + ("" if model.built else "It is not built yet: call it once on such an array.")
        )
    return tuple(shape)


def output_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return (batch, answers) or (batch, time, answers); raises `ModelError` where there is not one answer."""
    shape = input_shape(model)
    built = None if getattr(model, "input_shape", None) else (model.get_build_config() or {}).get("input_shape")
    if built is not None and len(shape) > 1 and shape[1] is None and built[1] is not None:
        answer = answer_shape(model, built[1])  # a length that it is known to take: the code of its call may need one
        return (None, None, answer[-1]) if len(answer) == 2 else (None, *answer)
    try:
        answer = model.compute_output_spec(pack_input(model, keras.KerasTensor(shape, _input_dtype(model))))
    except Exception as error:  # user code can raise anything
        raise _why_not(model, error, f"an array of shape {shape}") from error
    return tuple(single_array(model, answer).shape)


def answer_shape(model: keras.Model, length: int) -> tuple[int, ...]:
    """Return the shape of the answer to one sequence of this length: (answers,) or (time, answers).

    Raises `ModelError` where the model does not take the length, or does not give one array.
    """
    rows, steps, *features = input_shape(model)
    x = jax.ShapeDtypeStruct((rows or 1, length, *(n or 1 for n in features)), _input_dtype(model))
    call, variables = keras_call(model, training=False), variables_of(model)
    if steps not in (None, length):
        raise ModelError(
            f"The model {model.name!r} takes {steps} time steps, and not {length}: ask for length={steps}."
        )
    try:
        answer = single_array(model, jax.eval_shape(lambda x: call(variables, x, None).predictions, x))
    except ModelError:
        raise
    except Exception as error:
        raise _why_not(model, error, f"a sequence of {length} steps") from error
    return tuple(answer.shape[1:])


def _is_size(n) -> bool:
    return n is None or isinstance(n, int)


def _freed(model: keras.Model, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return the shape on which a class of its own was built, with None for sizes that may be others."""
    if len(shape) < 2 or shape[1] is None or not all(isinstance(n, int) for n in shape[1:]):
        return (None, *shape[1:])
    if model not in _TAKES_OTHERS:
        dtype, longer = "int32" if len(shape) == 2 else "float32", [(shape[1] + 1), 2 * shape[1]]
        call = partial(model.stateless_call, *variables_of(model))
        _TAKES_OTHERS[model] = any(
            _has_shape(call, jax.ShapeDtypeStruct((1, length, *shape[2:]), dtype)) for length in longer
        )
    return (None, None if _TAKES_OTHERS[model] else shape[1], *shape[2:])


_TAKES_OTHERS: WeakKeyDictionary[keras.Model, bool] = WeakKeyDictionary()
"""Whether models that are a class of their own take other lengths than the one that they were built on."""


def _has_shape(call: Callable, x: jax.ShapeDtypeStruct) -> bool:
    try:
        jax.eval_shape(call, x)
    except Exception:  # user code can raise anything
        return False
    return True


def _input_dtype(model: keras.Model) -> str:
    """Return the type that the model declares; else int32 for (batch, time), and float32 where there are features."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].dtype if inputs else "int32" if len(input_shape(model)) == 2 else "float32"


UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.UnexpectedTracerError,
)
"""The errors that JAX raises where a call needs values that a compiled program does not have yet."""


def _why_not(model: keras.Model, error: Exception, what: str) -> ModelError:
    """Return the error for a model whose call raised `error`, where it should have taken `what`."""
    causes, cause = [], error
    while cause is not None and cause not in causes:
        causes, cause = [*causes, cause], cause.__cause__ or cause.__context__
    if any(isinstance(cause, UNTRACEABLE) for cause in causes):
        return ModelError(
            f"The call of the model {model.name!r} cannot be compiled: it branches on a value (`if x > 0`, float(x)), "
            f"or computes with NumPy. Use keras.ops.where, keras.ops.cond and keras.ops there."
        )
    return ModelError(f"The model {model.name!r} does not take {what} ({_first_line(error)}).")


def _first_line(error: Exception) -> str:
    """Return what went wrong, out of Keras's many lines, some of them bold."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).split("Exception encountered: ")[-1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return (causes[0] if causes else type(error).__name__).rstrip(".")[:200]
