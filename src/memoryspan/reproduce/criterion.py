"""Whether a criterion is met: pure functions of the errors of sequences, in the order in which they came.

Their arguments are, for each sequence, the largest absolute error, and whether it is wrong by the task.
"""

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.reproduce.trial import Criterion


def mistakes(
    criterion: Criterion, errors: Float[np.ndarray, "sequences"], wrong: Bool[np.ndarray, "sequences"]
) -> Bool[np.ndarray, "sequences"]:
    """Return which sequences are mistakes."""
    return wrong if criterion.max_abs_error is None else ~(errors < criterion.max_abs_error)  # NaN is a mistake


def is_met(criterion: Criterion, errors: Float[np.ndarray, "sequences"], wrong: Bool[np.ndarray, "sequences"]) -> bool:
    """Return whether the last sequences meet the criterion."""
    if len(errors) < criterion.n_consecutive:
        return False
    last = errors[-criterion.n_consecutive :]
    few = mistakes(criterion, errors, wrong)[-criterion.n_consecutive :].sum() <= criterion.max_mistakes
    precise = criterion.max_rms_error is None or root_mean_square(last) < criterion.max_rms_error
    return bool(few and precise)


def root_mean_square(errors: Float[np.ndarray, "sequences"]) -> float:
    """Return the root mean square of errors."""
    return float(np.sqrt(np.square(errors, dtype=np.float64).mean()))
