"""Fixed work that the hot paths are held against. It uses nothing of certflow, and must not change: ratios would."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_RNG = np.random.default_rng(0)
_POINTS, _MATRIX = _RNG.normal(size=(1_000, 64)), _RNG.normal(size=(64, 64)) / 8
_ROWS = _RNG.normal(size=(5_000, 8))


def arrays() -> float:
    """Matrix products about a softmax, and a sum of exponentials over short rows."""
    shares = np.exp(-np.square(_POINTS @ _MATRIX))
    shares /= shares.sum(1, keepdims=True)
    rows = np.exp(_ROWS - _ROWS.max(1, keepdims=True))
    return float((shares @ _MATRIX).sum() + np.log(rows.sum(1)).sum())


def integers() -> int:
    """A loop of Python on integers of some 200 bits, tuples and a sort."""
    one, value, terms = 1 << 200, (1 << 200) // 3, []
    for k in range(1, 2_000):
        value = (value * value >> 200) + one // k
        if value > one:
            value -= one
        terms.append((k, value))
    return sum(term for _, term in sorted(terms, key=lambda pair: pair[1]))


PEERS: dict[str, Callable[[], object]] = {"arrays": arrays, "integers": integers}
