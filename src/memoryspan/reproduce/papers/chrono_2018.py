"""Tallec & Ollivier, "Can recurrent neural networks warp time?", ICLR 2018, arXiv 1804.11188: biases that begin with
times of every length, on copying and adding, section 4 and figures 3 and 4.

They train LSTM(128) with RMSprop at 0.001, without clipping. Their figures are curves: with these biases copying leaves
the plateau of a memoryless answer within 60,000 updates, which without it does not.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

PAPER = "Tallec & Ollivier 2018"

MODEL = "LSTM(128), chrono initialisation"


def _copy(blank: int, tried: str = "") -> Experiment:
    return Experiment(
        name=f"chrono-2018/copy-{blank}",
        what=f"keep ten symbols over {blank:,} steps",
        published=Published(MODEL, f"{PAPER}, figure 3", says="leaves the memoryless plateau within 60,000 updates"),
        task=parse(f"copy,length={blank + 20}"),
        min_length=blank + 20,
        model=parse(f"lstm,units=128,chrono={3 * blank // 2},learning_rate=0.002"),
        sequences=500_000,
        criterion=Criterion(max_mistakes=100),
        batch_size=16,
        grow_above=0.7,
        differs="The blanks are not asked for, and an example counts where all ten are right.",
        tried=tried,
    )


def _adding(length: int) -> Experiment:
    return Experiment(
        name=f"chrono-2018/adding-{length}",
        what=f"add two marked numbers out of {length}",
        published=Published(MODEL, f"{PAPER}, figure 4", says="a curve; at 750 seven times faster than without"),
        task=parse(f"adding,form=bai,length={length}"),
        min_length=length,
        model=parse(f"lstm,units=128,chrono={length},learning_rate=0.005"),
        sequences=500_000,
        criterion=Criterion(max_abs_error=0.04),
        batch_size=8,
        differs="The marks stand anywhere; theirs one in each half.",
    )


EXPERIMENTS = (
    _copy(500),
    _copy(
        2000,
        tried="With the curriculum it comes to the full length after 380,000 sequences, leaves the plateau, and is "
        "still gaining at the end of the budget, which is about 31,000 updates.",
    ),
    _adding(200),
    _adding(750),
)
