"""What neurons are for: told while a network is built, by the outermost block, and no part of what it is."""

from __future__ import annotations

from flint import fmpq, fmpq_poly
from small import network

from certflow.networks.exact_json import from_mapping, to_mapping
from certflow.networks.gadgets.exact import carry, maximum, product
from certflow.networks.gadgets.pieces import piecewise
from certflow.networks.graph import Network


def test_products_maxima_and_carries_say_so() -> None:
    assert [sorted(set(layer)) for layer in network().purposes] == [
        ["", "carry", "product"],
        ["carry", "maximum"],
        ["", "product"],
    ]


def test_the_outermost_block_counts() -> None:
    made = Network(1)
    gadget = piecewise([fmpq(-1), fmpq(0)], [[fmpq_poly([0, 0, 0, 0, 1])]], side="above", bits=40)
    (value,) = gadget.of(made, made.input(0), "exponential")
    with made.serving("last"):
        made.finish([carry(made, value)])
    assert [set(layer) for layer in made.purposes] == [{"exponential"}] * (made.depth - 1) + [{"last"}]
    assert [len(layer) for layer in made.purposes] == list(made.widths)


def test_a_purpose_is_no_part_of_a_network() -> None:
    read = from_mapping(to_mapping(network()))
    assert read == network()
    assert [len(layer) for layer in read.purposes] == list(read.widths)
    values = [read.input(0), read.input(1)]
    maximum(read, *values)
    product(read, *values)
    assert read.purposes[0][-5:-3] == ["maximum", "product"]
