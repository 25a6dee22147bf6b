"""S1-S4: the field's formulas against derivatives of a density written out from the parameters.

The oracle is `p = sum_k w_k N(x; m mu_k, C_k)` of the case (`SymbolicCase.density`). Everything else comes from it by
differentiation; no formula of the package is used. Derivatives of `p` are taken, never of `log p`: `p grad s` is
`Hess p - grad p grad p^T / p`.
"""

from __future__ import annotations

import time

import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase
from certflow.symbolic.derivation import plain_product, plain_sum
from certflow.symbolic.zero_test import Residual, residual


def density_is_mixture(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`exp(log_density) = p`, the mixture written out; with constants (proofs/S1.md)."""
    started = time.perf_counter()
    ratio = sp.exp(p.log_density(case.point, case.t)) - case.density
    return residual("S1.density", [ratio], case.domain, case.scope, started=started)


def fokker_planck(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`d_t p = div(x p) + Laplace p` for `p = exp(log_density)` (proofs/S1.md)."""
    started = time.perf_counter()
    value = sp.exp(p.log_density(case.point, case.t))
    right = [
        plain_sum(along(plain_product(xi, value)), along(along(value)))
        for xi, along in zip(case.x, case.partials(), strict=True)
    ]
    equation = _difference(case.clock()(value), plain_sum(*right))
    return residual("S1.fokker-planck", [equation], case.domain, case.scope, started=started)


def responsibilities_are_posterior(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`gamma_k p = w_k N(x; m mu_k, C_k)` (proofs/S2.md)."""
    started = time.perf_counter()
    gamma = p.responsibilities(case.point, case.t)
    differences = [
        _difference(plain_product(gamma[k], case.density), part) for k, part in enumerate(case.component_densities)
    ]
    return residual("S2.responsibilities", differences, case.domain, case.scope, started=started)


def score_is_gradient(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`s p = grad p` (proofs/S2.md)."""
    started = time.perf_counter()
    score = p.score(case.point, case.t)
    differences = [_difference(plain_product(score[i], case.density), slope) for i, slope in enumerate(case.gradient)]
    return residual("S2.gradient", differences, case.domain, case.scope, started=started)


def velocity_is_drift(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`(u + x) p = -grad p` (proofs/S3.md)."""
    started = time.perf_counter()
    velocity = p.velocity(case.point, case.t)
    differences = [
        plain_sum(plain_product(velocity[i] + xi, case.density), slope)
        for i, (xi, slope) in enumerate(zip(case.x, case.gradient, strict=True))
    ]
    return residual("S3.velocity", differences, case.domain, case.scope, started=started)


def continuity_equation(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`d_t p + div(u p) = 0` for the package's `u` and the density written out (proofs/S3.md)."""
    started = time.perf_counter()
    velocity = p.velocity(case.point, case.t)
    divergence = [
        plain_sum(plain_product(along(velocity[i]), case.density), plain_product(velocity[i], case.gradient[i]))
        for i, along in enumerate(case.partials())
    ]
    equation = plain_sum(case.density_rate, *divergence)
    return residual("S3.continuity", [equation], case.domain, case.scope, started=started)


def jacobian_is_derivative(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`(J + I) p^2 = grad p grad p^T - p Hess p`, every entry, hence also symmetry (proofs/S4.md)."""
    started = time.perf_counter()
    value, slope = case.density, case.gradient
    jacobian = p.jacobian(case.point, case.t)
    differences = []
    for i in range(case.dimension):
        for j in range(case.dimension):
            left = plain_product(jacobian[i, j] + (1 if i == j else 0), value, value)
            right = _difference(plain_product(slope[i], slope[j]), plain_product(value, case.hessian[i][j]))
            differences.append(_difference(left, right))
    return residual("S4.hessian", differences, case.domain, case.scope, started=started)


def _difference(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    return plain_sum(left, plain_product(sp.S.NegativeOne, right))
