"""Errors of the functions of time on one box, and the sizes at its times, for every component (A4, A6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_poly, ctx, fmpq

from certflow.networks.gadgets.enclosure import supremum
from certflow.networks.general.law import GeneralLaw
from certflow.networks.times import Box
from certflow.numbers.arrays import Objects
from certflow.numbers.precision import ball_precision

#: Where errors are small numbers already, few bits are enough: what they round is in the balls.
_BITS = 128


@dataclass(frozen=True)
class Sizes:
    """Numbers above what their names say, on a box of times; rows for components, columns for their variances.

    decay : `m`; factor : `a = m/v`; variance : `v`; precision : `q = 1/v`; all (K, n) but the first
    of_factor : `|e_a|`; drift : `|e_a - m e_q|`; relative : `|e_q| v`; all (K, n)
    constant : (K,) the mean of the error of a component's logit under its own law, less a common function of time
    offset : (K,) that error where `x = m mu_k`, less a common function of time
    is_small : the errors of `a`, `r` and `q` are at most 1, so that one neuron carries what is above -1
    """

    decay: Any
    factor: Objects
    variance: Objects
    precision: Objects
    of_factor: Objects
    drift: Objects
    relative: Objects
    constant: Objects
    offset: Objects
    is_small: bool


class Reader:
    """Makes the sizes of boxes; what does not depend on the box is made once."""

    def __init__(self, law: GeneralLaw, log_weights: tuple[Any, ...]):
        self.law = law
        self.columns = [variance for frame in law.frames for variance in frame.variances]
        self.width = len(law.frames[0].variances)
        self.excesses = [arb(1 - variance) for variance in self.columns]
        self.rounding = [arb(near) - exact for near, exact in zip(log_weights, law.log_weights, strict=True)]
        self.squares = _balls(law.squares)
        self.mixed = _balls(law.mixed_squares)

    def read(self, box: Box) -> Sizes:
        """The sizes on a box; its errors are those of `law.time_functions`."""
        with ball_precision(min(_BITS, ctx.prec)):
            return self._read(box)

    def _read(self, box: Box) -> Sizes:
        law, count = self.law, len(self.columns)
        of_a, of_r, of_h = box.errors[:count], box.errors[count : 2 * count], box.errors[2 * count :]
        m = (-box.times).exp()
        variances = [1 - excess * m * m for excess in self.excesses]
        largest_a, largest_r = [supremum(a) for a in of_a], [supremum(r) for r in of_r]
        largest_q = [2 * abs(excess) * size for excess, size in zip(self.excesses, largest_r, strict=True)]
        times_a = [_product(a, box.decay) for a in of_a]
        times_r = [_product(r, box.decay) for r in of_r]
        drifts = [supremum(a - r * (2 * excess)) for a, r, excess in zip(of_a, times_r, self.excesses, strict=True)]
        if law.is_shared:
            there = [
                _combined(mixed, times_a) - _combined(squares, of_r) + rounding
                for mixed, squares, rounding in zip(self.mixed, self.squares, self.rounding, strict=True)
            ]
            offsets = constants = self._centred(there)
        else:
            # m^2 e_q / 2, and with it the error of a logit where x = m mu_k, over mu'^2: m e_a - e_r - m^2 e_q / 2
            bent = [_product(r, box.decay) * excess for r, excess in zip(times_r, self.excesses, strict=True)]
            shifts = [a - r - q for a, r, q in zip(times_a, of_r, bent, strict=True)]
            # the mean of rho_i z_i^2 / 2, summed over a frame: rho / 2 = c e_r (1 - c m^2)
            means = [(r - q) * (excess * law.repeats) for r, q, excess in zip(of_r, bent, self.excesses, strict=True)]
            there = [
                of_h[f] + _combined(squares, self._own(shifts, f)) + rounding
                for f, squares, rounding in zip(law.of, self.squares, self.rounding, strict=True)
            ]
            offsets = self._centred(there)
            constants = self._centred(
                [value - sum(self._own(means, f), 0 * value) for f, value in zip(law.of, there, strict=True)]
            )
        variance_rows = self._rows([variance.upper() for variance in variances])
        return Sizes(
            decay=m.upper(),
            factor=self._rows([(m / variance).upper() for variance in variances]),
            variance=variance_rows,
            precision=self._rows([(1 / variance).upper() for variance in variances]),
            of_factor=self._rows(largest_a),
            drift=self._rows(drifts),
            relative=self._rows(largest_q) * variance_rows,
            constant=constants,
            offset=offsets,
            is_small=all(bool(size <= 1) for size in (*largest_a, *largest_r, *largest_q)),
        )

    def _own(self, columns: list[Any], frame: int) -> list[Any]:
        return columns[frame * self.width : (frame + 1) * self.width]

    def _rows(self, columns: list[Any]) -> Objects:
        """One row for each component, from numbers for the variances of all frames."""
        return np.array([self._own(columns, f) for f in self.law.of], dtype=object)

    def _centred(self, polynomials: list[Any]) -> Objects:
        """Suprema of functions of time less their mean by the weights, which the softmax does not feel."""
        mean = _combined([arb(weight) for weight in self.law.weights], polynomials)
        return np.array([supremum(polynomial - mean) for polynomial in polynomials], dtype=object)


def _product(first: Any, second: Any) -> Any:
    """A product on [-1, 1] of the degree of its factors: what is beyond is small, and in the constant's ball."""
    length = max(first.length(), second.length())
    coefficients = (first * second).coeffs()
    beyond = sum((abs(coefficient) for coefficient in coefficients[length:]), arb(0))
    return arb_poly(coefficients[:length]) + arb_poly([arb(0, beyond.abs_upper())])


def _combined(factors: Any, polynomials: Any) -> Any:
    products = [polynomial * factor for factor, polynomial in zip(factors, polynomials, strict=True)]
    return sum(products[1:], products[0])


def _balls(rows: tuple[tuple[fmpq, ...], ...]) -> Objects:
    return np.array([[arb(entry) for entry in row] for row in rows], dtype=object)
