# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import Echo, ModelError, TaskError, one_hot_encode, predict, vanilla_lstm
from memoryspan.backend import keras
from memoryspan.engine import forward


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([keras.Input((None, 10)), layers.LSTM(6), layers.Dense(10, "softmax")])


@pytest.fixture(scope="module")
def answering_every_step() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([keras.Input((None, 10)), layers.GRU(6, return_sequences=True), layers.Dense(4, "softmax")])


@given(sequences=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1, max_size=5))
def test_many_sequences_of_any_lengths_get_what_keras_gives_each_alone(model, sequences):
    found, keras_alone = predict(model, sequences, probabilities=True), jax.jit(model)  # compiled once a length
    for sequence, probabilities in zip(sequences, found, strict=True):
        alone = np.asarray(keras_alone(one_hot_encode(sequence, 10)[np.newaxis].astype("float32")))[0]
        np.testing.assert_allclose(probabilities, alone, atol=1e-6)


def test_one_sequence_gets_one_answer_however_it_is_given(model):
    sequence = [3, 1, 4, 1, 5]
    (among_many,) = predict(model, [sequence])
    (as_one_hot,) = predict(model, one_hot_encode(sequence, 10)[np.newaxis])
    (as_array_of_tokens,) = predict(model, np.array([sequence]))
    assert (
        predict(model, sequence) == predict(model, np.array(sequence)) == among_many == as_one_hot == as_array_of_tokens
    )


@pytest.mark.parametrize("as_given", [jnp.asarray, np.asarray, lambda rows: list(jnp.asarray(rows)), tuple])
def test_arrays_of_jax_are_read_like_any_other(model, as_given):
    tokens = np.asarray(Echo(4, 10).sample(jax.random.key(0), 3, 4).inputs)
    found = predict(model, as_given(tokens))
    assert (
        found
        == predict(model, tokens.tolist())
        == predict(model, as_given(one_hot_encode(tokens.ravel(), 10).reshape(3, 4, 10)))
    )
    assert predict(model, jnp.asarray(tokens[0])) == predict(model, list(jnp.asarray(tokens[0]))) == found[0]


def test_whole_numbers_are_vectors_in_an_array_of_three_dimensions(model):
    vectors = np.arange(30).reshape(1, 3, 10)
    (found,) = predict(model, vectors, probabilities=True)
    np.testing.assert_allclose(found, np.asarray(model(vectors.astype("float32")))[0], atol=1e-6)


@pytest.mark.parametrize("every_step", [False, True])
def test_a_model_that_answers_with_a_number_has_no_classes(every_step):
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, 5)), layers.LSTM(3, return_sequences=every_step), layers.Dense(1)])
    answer = predict(model, [1, 2])
    np.testing.assert_array_equal(answer, predict(model, [1, 2], probabilities=True))
    np.testing.assert_allclose(answer, model.predict(np.eye(5)[None, [1, 2]], verbose=0)[0], atol=1e-6)
    assert answer.shape == ((2, 1) if every_step else (1,))


def reads_its_padding(kind: str) -> keras.Model:
    layers = keras.layers
    first = {
        "convolution": [keras.Input((None, 5)), layers.Conv1D(5, 2, padding="causal")],
        "norm": [keras.Input((None,)), layers.Embedding(5, 4), layers.LayerNormalization()],
    }
    keras.utils.set_random_seed(0)
    return keras.Sequential([*first[kind], layers.LSTM(4), layers.Dense(5, "softmax")])


@pytest.mark.parametrize("kind", ["convolution", "norm"])
def test_a_model_that_reads_its_padding_gets_none(kind):
    model = reads_its_padding(kind)
    assert not forward(model).ragged
    sequences = [[1, 2, 3], [4], [0, 4, 1, 1, 2], [3, 0, 2], [2]]
    for sequence, found in zip(sequences, predict(model, sequences, probabilities=True), strict=True):
        x = np.array([sequence]) if kind == "norm" else np.eye(5, dtype="float32")[[sequence]]
        np.testing.assert_allclose(found, model.predict(x, verbose=0)[0], atol=1e-6)


