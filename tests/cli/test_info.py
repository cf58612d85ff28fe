from memoryspan.models import MODELS
from memoryspan.tasks import TASKS


def test_info_names_tasks_models_device_and_versions(memoryspan):
    facts = memoryspan("info", "--json").json
    assert set(facts) == {"tasks", "models", "device", "packages", "native recurrence", "commit", "compile cache"}
    assert (set(facts["tasks"]), set(facts["models"])) == (set(TASKS), set(MODELS))
    assert facts["tasks"]["echo"]["settings"] == {"length": 50, "n_features": 100, "out_index": 2}


def test_info_shows_settings_with_their_defaults(memoryspan):
    assert "    settings: length=50, n_features=100, out_index=2\n" in memoryspan("info").out


def test_info_of_a_run_is_its_record(memoryspan, solved):
    facts = memoryspan("info", solved, "--json").json
    assert facts["resolved"]["path"] == "unroll"
    assert "status: solved\n" in memoryspan("info", solved).out


def test_info_of_a_model_says_which_path_serves_it_and_why(memoryspan, tmp_path):
    from memoryspan.backend import keras

    layers = [keras.Input((None, 4)), keras.layers.LayerNormalization(name="norm"), keras.layers.LSTM(3)]
    keras.Sequential(layers).save(tmp_path / "other.keras")
    facts = memoryspan("info", tmp_path / "other.keras", "--json").json
    assert (facts["path"], facts["compiled"]) == ("keras", False)
    assert "LSTM" in facts["reason"]
