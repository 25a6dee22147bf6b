"""E1 to E3: what errors of composed maps grow by, against recursions and maps whose errors are known.

Times enter through `m_k = e^{-t_k}`. Identities only: that a distance is at most the comparison solution, and the
triangle inequality, stand in words in proofs/E1.md and E2.md. That the factors cannot be smaller is shown by maps that
attain them.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase
from certflow.symbolic.stability import rate
from certflow.symbolic.values import Domain, Interval
from certflow.symbolic.zero_test import Residual, residual

_SIGNED, _UNIT = Interval(sp.Rational(-1), sp.Rational(1)), Interval(sp.Rational(1, 10), sp.Rational(9, 10))


def _moments(count: int) -> tuple[list[sp.Symbol], list[sp.Expr], Domain]:
    """`m_0 < ... < m_{count - 1}`, the times `t_k = -log m_k`, noise end first, and the domain."""
    ms = list(sp.symbols(f"m0:{count}", positive=True))
    width = sp.Rational(8, 10 * count)
    domain = {
        m: Interval(sp.Rational(1, 10) + k * width, sp.Rational(1, 10) + (k + 1) * width) for k, m in enumerate(ms)
    }
    return ms, [-sp.log(m) for m in ms], domain


def _errors(name: str, count: int) -> tuple[list[sp.Symbol], Domain]:
    found = list(sp.symbols(f"{name}1:{count + 1}", positive=True))
    return found, dict.fromkeys(found, _UNIT)


def comparison_equation(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's factor `A(s, t)` solves `-dA/ds = lambda(s) A`, `A(t, t) = 1`, the equation of proofs/F1.md.

    So `A(t_k, t_{k-1}) e + eps` is what a distance `e` that grows at the rate `lambda` throughout the segment, and an
    error `eps` at its end, make. E1.
    """
    started = time.perf_counter()
    (late, early), (t, s), domain = _moments(2)
    gap = sp.Matrix(case.means[0]) - sp.Matrix(case.means[1])
    factor = p.amplification(s, t)
    expressions = [
        early * sp.diff(factor, early) / factor - rate(early, case.matrices[0][0, 0], (gap.T * gap)[0, 0]),
        factor.subs(early, late) - 1,
    ]
    variance = "sigma^2 = 1" if case.matrices[0][0, 0] == 1 else "every sigma^2"
    scope = f"all weights, means, s and t for K = 2, d = 1, {variance}"
    return residual("E1.comparison", expressions, {**case.domain, **domain}, scope, started=started)


def step_of_one_gaussian(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """One Gaussian: `Phi(x) = m_s mu + sqrt(v_s/v_t) (x - m_t mu)` is the flow of the package's velocity, and a learned
    map `Psi = Phi + xi` attains E1: `Psi(z) - Phi(y) = exp(Lambda) (z - y) + xi`."""
    started = time.perf_counter()
    (late, early), (t, s), domain = _moments(2)
    z, y, xi = sp.symbols("z y xi", real=True)
    mean, sigma2 = case.means[0][0], case.matrices[0][0, 0]
    v_t, v_s = (sigma2 * m**2 + 1 - m**2 for m in (late, early))

    def flow(x: Any) -> Any:
        return early * mean + sp.sqrt(v_s / v_t) * (x - late * mean)

    velocity = p.velocity(np.array([flow(z)], dtype=object), s)[0]
    expressions = [
        -early * sp.diff(flow(z), early) - velocity,  # d/ds = -m_s d/dm_s
        flow(z).subs(early, late) - z,
        (flow(z) + xi) - flow(y) - (p.amplification(s, t) * (z - y) + xi),
    ]
    domain = {**case.domain, **domain, **dict.fromkeys((z, y, xi), _SIGNED)}
    scope = "one Gaussian of any mean and variance, all s and t, d = 1"
    return residual("E1.attained", expressions, domain, scope, started=started)


def law_of_affine_maps(p: OrnsteinUhlenbeck, case: SymbolicCase, count: int) -> Residual:
    """Affine maps `Psi_k = a_k x + b_k`, `Phi_k = c_k x + d_k`, `a_k > 0`, errors of one sign: E2 is an equality.

    `Psi_K o ... o Psi_1 - Phi_K o ... o Phi_1 = sum_k (prod_{j>k} a_j) (Psi_k - Phi_k)(y_{k-1})` wherever one starts;
    the right side is the package's bound of the slopes and the local errors `xi_k`, which stand for `d_k`.
    """
    started = time.perf_counter()
    slopes, positive = _errors("a", count)
    xi, sizes = _errors("xi", count)
    x = sp.Symbol("x", real=True)
    shifts = list(sp.symbols(f"b1:{count + 1} c1:{count + 1}", real=True))
    b, c = shifts[:count], shifts[count:]
    learned = true = x
    for k in range(count):
        local = slopes[k] * true + b[k]  # Psi_k(y_{k-1}) = Phi_k(y_{k-1}) + xi_k: d_k follows
        d = local - xi[k] - c[k] * true
        learned, true = slopes[k] * learned + b[k], c[k] * true + d
    whole = p.law_error_bound(slopes, xi)
    before = p.law_error_bound(slopes[:-1], xi[:-1]) if count > 1 else 0
    expressions = [learned - true - whole, whole - (slopes[-1] * before + xi[-1])]
    domain = {**positive, **sizes, **dict.fromkeys([x, *shifts], _SIGNED)}
    scope = f"all slopes, shifts and errors of affine maps, {count} segment{'s' * (count > 1)}"
    return residual("E2.attained", [sp.expand(e) for e in expressions], domain, scope, started=started)


def recursion(p: OrnsteinUhlenbeck, case: SymbolicCase, count: int) -> Residual:
    """`e_k = exp(Lambda_k) e_{k-1} + eps_k`, `e_0 = 0`, gives the package's sum; `exp(Lambda_k)` its factor. E3."""
    started = time.perf_counter()
    _, times, domain = _moments(count + 1)
    eps, sizes = _errors("eps", count)
    error: Any = sp.Integer(0)
    for size, (t, s) in zip(eps, pairwise(times), strict=True):
        error = p.amplification(s, t) * error + size
    scope = f"all errors, times, means and variances for {count} segment{'s' * (count > 1)}, K = 2, d = 1"
    whole = p.error_bound(times, eps)
    return residual("E3.recursion", [whole - error], {**case.domain, **domain, **sizes}, scope, started=started)


def induction(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The step from `k - 1` to `k` segments, whatever k is.

    Each term of the sum is multiplied by `exp(Lambda_k)`: `exp(Lambda_k) exp(int_{t_{k-1}}^{t_j} lambda) =
    exp(int_{t_k}^{t_j} lambda)`, for any `t_j > t_{k-1} > t_k`; the new one, made at the end, by 1. E3.
    """
    started = time.perf_counter()
    _, (first, middle, last), domain = _moments(3)
    (eps,), sizes = _errors("eps", 1)
    expressions = [
        p.amplification(last, middle) * p.amplification(middle, first) - p.amplification(last, first),
        p.error_bound([middle, last], [eps]) - eps,
        p.error_bound([first, middle, last], [eps, sp.Integer(0)]) - eps * p.amplification(last, middle),
    ]
    scope = "the step from k - 1 to k segments, every k, K = 2, d = 1"
    return residual("E3.induction", expressions, {**case.domain, **domain, **sizes}, scope, started=started)
