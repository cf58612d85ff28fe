import subprocess
import sys

import pytest

import memoryspan
from tests.messages import naming

HEAVY = ("jax", "jaxlib", "keras", "numpy", "matplotlib")


@pytest.mark.parametrize("name", memoryspan.__all__)
def test_every_public_name_is_there(name):
    thing = getattr(memoryspan, name)
    assert name == "__version__" or thing.__name__.rpartition(".")[2] == name
    assert name in dir(memoryspan)


@pytest.mark.parametrize("package", [memoryspan.tasks, memoryspan.models])
def test_every_public_name_of_the_tasks_and_the_models_is_there(package):
    assert all(hasattr(package, name) for name in package.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=naming("memoryspan", "lstn")):
        memoryspan.lstn  # noqa: B018  (to read it is the test)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("module", ["memoryspan", "memoryspan.tasks", "memoryspan.models"])
def test_importing_it_imports_nothing_that_takes_long(module):
    script = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
