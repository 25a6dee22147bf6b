"""An independent evaluation of the marginal density in mpmath, from the exact parameters alone.

It shares nothing with the formulas under test: covariances are formed and inverted as explicit matrices,
the density is a plain sum of exponentials, and derivatives are mpmath's own numerical differentiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from certflow.claims.digits import mp
from certflow.law.mixture import GaussianMixture


class ReferenceDensity:
    """`log p_t(x) = log sum_k w_k N(x; m mu_k, m^2 Sigma_k + (1 - m^2) I)` at the precision in force."""

    def __init__(self, mixture: GaussianMixture):
        self.mixture = mixture
        self._prepared: dict[Any, Any] = {}

    def log_density(self, x: Sequence[Any], t: Any) -> Any:
        """`log p_t(x)` for one point."""
        m, terms = self._at(t)
        exponents = [_component(x, m, term) for term in terms]
        top = max(exponents)
        return top + mp.log(mp.fsum(mp.exp(e - top) for e in exponents))

    def responsibilities(self, x: Sequence[Any], t: Any) -> list[Any]:
        """Posterior probabilities of the components, as differences of log-densities."""
        total = self.log_density(x, t)
        m, terms = self._at(t)
        return [mp.exp(_component(x, m, term) - total) for term in terms]

    def _at(self, t: Any) -> tuple[Any, list[Any]]:
        key = (t, mp.prec)
        if key not in self._prepared:
            if len(self._prepared) > 64:
                self._prepared.clear()
            self._prepared[key] = self._prepare(t)
        found: tuple[Any, list[Any]] = self._prepared[key]
        return found

    def _prepare(self, t: Any) -> tuple[Any, list[Any]]:
        mixture = self.mixture
        m = mp.exp(-t)
        total = exact_mpf(mixture.weight_total)
        terms = []
        cached: dict[int, Any] = {}
        for k in range(mixture.n_components):
            mean = [exact_mpf(q) for q in mixture.exact_means.fractions[k]]
            weight = exact_mpf(mixture.exact_weights.fractions[k]) / total
            slot = 0 if mixture.kind in ("common-isotropic", "shared") else k
            if slot not in cached:
                cached[slot] = self._precision(slot, m)
            precision, log_det = cached[slot]
            constant = mp.log(weight) - (log_det + mixture.dimension * mp.log(2 * mp.pi)) / 2
            terms.append((constant, mean, precision))
        return m, terms

    def _precision(self, k: int, m: Any) -> tuple[Any, Any]:
        mixture = self.mixture
        values = mixture.exact_covariances.fractions
        dimension = mixture.dimension
        if mixture.kind in ("common-isotropic", "isotropic"):
            variance = m**2 * exact_mpf(values[()] if values.ndim == 0 else values[k]) + (1 - m**2)
            return 1 / variance, dimension * mp.log(variance)
        matrix = values if values.ndim == 2 else values[k]
        noised = mp.matrix(dimension, dimension)
        for i in range(dimension):
            for j in range(dimension):
                noised[i, j] = m**2 * exact_mpf(matrix[i, j]) + ((1 - m**2) if i == j else 0)
        return (noised**-1).tolist(), mp.log(mp.det(noised))

    # -- derivatives by mpmath -----------------------------------------------------------------------------

    def gradient(self, x: Sequence[Any], t: Any) -> list[Any]:
        """`grad log p_t` by numerical differentiation along each axis."""

        def line(i: int, a: Any) -> Any:
            return self.log_density([*x[:i], x[i] + a, *x[i + 1 :]], t)

        return [mp.diff(partial(line, i), 0) for i in range(len(x))]

    def second_derivative(self, x: Sequence[Any], t: Any, v: Sequence[Any], w: Sequence[Any]) -> Any:
        """`v^T (Hess log p_t) w` by numerical differentiation in the plane of v and w."""

        def surface(a: Any, b: Any) -> Any:
            moved = [xi + a * vi + b * wi for xi, vi, wi in zip(x, v, w, strict=True)]
            return self.log_density(moved, t)

        return mp.diff(surface, (mp.mpf(0), mp.mpf(0)), (1, 1))

    def time_derivative(self, x: Sequence[Any], t: Any) -> Any:
        """`d/dt log p_t` by numerical differentiation."""
        return mp.diff(lambda s: self.log_density(x, s), t)


def component_log_density(reference: ReferenceDensity, k: int, x: Sequence[Any], t: Any) -> Any:
    """`log(w_k N(x; m mu_k, C_k))` of one component."""
    m, terms = reference._at(t)
    return _component(x, m, terms[k])


def _component(x: Sequence[Any], m: Any, term: Any) -> Any:
    constant, mean, precision = term
    offset = [xi - m * mui for xi, mui in zip(x, mean, strict=True)]
    if isinstance(precision, mp.mpf):
        return constant - precision * mp.fsum(o * o for o in offset) / 2
    return constant - mp.fsum(offset[i] * mp.fdot(row, offset) for i, row in enumerate(precision)) / 2


def exact_mpf(q: Any) -> Any:
    """A rational as an mpmath number, rounded once at the precision in force."""
    return mp.mpf(q.numerator) / q.denominator
