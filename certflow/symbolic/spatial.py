"""L1-L4: spatial bounds of the Jacobian for a common isotropic variance, and where they are attained.

Responsibilities are `w_k N(x; m mu_k, C_k) / p`, written out from the parameters; the package's Jacobian and
bounds are held against expressions in them. Popoviciu's inequality is an identity of its own.
"""

from __future__ import annotations

import time
from dataclasses import replace

import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase, symbolic_case
from certflow.symbolic.values import Domain, Interval
from certflow.symbolic.zero_test import Residual, residual

_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))


def posterior(case: SymbolicCase) -> list[sp.Expr]:
    """`gamma_k` from the component densities (proofs/notation.md)."""
    return [part / case.density for part in case.component_densities]


def noised_variance(case: SymbolicCase, k: int = 0) -> sp.Expr:
    """`v_k = sigma_k^2 m^2 + 1 - m^2` of an isotropic component (proofs/notation.md)."""
    return case.matrices[k][0, 0] * case.m**2 + 1 - case.m**2


def covariance(gamma: list[sp.Expr], vectors: list[sp.Matrix]) -> sp.Matrix:
    """`Cov_gamma(y) = sum_{k<l} gamma_k gamma_l (y_k - y_l)(y_k - y_l)^T`, for weights that sum to one."""
    size = vectors[0].rows
    total = sp.zeros(size, size)
    for k, left in enumerate(vectors):
        for j in range(k):
            gap = left - vectors[j]
            total += gamma[k] * gamma[j] * gap * gap.T
    return total


def means_of(case: SymbolicCase) -> list[sp.Matrix]:
    """`mu_k` as columns."""
    return [sp.Matrix(mean) for mean in case.means]


def square_distance(case: SymbolicCase) -> sp.Expr:
    """`D^2` of two components."""
    gap = means_of(case)[0] - means_of(case)[1]
    return (gap.T * gap)[0, 0]


