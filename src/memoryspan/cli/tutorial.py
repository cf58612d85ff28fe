"""`memoryspan tutorial`: the nine steps as published, with plain Keras."""

from dataclasses import asdict

import click

from memoryspan.cli.options import json_option
from memoryspan.cli.output import echo


@click.command(
    epilog="\b\nExamples:\n  memoryspan tutorial\n"
    "  memoryspan tutorial --length 5 --features 10 --examples 10000   # the book's own script, which does learn",
)
@click.option("--length", type=int, default=50, show_default=True, help="Time steps per sequence.")
@click.option("--features", type=int, default=100, show_default=True, help="Number of symbols.")
@click.option("--out-index", type=int, default=2, show_default=True, help="Position to echo, counted from 0.")
@click.option("--units", type=int, default=25, show_default=True, help="Units of the LSTM.")
@click.option("--examples", type=int, default=10, show_default=True, help="The number of fits, each of one example.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed gives the same result on the same machine."
)
@json_option
def tutorial(length, features, out_index, units, examples, seed, as_json) -> None:
    """Run the tutorial as published, in plain Keras: it ends at about 0 %, and explains why.

    It is chapter 6 of Jason Brownlee's "Long Short-Term Memory Networks With Python" (2017), the vanilla LSTM.
    """
    from memoryspan.tutorial import Tutorial, run_tutorial

    settings = Tutorial(length, features, out_index, units, examples, seed)
    if as_json:
        import json

        echo(json.dumps(asdict(run_tutorial(settings, print_fn=lambda text: None))))
        return
    from memoryspan.cli.live import counting

    with counting("examples") as progress:
        run_tutorial(settings, print_fn=echo, progress=progress)
