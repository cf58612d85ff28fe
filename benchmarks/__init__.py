"""What the package costs, measured beside its peers: `python -m benchmarks.speed`, `.solve`, `.startup`, `.together`
and `.scaling`.

Run them from the repository's root, on a machine that does nothing else. With `--write` each replaces its own section
of `docs/performance.md`; what stands between its comments nobody edits by hand.
"""
