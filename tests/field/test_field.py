"""Score, Jacobian and their kin against the oracle; every kind of number, every shape (proofs/S1.md to S4)."""

from __future__ import annotations

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy
import torch
from adversaries import critical_points, tie_points, wide_spread
from depth import cases, night
from laws import KINDS, PAIRS, QUANTITIES
from oracle import Oracle, dec, jacobian_mp, log_density_mp, relative_error, score_mp

import certflow as cf

NAMES = cf.builtin_mixtures()
COSTLY = ("wine", "iris-full", "modes-16d", "digits", "grid-4x4")
SMALL = [name for name in NAMES if cf.load_mixture(name).dimension <= 2]


def process(mixture):
    return cf.OrnsteinUhlenbeck(mixture, "1e-9", 50)


# -- the oracle itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_oracle_agrees_with_mpmath_differentiation(name):
    """Decimal formulas against mpmath's numerical differentiation of the density: 45 digits of the score."""
    mixture = cf.load_mixture(name)
    oracle, rng = Oracle(mixture), np.random.default_rng(5)
    for t in (1e-6, 0.3):
        x = np.exp(-t) * mixture.means[0] + rng.standard_normal(mixture.dimension) * 0.3
        exact = oracle.at(x, t)
        with mpmath.workdps(70):
            score, jacobian = score_mp(mixture, x, t), jacobian_mp(mixture, x, t)
            density = log_density_mp(mixture, x, t)
            assert _distance(exact["log_density"], [density]) < mpmath.mpf(10) ** -45
            assert _distance(exact["score"], score) < mpmath.mpf(10) ** -45
            assert _distance(exact["jacobian"], jacobian) < mpmath.mpf(10) ** -30
            assert _distance(exact["velocity"], score) > mpmath.mpf(10) ** -3  # a false twin is told apart


def _distance(decimals, numbers):
    pairs = zip(np.ravel(decimals), np.ravel(np.asarray(numbers, dtype=object)), strict=True)
    error = mpmath.norm([mpmath.mpf(str(a)) - b for a, b in pairs])
    return error / mpmath.norm([mpmath.mpf(str(a)) for a in np.ravel(decimals)])


# -- agreement, float64 against 130 digits -----------------------------------------------------------------


