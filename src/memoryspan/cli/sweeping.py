"""Run a sweep and show it: shared by the commands `span` and `reproduce`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memoryspan.cli.output import echo, say, unless_unwritable
from memoryspan.interrupt import signals_raise

if TYPE_CHECKING:
    from memoryspan.report.views import SweepView
    from memoryspan.sweeps.kind import Kind, SweepConfig
    from memoryspan.sweeps.sweep import Sweep
    from memoryspan.sweeps.trial import Trial
    from memoryspan.sweeps.workers import Workers


def config_in(directory: str | None, kind: "Kind") -> Any:
    """Return the settings of the sweep in a directory; None where there is no sweep."""
    from memoryspan.sweeps.manifest import is_sweep, read_manifest

    if directory is None or not is_sweep(Path(directory)):
        return None
    _, manifest = read_manifest(Path(directory), kind)
    return manifest.config


def run_and_show(
    directory: str | None,
    config: "SweepConfig | None",
    kind: "Kind",
    *,
    retry_failed: bool,
    workers: int | None,
    executor: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run the trials that are pending, show all results, and return the exit code.

    Without a `config` the directory has one. A sweep with nothing to run is shown without its lock.
    """
    from memoryspan.report.views import view_of
    from memoryspan.sweeps.executors import make_workers
    from memoryspan.sweeps.manifest import is_sweep
    from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, require_trusted

    view, known, notices = view_of(kind), None, []
    if config is None or (directory is not None and is_sweep(Path(directory))):
        known = read_sweep(directory or ".", kind)
        if config is None and not pending(known, retry_failed):
            return _show(known, view, as_json, notices)
    # Importing this takes seconds, in which a signal just ends the process: do so before there is a sweep to resume.
    import memoryspan.cli.live  # noqa: F401

    n_trials = len((config or known.manifest.config).trials)  # pyright: ignore[reportOptionalMemberAccess]
    # Workers that cannot start are reported before there is a directory. Processes of this machine start with work.
    with make_workers(executor, workers, n_trials) as made, open_for_writing(directory, kind, config, known) as sweep:
        notices += sweep.notices
        for notice in notices:
            echo(notice, err=True)
        if trials := pending(sweep, retry_failed):
            require_trusted(sweep, trials)
            _run(sweep, trials, made, view, notices, quiet)
        _draw(sweep, view)
    return _show(sweep, view, as_json, notices)


def _run(
    sweep: "Sweep",
    trials: "list[Trial]",
    workers: "Workers",
    view: "SweepView",
    notices: "list[str]",
    quiet: bool,
) -> None:
    """Run trials, and show and note what is to be noted about them."""
    from memoryspan.cli.live import sweeping
    from memoryspan.sweeps.run import run_trials

    try:
        with sweeping(sweep, len(trials), view, quiet) as (on_result, on_event, show):

            def on_notice(sentence: str) -> None:
                notices.append(sentence)
                show(sentence)

            with signals_raise():  # before, there is nothing to save
                run_trials(sweep, trials, workers, on_result, on_event, on_notice)
    except KeyboardInterrupt:
        echo(
            f"{len(sweep.results)} of {len(sweep.trials)} trials are complete and saved. {sweep.command} resumes the "
            f"others where they are.",
            err=True,
        )
        raise


def _draw(sweep: "Sweep", view: "SweepView") -> None:
    with unless_unwritable("The picture", sweep.directory):
        view.draw(sweep.completed, sweep.directory)


def _show(sweep: "Sweep", view: "SweepView", as_json: bool, notices: "list[str]") -> int:
    from memoryspan.files.json import to_builtins

    results = sweep.completed
    if as_json:
        facts = {
            "sweep": str(sweep.directory),
            "notices": notices,
            **view.as_json(results),
            "results": to_builtins(results),
        }
        say(json.dumps(facts, allow_nan=False))
    else:
        _show_table(sweep, view)
    return int(any(found.failure for found in results))


def _show_table(sweep: "Sweep", view: "SweepView") -> None:
    from memoryspan.cli.console import console
    from memoryspan.cli.table import fitted, width_of

    results, screen = sweep.completed, console()
    table = view.table(results)
    if not sys.stdout.isatty():
        screen.width = width_of(table, screen)
    screen.print(fitted(table, screen))
    for note in view.notes(results):
        say(note)
    failed = [found for found in results if found.failure]
    for found in failed:
        say(f"\n{view.one_line(found)}")
    if not all(trial.repeatable for trial in sweep.trials):
        say("\nThe budget is in seconds: run again, this sweep would not have the same results.")
    pictures = [path.name for suffix in ("png", "svg") for path in sorted(sweep.directory.glob(f"*.{suffix}"))]
    say(f"\nThe sweep is in {sweep.directory}: {', '.join([*pictures, 'results.csv', 'trials/'])}.")
    if failed:
        say(f"Next: {sweep.command} --retry-failed")
