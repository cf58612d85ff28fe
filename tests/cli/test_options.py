"""Every option that is typed does something, or is refused."""

from dataclasses import dataclass
from importlib import import_module

import click
import pytest

from memoryspan.cli.main import COMMANDS
from tests.messages import names

VALUES = {
    "--batch-size": ["8"],
    "--budget": ["3k"],
    "--dir": ["elsewhere"],
    "--examples": ["100"],
    "--executor": ["dask"],
    "--features": ["10"],
    "--learning-rate": ["0.1"],
    "--length": ["6"],
    "--max-length": ["8"],
    "--model": ["gru"],
    "--out-index": ["1"],
    "--output": ["out.html"],
    "--parameters": ["15k"],
    "--reads": ["symbols"],
    "--resume": ["elsewhere"],
    "--run": ["elsewhere"],
    "--seed": ["1"],
    "--seeds": ["3"],
    "--sequence": ["1,2,3"],
    "--task": ["recall"],
    "--threshold": ["0.5"],
    "--units": ["4"],
    "--workers": ["1"],
}
"""A value of each option that takes one."""

TASK = {"--task", "--length", "--features", "--out-index"}
SWEEP_SETTINGS = {"--task", "--model", "--seeds", "--budget", "--max-length", "--batch-size", "--parameters"}
HOW = {"--retry-failed", "--workers", "--executor", "--quiet", "--json"}


@dataclass(frozen=True)
class Mode:
    """A way to use a command: its arguments, the options that count there, and those that do not."""

    arguments: tuple[str, ...]
    used: frozenset[str]
    refused: frozenset[str] = frozenset()

    @property
    def command(self) -> str:
        return self.arguments[0]


def mode(arguments: str, used: set[str], refused: set[str] | None = None) -> Mode:
    return Mode(tuple(arguments.split()), frozenset(used), frozenset(refused or ()))


MODEL_OF_ANOTHER = {"--model"}
"""What a model is that has been trained, --model cannot change."""

MODES = [
    mode("tutorial", {"--length", "--features", "--out-index", "--units", "--examples", "--seed", "--json"}),
    mode("info", {"--json"}),
    mode("evaluate RUN", TASK | {"--examples", "--seed", "--json"}, MODEL_OF_ANOTHER),
    mode("evaluate FILE", TASK | {"--examples", "--seed", "--json"}, MODEL_OF_ANOTHER),
    mode("predict RUN", TASK | {"--reads", "--probabilities", "--seed", "--json", "--sequence"}, MODEL_OF_ANOTHER),
    mode(
        "predict RUN --sequence 1,2,3",
        {"--task", "--features", "--reads", "--probabilities", "--json", "--sequence"},
        {"--length", "--out-index", "--seed"} | MODEL_OF_ANOTHER,
    ),
    mode("trace RUN", TASK | {"--reads", "--output", "--seed", "--json", "--sequence"}, MODEL_OF_ANOTHER),
    mode(
        "trace RUN --sequence 1,2,3",
        {"--task", "--features", "--reads", "--output", "--json", "--sequence"},
        {"--length", "--out-index", "--seed"} | MODEL_OF_ANOTHER,
    ),
    mode("report RUN", {"--output", "--open"}, {"--task"} | MODEL_OF_ANOTHER),
    mode("report SWEEP", {"--output", "--open"}, {"--task", "--model"}),
    mode(
        "train",
        TASK
        | {"--model", "--units", "--parameters", "--seed", "--batch-size", "--learning-rate", "--threshold"}
        | {"--budget", "--run", "--resume", "--quiet", "--json"},
    ),
    mode(
        "train --resume RUN",
        {"--budget", "--resume", "--quiet", "--json"},
        TASK
        | {"--model", "--units", "--parameters", "--seed", "--batch-size", "--learning-rate", "--threshold", "--run"},
    ),
    mode("span", SWEEP_SETTINGS | HOW - {"--retry-failed"} | {"--dir"}, {"--retry-failed"}),
    mode("span --dir SWEEP", SWEEP_SETTINGS | HOW | {"--dir"}),
    mode(
        "span RUN",
        {"--task", "--max-length", "--json"},
        (SWEEP_SETTINGS - {"--task", "--max-length"}) | HOW - {"--json"} | {"--dir"},
    ),
    mode(
        "reproduce lstm-1997", {"--quick", "--seeds", "--dir", "--list"} | HOW - {"--retry-failed"}, {"--retry-failed"}
    ),
    mode("reproduce --dir SWEEP", HOW | {"--dir", "--seeds"}, {"--quick", "--list"}),
    mode("reproduce --list", {"--list", "--json"}, {"--quick", "--seeds", "--dir"} | HOW - {"--json"}),
]


