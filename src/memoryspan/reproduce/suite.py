"""All experiments by name, and the selection of some of them."""

from collections.abc import Sequence
from difflib import get_close_matches

from memoryspan.errors import TaskError
from memoryspan.reproduce.experiment import Experiment
from memoryspan.reproduce.papers import chrono_2018, copy_adding_2018, echo, limits_2022, lstm_1997, recall

PAPERS = (lstm_1997, echo, limits_2022, copy_adding_2018, chrono_2018, recall)

SUITE: dict[str, Experiment] = {each.name: each for paper in PAPERS for each in paper.EXPERIMENTS}
"""The experiments by name, in the order of the list."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(name.partition("/")[0] for name in SUITE))
"""The papers."""

QUICK: tuple[str, ...] = ("lstm-1997/adding-100", "lstm-1997/temporal-order-6a", "lstm-1997/long-lag-2a", "echo/book")
"""The experiments that take no more than a few minutes."""


def meant(names: Sequence[str], quick: bool = False) -> list[Experiment]:
    """Return the experiments with these names or of these papers; with `quick`, the quick ones among them.

    Raises:
        TaskError: a name is unknown, or none of them is quick.
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
