"""The published experiments as data, one paper a file."""
