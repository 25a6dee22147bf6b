"""What a sweep measures on each mixture, a module an experiment; the table of them is `registry.py`."""
