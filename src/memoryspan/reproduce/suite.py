"""All experiments by name, and those that a person means."""

from collections.abc import Sequence
from difflib import get_close_matches

from memoryspan.errors import TaskError
from memoryspan.reproduce.experiment import Experiment
from memoryspan.reproduce.papers import chrono_2018, copy_adding_2018, echo, limits_2022, lstm_1997, recall

PAPERS = (lstm_1997, echo, limits_2022, copy_adding_2018, chrono_2018, recall)

SUITE: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}
"""By name, in the order in which they are listed."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(name.partition("/")[0] for name in SUITE))
"""The papers."""

QUICK: tuple[str, ...] = ("lstm-1997/adding-100", "lstm-1997/temporal-order-6a", "lstm-1997/long-lag-2a", "echo/book")
"""What takes no more than a few minutes."""


def meant(names: Sequence[str], quick: bool = False) -> list[Experiment]:
    """The experiments of these names, or of these papers; with `quick` those among them that are quick.

    Raises:
        TaskError: there is none of that name, or none of them is quick.
    """
    found = {name: None for given in names for name in _named(given)}
    experiments = [SUITE[name] for name in found if not quick or name in QUICK]
    if not experiments:
        raise TaskError(f"None of {' and '.join(names)} is quick: leave --quick, or name one of {', '.join(QUICK)}.")
    return experiments


def _named(given: str) -> list[str]:
    if given in SUITE:
        return [given]
    if given in GROUPS:
        return [name for name in SUITE if name.startswith(f"{given}/")]
    near = get_close_matches(given, [*GROUPS, *SUITE], n=3) or GROUPS
    raise TaskError(
        f"There is no experiment {given!r}: use {' or '.join(near)} (`memoryspan reproduce --list` has all)."
    )
