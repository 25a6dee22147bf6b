"""The pilot: which segments it trains, how it combines errors, how well it predicts what it has seen."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")

from certflow.distill import Settings, run  # noqa: E402
from certflow.distill.reference import ReferenceFlow  # noqa: E402
from certflow.planning import pilot  # noqa: E402
from certflow.planning.pilot import Pilot, Prediction, _coherence, chains, combine, effective, pilot_pairs  # noqa: E402

SMALL = Settings(hidden=16, steps=200, batch=64, pool=1024, test=512, warmup=10)
LAW = cf.GaussianMixture(["0.5", "0.5"], [[-1], [1]], "0.09")
EVEN = np.linspace(0, 1, 65)

coordinates = st.lists(st.floats(0, 1), min_size=15, max_size=80, unique=True).map(
    lambda inner: np.array([0.0, *sorted(set(inner) - {0.0, 1.0}), 1.0])
)
errors = st.lists(st.floats(1e-8, 10), min_size=1, max_size=20)


# -- which segments --------------------------------------------------------------------------------------------


def test_the_segments_on_an_even_coordinate():
    """By hand: in 64ths, the whole; halves every quarter; quarters every eighth; eighths; 16ths; 32nds every eighth."""
    expected = [(0, 64)]
    for length, step in ((32, 16), (16, 8), (8, 8), (4, 4), (2, 8)):
        expected += [(start, start + length) for start in range(0, 64 - length + 1, step)]
    assert list(pilot_pairs(EVEN)) == expected
    assert len(expected) == 43


def test_segments_that_form_a_grid_start_from_the_same_weights():
    origins = pilot_pairs(EVEN)
    for chain in chains(EVEN):
        assert len({origins[pair] for pair in chain}) == 1
    by_hand = {"whole": 1, "halves": 2, "quarters": 2, "eighths": 1, "16ths": 1, "32nds": 1}
    assert len(set(origins.values())) == sum(by_hand.values())


def test_the_chains_on_an_even_coordinate():
    lengths = (32, 16, 8, 4)
    assert chains(EVEN) == [[(i, i + n) for i in range(0, 64, n)] for n in lengths]


@given(coordinates)
def test_chains_are_grids_of_segments_that_the_pilot_has(coordinate):
    pairs = pilot_pairs(coordinate)
    assert len(pairs) == len(set(pairs))
    assert all(0 <= a < b < len(coordinate) for a, b in pairs)
    assert (0, len(coordinate) - 1) in pairs
    found = chains(coordinate)
    assert len(found) == len({tuple(chain) for chain in found})
    for chain in found:
        assert len(chain) > 1
        assert set(chain) <= set(pairs)
        assert (chain[0][0], chain[-1][1]) == (0, len(coordinate) - 1)
        assert all(one[1] == other[0] for one, other in pairwise(chain))


# -- the law ---------------------------------------------------------------------------------------------------


@given(errors)
def test_from_one_segment_to_all_of_them_matter(local):
    assert 1 - 1e-9 <= effective(local) <= len(local) * (1 + 1e-9)


@pytest.mark.parametrize("count", [1, 3, 16])
def test_equal_errors_all_matter(count):
    assert effective([0.02] * count) == pytest.approx(count)
    assert combine([0.02] * count, 0.0) == pytest.approx(0.02 * count**2)  # in phase
    assert combine([0.02] * count, 1.0) == pytest.approx(0.02 * count)  # independent


def test_one_error_that_dwarfs_the_others_is_the_whole():
    assert effective([1.0, 1e-12, 1e-12]) == pytest.approx(1, abs=1e-5)
    assert combine([1.0, 1e-12, 1e-12], 0.7) == pytest.approx(1, abs=1e-5)


@given(errors)
def test_independent_errors_add_in_squares(local):
    assert combine(local, 1.0) == pytest.approx(math.fsum(local))


@pytest.mark.parametrize("beta", [-0.4, 0.0, 0.35, 1.0])
def test_coherence_is_recovered(beta):
    rng = np.random.default_rng(7)
    clean, noisy = [], []
    for count in (2, 4, 8, 16):
        local = rng.lognormal(size=count)
        n = local.size if count == 2 else float(np.sqrt(local).sum() ** 2 / local.sum())
        total = float(np.sqrt(local).sum() ** 2)
        clean.append((total, n, total * n**-beta))
        noisy.append((total, n, total * n**-beta * math.exp(0.1 * rng.standard_normal())))
    assert _coherence(clean) == pytest.approx(beta, abs=1e-12)
    assert _coherence(noisy) == pytest.approx(beta, abs=0.15)


def test_coherence_stays_within_its_meaning():
    assert _coherence([(1.0, 2.0, 1e-9)]) == 1
    assert _coherence([(1.0, 2.0, 1e9)]) == -1
    assert _coherence([]) == _coherence([(1.0, 1.0, 0.5)]) == 0  # nothing to measure it on


def test_nine_cases_in_ten():
    drawn = np.exp(0.3 * np.random.default_rng(0).standard_normal(20_000))
    factor = Prediction(1.0, 0.3).factor
    assert np.mean((drawn < factor) & (drawn > 1 / factor)) == pytest.approx(0.9, abs=0.01)


def stub(logs: dict[tuple[int, int], float], deviation: float, beta: float) -> Pilot:
    """A pilot with given predictions of segments."""
    made = object.__new__(Pilot)
    made.times, made.beta = [3.0, 1.0, 0.2, 0.01], beta
    made.places = {time: i for i, time in enumerate(made.times)}
    made.local = lambda pairs: (np.array([logs[p] for p in pairs]), np.full(len(pairs), deviation))  # type: ignore
    return made


def test_a_grid_is_predicted_by_the_law():
    logs = {(0, 1): math.log(0.04), (1, 3): math.log(0.01), (0, 3): math.log(0.5)}
    made = stub(logs, 0.4, 0.5)
    found = made.predict([3.0, 1.0, 0.01])
    n = 0.3**2 / 0.05
    assert found.relative_mse == pytest.approx(0.3**2 / math.sqrt(n))
    assert found.spread == pytest.approx(math.sqrt(0.4**2 * (4 / 9 + 1 / 9) + 0.25**2))
    assert made.predict(np.array([3.0, 0.01])).relative_mse == pytest.approx(0.5)


# -- trained ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """A small pilot and the logarithms of the errors that it saw."""
    times = np.geomspace(3.0, 0.01, 33)
    times[0], times[-1] = 3.0, 0.01
    seen: list[np.ndarray] = []
    with pytest.MonkeyPatch.context() as patch:
        fit = Pilot._fit
        patch.setattr(pilot, "PROBE_POINTS", 1024)
        patch.setattr(Pilot, "_fit", lambda self, logs: (seen.append(logs), fit(self, logs))[1])
        made = Pilot(cf.OrnsteinUhlenbeck(LAW, "0.01", "3"), times, np.linspace(0, 1, 33), SMALL)
    return made, seen[0]


def test_it_predicts_the_segments_that_it_has_seen(trained):
    made, logs = trained
    predicted, deviations = made.local(made.pairs)
    assert np.sqrt(np.mean((predicted - logs) ** 2)) < 0.25 * logs.std()
    assert np.corrcoef(predicted, logs)[0, 1] > 0.95
    assert ((deviations > 0) & (deviations < 2 * logs.std())).all()
    assert -1 <= made.beta <= 1


def test_what_it_saw_is_what_an_experiment_measures(trained):
    """Another seed, other points: the error of the whole interval in one segment, and of the halves in a grid."""
    made, logs = trained
    seen = dict(zip(made.pairs, logs, strict=True))
    middle = made.times[16]
    grid = cf.grids.TimeGrid("halves", [3.0, middle, 0.01])
    whole = cf.grids.TimeGrid("whole", [3.0, 0.01])
    results = run(LAW, [whole, grid], [1], 2, "cpu", SMALL, exact=False)
    for row in results.rows:
        pairs = list(pairwise([made.places[time] for time in row["times"]]))
        local = np.log([float(value) for value in row["local"]])
        assert np.abs(local - [seen[pair] for pair in pairs]).max() < math.log(2.5)
        predicted = made.predict(row["times"])
        assert abs(math.log(row["relative_mse"] / predicted.relative_mse)) < 3 * predicted.spread


def test_a_time_that_it_was_not_given_is_refused(trained):
    with pytest.raises(InputError) as caught:
        trained[0].predict([3.0, 0.5, 0.01])
    assert str(caught.value) == "times: got 0.5; required: one of the 33 times that the pilot was given"


def test_few_times_are_refused():
    with pytest.raises(InputError, match=r"^times: got '16 times'; required: at least 17"):
        Pilot(cf.OrnsteinUhlenbeck(LAW), np.linspace(3, 0.01, 16), np.linspace(0, 1, 16), SMALL)


@pytest.mark.parametrize("error", [1e-3, math.nan])
def test_a_flow_that_rk4_does_not_resolve_is_refused(error, monkeypatch):
    monkeypatch.setattr(pilot, "PROBE_POINTS", 16)
    monkeypatch.setattr(ReferenceFlow, "choose_steps", lambda *arguments: error)
    with pytest.raises(InputError, match=r"^mixture: got .*; required: one that RK4 resolves"):
        Pilot(cf.OrnsteinUhlenbeck(LAW), np.linspace(3, 0.01, 20), np.linspace(0, 1, 20), SMALL)


def test_training_that_diverges_is_told(monkeypatch):
    monkeypatch.setattr(pilot, "PROBE_POINTS", 64)
    pool = ReferenceFlow.pool
    monkeypatch.setattr(ReferenceFlow, "pool", lambda *arguments: pool(*arguments) * math.nan)
    tiny = Settings(hidden=4, steps=1, batch=8, pool=16)
    with pytest.raises(InputError, match=r"^settings: got .*diverged in the pilot.*smaller learning rate"):
        Pilot(cf.OrnsteinUhlenbeck(LAW), np.linspace(3, 0.01, 20), np.linspace(0, 1, 20), tiny)
