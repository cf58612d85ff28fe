"""Bai, Kolter & Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling", arXiv 1803.01271, 2018: adding and copying, section 5 and tables 1 to 3.

Figures are given at T = 600 and at T = 1000 (table 1); at T = 200 and 500 curves are shown, of the others the settings
alone. They train on fixed sets, in the authors' code (locuslab/TCN) 50,000 and 10,000 sequences in batches of 32 for
about 15,600 updates, which are 500,000 sequences seen.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

PAPER = "Bai et al. 2018"

SEEN = 500_000
"""Sequences that a training of theirs sees."""

ADDING = {
    "lstm": {
        200: "lstm,units=77,layers=2,learning_rate=0.005",
        400: "lstm,units=77,layers=2,learning_rate=0.005",
        600: "lstm,units=130,learning_rate=0.005",
    },
    "gru": dict.fromkeys((200, 400, 600), "gru,units=150,learning_rate=0.003"),
    "tcn": {
        200: "tcn,units=27,kernel_size=6,layers=7,norm=weight,learning_rate=0.004",
        400: "tcn,units=27,kernel_size=7,layers=7,norm=weight,learning_rate=0.004",
        600: "tcn,units=24,kernel_size=8,layers=8,norm=weight,learning_rate=0.004",
    },
}
"""Of their sizes (tables 2 and 3; of the GRU, about as many parameters), by T."""

COPY = {
    "lstm": {
        500: "lstm,units=50,learning_rate=0.005",
        1000: "lstm,units=50,learning_rate=0.005",
        2000: "lstm,units=28,layers=3,learning_rate=0.005",
    },
    "gru": dict.fromkeys((500, 1000, 2000), "gru,units=70,learning_rate=0.005"),
    "tcn": {
        500: "tcn,units=10,kernel_size=6,layers=9",
        1000: "tcn,units=10,kernel_size=8,layers=8",
        2000: "tcn,units=10,kernel_size=8,layers=9",
    },
}
"""The same."""

ERRORS = {"lstm": 0.164, "gru": 5.3e-5, "tcn": 5.8e-5}
"""The mean squared error at T = 600, where a guess of 1 has 0.167 (table 1)."""

LOSSES = {"lstm": 0.0204, "gru": 0.0197, "tcn": 3.5e-5}
"""The loss at T = 1000, where one that copies nothing has 0.0204 (table 1)."""


def _adding(model: str, length: int) -> Experiment:
    figures = {
        200: Published(model.upper(), f"{PAPER}, figure 2", says="a curve"),
        400: Published(model.upper(), f"{PAPER}, tables 2 and 3", says="the settings alone"),
        600: Published(model.upper(), f"{PAPER}, table 1", says=f"mean squared error {ERRORS[model]:g}"),
    }
    return Experiment(
        name=f"copy-adding-2018/adding-{length}-{model}",
        what=f"add two marked numbers out of {length}",
        published=figures[length],
        task=parse(f"adding,form=bai,length={length}"),
        min_length=length,
        model=parse(ADDING[model][length]),
        sequences=SEEN,
        criterion=Criterion(max_abs_error=0.04, max_rms_error=min(0.01, ERRORS[model] ** 0.5 if length == 600 else 1)),
        batch_size=32 if model == "tcn" else 8,
        differs="Every example is fresh; the criterion is ours: all within 0.04, and as precise as the best of theirs.",
    )


def _copy(model: str, blank: int) -> Experiment:
    figures = {
        500: Published(model.upper(), f"{PAPER}, figure 4", says="a curve"),
        1000: Published(model.upper(), f"{PAPER}, table 1", says=f"loss {LOSSES[model]:g}"),
        2000: Published(model.upper(), f"{PAPER}, tables 2 and 3", says="the settings alone"),
    }
    return Experiment(
        name=f"copy-adding-2018/copy-{blank}-{model}",
        what=f"keep ten symbols over {blank:,} steps",
        published=figures[blank],
        task=parse(f"copy,length={blank + 20}"),
        min_length=blank + 20,
        model=parse(COPY[model][blank]),
        sequences=SEEN,
        criterion=Criterion(max_mistakes=100),
        batch_size=16,
        grow_above=0.7,
        differs=(
            "Every example is fresh; the blanks are not asked for; and an example counts where all ten are right. Of "
            "single symbols, models of 10,000 parameters are published with 100 % right for the TCN, and with less "
            "than 20 % for the LSTM from T = 50 on and for the GRU from T = 200 on (figure 5)."
        ),
    )


EXPERIMENTS = (
    *(_adding(model, length) for length in (200, 400, 600) for model in ADDING),
    *(_copy(model, blank) for blank in (500, 1000, 2000) for model in COPY),
)
