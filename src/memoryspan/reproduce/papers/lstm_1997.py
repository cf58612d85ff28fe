"""Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997, section 5.

The figures, the tasks and the criteria are those of the authors' version of the paper. There the network is trained by
plain gradient descent after each sequence, with truncated gradients, no forget gate, and initial biases that keep
gates shut; here it is Keras's LSTM, trained by Adam on small batches with the whole gradient. Its criterion is met by
sequences that it is trained on, one after the other; here by as many fresh ones, after an update.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

PAPER = "Hochreiter & Schmidhuber 1997"

ADDING = Criterion(n_consecutive=2000, max_abs_error=0.04, max_rms_error=0.01)
ORDER = Criterion(n_consecutive=2000, max_abs_error=0.3, max_rms_error=0.1)


def _adding(length: int, sequences: int, says: str = "") -> Experiment:
    return Experiment(
        name=f"lstm-1997/adding-{length}",
        what=f"add two marked numbers out of {length:,} to {length + length // 10:,}",
        published=Published(
            "LSTM, 2 blocks of 2 cells, 93 weights", f"{PAPER}, table 7", sequences=sequences, says=says
        ),
        task=parse(f"adding,form=1997,length={length + length // 10}"),
        min_length=length,
        model=parse("lstm,units=8"),
        sequences=sequences,
        criterion=ADDING,
        counts_run=True,
        batch_size=8,
    )


def _order(name: str, n_marks: int, model: str, table: str, sequences: int) -> Experiment:
    return Experiment(
        name=f"lstm-1997/temporal-order-{name}",
        what=f"tell the order of {n_marks} marks in 100 to 110 steps",
        published=Published(model, f"{PAPER}, {table}", sequences=sequences),
        task=parse(f"temporal_order,n_marks={n_marks},length=110"),
        min_length=100,
        model=parse("lstm,units=8"),
        sequences=sequences,
        criterion=ORDER,
        counts_run=True,
        batch_size=8,
        differs="The answers are a softmax, the published ones sigmoids.",
    )


def _distractors(q: int, p: int, sequences: int, weights: int) -> Experiment:
    return Experiment(
        name=f"lstm-1997/distractors-{q}-{p}",
        what=f"tell which of two symbols came before at least {q:,} of {p:,} random others",
        published=Published(f"LSTM, 2 cells, {weights:,} weights", f"{PAPER}, table 3", sequences=sequences),
        task=parse(f"distractors,n_distractors={p},length={q + 23}"),
        min_length=q + 3,
        model=parse("lstm,units=2"),
        sequences=sequences,
        criterion=Criterion(n_consecutive=10_000, max_abs_error=0.2),
        batch_size=8,
        differs="Lengths are uniform over 21 values, the published ones geometric, with the same mean.",
    )


EXPERIMENTS = (
    Experiment(
        name="lstm-1997/embedded-reber",
        what="predict the next symbol of a grammar in which the last but one repeats the second",
        published=Published(
            "LSTM, 3 blocks of 2 cells, 276 weights", f"{PAPER}, table 1, the best row", sequences=8440
        ),
        task=parse("embedded_reber,length=30"),
        min_length=8,
        model=parse("lstm,units=16,learning_rate=0.01"),
        sequences=2 * 8440,
        criterion=Criterion(n_consecutive=512),
        batch_size=2,
        differs=(
            "All strings are fresh, and of 8 to 30 symbols and an E, equally often; published are 256 of natural "
            "lengths, 12 on average, trained on again and again, and as many to test. A symbol that the grammar "
            "allows, and no string of that length has there, counts neither way."
        ),
    ),
    Experiment(
        name="lstm-1997/long-lag-2a",
        what="tell, after 100 steps that never change, which of two symbols came first",
        published=Published(
            "LSTM, 1 cell, 10,504 weights, made of two stages",
            f"{PAPER}, table 2",
            sequences=5040,
            says="in 18 of 18 trials",
        ),
        task=parse("long_lag,n_features=101,length=100"),
        min_length=100,
        model=parse("lstm,units=18,learning_rate=0.07"),
        sequences=2 * 5040,
        criterion=Criterion(n_consecutive=10_000, max_abs_error=0.25),
        batch_size=1,
    ),
    Experiment(
        name="lstm-1997/long-lag-2b",
        what="tell, after 100 random steps, which of two symbols came first",
        published=Published(
            "LSTM, 1 cell, 10,504 weights, made of two stages",
            f"{PAPER}, section 5.2",
            sequences=5680,
            says="in 18 of 18 trials",
        ),
        task=parse("long_lag,form=2b,n_features=101,length=100"),
        min_length=100,
        model=parse("lstm,units=8"),
        sequences=5680,
        criterion=Criterion(n_consecutive=10_000, max_abs_error=0.25),
        batch_size=8,
        differs="Only the last answer is learned, by which success is judged; published is the prediction of all.",
    ),
    *(
        _distractors(q, p, sequences, weights)
        for q, p, sequences, weights in (
            (50, 50, 30_000, 364),
            (100, 100, 31_000, 664),
            (200, 200, 33_000, 1264),
            (500, 500, 38_000, 3064),
            (1000, 1000, 49_000, 6064),
            (1000, 500, 49_000, 3064),
            (1000, 200, 75_000, 1264),
            (1000, 100, 135_000, 664),
            (1000, 50, 203_000, 364),
        )
    ),
    _adding(100, 74_000),
    _adding(500, 209_000),
    _adding(1000, 853_000, "370,000 to 2,020,000 in ten trials"),
    _order("6a", 2, "LSTM, 2 blocks of 2 cells, 156 weights", "table 9", 31_390),
    _order("6b", 3, "LSTM, 3 blocks of 2 cells, 308 weights", "table 9", 571_100),
)
