"""How far: one cell, a sweep of cells, executors, the table."""
