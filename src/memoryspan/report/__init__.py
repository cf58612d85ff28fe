"""What is shown of a run: pictures."""

from memoryspan.report.learning_curve import draw_learning_curve

__all__ = ["draw_learning_curve"]
