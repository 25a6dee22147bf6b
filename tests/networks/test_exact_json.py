"""Networks as plain JSON: nothing is rounded on the way there and back; other forms are refused in one line."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from flint import ctx, fmpq

from certflow.errors import InputError
from certflow.networks.exact_json import from_mapping, gadget_mapping, gadget_of, to_mapping
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.gadgets.polynomials import interpolant


def example() -> Gadget:
    """`e^z` on two pieces of [-2, 0], of degree 4."""
    ctx.prec = 100
    knots = [fmpq(-2), fmpq(-2, 3), fmpq(0)]
    polynomials = []
    for lower, upper in pairwise(knots):
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        polynomials.append(interpolant(lambda c, m=middle, h=half: (c * h + m).exp(), 4, 40))
    return piecewise(knots, [polynomials], side="above", bits=40)


def test_there_and_back() -> None:
    gadget = example()
    content = json.loads(json.dumps(gadget_mapping(gadget)))
    again = gadget_of(content)
    assert again == gadget
    assert from_mapping(content["network"]) == gadget.network
    assert content["knots"] == ["-2", "-2/3", "0"]
    assert to_mapping(again.network) == content["network"]


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        ("side", "left", "gadget.side: got 'left'"),
        ("knots", "0", "gadget.knots: got '0'; required: a list"),
        ("knots.1", "1/0", "gadget.knots[1]: got '1/0'"),
        ("knots.1", -0.5, "gadget.knots[1]: got -0.5; required: an exact number in quotes"),
        ("extra", 1, "gadget: got "),
        ("network.inputs", True, "gadget.network.inputs: got True"),
        ("network.layers.0.0.square", 1, "gadget.network.layers[0][0].square: got 1"),
        ("network.layers.0.0.bias", "nan", "gadget.network.layers[0][0].bias: got 'nan'"),
        ("network.layers.0.0.weights", {"1": "1"}, "gadget.network.layers[0][0].weights: got '1'"),
        ("network.layers.0.0.weights", {"00": "1"}, "gadget.network.layers[0][0].weights: got '00'"),
        ("network.layers.0.0.weights", ["1"], "gadget.network.layers[0][0].weights: got "),
        ("network.outputs.0.weights", {"99": "1"}, "gadget.network.outputs[0].weights: got '99'"),
    ],
)
def test_other_forms_are_refused(way: str, value: Any, said: str) -> None:
    content: Any = copy.deepcopy(gadget_mapping(example()))
    *steps, last = [int(step) if step.isdigit() else step for step in way.split(".")]
    target = content
    for step in steps:
        target = target[step]
    target[last] = value
    with pytest.raises(InputError) as error:
        gadget_of(content)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)
