"""The stability-balanced grid (proofs/G1.md, G2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.bounds.rates import growth_rate_bound
from certflow.errors import InputError, NoGlobalBound
from certflow.grids.rates import balanced, log_times
from certflow.numbers.arrays import Flags, Floats, Times
from certflow.process import OrnsteinUhlenbeck

#: Cells of the table within which a node is then found exactly, and sweeps of Newton's method until a step is
#: relatively this small (it converges quadratically: the error is then that of the integral).
_CELLS, _STEPS, _TOLERANCE = 64, 60, 1e-12


def nodes(process: OrnsteinUhlenbeck, segments: int, *, rate: str) -> tuple[Times, dict[str, Any]]:
    """`int_{t_k}^{t_{k-1}} r_+ = (1/K) int_{t_min}^{t_max} r_+`, `r_+ = max(rate, 0)`; latest first, shape (K + 1,).

    The unique minimiser of the largest exponent of a segment where the rate is positive. `lambda` and `lambda*` may
    turn negative towards the noise end: there the flow contracts, no node is needed, and the first segment takes
    that stretch in (it is `positive_until` in the options). For `lambda` of a common variance the nodes are in closed
    form, by Lambert W (proofs/G2.md); else the integral (proofs/F2.md, or quadrature) is inverted numerically.

    Raises
    ------
    InputError : no global bound exists (proofs/L8.md), a rate that is nowhere positive, a sharp rate out of reach.
    """
    if rate == "sharp":
        from certflow.grids.kinds.sharp_table import sharp_curve

        return balanced(sharp_curve(process), segments), {}
    try:
        steps = _Steps(process, rate)
    except NoGlobalBound as error:
        raise InputError(
            "mixture", process.mixture.name, f'a mixture with a global bound, or kind "typical" ({error})'
        ) from None
    shares = np.arange(segments - 1, 0, -1) / segments
    if rate == "one-sided" and process.mixture.kind == "common-isotropic":
        inner = np.array([process.time_at_stability(float(share * steps.total), process.t_min) for share in shares])
    else:
        inner = steps.time_at(shares)
    return np.concatenate([[process.t_max], inner, [process.t_min]]), steps.found


class _Steps:
    """The integral of the positive part of a rate, cell by cell of a table in `log t`."""

    def __init__(self, process: OrnsteinUhlenbeck, rate: str):
        self.process, self.rate = process, rate
        edges = log_times(process, _CELLS + 1)
        self.found: dict[str, float] = {}
        if rate == "one-sided":
            edges, positive = self._split(edges)
        else:
            positive = np.ones(edges.size - 1, dtype=bool)
        self.edges = edges
        self.parts = np.zeros(edges.size - 1)
        if positive.any():
            parts = process.stability(edges[:-1][positive], edges[1:][positive], rate=rate)
            self.parts[positive] = np.maximum(parts, 0.0)
        self.cumulative = np.concatenate([[0.0], np.cumsum(self.parts)])
        self.total = float(self.cumulative[-1])
        if not self.total > 0:
            raise InputError("rate", rate, "a rate that is positive somewhere on [t_min, t_max]")

    def _split(self, edges: Times) -> tuple[Times, Flags]:
        """The edges with the zeros of `lambda` among them, and on which cells it is positive."""
        from scipy.optimize import brentq

        mixture = self.process.mixture

        def value(y: float) -> float:
            return float(growth_rate_bound(mixture, np.exp(y)))

        rates = growth_rate_bound(mixture, edges)
        changes = np.flatnonzero((rates[:-1] > 0) != (rates[1:] > 0))
        zeros = [np.exp(brentq(value, *np.log(edges[[i, i + 1]]), xtol=1e-15, rtol=1e-15)) for i in changes]
        edges = np.unique(np.concatenate([edges, zeros]))
        positive = growth_rate_bound(mixture, np.sqrt(edges[:-1] * edges[1:])) > 0
        if positive.any() and not positive[-1]:
            self.found["positive_until"] = float(edges[np.flatnonzero(positive)[-1] + 1])
        return edges, positive

    def time_at(self, shares: Floats) -> Times:
        """The earliest times at which the integral is these shares of the whole: Newton's method within its cell.

        A step that leaves the bracket is replaced by a bisection, so that every sweep halves the bracket or better.
        """
        targets = shares * self.total
        right = np.clip(np.searchsorted(self.cumulative, targets, side="left"), 1, self.edges.size - 1)
        start, low, high = self.edges[right - 1], self.edges[right - 1].copy(), self.edges[right].copy()
        rest = targets - self.cumulative[right - 1]
        times = np.sqrt(low * high)
        for _ in range(_STEPS):
            if not times.size:
                break
            excess = self.process.stability(start, times, rate=self.rate) - rest
            low, high = np.where(excess < 0, times, low), np.where(excess < 0, high, times)
            moved = times - excess / self._slope(times)
            inside = (moved >= low) & (moved <= high)
            following = np.where(inside, moved, (low + high) / 2)
            steps, times = np.abs(following - times), following
            if (steps <= _TOLERANCE * times).all():
                break
        return times

    def _slope(self, times: Times) -> Floats:
        if self.rate == "one-sided":
            slope = self.process.growth_rate_bound(times)
        else:
            slope = self.process.lipschitz_bound(times)
        return np.where(slope > 0, slope, np.inf)
