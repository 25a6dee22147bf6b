"""`check_flow_map`: a closed form passes, wrong maps are caught and named."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.testing import check_flow_map
from certflow.testing.result import CheckFailed, Result

#: One Gaussian, whose flow scales what is left of the mean by the root of the variances.
GAUSS = cf.GaussianMixture([1], [[1, -2]], "0.25")


def flow(x, t_from, t_to):
    def parts(t):
        m = np.exp(-t)
        return m * np.array([1, -2]), np.sqrt(0.25 * m * m + 1 - m * m)

    (mean, width), (to_mean, to_width) = parts(t_from), parts(t_to)
    return to_mean + (x - mean) * to_width / width


def failure(subject, **options) -> Result:
    with pytest.raises(CheckFailed) as caught:
        check_flow_map(subject, GAUSS, max_examples=4, **options)
    return caught.value.result


def test_the_closed_form_passes_to_many_digits() -> None:
    assert len(check_flow_map(flow, GAUSS, max_examples=4, rtol=1e-8).parts) == 6


@pytest.mark.parametrize(
    ("subject", "cause"),
    [
        (lambda x, a, b: x, "identity"),
        (lambda x, a, b: flow(x, b, a), "times exchanged"),
        (lambda x, a, b: -flow(x, a, b), "sign"),
        (lambda x, a, b: x * np.exp(a - b), "scaled only"),
    ],
)
def test_wrong_maps_are_named(subject, cause: str) -> None:
    assert cause in [each.name for each in failure(subject).causes]


def test_a_small_error_is_caught() -> None:
    failure(lambda x, a, b: flow(x, a, b) + 1e-4)
    assert check_flow_map(lambda x, a, b: flow(x, a, b) + 1e-4, GAUSS, max_examples=4, rtol=1e-3).passed


def test_what_moves_without_time_is_a_part() -> None:
    result = failure(lambda x, a, b: flow(x, a, b) if a != b else x + 1)
    assert [part.part for part in result.parts if not part.passed] == ["no time, no motion"]


def test_the_counterexample_has_both_times() -> None:
    found = failure(lambda x, a, b: x).counterexample
    assert found is not None
    assert list(found.inputs) == ["x", "t_from", "t_to"]
