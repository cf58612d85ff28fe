"""The recurrence in C++ beside Keras and beside `unroll`, on every kind of code that this processor can run."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan import Echo, forward, lstm
from memoryspan.backend import keras
from memoryspan.engine import cells, native, native_library, native_target, unroll, variables_of
from memoryspan.engine.native import native_unroll
from memoryspan.errors import BackendError
from tests.messages import naming

WHY_NOT = native.why_not_native()

pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"No recurrence in C++: {WHY_NOT}")

LAYERS = keras.layers
KINDS = {
    "LSTM": (LAYERS.LSTMCell, cells.lstm(jnp.tanh, jax.nn.sigmoid), cells.HiddenAndCell, 4, 1),
    "GRU": (LAYERS.GRUCell, cells.gru(jnp.tanh, jax.nn.sigmoid), cells.Hidden, 3, 2),
}
kinds = pytest.mark.parametrize("kind", KINDS)
SYMBOLS = 7


@pytest.fixture(params=[] if WHY_NOT else native_library.targets())
def target(request, monkeypatch):
    """Each kind of code in turn."""
    monkeypatch.setattr("memoryspan.engine.native.SETTING", request.param)
    return request.param


class Case:
    """A layer's weights, its start, inputs and lengths, and what is wanted of its answers."""

    def __init__(self, kind, seed, units, batch, time, real=False):
        _, _, state, gates, biases = KINDS[kind]
        rng = np.random.default_rng(seed)

        def normal(*shape):
            return jnp.asarray(0.5 * rng.normal(size=shape), jnp.float32)

        bias = (gates * units,) if biases == 1 else (biases, gates * units)
        kernel, recurrent = normal(SYMBOLS, gates * units), normal(units, gates * units)
        self.weights = cells.Weights(kernel, recurrent, normal(*bias))
        self.start = state(*(normal(batch, units) for _ in state._fields))
        tokens = jnp.asarray(rng.integers(-1, SYMBOLS + 1, (time, batch)))  # some that do not exist
        self.inputs = normal(time, batch, SYMBOLS) if real else tokens
        self.lengths = jnp.asarray(rng.integers(0, time + 1, batch))
        self.wanted = state(*(normal(batch, units) for _ in state._fields)), normal(time, batch, units)
        self.arguments = (self.weights, self.start, self.inputs, self.lengths)


def by_unroll(kind):
    """What `recognise` makes of the cell without the library."""
    step = KINDS[kind][1]

    def answer(weights, state, x):
        state, _ = step(weights, state, x)
        return state, state.hidden

    return lambda weights, start, inputs, lengths: unroll(answer, weights, start, inputs, lengths)


@cache
def expected(kind, *size):
    """The answers and the gradient of a case, by `unroll`."""
    case = Case(kind, *size)
    return jax.jit(by_unroll(kind))(*case.arguments), gradient(by_unroll(kind), case)


def by_native(kind):
    cell = KINDS[kind][0]
    in_cpp = native_unroll(cell(4))
    assert in_cpp is not None
    return lambda *arguments: in_cpp(*arguments, every_step=True)


def gradient(recurrence, case):
    """Of all that has one."""

    def score(weights, start, reals):
        answers = recurrence(weights, start, case.inputs if reals is None else reals, case.lengths)
        return sum(jnp.vdot(a, b) for a, b in zip(jax.tree.leaves(answers), jax.tree.leaves(case.wanted), strict=True))

    reals = case.inputs if case.inputs.ndim == 3 else None
    return jax.jit(jax.grad(score, argnums=(0, 1) if reals is None else (0, 1, 2)))(case.weights, case.start, reals)


def assert_alike(found, expected):
    """Equal but for the order of sums."""
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * max(1, np.abs(other).max(initial=0)))


@kinds
@pytest.mark.parametrize("real", [False, True], ids=["tokens", "reals"])
@pytest.mark.usefixtures("target")
def test_it_gives_what_unroll_gives_and_its_gradient(kind, real):
    for size in [(0, 3, 5, 6, real), (0, 25, 37, 9, real)]:
        case, (answers, its_gradient) = Case(kind, *size), expected(kind, *size)
        assert_alike(jax.jit(by_native(kind))(*case.arguments), answers)
        assert_alike(gradient(by_native(kind), case), its_gradient)


