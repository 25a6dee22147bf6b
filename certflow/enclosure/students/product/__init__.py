"""Students over laws that are products of one-dimensional ones along the coordinates."""
