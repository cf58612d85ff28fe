import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from memoryspan import Echo, lstm
from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.runs import load_model
from memoryspan.runs.model_file import is_all_keras, save_model

PLAIN_KERAS = """
import sys, numpy as np, keras
assert keras.config.backend() == "numpy"
X = np.eye(10, dtype="float32")[None, [3, 1, 4]]
np.save(sys.argv[2], keras.saving.load_model(sys.argv[1], safe_mode=True).predict(X, verbose=0))
assert "memoryspan" not in sys.modules
"""


class Unregistered(keras.layers.Layer):
    def call(self, x):
        return x


def saved(path, *layers, n_features=4):
    keras.Sequential([keras.Input((None, n_features)), *layers]).save(path)
    return path


def rewritten(path, change):
    """The same file with its JSON changed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["config.json"] = change(members["config.json"])
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_model_comes_back_with_its_optimizer_and_its_bits(tmp_path):
    model = lstm(Echo(), seed=1)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.variables[3].assign_add(np.ones(model.optimizer.variables[3].shape))
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    before, after = (*model.weights, *model.optimizer.variables), (*loaded.weights, *loaded.optimizer.variables)
    for one, other in zip(before, after, strict=True):
        assert np.asarray(one.value).tobytes() == np.asarray(other.value).tobytes()
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.loss == model.loss


def test_it_opens_in_plain_keras_on_another_backend_with_the_same_answers(reference, tmp_path):
    answers = tmp_path / "answers.npy"
    command = [sys.executable, "-c", PLAIN_KERAS, str(reference / "model.keras"), str(answers)]
    subprocess.run(command, check=True, env={"KERAS_BACKEND": "numpy", "PATH": ""})
    X = np.eye(10, dtype="float32")[None, [3, 1, 4]]
    np.testing.assert_allclose(np.load(answers), load_model(reference).predict(X, verbose=0), atol=1e-5)


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe mode", "Keras told to trust everything"])
def test_python_in_a_file_is_refused_and_not_executed(tmp_path, unsafe):
    touched = tmp_path / "touched"
    marker = str(touched)
    path = saved(
        tmp_path / "lambda.keras", keras.layers.Lambda(lambda x, marker=marker: (__import__("os").mkdir(marker), x)[1])
    )
    touched.rmdir()  # building the model here has executed it
    assert b"__lambda__" in zipfile.ZipFile(path).read("config.json")
    if unsafe:
        keras.config.enable_unsafe_deserialization()
    with pytest.raises(
        ModelError, match=r"asks to execute Python that is stored in it .* build the model from a layer"
    ):
        load_model(path)
    assert not touched.exists()


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")  # Keras says so as well
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Dense(2), True),
        (Unregistered(), False),
        (keras.layers.Lambda(lambda x: x), False),
        (keras.layers.Lambda(keras.ops.abs), False),
        (keras.layers.Dense(2, activation=lambda x: x), False),
    ],
)
def test_a_model_of_kerass_own_parts_has_no_python_in_it(layer, expected):
    assert is_all_keras(keras.Sequential([keras.Input((None, 4)), layer])) is expected


@pytest.fixture(autouse=True)
def safe_again():
    yield
    from keras.src.backend.common import global_state  # Keras has no public way back

    global_state.set_global_attribute("safe_mode_saving", True)


def test_python_under_another_spelling_is_refused(tmp_path):
    path = saved(tmp_path / "lambda.keras", keras.layers.Lambda(lambda x: x))
    rewritten(path, lambda config: config.replace(b"__lambda__", b"\\u005f_lambda__"))
    with pytest.raises(ModelError, match=r"asks to execute Python"):
        load_model(path)


def test_a_class_that_is_not_registered_is_refused_by_name(tmp_path):
    path = saved(tmp_path / "mine.keras", Unregistered())
    with pytest.raises(ModelError, match=r"Could not locate class 'Unregistered'.*register_keras_serializable"):
        load_model(path)


def test_no_module_that_a_file_names_is_imported(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    path = saved(tmp_path / "evil.keras", Unregistered())
    module = json.dumps(Unregistered.__module__).encode()
    rewritten(path, lambda config: config.replace(b'"module": ' + module, b'"module": "evil"'))
    with pytest.raises(ModelError, match=r"Keras cannot open"):
        load_model(path)
    assert "evil" not in sys.modules


def test_a_file_that_is_not_there_or_not_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"There is no file .*missing.keras: give a run's directory, or a .keras file"):
        load_model(tmp_path / "missing.keras")
    with pytest.raises(ModelError, match=r"There is no file .*model.keras"):
        load_model(tmp_path)
    not_a_zip, empty_zip, named_otherwise = (tmp_path / name for name in ("a.keras", "b.keras", "c.h5"))
    not_a_zip.write_bytes(b"\x89HDF")
    zipfile.ZipFile(empty_zip, "w").close()
    saved(tmp_path / "d.keras", keras.layers.Dense(2)).rename(named_otherwise)
    for path in (not_a_zip, empty_zip, named_otherwise):
        with pytest.raises(ModelError, match=r"is not a file of Keras 3, or is damaged"):
            load_model(path)


@pytest.mark.parametrize("config", [b"", b"[]", b"{}", b"[" * 100_000, b'{"class_name": "Dense", "config": 3}'])
def test_a_file_with_nonsense_in_it_is_refused(tmp_path, config):
    path = rewritten(saved(tmp_path / "a.keras", keras.layers.Dense(2)), lambda _: config)
    with pytest.raises(ModelError):
        load_model(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path / "a.keras", keras.layers.Dense(2))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ModelError, match=r"damaged"):
        load_model(path)


def test_something_of_keras_that_is_no_model_is_refused(tmp_path):
    layer = keras.saving.serialize_keras_object(keras.layers.Dense(2))
    path = rewritten(saved(tmp_path / "a.keras", keras.layers.Dense(2)), lambda _: json.dumps(layer).encode())
    with pytest.raises(ModelError):
        load_model(path)
