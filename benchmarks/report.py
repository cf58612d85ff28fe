"""What every benchmark ends in: one record, shown as a table, as JSON, or as a section of the documentation."""

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from benchmarks.machine import Machine
from benchmarks.page import PAGE, write_section
from memoryspan.cli.console import console
from memoryspan.cli.table import as_rich
from memoryspan.tables import TextTable, markdown_table

Row = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """A question, how it was measured, and the answer.

    Attributes:
        title: what was asked; a section of the documentation goes by it.
        summary: the answer in a sentence.
        method: how it was measured, fair or not.
        rows: the figures, full of digits.
        columns: a heading, and how a row reads below it.
        machine: where, taken before measuring.
        details: what only JSON carries.
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
        rows = [[show(row) for show in self.columns.values()] for row in self.rows]
        return TextTable([*self.columns], 1, rows)

    def as_json(self) -> str:
        """All of it for machines."""
        shown = {"title": self.title, "command": command(), "summary": self.summary, "method": self.method}
        return json.dumps(shown | {"rows": self.rows} | self.details | {"machine": asdict(self.machine)}, indent=2)

    def as_markdown(self) -> str:
        """The section's body: the command, the figures, and what they mean."""
        table = [markdown_table(self.table)] if self.rows else []
        parts = [f"```sh\n{command()}\n```", self.summary, *table, self.method, f"Measured on {self.machine}"]
        return "\n\n".join(parts)


def command() -> str:
    """The line that was typed."""
    return shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]])


def report_options(function: Callable) -> Callable:
    """The options of every benchmark, `--json` and `--write`, as the arguments `as_json` and `page`."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
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
    """Prints the report, and writes it where that was asked for."""
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
