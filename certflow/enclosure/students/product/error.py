"""`E |Psi(X) - Phi(X)|^2`, `X ~ p_T`, over a product of one-dimensional laws, from both sides.

Proof: proofs/students-plane.md, section 8.

The flow is a product, `Phi^-1(y)_a = phi_a^-1(y_a)`. Cells of the data end are products of cells of the axes; each axis
has images with errors and exact moments of its own. Cells with the widest parts are halved across the axis on which
the student bends most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from certflow.enclosure.students.line.error import FLOOR
from certflow.enclosure.students.line.flow import between
from certflow.enclosure.students.line.tail import CUTS, ends_of
from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.plane.atlas import widest
from certflow.enclosure.students.product.axis import Axis
from certflow.enclosure.students.push import push
from certflow.enclosure.students.rounding import UNIT, gamma, sums, up
from certflow.enclosure.students.taylor import Basis, Models, constant
from certflow.errors import NoEnclosure
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Indices

#: Dimensions, and degrees of the models there.
DEGREES = {2: 4, 3: 4, 4: 3}
#: Cells of each axis at the start, of one evaluation, and most cells in all.
START, BATCH, MOST_CELLS = 8, 1024, 400_000
#: A tail of this share of `E |Phi|^2` is not told from none.
_NEGLIGIBLE = 1e-16


@dataclass(frozen=True)
class Local:
    """Cells by their places on the axes, shape (cells, d), and the error `Psi(Phi^-1(y)) - y` there.

    coefficients : of its polynomial, shape (terms, cells, d), within `radius`, in the norm
    largest : at least its size anywhere on the cell
    low, high : below and above what the cell adds to the mean square
    """

    places: Indices
    coefficients: Floats
    radius: Floats
    largest: Floats
    low: Floats
    high: Floats

    def where(self, flags: Flags) -> Local:
        """Some of the cells."""
        return Local(
            self.places[flags],
            self.coefficients[:, flags],
            *(getattr(self, name)[flags] for name in ("radius", "largest", "low", "high")),
        )

    @staticmethod
    def joined(parts: Sequence[Local]) -> Local:
        """Several, one after another."""
        return Local(
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.coefficients for part in parts], axis=1),
            *(np.concatenate([getattr(p, name) for p in parts]) for name in ("radius", "largest", "low", "high")),
        )


class ProductFlow:
    """The flow of a product law between two times, with the cells of each axis."""

    def __init__(self, lines: Sequence[GaussianMixture], start: Fraction, end: Fraction):
        self.degree = DEGREES[len(lines)]
        self.axes = [Axis(line, start, end, self.degree) for line in lines]
        self.basis = Basis(len(lines), self.degree, len(lines))
        self.second_moment = sum(axis.flow.data.second_moment for axis in self.axes)

    @property
    def dimension(self) -> int:
        return len(self.axes)

    def covering(self, cut: float) -> Indices:
        """Cells that cover so many standard deviations around all components of every axis: their places."""
        found = [axis.add(between(*ends_of(axis.flow.data, cut), START)) for axis in self.axes]
        return np.stack(np.meshgrid(*found, indexing="ij"), -1).reshape(-1, self.dimension)

    def models(self, places: Indices) -> Models:
        """`Phi^-1` on cells: the flow's errors as remainders."""
        c = np.zeros((self.basis.terms, *places.shape))
        for a, axis in enumerate(self.axes):
            for j in range(self.degree + 1):
                c[self.basis.place[tuple(j * int(a == b) for b in range(self.dimension))], :, a] = axis.images[
                    j, places[:, a]
                ]
        errors = np.stack([axis.errors[places[:, a]] for a, axis in enumerate(self.axes)], 1)
        return Models(c, errors)

    def ends(self, places: Indices) -> tuple[Floats, Floats]:
        """Centres and half-widths of cells, without rounding."""
        cells = [axis.cells.where(places[:, a]) for a, axis in enumerate(self.axes)]
        return np.stack([one.centre for one in cells], 1), np.stack([one.half for one in cells], 1)

    def moments(self, places: Indices) -> tuple[Floats, Floats, Floats]:
        """`int eta^(l + m) p` over cells, shape (cells, terms, terms), the error of each, at least the masses."""
        powers = np.array(self.basis.monomials)
        values, most, wrong = np.ones((len(places), 1, 1)), np.ones(len(places)), np.zeros(len(places))
        for a, axis in enumerate(self.axes):
            own = places[:, a]
            values = values * axis.moments[own][:, powers[:, None, a] + powers[None, :, a]]
            wrong = wrong * axis.mass[own] + most * axis.slack[own]
            most = most * axis.mass[own]
        operations = 3 * self.dimension + 4
        return values, up(wrong + gamma(operations) * most, operations), up(most, operations)


