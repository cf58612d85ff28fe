"""The rows of tables as text, for the terminal and the page."""
