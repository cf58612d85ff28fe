import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import ModelError, TaskError, one_hot_encode, predict, vanilla_lstm
from memoryspan.backend import keras


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([keras.Input((None, 10)), layers.LSTM(6), layers.Dense(10, "softmax")])


@pytest.fixture(scope="module")
def answering_every_step() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([keras.Input((None, 10)), layers.GRU(6, return_sequences=True), layers.Dense(4)])


@given(sequences=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1, max_size=5))
def test_many_sequences_of_any_lengths_get_what_keras_gives_each_alone(model, sequences):
    found = predict(model, sequences, probabilities=True)
    for sequence, probabilities in zip(sequences, found, strict=True):
        alone = np.asarray(model(one_hot_encode(sequence, 10)[np.newaxis].astype("float32")))[0]
        np.testing.assert_allclose(probabilities, alone, atol=1e-6)


def test_one_sequence_gets_one_answer_however_it_is_given(model):
    sequence = [3, 1, 4, 1, 5]
    (among_many,) = predict(model, [sequence])
    (as_one_hot,) = predict(model, one_hot_encode(sequence, 10)[np.newaxis])
    (as_array_of_tokens,) = predict(model, np.array([sequence]))
    assert (
        predict(model, sequence) == predict(model, np.array(sequence)) == among_many == as_one_hot == as_array_of_tokens
    )


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


@pytest.mark.parametrize(
    ("sequences", "sentence"),
    [
        ([], "this one is empty"),
        ([[1, 2], []], "this one is empty"),
        ([1, 2, 10], "Symbols go from 0 to 9 for this model, and the sequence holds 10"),
        ([[1], [-1]], "and the sequence holds -1"),
        ([0.5, 1.0], "should be whole numbers from 0 to 9"),
        (["a"], "should be whole numbers from 0 to 9"),
        (np.zeros((2, 3, 7)), "should have the shape (samples, timesteps, features) = (…, …, 10)"),
        (np.zeros((1, 2, 3, 10)), "and this one has (1, 2, 3, 10)"),
        (one_hot_encode([1, 2, 3], 10), "reshape one sequence to (1, 3, 10)"),
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


def test_a_model_that_takes_no_sequence_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match="should take one array of shape"):
        predict(model, [1, 2])
