"""The code of a mixture makes the same mixture, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
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


def test_what_is_shown_is_code_where_it_is_short() -> None:
    mixture = cf.GaussianMixture(["1/3", "2/3"], [[0.5], [-1]], "0.04", name="pair")
    assert repr(mixture) == "cf.GaussianMixture(['1/3', '2/3'], [[0.5], [-1]], '0.04', name='pair')"
    again = eval(repr(mixture), {"cf": cf})
    assert same(again, mixture)
    assert again.name == "pair"
    process = cf.OrnsteinUhlenbeck(mixture, "0.01", 0.1)
    assert repr(process) == f"cf.OrnsteinUhlenbeck({mixture!r}, t_min='0.01', t_max=0.1)"
    found = eval(repr(process), {"cf": cf})
    assert (found.exact_t_min, found.exact_t_max) == (process.exact_t_min, process.exact_t_max)


@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_a_built_in_mixture_is_shown_by_its_name(name: str) -> None:
    assert repr(cf.load_mixture(name)) == f"cf.load_mixture({name!r})"


@pytest.mark.parametrize(
    "mixture",
    [
        cf.GaussianMixture([1], [[0] * 40], 1, name="wide"),
        cf.GaussianMixture([1], [["1e400"]], 1, name="long"),
        cf.GaussianMixture([1], [[sympy.Symbol("a", real=True)]], 1, name="symbols"),
    ],
)
def test_what_is_not_shown_in_full_says_so(mixture: cf.GaussianMixture) -> None:
    assert repr(mixture) == f"GaussianMixture({mixture.name!r}, ..., K=1, d={mixture.dimension}, common-isotropic)"


def test_another_mixture_of_a_built_in_name_is_written_out() -> None:
    named = cf.GaussianMixture([1], [[0]], 1, name="two-modes")
    assert repr(named) == "cf.GaussianMixture([1], [[0]], 1, name='two-modes')"


def test_a_process_of_another_class_does_not_pass_for_one_of_ours() -> None:
    class Wrong(cf.OrnsteinUhlenbeck):
        pass

    assert repr(Wrong(cf.load_mixture("iris"), 1, 2)).startswith("test_a_process")
