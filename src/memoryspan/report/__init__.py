"""What is shown of a run or a sweep: pictures, and a page."""
