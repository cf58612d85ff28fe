"""The version of memoryspan, written once."""

__version__ = "0.1.0"
