"""What happens where the library of the recurrence in C++ is missing or cannot be used."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from memoryspan import Echo, forward, lstm, predict
from memoryspan.engine import native_library, native_target, why_not_native

pytestmark = pytest.mark.skipif(jax.default_backend() != "cpu", reason="the recurrence in C++ is for the CPU")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def library(monkeypatch, tmp_path):
    """The path at which the library is looked for; there is none."""
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "on")
    monkeypatch.setattr(native_library, "PATH", tmp_path / "kernel.so")
    native_library._load.cache_clear()
    yield tmp_path / "kernel.so"
    native_library._load.cache_clear()


def test_a_missing_library_is_reported_with_what_to_do(library):
    assert not library.exists()
    assert native_target() is None
    assert "MEMORYSPAN_BUILD_NATIVE=1" in (why_not_native() or "")


def test_a_library_that_cannot_be_loaded_is_named_and_models_run_without_it(library, monkeypatch):
    library.write_text("not a library")
    assert native_target() is None
    assert str(library) in (why_not_native() or "")
    model, sequence = lstm(Echo(5), seed=0), np.arange(5)
    assert not forward(model).native
    answer = predict(model, sequence)
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    assert predict(model, sequence) == answer


def test_a_library_without_the_functions_is_not_used(library):
    source = library.with_suffix(".cpp")
    source.write_text("")
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        pytest.skip("no C++ compiler")
    subprocess.run([compiler, "-shared", "-o", library, source], check=True)
    assert "memoryspan_tape_size" in (why_not_native() or "")


def pip_wheel(directory, **environment):
    """Build the wheel of this checkout without a C++ compiler."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", directory, ROOT]
    environment = os.environ | {"CXX": "/bin/false", "MEMORYSPAN_BUILD_NATIVE": ""} | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_wheel_that_is_built_without_a_compiler_trains(tmp_path):
    assert pip_wheel(tmp_path).returncode == 0
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "there", wheel]
    subprocess.run(command, check=True)
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); "
        "sys.meta_path[:] = [each for each in sys.meta_path if 'ScikitBuild' not in type(each).__name__]; "  # editable
        "from memoryspan.cli.main import main; from memoryspan.engine import native_library; "
        "print(native_library.PATH, native_library.PATH.exists()); main()"
    )
    command = [sys.executable, "-c", script, tmp_path / "there", "train", "--length", "5", "--run", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'there' / 'memoryspan' / '_native' / 'kernel.so'} False\n")
    assert (tmp_path / "run" / "model.keras").exists()


@pytest.mark.slow
def test_a_failed_build_is_an_error_on_request(tmp_path):
    assert pip_wheel(tmp_path, MEMORYSPAN_BUILD_NATIVE="1").returncode != 0
    assert not list(tmp_path.glob("*.whl"))
