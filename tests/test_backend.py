"""Most of it can be seen in a fresh process only: Keras and JAX are set up once."""

import os
import subprocess
import sys

import jax
import pytest

from memoryspan.backend import COMPILE_CACHE, compile_cache, keras
from tests.messages import names

SETTLED = (COMPILE_CACHE, "JAX_COMPILATION_CACHE_DIR", "JAX_NUM_CPU_DEVICES", "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")

TELL = """
from memoryspan.backend import jax
print(jax.config.jax_compilation_cache_dir, jax.device_count())
"""

TRAIN = """
import memoryspan
task = memoryspan.Echo(4, 3, 1)
memoryspan.train(memoryspan.lstm(task, units=2, seed=0), task, budget=memoryspan.Budget(examples=32))
"""


def run(script, **environment):
    """What a fresh process says."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTLED}
    environment = inherited | {name: str(value) for name, value in environment.items()}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)


def test_keras_runs_on_jax():
    assert keras.config.backend() == "jax"


def test_where_keras_runs_on_another_backend_a_sentence_says_what_to_do():
    done = run("import keras, memoryspan; memoryspan.train", KERAS_BACKEND="numpy")
    assert done.returncode == 1
    last_line = done.stderr.splitlines()[-1]
    assert names(last_line, "BackendError", "'numpy'", "KERAS_BACKEND=jax")


def test_where_another_backend_is_set_a_sentence_says_what_to_do():
    done = run("import memoryspan; memoryspan.lstm(memoryspan.Echo())", KERAS_BACKEND="torch")
    assert done.returncode == 1
    assert names(done.stderr.splitlines()[-1], "BackendError", "KERAS_BACKEND", "'torch'", "KERAS_BACKEND=jax")


@pytest.mark.parametrize("setting", [{}, {"KERAS_BACKEND": ""}, {"KERAS_BACKEND": "jax"}])
def test_where_no_other_backend_is_set_keras_runs_on_jax(setting):
    done = run("import memoryspan.backend, keras; print(keras.config.backend())", **setting)
    assert (done.stdout, done.stderr) == ("jax\n", "")


def test_the_commands_run_on_jax_whatever_backend_is_set(tmp_path):
    command = "import sys; sys.argv = ['memoryspan', 'info']; from memoryspan.cli.main import main; main()"
    done = run(command, KERAS_BACKEND="torch", **{COMPILE_CACHE: tmp_path})
    assert (done.returncode, done.stderr) == (0, "")


# The compile cache


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no", "false", "none"])
def test_the_compile_cache_can_be_switched_off(word, monkeypatch):
    monkeypatch.setenv(COMPILE_CACHE, word)
    assert compile_cache() is None


def test_the_compile_cache_can_be_elsewhere_and_is_the_processors_own(tmp_path, monkeypatch):
    monkeypatch.setenv(COMPILE_CACHE, str(tmp_path))
    there = compile_cache()
    assert there is not None
    assert there.parent == tmp_path
    assert compile_cache() == there


def test_by_default_the_compile_cache_is_where_the_platform_keeps_such_things(tmp_path, monkeypatch):
    monkeypatch.delenv(COMPILE_CACHE, raising=False)
    there = compile_cache()
    assert there is not None
    assert there.parent.name == "memoryspan" or "memoryspan" in there.parts


def test_a_training_says_nothing_fills_the_compile_cache_and_reads_it_the_next_time(tmp_path):
    first = run(TRAIN, **{COMPILE_CACHE: tmp_path})
    compiled = {file for file in tmp_path.rglob("*") if file.is_file()}
    again = run(TRAIN, **{COMPILE_CACHE: tmp_path})
    for done in (first, again):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert compiled
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == compiled


def test_without_a_place_to_write_each_process_compiles_for_itself(tmp_path):
    (tmp_path / "file").touch()
    done = run(TELL, **{COMPILE_CACHE: tmp_path / "file" / "below"})
    assert (done.stdout.split()[0], done.stderr) == ("None", "")


def test_jaxs_own_settings_win(tmp_path):
    done = run(TELL, JAX_COMPILATION_CACHE_DIR=tmp_path, JAX_NUM_CPU_DEVICES=3, **{COMPILE_CACHE: tmp_path / "ours"})
    assert (done.stdout, done.stderr) == (f"{tmp_path} 3\n", "")


def test_where_jax_computes_already_it_keeps_its_devices():
    done = run("import jax; jax.numpy.ones(2) + 1" + TELL)
    assert (done.stdout.split()[-1], done.stderr) == ("1", "")


def test_every_core_is_a_device():
    if "JAX_NUM_CPU_DEVICES" in os.environ or "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        pytest.skip("decided by the environment")
    assert jax.device_count() == len(os.sched_getaffinity(0))
