"""Where the rate is large, in float64, and the covering that proves that it is nowhere larger (kind "isotropic")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.enclosure.suprema.cover import Budget, Exhausted, grow
from certflow.enclosure.suprema.isotropic.cells import Cells, Level, group_rule, pair_rule, screen_rule
from certflow.enclosure.suprema.isotropic.law import IsotropicLaw, Pairs
from certflow.enclosure.suprema.isotropic.taylor import taylor_rule
from certflow.enclosure.suprema.trees import Tree
from certflow.errors import CertflowError
from certflow.numbers.arrays import Flags, Floats

_ASCENTS = 10
_CLOUD = 400
#: Boxes handled at a time, which bounds the memory.
_CHUNK = 8192


class LargerValue(CertflowError):
    """A point at which the rate exceeds the threshold (found in float64, to be confirmed)."""

    def __init__(self, point: Floats):
        super().__init__("a larger value")
        self.point = point


@dataclass(frozen=True)
class Peak:
    """A large value of `lambda_max(side (-J))` and its place in the law's frame."""

    value: float
    point: Floats
    side: int


def rates(law: IsotropicLaw, points: Floats, side: int) -> Floats:
    """`lambda_max(-J)` (`side` +1) or `lambda_max(J)` (-1) at points of the frame, shape (N,)."""
    _, deviation, quad, gamma = _moments(law, points)
    eigenvalues = np.linalg.eigvalsh(np.einsum("nk,nki,nkj->nij", gamma, deviation, deviation))
    if side > 0:
        return eigenvalues[:, -1] - quad
    return quad - (0.0 if law.idle else eigenvalues[:, 0])


def _moments(law: IsotropicLaw, points: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    fields = law.tilt - law.quad[:, None] * points[:, None, :]
    logits = law.offset + points @ law.tilt.T - law.quad * (points**2).sum(1)[:, None] / 2
    gamma = np.exp(logits - logits.max(1, keepdims=True))
    gamma /= gamma.sum(1, keepdims=True)
    return fields, fields - np.einsum("nk,nkj->nj", gamma, fields)[:, None], gamma @ law.quad, gamma


def _gradient(law: IsotropicLaw, point: Floats, side: int) -> tuple[float, Floats]:
    """`lambda = -sum gamma q + e.Cov e` and `sum gamma [(e.delta)^2 - q] delta - 2 (sum gamma q e.delta) e`, since
    `grad gamma_k = gamma_k delta_k` and `grad u_k = -q_k I` (of a simple eigenvalue)."""
    _, deviations, quad, weights = _moments(law, point[None])
    delta, gamma = deviations[0], weights[0]
    values, vectors = np.linalg.eigh((gamma[:, None] * delta).T @ delta)
    if side < 0 and law.idle:
        return float(quad[0]), (gamma * law.quad) @ delta
    e = vectors[:, -1] if side > 0 else vectors[:, 0]
    along = delta @ e
    value = (values[-1] if side > 0 else values[0]) - quad[0]
    slope = (gamma * (along**2 - law.quad)) @ delta - 2 * (gamma * law.quad * along).sum() * e
    return side * float(value), side * slope


def ascend(law: IsotropicLaw, start: Floats, side: int) -> Peak:
    """Local maximisation of one side from one point, in units of the widest and narrowest deviations."""
    from scipy.optimize import minimize

    best = Peak(float(rates(law, start[None], side)[0]), start, side)
    deviations = 1 / np.sqrt(1 + law.quad)
    size = max(abs(best.value), 1e-3 * float(np.abs(law.quad).max()), 1e-300)
    for scale in (deviations.min(), deviations.max(), 16 * deviations.max()):
        base = best.point

        def negative(step: Floats, base: Floats = base, scale: float = scale) -> tuple[float, Floats]:
            value, slope = _gradient(law, base + scale * step, side)
            return -value / size, -scale * slope / size

        found = minimize(negative, 0 * base, jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 200})
        point = base + scale * found.x
        value = float(rates(law, point[None], side)[0])
        if np.isfinite(value) and value > best.value:
            best = Peak(value, point, side)
    return best


