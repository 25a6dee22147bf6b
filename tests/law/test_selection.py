"""BIC as scikit-learn has it, and the choice of a model that keeps the theory unless the data speak against it."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.mixture

from certflow.errors import InputError
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
