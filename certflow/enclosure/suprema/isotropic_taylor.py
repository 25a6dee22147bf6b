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

from certflow.enclosure.suprema.exponential import RELATIVE_ERROR, UNIT, exp_float, exp_upper
from certflow.enclosure.suprema.isotropic_cells import UP, Cells, Level
from certflow.enclosure.suprema.rules import is_positive
from certflow.enclosure.suprema.tasks import corners

#: Terms whose exponent moves more than this over a box are not expanded.
_FAR = 1.5


@dataclass(frozen=True)
class _Terms:
    """The terms `a` of `M` over N boxes: arrays (N, A), (N, A, n) or (A,), with bounds of their errors.

    weight : `g_a`, within `weight_error` of itself; slope, bend : `l_a`, `k_a`; vector, turn : `d_a`, `c_a`
    vector_error : of `d_a` and of `l_a`, in length; level_error : of `alpha_a`, `k_a` and `c_a`
    """

    sigma: int
    weight: np.ndarray
    weight_error: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    vector: np.ndarray
    turn: np.ndarray
    level: np.ndarray
    vector_error: np.ndarray
    level_error: float


def taylor_rule(cells: Cells, level: Level) -> tuple[np.ndarray, np.ndarray]:
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


def _values(cells: Cells, weights: np.ndarray, level: Level) -> np.ndarray:
    deviation = cells.fields - np.einsum("nk,nkj->nj", weights, cells.fields)[:, None]
    covariance = np.einsum("nk,nki,nkj->nij", weights, deviation, deviation)
    eigenvalues = np.linalg.eigvalsh(covariance)
    quad = weights @ cells.law.quad
    if level.side > 0:
        return eigenvalues[:, -1] - quad
    return quad - (0.0 if cells.law.idle else eigenvalues[:, 0])


def _component_terms(cells: Cells, weights: np.ndarray, level: Level) -> _Terms:
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


def _pair_terms(cells: Cells, weights: np.ndarray, level: Level) -> _Terms:
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


def _weight_error(cells: Cells) -> np.ndarray:
    """Relative errors of `exp(logit - top)/sum`: the factor `sum` and the rounding of `top` are common to all."""
    gap = np.abs(cells.logits - cells.logits.max(1, keepdims=True))
    return 2 * cells.logit_error + 2 * UNIT * gap + 2 * RELATIVE_ERROR + 8 * UNIT


