# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportCallIssue=false

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan import ModelError, TaskError, one_hot_encode, predict, vanilla_lstm
from memoryspan.backend import keras
from memoryspan.inference.trace import named_arrays, saliency, trace
from tests.messages import naming

LAYERS = keras.layers
SYMBOLS = 6


def chain(*layers, time=None, seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((time, SYMBOLS)), *(make() for make in layers)])


@pytest.fixture(scope="module")
def lstm():
    return chain(lambda: LAYERS.LSTM(4), lambda: LAYERS.Dense(SYMBOLS, "softmax"))


@pytest.fixture(scope="module")
def bidirectional():
    return chain(lambda: LAYERS.Bidirectional(LAYERS.GRU(4)), lambda: LAYERS.Dense(SYMBOLS, "softmax"))


ragged = st.lists(st.lists(st.integers(0, SYMBOLS - 1), min_size=1, max_size=5), min_size=1, max_size=3)


@pytest.mark.slow
@settings(max_examples=5)
@given(sequences=ragged)
def test_the_answer_at_a_step_is_the_one_to_the_sequence_ended_there(lstm, bidirectional, sequences):
    for model in (lstm, bidirectional):
        found = trace(model, sequences)
        assert found.lengths.tolist() == [len(sequence) for sequence in sequences]
        for row, sequence in enumerate(sequences):
            prefixes = [sequence[:end] for end in range(1, len(sequence) + 1)]
            expected = predict(model, prefixes, probabilities=True)
            np.testing.assert_allclose(found.predictions[row, : len(sequence)], expected, atol=1e-6)
            assert np.isnan(found.predictions[row, len(sequence) :]).all()


@settings(max_examples=10)
@given(sequences=ragged)
def test_a_ragged_batch_gives_what_each_sequence_gives_alone_and_nothing_past_its_end(bidirectional, sequences):
    together = named_arrays(trace(bidirectional, sequences))
    for row, sequence in enumerate(sequences):
        alone = named_arrays(trace(bidirectional, sequence))
        for name in together.keys() - {"lengths"}:
            np.testing.assert_allclose(together[name][row, : len(sequence)], alone[name][0], atol=1e-6)
            assert np.isnan(together[name][row, len(sequence) :]).all()


def test_rows_of_several_lengths_do_not_read_each_others_padding_in_a_model_that_would():
    model = chain(lambda: LAYERS.Conv1D(3, 2, padding="same"), lambda: LAYERS.LSTM(4))
    (layer,) = trace(model, [[1, 2, 3], [4, 5]]).layers
    (alone,) = trace(model, [4, 5]).layers
    np.testing.assert_allclose(layer.arrays["cell"][1, :2], alone.arrays["cell"][0], atol=1e-6)


def test_the_tutorials_model_of_a_fixed_length_answers_at_every_step_too():
    found = trace(vanilla_lstm(5, SYMBOLS, 4), [0, 1, 2, 3, 4])
    assert (found.predictions.shape, found.reason) == ((1, 5, SYMBOLS), "")


def test_a_model_that_answers_every_step_gives_those_answers():
    model = chain(lambda: LAYERS.GRU(3, return_sequences=True), lambda: LAYERS.Dense(2))
    x = one_hot_encode([1, 2, 3], SYMBOLS)[np.newaxis].astype("float32")
    np.testing.assert_allclose(trace(model, [1, 2, 3]).predictions, model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "time", "reason"),
    [
        ([lambda: LAYERS.Bidirectional(LAYERS.LSTM(2)), lambda: LAYERS.LayerNormalization()], 3, "takes exactly 3"),
        ([lambda: LAYERS.LSTM(2, return_state=True)], None, "should give one array"),
    ],
)
def test_where_there_is_no_answer_at_every_step_the_reason_is_said(layers, time, reason):
    start = x = keras.Input((time, SYMBOLS))
    for make in layers:
        x = make()(x)
    found = trace(keras.Model(start, x), [1, 2, 3])
    assert found.predictions is None
    assert reason in found.reason


def test_a_decoder_with_steps_of_its_own_is_traced_over_those():
    model = chain(lambda: LAYERS.LSTM(3), lambda: LAYERS.RepeatVector(4), lambda: LAYERS.LSTM(2))
    encoder, decoder = trace(model, [[1, 2], [3, 4, 5]]).layers
    assert (encoder.arrays["cell"].shape, decoder.arrays["cell"].shape) == ((2, 3, 3), (2, 4, 2))
    assert np.isfinite(decoder.arrays["cell"]).all()


