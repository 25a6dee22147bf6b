"""Completed squares and piecewise polynomials: exact weights evaluated in fractions (A2)."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import mpmath
import pytest
from flint import arb, arb_poly, fmpq, fmpq_poly
from fractions_of import evaluated, fraction

from certflow.networks.gadgets.enclosure import UndecidedSign, pieces, range_on, sign_on_piece, supremum
from certflow.networks.gadgets.pieces import piecewise
from certflow.networks.gadgets.polynomials import completed_squares, dyadic, interpolant, lobatto
from certflow.networks.graph import Network, Neuron, Row
from certflow.numbers.precision import ball_precision

BITS = 160
KNOTS = [fmpq(-3), fmpq(-7, 4), fmpq(-1, 2), fmpq(0)]


def at(polynomial, c: Fraction) -> Fraction:
    return sum((fraction(coefficient) * c**k for k, coefficient in enumerate(polynomial.coeffs())), Fraction(0))


def powers(degree: int):
    """Interpolants of `e^z` between the knots."""
    found = []
    for low, high in pairwise(KNOTS):
        middle, half = arb((low + high) / 2), arb((high - low) / 2)
        found.append(interpolant(lambda c, m=middle, h=half: (m + h * c).exp(), degree, BITS))
    return found


@pytest.mark.parametrize("degree", [1, 2, 4, 16])
def test_an_interpolant_goes_through_its_nodes(degree: int) -> None:
    with ball_precision(300):
        polynomial = interpolant(lambda c: (2 + c).log(), degree, BITS)
        nodes = [fraction(dyadic(node, 250)) for node in lobatto(degree)]
    assert (nodes[0], nodes[-1]) == (-1, 1)
    with mpmath.workdps(60):
        for node in nodes:
            z = mpmath.mpf(node.numerator) / node.denominator
            value = at(polynomial, node)
            assert abs(mpmath.log(2 + z) - mpmath.mpf(value.numerator) / value.denominator) < mpmath.mpf(2) ** (
                8 - BITS
            )


@pytest.mark.parametrize("half", [2, 4, 8])
@pytest.mark.parametrize("leading", [fmpq(3), fmpq(-1, 5), fmpq(1, 10**9), fmpq(0)])
def test_completed_squares_are_the_polynomial(half: int, leading) -> None:
    """Also where the leading coefficient is small or zero: two squares then, and none of them large."""
    rng = random.Random(half)
    polynomial = fmpq_poly([fmpq(rng.randint(-99, 99), 64) for _ in range(2 * half)] + [leading])
    with ball_precision(400):
        squares, rest = completed_squares(polynomial, half, BITS)
    whole = sum((sign * root * root for sign, root in squares), fmpq_poly([0])) + rest
    assert max(abs(fraction(c)) for c in (whole - polynomial).coeffs()) < Fraction(1, 2 ** (BITS - 30))
    assert rest.degree() <= half
    assert len(squares) == (1 if abs(leading) > fmpq(1, 10) else 2)
    for _, root in squares:
        assert root.degree() <= half
        values = [at(root, Fraction(i, 200) - 1) for i in range(401)]
        assert min(values) > 0
        assert max(values) ** 2 < 2**20


def test_what_has_no_upper_half_needs_no_square() -> None:
    polynomial = fmpq_poly([1, 2, 3])
    assert completed_squares(polynomial, 2, BITS) == ([], polynomial)


@pytest.mark.parametrize("side", ["above", "below", "both"])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_network_is_its_polynomials_and_constant_beyond(side, level: int) -> None:
    with ball_precision(400):
        polynomials = powers(2**level)
        gadget = piecewise(KNOTS, [polynomials], side=side, bits=BITS)
    assert gadget.network.depth == level
    tiny = Fraction(1, 2 ** (BITS - 12))
    for (low, high), polynomial in zip(pairwise(KNOTS), polynomials, strict=True):
        for i in range(5):
            c = Fraction(i, 2) - 1
            z = (fraction(low + high) + c * fraction(high - low)) / 2
            assert abs(evaluated(gadget.network, z)[0] - at(polynomial, c)) < tiny
    if side != "below":
        assert evaluated(gadget.network, Fraction(-99)) == evaluated(gadget.network, Fraction(-3))
    if side != "above":
        assert evaluated(gadget.network, Fraction(99)) == evaluated(gadget.network, Fraction(0))


def test_about_as_many_neurons_a_piece_as_the_degree() -> None:
    with ball_precision(400):
        gadget = piecewise(KNOTS, [powers(16)], side="above", bits=BITS)
    count, degree = len(KNOTS) - 1, 16
    assert gadget.network.neurons <= count * (degree + 2) + 2 * math.log2(degree)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_the_enclosure_holds_what_the_weights_compute(level: int) -> None:
    """In exact fractions, by weights alone: also of weights that were changed afterwards."""
    with ball_precision(200):
        gadget = piecewise(KNOTS, [powers(2**level)], side="above", bits=BITS)
        layer = gadget.network.layers[-1]
        last = layer[0]
        layer[0] = Neuron(Row(last.row.weights, last.row.bias + fmpq(1, 50)), last.square)  # it stays above its kink
        for piece in pieces(gadget):
            for i in range(9):
                c = fmpq(i, 4) - 1
                z = (piece.lower + piece.upper + c * (piece.upper - piece.lower)) / 2
                (value,) = evaluated(gadget.network, fraction(z))
                ball = piece.outputs[0](arb(c))
                assert ball.overlaps(arb(fmpq(value.numerator, value.denominator)))
                assert float(ball.rad()) < 1e-40


def test_a_neuron_that_changes_its_sign_within_a_piece_is_told() -> None:
    with ball_precision(200):
        gadget = piecewise(KNOTS, [powers(4)], side="above", bits=BITS)
        moved = replace(gadget, knots=(KNOTS[0], KNOTS[1] + fmpq(1, 100), *KNOTS[2:]))
        with pytest.raises(UndecidedSign, match="has its knot within the piece"):
            pieces(moved)
        first = gadget.network.layers[1][0]
        value = pieces(replace(gadget, network=_cut(gadget.network, first)))[0].outputs[0](arb(0))
        bias = first.row.bias - dyadic(value, BITS)  # zero in the middle of the first piece
        gadget.network.layers[1][0] = Neuron(Row(first.row.weights, bias), first.square)
        with pytest.raises(UndecidedSign, match="changes its sign"):
            pieces(gadget)


def _cut(network: Network, neuron: Neuron) -> Network:
    """The first layer alone, and the argument of a neuron of the second as its output."""
    return Network(1, network.layers[:1], [neuron.row])


def test_signs_ranges_and_suprema_are_rigorous() -> None:
    with ball_precision(128):
        touching = arb_poly([1, 2, 1]) + arb_poly([arb(1) / 1000])  # (1 + c)^2 + 1/1000
        assert (sign_on_piece(touching), sign_on_piece(-touching)) == (1, -1)
        assert sign_on_piece(arb_poly([0, 1])) is None
        low, high = range_on(arb_poly([0, 0, 1]), arb(1) / 2, arb(1) / 4)
        assert low <= arb(1) / 16
        assert high >= arb(9) / 16
        # 5 T_7 - 2 T_3 has supremum 7 at most, and it is found to be 7
        found = supremum(arb_poly([0, -35 + 6, 0, 280 - 8, 0, -560, 0, 320]))
        assert 7 <= found < arb(7) + arb("1e-20")
