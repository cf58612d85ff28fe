"""A sweep: many cells, and a directory with an answer to each.

    manifest.json       what was asked
    cells/<key>.json    the answer to a cell, or why there is none
    results.csv         one row a cell
    .lock               held while a process answers

A cell's file is there in full or not at all, so that a sweep goes on after any end, a killed process included, with
what is missing. Nothing here imports what a file names.
"""

import csv
import io
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.files.lock import lock
from memoryspan.reproduce.trial import Outcome, Trial, Trials
from memoryspan.spans.cell import FORMAT, Found, Span
from memoryspan.sweeps import manifest
from memoryspan.sweeps.manifest import Manifest, Question, asked_again, strangers_of
from memoryspan.sweeps.result import Answer, AnyCell

CELLS = "cells"
RESULTS = "results.csv"


@dataclass(frozen=True)
class Sweep:
    """A directory, what was asked, and what has been answered so far."""

    directory: Path
    manifest: Manifest
    answers: dict[str, Answer]
    """By the key of the cell; `keep` adds to them."""
    notices: tuple[str, ...]
    """Sentences for the person, about what was found on opening it."""
    named: bool = False
    """Whether a person has named the tasks and models now: only then may strangers' files among them be imported."""
    cells: list[AnyCell] = field(init=False)
    """All that were asked, in order."""

    def __post_init__(self):
        object.__setattr__(self, "cells", list(self.manifest.asked.cells))

    @property
    def answered(self) -> list[Answer]:
        """The answers so far, in the order of the question."""
        return [self.answers[cell.key] for cell in self.cells if cell.key in self.answers]


def open_sweep(directory: str | Path, of: type[Question | Trials] = Question) -> Sweep:
    """A sweep as it lies on the disk, for reading: needs no lock, and changes nothing.

    Raises:
        RunError: there is none, it is of another kind, or its manifest is damaged or of another format.
    """
    directory = Path(directory)
    asked = manifest.read(directory)
    if not isinstance(asked.asked, of):
        raise RunError(
            f"{directory} is a sweep of `memoryspan {asked.asked.command}`: "
            f"`memoryspan {asked.asked.command} --run {shlex.quote(str(directory))}` goes on with it, and shows it."
        )
    return Sweep(directory, asked, *_kept(directory, asked.asked.cells))


@contextmanager
def begin(directory: str | Path | None, question: Question | Trials | None) -> Iterator[Sweep]:
    """A sweep to be answered by this process, which holds its lock in the block: a new one, or one to go on with.

    Args:
        directory: where to keep it, new or empty, or where it is kept; by default a fresh one, `runs/span-echo-001`.
        question: what to ask; it may be left out where the directory has it, and have more in it than there.

    Raises:
        RunError: the directory holds something else, the sweep of another question, or a damaged manifest; it is in
            use, or cannot be written to.
    """
    place = Path(directory) if directory else None
    if place is None or not (place / manifest.FILE).exists():
        place = _claim(place, question)
    instead = "Make room there, or give another --run."
    with atomic.explained(place, instead):
        held = _lock(place)
    try:
        with atomic.explained(place, instead):
            sweep = _opened(place, question)
        yield sweep
    finally:
        held.release()


def missing(sweep: Sweep, retry_failed: bool = False) -> list[AnyCell]:
    """The cells to be answered: those without an answer, and if asked those that failed.

    Raises:
        RunError: they need a stranger's file, and no person has named it in this process.
    """

    def answered(cell: AnyCell) -> bool:
        answer = sweep.answers.get(cell.key)
        return answer is not None and not (retry_failed and answer.failure)

    cells = [cell for cell in sweep.cells if not answered(cell)]
    if not sweep.named and (options := strangers_of(cells)):
        raise RunError(
            f"{len(cells):,} cells of the sweep in {sweep.directory} are missing, and need what is not part of "
            f"memoryspan; nothing is imported because a file names it: if you trust it, ask the whole question again, "
            f"with {' '.join(options)} in it."
        )
    return cells


def keep(sweep: Sweep, answer: Answer) -> None:
    """Puts an answer in place; raises `RunError` where it cannot be written."""
    content = msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"
    with _written(sweep):
        atomic.write(sweep.directory / CELLS / f"{answer.cell.key}.json", content)
    sweep.answers[answer.cell.key] = answer


def write_results(sweep: Sweep) -> None:
    """`results.csv`, of the answers so far, in the order of the question; raises `RunError` where it cannot be."""
    text = io.StringIO()
    rows = csv.DictWriter(text, _COLUMNS[type(sweep.manifest.asked)], restval="", lineterminator="\n")
    rows.writeheader()
    rows.writerows(map(_row, sweep.answered))
    with _written(sweep):
        atomic.write(sweep.directory / RESULTS, text.getvalue().encode())


