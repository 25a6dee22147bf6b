"""The Hypothesis strategies: what they draw, how they shrink, what they refuse."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from depth import some
from hypothesis import find, given, settings
from hypothesis import strategies as st

import certflow as cf
import certflow.testing as ct
from certflow.law.covariances import KINDS

ONCE = settings(max_examples=2000, database=None, derandomize=True)


@given(st.data())
def test_bounds_are_kept(data):
    mixture = data.draw(
        ct.mixtures(
            min_components=2, max_components=3, min_dimension=2, max_dimension=2, max_mean=1, min_variance="0.04"
        )
    )
    assert 2 <= mixture.n_components <= 3
    assert mixture.dimension == 2
    assert abs(mixture.means).max() <= 1
    assert mixture.kind in KINDS
    x = data.draw(ct.points(2, min_points=1, max_points=4, max_coordinate=2))
    assert x.ndim == 2
    assert abs(x).max() <= 2
    assert data.draw(ct.points(3)).shape == (3,)
    s, t = data.draw(ct.time_pairs(min_time="0.1", max_time=1))
    assert 0.1 <= s <= t <= 1
    p = data.draw(ct.processes(kinds=["full"], min_time="1/7"))
    assert p.exact_t_min == Fraction(1, 7)
    assert p.mixture.kind == "full"


@pytest.mark.parametrize("kind", some(KINDS, 2))
def test_shrinks_towards_one_standard_component(kind):
    smallest = find(ct.mixtures(kinds=[kind]), lambda m: True, settings=ONCE)
    assert (smallest.n_components, smallest.dimension, smallest.kind) == (1, 1, kind)
    assert smallest.exact_means.fractions.tolist() == [[0]]
    assert set(smallest.exact_covariances.fractions.ravel()) == {1}
    assert not smallest.exact_weights.is_binary
    pair = find(ct.mixtures(kinds=[kind]), lambda m: m.n_components > 1, settings=ONCE)
    assert pair.exact_weights.fractions.tolist() == [Fraction(1, 2)] * 2


def test_exact_and_float_parameters_are_both_drawn():
    assert find(ct.mixtures(), lambda m: m.exact_means.is_binary, settings=ONCE).exact_weights.is_binary
    assert find(ct.mixtures(exact=True), lambda m: True, settings=ONCE).exact_weights.fractions[0] == 1
    third = find(
        ct.mixtures(kinds=["isotropic"], exact=True),
        lambda m: Fraction(1, 3) in m.exact_covariances.values,
        settings=ONCE,
    )
    assert third.exact_covariances.values[0] == Fraction(1, 3)


def test_points_and_times_shrink():
    assert (find(ct.points(2), lambda x: True, settings=ONCE) == 0).all()
    assert find(ct.points(2, min_points=0), lambda x: True, settings=ONCE).shape == (0, 2)
    assert find(ct.times(), lambda t: True, settings=ONCE) == 3.0
    assert find(ct.time_pairs(), lambda pair: True, settings=ONCE) == (3.0, 3.0)
    assert find(ct.times(), lambda t: t < 0.02, settings=ONCE) == pytest.approx(0.02, rel=0.01)
    assert isinstance(find(ct.processes(), lambda p: True, settings=ONCE), cf.OrnsteinUhlenbeck)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda: ct.mixtures(min_components=0), "min_components: got 0; required: an int >= 1"),
        (lambda: ct.mixtures(min_components=5), "max_components: got 4; required: an int >= min_components = 5"),
        (lambda: ct.mixtures(max_dimension=0), "max_dimension: got 0; required: an int >= min_dimension = 1"),
        (lambda: ct.mixtures(kinds=["round"]), "kinds: got 'round'; required: a list of some of common-isotropic"),
        (lambda: ct.mixtures(kinds="full"), "kinds: got "),
        (lambda: ct.mixtures(kinds=[]), "kinds: got "),
        (
            lambda: ct.mixtures(min_variance=0),
            "min_variance: got 0; required: a variance > 0, at most max_variance = 4",
        ),
        (lambda: ct.mixtures(min_variance=2, max_variance=1), "min_variance: got 2"),
        (lambda: ct.mixtures(max_mean=-1), "max_mean: got -1; required: a number >= 0"),
        (lambda: ct.points(0), "dimension: got 0; required: an int >= 1"),
        (lambda: ct.points(1, max_coordinate=0), "max_coordinate: got 0; required: a finite number > 0"),
        (lambda: ct.points(1, min_points=9), "max_points: got 5; required: an int >= min_points = 9"),
        (lambda: ct.times(min_time=0), "min_time: got 0; required: a time > 0, at most max_time = 3"),
        (lambda: ct.times(min_time=4), "min_time: got 4"),
        (lambda: ct.time_pairs(max_time="x"), "max_time: got 'x'"),
    ],
)
def test_bad_arguments(strategy, message):
    with pytest.raises(cf.InputError, match=message):
        find(strategy(), lambda value: True, settings=ONCE)


def test_import_is_light():
    code = "import sys, certflow, certflow.testing; print('hypothesis' in sys.modules or 'torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ct.nothing
    assert "mixtures" in dir(ct)
