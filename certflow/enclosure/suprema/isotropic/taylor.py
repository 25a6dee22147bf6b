"""Taylor rule on boxes for different isotropic variances (proofs/sharp-isotropic.md).

Both sides of the rate ask for a matrix `M(s) = sum_a p_a(s) [alpha_a I - sigma y_a y_a^T] >= 0` on a box, where, up to
a factor that all share, `p_a = g_a e^{z_a}`, `z_a = l_a.s - k_a |s|^2/2`, and `y_a = d_a - c_a s` is affine:

- `-J <= Lam`: `a` runs through the components, `sigma = 1`, `y_k = u_k - beta`, `beta(s) = mean u - mean q s`;
- `J <= Lam`: `a` through the pairs with `p_a = p_k p_l`, `sigma = -1`, `y_kl = (u_k - u_l)/sqrt 2`, because
  `(sum p)^2 Cov = sum_{k,l} p_k p_l y_kl y_kl^T`: an inequality for `Cov` from below needs the true mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.enclosure.suprema.exponential import RELATIVE_ERROR, exp_float, exp_remainder, exp_upper
from certflow.enclosure.suprema.isotropic.cells import Cells, Level
from certflow.enclosure.suprema.margins import UP, is_positive
from certflow.enclosure.suprema.tasks import corners
from certflow.numbers.arrays import Flags, Floats
from certflow.numbers.floats import UNIT

#: Terms whose exponent moves more than this over a box are not expanded.
_FAR = 1.5


@dataclass(frozen=True)
class _Terms:
    """The terms `a` of `M` over N boxes: arrays (N, A), (N, A, n) or (A,), with bounds of their errors.

    weight : `g_a`, within `weight_error` of itself; slope, bend : `l_a`, `k_a`; vector, turn : `d_a`, `c_a`
    vector_error : of `d_a` and of `l_a`, in length; level_error : of `alpha_a`, `k_a` and `c_a`
    """

    sigma: int
    weight: Floats
    weight_error: Floats
    slope: Floats
    bend: Floats
    vector: Floats
    turn: Floats
    level: Floats
    vector_error: Floats
    level_error: float


def taylor_rule(cells: Cells, level: Level) -> tuple[Flags, Floats]:
    """Whether each box is settled, and `lambda_max(side (-J))` at the centres (not rigorous, for counterexamples).

    With `A = alpha I - sigma d d^T`, `H = |h|`, `phi(z) >= e^z - 1 - z`, `|z_a| <= zeta_a` on the box:

        M(s) >= sum g [(1 + l.s) A + sigma c (d s^T + s d^T)] - |s|^2/2 sum g k A - rho I,
        rho = rho_2 + sum g [phi(zeta) ((-lambda_min A)_+ + 2 |c| |d| H) + |c| |d| |k| H^3 + e^zeta c^2 H^2],

    (the last term only if `sigma > 0`), `rho_2` a bound of `-sum sigma g c (l.s)(d s^T + s d^T)`. The first two sums
    are affine in `(s, |s|^2)`: their corners decide. A term may instead be bounded as a whole, by
    `-g max e^z (max sigma |y|^2 - alpha)_+ I`.
    """
    weights = exp_float(cells.logits - cells.logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    settled, values = np.zeros(len(cells), dtype=bool), _values(cells, weights, level)
    near = values < level.value
    if near.any():
        terms = _component_terms if level.side > 0 or cells.law.idle else _pair_terms
        settled[near] = _positive(cells[near], terms(cells[near], weights[near], level))
    return settled, values


def _values(cells: Cells, weights: Floats, level: Level) -> Floats:
    deviation = cells.fields - np.einsum("nk,nkj->nj", weights, cells.fields)[:, None]
    covariance = np.einsum("nk,nki,nkj->nij", weights, deviation, deviation)
    eigenvalues = np.linalg.eigvalsh(covariance)
    quad = weights @ cells.law.quad
    if level.side > 0:
        return eigenvalues[:, -1] - quad
    return quad - (0.0 if cells.law.idle else eigenvalues[:, 0])


def _component_terms(cells: Cells, weights: Floats, level: Level) -> _Terms:
    """The terms of `-J <= Lam`; also those of `J <= Lam` where some direction has `Cov = 0`, with `y = 0`.

    `mean u` and `mean q` may be any numbers: the errors of the float64 means do not matter, those of `u_k`, `q_k` do.
    """
    law = cells.law
    slope = cells.fields - np.einsum("nk,nkj->nj", weights, cells.fields)[:, None]
    bend = law.quad - (weights @ law.quad)[:, None]
    spread = level.side > 0
    size = float(abs(level.value) + np.abs(law.quad).max())
    return _Terms(
        sigma=1,
        weight=weights,
        weight_error=_weight_error(cells),
        slope=slope,
        bend=bend,
        vector=slope if spread else 0 * slope,
        turn=bend if spread else 0 * bend,
        level=level.value + level.side * np.broadcast_to(law.quad, bend.shape),
        vector_error=cells.field_error + 2 * UNIT * np.sqrt((slope**2).sum(-1)),
        level_error=8 * UNIT * size + 4 * law.tiny,
    )


def _pair_terms(cells: Cells, weights: Floats, level: Level) -> _Terms:
    law = cells.law
    k, j = np.triu_indices(law.size)
    double = np.where(k == j, 1.0, 2.0)
    half = np.sqrt(0.5)
    products = double * weights[:, k] * weights[:, j]
    slope = cells.fields[:, k] + cells.fields[:, j]
    slope = slope - 2 * np.einsum("nk,nkj->nj", weights, cells.fields)[:, None]
    bend = law.quad[k] + law.quad[j] - 2 * (weights @ law.quad)[:, None]
    difference = half * (cells.fields[:, k] - cells.fields[:, j])
    size = float(abs(level.value) + 2 * np.abs(law.quad).max())
    error = cells.field_error[:, k] + cells.field_error[:, j]
    lengths = np.sqrt((difference**2).sum(-1)) + np.sqrt((slope**2).sum(-1))
    each = _weight_error(cells)
    return _Terms(
        sigma=-1,
        weight=products,
        weight_error=each[:, k] + each[:, j] + 8 * UNIT,
        slope=slope,
        bend=bend,
        vector=difference,
        turn=np.broadcast_to(half * (law.quad[k] - law.quad[j]), bend.shape),
        level=np.broadcast_to(level.value - (law.quad[k] + law.quad[j]) / 2, bend.shape),
        vector_error=error + 4 * UNIT * lengths,
        level_error=16 * UNIT * size + 8 * law.tiny,
    )


def _weight_error(cells: Cells) -> Floats:
    """Relative errors of `exp(logit - top)/sum`: the factor `sum` and the rounding of `top` are common to all."""
    gap: Floats = np.abs(cells.logits - cells.logits.max(1, keepdims=True))
    return 2 * cells.logit_error + 2 * UNIT * gap + 2 * RELATIVE_ERROR + 8 * UNIT


class _Expansion:
    """Bounds of the terms over N boxes, shapes (N, A), rounded up, errors included; `squares` is `|h|^2`, (N, 1).

    lengths, slopes, turn, bend : of `|d_a|`, `|l_a|`, `|c_a|`, `|k_a|`; low : of `alpha_a`, from below
    across : `H`; reach : `|z_a|`; zeta : the same, at most `_FAR`
    """

    def __init__(self, cells: Cells, terms: _Terms):
        self.cells, self.terms = cells, terms
        self.squares: Floats = cells.reach[:, None]
        self.across: Floats = np.sqrt(self.squares) * UP
        self.lengths: Floats = np.sqrt((terms.vector**2).sum(-1)) * UP + terms.vector_error
        self.slopes: Floats = np.sqrt((terms.slope**2).sum(-1)) * UP + terms.vector_error
        self.turn, self.bend = np.abs(terms.turn) + terms.level_error, np.abs(terms.bend) + terms.level_error
        self.low = terms.level - terms.level_error
        linear = np.einsum("naj,nj->na", np.abs(terms.slope), cells.half) * UP + terms.vector_error * self.across
        self.reach: Floats = linear + self.bend * self.squares / 2 * UP
        self.zeta = np.minimum(self.reach, _FAR)

    def rest(self) -> Floats:
        """`phi(zeta) ((-lambda_min A)_+ + 2 |c| |d| H) + |c| |d| |k| H^3 + e^zeta c^2 H^2` of each term."""
        phi, across = exp_remainder(self.zeta), self.across
        negative = np.maximum(self.lengths**2 - self.low if self.terms.sigma > 0 else -self.low, 0.0)
        rest = phi * (negative + 2 * self.turn * self.lengths * across)
        rest = rest + self.turn * self.lengths * self.bend * across**3
        if self.terms.sigma > 0:
            rest = rest + (1 + self.zeta + phi) * self.turn**2 * self.squares
        return rest

    def whole(self) -> Floats:
        """`max e^z (max sigma |y|^2 - alpha)_+` of each term, for those that are not expanded."""
        terms = self.terms
        error = 4 * (terms.vector_error * self.across + terms.level_error * self.squares)
        highest = self.cells.highest(np.zeros(self.reach.shape), terms.slope, terms.bend)
        highest = np.minimum(highest * (1 + 1e-12) + error, self.reach)
        farthest = (self.lengths + self.turn * self.across) ** 2 * UP if terms.sigma > 0 else 0.0
        excess = np.maximum(farthest - self.low, 0.0)
        return np.where(excess > 0, exp_upper(np.maximum(highest, -600.0)), 0.0) * excess

    def second_order(self, kept: Floats) -> Floats:
        """`rho_2`: in general `|(l.s)(d s^T + s d^T)| <= 2 |l| |d| |s|^2`. For `-J` `d = l`: with `C = sum g c d d^T`
        the sum is `C s s^T + s s^T C >= -(tr C_+ / 4 + 2 tr C_-) |s|^2`, because for a unit vector `e` twice
        `(s.e)(e.C s) >= (s.C s - |s||C s|)`, which is at least `-|C||s|^2/4` if `C >= 0` (then `|C s|^2 <= |C| s.C s`).
        """
        terms, squares = self.terms, self.squares[:, 0]
        if terms.sigma < 0:
            moments: Floats = (kept * self.turn * self.lengths * self.slopes).sum(1)
            return 2 * moments * squares * UP
        positive = np.maximum(terms.turn, 0.0) + terms.level_error
        negative = np.maximum(-terms.turn, 0.0) + terms.level_error
        traces: Floats = (kept * self.lengths**2 * (positive / 4 + 2 * negative)).sum(1)
        return traces * squares * (1 + 1e-6)

    def margin(self, kept: Floats) -> Floats:
        """The error of a corner matrix in norm, shape (N,), term by term.

        Relative: of the weights and of the roundings. Absolute: of `alpha`, `d`, `l`, `c`, `k`.
        """
        terms, n = self.terms, self.cells.law.coordinates
        sizes = np.abs(terms.level) + self.lengths**2
        grown = 1 + self.reach + self.bend * self.squares
        moved = terms.vector_error * self.across + terms.level_error * self.squares
        relative = terms.weight_error + (2 * terms.weight.shape[1] + 8 * n + 128 + 64 * (n + 2) ** 2) * UNIT
        parts = grown * sizes + 2 * self.turn * self.lengths * self.across
        absolute = grown * (4 * self.lengths * terms.vector_error + terms.level_error) + moved * sizes
        absolute = absolute + 2 * self.across * (self.turn * terms.vector_error + terms.level_error * self.lengths)
        total: Floats = (kept * (relative * parts + absolute)).sum(1)
        return 2 * total + 1e-290


def _positive(cells: Cells, terms: _Terms) -> Flags:
    """Whether the lower bound of `M` in `taylor_rule` is positive definite at all corners, after every margin."""
    expansion = _Expansion(cells, terms)
    rest, whole = expansion.rest(), expansion.whole()
    second = expansion.turn * expansion.lengths * expansion.slopes * expansion.squares
    expanded = (expansion.reach <= _FAR) & (rest + second <= whole + np.maximum(terms.level, 0.0))
    kept = np.where(expanded, terms.weight, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):  # a weight that underflows times an infinite bound: not settled
        rho = (kept * rest + np.where(expanded, 0.0, terms.weight * whole)).sum(1) * (1 + 1e-6)
    rho = rho + expansion.second_order(kept)
    rho = np.where(np.isfinite(rho), rho, 1e300)
    return _at_corners(cells, terms, kept, rho + expansion.margin(kept))


def _at_corners(cells: Cells, terms: _Terms, kept: Floats, lost: Floats) -> Flags:
    """Whether `sum g [(1 + l.s) A + sigma c (d s^T + s d^T)] - lost I`, and that less `|h|^2/2 sum g k A`, are positive
    definite at every corner `s` of the boxes; `A = alpha I - sigma d d^T`, sums over the terms that are kept."""
    identity = np.eye(cells.law.coordinates)
    sigma, d = terms.sigma, terms.vector
    pull = sigma * np.einsum("na,nai->ni", kept * terms.turn, d)
    outer = np.einsum("ni,lj->nlij", pull, identity)
    weighted = kept[..., None] * terms.slope
    linear = np.einsum("nal,na->nl", weighted, terms.level)[:, :, None, None] * identity
    linear = linear - sigma * np.einsum("nal,nai,naj->nlij", weighted, d, d) + outer + outer.swapaxes(-1, -2)
    base = _weighted_sum(terms, kept) - lost[:, None, None] * identity
    curved = cells.reach[:, None, None] / 2 * _weighted_sum(terms, kept * terms.bend)
    fine = np.ones(len(lost), dtype=bool)
    for corner in corners(cells.law.coordinates):
        matrix = base + np.einsum("nlij,nl->nij", linear, cells.half * corner)
        fine &= is_positive(matrix) & is_positive(matrix - curved)
    return fine


def _weighted_sum(terms: _Terms, weights: Floats) -> Floats:
    """`sum_a w_a (alpha_a I - sigma d_a d_a^T)`, shape (N, n, n)."""
    levels: Floats = (weights * terms.level).sum(1)[:, None, None] * np.eye(terms.vector.shape[-1])
    outer: Floats = np.einsum("na,nai,naj->nij", weights, terms.vector, terms.vector)
    return levels - terms.sigma * outer
