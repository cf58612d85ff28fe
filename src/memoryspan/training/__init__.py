"""How a model learns: schedule of lengths, loop, stopping, budget. Knows tasks and the engine, and writes no files.

Names are loaded when they are first used, so that a budget is read without JAX and Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
