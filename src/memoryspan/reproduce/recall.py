"""Arora et al., "Zoology: Measuring and Improving Recall in Efficient Language Models", arXiv 2312.04927, 2023: recall
of several keys, figure 2, scaled down to what a processor carries.

Theirs: a vocabulary of 8,192, models 64 to 512 wide of two layers or more, 64 epochs of 100,000 examples, the best of
four learning rates. There attention recalls all at a width of 64 at every length; models of a fixed state do not get
beyond 90 % unless they are about as wide as the sequence is long. Ours: a vocabulary of 64, and models of about
50,000 parameters.
"""

from memoryspan.named import parse
from memoryspan.reproduce.experiment import Experiment, Published

SOURCE = "Arora et al. 2023, figure 2 and section 4"


def _recall(model: str, length: int, n_pairs: int, published: str, says: str) -> Experiment:
    return Experiment(
        name=f"recall/{model.replace('_', '-')}-{length}-{n_pairs}",
        what=f"recall the values of {n_pairs} keys in {length} steps",
        published=Published(published, SOURCE, says=says),
        task=parse(f"recall,n_features=64,n_pairs={n_pairs},length={length}"),
        shortest=length,
        model=parse(f"{model},parameters=50000"),
        sequences=500_000,
        differs=(
            "A vocabulary of 64 in place of 8,192, a model of about 50,000 parameters, one learning rate, and an "
            "example counts where every key is right."
        ),
    )


EXPERIMENTS = tuple(
    _recall(model, length, n_pairs, published, says)
    for length, n_pairs in ((64, 4), (128, 8))
    for model, published, says in (
        ("transformer", "attention, 64 wide", "above 99 % right"),
        ("lstm", "models of a fixed state, 64 wide", "at most 90 % right"),
        ("min_lstm", "models of a fixed state, 64 wide", "at most 90 % right"),
    )
)
