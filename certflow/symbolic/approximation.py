"""A5, A6, A8, A9: the score as the network has it, errors of logits, expansions at a pole, residual coordinates."""

from __future__ import annotations

import time
from typing import Any

import sympy as sp

from certflow.networks.formulas import formulas_of
from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase
from certflow.symbolic.derivation import Derivation
from certflow.symbolic.spatial import means_of, noised_variance, posterior
from certflow.symbolic.values import Interval
from certflow.symbolic.zero_test import Residual, residual

_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))
_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))


def _logits(case: SymbolicCase) -> list[sp.Expr]:
    """`l_k = log w_k + a mu_k.x - r |mu_k|^2`, `a = m/v`, `r = m^2/(2v)`."""
    v, x = noised_variance(case), sp.Matrix(case.x)
    a, r = case.m / v, case.m**2 / (2 * v)
    return [
        sp.log(weight) + a * (mean.T * x)[0, 0] - r * (mean.T * mean)[0, 0]
        for weight, mean in zip(case.weights, means_of(case), strict=True)
    ]


def score_of_the_network(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's score is `a o + (a N)/S - q x` with `E_k = e^{l_k - l_1}`, for any `o` (proofs/A5.md).

    The logarithm that is taken off all logits may be any of them: quotients do not feel it.
    """
    started = time.perf_counter()
    v, logits = noised_variance(case), _logits(case)
    centre = sp.Matrix(sp.symbols(f"o0:{case.dimension}", real=True))
    powers = [sp.exp(logit - logits[0]) for logit in logits]
    whole = sp.Add(*powers)
    a, q = case.m / v, formulas_of(type(p)).drift(1 - case.matrices[0][0, 0], case.m**2 / (2 * v))
    numerator = sp.zeros(case.dimension, 1)
    for power, mean in zip(powers, means_of(case), strict=True):
        numerator += power * (mean - centre)
    expected = a * centre + a * numerator / whole - q * sp.Matrix(case.x)
    score = sp.Matrix(p.score(case.point, case.t).tolist())
    domain = {**case.domain, **dict.fromkeys(centre, _SIGNED)}
    return residual("A5.score", list(score - expected), domain, case.scope, started=started)


def errors_of_logits(process: Any) -> Residual:
    """`l~ - l = rho (l - log w) + eta |mu|^2`, and the same through the logits on the path (proofs/A6.md)."""
    started = time.perf_counter()
    a, r, y, square, log_weight = sp.symbols("a r y n w", positive=True)
    of_a, of_r, s = sp.symbols("ea er s", positive=True)
    logit = log_weight + a * y - r * square
    moved = log_weight + (a + of_a) * y - (r + of_r) * square
    relative = of_a / a
    shared = relative * r - of_r
    error = formulas_of(process).logit_error(relative, shared, logit, log_weight, square)
    between = logit + s * (moved - logit)
    m, v = sp.symbols("m v", positive=True)
    expressions = [
        moved - logit - error,
        error - (relative * (between - log_weight) + shared * square) / (1 + s * relative),
        shared.subs({a: m / v, r: m**2 / (2 * v)}) - (m * of_a / 2 - of_r),
    ]
    domain = dict.fromkeys((a, r, y, square, log_weight, of_a, of_r, s, m, v), _UNIT)
    return residual("A6.logits", expressions, domain, "all errors of a and r, all logits", started=started)


def largest_varentropy() -> Residual:
    """`(x + log(K-1))/(2 cosh(x/2))` is largest where `(x + log(K-1)) tanh(x/2) = 2`, and there `1/sinh(x/2)`.

    In `g = e^{x/2}` (proofs/A6.md).
    """
    started = time.perf_counter()
    g = sp.Symbol("g", positive=True)
    sinh, cosh = (g - 1 / g) / 2, (g + 1 / g) / 2
    height = 2 * cosh / sinh  # x + log(K - 1)
    expressions = [height / (2 * cosh) - 1 / sinh, 1 / (2 * cosh) - height * sinh / (4 * cosh**2)]
    domain = {g: Interval(sp.Rational(3, 2), sp.Integer(9))}
    return residual("A6.varentropy", expressions, domain, "all K", started=started)


def geometric_mean(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`sqrt(N(m mu_1) N(m mu_2)) = e^{-z^2/8} N(m (mu_1 + mu_2)/2)`, `z^2 = m^2 |mu_1 - mu_2|^2/v` (proofs/A6.md).

    The log-ratio of two of the package's responsibilities has the gradient `a (mu_1 - mu_2)`.
    """
    started = time.perf_counter()
    x, v = sp.Matrix(case.x), noised_variance(case)
    one, other = means_of(case)[:2]

    def exponent(centre: sp.Matrix) -> sp.Expr:
        offset = x - centre
        return -(offset.T * offset)[0, 0] / (2 * v)

    gap = one - other
    z2 = case.m**2 * (gap.T * gap)[0, 0] / v
    middle = exponent(case.m * (one + other) / 2)
    expressions = [(exponent(case.m * one) + exponent(case.m * other)) / 2 + z2 / 8 - middle]
    gamma = p.responsibilities(case.point, case.t)
    for i, xi in enumerate(case.x):
        along = Derivation({xi: sp.S.One})
        slope = along(gamma[0]) * gamma[1] - along(gamma[1]) * gamma[0]
        expressions.append(slope - case.m / v * gap[i] * gamma[0] * gamma[1])
    return residual("A6.overlap", expressions, case.domain, case.scope, started=started)


def logistic_on_a_line(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's score of two components is `a (mu_1 - mu_2)/(1 + e^{-y}) + a mu_2 - q x` (proofs/A8.md).

    `y = l_1 - l_2` is affine in `x`.
    """
    started = time.perf_counter()
    v, (first, second) = noised_variance(case), _logits(case)
    one, other = means_of(case)
    a = case.m / v
    expected = a * (one - other) / (1 + sp.exp(second - first)) + a * other - sp.Matrix(case.x) / v
    score = sp.Matrix(p.score(case.point, case.t).tolist())
    return residual("A8.logistic", list(score - expected), case.domain, case.scope, started=started)


def expansion_at_a_pole(degree: int) -> Residual:
    """The Chebyshev coefficients of `1/(z - c)`, `z = (p + 1/p)/2` (proofs/A8.md).

    `(z - c) (1 + 2 sum_{k<=n} p^{-k} T_k(c)) = sqrt(z^2 - 1) + p^{-n-1} T_n(c) - p^{-n} T_{n+1}(c)`.
    """
    started = time.perf_counter()
    p, c = sp.Symbol("p", positive=True), sp.Symbol("c", real=True)
    z, root = (p + 1 / p) / 2, (p - 1 / p) / 2
    polynomials = [sp.Integer(1), c]
    while len(polynomials) < degree + 2:
        polynomials.append(2 * c * polynomials[-1] - polynomials[-2])
    series = 1 + 2 * sp.Add(*(polynomials[k] / p**k for k in range(1, degree + 1)))
    rest = polynomials[degree] / p ** (degree + 1) - polynomials[degree + 1] / p**degree
    domain = {p: Interval(sp.Rational(2), sp.Integer(9)), c: _SIGNED}
    expressions = [z**2 - 1 - root**2, (z - c) * series - root - rest]
    return residual("A8.expansion", expressions, domain, f"every pole, degree {degree}", started=started)


def residual_coordinates(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """`d zeta / d kappa = E_gamma(mu)` along the package's velocity, `zeta = x/sqrt(v)`, `kappa = m/sqrt(v)`.

    `gamma` is the softmax of `log w_k + kappa mu_k.zeta - kappa^2 |mu_k|^2/2` (proofs/A9.md).
    """
    started = time.perf_counter()
    v = noised_variance(case)
    clock = case.clock()
    of_v = clock(v)
    u = p.velocity(case.point, case.t)
    kappa = case.m / sp.sqrt(v)
    rate = clock(kappa)
    gamma = posterior(case)
    mean = sp.zeros(case.dimension, 1)
    for share, each in zip(gamma, means_of(case), strict=True):
        mean += share * each
    expressions = [
        u[i] / sp.sqrt(v) - case.x[i] * of_v / (2 * v ** sp.Rational(3, 2)) - rate * mean[i]
        for i in range(case.dimension)
    ]
    zeta = sp.Matrix(case.x) / sp.sqrt(v)
    logits = _logits(case)
    for k, each in enumerate(means_of(case)):
        through = sp.log(case.weights[k]) + kappa * (each.T * zeta)[0, 0] - kappa**2 * (each.T * each)[0, 0] / 2
        expressions.append(logits[k] - through)
    return residual("A9.coordinates", expressions, case.domain, case.scope, started=started)
