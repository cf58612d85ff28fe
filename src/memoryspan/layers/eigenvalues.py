"""The range of the eigenvalues with which a state is carried from step to step.

With eigenvalues in [0, 1] a linear recurrence cannot learn parity, which needs a state that changes its sign; with
[-1, 1] it can (Grazzi et al., "Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues", arXiv
2411.12537).
"""

from typing import Any

from memoryspan.errors import TaskError


def check_min_eigenvalue(value: Any) -> None:
    """Raise `TaskError` unless this is a number from -1 to 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 0:
        raise TaskError(
            f"min_eigenvalue must be a number from -1 to 0, got {value!r}: use 0 for eigenvalues from 0 to 1, "
            f"or -1 for eigenvalues from -1 to 1."
        )


def spread(decay: Any, min_eigenvalue: float) -> Any:
    """Return decays in [0, 1] stretched to [min_eigenvalue, 1]."""
    return decay if min_eigenvalue == 0 else min_eigenvalue + (1 - min_eigenvalue) * decay
