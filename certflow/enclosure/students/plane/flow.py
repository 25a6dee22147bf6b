"""The flow towards noise of cells of the data end, as polynomials with proved errors (proofs/students-plane.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.plane.between import Between
from certflow.enclosure.students.plane.cells import Boxes
from certflow.enclosure.students.plane.collocation import Collocation, collocation
from certflow.enclosure.students.plane.field import defects, mean
from certflow.enclosure.students.plane.law import StraightLaw
from certflow.enclosure.students.plane.spread import ENTRIES
from certflow.enclosure.students.rounding import UNIT, exponential_above, gamma, up
from certflow.enclosure.students.taylor import Basis
from certflow.numbers.arrays import Floats

#: Degree in `q` of the path on a step.
_DEGREE = 8
#: Degrees beyond that of the polynomials up to which their defect is computed as a polynomial.
_WIDER = 2
#: Sweeps of Picard's iteration on the first step, and on others, which start from the last polynomial.
_FIRST_SWEEPS, _SWEEPS = 8, 3
#: What the polynomial in time may add to the error of a step, relative to what the cells' size makes it.
_SHARE = 0.25
#: Cells across which logits change by less are small: if they are lost, it is for the length of the step.
_SMALL = 1.0
#: Steps are at least this share of the interval.
_SHORTEST = 1 / 2048


@dataclass(frozen=True)
class Images:
    """Cells of the data end at the noise end: `X(eta)`, `eta` in `[-1, 1]^d`, over the enlarged cell `y(eta)`.

    polynomials : `X`, shape (terms, cells, d)
    data_error : `rho`: every `y` of the cell has an `eta` with `Phi^{-1}(y) = X(eta)` exactly and `|y - y(eta)| <= rho`
        (`z` at the data end); infinite where that is not proved
    noise_error : `|Phi^{-1}(y(eta)) - X(eta)|` is at most this (`z` at the noise end)
    steps : how many there were
    """

    polynomials: Floats
    data_error: Floats
    noise_error: Floats
    steps: int


def carried(basis: Basis, law: StraightLaw, boxes: Boxes, masses: Floats, tolerance: float) -> Images:
    """The images of cells; steps are as short as `tolerance` (root mean square, `z` at the data end) asks for."""
    run = _Run(basis, law, boxes, masses, tolerance)
    with np.errstate(all="ignore"):
        return run.images()


class _Run:
    """One batch of cells on its way."""

    def __init__(self, basis: Basis, law: StraightLaw, boxes: Boxes, masses: Floats, tolerance: float):
        self.basis, self.law, self.table = basis, law, collocation(_DEGREE)
        self.wide = Basis(basis.dimension, basis.degree + _WIDER)
        self.room, self.masses, self.tolerance = boxes.room, masses, tolerance
        centre, half = boxes.centre, boxes.half
        self.ends = np.zeros((basis.size, *centre.shape))
        self.ends[0] = centre
        for a in range(centre.shape[1]):
            self.ends[basis.linear(a), :, a] = half[:, a]
        # The interval of the exact q's ends is longer or shorter by roundings: at the field's speed at most.
        start = 4 * UNIT * law.q_data * law.speed(sizes_of(self.ends))
        self.noise_error, self.data_error = start.copy(), start.copy()
        self.exponent = np.zeros(len(centre))
        self.path: Floats | None = None
        self.before = (0.0, 1.0)
        self.lost = np.zeros(len(centre))

    def images(self) -> Images:
        law = self.law
        whole = law.q_data - law.q_noise
        a, length, steps = law.q_data, whole / 16, 0
        while a > law.q_noise:
            b = a - length
            if b - law.q_noise < length / 4:
                b = law.q_noise
            step = _Step(self, a, b)
            if step.too_long(whole) and a - b > whole * _SHORTEST:
                length = (a - b) / 2
                continue
            self._take(step)
            steps += 1
            length = (a - b) * (1.5 if step.easy(whole) else 1.0)
            a = b
        last = self.lost + 4 * UNIT * law.q_noise * law.speed(sizes_of(self.ends))
        self.noise_error = up(self.noise_error + last)
        self.data_error = up(self.data_error + last * exponential_above(self.exponent))
        data_error = np.where(self.data_error <= self.room, self.data_error, np.inf)
        noise_error = np.where(np.isfinite(self.noise_error), self.noise_error, np.inf)
        return Images(np.where(np.isfinite(self.ends), self.ends, 0.0), data_error, noise_error, steps)

    def _take(self, step: _Step) -> None:
        self.exponent = up(self.exponent + step.growth)
        error = step.error
        self.noise_error = up(self.noise_error + error)
        self.data_error = up(self.data_error + error * exponential_above(self.exponent))
        self.data_error = np.where(self.data_error <= self.room, self.data_error, np.inf)
        self.path, self.before, self.lost = step.path, (step.middle, step.half), step.lost
        # At s = 1 every T_i is 1.
        self.ends = step.path.sum(0)


class _Step:
    """A step from `a` to `b < a`: the path, its error, how much of that is owed to its length."""

    def __init__(self, run: _Run, a: float, b: float):
        self.run = run
        law, basis, table = run.law, run.basis, run.table
        self.middle, self.half = (a + b) / 2, (b - a) / 2
        q = (self.middle + self.half * table.points)[:, None]
        self.path = _path(run, table, q, self.middle, self.half)
        between = Between(law, table, self.path, self.middle, self.half)
        self.growth = between.growth(run.room)
        self.small = between.sizes.sum(0).max(-1) < _SMALL
        interpolation = up(2 * abs(self.half) * between.remainder())
        # Values at the exact points, from coefficients: errors of the tables and of the sums.
        sizes = up(np.abs(self.path).sum(1), basis.size)
        lost = gamma(2 * _DEGREE + 8) * sizes.sum(0)
        values = np.tensordot(table.values, self.path, 1).swapaxes(0, 1)
        slopes = np.tensordot(table.slopes, self.path, 1).swapaxes(0, 1) / self.half
        lost_slopes = gamma(2 * _DEGREE + 12) * np.tensordot(np.abs(table.slopes), sizes, 1) / abs(self.half)
        # Where the last polynomial ended and this one begins.
        jump = np.abs(run.ends - values[:, 0]).sum(0) + 2 * lost
        wide = run.wide
        values, slopes = (
            np.concatenate([part, np.zeros((wide.size - basis.size, *part.shape[1:]))]) for part in (values, slopes)
        )
        whole, low = defects(wide, law, q, values, slopes, self._doubt(q, sizes.sum(0), lost), basis.size)
        # What the values are off by counts in the drift too.
        lost_slopes = lost_slopes + 2 * lost @ np.abs(law.at(q).drift)
        extra = np.sqrt(((lost_slopes + (4 * UNIT + 2 * ENTRIES) * law.sizes) ** 2).sum(-1)) * (1 + 64 * UNIT)
        defect = np.tensordot(table.weights, whole + extra, 1) * abs(self.half)
        #: What adding up the coefficients at the end of the step loses.
        self.lost = up(np.sqrt((lost**2).sum(-1)), 8)
        speed = law.speed(up(np.sqrt((sizes.sum(0) ** 2).sum(-1)), 8))
        gap = np.sqrt((jump**2).sum(-1)) + 8 * UNIT * (abs(self.middle) + abs(self.half)) * speed
        self.error = up(defect + interpolation + gap, 64)
        self.error = np.where(np.isfinite(self.error), self.error, np.inf)
        self.owed = np.tensordot(table.weights, low, 1) * abs(self.half) + interpolation

    def _doubt(self, q: Floats, sizes: Floats, lost: Floats) -> Floats:
        """At least the error of the difference of two logits as `defects` computes them."""
        law = self.run.law
        own = 2 * q * (lost @ law.sizes)
        scale = 2 * q * (sizes @ law.sizes) + 2 * q * q * law.height + np.abs(law.logarithms).max() + 1
        return up(own + 2 * gamma(2 * law.dimension + 80) * scale, 16)

    def _shares(self, whole: float) -> tuple[float, float]:
        """Root mean squares over the cells that may become good: owed to the length, and allowed."""
        run = self.run
        alive = np.isfinite(run.data_error) & (run.room > 0)
        if (alive & self.small & ~(self.owed < run.room)).any():
            return np.inf, 0.0
        good = (self.error < 4 * run.room) & alive
        weight = run.masses[good]
        grown = np.exp(run.exponent[good])
        rest = np.maximum(self.error[good] - self.owed[good], 0.0)
        owed = float(np.sqrt((weight * (self.owed[good] * grown) ** 2).sum()))
        rest_size = float(np.sqrt((weight * (rest * grown) ** 2).sum()))
        part = run.tolerance * np.sqrt(run.masses.sum()) * 2 * abs(self.half) / whole
        return owed, _SHARE * rest_size + 0.1 * part

    def too_long(self, whole: float) -> bool:
        owed, allowed = self._shares(whole)
        return owed > allowed

    def easy(self, whole: float) -> bool:
        owed, allowed = self._shares(whole)
        return owed < allowed / 16


def sizes_of(polynomials: Floats) -> Floats:
    """At least the norm of polynomials, shape (terms, cells, d), on their cells."""
    return up(np.sqrt((up(np.abs(polynomials).sum(0), len(polynomials)) ** 2).sum(-1)), 8)


def _path(run: _Run, table: Collocation, q: Floats, middle: float, half: float) -> Floats:
    """Coefficients of the path on a step: Picard's iteration from the last polynomial, continued."""
    start = run.ends[None]
    if run.path is None:
        values = np.repeat(start, _DEGREE + 1, 0)
    else:
        continued = table.at((q[:, 0] - run.before[0]) / run.before[1])
        values = np.tensordot(continued, run.path, 1)
        values += start - values[:1]
    for _ in range(_FIRST_SWEEPS if run.path is None else _SWEEPS):
        field = mean(run.basis, run.law, q, values.swapaxes(0, 1)).swapaxes(0, 1)
        values = start + half * np.tensordot(table.integral, field, 1)
    path: Floats = np.tensordot(table.transform, values, 1)
    return np.where(np.isfinite(path), path, 0.0)
