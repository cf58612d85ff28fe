import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

from memoryspan import Budget, Echo, Status, lstm, train
from memoryspan.backend import keras
from memoryspan.errors import ModelError, RunError
from memoryspan.runs import Run, load_model, record, weight_snapshots
from memoryspan.training import TrainConfig
from tests.files.test_lock import held_by_another_process
from tests.messages import names, naming
from tests.runs.small import SETTINGS, TASK, slow_model

ENDLESS = TrainConfig(seed=5, budget=Budget(examples=None), threshold=0.996)


def never_solved():
    return lstm(TASK, units=2, learning_rate=1e-9, seed=5)


def own_loss(y, predicted):
    return keras.losses.categorical_crossentropy(y, predicted)


def process(*arguments, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.runs.training_process", *map(str, arguments)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], text=True, **options)


def everything(directory: Path) -> dict:
    """All that a training comes to, to the bit; time alone may differ."""
    run = Run.load(directory)
    model = run.model()
    arrays = [np.asarray(v.value).tobytes() for v in (*model.weights, *model.optimizer.variables)]
    state = load_file(max((directory / "checkpoints").glob("*.safetensors")))
    state.pop("variables.non_trainable.0")  # of a dropout that is switched off: Keras seeds it from nowhere
    return {
        "arrays": arrays,
        "state": {name: array.tobytes() for name, array in state.items()},
        "snapshots": {
            moment: [array.tobytes() for array in arrays if array.dtype == np.float32]
            for moment, arrays in weight_snapshots.load(directory).items()
        },
        "history": [replace(row, seconds=0) for row in run.history()],
        "results": run.record.results and msgspec.structs.replace(run.record.results, seconds=0),
        "status": run.record.status,
    }


def test_a_run_comes_to_the_bits_of_a_training_that_keeps_nothing(reference):
    model = slow_model()
    result = train(model, TASK, seed=SETTINGS.seed, budget=SETTINGS.budget)
    kept = everything(reference)
    assert kept["arrays"] == [np.asarray(v.value).tobytes() for v in (*model.weights, *model.optimizer.variables)]
    assert kept["history"] == [replace(row, seconds=0) for row in result.history]
    assert kept["status"] == result.status == "budget"


def test_the_model_file_can_be_fitted_further(run):
    model = load_model(run)
    X = np.eye(10, dtype="float32")[None, [3, 1, 4]]
    assert int(model.optimizer.iterations.value) == 400
    model.fit(X, np.eye(10)[[4]], verbose=0)  # pyright: ignore[reportArgumentType]
    assert int(model.optimizer.iterations.value) == 401


def test_everything_is_on_the_disk_before_the_first_update(tmp_path):
    begun = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")
    names = sorted(str(path.relative_to(begun.directory)) for path in begun.directory.rglob("*") if path.is_file())
    assert names == [
        ".lock",
        "checkpoints/000000000000.json",
        "checkpoints/000000000000.safetensors",
        "history.jsonl",
        "model.keras",
        "run.json",
    ]
    assert Run.load(begun.directory).record.status == "unfinished"
    begun.lock.release()


def test_a_run_is_trained_once(tmp_path):
    begun = Run.create(
        slow_model(), TASK, msgspec.structs.replace(SETTINGS, budget=Budget(examples=320)), directory=tmp_path / "run"
    )
    begun.train()
    with pytest.raises(RunError, match=naming(f"resume({str(begun.directory)!r})")):
        begun.train()


# What is refused


def test_a_run_is_not_started_over_another(run):
    before = everything(run)
    with pytest.raises(RunError, match=naming(f"memoryspan train --resume {run}", "--run")):
        Run.create(slow_model(), TASK, SETTINGS, directory=run)
    assert everything(run) == before


def test_a_model_that_cannot_be_trained_leaves_no_directory_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError):
        Run.create(lstm(Echo(n_features=7)), TASK)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_could_not_be_opened_again_is_pointed_out_before_it_is_trained(tmp_path):
    model = slow_model()
    model.compile("sgd", own_loss)
    begun = Run.create(model, TASK, SETTINGS, directory=tmp_path / "run")
    (notice,) = begun.notices
    assert names(notice, "loss", "own_loss", "register_keras_serializable")
    begun.lock.release()


def test_a_second_process_in_a_run_is_refused_until_the_first_is_killed(run):
    with held_by_another_process(run) as other:
        with pytest.raises(RunError, match=naming(run, "--run", f"memoryspan info {run}")):
            Run.resume(run)
        assert Run.load(run).task == TASK  # reading needs no lock
        other.kill()
        other.wait()
        Run.resume(run).lock.release()


