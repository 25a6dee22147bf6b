"""Piecewise polynomials on a shared basis: what the weights compute in exact arithmetic (A4)."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from flint import arb, fmpq, fmpq_poly
from fractions_of import evaluated

from certflow.networks.gadgets.basis import on_shared_basis
from certflow.networks.gadgets.enclosure import pieces
from certflow.numbers.precision import ball_precision

KNOTS = [Fraction(1, 100), Fraction(1, 3), Fraction(3, 2), Fraction(3)]


def polynomials(degree, seed):
    """Coefficients on every piece, which meet at the knots."""
    rng = random.Random(seed)
    found = []
    for j in range(len(KNOTS) - 1):
        coefficients = [Fraction(rng.randint(-99, 99), 37) for _ in range(degree + 1)]
        if j:
            coefficients[0] += value(found[-1], 1) - value(coefficients, -1)
        found.append(coefficients)
    return found


def value(coefficients, c):
    return sum(coefficient * c**k for k, coefficient in enumerate(coefficients))


def exact(functions):
    return [[fmpq_poly([fmpq(c.numerator, c.denominator) for c in row]) for row in rows] for rows in functions]


@pytest.mark.parametrize("side", ["above", "below", "both"])
@pytest.mark.parametrize(("degree", "level"), [(2, 1), (3, 2), (8, 3), (16, 4)])
def test_the_network_is_the_polynomials_exactly(side, degree, level):
    functions = [polynomials(degree, seed) for seed in range(3)]
    knots = [fmpq(knot.numerator, knot.denominator) for knot in KNOTS]
    gadget = on_shared_basis(knots, exact(functions), side=side)
    assert gadget.network.depth == level
    count = len(KNOTS) - 1
    assert gadget.network.widths[1:] == tuple(count * 2**layer for layer in range(2, level + 1))
    for j, (low, high) in enumerate(pairwise(KNOTS)):
        for c in (Fraction(-1), Fraction(-2, 7), Fraction(1, 3), Fraction(1)):
            z = (low + high) / 2 + c * (high - low) / 2
            assert evaluated(gadget.network, z) == [value(rows[j], c) for rows in functions]
    outside = {"above": [(-9, 0, -1)], "below": [(9, -1, 1)], "both": [(-9, 0, -1), (9, -1, 1)]}[side]
    for z, j, c in outside:
        assert evaluated(gadget.network, Fraction(z)) == [value(rows[j], c) for rows in functions]


def test_its_enclosure_is_the_polynomials():
    functions = [polynomials(8, seed) for seed in range(2)]
    knots = [fmpq(knot.numerator, knot.denominator) for knot in KNOTS]
    with ball_precision(160):
        found = pieces(on_shared_basis(knots, exact(functions), side="below"))
        for j, piece in enumerate(found):
            for output, rows in zip(piece.outputs, functions, strict=True):
                for k, coefficient in enumerate(rows[j]):
                    assert (output[k] - arb(fmpq(coefficient.numerator, coefficient.denominator))).contains(0)
                    assert float(output[k].rad()) < 1e-35
