"""The report of a benchmark, shown as a table, as JSON, or as a section of the documentation."""

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from memoryspan.cli.console import console
from memoryspan.cli.table import as_rich
from memoryspan.tables import TextTable, markdown_table
from tools.machine import Machine
from tools.page import write_section

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

Row = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What was measured, how, and the result.

    Attributes:
        title: the title of the section in the documentation.
        summary: the result in a sentence.
        method: how it was measured.
        rows: the figures, unrounded.
        columns: the headings, each with the function that formats its entry of a row.
        machine: the machine, before measuring.
        details: what only the JSON has.
    """

    title: str
    summary: str
    method: str
    rows: list[Row]
    columns: dict[str, Callable[[Row], str]]
    machine: Machine
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> TextTable:
        """The rows as text."""
        rows = [[entry(row) for entry in self.columns.values()] for row in self.rows]
        return TextTable([*self.columns], 1, rows)

    def as_json(self) -> str:
        """Return all of it as JSON."""
        text = {"title": self.title, "command": command(), "summary": self.summary, "method": self.method}
        return json.dumps(text | {"rows": self.rows} | self.details | {"machine": asdict(self.machine)}, indent=2)

    def as_markdown(self) -> str:
        """Return the body of the section: the command, the figures, and how they were measured."""
        table = [markdown_table(self.table)] if self.rows else []
        parts = [f"```sh\n{command()}\n```", self.summary, *table, self.method, f"Measured on {self.machine}"]
        return "\n\n".join(parts)


def command() -> str:
    """Return the command line of this process."""
    return shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]])


def report_options(function: Callable) -> Callable:
    """Add the options of every benchmark, `--json` and `--write`, as the arguments `as_json` and `page`."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
    page = click.option(
        "--write",
        "page",
        type=click.Path(dir_okay=False, path_type=Path),
        is_flag=False,
        flag_value=str(PAGE),
        metavar="[PAGE]",
        help="Replace the benchmark's section of docs/performance.md, or of another page.",
    )
    return as_json(page(function))


def deliver(report: Report, as_json: bool, page: Path | None) -> None:
    """Print the report, and write it to the page if there is one."""
    if as_json:
        click.echo(report.as_json())
    else:
        screen = console()
        screen.print(report.title)
        if report.rows:
            screen.print(as_rich(report.table))
        screen.print(report.summary, report.method, f"Measured on {report.machine}", sep="\n\n")
    if page is not None:
        write_section(page, report.title, report.as_markdown())
