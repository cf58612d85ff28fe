"""`docs/reproduced.md`: published experiments beside what was measured, from a sweep of `memoryspan reproduce`.

    memoryspan reproduce lstm-1997 echo --run build/reproduced
    python -m benchmarks.reproduced build/reproduced

writes a section for each paper in the sweep, and the picture; what stands outside of the sections stays as it is.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.machine import this_machine
from benchmarks.page import write_section
from memoryspan.report.reproduced import FILE, dots, draw_reproduced
from memoryspan.report.reproduced_table import LEFT, TITLES, cells_of, notes
from memoryspan.reproduce.compare import Comparison, compare
from memoryspan.reproduce.suite import SUITE, meant
from memoryspan.spans.sweep import open_sweep
from memoryspan.spans.trial import Trials

DOCS = Path(__file__).parents[1] / "docs"


@click.command()
@click.argument("sweeps", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--docs",
    default=DOCS,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where reproduced.md stands.  [default: docs]",
)
def main(sweeps: tuple[Path, ...], docs: Path) -> None:
    """Writes what sweeps of `memoryspan reproduce` have measured, on this machine, into docs/reproduced.md.

    Give all sweeps at once: the picture shows those that are given.
    """
    opened = [open_sweep(sweep, Trials) for sweep in sweeps]
    rows = sorted(compare(answer for sweep in opened for answer in sweep.answered), key=_place)
    when = max(sweep.manifest.created for sweep in opened).date()
    for paper in dict.fromkeys(row.name.partition("/")[0] for row in rows):
        of_paper = [row for row in rows if row.name.startswith(f"{paper}/")]
        write_section(docs / "reproduced.md", paper, section(paper, of_paper, f"{when}, {this_machine().setting}."))
    click.echo(f"Written: {docs / 'reproduced.md'}.")
    if drawn := dots(rows):
        picture = draw_reproduced(drawn, docs / FILE)
        picture.with_suffix(".svg").unlink()  # the page shows the other
        click.echo(f"Drawn: {picture}.")


def section(paper: str, rows: Sequence[Comparison], machine: str) -> str:
    """The command, the table, and what has to be said to it."""
    seeds = max(row.seeds + row.failures for row in rows)
    lines = [TITLES, ["---"] * LEFT + ["---:"] * (len(TITLES) - LEFT), *map(cells_of, rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    said = "\n".join(f"- {note}" if not note.startswith("  ") else f"  {note.strip()}" for note in notes(rows))
    command = shlex.join(["memoryspan", "reproduce", *_named(paper, rows), "--seeds", str(seeds)])
    return f"<!-- not run: takes too long -->\n```sh\n{command}\n```\n\n{table}\n\n{said}\n\nMeasured on {machine}"


def _place(row: Comparison) -> int:
    """In the order of the suite."""
    return list(SUITE).index(row.name)


def _named(paper: str, rows: Sequence[Comparison]) -> list[str]:
    """The paper, where all of it was run; else its experiments."""
    names = list(dict.fromkeys(row.name for row in rows))
    return [paper] if set(names) == {each.name for each in meant([paper])} else names


if __name__ == "__main__":
    main()
