"""Tools that make parts of the documentation: pictures, notebooks, and the pages of published figures."""
