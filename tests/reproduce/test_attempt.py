import jax.numpy as jnp
import msgspec
import pytest

from memoryspan.engine import forward, variables_of
from memoryspan.models import make_model
from memoryspan.reproduce.attempt import attempt, error_meter, largest_errors
from memoryspan.reproduce.trial import TESTED, Criterion, ReproduceTrial
from memoryspan.sampling import Stream, stream
from memoryspan.spec import Spec
from memoryspan.sweeps.group import Group, Progress
from memoryspan.tasks import Adding, Batch, Delay, Echo
from memoryspan.training.budget import Budget
from tests.messages import names


def trial(seed=0, **fields) -> ReproduceTrial:
    """One that is solved in a second."""
    given = {
        "experiment": "a/b",
        "task": Spec("echo", {"length": 8, "n_features": 5, "out_index": 1}),
        "model": Spec("lstm", {"units": 10}),
        "budget": Budget(examples=30_000),
        "batch_size": 16,
        "min_length": 6,
        "criterion": Criterion(n_consecutive=500, max_abs_error=0.3),
        "curriculum": True,
        "grow_above": 0.98,
    }
    return ReproduceTrial(seed=seed, **(given | fields))


# The errors of a sequence


def test_of_classes_the_error_is_against_one_for_the_right_one_and_none_for_the_others():
    batch = Batch(jnp.zeros((2, 3), int), jnp.array([3, 3]), jnp.array([0, 1]), jnp.array([True, True]))
    predictions = jnp.array([[0.8, 0.15, 0.05], [0.3, 0.6, 0.1]])
    assert largest_errors(Echo(3, 3, 1), predictions, batch) == pytest.approx([0.2, 0.4])


def test_of_numbers_it_is_the_distance():
    batch = Batch(jnp.zeros((3, 2, 2)), jnp.full(3, 2), jnp.array([0.5, 1.0, 1.5]), jnp.ones(3, bool))
    assert largest_errors(Adding(2), jnp.array([[0.5], [0.7], [1.6]]), batch) == pytest.approx([0, 0.3, 0.1])


def test_of_a_vector_of_numbers_it_is_the_largest_distance():
    batch = Batch(jnp.zeros((1, 2, 2)), jnp.full(1, 2), jnp.array([[0.5, 1.0]]), jnp.ones(1, bool))
    assert largest_errors(Adding(2), jnp.array([[0.4, 1.3]]), batch) == pytest.approx([0.3])


def test_only_the_steps_count_that_are_asked_for():
    batch = Batch(jnp.zeros((1, 3), int), jnp.array([3]), jnp.array([[0, 0, 1]]), jnp.array([[False, True, True]]))
    predictions = jnp.array([[[0.0, 1.0], [0.9, 0.1], [0.4, 0.6]]])
    assert largest_errors(Delay(3, 2, 1), predictions, batch) == pytest.approx([0.4])


def test_the_meter_measures_lengths_of_the_range_and_ends_early_at_mistakes():
    task = Echo(length=8, n_features=5, out_index=1)
    model = make_model(Spec("lstm", {"units": 4}), task, 0)
    meter, key = error_meter(forward(model), task, 6), stream(0, Stream.EVALUATION)
    errors, wrong = meter(variables_of(model), key, 700)
    assert errors.shape == wrong.shape == (700,)
    assert 0.5 < wrong.mean() < 1  # an untrained one guesses
    assert ((errors > 0) & (errors < 1)).all()
    few, _ = meter(variables_of(model), key, 700, Criterion())
    assert len(few) < 700
    assert (few == errors[: len(few)]).all()


# A trial, from its beginning to its end


def test_it_counts_the_sequences_until_the_criterion_is_met():
    said = []
    (outcome,) = attempt([trial()], Group(deliver=said.append))
    assert outcome.ended == "solved"
    assert outcome.sequences == outcome.examples == 16 * outcome.updates < 30_000
    assert outcome.accuracy.examples == TESTED
    assert outcome.accuracy.value > 0.98
    assert 0 < (outcome.rms_error or 0) < 0.3
    reports = [message.words for message in said if isinstance(message, Progress)]
    assert reports[0].startswith("building")
    assert names(reports[-1], "accuracy", "sequences")


def test_where_the_budget_ends_first_there_is_no_number_of_sequences():
    (outcome,) = attempt([trial(budget=Budget(examples=320))])
    assert (outcome.ended, outcome.sequences) == ("budget", None)
    assert outcome.examples == 320
    assert outcome.accuracy.value < 0.9


def test_without_the_curriculum_all_lengths_of_the_experiment_come_from_the_beginning():
    budget = Budget(examples=1600)
    (ordered,), (unordered,) = (attempt([trial(curriculum=each, budget=budget)]) for each in (True, False))
    assert unordered.tokens / unordered.examples == pytest.approx(7, rel=0.05)  # of 6 to 8
    assert ordered.tokens / ordered.examples < 6


def test_a_criterion_decides_and_not_the_threshold_of_a_training():
    lenient = trial(criterion=Criterion(n_consecutive=500, max_mistakes=200))
    (strict,), (early,) = attempt([trial()]), attempt([lenient])
    assert early.updates < strict.updates
    assert (early.ended, strict.ended) == ("solved", "solved")


def test_the_same_trial_has_the_same_answer_alone_and_together():
    both = attempt([trial(0), trial(1)])
    assert both[0].sequences != both[1].sequences
    for seed in (0, 1):
        (alone,) = attempt([trial(seed)])
        assert (alone.sequences, alone.updates) == (both[seed].sequences, both[seed].updates)
        assert alone.rms_error == pytest.approx(both[seed].rms_error, rel=1e-3)


def test_an_answer_comes_back_from_a_file_as_it_is():
    (outcome,) = attempt([trial(budget=Budget(examples=160))])
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=type(outcome)) == outcome
    never = msgspec.structs.replace(outcome, rms_error=None)  # where it is not a number
    assert msgspec.json.decode(msgspec.json.encode(never), type=type(outcome)) == never
