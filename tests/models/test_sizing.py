from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan import Echo
from memoryspan.errors import TaskError
from memoryspan.models import MODELS
from memoryspan.models.sizing import units_for
from tests.messages import naming

TASK = Echo(5, 20, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_one_unit_more_would_be_too_many_parameters(name):
    units = units_for(MODELS[name], TASK, 3_000)
    sizes = [MODELS[name](TASK, units=n).count_params() for n in (units, units + 1)]
    assert sizes[0] <= 3_000 < sizes[1]


def test_the_tutorials_size_gives_the_tutorials_units():
    assert units_for(MODELS["lstm"], Echo(), 15_200) == 25
    assert units_for(MODELS["lstm"], Echo(), 15_199) == 24


def test_other_settings_count():
    one, two = (units_for(MODELS["lstm"], TASK, 3_000, layers=layers) for layers in (1, 2))
    assert two < one


class Quadratic:
    """A builder: parameters that grow as those of a model do, with a width that is rounded up; counts its calls."""

    def __init__(self, square, linear, step):
        self.square, self.linear, self.step, self.built = square, linear, step, 0

    def __call__(self, task, *, units):
        self.built += 1
        self.units = units
        return self

    def count_params(self):
        rounded = -(-self.units // self.step) * self.step
        return self.square * self.units * rounded + self.linear * self.units + 7


@settings(max_examples=200)
@given(
    square=st.integers(1, 50),
    linear=st.integers(1, 400),
    step=st.sampled_from([1, 8]),
    parameters=st.integers(5_000, 10**7),
)
def test_few_models_are_built_and_none_much_too_large(square, linear, step, parameters):
    build: Any = Quadratic(square, linear, step)
    units = units_for(build, TASK, parameters)
    build.units = units
    assert build.count_params() <= parameters
    build.units = units + 1
    assert build.count_params() > parameters
    assert build.built <= 14


def test_a_size_that_one_unit_exceeds_is_refused_with_the_least_one():
    least = MODELS["gru"](TASK, units=1).count_params()
    assert units_for(MODELS["gru"], TASK, least) == 1
    with pytest.raises(TaskError, match=naming("parameters", least, least - 1, f"parameters={least}")):
        units_for(MODELS["gru"], TASK, least - 1)


@pytest.mark.parametrize("parameters", [8_000, 10**7])
def test_a_builder_that_does_not_heed_its_units_is_refused(parameters):
    build: Any = Quadratic(square=0, linear=0, step=1)
    build.count_params = lambda: 7_999
    with pytest.raises(TaskError, match=naming("parameters", "units", "7,999", 1)):
        units_for(build, TASK, parameters)
    assert build.built <= 14


def test_units_that_are_rounded_up_may_make_the_same_model_at_first():
    build: Any = Quadratic(square=1, linear=0, step=100)
    build.count_params = lambda: 10 * (-(-build.units // 100) * 100)
    assert units_for(build, TASK, 1_001) == 100
    assert units_for(build, TASK, 5_000) == 500
