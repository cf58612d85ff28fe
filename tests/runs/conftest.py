"""A small training, run once, and copies of what it has kept."""

import shutil
from pathlib import Path

import pytest

from memoryspan.runs import Run
from tests.runs.small import SETTINGS, TASK, slow_model


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The directory of a training that was never stopped; to be read only."""
    directory = tmp_path_factory.mktemp("reference") / "run"
    Run.create(slow_model(), TASK, SETTINGS, directory=directory).train()
    return directory


@pytest.fixture
def run(reference: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(reference, tmp_path / "run"))
