"""The exponential function in float64 with a proved error, from additions, multiplications and a table.

`exp x = 2^e T_i exp(r)`, `x = (64 e + i) ln 2 / 64 + r`, `0 <= i < 64`. Only correctly rounded IEEE operations and
a table whose entries are rounded from balls take part, so the error follows from the standard model of rounding;
nothing is assumed of the mathematical library.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.numbers.floats import UNIT
from certflow.numbers.precision import ball_precision

#: `|exp_float(x) / exp(x) - 1|` is at most this for -700 <= x <= 700 (derived below).
RELATIVE_ERROR = 16 * UNIT
_LOWEST, _HIGHEST = -700.0, 700.0


@cache
def _constants() -> tuple[Floats, float, float, float]:
    """`2^{i/64}` rounded to nearest; `ln 2 / 64` split into a head of 32 bits and a tail; `64 / ln 2`."""
    import flint

    with ball_precision(200):
        step = flint.arb(2).log() / 64
        table = np.array([float((i * step).exp().mid()) for i in range(64)])
        head = math.floor(float((step * 2**38).mid())) / 2**38
        tail = float((step - flint.arb(head)).mid())
        return table, head, tail, float((1 / step).mid())


def exp_float(x: Any) -> Floats:
    """`exp(x)` with relative error at most `RELATIVE_ERROR`, `x` clipped to [-700, 700]; any shape.

    Error: `n = rint(64 x / ln 2)` satisfies `|n| < 2^17`, so `n * head` is exact (32 + 17 bits) and so is
    `x - n head` up to one rounding of a number below 0.006; `n * tail` (`tail < 2^-38`) is rounded at `2^-21 u`.
    The reduced argument is within `0.012 u` of the exact one, `|r| <= 0.0055`; the polynomial of degree 6 leaves
    out less than `0.0055^7 / 5040 < 2^-64`, its Horner evaluation rounds by less than `2 u`; the table entry and
    the product add `2 u`. The sum is below `16 u`, with room to spare.
    """
    table, head, tail, inverse = _constants()
    x = np.clip(x, _LOWEST, _HIGHEST)
    n = np.rint(x * inverse)
    r = (x - n * head) - n * tail
    polynomial = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r / 720)))))
    whole = n.astype(np.int64)
    value: Floats = np.ldexp(table[whole & 63] * polynomial, whole >> 6)
    return value


def exp_remainder(z: Floats) -> Floats:
    """Upper bound of `e^z - 1 - z`, `0 <= z < 2`: `z^2/2 / (1 - z/3)`, since `z^n/n! <= z^2/2 (z/3)^{n-2}`.

    For larger `z` the bound of `z = 2`: callers take another one there.
    """
    near = np.minimum(z, 2.0)
    return near * near / 2 / (1 - near / 3) * (1 + 1e-12)


def exp_upper(x: Any) -> Floats:
    """An upper bound of `exp(x)`: infinite beyond 700, at least `e^-700` everywhere."""
    return np.where(np.asarray(x) > _HIGHEST, np.inf, exp_float(x) * (1 + 2 * RELATIVE_ERROR))
