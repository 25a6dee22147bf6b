"""The integral of the sharp one-sided rate over time, as an integral in `r` (proofs/L5.md).

`int_s^t lambda* = int_{r(t)}^{r(s)} V*(r) dr - 1/2 ln(v_t/v_s)`, since `dr = -(m^2/v^2) dt`. The first is enclosed on
panels of `r` (`panels.py`), the second is a closed form.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import check_effort, common_law, stability
from certflow.enclosure.results import Ends, ExactDecimal, ball_ends, rounded_down, rounded_up
from certflow.enclosure.suprema.laws import BITS
from certflow.enclosure.suprema.panels import EDGE_BITS, Panel, Panels
from certflow.enclosure.suprema.points import Points
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

DIGITS = 12


@dataclass(frozen=True, repr=False)
class SharpStability(Ends):
    """`lower <= int_s^t lambda* <= upper`, proved; exact decimals; `f"{found:.6}"` rounds them outwards.

    complete : whether the relative width asked for was reached; popoviciu : the upper bound `int_s^t lambda` of the
    closed form (F2), to compare with; panels : number of panels of `r`
    """

    lower: ExactDecimal
    upper: ExactDecimal
    complete: bool
    popoviciu: ExactDecimal
    panels: int

    @property
    def relative_gap(self) -> float:
        """`(upper - lower) / |upper|`."""
        return float((self.upper - self.lower) / abs(self.upper)) if self.upper else float(self.upper - self.lower)


@dataclass(frozen=True)
class SharpIntegral:
    """The enclosure, and what it was made from: `blocks` of axes (of the plane turned by `turn`, if that is not None)
    with their `factors`, and panels of `r` that cover `[r(t), r(s)]`, none for a single mean."""

    found: SharpStability
    turn: tuple[int, int] | None
    blocks: tuple[tuple[int, ...], ...]
    factors: tuple[Points, ...]
    panels: tuple[Panel, ...]


def sharp_stability(
    process: OrnsteinUhlenbeck, s: Any, t: Any, *, gap: Any = "1e-3", seconds: float = 60.0
) -> SharpStability:
    """`int_s^t lambda*`, `0 < s < t`, enclosed; common isotropic variance (proofs/L5.md, F1).

    Parameters
    ----------
    s, t : exact times; gap : relative width to reach; seconds : after which a wider enclosure is accepted

    Raises
    ------
    InputError : times that are not `0 < s < t`, a gap or seconds out of range, or another kind of covariance.

    Of two modes the closed form is the supremum itself:

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> found = cf.enclosure.sharp_stability(p, "0.1", "1", gap="0.01")
    >>> print(f"{found:.7}", found.upper, found.upper == found.popoviciu, found.complete)
    [1.133724, 1.133725] 1.13372492727 True True
    """
    return sharp_integral(process, s, t, gap, seconds).found


#: The ends of panels are exact: `e^(-2t)` is a fraction of some `3 t` bits.
_LATEST = 10**6


def sharp_integral(process: OrnsteinUhlenbeck, s: Any, t: Any, gap: Any, seconds: float) -> SharpIntegral:
    """`sharp_stability` with the panels and their proofs."""
    mixture = common_law(process)
    start, end = exact_number(s, "s"), exact_number(t, "t")
    if not start > 0:
        raise InputError("s", s, "a time > 0")
    if not end > start:
        raise InputError("t", t, f"a time later than s = {s}")
    if end > _LATEST:
        raise InputError("t", t, f"a time of at most {_LATEST}")
    wanted, seconds = check_effort(gap, seconds)
    closed = stability(process, start, end, "one-sided", 20)
    variance: Any = mixture.exact_covariances.fractions[()]
    with ball_precision(BITS):
        points = Points.of_mixture(mixture)
        grown = [ball(2 * x).expm1() + ball(variance) for x in (end, start)]  # v / m^2 = 1/(2 r)
        low, high = ((1 / (2 * g)) for g in grown)
        # -1/2 ln(v_t/v_s), with v = grown m^2
        drift = (grown[1] / grown[0]).log() / 2 + ball(end - start)
        if len(points.points) == 1:
            found = _result(Fraction(0), Fraction(0), drift, closed.upper, wanted, 0)
            return SharpIntegral(found, None, (), (), ())
        outer = _dyadic(low, -1), _dyadic(high, 1)
        inner = _dyadic(low, 1), _dyadic(high, -1)
        turn = points.product_turn()
        turned = points if turn is None else points.turned(*turn)
        blocks = tuple(turned.blocks())
        factors = tuple(turned.project(axes) for axes in blocks)
        panels = Panels(factors, float(wanted), time.perf_counter() + seconds, float(drift.mid())).run(outer, inner)
        lower, upper = (sum(ends, Fraction(0)) for ends in zip(*((p.lower, p.upper) for p in panels), strict=True))
        found = _result(lower, upper, drift, closed.upper, wanted, len(panels))
        return SharpIntegral(found, turn, blocks, factors, panels)


def _dyadic(value: Any, side: int) -> float:
    """A number of few bits surely on one side of a ball, so that its interval can be bisected without rounding."""
    middle, radius = ball_ends(value)
    end = middle + side * radius
    unit = Fraction(2) ** (int(np.frexp(float(end))[1]) - EDGE_BITS)
    return float(side * -(-side * end // unit) * unit)


def _result(
    lower: Fraction, upper: Fraction, drift: Any, popoviciu: Fraction, wanted: Fraction, panels: int
) -> SharpStability:
    middle, radius = ball_ends(drift)
    closed = rounded_up(popoviciu, DIGITS)  # an upper bound of its own
    ends = rounded_down(lower + middle - radius, DIGITS), min(rounded_up(upper + middle + radius, DIGITS), closed)
    complete = not panels or ends[1] - ends[0] <= wanted * abs(ends[1])  # of a single mean nothing is sought
    return SharpStability(*ends, complete, closed, panels)
