"""The notebooks of the examples, executed and written back: what they show is what they do.

    python -m tools.notebooks

takes about a minute.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""The same on every machine."""


def main() -> None:
    for path in NOTEBOOKS:
        print(path.relative_to(EXAMPLES.parent), flush=True)
        nbformat.write(executed(path), path)


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook with new outputs, run in a directory of its own by the Python that runs this."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as directory:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            resources={"metadata": {"path": directory}},
            coalesce_streams=True,  # else every printed line is an output of its own
            record_timing=False,  # else each cell says when it ran
        )
        client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


if __name__ == "__main__":
    main()
