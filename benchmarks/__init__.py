"""Speed and cost of the package, compared with other libraries: `python -m benchmarks.speed`, `.time_to_target`,
`.solve`, `.startup`, `.together` and `.scaling`.

Run them from the repository's root, on a machine that does nothing else. With `--write` each replaces its own section
of `docs/performance.md`.
"""
