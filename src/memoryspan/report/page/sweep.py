"""The page of a sweep: its table, which sorts, and accuracy against length for each task."""

import json

from memoryspan.files.versioned import plain
from memoryspan.report.figures.span import curves_of, one_chance, over_seeds
from memoryspan.report.page.html import Page
from memoryspan.report.tables.span import TITLES, about_intervals, cells_of, learned_intervals, shown
from memoryspan.spans.held import THRESHOLD
from memoryspan.spans.summary import Median, SpanSummary, summarise
from memoryspan.sweeps.sweep import Sweep


def sweep_page(sweep: Sweep) -> Page:
    """The page of what has been answered of a sweep so far."""
    rows = summarise(sweep.answered)
    models = list(dict.fromkeys(shown(row.model) for row in rows))
    tasks = list(dict.fromkeys(shown(row.task) for row in rows))
    return Page(
        title=f"How far back? {', '.join(models) or 'no model'} on {', '.join(tasks) or 'no task'}",
        sentence=_sentence(sweep, rows),
        record=json.dumps(plain(sweep.manifest), indent=2, ensure_ascii=False),
        data={
            "kind": "sweep",
            "caption": "Spans in time steps, the median over seeds with its interval, and in lag",
            "columns": [{"name": title, "number": number > 1} for number, title in enumerate(TITLES)],
            "rows": [_row(row) for row in rows],
            "notes": [*filter(None, [about_intervals(learned_intervals(rows))]), *_failures(sweep)],
            "charts": [_chart(task, by_model) for task, by_model in curves_of(sweep.answered, shown).items()],
        },
    )


def _sentence(sweep: Sweep, rows: list[SpanSummary]) -> str:
    """Which of the models remember furthest, by the median of their learned spans."""
    answered = f"{len(sweep.answered)} of {len(sweep.cells)} trainings are answered."
    best = max((row.learned.value for row in rows if row.learned), default=0)
    if not best:
        return f"{answered} None of the models has learned even the shortest sequences."
    first = [row for row in rows if row.learned and row.learned.value == best]
    more = "at least " if any(row.learned and row.learned.at_least for row in first) else ""
    names = ", ".join(f"{shown(row.model)} on {shown(row.task)}" for row in first)
    return f"{answered} Furthest, by the median of the learned spans, is {more}{best:,.0f} time steps: {names}."


def _row(row: SpanSummary) -> list[dict]:
    """The cells of a row: what they say, and what they are sorted by."""
    spans = (_order(each) for each in (row.learned, row.learned_lag, row.held, row.held_lag))
    values = [shown(row.task), shown(row.model), row.parameters or 0, *spans, row.seeds, row.never_learned]
    return [{"text": text, "value": value} for text, value in zip(cells_of(row, shown), values, strict=True)]


def _order(median: Median | None) -> float:
    return -1 if median is None else median.value + 0.5 * median.at_least


def _failures(sweep: Sweep) -> list[str]:
    return [
        f"{shown(answer.cell.model)} on {shown(answer.cell.task)}, seed {answer.cell.seed}: {answer.failure.error}"
        for answer in sweep.answered
        if answer.failure
    ]


def _chart(task: str, by_model: dict) -> dict:
    """One chart: a line a model, the median over seeds, with a band from the worst to the best."""
    series = []
    for model, curves in by_model.items():
        lengths, low, middle, high = (array.tolist() for array in over_seeds(curves))
        points, band = zip(lengths, middle, strict=True), zip(lengths, low, high, strict=True)
        series.append({"name": model, "points": list(points), "band": list(band)})
    chance = one_chance(curve for curves in by_model.values() for curve in curves)
    return {"title": task, "series": series, "threshold": THRESHOLD, "chance": chance, "file": "span.svg"}
