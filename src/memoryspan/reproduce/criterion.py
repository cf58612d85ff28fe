"""Whether a criterion is met: pure functions of the errors of sequences, in the order in which they came.

Of each sequence there is the largest absolute error, and whether the task judges it wrong.
"""

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.reproduce.trial import Criterion


def mistakes(
    criterion: Criterion, errors: Float[np.ndarray, "sequences"], wrong: Bool[np.ndarray, "sequences"]
) -> Bool[np.ndarray, "sequences"]:
    """Which sequences are not right."""
    return wrong if criterion.below is None else ~(errors < criterion.below)  # NaN is a mistake


def is_met(criterion: Criterion, errors: Float[np.ndarray, "sequences"], wrong: Bool[np.ndarray, "sequences"]) -> bool:
    """Whether the last of these sequences are enough."""
    if len(errors) < criterion.in_a_row:
        return False
    last = errors[-criterion.in_a_row :]
    few = mistakes(criterion, errors, wrong)[-criterion.in_a_row :].sum() <= criterion.allowed
    precise = criterion.rms_below is None or root_mean_square(last) < criterion.rms_below
    return bool(few and precise)


def root_mean_square(errors: Float[np.ndarray, "sequences"]) -> float:
    """Of errors."""
    return float(np.sqrt(np.square(errors, dtype=np.float64).mean()))
