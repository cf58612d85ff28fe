"""The embedded Reber grammar a second time: symbol by symbol, in plain Python."""

from collections.abc import Iterator
from functools import cache

SYMBOLS = "BTPSXVE"

ARROWS = {"in": "T:a P:b", "a": "S:a X:c", "b": "T:b V:d", "c": "X:b S:out", "d": "P:c V:out", "out": "E:end"}
"""Of the grammar behind its B, as it is drawn: the arrows that leave each node."""


@cache
def may_come(so_far: str) -> str:
    """The symbols that may follow; raises `KeyError` where something did come that may not."""
    beginning, outer, inner = so_far[:3], so_far[1:2], so_far[3:]
    if len(beginning) < 3:
        return ("B", "TP", "B")[len(beginning)]
    node = "in"
    for at, symbol in enumerate(inner):
        if node == "end":
            return {outer: "E", outer + "E": ""}[inner[at:]]
        node = arrows(node)[symbol]
    return outer if node == "end" else "".join(arrows(node))


@cache
def arrows(node: str) -> dict[str, str]:
    """Where each symbol leads that may leave a node."""
    return dict(arrow.split(":") for arrow in ARROWS[node].split())


def strings(steps: int, so_far: str = "", probability: float = 1.0) -> Iterator[tuple[str, float]]:
    """All whole strings of steps + 1 symbols, each with the probability of the random walk."""
    choices = may_come(so_far)
    if not choices:
        if len(so_far) == steps + 1:
            yield so_far, probability
    elif len(so_far) <= steps:
        for symbol in choices:
            yield from strings(steps, so_far + symbol, probability / len(choices))


def text_of(targets) -> str:
    """The string that is predicted, its B in front."""
    return "B" + "".join(SYMBOLS[symbol] for symbol in targets)
