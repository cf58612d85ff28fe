"""A file of a few kilobytes that asks for gigabytes is refused before it gets them."""

import json
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from pathlib import Path

import h5py
import pytest

from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.layers import MinGRU
from memoryspan.runs import load_model
from memoryspan.runs.keras_zip import BYTES_PER_NUMBER, MAX_JSON, SLACK
from tests.messages import names, naming

LAYERS = keras.layers

ZEROS = 2**24
"""Bytes that a piece of a bomb inflates to."""

FAR = 2**32 - 2**25
"""Bytes of a large bomb, of which a header of 32 bits can tell."""

OPEN_ALL = """
import json, resource, sys
from memoryspan.errors import MemoryspanError
from memoryspan.runs import load_model
answers = {}
for path in sys.argv[1:]:
    try:
        load_model(path)
    except MemoryspanError as error:
        answers[path] = str(error)
print(json.dumps({"answers": answers, "most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def saved(path: Path, *layers, n_features: int = 4) -> Path:
    keras.Sequential([keras.Input((None, n_features)), *layers]).save(path)
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def described(path: Path, before: str, after: str) -> Path:
    """The same file, which describes a larger model."""
    members = members_of(path)
    assert before.encode() in members["config.json"]
    members["config.json"] = members["config.json"].replace(before.encode(), after.encode())
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@cache
def deflated(content: bytes) -> bytes:
    """A piece of a deflated stream, which may stand anywhere in it."""
    compress = zlib.compressobj(9, wbits=-15)
    return compress.compress(content) + compress.flush(zlib.Z_FULL_FLUSH)


def with_bomb(path: Path, member: str, size: int, *, head: bytes = b"", says: int | None = None) -> Path:
    """The same file with a member that inflates to `head` and then zeros, and that has a size of its own to tell."""
    members = members_of(path)
    before = members.pop(member, b"")
    stream = deflated(head) + deflated(bytes(ZEROS)) * (size // ZEROS) + b"\x03\x00"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
        info = zipfile.ZipInfo(member)
        info.compress_type, info.compress_size = zipfile.ZIP_DEFLATED, len(stream)
        info.file_size = size + len(head) if says is None else says
        info.CRC = zlib.crc32(before)
        assert file.fp is not None
        info.header_offset = file.fp.tell()
        file.fp.write(info.FileHeader(False) + stream)
        file.start_dir = file.fp.tell()
        file.filelist.append(info)
        file.NameToInfo[member] = info
    return path


def hostile_files(folder: Path) -> list[Path]:
    """Files that ask for gigabytes, each in another way."""

    def small(name: str, *layers, **settings) -> Path:
        return saved(folder / f"{name}.keras", *(layers or (LAYERS.LSTM(3),)), **settings)

    units = '"units": 3'
    config = members_of(small("config"))["config.json"]
    weights = members_of(small("config"))["model.weights.h5"]
    return [
        described(small("dense", LAYERS.Dense(3)), units, '"units": 1000000000'),
        described(small("wide", LAYERS.Dense(3), n_features=1000), units, '"units": 8388608'),
        described(small("lstm"), units, '"units": 30000'),
        described(small("conv", LAYERS.Conv1D(3, 3)), '"filters": 3', '"filters": 100000000'),
        described(small("own", MinGRU(3), n_features=1000), units, '"units": 1000000'),
        with_bomb(small("json"), "config.json", FAR, head=b'{"a": "'),
        with_bomb(small("json-lies"), "config.json", 2**31, head=config, says=len(config)),
        with_bomb(small("weights"), "model.weights.h5", FAR),
        with_bomb(small("weights-lie"), "model.weights.h5", 2**31, head=weights, says=len(weights)),
        with_bomb(small("assets"), "assets/x", FAR),
        with_bomb(small("name"), "metadata.json", FAR, head=b'"').rename(folder / "name.zip"),
    ]


@pytest.mark.slow
def test_a_small_file_that_asks_for_gigabytes_is_refused_and_gets_none(tmp_path):
    files = list(map(str, hostile_files(tmp_path)))
    assert sum(Path(file).stat().st_size for file in files) < 2**25
    found = subprocess.run([sys.executable, "-c", OPEN_ALL, *files], capture_output=True, text=True, check=True)
    found = json.loads(found.stdout)
    assert set(found["answers"]) == set(files)
    assert all(file in message for file, message in found["answers"].items())
    assert found["most"] < 2**20  # in KiB


def test_a_member_that_is_larger_than_its_header_says_is_refused(tmp_path):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(3))
    weights = members_of(path)["model.weights.h5"]
    with_bomb(path, "model.weights.h5", ZEROS, head=weights, says=len(weights))
    with pytest.raises(ModelError, match=naming(path, "model.weights.h5", f"{len(weights):,}")):
        load_model(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_compressed_in_another_way_is_refused(tmp_path, compression):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(3))
    members = members_of(path)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(ModelError, match=naming(path)):
        load_model(path)


def test_a_file_that_was_zipped_again_opens(tmp_path):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(3))
    members = members_of(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    assert load_model(path).count_params() == 96


def test_a_model_far_larger_than_its_file_is_refused_with_both_sizes(tmp_path):
    path = described(saved(tmp_path / "a.keras", LAYERS.LSTM(3)), '"units": 3', '"units": 5000')
    with pytest.raises(ModelError, match=naming(path, f"{4 * 5000 * (5000 + 4 + 1) + 2:,}", "bytes")):
        load_model(path)


def test_json_that_is_too_large_is_refused(tmp_path):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(2))
    config = members_of(path)["config.json"].decode()
    described(path, config, config + " " * MAX_JSON)
    with pytest.raises(ModelError, match=naming(path)):
        load_model(path)


def test_arrays_that_are_declared_and_not_stored_are_refused(tmp_path):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(3))
    members = members_of(path)
    (tmp_path / "a.h5").write_bytes(members["model.weights.h5"])
    with h5py.File(tmp_path / "a.h5", "a") as store:
        store.create_dataset("empty", (SLACK, 3), "float64", chunks=(1024, 3))  # no chunk is ever written
    members["model.weights.h5"] = (tmp_path / "a.h5").read_bytes()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(ModelError, match=naming(path, "arrays")):
        load_model(path)


def test_a_file_with_an_optimizer_in_64_bits_is_not_too_large():
    """Adam keeps two numbers for each, and Keras a third where it averages them."""
    assert BYTES_PER_NUMBER > 8 * (1 + 3)


@keras.saving.register_keras_serializable(package="tests")
class OfValues(keras.layers.Layer):
    """A layer that makes its weight of a value, as a person's own may."""

    def build(self, input_shape):
        self.scale = keras.Variable([2.0])

    def call(self, x):
        return x * self.scale


def test_a_layer_of_ones_own_may_make_weights_of_values(tmp_path):
    path = saved(tmp_path / "a.keras", OfValues(), LAYERS.LSTM(3))
    assert load_model(path).count_params() == 97


def test_a_file_with_a_damaged_byte_is_opened_or_is_refused_in_a_sentence(tmp_path):
    path = saved(tmp_path / "a.keras", LAYERS.LSTM(3))
    content, refused = path.read_bytes(), 0
    for place in range(60, len(content), len(content) // 12):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            load_model(path)
        except ModelError as error:
            refused += names(str(error), path)
    assert refused >= 10
