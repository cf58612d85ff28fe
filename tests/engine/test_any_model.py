"""Random models of all of Keras's sequence layers: an answer is the same alone and in any company, and with Keras.

The code of a model is drawn from a grammar, and a failure prints it. The long proof, in two processes:

    MEMORYSPAN_EXAMPLES=500 MEMORYSPAN_COMPILE_CACHE=off pytest -n 2 --hypothesis-seed=1 tests/engine/test_any_model.py

draws that many models for each of the four ways to write one, and others for each seed.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false

import os
import re
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, reject, settings
from hypothesis import strategies as st

from memoryspan import MemoryspanError, predict
from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of

EXAMPLES = os.environ.get("MEMORYSPAN_EXAMPLES")
SYMBOLS, LONGEST = 6, 12
REST = (0.0, -1.0)
"""What all features of a step may be, which `Masking` may skip."""
RUBBISH = {"f": np.nan, "i": 10**6}
"""What stands behind the ends of rows, by the kind of their numbers."""
RANDOM = "Dropout", "dropout=0.5", "GaussianNoise", "BatchNormalization", "SpectralNormalization"
"""What computes something else in training."""

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support mask")

GRAMMAR = {
    # vectors or sequences, from the same
    "stepwise": """
        Activation({'tanh'|'relu'|'softmax'})
        BatchNormalization()
        Dense({size}, {None|'tanh'|'softmax'})
        Dropout(0.5)
        GaussianDropout(0.5)
        GaussianNoise(0.5)
        Identity()
        LayerNormalization()
        Rescaling(0.5, offset=1.0)
        UnitNormalization()
        {ReLU|LeakyReLU|ELU}()""",
    "rare": "ActivityRegularization(0.1) | RMSNormalization() | Softmax() | SpectralNormalization(Dense({size}))",
    # a sequence from a vector
    "steps": "RepeatVector({size}) | Reshape(({f}, 1)) | Reshape((1, {f}))",
    # a vector or a sequence from a sequence, as {every} says
    "recurrent": """
        Bidirectional(LSTM(3, return_sequences={every}), {joining})
        Bidirectional(LSTM(3, return_sequences={every}), {joining}, backward_layer={back})
        GRU({units}, {'tanh'|'sigmoid'}, reset_after={False|True}, {walk})
        LSTM({units}, {'tanh'|'sigmoid'}, dropout={0.0|0.5}, {walk})
        RNN(StackedRNNCells([LSTMCell({size}), GRUCell({units})]), {walk})
        SimpleRNN({units}, {'tanh'|'sigmoid'}, recurrent_dropout={0.0|0.5}, use_bias={False|True}, {walk})""",
    "back": "GRU(3, go_backwards=True, return_sequences={every})",
    "walk": "return_sequences={every}, go_backwards={False|True}, unroll={unroll}",
    # a vector from a sequence
    "pooled": "GlobalAveragePooling1D() | GlobalMaxPooling1D()",
    "code of a vector": """
        lambda x: x[:, -1]
        lambda x: ops.max(x, axis=1)
        lambda x: ops.mean(x, axis=1)
        lambda x: ops.sum(x[:, -2:], axis=1)
        lambda x: ops.sum(ops.softmax(x[..., :1], axis=1) * x, axis=1)""",
    # a sequence from a sequence
    "same shape": """
        GroupNormalization({1|-1})
        Masking({0.0|-1.0})
        PReLU(shared_axes=[1])
        Softmax(1)
        SpatialDropout1D(0.5)
        UnitNormalization(1)""",
    "same features": """
        {same shape}
        AveragePooling1D({size}, {stride}, {valid or same})
        Cropping1D({ends})
        MaxPooling1D({size}, {stride}, {valid or same})
        UpSampling1D(2)
        ZeroPadding1D({ends})""",
    "layer": """
        Conv1D({f}, {short}, {stride}, {padding}, groups={f})
        Conv1D({size}, {short}, {stride}, {padding})
        Conv1D({size}, {short}, padding={padding}, dilation_rate=2)
        Conv1DTranspose({size}, {short}, {stride}, {valid or same})
        DepthwiseConv1D({short}, {stride}, {valid or same}, depth_multiplier=2)
        EinsumDense('abc,cd->abd', (None, 3), bias_axes='d')
        Reshape((-1, {f}))
        Reshape((-1, 2 * {f}))
        SeparableConv1D({size}, {short}, {stride}, {padding})
        SpectralNormalization(Conv1D({size}, {short}))
        TimeDistributed(keras.Sequential([{stepwise}, Dense({size})]))
        keras.Sequential([Dense({size}), {same features}])
        keras.Sequential([Permute((2, 1)), Softmax(), Permute((2, 1))])""",
    "by step": "SpatialDropout1D(0.5) | TimeDistributed({stepwise})",
    "layer for one length": """
        BatchNormalization(1)
        Flatten()
        LayerNormalization(1)
        LayerNormalization([1, 2])
        PReLU()
        Permute((2, 1))
        Reshape((1, -1))
        keras.Sequential([Permute((2, 1)), Dense({size}), Permute((2, 1))])""",
    "code of the same shape": """
        lambda x: ops.cumsum(x, axis=1)
        lambda x: ops.flip(x, axis=1)
        lambda x: ops.roll(x, 1, axis=1)
        lambda x: ops.where(x > 0, x, 0.1)
        lambda x: x * ops.sigmoid(x)
        lambda x: x * ops.softmax(x, axis=1)
        lambda x: x + ops.max(x, axis=1, keepdims=True)
        lambda x: x - ops.mean(x, axis=1, keepdims=True)""",
    "code of a sequence": """
        {code of the same shape}
        lambda x: ops.concatenate([x, ops.flip(x, axis=1)], axis=1)
        lambda x: x[:, -2:]
        lambda x: x[:, 1:]
        lambda x: x[:, ::2]""",
    "residual": "joined({merge}, {changed}, {Identity()|LayerNormalization()|Dropout(0.5)})",
    "graph": """
        {residual}
        attending({attention}, {memory}, use_causal_mask={False|True})
        attending({attention}, {memory}, use_causal_mask={False|True})
        called_twice({merge}, {changed}, {kept})
        chain(Bidirectional(LSTM({size}, return_sequences=True), None), {merge})
        encoding(GRU({f}, return_state=True), GRU({f}, return_sequences=True), {memory})
        encoding(LSTM({f}, return_state=True), LSTM({f}, return_sequences=True), {memory})
        joined(Concatenate(1), {memory}, {memory})
        joined(Dot((1, 1)), {changed}, {kept})
        joined({merge}, Identity(), chain({changed}, {kept}))
        joined({merge}, {changed}, {kept})""",
    "attention": """
        AdditiveAttention()
        Attention({False|True}, score_mode={'dot'|'concat'})
        GroupQueryAttention({size}, 4, 2)
        MultiHeadAttention(2, {size})""",
    "changed": "Dense({f}) | Conv1D({f}, {short}, padding={'same'|'causal'}) | {recurrent}",
    "kept": "{same shape} | {code of the same shape}",
    "memory": "{same features} | {code of a sequence} | Identity()",
    "merge": "Add() | Average() | Concatenate() | Maximum() | Multiply() | Subtract()",
    # settings
    "ends": "1 | (0, 2) | (2, 0)",
    "joining": "'concat' | 'sum' | 'mul' | 'ave'",
    "padding": "'valid' | 'same' | 'causal'",
    "short": "1 | 2 | 3",
    "size": "2 | 3 | 4",
    "stride": "1 | 2",
    "valid or same": "'valid' | 'same'",
}
RULES = {name: re.split(r"\s*\n\s*| \| ", text.strip()) for name, text in GRAMMAR.items()}


@st.composite
def code(draw, rule, known):
    """A sentence of the grammar: each {name} is what is known by it, or such a sentence, and {a|b} is a or b."""

    def filled(hole):
        return known[hole[1]] if hole[1] in known else draw(code(hole[1], known))

    return re.sub(r"{([^}]+)}", filled, draw(st.sampled_from(RULES.get(rule) or rule.split("|"))))


def chain(*parts):
    return lambda x: reduce(lambda x, part: part(x), parts, x)


def joined(merge, *branches):
    return lambda x: merge([branch(x) for branch in branches])


def called_twice(merge, layer, between):
    return lambda x: merge([layer(x), layer(between(x))])


def attending(attention, memory, **settings):
    if isinstance(attention, keras.layers.Attention):
        return lambda x: attention([x, memory(x)], **settings)
    return lambda x: attention(x, memory(x), **settings)


def encoding(encoder, decoder, memory):
    return lambda x: decoder(x, initial_state=encoder(memory(x))[1:])


def made(part):
    """The layer, or the function of tensors, that has this code."""
    return eval(part, {**vars(keras.layers), **globals(), "ops": keras.ops})


@st.composite
def next_part(draw, shape, freedom, everyday):
    """The code of what may take such a tensor: layers, with freedom 1 and 2 also functions, with freedom 2 graphs."""
    *_, steps, f = shape
    if len(shape) == 2:
        rules = ["stepwise"] if everyday else ["stepwise", "rare", "steps"]
    elif everyday:  # most of what keeps a mask
        rules = ["stepwise", "by step", "recurrent", "recurrent", "pooled", "residual"][: 5 + freedom // 2]
    else:
        rules = ["stepwise", "rare", "by step", "recurrent", "pooled", "same shape", "same features", "layer"]
        rules += ["layer for one length"] * bool(steps)
        rules += ["code of a sequence", "code of a vector", "graph", "graph"][: 2 * freedom]
    rule = draw(st.sampled_from([rule for rule in rules for _ in RULES[rule]]))  # each line as often
    joins = rule in ("residual", "graph")
    known = {"f": f, "units": f if joins else draw(st.integers(2, 4))}
    known |= {"unroll": bool(steps) and draw(st.booleans()), "every": joins or draw(st.booleans())}
    return draw(code(rule, {name: str(value) for name, value in known.items()}))


def draw_parts(draw, reads, freedom):
    """The shape and type of a model's input, and the code of its parts, each of which takes what the last one gives."""
    vectors, everyday, f = draw(st.sampled_from([True, True, False])), draw(st.booleans()), draw(st.integers(3, 4))
    steps = draw(st.none() | st.integers(4, 6))
    shape, dtype, parts = (steps, f) if vectors else (steps,), "float32", []
    if not vectors and reads == "symbols":
        dtype = draw(st.sampled_from(["int32", "float32"]))
        parts = [f"Embedding({SYMBOLS}, {f}, mask_zero={draw(st.booleans())})"]
    elif not vectors:
        parts = ["Reshape((-1, 1))"]
    x = chain(*map(made, parts))(keras.Input(shape, dtype=dtype))
    for _ in range(draw(st.integers(1, 4))):
        parts.append(draw(next_part(x.shape, freedom, everyday)))
        try:
            x = made(parts[-1])(x)
        except ValueError:  # too few steps are left for it
            reject()
    return shape, dtype, parts