def _written(sweep: Sweep):
    command = f"memoryspan {sweep.manifest.asked.command} --run {shlex.quote(str(sweep.directory))}"
    return atomic.explained(sweep.directory, f"Make room there, then {command} goes on.")


_SPAN = ("length", "lag", "at_least")
_COST = ("ended", "updates", "examples", "tokens", "seconds", "engine")
_COLUMNS = {
    Question: (
        *("task", "model", "seed", "parameters"),
        *(f"learned_{name}" for name in _SPAN),
        *(f"held_{name}" for name in _SPAN),
        *_COST,
        "error",
    ),
    Trials: (
        *("experiment", "curriculum", "task", "model", "seed", "parameters"),
        *("sequences", "accuracy", "rms_error"),
        *_COST,
        "error",
    ),
}


def _row(answer: Answer) -> dict[str, object]:
    cell = answer.cell
    row = {"task": str(cell.task), "model": str(cell.model), "seed": cell.seed}
    if isinstance(cell, Trial):
        row |= {"experiment": cell.experiment, "curriculum": str(cell.curriculum).lower()}
    return row | _figures(answer.found) | {"error": answer.failure.error if answer.failure else ""}


def _figures(found: Found | Outcome | None) -> dict[str, object]:
    match found:
        case None:
            return {}
        case Found(learned=learned, held=held):
            own = _span("learned", learned) | _span("held", held)
        case Outcome(sequences=sequences, accuracy=accuracy, rms_error=rms_error):
            own = {"sequences": sequences, "accuracy": accuracy.value, "rms_error": rms_error}
    return own | {name: getattr(found, name) for name in ("parameters", *_COST)}


def _span(kind: str, span: Span) -> dict[str, object]:
    values = (span.length, span.lag, str(span.at_least).lower())
    return {f"{kind}_{name}": value for name, value in zip(_SPAN, values, strict=True)}


def _claim(place: Path | None, question: Question | Trials | None) -> Path:
    from memoryspan.runs.directory import claim  # brings JAX along

    if question is None:
        manifest.read(place or Path())  # says what is missing
    assert question is not None
    return claim(place, f"{question.command}-{_subject(question)[:40]}")


def _subject(question: Question | Trials) -> str:
    """What it is about, for the name of its directory."""
    if isinstance(question, Question):
        return "-".join(task.name.rpartition(":")[2] for task in question.tasks)
    return "-".join(dict.fromkeys(cell.experiment.partition("/")[0] for cell in question.cells))


def _opened(place: Path, question: Question | Trials | None) -> Sweep:
    """Under the lock, where nothing changes any more."""
    if not (place / manifest.FILE).exists():
        assert question is not None
        asked, answers, notices = manifest.write(place, question), {}, ()
    else:
        before = asked = manifest.read(place)
        answers, notices = _kept(place, before.asked.cells)
        if question is not None:
            asked = asked_again(place, before, question, answers)  # with those that are answered in it
        notices = (*_changed(len(before.asked.cells), len(asked.asked.cells)), *notices)
    cells = place / CELLS
    cells.mkdir(exist_ok=True)
    atomic.clean(place)
    atomic.clean(cells)
    return Sweep(place, asked, answers, notices, named=question is not None)


def _changed(before: int, now: int) -> tuple[str, ...]:
    """A sentence, where the number of cells is another."""
    if before == now:
        return ()
    return (f"The sweep {'grows' if now > before else 'shrinks'} from {before:,} cells to {now:,}.",)


def _lock(place: Path):
    try:
        return lock(place)
    except RunError:
        raise RunError(
            f"Another process is answering the sweep in {place}: wait until it ends, or stop it, or give another --run."
        ) from None


def _kept(directory: Path, cells: Sequence[AnyCell]) -> tuple[dict[str, Answer], tuple[str, ...]]:
    """The answers that are there, and a sentence on each file that is damaged."""
    answers, notices = {}, []
    for cell in cells:
        file = directory / CELLS / f"{cell.key}.json"
        try:
            content = file.read_bytes()
            manifest.require_readable(content, file, FORMAT)
            answer = msgspec.json.decode(content, type=Answer)
        except FileNotFoundError:
            continue
        except msgspec.DecodeError as error:
            notices.append(f"{file} is damaged ({error}), and its cell counts as missing.")
            continue
        if answer.cell.key != cell.key or (answer.found is None) == (answer.failure is None):
            notices.append(f"{file} is not the answer to its cell, which counts as missing.")
            continue
        answers[cell.key] = answer
    return answers, tuple(notices)
