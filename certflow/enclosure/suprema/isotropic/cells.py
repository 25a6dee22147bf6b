"""Boxes of points for the sharp rate of different isotropic variances, and the rules that need no expansion.

A box is `|s_j| <= h_j`, `x = c + s`. Over a box `log p_k - log p_i` is a quadratic with a multiple of the identity as
Hessian, so its extremes are found coordinate by coordinate, and `u_k - u_i` is affine (proofs/sharp-isotropic.md).
Everything is float64; what must not be underestimated carries a margin (unit roundoff `u = 2^-53`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from certflow.enclosure.suprema.exponential import exp_float, exp_upper
from certflow.enclosure.suprema.isotropic.law import IsotropicLaw, Pairs, rounding
from certflow.enclosure.suprema.margins import LN2_DOWN, UP, mass_times
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.floats import UNIT

#: Pairs among the leading components that are tried on each box.
_TRIED = ((0, 1), (0, 2), (1, 2), (0, 3))


@dataclass(frozen=True)
class Level:
    """What is to be proved: `side (-J) <= value I`, `side` +1 (L5's `lambda*`) or -1 (the other side of `L*`).

    spread : if positive, `Cov_gamma(m P mu) <= spread I` is proved for the widest components alone, at every point
    """

    value: float
    side: int
    spread: float = np.inf


class Cells:
    """N boxes with the coefficients of every `log p_k` at their centres."""

    def __init__(self, law: IsotropicLaw, centre: Floats, half: Floats):
        self.law, self.centre, self.half = law, centre, half
        squares = (centre**2).sum(1)
        #: `log p_k + |x|^2/2` and its gradient `u_k` at the centres, (N, K) and (N, K, n).
        self.logits = law.offset + centre @ law.tilt.T - law.quad * squares[:, None] / 2
        self.fields = law.tilt - law.quad[:, None] * centre[:, None, :]
        self.logit_error, self.field_error = rounding(law, centre)

    def __len__(self) -> int:
        return len(self.centre)

    def __getitem__(self, rows: Indices | Flags) -> Cells:
        return Cells(self.law, self.centre[rows], self.half[rows])

    @cached_property
    def reach(self) -> Floats:
        """`|h|^2`, rounded up."""
        squares: Floats = (self.half**2).sum(1)
        return squares * UP

    @cached_property
    def margin(self) -> Floats:
        """(N, K): twice the sum of two of these bounds the error of a log-ratio's extreme over the box: that of the
        values and slopes at the centre and of `q_k`, and the roundings of parts below `|u_k| |h|_1 + |q_k| |h|^2`."""
        across: Floats = self.half.sum(1)[:, None]
        curved = np.abs(self.law.quad) * self.reach[:, None]
        return 2 * self.logit_error + 8 * self.field_error * across + 32 * UNIT * curved

    def highest(self, constant: Floats, slope: Floats, curvature: Floats) -> Floats:
        """`max (constant + slope.s - curvature |s|^2/2)` over each box, not yet with a margin; `slope` (N, M, n)."""
        half = self.half[:, None, :]
        size, bend = np.abs(slope), np.broadcast_to(curvature[..., None], slope.shape)
        ends = size * half - bend * half**2 / 2
        inner = (bend > 0) & (size < bend * half)
        gain: Floats = np.where(inner, size**2 / (2 * np.where(inner, bend, 1.0)), ends).sum(-1)
        return constant + gain

    def log_ratio(self, reference: Indices) -> Floats:
        """Upper bounds (N, K) of `log(p_k / p_i)`, `i` a component for each box."""
        rows = np.arange(len(self))
        constant = self.logits - self.logits[rows, reference][:, None]
        slope = self.fields - self.fields[rows, reference][:, None]
        curvature = self.law.quad - self.law.quad[reference][:, None]
        bound = self.highest(constant, slope, curvature)
        return bound + 2 * (self.margin + self.margin[rows, reference][:, None])

    def farthest(self, reference: Indices) -> Floats:
        """Upper bounds (N, K) of `|u_k - u_i|^2`: every coordinate is affine, with slope `-(q_k - q_i)`."""
        rows = np.arange(len(self))
        slope = np.abs(self.fields - self.fields[rows, reference][:, None])
        error = self.field_error + self.field_error[rows, reference][:, None]
        bend = np.abs(self.law.quad - self.law.quad[reference][:, None]) + 4 * UNIT * np.abs(self.law.quad).max()
        widest = slope + error[..., None] + bend[..., None] * self.half[:, None, :]
        squares: Floats = (widest**2).sum(-1)
        return squares * UP


def levels(law: IsotropicLaw, level: Level) -> Floats:
    """`alpha_k = Lam + side q_k`, rounded down."""
    sizes = abs(level.value) + np.abs(law.quad)
    return level.value + level.side * law.quad - 4 * UNIT * sizes - 2 * law.tiny


def pair_rule(cells: Cells, pairs: Pairs, level: Level) -> Flags:
    """Pair rule: with `U_k >= p_k/(p_i + p_j)` and `f <= top` for the pair alone on the box,

        sum_{k != i,j} U_k (max(|u_k - u_i|^2, |u_k - u_j|^2) - alpha_k)_+ <= Lam - top

    settles it: `beta` is the pair's own mean of `u`, between `u_i` and `u_j`, so the bracket bounds `|u_k - beta|^2`.

    Returns which boxes a pair settles.
    """
    size, rows = cells.law.size, np.arange(len(cells))
    alpha = levels(cells.law, level)
    order = np.argsort(-cells.logits, axis=1)
    settled = np.zeros(len(cells), dtype=bool)
    for one, two in _TRIED:
        if two >= size:
            continue
        i, j = order[:, one], order[:, two]
        swap = ~pairs.first[i, j]
        i, j = np.where(swap, j, i), np.where(swap, i, j)
        by_i, by_j = cells.log_ratio(i), cells.log_ratio(j)
        room = level.value - _pair_top(pairs, i, j, -by_i[rows, j], by_j[rows, i], cells.law.tiny)
        both = cells.highest(
            cells.logits - (cells.logits[rows, i] + cells.logits[rows, j])[:, None] / 2,
            cells.fields - (cells.fields[rows, i] + cells.fields[rows, j])[:, None] / 2,
            cells.law.quad - (cells.law.quad[i] + cells.law.quad[j])[:, None] / 2,
        )
        both += 2 * (cells.margin + (cells.margin[rows, i] + cells.margin[rows, j])[:, None]) - LN2_DOWN
        masses = exp_upper(np.minimum(np.minimum(by_i, by_j), both))
        masses[rows, i] = masses[rows, j] = 0.0
        excess = np.maximum(np.maximum(cells.farthest(i), cells.farthest(j)) - alpha, 0.0)
        rest = mass_times(masses, excess)
        settled |= (rest <= room) & (room > 0)
    return settled


def _pair_top(pairs: Pairs, i: Indices, j: Indices, least: Floats, most: Floats, tiny: float) -> Floats:
    """Upper bound of the pair's largest eigenvalue over `least <= F <= most`: at the peak, or at the end next to it."""
    kappa, spread, quad = pairs.kappa[i, j], pairs.spread[i, j], pairs.quad[i, j]
    f = np.where(most < pairs.low[i, j], most, least)
    small = exp_float(-np.abs(f))
    share = np.where(f > 0, 1.0, small) / (1 + small)
    other = np.where(f > 0, small, 1.0) / (1 + small)
    value = share * (other * (spread - 2 * kappa * f) - kappa) - quad
    # Every factor is within 32 u of itself, `Q` and `kappa` within 2 u and `tiny`; the parts are below these sizes.
    size = small * (np.abs(spread) + 2 * kappa * np.abs(f)) + share * kappa + np.abs(quad)
    value = value + 128 * UNIT * size + 8 * tiny * (1 + np.abs(f)) + 1e-290 * (1 + np.abs(spread) + kappa)
    apart = (most < pairs.low[i, j]) | (least > pairs.high[i, j])
    return np.where(apart, np.minimum(value, pairs.top[i, j]), pairs.top[i, j])


def group_rule(cells: Cells, level: Level) -> Flags:
    """Group rule: `Cov <= spread I` for the widest components `W` among themselves, `U_k >= p_k / sum_W p`:

        sum_{k not in W} U_k (max_{w in W} |u_k - u_w|^2 - alpha_k)_+ <= alpha_w - spread.

    For a single widest component the pair rule is stronger; the rule is for three and more. Returns which are settled.
    """
    law = cells.law
    if len(law.wide) < 3 or not np.isfinite(level.spread):
        return np.zeros(len(cells), dtype=bool)
    alpha = levels(law, level)
    masses, widest = np.full(cells.logits.shape, np.inf), np.zeros(cells.logits.shape)
    for w in law.wide:
        reference = np.full(len(cells), w)
        masses = np.minimum(masses, cells.log_ratio(reference))
        widest = np.maximum(widest, cells.farthest(reference))
    return _screened(masses, np.maximum(widest - alpha, 0.0), law.wide, alpha[law.wide[0]] - level.spread * UP)


def screen_rule(cells: Cells, level: Level) -> Flags:
    """Screen rule of the side `J <= Lam`: `Cov >= 0` is dropped, and with the leading component `i` it suffices that

    sum_{k != i} U_k (-alpha_k)_+ <= alpha_i,   alpha_k = Lam - q_k,   U_k >= p_k/p_i.
    """
    alpha = levels(cells.law, level)
    leading: Indices = cells.logits.argmax(1)
    masses = exp_upper(cells.log_ratio(leading))
    masses[np.arange(len(cells)), leading] = 0.0
    excess = np.broadcast_to(np.maximum(-alpha, 0.0), masses.shape)
    return mass_times(masses, excess) <= alpha[leading]


def _screened(exponents: Floats, excess: Floats, kept: tuple[int, ...], room: float) -> Flags:
    masses = exp_upper(exponents)
    masses[:, list(kept)] = 0.0
    return (mass_times(masses, excess) <= room) & (room > 0)
