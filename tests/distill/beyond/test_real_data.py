"""The digits: a score network as a teacher, from end to end in seconds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from depth import nightly
from scipy.integrate import trapezoid

from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.distill import Settings  # noqa: E402
from certflow.distill.beyond.real_data import DIMENSION, GRIDS, MEASURED, digits, real_data  # noqa: E402

TINY = Settings(hidden=8, steps=20, batch=32, pool=64, test=32, warmup=5, tolerance=1e-6)
TABLE = 33  # times at which the rate is measured


@pytest.fixture(scope="module")
def outcome():
    told: list[tuple[int, int, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certflow.distill.beyond.real_data.TABLE", TABLE)
        results, network = real_data((1, 2), 1, TINY, score_steps=100, progress=lambda *step: told.append(step))
    return results, network, told


def test_the_digits():
    from sklearn.datasets import load_digits

    data = digits(5)
    assert data.shape == (1797, 5)
    np.testing.assert_allclose(data.mean(0), 0, atol=1e-12)
    assert data.var(0).mean() == pytest.approx(1)
    # principal components: uncorrelated, and with the largest eigenvalues there are
    covariance = np.cov(data.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-10)
    largest = np.linalg.eigvalsh(np.cov(load_digits().data.T))[::-1][:5]
    np.testing.assert_allclose(np.diag(covariance) / covariance[0, 0], largest / largest[0], rtol=1e-8)


@nightly
def test_every_grid_with_every_number(outcome):
    results, _, _ = outcome
    expected = [(grid, k) for grid in GRIDS for k in (1, 2)] + [(MEASURED, k) for k in (1, 2)]
    assert [(row["grid"], row["segments"]) for row in results.rows] == expected
    assert MEASURED == "typical-jvp"
    for row in results.rows:
        assert 0 < row["relative_mse"] < 1
        assert "bound_e3" not in row  # no bound of a network's rate is known
    assert results.setting["dimension"] == DIMENSION
    assert set(results.setting["samples"]["grids"]) == {*GRIDS, MEASURED}


@nightly
def test_it_says_that_it_is_outside_the_theory(outcome):
    results, network, _ = outcome
    assert "outside the theory" in network["scope"]
    assert "digits" in network["data"]
    assert "1797 rows" in network["data"]
    assert network["score_steps"] == 100
    assert "score network" in results.setting["mixture"]
    json.dumps(network)
    json.loads(results.json())


@nightly
def test_the_own_grid_halves_the_integral_of_the_rate(outcome):
    results, network, _ = outcome
    times, rate = np.array(network["times"]), np.array(network["rate"])
    assert len(times) == len(rate) == TABLE
    assert (rate > 0).all()
    (row,) = results.of(MEASURED, 2)
    assert (row["times"][0], row["times"][-1]) == (times[-1], times[0])
    log_times, height = np.log(times), times * rate
    part = log_times <= np.log(row["times"][1])
    ends = [*log_times[part], np.log(row["times"][1])], [*height[part], np.interp(row["times"][1], times, height)]
    assert trapezoid(ends[1], ends[0]) == pytest.approx(trapezoid(height, log_times) / 2, rel=0.01)


@nightly
def test_progress_names_the_network_first(outcome):
    told = outcome[2]
    assert told[0] == (100, 100, "score network")
    assert any(what.endswith("maps") for _, _, what in told)


@pytest.mark.parametrize(
    ("given", "field"), [({"segments": (0,)}, "segments"), ({"segments": (2, 2)}, "grids"), ({"seeds": 0}, "seeds")]
)
def test_bad_input_is_refused_before_the_network_is_trained(given, field, monkeypatch):
    monkeypatch.setattr(
        "certflow.distill.beyond.real_data.train_denoiser", lambda *a, **k: pytest.fail("it was trained")
    )
    with pytest.raises(InputError) as caught:
        real_data(**({"segments": (1,), "seeds": 1} | given))
    assert caught.value.field == field
