"""Commands on disks that are too small for them: a sentence, no traceback, and no file half written."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from safetensors.numpy import load

from memoryspan.runs import Run
from tests.disks import small_disk
from tests.messages import names

SIZES = [16, 32, 48, 64, 96, 128, 160, 256, 4096]
"""Disks, in KiB: from one that takes hardly the first file to one that takes all."""

TRAIN = ("train", "--length", "4", "--features", "5", "--units", "8", "--budget", "3k", "--run")
SPAN = (
    "span",
    "--task",
    "echo,n_features=4,out_index=1",
    "--seeds",
    "1",
    "--budget",
    "600",
    "--max-length",
    "4",
    "--dir",
)
REPRODUCE = ("reproduce", "echo/book", "--seeds", "1", "--dir")


def require_whole(directory: Path) -> None:
    """Nothing is half written, except for the last line of a history, which then does not count."""
    for path in (path for path in directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not path.name.startswith(".writing-")
        if path.suffix == ".json":
            json.loads(content)
        elif path.suffix == ".jsonl":
            assert all(json.loads(line) for line in content.split(b"\n")[:-1])
        elif path.suffix == ".keras":
            assert zipfile.ZipFile(path).testzip() is None
        elif path.suffix == ".safetensors":
            load(content)
        elif path.suffix in ENDS:
            assert content.endswith(ENDS[path.suffix])


ENDS = {".png": b"IEND\xaeB`\x82", ".svg": b"</svg>\n", ".html": b"</html>\n", ".csv": b"\n"}


def make_room(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_training(memoryspan, tmp_path, size):
    with small_disk(tmp_path / "disk", f"{size}k") as disk:
        answer = memoryspan(*TRAIN, disk / "run")
        assert answer.code in (0, 1, 2)
        assert names(answer.err, "No space left on device") == (size < 256)
        require_whole(disk)
        make_room(disk)
        if (disk / "run" / "run.json").exists():
            assert memoryspan("train", "--resume", disk / "run").code in (0, 1)
        else:
            assert answer.code == 2
            assert memoryspan(*TRAIN, disk / "run").code in (0, 1)
        assert Run.load(disk / "run").record.results is not None


@pytest.mark.slow
@pytest.mark.parametrize("command", [SPAN, REPRODUCE], ids=["span", "reproduce"])
@pytest.mark.parametrize("size", SIZES)
def test_a_sweep(memoryspan, tmp_path, size, command):
    with small_disk(tmp_path / "disk", f"{size}k") as disk:
        answer = memoryspan(*command, disk / "sweep", "--workers", "1")
        assert answer.code in (0, 2)
        assert names(answer.err, "No space left on device") or size > 64
        require_whole(disk)
        make_room(disk)
        if answer.code == 2:
            assert memoryspan(*command, disk / "sweep", "--workers", "1").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", ["report", "trace", "span"])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_into_a_run(memoryspan, solved, tmp_path, size, command):
    taken = sum(-(-path.stat().st_size // 4096) for path in solved.rglob("*") if path.suffix != ".html") * 4 + 16
    with small_disk(tmp_path / "disk", f"{taken + size // 4}k") as disk:
        run = Path(shutil.copytree(solved, disk / "run", ignore=shutil.ignore_patterns("*.html", "held-span.json")))
        answer = memoryspan(command, run)
        assert answer.code in (0, 2)
        assert answer.code == 0 or command != "span"  # which has printed it
        require_whole(disk)
        make_room(disk)
        assert memoryspan(command, run).code == 0