# The ways to write a model.


def sequential(inputs, parts):
    return keras.Sequential([inputs, *parts])


def functional(inputs, parts):
    return keras.Model(inputs, chain(*parts)(inputs))


def nested(inputs, parts):
    inner = functional(keras.Input(inputs.shape[1:], dtype=inputs.dtype), parts[:2])
    return functional(inputs, [inner, *parts[2:]])


class Plain(keras.Model):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def call(self, x):
        return chain(*self.parts)(x)


class TakesMask(Plain):
    def call(self, x, mask=None):
        return super().call(x)


class TakesTraining(Plain):
    def call(self, x, training=False):
        return super().call(x)


def subclassed(inputs, parts):
    model = (Plain, TakesMask, TakesTraining)[len(parts) % 3](parts)
    try:
        model(inputs)
    except UserWarning:  # Keras tries it on a number of steps that it does not take
        reject()
    return model


def with_random_weights(model, rng):
    for variable in model.variables:
        if "float" in variable.dtype:
            value = rng.normal(size=variable.shape) * 0.7
            variable.assign(np.abs(value) + 0.1 if "variance" in variable.path else value)
    return model


def random_row(rng, reads, length, *features):
    if reads == "symbols":
        return rng.integers(0, *(features or [SYMBOLS]), length).astype(np.int32)
    rests = rng.random((length, *[1 for _ in features])) < 0.25
    return np.where(rests, rng.choice(REST, rests.shape), rng.normal(size=(length, *features))).astype(np.float32)


