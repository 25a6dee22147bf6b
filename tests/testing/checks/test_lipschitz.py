"""`check_lipschitz`: the closed form of two modes is attained, so nothing below it passes."""

from __future__ import annotations

import numpy as np
import pytest

from certflow.errors import InputError
from certflow.testing import check_lipschitz
from certflow.testing.result import CheckFailed


def two_sided(t):
    """L2 for modes at -1 and 1 with variance 0.04, by hand."""
    m2 = np.exp(-2 * t)
    v = 0.04 * m2 + 1 - m2
    return np.maximum(np.abs(1 / v - 1), np.abs(1 / v - 1 - m2 * 4 / (4 * v**2)))


def one_sided(t):
    m2 = np.exp(-2 * t)
    v = 0.04 * m2 + 1 - m2
    return 1 - 1 / v + m2 / v**2


@pytest.mark.parametrize(("bound", "rate"), [(two_sided, "two-sided"), (one_sided, "one-sided")])
def test_the_closed_form_passes_and_is_sharp(bound, rate: str) -> None:
    assert check_lipschitz(bound, "two-modes", rate=rate).passed
    with pytest.raises(CheckFailed) as caught:
        check_lipschitz(lambda t: bound(t) - 1e-5 * (1 + np.abs(bound(t))), "two-modes", rate=rate)
    example = caught.value.result.counterexample
    assert example is not None
    assert example.expected > example.got


def test_the_one_sided_rate_is_no_bound_of_the_norm() -> None:
    with pytest.raises(CheckFailed):
        check_lipschitz(one_sided, "two-modes")


def test_a_loose_bound_is_told() -> None:
    part = check_lipschitz(lambda t: 2 * two_sided(t), "two-modes").parts[1]
    assert "up to 2 times the closed form" in part.message


def test_no_bound_holds_where_there_is_none() -> None:
    assert "by L8 there is none" in check_lipschitz(1e9, "anisotropic-pair", max_examples=3).parts[1].message


def test_a_number_and_nonsense() -> None:
    assert check_lipschitz(300, "two-modes").passed
    with pytest.raises(CheckFailed, match="NaN"):
        check_lipschitz(lambda t: t * np.nan, "two-modes")
    with pytest.raises(InputError, match="rate"):
        check_lipschitz(300, "two-modes", rate="both")
