"""The arrays of a model."""

import jax
import numpy as np

from memoryspan.engine import assign, variables_of
from tests.engine.small_models import own_model


def test_assigned_variables_are_those_that_the_model_has():
    model = own_model()
    doubled = jax.tree.map(lambda array: array * 2, variables_of(model))
    assign(model, doubled)
    jax.tree.map(np.testing.assert_array_equal, variables_of(model), doubled)
