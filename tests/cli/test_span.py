import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.messages import names

SMALL = ("--task", "echo,n_features=4,out_index=1", "--budget", "3k", "--max-length", "8", "--workers", "1")
MODELS = ("--model", "lstm,units=6", "--model", "gru,units=6")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """The directory of a small sweep, made by the command."""
    directory = tmp_path_factory.mktemp("sweeps") / "sweep"
    command = [sys.executable, "-m", "memoryspan", "span", *SMALL, *MODELS, "--seeds", "2", "--dir", str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert names(ended.stderr, "4 of 4", "gru,units=6", "echo,n_features=4,out_index=1", "seed 1")
    assert "learned span" in ended.stdout
    return directory


def test_it_keeps_a_manifest_a_file_a_trial_a_table_and_a_picture(sweep):
    assert {path.name for path in sweep.iterdir()} >= {"manifest.json", "trials", "results.csv", "span.png"}
    assert len(list((sweep / "trials").iterdir())) == 4
    assert len((sweep / "results.csv").read_text().splitlines()) == 5


def test_asked_again_it_runs_nothing_and_shows_the_same(memoryspan, sweep):
    before = {path: path.stat().st_mtime_ns for path in (sweep / "trials").iterdir()}
    manifest = (sweep / "manifest.json").read_bytes()
    answer = memoryspan("span", "--dir", sweep, "--json")
    assert answer.code == 0
    assert (sweep / "manifest.json").read_bytes() == manifest
    assert [row["model"]["name"] for row in answer.json["summary"]] == ["lstm", "gru"]
    assert len(answer.json["results"]) == 4
    assert {path: path.stat().st_mtime_ns for path in (sweep / "trials").iterdir()} == before
    same = memoryspan("span", *SMALL, *MODELS, "--seeds", "2", "--dir", sweep)
    assert same.code == 0
    assert "lstm,units=6" in same.out


def test_only_what_is_missing_is_run_and_the_answer_is_the_same(memoryspan, sweep):
    gone = sorted((sweep / "trials").iterdir())[0]
    before = json.loads(gone.read_text())
    gone.unlink()
    answer = memoryspan("span", "--dir", sweep, "--workers", "1")
    assert answer.code == 0
    assert names(answer.err, "1 of 1")
    now = json.loads(gone.read_text())
    assert now["result"] | {"seconds": 0} == before["result"] | {"seconds": 0}


def test_other_settings_do_not_go_into_the_same_directory(memoryspan, sweep):
    answer = memoryspan("span", *SMALL, *MODELS, "--seeds", "1", "--dir", sweep)
    assert answer.code == 2
    assert names(answer.err, sweep, "without seeds 1", f"memoryspan span --dir {sweep}")


def test_more_seeds_join_those_that_are_there_and_nothing_else_changes(memoryspan, sweep, tmp_path):
    grown = shutil.copytree(sweep, tmp_path / "grown")
    settings = json.loads((grown / "manifest.json").read_text())["config"]
    before = {file.name: file.read_bytes() for file in (grown / "trials").iterdir()}
    answer = memoryspan("span", "--seeds", "3", "--workers", "1", "--dir", grown)
    assert answer.code == 0
    assert json.loads((grown / "manifest.json").read_text())["config"] == settings | {"seeds": [0, 1, 2]}
    now = {file.name: file.read_bytes() for file in (grown / "trials").iterdir()}
    assert now.items() > before.items()
    assert 2 * len(now) == 3 * len(before)
    missing = len(now) - len(before)
    assert names(answer.err, len(before), len(now), f"{missing} of {missing}")
    assert len((grown / "results.csv").read_text().splitlines()) - 1 == len(now)


def test_a_trial_that_fails_says_why_and_the_others_run(memoryspan, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from memoryspan import lstm\n"
        "def build(task, seed=0):\n"
        "    if seed == 1:\n"
        "        raise RuntimeError('no more than one')\n"
        "    return lstm(task, units=4, seed=seed)\n"
    )
    arguments = ("span", *SMALL, "--model", f"{file}:build", "--seeds", "2", "--dir", tmp_path / "sweep")
    answer = memoryspan(*arguments)
    assert answer.code == 1
    assert names(answer.out, "mine.py", "line 4", "build", "RuntimeError: no more than one")
    assert f"memoryspan span --dir {tmp_path / 'sweep'} --retry-failed" in answer.out
    file.write_text(file.read_text().replace("seed == 1", "False"))
    again = [sys.executable, "-m", "memoryspan", *map(str, arguments), "--retry-failed"]
    ended = subprocess.run(again, capture_output=True, text=True)
    assert ended.returncode == 2
    assert names(ended.stderr, f"{file}:build has changed since", "--dir")
    unnamed = memoryspan("span", "--dir", tmp_path / "sweep", "--seeds", "3")
    assert unnamed.code == 2
    assert names(unnamed.err, f"--model {file}:build")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_done_and_the_message_how_to_resume(tmp_path, number):
    directory = tmp_path / "sweep"
    arguments = [*SMALL[:2], "--budget", "100Mtok", "--max-length", "4096", "--model", "lstm,units=6", "--workers", "1"]
    command = [sys.executable, "-m", "memoryspan", "span", *arguments, "--seeds", "1", "--dir", str(directory)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (directory / "trials").exists():
        time.sleep(0.1)
    time.sleep(2)
    os.killpg(process.pid, number)  # as a terminal does, and a batch system: to all of the group
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number, err
    assert names(err, "0 of 1", f"memoryspan span --dir {directory}")


def test_a_sweep_is_named_with_dir_alone(memoryspan, sweep):
    answer = memoryspan("span", sweep)
    assert answer.code == 2
    assert names(answer.err, f"memoryspan span --dir {sweep}")


def test_a_run_has_its_held_span(memoryspan, solved):
    answer = memoryspan("span", solved, "--max-length", "32")
    assert answer.code == 0
    assert (solved / "span.png").exists()
    as_json = memoryspan("span", solved, "--max-length", "32", "--json").json
    assert as_json["held"]["length"] >= 6
    assert names(answer.out, as_json["held"]["length"], as_json["held"]["lag"])
    assert as_json["curve"][0]["length"] == 3


def test_anybodys_keras_file_has_one_too(memoryspan, solved):
    answer = memoryspan("span", solved / "model.keras", "--task", "echo,n_features=10", "--max-length", "16", "--json")
    assert answer.json["held"]["length"] >= 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "lsmt"], ["'lsmt'", "lstm"]),
        (["--budget", "20"], ["20 examples", "320 examples"]),
        (["--seeds", "0"], ["seeds", 0, 1]),
        (["--executor", "cluster"], ["'cluster'", "--executor dask"]),
        (["no/such/place"], ["no run and no .keras file", "no/such/place"]),
    ],
)
def test_bad_input_is_refused_and_nothing_is_left_behind(memoryspan, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("span", *arguments)
    assert answer.code == 2
    assert names(answer.err, *words)
    assert not list(tmp_path.rglob("*.json"))