def propose(law: IsotropicLaw, pairs: Pairs, side: int, seed: int = 0) -> Peak:
    """The largest value reached from the best of many points: around the components and on the pairs' peak spheres.

    The pair's largest eigenvalue is largest on the sphere `|u_i - u_j| = reach` (a plane for equal variances), whose
    radius may be far beyond the means; clouds of points are moved onto it.
    """
    rng = np.random.default_rng([seed, law.size, law.coordinates])
    cloud = _cloud(law, rng)
    groups = [cloud]
    for i in range(law.size):
        for j in range(i):
            groups += _on_peak(law, pairs, i, j, cloud)
    points = np.concatenate(groups)
    points = points[np.isfinite(points).all(1)]
    values = rates(law, points, side)
    chosen: list[int] = []
    for index in np.argsort(-values):
        near = [abs(values[index] - values[other]) < 1e-3 * max(abs(values[other]), 1e-300) for other in chosen]
        if not any(near):
            chosen.append(int(index))
        if len(chosen) == _ASCENTS:
            break
    return max((ascend(law, points[index], side) for index in chosen), key=lambda peak: peak.value)


def _cloud(law: IsotropicLaw, rng: np.random.Generator) -> Floats:
    """Points around the means `m mu_k = tau_k / P_k` at the scales of all deviations, and some far away."""
    precision = 1 + law.quad
    means = law.tilt / precision[:, None]
    which = rng.integers(law.size, size=_CLOUD)
    scale = 1 / np.sqrt(precision[rng.integers(law.size, size=_CLOUD)])
    steps = rng.normal(size=(_CLOUD, law.coordinates))
    near = means[which] + steps * (scale * rng.choice([0.3, 1.0, 3.0, 10.0, 100.0], size=_CLOUD))[:, None]
    between = (means[:, None] + means[None]).reshape(-1, law.coordinates) / 2
    return np.concatenate([means, between, near])


def _on_peak(law: IsotropicLaw, pairs: Pairs, i: int, j: int, cloud: Floats) -> list[Floats]:
    """The cloud moved onto the peak set of a pair along the difference `u_i - u_j`, both ways."""
    kappa, tilt = law.quad[i] - law.quad[j], law.tilt[i] - law.tilt[j]
    if kappa == 0:
        constant = law.offset[i] - law.offset[j]
        return [cloud - ((constant + cloud @ tilt) / (tilt @ tilt))[:, None] * tilt]
    difference = tilt - kappa * cloud  # -kappa (x - c)
    length = np.sqrt((difference**2).sum(1))[:, None]
    unit = difference / np.where(length > 0, length, 1.0)
    reach = pairs.reach(i, j)
    return [cloud + (difference - sign * reach * unit) / kappa for sign in (1, -1)]


def cover(law: IsotropicLaw, pairs: Pairs, level: Level, radius: float, budget: Budget) -> Tree:
    """Settle the cube `|x|_inf <= radius` of the frame, or raise `Exhausted` or `LargerValue`.

    Reasons: "P" (pair rule), "W" (group rule), "S" (screen rule), "T" (Taylor rule).
    """
    n = law.coordinates

    def settle(centre: Floats, half: Floats) -> list[str | None]:
        reasons: list[str | None] = []
        for start in range(0, len(centre), _CHUNK):
            budget.spend(0)  # watches the clock
            reasons += _reasons(Cells(law, centre[start : start + _CHUNK], half[start : start + _CHUNK]), pairs, level)
        return reasons

    root = np.zeros((1, n)), np.full((1, n), radius)
    return grow(root, settle, lambda _, half: half.argmax(1), budget, 400)


def _reasons(cells: Cells, pairs: Pairs, level: Level) -> list[str | None]:
    reasons: list[str | None] = [None] * len(cells)
    if level.side > 0:
        _mark(reasons, pair_rule(cells, pairs, level), "P")
        _mark(reasons, group_rule(cells, level), "W")
    else:
        _mark(reasons, screen_rule(cells, level), "S")
    left = np.array([index for index, reason in enumerate(reasons) if reason is None], dtype=int)
    if len(left):
        fine, values = taylor_rule(cells[left], level)
        if values.max() > level.value:
            raise LargerValue(cells.centre[left[values.argmax()]])
        for index in left[fine]:
            reasons[index] = "T"
    return reasons


def _mark(reasons: list[str | None], settled: Flags, reason: str) -> None:
    for index in np.flatnonzero(settled):
        reasons[index] = reasons[index] or reason


__all__ = ["Exhausted", "LargerValue", "Peak", "ascend", "cover", "propose", "rates"]
