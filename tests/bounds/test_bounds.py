"""The explicit bounds bound, and are attained where the theory says so (proofs/L2.md, L3, L4, L6, L7, L8)."""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import torch
from adversaries import tie_points
from depth import night
from scipy.integrate import quad

import certflow as cf
from certflow.bounds.peak import float_root, peak
from certflow.bounds.rates import spectral_bound
from certflow.numbers.arithmetic import arithmetic_of

TIMES = (1e-3, 0.05, 0.3, 1.0, 3.0)


def random_mixture(kind, rng, count=None, dimension=None):
    count = count or int(rng.integers(1, 5))
    d = dimension or int(rng.integers(1, 4))
    weights = rng.dirichlet(np.ones(count))
    means = np.round(rng.standard_normal((count, d)) * 10 ** rng.uniform(-1, 1), 3)
    if kind == "common-isotropic":
        covariances = 10 ** rng.uniform(-3, 1)
    elif kind == "isotropic":
        covariances = 10 ** rng.uniform(-3, 1, count)
    elif kind == "shared":
        covariances = _spd(rng, d)
    else:  # increasing, hence ordered
        steps = [_spd(rng, d) for _ in range(count)]
        covariances = np.cumsum(steps, axis=0)
    return cf.GaussianMixture(weights, means, covariances)


def _spd(rng, d):
    root = rng.standard_normal((d, d)) * 10 ** rng.uniform(-1, 0.5)
    sigma = root @ root.T + 1e-3 * np.eye(d)
    return (sigma + sigma.T) / 2


def dense_points(p, rng, t):
    """Points where the Jacobian is large: around means and midpoints, and on ties."""
    means, d = p.mixture.means, p.mixture.dimension
    m = np.exp(-t)
    pairs = (means[:, None] + means[None])[np.triu_indices(len(means))] / 2
    near = np.repeat(m * pairs, 40, axis=0)
    near = near + rng.standard_normal(near.shape) * 10 ** rng.uniform(-3, 1, (len(near), 1))
    x, _ = (
        tie_points(p, rng, 20, reach=30 * (1 + abs(means).max()), earliest=t * 0.999) if len(means) > 1 else (near, 0)
    )
    return np.concatenate([near, x, rng.standard_normal((50, d)) * 5])


@pytest.mark.parametrize("kind", ["common-isotropic", "isotropic", "shared", "full"])
@pytest.mark.parametrize("seed", [0, 3, 4, 5, *night(1, 2, *range(6, 12))])
def test_bounds_hold(kind, seed):
    """L2, L3, L6, L7, L8 on random mixtures: no sampled Jacobian leaves `[q_min - B, q_max]`."""
    rng = np.random.default_rng(1000 + seed)
    p = cf.OrnsteinUhlenbeck(random_mixture(kind, rng))
    for t in TIMES:
        x = dense_points(p, rng, t)
        eigenvalues = np.linalg.eigvalsh(p.jacobian(x, t))
        norms = np.abs(eigenvalues).max(axis=1)
        slack = 1 + 1e-9
        assert norms.max() <= p.lipschitz_bound(t) * slack
        assert -eigenvalues.min() <= p.growth_rate_bound(t) + 1e-9 * norms.max()
        parts = spectral_bound(p.mixture, arithmetic_of(t), np.array([t]))
        assert eigenvalues.max() <= parts.q_max[0] + 1e-9 * norms.max()
        radius = np.linalg.norm(x, axis=1)
        for r in (0.5, 2.0, 10.0):
            inside = norms[radius <= r]
            assert inside.max(initial=0) <= p.ball_bound(r, t) * slack


@pytest.mark.parametrize("seed", [0, *night(*range(1, 6))])
def test_ball_bound_holds_where_no_global_bound_exists(seed):
    rng = np.random.default_rng(seed)
    sigma = np.array([_spd(rng, 2), _spd(rng, 2)])
    sigma[1] += 2 * np.linalg.norm(sigma[1]) * np.diag([0, 1.0])
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.4, 0.6], np.round(rng.standard_normal((2, 2)), 2), sigma))
    for t in TIMES:
        x = dense_points(p, rng, t)
        norms = np.linalg.norm(p.jacobian(x, t), 2, axis=(1, 2))
        for r in (0.3, 1.0, 5.0, 50.0):
            inside = norms[np.linalg.norm(x, axis=1) <= r]
            assert inside.max(initial=0) <= p.ball_bound(r, t) * (1 + 1e-9)


