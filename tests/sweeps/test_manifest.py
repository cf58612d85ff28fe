import msgspec
import pytest

from memoryspan.errors import RunError
from memoryspan.report.views import SWEEP_KINDS
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.manifest import new_manifest, read_manifest, write_manifest
from tests.messages import naming
from tests.sweeps.tiny_sweep import TINY, TinyConfig, config

MINE = Spec("mine.py:build", {"width": 3}, "ab12")


@pytest.mark.parametrize(
    ("kind", "given"), [(SPAN, config(models=(MINE,))), (TINY, TinyConfig((1, 2)))], ids=["span", "tiny"]
)
def test_it_comes_back_as_it_was_written(tmp_path, kind, given):
    written = new_manifest(kind, given)
    write_manifest(tmp_path, written)
    assert read_manifest(tmp_path, SPAN, TINY) == (kind, written)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 3, "memoryspan": "1"}'])
def test_a_damaged_one_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(RunError, match=r"manifest\.json"):
        read_manifest(tmp_path, SPAN)


def test_an_invalid_budget_is_damage(tmp_path):
    write_manifest(tmp_path, new_manifest(SPAN, config()))
    file = tmp_path / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"examples": 64', b'"examples": -1'))
    with pytest.raises(RunError, match="budget"):
        read_manifest(tmp_path, SPAN)


def test_no_sweep_is_no_sweep(tmp_path):
    with pytest.raises(RunError, match=naming(tmp_path / "none", f"memoryspan tiny --dir {tmp_path / 'none'}")):
        read_manifest(tmp_path / "none", TINY)


def test_a_run_is_no_sweep(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match=f"memoryspan info {tmp_path}"):
        read_manifest(tmp_path, SPAN)


def test_one_of_a_kind_that_is_not_known_names_its_command_and_version(tmp_path):
    written = msgspec.structs.replace(new_manifest(TINY, TinyConfig((1,))), memoryspan="9.1")
    write_manifest(tmp_path, written)
    with pytest.raises(RunError, match=naming(tmp_path, "memoryspan tiny", "9.1")):
        read_manifest(tmp_path, *SWEEP_KINDS)
