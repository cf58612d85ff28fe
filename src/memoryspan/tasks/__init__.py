"""What there is to remember. A task is one file, a line in `registry.py` and a line in `__init__.pyi`.

Names are loaded when they are first used: `import memoryspan.tasks` imports neither JAX nor Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
