"""How far back can your model remember?

The vanilla LSTM tutorial, solved, and turned into an instrument. Names are loaded when they are first used: `import
memoryspan` imports neither JAX nor Keras.
"""

import os

import lazy_loader

# Keras chooses its backend at its first import, which may well be the user's own, right after this one.
os.environ.setdefault("KERAS_BACKEND", "jax")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