@pytest.mark.slow
@kinds
def test_it_does_so_at_any_size(kind):
    sizes = st.tuples(st.integers(0, 99), st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.booleans())

    @settings(max_examples=6)
    @given(sizes)
    def holds(size):
        case, (answers, its_gradient) = Case(kind, *size), expected(kind, *size)
        assert_alike(jax.jit(by_native(kind))(*case.arguments), answers)
        assert_alike(gradient(by_native(kind), case), its_gradient)

    holds()


@kinds
@pytest.mark.usefixtures("target")
def test_segments_that_are_recomputed_give_the_same_gradient(kind, monkeypatch):
    case = Case(kind, 1, 25, 37, 11)
    kept = gradient(by_native(kind), case)
    monkeypatch.setattr(native, "MAX_TAPE_BYTES", 0)
    monkeypatch.setattr(native, "SEGMENT_STEPS", 4)
    assert_alike(gradient(by_native(kind), case), kept)


@kinds
def test_it_gives_the_same_bits_each_time(kind):
    case = Case(kind, 2, 25, 64, 8)
    first = gradient(by_native(kind), case)
    for _ in range(3):
        jax.tree.map(np.testing.assert_array_equal, gradient(by_native(kind), case), first)


@kinds
def test_a_row_answers_the_same_in_any_company(kind):
    case = Case(kind, 3, 25, 40, 6)
    last, outputs = by_native(kind)(*case.arguments)
    few = slice(3, 8)
    start = jax.tree.map(lambda array: array[few], case.start)
    alone, alone_outputs = by_native(kind)(case.weights, start, case.inputs[:, few], case.lengths[few])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[few]), alone, last)
    np.testing.assert_array_equal(alone_outputs, outputs[:, few])


@pytest.mark.slow
@kinds
def test_seeds_can_be_mapped_over(kind):
    several = [Case(kind, seed, 5, 6, 4) for seed in range(3)]
    stacked = jax.tree.map(lambda *arrays: jnp.stack(arrays), *[case.arguments for case in several])
    found = jax.jit(jax.vmap(by_native(kind)))(*stacked)
    for seed, case in enumerate(several):
        alone = by_native(kind)(*case.arguments)
        jax.tree.map(lambda a, b, seed=seed: np.testing.assert_array_equal(a[seed], b), found, alone)

    def score(weights, start):
        return by_native(kind)(weights, start, several[0].inputs, several[0].lengths)[1].sum()

    gradients = jax.vmap(jax.grad(score), in_axes=(0, None))(stacked[0], several[0].start)
    for seed, case in enumerate(several):
        alone = jax.grad(score)(case.weights, several[0].start)
        jax.tree.map(lambda a, b, seed=seed: np.testing.assert_array_equal(a[seed], b), gradients, alone)


@kinds
def test_it_runs_inside_a_compiled_loop(kind):
    case = Case(kind, 4, 5, 6, 4)

    def body(start, _):
        return by_native(kind)(case.weights, start, case.inputs, case.lengths)[0], None

    looped, _ = jax.jit(lambda start: jax.lax.scan(body, start, length=3))(case.start)
    expected = case.start
    for _ in range(3):
        expected, _ = body(expected, None)
    jax.tree.map(np.testing.assert_array_equal, looped, expected)


@kinds
@pytest.mark.usefixtures("target")
def test_a_weight_that_is_not_finite_shows_in_the_answers(kind):
    case = Case(kind, 5, 5, 6, 4)
    for bad in (jnp.nan, jnp.inf):
        weights = case.weights._replace(recurrent_kernel=case.weights.recurrent_kernel.at[:2].set([[bad], [-bad]]))
        last, _ = by_native(kind)(weights, *case.arguments[1:])
        here, there = (jnp.isnan(answer.hidden) for answer in (last, by_unroll(kind)(weights, *case.arguments[1:])[0]))
        np.testing.assert_array_equal(here, there)
        np.testing.assert_array_equal(last.hidden[case.lengths == 0], case.start.hidden[case.lengths == 0])


