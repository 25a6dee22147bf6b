"""Components beyond the largest covariance: what a pair of them can add to the Jacobian (L8; proofs/L8.md, 3).

With convex weights `beta_l` on the components l of the largest covariance, `mu(k) = sum_l beta_l mu_l` and
`mu_k - mu(k)` in the range of `Sigma_* - Sigma_k`, put `H_k = l_k - sum_l beta_l l_l`, `l` the logarithms of the
weighted densities. Then `gamma_k <= e^{H_k}`, and `H_k` is concave quadratic with Hessian `-A_k`,
`A_k = P_k - P_* >= 0`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from certflow.bounds.existence import Group, covariance_gap, difference, existence
from certflow.field.components import parameters
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arithmetic import Arithmetic
from certflow.numbers.arrays import Objects
from certflow.numbers.exact import ExactArray
from certflow.numbers.geometry import kernel, quadratic_pseudo_inverse

#: Up to this condition number of the differences of covariances, float64 can invert those of the precisions.
_CONDITION = 1e6


class GroupAt(Protocol):
    """A group of components at times `t`: `maps` are `P` and `Q`."""

    group: Group
    maps: Any


def precision_gap(mixture: GaussianMixture, arithmetic: Arithmetic, a: GroupAt, b: GroupAt, m2: Any) -> Any:
    """`P_a - P_b = m^2 P_a (Sigma_b - Sigma_a) P_b`, without cancellation, shape (T, d, d)."""
    gap = arithmetic.numbers(covariance_gap(mixture, b.group, a.group))
    product = a.maps.precision_matrices @ gap @ b.maps.precision_matrices
    return m2[:, None, None] * (product + product.swapaxes(-1, -2)) / 2


class Domination:
    """Bounds of `sup_x gamma_i gamma_j |b_i - b_j|^2` at times `t`, for a mixture that has a largest covariance.

    `|b_i - b_j| <= apart + |g|` with `|g|^2 <= 2 size v`, where v is the depth of H below its largest value `height`,
    and `gamma_i gamma_j <= min(1, e^{h - v}) / 4`, `h = height + ln 4`. By Minkowski's inequality the supremum is at
    most `(sqrt(size R / 2) + apart / 2)^2`, `R = max(h, e^{min(h, 1) - 1}) >= sup_v v min(1, e^{h - v})`. Two ways:

    - H the mean of `H_i` and `H_j`, `M` its negative Hessian, `A = P_i - P_j`: `apart` is `|b_i - b_j|` where H is
      largest, `size = ||A M^+ A||`;
    - without an inverse, each of the two from its own maximiser: `height` the mean of the two largest values,
      `size = 2 ||A_i + A_j||`, `apart = m |P_* (mu(i) - mu(j))|`.

    Of a pair with j in the largest group, H is `H_i`, and `size = ||A_i||` in the second way.
    """

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, family: list[Any], m2: Any, n2: Any):
        decision = existence(mixture)
        assert decision.largest is not None
        assert decision.weights is not None
        self.mixture, self.arithmetic = mixture, arithmetic
        self.m2, self.n2, self.m = m2, n2, arithmetic.sqrt(m2)
        self.largest: GroupAt = next(entry for entry in family if entry.group is decision.largest)
        self.weights = decision.weights
        self.log_weights = parameters(mixture, arithmetic).log_weights

    def spread(self, a: GroupAt, b: GroupAt) -> Any:
        """The sum of the bounds over the pairs with one component in each group, shape (T,)."""
        if a is self.largest:
            a, b = b, a
        below = [entry for entry in (a, b) if entry is not self.largest]
        gaps = [precision_gap(self.mixture, self.arithmetic, entry, self.largest, self.m2) for entry in below]
        size = self.arithmetic.eigenvalue_range(sum(gaps))[1] * len(below)
        inverse = self._inverse(below, sum(gaps) / len(gaps))
        across = precision_gap(self.mixture, self.arithmetic, a, b, self.m2)
        inner = None if inverse is None else self.arithmetic.eigenvalue_range(across @ inverse @ across)[1]
        total = 0 * self.m2
        for i in a.group.indices:
            for j in b.group.indices:
                pair = [(i, a), (j, b)]
                lower = pair[: len(below)]
                bound = _squared(self.arithmetic, size, self._height(lower), self._apart(i, j))
                if inverse is not None:
                    height, apart = self._at_maximiser(lower, pair, inverse, across)
                    bound = self.arithmetic.minimum(bound, _squared(self.arithmetic, inner, height, apart))
                total = total + bound
        return total

    def _inverse(self, below: list[GroupAt], matrix: Any) -> Any:
        """`(M + E)^{-1}`, `E = Y (Y^T C_* Y)^{-1} Y^T` with `C_* Y` the kernel of M: an inverse of M on its range.

        None where the exact differences of covariances tell that float64 might not see the smallest eigenvalue.
        """
        basis: Objects | None = self.mixture.kept[_trusted_kernel, self.largest.group, *(e.group for e in below)]
        if basis is None:
            return None
        if len(basis):
            y = self.arithmetic.numbers(ExactArray(basis))
            covariance = self.arithmetic.numbers(self.largest.group.exact)
            noised = self.m2[:, None, None] * (y @ covariance @ y.T) + self.n2[:, None, None] * (y @ y.T)
            matrix = matrix + y.T @ self.arithmetic.inverse_logdet(noised)[0] @ y
        inverse = self.arithmetic.inverse_logdet(matrix)[0]
        return (inverse + inverse.swapaxes(-1, -2)) / 2

    def _height(self, lower: list[tuple[int, GroupAt]]) -> Any:
        """The mean of the largest values of `H_k`, by `Delta^T (Sigma_* - Sigma_k)^+ Delta`, `Delta = mu_k - mu(k)`."""
        total = 0 * self.m2
        for k, entry in lower:
            square = self.arithmetic.number(self.mixture.kept[_squared_offset, self.largest.group, entry.group, k])
            total = total + self._level(k, entry, (k,), None) + square / 2
        return total / len(lower)

    def _level(self, k: int, entry: GroupAt, lower: tuple[int, ...], own: Any) -> Any:
        """`H_k(m origin)`, the origin the mean of the `mu(l)` of `lower`; `own` None: less the term of `mu_k`."""
        level = self.log_weights[k] + (entry.maps.logdet - self.largest.maps.logdet) / 2
        if own is not None:
            level = level - self.m2 * (entry.maps.precision(own) * own).sum(-1) / 2
        for member, share in self.weights[k].items():
            offset = self._vector(_mean_offset, member, *lower)
            around = self.m2 * (self.largest.maps.precision(offset) * offset).sum(-1) / 2
            level = level + self.arithmetic.number(share) * (around - self.log_weights[member])
        return level

    def _apart(self, i: int, j: int) -> Any:
        pull = self.largest.maps.precision(self._vector(_convex_offset, i, j))
        return self.m * self.arithmetic.sqrt((pull * pull).sum(-1))

    def _at_maximiser(
        self, below: list[tuple[int, GroupAt]], pair: list[tuple[int, GroupAt]], inverse: Any, across: Any
    ) -> tuple[Any, Any]:
        """The largest value of the mean of the `H_k`, and `|b_i - b_j|` there; origin: the mean of the `mu(k)`."""
        lower = tuple(k for k, _ in below)
        level: Any = 0 * self.m2
        slope: Any = 0
        for k, entry in below:
            own, mean = self._vector(_mean_offset, k, *lower), self._vector(_convex_offset, k, *lower)
            level = level + self._level(k, entry, lower, own)
            slope = slope + self.m[:, None] * (entry.maps.precision(own) - self.largest.maps.precision(mean))
        level, slope = level / len(below), slope / len(below)
        center = (inverse @ slope[:, :, None])[:, :, 0]
        pulls = [entry.maps.precision(self._vector(_mean_offset, k, *lower)) for k, entry in pair]
        gradient = self.m[:, None] * (pulls[0] - pulls[1]) - (across @ center[:, :, None])[:, :, 0]
        return level + (slope * center).sum(-1) / 2, self.arithmetic.sqrt((gradient * gradient).sum(-1))

    def _vector(self, offset: Callable[..., ExactArray], k: int, *lower: int) -> Any:
        return self.arithmetic.numbers(self.mixture.kept[offset, k, *lower])[None]


# What does not depend on t is kept with the mixture: a quadrature asks for it at every node.


def _convex_mean(mixture: GaussianMixture, k: int) -> Objects:
    """`mu(k)`; of a component of the largest covariance its own mean."""
    weights = existence(mixture).weights
    assert weights is not None
    means = mixture.exact_means.fractions
    if k not in weights:
        own: Objects = means[k]
        return own
    result: Objects = np.sum([share * means[member] for member, share in weights[k].items()], axis=0)
    return result


def _origin(mixture: GaussianMixture, *lower: int) -> Objects:
    """The mean of the `mu(k)` of some components."""
    result: Objects = np.sum([mixture.kept[_convex_mean, k] for k in lower], axis=0) / Fraction(len(lower))
    return result


def _mean_offset(mixture: GaussianMixture, k: int, *lower: int) -> ExactArray:
    """`mu_k` from the origin of some components."""
    return ExactArray(mixture.exact_means.fractions[k] - mixture.kept[_origin, *lower])


def _convex_offset(mixture: GaussianMixture, k: int, *lower: int) -> ExactArray:
    """`mu(k)` from the origin of some components."""
    return ExactArray(mixture.kept[_convex_mean, k] - mixture.kept[_origin, *lower])


def _squared_offset(mixture: GaussianMixture, largest: Group, group: Group, k: int) -> Fraction:
    """`Delta^T (Sigma_* - Sigma_k)^+ Delta`, `Delta = mu_k - mu(k)`."""
    offset = mixture.exact_means.fractions[k] - mixture.kept[_convex_mean, k]
    return quadratic_pseudo_inverse(difference(largest, group).fractions, offset)


def _trusted_kernel(mixture: GaussianMixture, largest: Group, *below: Group) -> Objects | None:
    """The kernel of the sum of `Sigma_* - Sigma_k`; None where it tells nothing about the smallest eigenvalue."""
    exact = np.sum([difference(largest, group).fractions for group in below], axis=0)
    basis = kernel(exact)
    values = np.linalg.eigvalsh((exact / np.abs(exact).max()).astype(float))[len(basis) :]
    return basis if 0 < values[-1] < _CONDITION * values[0] else None


def _squared(arithmetic: Arithmetic, size: Any, height: Any, apart: Any) -> Any:
    one = 0 * height + 1
    top = height + arithmetic.log(4 * one)
    reach = arithmetic.maximum(top, arithmetic.exp(arithmetic.minimum(top, one) - 1))
    total = arithmetic.sqrt(size * reach / 2) + apart / 2
    return total * total
