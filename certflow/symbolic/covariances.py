"""L6-L8: Jacobian and bounds where covariances are shared, isotropic and different, or anisotropic.

Steps of a proof that involve no code of the package (the suprema of L7, the kernel and the constant of L8)
are identities of their own; the rest holds the package's Jacobian, responsibilities and bounds against
expressions in posteriors written out from the parameters.
"""

from __future__ import annotations

import time
from dataclasses import replace

import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase, symbolic_case
from certflow.symbolic.spatial import covariance, means_of, noised_variance, posterior, square_distance
from certflow.symbolic.values import Interval
from certflow.symbolic.zero_test import Residual, residual

_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))
_LARGE = Interval(sp.Rational(1), sp.Rational(2))


def shared_covariance_form(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`J = P - I - m^2 P Cov_gamma(mu) P`, every entry (proofs/L6.md)."""
    started = time.perf_counter()
    eye = sp.eye(case.dimension)
    noised = case.m**2 * case.matrices[0] + (1 - case.m**2) * eye
    precision = noised.adjugate() / noised.det(method="berkowitz")
    spread = precision * covariance(posterior(case), means_of(case)) * precision
    expected = precision - eye - case.m**2 * spread
    differences = list(sp.Matrix(p.jacobian(case.point, case.t).tolist()) - expected)
    return residual("L6.form", differences, case.domain, case.scope, started=started)


def diagonal_case() -> SymbolicCase:
    """Shared covariance `diag(s, s + g)`, `g > 0`, two components in the plane (L6)."""
    case = symbolic_case("shared", 2, 2)
    s, g = sp.symbols("s g", positive=True)
    matrix = sp.ImmutableMatrix([[s, 0], [0, s + g]])
    domain = {each: side for each, side in case.domain.items() if not each.name.startswith("S")}
    return replace(case, covariances=matrix.tolist(), matrices=(matrix, matrix), domain={**domain, s: _UNIT, g: _UNIT})


def shared_covariance_bound(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`lambda(t) = 1 - lambda_min(P) + m^2 |P (mu_0 - mu_1)|^2 / 4` on `diagonal_case` (proofs/L6.md)."""
    started = time.perf_counter()
    noised = case.m**2 * case.matrices[0] + (1 - case.m**2) * sp.eye(2)
    gap = means_of(case)[0] - means_of(case)[1]
    pull = sp.Matrix([gap[0] / noised[0, 0], gap[1] / noised[1, 1]])
    expected = 1 - 1 / noised[1, 1] + case.m**2 * (pull.T * pull)[0, 0] / 4
    difference = p.growth_rate_bound(case.t) - expected
    scope = "all weights, means, diagonal shared covariances and t for K = 2, d = 2"
    return residual("L6.bound", [difference], case.domain, scope, started=started)


def _quadratic_log_ratio(case: SymbolicCase) -> tuple[sp.Expr, sp.Expr, sp.Matrix]:
    """`kappa`, `|x - c|^2` and `x - c` of L7, component 0 the narrow one where `kappa > 0`."""
    v0, v1 = noised_variance(case, 0), noised_variance(case, 1)
    kappa = 1 / v0 - 1 / v1
    first, second = means_of(case)
    offset = sp.Matrix(case.x) - case.m * (first / v0 - second / v1) / kappa
    return kappa, (offset.T * offset)[0, 0], offset


def isotropic_log_ratio(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`gamma_0/gamma_1 = (w_0/w_1) (v_1/v_0)^{d/2} exp(m^2 D^2/(2(v_1 - v_0)) - kappa |x - c|^2/2)` (L7)."""
    started = time.perf_counter()
    v0, v1 = noised_variance(case, 0), noised_variance(case, 1)
    kappa, square, _ = _quadratic_log_ratio(case)
    top = case.m**2 * square_distance(case) / (2 * (v1 - v0))
    scale = case.weights[0] / case.weights[1] * sp.sqrt((v1 / v0) ** case.dimension)
    gamma = p.responsibilities(case.point, case.t)
    difference = gamma[0] - gamma[1] * scale * sp.exp(top - kappa * square / 2)
    return residual("L7.log-ratio", [difference], case.domain, case.scope, started=started)


def isotropic_eigenvector(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`-J (x - c) = (1 - 1/v_1 - kappa g + kappa^2 |x - c|^2 g (1 - g)) (x - c)`, `g = gamma_0` (proofs/L7.md).

    As `kappa |x - c|^2 = 2 (Fmax - F)` and `g = 1/(1 + e^{-F})`, the eigenvalue is a function of `F` alone.
    """
    started = time.perf_counter()
    kappa, square, offset = _quadratic_log_ratio(case)
    g = posterior(case)[0]
    eigenvalue = 1 - 1 / noised_variance(case, 1) - kappa * g + kappa**2 * square * g * (1 - g)
    jacobian = sp.Matrix(p.jacobian(case.point, case.t).tolist())
    differences = list(jacobian * offset + eigenvalue * offset)
    return residual("L7.eigenvector", differences, case.domain, case.scope, started=started)


def pair_supremum() -> Residual:
    """The supremum over `F` of `f(F) = (Fmax - F)/(2 cosh^2(F/2))` (proofs/L7.md).

    With `Fmax = coth(G/2) - G`, `f'(-G) = 0` and `f(-G) = 1/sinh G`.
    """
    started = time.perf_counter()
    big, f = sp.Symbol("G", positive=True), sp.Symbol("F", real=True)
    top = (sp.exp(big) + 1) / (sp.exp(big) - 1) - big
    value = 2 * (top - f) * sp.exp(f) / (1 + sp.exp(f)) ** 2
    expressions = [
        sp.diff(value, f).subs(f, -big),
        value.subs(f, -big) - 2 / (sp.exp(big) - sp.exp(-big)),
    ]
    return residual("L7.supremum", expressions, {big: _LARGE, f: _SIGNED}, "all Fmax", started=started)


def two_component_supremum() -> Residual:
    """The supremum over `F` of `f = -g + 2 g (1 - g)(Fmax - F)`, `g = 1/(1 + e^{-F})` (proofs/L7.md, `K = 2`).

    With `Fmax = (3/2) coth(G/2) - G`, `f'(-G) = 0` and `f(-G) = (2 e^G + 1)/(e^{2G} - 1)`.
    """
    started = time.perf_counter()
    big, f = sp.Symbol("G", positive=True), sp.Symbol("F", real=True)
    top = sp.Rational(3, 2) * (sp.exp(big) + 1) / (sp.exp(big) - 1) - big
    g = sp.exp(f) / (1 + sp.exp(f))
    value = -g + 2 * g * (1 - g) * (top - f)
    expressions = [
        sp.diff(value, f).subs(f, -big),
        value.subs(f, -big) - (2 * sp.exp(big) + 1) / (sp.exp(2 * big) - 1),
    ]
    return residual("L7.two-components", expressions, {big: _LARGE, f: _SIGNED}, "all Fmax", started=started)


def ordered_log_ratio() -> Residual:
    """`q_1 - q_0 = Delta^T (Sigma_1 - Sigma_0)^{-1} Delta - (x - c)^T A (x - c)`, `A = P_0 - P_1` (L7).

    `q_k = (x - m mu_k)^T P_k (x - m mu_k)`, `Delta = mu_0 - mu_1`; the constant does not depend on `t`.
    """
    started = time.perf_counter()
    case = symbolic_case("full", 2, 2, noised=True)
    m, x = case.m, sp.Matrix(case.x)
    noised = [sp.expand(m**2 * matrix + (1 - m**2) * sp.eye(2)) for matrix in case.matrices]
    precision = [each.adjugate() / each.det() for each in noised]
    gap = noised[1] - noised[0]
    inverse = gap.adjugate() / gap.det()
    first, second = means_of(case)
    delta = first - second
    offset = x - m * first - noised[0] * inverse * (m * delta)
    squares = [
        ((x - m * mean).T * each * (x - m * mean))[0, 0] for mean, each in zip((first, second), precision, strict=True)
    ]
    constant = m**2 * (delta.T * inverse * delta)[0, 0]
    bend = (offset.T * (precision[0] - precision[1]) * offset)[0, 0]
    identity = squares[1] - squares[0] - constant + bend
    return residual("L8.constant", [identity], case.domain, case.scope, started=started)


def kernel_of_precisions() -> Residual:
    """`z = C_1 y` with `(Sigma_1 - Sigma_2) y = 0` spans the kernel of `P_1 - P_2` (proofs/L8.md).

    And `z.(P_1 mu_1 - P_2 mu_2) = y.(mu_1 - mu_2)` there.
    """
    started = time.perf_counter()
    case = symbolic_case("full", 2, 2)
    g0, g1 = sp.symbols("g0 g1", real=True)
    g, y = sp.Matrix([g0, g1]), sp.Matrix([-g1, g0])
    second = sp.Matrix(case.matrices[1])
    noised = [case.m**2 * sigma + (1 - case.m**2) * sp.eye(2) for sigma in (second + g * g.T, second)]
    precision = [each.adjugate() / each.det() for each in noised]
    z = noised[0] * y
    means = means_of(case)
    expressions = [
        *((precision[0] - precision[1]) * z),
        (z.T * (precision[0] * means[0] - precision[1] * means[1]) - y.T * (means[0] - means[1]))[0, 0],
    ]
    domain = {**case.domain, g0: _SIGNED, g1: _SIGNED}
    scope = "all means, covariances that differ by a rank-one matrix, and t for d = 2"
    return residual("L8.kernel", expressions, domain, scope, started=started)


def crossed_case() -> SymbolicCase:
    """Equal weights, means 0, covariances `diag(a, b)` and `diag(b, a)`: L8's quadratic growth."""
    case = symbolic_case("full", 2, 2)
    a, b, r = sp.symbols("a b r", positive=True)
    matrices = (sp.ImmutableMatrix([[a, 0], [0, b]]), sp.ImmutableMatrix([[b, 0], [0, a]]))
    half, zero = sp.Rational(1, 2), sp.Integer(0)
    return replace(
        case,
        weights=(half, half),
        means=((zero, zero), (zero, zero)),
        covariances=[matrix.tolist() for matrix in matrices],
        matrices=matrices,
        x=(r, r),
        domain={case.m: _UNIT, a: _UNIT, b: _LARGE, r: _LARGE},
    )


def quadratic_growth(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`n^T J n = 1/C_a + 1/C_b - 2 - (1/C_a - 1/C_b)^2 r^2` at `r (1, 1)`, `n = (1, -1)` (proofs/L8.md)."""
    started = time.perf_counter()
    first, second = (case.matrices[0][i, i] * case.m**2 + 1 - case.m**2 for i in range(2))
    jacobian = p.jacobian(case.point, case.t)
    form = jacobian[0, 0] - jacobian[0, 1] - jacobian[1, 0] + jacobian[1, 1]
    expected = 1 / first + 1 / second - 2 - (1 / first - 1 / second) ** 2 * case.x[0] ** 2
    scope = "two centred components with exchanged axes, all variances, t and points of the tie line"
    return residual("L8.growth", [form - expected], case.domain, scope, started=started)
