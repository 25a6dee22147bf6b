"""The reasons for which one cell of a covering is settled (proofs/sharp.md), vectorised over cells.

All arithmetic is float64; every quantity that must not be underestimated carries a margin derived from the standard
model of rounding (unit roundoff `u = 2^-53`), so that a settled cell is a proved one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.enclosure.suprema.exponential import RELATIVE_ERROR, exp_float, exp_remainder, exp_upper
from certflow.enclosure.suprema.margins import LN2_DOWN, UP, is_positive, mass_times
from certflow.enclosure.suprema.tasks import Boxes, Cones, Task, Threshold
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.floats import UNIT

#: How many of the leading points of a cell are tried as second point of a pair.
_CANDIDATES = 4


@dataclass(frozen=True)
class PairReasons:
    """Whether the pair rule settles each cell, with the pair that comes closest."""

    settled: Flags
    first: Indices
    second: Indices


def pair_rule(task: Task, cells: Boxes | Cones, threshold: Threshold) -> PairReasons:
    """Pair rule: with `b = (a_i + a_j)/2`, `q = |a_i - a_j|^2/4 <= tau`, `p_k <= U_k (p_i + p_j)` on the cell,

        sum_{k != i,j} U_k (|a_k - b|^2 - tau)_+ / max(tau - (e.(a_k - b))^2, tau - q) <= 1

    implies `M >= 0` (`i = j` allowed: `q = 0`). It contains the mass-concentration screen (`tau - q`) and the slab
    lemma (`tau = q`), holds on cones that run to infinity, and needs no evaluation inside the cell.
    `U_k` is the least of three suprema of affine functions: `p_k/p_i`, `p_k/p_j`, `p_k/(2 sqrt(p_i p_j))`.
    """
    members = task.members
    logits = cells.logits()[:, members]
    order = np.argsort(-logits, axis=1)[:, : min(_CANDIDATES, len(members))]
    first = members[order[:, 0]]
    candidates = members[order]  # (N, C): the first of them pairs the leading point with itself
    tau = cells.thresholds(threshold)[1]
    total = np.empty(candidates.shape)
    own = _ratio(task, cells, first)
    for column in range(candidates.shape[1]):
        total[:, column] = _pair_total(task, cells, tau, first, candidates[:, column], own)
    best = total.argmin(1)
    rows = np.arange(len(first))
    return PairReasons(total[rows, best] <= 1, first, candidates[rows, best])


def _ratio(task: Task, cells: Boxes | Cones, reference: Indices) -> Floats:
    """Upper bounds of `log(p_k / p_i)` over each cell for the members, shape (N, K)."""
    members = task.members
    constant = task.offset[members] - task.offset[reference][:, None]
    return cells.supremum(constant, task.tilt[members] - task.tilt[reference][:, None])


def _pair_total(task: Task, cells: Boxes | Cones, tau: Floats, first: Indices, second: Indices, own: Floats) -> Floats:
    """The left side of the pair rule, rounded up; infinite where the rule says nothing."""
    members = task.members
    middle = (task.offset[first] + task.offset[second])[:, None] / 2
    direction = (task.tilt[first] + task.tilt[second])[:, None] / 2
    mixed = cells.supremum(task.offset[members] - middle, task.tilt[members] - direction) - LN2_DOWN
    mixed[first == second] = np.inf  # p_i alone, not p_i + p_i
    exponent = np.minimum(np.minimum(own, _ratio(task, cells, second)), mixed)
    paired = (members == first[:, None]) | (members == second[:, None])
    masses = np.where(paired, 0.0, exp_upper(exponent))
    total = _weighted(task, tau, first, second, members, masses)
    if task.budget:  # p_k <= budget (sum of the members) <= budget (p_i + p_j) (1 + sum of the U)
        share = task.budget * (1 + masses.sum(1)) * UP
        outside = np.broadcast_to(share[:, None], (len(tau), len(task.outside)))
        total = total + _weighted(task, tau, first, second, task.outside, outside)
    return total


def _weighted(task: Task, tau: Floats, first: Indices, second: Indices, others: Indices, masses: Floats) -> Floats:
    """`sum_k U_k x_k` over `others`, rounded up; infinite where `q > tau` or a needed denominator is not positive."""
    geometry, slack = task.geometry, task.slack
    centre = (geometry[first] + geometry[second]) / 2
    half = (geometry[second] - geometry[first]) / 2
    deviation = geometry[others] - centre[:, None]
    q = (half**2).sum(1)
    excess = np.maximum((deviation**2).sum(2) - tau[:, None] + slack, 0.0)
    along = np.einsum("nkj,nj->nk", deviation, half) ** 2 / np.where(q > 0, q, 1.0)[:, None]
    room = np.repeat((tau - q - slack)[:, None], len(others), axis=1)
    # The quotient `along` is within 8 slack of the exact one only where q is not itself of the size of the slack.
    usable = q > 64 * slack
    room[usable] = np.maximum(room[usable], tau[usable, None] - along[usable] - 8 * slack)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        terms = np.where((excess > 0) & (masses > 0), np.where(room > 0, masses * excess / room, np.inf), 0.0)
    return np.where(q + slack * (q > 0) <= tau, terms.sum(1) * UP, np.inf)


def taylor_rule(task: Task, cells: Boxes | Cones, threshold: Threshold) -> tuple[Flags, Floats]:
    """Taylor rule: with `b` the mean at a point `c` of the cell, `delta_k = a_k - b`, `z_k = (t_k - mean).(y - c)`,

        tau I - sum_k g_k (1 + z_k) delta_k delta_k^T >= rho I   at every vertex of the (bounded) cell,
        rho = sum_k g_k (e^{zeta_k} - 1 - zeta_k) (|delta_k|^2 - tau)_+,   |z_k| <= zeta_k on the cell,

    implies `M >= 0` on the cell: the left side is affine in `y`, so its vertices decide, and the rest of `e^z` is
    nonnegative and meets `tau I - delta delta^T >= -(|delta|^2 - tau)_+ I`.

    Returns whether each cell is settled, and `lambda_max Cov / tau` at the points `c` (not rigorous, to find
    counterexamples).
    """
    members = task.members
    tilt, geometry = task.tilt[members], task.geometry[members]
    logits = cells.logits()[:, members]
    logits = logits - logits.max(1, keepdims=True)
    weights = exp_float(logits)
    weights /= weights.sum(1, keepdims=True)
    mean = weights @ geometry
    deviation = geometry - mean[:, None]
    statistic = tilt - (weights @ tilt)[:, None]
    squares = (deviation**2).sum(2)
    covariance = np.einsum("nk,nki,nkj->nij", weights, deviation, deviation)
    level, lowest = cells.thresholds(threshold)
    excess = np.linalg.eigvalsh(covariance)[:, -1] / level

    vertices = cells.vertices()
    steps = np.einsum("nkj,nvj->nvk", statistic, vertices)
    reach = np.abs(steps).max(1) * UP + cells.error[:, None]
    slack = task.slack
    surplus = np.maximum(squares - lowest[:, None] + slack, 0.0)
    # g_k e^{zeta_k} <= exp(l_k + zeta_k), l_k the logit relative to the largest: large reach meets small weight.
    raised = exp_upper(logits + reach + 4 * cells.error[:, None])
    remainder = np.where(reach < 2.0, weights * exp_remainder(reach), raised)
    rho = mass_times(remainder, surplus)
    if task.budget:
        lengths = ((task.geometry[task.outside] - mean[:, None]) ** 2).sum(2)
        outside = np.maximum(lengths - lowest[:, None] + slack, 0.0)
        # sum_k g_k e^{z_k} is at most the sum of `raised` on the cell
        rho = rho + mass_times((task.budget * raised.sum(1))[:, None], outside)
    # Every term of the matrix at a vertex is a product of at most m + 8 rounded factors; a weight is off by the error
    # of its logit, of the exponential and of the sum; a deviation by the slack. All of it, in operator norm:
    relative = 4 * cells.error + 4 * RELATIVE_ERROR + (3 * len(members) + 4 * tilt.shape[1] + 64) * UNIT
    scale = (weights * (1 + reach)).sum(1)
    sizes = (weights * (1 + reach) * (lowest[:, None] + squares)).sum(1)
    dimension = geometry.shape[1]
    margin = 4 * relative * sizes + 4 * scale * slack + 64 * (dimension + 2) ** 2 * UNIT * sizes
    settled = (excess < 1) & (rho + margin < level)  # elsewhere it is hopeless
    rows = np.flatnonzero(settled)
    if len(rows):
        ramp = np.zeros(tilt.shape[1])
        if task.interval is not None:
            ramp[-1] = threshold.slope
        heights = (level - rho - margin)[rows, None] + vertices[rows] @ ramp
        spokes = deviation[rows]
        outer = (weights[rows, :, None] * spokes)[..., None] * spokes[:, :, None]
        moved = np.einsum("nvk,nkij->nvij", steps[rows], outer)
        matrices = heights[..., None, None] * np.eye(dimension) - covariance[rows, None] - moved
        fine = is_positive(matrices.reshape(-1, dimension, dimension)).reshape(heights.shape)
        settled[rows] = fine.all(1)
    return settled, excess
