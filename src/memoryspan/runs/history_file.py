"""`history.jsonl`: one row of a training's history a line.

The one file that is appended to. A row counts once its line has ended: a line that a killed process left torn is
not there, and a training that resumes from a checkpoint first removes the rows after it.
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.files.json import from_json
from memoryspan.training.result import HistoryRow

FILE = "history.jsonl"


def history(directory: str | Path) -> tuple[HistoryRow, ...]:
    """Return the rows that were saved of a run; none where it has no history.

    Raises:
        RunError: the file cannot be read, or a line of it is damaged.
    """
    path = Path(directory) / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Ask its owner for leave to read it.") from error
    *lines, _torn = content.split(b"\n")
    rows = tuple(_decode(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1))
    for number, (before, row) in enumerate(pairwise(rows), start=2):
        if row.updates <= before.updates:
            raise _damaged(f"{path}, line {number}", f"{row.updates} updates follow {before.updates}")
    return rows


def append(directory: Path, row: HistoryRow) -> None:
    """Append a row, without waiting for the disk; raises `OSError` where it cannot be written."""
    with (directory / FILE).open("ab") as file:
        file.write(_encode(row))


def up_to(rows: Iterable[HistoryRow], last: HistoryRow) -> list[HistoryRow]:
    """Return the rows of a training that is at the row `last`, which may be missing: its line may be torn."""
    return [*(row for row in rows if row.updates < last.updates), *([last] if last.updates else [])]


def rewrite(directory: Path, rows: Iterable[HistoryRow]) -> None:
    """Replace all rows by these; raises `OSError` where they cannot be written."""
    atomic.write(directory / FILE, b"".join(map(_encode, rows)))


def row_from(values: dict[str, Any]) -> HistoryRow:
    """Return a row from its JSON, in which a number that is not finite is null.

    Raises:
        msgspec.ValidationError: these are not the values of a row.
    """
    return msgspec.convert({name: math.nan if x is None else x for name, x in values.items()}, HistoryRow)


def _encode(row: HistoryRow) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _decode(line: bytes, where: str) -> HistoryRow:
    try:
        return row_from(from_json(line, dict[str, Any]))
    except msgspec.DecodeError as error:
        raise _damaged(where, error) from error


def _damaged(where: str, reason: object) -> RunError:
    return RunError(
        f"{where} is damaged ({reason}): put back a copy of the file, or delete the line to do without that row."
    )
