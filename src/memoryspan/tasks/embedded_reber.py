"""Predict the next symbol of a string of the embedded Reber grammar.

Hochreiter & Schmidhuber, Neural Computation 9(8), 1997, experiment 1; the grammar is that of A. S. Reber (Journal of
Verbal Learning and Verbal Behavior 6, 1967), embedded by A. Cleeremans et al. (Neural Computation 1(3), 1989): B, then
T or P, then a string of the grammar, then the same T or P again, then E. Published strings have the lengths at which
their random walks end, 12 symbols on average. Here the length is chosen, and a string is what the walk is
where it has that length.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Bool, Float, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number

SYMBOLS = "BTPSXVE"

GRAPH = {
    1: {"T": 2, "P": 3},
    2: {"S": 2, "X": 4},
    3: {"T": 3, "V": 5},
    4: {"X": 3, "S": 6},
    5: {"P": 4, "V": 6},
}
"""Of the grammar: by state the two symbols that may come, each with probability 1/2, and the states that they lead to.
In front of state 1 stands B, and after 6, the last one, E."""

AFTER_OUTER, LAST, AFTER_END, AFTER_AGAIN = 0, 6, 7, 8
"""States around it: after the first T or P, at the end of the grammar, after its E, and after the second T or P."""

FAR = 64
"""Choices left from which on it does not matter how many: each symbol's share of the ways to the end is by then what it
stays, to 1 part in 10**10 (it converges as 0.69**n, by the two largest eigenvalues of the graph, 1.4656 and 1)."""


@checked
@dataclass(frozen=True)
class EmbeddedReber(Classification):
    """Predict each next symbol of a string of the embedded Reber grammar, `length` of them.

    Inputs and classes are B, T, P, S, X, V and E; the E that ends the string is predicted and not read. As published,
    all symbols that may come next have to be more probable than all that may not. What the grammar allows and no
    string of this length has there, for it would end too early or too late, counts neither way: the published strings
    are of all lengths, and of one length alone nobody could learn it.

    Raises:
        TaskError: `length` is not a whole number in its range.
    """

    length: int = 20

    name: ClassVar[str] = "embedded_reber"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("length", self.length, at_least=self.min_length, instead="20, for example")

    @property
    def n_features(self) -> int:
        """The symbols of the grammar."""
        return len(SYMBOLS)

    @property
    def n_outputs(self) -> int:
        """One class a symbol."""
        return len(SYMBOLS)

    @property
    def min_length(self) -> int:
        """BTBTXSET, before its E; from here on there are strings of every length."""
        return 8

    @property
    def chance(self) -> float:
        """A guess of the whole string: of one length all are equally likely, and no answers are right for two."""
        ways, steps = _ways(), self.length - 5
        growth = ways[FAR][1] / ways[FAR - 1][1]
        return 0.5 / ways[min(steps, FAR)][1] * growth ** -max(0, steps - FAR)

    def lag(self, length: int) -> int:
        """Steps between the first T or P and the step that is to predict the second."""
        return length - 3

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """T as often as P around a random walk, of those that end in time."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_outer, for_walk = jax.random.split(key)
        lengths, rows = row_lengths(length, batch_size), jnp.arange(batch_size)
        outer = 1 + symbols(for_outer, batch_size, 1, 2)
        b = jnp.zeros_like(outer)
        strings = jnp.concatenate([b, outer, b, _walk(for_walk, self.length - 2, lengths - 5)], axis=1)
        strings = strings.at[rows, lengths - 1].set(outer[:, 0])
        return Batch(strings[:, :-1], lengths, strings[:, 1:], jnp.arange(self.length) < lengths[:, None])

    def correct(
        self, predictions: Float[Array, "batch time outputs"], targets: Int[Array, "batch time"]
    ) -> Bool[Array, "batch time"]:
        """The least probable symbol that may come at this length is more probable than all that the grammar forbids."""
        import jax.numpy as jnp

        t, e = jnp.arange(targets.shape[1]), SYMBOLS.index("E")
        # T and B in front of the targets: what may come first is what may come after the inner B.
        string = jnp.pad(targets, ((0, 0), (2, 0))).at[:, 0].set(SYMBOLS.index("T"))
        state = jnp.array(_states())[string[:, :-2], string[:, 1:-1]].at[:, 1].set(AFTER_OUTER)
        left = (targets == e).argmax(1)[:, None] - t  # the first E ends the string of the grammar
        by_steps = jnp.array(_possible())
        allowed, possible = by_steps.any(0)[state], by_steps[jnp.clip(left, 0, FAR), state]
        outer = jnp.arange(len(SYMBOLS)) == targets[:, :1, None]
        other = (state == AFTER_END)[..., None] & ~outer
        least = jnp.where(possible & ~other, predictions, jnp.inf).min(-1)
        return least > jnp.where(allowed & ~other, -jnp.inf, predictions).max(-1)


