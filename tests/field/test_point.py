"""One point by few calls: as right as the guard says, and few calls indeed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from adversaries import critical_points, tie_points, wide_spread
from depth import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import KINDS, PAIRS, QUANTITIES
from oracle import Oracle, relative_error

import certflow as cf
from certflow.field import evaluate
from certflow.field.point import at_point
from certflow.testing import points, processes


@pytest.mark.parametrize("adversary", [wide_spread, tie_points, critical_points])
@pytest.mark.parametrize("kind", KINDS)
def test_a_point_that_is_answered_is_right(kind, adversary):
    """Against 130 digits, at points where float64 loses them; zeros of the score are left to the general formulas."""
    law = PAIRS[kind]
    p, oracle, left = cf.OrnsteinUhlenbeck(law, "1e-9", 50), Oracle(law), 0
    x, times = adversary(p, np.random.default_rng(6), cases(30))
    for point, t in zip(x, times, strict=True):
        exact = oracle.at(point, t)
        for quantity in ("score", "velocity", "jacobian"):
            value = at_point(law, quantity, point, float(t))
            left += value is None
            if value is not None:
                assert relative_error(value[0], exact[quantity]) < 5e-13
    assert adversary is not critical_points or left


@settings(max_examples=40)
@given(processes(), st.data())
def test_as_the_general_formulas_on_any_mixture(p, data):
    law, t = p.mixture, data.draw(st.floats(1e-3, 5))
    x = data.draw(points(law.dimension))
    for quantity in QUANTITIES:
        value = at_point(law, quantity, x, t)
        if value is not None:
            exact = evaluate._in_chunks(law, evaluate.FLOATS, quantity, x[None], np.array([t]))
            size = max(1, np.linalg.norm(exact)) if quantity == "log_density" else np.linalg.norm(exact)
            assert np.linalg.norm(value - exact) <= 1e-12 * size


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_types_are_those_of_arrays(kind, quantity):
    """A point, a list, an array of one point, one time in an array: the numbers of the point among others."""
    call = getattr(cf.OrnsteinUhlenbeck(PAIRS[kind]), quantity)
    x = np.array([0.3, -0.2])
    many = call(np.stack([x, -x]), 0.3)
    for value in (call(x, 0.3), call(x.tolist(), 0.3), call(x, np.array(0.3)), call(x, np.array([0.3]))):
        assert value.shape == many.shape[1:]
        assert isinstance(value, np.ndarray if value.shape else np.float64)
        np.testing.assert_allclose(value, many[0], rtol=1e-12, atol=1e-14)
    assert call(x[None], 0.3).shape == (1, *many.shape[1:])


@pytest.mark.parametrize(
    ("x", "t", "field"), [([np.nan, 0], 0.3, "x"), ([np.inf, 0], 0.3, "x"), ([0, 0], 0.0, "t"), ([0, 0], np.nan, "t")]
)
def test_what_is_refused_is_refused_as_before(x, t, field):
    with pytest.raises(cf.InputError, match=field):
        cf.OrnsteinUhlenbeck(PAIRS["isotropic"]).score(np.array(x, dtype=float), t)


@pytest.mark.parametrize("kind", KINDS)
def test_one_score_is_few_calls(kind):
    """Of functions of Python and of C, operators not counted: 250 and more by the general formulas."""
    p, x, calls = cf.OrnsteinUhlenbeck(PAIRS[kind]), np.array([0.3, -0.2]), []
    p.score(x, 0.3)
    sys.setprofile(lambda frame, event, _: calls.append(event) if "call" in event else None)
    p.score(x, 0.3)
    sys.setprofile(None)
    assert len(calls) <= 85  # some releases of NumPy take one or two more
