"""The rows of tables as they read, wherever a table stands."""