def test_two_modes_attain_the_bound_midway():
    """L4: two equal modes, `-J` has the eigenvalue `lambda(t)` at the midpoint, exactly, at every t."""
    for variance in ("0.04", "1", "2.5"):
        p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1, "0.5"], [1, "-0.5"]], variance))
        t = np.array([1e-6, 0.01, 0.3, 2.0])
        low = np.linalg.eigvalsh(p.jacobian(np.zeros((4, 2)), t))[:, 0]
        np.testing.assert_allclose(-low, p.growth_rate_bound(t), rtol=1e-12)


@pytest.mark.parametrize("weights", [["0.2", "0.8"], ["1e-6", "0.999999"]])
def test_unequal_weights_attain_it_off_the_middle(weights):
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [[-1], [1]], "0.04"))
    t = 0.1
    v, m = 0.04 * np.exp(-2 * t) - np.expm1(-2 * t), np.exp(-t)
    tie = v * np.log(float(Fraction(weights[0]) / Fraction(weights[1]))) / (2 * m)
    assert -p.jacobian([tie], t)[0, 0] == pytest.approx(p.growth_rate_bound(t), rel=1e-12)


def test_an_exposed_edge_attains_it_far_out():
    """L4: a triangle's longest side, far along its outer normal."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.2", "0.3", "0.5"], [[-2, 0], [2, 0], [0, 1]], "0.3"))
    for t in (0.05, 0.5):
        v, m = 0.3 * np.exp(-2 * t) - np.expm1(-2 * t), np.exp(-t)
        x = np.array([v * np.log(2 / 3) / (4 * m), -200.0])
        assert -np.linalg.eigvalsh(p.jacobian(x, t))[0] == pytest.approx(p.growth_rate_bound(t), rel=1e-12)


def test_a_line_of_three_does_not_attain_it():
    """L4, the loose case: the exact supremum of three equal points on a line is `2q/(1+2q)` or `1/(4(1-4q^2))`."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3"] * 3, [[-1], [0], [1]], "0.04"))
    t = 0.5
    m2 = np.exp(-2 * t)
    v = 0.04 * m2 + 1 - m2
    q = np.exp(-m2 / (2 * v))
    sharp = 2 * q / (1 + 2 * q) if q >= 0.25 else 1 / (4 * (1 - 4 * q * q))
    exact = 1 - 1 / v + m2 / v**2 * sharp
    found = -p.jacobian(np.linspace(-3, 3, 60001)[:, None], t)[:, 0, 0].min()
    assert found == pytest.approx(exact, rel=1e-7)
    assert found < 0.7 * p.growth_rate_bound(t)


def test_different_variances_one_variable_problem():
    """L7, K = 2: the sampled supremum of `kappa (Fmax - F) / (2 cosh^2(F/2))` is `kappa / sinh G`."""
    for fmax in (-30.0, -3.0, 0.0, 0.7, 5.0, 400.0):
        values = np.linspace(min(fmax, 0) - 80, min(fmax, 80), 4_000_001)
        sampled = ((fmax - values) / (2 * np.cosh(values / 2) ** 2)).max()
        found = peak(arithmetic_of(0.5), np.array([fmax]))[0]
        assert found == pytest.approx(sampled, rel=1e-6)
        assert found >= sampled * (1 - 1e-12)
        root = float_root(fmax)
        assert (fmax + root) * np.tanh(root / 2) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("fmax", ["0.1", "3", "20", "-2"])
def test_the_peak_in_balls_is_as_narrow_as_its_precision(fmax):
    """Newton's steps are not proved, but where they go astray the ball that is proved is wide."""
    flint.ctx.prec = 333
    x = np.array([flint.arb(fmax)], dtype=object)
    found = peak(arithmetic_of(x), x)[0]
    assert found.rad() < found * flint.arb("1e-95")


