"""F1-F4 and G2: the integrated rates, the separatrix, late-time amplification and the Lambert inverse.

Times enter through `m_s = e^{-s}` and `m_t = e^{-t}`. The rate is written out from proofs/L3.md; the package's
`stability` and `time_at_stability` are held against it.
"""

from __future__ import annotations

import time
from dataclasses import replace

import sympy as sp

from certflow.process import OrnsteinUhlenbeck
from certflow.symbolic.cases import SymbolicCase, symbolic_case
from certflow.symbolic.values import Interval
from certflow.symbolic.zero_test import Residual, Verdict, residual

_UNIT = Interval(sp.Rational(1, 10), sp.Rational(9, 10))
_SIGNED = Interval(sp.Rational(-1), sp.Rational(1))

_m, _square, _s2 = sp.symbols("m D2 s2", positive=True)
_EARLY, _LATE = sp.Symbol("ms", positive=True), sp.Symbol("mt", positive=True)
_SYMBOLS = {
    _m: _UNIT,
    _square: Interval(sp.Rational(1), sp.Rational(9)),
    _s2: Interval(sp.Rational(1, 9), sp.Rational(8, 9)),
    _EARLY: Interval(sp.Rational(1, 2), sp.Rational(9, 10)),
    _LATE: Interval(sp.Rational(1, 10), sp.Rational(1, 2)),
}
_ALL = "all sigma (sigma^2 != 1), D and t"


def variance_at(m: sp.Expr, s2: sp.Expr = _s2) -> sp.Expr:
    """`v = sigma^2 m^2 + 1 - m^2` (proofs/notation.md)."""
    return s2 * m**2 + 1 - m**2


def rate(m: sp.Expr, s2: sp.Expr = _s2, square: sp.Expr = _square) -> sp.Expr:
    """`lambda = 1 - 1/v + m^2 D^2 / (4 v^2)` (proofs/L3.md)."""
    v = variance_at(m, s2)
    return 1 - 1 / v + m**2 * square / (4 * v**2)


def _pair_case(s2: sp.Expr | None = None) -> SymbolicCase:
    """Two components on the line at `a` and `a + D`; one variance for both, all symbols (or `s2` given)."""
    case = symbolic_case("common-isotropic", 2, 1)
    return case if s2 is None else replace(case, covariances=s2, matrices=(sp.ImmutableMatrix([[s2]]),) * 2)


def generic_case() -> SymbolicCase:
    """Two components on the line, every parameter a symbol."""
    return _pair_case()


def unit_variance_case() -> SymbolicCase:
    """Two components on the line with `sigma = 1`, that is `c = 0`."""
    return _pair_case(sp.Integer(1))


def _times(case: SymbolicCase) -> tuple[dict[sp.Symbol, Interval], sp.Expr, sp.Expr]:
    domain = {**case.domain, _EARLY: _SYMBOLS[_EARLY], _LATE: _SYMBOLS[_LATE]}
    gap = sp.Matrix(case.means[0]) - sp.Matrix(case.means[1])
    return domain, (gap.T * gap)[0, 0], case.matrices[0][0, 0]


