"""What is kept of a training: a directory is a run.

    run.json                what was asked, what it resolved to, where, and how it ended
    history.jsonl           one line a chunk of updates
    model.keras             the model, for any Keras 3
    snapshots.safetensors   its weights at about a dozen moments of the training
    checkpoints/            the two newest snapshots, from which a killed training goes on to the same bits
    .lock                   held while a process trains here

Names are loaded when they are first used, so that a record is read without JAX and Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
