import json
import os
import signal
import subprocess
import sys
import time

import pytest

from memoryspan.reproduce.suite import QUICK, SUITE
from tests.messages import names


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """The directory of a small experiment, repeated by the command."""
    directory = tmp_path_factory.mktemp("sweeps") / "published"
    command = ["reproduce", "echo/book", "--seeds", "2", "--workers", "1", "--dir", str(directory)]
    ended = subprocess.run([sys.executable, "-m", "memoryspan", *command], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert names(ended.stderr, "4 of 4", "echo/book")
    header, *rows = ended.stdout.splitlines()
    assert names(header, "experiment", "published", "curriculum", "ratio")
    assert [row.split()[0] for row in rows[:2]] == ["echo/book", "echo/book"]
    assert "Brownlee 2017" in ended.stdout
    return directory


def test_it_keeps_a_sweep_with_a_table(sweep):
    assert {path.name for path in sweep.iterdir()} >= {"manifest.json", "trials", "results.csv"}
    header, *rows = (sweep / "results.csv").read_text().splitlines()
    assert header.startswith("experiment,curriculum,task,model,seed,parameters,sequences,accuracy,rms_error,ended")
    assert [row.split(",")[:2] for row in rows] == [["echo/book", "true"]] * 2 + [["echo/book", "false"]] * 2


def test_published_and_measured_stand_side_by_side_as_json(memoryspan, sweep):
    answer = memoryspan("reproduce", "--dir", sweep, "--json")
    assert answer.code == 0
    with_it, without = answer.json["experiments"]
    assert with_it["experiment"]["published"]["seen"] == 10_000
    assert (with_it["curriculum"], without["curriculum"]) == (True, False)
    assert with_it["solved"] == 2
    assert with_it["sequences"] < 10_000
    assert with_it["ratio"] is None
    assert with_it["accuracy"] > 0.99
    assert len(answer.json["results"]) == 4


def test_asked_again_it_runs_nothing(memoryspan, sweep):
    before = {path: path.stat().st_mtime_ns for path in (sweep / "trials").iterdir()}
    manifest = (sweep / "manifest.json").read_bytes()
    for settings in (["echo/book", "--seeds", "2"], ["echo/book"], ["--seeds", "2"], []):
        assert memoryspan("reproduce", *settings, "--dir", sweep).code == 0
    assert (sweep / "manifest.json").read_bytes() == manifest
    assert {path: path.stat().st_mtime_ns for path in (sweep / "trials").iterdir()} == before


def test_only_what_is_missing_is_run_and_the_answer_is_the_same(memoryspan, sweep):
    gone = sorted((sweep / "trials").iterdir())[0]
    before = json.loads(gone.read_text())
    gone.unlink()
    answer = memoryspan("reproduce", "--dir", sweep, "--workers", "1")
    assert answer.code == 0
    assert names(answer.err, "1 of 1")
    now = json.loads(gone.read_text())
    assert now["result"]["sequences"] == before["result"]["sequences"]


def test_a_terminal_that_closes_keeps_what_is_done(tmp_path):
    command = ["reproduce", "lstm-1997/adding-1000", "--workers", "1", "--dir", str(tmp_path / "sweep")]
    process = subprocess.Popen(
        [sys.executable, "-m", "memoryspan", *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "sweep" / "trials").exists():
        time.sleep(0.1)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGHUP)  # as a terminal does: to all of the group
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP, err
    assert names(err, "0 of 10", f"memoryspan reproduce --dir {tmp_path / 'sweep'}")
    assert out == ""


def test_the_list_has_every_experiment_with_what_was_published(memoryspan):
    answer = memoryspan("reproduce", "--list")
    assert answer.code == 0
    listed = [line.partition(":")[0] for line in answer.out.splitlines()[::3]]
    assert [name.removesuffix(" (quick)") for name in listed] == list(SUITE)
    assert [name.removesuffix(" (quick)") for name in listed if name.endswith(" (quick)")] == [
        name for name in SUITE if name in QUICK
    ]
    adding = SUITE["lstm-1997/adding-100"].published
    assert names(answer.out, str(adding), "74,000", adding.source)
    only = memoryspan("reproduce", "--list", "chrono-2018", "--json").json
    assert [each["name"] for each in only] == [name for name in SUITE if name.startswith("chrono-2018")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["memoryspan reproduce lstm-1997 --quick", "--list"]),
        (["lstm-1998"], ["'lstm-1998'", "lstm-1997", "--list"]),
        (["recall", "--quick"], ["recall", "--quick", *QUICK]),
        (["--list", "--quick"], ["--list", "--quick"]),
        (["--dir", "SWEEP", "--quick"], ["--quick"]),
        (["echo/book", "--seeds", "0"], ["'--seeds'", "0 is not in the range"]),
        (["echo/tutorial", "--dir", "SWEEP"], ["without experiments echo/book", "memoryspan reproduce --dir", "SWEEP"]),
        (["--seeds", "1", "--dir", "SWEEP"], ["without seeds 1"]),
        (["--dir", "NOWHERE"], ["no sweep", "NOWHERE"]),
    ],
)
def test_what_makes_no_sense_is_refused(memoryspan, sweep, tmp_path, arguments, words):
    places = {"SWEEP": str(sweep), "NOWHERE": str(tmp_path / "nowhere")}
    answer = memoryspan("reproduce", *[places.get(argument, argument) for argument in arguments])
    assert answer.code == 2
    expected = [places.get(word, word) for word in words]
    assert names(" ".join(answer.err.split()), *expected)
    assert not list(tmp_path.iterdir())


def test_span_says_whose_sweep_it_is(memoryspan, sweep):
    answer = memoryspan("span", sweep)
    assert answer.code == 2
    assert names(answer.err, f"memoryspan reproduce --dir {sweep}")


def test_its_page_and_its_settings_are_shown(memoryspan, sweep, tmp_path):
    assert memoryspan("report", sweep, "-o", tmp_path / "page.html").code == 0
    assert "echo/book" in (tmp_path / "page.html").read_text()
    facts = memoryspan("info", sweep, "--json").json
    assert (facts["command"], facts["completed"], facts["pending"]) == ("reproduce", facts["trials"], 0)