class Far:
    """`|e| <= constant + lipschitz |x - x_0| + |y - y_0|` everywhere: `constant >= |Psi(x_0) - y_0|`."""

    def __init__(self, flow: ProductFlow, maps: Sequence[ExactMap]):
        self.flow, self.lipschitz = flow, lipschitz_bound(list(maps))
        self.y = np.array([float(axis.flow.data.weights @ axis.flow.data.centres) for axis in flow.axes])
        self.x = np.array([float(axis.flow.noise.weights @ axis.flow.noise.centres) for axis in flow.axes])
        found = push(flow.basis, constant(flow.basis, self.x[None]), maps)
        size = np.abs(found.coefficients[0] - self.y) + np.abs(found.coefficients[1:]).sum(0) + found.remainder
        self.constant = float(up(np.sqrt((up(size, flow.basis.terms + 4) ** 2).sum()), 16))

    def on(self, places: Indices) -> Floats:
        """At least the error on cells."""
        c, r = self.flow.models(places)
        away = np.abs(c[0] - self.x) + np.abs(c[1:]).sum(0) + r
        centre, half = self.flow.ends(places)
        beside = np.abs(centre - self.y) + half
        x, y = (np.sqrt((up(z, self.flow.basis.terms + 8) ** 2).sum(1)) for z in (away, beside))
        return up(self.constant + self.lipschitz * x + y, 16)

    def tail(self, low: Floats, high: Floats) -> float:
        """At least the mean square outside of a box of the data end.

        Outside, some `y_a` is below `low_a` or above `high_a`; there the root of the mean square is at most
        `constant sqrt(P) + lipschitz sqrt(E |x - x_0|^2) + sqrt(E |y - y_0|^2)`, the other axes being independent.
        """
        whole = 0.0
        about = [axis.about(x, y) for axis, x, y in zip(self.flow.axes, self.x, self.y, strict=True)]
        for a, axis in enumerate(self.flow.axes):
            others = [sum(pair[i] for b, pair in enumerate(about) if b != a) for i in (0, 1)]
            for mass, *squares in axis.beyond(float(low[a]), float(high[a]), float(self.x[a]), float(self.y[a])):
                noise, data = (square + mass * other for square, other in zip(squares, others, strict=True))
                whole += (self.constant * mass**0.5 + self.lipschitz * noise**0.5 + data**0.5) ** 2
        return float(up(np.asarray(whole), 8 * self.flow.dimension + 32))


def local_errors(flow: ProductFlow, maps: Sequence[ExactMap], places: Indices, far: Far) -> Local:
    """The student's error on cells."""
    batches = [places[i : i + BATCH] for i in range(0, len(places), BATCH)]
    return Local.joined([_local_errors(flow, maps, batch, far) for batch in batches])


@np.errstate(all="ignore")
def _local_errors(flow: ProductFlow, maps: Sequence[ExactMap], places: Indices, far: Far) -> Local:
    basis = flow.basis
    found = push(basis, flow.models(places), maps)
    error = found.coefficients[: basis.size].copy()
    centre, half = flow.ends(places)
    error[0] -= centre
    for a in range(flow.dimension):
        error[basis.linear(a), :, a] -= half[:, a]
    rest = found.remainder + np.abs(found.coefficients[basis.size :]).sum(0) + 2 * UNIT * np.abs(error).sum(0)
    radius = up(np.sqrt((up(rest, basis.terms + 4) ** 2).sum(1)), 8)
    largest = up(np.sqrt((up(np.abs(error).sum(0), basis.size) ** 2).sum(1)) + radius, 16)
    least = far.on(places)
    lost = ~(largest <= least)  # then the crude bound serves, about zero
    error[:, lost], radius, largest = 0.0, np.where(lost, least, radius), np.where(lost, least, largest)
    return Local(places, error, radius, largest, *_parts(flow, places, error, radius))


