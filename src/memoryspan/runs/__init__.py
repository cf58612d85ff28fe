"""What is kept of a training: a directory is a run.

    run.json                what was asked, what it resolved to, where, and how it ended
    history.jsonl           one line a chunk of updates
    model.keras             the model, for any Keras 3
    snapshots.safetensors   its weights at about a dozen moments of the training
    checkpoints/            the two newest positions, from which a killed training goes on to the same bits
    .lock                   held while a process trains here

Names are loaded when they are first used, so that a record is read without JAX and Keras.
"""

from importlib import import_module

_HOME = {
    "Record": "record",
    "Run": "run",
    "SavedRun": "saved",
    "carry_on": "run",
    "history": "history_file",
    "load_model": "model_file",
    "open_run": "saved",
    "resume": "run",
    "start": "run",
}
"""The module of each public name."""

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'memoryspan.runs' has no attribute {name!r}")
    return getattr(import_module(f"memoryspan.runs.{_HOME[name]}"), name)
