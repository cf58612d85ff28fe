import json

import pytest

from memoryspan import Accuracy
from memoryspan.errors import RunError
from memoryspan.spans import held_file
from memoryspan.spans.held import Held
from memoryspan.spans.trial import Span
from tests.messages import naming

UPDATES = 20


def held_up_to(length: int) -> held_file.HeldSpan:
    curve = (Accuracy(1000, 1000, 8, 0.1), Accuracy(400, 1000, length, 0.1))
    return held_file.as_record(Held(Span(8, 5, False), curve), UPDATES)


@pytest.fixture
def damage(tmp_path):
    """Change a field of a saved file, or put bytes in its place."""

    def apply(content: bytes | dict) -> None:
        held_file.save(tmp_path, held_up_to(16))
        file = tmp_path / held_file.FILE
        if isinstance(content, dict):
            content = json.dumps(json.loads(file.read_bytes()) | content).encode()
        file.write_bytes(content)

    return apply


def test_it_comes_back_as_it_was_saved(tmp_path):
    assert held_file.load(tmp_path, UPDATES) is None
    held_file.save(tmp_path, held_up_to(16))
    assert held_file.load(tmp_path, UPDATES) == held_up_to(16)


def test_that_of_a_model_with_other_updates_is_not_returned(tmp_path):
    held_file.save(tmp_path, held_up_to(16))
    assert held_file.load(tmp_path, UPDATES + 1) is None


def test_the_one_that_covers_longer_sequences_is_kept(tmp_path):
    for length in (16, 64, 32):
        held_file.save(tmp_path, held_up_to(length))
    assert held_file.load(tmp_path, UPDATES) == held_up_to(64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        {"curve": []},
        {"curve": [{"length": 8}]},
        {"span": {"length": 8, "lag": None, "at_least": False}},
        {"updates": None},
    ],
)
def test_a_damaged_one_is_refused_and_replaced_by_a_new_one(tmp_path, damage, content):
    damage(content)
    with pytest.raises(RunError, match=naming(tmp_path / held_file.FILE, f"memoryspan span {tmp_path}")):
        held_file.load(tmp_path, UPDATES)
    held_file.save(tmp_path, held_up_to(8))
    assert held_file.load(tmp_path, UPDATES) == held_up_to(8)


def test_one_of_another_format_names_it_and_its_version(tmp_path, damage):
    damage({"format": 99, "memoryspan": "9.1"})
    with pytest.raises(RunError, match=naming(tmp_path / held_file.FILE, 99, "9.1")):
        held_file.load(tmp_path, UPDATES)