def check(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max(initial=1))


def check_ragged(served, model, rows, expected, width):
    batch = np.full((len(rows), width, *rows[0].shape[1:]), RUBBISH[rows[0].dtype.kind], rows[0].dtype)
    for into, row in zip(batch, rows, strict=True):
        into[: len(row)] = row
    lengths = jnp.array([len(row) for row in rows])
    found = jax.jit(served.apply)(variables_of(model), jnp.asarray(batch), lengths).predictions
    for answer, right in zip(np.asarray(found), expected, strict=True):
        check(answer[: len(right)], right)


def keras_alone(model):
    """`model(x)` as a function without side effects: layers with dropout count their calls."""
    return lambda x: model.stateless_call(*variables_of(model), x)[0]


def answer_shape(model, steps, x):
    """The shape of the answer to x; None where the model does not take it."""
    if not isinstance(model, Plain) and steps not in (None, x.shape[1]):  # which `stateless_call` does not check
        return None
    try:
        return jax.eval_shape(keras_alone(model), x).shape
    except Exception:
        return None


@pytest.mark.slow
@pytest.mark.parametrize(("write", "freedom"), [(sequential, 0), (functional, 2), (nested, 2), (subclassed, 1)])
@settings(max_examples=int(EXAMPLES or 6), derandomize=EXAMPLES is None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_answer_is_the_same_alone_in_any_company_and_with_keras(write, freedom, data):
    reads = data.draw(st.sampled_from(["symbols", "numbers"]))
    shape, dtype, parts = draw_parts(data.draw, reads, freedom)
    note(f"{write.__name__}(keras.Input({shape}, dtype={dtype!r}), [{', '.join(parts)}])")
    rng = np.random.default_rng(data.draw(st.integers(0, 999), label="seed"))
    model = with_random_weights(write(keras.Input(shape, dtype=dtype), list(map(made, parts))), rng)

    steps, *features = shape
    tried = {steps or LONGEST, *data.draw(st.sets(st.integers(1, LONGEST), min_size=1, max_size=2))}
    shapes = {n: answer_shape(model, steps, jax.ShapeDtypeStruct((1, n, *features), dtype)) for n in sorted(tried)}
    taken = [length for length, gives in shapes.items() if gives and 0 not in gives]
    assume(taken)
    lengths = data.draw(st.lists(st.sampled_from(taken), min_size=2, max_size=5))
    rows = [random_row(rng, reads, length, *features) for length in lengths]
    oracle = jax.jit(keras_alone(model))
    as_keras_reads = [keras.utils.to_categorical(row, *features) if row.ndim < len(shape) else row for row in rows]
    expected = [np.asarray(oracle(row[None].astype(dtype)))[0] for row in as_keras_reads]
    refused = [row for row, right in zip(rows, expected, strict=True) if not np.isfinite(right).all()]
    refused += [random_row(rng, reads, length, *features) for length, gives in shapes.items() if gives is None]
    pairs = [(row, right) for row, right in zip(rows, expected, strict=True) if np.isfinite(right).all()]
    assume(pairs)
    rows, expected = zip(*pairs, strict=True)

    answer = partial(predict, model, reads=reads, probabilities=True)
    for found, right in zip(answer(rows), expected, strict=True):
        check(found, right)
    check(answer([rows[-1]])[0], expected[-1])
    for row in refused:
        with pytest.raises(MemoryspanError):
            answer([row])
    for training in [False] if any(word in str(parts) for word in RANDOM) else [False, True]:
        served = forward(model, training=training)
        if served.ragged:
            check_ragged(served, model, rows, expected, steps or max(map(len, rows)) + 2)
