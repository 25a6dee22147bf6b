"""Reference flow map against exact maps: quantile transforms, products, Gaussians, change of variables."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from depth import nightly
from mpmath import mp, mpf

import certflow as cf
from certflow.errors import InputError
from certflow.field.components import components_at
from certflow.flow.clock import FlowEquation
from certflow.flow.extrapolation import IntegrationError
from certflow.flow.reference import AccuracyWarning, flow_map, flow_with_derivative, trajectories

BUILTINS = [
    "anisotropic-pair",
    "digits",
    "grid-4x4",
    "iris",
    "iris-full",
    "line-3",
    "modes-16d",
    "random-5",
    "ring-8",
    "triangle",
    "two-modes",
    "two-modes-1d",
    "two-variances",
    "wine",
]


@pytest.fixture(autouse=True)
def _precision():
    with mp.workdps(15):
        yield


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors of a few numbers: threads only wait for each other
    yield torch
    torch.set_num_threads(threads)


def process(weights, means, covariances):
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), 1e-9, 60)


def builtin(name):
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name))


# -- the exact map in one dimension: F_to^{-1}(F_from(x)), with nothing but erfc -------------------------


def _tails(parameters, x, t):
    """Both tail probabilities of the mixture at time t, and its density."""
    m2 = mp.exp(-2 * t)
    below, above, density = mpf(0), mpf(0), mpf(0)
    for weight, mean, variance in parameters:
        deviation = mp.sqrt(variance * m2 - mp.expm1(-2 * t))
        z = (x - mp.sqrt(m2) * mean) / deviation
        below += weight * mp.erfc(-z / mp.sqrt(2)) / 2
        above += weight * mp.erfc(z / mp.sqrt(2)) / 2
        density += weight * mp.npdf(z) / deviation
    return below, above, density


def quantile_map(parameters, x, t_from, t_to, digits=50):
    """`F_to^{-1}(F_from(x))`; parameters: (weight, mean, variance) as texts."""
    with mp.workdps(digits + 10):
        parameters = [tuple(mpf(Fraction(v).numerator) / Fraction(v).denominator for v in row) for row in parameters]
        x, t_from, t_to = mpf(x), mpf(t_from), mpf(t_to)
        below, above, _ = _tails(parameters, x, t_from)
        right = above < below
        target = above if right else below
        low, high = -abs(x) - 100, abs(x) + 100
        y = (low + high) / 2
        for _ in range(400):
            b, a, density = _tails(parameters, y, t_to)
            value = a if right else b
            if (value > target) == right:
                low = y
            else:
                high = y
            # Newton on the logarithm of the tail, which is smooth where the tail itself is tiny
            step = mp.log(value / target) * value / density if value > 0 and density > 0 else mp.inf
            candidate = y + step if right else y - step
            if abs(step) < mpf(10) ** (-digits) * (abs(y) + mpf(10) ** -3):
                return candidate
            y = candidate if low < candidate < high else (low + high) / 2
        raise AssertionError("the oracle did not converge")


LINES = {
    "line-3": [("1/3", "-1", "0.01"), ("1/3", "0", "0.01"), ("1/3", "1", "0.01")],
    "sigma 0.3": [("1/2", "-1", "0.09"), ("1/2", "1", "0.09")],
    "sigma 0.1": [("1/2", "-1", "0.01"), ("1/2", "1", "0.01")],
    "sigma 0.05": [("1/2", "-1", "0.0025"), ("1/2", "1", "0.0025")],
    "unequal weights": [("0.1", "-1", "0.01"), ("0.9", "0.7", "0.01")],
    "two variances": [("0.3", "-1", "0.01"), ("0.7", "0.5", "0.16")],
}


def line_process(parameters, kind):
    weights, means, variances = zip(*parameters, strict=True)
    covariances = {
        "common-isotropic": variances[0],
        "isotropic": list(variances),
        "full": [[[v]] for v in variances],
        "shared": [[variances[0]]],
    }[kind]
    if len(variances) == 1 or kind != "shared":
        return process(list(weights), [[mean] for mean in means], covariances)
    return process(list(weights), [[mean] for mean in means], covariances)


def line_cases():
    for name, parameters in LINES.items():
        kind = "isotropic" if name == "two variances" else "common-isotropic"
        marks = [nightly] if name in ("sigma 0.05", "sigma 0.1") else []  # 0.05 is met next to the separatrix
        yield pytest.param(parameters, kind, id=f"{name}-{kind}", marks=marks)
    yield pytest.param(LINES["two variances"], "full", id="two variances-full")
    yield pytest.param(LINES["line-3"], "shared", id="line-3-shared")


def width(p, t):
    from certflow.law.spectra import smallest_variance

    s = min(0.5, smallest_variance(p.mixture))
    return float(np.sqrt(s * np.exp(-2 * t) - np.expm1(-2 * t)))


@pytest.mark.parametrize(("parameters", "kind"), list(line_cases()))
def test_one_dimension_equals_the_quantile_transform(parameters, kind):
    p = line_process(parameters, kind)
    x = np.array([-5.0, -1.1, -0.4, -1e-6, 1e-3, 0.0, 0.2, 0.9, 2.0, 6.0])[:, None]
    result, error = flow_map(p, x, 3.0, 0.01, with_error=True)
    exact = np.array([float(quantile_map(parameters, a, 3.0, 0.01)) for a in x[:, 0]])
    true_error = np.abs(result[:, 0] - exact)
    assert (true_error <= 1e-10 * (np.abs(exact) + width(p, 0.01))).all()
    assert (true_error <= error).all()
    back = np.array([-1.2, -0.9, 0.55, 1.05, 1.4])[:, None]
    forward, error = flow_map(p, back, 0.01, 3.0, with_error=True)
    exact = np.array([float(quantile_map(parameters, a, 0.01, 3.0)) for a in back[:, 0]])
    assert (np.abs(forward[:, 0] - exact) <= 1e-10 * (np.abs(exact) + width(p, 3.0))).all()
    assert (np.abs(forward[:, 0] - exact) <= error).all()


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, pytest.param(1e-10, marks=nightly)])
def test_the_estimate_bounds_the_error_wherever_the_flow_amplifies(rtol):
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(size=10), 10.0 ** rng.uniform(-9, -1, 8)][:, None]
    p = line_process(LINES["sigma 0.1"], "common-isotropic")
    result, error = flow_map(p, x, 3.0, 0.01, rtol=rtol, with_error=True)
    exact = np.array([float(quantile_map(LINES["sigma 0.1"], a, 3.0, 0.01, 30)) for a in x[:, 0]])
    assert (np.abs(result[:, 0] - exact) <= error).all()
    assert (error <= rtol * (np.abs(exact) + width(p, 0.01)) * 1.001).all()


def test_errors_next_to_the_separatrix_are_those_of_the_last_digit():
    # e^Lambda = 4e9 at delta = 0.01: float64 alone would leave seven digits here.
    p = line_process(LINES["sigma 0.05"], "common-isotropic")
    x = np.array([1e-9, -3e-10, 1e-12])[:, None]
    result, error = flow_map(p, x, 3.0, 0.01, with_error=True)
    exact = np.array([float(quantile_map(LINES["sigma 0.05"], a, 3.0, 0.01)) for a in x[:, 0]])
    assert np.abs(result[:, 0] - exact) == pytest.approx(np.zeros(3), abs=1e-11)
    assert (np.abs(result[:, 0] - exact) <= error).all()


@pytest.mark.parametrize("digits", [25, *(pytest.param(digits, marks=nightly) for digits in (30, 50))])
def test_mpmath_keeps_its_digits(monkeypatch, digits):
    evaluated, rate = [], FlowEquation.rate
    monkeypatch.setattr(
        FlowEquation, "rate", lambda self, state, tau: evaluated.append(len(state)) or rate(self, state, tau)
    )
    p = line_process(LINES["sigma 0.1"], "common-isotropic")
    with mp.workdps(digits):
        x = np.array([[mpf("1e-6")], [mpf("0.3")]], dtype=object)
        result, error = flow_map(p, x, 3, "0.01", with_error=True)
    assert sum(evaluated) < 4000 * digits  # velocities of one point
    for row in range(2):
        exact = quantile_map(LINES["sigma 0.1"], x[row, 0], 3, _exact_text_time(), digits + 5)
        with mp.workdps(digits + 10):
            assert abs(result[row, 0] - exact) < mpf(10) ** (5 - digits)
            assert abs(result[row, 0] - exact) <= error[row] + mpf(10) ** (1 - digits)


def _exact_text_time():
    with mp.workdps(80):
        return mpf(1) / 100


def test_mpmath_tolerance_may_be_loose():
    p = line_process(LINES["sigma 0.3"], "common-isotropic")
    with mp.workdps(40):
        x = np.array([mpf("0.4")], dtype=object)
        loose, error = flow_map(p, x, 3, 1, rtol=1e-7, with_error=True)
        assert 0 < error < 1e-7
        assert abs(loose[0] - quantile_map(LINES["sigma 0.3"], "0.4", 3, 1)) <= error


# -- more dimensions -------------------------------------------------------------------------------------


def test_product_mixture_is_the_product_of_its_lines():
    p = builtin("grid-4x4")
    line = [("1/4", mean, "0.04") for mean in ("-1.5", "-0.5", "0.5", "1.5")]
    x = np.array([[0.3, -1.2], [2.5, 0.01]])
    result = flow_map(p, x, 3.0, 0.01)
    exact = np.array([[float(quantile_map(line, a, 3.0, 0.01)) for a in row] for row in x])
    np.testing.assert_allclose(result, exact, rtol=1e-10, atol=1e-11)


def test_rotation_equivariance_with_a_shared_covariance():
    angle = 0.7
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    means = np.array([[-1.0, 0.2], [0.9, 0.0], [0.1, 1.1]])
    covariance = np.diag([0.2, 0.03])
    turned = rotation @ covariance @ rotation.T
    turned = (turned + turned.T) / 2
    weights = ["0.3", "0.5", "0.2"]
    x = np.random.default_rng(3).normal(size=(20, 2))
    plain = flow_map(process(weights, means, covariance), x, 2.0, 0.05)
    rotated = flow_map(process(weights, means @ rotation.T, turned), x @ rotation.T, 2.0, 0.05)
    np.testing.assert_allclose(rotated, plain @ rotation.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["common-isotropic", "isotropic", "shared", "full"])
@pytest.mark.parametrize(("t_from", "t_to"), [(3.0, 0.01), (0.01, 3.0), (50.0, 1e-9), (1e-9, 50.0)])
def test_single_gaussian_is_the_linear_map(kind, t_from, t_to):
    matrix = np.array([[0.5, 0.3], [0.3, 0.25]])
    covariances = {"common-isotropic": 0.04, "isotropic": [0.04], "shared": matrix, "full": matrix[None]}[kind]
    mean = np.array([0.7, -0.4])
    p = process([1], [mean], covariances)
    values, vectors = np.linalg.eigh(matrix if kind in ("shared", "full") else 0.04 * np.eye(2))

    def variances(t):
        return values * np.exp(-2 * t) - np.expm1(-2 * t)

    x = np.array([[0.1, 0.2], [-3.0, 1.0], [1e8, -1e8]])
    offsets = (x - np.exp(-t_from) * mean) @ vectors
    exact = np.exp(-t_to) * mean + (offsets * np.sqrt(variances(t_to) / variances(t_from))) @ vectors.T
    result = flow_map(p, x, t_from, t_to)
    scale = np.abs(exact).max(axis=1) + width(p, t_to)
    assert (np.abs(result - exact).max(axis=1) <= 1e-10 * scale).all()


@pytest.mark.parametrize("name", BUILTINS)
def test_change_of_variables(name):
    """`log p_from(x) = log p_to(Phi x) + log |det D Phi(x)|`: holds for the flow of `u` and no other."""
    p = builtin(name)
    count = 2 if p.mixture.dimension > 4 else 6
    x = p.mixture.sample(count, seed=1) * np.exp(-1.0) + np.random.default_rng(2).normal(
        size=(count, p.mixture.dimension)
    ) * np.sqrt(-np.expm1(-2.0))
    y, derivative = flow_with_derivative(p, x, 1.0, 0.02)
    sign, logdet = np.linalg.slogdet(derivative)
    assert (sign == 1).all()
    np.testing.assert_allclose(p.log_density(y, 0.02) + logdet, p.log_density(x, 1.0), rtol=0, atol=2e-8)


def test_liouville_integral_of_the_trace():
    p = builtin("random-5")
    x = np.array([0.3, -0.6])
    _, derivative = flow_with_derivative(p, x, 1.0, 0.1)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    times = np.exp((np.log(0.1) + np.log(1.0)) / 2 + nodes * np.log(10) / 2)
    path = trajectories(p, x, [1.0, *times[::-1]])[1:][::-1]
    traces = np.trace(p.jacobian(path, times), axis1=-2, axis2=-1)
    integral = (traces * times * weights).sum() * np.log(10) / 2
    assert np.log(np.linalg.det(derivative)) == pytest.approx(-integral, abs=1e-8)


def test_push_forward_of_the_law():
    p = builtin("two-modes")
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 4000)
    m, v = np.exp(-2.0), 0.04 * np.exp(-4.0) - np.expm1(-4.0)
    x = m * p.mixture.means[labels] + np.sqrt(v) * rng.normal(size=(4000, 2))
    y = flow_map(p, x, 2.0, 0.01, rtol=1e-6)
    m, v = np.exp(-0.01), 0.04 * np.exp(-0.02) - np.expm1(-0.02)
    # standard errors 0.016, 0.004 and 0.001; the identity map would give second moments near one
    assert y.mean(axis=0) == pytest.approx([0, 0], abs=0.07)
    assert (y**2).mean(axis=0) == pytest.approx([m**2 + v, v], abs=0.02)
    assert (p.responsibilities(y, 0.01).max(axis=1) > 0.99).mean() > 0.99


@pytest.mark.parametrize("name", ["random-5", "two-variances", "anisotropic-pair", "wine"])
def test_semigroup_and_inversion(name):
    p = builtin(name)
    x = np.random.default_rng(8).normal(size=(7, p.mixture.dimension))
    half = flow_map(p, x, 2.0, 0.5)
    np.testing.assert_allclose(flow_map(p, half, 0.5, 0.1), flow_map(p, x, 2.0, 0.1), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(flow_map(p, half, 0.5, 2.0), x, rtol=1e-8, atol=1e-8)


def test_trajectories_are_the_flow_maps():
    p = builtin("ring-8")
    x = np.random.default_rng(9).normal(size=(2, 3, 2))
    path = trajectories(p, x, [2.0, 1.0, 0.1])
    assert path.shape == (3, 2, 3, 2)
    np.testing.assert_array_equal(path[0], x)
    for row, t in ((1, 1.0), (2, 0.1)):
        np.testing.assert_allclose(path[row], flow_map(p, x, 2.0, t), rtol=1e-9, atol=1e-9)


# -- the derivative --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("s", "t"), [(0.01, 3.0), pytest.param(0.001, 0.5, marks=nightly)])
def test_derivative_on_the_separatrix_is_the_amplification(s, t):
    """proofs/F3.md."""
    p = builtin("two-modes")
    y, derivative = flow_with_derivative(p, np.zeros(2), t, s, rtol=1e-13)
    assert (y == 0).all()
    assert derivative[0, 0] == pytest.approx(float(p.amplification(s, t)), rel=1e-12)
    assert derivative[0, 1] == 0


@nightly
@pytest.mark.parametrize(("s", "t"), [(0.01, 3.0), (0.001, 0.5)])
def test_derivative_on_the_separatrix_is_the_amplification_to_thirty_digits(s, t):
    p = builtin("two-modes")
    with mp.workdps(40):
        s, t = mpf(s), mpf(t)
        zero = np.array([mpf(0), mpf(0)], dtype=object)
        y, derivative = flow_with_derivative(p, zero, t, s)
        exponent = p.stability(s, t)
        assert abs(mp.log(derivative[0, 0]) - exponent) < mpf(10) ** -30
        assert y.tolist() == [0, 0]


def test_false_twins_of_the_derivative_are_refused():
    p = builtin("two-modes")
    _, derivative = flow_with_derivative(p, np.zeros(2), 3.0, 0.01)
    rate = np.log(derivative[0, 0])
    assert rate != pytest.approx(float(p.stability(0.01, 2.9)), rel=1e-6)
    assert rate != pytest.approx(float(p.stability(0.011, 3.0)), rel=1e-6)


def test_derivative_against_finite_differences():
    p = builtin("anisotropic-pair")
    with mp.workdps(20):
        x = np.array([mpf("0.2"), mpf("-0.4")], dtype=object)
        _, derivative = flow_with_derivative(p, x, 1, "0.3")
        h = mpf(10) ** -5
        for j in range(2):
            shift = np.array([h if i == j else mpf(0) for i in range(2)], dtype=object)
            both = flow_map(p, np.stack([x + shift, x - shift]), 1, "0.3")
            central = (both[0] - both[1]) / (2 * h)
            assert max(abs(central - derivative[:, j])) < mpf(10) ** -8


# -- the velocity: what a wrong factor would do ----------------------------------------------------------


@pytest.mark.parametrize(("factor", "accepted"), [(1.0, True), (-1.0, False), (2.0, False), (1 + 1e-6, False)])
def test_a_wrong_time_factor_is_refused_by_the_oracle(monkeypatch, factor, accepted):
    from certflow.flow.clock import Clock

    true_rate = Clock.rate
    monkeypatch.setattr(Clock, "rate", lambda self, tau: factor * true_rate(self, tau))
    p = line_process(LINES["sigma 0.3"], "common-isotropic")
    exact = float(quantile_map(LINES["sigma 0.3"], 0.5, 2.0, 0.1))
    assert bool(abs(flow_map(p, np.array([0.5]), 2.0, 0.1)[0] - exact) < 1e-9) is accepted


# -- torch -----------------------------------------------------------------------------------------------


def test_torch_equals_numpy_and_is_differentiable(torch):
    p = builtin("two-variances")
    x = np.random.default_rng(4).normal(size=(6, 2))
    points = torch.tensor(x, requires_grad=True)
    result = flow_map(p, points, 1.0, 0.2)
    assert result.dtype == torch.float64
    np.testing.assert_allclose(result.detach().numpy(), flow_map(p, x, 1.0, 0.2), rtol=1e-10, atol=1e-10)
    _, derivative = flow_with_derivative(p, x, 1.0, 0.2)
    (gradient,) = torch.autograd.grad(result[:, 0].sum(), points)
    np.testing.assert_allclose(gradient.numpy(), derivative[:, 0, :], rtol=1e-8, atol=1e-8)
    few = torch.tensor(x[:1], requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: flow_map(p, z, 1.0, 0.6, rtol=1e-6), (few,))
    single = flow_map(p, torch.tensor(x, dtype=torch.float32), 1.0, 0.2)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), result.detach().numpy(), rtol=1e-4, atol=1e-5)


@nightly
def test_torch_repairs_a_value_next_to_the_separatrix_and_keeps_the_graph(torch):
    p = line_process(LINES["sigma 0.05"], "common-isotropic")
    x = torch.tensor([[1e-10], [0.5]], dtype=torch.float64, requires_grad=True)
    result, error = flow_map(p, x, 3.0, 0.01, rtol=1e-8, with_error=True)
    exact = float(quantile_map(LINES["sigma 0.05"], 1e-10, 3.0, 0.01))
    assert float(result[0, 0].detach()) == pytest.approx(exact, rel=1e-8)
    assert not error.requires_grad
    assert error.shape == (2,)
    (gradient,) = torch.autograd.grad(result.sum(), x)
    _, derivative = flow_with_derivative(p, x.detach().numpy(), 3.0, 0.01)
    np.testing.assert_allclose(gradient.numpy()[:, 0], derivative[:, 0, 0], rtol=1e-3)


# -- extremes --------------------------------------------------------------------------------------------


def test_extreme_times_points_and_widths():
    p = line_process([("1/2", "-1", "1e-12"), ("1/2", "1", "1e-12")], "common-isotropic")
    x = np.array([-1e8, -2.0, -0.3, 0.1, 1.0, 1e8])[:, None]
    with np.errstate(all="raise", under="ignore"):
        result = flow_map(p, x, 50.0, 1e-9)
    law = [("1/2", "-1", "1e-12"), ("1/2", "1", "1e-12")]
    for row in (1, 2, 3, 4):
        exact = float(quantile_map(law, x[row, 0], 50.0, 1e-9))
        assert result[row, 0] == pytest.approx(exact, rel=1e-10)
    assert np.isfinite(result).all()
    ratio = np.sqrt(1e-12 * np.exp(-2e-9) - np.expm1(-2e-9))  # far out every mode sees one Gaussian
    assert result[-1, 0] == pytest.approx(1e8 * ratio, rel=1e-3)
    near = np.array([-1.00003, 0.99995])[:, None]
    result = flow_map(p, near, 1e-9, 50.0)
    exact = [float(quantile_map(law, a, 1e-9, 50.0)) for a in near[:, 0]]
    np.testing.assert_allclose(result[:, 0], exact, rtol=1e-9)


def test_a_large_batch_is_cut_and_a_hard_point_does_not_spoil_it():
    p = builtin("two-modes")
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    x[7] = [1e-9, 0.0]
    result, error = flow_map(p, x, 3.0, 0.01, rtol=1e-7, with_error=True)
    law = [("1/2", "-1", "0.04"), ("1/2", "1", "0.04")]
    for row in (7, 0, 19_999):
        assert result[row, 0] == pytest.approx(float(quantile_map(law, x[row, 0], 3.0, 0.01)), abs=1e-7)
    ratio = np.sqrt((0.04 * np.exp(-0.02) - np.expm1(-0.02)) / (0.04 * np.exp(-6.0) - np.expm1(-6.0)))
    assert np.abs(result[:, 1] - ratio * x[:, 1]).max() < 1e-6  # the second coordinate is one Gaussian
    assert (np.abs(result[:, 1] - ratio * x[:, 1]) <= error).all()


def test_too_many_steps_are_an_error(monkeypatch):
    monkeypatch.setattr("certflow.flow.extrapolation.STEP_LIMIT", 10)
    p = process([0.5, 0.5], [[-1.0], [1.0]], 1e-6)
    with pytest.raises(IntegrationError, match="needs more than 10 steps"):
        flow_map(p, np.array([1e-5]), 1e-6, 1.0)


# -- the interface ---------------------------------------------------------------------------------------


def test_shapes_and_kinds():
    p = builtin("two-modes")
    assert p.flow(np.zeros(2), 1.0, 0.5).shape == (2,)
    assert flow_map(p, np.zeros((0, 2)), 1.0, 0.5).shape == (0, 2)
    assert flow_map(p, np.ones((2, 1, 2), dtype=np.float32), 1.0, 0.5).dtype == np.float32
    assert flow_map(p, [[1, 2], [0, 1]], "1/2", Fraction(1, 4)).dtype == np.float64
    x = np.array([[0.1, 0.2]])
    np.testing.assert_array_equal(flow_map(p, x, 0.7, 0.7), x)
    result, error = flow_map(p, x[0], 0.7, 0.3, with_error=True)
    assert result.shape == (2,)
    assert 0 < float(error) < 1e-10
    y, derivative = flow_with_derivative(p, x, 0.7, 0.7)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(derivative, np.eye(2)[None])


def bad_inputs():
    import flint
    import sympy

    good = {"x": np.zeros(2), "t_from": 1.0, "t_to": 0.5}
    table = [
        ("x", np.zeros(3), r"x: got 'shape \(3,\)'; required: shape \(..., 2\)"),
        ("x", 1.0, r"x: got 'shape \(\)'; required: shape"),
        ("x", np.array([0.0, np.nan]), "x: got .*nan.*; required: finite numbers"),
        ("x", np.array([mpf("inf"), mpf(0)], dtype=object), "x: got inf; required: finite numbers"),
        ("x", np.array([flint.arb(1)] * 2, dtype=object), "x: got 'arb numbers'; required: float64, torch"),
        (
            "x",
            np.array([sympy.Symbol("x")] * 2, dtype=object),
            "x: got 'sympy numbers'; required: float64, torch",
        ),
        ("t_from", 0.0, "t_from: got 0.0; required: one finite time > 0"),
        ("t_from", -1, "t_from: got -1; required: one finite time > 0"),
        ("t_to", float("inf"), "t_to: got inf; required: a finite number"),
        ("t_to", float("nan"), "t_to: got nan; required: a finite number"),
        ("t_to", [0.1, 0.2], r"t_to: got \[0.1, 0.2\]; required: one finite time > 0"),
        ("t_to", "soon", "t_to: got 'soon'; required: a finite number"),
        ("t_to", "1e400", "t_to: got '1e400'; required: one finite time > 0, at most 1e308"),
        ("t_from", 10**400, "t_from: got 1000.*; required: one finite time > 0, at most 1e308"),
        ("rtol", 0, r"rtol: got 0; required: a number in \[5e-14, 1\)"),
        ("rtol", 1.0, r"rtol: got 1.0; required: a number in \[5e-14, 1\)"),
        ("rtol", 1e-16, r"rtol: got 1e-16; required: a number in \[5e-14, 1\)"),
        ("rtol", float("nan"), "rtol: got nan; required: a finite number"),
    ]
    return [pytest.param({**good, name: value}, text, id=f"{name}-{i}") for i, (name, value, text) in enumerate(table)]


@pytest.mark.parametrize(("arguments", "message"), bad_inputs())
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        flow_map(builtin("two-modes"), **arguments)


def test_the_smallest_tolerance_is_accepted():
    p = builtin("two-modes")
    assert (flow_map(p, np.zeros(2), 1.0, 0.9, rtol=5e-14) == 0).all()
    with mp.workdps(20):
        assert (flow_map(p, np.array([mpf(0), mpf(0)], dtype=object), 1, "0.9", rtol=1e-20) == 0).all()


def test_bad_input_of_the_other_kinds(torch):
    p = builtin("two-modes")
    with pytest.raises(InputError, match="rtol: got 1e-40; required: a number in"), mp.workdps(30):
        flow_map(p, np.array([mpf(1), mpf(0)], dtype=object), 1, 2, rtol=1e-40)
    with pytest.raises(InputError, match="rtol: got '9e-31'; required: a number in"), mp.workdps(30):
        flow_map(p, np.array([mpf(0), mpf(0)], dtype=object), 1, 2, rtol="9e-31")
    with pytest.raises(InputError, match="t_to: got 'a tensor that requires grad'"):
        flow_map(p, torch.zeros(2), 1.0, torch.tensor(0.5, requires_grad=True))
    with pytest.raises(InputError, match="x: got 'a torch tensor'; required: NumPy or mpmath"):
        flow_with_derivative(p, torch.zeros(2), 1.0, 0.5)
    with pytest.raises(InputError, match=r"x: got .*nan.*; required: finite"):
        flow_map(p, torch.tensor([0.0, float("nan")]), 1.0, 0.5)
    for times in ([], [1.0, 0.5, 0.7], [1.0, 1.0], 1.0):
        with pytest.raises(InputError, match="times: got"):
            trajectories(p, np.zeros(2), times)
    with pytest.raises(InputError, match=r"times\[1\]: got -1.0"):
        trajectories(p, np.zeros(2), [1.0, -1.0])


def test_a_missed_tolerance_warns(monkeypatch):
    from certflow.flow import runs as flow_runs

    p = builtin("two-modes")
    honest = flow_runs.solve

    def pessimist(*arguments):
        runs = honest(*arguments)
        runs.relative_errors[-1][0] = 1e-3
        return runs

    monkeypatch.setattr("certflow.flow.reference.solve", pessimist)
    with pytest.warns(AccuracyWarning, match="1 of 2 trajectories miss rtol = 1e-10; worst estimated error 0.001"):
        flow_map(p, np.zeros((2, 2)), 1.0, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow_map(p, np.zeros((2, 2)), 1.0, 0.5, with_error=True)


def test_oracle_is_independent_and_exact():
    """The oracle itself: one Gaussian has a known map."""
    y = quantile_map([("1", "0", "1/4")], 2, 1, "0.5")
    with mp.workdps(50):
        ratio = [mp.sqrt(mpf(1) / 4 * mp.exp(-2 * t) - mp.expm1(-2 * t)) for t in (mpf(1), mpf("0.5"))]
        assert abs(y - 2 * ratio[1] / ratio[0]) < mpf(10) ** -45


def test_what_depends_on_time_alone_is_computed_once_for_each_time(monkeypatch):
    """Two runs over one step, of seven and eight columns: the values `i / n`, `n = 2, 4, ..., 16`, each once."""
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    built = []

    def counted(mixture, arithmetic, t):
        built.append(float(t[0]))
        return components_at(mixture, arithmetic, t)

    monkeypatch.setattr("certflow.flow.clock.components_at", counted)
    p.flow(np.array([[0.3, 0.2]]), 0.5, 0.49)
    assert len(built) == len({Fraction(i, n) for n in range(2, 17, 2) for i in range(n)})
    assert len(set(built)) == len(built)