def _parts(flow: ProductFlow, places: Indices, error: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """`( ||C|| -+ r sqrt(mass) )^2`, the norm that of `L^2(p)` on the cell."""
    values, wrong, mass = flow.moments(places)
    square = np.einsum("and,nab,bnd->n", error, values, error, optimize=True)
    sizes = (np.abs(error).sum(0) ** 2).sum(1)
    slack = up(sizes * (wrong + gamma(4 * len(error) + 16) * mass), 16)
    spread = up(radius * np.sqrt(mass), 8)
    root_low = np.sqrt(np.maximum(square - slack, 0.0)) * (1 - 8 * UNIT) - spread
    low = np.maximum(root_low, 0.0) ** 2 * (1 - 8 * UNIT)
    high = up((np.sqrt(np.maximum(square, 0.0) + slack) + spread) ** 2, 16)
    return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, np.inf)


@dataclass(frozen=True)
class MeanSquare:
    """`lower <= E |Psi - Phi|^2 <= upper`; the cells; the tail, which the upper end has; cells that were evaluated."""

    lower: float
    upper: float
    local: Local
    tail: float
    evaluations: int
    complete: bool


def mean_square(flow: ProductFlow, maps: Sequence[ExactMap], rtol: float, seconds: float) -> MeanSquare:
    """`E |Psi(X) - Phi(X)|^2` until `upper - lower <= rtol upper`, or for so many seconds.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    far = Far(flow, maps)
    places, tail = _covered(flow, far)
    local = local_errors(flow, maps, places, far)
    evaluations, nothing = len(places), FLOOR**2 * float(flow.second_moment.mid())
    while True:
        lower, upper = sums(local.low, local.high, tail)
        complete = upper - lower <= rtol * upper
        if complete or upper <= nothing or time.monotonic() >= until or evaluations > MOST_CELLS:
            break
        split, axis = _cuts(flow, local, widest(local.high - local.low, rtol * upper))
        if not split.any():
            break
        places = _halves(flow, local.places[split], axis[split])
        new = local_errors(flow, maps, places, far)
        evaluations += len(places)
        local = Local.joined([local.where(~split), new])
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's error within the budget")
    return MeanSquare(lower, upper, local, tail, evaluations, complete)


def _covered(flow: ProductFlow, far: Far) -> tuple[Indices, float]:
    """Cells out to where the tail is negligible, or to the last cut; and the tail."""
    wanted = _NEGLIGIBLE * float(flow.second_moment.mid())
    tail, cut = math.inf, CUTS[-1]
    for cut in CUTS:
        ends = np.array([ends_of(axis.flow.data, cut) for axis in flow.axes])
        if far.tail(ends[:, 0], ends[:, 1]) <= wanted:
            break
    places = flow.covering(cut)
    centre, half = flow.ends(places)
    tail = far.tail((centre - half).min(0), (centre + half).max(0))
    return places, tail


def _cuts(flow: ProductFlow, local: Local, split: Flags) -> tuple[Flags, Indices]:
    """Which cells are halved, and across which axis: that of the largest coefficients of the last two degrees and of
    the flow's error; where the polynomial is none, the longest."""
    basis = flow.basis
    powers = np.array(basis.monomials, dtype=float) * (np.array(basis.degrees) >= basis.degree - 1)[:, None]
    bends = np.einsum("tnd,ta->na", np.abs(local.coefficients), powers)
    lengths = flow.ends(local.places)[1] / np.array([axis.unit for axis in flow.axes])
    bends = np.where((bends > 0).any(1, keepdims=True), bends + flow.models(local.places).remainder, lengths)
    divisible = np.stack([axis.divisible()[local.places[:, a]] for a, axis in enumerate(flow.axes)], 1)
    bends = np.where(divisible, bends, -1.0)
    return split & divisible.any(1), bends.argmax(1)


def _halves(flow: ProductFlow, places: Indices, cut: Indices) -> Indices:
    """Both halves of cells, each halved across its own axis."""
    found = []
    for a, axis in enumerate(flow.axes):
        own = places[cut == a]
        for half in axis.halved(own[:, a]) if len(own) else ():
            child = own.copy()
            child[:, a] = half
            found.append(child)
    return np.concatenate(found)
