import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import Accuracy, Status
from memoryspan.engine import Variables
from memoryspan.errors import RunError
from memoryspan.runs import checkpoint
from memoryspan.training import HistoryRow, TrainSnapshot
from memoryspan.training.schedule import Progress
from memoryspan.training.state import TrainState
from tests.messages import names, naming


def snapshot_after(updates: int, status=None, accuracy=None) -> TrainSnapshot:
    key = jax.random.key(updates)
    state = TrainState(
        Variables([jax.random.normal(key, (3, 4)), jnp.zeros(0)], [jnp.uint32([7, 2**32 - 1])]),
        [jnp.int32(updates), jax.random.normal(key, (4, 3)).T, jax.random.normal(key, (5,), jnp.bfloat16)],
        Progress(jnp.int32(3), jnp.float32(0.1), jnp.int32(4)),
        jnp.int32(updates),
        jnp.int32(0),
        jnp.int32(0),
    )
    row = HistoryRow(updates, 32 * updates, 99, 0, 0.5, 3, 0.25, float("nan"))
    return TrainSnapshot(state, row, status, accuracy)


def same_bits(a, b) -> bool:
    equal = jax.tree.map(lambda x, y: x.dtype == y.dtype and np.asarray(x).tobytes() == np.asarray(y).tobytes(), a, b)
    return jax.tree.all(equal)


@pytest.fixture
def three(tmp_path):
    """A directory after checkpoints of 10, 20 and 30 updates."""
    for updates in (10, 20, 30):
        checkpoint.save(tmp_path, snapshot_after(updates))
    return tmp_path


def newest(directory, suffix: str):
    return directory / "checkpoints" / f"000000000030.{suffix}"


def load(directory):
    return checkpoint.load(directory, snapshot_after(0).state)


@pytest.mark.parametrize(("status", "accuracy"), [(None, None), (Status.NOT_FINITE, Accuracy(3, 1000, 50, 0.01))])
def test_a_snapshot_comes_back_to_the_bit(tmp_path, status, accuracy):
    saved = snapshot_after(10, status, accuracy)
    checkpoint.save(tmp_path, saved)
    loaded, notices = load(tmp_path)
    assert same_bits(loaded.state, saved.state)
    assert repr((loaded.row, loaded.status, loaded.accuracy)) == repr((saved.row, saved.status, saved.accuracy))
    assert notices == []


def test_the_two_newest_are_kept(three):
    names = sorted(path.name for path in (three / "checkpoints").iterdir())
    assert names == [f"0000000000{n}.{suffix}" for n in (20, 30) for suffix in ("json", "safetensors")]
    assert load(three)[0].row.updates == 30


def test_a_truncated_one_is_passed_over_and_the_person_told(three):
    path = newest(three, "safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    snapshot, (notice,) = load(three)
    assert same_bits(snapshot.state, snapshot_after(20).state)
    assert names(notice, "000000000030.json", "checksum")


def test_a_single_altered_bit_is_noticed(three):
    path = newest(three, "safetensors")
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    assert load(three)[0].row.updates == 20


def test_an_altered_row_is_noticed(three):
    path = newest(three, "json")
    path.write_bytes(path.read_bytes().replace(b'"examples":960', b'"examples":961'))
    assert load(three)[0].row.updates == 20


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_damaged_json_is_noticed(three, content):
    newest(three, "json").write_bytes(content)
    assert load(three)[0].row.updates == 20


def test_arrays_alone_are_no_checkpoint(three):
    newest(three, "json").unlink()
    assert load(three)[0].row.updates == 20
    assert load(three)[1] == []


@pytest.mark.parametrize("name", ["mine.safetensors", "000000000030.safetensors", "99.json", "000000000040.JSON"])
def test_files_that_are_no_checkpoints_stay(three, name):
    newest(three, "json").unlink()
    (three / "checkpoints" / name).write_text("mine")
    checkpoint.forget_after(three, 20)
    checkpoint.save(three, snapshot_after(40))
    assert (three / "checkpoints" / name).read_text() == "mine"
    assert load(three)[0].row.updates == 40


def test_one_that_cannot_be_read_is_not_taken_as_damaged(three):
    newest(three, "safetensors").unlink()
    newest(three, "safetensors").mkdir()
    with pytest.raises(RunError, match=naming(newest(three, "json"))):
        load(three)


def test_damaged_ones_are_forgotten_before_new_ones_are_made(three):
    newest(three, "safetensors").write_bytes(b"")
    checkpoint.forget_after(three, load(three)[0].row.updates)
    checkpoint.save(three, snapshot_after(21))
    assert load(three)[0].row.updates == 21
    newest(three, "json").with_name("000000000021.json").unlink()
    assert load(three)[0].row.updates == 20


def test_without_a_good_one_there_is_nothing_to_go_on_from(three):
    for path in (three / "checkpoints").glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(RunError, match=naming(three / "checkpoints", "--run", "000000000020.json")):
        load(three)


def test_one_of_another_model_is_passed_over(three):
    like = snapshot_after(0).state
    like = like._replace(optimizer=[jnp.int32(0), jnp.zeros((4, 4)), like.optimizer[2]])
    with pytest.raises(RunError, match=naming(three / "checkpoints", "optimizer.1")):
        checkpoint.load(three, like)
