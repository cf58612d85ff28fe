# pyright: reportArgumentType=false, reportOperatorIssue=false, reportAttributeAccessIssue=false, reportCallIssue=false
"""What a model takes a sequence for. Nothing is compiled here: `test_prediction.py` has the answers."""

import numpy as np
import pytest

from memoryspan import Echo, ModelError, TaskError
from memoryspan.backend import keras
from memoryspan.inference.reading import n_symbols_of, read, reading_of
from memoryspan.tasks import Adding, Parity
from tests.messages import naming

L = keras.layers


def chain(*shape, dtype=None, first=()):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape, dtype=dtype), *first, L.LSTM(2), L.Dense(3)])


def of_vectors(n_features):
    return chain(None, n_features)


def of_steps(dtype=None):
    """A model of shape (batch, time) whose layers do not say what it reads."""
    return chain(None, dtype=dtype, first=[L.Reshape((-1, 1))])


def tokens(n_symbols, through=None):
    """A model with a table of symbols: right behind its input, inside a submodel, or inside a layer of its own."""
    if through == "submodel":
        inner = keras.Sequential([keras.Input((None,)), L.Embedding(n_symbols, 2)])
        return chain(None, first=[inner])
    if through == "layer":
        return chain(None, first=[Looked(n_symbols)])
    return chain(None, first=[L.Embedding(n_symbols, 2)])


@keras.saving.register_keras_serializable("test_reading")
class Looked(L.Layer):
    """A table with an offset, as a layer of a person's own."""

    def __init__(self, n_symbols, **more):
        super().__init__(**more)
        self.table = L.Embedding(n_symbols, 2)

    def call(self, x):
        return self.table(x) + 1


def rows_of(model, sequences, task=None, reads=None):
    """The rows, and whether they are a single sequence."""
    rows, single = read(sequences, reading_of(model, task, reads))
    return [(row.shape, row.dtype.kind) for row in rows], single


# (batch, time)


@pytest.mark.parametrize("through", [None, "submodel", "layer"])
def test_a_table_says_that_a_model_reads_symbols_and_how_many(through):
    model = tokens(5, through)
    reading = reading_of(model)
    assert (reading.kind, reading.n_features, n_symbols_of(model)) == ("symbols", 5, 5)


def test_an_input_of_integers_is_of_symbols_of_an_unknown_number():
    reading = reading_of(of_steps("int32"))
    assert (reading.kind, reading.n_features) == ("symbols", None)
    rows, _ = read([3, 10**6], reading)
    assert rows[0].tolist() == [3, 10**6]
    for wrong in (-1, 2**31):
        with pytest.raises(TaskError, match=naming(wrong)):
            read([3, wrong], reading)


def test_the_task_says_how_many_symbols_there_are_where_the_model_does_not():
    assert reading_of(of_steps("int32"), Echo(5, 10)).n_features == 10
    assert reading_of(of_steps(), Echo(5, 10)).kind == "symbols"


@pytest.mark.parametrize(("n_rows", "n_symbols", "least"), [(50, 100, 50), (101, 100, 100)])
def test_a_table_of_another_size_than_the_task_has_symbols_takes_those_that_both_know(n_rows, n_symbols, least):
    assert reading_of(tokens(n_rows), Echo(5, n_symbols)).n_features == least


def test_the_table_that_reads_the_input_is_the_one_that_counts():
    x = keras.Input((None,), dtype="int32")
    places = L.Embedding(7, 2)(keras.ops.cumsum(keras.ops.ones_like(x), axis=1))
    model = keras.Model(x, L.LSTM(2)(L.Embedding(20, 2)(x) + places))
    assert reading_of(model).n_features == 20


def test_of_two_tables_that_do_not_read_the_input_itself_none_says_how_many():
    x = keras.Input((None,), dtype="int32")
    shifted = x + 1
    model = keras.Model(x, L.LSTM(2)(L.Embedding(7, 2)(shifted) + L.Embedding(9, 2)(shifted)))
    assert (reading_of(model).kind, reading_of(model).n_features) == ("symbols", None)


def test_where_nothing_says_what_a_model_reads_floats_are_numbers_and_whole_numbers_are_refused():
    model = of_steps()
    assert rows_of(model, [0.5, 1, 2]) == ([((3,), "f")], True)
    assert rows_of(model, [[0.5, 1], [2.0, 1, 0]]) == ([((2,), "f"), ((3,), "f")], False)
    for sequences in ([1, 2, 3], [[1, 2], [3]]):
        with pytest.raises(TaskError, match=naming('reads="symbols"', 'reads="numbers"')):
            read(sequences, reading_of(model))
    assert rows_of(model, [1, 2], reads="numbers") == ([((2,), "f")], True)
    assert rows_of(model, [1, 2], reads="symbols") == ([((2,), "i")], True)


@pytest.mark.parametrize("reads", ["one-hot", "numbers"])
def test_a_table_looks_up_symbols_and_nothing_else(reads):
    for model in (tokens(5), of_steps("int32")):
        with pytest.raises(TaskError, match=naming('reads="symbols"', repr(reads))):
            reading_of(model, reads=reads)


# One real channel


@pytest.mark.parametrize("values", [[0, 0, 0], [10, 20, 30], [0.1, 0.2], np.array([1, 2]), np.array([0.5])])
def test_a_list_for_one_real_channel_is_one_of_numbers_whole_or_not(values):
    assert rows_of(of_vectors(1), values) == ([((len(values), 1), "f")], True)


