"""The widths of the arrays that a model is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.engine import forward
from tests.engine.small_models import TIME, answer, chain, recurrent, two_branches


@pytest.mark.parametrize("build", [two_branches, chain(recurrent("SimpleRNN"), answer())])
def test_a_width_holds_the_length_stays_within_the_limit_and_seldom_changes(build):
    served = forward(build())

    @given(st.integers(1, 2**20), st.data())
    def holds(limit, data):
        length = data.draw(st.integers(1, limit))
        width = served.width(length, limit)
        assert width == limit or length < width <= limit
        assert width in {min(power, limit) for power in (2**n for n in range(3, 22))}

    holds()


def test_a_fixed_length_through_keras_costs_all_of_its_width_anyway():
    served = forward(two_branches(time=TIME))
    assert (served.fixed_length, served.width(2, TIME)) == (TIME, TIME)