def _positive(cells: Cells, terms: _Terms) -> np.ndarray:
    """Whether the lower bound of `M` in `taylor_rule` is positive definite at all corners, after every margin."""
    n, half = cells.law.coordinates, cells.half
    squares = cells.reach[:, None]
    across = np.sqrt(squares) * UP
    g, d, slope = terms.weight, terms.vector, terms.slope
    lengths = np.sqrt((d**2).sum(-1)) * UP + terms.vector_error
    slopes = np.sqrt((slope**2).sum(-1)) * UP + terms.vector_error
    turn, bend = np.abs(terms.turn) + terms.level_error, np.abs(terms.bend) + terms.level_error
    low = terms.level - terms.level_error

    reach = np.einsum("naj,nj->na", np.abs(slope), half) * UP + terms.vector_error * across + bend * squares / 2 * UP
    zeta = np.minimum(reach, _FAR)
    phi = _exponential_rest(zeta)
    negative = np.maximum(lengths**2 - low if terms.sigma > 0 else -low, 0.0)
    rest = phi * (negative + 2 * turn * lengths * across) + turn * lengths * bend * across**3
    if terms.sigma > 0:
        rest = rest + (1 + zeta + phi) * turn**2 * squares
    second = turn * lengths * slopes * squares

    # Terms that are not expanded: p_a A(s) >= -g_a max e^z (max |y|^2 - alpha)_+ I.
    highest = cells.highest(np.zeros(reach.shape), slope, terms.bend)
    highest = np.minimum(highest * (1 + 1e-12) + 4 * (terms.vector_error * across + terms.level_error * squares), reach)
    farthest = (lengths + turn * across) ** 2 * UP if terms.sigma > 0 else 0.0
    excess = np.maximum(farthest - low, 0.0)
    whole = np.where(excess > 0, exp_upper(np.maximum(highest, -600.0)), 0.0) * excess
    expanded = (reach <= _FAR) & (rest + second <= whole + np.maximum(terms.level, 0.0))
    kept = np.where(expanded, g, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):  # a weight that underflows times an infinite bound: not settled
        rho = (kept * rest + np.where(expanded, 0.0, g * whole)).sum(1) * (1 + 1e-6)
    rho = rho + _second_order(terms, kept, lengths, slopes, squares[:, 0])
    rho = np.where(np.isfinite(rho), rho, 1e300)

    # Errors of the corner matrices, in norm, term by term: relative ones of the weights and of the roundings, absolute
    # ones of alpha, d, l, c, k.
    sizes = np.abs(terms.level) + lengths**2
    parts = (1 + reach + bend * squares) * sizes + 2 * turn * lengths * across
    relative = terms.weight_error + (2 * g.shape[1] + 8 * n + 128 + 64 * (n + 2) ** 2) * UNIT
    absolute = (1 + reach + bend * squares) * (4 * lengths * terms.vector_error + terms.level_error)
    absolute = absolute + (terms.vector_error * across + terms.level_error * squares) * sizes
    absolute = absolute + 2 * across * (turn * terms.vector_error + terms.level_error * lengths)
    margin = 2 * (kept * (relative * parts + absolute)).sum(1) + 1e-290

    flat = kept * terms.level
    identity = np.eye(n)
    constant = flat.sum(1)[:, None, None] * identity - terms.sigma * np.einsum("na,nai,naj->nij", kept, d, d)
    bent = kept * terms.bend
    curved = (bent * terms.level).sum(1)[:, None, None] * identity
    curved = curved - terms.sigma * np.einsum("na,nai,naj->nij", bent, d, d)
    weighted = kept[..., None] * slope
    linear = np.einsum("nal,na->nl", weighted, terms.level)[:, :, None, None] * identity
    linear = linear - terms.sigma * np.einsum("nal,nai,naj->nlij", weighted, d, d)
    pull = terms.sigma * np.einsum("na,nai->ni", kept * terms.turn, d)
    outer = np.einsum("ni,lj->nlij", pull, identity)
    linear = linear + outer + outer.swapaxes(-1, -2)
    fine = np.ones(len(g), dtype=bool)
    base = constant - (rho + margin)[:, None, None] * identity
    for corner in corners(n):
        matrix = base + np.einsum("nlij,nl->nij", linear, half * corner)
        fine &= is_positive(matrix)
        fine &= is_positive(matrix - squares[:, :, None] / 2 * curved)
    return fine


def _second_order(
    terms: _Terms, kept: np.ndarray, lengths: np.ndarray, slopes: np.ndarray, squares: np.ndarray
) -> np.ndarray:
    """`rho_2`: in general `|(l.s)(d s^T + s d^T)| <= 2 |l| |d| |s|^2`. For `-J` `d = l`: with `C = sum g c d d^T`
    the sum is `C s s^T + s s^T C >= -(tr C_+ / 4 + 2 tr C_-) |s|^2`, because for a unit vector `e` twice
    `(s.e)(e.C s) >= (s.C s - |s||C s|)`, which is at least `-|C||s|^2/4` if `C >= 0` (then `|C s|^2 <= |C| s.C s`)."""
    if terms.sigma < 0:
        return 2 * (kept * (np.abs(terms.turn) + terms.level_error) * lengths * slopes).sum(1) * squares * UP
    positive = np.maximum(terms.turn, 0.0) + terms.level_error
    negative = np.maximum(-terms.turn, 0.0) + terms.level_error
    return (kept * lengths**2 * (positive / 4 + 2 * negative)).sum(1) * squares * (1 + 1e-6)


def _exponential_rest(z: np.ndarray) -> np.ndarray:
    """Upper bound of `e^z - 1 - z`, `0 <= z < 2`: `z^2/2 / (1 - z/3)`, since `z^n/n! <= z^2/2 (z/3)^{n-2}`."""
    return z * z / 2 / (1 - z / 3) * (1 + 1e-12)


__all__ = ["taylor_rule"]