def test_many_sequences_go_through_the_model_some_at_a_time(model, monkeypatch):
    sequences = [[i % 10] * (1 + i % 7) for i in range(50)]
    at_once = predict(model, sequences, probabilities=True)
    monkeypatch.setattr("memoryspan.sequences.ROWS", 4)
    monkeypatch.setattr("memoryspan.sequences.SYMBOLS", 16)
    np.testing.assert_allclose(predict(model, sequences, probabilities=True), at_once, atol=1e-6)


def test_a_model_that_answers_every_step_gives_one_answer_a_step(answering_every_step):
    classes = predict(answering_every_step, [[1, 2, 3], [4]])
    assert [answer.shape for answer in classes] == [(3,), (1,)]
    assert predict(answering_every_step, [1, 2, 3], probabilities=True).shape == (3, 4)


def test_predictions_follow_the_weights(model):
    before = predict(model, [1, 2, 3], probabilities=True)
    model.layers[-1].bias.assign(np.arange(10, dtype="float32"))
    assert not np.allclose(before, predict(model, [1, 2, 3], probabilities=True))
    assert predict(model, [1, 2, 3]) == 9


def test_a_layer_that_is_frozen_or_added_in_between_is_not_overlooked():
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.LSTM(4), keras.layers.Dense(5)])
    predict(model, [1, 2])
    model.layers[0].trainable = False
    predict(model, [1, 2])
    model.add(keras.layers.Dense(3))
    assert predict(model, [1, 2], probabilities=True).shape == (3,)


def test_layers_of_one_shape_that_are_frozen_in_turn_keep_their_weights():
    b, c = keras.layers.Dense(4, name="b"), keras.layers.Dense(4, name="c")
    model = keras.Sequential([keras.Input((None, 4)), keras.layers.LSTM(4), b, c])
    x = [1, 2, 3]
    for frozen, thawed in ((b, c), (c, b)):
        frozen.trainable, thawed.trainable = False, True
        expected = np.asarray(model(np.eye(4, dtype="float32")[None, x]))[0]
        np.testing.assert_allclose(predict(model, x, probabilities=True), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("sequences", "sentence"),
    [
        ([], "this one is empty"),
        ([[1, 2], []], "this one is empty"),
        ([1, 2, 10], "Symbols go from 0 to 9 for this model, and the sequence holds 10"),
        ([[1], [-1]], "and the sequence holds -1"),
        ([0.5, 1.0], "the shape (time, 10)"),
        (["a"], "'a'"),
        ("12", "'12'"),
        ([[1, 2], 3], "shape ()"),
        ([1, [2, 3]], "should all be alike"),
        (np.zeros((0, 6), int), "empty: an array of shape (0, 6)"),
        (np.zeros((3, 0, 10)), "empty: an array of shape (3, 0, 10)"),
        (np.full((1, 2, 10), np.nan), "all of them finite"),
        (np.full((1, 2, 10), 1e300), "32 bits"),
        (np.zeros((2, 3, 7)), "an array of shape (3, 7)"),
        (np.zeros((3, 7)), "an array of shape (3, 7)"),
        (np.zeros((1, 2, 3, 10)), "an array of shape (1, 2, 3, 10)"),
        (one_hot_encode([1, 2, 3], 10), 'reads="one-hot"'),
    ],
)
def test_sequences_that_make_no_sense_are_refused_with_a_sentence(model, sequences, sentence):
    with pytest.raises(TaskError) as refusal:
        predict(model, sequences)
    assert sentence in str(refusal.value)


def test_a_model_of_fixed_length_takes_that_length_and_no_other():
    model = vanilla_lstm(5, 10, 4)
    assert predict(model, [1, 2, 3, 4, 5]) in range(10)
    with pytest.raises(TaskError, match="takes exactly 5 time steps, and the sequence has 4"):
        predict(model, [1, 2, 3, 4])


def test_a_model_of_two_answers_is_refused():
    x = keras.Input((None, 10))
    hidden = keras.layers.LSTM(4)(x)
    model = keras.Model(x, [keras.layers.Dense(2)(hidden), keras.layers.Dense(3)(hidden)])
    with pytest.raises(ModelError, match="should give one array"):
        predict(model, [1, 2])


def test_what_is_no_model_is_refused():
    with pytest.raises(ModelError, match=r"load a file with keras\.saving\.load_model"):
        predict("model.keras", [1, 2])  # pyright: ignore[reportArgumentType]


def test_a_model_that_takes_no_sequence_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match="should take one array of shape"):
        predict(model, [1, 2])
