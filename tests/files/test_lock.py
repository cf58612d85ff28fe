import subprocess
import sys
from contextlib import contextmanager

import pytest

from memoryspan.errors import RunError
from memoryspan.files.lock import lock

HOLD = (
    "import pathlib, sys; from memoryspan.files.lock import lock;"
    "held = lock(pathlib.Path(sys.argv[1]), 'in use'); print('held', flush=True); sys.stdin.read()"
)


@contextmanager
def held_by_another_process(directory):
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_in_the_words_of_the_caller(tmp_path):
    with held_by_another_process(tmp_path), pytest.raises(RunError, match=r"^a message$"):
        lock(tmp_path, "a message")


def test_a_second_lock_in_the_same_process_is_refused(tmp_path):
    held = lock(tmp_path, "first")
    with pytest.raises(RunError, match=r"^second$"):
        lock(tmp_path, "second")
    held.release()
    lock(tmp_path, "third").release()


def test_the_lock_vanishes_with_a_killed_process(tmp_path):
    with held_by_another_process(tmp_path) as process:
        process.kill()
        process.wait()
        lock(tmp_path, "in use").release()
