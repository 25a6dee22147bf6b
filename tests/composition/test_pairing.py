"""The lower confidence bound of bounded means, against binomial tails."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from certflow.composition.pairing import lower_confidence


@pytest.mark.parametrize("level", [0.9, 0.999])
@pytest.mark.parametrize(("count", "hits"), [(10, 3), (1000, 1), (1000, 40), (4096, 4095), (50, 50)])
def test_it_is_weaker_than_the_exact_bound_of_coins_and_not_by_much(level, count, hits):
    """Clopper and Pearson's limit is exact for coins, and the bound holds for all numbers in [0, 1]."""
    exact = beta.ppf(1 - level, hits, count - hits + 1)
    found = lower_confidence(hits / count, count, level)
    assert found <= exact * (1 + 1e-9)
    assert found > exact / 10 if hits == 1 else found > 0.5 * exact


def test_coins_are_covered_as_often_as_the_level_says():
    count, chance, level = 400, 0.03, 0.99
    hits = np.arange(count + 1)
    missed = np.array([lower_confidence(k / count, count, level) > chance for k in hits])
    assert binom.pmf(hits, count, chance)[missed].sum() <= 1 - level


def test_nothing_seen_says_nothing():
    assert lower_confidence(0.0, 100, 0.999) == 0
    assert lower_confidence(1e-9, 100, 0.999) < 1e-9
