"""The two paths beside each other, and both beside Keras on each row alone, without padding."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOperatorIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from dataclasses import dataclass
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan import predict
from memoryspan.backend import keras
from memoryspan.engine import Variables, assign, compiled_loss, forward, variables_of, weights_of
from memoryspan.engine.forward import input_shape, output_shape, through_keras
from memoryspan.errors import ModelError
from tests.messages import naming

LAYERS = keras.layers
TIME, FEATURES, UNITS, ANSWERS = 6, 5, 3, 4
RAGGED, FULL = (TIME, 2, 2), (TIME, TIME, TIME)

loses_the_mask = pytest.mark.filterwarnings("ignore:Layer .* does not support masking")


def layer(kind, *args, **settings):
    """A layer to be: it is built anew for each model."""
    return partial(kind, *args, **settings)


def recurrent(kind, **settings):
    return layer(getattr(LAYERS, kind), UNITS, **settings)


def both_ways(one, **settings):
    return lambda: LAYERS.Bidirectional(one(), **settings)


def answer(activation="softmax"):
    return layer(LAYERS.Dense, ANSWERS, activation)


EVERY_STEP = {"return_sequences": True}
OTHER_ACTIVATIONS = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
EMBEDDING = layer(LAYERS.Embedding, FEATURES, 4)


@dataclass(frozen=True)
class Case:
    """A chain of layers, how it is put together, and what it is given."""

    layers: tuple
    time: int | None = None
    functional: bool = False
    real: bool = False
    frozen: int | None = None

    def build(self, time=None):
        """A model with random weights everywhere, biases included."""
        layers = [make() for make in self.layers]
        reads_tokens = isinstance(layers[0], LAYERS.Embedding)
        start = keras.Input((time,) if reads_tokens else (time, FEATURES))
        if self.functional:
            x = start
            for one in layers:
                x = one(x)
            model = keras.Model(start, x)
        else:
            model = keras.Sequential([start, *layers])
        rng = np.random.default_rng(0)
        for variable in model.weights:
            variable.assign(rng.normal(scale=0.5, size=variable.shape))
        if self.frozen is not None:
            layers[self.frozen].trainable = False
        model.compile("sgd", "categorical_crossentropy" if _ends_in_softmax(layers) else "mse")
        return model

    @cached_property
    def model(self):
        return self.build(self.time)

    @property
    def lengths_for_keras(self):
        """Ragged, where Keras carries a mask to the end.

        It reverses the padding along with a row where it hands a reversed sequence on, and an embedding loses the mask.
        """
        flags = [make.keywords for make in self.layers if isinstance(make, partial)]
        reversed_sequence = any(f.get("go_backwards") and f.get("return_sequences") for f in flags)
        return FULL if reversed_sequence or EMBEDDING in self.layers else RAGGED

    @cached_property
    def data(self):
        """Inputs, and targets for an answer at every step."""
        rng = np.random.default_rng(1)
        tokens = rng.integers(0, FEATURES, (3, TIME))
        inputs = rng.normal(size=(3, TIME, FEATURES)).astype("float32") if self.real else tokens
        return inputs, rng.integers(0, self.model.output_shape[-1], (3, TIME))

    def spoilt(self, lengths):
        """The inputs with rubbish in the padding."""
        inputs, _ = self.data
        padding = np.arange(TIME) >= np.array(lengths)[:, None]
        rubbish = np.nan if self.real else 10**6
        return np.where(padding[..., None] if self.real else padding, rubbish, inputs).astype(inputs.dtype)

    @cached_property
    def through_unroll(self):
        served = forward(self.model)
        assert served.engine == "unroll", served.reason
        return outcome_and_gradient(self.model, served.apply)

    @cached_property
    def through_keras(self):
        return outcome_and_gradient(self.model, through_keras(self.model, training=False, ragged=True))

    def run(self, function, lengths, inputs=None):
        inputs = self.data[0] if inputs is None else inputs
        return function(variables_of(self.model), inputs, jnp.array(lengths), self.data[1])

    def alone(self, row, length):
        """What Keras gives for a row cut to its length."""
        free = self.model
        if self.time is not None:
            free = self.build()
            assign(free, variables_of(self.model))
        inputs = self.data[0][row : row + 1, :length]
        if not self.real and len(free.input_shape) == 3:
            inputs = np.eye(FEATURES, dtype="float32")[inputs]
        return np.asarray(free(inputs))


def _ends_in_softmax(layers):
    return getattr(getattr(layers[-1], "activation", None), "__name__", "") == "softmax"


def outcome_and_gradient(model, apply):
    """Predictions (zero behind a row's end), loss and gradient, in one compiled function."""
    loss_of, every_step = compiled_loss(model), len(model.output_shape) == 3

    def objective(trainable, variables, inputs, lengths, targets):
        variables = Variables(trainable, variables.non_trainable)
        outcome = apply(variables, inputs, lengths)
        asked = jnp.arange(TIME) < lengths[:, None] if every_step else jnp.ones(len(lengths), bool)
        targets = targets if every_step else targets[:, 0]
        loss = loss_of(variables, outcome, targets, weights_of(asked))
        return loss, jnp.where(asked[..., None], outcome.predictions, 0)

    @jax.jit
    def function(variables, inputs, lengths, targets):
        gradient_of = jax.value_and_grad(objective, has_aux=True)
        (loss, predictions), gradient = gradient_of(variables.trainable, variables, inputs, lengths, targets)
        return predictions, loss, gradient

    return function


def assert_close(these, others):
    """Equal within the rounding of float32."""

    def close(this, other):
        scale = max(1.0, float(np.abs(other).max(initial=0)))
        np.testing.assert_allclose(this, other, rtol=1e-4, atol=1e-5 * scale)

    jax.tree.map(close, these, others)


def assert_both_paths_agree(case):
    lengths = case.lengths_for_keras
    assert_close(case.run(case.through_unroll, lengths), case.run(case.through_keras, lengths))


def assert_each_row_is_as_alone(case):
    predictions, _, _ = case.run(case.through_unroll, RAGGED)
    every_step = predictions.ndim == 3
    for row, length in enumerate(RAGGED):
        found = predictions[row : row + 1, :length] if every_step else predictions[row : row + 1]
        assert_close(found, case.alone(row, length))


def assert_padding_is_not_read(case):
    """Neither by the predictions, nor by the loss, nor by the gradient."""
    clean = case.run(case.through_unroll, RAGGED)
    spoilt = case.run(case.through_unroll, RAGGED, case.spoilt(RAGGED))
    jax.tree.map(np.testing.assert_array_equal, clean, spoilt)


CASES = {
    "the tutorial's, of fixed length": Case((recurrent("LSTM"), answer()), time=TIME),
    "lstm at every step": Case((recurrent("LSTM", **EVERY_STEP), answer())),
    "lstm backwards, other activations": Case(
        (
            recurrent(
                "LSTM", activation="relu", recurrent_activation="hard_sigmoid", use_bias=False, go_backwards=True
            ),
            answer(None),
        )
    ),
    "gru": Case((recurrent("GRU"), answer())),
    "gru, reset before": Case((recurrent("GRU", reset_after=False), answer())),
    "simple rnn": Case((recurrent("SimpleRNN"), answer())),
    "gru backwards at every step": Case((recurrent("GRU", go_backwards=True, **EVERY_STEP), answer())),
    "stacked, functional, with dropout": Case(
        (
            recurrent("LSTM", **EVERY_STEP),
            layer(LAYERS.Dropout, 0.5),
            recurrent("GRU", dropout=0.3, recurrent_dropout=0.3),
            answer(),
        ),
        functional=True,
    ),
    "embedding": Case((EMBEDDING, recurrent("LSTM"), answer())),
    "frozen embedding of fixed length": Case((EMBEDDING, recurrent("GRU"), answer()), time=TIME, frozen=0),
    "dense first, on vectors": Case(
        (layer(LAYERS.Dense, 4, "tanh"), recurrent("LSTM", **EVERY_STEP), answer()), real=True
    ),
    "dense alone, on vectors": Case((answer(),), real=True),
    "frozen, regularised": Case(
        (
            recurrent("LSTM", kernel_regularizer="l2", recurrent_regularizer="l1", **EVERY_STEP),
            recurrent("SimpleRNN", bias_regularizer="l2"),
            layer(LAYERS.Activation, "tanh"),
            layer(LAYERS.Dense, ANSWERS, kernel_regularizer="l2"),
        ),
        frozen=0,
    ),
    "both ways, concat": Case((both_ways(recurrent("LSTM", **EVERY_STEP)), answer())),
    "both ways, sum": Case((both_ways(recurrent("GRU", use_bias=False), merge_mode="sum"), answer())),
    "both ways, ave": Case(
        (both_ways(recurrent("SimpleRNN", activation=None, **EVERY_STEP), merge_mode="ave"), answer()), real=True
    ),
    "both ways, mul": Case((both_ways(recurrent("LSTM"), merge_mode="mul"), answer())),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


@loses_the_mask
def test_both_paths_agree_on_predictions_loss_and_gradient(case):
    assert_both_paths_agree(case)


def test_each_row_of_a_ragged_batch_is_what_keras_gives_for_it_alone(case):
    assert_each_row_is_as_alone(case)


def test_what_stands_in_the_padding_changes_no_bit(case):
    assert_padding_is_not_read(case)


# Any chain of stock layers

activations = st.sampled_from(["tanh", "relu", "sigmoid", "hard_sigmoid", "softsign", "linear", None])


@st.composite
def recurrents(draw, every_step):
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    drawn = {
        "activation": draw(activations),
        "use_bias": draw(st.booleans()),
        "kernel_regularizer": draw(st.sampled_from([None, "l2"])),
        "return_sequences": every_step,
    }
    if kind != "SimpleRNN":
        drawn["recurrent_activation"] = draw(activations)
    if kind == "GRU":
        drawn["reset_after"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        return both_ways(recurrent(kind, **drawn), merge_mode=draw(st.sampled_from(["concat", "sum", "ave", "mul"])))
    return recurrent(kind, go_backwards=draw(st.booleans()), **drawn)


@st.composite
def cases(draw):
    """Two recurrent layers at most, with what may stand before, between and behind them."""
    every_step, two = draw(st.booleans()), draw(st.booleans())
    first = draw(st.sampled_from([(), (), (EMBEDDING,), (layer(LAYERS.Dense, 4, "tanh"),)]))
    between = draw(st.sampled_from([(), (layer(LAYERS.Dropout, 0.5),), (layer(LAYERS.Dense, 4, "relu"),)]))
    chain = (draw(recurrents(True)), *between, draw(recurrents(every_step))) if two else (draw(recurrents(every_step)),)
    last = draw(st.sampled_from([(), (answer(),), (answer(None), layer(LAYERS.Activation, "tanh"))]))
    layers = (*first, *chain, *last)
    return Case(
        layers,
        time=draw(st.sampled_from([None, TIME])),
        functional=draw(st.booleans()),
        real=first != (EMBEDDING,) and draw(st.booleans()),
        frozen=draw(st.none() | st.just(0)) if len(layers) > 1 else None,
    )


@loses_the_mask
@settings(max_examples=5)
@given(cases())
def test_any_chain_of_stock_layers_is_served_exactly(case):
    assert_both_paths_agree(case)
    assert_each_row_is_as_alone(case)
    assert_padding_is_not_read(case)


# Models that go through Keras


class OwnModel(keras.Model):
    """Does not know of masks, drops out, normalises and adds to the loss."""

    def __init__(self):
        super().__init__(name="own")
        self.memory = LAYERS.LSTM(UNITS)
        self.dropout = LAYERS.Dropout(0.5)
        self.norm = LAYERS.BatchNormalization()
        self.answer = LAYERS.Dense(ANSWERS, "softmax", kernel_regularizer="l2")

    def call(self, x, training=False):
        hidden = self.norm(self.dropout(self.memory(x), training=training), training=training)
        self.add_loss(0.1 * keras.ops.mean(hidden**2))
        return self.answer(hidden)


def own_model(time=None):
    model = OwnModel()
    model(keras.KerasTensor((None, time, FEATURES)))
    model.compile("sgd", "categorical_crossentropy")
    return model


def two_branches(time=None):
    start = keras.Input((time, FEATURES))
    return keras.Model(start, LAYERS.Concatenate()([LAYERS.LSTM(UNITS)(start), LAYERS.GRU(UNITS)(start)]))


def chain(*layers, time=None):
    def build(time=time):
        start = (time,) if layers[0] is MASKING_EMBEDDING else (time, FEATURES)
        return keras.Sequential([keras.Input(start), *[make() for make in layers]])

    return build


def attention():
    start = keras.Input((None, FEATURES))
    hidden = LAYERS.GRU(UNITS, return_sequences=True)(start)
    return keras.Model(start, LAYERS.GlobalAveragePooling1D()(LAYERS.MultiHeadAttention(2, 2)(hidden, hidden)))


MASKING_EMBEDDING = layer(LAYERS.Embedding, FEATURES, 4, mask_zero=True)
OTHERS = {
    "a class of its own": own_model,
    "two branches": two_branches,
    "attention": attention,
    "layer normalisation": chain(layer(LAYERS.LayerNormalization), recurrent("GRU")),
    "an embedding that masks": chain(MASKING_EMBEDDING, recurrent("LSTM"), answer()),
    "the mean of all steps": chain(recurrent("SimpleRNN", **EVERY_STEP), layer(LAYERS.GlobalAveragePooling1D)),
}
TOKENS = np.random.default_rng(2).integers(0, FEATURES, (3, TIME))


def apply_to(model, lengths=None, tokens=TOKENS, training=False):
    """The outcome for rows of several lengths, where the model takes those in one batch; else for full ones."""
    served = forward(model, training=training)
    assert served.engine == "keras"
    lengths = lengths or (RAGGED if served.ragged else FULL)
    return served.apply(variables_of(model), jnp.asarray(tokens), jnp.array(lengths))


def one_hot(tokens):
    return np.eye(FEATURES, dtype="float32")[tokens]


@pytest.mark.parametrize("name", OTHERS)
def test_each_row_of_any_other_model_is_what_keras_gives_for_it_alone(name):
    model = OTHERS[name]()
    ragged = forward(model).ragged
    together = apply_to(model).predictions if ragged else None
    for row, length in enumerate(RAGGED):
        tokens = TOKENS[row : row + 1, :length]
        found = apply_to(model, (length,), tokens).predictions if together is None else together[row : row + 1]
        assert_close(found, model(tokens if "embedding" in name else one_hot(tokens)))


@pytest.mark.parametrize("rubbish", [-1, 3, 10**6])
def test_no_other_model_reads_the_padding(rubbish):
    model = two_branches()
    spoilt = np.where(np.arange(TIME) < np.array(RAGGED)[:, None], TOKENS, rubbish)
    np.testing.assert_array_equal(apply_to(model, tokens=spoilt).predictions, apply_to(model).predictions)


def test_a_model_of_fixed_length_that_ignores_padding_takes_shorter_arrays():
    model = two_branches(time=TIME + 3)
    wide = apply_to(model, tokens=np.pad(TOKENS, [(0, 0), (0, 3)])).predictions
    np.testing.assert_array_equal(apply_to(model).predictions, wide)


def test_what_layers_add_to_the_loss_is_in_the_loss_that_keras_reports():
    model = own_model()
    outcome = apply_to(model, FULL)
    loss = compiled_loss(model)(variables_of(model), outcome, jnp.asarray(TOKENS[:, 0] % ANSWERS), jnp.ones(3))
    reported = model.test_on_batch(one_hot(TOKENS), np.eye(ANSWERS)[TOKENS[:, 0] % ANSWERS])
    np.testing.assert_allclose(loss, reported, rtol=1e-6)


def test_a_penalty_on_activity_is_in_the_loss_that_keras_reports_and_regularisers_are_there_once():
    penalised = layer(LAYERS.LSTM, UNITS, activity_regularizer="l1", kernel_regularizer="l2")
    model = chain(penalised, layer(LAYERS.Dense, ANSWERS, "softmax", bias_regularizer="l2"))()
    model.layers[-1].bias.assign(np.ones(ANSWERS))
    model.compile("sgd", "categorical_crossentropy")
    outcome = apply_to(model, FULL)
    loss = compiled_loss(model)(variables_of(model), outcome, jnp.asarray(TOKENS[:, 0] % ANSWERS), jnp.ones(3))
    reported = model.test_on_batch(one_hot(TOKENS), np.eye(ANSWERS)[TOKENS[:, 0] % ANSWERS])
    np.testing.assert_allclose(loss, reported, rtol=1e-6)


def test_in_training_dropout_and_normalisation_are_at_work_and_their_state_moves_on():
    model = own_model()
    before = variables_of(model)
    outcome = apply_to(model, training=True)
    assert (np.asarray(outcome.predictions) != apply_to(model).predictions).any()
    assign(model, before._replace(non_trainable=outcome.non_trainable))
    assert (np.asarray(model.norm.moving_mean) != 0).any()
    again = apply_to(model, training=True)
    assert (np.asarray(outcome.predictions) != again.predictions).any()


def test_at_rest_nothing_moves():
    model = own_model()
    jax.tree.map(np.testing.assert_array_equal, apply_to(model).non_trainable, variables_of(model).non_trainable)


# What is asked of a model


def test_assigned_variables_are_those_that_the_model_has():
    model = own_model()
    doubled = jax.tree.map(lambda array: array * 2, variables_of(model))
    assign(model, doubled)
    jax.tree.map(np.testing.assert_array_equal, variables_of(model), doubled)


@pytest.mark.parametrize("time", [None, TIME])
def test_a_model_of_any_kind_tells_its_shapes(time):
    for build, answers in ((own_model, ANSWERS), (two_branches, 2 * UNITS)):
        assert input_shape(build(time)) == (None, None if build is own_model else time, FEATURES)
        assert output_shape(build(time)) == (None, answers)


def test_a_model_that_was_called_once_takes_the_features_of_that_call_and_any_length():
    model = OwnModel()
    model(one_hot(TOKENS))
    assert input_shape(model) == (None, None, FEATURES)


class Flattening(keras.Model):
    """Takes the length that it was built on, and no other."""

    def __init__(self):
        super().__init__()
        self.flat, self.answer = LAYERS.Flatten(), LAYERS.Dense(ANSWERS)

    def call(self, x):
        return self.answer(self.flat(x))


def test_a_model_of_ones_own_that_takes_one_length_tells_it():
    model = Flattening()
    model(one_hot(TOKENS))
    assert input_shape(model) == (None, TIME, FEATURES)


class StaysRandom(LAYERS.Layer):
    """Dropout that stays on when the model is used (Gal & Ghahramani, arXiv 1506.02142)."""

    def __init__(self):
        super().__init__()
        self.dropout = LAYERS.Dropout(0.5)

    def call(self, x):
        return self.dropout(x, training=True)


def test_a_model_that_draws_when_it_is_used_draws_for_each_row_and_each_time():
    model = chain(recurrent("LSTM"), StaysRandom, layer(LAYERS.Dense, 30))()
    rows = np.repeat(one_hot(TOKENS[:1]), 20, axis=0)
    first, second = (np.array(predict(model, rows, probabilities=True)) for _ in range(2))
    assert len(np.unique(first.round(6), axis=0)) > 3
    assert (first != second).any()


def two_inputs():
    starts = keras.Input((None, 2)), keras.Input((None, 3))
    return keras.Model(starts, LAYERS.Concatenate()([LAYERS.GRU(2)(start) for start in starts]))


@pytest.mark.parametrize("build", [OwnModel, keras.Sequential, two_inputs])
def test_a_model_without_one_known_input_is_refused_with_a_sentence(build):
    model = build()
    with pytest.raises(ModelError, match=naming(model.name, "(batch, time, features)")):
        forward(model)


@pytest.mark.parametrize("build", [two_branches, CASES["simple rnn"].build])
def test_a_width_holds_the_length_stays_within_the_limit_and_seldom_changes(build):
    served = forward(build())

    @given(st.integers(1, 2**20), st.data())
    def holds(limit, data):
        length = data.draw(st.integers(1, limit))
        width = served.width(length, limit)
        assert width == limit or length < width <= limit
        assert width in {min(power, limit) for power in (2**n for n in range(3, 22))}

    holds()


def test_a_fixed_length_through_keras_costs_all_of_its_width_anyway():
    served = forward(two_branches(time=TIME))
    assert (served.fixed_length, served.width(2, TIME)) == (TIME, TIME)


# A number of rows, and states that are handed on


def stateful(rows):
    return keras.Sequential(
        [keras.Input(batch_shape=(rows, 4, FEATURES)), LAYERS.LSTM(UNITS, stateful=True), LAYERS.Dense(ANSWERS)]
    )


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_model_of_a_fixed_number_of_rows_answers_any_number_and_begins_each_anew(rows):
    model = stateful(rows)
    tokens = TOKENS[:, :4]
    model.predict(one_hot(np.resize(tokens, (rows, 4))), verbose=0)  # which leaves states behind
    states = [np.asarray(state.value) for state in model.layers[0].states]
    found = apply_to(model, (4, 4, 4), tokens).predictions
    free = keras.Sequential([keras.Input((4, FEATURES)), LAYERS.LSTM(UNITS), LAYERS.Dense(ANSWERS)])
    free.set_weights(model.get_weights())
    assert_close(found, free(one_hot(tokens)))
    jax.tree.map(np.testing.assert_array_equal, states, [np.asarray(state.value) for state in model.layers[0].states])


# One input or output in a list or a dictionary


def boxed(of_input, of_output):
    start = keras.Input((None, FEATURES), name="sequence")
    outputs = LAYERS.Dense(ANSWERS)(LAYERS.LayerNormalization()(LAYERS.LSTM(UNITS)(start)))
    return keras.Model(of_input(start), of_output(outputs))


BOXES = {"bare": lambda x: x, "list": lambda x: [x], "dictionary": lambda x: {"sequence": x}}


@pytest.mark.parametrize("of_input", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("of_output", BOXES.values(), ids=BOXES)
def test_one_array_in_a_list_or_a_dictionary_is_one_array(of_input, of_output):
    model = boxed(of_input, of_output)
    assert output_shape(model) == (None, ANSWERS)
    (expected,) = keras.tree.flatten(model(of_input(one_hot(TOKENS))))
    assert_close(apply_to(model, FULL).predictions, expected)


def test_two_outputs_are_refused():
    start = keras.Input((None, FEATURES))
    model = keras.Model(start, [LAYERS.LSTM(2)(start), LAYERS.GRU(2)(start)])
    with pytest.raises(ModelError, match=naming(model.name, 2)):
        output_shape(model)


# Other numbers


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_of_other_numbers_is_what_keras_gives(dtype):
    layers = [LAYERS.LSTM(UNITS, dtype=dtype), LAYERS.Dense(ANSWERS, dtype=dtype)]
    model = keras.Sequential([keras.Input((None, FEATURES)), *layers])
    predictions = np.asarray(apply_to(model).predictions, np.float64)
    for row, length in enumerate(RAGGED):
        expected = np.asarray(model(one_hot(TOKENS[row : row + 1, :length])), np.float64)
        np.testing.assert_allclose(predictions[row : row + 1], expected, atol=1e-2)


# What cannot be compiled


class Branching(keras.Model):
    """Runs in Keras with run_eagerly=True, and nowhere else."""

    def __init__(self):
        super().__init__()
        self.memory, self.answer = LAYERS.LSTM(UNITS), LAYERS.Dense(ANSWERS)

    def call(self, x):
        hidden = self.memory(x)
        return self.answer(hidden * 0.5 if float(keras.ops.max(hidden)) > 0.5 else hidden)


@pytest.mark.parametrize("built", [False, True])
def test_a_model_that_branches_on_a_value_is_told_that_it_cannot_be_compiled(built):
    model = Branching()
    model(one_hot(TOKENS))
    if built:
        model.build((None, TIME, FEATURES))
    with pytest.raises(ModelError, match=naming(model.name, "if x > 0", "keras.ops.where", "keras.ops.cond")):
        output_shape(model)
