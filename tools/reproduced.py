"""`docs/reproduced.md`: published experiments beside what was measured, from sweeps of `memoryspan reproduce`.

    memoryspan reproduce lstm-1997 echo --dir build/reproduced
    python -m tools.reproduced build/reproduced

puts the rows of the sweep into `docs/reproduced.jsonl`, in the place of those of the same experiments, and writes from
all that are there a section for each paper, and the picture. What stands outside of the sections stays as it is.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from pathlib import Path
from typing import Any

import click
import msgspec

from memoryspan.report.figures.reproduced import FILE, dots, draw_reproduced
from memoryspan.report.tables.reproduced import LEFT, TITLES, cells_of, notes
from memoryspan.reproduce.compare import Comparison, as_json, compare
from memoryspan.reproduce.kind import REPRODUCE
from memoryspan.reproduce.suite import SUITE, meant
from memoryspan.reproduce.trial import ReproduceTrial
from memoryspan.stats import Interval
from memoryspan.sweeps.sweep import TRIALS, read_sweep
from memoryspan.sweeps.trial import TrialResult
from memoryspan.tables import TextTable, markdown_table
from tools.machine import this_machine
from tools.page import write_section

DOCS = Path(__file__).parents[1] / "docs"

DATA = "reproduced.jsonl"
"""What stands beside the page: a line a row, as `memoryspan reproduce --json` has it, and where it was measured."""

FIGURES = ("seeds", "failures", "solved", "not_finite", "accuracy", "seconds", "parameters")
"""Those of a row that its line has as they are."""

Key = tuple[str, bool]
"""Of a row: its experiment, and whether it is with the curriculum."""


@dataclass(frozen=True)
class Measured:
    """A row, and where it was measured, and when: `2026-11-27, AMD EPYC, 2 cores, …`."""

    row: Comparison
    where: str


@click.command()
@click.argument("sweeps", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--docs",
    default=DOCS,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where reproduced.md and reproduced.jsonl stand.  [default: docs]",
)
def main(sweeps: tuple[Path, ...], docs: Path) -> None:
    """Writes what sweeps of `memoryspan reproduce` have measured, on this machine, into docs/reproduced.md.

    Rows of other experiments stay as they were measured; without a sweep the page is written from them alone.
    """
    rows = merged(read(docs / DATA), rows_of(sweeps))
    write(docs / DATA, rows)
    for paper in dict.fromkeys(_paper(each) for each in rows):
        write_section(docs / "reproduced.md", paper, section(paper, [each for each in rows if _paper(each) == paper]))
    click.echo(f"Written: {docs / DATA}, {docs / 'reproduced.md'}.")
    if drawn := dots([each.row for each in rows]):
        picture = draw_reproduced(drawn, docs / FILE)
        picture.with_suffix(".svg").unlink()  # the page shows the other
        click.echo(f"Drawn: {picture}.")


def rows_of(sweeps: Sequence[Path]) -> list[Measured]:
    """Those of all sweeps together, which were measured on this machine, each on the day of its last answer.

    Raises `ClickException` where a trial is not of the suite as it is now.
    """
    results: dict[str, TrialResult] = {}
    days: dict[Key, date] = {}
    for sweep in (read_sweep(each, REPRODUCE) for each in sweeps):
        for found in sweep.completed:
            trial = found.trial
            if trial.experiment not in SUITE or trial not in SUITE[trial.experiment].recipe.trials([trial.seed]):
                raise click.ClickException(
                    f"{sweep.directory} has {trial.experiment} by another recipe than the suite has now: run it again."
                )
            results[trial.key] = found
            day = date.fromtimestamp((sweep.directory / TRIALS / f"{trial.key}.json").stat().st_mtime)
            days[_key(trial)] = max(day, days.get(_key(trial), day))
    setting = this_machine().setting
    return [Measured(row, f"{days[_key(row.trial)]}, {setting}") for row in compare(results.values())]


def merged(old: Iterable[Measured], new: Iterable[Measured]) -> list[Measured]:
    """A row for each experiment, with the curriculum and without, in the order of the suite; a new one replaces an old.

    Raises `ClickException` where it would do so with fewer seeds, or the suite has no such experiment.
    """
    rows = {_key(each.row.trial): each for each in old}
    for each in new:
        before = rows.get(_key(each.row.trial), each)
        if each.row.seeds < before.row.seeds:
            raise click.ClickException(
                f"{each.row.name} was measured with {before.row.seeds} seeds, and the sweep has {each.row.seeds}: run "
                f"it with as many, or take its line out of {DATA} first."
            )
        rows[_key(each.row.trial)] = each
    if gone := {name for name, _ in rows} - set(SUITE):
        raise click.ClickException(f"The suite has no {', '.join(sorted(gone))}: take those lines out of {DATA}.")
    return [rows[key] for name in SUITE for key in ((name, True), (name, False)) if key in rows]


def _key(trial: ReproduceTrial) -> Key:
    return trial.experiment, trial.curriculum


def read(data: Path) -> Iterator[Measured]:
    """The rows of the file, if there is one."""
    for line in data.read_text(encoding="utf-8").splitlines() if data.exists() else ():
        found = json.loads(line)
        yield Measured(_comparison(found), found["measured"])


def write(data: Path, rows: Iterable[Measured]) -> None:
    """All of the file anew. What is published is not in it: the suite has it."""
    lines = [as_json(each.row) | {"measured": each.where} for each in rows]
    for line in lines:
        del line["experiment"]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _comparison(found: dict[str, Any]) -> Comparison:
    """What `as_json` has made of it: where there are figures at all, null is infinite."""
    spread = found["spread"]
    return Comparison(
        experiment=SUITE.get(found["name"]),
        trial=msgspec.convert(found["trial"], ReproduceTrial),
        sequences=_infinite(found["sequences"]) if found["seeds"] else None,
        spread=spread and Interval(**spread | {end: _infinite(spread[end]) for end in ("low", "high")}),
        **{name: found[name] for name in FIGURES},
    )


def _infinite(value: float | None) -> float:
    return inf if value is None else value


def section(paper: str, measured: Sequence[Measured]) -> str:
    """The command, the table, and what has to be said to it."""
    rows = [each.row for each in measured]
    seeds = max(row.seeds + row.failures for row in rows)
    table = markdown_table(TextTable(TITLES, LEFT, list(map(cells_of, rows))))
    said = "\n".join(f"- {note}" if not note.startswith("  ") else f"  {note.strip()}" for note in notes(rows))
    command = shlex.join(["memoryspan", "reproduce", *_named(paper, rows), "--seeds", str(seeds)])
    shown = f"<!-- not run: takes too long -->\n```sh\n{command}\n```\n\n{table}\n\n{said}"
    return f"{shown}\n\n{_machines(measured)}{_not_measured(paper, rows)}"


def _machines(measured: Sequence[Measured]) -> str:
    """Where all was measured; or, where that is more than one place, what was measured in each."""
    places = sorted({each.where for each in measured})
    if len(places) == 1:
        return f"Measured on {places[0]}."
    every = [_key(each.row.trial) for each in measured]
    here = {where: [_key(each.row.trial) for each in measured if each.where == where] for where in places}
    return "\n".join(f"- Measured on {where}: {_listed(here[where], every)}." for where in places)


def _not_measured(paper: str, rows: Sequence[Comparison]) -> str:
    """The rows that the paper's experiments lack."""
    asked = [_key(trial) for experiment in meant([paper]) for trial in experiment.recipe.trials([0])]
    there = {_key(row.trial) for row in rows}
    missing = [key for key in asked if key not in there]
    return f"\n\nNot measured yet: {_listed(missing, asked)}." if missing else ""


def _listed(some: Sequence[Key], rows: Sequence[Key]) -> str:
    """The experiments of some rows, and of one that has another row besides, which it is."""
    said = []
    for name in dict.fromkeys(name for name, _ in some):
        here, both = ([curriculum for each, curriculum in keys if each == name] for keys in (some, rows))
        which = "" if here == both else " with" if here[0] else " without"
        said.append(name.partition("/")[2] + which)
    return ", ".join(said)


def _paper(measured: Measured) -> str:
    return measured.row.name.partition("/")[0]


def _named(paper: str, rows: Sequence[Comparison]) -> list[str]:
    """The paper, where all of it was run; else its experiments."""
    names = list(dict.fromkeys(row.name for row in rows))
    return [paper] if set(names) == {each.name for each in meant([paper])} else names


if __name__ == "__main__":
    main()
