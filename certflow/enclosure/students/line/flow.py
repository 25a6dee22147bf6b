"""The flow in one dimension on cells, backwards: `x = Phi^-1(y)` for `y` of a cell of the data end.

`Phi = F_delta^-1 o F_T`, increasing. On a cell `y = c + h eta` a polynomial `X(eta)` stands for `x`; with

    D(eta) = F_T(X(eta)) - F_delta(c + h eta),   D' = p_T(X) X' - h p_delta(c + h eta),

`|D| <= |D(0)| + sum |d_j| / (j + 1) + r`, `D(0)` in balls, `sum d_j eta^j +- r` a Taylor model of `D'`. If `p_T >= m`
within `s` of the range of `X` and `|D| <= s m`, then `|x - X| <= |D| / m` (proofs/students.md, section 6).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.law import BITS, LineLaw, above
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis, Models, product, scaled, total
from certflow.errors import NoEnclosure
from certflow.flow.quantile_map import QuantileMap
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: How many degrees the models of `D'` have more than the polynomials of the cells.
MORE = 2
#: Distances `s` that are tried, in units of the narrowest component at the noise end.
SLACKS = (1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0)


class Cells(NamedTuple):
    """Intervals `[centre - half, centre + half]` of the data end; both ends are float64 numbers, without rounding."""

    centre: Floats
    half: Floats

    @property
    def low(self) -> Floats:
        return self.centre - self.half

    @property
    def high(self) -> Floats:
        return self.centre + self.half

    def where(self, flags: Flags | Indices) -> Cells:
        """Some of them."""
        return Cells(self.centre[flags], self.half[flags])

    def halves(self) -> Cells:
        """Each cut in two, the left halves first."""
        quarter = self.half / 2
        centres = np.concatenate([self.centre - quarter, self.centre + quarter])
        return Cells(centres, np.concatenate([quarter, quarter]))

    def divisible(self) -> Flags:
        """Where the halves of the cell have ends in float64 without rounding."""
        quarter = self.half / 2
        exact = [(self.centre + q * quarter) - self.centre == q * quarter for q in (-2, -1, 1, 2)]
        found: Flags = np.logical_and.reduce(exact)
        return found


def between(low: float, high: float, count: int) -> Cells:
    """At most `count` cells, one at least, that cover the range `low < high`, their ends on a grid so coarse that they
    can be halved 25 times; a finer one for a narrow range far from zero."""
    largest = np.ceil(np.log2(max(abs(low), abs(high), high - low)))
    step = 2.0 ** max(min(largest - 20, np.ceil(np.log2(high - low)) - 12), largest - 48, -900)
    inner = np.round(np.linspace(low, high, count + 1)[1:-1] / step)
    first, last = np.floor(low / step), np.ceil(high / step)
    ends = np.unique(np.concatenate([[first], np.clip(inner, first, last), [last]])) * step
    return Cells((ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2)


class LineFlow:
    """The exact flow from time `start` to time `end < start` of a process in one dimension."""

    def __init__(self, process: OrnsteinUhlenbeck, start: Fraction, end: Fraction):
        self.noise, self.data = LineLaw(process.mixture, start), LineLaw(process.mixture, end)
        self.approximate = QuantileMap(process, float(end), float(start))
        self._forward = QuantileMap(process, float(start), float(end))
        self._bases: dict[int, tuple[Basis, Floats]] = {}

    def _basis(self, degree: int) -> tuple[Basis, Floats]:
        """The basis for `D'`, and the matrix from values at Chebyshev nodes to coefficients."""
        if degree not in self._bases:
            nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
            inverse = np.linalg.inv(np.vander(nodes, degree + 1, increasing=True))
            self._bases[degree] = Basis(1, degree + MORE), np.stack([nodes, *inverse])
        return self._bases[degree]

    @np.errstate(all="ignore")
    def preimages(self, cells: Cells, degree: int) -> tuple[Floats, Floats]:
        """Coefficients of `X`, shape (degree + 1, cells), and at least `|Phi^-1(y) - X|`, shape (cells,)."""
        basis, table = self._basis(degree)
        nodes, inverse = table[0], table[1:]
        points = cells.centre[:, None] + cells.half[:, None] * nodes
        values = self.approximate(points.ravel()).reshape(points.shape)
        x = (values @ inverse.T).T.copy()
        error = self._defect(cells, basis, x)
        bad = ~(error < np.inf)
        if bad.any():
            self._by_order(cells, x, error, bad)
        return x, error

    def _defect(self, cells: Cells, basis: Basis, x: Floats) -> Floats:
        """At least `|Phi^-1 - X|`; infinite where no distance `s` serves."""
        count, degree = len(cells.centre), len(x) - 1
        at_zero = np.array([self._at_centre(float(a), float(c)) for a, c in zip(x[0], cells.centre, strict=True)])
        c = np.zeros((basis.terms, count, 1))
        c[: degree + 1, :, 0] = x
        place = Models(c, np.zeros((count, 1)))
        derivative = np.zeros_like(c)
        for j in range(1, degree + 1):
            derivative[j - 1] = j * c[j]
        slope = Models(derivative, up(2 * UNIT * np.abs(derivative).sum(0), basis.terms))
        y = np.zeros_like(c)
        y[0, :, 0], y[1, :, 0] = cells.centre, cells.half
        data = scaled(self.data.density(basis, Models(y, np.zeros((count, 1)))), cells.half[:, None])
        change = total(product(basis, self.noise.density(basis, place), slope), data, -1.0)
        parts = np.abs(change.coefficients[:, :, 0]) / np.arange(1, basis.terms + 1)[:, None]
        defect = up(at_zero + parts.sum(0) + change.remainder[:, 0], basis.terms + 4)
        reach = up(np.abs(x[1:]).sum(0), degree)
        error = np.full(count, np.inf)
        for slack in SLACKS:
            s = slack * float(self.noise.widths.min())
            least = self.noise.least(x[0] - reach - s, x[0] + reach + s)
            found = up(defect / least)
            error = np.where(~np.isfinite(error) & (found <= s), found, error)
        return error

    def _at_centre(self, x: float, y: float) -> float:
        """At least `|F_T(x) - F_delta(y)|`, by the tails that are the smaller."""
        if not math.isfinite(x):
            return math.inf
        with ball_precision(BITS):
            a, b = ball(Fraction(x)), ball(Fraction(y))
            lower = self.data.tails(b, False)
            if lower < 0.5:
                return above(self.noise.tails(a, False) - lower)
            return above(self.noise.tails(a, True) - self.data.tails(b, True))

    def _by_order(self, cells: Cells, x: Floats, error: Floats, bad: Flags) -> None:
        """Where no polynomial serves, the interval from `Phi^-1` of one end to that of the other."""
        for i in np.flatnonzero(bad):
            low = self.preimage(float(cells.low[i]))[0]
            high = self.preimage(float(cells.high[i]))[1]
            x[:, i] = 0.0
            x[0, i] = low + (high - low) / 2
            error[i] = up(np.asarray((high - low) / 2 + 4 * UNIT * (abs(low) + abs(high))))

    @np.errstate(all="ignore")
    def preimage(self, y: float) -> tuple[float, float]:
        """Two float64 numbers between which `Phi^-1(y)` lies."""
        guess = float(self.approximate(np.array([y]))[0])
        return self._enclosed(guess, y, self.noise, self.data)

    def image(self, x: float) -> tuple[float, float]:
        """Two float64 numbers between which `Phi(x)` lies."""
        low, high = self.images(np.array([x]))
        return float(low[0]), float(high[0])

    @np.errstate(all="ignore")
    def images(self, points: Floats) -> tuple[Floats, Floats]:
        """Two float64 numbers for each of the points, between which `Phi(x)` lies."""
        guesses = self._forward(points)
        found = [
            self._enclosed(float(guess), float(x), self.data, self.noise)
            for guess, x in zip(guesses, points, strict=True)
        ]
        return np.array([low for low, _ in found]), np.array([high for _, high in found])

    @staticmethod
    def _enclosed(guess: float, given: float, target: LineLaw, source: LineLaw) -> tuple[float, float]:
        with ball_precision(BITS):
            at = ball(Fraction(given))
            upper = not source.tails(at, False) < 0.5
            level = source.tails(at, upper)
            ends = []
            for sign in (-1, 1):
                margin = 4 * UNIT * abs(guess) + 1e-14 * float(target.widths.min())
                for _ in range(200):
                    end = guess + sign * margin
                    if not math.isfinite(end):
                        raise NoEnclosure(f"the flow cannot be enclosed at {given}")
                    tail = target.tails(ball(Fraction(end)), upper)
                    # F(end) on the right side of the level: below it to the left, above it to the right
                    if (tail > level) if (sign < 0) == upper else (tail < level):
                        ends.append(end)
                        break
                    margin *= 8
                else:
                    raise NoEnclosure(f"the flow cannot be enclosed at {given}")
        return ends[0], ends[1]
