"""Tasks and models from files outside the package."""

import hashlib
import sys

import pytest

from memoryspan import strangers
from memoryspan.errors import StrangerError, TaskError
from memoryspan.models import make_model
from memoryspan.named import Named
from memoryspan.tasks import Echo, make_task, name_of

TASK = '''
from dataclasses import dataclass
from memoryspan.tasks.echo import Echo

@dataclass(frozen=True)
class MyTask(Echo):
    """Echo the last symbol but one."""

    length: int = 9
    out_index: int = 0
    name = "mine"
'''

MODEL = """
from memoryspan.backend import keras

def build(task, units=7):
    model = keras.Sequential([keras.Input((None, task.n_features)), keras.layers.GRU(units)])
    model.add(keras.layers.Dense(task.n_outputs, "softmax"))
    model.compile("adam", "categorical_crossentropy")
    return model

def nothing(task):
    return 42
"""


@pytest.fixture
def write(tmp_path):
    def write(content, name="mine.py"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def test_a_task_from_a_file_is_made_with_its_settings(write):
    task = make_task(Named(f"{write(TASK)}:MyTask", {"n_features": 5}))
    assert (task.length, task.n_features, task.name) == (9, 5, "mine")


def test_a_model_from_a_file_is_made_and_the_seed_decides_its_weights(write):
    named = Named(f"{write(MODEL)}:build", {"units": 3})
    one, same, other = (make_model(named, Echo(5, 4, 1), seed).get_weights()[0] for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()


def test_a_module_that_python_finds_will_do(write, monkeypatch):
    write(MODEL, "networks.py")
    monkeypatch.syspath_prepend(write(TASK).parent)
    assert strangers.load("networks:build", "a function").__name__ == "build"


def test_where_it_comes_from_is_known_and_hashed(write):
    path = write(TASK)
    named = name_of(make_task(Named(f"{path}:MyTask")))
    assert named == Named(f"{path}:MyTask", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert name_of(Echo()) == Named("echo")


def test_what_lies_beside_the_file_can_be_imported(write, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    write("WIDTH = 6", "beside_the_file.py")
    path = write("from beside_the_file import WIDTH\ndef build(task): return WIDTH")
    assert strangers.load(f"{path}:build", "a function")(None) == 6


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ("x = 1\ny = x / 0\n", "build", r"mine\.py, line 2, in <module>: ZeroDivisionError: division by zero\."),
        ("def build(:\n", "build", r"mine\.py, line 1: "),
        ("import nothing_of_that_name\n", "build", r"mine\.py, line 1, in <module>: ModuleNotFoundError"),
        (MODEL, "biuld", r"has nothing called 'biuld', a function: it has build, nothing\."),
        (MODEL, "", r"does not say what to take from it: write .*mine\.py:NAME"),
    ],
)
def test_its_errors_are_shown_as_its_own(write, content, name, sentence):
    with pytest.raises(StrangerError, match=sentence):
        strangers.load(f"{write(content)}:{name}", "a function")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(StrangerError, match="There is no file"):
        strangers.load(f"{tmp_path}/mine.py:build", "a function")


def test_a_module_that_is_not_there():
    with pytest.raises(StrangerError, match=r"The module no_such_package\.models cannot be imported: ModuleNotFound"):
        strangers.load("no_such_package.models:build", "a function")


def test_a_builder_that_returns_something_else_is_told_what_was_expected(write):
    with pytest.raises(StrangerError, match=r"nothing should return a compiled keras\.Model, and it returned 42"):
        make_model(Named(f"{write(MODEL)}:nothing"), Echo(), 0)


def test_a_class_that_is_not_a_task_is_told_what_it_lacks(write):
    content = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Half:\n    length: int = 5\n"
    with pytest.raises(TaskError, match=r"Half is not a task yet: it lacks .*sample"):
        make_task(Named(f"{write(content)}:Half"))


def test_a_batch_of_another_shape_is_told_the_shape(write):
    content = TASK + (
        "    def sample(self, key, batch_size, length):\n"
        "        return super().sample(key, batch_size, length)._replace(targets=key)\n"
    )
    with pytest.raises(TaskError, match=r"samples targets of shape \(\) for 2 examples .* should have \(2,\)"):
        make_task(Named(f"{write(content)}:MyTask"))


def test_blame_finds_the_line_and_leaves_other_errors_alone(write):
    path = write(TASK + "    def lag(self, length):\n        return length / nowhere\n")
    task = make_task(Named(f"{path}:MyTask"))
    with pytest.raises(NameError) as caught:
        task.lag(3)
    assert str(strangers.blame(caught.value)).endswith("in lag: NameError: name 'nowhere' is not defined.")
    assert strangers.blame(ValueError("ours")) is None
