"""One coordinate of a product: its flow, and the cells of its data end with their images and moments.

Cells of space are products of these; an axis grows as its cells are halved, and every cell is computed once.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.line.flow import Cells, LineFlow
from certflow.enclosure.students.line.law import BITS, above
from certflow.enclosure.students.rounding import UNIT, up
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck


class Axis:
    """A coordinate with its own law.

    flow : of the line, from the time `start` to the time `end < start`
    cells : at the data end, `y = centre + half eta`
    images : `X(eta)`, shape (degree + 1, cells);  errors : at least `|Phi^-1(y) - X(eta)|` (`x` coordinates)
    moments : `int eta^k p dy`, `k = 0 .. 2 degree`, shape (cells, 2 degree + 1), each within `slack`, shape (cells,)
    mass : at least `int p dy`, and so every moment
    """

    def __init__(self, line: GaussianMixture, start: Fraction, end: Fraction, degree: int):
        self.flow = LineFlow(OrnsteinUhlenbeck(line, end, start), start, end)
        self.degree = degree
        self.cells = Cells(np.zeros(0), np.zeros(0))
        self.images, self.errors = np.zeros((degree + 1, 0)), np.zeros(0)
        self.moments, self.slack = np.zeros((0, 2 * degree + 1)), np.zeros(0)
        self._halves = np.zeros((2, 0), dtype=np.int64)

    @property
    def mass(self) -> Floats:
        return up(self.moments[:, 0] * (1 + 2 * UNIT) + self.slack)

    @property
    def unit(self) -> float:
        """The width of the narrowest component at the data end, roughly: by it lengths of axes are compared."""
        return float(self.flow.data.widths.min())

    def add(self, cells: Cells) -> Indices:
        """The places of new cells."""
        first, count = len(self.errors), len(cells.centre)
        images, errors = self.flow.preimages(cells, self.degree)
        values, slack = np.zeros((count, 2 * self.degree + 1)), np.zeros(count)
        for i, (centre, half) in enumerate(zip(*cells, strict=True)):
            balls = self.flow.data.moments(float(centre), float(half), 2 * self.degree)
            if all(found.is_finite() for found in balls):
                values[i] = [float(found.mid()) for found in balls]
                slack[i] = max(float(found.rad()) for found in balls) + 2 * UNIT * np.abs(values[i]).max()
            else:
                slack[i] = 1.0  # no mass is larger
        self.cells = Cells(*(np.concatenate(ends) for ends in zip(self.cells, cells, strict=True)))
        self.images = np.concatenate([self.images, images], axis=1)
        self.errors = np.concatenate([self.errors, errors])
        self.moments, self.slack = np.concatenate([self.moments, values]), np.concatenate([self.slack, up(slack)])
        self._halves = np.concatenate([self._halves, np.full((2, count), -1)], axis=1)
        return np.arange(first, first + count)

    def divisible(self) -> Flags:
        """Which cells can be halved without rounding."""
        return self.cells.divisible()

    def halved(self, places: Indices) -> tuple[Indices, Indices]:
        """The places of the left and of the right halves of cells, which are computed if they are new."""
        new = np.unique(places[self._halves[0, places] < 0])
        if len(new):
            self._halves[:, new] = self.add(self.cells.where(new).halves()).reshape(2, -1)
        return self._halves[0, places], self._halves[1, places]

    def beyond(self, low: float, high: float, x: float, y: float) -> list[tuple[float, float, float]]:
        """Of `Y < low` and of `Y > high` at least the mass, `E (X - x)^2` and `E (Y - y)^2` there, `X = Phi^-1(Y)`.

        `(X - x)^2 <= 2 (X - x_e)^2 + 2 (x_e - x)^2`, `x_e` no further out than `Phi^-1` of the end.
        """
        found = []
        for end, upper in ((low, False), (high, True)):
            image = self.flow.preimage(end)[0 if upper else 1]
            with ball_precision(BITS):
                mass, data = (above(ball_) for ball_ in self.flow.data.beyond(end, upper))
                noise = above(self.flow.noise.beyond(image, upper)[1])
            noise, data = (
                float(up(np.asarray(2 * square + 2 * (e - at) ** 2 * mass), 8))
                for square, e, at in ((noise, image, x), (data, end, y))
            )
            found.append((mass, noise, data))
        return found

    def about(self, x: float, y: float) -> tuple[float, float]:
        """At least `E (X - x)^2` and `E (Y - y)^2`: at most twice the second moments and the squares."""
        laws = ((self.flow.noise, x), (self.flow.data, y))
        with ball_precision(BITS):
            noise, data = (above(2 * law.second_moment + 2 * ball(Fraction(at)) ** 2) for law, at in laws)
        return noise, data
