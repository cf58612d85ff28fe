import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.errors import TaskError
from memoryspan.tutorial import (
    Tutorial,
    evaluate,
    fit_one_by_one,
    fit_stream,
    generate_example,
    generate_sequence,
    one_hot_decode,
    one_hot_encode,
    run_tutorial,
    vanilla_lstm,
    verdict,
)
from tests.messages import names, naming

SMALL = Tutorial(length=4, n_features=5, out_index=1, units=3, examples=2, seed=7)
STEPS = [f"{number}. " for number in range(1, 10)]


@st.composite
def sequences(draw):
    n_features = draw(st.integers(1, 40))
    return draw(st.lists(st.integers(0, n_features - 1), min_size=1, max_size=30)), n_features


def examples(count, length=4, n_features=5, out_index=1, seed=0):
    rng = np.random.default_rng(seed)
    return (generate_example(length, n_features, out_index, rng=rng) for _ in range(count))


def small_model():
    from memoryspan.backend import keras

    keras.utils.set_random_seed(0)
    return vanilla_lstm(SMALL.length, SMALL.n_features, SMALL.units)


def weights(model):
    return [np.asarray(variable.value) for variable in model.weights]


def losses(text):
    return re.findall(r"- loss: (\S+)", text)


@pytest.fixture(scope="module")
def walked():
    lines = []
    with redirect_stdout(StringIO()) as stray:
        result = run_tutorial(SMALL, print_fn=lines.append)
    return result, lines, stray.getvalue()


# The data


@given(st.integers(1, 60), st.integers(1, 200), st.none() | st.integers(0, 2**32))
def test_a_sequence_is_a_list_of_ints_in_range(length, n_features, rng):
    sequence = generate_sequence(length, n_features, rng=rng)
    assert len(sequence) == length
    assert all(type(value) is int and 0 <= value < n_features for value in sequence)


def test_every_symbol_comes_up():
    assert set(generate_sequence(1000, 10, rng=0)) == set(range(10))


def test_sequences_differ_unless_seeded():
    assert generate_sequence(50, 100) != generate_sequence(50, 100)
    assert generate_sequence(50, 100, rng=3) == generate_sequence(50, 100, rng=3)


def test_a_generator_goes_on_from_where_it_stands():
    rng = np.random.default_rng(3)
    first, second = generate_sequence(50, 100, rng=rng), generate_sequence(50, 100, rng=rng)
    assert first == generate_sequence(50, 100, rng=3)
    assert first != second


@given(sequences())
def test_decoding_undoes_encoding(drawn):
    sequence, n_features = drawn
    assert one_hot_decode(one_hot_encode(sequence, n_features)) == sequence


@given(sequences())
def test_encoding_puts_a_single_one_at_the_value(drawn):
    sequence, n_features = drawn
    encoded = one_hot_encode(sequence, n_features)
    assert np.issubdtype(encoded.dtype, np.integer)
    assert encoded.tolist() == [[int(column == value) for column in range(n_features)] for value in sequence]


