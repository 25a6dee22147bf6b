"""Growth of perturbations: closed forms, quantile maps and differences of the adaptive flow."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.distill.growth import growth, typical_amplification  # noqa: E402
from certflow.law.symmetry import is_equal_pair  # noqa: E402

POINTS = 256


def process(weights, means, covariances, t_min="0.01") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, covariances), t_min, "3")


def variance_at(t, variance: float):
    return 1 - (1 - variance) * np.exp(-2 * np.asarray(t))


# -- on the separatrix -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "sigma", "t_min"),
    [
        pytest.param([["-1"], ["1"]], "0.3", "0.01", id="one dimension"),
        pytest.param([["-1", "0.5"], ["0.4", "-2"]], "0.2", "0.01", id="oblique, not centred"),
        pytest.param([["-1"], ["1"]], "0.05", "0.001", id="narrow, early"),
        pytest.param([["-0.1"], ["0.1"]], "2", "0.01", id="wide"),
    ],
)
def test_on_the_separatrix_the_bound_is_attained(means, sigma, t_min):
    """F3 against the closed form F2, written out here."""
    variance = float(sigma) ** 2
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], means, str(variance)), t_min, "3")
    found = growth(p, 1, points=8)
    a, b = (np.array([float(c) for c in mean]) for mean in means)
    v = variance_at(found.times, variance)
    primitive = -np.log(v) / 2 - ((a - b) @ (a - b)) / (8 * (1 - variance) * v)
    np.testing.assert_allclose(found.separatrix, primitive - primitive[-1], rtol=0, atol=1e-5)
    assert found.separatrix_gap < 1e-5
    assert found.separatrix[-1] == 0
    assert (found.times[0], found.times[-1]) == (p.t_max, p.t_min)


def test_only_an_equal_pair_has_a_separatrix_that_is_known():
    equal = (["1/2", "1/2"], [[-1], [1]])
    assert is_equal_pair(cf.GaussianMixture(*equal, "0.09"))
    assert not is_equal_pair(cf.GaussianMixture(["0.4", "0.6"], [[-1], [1]], "0.09"))
    assert not is_equal_pair(cf.GaussianMixture(["1/2", "1/2"], [[-1], [1]], ["0.09", "0.08"]))
    assert not is_equal_pair(cf.GaussianMixture(["1/2", "1/2"], [[1], [1]], "0.09"))
    assert not is_equal_pair(cf.GaussianMixture(["1/3"] * 3, [[-1], [0], [1]], "0.09"))
    found = growth(process(["0.4", "0.6"], [[-1], [1]], "0.09"), 1, points=8)
    assert found.separatrix is None
    assert found.separatrix_gap is None


# -- at typical points -----------------------------------------------------------------------------------------


def test_typical_amplification_against_the_quantile_map():
    """In one dimension `Phi = F_s^{-1} o F_t` and `Phi'(x) = p_t(x) / p_s(Phi(x))`."""
    weights, means, variances = np.array([0.4, 0.6]), np.array([-1.0, 0.7]), np.array([0.09, 0.2])
    p = process(weights.tolist(), [[m] for m in means], variances.tolist())

    def scaled(t, x):
        m = math.exp(-t)
        return m * means, np.sqrt(m * m * variances + 1 - m * m)

    def density(t, x):
        return weights @ norm.pdf(x, *scaled(t, x))

    def quantile(t, level):
        return brentq(lambda x: weights @ norm.cdf(x, *scaled(t, x)) - level, -9, 9, xtol=1e-14)

    levels = (np.arange(40) + 0.5) / 40
    times = [3.0, 1.0, 0.2, 0.05, 0.01]
    points = np.array([[quantile(t, level) for level in levels] for t in times])
    slopes = np.array(
        [
            [density(t, x) / density(0.01, y) for x, y in zip(row, points[-1], strict=True)]
            for t, row in zip(times, points, strict=True)
        ]
    )
    found = typical_amplification(p, times, torch.from_numpy(points[0]).unsqueeze(1))
    np.testing.assert_allclose(found, np.sqrt((slopes**2).mean(1)), rtol=2e-5)
    assert found[-1] == 1


def test_typical_amplification_against_differences():
    means, full = [[-1.0, 0.2], [0.8, -0.3]], [[[0.3, 0.1], [0.1, 0.2]], [[0.1, 0.0], [0.0, 0.5]]]
    p, h = process([0.5, 0.5], means, full), 1e-5
    x = np.random.default_rng(1).standard_normal((12, 2))
    times = [3.0, 0.4, 0.01]
    expected = []
    for t in times[:-1]:
        reached = x if t == 3.0 else p.flow(x, 3.0, t, rtol=1e-12)
        squares = 0.0
        for step in h * np.eye(2):
            gap = p.flow(reached + step, t, 0.01, rtol=1e-12) - p.flow(reached - step, t, 0.01, rtol=1e-12)
            squares += ((gap / (2 * h)) ** 2).sum(1).mean()
        expected.append(math.sqrt(squares / 2))
    found = typical_amplification(p, times, torch.from_numpy(x))
    np.testing.assert_allclose(found, [*expected, 1.0], rtol=1e-5)


@pytest.mark.parametrize("variance", ["0.04", "1", "2.5"])
def test_one_gaussian(variance):
    """`Phi` is affine with factor `sqrt(v_s/v_t)`, whatever the point, the direction and the size."""
    p = process([1], [[0.3, -1]], variance)
    found = growth(p, 2, points=16)
    v = variance_at(found.times, float(variance))
    exact = np.log(v[-1] / v) / 2
    for curve in (found.typical, found.median, found.largest, found.one_sided):
        np.testing.assert_allclose(curve, exact, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.typical_deviation, 0, atol=1e-12)
    for value in found.injected.values():
        assert value == pytest.approx(exact[0], abs=1e-7)


def test_small_injected_perturbations_grow_as_the_derivative_says():
    found = growth(process(["0.5", "0.5"], [[-1], [1]], "0.09"), 2, points=POINTS)
    assert list(found.injected) == ["1e-06", "0.001", "0.1"]
    assert found.injected["1e-06"] == pytest.approx(found.typical[0], abs=1e-4)
    assert found.injected["0.001"] == pytest.approx(found.typical[0], abs=0.1)
    assert abs(found.injected["0.1"] - found.typical[0]) > 0.01  # no longer linear


# -- beside the bounds -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three():
    p = process(["0.5", "0.3", "0.2"], [[-1, 0], [1, 0], [0, "0.8"]], "0.3")
    return growth(p, [3, 5], points=POINTS)


def test_the_bounds_bound(three):
    curves = np.array([three.typical, three.median, three.largest, three.one_sided, three.two_sided])
    assert (curves[:, -1] == 0).all()
    assert (curves[1] <= curves[2]).all()
    assert (curves[2] <= curves[3] + 1e-9).all()
    assert (curves[3] <= curves[4] + 1e-12).all()
    assert curves[4, 0] > curves[3, 0] > curves[2, 0] > curves[0, 0]


def test_seeds(three):
    p = process(["0.5", "0.3", "0.2"], [[-1, 0], [1, 0], [0, "0.8"]], "0.3")
    assert growth(p, [3, 5], points=POINTS) == three
    one, other = (growth(p, [seed], points=POINTS) for seed in (3, 5))
    pair = np.array([one.typical, other.typical])
    np.testing.assert_allclose(three.typical, pair.mean(0), atol=1e-6)
    np.testing.assert_allclose(three.typical_deviation, pair.std(0, ddof=1), atol=1e-6)
    np.testing.assert_allclose(three.median, np.mean([one.median, other.median], axis=0), atol=1e-6)
    np.testing.assert_allclose(three.largest, np.maximum(one.largest, other.largest), atol=1e-6)
    assert three.seeds == 2
    assert set(one.typical_deviation) == {0.0}
    assert max(three.typical_deviation) > 0


def test_without_a_global_bound():
    full = [[[0.3, 0.1], [0.1, 0.2]], [[0.1, 0.0], [0.0, 0.5]]]
    found = growth(process([0.5, 0.5], [[-1.0, 0.2], [0.8, -0.3]], full), 1, points=32)
    assert (found.one_sided, found.two_sided, found.separatrix) == (None, None, None)
    assert np.isfinite(found.typical).all()


def test_as_json(three):
    mapping = json.loads(json.dumps(three.mapping()))
    assert mapping["typical"] == list(three.typical)
    assert mapping["separatrix"] is None
    assert len({len(mapping[name]) for name in ("times", "typical", "median", "largest", "one_sided")}) == 1


@pytest.mark.parametrize(
    ("given", "field", "requirement"),
    [
        ({"seeds": 0}, "seeds", "at least one seed"),
        ({"seeds": []}, "seeds", "at least one seed"),
        ({"seeds": [1, -1]}, "seeds", "ints >= 0"),
        ({"seeds": [0.5]}, "seeds", "ints >= 0"),
        ({"points": 1}, "points", "an int >= 2"),
        ({"points": 2.5}, "points", "an int >= 2"),
        ({"points": True}, "points", "an int >= 2"),
    ],
)
def test_bad_input(given, field, requirement):
    with pytest.raises(InputError) as caught:
        growth(process([1], [[0]], "0.09"), **given)
    assert caught.value.field == field
    assert requirement in str(caught.value)
