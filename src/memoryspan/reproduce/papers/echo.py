"""The tutorial's task as it was published, in several sizes, and a related one of the literature.

Brownlee's "Long Short-Term Memory Networks With Python" (2017, chapter 6, vanilla LSTM) echoes one value out of five;
its script is found in many copies. Trainings there are fits of one fresh example each. A notebook of B. Mehrabi echoes
one out of sixty, from five thousand examples in fifty epochs.
"""

from memoryspan.reproduce.experiment import Experiment, Published
from memoryspan.reproduce.trial import Criterion
from memoryspan.spec import parse

EXPERIMENTS = (
    Experiment(
        name="echo/tutorial",
        what="echo the third of 50 values out of 100",
        published=Published(
            "LSTM(25), 15,200 parameters", "the tutorial; `memoryspan tutorial` runs it", seen=10, accuracy=0.0
        ),
        task=parse("echo,length=50,n_features=100,out_index=2"),
        min_length=50,
        model=parse("lstm,units=25"),
        sequences=100_000,
        differs="Ours may see more sequences than ten, for ten are not enough for anything.",
    ),
    Experiment(
        name="echo/book",
        what="echo the third of 5 values out of 10",
        published=Published(
            "LSTM(25)",
            "Brownlee 2017, chapter 6, the script as it is found in many copies",
            seen=10_000,
            says="the accuracy that it prints was not to be checked",
        ),
        task=parse("echo,length=5,n_features=10,out_index=2"),
        min_length=5,
        model=parse("lstm,units=25"),
        sequences=10_000,
    ),
    Experiment(
        name="echo/lstm-75",
        what="echo the second of 10 values out of 50",
        published=Published(
            "LSTM(75)",
            "a variant of the book's script, found on its own",
            seen=25_000,
            says="no accuracy is printed",
        ),
        task=parse("echo,length=10,n_features=50,out_index=1"),
        min_length=10,
        model=parse("lstm,units=75"),
        sequences=25_000,
    ),
    Experiment(
        name="echo/mehrabi",
        what="echo the 44th of 60 values out of 100",
        published=Published(
            "LSTM(150), the best of four sizes",
            "B. Mehrabi, Vanila-LSTMs, vanila_LSTMs.ipynb, output",
            seen=250_000,
            accuracy=0.97,
            says="5,000 examples, 50 epochs",
        ),
        task=parse("echo,length=60,n_features=100,out_index=43"),
        min_length=60,
        model=parse("lstm,units=150,learning_rate=0.002"),
        sequences=500_000,
        criterion=Criterion(max_mistakes=30),
        differs="Ours sees no example twice, and may see more of them.",
    ),
    Experiment(
        name="echo/kent-murray",
        what="echo the third of 53 values out of 100, 50 steps back",
        published=Published(
            "GRU, 6 layers of 120, the best of 384 networks",
            "Kent & Murray 2024, arXiv 2408.11946, as summarised by others",
            says="50 steps at most",
        ),
        task=parse("echo,length=53,n_features=100,out_index=2"),
        min_length=53,
        model=parse("gru,units=30"),
        sequences=100_000,
        differs=(
            "Another task: theirs is a pulse of five ones that returns after a delay, at a time not known before; ours "
            "is one of 100 values, asked for at the end."
        ),
    ),
    Experiment(
        name="echo/kent-murray-1000",
        what="echo the third of 1,003 values out of 100, 1,000 steps back",
        published=Published(
            "GRU, 6 layers of 120, the best of 384 networks",
            "Kent & Murray 2024, arXiv 2408.11946, as summarised by others",
            says="50 steps at most",
        ),
        task=parse("echo,length=1003,n_features=100,out_index=2"),
        min_length=1003,
        model=parse("gru,units=30"),
        sequences=100_000,
        differs="As of echo/kent-murray, and twenty times as far back.",
    ),
)