def test_encoding_takes_numpy_arrays_too():
    assert one_hot_encode(np.array([2, 0], np.uint8), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


@given(sequences())
def test_decoding_names_the_most_probable_symbol(drawn):
    sequence, n_features = drawn
    logits = 3.0 * one_hot_encode(sequence, n_features)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    decoded = one_hot_decode(probabilities)
    assert decoded == sequence
    assert all(type(value) is int for value in decoded)


def test_decoding_takes_a_prediction_for_a_batch_of_one():
    assert one_hot_decode(np.array([[0.1, 0.7, 0.2]], np.float32)) == [1]


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_an_example_asks_for_the_value_at_out_index(length, n_features, data):
    out_index = data.draw(st.integers(0, length - 1))
    X, y = generate_example(length, n_features, out_index, rng=data.draw(st.integers(0, 9)))
    assert X.shape == (1, length, n_features)
    assert y.shape == (1, n_features)
    assert one_hot_decode(y) == [one_hot_decode(X[0])[out_index]]


# The model


def test_the_model_is_the_published_one():
    model = vanilla_lstm()
    assert model.count_params() == 15_200
    assert [type(layer).__name__ for layer in model.layers] == ["LSTM", "Dense"]
    assert model.input_shape == (None, 50, 100)
    assert model.output_shape == (None, 100)
    assert model.loss == "categorical_crossentropy"
    assert model.optimizer.name.startswith("adam")


def test_a_stream_makes_the_updates_of_single_fits(capsys):
    one_by_one = small_model()
    streamed = small_model()
    streamed.set_weights(weights(one_by_one))
    fit_one_by_one(one_by_one, examples(12))
    printed = capsys.readouterr().out
    fit_stream(streamed, examples(12), 12)
    assert printed.count("- acc: ") == printed.count("- loss: ") == printed.count("\n") == 12
    assert capsys.readouterr() == ("", "")
    assert int(streamed.optimizer.iterations) == int(one_by_one.optimizer.iterations) == 12
    for after_stream, after_fits in zip(weights(streamed), weights(one_by_one), strict=True):
        np.testing.assert_allclose(after_stream, after_fits, rtol=1e-5, atol=1e-7)


def test_a_stream_takes_no_more_examples_than_it_is_asked_for():
    served = examples(5)
    fit_stream(small_model(), served, 3)
    assert len(list(served)) == 2


def test_a_stream_tells_its_progress():
    calls = []
    fit_stream(small_model(), examples(3), 3, lambda done, total: calls.append((done, total)))
    assert calls == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_evaluation_agrees_with_a_loop_of_single_predictions():
    model = small_model()
    predicted = [one_hot_decode(model.predict(X, verbose=0)) for X, _ in examples(40)]  # pyright: ignore[reportArgumentType]
    expected = [one_hot_decode(y) for _, y in examples(40)]
    right = [ours == theirs for ours, theirs in zip(predicted, expected, strict=True)]
    assert 0 < sum(right) < 40
    assert evaluate(model, examples(40)) == sum(right) / 40


# The nine steps


def test_the_walk_prints_what_the_tutorial_prints(walked):
    result, lines, _ = walked
    out = "\n".join(lines)
    assert [line[:3] for line in out.splitlines() if line.startswith(tuple(STEPS))] == STEPS
    assert "(1, 4, 5)\n(1, 5)\n" in out
    assert " Total params: 128 (" in out
    assert out.count("1/1 - ") == out.count("- acc: ") == 2
    assert f"Accuracy: {100 * result.accuracy:f}\n" in out
    assert f"Sequence: [{list(result.sequence)}]\n" in out
    assert f"Expected: [{result.expected}]\nPredicted: [{result.predicted}]\n" in out
    assert out.endswith(verdict(SMALL, result.accuracy, hit=result.expected == result.predicted))


def test_the_walk_hands_back_what_it_printed(walked):
    result, _, _ = walked
    assert 0 <= result.accuracy <= 1
    assert len(result.sequence) == SMALL.length
    assert result.expected == result.sequence[SMALL.out_index]
    assert 0 <= result.predicted < SMALL.n_features
    assert result.parameters == 128


def test_with_a_print_fn_nothing_else_reaches_the_terminal(walked):
    assert walked[2] == ""


def test_the_verdict_names_no_probability_that_contradicts_it():
    said = verdict(Tutorial(length=3, n_features=2, out_index=1, examples=3), 0.0)
    assert names(said, 2)
    assert not re.search(r"\d\.\d", said)


def test_a_seed_repeats_the_walk(walked, capsys):
    result, lines, _ = walked
    assert run_tutorial(SMALL) == result
    out, err = capsys.readouterr()
    assert err == ""
    assert losses(out) == losses("\n".join(lines))


@pytest.mark.slow
def test_the_books_own_script_learns():
    settings = Tutorial(length=5, n_features=10, out_index=2, examples=10_000, seed=1)
    lines, calls = [], []
    result = run_tutorial(settings, print_fn=lines.append, progress=lambda done, total: calls.append((done, total)))
    assert result.accuracy >= 0.95
    assert calls[0] == (0, 10_000)
    assert calls[-1] == (10_000, 10_000)
    assert not any("- loss: " in line for line in lines)
    assert lines[-1] == verdict(settings, result.accuracy, hit=result.expected == result.predicted)
    assert names(lines[-1], settings.length - 1 - settings.out_index)


PUBLISHED_SCRIPT = """
from memoryspan import generate_sequence, one_hot_encode, one_hot_decode, generate_example
from keras.models import Sequential
from keras.layers import LSTM
from keras.layers import Dense
length = 50
n_features = 100
out_index = 2
model = Sequential()
model.add(LSTM(25, input_shape=(length, n_features)))
model.add(Dense(n_features, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['acc'])
print(model.summary())
for i in range(2):
\tX, y = generate_example(length, n_features, out_index)
\tmodel.fit(X, y, epochs=1, verbose=2)
correct = 0
for i in range(2):
\tX, y = generate_example(length, n_features, out_index)
\tyhat = model.predict(X)
\tif one_hot_decode(yhat) == one_hot_decode(y):
\t\tcorrect += 1
print('Accuracy: %f' % ((correct/2.0)*100.0))
X, y = generate_example(length, n_features, out_index)
yhat = model.predict(X)
print('Sequence: %s' % [one_hot_decode(x) for x in X])
print('Expected: %s' % one_hot_decode(y))
print('Predicted: %s' % one_hot_decode(yhat))
"""


@pytest.mark.slow
def test_the_published_script_runs_in_a_process_of_its_own_with_nothing_set(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", PUBLISHED_SCRIPT],
        env=environment | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Total params: 15,200" in done.stdout
    assert "Predicted: [" in done.stdout


def test_the_published_cells_run_unchanged(capsys):
    length, n_features, out_index = 50, 100, 2

    sequence = generate_sequence(25, 100)
    print(sequence)
    encoded = one_hot_encode(sequence, 100)
    print(encoded)
    decoded = one_hot_decode(encoded)
    print(decoded)

    X, y = generate_example(25, 100, 2)
    print(X.shape)
    print(y.shape)

    model = vanilla_lstm(length, n_features)
    print(model.summary())

    for _ in range(3):
        X, y = generate_example(length, n_features, out_index)
        model.fit(X, y, epochs=1, verbose=2)  # pyright: ignore[reportArgumentType]

    correct = 0
    for _ in range(3):
        X, y = generate_example(length, n_features, out_index)
        yhat = model.predict(X)
        if one_hot_decode(yhat) == one_hot_decode(y):
            correct += 1
    print("Accuracy: %f" % ((correct / 3.0) * 100.0))

    X, y = generate_example(length, n_features, out_index)
    yhat = model.predict(X)
    print("Sequence: %s" % [one_hot_decode(x) for x in X])
    print("Expected: %s" % one_hot_decode(y))  # noqa: UP031  (word for word the tutorial's)
    print("Predicted: %s" % one_hot_decode(yhat))  # noqa: UP031  (likewise)

    out = capsys.readouterr().out
    assert decoded == sequence
    assert "(1, 25, 100)\n(1, 100)\n" in out
    assert "15,200" in out
    assert out.count("- acc: ") == 3
    assert f"Expected: [{one_hot_decode(X[0])[out_index]}]\n" in out


# Why it ends as it does


def test_at_chance_the_verdict_says_how_likely_a_guesser_does_as_well():
    why = verdict(Tutorial(), 0.0)
    assert names(why, 10, 100, "0 of 100", 0.37)
    assert why.endswith("memoryspan train")


def test_a_lucky_hit_is_called_one_where_nothing_has_been_learned():
    assert names(verdict(Tutorial(), 0.02, hit=True), "luck")
    assert not names(verdict(Tutorial(), 0.02), "luck")
    assert verdict(Tutorial(), 0.9, hit=True) == verdict(Tutorial(), 0.9)


@pytest.mark.parametrize(("accuracy", "learned"), [(0.05, False), (0.10, False), (0.19, False), (0.25, True)])
def test_the_verdict_calls_learned_only_what_no_guesser_does(accuracy, learned):
    settings = Tutorial(length=5, n_features=10)
    assert (verdict(settings, accuracy) == verdict(settings, 1.0)) is learned


# What makes no sense


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"length": 0}, [1, "length=50"]),
        ({"length": 5.0}, [1, "length=50"]),
        ({"n_features": 1}, [2]),
        ({"units": -1}, [1]),
        ({"examples": True}, [1]),
        ({"out_index": 50}, [0, 49, "length=50"]),
        ({"out_index": -1}, [0, "out_index=49"]),
        ({"out_index": "2"}, [0, 49]),
        ({"seed": -1}, [0, 4294967295]),
        ({"seed": 2**32}, [0, 4294967295]),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_what_is_allowed(wrong, allowed):
    ((name, value),) = wrong.items()
    with pytest.raises(TaskError, match=naming(name, repr(value), *allowed)):
        replace(Tutorial(), **wrong)


