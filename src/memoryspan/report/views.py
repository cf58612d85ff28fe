"""How each kind of sweep is shown: its table, its picture, its page, its JSON, and a line for each result.

A kind without a view of its own is shown by the columns of its `results.csv`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memoryspan.files.json import to_builtins
from memoryspan.reproduce.kind import REPRODUCE
from memoryspan.spans.kind import SPAN
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.sweep import csv_row
from memoryspan.sweeps.trial import TrialResult
from memoryspan.tables import TextTable

Results = Sequence[TrialResult]


@dataclass(frozen=True)
class SweepView:
    """How a kind of sweep is shown, by functions of its results.

    Attributes:
        table: the table.
        one_line: a result in one line.
        notes: sentences below the table.
        title: the title of the page, from the trials of the sweep.
        headline: the sentence at the top of the page.
        charts: the charts of the page.
        draw: draws into a directory, and returns the path of the picture; None where there is nothing to draw.
        as_json: the summary.
    """

    table: Callable[[Results], TextTable]
    one_line: Callable[[TrialResult], str]
    notes: Callable[[Results], list[str]] = lambda results: []
    title: Callable[[Sequence[Any]], str] = lambda trials: ""
    headline: Callable[[Results], str] = lambda results: ""
    charts: Callable[[Results], list[dict[str, Any]]] = lambda results: []
    draw: Callable[[Results, Path], Path | None] = lambda results, directory: None
    as_json: Callable[[Results], dict[str, Any]] = lambda results: {}


def view_of(kind: Kind) -> SweepView:
    """Return the view of a kind of sweep."""
    return VIEWS[kind]() if kind in VIEWS else csv_view(kind)


def csv_view(kind: Kind) -> SweepView:
    """Return a view that has a table of the columns of `results.csv`, and nothing else."""
    columns = (*kind.columns, "error")

    def words(value: object) -> str:
        return f"{value:,}" if type(value) is int else "" if value is None else str(value)

    def table(results: Results) -> TextTable:
        rows = [csv_row(kind, found) for found in results]
        return TextTable(columns, 0, [[words(row.get(column)) for column in columns] for row in rows])

    def one_line(found: TrialResult) -> str:
        row = csv_row(kind, found)
        return ", ".join(f"{column} {words(row[column])}" for column in columns if row.get(column) not in (None, ""))

    return SweepView(table, one_line)


def _span_view() -> SweepView:
    from memoryspan.report.tables import span
    from memoryspan.spans.summary import summarise

    def draw(results: Results, directory: Path) -> Path | None:
        if not any(found.result for found in results):
            return None
        from memoryspan.report.figures.span import FILE, draw_span
        from memoryspan.sweeps.trial import display_name

        return draw_span(results, directory / FILE, display_name)

    return SweepView(
        table=lambda results: TextTable(span.TITLES, 2, [span.cells_of(row) for row in summarise(results)]),
        one_line=span.one_line,
        notes=lambda results: span.notes(summarise(results)),
        title=span.title,
        headline=lambda results: span.headline(summarise(results)),
        charts=_span_charts,
        draw=draw,
        as_json=lambda results: {"summary": to_builtins(summarise(results))},
    )


def _span_charts(results: Results) -> list[dict[str, Any]]:
    """Return a chart a task: a line a model, the median over seeds, with a band from the worst to the best."""
    from memoryspan.report.curves import curves_of, one_chance, over_seeds
    from memoryspan.spans.held import THRESHOLD
    from memoryspan.sweeps.trial import display_name

    charts = []
    for task, by_model in curves_of(results, display_name).items():
        series = []
        for model, curves in by_model.items():
            lengths, low, middle, high = (array.tolist() for array in over_seeds(curves))
            points, band = zip(lengths, middle, strict=True), zip(lengths, low, high, strict=True)
            series.append({"name": model, "points": list(points), "band": list(band)})
        chance = one_chance(curve for curves in by_model.values() for curve in curves)
        charts.append({"title": task, "series": series, "threshold": THRESHOLD, "chance": chance, "file": "span.svg"})
    return charts


def _reproduce_view() -> SweepView:
    from memoryspan.report.tables import reproduced
    from memoryspan.reproduce.compare import as_json, compare

    def draw(results: Results, directory: Path) -> Path | None:
        from memoryspan.report.figures.reproduced import FILE, dots, draw_reproduced

        drawn = dots(compare(results))
        return draw_reproduced(drawn, directory / FILE) if drawn else None

    return SweepView(
        table=lambda results: TextTable(
            reproduced.TITLES, reproduced.LEFT, [reproduced.cells_of(row) for row in compare(results)]
        ),
        one_line=reproduced.one_line,
        notes=lambda results: reproduced.notes(compare(results)),
        draw=draw,
        as_json=lambda results: {"experiments": [as_json(row) for row in compare(results)]},
    )


VIEWS: dict[Kind, Callable[[], SweepView]] = {SPAN: _span_view, REPRODUCE: _reproduce_view}
"""The kinds of sweeps, each with its view."""

SWEEP_KINDS = tuple(VIEWS)
