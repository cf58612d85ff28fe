"""Published experiments: the papers as data, the criterion, the comparison."""