@pytest.mark.slow
def test_what_the_gradient_says_is_what_a_small_change_of_the_input_does(lstm):
    sequence = [3, 1, 4, 1, 5]
    x = one_hot_encode(sequence, SYMBOLS)[np.newaxis].astype("float32")
    answer = predict(lstm, sequence)
    by_hand, width = np.zeros(x.shape[1:]), 1e-2
    for place in np.ndindex(*x.shape[1:]):
        change = np.zeros_like(x)
        change[(0, *place)] = width
        by_hand[place] = (np.asarray(lstm(x + change))[0, answer] - np.asarray(lstm(x - change))[0, answer]) / (
            2 * width
        )
    np.testing.assert_allclose(saliency(lstm, sequence)[0], np.linalg.norm(by_hand, axis=-1), rtol=0.01, atol=1e-5)


def test_of_a_vector_of_numbers_the_gradient_is_that_of_all_of_them():
    model = chain(lambda: LAYERS.LSTM(4), lambda: LAYERS.Dense(3))
    x = np.random.default_rng(0).normal(size=(1, 4, SYMBOLS)).astype("float32")
    found, width = np.zeros(x.shape[1:]), 1e-2
    for place in np.ndindex(*x.shape[1:]):
        change = np.zeros_like(x)
        change[(0, *place)] = width
        slopes = (np.asarray(model(x + change)) - np.asarray(model(x - change))) / (2 * width)
        found[place] = (slopes**2).sum()
    np.testing.assert_allclose(saliency(model, x)[0], np.sqrt(found.sum(-1)), rtol=0.01)
    assert not trace(model, x).of_classes


def test_numbers_of_a_model_without_an_axis_of_features_have_a_gradient():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), LAYERS.Reshape((3, 1)), LAYERS.LSTM(4), LAYERS.Dense(1)])
    x, width = np.array([[0.5, -1, 2]], "float32"), 1e-2
    changes = np.eye(3, dtype="float32") * width
    by_hand = [abs(float(model(x + one)[0, 0] - model(x - one)[0, 0])) / (2 * width) for one in changes]
    np.testing.assert_allclose(saliency(model, x)[0], by_hand, rtol=0.01)
    assert trace(model, [1, 2, 3], reads="numbers").inputs[0].dtype.kind == "f"


def test_saliency_is_that_of_the_step_which_is_asked_for():
    layers = LAYERS.LSTM(4, return_sequences=True), LAYERS.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((None, 5)), *layers])
    found = saliency(model, [[1, 2, 3, 4], [3, 2, 1, 0]], step=1)
    np.testing.assert_allclose(found[:, :2], saliency(model, [[1, 2], [3, 2]]), rtol=1e-4)
    assert (found[:, 2:] == 0).all()
    np.testing.assert_array_equal(saliency(model, [1, 2, 3], step=2), saliency(model, [1, 2, 3]))
    with pytest.raises(TaskError, match=naming("step", 1, 2)):
        saliency(model, [[1, 2, 3], [1, 2]], step=2)


def test_saliency_of_a_model_that_answers_once_has_no_other_step(lstm):
    with pytest.raises(ModelError, match=naming(lstm.name, "step")):
        saliency(lstm, [1, 2, 3], step=1)


def test_saliency_is_that_of_each_sequence_alone_whichever_way_it_is_given(lstm):
    found = saliency(lstm, [[1, 2, 3], [4, 5]])
    np.testing.assert_allclose(found[1, :2], saliency(lstm, [4, 5])[0], rtol=1e-4)
    assert np.isnan(found[1, 2])
    one_hot = one_hot_encode([1, 2, 3], SYMBOLS)[np.newaxis]
    np.testing.assert_allclose(saliency(lstm, one_hot)[0], found[0], rtol=1e-4)


def test_of_a_chain_that_reads_tokens_the_gradient_is_that_of_their_one_hot_vectors():
    layers = LAYERS.Embedding(SYMBOLS, 3), LAYERS.LSTM(4), LAYERS.Dense(2, "softmax")
    assert (saliency(keras.Sequential([keras.Input((None,)), *layers]), [1, 2, 3]) > 0).all()
    masked = LAYERS.Embedding(SYMBOLS, 3, mask_zero=True), LAYERS.LSTM(4), LAYERS.Dense(2, "softmax")
    model = keras.Sequential([keras.Input((None,)), *masked])
    with pytest.raises(ModelError, match=naming(model.name, "gradient")):
        saliency(model, [1, 2, 3])
    (layer,) = trace(model, [1, 0, 3]).layers
    assert np.isnan(layer.arrays["input"]).all(-1).tolist() == [[False, True, False]]


def test_what_cannot_be_traced_is_refused_with_a_sentence(lstm):
    with pytest.raises(ModelError, match=naming("LSTM", "GRU", "SimpleRNN")):
        trace(chain(lambda: LAYERS.Dense(2)), [1, 2])
    with pytest.raises(TaskError, match=naming(5, 6)):
        trace(lstm, [1, 6])
    stateful = keras.Sequential([keras.Input(batch_shape=(2, 3, SYMBOLS)), LAYERS.LSTM(2, stateful=True)])
    with pytest.raises(ModelError, match=naming(stateful.name, 2, 1)):
        trace(stateful, [1, 2, 3])
