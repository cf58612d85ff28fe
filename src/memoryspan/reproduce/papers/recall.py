"""Arora et al., "Zoology: Measuring and Improving Recall in Efficient Language Models", arXiv 2312.04927, 2023: recall
of several keys, figure 2, scaled down to what a processor carries.

Theirs: a vocabulary of 8,192, models 64 to 512 wide of two layers or more, 64 epochs of 100,000 examples, the best of
four learning rates. There attention recalls all at a width of 64 at every length; models of a fixed state do not get
beyond 90 % unless they are about as wide as the sequence is long. Ours: two keys in 32 steps, a vocabulary of 16, and
models of about 50,000 parameters.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

SOURCE = "Arora et al. 2023, figure 2 and section 4"


LENGTH, PAIRS, VOCABULARY = 32, 2, 16


def _recall(model: str, learning_rate: float, published: str, says: str) -> Experiment:
    return Experiment(
        name=f"recall/{model.replace('_', '-')}",
        what=f"recall the values of {PAIRS} keys in {LENGTH} steps",
        published=Published(published, SOURCE, says=says),
        task=parse(f"recall,n_features={VOCABULARY},n_pairs={PAIRS},length={LENGTH}"),
        min_length=LENGTH,
        model=parse(f"{model},parameters=50000,learning_rate={learning_rate}"),
        sequences=300_000,
        criterion=Criterion(max_mistakes=50),
        grow_above=0.9,
        differs=(
            "Scaled down: theirs are 4 to 64 keys in 64 to 512 steps and a vocabulary of 8,192, and the accuracy is of "
            "single keys; here an example counts where both are right."
        ),
        tried="With 4 keys in 64 steps and a vocabulary of 64 none of them is there after 300,000 sequences.",
    )


EXPERIMENTS = (
    _recall("transformer", 0.003, "attention, 64 wide", "above 99 % right"),
    _recall("lstm", 0.01, "models of a fixed state, 64 wide", "at most 90 % right"),
    _recall("min_lstm", 0.01, "models of a fixed state, 64 wide", "at most 90 % right"),
)
