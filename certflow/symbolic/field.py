"""S1-S4: the field's formulas against derivatives of a log-density written out from the parameters.

The oracle is `p = sum_k w_k (2 pi)^{-d/2} det(C_k)^{-1/2} exp(-(x - m mu_k)^T C_k^{-1} (x - m mu_k) / 2)`
with `C_k = m^2 Sigma_k + (1 - m^2) I`, inverted by cofactors. Everything else comes from it by
differentiation; no formula of the package is used. Derivatives of `p` are taken, never of `log p`:
`p grad s` is `Hess p - grad p grad p^T / p`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase
from certflow.symbolic.zero_test import Residual, residual


def component_densities(case: SymbolicCase) -> list[sp.Expr]:
    """`w_k N(x; m mu_k, C_k)` for each `k`, from the parameters alone (proofs/S1.md)."""
    x = sp.Matrix(case.x)
    densities = []
    for weight, mean, sigma in zip(case.weights, case.means, case.matrices, strict=True):
        covariance = case.m**2 * sigma + (1 - case.m**2) * sp.eye(case.dimension)
        determinant = covariance.det(method="berkowitz")
        offset = x - case.m * sp.Matrix(mean)
        square = (offset.T * covariance.adjugate() * offset)[0, 0] / determinant
        norm = sp.sqrt((2 * sp.pi) ** case.dimension * determinant)
        densities.append(weight / norm * sp.exp(-square / 2))
    return densities


def density(case: SymbolicCase) -> sp.Expr:
    """`p_t(x) = sum_k w_k N(x; m mu_k, C_k)` (proofs/S1.md)."""
    return sp.Add(*component_densities(case))


def _gradient(expression: sp.Expr, x: Sequence[sp.Symbol]) -> list[sp.Expr]:
    return [sp.diff(expression, xi) for xi in x]


def density_is_mixture(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`exp(log_density) = p`, the mixture written out; with constants (proofs/S1.md)."""
    started = time.perf_counter()
    ratio = sp.exp(p.log_density(case.point, case.t)) - density(case)
    return residual("S1.density", [ratio], case.domain, case.scope, started=started)


def fokker_planck(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`d_t p = div(x p) + Laplace p` for `p = exp(log_density)` (proofs/S1.md)."""
    started = time.perf_counter()
    value = sp.exp(p.log_density(case.point, case.t))
    right = sp.Add(*(sp.diff(xi * value, xi) + sp.diff(sp.diff(value, xi), xi) for xi in case.x))
    equation = case.time_derivative(value) - right
    return residual("S1.fokker-planck", [equation], case.domain, case.scope, started=started)


def responsibilities_are_posterior(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`gamma_k p = w_k N(x; m mu_k, C_k)` (proofs/S2.md)."""
    started = time.perf_counter()
    parts = component_densities(case)
    total = sp.Add(*parts)
    gamma = p.responsibilities(case.point, case.t)
    differences = [gamma[k] * total - parts[k] for k in range(case.n_components)]
    return residual("S2.responsibilities", differences, case.domain, case.scope, started=started)


def score_is_gradient(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`s p = grad p` (proofs/S2.md)."""
    started = time.perf_counter()
    value = density(case)
    score = p.score(case.point, case.t)
    differences = [score[i] * value - g for i, g in enumerate(_gradient(value, case.x))]
    return residual("S2.gradient", differences, case.domain, case.scope, started=started)


def velocity_is_drift(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`(u + x) p = -grad p` (proofs/S3.md)."""
    started = time.perf_counter()
    value = density(case)
    velocity = p.velocity(case.point, case.t)
    differences = [(velocity[i] + xi) * value + sp.diff(value, xi) for i, xi in enumerate(case.x)]
    return residual("S3.velocity", differences, case.domain, case.scope, started=started)


def continuity_equation(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`d_t p + div(u p) = 0` for the package's `u` and the density written out (proofs/S3.md)."""
    started = time.perf_counter()
    value = density(case)
    velocity = p.velocity(case.point, case.t)
    divergence = sp.Add(
        *(sp.diff(velocity[i], xi) * value + velocity[i] * sp.diff(value, xi) for i, xi in enumerate(case.x))
    )
    equation = case.time_derivative(value) + divergence
    return residual("S3.continuity", [equation], case.domain, case.scope, started=started)


def jacobian_is_derivative(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`(J + I) p^2 = grad p grad p^T - p Hess p`, every entry, hence also symmetry (proofs/S4.md)."""
    started = time.perf_counter()
    value = density(case)
    slope = _gradient(value, case.x)
    jacobian = p.jacobian(case.point, case.t)
    differences = []
    for i in range(case.dimension):
        for j, xj in enumerate(case.x):
            unit = 1 if i == j else 0
            curvature = sp.diff(slope[i], xj)
            differences.append((jacobian[i, j] + unit) * value**2 - slope[i] * slope[j] + value * curvature)
    return residual("S4.hessian", differences, case.domain, case.scope, started=started)
