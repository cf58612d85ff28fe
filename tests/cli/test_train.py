import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from memoryspan.cli.live import COMPILING
from tests.messages import names

SHORT = ["--length", "6", "--features", "10", "--units", "16"]


def test_train_solves_the_tutorials_own_task_and_keeps_the_run(memoryspan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("train")
    assert answer.code == 0
    assert "Total params: 15,200" in answer.out
    assert names(answer.out, "100.0 %", "1000 of 1000", "95 %", "99.6 %", "1.0 %")
    examples = [line for line in answer.out.splitlines() if ", predicted " in line]
    assert len(examples) == 3
    assert all(names(line, "44 more") and len(line) < 80 for line in examples)
    assert answer.out.endswith("memoryspan report runs/echo-lstm-50-001 --open\n")
    kept = {path.name for path in (tmp_path / "runs/echo-lstm-50-001").iterdir()}
    assert {"run.json", "history.jsonl", "model.keras", "learning-curve.png", "checkpoints"} <= kept


def test_that_the_training_is_compiled_is_said_and_quiet_says_nothing_but_the_result(memoryspan, tmp_path):
    answer = memoryspan("train", *SHORT, "--run", tmp_path / "run")
    assert answer.err.splitlines()[0] == COMPILING
    assert "Total params" in answer.out
    answer = memoryspan("train", *SHORT, "--run", tmp_path / "quiet", "--quiet")
    assert answer.err == ""
    assert "Total params" not in answer.out
    assert names(answer.out, "100.0 %", tmp_path / "quiet")
    assert COMPILING not in memoryspan("train", "--resume", tmp_path / "run").err


def test_a_learning_curve_that_cannot_be_written_is_said_so_and_changes_nothing_else(memoryspan, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("memoryspan.report.figures.learning_curve.draw_learning_curve", full)
        answer = memoryspan("train", *SHORT, "--run", run)
    assert answer.code == 0
    assert names(answer.err, run, "No space left on device")
    assert names(answer.out, run, "model.keras", "run.json", "history.jsonl")
    assert "learning-curve" not in answer.out

    answer = memoryspan("train", "--resume", run)  # as the notice says
    assert names(answer.out, run, "model.keras", "learning-curve.png", "learning-curve.svg", "history.jsonl")
    assert (run / "learning-curve.png").exists()


def test_what_to_type_next_can_be_typed_as_it_stands(memoryspan, tmp_path):
    run = tmp_path / "my first run"
    answer = memoryspan("train", *SHORT, "--budget", "320", "--run", run)
    place = shlex.quote(str(run))
    assert answer.out.endswith(f"memoryspan train --resume {place} --budget 10M\n")
    refused = memoryspan("train", "--run", run)
    assert f"`memoryspan train --resume {place}`" in refused.err


def test_the_kept_model_opens_in_plain_keras_on_another_backend_and_predicts_the_same(solved, tmp_path):
    from memoryspan.backend import keras

    X = np.eye(10, dtype="float32")[np.random.default_rng(0).integers(0, 10, (50, 6))]
    np.save(tmp_path / "X.npy", X)
    script = (
        "import sys, numpy as np, keras; assert keras.config.backend() == 'numpy'\n"
        "model = keras.saving.load_model(sys.argv[1], safe_mode=True)\n"
        "np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))\n"
        "assert not [name for name in sys.modules if name.startswith('memoryspan')]"
    )
    files = [solved / "model.keras", tmp_path / "X.npy", tmp_path / "there.npy"]
    command = [sys.executable, "-c", script, *map(str, files)]
    subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": "numpy"})
    model: Any = keras.saving.load_model(solved / "model.keras")
    here = model.predict(X, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "there.npy"), here, atol=1e-6)


def test_json_is_the_record_and_nothing_else(memoryspan, tmp_path):
    answer = memoryspan("train", *SHORT, "--run", tmp_path / "run", "--json")
    assert answer.json == {"run": str(tmp_path / "run"), **json.loads((tmp_path / "run/run.json").read_text())}
    assert answer.json["status"] == "solved"


def test_an_unsolved_budget_is_exit_code_1_and_says_how_to_go_on(memoryspan, tmp_path):
    answer = memoryspan("train", *SHORT, "--budget", "320", "--run", tmp_path / "run")
    assert answer.code == 1
    assert names(answer.out, "not solved")
    assert answer.out.endswith(f"memoryspan train --resume {tmp_path / 'run'} --budget 10M\n")

    again = memoryspan("train", "--resume", tmp_path / "run", "--budget", "1M")
    assert again.code == 0
    assert names(again.out, "100.0 %")


def test_a_solved_run_is_not_trained_again(memoryspan, solved):
    before = (solved / "run.json").read_bytes()
    answer = memoryspan("train", "--resume", solved)
    assert answer.code == 0
    assert names(answer.err, "solved")
    assert (solved / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--length", "0"], ["length", 0, 1]),
        (["--length", "99999999999"], ["length", 99999999999, 2147483647]),
        (["--length", "2000000000"], ["2,000,000,000", "GiB"]),
        (["--features", "1"], ["--features", 1, 2]),
        (["--units", "0"], ["units", 0, 1]),
        (["--units", "10000000"], ["--units", 10000000, 1048576]),
        (["--units", "1000000"], ["Adam", "GiB"]),
        (["--batch-size", "0"], ["--batch-size", 0, 1]),
        (["--learning-rate", "nan"], ["--learning-rate", "nan", 0]),
        (["--budget", "much"], ["'much'", "200k"]),
        (["--budget", "0"], ["budget", "examples", 0]),
        (["--threshold", "1"], ["threshold", 1.0, 0.9962]),
        (["--task", "ecco"], ["'ecco'", "echo"]),
        (["--model", "gpt"], ["'gpt'", "transformer"]),
        (["--seed", "-1"], ["seed", -1, 0]),
        (["--length", "ten"], ["--length", "'ten'"]),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing_behind(memoryspan, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("train", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, *words)
    assert list(tmp_path.rglob("*")) == []


def test_a_run_goes_on_as_it_began(memoryspan, solved):
    answer = memoryspan("train", "--resume", solved, "--length", "7")
    assert answer.code == 2
    assert names(answer.err, "--resume", "--length")


def test_an_existing_run_is_never_overwritten(memoryspan, solved):
    answer = memoryspan("train", "--run", solved)
    assert answer.code == 2
    assert names(answer.err, f"memoryspan train --resume {solved}", "--run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_learned_and_resume_goes_on(tmp_path, memoryspan, number):
    directory = tmp_path / "run"
    command = [sys.executable, "-m", "memoryspan", "train", "--learning-rate", "0.0003", "--run", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    history = directory / "history.jsonl"
    deadline = time.monotonic() + 60
    while not (history.exists() and history.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (128 + number, False)
    assert out.endswith(f"memoryspan train --resume {directory}\n")

    before = len(history.read_text().splitlines())
    assert memoryspan("train", "--resume", directory, "--budget", "20k").code == 1
    assert len(history.read_text().splitlines()) > before
