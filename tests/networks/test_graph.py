"""Networks of exact weights: what is built, and its sizes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from fractions_of import evaluated

from certflow.networks.gadgets.exact import carry, largest, lift, maximum, product, square
from certflow.networks.graph import Network, total

NUMBERS = [Fraction(-7, 3), Fraction(0), Fraction(1, 8), Fraction(5), Fraction(10**12), Fraction(-1, 10**12)]


@pytest.mark.parametrize("x", NUMBERS)
@pytest.mark.parametrize("y", NUMBERS)
def test_squares_products_maxima_and_carries_are_exact(x: Fraction, y: Fraction) -> None:
    network = Network(2)
    a, b = network.input(0), network.input(1)
    pair = product(network, a, b, (3, Fraction(1, 7)))
    network.finish([square(network, a), pair, maximum(network, a, b), carry(network, a)])
    assert evaluated(network, x, y) == [x * x, x * y, max(x, y), x]
    assert (network.depth, network.widths) == (1, (2 + 4 + 3 + 2,))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9])
def test_the_largest_of_many_takes_the_depth_of_a_tree(count: int) -> None:
    numbers = [Fraction((-3) ** i, i + 1) for i in range(count)]
    network = Network(count)
    values = [network.input(i) for i in range(count)]
    top = largest(network, values)
    network.finish([top])
    assert evaluated(network, *numbers) == [max(numbers)]
    assert network.depth == (count - 1).bit_length()


def test_a_carry_above_a_lower_bound_is_one_neuron() -> None:
    network = Network(1)
    network.finish([lift(network, network.input(0), 3, lower=-2)])
    assert network.widths == (1, 1, 1)
    assert evaluated(network, Fraction(-3, 2)) == [Fraction(-3, 2)]
    assert evaluated(network, Fraction(-5)) == [Fraction(-2)]  # what is below the bound is not carried


def test_sums_and_multiples_cost_no_neuron() -> None:
    network = Network(2)
    x, y = network.input(0), network.input(1)
    combined = (x * Fraction(1, 3) - y + 2) * -6 + total([x, y, y])
    network.finish([network.relu(combined)])
    assert network.neurons == 1
    assert network.parameters_count == 4  # -x + 8 y - 12, and the output
    assert evaluated(network, Fraction(3), Fraction(2)) == [Fraction(1)]


def test_a_network_within_a_network_computes_the_same() -> None:
    inner = Network(1)
    inner.finish([square(inner, inner.input(0)), carry(inner, inner.input(0)) + 1])
    outer = Network(2)
    of_sum = outer.inline(inner, [outer.input(0) + outer.input(1) * 2])
    outer.finish([of_sum[0] - of_sum[1]])
    assert evaluated(outer, Fraction(1, 2), Fraction(3)) == [Fraction(13, 2) ** 2 - Fraction(15, 2)]


def test_values_of_two_layers_are_not_added_and_outputs_are_of_the_last() -> None:
    network = Network(1)
    later = network.relu(network.input(0))
    with pytest.raises(ValueError, match="values of layers 0 and 1"):
        network.input(0) + later
    with pytest.raises(ValueError, match="an output of layer 0 in a network of 1 layers"):
        network.finish([network.input(0)])
