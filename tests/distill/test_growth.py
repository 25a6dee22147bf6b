"""Growth of perturbations: closed forms, quantile maps and differences of the adaptive flow."""

from __future__ import annotations

import json

import numpy as np
import pytest
from depth import night, nightly

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.distill.growth import growth  # noqa: E402
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
        pytest.param([["-1", "0.5"], ["0.4", "-2"]], "0.2", "0.01", id="oblique, not centred", marks=nightly),
        pytest.param([["-1"], ["1"]], "0.05", "0.001", id="narrow, early", marks=nightly),
        pytest.param([["-0.1"], ["0.1"]], "2", "0.01", id="wide", marks=nightly),
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


@pytest.mark.parametrize("variance", ["0.04", *night("1", "2.5")])
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
