import json
import os
import signal
import subprocess
import sys
import time

import pytest

from memoryspan.cli.main import COMMANDS
from tests.messages import names


def in_a_process(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "memoryspan", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_ends_in_examples_of_it(memoryspan, command):
    answer = memoryspan(command, "-h")
    _, examples = answer.out.split("Examples:")
    assert answer.code == 0
    assert all(line.startswith(f"memoryspan {command}") for line in map(str.strip, examples.strip().splitlines()))


def test_help_lists_every_command_and_imports_neither_jax_nor_keras():
    script = (
        "import sys; sys.argv = ['memoryspan', '--help']\n"
        "from memoryspan.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'jax', 'keras', 'numpy', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.endswith("[]\n")
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_the_version_is_the_packages(memoryspan):
    import memoryspan as package

    assert memoryspan("--version").out == f"memoryspan {package.__version__}\n"


def test_a_command_that_does_not_exist_is_bad_input(memoryspan):
    answer = memoryspan("zebra")
    assert answer.code == 2
    assert names(answer.err, "'zebra'", "--help")


@pytest.mark.parametrize(
    ("typed", "meant"), [("trian", "train"), ("Span", "span"), ("eval", "evaluate"), ("reprodcue", "reproduce")]
)
def test_a_command_that_is_mistyped_names_the_one_that_is_meant(memoryspan, typed, meant):
    answer = memoryspan(typed)
    assert answer.code == 2
    assert names(answer.err, f"'{typed}'", meant)


def test_bad_input_is_a_sentence_on_standard_error_and_no_traceback():
    answer = in_a_process("train", "--out-index", "50")
    assert (answer.returncode, answer.stdout) == (2, "")
    (sentence,) = answer.stderr.splitlines()
    assert sentence.startswith("Error: ")
    assert names(sentence, "--out-index", 50, 0, 49, "--length 50", "--out-index 49")


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("def deep():\n    return [][3]\ndef build(task):\n    return deep()\n", [4, 2]),
        ("def fail():\n    {}['width']\nfail()\n", [3, 2]),
        ("def build(task:\n    pass\n", [1]),
        (
            "import keras\nclass Mine(keras.layers.Layer):\n    def call(self, inputs):\n        return self.missing\n"
            "def build(task):\n    return keras.Sequential([keras.Input((None, task.n_features)), Mine()])\n",
            [6, 4],
        ),
    ],
    ids=["when it is built", "when it is imported", "when it is parsed", "below Keras"],
)
def test_an_error_in_a_file_of_ones_own_is_shown_with_the_frames_of_that_file_alone(
    memoryspan, tmp_path, content, lines
):
    file = tmp_path / "mine.py"
    file.write_text(content)
    answer = memoryspan("train", "--model", f"{file}:build", "--run", tmp_path / "run")
    assert (answer.code, answer.out) == (2, "")
    first, *shown, message = answer.err.splitlines()
    assert first.startswith("Traceback (")
    places = [line.strip() for line in shown if line.startswith("  File ")]
    assert [place.split(", in ")[0] for place in places] == [f'File "{file}", line {line}' for line in lines]
    assert all(f"    {content.splitlines()[line - 1].strip()}" in shown for line in lines)
    assert message.startswith("Error: ")
    assert names(message, file, f"line {lines[-1]}")
    assert not (tmp_path / "run").exists()


def test_a_reader_that_leaves_early_is_no_error_of_ours():
    command = f"{sys.executable} -m memoryspan info --json | true"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert answer.stderr == ""


def test_nothing_but_the_result_reaches_a_pipe_and_no_colours(tmp_path):
    environment = os.environ | {"TERM": "xterm-256color"}
    arguments = ["--length", "4", "--features", "5", "--quiet", "--run", str(tmp_path / "run")]
    answer = in_a_process("train", *arguments, env=environment)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "\x1b" not in answer.stdout


STARTED = "from memoryspan.cli.main import main; print('started', flush=True); main()"
"""Before that Python itself starts, and a Ctrl-C is Python's own."""


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6])  # a fast machine has imported it all after one
def test_ctrl_c_while_everything_is_imported_ends_the_process_without_a_traceback(seconds, tmp_path):
    command = [sys.executable, "-c", STARTED, "train", "--run", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, len(err.strip().splitlines())) == (130, "", 1)


def test_ctrl_c_in_the_last_moment_of_a_process_is_no_traceback():
    script = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT); " + STARTED
    answer = subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stderr.strip()) == (130, "Interrupted.")


@pytest.mark.slow
@pytest.mark.parametrize("started", ["started", "updates"])
def test_ten_ctrl_c_at_once_end_the_process_without_a_traceback(started, tmp_path):
    command = [sys.executable, "-c", STARTED, "train", "--length", "1000", "--run", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    if started == "updates":  # the first line without a terminal, ten seconds after the first chunk
        process.stderr.readline()
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_reader_that_leaves_does_not_end_a_training(tmp_path):
    command = f"{sys.executable} -m memoryspan train --length 4 --features 5 --run {tmp_path / 'run'} | true"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert answer.stderr == ""
    assert json.loads((tmp_path / "run/run.json").read_text())["status"] == "solved"


def test_a_full_disk_behind_a_redirection_is_a_sentence():
    command = f"{sys.executable} -m memoryspan --help > /dev/full"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert answer.returncode == 2
    assert answer.stderr.startswith("Error: ")
    assert names(answer.stderr, "No space left on device")
