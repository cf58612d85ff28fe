"""Where rich prints."""

from rich.console import Console


def console(**settings) -> Console:
    """Return a console that prints text as it is: an error or a path may have `[red]`, `[/usr]` or `:key:` in it."""
    return Console(markup=False, highlight=False, emoji=False, **settings)