@pytest.fixture(scope="module")
def places(solved, tmp_path_factory) -> dict[str, str]:
    sweep = tmp_path_factory.mktemp("sweeps") / "sweep"
    sweep.mkdir()
    (sweep / "manifest.json").write_text('{"command": "span"}')
    return {"RUN": str(solved), "FILE": str(solved / "model.keras"), "SWEEP": str(sweep)}


def options_of(command: str) -> set[str]:
    parameters = getattr(import_module(f"memoryspan.cli.{command}"), command).params
    return {parameter.opts[-1] for parameter in parameters if isinstance(parameter, click.Option)}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: " ".join(mode.arguments))
def test_every_option_of_a_command_counts_in_each_mode_or_is_refused_there(mode):
    assert mode.used | mode.refused == options_of(mode.command)
    assert not mode.used & mode.refused


def test_every_command_is_here():
    assert {mode.command for mode in MODES} == set(COMMANDS)


REFUSED = [(mode, option) for mode in MODES for option in sorted(mode.refused)]


@pytest.mark.parametrize(
    ("mode", "option"), REFUSED, ids=[f"{' '.join(mode.arguments)} {option}" for mode, option in REFUSED]
)
def test_an_option_that_would_do_nothing_is_refused_and_nothing_is_written(
    memoryspan, places, monkeypatch, tmp_path, mode, option
):
    monkeypatch.chdir(tmp_path)
    arguments = [places.get(word, word) for word in mode.arguments]
    answer = memoryspan(*arguments, option, *VALUES.get(option, []))
    assert (answer.code, answer.out) == (2, "")
    assert option in answer.err or names(answer.err, *VALUES[option])
    assert not list(tmp_path.iterdir())


# What is given again of user code


@pytest.mark.parametrize("command", ["evaluate", "predict", "trace", "report", "span"])
@pytest.mark.parametrize("model", ["mine.py:build", "lstm,units=3"])
def test_a_run_of_the_packages_own_model_is_not_taken_for_another(memoryspan, solved, command, model):
    answer = memoryspan(command, solved, "--model", model)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, solved, "lstm", model, "--model")


@pytest.mark.parametrize("task", ["recall", "echo,length=9"])
def test_a_run_resumes_and_is_reported_on_its_own_task(memoryspan, solved, task):
    for arguments in (["train", "--resume", solved], ["report", solved]):
        answer = memoryspan(*arguments, "--task", task)
        assert (answer.code, answer.out) == (2, "")
        assert names(answer.err, solved, "echo", task, "--task")


def test_a_span_of_a_trained_model_is_not_measured_at_a_length(memoryspan, solved):
    answer = memoryspan("span", solved, "--task", "echo,length=6")
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, "echo,length=6", "--max-length")


@pytest.mark.parametrize("command", ["predict", "trace"])
def test_a_sequence_in_which_nothing_is_asked_yet_is_refused(memoryspan, solved, command):
    answer = memoryspan(command, solved, "--sequence", "1,2")
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, "echo", 2, 3)
    assert memoryspan(command, solved, "--sequence", "1,2,3", "--json").code == 0
