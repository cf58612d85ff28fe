"""Objects of the package by name."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

import memoryspan
from memoryspan.models import MODELS
from memoryspan.registry import Registry
from memoryspan.tasks import TASKS


def test_an_object_is_imported_when_it_is_used_and_not_before():
    script = (
        "import sys\n"
        "from memoryspan.tasks import TASKS\n"
        "assert 'echo' in TASKS and 'ecko' not in TASKS and len(list(TASKS)) == len(TASKS)\n"
        "before = 'memoryspan.tasks.echo' in sys.modules\n"
        "print(before, TASKS['echo'].__name__, 'memoryspan.tasks.delay' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "False Echo False\n"


def test_a_name_that_is_not_there_is_a_key_error_and_not_got():
    registry: Registry[object] = Registry({"one": "fractions:Fraction"})
    assert (list(registry), registry.get("two")) == (["one"], None)
    with pytest.raises(KeyError, match="two"):
        registry["two"]


def test_the_tasks_are_registered_by_their_names():
    assert all(task.name == name for name, task in TASKS.items())


def test_a_builder_is_what_its_name_gives_though_all_modules_were_imported():
    for module in iter_modules(memoryspan.models.__path__):
        import_module(f"memoryspan.models.{module.name}")
    for name, builder in MODELS.items():
        assert builder is getattr(memoryspan.models, name) is getattr(memoryspan, name)
        assert builder.__name__ == name