def test_the_root_is_right_to_the_last_digits_at_every_size():
    """L7: against bisection with 60 digits, whose bracket needs no formula but the signs at its ends."""
    sizes = [
        0.0,
        *(sign * 10.0**power for power in (-300, -20, -3, -1, 0, 0.5, 1, 2, 4, 8, 16, 200) for sign in (-1, 1)),
    ]
    found = float_root(np.array(sizes))
    with mpmath.workdps(60):
        for fmax, root in zip(map(mpmath.mpf, sizes), found, strict=True):
            low, high = max(mpmath.mpf(0), -fmax), max(mpmath.mpf(0), -fmax) + 2
            for _ in range(1000 if fmax > 1e10 else 200):
                middle = (low + high) / 2
                low, high = (middle, high) if (fmax + middle) * mpmath.tanh(middle / 2) < 1 else (low, middle)
            assert abs(root / low - 1) < 1e-15


def test_the_largest_pair_alone_is_no_bound():
    """L7: with the narrow component duplicated, `max B_ij` in place of the sum is exceeded."""
    p = cf.OrnsteinUhlenbeck(
        cf.GaussianMixture(["0.25", "0.25", "0.5"], [[-1.0, 0], [1.0, 0], [0, 0]], ["0.01", "0.01", "1"])
    )
    single = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3", "2/3"], [[-1.0, 0], [0, 0]], ["0.01", "1"]))
    t, grid = 0.02, np.stack(np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-1, 1, 101)), -1).reshape(-1, 2)
    worst = np.linalg.norm(p.jacobian(grid, t), 2, axis=(1, 2)).max()
    assert worst <= p.lipschitz_bound(t)
    assert worst > single.lipschitz_bound(t) * 0.2


def test_nearly_equal_covariances_reach_the_common_bound():
    """As the covariances approach each other the pair bound tends to Popoviciu's: no cancellation on the way."""
    common = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], "0.04"))
    for gap in ("1e-6", "1e-12", "1e-20", "1e-40"):
        wide = Fraction("0.04") + Fraction(gap)
        isotropic = cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], ["0.04", wide])
        matrices = [[["0.04", 0], [0, "0.04"]], [[wide, 0], [0, wide]]]
        full = cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], matrices)
        for mixture in (isotropic, full):
            p = cf.OrnsteinUhlenbeck(mixture)
            for t in (0.01, 1.0):
                assert p.growth_rate_bound(t) == pytest.approx(common.growth_rate_bound(t), rel=1e-4)
                with mpmath.workdps(60):
                    exact = p.growth_rate_bound(mpmath.mpf(t))
                assert p.growth_rate_bound(t) == pytest.approx(float(exact), rel=1e-10)


BOUNDED = {
    "common-isotropic": cf.GaussianMixture(["0.3", "0.7"], [[-1, 0], [1, "0.5"]], "0.04"),
    "isotropic": cf.GaussianMixture(["0.3", "0.7"], [[-1, 0], [1, "0.5"]], ["0.04", "0.25"]),
    "shared": cf.GaussianMixture(["0.3", "0.7"], [[-1, 0], [1, "0.5"]], [["0.3", "0.1"], ["0.1", "0.2"]]),
    "full": cf.GaussianMixture(
        ["0.3", "0.7"], [[-1, 0], [1, "0.5"]], [[["0.3", "0.1"], ["0.1", "0.2"]], [["0.5", "0.1"], ["0.1", "0.9"]]]
    ),
    "full, equal": cf.GaussianMixture(["0.3", "0.7"], [[-1, 0], [1, "0.5"]], [[["0.3", "0.1"], ["0.1", "0.2"]]] * 2),
}


@pytest.mark.parametrize("kind", BOUNDED)
@pytest.mark.parametrize("method", ["lipschitz_bound", "growth_rate_bound"])
def test_every_kind_of_number(kind, method):
    bound = getattr(cf.OrnsteinUhlenbeck(BOUNDED[kind]), method)
    times = np.array([[0.01, 0.2], [1.0, 3.0]])
    plain = bound(times)
    assert plain.shape == (2, 2)
    assert isinstance(bound(0.2), float)
    assert bound(0.2) == pytest.approx(plain[0, 1], rel=1e-13)
    assert bound(np.empty(0)).shape == (0,)
    tensor = bound(torch.tensor(times))
    assert tensor.dtype == torch.float64
    np.testing.assert_allclose(tensor.numpy(), plain, rtol=1e-11)
    flint.ctx.prec = 200
    with mpmath.workdps(50):
        for index in np.ndindex(times.shape):
            exact = bound(mpmath.mpf(times[index]))
            assert plain[index] == pytest.approx(float(exact), rel=1e-12)
            ball = bound(flint.arb(float(times[index])))
            assert ball.overlaps(flint.arb(mpmath.nstr(exact, 48)) + flint.arb(0, 1e-44) * ball)
            assert ball.rad() < 1e-40 * abs(ball)
            assert not (ball * (1 + flint.arb("1e-30"))).overlaps(ball)