def _walk(key: Array, steps: int, choices: Int[Array, "batch"]) -> Int[Array, "batch steps"]:
    """The symbols after the inner B: so many choices in each row, of all that lead to the end, and E from there on.

    A symbol is drawn as often as the ways behind it are of all ways that are left. A choice has probability 1/2,
    whatever it is, so that of one length all walks are equally likely.
    """
    import jax
    import jax.numpy as jnp

    arcs = [[*GRAPH.get(state, {}).items()] or [("E", state)] * 2 for state in range(LAST + 1)]
    symbol = jnp.array([[SYMBOLS.index(symbol) for symbol, _ in both] for both in arcs])
    to = jnp.array([[to for _, to in both] for both in arcs])
    share = jnp.array(_first_shares())

    def step(state: Int[Array, "batch"], drawn_and_left: tuple[Array, Array]) -> tuple[Array, Array]:
        drawn, left = drawn_and_left
        second = (drawn >= share[jnp.clip(left, 0, FAR), state]).astype(jnp.int32)
        return to[state, second], symbol[state, second]

    drawn = jax.random.uniform(key, (steps, *choices.shape))  # time first, as in `symbols`
    left = choices - jnp.arange(steps)[:, None]
    _, walked = jax.lax.scan(step, jnp.ones_like(choices), (drawn, left))
    return walked.T


def _ways() -> list[dict[int, int]]:
    """By how many choices are left, up to FAR, and by state: in how many ways these lead to the last one."""
    ways = [dict.fromkeys(GRAPH, 0) | {LAST: 1}]
    for _ in range(FAR):
        ways.append({state: sum(ways[-1][to] for to in arcs.values()) for state, arcs in GRAPH.items()} | {LAST: 0})
    return ways


def _first_shares() -> list[list[float]]:
    """By choices left and state: how often the first of the two symbols comes."""
    ways = _ways()

    def share(state: int, left: int) -> float:
        if state not in GRAPH or left == 0:
            return 0.0
        first, _ = GRAPH[state].values()
        return ways[left - 1][first] / max(1, ways[left][state])

    return [[share(state, left) for state in range(LAST + 1)] for left in range(FAR + 1)]


def _states() -> list[list[int]]:
    """By two symbols that follow each other: the state behind them, for which no more of the string is needed."""
    states = [[LAST] * len(SYMBOLS) for _ in SYMBOLS]
    into = [(before, state) for arcs in GRAPH.values() for before, state in arcs.items()]
    behind = [(before, now, to) for before, state in into for now, to in GRAPH.get(state, {"E": AFTER_END}).items()]
    for outer in "TP":
        behind += [("B", outer, GRAPH[1][outer]), (outer, "B", 1), ("E", outer, AFTER_AGAIN)]
    for before, now, to in behind:
        states[SYMBOLS.index(before)][SYMBOLS.index(now)] = to
    return states


def _possible() -> list[list[list[bool]]]:
    """By choices left and state: which symbols may come; outside of the grammar's own states whatever is left."""
    ways = _ways()
    outside = {AFTER_OUTER: "B", LAST: "E", AFTER_END: "TP", AFTER_AGAIN: "E"}

    def may_come(symbol: str, state: int, left: int) -> bool:
        if state in outside:
            return symbol in outside[state]
        return left > 0 and ways[left - 1].get(GRAPH[state].get(symbol, AFTER_END), 0) > 0

    states = range(AFTER_AGAIN + 1)
    return [[[may_come(symbol, state, left) for symbol in SYMBOLS] for state in states] for left in range(FAR + 1)]
