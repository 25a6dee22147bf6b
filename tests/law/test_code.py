"""The code of a mixture makes the same mixture, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import certflow as cf
from certflow.law.code import mixture_code
from certflow.testing import mixtures


def same(one: cf.GaussianMixture, other: cf.GaussianMixture) -> bool:
    parts = ("exact_weights", "exact_means", "exact_covariances")
    return one.kind == other.kind and all(
        np.array_equal(getattr(one, part).values, getattr(other, part).values) for part in parts
    )


@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_of_built_in_mixtures(name: str) -> None:
    mixture = cf.load_mixture(name)
    assert same(eval(mixture_code(mixture), {"cf": cf}), mixture)


@given(mixtures())
def test_of_random_mixtures(mixture: cf.GaussianMixture) -> None:
    assert same(eval(mixture_code(mixture), {"cf": cf}), mixture)


@pytest.mark.parametrize("variance", [1e-320, "1e-400", 3, 0.1, "0.1", "1/3"])
def test_numbers_of_every_kind(variance: object) -> None:
    mixture = cf.GaussianMixture([1], [["1e400", 0.1]], variance)
    assert same(eval(mixture_code(mixture), {"cf": cf}), mixture)
