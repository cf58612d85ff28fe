"""Bai, Kolter & Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling", arXiv 1803.01271, 2018: adding and copying, section 5 and tables 1 to 3.

Figures are given at T = 600 and at T = 1000 (table 1); at T = 200 and 500 curves are shown, of the others the settings
alone. They train on fixed sets, in the authors' code (locuslab/TCN) 50,000 and 10,000 sequences in batches of 32 for
about 15,600 updates, which are 500,000 sequences seen.
"""

from memoryspan.named import parse
from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.spans.trial import Criterion

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
        200: "tcn,units=27,kernel_size=6,layers=7",
        400: "tcn,units=27,kernel_size=7,layers=7",
        600: "tcn,units=24,kernel_size=8,layers=8",
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
    says = {600: f"mean squared error {ERRORS[model]:g}", 200: "a curve (figure 2)"}.get(length, "no figure")
    return Experiment(
        name=f"copy-adding-2018/adding-{length}-{model}",
        what=f"add two marked numbers out of {length}",
        published=Published(model.upper(), f"{PAPER}, table 1, figure 2", says=says),
        task=parse(f"adding,form=bai,length={length}"),
        shortest=length,
        model=parse(ADDING[model][length]),
        sequences=SEEN,
        criterion=Criterion(below=0.04, rms_below=min(0.01, ERRORS[model] ** 0.5 if length == 600 else 1)),
        batch_size=8,
        differs="Every example is fresh.",
    )


def _copy(model: str, blank: int) -> Experiment:
    says = {1000: f"loss {LOSSES[model]:g}", 500: "a curve (figure 4)"}.get(blank, "no figure")
    accuracy = {"tcn": 1.0}.get(model)
    least = "" if accuracy else f", below 20 % right (figure 5) from T = {50 if model == 'lstm' else 200} on"
    return Experiment(
        name=f"copy-adding-2018/copy-{blank}-{model}",
        what=f"keep ten symbols over {blank:,} steps",
        published=Published(
            model.upper(), f"{PAPER}, table 1, figures 4 and 5", accuracy=accuracy, says=f"{says}{least}"
        ),
        task=parse(f"copy,length={blank + 20}"),
        shortest=blank + 20,
        model=parse(COPY[model][blank]),
        sequences=SEEN,
        criterion=Criterion(allowed=100),
        batch_size=16,
        mastered=0.7,
        differs="Every example is fresh; the blanks are not asked for; and an example counts where all ten are right.",
    )


EXPERIMENTS = (
    *(_adding(model, length) for length in (200, 400, 600) for model in ADDING),
    *(_copy(model, blank) for blank in (500, 1000, 2000) for model in COPY),
)