def integral_of_rate(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's `int_s^t lambda`: derivatives `lambda(t)`, `-lambda(s)`, 0 at `s = t` (proofs/F2.md)."""
    started = time.perf_counter()
    domain, square, s2 = _times(case)
    value = p.stability(-sp.log(_EARLY), -sp.log(_LATE))
    expressions = [
        -_LATE * sp.diff(value, _LATE) - rate(_LATE, s2, square),
        -_EARLY * sp.diff(value, _EARLY) + rate(_EARLY, s2, square),
        value.subs(_EARLY, _LATE),
    ]
    variance = "sigma^2 = 1" if s2 == 1 else "every sigma^2"
    scope = f"all weights, means, s and t for K = 2, d = 1, {variance}"
    return residual("F2.integral", expressions, domain, scope, started=started)


def antiderivative() -> Residual:
    """`d/dt [-1/2 ln v - D^2/(8 c v)] = lambda`, and the form regular at `c = 0` (proofs/F2.md).

    `D^2/(8c) (1/v_s - 1/v_t) = D^2 (m_s^2 - m_t^2)/(8 v_s v_t)`.
    """
    started = time.perf_counter()
    c = 1 - _s2
    v, vs, vt = (variance_at(m) for m in (_m, _EARLY, _LATE))
    primitive = -sp.log(v) / 2 - _square / (8 * c * v)
    expressions = [
        -_m * sp.diff(primitive, _m) - rate(_m),
        _square / (8 * c) * (1 / vs - 1 / vt) - _square * (_EARLY**2 - _LATE**2) / (8 * vs * vt),
    ]
    return residual("F2.antiderivative", expressions, _SYMBOLS, _ALL, started=started)


def contraction_integral() -> Residual:
    """`d/dt [-1/2 ln v] = 1 - 1/v`, so `exp(int_s^t (1 - 1/v)) = sqrt(v_s/v_t)` (proofs/F1.md, from below)."""
    started = time.perf_counter()
    v = variance_at(_m)
    identity = -_m * sp.diff(-sp.log(v) / 2, _m) - (1 - 1 / v)
    return residual("F1.lower", [identity], _SYMBOLS, _ALL, started=started)


def growth_equation(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's `A(s, t) = exp(int_s^t lambda)` solves `d/dt log A = lambda`, `A(s, s) = 1` (proofs/F1.md).

    `lambda` is the package's own rate, so a factor lost on the way from rate to amplification shows.
    """
    started = time.perf_counter()
    domain, *_ = _times(case)
    value = p.amplification(-sp.log(_EARLY), -sp.log(_LATE))
    expressions = [
        -_LATE * sp.diff(value, _LATE) / value - p.growth_rate_bound(-sp.log(_LATE)),
        value.subs(_EARLY, _LATE) - 1,
    ]
    scope = "all weights, means, variances, s and t for K = 2, d = 1"
    return residual("F1.growth", expressions, domain, scope, started=started)


def crossing_of_terms() -> Residual:
    """With `a = 1/v - 1`, `q = m^2 D^2/(4v^2)`: `(a - q)^2 - a^2 = q m^2 (D^2 - 8 c v)/(4 v^2)` (proofs/F2.md).

    So `L = lambda` exactly where `D^2 >= 8 c v`, which is linear in `m^2`; elsewhere `L = 1/v - 1`.
    """
    started = time.perf_counter()
    v = variance_at(_m)
    a, q = 1 / v - 1, _m**2 * _square / (4 * v**2)
    c = 1 - _s2
    expressions = [
        (a - q) ** 2 - a**2 - q * _m**2 * (_square - 8 * c * v) / (4 * v**2),
        -_m * sp.diff(sp.log(v) / 2, _m) - a,
    ]
    return residual("F2.crossing", expressions, _SYMBOLS, _ALL, started=started)


def crossing_case() -> SymbolicCase:
    """`sigma^2 = 1/2`, means 0 and `sqrt(3)`: the terms of `L` cross at `m^2 = 1/2`."""
    case = _pair_case(sp.Rational(1, 2))
    half = sp.Rational(1, 2)
    return replace(case, weights=(half, half), means=((sp.Integer(0),), (sp.sqrt(3),)))


def two_sided_integral(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's integral of `L` from `m^2 = 3/4` to `1/4` on `crossing_case`, both pieces (proofs/F2.md)."""
    started = time.perf_counter()
    _, square, s2 = _times(case)
    start, middle, end = sp.Rational(3, 4), sp.Rational(1, 2), sp.Rational(1, 4)
    found = p.stability(-sp.log(start) / 2, -sp.log(end) / 2, rate="two-sided")
    vs, vc, vt = (1 - (1 - s2) * m2 for m2 in (start, middle, end))
    expected = sp.log(vs / vc) / 2 + square * (start - middle) / (8 * vs * vc) + sp.log(vt / vc) / 2
    scope = "one instance: sigma^2 = 1/2, D^2 = 3"
    return residual("F2.two-sided", [found - expected], {_m: _UNIT}, scope, started=started)


def separatrix_case() -> SymbolicCase:
    """Equal weights at `+-(a0, a1)`, the point `r (-a1, a0)` on the hyperplane midway (F3)."""
    case = symbolic_case("common-isotropic", 2, 2)
    a0, a1, r = sp.symbols("a0 a1 r", real=True)
    s2 = case.covariances
    half = sp.Rational(1, 2)
    return replace(
        case,
        weights=(half, half),
        means=((a0, a1), (-a0, -a1)),
        x=(-r * a1, r * a0),
        domain={case.m: _UNIT, s2: _UNIT, a0: _UNIT, a1: _UNIT, r: _SIGNED},
    )


def separatrix_growth(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """Midway `u.a = 0` and `J a = -(d/dt int lambda) a` for equal weights at `+-a` (proofs/F3.md).

    The hyperplane is invariant, and the variational equation across it is scalar with rate `-lambda`.
    """
    started = time.perf_counter()
    a = sp.Matrix(case.means[0])
    velocity = sp.Matrix(p.velocity(case.point, case.t).tolist())
    jacobian = sp.Matrix(p.jacobian(case.point, case.t).tolist())
    value = p.stability(-sp.log(_EARLY), case.t)
    growth = -case.m * sp.diff(value, case.m)
    expressions = [(velocity.T * a)[0, 0], *(jacobian * a + growth * a)]
    domain = {**case.domain, _EARLY: _SYMBOLS[_EARLY]}
    scope = "equal weights at +-a in the plane, all a, sigma, t and points midway"
    return residual("F3.separatrix", expressions, domain, scope, started=started)


def full_amplification(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """From `t = infinity` to `s = 0` the factor is `sigma exp(D^2/(8 sigma^2))`, exactly (proofs/F4.md).

    Up to time `s` before the data, the exponent's share is `eta/(1 + eta)`, `eta = (1 - m^2)/(sigma^2 m^2)`.
    """
    started = time.perf_counter()
    domain, square, s2 = _times(case)
    value = p.stability(-sp.log(_EARLY), -sp.log(_LATE))
    whole = value.subs({_EARLY: 1, _LATE: 0})
    eta = (1 - _LATE**2) / (s2 * _LATE**2)
    v = variance_at(_LATE, s2)
    earned = value.subs(_EARLY, 1)
    expressions = [
        whole - sp.log(s2) / 2 - square / (8 * s2),
        earned - sp.log(s2 / v) / 2 - square / (8 * s2) * eta / (1 + eta),
    ]
    return residual("F4.factor", expressions, domain, "all means and sigma for K = 2, d = 1", started=started)


def lambert_inverse() -> Residual:
    """`y = -w/(2A)` with `w e^w = -2A e^{2f}` solves `y e^{-2Ay} = e^{2f}` (proofs/G2.md)."""
    started = time.perf_counter()
    w, a = sp.Symbol("w", negative=True), sp.Symbol("A", positive=True)
    y = -w / (2 * a)
    level = w * sp.exp(w) / (-2 * a)  # e^{2f}
    domain = {w: Interval(sp.Rational(-3), sp.Rational(-1)), a: _UNIT}
    return residual("G2.lambert", [y * sp.exp(-2 * a * y) - level], domain, "all A and f", started=started)


def lambert_time(p: OrnsteinUhlenbeck, case: SymbolicCase) -> Residual:
    """The package's time `t` with `int_s^t lambda = f`, its Lambert W replaced by `w` (proofs/G2.md).

    Held against `w e^w = -2A exp(2 F(s) + 2 f)` for the argument and `v_t = -2A/w` for the time; `f` is free.
    """
    started = time.perf_counter()
    domain, square, s2 = _times(case)
    f, w = sp.Symbol("f", positive=True), sp.Symbol("w", negative=True)
    scope = "all means, sigma < 1, s and f for K = 2, d = 1"
    found = p.time_at_stability(f, -sp.log(_EARLY))
    inner = list(sp.sympify(found).atoms(sp.LambertW))
    if len(inner) != 1 or inner[0].args[1:] != (-1,):
        elapsed = time.perf_counter() - started
        return Residual("G2.time", (sp.sympify(found),), (Verdict.UNDECIDED,), scope, elapsed)
    c = 1 - s2
    double = square / (4 * c)  # 2 A
    vs = variance_at(_EARLY, s2)
    argument = -double / vs * sp.exp(-double / vs + 2 * f)
    square_mean = sp.exp(-2 * found.subs(inner[0], w))
    expressions = [inner[0].args[0] - argument, 1 - c * square_mean + double / w]
    domain |= {f: _UNIT, w: Interval(sp.Rational(-30), sp.Rational(-20))}
    domain[s2] = _SYMBOLS[_s2]
    return residual("G2.time", expressions, domain, scope, started=started)
