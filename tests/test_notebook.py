"""The view of a training in a notebook, from a real kernel, and its absence elsewhere."""

import os
import re
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest
from jupyter_client.manager import start_new_kernel

from memoryspan import Echo, Status, lstm, train
from memoryspan.notebook import view
from memoryspan.training import HistoryRow
from tests.messages import names

PREPARE = """
from dataclasses import dataclass
from memoryspan import Budget, Echo, lstm, train

task = Echo(length=6, n_features=6, out_index=1)
model = lstm(task, units=16, seed=0)
"""


class Kernel:
    """Runs code, and gives what it displays: a list of messages."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def __call__(self, code, heed=lambda message: None):
        messages = []

        def hook(message):
            messages.append(message)
            heed(message)

        self.client.execute_interactive(code, output_hook=hook, timeout=100)
        return [message for message in messages if message["msg_type"] not in ("status", "execute_input")]

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    assert kernel(PREPARE) == []
    yield kernel
    kernel.stop()


def html(message):
    return message["content"]["data"]["text/html"]


def readable(markup):
    """Its text; it is well-formed, or this fails."""
    return "".join(ElementTree.fromstring(markup).itertext())


def test_a_training_is_one_display_that_is_redrawn_and_ends_with_how_it_ended(kernel):
    first, *redrawn = kernel("result = train(model, task)")
    assert first["msg_type"] == "display_data"
    assert {message["msg_type"] for message in redrawn} == {"update_display_data"}
    assert len({message["content"]["transient"]["display_id"] for message in (first, *redrawn)}) == 1
    assert readable(html(first)).strip() not in ("", Status.SOLVED.message)
    last = redrawn[-1]
    assert Status.SOLVED.message in readable(html(last))
    assert names(last["content"]["data"]["text/plain"], 6, "%")
    assert len(html(last)) < 10_000

    (shown,) = kernel("result")
    assert "<table>" in html(shown)
    assert Status.SOLVED.message in readable(html(shown))


def test_it_is_redrawn_four_times_a_second_at_most(kernel):
    _, *redrawn = kernel(
        "from memoryspan.training import HistoryRow\n"
        "from memoryspan.notebook import live_view\n"
        "now = 0.0\n"
        "with live_view(task, clock=lambda: now) as show:\n"
        "    for eighth in range(9):\n"
        "        now = eighth / 8\n"
        "        rows = [HistoryRow(eighth + 1, 32, 32, 0, 0.1, 2, 0.5, 0.1)]\n"
        "        show(rows)\n"
        "    show(rows, 'ended')"
    )
    updates = [re.findall(r"(\d+) updates", readable(html(message))) for message in redrawn]
    assert updates == [["1"], ["3"], ["5"], ["7"], ["9"], ["9"]]  # the last one is drawn because it is the last


def test_names_are_text_and_not_markup(kernel):
    *_, last = kernel(
        "@dataclass(frozen=True)\nclass Named(Echo):\n    name = '<script>alert(1)</script>&\"'\n"
        "train(model, Named(6, 6, 1), budget=Budget(examples=1000)) and None"
    )
    assert "<script" not in html(last)
    assert names(readable(html(last)), '<script>alert(1)</script>&"', 6)


def test_where_training_cannot_begin_the_view_waits_no_longer(kernel):
    *_, last, error = kernel("train(model, Echo(length=6, n_features=7, out_index=1))")
    assert error["content"]["ename"] == "ModelError"
    assert readable(html(last)).strip() == ""


def test_interrupting_the_kernel_ends_the_training_and_the_view_says_so(kernel):
    pressed = []

    def press(message):
        if message["msg_type"] == "update_display_data" and not pressed:
            pressed.append(message)
            kernel.manager.interrupt_kernel()

    *_, last, status = kernel(
        "train(lstm(Echo(), learning_rate=1e-9), Echo(), budget=Budget(examples=10**12)).status", press
    )
    assert Status.INTERRUPTED.message in readable(html(last))
    assert repr(Status.INTERRUPTED) in status["content"]["data"]["text/plain"]


def test_a_long_training_has_no_larger_a_view():
    rows = [HistoryRow(n, 32 * n, 32 * n, 0, n / 100, 6 if n > 9000 else 3, 0.5, 0.1) for n in range(1, 20_001)]
    markup = view(Echo(6, 6, 1), rows, "")["text/html"]
    assert len(markup) < 10_000
    assert len(re.findall(r" L ", markup)) > 100
    readable(markup)


def test_outside_a_notebook_nothing_is_shown(capfd):
    task = Echo(length=6, n_features=6, out_index=1)
    assert train(lstm(task, units=16, seed=0), task).solved
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_in_ipython_on_a_terminal_nothing_is_shown(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--quick", "-c", f"{PREPARE}\nprint(train(model, task).solved)"],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"


RUN = """
from memoryspan import Budget, Echo, lstm
from memoryspan.runs import Run

def examples_of(snapshot):
    return snapshot.row.examples
"""

BEGIN = """
task = Echo(length=6, n_features=6, out_index=1)
run = Run.create(lstm(task, units=16, learning_rate=1e-6, seed=0), task, directory={directory!r})
run.train(every=0)
"""

RESUME = """
run = Run.resume({directory!r})
before = examples_of(run.snapshot)
run.lock.release()
run = Run.resume({directory!r}, budget=Budget(examples=before + 1000))
result = run.train()
print(before, examples_of(run.snapshot), result.status.value)
"""


@pytest.mark.slow
def test_a_training_goes_on_where_the_kernel_that_ran_it_was_restarted(tmp_path):
    directory = str(tmp_path / "run")
    kernel, history = Kernel(), tmp_path / "run" / "history.jsonl"
    try:
        kernel(RUN)
        kernel.client.execute(BEGIN.format(directory=directory))
        deadline = time.monotonic() + 100
        while not (history.exists() and len(history.read_bytes().splitlines()) > 5) and time.monotonic() < deadline:
            time.sleep(0.05)
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=100)
        kernel(RUN)
        printed = kernel(RESUME.format(directory=directory))
    finally:
        kernel.stop()
    (line,) = ["".join(m["content"]["text"] for m in printed if m["msg_type"] == "stream")]
    before, after, status = line.split()
    assert 0 < int(before) < int(after)
    assert status == Status.BUDGET.value
