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
from memoryspan.inference.inputs import MAX_ROWS
from memoryspan.inference.predict import CLASS_LOSSES, is_classifier
from memoryspan.tasks import Adding, Delay
from tests.messages import naming


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


def ending(*last, n_features=2, every_step=False):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((None, n_features)), keras.layers.GRU(3, return_sequences=every_step), *last])


@pytest.mark.parametrize("every_step", [False, True])
def test_a_model_that_answers_with_several_numbers_gives_them(every_step):
    model = ending(keras.layers.Dense(3), every_step=every_step)
    model.compile("adam", "mse")
    x = np.array([[0.1, 0.2], [0.3, -0.4]], "float32")
    answer = predict(model, x)
    np.testing.assert_allclose(answer, model.predict(x[np.newaxis], verbose=0)[0], atol=1e-6)
    np.testing.assert_array_equal(answer, predict(model, x, probabilities=True))


def test_a_series_of_whole_numbers_for_one_real_channel_is_answered_as_keras_does():
    model = ending(keras.layers.Dense(1), n_features=1)
    for series in ([0, 1, 0], [10, -20, 30], [0.5, 0.25]):
        x = np.array(series, "float32").reshape(1, -1, 1)
        np.testing.assert_allclose(predict(model, series), model.predict(x, verbose=0)[0], atol=1e-6)


def test_numbers_for_a_model_without_an_axis_of_features_are_answered_as_keras_does():
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Reshape((4, 1)), layers.LSTM(3), layers.Dense(2)])
    x = np.array([0.1, 2, -3, 4], "float32")
    expected = model.predict(x[np.newaxis], verbose=0)[0]
    np.testing.assert_allclose(predict(model, x), expected, atol=1e-6)
    np.testing.assert_allclose(predict(model, [0, 2, -3, 4], reads="numbers"), predict(model, [0.0, 2, -3, 4]))


def test_a_model_with_its_symbols_made_one_hot_inside_is_answered_as_keras_does():
    x = keras.Input((None,), dtype="int32")
    keras.utils.set_random_seed(0)
    model = keras.Model(x, keras.layers.Dense(5, "softmax")(keras.layers.LSTM(3)(keras.ops.one_hot(x, 5))))
    expected = model.predict(np.array([[1, 4, 0]]), verbose=0)[0]
    np.testing.assert_allclose(predict(model, [1, 4, 0], probabilities=True), expected, atol=1e-6)
    assert predict(model, [1, 4, 0]) == expected.argmax()
    with pytest.raises(TaskError, match=naming(4, 5)):
        predict(model, [1, 5], task=Echo(3, 5, 1))


CLASSES = [
    *CLASS_LOSSES,
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    keras.losses.CategoricalCrossentropy(from_logits=True),
    keras.losses.SparseCategoricalCrossentropy(),
    keras.losses.CategoricalFocalCrossentropy(),
    keras.losses.CategoricalHinge(),
    "CategoricalCrossentropy",
    ["categorical_crossentropy"],
]
NUMBERS = ["mse", "mean_absolute_error", "binary_crossentropy", keras.losses.Huber(), ["mse"]]


class MyLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(abs(y_true - y_pred), axis=-1)


OWN = [lambda y_true, y_pred: abs(y_true - y_pred), MyLoss()]


@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_loss_of_kerass_says_whether_answers_are_classes(activation):
    model = ending(keras.layers.Dense(3, activation))
    for losses, of_classes in ((CLASSES, True), (NUMBERS, False)):
        for loss in losses:
            model.compile("adam", loss)
            assert is_classifier(model) == of_classes, loss


