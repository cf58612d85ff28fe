"""Files that are never half written: atomic replacement, locks, versioned JSON."""
