import ast
import subprocess
import sys
from pathlib import Path

import pytest
from messages import naming

import memoryspan

HEAVY = ("jax", "jaxlib", "keras", "numpy", "matplotlib")


@pytest.mark.parametrize("name", memoryspan.__all__)
def test_every_public_name_is_there(name):
    assert getattr(memoryspan, name).__name__ == name
    assert name in dir(memoryspan)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=naming("'memoryspan'", "'lstn'")):
        memoryspan.lstn  # noqa: B018  (to read it is the test)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_type_checker_sees_the_same_names():
    tree = ast.parse(Path(memoryspan.__file__).read_text())
    under_type_checking = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in under_type_checking.body if isinstance(node, ast.ImportFrom)]
    assert sorted(alias.name for node in imports for alias in node.names) == sorted(memoryspan.__all__)


def test_importing_it_imports_nothing_that_takes_long():
    script = f"import sys, memoryspan; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
