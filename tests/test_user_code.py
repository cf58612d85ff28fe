"""Tasks and models from files outside the package."""

import hashlib
import sys
from inspect import signature

import pytest

from memoryspan import user_code
from memoryspan.errors import TaskError, UserCodeError
from memoryspan.models import MODELS, make_model, resolve_units, with_defaults
from memoryspan.spec import Spec
from memoryspan.tasks import Echo, make_task, spec_of, task_config, task_named
from memoryspan.user_files import digest, sources
from tests.messages import names, naming

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

LIKE_ECHO = """
from dataclasses import dataclass
from memoryspan.tasks.echo import Echo

@dataclass(frozen=True)
class Louder(Echo):
    length: int = 9
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(content, name="mine.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return path

    return write


def test_a_task_from_a_file_is_made_with_its_settings(write):
    task = make_task(Spec(f"{write(TASK)}:MyTask", {"n_features": 5}))
    assert (task.length, task.n_features, task.name) == (9, 5, "mine")


def test_a_model_from_a_file_is_made_and_the_seed_decides_its_weights(write):
    named = Spec(f"{write(MODEL)}:build", {"units": 3})
    one, same, other = (make_model(named, Echo(5, 4, 1), seed).get_weights()[0] for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()


def test_a_module_that_python_finds_will_do(write, monkeypatch):
    write(MODEL, "networks.py")
    monkeypatch.syspath_prepend(write(TASK).parent)
    assert user_code.load("networks:build", "a function").__name__ == "build"


def test_where_it_comes_from_is_known_and_hashed(write):
    path = write(TASK)
    named = spec_of(make_task(Spec(f"{path}:MyTask")))
    assert named == Spec(f"{path}:MyTask", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert spec_of(Echo()) == Spec("echo")


def hashed(path):
    return digest(sources(path))


def test_a_task_is_called_as_it_was_typed_though_another_file_defines_it_and_another_task_has_its_name(
    write, monkeypatch
):
    write(LIKE_ECHO, "louder_package/tasks.py")
    package = write("from louder_package.tasks import Louder", "louder_package/__init__.py")
    monkeypatch.syspath_prepend(package.parent.parent)
    task = make_task(Spec("louder_package:Louder"))
    assert spec_of(task) == Spec("louder_package:Louder", sha256=hashed(package))
    assert task_config(task).settings == {"length": 9, "n_features": 100, "out_index": 2}


def test_a_task_that_nobody_has_named_is_not_taken_for_the_one_whose_name_it_has():
    class Louder(Echo):
        pass

    assert spec_of(Louder()).name.endswith("test_user_code:" + Louder.__qualname__)


def test_the_packages_own_task_is_its_own_whoever_passes_it_on(write):
    assert spec_of(make_task(Spec(f"{write(TASK)}:Echo"))) == Spec("echo")


@pytest.mark.parametrize(
    "content",
    [
        "from functools import partial\nfrom memoryspan import lstm\nbuild = partial(lstm, units=9)",
        "from the_builders import build",
    ],
)
def test_a_builder_is_told_apart_by_the_file_that_was_named_wherever_it_comes_from(write, content):
    write("def build(task, units=9): ...", "the_builders.py")
    path = write(content)
    found = with_defaults(Spec(f"{path}:build"))
    assert (found.settings["units"], found.sha256) == (9, hashed(path))


def test_the_hash_is_of_what_was_imported(write):
    path = write(MODEL)
    before = with_defaults(Spec(f"{path}:build")).sha256
    path.write_text(MODEL + "# changed\n")
    assert with_defaults(Spec(f"{path}:build")).sha256 == before != hashed(path)


def test_what_no_file_holds_cannot_be_told_apart():
    with pytest.raises(UserCodeError, match=naming("sys", "mine.py:exit")):
        user_code.sha256("sys:exit")


def test_defaults_that_json_does_not_give_back_are_left_out(write):
    path = write("def build(task, units=9, activation=len, limit=float('inf'), seed=0): ...")
    assert with_defaults(Spec(f"{path}:build")).settings == {"units": 9}


@pytest.mark.parametrize("name", MODELS)
def test_no_default_of_the_packages_own_models_is_left_out(name):
    _, *parameters = signature(MODELS[name]).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.name != "seed"}
    assert with_defaults(Spec(name)) == Spec(name, defaults)


def test_a_task_with_a_setting_that_json_does_not_hold_is_refused(write):
    path = write(TASK + "    how: object = len\n")
    with pytest.raises(
        TaskError, match=naming("JSON", "MyTask(length=9, n_features=100, out_index=0, how=<built-in function len>)")
    ):
        task_config(make_task(Spec(f"{path}:MyTask")))


def test_what_lies_beside_the_file_can_be_imported(write):
    write("WIDTH = 6", "beside_the_file.py")
    path = write("from beside_the_file import WIDTH\ndef build(task): return WIDTH")
    assert user_code.load(f"{path}:build", "a function")(None) == 6


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("x = 1\ny = x / 0\n", "build", ["line 2", "<module>", "ZeroDivisionError: division by zero"]),
        ("def build(:\n", "build", ["line 1"]),
        ("import nothing_of_that_name\n", "build", ["line 1", "<module>", "ModuleNotFoundError"]),
        (MODEL, "biuld", ["'biuld'", "a function", "build", "nothing"]),
        (MODEL, "", ["mine.py:NAME"]),
    ],
)
def test_its_errors_are_shown_as_its_own(write, content, name, words):
    with pytest.raises(UserCodeError, match=naming("mine.py", *words)):
        user_code.load(f"{write(content)}:{name}", "a function")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserCodeError, match=naming(tmp_path / "mine.py")):
        user_code.load(f"{tmp_path}/mine.py:build", "a function")


def test_the_working_directory_hides_nothing(write, monkeypatch):
    write("raise RuntimeError('the wrong one')", "colorsys.py")
    monkeypatch.chdir(write(MODEL, "here_too.py").parent)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert user_code.load("here_too:build", "a function").__name__ == "build"
    assert user_code.load("colorsys:rgb_to_hsv", "a function")(0, 0, 0) == (0, 0, 0)


@pytest.mark.parametrize("name", ["broken_package", "broken_package.deep", "broken_package.models"])
def test_an_error_in_a_package_is_shown_with_its_file_and_line(write, monkeypatch, name):
    write("import broken_package.deep", "broken_package/models.py")
    write("\nx = 1 / 0", "broken_package/deep.py")
    package = write("from broken_package import models", "broken_package/__init__.py")
    monkeypatch.syspath_prepend(package.parent.parent)
    place = "broken_package.deep, line 2, in <module>: ZeroDivisionError"
    with pytest.raises(UserCodeError, match=naming(name, place)):
        user_code.load(f"{name}:build", "a function")


def test_what_fails_later_in_another_module_of_the_package_is_the_packages(write, monkeypatch):
    write("def fail():\n    raise OSError('no such table')", "late_package/inner.py")
    package = write("from late_package.inner import fail", "late_package/__init__.py")
    monkeypatch.syspath_prepend(package.parent.parent)
    with pytest.raises(OSError, match="no such table") as caught:
        user_code.load("late_package:fail", "a function")()
    blamed = user_code.blame(caught.value) or ""
    assert names(blamed, "late_package.inner", "line 2", "fail", "OSError: no such table")


def test_what_fails_in_a_file_beside_a_persons_file_is_shown_there(write):
    write("def deep():\n    return {}['width']\n", "beside_one.py")
    path = write("from beside_one import deep\ndef build(task):\n    return deep()\n")
    with pytest.raises(KeyError) as caught:
        user_code.load(f"{path}:build", "a function")(None)
    assert names(user_code.blame(caught.value) or "", path.parent / "beside_one.py", "line 2", "deep", "KeyError")
    assert user_code.own_traceback(caught.value).count("  File ") == 2


@pytest.mark.parametrize(("content", "line"), [("\nx = 1 / 0\n", 2), ("def f():\n    pass\ndef (:\n", 3)])
def test_a_file_beside_a_persons_file_that_does_not_run_is_shown_with_its_line(write, content, line):
    name = f"beside_{line}"
    write(content, f"{name}.py")
    path = write(f"import {name}\n", f"mine_{line}.py")
    with pytest.raises(UserCodeError, match=naming(path.parent / f"{name}.py", f"line {line}")):
        user_code.load(f"{path}:build", "a function")


def test_the_hash_of_user_code_covers_the_files_beside_it_that_it_imports(write):
    found = set()
    for width in (3, 4):
        write(f"WIDTH = {width}\n", f"{width}/widths_{width}.py")
        path = write(f"import widths_{width}\ndef build(task): ...\n", f"{width}/mine.py")
        found.add(user_code.sha256(f"{path}:build"))
    assert len(found) == 2


def test_a_file_beside_a_persons_file_is_not_mixed_up_with_another_of_its_name(write):
    for folder in ("first", "second"):
        write("", f"{folder}/mixed_up.py")
        path = write("import mixed_up\ndef build(task): ...\n", f"{folder}/mine.py")
        if folder == "first":
            user_code.load(f"{path}:build", "a function")
    with pytest.raises(UserCodeError, match=naming(path, "mixed_up", path.parent / "mixed_up.py")):
        user_code.load(f"{path}:build", "a function")


def test_modules_that_python_has_forgotten_do_not_matter(monkeypatch):
    monkeypatch.setitem(sys.modules, "forgotten", None)
    assert user_code.blame(ValueError("ours")) is None


def test_a_module_that_is_not_there():
    with pytest.raises(UserCodeError, match=naming("no_such_package.models", "ModuleNotFoundError")):
        user_code.load("no_such_package.models:build", "a function")


def test_a_builder_that_returns_something_else_is_told_what_was_expected(write):
    with pytest.raises(UserCodeError, match=naming("mine.py:nothing", "keras.Model", 42)):
        make_model(Spec(f"{write(MODEL)}:nothing"), Echo(), 0)


@pytest.mark.parametrize(
    ("content", "found"),
    [("def build(): ...", "build()"), ("def build(*, units=5): ...", "build()"), ("build = 42", 42)],
)
def test_what_is_no_function_of_a_task_is_told_what_was_expected(write, content, found):
    named = Spec(f"{write(content)}:build")
    for ask in (lambda: make_model(named, Echo(), 0), lambda: with_defaults(named)):
        with pytest.raises(UserCodeError, match=naming("mine.py:build", "build(task, units=25)", found)):
            ask()


def test_a_number_of_parameters_needs_a_builder_with_units(write):
    named = Spec(f"{write('def build(task, width=3): ...')}:build", {"parameters": 15_000})
    with pytest.raises(TaskError, match=naming("parameters=15000", "mine.py:build", "units")):
        resolve_units(named, Echo())


def test_a_setting_that_there_is_not_is_refused_beside_a_number_of_parameters():
    with pytest.raises(TaskError, match=naming("lstm", "task")):
        resolve_units(Spec("lstm", {"parameters": 15_000, "task": 3}), Echo())


def test_a_builder_that_prints_does_not_print_among_the_results(write, capsys):
    content = "from memoryspan import lstm\nprint('hello')\n"
    content += "def build(task, units=3):\n    print('building')\n    return lstm(task, units=units)\n"
    named = Spec(f"{write(content)}:build", {"parameters": 3_000})
    make_model(named, Echo(5, 4, 1), 0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("hello\nbuilding\n")


def test_an_object_where_a_class_should_be(write):
    path = write(TASK + "\ntask = MyTask()\n")
    with pytest.raises(UserCodeError, match=naming("mine.py:task", "MyTask(length=9")):
        task_named(f"{path}:task")


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("dict(found._asdict())", ["dict", "memoryspan.tasks.Batch(inputs, lengths"]),
        ("found[:3]", ["tuple", "memoryspan.tasks.Batch(inputs, lengths"]),
        ("tuple(found)", ["tuple", "memoryspan.tasks.Batch(inputs, lengths"]),
        ("found._replace(target_mask=None)", ["target_mask", "Batch"]),
    ],
)
def test_a_sample_that_is_no_batch_is_told_what_was_expected(write, returned, words):
    content = TASK + (
        "    def sample(self, key, batch_size, length):\n"
        "        found = super().sample(key, batch_size, length)\n"
        f"        return {returned}\n"
    )
    with pytest.raises(TaskError, match=naming("mine.py:MyTask", *words)):
        make_task(Spec(f"{write(content)}:MyTask"))


def test_a_class_that_is_not_a_task_is_told_what_it_lacks(write):
    content = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Half:\n    length: int = 5\n"
    with pytest.raises(TaskError, match=naming("mine.py:Half", "n_features", "sample")):
        make_task(Spec(f"{write(content)}:Half"))


def test_a_batch_of_another_shape_is_told_the_shape(write):
    content = TASK + (
        "    def sample(self, key, batch_size, length):\n"
        "        return super().sample(key, batch_size, length)._replace(targets=key)\n"
    )
    with pytest.raises(TaskError, match=naming("targets", "()", "(2,)")):
        make_task(Spec(f"{write(content)}:MyTask"))


def test_blame_finds_the_line_and_leaves_other_errors_alone(write):
    path = write(TASK + "    def lag(self, length):\n        return length / nowhere\n")
    task = make_task(Spec(f"{path}:MyTask"))
    with pytest.raises(NameError) as caught:
        task.lag(3)
    line = path.read_text().splitlines().index("        return length / nowhere") + 1
    assert names(str(user_code.blame(caught.value)), "mine.py", f"line {line}", "lag", "NameError", "'nowhere'")
    assert user_code.blame(ValueError("ours")) is None


def test_the_traceback_of_ones_own_code_has_its_lines_and_the_whole_message_and_no_frame_of_others(write):
    path = write(TASK + "    def lag(self, length):\n        raise ValueError('first line\\nsecond line')\n")
    task = make_task(Spec(f"{path}:MyTask"))
    with pytest.raises(ValueError, match="first line") as caught:
        task.lag(3)
    _, place, source, *message = user_code.own_traceback(caught.value).splitlines()
    line = len(path.read_text().splitlines())
    assert source.strip().startswith("raise ValueError")
    assert place == f'  File "{path}", line {line}, in lag'
    assert message == ["ValueError: first line", "second line"]
    assert user_code.own_traceback(ValueError("ours")) == user_code.own_traceback(None) == ""


def test_the_cause_is_named_and_not_what_keras_wraps_it_in(write):
    path = write(
        "from memoryspan.backend import keras\n"
        "class Broken(keras.layers.Layer):\n"
        "    def call(self, inputs):\n"
        "        return inputs + self.missing\n"
        "def build(task):\n"
        "    return keras.Sequential([keras.Input((None, 4)), Broken()])\n"
    )
    with pytest.raises(AttributeError) as caught:
        make_model(Spec(f"{path}:build"), Echo(5, 4, 1), 0)
    said = user_code.blame(caught.value)
    assert said is not None
    assert names(said, "mine.py", "line 4", "call", "AttributeError", "'Broken'", "'missing'")
