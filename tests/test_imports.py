"""No module imports, by any way round, a module that imports it: neither at its top nor inside a function."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import memoryspan

ROOT = Path(memoryspan.__file__).parent
MODULES = {
    ".".join(("memoryspan", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """The modules that a file imports, with the name that it takes from each."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif not is_type_checking(node):
            yield from imports(node)


def homes(package: Path) -> dict[str, str]:
    """The modules that a package loads its names from when they are first used."""
    stub = package.with_suffix(".pyi")
    if not stub.exists():
        return {}
    name = ".".join(("memoryspan", *package.parent.relative_to(ROOT).parts))
    nodes = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"{name}.{node.module}" if node.module else name for node in nodes for alias in node.names}


def needed(module: str) -> set[str]:
    found = set()
    for name, taken in imports(ast.parse(MODULES[module].read_text())):
        if f"{name}.{taken}" in MODULES:
            found.add(f"{name}.{taken}")
        elif name in MODULES:
            found.add(homes(MODULES[name]).get(taken or "", name))
    return found - {module}


def test_there_is_no_import_circle():
    graph = {module: needed(module) for module in MODULES}
    assert any(graph.values())
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None
