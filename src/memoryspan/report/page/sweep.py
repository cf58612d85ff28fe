"""The page of a sweep of any kind: its table, which sorts, and charts where the kind has them."""

import json
import re

from memoryspan.files.json import to_builtins
from memoryspan.report.page.html import Page
from memoryspan.report.views import view_of
from memoryspan.sweeps.sweep import Sweep


def sweep_page(sweep: Sweep) -> Page:
    """Return the page of the results of a sweep so far."""
    results, view = sweep.completed, view_of(sweep.kind)
    table = view.table(results)
    rows = [[{"text": text, "value": _order(text)} for text in row] for row in table.rows]
    return Page(
        title=view.title(sweep.trials) or f"memoryspan {sweep.kind.command}: {sweep.manifest.config.subject}",
        sentence=f"{len(results)} of {len(sweep.trials)} trials are complete. {view.headline(results)}".strip(),
        record=json.dumps(to_builtins(sweep.manifest), indent=2, ensure_ascii=False),
        data={
            "kind": "sweep",
            "caption": "The results so far",
            "columns": [
                {"name": title, "number": _is_number(number, rows)} for number, title in enumerate(table.titles)
            ],
            "rows": rows,
            "notes": [*view.notes(results), *(view.one_line(found) for found in results if found.failure)],
            "charts": view.charts(results),
        },
    )


def _order(text: str) -> float | str:
    """Return what a cell is sorted by: its first number, or its words. More than a number comes after it."""
    if text in ("", "none"):
        return -1 if text == "" else 0
    number = re.match(r"(≥ |> )?(\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?= |$)", text)
    return float(number[2].replace(",", "")) + 0.5 * bool(number[1]) if number else text


def _is_number(column: int, rows: list[list[dict]]) -> bool:
    return bool(rows) and not any(isinstance(row[column]["value"], str) for row in rows)
