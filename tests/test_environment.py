import os
import platform
import re
import subprocess
import sys

import pytest

from memoryspan.engine import why_not_native
from memoryspan.environment import NATIVE, Environment, commit, difference, environment
from tests.messages import names


def git(directory, *arguments) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    directory = tmp_path / "repository"
    directory.mkdir()
    git(directory, "init", "--quiet")
    git(directory, "commit", "--quiet", "--allow-empty", "-m", "first")
    return directory


def test_the_commit_is_found_from_a_directory_further_down(repository):
    (repository / "a" / "b").mkdir(parents=True)
    assert commit(repository / "a" / "b") == git(repository, "rev-parse", "HEAD")


def test_the_commit_is_found_without_a_branch_in_packed_names_and_in_another_worktree(repository):
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "worktree", "add", "--quiet", "../other")
    assert commit(repository.parent / "other") == head
    git(repository, "pack-refs", "--all")
    assert commit(repository) == commit(repository.parent / "other") == head
    git(repository, "checkout", "--quiet", "--detach")
    assert commit(repository) == head


def test_without_a_repository_or_before_its_first_commit_there_is_none(tmp_path):
    assert commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert commit(tmp_path) is None


def test_this_one_names_its_device_and_versions():
    here = environment()
    assert here.device
    assert set(here.packages) - {NATIVE} == {"python", "jax", "jaxlib", "keras", "numpy"}
    assert difference(here, here) is None


def test_a_native_recurrence_is_named_where_it_is_in_use(monkeypatch):
    if reason := why_not_native():
        pytest.skip(f"No recurrence in C++: {reason}")
    with_it = environment()
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    without = environment()
    assert (NATIVE in with_it.packages, NATIVE in without.packages) == (True, False)
    assert f"native {with_it.packages[NATIVE]} → None" in (difference(with_it, without) or "")


@pytest.mark.slow
@pytest.mark.parametrize(("cores", "expected"), [(1, "1 device"), (2, "2 devices")])
def test_a_cpu_says_how_many_devices_it_is(cores, expected):
    script = "from memoryspan.environment import environment; print(environment().device)"
    process = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": str(cores), "JAX_PLATFORMS": "cpu"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert process.stdout == f"cpu ({platform.machine()}), {expected}\n"


def test_what_has_changed_is_named():
    before = Environment("cpu", {"jax": "0.7.0", "jaxlib": "1", "keras": "3", "numpy": "2"}, None)
    after = Environment("H100", {"jax": "0.8.0", "jaxlib": "1", "keras": "3", "numpy": "2"}, "abc")
    changed = difference(before, after) or ""
    assert names(changed, "cpu → H100", "jax 0.7.0 → 0.8.0")
    assert not re.search("jaxlib|keras|numpy", changed)
