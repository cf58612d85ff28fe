"""The file of a cell: what was asked, and what was found or why nothing was.

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

import msgspec

from memoryspan.environment import Environment
from memoryspan.reproduce.trial import Outcome, Trial
from memoryspan.spans.cell import FORMAT, Cell, Found

AnyCell = Cell | Trial


class Failure(msgspec.Struct, frozen=True):
    """Why a cell has no answer."""

    error: str
    """The kind of the error and its sentence."""
    traceback: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """All of the file."""

    format: int = FORMAT
    memoryspan: str
    cell: AnyCell
    found: Found | Outcome | None = None
    failure: Failure | None = None
    environment: Environment
