"""Files that are never half written, and directories: new ones, atomic replacement, locks, versioned JSON."""
