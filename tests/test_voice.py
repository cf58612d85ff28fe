"""Docstrings of functions begin with a verb in the imperative, or with a noun phrase."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import memoryspan

SOURCE = Path(memoryspan.__file__).parent
THIRD_PERSON = re.compile(
    r"(Add|Append|Ask|Build|Call|Check|Compile|Compute|Create|Decide|Draw|End|Fit|Follow|Give|Import|Keep|Load|Make|"
    r"Measure|Name|Open|Parse|Pick|Print|Put|Raise|Read|Refuse|Remove|Return|Run|Sample|Save|Say|Send|Set|Show|Take|"
    r"Tell|Test|Train|Turn|Wait|Write|Yield)s|Carries|Goes|Tries"
)


def first_words() -> Iterator[tuple[str, str]]:
    """Yield where each function is, and the first word of its docstring."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", text.split()[0]


def test_no_docstring_begins_in_the_third_person():
    assert [(place, word) for place, word in first_words() if THIRD_PERSON.fullmatch(word)] == []
