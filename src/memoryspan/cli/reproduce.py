"""`memoryspan reproduce`: published experiments, run here, beside what was published."""

import json
from typing import TYPE_CHECKING

import click

from memoryspan.cli.options import bounded, json_option, refuse, refuse_all_but, sweep_options
from memoryspan.cli.output import say
from memoryspan.errors import RunError

if TYPE_CHECKING:
    from memoryspan.reproduce.trial import ReproduceSweepConfig


@click.command(
    epilog="\b\nExamples:\n  memoryspan reproduce --list\n  memoryspan reproduce lstm-1997 --quick\n"
    "  memoryspan reproduce lstm-1997/adding-100 --seeds 10\n"
    "  memoryspan reproduce lstm-1997 echo --dir runs/published --executor dask\n"
    "  memoryspan reproduce --dir runs/published",
)
@click.argument("names", nargs=-1, metavar="[PAPER|EXPERIMENT]...")
@click.option(
    "--list", "only_list", is_flag=True, help="List the experiments with their published figures, and run nothing."
)
@click.option("--quick", is_flag=True, help="Run only the experiments marked quick in --list, with 3 seeds.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    callback=bounded,
    help="The number of trainings of each experiment.  [default: 5; 3 with --quick]",
)
@sweep_options
@json_option
@click.pass_context
def reproduce(ctx: click.Context, names: tuple[str, ...], only_list: bool, directory: str | None, **options) -> None:
    """Repeat published memory experiments, and show what was published beside what is measured here.

    Stock Keras models of comparable size are trained to the published criterion, twice: with the curriculum, which is
    what this package adds, and without it, as published. Saves a sweep. With --dir it resumes a sweep, and the same
    command with more seeds or experiments extends it. Exit code 1: some trials ended in an error.
    """
    if only_list:
        refuse_all_but(ctx, {"names", "--list", "--json"}, "--list runs nothing")
        _list(names, options["as_json"])
        return
    if not names and directory is None:
        raise click.UsageError(
            "Which experiments? `memoryspan reproduce lstm-1997 --quick` takes a few minutes; --list has all.", ctx
        )
    if not names:
        refuse(ctx, {"--quick"}, "--quick chooses among experiments, and none is named")
    if directory is None:
        refuse(ctx, {"--retry-failed"}, "A new sweep has no failed trials")
    ctx.exit(_sweep(names, directory, **options))


def _list(names: tuple[str, ...], as_json: bool) -> None:
    from memoryspan.files.json import to_builtins
    from memoryspan.reproduce.suite import GROUPS, QUICK, meant

    experiments = meant(names or GROUPS)
    if as_json:
        say(json.dumps(to_builtins(experiments)))
        return
    for each in experiments:
        say(f"{each.name}{' (quick)' if each.name in QUICK else ''}: {each.what}")
        say(f"  published: {each.published.model}: {each.published} ({each.published.source})")
        say(f"  here:      {each.model} on {each.task}, at most {each.sequences:,} sequences")


def _sweep(names: tuple[str, ...], directory: str | None, *, quick: bool, seeds: int | None, **how) -> int:
    from memoryspan.cli.sweeping import config_in, run_and_show
    from memoryspan.reproduce.kind import REPRODUCE

    before = config_in(directory, REPRODUCE)
    if not names and before is None:
        raise RunError(f"There is no sweep in {directory}: name the experiments of a new one, like lstm-1997.")
    config = _config(before, names, quick, seeds) if names or seeds else None
    return run_and_show(directory, config, REPRODUCE, **how)


def _config(
    before: "ReproduceSweepConfig | None", names: tuple[str, ...], quick: bool, seeds: int | None
) -> "ReproduceSweepConfig":
    """Return the settings that were typed, and otherwise those of the sweep as it is, or the defaults of a new one."""
    from memoryspan.reproduce.suite import meant
    from memoryspan.reproduce.trial import ReproduceSweepConfig

    experiments = tuple(each.recipe for each in meant(names, quick)) if names or before is None else before.experiments
    if seeds is None and before is not None:
        return ReproduceSweepConfig(experiments=experiments, seeds=before.seeds)
    return ReproduceSweepConfig(experiments=experiments, seeds=tuple(range(seeds or (3 if quick else 5))))
