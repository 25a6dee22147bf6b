"""Certificates: statements about one mixture that `certflow check` recomputes from the file alone.

`checker` is the independent checker, a folder that runs on the standard library of Python alone, wherever it is copied;
the format is `certificate-1.schema.json` beside it.
"""
