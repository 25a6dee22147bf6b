"""Does a global Lipschitz bound exist? An exact decision about the parameters (proofs/L8.md).

`sup_x ||J(x, t)||` is finite, at one `t` and at every `t`, iff one covariance `Sigma_*` is the largest
(`Sigma_k <= Sigma_*` for all k) and for every other component k the projection of `mu_k` on
`ker(Sigma_* - Sigma_k)` lies in the convex hull of those of the means that belong to `Sigma_*`. Without a largest
covariance `||J||` grows like `|x|^2`, with one like `|x|`. All of it is decided in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Objects
from certflow.numbers.exact import ExactArray
from certflow.numbers.geometry import in_range, inertia, kernel
from certflow.numbers.hull import hull_position


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
class Existence:
    """The decision of L8, one of three.

    - finite: `weights[k]` gives, for every component k outside the group `largest`, convex weights on its members;
    - linear growth: `largest`, and the component `outside`, whose mean `direction` separates: `y.mu_k > y.mu_l` for
      every member l, `y` in the kernel of `Sigma_* - Sigma_k`;
    - quadratic growth: no `largest`; `crossed` are two groups whose difference is indefinite.
    """

    largest: Group | None
    weights: Mapping[int, Mapping[int, Fraction]] | None = None
    outside: int | None = None
    direction: Objects | None = None
    crossed: tuple[Group, Group] | None = None

    @property
    def finite(self) -> bool:
        return self.weights is not None

    @property
    def growth(self) -> str | None:
        """ "quadratic" or "linear" in `|x|`, None where the supremum is finite."""
        return None if self.finite else "quadratic" if self.largest is None else "linear"


def groups(mixture: GaussianMixture) -> tuple[Group, ...]:
    """The components grouped by equal covariance, exactly, in order of first appearance."""
    found: tuple[Group, ...] = mixture.kept[_groups]
    return found


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


def existence(mixture: GaussianMixture) -> Existence:
    """Whether `sup_x ||J(x, t)||` is finite, for a mixture of full covariances; the same for every `t > 0`."""
    found: Existence = mixture.kept[_existence]
    return found


def _existence(mixture: GaussianMixture) -> Existence:
    family = groups(mixture)
    # Sigma <= Sigma_* and Sigma != Sigma_* make the trace smaller: only the largest trace can be the largest matrix.
    largest = max(family, key=lambda group: np.trace(group.exact.fractions))
    others = [group for group in family if group is not largest]
    for group in others:
        if signature(difference(largest, group))[1]:
            return Existence(None, crossed=(largest, group))
    means = mixture.exact_means.fractions
    weights = {}
    for group in others:
        gap = difference(largest, group)
        basis = kernel(gap.fractions) if signature(gap)[2] else np.empty((0, mixture.dimension), dtype=object)
        seen = means @ basis.T
        for k in group.indices:
            members = _by_distance(mixture, largest.indices, k)
            position = hull_position(seen[members], seen[k])
            if position.weights is None:
                assert position.direction is not None
                return Existence(largest, outside=k, direction=position.direction @ basis)
            weights[k] = {member: share for member, share in zip(members, position.weights, strict=True) if share}
    return Existence(largest, weights=weights)


def _by_distance(mixture: GaussianMixture, indices: tuple[int, ...], k: int) -> list[int]:
    """Nearer means first, heavier components first among equals: any weights serve, those on near means serve best."""
    members = np.array(indices)
    means = np.ldexp(mixture.means, -1 - np.frexp(np.abs(mixture.means).max())[1])  # the scale changes no order
    squares = ((means[members] - means[k]) ** 2).sum(axis=1)
    result: list[int] = members[np.lexsort((-mixture.weights[members], squares))].tolist()
    return result


def is_ordered(mixture: GaussianMixture, a: Group, b: Group) -> bool:
    """Whether the covariances are semidefinite-ordered with the differences of means in the range."""
    return bool(mixture.kept[_ordered, a, b])


def _ordered(mixture: GaussianMixture, a: Group, b: Group) -> bool:
    gap = difference(a, b)
    positive, negative, zero = signature(gap)
    if positive and negative:
        return False
    means = mixture.exact_means.fractions
    return not zero or all(in_range(gap.fractions, means[i] - means[j]) for i in a.indices for j in b.indices)


def difference(a: Group, b: Group) -> ExactArray:
    """`Sigma_a - Sigma_b`, exactly."""
    return ExactArray(a.exact.fractions - b.exact.fractions)


def covariance_gap(mixture: GaussianMixture, a: Group, b: Group) -> ExactArray:
    """`difference(a, b)`, kept with the mixture."""
    found: ExactArray = mixture.kept[_difference, a, b]
    return found


def _difference(mixture: GaussianMixture, a: Group, b: Group) -> ExactArray:
    return difference(a, b)


def signature(matrix: ExactArray) -> tuple[int, int, int]:
    """Numbers of positive, negative and zero eigenvalues: by floats where these leave no doubt, else exactly."""
    exact = matrix.fractions
    scale = np.abs(exact).max()
    if scale == 0:
        return (0, 0, len(exact))
    floats = (exact / scale).astype(float)
    eigenvalues = np.linalg.eigvalsh(floats)
    margin = 1e-10 * len(floats)
    if (np.abs(eigenvalues) > margin).all():
        return (int((eigenvalues > 0).sum()), int((eigenvalues < 0).sum()), 0)
    if eigenvalues[0] < -margin and eigenvalues[-1] > margin:
        return (1, 1, 0)  # indefinite is all that matters
    return inertia(exact)


def sorted_pair(mixture: GaussianMixture, a: Group, b: Group) -> tuple[Group, Group, Objects]:
    """An ordered pair as (narrower, wider) with the exact matrix `Sigma_wider - Sigma_narrower >= 0`."""
    found: tuple[Group, Group, Objects] = mixture.kept[_sorted_pair, a, b]
    return found


def _sorted_pair(mixture: GaussianMixture, a: Group, b: Group) -> tuple[Group, Group, Objects]:
    gap = difference(b, a)
    if signature(gap)[0]:
        return a, b, gap.fractions
    return b, a, -gap.fractions
