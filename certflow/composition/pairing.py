"""Lower confidence bounds of the means that a symmetry gives (proofs/M2.md).

    E Y,    Y = ( |Q (Phi(X) - c_s)| - B |Q (X - c_T)| )_+^2,    X ~ p_T,    I - 2 Q about the centre a symmetry.

For `Q = n n^T`, `Y > 0` only near the hyperplane, where few draws of `p_T` lie: with `X'` the draw whose coordinate
along `n` is uniform on `(0, h)` instead, `E Y >= E [ 2 h p_T(X' | coordinates across n) Y(X') ]`, by the symmetry.
A second bound from below, `min(Y, cap)`, makes the summands bounded, so that the Chernoff-Hoeffding bound is rigorous
for independent draws: `P( KL(mean, E) > log(1/(1 - level)) / n, mean > E ) <= 1 - level`. `h` and the cap are from
draws of their own. What is taken for granted: draws of NumPy's generator, and the accuracy of the ODE solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from certflow.law.noised import Process, noised
from certflow.law.symmetry import Symmetry
from certflow.numbers.arrays import Floats, Points

#: Draws that choose where to look, and the relative tolerance of the ODE solver.
PILOT, RTOL = 256, 1e-6


def lower_confidence(mean: float, count: int, level: float) -> float:
    """The `mu <= mean` with `count KL(mean, mu) = log(1/(1 - level))`, `KL` of coins (Hoeffding 1963, theorem 1).

    With probability `level` or more at most the expectation of the mean of `count` independent numbers in [0, 1].
    """
    from scipy.optimize import brentq
    from scipy.special import rel_entr

    limit = -math.log1p(-level) / count

    def short(mu: float) -> float:
        return float(rel_entr(mean, mu) + rel_entr(1 - mean, 1 - mu)) - limit

    least = 1e-300
    if mean <= least or short(least) <= 0:
        return 0.0
    return float(brentq(short, least, mean, xtol=1e-300, rtol=1e-12)) * (1 - 1e-11)


@dataclass(frozen=True)
class _Plan:
    """How the mean of one projector is estimated.

    normal : of the hyperplane, None for a projector of another rank;  reach : `h`;  cap : of the summands
    mean : what the pilot draws gave
    """

    projector: Floats
    normal: Floats | None
    reach: float
    cap: float
    mean: float


class Pairing:
    """The means of one process and budget; `centre` is that of the data law, shape (d,)."""

    def __init__(self, process: Process, budget: float, centre: Floats, seed: int):
        self.process, self.budget = process, budget
        self.rng = np.random.default_rng([seed, 2])
        self.start, self.end = (math.exp(-t) * centre for t in (process.t_max, process.t_min))
        self.pilot = self._draws(PILOT)
        self.image = self._flow(self.pilot)

    def bound(self, families: list[Symmetry], samples: int, level: float) -> tuple[float, Symmetry]:
        """A lower confidence bound of `sum_j E Y_j` for the family that pilot draws say is the best one."""
        families = _finest(families)
        plans = [[self._plan(projector) for projector in family.projectors] for family in families]
        best = max(range(len(families)), key=lambda i: (sum(plan.mean for plan in plans[i]), len(plans[i])))
        each = 1 - (1 - level) / len(plans[best])  # all of them hold together with the level asked for
        total = 0.0
        for plan in plans[best]:
            if plan.cap > 0:
                values = np.minimum(self._values(plan, samples)[0] / plan.cap, 1.0)
                total += plan.cap * lower_confidence(float(values.mean()), samples, each)
        return total, families[best]

    def _plan(self, projector: Floats) -> _Plan:
        if round(float(np.trace(projector))) > 1:
            values = self._excess(projector, self.pilot, self.image)
            return _Plan(projector, None, math.inf, float(values.max()), float(values.mean()))
        normal = projector[np.argmax(np.diag(projector))]
        normal = normal / np.linalg.norm(normal)
        widest = float(np.abs((self.pilot - self.start) @ normal).max())
        reach = min(float(np.abs((self.image - self.end) @ normal).max()) / self.budget, widest)
        values, places = self._values(_Plan(projector, normal, reach, 0.0, 0.0), PILOT)
        if not values.any():
            return _Plan(projector, normal, reach, 0.0, 0.0)
        nearer = min(reach, 1.05 * float(places[values > 0].max()))
        cap = float(values.max()) * nearer / reach
        return _Plan(projector, normal, nearer, cap, float(values.mean()))

    def _values(self, plan: _Plan, samples: int) -> tuple[Floats, Floats]:
        """Independent summands and their distances from the hyperplane, shape (samples,)."""
        x = self._draws(samples)
        if plan.normal is None:
            return self._excess(plan.projector, x, self._flow(x)), np.zeros(samples)
        places = plan.reach * self.rng.uniform(size=samples)
        moved = x + np.outer(places - (x - self.start) @ plan.normal, plan.normal)
        density = np.exp(self.process.log_density(moved, self.process.t_max) - self._log_across(moved, plan.normal))
        return 2 * plan.reach * density * self._excess(plan.projector, moved, self._flow(moved)), places

    def _excess(self, projector: Floats, x: Points, phi: Floats) -> Floats:
        before = np.linalg.norm((x - self.start) @ projector, axis=1)
        after = np.linalg.norm((phi - self.end) @ projector, axis=1)
        result: Floats = np.maximum(after - self.budget * before, 0) ** 2
        return result

    def _log_across(self, x: Points, normal: Floats) -> Floats:
        """`log int p_T(x + u n) du`: each component at its largest value on the line, times its width."""
        from scipy.special import logsumexp

        mixture, m = self.process.mixture, math.exp(-self.process.t_max)
        covariances = m * m * mixture.covariance_matrices + (1 - m * m) * np.eye(mixture.dimension)
        precisions = np.linalg.inv(covariances)
        y = x[:, None] - m * mixture.means
        pulled = precisions @ normal  # (K, d)
        stiffness = pulled @ normal
        squares = np.einsum("nki,kij,nkj->nk", y, precisions, y) - np.einsum("nki,ki->nk", y, pulled) ** 2 / stiffness
        logs = np.log(mixture.weights / mixture.weights.sum()) + np.linalg.slogdet(precisions)[1] / 2
        logs = logs - np.log(stiffness) / 2 - squares / 2
        result: Floats = logsumexp(logs, axis=1) - (mixture.dimension - 1) / 2 * math.log(2 * math.pi)
        return result

    def _draws(self, samples: int) -> Floats:
        """Points of `p_T`, shape (samples, d)."""
        start = self.process.mixture.sample(samples, int(self.rng.integers(2**31)))
        return noised(start, self.process.t_max, self.rng.standard_normal(start.shape))

    def _flow(self, x: Points) -> Floats:
        return np.asarray(self.process.flow(x, self.process.t_max, self.process.t_min, rtol=RTOL))


def _finest(families: list[Symmetry]) -> list[Symmetry]:
    """Without the point reflection where orthogonal reflections span as much: those give no less (proofs/M2.md)."""
    ranks = [round(float(np.trace(family.projectors.sum(0)))) for family in families]
    fine = {rank for family, rank in zip(families, ranks, strict=True) if len(family.projectors) == rank}
    return [
        family
        for family, rank in zip(families, ranks, strict=True)
        if len(family.projectors) == rank or rank not in fine
    ]
