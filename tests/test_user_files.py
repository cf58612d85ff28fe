"""The files that make up user code."""

import hashlib

import pytest

from memoryspan.user_files import digest, sources


@pytest.fixture
def write(tmp_path):
    def write(below="", **files):
        folder = tmp_path / below
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / f"{name}.py").write_text(content)
        return folder / f"{next(iter(files))}.py"

    return write


def test_a_file_alone_has_its_own_hash(write):
    file = write(mine="import os\nfrom numpy import array\n")
    assert list(sources(file)) == ["mine.py"]
    assert digest(sources(file)) == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "line",
    [
        "import beside",
        "from beside import x",
        "import numpy, beside as b",
        "def build():\n    import beside",
        "try:\n    from beside import x\nexcept ImportError:\n    pass",
    ],
)
def test_a_file_beside_it_that_is_imported_belongs_to_it(write, line):
    file = write(mine=line, beside="x = 1", other="x = 2")
    assert list(sources(file)) == ["mine.py", "beside.py"]
    before = digest(sources(file))
    write(other="x = 3")
    assert digest(sources(file)) == before
    write(beside="x = 3")
    assert digest(sources(file)) != before


def test_what_is_imported_through_others_belongs_to_it_and_circles_end(write):
    file = write(mine="import one", one="import two", two="import one, mine")
    assert set(sources(file)) == {"mine.py", "one.py", "two.py"}


@pytest.mark.parametrize("line", ["import parts.deep", "from parts import deep", "from parts.deep import x"])
def test_a_package_beside_it_belongs_to_it_as_far_as_it_is_imported(write, line):
    write("parts", __init__="", deep="from . import near\nfrom .near import y", near="y = 1", other="")
    file = write(mine=line)
    assert set(sources(file)) == {"mine.py", "parts/__init__.py", "parts/deep.py", "parts/near.py"}


def test_a_file_that_python_cannot_read_is_taken_as_it_is(write):
    file = write(mine="import broken", broken="def (:\n")
    assert set(sources(file)) == {"mine.py", "broken.py"}


def test_a_name_is_part_of_the_hash(write):
    assert digest({"a.py": b"1", "b.py": b"2"}) != digest({"a.py": b"2", "b.py": b"1"})
    assert digest({"a.py": b"1", "b.py": b"2"}) == digest({"b.py": b"2", "a.py": b"1"})
