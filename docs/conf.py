"""The site. `make docs` builds it into build/docs, strictly, without a network; whoever reads it needs none either."""

import logging
import sys
from pathlib import Path

HERE = Path(__file__).parent
COLOURED = ("color-brand-primary", "color-brand-content", "color-api-name", "color-api-pre-name")
sys.path.insert(0, str(HERE / "_extensions"))

import memoryspan  # noqa: E402  (it takes nothing from the extensions; they take their place on the path first)

logging.getLogger("jax").setLevel(logging.WARNING)  # on what it tells of devices that are not there

project = "memoryspan"
copyright = "the memoryspan authors"
version = release = memoryspan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docstrings", "generated", "mathml"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
smartquotes_action = "D"  # dashes only
myst_heading_anchors = 3  # the names that GitHub gives to headings, so that a link works in both places

highlight_language = "text"
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_google_docstring = napoleon_numpy_docstring = False  # `docstrings` calls it
napoleon_attr_annotations = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 88
python_display_short_literal_types = True

html_theme = "furo"
html_title = f"memoryspan {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it fetches the pages, which a browser does not do from a disk
html_theme_options = {
    "light_css_variables": dict.fromkeys(COLOURED, "#0072b2"),
    "dark_css_variables": dict.fromkeys(COLOURED, "#56b4e9"),
}
