"""Errors of functions of time on boxes, by Taylor series in balls (A4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flint import acb, arb, arb_poly, arb_series

from certflow.networks.gadgets.enclosure import Piece
from certflow.numbers.precision import series_length

#: From `e^{-t}`, as a series in the coordinate of a box or as a complex ball, to the functions of time wanted.
Functions = Callable[[Any], list[Any]]

#: How many times wider than a box the disc is on which its functions are bounded, and the cells on its half side.
_WIDER, _CELLS = 4, 4


@dataclass(frozen=True)
class Box:
    """`t = middle + half c`, `c` in [-1, 1]; of each function of time its approximation less itself, as polynomials in
    `c`.

    times : the ball of all `t`
    errors : a polynomial with ball coefficients for each function
    values : of each function of time a polynomial too, remainder included
    decay : the same for `m = e^{-t}`
    """

    times: Any
    errors: tuple[Any, ...]
    values: tuple[Any, ...]
    decay: Any


def boxes(pieces: tuple[Piece, ...], functions: Functions, count: int, accuracy: int) -> Iterator[Box]:
    """Every piece in `count` boxes of one length.

    functions : of `e^{-t}`, as a series or as a complex ball, the list of what the outputs of the pieces approximate
    accuracy : the Taylor series leave out about `2^-accuracy` of the functions' size; what they leave out is in the
        result
    """
    for piece in pieces:
        middle, half = arb((piece.lower + piece.upper) / 2), arb((piece.upper - piece.lower) / 2)
        for i in range(count):
            inner, width = arb(2 * i + 1 - count) / count, arb(1) / count
            time, span = middle + half * inner, half * width
            approximations = [output(arb_poly([inner, width])) for output in piece.outputs]
            decay, *exact = _with_remainder(functions, time, span, accuracy)
            errors = tuple(
                approximation - function for approximation, function in zip(approximations, exact, strict=True)
            )
            yield Box(arb(time, span.abs_upper()), errors, tuple(exact), decay)


def _with_remainder(functions: Functions, middle: Any, half: Any, accuracy: int) -> list[Any]:
    """`e^{-t}` and its functions as polynomials, the remainder in the constant coefficients.

    By Cauchy's estimate: a function of size at most `M` on the disc of radius `4 half` about `middle`, where it has no
    pole, leaves at most `M 4^{-n} 4/3` beyond `n` terms.
    """
    terms = accuracy // (_WIDER.bit_length() - 1) + 1
    sizes = _sizes_on_disc(functions, middle, _WIDER * half)
    left = arb(_WIDER) ** (1 - terms) / (_WIDER - 1)
    with series_length(terms):
        decay = arb_series([-middle, -half], terms).exp()
        return [
            arb_poly([function[k] for k in range(terms)]) + arb_poly([arb(0, (size * left).abs_upper())])
            for function, size in zip([decay, *functions(decay)], sizes, strict=True)
        ]


def _sizes_on_disc(functions: Functions, middle: Any, radius: Any) -> list[Any]:
    """Above the size of `e^{-t}` and of each function on the square around a disc, cell by cell; infinite at a pole."""
    sizes: list[Any] | None = None
    step = radius / _CELLS
    for i in range(-_CELLS, _CELLS, 2):
        for j in range(0, _CELLS, 2):  # the lower half is the mirror image
            cell = acb(arb(middle + (i + 1) * step, step.abs_upper()), arb((j + 1) * step, step.abs_upper()))
            decay = (-cell).exp()
            found = [abs(value).upper() for value in (decay, *functions(decay))]
            sizes = found if sizes is None else [a.max(b) for a, b in zip(sizes, found, strict=True)]
    assert sizes is not None
    return sizes
