"""Faults in what is returned: another prediction, a sign, a factor, a term lost or in the wrong power."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.code import Asked

#: From the score `s` of the code's own state: what is returned, shape (N, d).
Saying = Callable[[Floats, Asked], Floats]


@dataclass(frozen=True)
class Quantity:
    """Something that code may return in place of what it should."""

    name: str
    sentence: str
    of: Saying


def _column(values: Floats) -> Floats:
    return values[:, None]


def _minus(saying: Saying) -> Saying:
    return lambda s, q: -saying(s, q)


def _times(factor: Callable[[Asked], Floats], saying: Saying) -> Saying:
    return lambda s, q: _column(factor(q)) * saying(s, q)


#: What models predict, from the score of their own state (proofs/N2.md); "velocity" is that of the OU process.
PREDICTED: dict[str, Saying] = {
    "score": lambda s, q: s,
    "velocity": lambda s, q: -q.x - s,
    "epsilon": lambda s, q: -_column(q.b) * s,
    "sample": lambda s, q: (q.x + _column(q.b**2) * s) / _column(q.a),
    "v_prediction": lambda s, q: -_column(q.b / q.a) * (q.x + _column(q.scale**2) * s),
    "flow_prediction": lambda s, q: -_column(q.b) * s - (q.x + _column(q.b**2) * s) / _column(q.a),
}

#: Words for each of them.
_NOUNS = {
    "score": "the score",
    "velocity": "the velocity -x - s",
    "epsilon": "the noise E[z|x]",
    "sample": "the data E[x_0|x]",
    "v_prediction": "A E[z|x] - B E[x_0|x]",
    "flow_prediction": "E[z|x] - E[x_0|x]",
}

#: Factors that get lost or doubled.
_FACTORS: tuple[tuple[str, Callable[[Asked], Floats]], ...] = (
    ("2", lambda q: 0 * q.a + 2),
    ("1/2", lambda q: 0 * q.a + 0.5),
    ("A", lambda q: q.a),
    ("1/A", lambda q: 1 / q.a),
    ("A^2", lambda q: q.a**2),
    ("1/A^2", lambda q: q.a**-2.0),
    ("B", lambda q: q.b),
    ("1/B", lambda q: 1 / q.b),
    ("B^2", lambda q: q.b**2),
    ("1/B^2", lambda q: q.b**-2.0),
    ("sigma = B/A", lambda q: q.b / q.a),
    ("1/sigma = A/B", lambda q: q.a / q.b),
    ("sigma^2", lambda q: (q.b / q.a) ** 2),
    ("1/sigma^2", lambda q: (q.a / q.b) ** 2),
    ("sqrt(A^2 + B^2)", lambda q: q.scale),
    ("1/sqrt(A^2 + B^2)", lambda q: 1 / q.scale),
    ("A^2 + B^2", lambda q: q.scale**2),
    ("1/(A^2 + B^2)", lambda q: q.scale**-2.0),
    ("A/B^2", lambda q: q.a / q.b**2),
    ("B^2/A", lambda q: q.b**2 / q.a),
    ("1 - A", lambda q: 1 - q.a),
    ("1/(1 - A)", lambda q: 1 / (1 - q.a)),
    ("t", lambda q: q.tau),
    ("1/t", lambda q: 1 / q.tau),
    ("sqrt(B)", lambda q: np.sqrt(q.b)),
    ("1/sqrt(B)", lambda q: q.b**-0.5),
)


def quantities(predicts: str, variances: Callable[[Asked], Floats] | None, dimension: int) -> Iterator[Quantity]:
    """What may be returned where `predicts` is asked, simplest first.

    variances : `v = a^2 sigma^2 + b^2` where all components have the same, shape (N,)
    """
    right = PREDICTED[predicts]
    yield Quantity("sign", f"it returns minus {_NOUNS[predicts]}", _minus(right))
    for name, saying in PREDICTED.items():
        if name != predicts:
            yield Quantity("other prediction", f"it returns {_NOUNS[name]}, not {_NOUNS[predicts]}", saying)
            yield Quantity(
                "other prediction",
                f"it returns minus {_NOUNS[name]}, not {_NOUNS[predicts]}",
                _minus(saying),
            )
    yield from _terms(predicts)
    factors = list(_FACTORS)
    if variances is not None:
        v = variances
        factors += [
            ("v", v),
            ("1/v", lambda q: 1 / v(q)),
            ("sqrt(v)", lambda q: np.sqrt(v(q))),
            ("1/sqrt(v)", lambda q: v(q) ** -0.5),
        ]
    if dimension > 2:
        factors += [("d", lambda q: 0 * q.a + dimension), ("1/d", lambda q: 0 * q.a + 1 / dimension)]
    for words, factor in factors:
        yield Quantity(
            "factor",
            f"it returns {words} times {_NOUNS[predicts]}",
            _times(factor, right),
        )
        yield Quantity(
            "factor and sign",
            f"it returns -{words} times {_NOUNS[predicts]}",
            _minus(_times(factor, right)),
        )


def _terms(predicts: str) -> Iterator[Quantity]:
    """Terms of what is asked, lost or with another sign or power."""
    for asked, name, sentence, saying in _TERMS:
        if asked == predicts:
            yield Quantity(name, sentence, saying)


_TERMS: tuple[tuple[str, str, str, Saying], ...] = (
    ("velocity", "sign of the score", "it returns -x + s, where -x - s is right", lambda s, q: -q.x + s),
    ("velocity", "sign of the drift", "it returns x - s, where -x - s is right", lambda s, q: q.x - s),
    ("velocity", "score lost", "it returns the drift -x of the noising alone", lambda s, q: -q.x),
    ("velocity", "half the score", "it returns -x - s/2, where -x - s is right", lambda s, q: -q.x - s / 2),
    ("velocity", "twice the score", "it returns -x - 2 s, the drift of the reverse SDE", lambda s, q: -q.x - 2 * s),
    ("velocity", "twice the score", "it returns x + 2 s, the drift of the reverse SDE", lambda s, q: q.x + 2 * s),
    ("velocity", "half the drift", "it returns -x/2 - s, where -x - s is right", lambda s, q: -q.x / 2 - s),
    ("velocity", "half the drift", "it returns -x/2 - s/2, that of dx = -x/2 dt + dW", lambda s, q: -q.x / 2 - s / 2),
    ("velocity", "drift lost", "it returns minus the score: the drift -x is missing", lambda s, q: -s),
    ("velocity", "noise for the score", "it returns -x - E[z|x]", lambda s, q: -q.x + _column(q.b) * s),
    ("velocity", "noise for the score", "it returns -x + E[z|x]", lambda s, q: -q.x - _column(q.b) * s),
    ("velocity", "data for the velocity", "it returns E[x_0|x] - x", lambda s, q: PREDICTED["sample"](s, q) - q.x),
    ("velocity", "data for the velocity", "it returns x - E[x_0|x]", lambda s, q: q.x - PREDICTED["sample"](s, q)),
    (
        "sample",
        "sign of the score",
        "it returns (x - B^2 s) / A",
        lambda s, q: (q.x - _column(q.b**2) * s) / _column(q.a),
    ),
    ("sample", "b for b^2", "it returns (x + B s) / A", lambda s, q: (q.x + _column(q.b) * s) / _column(q.a)),
    ("sample", "1/a forgotten", "it returns x + B^2 s, without 1/A", lambda s, q: q.x + _column(q.b**2) * s),
    ("sample", "1/a in one term", "it returns x + B^2 s / A", lambda s, q: q.x + _column(q.b**2 / q.a) * s),
    ("sample", "1/a in one term", "it returns x / A + B^2 s", lambda s, q: q.x / _column(q.a) + _column(q.b**2) * s),
    ("sample", "score lost", "it returns x / A", lambda s, q: q.x / _column(q.a)),
    ("sample", "state for the data", "it returns x", lambda s, q: q.x),
    ("epsilon", "b for b^2", "it returns -B^2 s", lambda s, q: -_column(q.b**2) * s),
    ("epsilon", "b forgotten", "it returns -s, without B", lambda s, q: -s),
    ("epsilon", "data lost", "it returns x / B", lambda s, q: q.x / _column(q.b)),
    ("epsilon", "data lost", "it returns x", lambda s, q: q.x),
    (
        "epsilon",
        "a forgotten",
        "it returns (x - E[x_0|x]) / B",
        lambda s, q: (q.x - PREDICTED["sample"](s, q)) / _column(q.b),
    ),
    (
        "v_prediction",
        "sign of a term",
        "it returns A E[z|x] + B E[x_0|x]",
        lambda s, q: _column(q.a) * PREDICTED["epsilon"](s, q) + _column(q.b) * PREDICTED["sample"](s, q),
    ),
    (
        "v_prediction",
        "a and b exchanged",
        "it returns B E[z|x] - A E[x_0|x]",
        lambda s, q: _column(q.b) * PREDICTED["epsilon"](s, q) - _column(q.a) * PREDICTED["sample"](s, q),
    ),
    (
        "v_prediction",
        "a and b exchanged",
        "it returns B E[x_0|x] ... with A and B exchanged and the other sign",
        lambda s, q: _column(q.a) * PREDICTED["sample"](s, q) - _column(q.b) * PREDICTED["epsilon"](s, q),
    ),
    (
        "flow_prediction",
        "sign of a term",
        "it returns E[z|x] + E[x_0|x]",
        lambda s, q: PREDICTED["epsilon"](s, q) + PREDICTED["sample"](s, q),
    ),
    ("flow_prediction", "state for the noise", "it returns x - E[x_0|x]", lambda s, q: q.x - PREDICTED["sample"](s, q)),
    (
        "score",
        "tweedie without a",
        "it returns (E[x_0|x] - x) / B^2: A is missing before E[x_0|x]",
        lambda s, q: (PREDICTED["sample"](s, q) - q.x) / _column(q.b**2),
    ),
    (
        "score",
        "x not divided",
        "it returns A E[x_0|x] / B^2 - x",
        lambda s, q: _column(q.a / q.b**2) * PREDICTED["sample"](s, q) - q.x,
    ),
    ("score", "pull lost", "it returns -x / B^2, that of the noise alone", lambda s, q: -q.x / _column(q.b**2)),
    ("score", "prior", "it returns -x, the score of N(0, I)", lambda s, q: -q.x),
)
