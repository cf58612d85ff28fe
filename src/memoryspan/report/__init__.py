"""What is shown of a run or a sweep: figures, tables, and a page."""
