"""Tests to run on one's own mixture and score: `pytest --pyargs certflow.testing.suite --certflow-mixture FILE`.

Every claim of the theory that has a check, the statements as properties, and with `--certflow-score MODULE:NAME` a
score function, held against that mixture.
"""
