"""Illium, Schillman, Müller, Gabor & Linnhoff-Popien, "Empirical Analysis of Limits for Memory Distance in Recurrent
Neural Networks", ICAART 2022, arXiv 2212.11085.

They find a hard limit of the distance at which networks remember random data, far below what their cells could hold.
Which distances, this file has from a summary by others (monkemanx, "Paper summary"): the sizes of the networks behind
those figures were not to be found.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

SOURCE = "Illium et al. 2022, arXiv 2212.11085, as summarised by others"

DIFFERS = (
    "Theirs are random numbers, asked for once, at the end of a sequence of unknown length; ours are symbols out of "
    "eight, asked for at every step, so that all of the last ones have to be held at once."
)


TRIED = (
    "Here the curriculum does harm: it orders lengths, and the delay is the same at all of them. It is without it that "
    "eight steps are no limit."
)


def _delay(name: str, model: str, delay: int, published: str, says: str, tried: str = "") -> Experiment:
    length = 3 * delay
    return Experiment(
        name=f"limits-2022/{name}-{delay}",
        what=f"say at every step what came {delay} steps before",
        published=Published(published, SOURCE, says=says),
        task=parse(f"delay,delay={delay},n_features=8,length={length}"),
        min_length=length,
        model=parse(model),
        sequences=2_000_000,
        criterion=Criterion(max_mistakes=50),
        grow_above=0.9,
        differs=DIFFERS,
        tried=tried,
    )


EXPERIMENTS = (
    _delay("rnn", "simple_rnn,units=64", 8, "RNN", "4 steps; at 6 to 8 it does not get there"),
    *(
        _delay(name, f"{name},units=64,learning_rate=0.005", delay, name.upper(), says, TRIED)
        for delay in (4, 6, 8)
        for name, says in (
            ("lstm", "5 steps; at 6 there is still progress after 500 epochs"),
            ("gru", "close to the LSTM"),
        )
    ),
)
