"""The tester: hold a score function of one's own against the exact one, in CI.

Run `python -m pytest examples/test_my_score.py`. Hypothesis searches mixtures, points and times, and prints the
smallest counterexample that it finds.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

import certflow as cf
from certflow.testing import points, processes, times


def my_score(mixture: cf.GaussianMixture, x: np.ndarray, t: float) -> np.ndarray:
    """What is under test: the score of a mixture of one variance, as one would write it for an experiment."""
    m = np.exp(-t)
    v = float(mixture.covariances) * m**2 + 1 - m**2
    logits = np.log(mixture.weights) - np.sum((x - m * mixture.means) ** 2, axis=-1) / (2 * v)
    gamma = np.exp(logits - logits.max())
    gamma /= gamma.sum()
    return (m * gamma @ mixture.means - x) / v


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(process=processes(kinds=["common-isotropic"], min_dimension=2, max_dimension=2), x=points(2), t=times())
def test_my_score_is_the_gradient_of_the_log_density(process: cf.OrnsteinUhlenbeck, x: np.ndarray, t: float) -> None:
    mine, exact = my_score(process.mixture, x, t), process.score(x, t)
    # Rounding of the logits is felt in the score times the spread of the component scores.
    assert np.abs(mine - exact).max() <= 1e-9 * (1 + np.abs(exact).max()) / (1 - np.exp(-2 * t)) ** 2
