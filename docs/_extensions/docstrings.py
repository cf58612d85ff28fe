"""Docstrings and signatures as they stand in the source: `name` is code, a bar is a bar, a shape is a shape."""

import re

import msgspec
from sphinx.ext.napoleon.docstring import GoogleDocstring

TYPES = {"jaxlib._jax.Array": "Array", "jaxtyping.": "", "~keras.src.models.model.Model": "keras.Model"}
"""What a signature calls things once Python has read it, and what the source calls them."""


def setup(app):
    """Registers the two readers."""
    app.connect("autodoc-process-docstring", _read_docstring)
    app.connect("autodoc-process-signature", _read_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = [_as_rst(line) for line in lines]
    if what not in ("attribute", "property"):  # there it takes whatever stands before a colon for a type
        lines[:] = GoogleDocstring(lines, app.config, app, what, name, obj, options).lines()


def _as_rst(line: str) -> str:
    code_or_text = re.split(r"(`[^`]+`)", line)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"([|*])", r"\\\1", part) for part in code_or_text)


def _read_signature(app, what, name, obj, options, signature: str | None, returns: str | None):
    if isinstance(obj, type) and issubclass(obj, msgspec.Struct):
        return "", None  # its fields follow, one by one
    return tuple(part and _as_in_source(part) for part in (signature, returns))


def _as_in_source(signature: str) -> str:
    for read, written in TYPES.items():
        signature = signature.replace(read, written)
    return signature
