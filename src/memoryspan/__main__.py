"""`python -m memoryspan`."""

from memoryspan.cli.main import main

main()
