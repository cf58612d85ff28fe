import json
import re
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from typing import cast

import h5py
import numpy as np
import pytest

from memoryspan import Budget, Echo, lstm
from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.runs import Run, load_model
from memoryspan.runs.model_file import is_all_keras, open_file, save_model
from memoryspan.training import TrainConfig
from tests.messages import naming

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


def rewritten(path, change, member="config.json", compression=zipfile.ZIP_STORED):
    """The same file with its JSON, or another member, changed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w", compression) as file:
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


@pytest.mark.slow
def test_it_opens_in_plain_keras_on_another_backend_with_the_same_answers(reference, tmp_path):
    answers = tmp_path / "answers.npy"
    command = [sys.executable, "-c", PLAIN_KERAS, str(reference / "model.keras"), str(answers)]
    subprocess.run(command, check=True, env={"KERAS_BACKEND": "numpy", "PATH": ""})
    X = np.eye(10, dtype="float32")[None, [3, 1, 4]]
    np.testing.assert_allclose(np.load(answers), load_model(reference).predict(X, verbose=0), atol=1e-5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe mode", "Keras told to trust everything"])
def test_python_in_a_file_is_refused_and_not_executed(tmp_path, unsafe):
    touched = tmp_path / "touched"
    marker = str(touched)
    path = saved(
        tmp_path / "lambda.keras",
        keras.layers.Lambda(lambda x, marker=marker: (__import__("os").mkdir(marker), x)[1], name="lambda"),
    )
    touched.rmdir()  # building the model here has executed it
    assert b"__lambda__" in zipfile.ZipFile(path).read("config.json")
    if unsafe:
        keras.config.enable_unsafe_deserialization()
    with pytest.raises(ModelError, match=naming(path, "Lambda", "'lambda'")):
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
    with pytest.raises(ModelError, match=naming(path, "Python", "Lambda")):
        load_model(path)


def test_a_class_that_is_not_registered_is_refused_by_name(tmp_path):
    path = saved(tmp_path / "mine.keras", Unregistered())
    with pytest.raises(
        ModelError,
        match=naming(path, "'Unregistered'", "@keras.saving.register_keras_serializable()", "--model mine.py:build"),
    ):
        load_model(path)


def test_no_module_that_a_file_names_is_imported(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    path = saved(tmp_path / "evil.keras", Unregistered())
    module = json.dumps(Unregistered.__module__).encode()
    rewritten(path, lambda config: config.replace(b'"module": ' + module, b'"module": "evil"'))
    with pytest.raises(ModelError, match=naming(path, "'Unregistered'")):
        load_model(path)
    assert "evil" not in sys.modules


def test_a_file_that_is_not_there_or_not_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=naming(tmp_path / "missing.keras")):
        load_model(tmp_path / "missing.keras")
    with pytest.raises(ModelError, match=naming(tmp_path / "model.keras")):
        load_model(tmp_path)
    not_a_zip, empty_zip = (tmp_path / name for name in ("a.keras", "b.keras"))
    not_a_zip.write_bytes(b"\x89HDF")
    zipfile.ZipFile(empty_zip, "w").close()
    for path in (not_a_zip, empty_zip):
        with pytest.raises(ModelError, match=naming(path, "Keras 3", "model.save")):
            load_model(path)


@pytest.mark.parametrize("config", [b"", b"[]", b"{}", b"[" * 100_000, b'{"class_name": "Dense", "config": 3}'])
def test_a_file_with_nonsense_in_it_is_refused(tmp_path, config):
    path = rewritten(saved(tmp_path / "a.keras", keras.layers.Dense(2)), lambda _: config)
    with pytest.raises(ModelError):
        load_model(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path / "a.keras", keras.layers.Dense(2))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ModelError, match=naming(path, "model.save")):
        load_model(path)


def test_something_of_keras_that_is_no_model_is_refused(tmp_path):
    layer = keras.saving.serialize_keras_object(keras.layers.Dense(2))
    path = rewritten(saved(tmp_path / "a.keras", keras.layers.Dense(2)), lambda _: json.dumps(layer).encode())
    with pytest.raises(ModelError):
        load_model(path)


# What a model was compiled with


def own_loss(y, predictions):
    return keras.ops.mean(keras.ops.square(y - predictions), -1)


def own_metric(y, predictions):
    return keras.ops.mean(y - predictions, -1)


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate=0.01):
        self.rate = rate

    def __call__(self, step):
        return self.rate

    def get_config(self):
        return {"rate": self.rate}


class OwnAdam(keras.optimizers.Adam):
    pass


X = np.eye(4, dtype="float32")[None, [3, 1, 2]]


def answers(model):
    return np.asarray(model(X))


def recurrent():
    return keras.Sequential([keras.Input((None, 4)), keras.layers.LSTM(3), keras.layers.Dense(4)])


def compiled_and_saved(path, *, inside=False, **settings):
    """A recurrent model in a file, compiled as given; `inside`: it is a part of another one."""
    model = recurrent()
    model.compile(**settings)
    if inside:
        model = keras.Sequential([keras.Input((None, 4)), model, keras.layers.Dense(4)])
        model.compile("adam", "mse")
    model.save(path)
    return model


@contextmanager
def registered(part):
    keras.saving.register_keras_serializable("tests")(part)
    try:
        yield
    finally:
        del keras.saving.get_custom_objects()[f"tests>{part.__name__}"]


OF_ONES_OWN = {
    "loss": ({"optimizer": "adam", "loss": own_loss}, ("loss", "function", "own_loss")),
    "loss in a list": ({"optimizer": "adam", "loss": [own_loss]}, ("loss", "function", "own_loss")),
    "metric": ({"loss": "mse", "metrics": ["mae", own_metric]}, ("metric", "function", "own_metric")),
    "optimizer": ({"optimizer": OwnAdam, "loss": "mse"}, ("optimizer", "class", "OwnAdam")),
    "schedule": (
        {"optimizer": lambda: keras.optimizers.Adam(cast(float, OwnSchedule())), "loss": "mse"},
        ("learning-rate schedule", "class", "OwnSchedule"),
    ),
    "lambda": ({"optimizer": "adam", "loss": lambda y, p: keras.ops.mean(y - p, -1)}, ("loss", "lambda", "lambda")),
}


def of_ones_own(name):
    """The settings of `compile`, with an optimizer that no other model has, and the part."""
    settings, part = OF_ONES_OWN[name]
    optimizer = settings.get("optimizer", "adam")
    return {**settings, "optimizer": optimizer() if callable(optimizer) else optimizer}, part


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("inside", [False, True], ids=["the model", "a model inside it"])
@pytest.mark.parametrize("name", OF_ONES_OWN)
def test_a_model_with_a_part_of_ones_own_answers_and_says_what_training_lacks(tmp_path, name, inside):
    settings, part = of_ones_own(name)
    model = compiled_and_saved(tmp_path / "own.keras", inside=inside, **settings)
    opened = open_file(tmp_path / "own.keras")
    assert opened.missing == (part,)
    assert not opened.model.compiled
    np.testing.assert_array_equal(answers(opened.model), answers(model))
    with pytest.raises(
        ModelError,
        match=naming(tmp_path / "own.keras", part[0], part[2], "@keras.saving.register_keras_serializable()"),
    ):
        load_model(tmp_path / "own.keras", for_training=True)


@pytest.mark.parametrize("name", ["loss", "metric", "optimizer", "schedule"])
def test_a_part_that_is_registered_after_the_file_was_written_is_found(tmp_path, name):
    settings, (_, _, part) = of_ones_own(name)
    compiled_and_saved(tmp_path / "own.keras", **settings)
    with registered(globals()[part]):
        assert load_model(tmp_path / "own.keras", for_training=True).optimizer is not None


def test_a_layer_that_is_registered_after_the_file_was_written_is_found(tmp_path):
    path = saved(tmp_path / "mine.keras", Unregistered())
    with registered(Unregistered):
        assert isinstance(load_model(path).layers[0], Unregistered)


def test_a_model_that_is_not_compiled_opens_and_cannot_be_trained(tmp_path):
    path = saved(tmp_path / "a.keras", keras.layers.LSTM(2))
    assert not load_model(path).compiled
    with pytest.raises(ModelError, match=naming(path)):
        load_model(path, for_training=True)


def test_a_run_with_a_loss_of_ones_own_answers_and_is_resumed_once_the_loss_is_registered(tmp_path):
    task = Echo(length=3, n_features=4, out_index=1)
    model = lstm(task, units=3, seed=0)
    model.compile("adam", own_loss)
    run = Run.create(model, task, TrainConfig(budget=Budget(examples=640)), directory=tmp_path / "run")
    assert any("own_loss" in notice for notice in run.notices)
    run.train()
    assert answers(Run.load(tmp_path / "run").model()).shape == (1, 4)
    with pytest.raises(ModelError, match=naming(tmp_path / "run", "loss", "own_loss")):
        Run.resume(tmp_path / "run", budget=Budget(examples=1280))
    with registered(own_loss):
        again = Run.resume(tmp_path / "run", budget=Budget(examples=1280))
        again.lock.release()
    assert again.snapshot.row.examples == 640


def test_a_run_that_was_killed_answers_without_its_loss(tmp_path):
    task = Echo(length=3, n_features=4, out_index=1)
    model = lstm(task, units=3, seed=0)
    model.compile("adam", own_loss)
    Run.create(model, task, directory=tmp_path / "run").lock.release()
    opened, updates = Run.load(tmp_path / "run").model_and_updates()
    assert updates == 0
    np.testing.assert_array_equal(answers(opened), answers(model))


# Python in a file


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_each_layer_with_python_in_it_is_named(tmp_path):
    layers = keras.layers
    path = saved(
        tmp_path / "lambda.keras",
        layers.Lambda(lambda x: 2 * x, name="twice"),
        layers.LSTM(3, name="memory"),
        layers.Dense(4, activation=lambda x: x, name="head"),
    )
    with pytest.raises(ModelError, match=naming(path, "'twice'", "'head'")) as raised:
        load_model(path)
    assert "'memory'" not in str(raised.value)
    assert "safe_mode" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_a_model_without_its_lambdas_takes_the_weights_of_the_file(tmp_path):
    layers = keras.layers
    lambdas = [layers.Lambda(lambda x: 2 * x), layers.LSTM(3), layers.Dense(4, activation=lambda x: x)]
    model = keras.Sequential([keras.Input((None, 4)), *lambdas])
    model.save(tmp_path / "lambda.keras")
    inputs = keras.Input((None, 4))
    again = keras.Model(inputs, layers.Dense(4)(layers.LSTM(3)(keras.ops.multiply(inputs, 2))))
    again.load_weights(tmp_path / "lambda.keras")
    again.save(tmp_path / "again.keras")
    found = answers(load_model(tmp_path / "again.keras"))
    np.testing.assert_allclose(found, answers(model), atol=1e-6)


# Files of another kind

OLD = "2.15.0"


def as_keras_2_wrote_it(path, model):
    """The HDF5 file of a model, as Keras 2 wrote those: with a setting of its LSTM that Keras 3 does not have."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(str(file.attrs["model_config"]))
        config["config"]["layers"][1]["config"]["time_major"] = False
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = OLD
    return path


