"""Every numeric argument of the public enclosures: what is no number of its range is refused by name, in one line."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

import certflow as cf
from certflow.enclosure.expressions import Variable
from certflow.errors import InputError

TWO = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], "0.04"), "0.01", "3")

#: function -> arguments that it accepts, and those of them that are numbers
CALLS = {
    "sharp_rate": ({"process": TWO, "t": "0.3", "gap": "1e-6", "seconds": 5}, ("t", "gap", "seconds")),
    "sharp_stability": (
        {"process": TWO, "s": "0.1", "t": "1", "gap": "0.1", "seconds": 5},
        ("s", "t", "gap", "seconds"),
    ),
    "flow_tube": (
        {"p": TWO, "x": ["0.5"], "t_from": "1", "t_to": "0.5", "digits": 4, "box": 0, "max_steps": 1000},
        ("x", "t_from", "t_to", "digits", "box", "max_steps"),
    ),
    "integrate": ({"expression": 1 / Variable(), "lower": 1, "upper": 2, "digits": 10}, ("lower", "upper", "digits")),
    "stability": ({"process": TWO, "s": "0.1", "t": "1", "digits": 10}, ("s", "t", "digits")),
    "amplification": ({"process": TWO, "s": "0.1", "t": "1", "digits": 10}, ("s", "t", "digits")),
    "rate_bounds": ({"process": TWO, "s": "0.1", "t": "1", "panels": 2}, ("s", "t", "panels")),
    "balanced_nodes": ({"process": TWO, "segments": 2, "digits": 10}, ("segments", "digits")),
}
NOT_NUMBERS = {
    "true": True,
    "NumPy's true": np.True_,
    "not a number": math.nan,
    "NumPy's not a number": np.float64("nan"),
    "decimal not a number": Decimal("NaN"),
    "minus infinity": -math.inf,
    "text": "x",
    "no text": "",
    "bytes": b"1",
    "nothing": None,
    "empty list": [],
    "complex": 1j,
    "masked": np.ma.masked,
    "a span of time": np.timedelta64(1, "s"),
    "a type": float,
}
ARGUMENTS = [(name, field) for name, (_, fields) in CALLS.items() for field in fields]


@pytest.mark.parametrize(("name", "field"), ARGUMENTS)
def test_what_is_no_number_is_refused_by_name(name, field):
    function, (arguments, _) = getattr(cf.enclosure, name), CALLS[name]
    for what, value in NOT_NUMBERS.items():
        with pytest.raises(InputError) as caught:
            function(**{**arguments, field: value})
        assert caught.value.field == field, what
        text = str(caught.value)
        assert text.startswith(f"{field}: got "), what
        assert "; required: " in text, what
        assert "\n" not in text, what


@pytest.mark.parametrize("value", [0, -1, -0.5, "1", "inf", [5.0]])
@pytest.mark.parametrize("name", ["sharp_rate", "sharp_stability"])
def test_seconds_are_a_positive_number(name, value):
    with pytest.raises(InputError) as caught:
        getattr(cf.enclosure, name)(**{**CALLS[name][0], "seconds": value})
    assert str(caught.value) == f"seconds: got {value!r}; required: a number of seconds > 0"


@pytest.mark.parametrize("value", [math.inf, np.float32(600), np.int64(600), np.array(600.0)])
@pytest.mark.parametrize("name", ["sharp_rate", "sharp_stability"])
def test_seconds_without_end_and_of_numpy_are_accepted(name, value):
    """Of two modes the closed form is the supremum, so the effort allowed does not matter."""
    function, (arguments, _) = getattr(cf.enclosure, name), CALLS[name]
    assert function(**{**arguments, "seconds": value}) == function(**arguments)
