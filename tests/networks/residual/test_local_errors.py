"""Local errors of blocks over all points: expansions and bounds against integration at many digits (A9, E4)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from depth import night
from flint import arb, fmpq

import certflow as cf
from certflow.errors import InputError
from certflow.networks.residual.analytic import Analytic
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.expansions import error_terms, flow_terms, step_terms
from certflow.networks.residual.local_errors import LocalErrors
from certflow.networks.residual.methods import METHODS, Method, method_of
from certflow.networks.residual.two_modes import TwoModes
from certflow.numbers.precision import ball_precision

NAMES = tuple(METHODS)


def rationals(row: tuple[fmpq, ...]) -> list[Fraction]:
    return [Fraction(int(value.p), int(value.q)) for value in row]


def reference_errors(method: Method, y: np.ndarray, K: float, h: float, beta: float) -> np.ndarray:
    """`step_h(y) - flow_h(y)`, the flow by 64 steps of the fourth order in extended precision."""
    y = y.astype(np.longdouble)

    def slope(z: np.ndarray, kappa: float) -> np.ndarray:
        return np.asarray(np.tanh(kappa * z + beta))

    exact, fine = y, METHODS["rk4"].in_floats()
    for i in range(64):
        exact = fine.step(slope, exact, K + i * h / 64, h / 64)
    return np.asarray(method.in_floats().step(slope, y, K, h) - exact, dtype=np.float64)


def test_the_trees_of_order_four() -> None:
    """The eight conditions of Butcher for the classical method, and those of lower order for the others."""
    for method in METHODS.values():
        c, b = rationals(method.nodes), rationals(method.weights)
        before = [Fraction(0), *c[:-1]]  # each stage sees the one before it, with the coefficient c_i
        twice = [Fraction(0), *before[:-1]]
        conditions: dict[int, list[tuple[Any, Any]]] = {
            1: [(sum(b), 1)],
            2: [(sum(bi * ci for bi, ci in zip(b, c, strict=True)), Fraction(1, 2))],
            4: [
                (sum(bi * ci**2 for bi, ci in zip(b, c, strict=True)), Fraction(1, 3)),
                (sum(bi * ci * pi for bi, ci, pi in zip(b, c, before, strict=True)), Fraction(1, 6)),
                (sum(bi * ci**3 for bi, ci in zip(b, c, strict=True)), Fraction(1, 4)),
                (sum(bi * ci * ci * pi for bi, ci, pi in zip(b, c, before, strict=True)), Fraction(1, 8)),
                (sum(bi * ci * pi**2 for bi, ci, pi in zip(b, c, before, strict=True)), Fraction(1, 12)),
                (sum(bi * ci * pi * si for bi, ci, pi, si in zip(b, c, before, twice, strict=True)), Fraction(1, 24)),
            ],
        }
        for order, rows in conditions.items():
            if order <= method.order:
                assert all(left == right for left, right in rows), method.name


@pytest.mark.parametrize("name", NAMES)
def test_the_expansion_vanishes_up_to_the_order(name: str) -> None:
    terms = error_terms(name, METHODS[name].order + 1)
    assert all(term == 0 for term in terms[:-1])
    assert terms[-1] != 0


def test_the_expansion_of_the_flow() -> None:
    """`y^{(n)}/n! = K^{1-n} f_n`: Picard iteration of Taylor polynomials in mpmath."""
    K, y = mpmath.mpf("0.7"), mpmath.mpf("0.9")
    coefficients = [y]
    for n in range(5):  # the coefficient n of the slope along the polynomial so far gives the coefficient n + 1

        def slope(s: mpmath.mpf) -> mpmath.mpf:
            return mpmath.tanh((K + s) * mpmath.polyval(coefficients[::-1], s))

        coefficients.append(mpmath.taylor(slope, 0, n)[n] / (n + 1))
    at = {"w": K * y, "T": mpmath.tanh(K * y), "P": K * K}
    for n, term in enumerate(flow_terms(5), start=1):
        value = mpmath.mpf(0)
        for (a, b, i), c in term.terms():
            value += mpmath.mpf(int(c.p)) / int(c.q) * at["w"] ** int(a) * at["T"] ** int(b) * at["P"] ** int(i)
        assert float(value / K ** (n - 1)) == pytest.approx(float(coefficients[n]), rel=1e-6)
    assert step_terms("euler", 2)[1] == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("K", "size", "weights"), [(0.05, 0.2, 1), *night((3.5, 0.02, 3))])
def test_the_bound_of_two_modes_is_one_and_is_sharp(name: str, K: float, size: float, weights: int) -> None:
    method = METHODS[name]
    h = K * size
    with ball_precision(96):
        beta = arb(0) if weights == 1 else arb(weights).log() / 2
        bound = float(TwoModes(method, beta).local_error(arb(K), arb(h)))
    offset = float(beta.mid())
    us = np.concatenate([np.linspace(-8, 8, 1601), [12.0, -30.0]])
    largest = np.abs(reference_errors(method, (us - offset) / K, K, h, offset)).max()
    assert largest <= bound <= 1.1 * largest


def test_a_step_that_is_far_too_long_has_the_plain_bound() -> None:
    with ball_precision(96):
        assert float(TwoModes(METHODS["midpoint"], arb(0)).local_error(arb(4), arb(50))) == 100


@pytest.mark.parametrize("name", ["midpoint", "rk4", *night("euler")])
def test_the_analytic_bound_of_three_modes(name: str) -> None:
    """At points on all sides of the ties: the step against 40 steps of the fourth order."""
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"))
    method = METHODS[name]
    floats = method.in_floats()
    means, weights = p.mixture.means, p.mixture.weights
    z = np.stack([np.linspace(-9, 9, 301), np.zeros(301)], axis=1)[:, : means.shape[1]]

    def field(points: np.ndarray, kappa: float) -> np.ndarray:
        logits = np.log(weights) + kappa * points @ means.T - kappa**2 / 2 * (means**2).sum(1)
        gamma = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray((gamma / gamma.sum(1, keepdims=True)) @ means)

    for kappa in (0.1, 1.0, 4.0):
        h = kappa * 0.02 / (1 + kappa**2)
        with ball_precision(96):
            bounds = Analytic(Coordinates.of(p), method)
            bound, half = (float(bounds.local_error(arb(kappa), arb(size))) for size in (h, h / 2))
        exact = z
        for i in range(40):
            exact = METHODS["rk4"].in_floats().step(field, exact, kappa + i * h / 40, h / 40)
        found = np.abs(floats.step(field, z, kappa, h) - exact).max()
        assert found <= bound + 1e-14
        assert bound < 2 * h
        assert bound / half == pytest.approx(2 ** (method.order + 1), rel=0.2)


def test_one_mode_has_no_error() -> None:
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[2, 1]], "0.3"))
    with ball_precision(96):
        errors = LocalErrors.of(Coordinates.of(p), METHODS["euler"])
        assert errors.bound(arb(1), arb("0.1")) == 0


def test_what_is_no_method() -> None:
    with pytest.raises(InputError, match=r"^method: got 'heun'; required: one of euler, midpoint, rk4$"):
        method_of("heun")


def test_other_covariances_are_refused() -> None:
    with pytest.raises(InputError, match="one common isotropic variance"):
        Coordinates.of(cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances")))


@pytest.mark.parametrize("beta", ["0", "0.8"])
def test_the_derivative_beyond_the_boxes(beta: str) -> None:
    """`|f_{N+1}|` at points with `|u|` beyond the last box, by the polynomial itself at many digits."""
    with ball_precision(96):
        modes = TwoModes(METHODS["midpoint"], arb(beta))
        term, K = flow_terms(modes.last + 1)[-1], Fraction(3)
        bound = max(float(beyond(arb(9))) for beyond in modes._beyond)
        reach = int(modes._reach)
    for u in (reach, -reach, reach + 1, -reach - 5, reach + 40):
        with mpmath.workdps(80):
            w, T, P = u - mpmath.mpf(beta), mpmath.tanh(u), mpmath.mpf(int(K**2))
            value = mpmath.fsum(
                mpmath.mpf(int(c.p)) / int(c.q) * w ** int(e[0]) * T ** int(e[1]) * P ** int(e[2])
                for e, c in term.terms()
            )
            assert abs(value) <= bound
