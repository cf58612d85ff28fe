from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as bytes_of

from memoryspan.engine import assign, variables_of
from memoryspan.errors import RunError
from memoryspan.runs import Run, load_model, weight_snapshots
from memoryspan.training import Budget
from tests.messages import naming
from tests.runs.small import slow_model


def kept_of(moments, kept=()):
    kept = dict(kept)
    for moment in moments:
        kept = weight_snapshots.with_moment(kept, moment, [np.full(3, moment, np.float32)])
    return kept


def plain(kept):
    return {moment: [array.tolist() for array in arrays] for moment, arrays in kept.items()}


@given(st.integers(1, 30), st.integers(1, 400))
def test_they_are_about_a_dozen_evenly_spaced_from_the_first_on(step, chunks):
    moments = list(kept_of(range(0, step * (chunks + 1), step)))
    gaps = set(np.diff(moments))
    assert moments[0] == 0
    assert len(gaps) <= 1
    assert min(chunks + 1, weight_snapshots.MAX_SNAPSHOTS // 2) <= len(moments) <= weight_snapshots.MAX_SNAPSHOTS


@given(st.lists(st.integers(1, 12), min_size=1, max_size=120), st.data())
def test_a_training_that_was_killed_keeps_the_same_ones(steps, data):
    moments = [0, *np.cumsum(steps).tolist()]
    checkpoint = data.draw(st.integers(0, len(moments) - 1))
    killed = data.draw(st.integers(checkpoint, len(moments) - 1))
    on_the_disk = {
        moment: arrays for moment, arrays in kept_of(moments[: killed + 1]).items() if moment <= moments[checkpoint]
    }
    assert list(kept_of(moments[checkpoint + 1 :], on_the_disk)) == list(kept_of(moments))


def test_none_are_kept_of_a_model_of_which_two_are_too_many():
    assert weight_snapshots.with_moment({}, 0, [np.zeros(weight_snapshots.MAX_BYTES // 4, np.float32)]) == {}


def test_they_come_back_from_the_file(tmp_path):
    kept = kept_of(range(0, 100, 10))
    weight_snapshots.save(tmp_path, kept)
    again = weight_snapshots.load(tmp_path)
    assert list(again) == list(kept)
    assert all(np.array_equal(again[moment][0], kept[moment][0]) for moment in kept)
    assert list(weight_snapshots.load(tmp_path, until=50)) == [0, 10, 20, 30, 40, 50]


def test_a_run_keeps_its_model_as_it_began_and_as_it_ended(run):
    first, *_, last = weight_snapshots.load(run).items()
    model = slow_model()
    assert (first[0], last[0]) == (0, 400)
    began = variables_of(model).trainable
    assert all(np.array_equal(a, b) for a, b in zip(first[1], began, strict=False))
    assign(model, weight_snapshots.variables_at(last[1], variables_of(model)))
    for now, kept in zip(model.get_weights(), load_model(run).get_weights(), strict=True):
        assert np.array_equal(now, kept)


def test_the_time_to_load_them_grows_with_their_number_and_not_with_its_square(tmp_path):
    """Of 20,000 arrays, which took 5 s when each moment went through all of them."""
    kept = {moment: (np.zeros(1, np.float32),) * 2 for moment in range(10_000)}
    weight_snapshots.save(tmp_path, kept)
    assert list(weight_snapshots.load(tmp_path)) == list(kept)


@pytest.mark.parametrize("bit", range(0, 6000, 97))
def test_a_single_altered_bit_is_noticed_or_changes_nothing(tmp_path, bit):
    kept = kept_of(range(0, 100, 10))
    weight_snapshots.save(tmp_path, kept)
    path = tmp_path / weight_snapshots.FILE
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)
    with suppress(RunError):  # unless it is a blank of the header
        assert plain(weight_snapshots.load(tmp_path)) == plain(kept)


@pytest.mark.parametrize("name", ["01.0", "1", "1.0.0", "one.0", "-1.x"])
def test_arrays_of_other_names_are_damage_and_stop_no_training(run, name):
    named = {name: np.zeros(3, np.float32)}
    content = bytes_of({**named, weight_snapshots.CHECKSUM: weight_snapshots._checksum(named)})
    (run / weight_snapshots.FILE).write_bytes(content)
    with pytest.raises(RunError, match=naming(run / weight_snapshots.FILE)):
        weight_snapshots.load(run)
    Run.resume(run).lock.release()


def test_a_file_without_a_checksum_is_damage(tmp_path):
    (tmp_path / weight_snapshots.FILE).write_bytes(bytes_of({"0.0": np.zeros(3, np.float32)}))
    with pytest.raises(RunError, match=naming(tmp_path / weight_snapshots.FILE, "checksum")):
        weight_snapshots.load(tmp_path)


def test_a_file_that_cannot_be_read_is_not_removed_as_damaged(run):
    path = run / weight_snapshots.FILE
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match=naming(path)):
        Run.resume(run)
    assert path.is_dir()


def test_those_of_another_model_are_refused(run):
    (_, arrays), *_ = weight_snapshots.load(run).items()
    with pytest.raises(RunError, match=naming(weight_snapshots.FILE)):
        weight_snapshots.variables_at(arrays[:-1], variables_of(slow_model()))


def test_a_damaged_file_is_said_to_be_damaged_and_stops_no_training(run):
    (run / weight_snapshots.FILE).write_bytes(b"\x00" * 40)
    with pytest.raises(RunError, match=naming(run / weight_snapshots.FILE)):
        weight_snapshots.load(run)
    again = Run.resume(run, budget=Budget(examples=20_000))
    again.lock.release()
    assert any(weight_snapshots.FILE in notice for notice in again.notices)
    assert not (run / weight_snapshots.FILE).exists()


def test_what_came_after_the_snapshot_is_put_aside(run):
    kept = dict(weight_snapshots.load(run))
    kept[900] = next(iter(kept.values()))
    weight_snapshots.save(run, kept)
    Run.resume(run, budget=replace(Budget(), examples=20_000)).lock.release()
    assert max(weight_snapshots.load(run)) == 400
