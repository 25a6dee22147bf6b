"""Measured errors of networks whose error is known: for a standard normal law the score is `-x` at every time."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

import certflow as cf
from certflow.networks.common.bound import Bound
from certflow.networks.constructed import ConstructedScore
from certflow.networks.gadgets.exact import carry
from certflow.networks.graph import Network, rational
from certflow.networks.measuring import SAMPLES, differences, inner_times, measured


def score(eps: float, factor: Fraction, shift: Fraction, norm: float = 2.0, offset: Any = 1, slope: Any = 0) -> Any:
    """`N = -factor x + (shift, 0)` in two dimensions, with a bound that is said, not proved."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [["0", "0"]], "1"), "0.01", "3")
    network = Network(3)
    first, second = (carry(network, network.input(i)) * rational(-factor) for i in range(2))
    network = network.finish([first + rational(shift), second])
    nothing: Any = None
    bound = Bound(arb(eps), {}, arb(offset), arb(slope))
    return ConstructedScore(process, eps, norm, network, nothing, nothing, bound, 64)


@pytest.mark.parametrize(("eps", "power"), [(1e-3, 11), (1e-40, 134), (1e-190, 633)])
@pytest.mark.parametrize("norm", [1.0, 2.0, 500.0, math.inf])
def test_a_shift_is_the_error_in_every_norm(eps: float, power: int, norm: float) -> None:
    shift = Fraction(1, 2**power)
    found = measured(score(eps, Fraction(1), shift, norm, offset=4 * float(shift)), samples=3, times=4)
    np.testing.assert_allclose(found.errors, float(shift), rtol=1e-9)
    assert found.arithmetic == ("float64" if eps >= 1e-9 else "arb")
    assert found.share == pytest.approx(0.25, rel=1e-9)
    assert found.uncertainty <= 1e-9 * found.largest


@pytest.mark.parametrize(("norm", "moment"), [(2.0, math.sqrt(2)), (4.0, 8**0.25)])
def test_norms_are_those_of_the_law(norm: float, moment: float) -> None:
    """`|N - s| = c |x|`, and `E |X|^2 = 2`, `E |X|^4 = 8`."""
    c = Fraction(1, 1024)
    found = measured(score(1e-2, 1 + c, Fraction(0), norm, offset=0, slope=2 / 1024), samples=4000, times=3)
    assert (np.abs(found.errors / (float(c) * moment) - 1) < 0.05).all()
    assert found.share == pytest.approx(0.5, rel=1e-6)


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    made = score(1e-2, Fraction(1025, 1024), Fraction(0))
    runs = [measured(made, samples=200, times=2, seed=seed) for seed in range(150)]
    spread = np.std([run.errors[0] for run in runs])
    assert np.mean([run.uncertainties[0] for run in runs]) == pytest.approx(spread, rel=0.2)


def test_the_default_number_of_draws() -> None:
    found = measured(score(1e-2, Fraction(1), Fraction(1, 512)), times=2)
    assert (found.samples, len(found.times)) == (SAMPLES["float64"], 2)


def test_differences_point_by_point() -> None:
    made = score(1e-3, Fraction(3, 2), Fraction(1, 8))
    x = np.array([[2.0, 0.0], [0.25, 1.0]])
    np.testing.assert_allclose(differences(made, x, np.array([0.5, 1.0])), [0.875, 0.5], rtol=1e-14)


def test_times_are_not_outside_the_interval() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "1/3", "2/3")
    for kind in (np.float64, np.float32):
        times = inner_times(process, 5, kind)
        assert times.dtype == kind
        assert Fraction(1, 3) <= Fraction(float(times[0])) < Fraction(float(times[-1])) <= Fraction(2, 3)