def weights_taken_as_told(path, message):
    """A model of the same layers, with the weights of a file, which is renamed where the message says so."""
    (old,) = re.findall(r"load_weights\('([^']+)'\)", message)
    if old != str(path):
        assert message.count(old) > 1  # it says to rename the file to that first
        path.rename(old)
    again = recurrent()
    again.load_weights(old)
    return again


@pytest.mark.parametrize("name", ["old.h5", "old.hdf5", "old.keras", "old"])
def test_an_hdf5_file_of_keras_2_is_named_with_a_way_that_works(tmp_path, name):
    model = recurrent()
    path = as_keras_2_wrote_it(tmp_path / "written.h5", model).rename(tmp_path / name)
    with pytest.raises(ModelError, match=naming(path, "HDF5", OLD)) as raised:
        load_model(path)
    assert "register" not in str(raised.value)
    (new,) = re.findall(r"model.save\('([^']+)'\)", str(raised.value))
    weights_taken_as_told(path, str(raised.value)).save(new)
    np.testing.assert_array_equal(answers(load_model(new)), answers(model))


def test_an_hdf5_file_that_keras_3_opens_is_named_with_the_call_that_converts_it(tmp_path):
    model = recurrent()
    model.save(tmp_path / "old.h5")
    with pytest.raises(ModelError, match=naming("HDF5", f"compile=False).save('{tmp_path / 'old.keras'}')")):
        load_model(tmp_path / "old.h5")
    cast(keras.Model, keras.saving.load_model(tmp_path / "old.h5", compile=False)).save(tmp_path / "old.keras")
    found = answers(load_model(tmp_path / "old.keras"))
    np.testing.assert_array_equal(found, answers(model))


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5", "a.keras"])
def test_a_file_of_weights_is_named_with_a_way_that_works(tmp_path, name):
    model = recurrent()
    model.save_weights(tmp_path / "written.weights.h5")
    path = (tmp_path / "written.weights.h5").rename(tmp_path / name)
    with pytest.raises(ModelError, match=naming(path, "weights")) as raised:
        load_model(path)
    again = weights_taken_as_told(path, str(raised.value))
    np.testing.assert_array_equal(answers(again), answers(model))


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_a_file_of_weights_of_keras_2_is_named_with_a_way_that_works(tmp_path, name):
    model = recurrent()
    model.save(tmp_path / "whole.h5")
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / name, "w") as file:
        weights = cast(h5py.Group, whole["model_weights"])
        for layer in weights:
            weights.copy(layer, file)
        file.attrs.update({**weights.attrs, "keras_version": OLD})
    with pytest.raises(ModelError, match=naming(tmp_path / name, "weights", OLD)) as raised:
        load_model(tmp_path / name)
    again = weights_taken_as_told(tmp_path / name, str(raised.value))
    np.testing.assert_array_equal(answers(again), answers(model))


