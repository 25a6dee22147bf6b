"""BIC as scikit-learn has it, and the choice of a model that keeps the theory unless the data speak against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sklearn.mixture

from certflow.errors import InputError
from certflow.law.fitting import Fit
from certflow.law.selection import candidates, chosen, of_least_bic, parameters_count

RNG = np.random.default_rng(3)
CENTRES = np.array([[-4.0, 0.0], [4.0, 1.0]])[RNG.integers(0, 2, 160)]
ROUND = CENTRES + 0.5 * RNG.normal(size=(160, 2))
LONG = CENTRES + RNG.normal(size=(160, 2)) * [1.5, 0.1]
TYPES = ("common", "spherical", "tied", "full", "diag")


@pytest.mark.parametrize("word", ["spherical", "tied", "full", "diag"])
@pytest.mark.parametrize(("count", "dimension"), [(1, 1), (3, 2), (2, 5)])
def test_free_numbers_are_those_of_scikit_learn(word: str, count: int, dimension: int) -> None:
    estimator = sklearn.mixture.GaussianMixture(count, covariance_type=word)
    estimator.fit(np.random.default_rng(0).normal(size=(200, dimension)))
    assert parameters_count(word, count, dimension) == estimator._n_parameters()


def test_bic_is_that_of_scikit_learn() -> None:
    (found,), refused = candidates(ROUND, [2], ["full"], 0)
    assert not refused
    estimator = sklearn.mixture.GaussianMixture(2, random_state=0, reg_covar=1e-9, n_init=3, tol=1e-8).fit(ROUND)
    assert found.bic == pytest.approx(estimator.bic(ROUND), abs=0.05)


def test_a_row_that_is_held_out_is_not_fitted() -> None:
    """A far row gives a mixture of which it is a part a likelihood that one without it has not."""
    points = np.vstack([ROUND, [[80.0, 80.0]]])
    (found,), _ = candidates(points, [1], ["spherical"], 0)
    assert found.held_out is not None
    variance, middle = points.var(axis=0).mean(), points.mean(axis=0)
    fitted = -((points[-1] - middle) ** 2).sum() / 2 / variance - np.log(2 * np.pi * variance)
    assert found.held_out[-1] < -500 < fitted < found.held_out[:-1].min()


def test_round_clusters_keep_one_variance_and_long_ones_do_not() -> None:
    kept, compared = chosen(of_least_bic(candidates(ROUND, [2], TYPES, 0)[0]))
    assert kept.covariance_type == "common"
    assert [rival.covariance_type for _, rival, _, _ in compared] == list(TYPES[1:])
    assert all(gain <= 2 * error for _, _, gain, error in compared)
    taken, compared = chosen(of_least_bic(candidates(LONG, [2], TYPES, 0)[0]))
    assert taken.covariance_type == "tied"
    (gain, error) = next((gain, error) for _, rival, gain, error in compared if rival is taken)
    exact = np.log((1.5**2 + 0.1**2) / 2 / (1.5 * 0.1))  # log of the ratio of the widths of one variance and of two
    assert gain == pytest.approx(exact, abs=4 * error)
    assert gain > 2 * error


def test_the_number_of_clusters_has_the_least_bic() -> None:
    found, _ = candidates(ROUND, [1, 2, 3, 4], ["common"], 0)
    (best,) = of_least_bic(found)
    assert best.n_components == 2


def test_what_cannot_be_fitted_is_told_beside_the_others() -> None:
    found, refused = candidates(ROUND[:5], [1, 9], ["common"], 0)
    assert [each.n_components for each in found] == [1]
    assert isinstance(refused["common", 9], InputError)


@pytest.mark.parametrize(
    ("count", "dimension", "same"), [(1, 2, ("common", "spherical")), (1, 1, TYPES), (2, 1, ("common", "tied"))]
)
def test_of_types_that_are_the_same_law_the_first_is_taken(count: int, dimension: int, same: tuple[str, ...]) -> None:
    """Their likelihoods differ by rounding alone, of which the error is as small, so that chance would decide."""
    for seed in range(3):
        points = np.random.default_rng(seed).normal(size=(30, dimension))
        found, _ = candidates(points, [count], same, seed)
        likelihoods = [each.found.origin["mean_log_likelihood"] for each in found]
        assert np.ptp(likelihoods) < 1e-6  # the oracle: one law
        best, compared = chosen(found)
        assert best.covariance_type == "common"
        assert not compared


def test_on_the_line_full_and_diag_are_spherical_and_of_one_component_full_is_tied() -> None:
    (whole, flat), _ = candidates(ROUND, [1, 2], ["common"], 0)
    line = whole.found._replace(means=whole.found.means[:, :1])

    def laws(count: int, found: Fit) -> dict[str, str]:
        return {word: replace(flat, covariance_type=word, n_components=count, found=found).law[0] for word in TYPES}

    assert laws(2, whole.found) == {word: word for word in TYPES}
    assert laws(1, whole.found) == {word: word for word in TYPES} | {"spherical": "common", "full": "tied"}
    two = {"common": "common", "spherical": "spherical", "tied": "common", "full": "spherical", "diag": "spherical"}
    assert laws(2, line) == two
    assert laws(1, line) == dict.fromkeys(TYPES, "common")


def test_gains_below_rounding_decide_nothing_and_those_above_do() -> None:
    """One rounding in every row is a gain of which the standard error is nothing, and no gain."""
    (plain, rival), _ = candidates(ROUND, [2], ["common", "tied"], 0)
    for seed in range(20):
        held = -1e3 * (1 + np.random.default_rng(seed).random(len(ROUND)) / 8)
        first = replace(plain, held_out=held)
        rounded = replace(rival, held_out=held * (1 - 2e-16))
        gain, error = rounded.gain(first)
        assert gain > 2 * error
        assert chosen([first, rounded])[0] is first
        clear = replace(rival, held_out=held * (1 - 1e-9))
        assert chosen([first, clear])[0] is clear