def common_variance_form(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`J = (1/v - 1) I - (m^2/v^2) Cov_gamma(mu)`, every entry (proofs/L1.md)."""
    started = time.perf_counter()
    v = noised_variance(case)
    spread = covariance(posterior(case), means_of(case))
    expected = (1 / v - 1) * sp.eye(case.dimension) - case.m**2 / v**2 * spread
    differences = list(sp.Matrix(p.jacobian(case.point, case.t).tolist()) - expected)
    return residual("L1.form", differences, case.domain, case.scope, started=started)


def popoviciu(n_values: int) -> Residual:
    """`(M - l)^2/4 - Var = (E - (M + l)/2)^2 + sum_k g_k (M - y_k)(y_k - l)`, `E = sum g_k y_k` (proofs/L2.md).

    Both terms on the right are nonnegative when `l <= y_k <= M`, so `Var <= (M - l)^2/4`.
    """
    started = time.perf_counter()
    g = list(sp.symbols(f"g0:{n_values - 1}", positive=True))
    y = sp.symbols(f"y0:{n_values}", real=True)
    top, low = sp.symbols("M l", real=True)
    domain: Domain = {
        **{each: Interval(sp.Rational(1, 20), sp.Rational(1, n_values)) for each in g},
        **dict.fromkeys((*y, top, low), _SIGNED),
    }
    g.append(1 - sp.Add(*g))
    mean = sum(gk * yk for gk, yk in zip(g, y, strict=True))
    variance = sum(gk * (yk - mean) ** 2 for gk, yk in zip(g, y, strict=True))
    spare = sum(gk * (top - yk) * (yk - low) for gk, yk in zip(g, y, strict=True))
    scope = f"all weights and values, {n_values} values"
    identity = (top - low) ** 2 / 4 - variance - (mean - (top + low) / 2) ** 2 - spare
    return residual("L2.popoviciu", [identity], domain, scope, started=started)


def two_sided_bound(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`L(t)` is the maximum of `+-a`, `+-(a - q)`: `a = 1/v - 1`, `q = m^2 D^2/(4 v^2)` (proofs/L2.md), `K = 2`.

    The arguments of the package's maximum have the power sums of these four numbers.
    """
    started = time.perf_counter()
    v = noised_variance(case)
    a = 1 / v - 1
    low = a - case.m**2 * square_distance(case) / (4 * v**2)
    found = sp.Max.make_args(p.lipschitz_bound(case.t))
    expected = (a, -a, low, -low)
    differences = [sp.Add(*(e**n for e in found)) - sp.Add(*(e**n for e in expected)) for n in range(1, 5)]
    if len(found) != len(expected):
        differences.append(sp.Integer(len(found) - len(expected)))
    return residual("L2.bound", differences, case.domain, case.scope, started=started)


def one_sided_bound(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`lambda(t) = 1 - 1/v + m^2 D^2/(4 v^2)` (proofs/L3.md), `K = 2`."""
    started = time.perf_counter()
    v = noised_variance(case)
    expected = 1 - 1 / v + case.m**2 * square_distance(case) / (4 * v**2)
    difference = p.growth_rate_bound(case.t) - expected
    return residual("L3.bound", [difference], case.domain, case.scope, started=started)


def tie_case() -> SymbolicCase:
    """Two modes `c +- (a, 0)` whose weights put the tie at distance `h` from the middle: any weights (L4)."""
    case = symbolic_case("common-isotropic", 2, 2)
    a, h = sp.Symbol("a", positive=True), sp.Symbol("h", real=True)
    c0, c1 = case.means[0]
    ratio = sp.exp(2 * case.m * a * h / noised_variance(case))
    domain = {s: side for s, side in case.domain.items() if s not in {case.weights[0], *case.means[1]}}
    return replace(
        case,
        weights=(ratio / (1 + ratio), 1 / (1 + ratio)),
        means=((c0 - a, c1), (c0 + a, c1)),
        domain={**domain, a: _UNIT, h: _SIGNED},
    )


def attained_at_tie(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """On the tie hyperplane of `tie_case`, `J = diag(-lambda, 1/v - 1)`: L3 is attained there (proofs/L4.md)."""
    started = time.perf_counter()
    v = noised_variance(case)
    (left, _), (right, _) = case.means
    a, h = (right - left) / 2, next(s for s in case.domain if s.name == "h")
    point = case.point.copy()
    point[0] = case.m * (left + right) / 2 + h
    jacobian = p.jacobian(point, case.t)
    lam = 1 - 1 / v + case.m**2 * a**2 / v**2
    differences = [jacobian[0, 0] + lam, jacobian[0, 1], jacobian[1, 0], jacobian[1, 1] - (1 / v - 1)]
    scope = "two modes in the plane, all weights, means on a horizontal line, sigma, t, points of the tie"
    return residual("L4.tie", differences, case.domain, scope, started=started)


def edge_case() -> SymbolicCase:
    """Equal weights at `(-a, 0)`, `(a, 0)`, `(0, -h)`: the upper side is an exposed edge (L4)."""
    case = symbolic_case("common-isotropic", 3, 2)
    a, h = sp.symbols("a h", positive=True)
    third = sp.Rational(1, 3)
    zero = sp.Integer(0)
    gone = {*case.weights[:2], *(entry for mean in case.means for entry in mean)}
    domain = {s: side for s, side in case.domain.items() if s not in gone}
    return replace(
        case,
        weights=(third, third, third),
        means=((-a, zero), (a, zero), (zero, -h)),
        domain={**domain, a: _UNIT, h: _UNIT},
    )


def approached_along_edge(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """At `(0, y)` of `edge_case`, `J_00 = -lambda + (m a / v)^2 e / (2 + e)`, `e = gamma_2/gamma_0` (L4).

    `e = exp(-m h y / v - m^2 (h^2 - a^2) / (2 v))` tends to 0 as `y` grows, so `lambda` is the supremum.
    """
    started = time.perf_counter()
    v = noised_variance(case)
    m, y = case.m, case.x[1]
    a, h = case.means[1][0], -case.means[2][1]
    point = case.point.copy()
    point[0] = sp.Integer(0)
    ratio = sp.exp(-m * h * y / v - m**2 * (h**2 - a**2) / (2 * v))
    lam = 1 - 1 / v + m**2 * a**2 / v**2
    jacobian = p.jacobian(point, case.t)
    differences = [jacobian[0, 0] + lam - m**2 * a**2 / v**2 * ratio / (2 + ratio), jacobian[0, 1]]
    scope = "isosceles triangles with equal weights, all sigma, t and points of the axis"
    return residual("L4.edge", differences, case.domain, scope, started=started)
