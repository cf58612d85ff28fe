"""The page of a run or a sweep: one HTML file."""
