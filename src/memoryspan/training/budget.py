"""How much a training may cost before it stops unsolved."""

import re
from dataclasses import dataclass

from memoryspan.errors import TaskError
from memoryspan.validate import checked, number, shown

_UNITS = {
    "": "examples",
    "examples": "examples",
    "tokens": "tokens",
    "tok": "tokens",
    "s": "seconds",
    "min": "seconds",
    "h": "seconds",
}
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_MULTIPLES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


MOST = 10**15
"""The largest limit of a budget."""


@checked
@dataclass(frozen=True)
class Budget:
    """A limit on examples, on tokens (time steps of all examples) and on seconds of training; None is no limit."""

    examples: int | None = 2_000_000
    tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self):
        for name in ("examples", "tokens", "seconds"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), above=0, at_most=MOST, instead="10_000, for example")

    def __str__(self) -> str:
        limits = [(name, getattr(self, name)) for name in ("examples", "tokens", "seconds")]
        return " and ".join(f"{limit:,} {name}" for name, limit in limits if limit is not None) or "without a limit"

    def share(self, examples: int, tokens: int, seconds: float) -> float:
        """Return the fraction that is spent of the nearest limit: 1 where that is reached."""
        pairs = ((examples, self.examples), (tokens, self.tokens), (seconds, self.seconds))
        return max((value / limit for value, limit in pairs if limit is not None), default=0.0)

    def spent(self, examples: int, tokens: int, seconds: float) -> bool:
        """Return whether any of the limits is reached."""
        return self.share(examples, tokens, seconds) >= 1

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Parse `200k` or `200k examples`, `5M tokens` or `5Mtok`, `90s`, `10min`, `2h`."""
        pattern = r"\s*(\d+(?:\.\d+)?)([kKMgG]?)\s*((?i:examples|tokens|tok|s|min|h|))\s*"
        match = isinstance(text, str) and re.fullmatch(pattern, text)
        if not match:
            raise TaskError(f"A budget should be like 200k, 5Mtokens, 90s, 10min or 2h, got {shown(text)}.")
        number, multiple, unit = match.groups()
        unit = unit.lower()
        amount = float(number) * _MULTIPLES[multiple.replace("K", "k").replace("g", "G")]
        limits: dict = {"examples": None}
        if not 0 < amount <= MOST:
            raise TaskError(
                f"A budget should be above 0 and at most {MOST:,} examples, tokens or seconds, got {shown(text)}."
            )
        limits[_UNITS[unit]] = amount * _SECONDS[unit] if unit in _SECONDS else int(amount)
        return cls(**limits)
