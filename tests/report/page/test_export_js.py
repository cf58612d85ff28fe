import numpy as np
import pytest

from memoryspan import Echo, generate_sequence, predict
from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.report.page.export_js import described, weights_of
from memoryspan.report.page.html import Page, write_page
from memoryspan.report.page.run import CONSTANTS
from tests.messages import names, naming
from tests.report.browser import opened

LAYERS = keras.layers

ECHO = Echo(length=12, n_features=10)

RUNS_IN_THE_PAGE = {
    "lstm": [LAYERS.LSTM(7), LAYERS.Dense(10, "softmax")],
    "lstm, other activations": [LAYERS.LSTM(7, "relu", "tanh", use_bias=False), LAYERS.Dense(10, "softmax")],
    "gru": [LAYERS.GRU(7), LAYERS.Dense(10, "softmax")],
    "gru, reset before": [LAYERS.GRU(7, reset_after=False), LAYERS.Dense(10, "softmax", use_bias=False)],
    "gru without bias": [LAYERS.GRU(7, use_bias=False), LAYERS.Dense(10, "sigmoid")],
    "simple_rnn": [LAYERS.SimpleRNN(7), LAYERS.Dense(6, "relu"), LAYERS.Dense(10, "softmax")],
    "stacked, at every step": [
        LAYERS.LSTM(6, return_sequences=True),
        LAYERS.Dropout(0.2),
        LAYERS.GRU(5, return_sequences=True),
        LAYERS.Dense(10),
        LAYERS.Activation("softmax"),
    ],
}


def random_weights(model):
    """Weights as far from 0 as those of trained models, biases too."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.8, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def page_of(model, path, reads="symbols", examples=((1, 2, 3),)):
    """The least page in which a model runs."""
    task = {"reads": reads, "n_features": 10, "length": 12, "min_length": 3, "chance": 0.1, "return_sequences": False}
    task |= {"answers": "classes", "tolerance": None, "probabilities": True, "out_index": None}
    moment = {"updates": 0, "examples": None, "accuracy": None, "length": None, "weights": weights_of(model)}
    examples = [{"inputs": list(inputs), "asked": [], "expected": {}} for inputs in examples]
    data = CONSTANTS | {"kind": "run", "task": task, "reason": "", "history": [], "held": None, "examples": examples}
    data["network"] = {"layers": described(model), "moments": [moment]}
    return write_page(Page("A model", "It runs.", "{}", data), path)


def answers_in_the_page(page, sequences):
    return [np.array(outputs) for outputs in page.evaluate("all => all.map(one => memoryspan.answer(one))", sequences)]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS_IN_THE_PAGE)
def test_the_page_answers_200_sequences_as_keras_does(browser, tmp_path, name):
    model = random_weights(keras.Sequential([keras.Input((None, 10)), *map(again, RUNS_IN_THE_PAGE[name])]))
    rng = np.random.default_rng(1)
    sequences = [generate_sequence(int(length), 10, rng=rng) for length in rng.integers(1, 60, 200)]
    expected = predict(model, sequences, probabilities=True)
    with opened(browser, page_of(model, tmp_path / "page.html")) as page:
        found = answers_in_the_page(page, sequences)
    for outputs, right in zip(found, expected, strict=True):
        assert np.abs((outputs if right.ndim == 2 else outputs[-1]) - right).max() < 1e-5


def again(layer):
    """A fresh layer of the same kind: a layer belongs to one model."""
    return type(layer).from_config(layer.get_config())


def test_an_embedding_of_symbols_runs_too(browser, tmp_path):
    layers = [keras.Input((None,), dtype="int32"), LAYERS.Embedding(10, 4), LAYERS.LSTM(7), LAYERS.Dense(10, "softmax")]
    model = random_weights(keras.Sequential(layers))
    with opened(browser, page_of(model, tmp_path / "page.html")) as page:
        (found,) = answers_in_the_page(page, [[3, 1, 4, 1, 5]])
    assert np.abs(found[-1] - predict(model, [3, 1, 4, 1, 5], probabilities=True)).max() < 1e-5


def test_so_do_real_vectors(browser, tmp_path):
    model = random_weights(keras.Sequential([keras.Input((None, 10)), LAYERS.GRU(7), LAYERS.Dense(10, "softmax")]))
    vectors = np.random.default_rng(2).normal(size=(5, 10)).round(3)
    page_file = page_of(model, tmp_path / "page.html", reads="vectors", examples=[vectors.tolist()])
    with opened(browser, page_file) as page:
        (found,) = answers_in_the_page(page, [vectors.tolist()])
        typed = page.input_value("#sequence")
        assert typed.count("[") == 5
        page.fill("#sequence", typed.replace("], [", "\n"))
        assert page.locator(".chip").count() == 5
        page.fill("#sequence", "[1 2 3]")
        assert names(page.text_content(".error"), 10, "1 2 3")
    assert np.abs(found[-1] - predict(model, vectors[np.newaxis], probabilities=True)[0]).max() < 1e-5


REFUSED = {
    "a convolution": ([LAYERS.Conv1D(4, 3), LAYERS.GRU(4)], []),
    "one that reads backwards": ([LAYERS.GRU(4, go_backwards=True, name="backward_memory")], ["backward_memory"]),
    "both directions": ([LAYERS.Bidirectional(LAYERS.GRU(4))], ["Bidirectional"]),
    "an unknown activation": ([LAYERS.LSTM(4, "selu", name="memory")], ["memory", "selu"]),
    "no memory": ([LAYERS.Dense(4)], []),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_the_page_cannot_run_is_refused_by_name(name):
    layers, words = REFUSED[name]
    model = keras.Sequential([keras.Input((None, 10)), *map(again, layers)])
    with pytest.raises(ModelError, match=naming("LSTM", "GRU", "SimpleRNN", *words)):
        described(model)
