"""`memoryspan evaluate`: the accuracy of a run, or of a model made elsewhere, on fresh examples."""

import json

import click

from memoryspan.cli.options import json_option, model_file_option, seed_option, task_options
from memoryspan.cli.output import echo


@click.command(
    epilog="\b\nExamples:\n  memoryspan evaluate runs/echo-lstm-50-001\n"
    "  memoryspan evaluate runs/echo-lstm-50-001 --length 200\n"
    "  memoryspan evaluate my_model.keras --task echo --length 50 --out-index 2",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@task_options
@model_file_option
@click.option("--examples", type=int, default=1000, show_default=True, help="The number of fresh examples.")
@seed_option
@json_option
def evaluate(run, task, length, features, out_index, model, examples, seed, as_json) -> None:
    """Measure the accuracy of a run, or of any .keras file, on fresh examples, with its 95 % interval and chance.

    By default a run is measured on its own task, and a file on the echo task.
    """
    from memoryspan.cli.live import counting
    from memoryspan.cli.target import open_target
    from memoryspan.inference.evaluate import evaluate as measure

    opened, chosen = open_target(run, task, length, features, out_index, model)
    with counting("examples") as progress:
        accuracy = measure(opened, chosen, examples=examples, seed=seed, progress=progress)
    if as_json:
        from memoryspan.files.json import to_builtins
        from memoryspan.tasks import spec_of

        figures = {**to_builtins(accuracy), "value": accuracy.value, "interval": accuracy.interval}
        echo(json.dumps({"task": {"name": spec_of(chosen).name, **to_builtins(chosen)}, "accuracy": figures}))
    else:
        echo(f"Accuracy: {accuracy}")