@pytest.mark.parametrize("loss", [None, *OWN])
def test_without_a_loss_of_kerass_a_softmax_at_the_end_says_it(loss):
    layers = keras.layers
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, "softmax")])
    x = keras.Input((None, 2))
    graph = keras.Model(x, keras.ops.softmax(layers.Dense(3)(layers.GRU(3)(x))))
    dense = layers.Dense(3, "softmax")
    ends = [
        (ending(dense), True),
        (ending(layers.Dense(3), layers.Softmax()), True),
        (ending(layers.Dense(3), layers.Activation("softmax")), True),
        (ending(layers.TimeDistributed(layers.Dense(3, "softmax")), every_step=True), True),
        (ending(layers.TimeDistributed(inner), every_step=True), True),
        (ending(inner), True),
        (graph, True),
        (ending(layers.Dense(3), layers.Softmax(axis=2), every_step=True), True),
        (ending(layers.Dense(3), layers.Softmax(axis=1), every_step=True), False),
        (ending(layers.Dense(3)), False),
        (ending(layers.Dense(3, "sigmoid")), False),
        (ending(layers.Dense(3, "softmax"), layers.Dense(3)), False),
    ]
    for model, of_classes in ends:
        if loss is not None:
            model.compile("adam", loss)
        assert is_classifier(model) == of_classes, model.layers[-1]


def test_a_model_of_ones_own_ends_in_its_last_layer():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.memory, self.answer = keras.layers.GRU(3), keras.layers.Dense(3, "softmax")

        def call(self, x):
            return self.answer(self.memory(x))

    model = Own()
    model(np.zeros((1, 2, 2), "float32"))
    assert is_classifier(model)


def test_the_task_knows_best_whether_answers_are_classes():
    model = ending(keras.layers.Dense(3), n_features=3, every_step=True)
    model.compile("adam", "mse")
    task = Delay(4, 3, 1)
    assert is_classifier(model, task)
    assert predict(model, [0, 1, 2, 0], task=task).shape == (4,)
    number = ending(keras.layers.Dense(1, "softmax"))
    assert not is_classifier(number)
    assert not is_classifier(number, Adding())


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


def test_more_sequences_than_fit_into_a_batch_get_the_answers_of_few(model):
    sequences = [[i % 10] * (1 + i % 7) for i in range(MAX_ROWS + 76)]
    found = predict(model, sequences, probabilities=True)
    np.testing.assert_allclose(found[::20], predict(model, sequences[::20], probabilities=True), atol=1e-6)


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
    ("sequences", "words"),
    [
        ([], ["empty"]),
        ([[1, 2], []], ["empty"]),
        ([1, 2, 10], [0, 9, 10]),
        ([[1], [-1]], [0, 9, -1]),
        ([0.5, 1.0], ["(time, 10)"]),
        (["a"], ["'a'"]),
        ("12", ["'12'"]),
        ([[1, 2], 3], ["shape ()"]),
        ([1, [2, 3]], ["symbols", "vectors", "width"]),
        (np.zeros((0, 6), int), ["empty", "(0, 6)"]),
        (np.zeros((3, 0, 10)), ["empty", "(3, 0, 10)"]),
        (np.full((1, 2, 10), np.nan), ["finite"]),
        (np.full((1, 2, 10), 1e300), [32, "3e38"]),
        (np.zeros((2, 3, 7)), ["(3, 7)"]),
        (np.zeros((3, 7)), ["(3, 7)"]),
        (np.zeros((1, 2, 3, 10)), ["(1, 2, 3, 10)"]),
        (one_hot_encode([1, 2, 3], 10), ['reads="one-hot"']),
    ],
)
def test_sequences_that_make_no_sense_are_refused(model, sequences, words):
    with pytest.raises(TaskError, match=naming(*words)):
        predict(model, sequences)


def test_a_model_of_fixed_length_takes_that_length_and_no_other():
    model = vanilla_lstm(5, 10, 4)
    assert predict(model, [1, 2, 3, 4, 5]) in range(10)
    with pytest.raises(TaskError, match=naming(5, 4)):
        predict(model, [1, 2, 3, 4])


def test_a_model_of_two_answers_is_refused():
    x = keras.Input((None, 10))
    hidden = keras.layers.LSTM(4)(x)
    model = keras.Model(x, [keras.layers.Dense(2)(hidden), keras.layers.Dense(3)(hidden)])
    with pytest.raises(ModelError, match=naming(model.name, 2)):
        predict(model, [1, 2])


def test_what_is_no_model_is_refused():
    with pytest.raises(ModelError, match=naming("'model.keras'", "keras.saving.load_model")):
        predict("model.keras", [1, 2])  # pyright: ignore[reportArgumentType]


def test_a_model_that_takes_no_sequence_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match=naming("(batch, time, features)", "(None, 4, 4, 3)")):
        predict(model, [1, 2])
