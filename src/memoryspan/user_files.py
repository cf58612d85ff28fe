"""The files that make up user code: a file, and those beside it that it imports.

They are found in its text, before anything is run: an `import` of a name that lies in the same folder, or below it.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path


def sources(file: Path) -> dict[str, bytes]:
    """Return the content of a file and of the files that it imports from its folder, by their paths from there.

    The file itself comes first. Raises `OSError` where it cannot be read.
    """
    folder, found = file.parent, {file.name: file.read_bytes()}
    pending = [file.name]
    while pending:
        importer = pending.pop()
        for place in _imported(found[importer], Path(importer)):
            if place not in found and (folder / place).is_file():
                found[place] = (folder / place).read_bytes()
                pending.append(place)
    return found


def digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of a file, or of files and their names together."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    return hashlib.sha256("".join(f"{name} {hashes[name]}\n" for name in sorted(hashes)).encode()).hexdigest()


def module_name(place: str) -> str:
    """Return the name by which a file is imported that is at this path from the folder."""
    return ".".join(Path(place).with_suffix("").parts).removesuffix(".__init__")


def _imported(content: bytes, importer: Path) -> Iterator[str]:
    """Yield where the files may be that a text imports."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError):  # which Python reports, when it is imported
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _places(Path(), alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            above = importer.parents[node.level - 1] if 0 < node.level <= len(importer.parents) else Path()
            module = node.module.split(".") if node.module else []
            for alias in node.names:
                yield from _places(above, [*module, alias.name])


def _places(above: Path, names: list[str]) -> Iterator[str]:
    """Yield the modules and packages on the way to a dotted name, whose last part may be no module."""
    if names[0] == "memoryspan":
        return
    for count in range(1, len(names) + 1):
        place = above.joinpath(*names[:count])
        yield place.with_name(f"{place.name}.py").as_posix()
        yield (place / "__init__.py").as_posix()