def test_a_keras_file_of_keras_2_is_named_with_a_way_that_works(tmp_path):
    model = recurrent()
    path = tmp_path / "old.keras"
    model.save(path)
    rewritten(path, lambda config: config.replace(b'"units": 3', b'"units": 3, "time_major": false'))
    rewritten(path, lambda metadata: metadata.replace(keras.__version__.encode(), OLD.encode()), "metadata.json")
    with pytest.raises(ModelError, match=naming(path, OLD, "'time_major'")) as raised:
        load_model(path)
    assert "register" not in str(raised.value)
    again = weights_taken_as_told(path, str(raised.value))
    np.testing.assert_array_equal(answers(again), answers(model))


def test_an_optimizer_of_keras_2_leaves_the_model_uncompiled(tmp_path):
    path = tmp_path / "old.keras"
    compiled_and_saved(path, optimizer="adam", loss="mse")
    rewritten(path, lambda config: config.replace(b'"beta_1"', b'"is_legacy_optimizer": false, "beta_1"'))
    assert not load_model(path).compiled
    with pytest.raises(ModelError, match=naming(path, "'is_legacy_optimizer'", "model.compile", "model.save")):
        load_model(path, for_training=True)


def test_a_folder_of_tensorflow_or_of_keras_is_named(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    recurrent().save(tmp_path / "unzipped", zipped=False)
    of_tensorflow = ["SavedModel", f"tf_keras.models.load_model('{tmp_path / 'saved'}').save('saved.h5')"]
    of_keras = [f"keras.saving.load_model('{tmp_path / 'unzipped'}').save('unzipped.keras')"]
    for name, words in (("saved", of_tensorflow), ("unzipped", of_keras)):
        with pytest.raises(ModelError, match=naming(*words)):
            load_model(tmp_path / name)


def test_a_keras_file_under_another_name_is_to_be_renamed(tmp_path):
    path = saved(tmp_path / "a.keras", keras.layers.Dense(2)).rename(tmp_path / "a.h5")
    with pytest.raises(ModelError, match=naming(tmp_path / "a.h5", tmp_path / "a.keras")):
        load_model(path)


@pytest.mark.parametrize("weights", [b"", b"nonsense", b"\x89HDF\r\n\x1a\n"])
def test_a_file_with_damaged_weights_is_refused(tmp_path, weights):
    path = saved(tmp_path / "a.keras", keras.layers.LSTM(2))
    rewritten(path, lambda _: weights, "model.weights.h5")
    with pytest.raises(ModelError, match=naming(path)):
        load_model(path)


@pytest.mark.parametrize("metadata", [b"", b"[]", b"{}", b"\xff"])
def test_metadata_that_keras_does_not_need_may_be_damaged(tmp_path, metadata):
    path = saved(tmp_path / "a.keras", keras.layers.LSTM(2))
    assert load_model(rewritten(path, lambda _: metadata, "metadata.json")).count_params()


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + 4000 * b"x"])
def test_a_damaged_hdf5_file_is_refused(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(ModelError, match=naming(tmp_path / "a.h5", "HDF5")):
        load_model(tmp_path / "a.h5")
