"""How depth and width grow as the error asked for falls, against the theory (A7 in proofs/A7.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number

#: Layers whose number does not depend on the error: the products of time and the last product.
FIXED_LAYERS = 2
#: Gadgets whose depth is the logarithm of their degree: of time, the exponential, the reciprocal.
GADGETS = 3


@dataclass(frozen=True)
class Size:
    """What a network of error `eps` costs."""

    eps: Any
    depth: int
    width: int
    neurons: int


@dataclass(frozen=True)
class Line:
    """`intercept + slope x`, fitted by least squares; `residual` is the root mean square of what it leaves."""

    intercept: float
    slope: float
    residual: float

    def at(self, x: Floats) -> Floats:
        """Its values."""
        return self.intercept + self.slope * x


@dataclass(frozen=True)
class Rate:
    """Sizes of networks against the logarithm of the error that was asked for.

    sizes : the table, the largest error first
    log_log : `log2 log(1/eps)` of each row; log : `log(1/eps)`
    depth : `depth ~ intercept + slope log2 log(1/eps)`; theory: a slope of at most 3, one for each gadget
    depth_in_log : the same with `log(1/eps)`, the rate of a construction of one layer for each digit
    width : `width ~ intercept + slope log(1/eps)`
    powers : `depth`, `width`, `neurons`: the power `p` of the fit `size ~ C log(1/eps)^p`
    allowance : the least `c` with `depth <= 2 + ceil(log2 K) + 3 log2 log(1/eps) + c` in all rows
    """

    components: int
    sizes: tuple[Size, ...]
    log: Floats
    log_log: Floats
    depth: Line
    depth_in_log: Line
    width: Line
    powers: dict[str, float]
    allowance: float

    def theory(self, log: Floats) -> Floats:
        """`2 + ceil(log2 K) + 3 log2 log(1/eps) + c` at values of `log(1/eps)`, `c` the allowance."""
        return _leading(self.components, np.log2(log)) + self.allowance

    def __repr__(self) -> str:
        return f"<rate over {len(self.sizes)} sizes: {self}>"

    def __str__(self) -> str:
        """The rate in words."""
        depth, width = self.depth, self.width
        return (
            f"depth ~ {depth.intercept:.2f} + {depth.slope:.2f} log2 log(1/eps), to {depth.residual:.2f} layers "
            f"(theory: a slope of at most {GADGETS}); width ~ {width.intercept:.0f} + {width.slope:.2f} log(1/eps)"
        )


def rate(sizes: Iterable[Size], components: int) -> Rate:
    """The fit of a table of sizes of networks for one mixture.

        depth <= 2 + ceil(log2 K) + 3 log2 log(1/eps) + O(1),    width = O(K log(1/eps) + d)

    sizes : at least three rows of different `eps` below 1/e; components : K

    Raises
    ------
    InputError : fewer rows, or an `eps` that is not between 0 and 1/e.

    Source: A7 (the abstract of arXiv 2606.03820 announces a polylogarithm), proofs/A7.md.

    >>> from certflow.networks.rate import Size, rate
    >>> table = [Size("1e-2", 9, 29, 159), Size("1e-10", 14, 92, 415), Size("1e-40", 19, 429, 1658)]
    >>> print(rate(table, 2))
    depth ~ 3.80 + 2.31 log2 log(1/eps), to 0.18 layers (theory: a slope of at most 3); width ~ -2 + 4.66 log(1/eps)
    """
    rows = tuple(sorted(sizes, key=lambda size: -exact_number(size.eps, "eps")))
    log = np.array([_log_inverse(size.eps) for size in rows])
    if len(set(log.tolist())) < 3:
        raise InputError("sizes", [size.eps for size in rows], "networks for at least three different errors")
    twice = np.log2(log)
    depth, width, neurons = (
        np.array([getattr(s, name) for s in rows], float) for name in ("depth", "width", "neurons")
    )
    powers = {
        name: _line(np.log(log), np.log(size)).slope
        for name, size in (("depth", depth), ("width", width), ("neurons", neurons))
    }
    allowance = float((depth - _leading(components, twice)).max())
    return Rate(
        components, rows, log, twice, _line(twice, depth), _line(log, depth), _line(log, width), powers, allowance
    )


def log_log(eps: Any) -> float:
    """`log2 log(1/eps)`, for `eps` below 1/e."""
    return math.log2(_log_inverse(eps))


def _leading(components: int, twice: Floats) -> Floats:
    tree = (components - 1).bit_length()  # ceil(log2 K)
    leading: Floats = FIXED_LAYERS + tree + GADGETS * twice
    return leading


def _log_inverse(eps: Any) -> float:
    """`log(1/eps)`, also far below the smallest float64."""
    exact = exact_number(eps, "eps")
    log = math.log(exact.denominator) - math.log(exact.numerator) if exact > 0 else 0.0
    if not log > 1:
        raise InputError("eps", eps, "a number between 0 and 1/e")
    return log


def _line(x: Floats, y: Floats) -> Line:
    slope, intercept = np.polyfit(x, y, 1)
    residual = math.sqrt(float(((intercept + slope * x - y) ** 2).mean()))
    return Line(float(intercept), float(slope), residual)
