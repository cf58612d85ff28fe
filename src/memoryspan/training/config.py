"""How to train: the settings that every training has, with defaults that need none."""

import msgspec

from memoryspan.errors import TaskError
from memoryspan.stats import wilson
from memoryspan.training.budget import Budget
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.schedule import UniformLengths
from memoryspan.validate import number, seed_number, shown, whole_number

EXAMPLES = 1000
"""Fresh examples that decide whether a length is solved."""


class TrainConfig(msgspec.Struct, frozen=True, rename={"schedule": "curriculum"}):  # the name in run.json
    """How to train. The defaults solve `Echo()` on every seed tried.

    `schedule` decides the lengths of the sequences. `threshold` is the accuracy that counts as solved: the lower end of
    the 95 % interval has to reach it. At its default that takes 1000 correct predictions of 1000.
    """

    seed: int = 0
    batch_size: int = 32
    budget: Budget = Budget()
    schedule: Curriculum | UniformLengths = Curriculum()
    threshold: float = 0.995

    def __post_init__(self):
        seed_number(self.seed)
        whole_number("batch_size", self.batch_size, at_least=1, instead="32, for example")
        if not isinstance(self.budget, Budget):
            raise TaskError(f"budget must be a Budget, like Budget(examples=10_000), got {shown(self.budget)}.")
        if not isinstance(self.schedule, Curriculum | UniformLengths):
            raise TaskError(
                f"schedule must be a Curriculum, like Curriculum(growth=1.5), or UniformLengths, got "
                f"{shown(self.schedule)}."
            )
        provable = wilson(EXAMPLES, EXAMPLES)[0]  # the lower end of the interval where all predictions are correct
        number("threshold", self.threshold, above=0, at_most=provable, instead="0.995, for example")

    @property
    def required_correct(self) -> int:
        """The least number of correct predictions, out of `EXAMPLES`, that proves the threshold."""
        return next(n for n in range(EXAMPLES + 1) if wilson(n, EXAMPLES)[0] >= self.threshold)