@pytest.mark.parametrize("kind", BOUNDED)
def test_ball_bound_in_every_kind_of_number(kind):
    p = cf.OrnsteinUhlenbeck(BOUNDED[kind])
    flint.ctx.prec = 200
    plain = p.ball_bound(2.0, 0.3)
    with mpmath.workdps(50):
        exact = p.ball_bound(mpmath.mpf(2), mpmath.mpf(0.3))
    assert plain == pytest.approx(float(exact), rel=1e-12)
    ball = p.ball_bound(flint.arb(2), flint.arb(0.3))
    assert ball.overlaps(flint.arb(mpmath.nstr(exact, 48)) + flint.arb(0, 1e-44) * ball)
    assert ball.rad() < 1e-40 * abs(ball)


def test_arb_ball_bound_of_equal_means():
    """A square whose ball reaches below zero must not become NaN under the root."""
    mixture = cf.GaussianMixture(["0.5", "0.5"], [["1/3", 0], ["1/3", 0]], [[["0.3", "0.1"], ["0.1", "0.2"]]] * 2)
    value = cf.OrnsteinUhlenbeck(mixture).ball_bound(flint.arb(1), flint.arb("0.3"))
    assert value.is_finite()


def test_the_diameter_is_exact():
    """L2 at `t -> 0`: D^2 of `{0, 1/3}` is 1/9 and not its binary neighbour."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [[0], ["1/3"]], 1))
    with mpmath.workdps(60):
        rate = p.growth_rate_bound(mpmath.mpf("0.5"))
        assert abs(rate - mpmath.exp(-1) / 36) < mpmath.mpf(10) ** -58
        assert abs(rate - mpmath.exp(-1) * mpmath.mpf(1 / 3) ** 2 / 4) > mpmath.mpf(10) ** -20


def test_symbolic_bound():
    import sympy

    s, a, t = sympy.symbols("s a t", positive=True)
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([sympy.Rational(1, 2)] * 2, [[-a], [a]], s**2))
    m2 = sympy.exp(-2 * t)
    v = s**2 * m2 + 1 - m2
    assert sympy.simplify(p.growth_rate_bound(t) - (1 - 1 / v + m2 * a**2 / v**2)) == 0


@pytest.mark.parametrize("radius", [0, -1.0, float("nan"), float("inf")])
def test_bad_radius(radius):
    p = cf.OrnsteinUhlenbeck(BOUNDED["full"])
    with pytest.raises(cf.InputError, match=r"radius: got .*; required: a finite radius > 0"):
        p.ball_bound(radius, 0.5)
    with pytest.raises(cf.InputError, match="radius"):
        p.outside_probability(radius, 0.5)


@pytest.mark.parametrize("kind", BOUNDED)
def test_outside_probability_against_sampling(kind):
    mixture, t, n = BOUNDED[kind], 0.3, 200_000
    p = cf.OrnsteinUhlenbeck(mixture)
    noise = np.random.default_rng(0).standard_normal((n, 2))
    x = np.exp(-t) * mixture.sample(n, seed=1) + np.sqrt(-np.expm1(-2 * t)) * noise
    for radius in (0.5, 1.0, 2.0, 3.0):
        share = (np.linalg.norm(x, axis=1) > radius).mean()
        assert share <= p.outside_probability(radius, t) + 5 * np.sqrt(share / n)
    assert p.outside_probability(1e3, t) < 1e-12


def test_what_is_too_small_for_float64_is_no_probability_of_zero():
    """`P(|X| > 60)` for a unit normal law is 1e-784."""
    single = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1"], [["0"]], "1"))
    assert 0 < single.outside_probability(60, 0.5) < 1e-300
    assert single.outside_probability(30, 0.5) == pytest.approx(math.erfc(30 / math.sqrt(2)), rel=1e-9)


def test_outside_probability_in_one_dimension():
    """A centred normal law: the bound is the exact tail; two modes: it bounds the exact tail by quadrature."""
    single = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], 1))
    assert single.outside_probability(1.96, 0.7) == pytest.approx(0.0499957902964409, rel=1e-9)
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.3", "0.7"], [[-1], [2]], ["0.04", "0.25"]))
    for t, radius in ((0.1, 2.0), (1.0, 1.5), (0.01, 3.0)):
        inside = quad(
            lambda y, t=t: float(np.exp(p.log_density([y], t))), -radius, radius, limit=200, points=[-0.9, 1.8]
        )[0]
        assert 1 - inside <= p.outside_probability(radius, t) + 1e-9
        assert p.outside_probability(radius, t) <= 3 * (1 - inside) + 1e-6


@pytest.mark.parametrize("means", [[[-1, 0], [1, 0], [0, 0]], *night([[-1, "0.3"], ["0.5", 1], [2, "-0.2"]])])
def test_a_crossed_pair_that_a_third_dominates_is_bounded(means):
    """proofs/L8.md, beyond: the pair alone has no bound, with a wide third component it has."""
    crossed = [[["0.1", 0], [0, "0.2"]], [["0.2", 0], [0, "0.1"]]]
    wide = [[1, 0], [0, 1]]
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.3", "0.3", "0.4"], means, [*crossed, wide]))
    with pytest.raises(cf.NoGlobalBound):
        cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], means[:2], crossed)).lipschitz_bound(0.1)
    rng = np.random.default_rng(0)
    for t in (0.01, 0.1, 0.5, 3.0):
        x = rng.standard_normal((1_500, 2)) * 10 ** rng.uniform(-0.5, 1.5, size=(1_500, 1))
        diagonal = np.abs(x[::2, :1]) * [[1, 1]] * rng.choice([-1, 1], size=(750, 2))
        x[::2] = diagonal + 0.1 * rng.standard_normal((750, 2))  # along the tie directions
        eigenvalues = np.linalg.eigvalsh(p.jacobian(x, t))
        assert np.abs(eigenvalues).max() <= p.lipschitz_bound(t)
        assert -eigenvalues.min() <= p.growth_rate_bound(t)
        ball = p.lipschitz_bound(flint.arb(t))
        assert ball.contains(p.lipschitz_bound(t)) or abs(float(ball.mid()) / p.lipschitz_bound(t) - 1) < 1e-12


PLANAR = [[[1, 0], [0, 2]], [[2, 0], [0, 1]], [[10, 0], [0, 10]]]


def largest_norm(mixture, t, reach):
    """The largest norm of J, by plain formulas, at points and, by bisection, at ties between points `reach` apart."""
    rng, d = np.random.default_rng(0), mixture.dimension
    m, weights = np.exp(-t), np.array(mixture.weights)
    precisions = np.linalg.inv(m * m * np.array(mixture.covariances) + (1 - m * m) * np.eye(d))
    constants = np.log(weights) + np.linalg.slogdet(precisions)[1] / 2
    middle = np.array(mixture.means).mean(axis=0)
    means = m * (np.array(mixture.means) - middle)

    def logs(x):
        gaps = x[:, None] - means
        return constants - np.einsum("nki,kij,nkj->nk", gaps, precisions, gaps) / 2

    low, high = rng.standard_normal((2, 2000, d)) * 10 ** rng.uniform(-1, np.log10(reach), (2, 2000, 1))
    points, first = low, logs(low).argmax(axis=1)
    for _ in range(60):
        half = (low + high) / 2
        same = (logs(half).argmax(axis=1) == first)[:, None]
        low, high = np.where(same, half, low), np.where(same, high, half)
    x = np.concatenate([points, low])
    values = logs(x)
    gamma = np.exp(values - values.max(axis=1, keepdims=True))
    gamma /= gamma.sum(axis=1, keepdims=True)
    b = -np.einsum("kij,nkj->nki", precisions, x[:, None] - means)
    b = b - (gamma[:, :, None] * b).sum(axis=1, keepdims=True)
    negative = np.eye(d) - np.einsum("nk,kij->nij", gamma, precisions) + np.einsum("nk,nki,nkj->nij", gamma, b, b)
    return np.abs(np.linalg.eigvalsh(negative)).max()


@pytest.mark.parametrize("means", [[[0, 0], [1, "0.3"], [-1, 2]], *night([[3, 1], [-2, 5], [0, 0]])])
def test_a_common_coordinate_changes_nothing(means):
    """A bounded mixture in the plane times a common normal law is bounded, with the same term for the ties."""
    weights = ["0.2", "0.3", "0.5"]
    plane = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, PLANAR))
    for variance, height in (("1", "1"), ("0.01", "-7"), ("30", "1e6")):
        solid = [[[*row, 0] for row in matrix] + [[0, 0, variance]] for matrix in PLANAR]
        p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [[*mean, height] for mean in means], solid))
        for t in (0.01, 0.5, 2.0):
            flat, more = (spectral_bound(q.mixture, arithmetic_of(t), np.array([t])) for q in (plane, p))
            assert more.spread[0] == pytest.approx(flat.spread[0], rel=1e-9)
            if variance == "1":
                assert p.lipschitz_bound(t) == pytest.approx(plane.lipschitz_bound(t), rel=1e-9)
            assert p.lipschitz_bound(flint.arb(t)).overlaps(flint.arb(p.lipschitz_bound(t), 1e-9))
            with mpmath.workdps(40):
                assert p.growth_rate_bound(mpmath.mpf(t)) == pytest.approx(p.growth_rate_bound(t), rel=1e-9)
            assert largest_norm(p.mixture, t, 1e3) <= p.lipschitz_bound(t) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("covariances", "means"),
    [
        (PLANAR, [[0, 0], [1, "0.3"], [-1, 2]]),
        # narrow along the second axis, between two means of the wide covariance, or at one of them
        ([[[2, 0], [0, 1]]] * 2 + [[[1, 0], [0, 1]]], [[0, -3], [1, 4], [5, "0.25"]]),
        ([[[2, 0], [0, 1]]] * 2 + [[[1, 0], [0, 1]]], [[0, -3], [1, 4], [5, 4]]),
        # crossed, and each equal to the largest along one axis
        ([[[1, 0], [0, 3]], [[3, 0], [0, 1]], [[3, 0], [0, 3]]], [[0, 0], [0, 0], [0, 0]]),
        # a difference of the order of 1e-12 beside one of the order of 1
        (
            [[[1, 0], [0, "1.000000000001"]], [["1.000000000001", 0], [0, 1]], [[2, 0], [0, "1.000000000002"]]],
            [[0, 0], [1, 0], [3, "1e-7"]],
        ),
        # far from the origin
        (PLANAR, [[10**6, 0], [10**6 + 1, "0.3"], [10**6 - 1, 2]]),
    ],
)
def test_bounds_below_the_largest_covariance_hold(covariances, means):
    """proofs/L8.md: at ties up to 1e4 away; in balls and in mpmath the same."""
    count = len(means)
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([Fraction(1, count)] * count, means, covariances))
    for t in (0.01, 0.3, 2.0):
        bound = p.lipschitz_bound(t)
        assert largest_norm(p.mixture, t, 1e4) <= bound * (1 + 1e-6)
        flint.ctx.prec = 150
        ball = p.lipschitz_bound(flint.arb(t))
        assert ball.rad() < 1e-20 * abs(ball)
        assert float(ball.mid()) == pytest.approx(bound, rel=1e-6)
        with mpmath.workdps(60):
            assert float(p.lipschitz_bound(mpmath.mpf(t))) == pytest.approx(bound, rel=1e-6)


@pytest.mark.parametrize("diagonal", [(1, 2, 1), (10, 10, 1), (0, 0, 1, 1), (2, 0, 0, 0, 1)])
def test_repeated_eigenvalues_in_balls(diagonal):
    """FLINT isolates the eigenvalues of none of these; the extremes are enclosed all the same."""
    flint.ctx.prec = 120
    matrix = np.full((1, len(diagonal), len(diagonal)), flint.arb(0), dtype=object)
    for i, value in enumerate(diagonal):
        matrix[0, i, i] = flint.arb(value) / 3
    with pytest.raises(ValueError, match="isolate"):
        flint.acb_mat(matrix[0].tolist()).eig(multiple=True)
    low, high = arithmetic_of(flint.arb(1)).eigenvalue_range(matrix)
    for found, wanted in ((low[0], min(diagonal)), (high[0], max(diagonal))):
        assert found.contains(flint.arb(wanted) / 3)
        assert found.rad() < 1e-30
