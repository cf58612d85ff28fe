"""What remembers. A model is a builder, which returns an ordinary, compiled Keras model for a task.

A file holds a family of builders; each has a line in `registry.py` and one in `__init__.pyi`. Names are loaded when
they are first used: `import memoryspan.models` imports neither JAX nor Keras. No file has the name of a builder: an
imported module would take the place of the builder in this package.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
