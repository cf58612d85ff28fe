import json
import re

import pytest

from memoryspan.models import MODELS
from memoryspan.tasks import TASKS
from tests.messages import names


def test_info_names_tasks_models_device_and_versions(memoryspan):
    facts = memoryspan("info", "--json").json
    assert set(facts) == {"tasks", "models", "device", "packages", "recurrence", "commit", "compile cache"}
    assert (set(facts["tasks"]), set(facts["models"])) == (set(TASKS), set(MODELS))
    assert facts["tasks"]["echo"]["settings"] == {"length": 50, "n_features": 100, "out_index": 2}


def test_info_says_what_runs_the_recurrence_and_why_not_the_other(memoryspan, monkeypatch):
    recurrence = memoryspan("info", "--json").json["recurrence"]
    assert list(recurrence) in (["engine", "why not unroll (JAX)"], ["engine", "why not native (C++)"])
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    recurrence = memoryspan("info", "--json").json["recurrence"]
    assert recurrence == {"engine": "unroll (JAX)", "why not native (C++)": "MEMORYSPAN_NATIVE is off."}


def test_info_shows_settings_with_their_defaults(memoryspan):
    assert names(memoryspan("info").out, "length=50, n_features=100, out_index=2")


def test_info_of_a_run_is_its_record(memoryspan, solved):
    facts = memoryspan("info", solved, "--json").json
    assert facts["resolved"]["engine"] == "unroll"
    lines = memoryspan("info", solved).out.splitlines()
    assert "status: solved" in lines
    assert names("\n".join(lines), "echo,length=6,n_features=10,out_index=2", "units=16", 1000, "seed")
    assert len(lines) <= 15
    assert not [line for line in lines if "None" in line or re.search(r"\d\.\d{7}", line)]


def test_info_of_a_run_shows_the_settings_of_its_training(memoryspan, tmp_path):
    settings = "--length", "4", "--features", "5", "--units", "4", "--batch-size", "16", "--threshold", "0.4"
    assert memoryspan("train", *settings, "--run", tmp_path / "run").code == 0
    shown = memoryspan("info", tmp_path / "run").out
    assert names(shown, "batch_size 16", "threshold 0.4", "budget of examples 2,000,000")


def test_info_of_a_model_says_which_path_serves_it_and_why(memoryspan, tmp_path):
    from memoryspan.backend import keras

    layers = [keras.Input((None, 4)), keras.layers.LayerNormalization(name="norm"), keras.layers.LSTM(3)]
    keras.Sequential(layers).save(tmp_path / "other.keras")
    facts = memoryspan("info", tmp_path / "other.keras", "--json").json
    assert (facts["engine"], facts["compiled"]) == ("keras", False)
    assert "LSTM" in facts["reason"]


def test_info_of_a_model_with_a_loss_of_ones_own_says_that_it_is_not_compiled_and_why(memoryspan, tmp_path):
    from memoryspan.backend import keras

    def own_loss(y, predictions):
        return keras.ops.mean(y - predictions, -1)

    model = keras.Sequential([keras.Input((None, 4)), keras.layers.LSTM(3), keras.layers.Dense(4)])
    model.compile("adam", own_loss)
    model.save(tmp_path / "own.keras")
    facts = memoryspan("info", tmp_path / "own.keras", "--json").json
    assert facts["compiled"] is False
    assert facts["missing"] == [{"role": "loss", "kind": "function", "name": "own_loss"}]
    assert "own_loss" in facts["for training"]
    shown = memoryspan("info", tmp_path / "own.keras").out
    assert "compiled: no\n" in shown
    assert "own_loss" in shown


def test_info_of_a_model_that_is_compiled_says_so(memoryspan, solved):
    assert memoryspan("info", solved / "model.keras", "--json").json["compiled"] is True
    assert "compiled: yes\n" in memoryspan("info", solved / "model.keras").out


def test_a_savedmodel_is_named_and_not_taken_for_a_run(memoryspan, tmp_path):
    (tmp_path / "saved_model.pb").touch()
    answer = memoryspan("info", tmp_path)
    assert (answer.code, "SavedModel" in answer.err) == (2, True)


@pytest.mark.parametrize("command", ["info", "report"])
def test_a_sweep_of_a_command_that_this_version_lacks_is_named(memoryspan, tmp_path, command):
    facts = {"format": 3, "memoryspan": "9.1", "created": "2030-01-01T00:00:00Z", "command": "profile", "config": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(facts))
    answer = memoryspan(command, tmp_path)
    assert answer.code == 2
    assert names(answer.err, tmp_path, f"memoryspan profile --dir {tmp_path}", "9.1")
