"""`memoryspan`: the group of commands, and how they report errors and interruptions.

The module of a command is imported when the command is used, so that `--help` imports neither JAX nor Keras.

Exit codes: 0 done; 1 not solved within the budget; 2 bad input; 130 interrupted (128 plus the number of the signal).
"""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from memoryspan._version import __version__
from memoryspan.cli.options import in_options
from memoryspan.cli.output import connect_closed_streams, echo, silence
from memoryspan.errors import MemoryspanError, SettingError
from memoryspan.interrupt import exit_at_signals, exit_code
from memoryspan.printable import printable_lines
from memoryspan.user_code import blame, own_traceback

COMMANDS = {
    "train": "Train a model until it has solved a task, and save the run.",
    "tutorial": "Run the tutorial as published: it ends at 0 %.",
    "span": "Measure how far back models remember, over tasks and seeds.",
    "reproduce": "Repeat published experiments, and compare the figures.",
    "evaluate": "Measure the accuracy of a run or any .keras file on fresh examples.",
    "predict": "Print the answer of a trained model to a sequence.",
    "report": "Make an HTML page of a run, in which its model runs, or of a sweep.",
    "trace": "Draw the gates and states of a model at every step.",
    "info": "Describe the package and the machine, a run, a sweep or a model.",
}


class Commands(click.Group):
    """Commands by name, each in the module of its name, which is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        return getattr(import_module(f"memoryspan.cli.{cmd_name}"), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of the first argument; raise `UsageError`, with the nearest one, where there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0].lower(), COMMANDS, n=1)
            instead = f"did you mean {near[0]}?" if near else "--help lists all."
            raise click.UsageError(f"There is no command {args[0]!r}: {instead}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, whose errors write its options as they are typed."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            command = self.get_command(ctx, str(ctx.invoked_subcommand))
            if command is not None:
                error.args = (in_options(str(error), command),)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExamples:\n  memoryspan train\n  memoryspan train --length 1000\n"
    "  memoryspan predict runs/echo-lstm-50-001",
)
@click.version_option(__version__, package_name="memoryspan", message="%(package)s %(version)s")
def cli() -> None:
    """How far back can your model remember?

    The vanilla LSTM tutorial ends at 0 %. `memoryspan train` takes the same 15,200 parameters to 100 %.
    """


def main() -> None:
    """Run the command line, and exit."""
    os.environ["KERAS_BACKEND"] = "jax"  # as the commands are documented; in Python, another one is refused
    connect_closed_streams()
    exit_at_signals()
    try:
        code = _run()
    except KeyboardInterrupt:  # one more, while the first was answered
        code = exit_code()
    sys.exit(code)


def _run() -> int:
    """Run the command, and return the exit code."""
    try:
        code = cli(standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        error.message = printable_lines(error.message)  # pyright: ignore[reportAttributeAccessIssue]
        error.show()
        return 2
    except MemoryspanError as error:
        return _complain(str(error), error.__cause__)
    except (KeyboardInterrupt, click.Abort):
        echo("Interrupted.", err=True)
        return exit_code()
    except BrokenPipeError:  # the reader of the output has gone, as with `| head`
        silence()
        return 1
    except Exception as error:
        if message := blame(error):  # raised in user code
            return _complain(message, error)
        if not isinstance(error, OSError):
            raise
        if error.filename is not None:
            return _complain(f"{error.filename} cannot be used: {error.strerror}. Give another path.")
        silence()  # a full disk behind a redirection
        return _complain(f"The output could not be written: {error.strerror or error}. Make room, or write elsewhere.")


def _complain(message: str, cause: BaseException | None = None) -> int:
    """Print an error behind the traceback of its cause in user code, and return the exit code of bad input."""
    echo(own_traceback(cause), nl=False, err=True)
    echo("Error: ", fg="red", bold=True, nl=False, err=True)
    echo(message, err=True)
    return 2