def test_many_series_for_one_real_channel():
    assert rows_of(of_vectors(1), [[1, 2], [3.5]]) == ([((2, 1), "f"), ((1, 1), "f")], False)
    assert rows_of(of_vectors(1), np.ones((3, 2))) == ([((2, 1), "f")] * 3, False)
    assert rows_of(of_vectors(1), np.ones((3, 1, 1), int)) == ([((1, 1), "f")] * 3, False)


@pytest.mark.parametrize("dtype", [int, float])
def test_a_column_for_one_real_channel_is_refused_with_the_two_shapes_that_it_may_mean(dtype):
    with pytest.raises(TaskError, match=naming("(3, 1)", "(3, 1, 1)", "(3,)", "(1, 3, 1)")):
        read(np.zeros((3, 1), dtype), reading_of(of_vectors(1)))


@pytest.mark.parametrize("reads", ["symbols", "one-hot"])
def test_one_real_channel_holds_numbers_and_nothing_else(reads):
    with pytest.raises(TaskError, match=naming('reads="numbers"', repr(reads))):
        reading_of(of_vectors(1), reads=reads)


# Vectors


WHOLE = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])


def test_whole_numbers_of_one_dimension_are_symbols_and_floats_of_two_are_vectors():
    model = of_vectors(2)
    assert rows_of(model, [0, 1, 1]) == ([((3,), "i")], True)
    assert rows_of(model, WHOLE.astype(float)) == ([((4, 2), "f")], True)
    assert rows_of(model, [[0.5, 1], [2, 3]]) == ([((2, 2), "f")], True)
    assert rows_of(model, WHOLE[np.newaxis]) == ([((4, 2), "f")], False)
    assert rows_of(model, [WHOLE, WHOLE[:3]]) == ([((4, 2), "f"), ((3, 2), "f")], False)
    assert rows_of(model, [[0, 1, 1], [1]]) == ([((3,), "i"), ((1,), "i")], False)


@pytest.mark.parametrize("rows", [WHOLE, WHOLE.tolist(), [[10, 20], [30, 40]], [[0, 1]]])
def test_rows_of_whole_numbers_as_wide_as_a_vector_fit_two_readings_and_are_refused(rows):
    with pytest.raises(TaskError, match=r'(?=.*reads="symbols")(?=.*reads="(numbers|one-hot)")'):
        read(rows, reading_of(of_vectors(2)))


def test_the_task_or_reads_decides_between_two_readings():
    model = of_vectors(2)
    many, one = ([((2,), "i")] * 4, False), ([((4, 2), "f")], True)
    assert rows_of(model, WHOLE, task=Parity(4)) == rows_of(model, WHOLE, reads="symbols") == many
    assert rows_of(model, WHOLE, task=Adding(4)) == rows_of(model, WHOLE, reads="numbers") == one
    assert rows_of(model, WHOLE, task=Parity(4), reads="numbers") == one


def test_one_hot_vectors_that_are_whole_numbers_are_not_taken_for_sequences_of_zeros_and_ones():
    model, one_hot = of_vectors(3), np.eye(3, dtype=int)
    for task in (None, Echo(4, 3)):
        with pytest.raises(TaskError, match=naming('reads="symbols"', 'reads="one-hot"')):
            read(one_hot, reading_of(model, task))
    assert rows_of(model, one_hot, reads="one-hot") == ([((3, 3), "f")], True)
    assert rows_of(model, one_hot, reads="symbols") == ([((3,), "i")] * 3, False)
    assert rows_of(model, one_hot[np.newaxis], task=Echo(4, 3)) == ([((3, 3), "f")], False)


@pytest.mark.parametrize("wrong", [[[0, 0, 0]], [[1, 1, 0]], [[0.5, 0.5, 0]], [[2, -1, 0]]])
def test_a_one_hot_vector_has_a_single_one(wrong):
    with pytest.raises(TaskError, match=naming("one-hot", 1, 'reads="numbers"')):
        read(wrong, reading_of(of_vectors(3), reads="one-hot"))


@pytest.mark.parametrize("reads", [None, "numbers", "one-hot"])
def test_numbers_of_one_dimension_are_refused_where_a_step_has_several(reads):
    with pytest.raises(TaskError, match=naming("(time, 3)", "(samples, time, 3)")):
        read([0.5, 1.0], reading_of(of_vectors(3), reads=reads))


def test_symbols_are_whole_numbers_also_where_it_is_said_that_they_are_symbols():
    with pytest.raises(TaskError, match=naming(0, 2, 0.5)):
        read([0.5, 1.0], reading_of(of_vectors(3), reads="symbols"))


# What does not fit


def test_a_task_of_another_input_than_the_model_has_is_refused():
    with pytest.raises(ModelError, match=naming(3, "echo", 5)):
        reading_of(of_vectors(3), Echo(4, 5))
    with pytest.raises(ModelError, match=naming("adding", 2, "Input((None, 2))")):
        reading_of(tokens(5), Adding(4))


def test_what_is_no_task_and_no_reading_is_refused():
    with pytest.raises(TaskError, match=naming("reads", "'tokens'")):
        reading_of(of_vectors(3), reads="tokens")
    with pytest.raises(TaskError, match=naming("Echo(length=50)", "'echo'")):
        reading_of(of_vectors(3), task="echo")


def test_a_model_that_does_not_say_its_features_has_those_of_the_task():
    x = keras.Input((None, None))
    model = keras.Model(x, keras.ops.max(x, axis=1))
    assert reading_of(model, Adding(4)).n_features == 2
    with pytest.raises(ModelError, match=naming(model.name, "Input((None, 10))")):
        reading_of(model)