def adversarial_points(p, count, seed):
    """`count` points: half spread over all sizes and times, a third on ties, the rest at critical points."""
    rng = np.random.default_rng(seed)
    parts = [
        wide_spread(p, rng, count // 2),
        tie_points(p, rng, count // 3),
        critical_points(p, rng, count - count // 2 - count // 3),
    ]
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


@pytest.mark.parametrize("name", [*(name for name in NAMES if name not in COSTLY), *night(*COSTLY)])
def test_score_and_jacobian_to_twelve_digits(name):
    p = process(cf.load_mixture(name))
    x, t = adversarial_points(p, cases(100), seed=11)
    assert len(x) > 90
    oracle = Oracle(p.mixture)
    values = {quantity: getattr(p, quantity)(x, t) for quantity in QUANTITIES}
    for n in range(len(x)):
        exact = oracle.at(x[n], t[n])
        for quantity in ("score", "velocity", "jacobian"):
            assert relative_error(values[quantity][n], exact[quantity]) <= 1e-12, (quantity, x[n], t[n])
        size = max(1.0, abs(float(exact["log_density"])))
        assert abs(float(dec(float(values["log_density"][n])) - exact["log_density"][()])) <= 1e-12 * size
        gamma = zip(values["responsibilities"][n], exact["responsibilities"], strict=True)
        assert max(abs(float(dec(float(a)) - b)) for a, b in gamma) <= 1e-12


def test_unguarded_float64_fails_the_same_test(monkeypatch):
    """The false twin: without the guard, the points of the test above leave float64 at three digits or fewer."""
    from certflow.field import guard

    monkeypatch.setattr(guard, "recompute", lambda *arguments: None)
    p = process(cf.load_mixture("two-modes"))
    x, t = tie_points(p, np.random.default_rng(11), 50)
    score = p.score(x, t)
    oracle = Oracle(p.mixture)
    assert max(relative_error(score[n], oracle.at(x[n], t[n])["score"]) for n in range(len(x))) > 1e-3


@pytest.mark.parametrize("size", [1e-8, 1e-16, 1e-25, 1e-40])
def test_score_next_to_the_origin_of_a_symmetric_mixture(size):
    """The score vanishes like `x`: relative accuracy there needs more than double-double."""
    p = process(cf.load_mixture("two-modes"))
    oracle = Oracle(p.mixture)
    for t in (1e-6, 0.05, 3.0, 50.0):
        x = np.array([size, 0.0])
        for quantity in ("score", "velocity"):
            assert relative_error(getattr(p, quantity)(x, t), oracle.at(x, t)[quantity]) <= 1e-12
    assert (p.score(np.zeros(2), 0.1) == 0).all()


# -- mpmath and Arb ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_balls_contain_the_exact_value_and_are_narrow(name):
    """Arb at 200 bits: containment of the oracle's value, and a relative width of at most 2^-150."""
    p = process(cf.load_mixture(name))
    x, t = adversarial_points(p, 6 if p.mixture.dimension > 4 else 12, seed=3)
    flint.ctx.prec = 200
    oracle = Oracle(p.mixture)
    for n in range(len(x)):
        exact = oracle.at(x[n], t[n])
        for quantity in QUANTITIES:
            balls = getattr(p, quantity)(_balls(x[n]), flint.arb(float(t[n])))
            balls = np.ravel(np.asarray(balls, dtype=object))
            wanted = np.ravel(exact[quantity])
            size = max(abs(float(v)) for v in wanted)
            for ball, value in zip(balls, wanted, strict=True):
                assert ball.overlaps(_ball_around(value)), (quantity, x[n], t[n])
                if n < len(x) // 2:
                    assert float(ball.rad()) <= 2.0**-150 * (size + 1e-30), (quantity, x[n], t[n])
                assert not (ball + ball.rad() * 4 + size * 2.0**-100).contains(_ball_around(value))


def _balls(values):
    return np.array([flint.arb(float(v)) for v in values], dtype=object)


def _ball_around(value):
    """A ball that holds a Decimal of 130 digits (its radius allows for the oracle's own rounding)."""
    with flint.ctx.workprec(500):
        middle = flint.arb(str(value))
        return middle + flint.arb(0, 1) * (abs(middle) * flint.arb(10) ** -80 + flint.arb(10) ** -90)


@pytest.mark.parametrize("kind", KINDS)
def test_wide_balls_contain_every_value_inside(kind):
    p = process(PAIRS[kind])
    x = np.array([flint.arb("0.1", "0.05"), flint.arb("0.2", "0.05")], dtype=object)
    t = flint.arb("0.4", "0.01")
    rng = np.random.default_rng(1)
    for quantity in QUANTITIES:
        balls = np.ravel(np.asarray(getattr(p, quantity)(x, t), dtype=object))
        for _ in range(20):
            inside = np.array([0.1, 0.2]) + rng.uniform(-0.0499, 0.0499, 2)
            values = np.ravel(getattr(p, quantity)(inside, 0.4 + rng.uniform(-0.0099, 0.0099)))
            assert all(ball.contains(float(v)) for ball, v in zip(balls, values, strict=True))


@pytest.mark.parametrize("name", ["random-5", "two-variances", "iris-full", "wine"])
def test_mpmath_at_50_digits(name):
    p = process(cf.load_mixture(name))
    x, t = wide_spread(p, np.random.default_rng(8), 4)
    oracle = Oracle(p.mixture)
    with mpmath.workdps(50):
        for n in range(len(x)):
            exact = oracle.at(x[n], t[n])
            point = np.array([mpmath.mpf(v) for v in x[n]], dtype=object)
            for quantity in ("score", "jacobian", "log_density"):
                values = getattr(p, quantity)(point, mpmath.mpf(t[n]))
                assert _distance(exact[quantity], values) < mpmath.mpf(10) ** -45


# -- exactness ---------------------------------------------------------------------------------------------


EXACT = cf.GaussianMixture(["0.1", "0.9"], [["1/3", "0.1"], ["-1/3", "0.7"]], "0.1")
BINARY = cf.GaussianMixture([0.1, 0.9], [[1 / 3, 0.1], [-1 / 3, 0.7]], 0.1)


def test_decimals_and_fractions_are_meant_exactly_in_mpmath():
    with mpmath.workdps(60):
        x = np.array([mpmath.mpf("0.25"), mpmath.mpf("-0.5")], dtype=object)
        wanted = Oracle(EXACT).at([Fraction(1, 4), Fraction(-1, 2)], Fraction(1, 2))["score"]
        score = process(EXACT).score(x, mpmath.mpf("0.5"))
        assert _distance(wanted, score) < mpmath.mpf(10) ** -57
        neighbour = process(BINARY).score(x, mpmath.mpf("0.5"))
        assert mpmath.mpf(10) ** -18 < _distance(wanted, neighbour) < mpmath.mpf(10) ** -14


def test_decimals_and_fractions_are_meant_exactly_in_arb():
    flint.ctx.prec = 300
    x = np.array([flint.arb("0.25"), flint.arb("-0.5")], dtype=object)
    wanted = Oracle(EXACT).at([Fraction(1, 4), Fraction(-1, 2)], Fraction(1, 2))["score"]
    for ball, value in zip(process(EXACT).score(x, flint.arb("0.5")), wanted, strict=True):
        assert ball.overlaps(_ball_around(value))
        assert ball.rad() < 1e-80
    for ball, value in zip(process(BINARY).score(x, flint.arb("0.5")), wanted, strict=True):
        assert not ball.overlaps(_ball_around(value))


def test_exactness_reaches_float64_through_the_repair():
    """Next to the zero of the score only the exact third tells where the zero is: the repair must know it."""
    exact = cf.GaussianMixture([1], [["1/3"]], "0.1")
    binary = cf.GaussianMixture([1], [[1 / 3]], 0.1)
    t = 0.5
    with mpmath.workdps(60):
        zero = float(mpmath.exp(-mpmath.mpf(t)) / 3)
    x = np.array([zero])
    wanted = Oracle(exact).at(x, t)["score"]
    assert relative_error(process(exact).score(x, t), wanted) < 1e-12
    assert relative_error(process(binary).score(x, t), Oracle(binary).at(x, t)["score"]) < 1e-12
    assert relative_error(process(binary).score(x, t), wanted) > 1e-3


# -- kinds of number, shapes -------------------------------------------------------------------------------

SHAPES = [((), ()), ((3,), ()), ((3,), (3,)), ((2, 3), ()), ((2, 3), (2, 1)), ((2, 3), (3,)), ((2, 3), (2, 3))]
TAILS = {"log_density": (), "responsibilities": (2,), "score": (2,), "velocity": (2,), "jacobian": (2, 2)}


def _cast(family, values):
    values = np.asarray(values, dtype=float)
    scalar = {
        "mpmath": mpmath.mpf,
        "arb": flint.arb,
        "sympy": lambda v: sympy.Rational(*float(v).as_integer_ratio()),
    }
    if family == "float64":
        return values
    if family.startswith("torch"):
        return torch.tensor(values, dtype=getattr(torch, family[6:]))
    result = np.empty(values.shape, dtype=object)
    for index in np.ndindex(values.shape):
        result[index] = scalar[family](float(values[index]))
    return result


def _read(family, value):
    if family == "float64" or family.startswith("torch"):
        return np.asarray(value, dtype=float)
    read = {"mpmath": float, "arb": lambda b: float(b.mid()), "sympy": lambda e: float(e.evalf(20))}[family]
    return np.vectorize(read, otypes=[float])(np.asarray(value, dtype=object))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["float64", "torch.float64", "torch.float32", "mpmath", "arb"])
@pytest.mark.parametrize(("batch", "shape_t"), SHAPES)
def test_every_kind_of_number_in_every_shape(kind, family, batch, shape_t):
    p = process(PAIRS[kind])
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((*batch, 2)), rng.uniform(0.05, 2, shape_t)
    expected_t = np.broadcast_to(t, batch)
    for quantity, tail in TAILS.items():
        value = getattr(p, quantity)(_cast(family, x), _cast(family, t))
        if not batch + tail:
            value = value[()] if hasattr(value, "shape") else value
        else:
            assert tuple(value.shape) == batch + tail
        if family.startswith("torch"):
            assert value.dtype == getattr(torch, family[6:])
        plain = _read(family, value)
        tolerance = 2e-4 if family == "torch.float32" else 1e-11
        for index in np.ndindex(batch):
            single = getattr(p, quantity)(x[index], float(expected_t[index]))
            np.testing.assert_allclose(plain[index], single, rtol=tolerance, atol=tolerance)


FEW = ("log_density", "score")


@pytest.mark.parametrize(
    ("kind", "quantities"),
    [
        ("common-isotropic", QUANTITIES),
        *night(("full", FEW), ("full", QUANTITIES), ("isotropic", QUANTITIES), ("shared", FEW)),
    ],
    ids=lambda value: value if isinstance(value, str) else "few" if value is FEW else "all",
)
def test_sympy_expressions(kind, quantities):
    p = process(PAIRS[kind])
    x = np.array(sympy.symbols("x y", real=True), dtype=object)
    t = sympy.Symbol("t", positive=True)
    point = {x[0]: sympy.Rational(1, 4), x[1]: sympy.Rational(-1, 2), t: sympy.Rational(1, 2)}
    for quantity in quantities:
        value = np.asarray(getattr(p, quantity)(x, t), dtype=object)
        number = [float(e.subs(point).evalf(25)) for e in np.ravel(value)]
        np.testing.assert_allclose(number, np.ravel(getattr(p, quantity)([0.25, -0.5], 0.5)), rtol=1e-13)


def test_scalars_are_scalars():
    p = process(PAIRS["isotropic"])
    assert isinstance(p.log_density([0.1, 0.2], 0.5), float)
    assert isinstance(p.log_density(_cast("mpmath", [0.1, 0.2]), 0.5), mpmath.mpf)
    assert isinstance(p.log_density(_cast("arb", [0.1, 0.2]), 0.5), flint.arb)
    assert p.log_density(_cast("torch.float64", [0.1, 0.2]), 0.5).shape == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["float64", "torch.float64", "mpmath", "arb"])
def test_empty_batches(kind, family):
    p = process(PAIRS[kind])
    for quantity, tail in TAILS.items():
        for t in (0.5, _cast(family, np.empty(0))):
            value = getattr(p, quantity)(_cast(family, np.empty((0, 2))), t)
            assert tuple(value.shape) == (0, *tail)


def test_single_precision_and_integers():
    p = process(PAIRS["full"])
    x = np.array([[0.1, 0.2], [3, 4]], dtype=np.float32)
    for quantity in QUANTITIES:
        value = getattr(p, quantity)(x, 0.5)
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, getattr(p, quantity)(x.astype(float), 0.5).astype(np.float32))
        np.testing.assert_array_equal(
            getattr(p, quantity)(np.array([[1, 2]]), 1), getattr(p, quantity)([[1.0, 2.0]], 1.0)
        )
    with pytest.raises(cf.InputError, match="a tensor of a floating dtype"):
        p.score(torch.tensor([1, 2]), 0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_derivatives(kind):
    """`torch.autograd` differentiates the score in x and t; its Jacobian is that of the package."""
    p = process(PAIRS[kind])
    x = torch.tensor([[0.1, 0.2], [-0.5, 0.4]], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([0.5, 0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(p.score, (x, t))
    assert torch.autograd.gradcheck(p.log_density, (x, t))
    gradient = torch.autograd.grad(p.log_density(x, t).sum(), x)[0]
    torch.testing.assert_close(gradient, p.score(x, t), rtol=1e-12, atol=1e-12)
    own = torch.autograd.functional.jacobian(lambda a: p.velocity(a, 0.5), x[0])
    torch.testing.assert_close(own, p.jacobian(x[0], 0.5), rtol=1e-10, atol=1e-10)


def test_kinds_do_not_mix():
    p = process(PAIRS["full"])
    with pytest.raises(cf.InputError, match="a mixture of arb and mpmath numbers"):
        p.score(_cast("arb", [0.1, 0.2]), mpmath.mpf(1))


@pytest.mark.parametrize("quantity", ["score", "jacobian", "log_density"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_short_way_of_float64_arrays_gives_the_same_bits(kind, quantity):
    evaluate = getattr(process(PAIRS[kind]), quantity)
    rows = [[0.1, 0.2], [-3.0, 0.7], [40.0, 1.0]]
    quick = evaluate(np.array(rows), 0.5)
    for x, t in [(rows, 0.5), (np.array(rows), "1/2"), (np.array(rows), np.float64(0.5)), (np.array(rows), [0.5] * 3)]:
        again = evaluate(x, t)
        assert again.dtype == np.float64
        np.testing.assert_allclose(again, quick, rtol=1e-12 if isinstance(t, list) else 0)


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        ([0.1], 0.5, r"x: got 'shape \(1,\)'; required: shape \(..., 2\)"),
        (0.1, 0.5, r"x: got 'shape \(\)'"),
        ([0.1, np.nan], 0.5, "x: got .*nan.*; required: finite numbers"),
        ([0.1, np.inf], 0.5, "x: got .*inf.*; required: finite numbers"),
        ([0.1, 0.2], 0, "t: got 0.0; required: a finite time > 0"),
        ([0.1, 0.2], -1.0, "t: got -1.0"),
        ([0.1, 0.2], np.inf, "t: got inf"),
        ([[0.1, 0.2]] * 20, [0.5] * 19 + [-1.0], "t: got -1.0; required: a finite time > 0"),
        (np.full((20, 2), 0.1), np.r_[np.full(19, 0.5), np.nan], "t: got nan"),
        (np.array([0.1]), 0.5, r"x: got 'shape \(1,\)'"),
        (np.array([0.1, np.nan]), 0.5, "x: got .*nan.*; required: finite numbers"),
        (np.array([0.1, 0.2]), float("inf"), "t: got inf"),
        (np.array([0.1, 0.2]), mpmath.mpf(-1), "t: got -1.0"),
        ([[0.1, 0.2]] * 3, [0.1, 0.2], r"t: got 'shape \(2,\)'; required: a scalar or a shape that broadcasts"),
        (["a", "b"], 0.5, r"x\[0\]: got 'a'; required: a finite number"),
    ],
)
def test_bad_points_and_times(x, t, message):
    with pytest.raises(cf.InputError, match=message):
        process(PAIRS["full"]).score(x, t)