@kinds
def test_padding_is_never_read(kind):
    case = Case(kind, 6, 5, 6, 4, real=True)
    ended = jnp.arange(4)[:, None] >= case.lengths
    poisoned = jnp.where(ended[..., None], jnp.nan, case.inputs)
    clean = by_native(kind)(*case.arguments)
    jax.tree.map(
        np.testing.assert_array_equal, by_native(kind)(case.weights, case.start, poisoned, case.lengths), clean
    )


@pytest.mark.parametrize("make", [LAYERS.LSTM, LAYERS.GRU])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.usefixtures("target")
def test_a_model_answers_and_learns_as_in_keras(make, return_sequences):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, SYMBOLS)), make(9, return_sequences=return_sequences)])
    served = forward(model)
    assert served.native
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, SYMBOLS, (5, 6)))
    variables, lengths = variables_of(model), jnp.full(5, 6)

    def ours(trainable):
        answer = served.apply(variables._replace(trainable=trainable), tokens, lengths).predictions
        return (answer**2).sum(), answer

    def theirs(trainable):
        answer = model.stateless_call(trainable, variables.non_trainable, jax.nn.one_hot(tokens, SYMBOLS))[0]
        return (answer**2).sum(), answer

    found, expected = (jax.grad(score, has_aux=True)(variables.trainable) for score in (ours, theirs))
    assert_alike(found, expected)


FLOATS = np.arange(0, 2**32, 1009, dtype=np.uint32).view(np.float32)
"""One in 1,009 of all, infinities and not-a-numbers among them; the step is a prime, so that no bit stands still."""


@pytest.mark.parametrize(
    ("name", "exact", "error", "relative"),
    [("sigmoid", lambda x: 1 / (1 + np.exp(-x)), 9.1e-8, 4.2e-6), ("tanh", np.tanh, 1.8e-7, 2.3e-7)],
)
def test_the_activations_keep_the_bounds_that_they_state(name, exact, error, relative, target):
    found, numbers = native_library.activation(name, FLOATS, target), ~np.isnan(FLOATS)
    np.testing.assert_array_equal(np.isnan(found), ~numbers)
    x, found = FLOATS[numbers].astype(np.float64), found[numbers]
    with np.errstate(over="ignore"):
        expected = exact(x)
    off = np.abs(found - expected)
    assert off.max() <= error
    normal = (np.abs(x) > 1.2e-38) & (x > -87)  # beyond, a float has few digits
    assert (off[normal] <= relative * np.abs(expected[normal])).all()


@kinds
@pytest.mark.usefixtures("target")
def test_a_length_is_one_of_the_inputs_or_none_as_in_unroll(kind):
    case = Case(kind, 3, 5, 4, 6)
    case.lengths = jnp.asarray([-3, 7, 99, 2**31 - 1])
    case.arguments = (*case.arguments[:3], case.lengths)
    assert_alike(jax.jit(by_native(kind))(*case.arguments), jax.jit(by_unroll(kind))(*case.arguments))
    assert_alike(gradient(by_native(kind), case), gradient(by_unroll(kind), case))


def test_the_switch_is_read_once(monkeypatch):
    before = native_target()
    monkeypatch.setenv("MEMORYSPAN_NATIVE", "off")
    assert native_target() == before
    assert forward(lstm(Echo(5))).native


def test_the_switch_disables_it_and_an_unknown_word_is_refused(monkeypatch):
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    assert native_target() is None
    assert not forward(lstm(Echo(5))).native
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "abacus")
    with pytest.raises(BackendError, match=naming("MEMORYSPAN_NATIVE", "'abacus'", "off")):
        native_target()


@pytest.mark.parametrize(
    "cell",
    [
        LAYERS.LSTMCell(3, activation="relu"),
        LAYERS.LSTMCell(3, recurrent_activation="hard_sigmoid"),
        LAYERS.GRUCell(3, reset_after=False),
        LAYERS.SimpleRNNCell(3),
    ],
)
def test_other_cells_are_left_to_unroll(cell):
    assert native_unroll(cell) is None
