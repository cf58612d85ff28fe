import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan import Echo
from memoryspan.errors import TaskError
from memoryspan.models import MODELS, resolve_units
from memoryspan.models.sizing import units_for
from memoryspan.spec import Spec
from tests.messages import naming

TASK = Echo(5, 20, 1)


def units_of(name, parameters, task=TASK, **more):
    return resolve_units(Spec(name, {"parameters": parameters, **more}), task).settings["units"]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_one_unit_more_would_be_too_many_parameters(name):
    units = units_of(name, 3_000)
    sizes = [MODELS[name](TASK, units=n).count_params() for n in (units, units + 1)]
    assert sizes[0] <= 3_000 < sizes[1]


def test_the_tutorials_size_gives_the_tutorials_units():
    assert units_of("lstm", 15_200, Echo()) == 25
    assert units_of("lstm", 15_199, Echo()) == 24


def test_other_settings_count():
    one, two = (units_of("lstm", 3_000, layers=layers) for layers in (1, 2))
    assert two < one


@pytest.mark.parametrize("name", MODELS)
def test_no_program_is_compiled_to_count_parameters(name, caplog):
    with jax.log_compiles():
        units_of(name, 3_000)
    assert not [record for record in caplog.records if "XLA compilation" in record.getMessage()]


class Quadratic:
    """Parameters that grow as those of a model do, with a width that is rounded up; counts its calls."""

    def __init__(self, square, linear, step=1, more=7):
        self.square, self.linear, self.step, self.more, self.calls = square, linear, step, more, 0

    def __call__(self, units):
        self.calls += 1
        rounded = -(-units // self.step) * self.step
        return self.square * units * rounded + self.linear * rounded + self.more


@settings(max_examples=200)
@given(
    square=st.integers(1, 50),
    linear=st.integers(1, 400),
    step=st.sampled_from([1, 8]),
    parameters=st.integers(5_000, 10**7),
)
def test_few_models_are_counted(square, linear, step, parameters):
    count = Quadratic(square, linear, step)
    units = units_for(count, parameters)
    assert count.calls <= 14
    assert count(units) <= parameters < count(units + 1)


def test_a_size_that_one_unit_exceeds_is_refused_with_the_least_one():
    least = MODELS["gru"](TASK, units=1).count_params()
    assert units_of("gru", least) == 1
    with pytest.raises(TaskError, match=naming("parameters", least, least - 1, f"parameters={least}")):
        units_of("gru", least - 1)


@pytest.mark.parametrize("parameters", [8_000, 10**7])
def test_a_builder_that_does_not_heed_its_units_is_refused(parameters):
    count = Quadratic(square=0, linear=0, more=7_999)
    with pytest.raises(TaskError, match=naming("parameters", "units", "7,999", 1)):
        units_for(count, parameters)
    assert count.calls <= 14


def test_units_that_are_rounded_up_may_make_the_same_model_at_first():
    count = Quadratic(square=0, linear=10, step=100, more=0)
    assert units_for(count, 1_001) == 100
    assert units_for(count, 5_000) == 500