def test_what_is_no_run_is_not_resumed(tmp_path):
    with pytest.raises(RunError, match=naming(tmp_path / "missing")):
        Run.resume(tmp_path / "missing")
    with pytest.raises(RunError, match=naming(tmp_path, "run.json")):
        Run.resume(tmp_path)
    assert list(tmp_path.iterdir()) == []


# What has ended


def test_a_solved_run_gives_its_result_without_training(tmp_path):
    first = Run.create(lstm(TASK, seed=0), TASK, directory=tmp_path / "run").train()
    assert first.solved
    run = Run.resume(tmp_path / "run")
    (notice,) = run.notices
    assert Status.SOLVED.message in notice
    assert run.train() == first


def test_a_run_whose_budget_is_spent_says_so(run):
    before = everything(run)
    opened = Run.resume(run)
    (notice,) = opened.notices
    assert names(notice, "--budget")
    assert opened.train().status is Status.BUDGET
    assert everything(run) == before


def test_a_larger_budget_trains_to_the_bits_of_one_that_was_large_at_once(run, tmp_path):
    larger = Budget(examples=16_000)
    Run.create(
        slow_model(), TASK, msgspec.structs.replace(SETTINGS, budget=larger), directory=tmp_path / "large"
    ).train()
    Run.resume(run, budget=larger).train()
    assert everything(run) == everything(tmp_path / "large")
    assert Run.load(run).config.budget == larger


def test_a_budget_that_is_spent_already_is_refused(run):
    with pytest.raises(RunError, match=naming(run, "12,800", "--budget")):
        Run.resume(run, budget=Budget(examples=12_800))
    Run.resume(run).lock.release()


# What was broken off


@contextmanager
def ctrl_c(*seconds: float):
    """Ctrl-C after so many seconds, and again after so many more; after the block nobody hears it."""
    heard = True

    def handle(number, frame):
        if heard:
            raise KeyboardInterrupt

    def press():
        for pause in seconds:
            time.sleep(pause)
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, handle)
    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        heard = False
        thread.join()
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("seed", range(4))
def test_ctrl_c_at_any_moment_keeps_what_was_learned(tmp_path, seed):
    begun = Run.create(never_solved(), TASK, ENDLESS, directory=tmp_path / "run")
    seen = []
    with ctrl_c(random.Random(seed).uniform(0.05, 0.8)):
        result = begun.train(on_chunk=seen.append, every=0.01)
    assert result.status is Status.INTERRUPTED
    assert result.history == tuple(snapshot.row for snapshot in seen)
    assert Run.load(begun.directory).record.status == "interrupted"
    assert Run.load(begun.directory).history() == result.history
    opened = Run.resume(begun.directory)
    assert (opened.notices, opened.snapshot.row) == ((), result.history[-1])
    opened.lock.release()


@pytest.mark.parametrize("seed", range(6))
def test_more_ctrl_c_while_that_is_written_breaks_nothing(tmp_path, seed, monkeypatch):
    # The later ones may meet JAX's collector, or whoever reports that; pytest's own reporter does not bear it.
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    begun = Run.create(never_solved(), TASK, ENDLESS, directory=tmp_path / "run")
    gaps = random.Random(seed)
    with suppress(KeyboardInterrupt), ctrl_c(0.6, gaps.uniform(0, 0.05), gaps.uniform(0.001, 0.05)):
        begun.train(every=0.01)
    opened = Run.resume(begun.directory)
    rows = Run.load(begun.directory).history()
    assert opened.notices == ()
    assert opened.snapshot.row.updates == (rows[-1].updates if rows else 0)
    opened.lock.release()


class Press(keras.callbacks.Callback):
    """Ctrl-C a moment after each chunk, by when a budget of one chunk is spent and the full length is measured."""

    def on_epoch_end(self, epoch, logs=None):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_ends_the_last_measurement_too(tmp_path):
    task = Echo(length=40_000, n_features=6)
    settings = TrainConfig(budget=Budget(examples=1))
    begun = Run.create(lstm(task, units=16, seed=0), task, settings, directory=tmp_path / "run")
    result = begun.train(callbacks=[Press()])
    assert (result.status, result.accuracy) == (Status.INTERRUPTED, None)
    assert Run.load(begun.directory).record.status == "interrupted"


def test_an_interrupted_run_comes_to_the_bits_of_one_that_was_not(reference, tmp_path):
    def stop_at_200(snapshot):
        if snapshot.row.updates == 200:
            signal.raise_signal(signal.SIGINT)

    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")
    assert run.train(on_chunk=stop_at_200).history[-1].updates == 200
    assert Run.resume(tmp_path / "run").train().status is Status.BUDGET
    assert everything(tmp_path / "run") == everything(reference)


