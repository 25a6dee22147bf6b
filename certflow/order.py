"""Does a global Lipschitz bound exist? Exact decisions about the covariances (THEORY L8).

For two components the supremum over all `x` is finite iff the covariances are equal, or `Sigma_1 - Sigma_2` is
semidefinite and `mu_1 - mu_2` lies in its range; the condition does not depend on `t` (proofs/L8.md). For more
components the same condition on every pair is sufficient, and a pair that violates it does no harm if a third
component dominates it (`certflow.domination`); a direction in which the two are strictly the least damped proves
that no bound exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.domination import Domination, find_domination
from certflow.exact import ExactArray
from certflow.geometry import in_range, inertia
from certflow.mixture import GaussianMixture


@dataclass(frozen=True)
class Group:
    """Components of one covariance: their indices; `exact` is the covariance, shape () or (d, d)."""

    indices: tuple[int, ...]
    exact: ExactArray

    @property
    def covariance(self) -> Any:
        """The exact entries: a number, or an array of shape (d, d)."""
        return self.exact.values if self.exact.shape else self.exact.values[()]


@dataclass(frozen=True)
class Obstruction:
    """A pair of components whose tie set lets the Jacobian grow.

    `growth` is "quadratic" or "linear" in `|x|`; `proved` tells whether the supremum is known to be
    infinite (then `direction` is the direction of growth), or only not known to be finite.
    """

    pair: tuple[int, int]
    growth: str
    proved: bool
    direction: tuple[float, ...] | None
    reason: str


def groups(mixture: GaussianMixture) -> tuple[Group, ...]:
    """The components grouped by equal covariance, exactly, in order of first appearance."""
    cached = mixture.__dict__.get("_groups")
    if cached is None:
        cached = _groups(mixture)
        mixture.__dict__["_groups"] = cached
    return cached


def _groups(mixture: GaussianMixture) -> tuple[Group, ...]:
    values = mixture.exact_covariances.values
    everyone = tuple(range(mixture.n_components))
    if mixture.kind in ("common-isotropic", "shared"):
        return (Group(everyone, mixture.exact_covariances),)
    table: dict[Any, list[int]] = {}
    for k in everyone:
        entry = values[k] + 0.0 if mixture.exact_covariances.is_binary else values[k]  # -0.0 is 0.0
        key = entry.tobytes() if getattr(entry, "dtype", None) == np.float64 else _hashable(entry)
        table.setdefault(key, []).append(k)
    return tuple(Group(tuple(members), ExactArray(values[members[0]])) for members in table.values())


def _hashable(entry: Any) -> Any:
    return tuple(entry.ravel()) if isinstance(entry, np.ndarray) else entry


def obstruction(mixture: GaussianMixture, t: float) -> Obstruction | None:
    """None where a global bound exists; else the pair of components that stands against it."""
    found = unordered(mixture)
    if not found:
        return None
    for pair, growth, reason in found:
        direction = _strict_direction(mixture, pair, growth, t)
        if direction is not None:
            return Obstruction(pair, growth, True, tuple(float(c) for c in direction), reason)
    pair, growth, reason = found[0]
    return Obstruction(pair, growth, mixture.n_components == 2, None, reason)


def unordered(mixture: GaussianMixture) -> list[tuple[tuple[int, int], str, str]]:
    """The pairs for which no bound is known, with the growth and the reason, whatever the time."""
    if mixture.kind != "full":
        return []
    cached = mixture.__dict__.get("_unordered")
    if cached is None:
        cached = _unordered_pairs(mixture)
        mixture.__dict__["_unordered"] = cached
    return cached


def domination(mixture: GaussianMixture, a: Group, b: Group) -> Domination | None:
    """A component outside two groups of different covariance that dominates their pairs, if there is one."""
    cache = mixture.__dict__.setdefault("_dominations", {})
    key = (a.indices[0], b.indices[0])
    if key not in cache:
        cache[key] = find_domination(mixture, *key)
    return cache[key]


def is_ordered(mixture: GaussianMixture, a: Group, b: Group) -> bool:
    """Whether the covariances are semidefinite-ordered with the differences of means in the range."""
    cache = mixture.__dict__.setdefault("_order", {})
    key = (a.indices[0], b.indices[0])
    if key not in cache:
        cache[key] = _ordered(mixture, a, b) is None
    return cache[key]


def _unordered_pairs(mixture: GaussianMixture, limit: int = 50) -> list[tuple[tuple[int, int], str, str]]:
    found: list[tuple[tuple[int, int], str, str]] = []
    family = groups(mixture)
    for a in range(len(family)):
        for b in range(a + 1, len(family)):
            verdict = _ordered(mixture, family[a], family[b])
            if verdict is not None and domination(mixture, family[a], family[b]) is None:
                found.append(verdict)
                if len(found) >= limit:
                    return found
    return found


def _ordered(mixture: GaussianMixture, a: Group, b: Group) -> tuple[tuple[int, int], str, str] | None:
    difference = _difference(a, b)
    positive, negative, zero = signature(difference)
    pair = (a.indices[0], b.indices[0])
    if positive and negative:
        return pair, "quadratic", f"Sigma_{pair[0]} - Sigma_{pair[1]} is indefinite"
    if not zero:
        return None
    matrix = difference.fractions
    means = mixture.exact_means.fractions
    for i in a.indices:
        for j in b.indices:
            if not in_range(matrix, means[i] - means[j]):
                reason = f"mu_{i} - mu_{j} lies outside the range of Sigma_{i} - Sigma_{j}"
                return (i, j), "linear", reason
    return None


def _difference(a: Group, b: Group) -> ExactArray:
    return ExactArray(a.exact.fractions - b.exact.fractions)


def signature(matrix: ExactArray) -> tuple[int, int, int]:
    """Numbers of positive, negative and zero eigenvalues: by floats where these leave no doubt, else exactly."""
    floats = matrix.floats
    scale = float(np.abs(floats).max())
    if scale == 0:
        return (0, 0, len(floats))
    eigenvalues = np.linalg.eigvalsh(floats / scale)
    margin = 1e-10 * len(floats)
    if (np.abs(eigenvalues) > margin).all():
        return (int((eigenvalues > 0).sum()), int((eigenvalues < 0).sum()), 0)
    if eigenvalues[0] < -margin and eigenvalues[-1] > margin:
        return (1, 1, 0)  # indefinite is all that matters
    return inertia(matrix.fractions)


def sorted_pair(a: Group, b: Group) -> tuple[Group, Group, np.ndarray]:
    """The pair as (narrower, wider) with the exact matrix `Sigma_wider - Sigma_narrower >= 0`."""
    difference = ExactArray(-_difference(a, b).fractions)
    if signature(difference)[0]:
        return a, b, difference.fractions
    return b, a, -difference.fractions


def _strict_direction(
    mixture: GaussianMixture, pair: tuple[int, int], growth: str, t: float, tries: int = 2000
) -> np.ndarray | None:
    """A unit direction in which the covariances of components i and j tie and are strictly the least damped.

    Along `s theta`, `log gamma_k` decreases like `-s^2 theta^T P_k theta / 2`, so strict minimality leaves the
    two groups of equal covariance alone on their tie set far out, where `|b_i - b_j|` grows (proofs/L8.md).
    Where the growth is linear, of each group the component with the largest `theta^T P mu` remains, and the
    difference of those two must have the sign that lets the quadratic term balance it.
    """
    family = groups(mixture)
    first, second = (next(g for g in family if k in g.indices) for k in pair)
    i, j = pair
    m2 = np.exp(-2 * t)
    precisions = np.linalg.inv(m2 * mixture.covariances - np.expm1(-2 * t) * np.eye(mixture.dimension))
    # P_i - P_j = m^2 P_i (Sigma_j - Sigma_i) P_j: no cancellation where the two nearly agree.
    difference = _difference(second, first)
    scaled = difference.floats / np.abs(difference.floats).max()
    gap = precisions[i] @ scaled @ precisions[j]
    values, vectors = np.linalg.eigh((gap + gap.T) / 2)
    rng = np.random.default_rng(0)
    if growth == "linear":
        nullity = signature(difference)[2]
        basis = vectors[:, np.argsort(np.abs(values))[:nullity]]
        sign = np.sign(values[np.argmax(np.abs(values))])
        pulls = [mixture.means[list(g.indices)] @ precisions[g.indices[0]] for g in (first, second)]
    others = precisions[[g.indices[0] for g in family if g not in (first, second)]]
    for attempt in range(tries):
        if growth == "linear":
            theta = basis @ rng.standard_normal(basis.shape[1])
            rise = [float((pull @ theta).max()) for pull in pulls]
            if not (rise[0] - rise[1]) * sign > 1e-12 * np.abs(rise).max():
                continue
        else:
            theta = _null_direction(values, vectors, rng, extreme=attempt == 0)
        theta = theta / np.linalg.norm(theta)
        damping = theta @ precisions[i] @ theta
        if (np.einsum("i,kij,j->k", theta, others, theta) > damping * (1 + 1e-9)).all():
            return theta
    return None


def _null_direction(values: np.ndarray, vectors: np.ndarray, rng: Any, extreme: bool) -> np.ndarray:
    """A direction on the cone `theta^T (P_i - P_j) theta = 0` of an indefinite difference."""
    if extreme:
        up, down = np.zeros(len(values)), np.zeros(len(values))
        up[-1] = down[0] = 1.0
    else:
        draw = rng.standard_normal(len(values))
        up, down = np.where(values > 0, draw, 0), np.where(values < 0, draw, 0)
    rise, fall = (values * up**2).sum(), -(values * down**2).sum()
    return vectors @ (up / np.sqrt(rise) + rng.choice([-1, 1]) * down / np.sqrt(fall))
