"""How the arrays of a trace are scaled to colours, in the picture and on the page."""

GATES = {
    "input": ("shut", "open"),
    "forget": ("forget", "keep"),
    "output": ("shut", "open"),
    "update": ("replace", "keep"),
    "reset": ("ignore", "read"),
}
"""Arrays from 0 to 1, and the effect of both ends in Keras's LSTM and GRU. All other arrays are drawn around 0."""

RESOLVED, FAR = 0.9, 3
"""The share of an array that the colours resolve where the rest exceeds `FAR` times its range: a few units may run away
from all others, and the output, which reads them through a tanh, does not depend on how far."""