def test_a_run_killed_at_random_moments_comes_to_the_bits_of_one_that_was_not(reference, tmp_path):
    moments = random.Random(0)
    for how, max_length in (("start", 0.0), ("resume", 0.5), ("resume", 1.0)):
        with process(how, tmp_path / "run", stdout=subprocess.PIPE) as training:
            assert training.stdout is not None
            assert training.stdout.readline() == "training\n"
            time.sleep(moments.uniform(0, max_length))
            training.kill()
    Run.resume(tmp_path / "run").train()
    assert everything(tmp_path / "run") == everything(reference)


KILLS = 12


@pytest.mark.slow
def test_runs_killed_again_and_again_come_to_the_bits_of_one_that_was_not(reference, tmp_path):
    draw, kills = random.Random(4), 0
    while kills < KILLS:
        directory = tmp_path / f"run-{kills}"
        while not directory.exists() or Run.load(directory).record.status != "budget":
            with process("resume" if directory.exists() else "start", directory, stdout=subprocess.PIPE) as training:
                assert training.stdout is not None
                assert training.stdout.readline() == "training\n"
                with suppress(subprocess.TimeoutExpired):
                    training.wait(draw.uniform(0, 2) if kills < KILLS else None)  # until after its last writes
                if training.poll() is None:
                    training.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
                    kills += 1
        assert everything(directory) == everything(reference)


def test_a_run_killed_between_any_two_writes_comes_to_the_bits_of_one_that_was_not(reference, tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    with process("watched", tmp_path / "run", copies) as training:
        assert training.wait() == 0
    killed = sorted(copies.iterdir())
    in_a_write = [directory for directory in killed if list(directory.rglob(".writing-*"))]
    assert len(in_a_write) > 10
    for directory in random.Random(1).sample(in_a_write, 4) + random.Random(2).sample(killed, 4):
        Run.resume(directory).train()
        assert everything(directory) == everything(reference), directory.name
        assert not list(directory.rglob(".writing-*"))


# What breaks


@contextmanager
def full_disk_above(size: int):
    """Every file of this process that would grow beyond `size` bytes fails to: the nearest thing to a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_checkpoint_good(reference, tmp_path):
    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")

    def fill(snapshot):
        if snapshot.row.updates == 200:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8000, resource.RLIM_INFINITY))

    resume_it = f"--resume {run.directory}"
    with full_disk_above(2**40), pytest.raises(RunError, match=naming(run.directory, resume_it)):
        run.train(on_chunk=fill, every=0)
    opened = Run.resume(run.directory)
    assert 0 < opened.snapshot.row.updates <= 200
    assert opened.notices == ()
    opened.train()
    assert everything(run.directory) == everything(reference)


def test_a_disk_that_is_full_at_once_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with full_disk_above(1000), pytest.raises(RunError, match=naming("runs/echo-vanilla-lstm-8-001", "--run")):
        Run.create(slow_model(), TASK, SETTINGS)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_whose_directory_is_removed_is_told_so(tmp_path):
    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")
    with pytest.raises(RunError, match=naming(run.directory)) as raised:
        run.train(on_chunk=lambda snapshot: shutil.rmtree(run.directory, ignore_errors=True))
    assert not names(str(raised.value), "checkpoint")


def test_a_history_that_cannot_be_written_stops_the_training(tmp_path):
    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")

    def fill(snapshot):
        (run.directory / "history.jsonl").unlink()
        (run.directory / "history.jsonl").symlink_to("/dev/full")

    with pytest.raises(RunError, match=naming("No space left on device", f"--resume {run.directory}")):
        run.train(on_chunk=fill)


def test_a_damaged_checkpoint_is_passed_over_the_person_told_and_the_bits_the_same(reference, tmp_path):
    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")

    def stop_at_200(snapshot):
        if snapshot.row.updates == 200:
            signal.raise_signal(signal.SIGINT)

    run.train(on_chunk=stop_at_200, every=0)
    before, newest = sorted((run.directory / "checkpoints").glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    opened = Run.resume(run.directory)
    (notice,) = opened.notices
    assert names(notice, "000000000200.json")
    assert opened.snapshot.row.updates == int(before.stem)
    opened.train()
    assert everything(run.directory) == everything(reference)


def test_a_run_that_resumes_elsewhere_says_so(tmp_path):
    run = Run.create(slow_model(), TASK, SETTINGS, directory=tmp_path / "run")
    elsewhere = msgspec.structs.replace(run.record.environment, device="a tape machine")
    record.write(run.directory, msgspec.structs.replace(run.record, environment=elsewhere))
    run.lock.release()
    opened = Run.resume(run.directory)
    assert names(opened.notices[0], "a tape machine", run.record.environment.device)
    opened.lock.release()
