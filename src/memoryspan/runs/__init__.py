"""A run: a directory with everything that is saved of a training.

    run.json                the config, what it resolved to, where it ran, and how it ended
    history.jsonl           one row for each chunk of updates
    model.keras             the model, for any Keras 3
    snapshots.safetensors   its weights at about a dozen moments of the training
    checkpoints/            the two newest snapshots, from which a killed training resumes to the same bits
    .lock                   held while a process trains here

Names are loaded when they are first used, so that a record is read without JAX and Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
