"""Tests to run on one's own mixture and score: `pytest --pyargs certflow.testing.suite --certflow-mixture FILE`.

Every claim of the theory, the inequalities as properties, and with `--certflow-score MODULE:NAME` a score function,
held against that mixture.
"""