@pytest.mark.parametrize(
    ("call", "arguments", "words"),
    [
        (generate_sequence, (0, 10), ["length", 0, 1]),
        (generate_sequence, (5, 0), ["n_features", 0, 1]),
        (generate_example, (5, 10, 5), ["out_index", 0, 4, "length=5", 5]),
        (generate_example, ("5", 10, 2), ["length", "'5'"]),
        (vanilla_lstm, (50, 100, 0), ["units", 0, 1]),
        (vanilla_lstm, (50, 1), ["n_features", 1, 2]),
        (one_hot_encode, ([1, 7], 5), [0, 4, "n_features=5", 1, 7]),
        (one_hot_encode, ([-1, 3], 5), [0, 4, "n_features=5", -1, 3]),
        (one_hot_encode, ([], 5), ["[]"]),
        (one_hot_encode, ([1.0], 5), ["[1.0]"]),
        (one_hot_encode, ([True], 5), ["[True]"]),
        (one_hot_encode, (3, 5), [3]),
        (one_hot_encode, ([[1], [2, 3]], 5), ["[[1], [2, 3]]"]),
        (one_hot_encode, ("12345", 5), ["'12345'"]),
        (one_hot_encode, ([0.5] * 99, 5), ["[0.5, 0.5, ", "…"]),
        (one_hot_encode, ([1], 2.0), ["n_features", 2.0]),
        (one_hot_decode, ([0, 1, 0],), ["(3,)"]),
        (one_hot_decode, (np.zeros((1, 5, 10)),), ["(1, 5, 10)"]),
        (one_hot_decode, (np.zeros((3, 0)),), ["(3, 0)"]),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call, arguments, words):
    with pytest.raises(TaskError, match=naming(*words)):
        call(*arguments)


def test_importing_the_tutorial_imports_neither_jax_nor_keras():
    code = "import memoryspan.tutorial, sys; print({'jax', 'keras'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
