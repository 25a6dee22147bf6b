"""`E |Psi(X) - Phi(X)|^2`, `X ~ p_T`, in the plane, from both sides (proofs/students-plane.md, section 5).

At the data end: `int |Psi(Phi^{-1}(y)) - y|^2 p(y) dy` over the cells of an atlas, the tail by Lipschitz constants.
On a cell the error is a polynomial `C(eta)` and an error of at most `r`. Cells with the widest parts are divided, the
flow of their children is restricted or, where it is what makes them wide, computed anew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certflow.enclosure.students.maps import ExactMap, lipschitz_bound
from certflow.enclosure.students.plane.atlas import REACH, Charts, FlowAtlas, widest
from certflow.enclosure.students.plane.cells import Boxes, beyond, moments
from certflow.enclosure.students.push import push
from certflow.enclosure.students.rounding import UNIT, gamma, sums, up
from certflow.enclosure.students.taylor import Basis, Models
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Flags, Floats, Indices

#: Cells of one batch, most cells in all.
BATCH, MOST_CELLS = 2048, 400_000
#: Which share of a cell's error must be the flow's for its children to get a flow of their own.
_FLOW_SHARE = 0.4


@dataclass(frozen=True)
class Local:
    """The error `Psi(Phi^{-1}(y)) - y` on cells, in `x` coordinates.

    charts : cells and flow
    coefficients : of `C(eta)`, shape (terms, cells, d);  radius : `r`, in the norm
    flow_radius : the part of `r` that is the flow's error
    largest : at least the error's size anywhere on the cell
    low, high : below and above what the cell adds to the mean square
    """

    charts: Charts
    coefficients: Floats
    radius: Floats
    flow_radius: Floats
    largest: Floats
    low: Floats
    high: Floats

    def where(self, flags: Flags | Indices) -> Local:
        """Some of the cells."""
        return Local(
            self.charts.where(flags),
            self.coefficients[:, flags],
            *(getattr(self, name)[flags] for name in ("radius", "flow_radius", "largest", "low", "high")),
        )

    @staticmethod
    def joined(parts: Sequence[Local]) -> Local:
        """Several, one after another."""
        names = ("radius", "flow_radius", "largest", "low", "high")
        return Local(
            Charts.joined([part.charts for part in parts]),
            np.concatenate([part.coefficients for part in parts], axis=1),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in names),
        )


def local_errors(atlas: FlowAtlas, maps: Sequence[ExactMap], charts: Charts, far: _Far) -> Local:
    """The student's error on cells."""
    count = len(charts.rough)
    batches = [np.arange(i, min(i + BATCH, count)) for i in range(0, count, BATCH)]
    return Local.joined([_local_errors(atlas, maps, charts.where(batch), far) for batch in batches])


@dataclass(frozen=True)
class _Far:
    """`|e(z)| <= constant + slope |z - centre|` for all z of the data end; infinite until it is known."""

    constant: float
    slope: float
    centre: Floats

    def on(self, boxes: Boxes) -> Floats:
        """At least the error's size on boxes."""
        distance = np.sqrt((np.maximum(np.abs(boxes.low - self.centre), np.abs(boxes.high - self.centre)) ** 2).sum(1))
        found: Floats = up(self.constant + self.slope * up(distance, 8), 8)
        return found


@np.errstate(all="ignore")
def _local_errors(atlas: FlowAtlas, maps: Sequence[ExactMap], charts: Charts, far: _Far) -> Local:
    law, basis = atlas.law, atlas.basis
    d, boxes = law.dimension, charts.boxes
    models = Basis(d, basis.degree, d)
    c = np.zeros((models.terms, *boxes.low.shape))
    c[: basis.size] = charts.polynomials * law.scale_noise
    sizes = np.abs(c).sum(0)
    noise = charts.noise_error[:, None] * law.scale_noise
    found = push(models, Models(c, up(noise + 4 * UNIT * sizes, models.terms)), maps)
    error = found.coefficients[: basis.size].copy()
    rest = found.remainder + np.abs(found.coefficients[basis.size :]).sum(0)
    centre, half = law.scale_data * boxes.centre, law.scale_data * boxes.half
    error[0] -= centre
    for a in range(d):
        error[basis.linear(a), :, a] -= half[:, a]
    rest = up(rest + 8 * UNIT * (np.abs(error).sum(0) + np.abs(centre) + np.abs(half)), models.terms + 8)
    # C(eta') - C(eta), where eta' belongs to a point within data_error of that of eta.
    sizes = np.abs(error)
    moved = np.zeros_like(rest)
    for a in range(d):
        exponents = np.array([m[a] for m in basis.monomials], dtype=float)
        moved += np.tensordot(exponents, sizes, 1) * (charts.data_error / boxes.half[:, a])[:, None]
    own = np.sqrt((rest**2).sum(1))
    flow = up(np.sqrt((moved**2).sum(1)) + charts.data_error * law.scale_data, 4 * basis.size + 16)
    radius = up(own + flow, 16)
    flow = np.where(charts.rough, radius, flow)
    least = far.on(boxes)
    largest = up(np.sqrt((up(sizes.sum(0), basis.size) ** 2).sum(1)) + radius, 16)
    lost = ~(largest <= least)  # then the crude bound serves, about zero
    error[:, lost], radius, largest = 0.0, np.where(lost, least, radius), np.where(lost, least, largest)
    low, high = _parts(atlas, boxes, error, radius)
    return Local(charts, error, radius, np.where(lost & charts.rough, least, flow), largest, low, high)


def _parts(atlas: FlowAtlas, boxes: Boxes, error: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """`( ||C|| -+ r sqrt(mass) )^2`, the norm that of `L^2(p)` on the cell."""
    found = moments(atlas.basis, atlas.law, boxes)
    square = np.einsum("and,nab,bnd->n", error, found.values, error, optimize=True)
    sizes = (np.abs(error).sum(0) ** 2).sum(1)
    slack = up(sizes * (found.slack + gamma(4 * len(error) + 16) * found.mass), 16)
    spread = up(radius * np.sqrt(found.mass), 8)
    root_low = np.sqrt(np.maximum(square - slack, 0.0)) * (1 - 8 * UNIT) - spread
    low = np.maximum(root_low, 0.0) ** 2 * (1 - 8 * UNIT)
    high = up((np.sqrt(np.maximum(square, 0.0) + slack) + spread) ** 2, 16)
    return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, np.inf)


@dataclass(frozen=True)
class MeanSquare:
    """`lower <= E |Psi - Phi|^2 <= upper`; the cells; the tail, which the upper end has.

    evaluations : cells on which the student was computed;  flows : those whose flow was computed for it
    """

    lower: float
    upper: float
    local: Local
    tail: float
    evaluations: int
    flows: int
    complete: bool


def mean_square(atlas: FlowAtlas, maps: list[ExactMap], rtol: float, seconds: float) -> MeanSquare:
    """`E |Psi(X) - Phi(X)|^2` until `upper - lower <= rtol upper`, or for so many seconds.

    Raises
    ------
    NoEnclosure : no finite upper end within the budget.
    """
    until = time.monotonic() + seconds
    law = atlas.law
    # Phi^{-1} does not expand in z, so this is a Lipschitz constant of the error as a function of z.
    slope = float(up(np.asarray(lipschitz_bound(maps) * law.scale_noise + law.scale_data)))
    nowhere = _Far(math.inf, slope, np.zeros(law.dimension))
    local = local_errors(atlas, maps, atlas.charts, nowhere)
    at = int(np.argmin(local.largest))
    far = _Far(float(local.largest[at]), slope, local.charts.boxes.centre[at])
    if not np.isfinite(local.largest).all():
        local = local_errors(atlas, maps, atlas.charts, far)
    middle = np.sqrt(((law.q_data * law.means - far.centre) ** 2).sum(1)).max() * (1 + 2.0**-40)
    reach = REACH * (1 - 2.0**-40) - 8 * UNIT * law.q_data * law.largest  # the ends of the cells are rounded
    tail = beyond(law, reach, float(up(np.asarray(far.constant + far.slope * middle))), far.slope)
    evaluations, flows = len(local.radius), 0
    while True:
        lower, upper = sums(local.low, local.high, tail)
        complete = upper - lower <= rtol * upper
        if complete or time.monotonic() >= until or evaluations > MOST_CELLS:
            break
        split = widest(local.high - local.low, rtol * upper) & local.charts.boxes.divisible()
        if not split.any():
            break
        charts, anew = _children(atlas, local.where(split))
        new = local_errors(atlas, maps, charts, far)
        evaluations, flows = evaluations + len(new.radius), flows + anew
        local = Local.joined([local.where(~split), new])
    if not upper < math.inf:
        raise NoEnclosure("no finite bound of the student's error within the budget")
    return MeanSquare(lower, upper, local, tail, evaluations, flows, complete)


def _children(atlas: FlowAtlas, local: Local) -> tuple[Charts, int]:
    """The children of cells, and for how many the flow was computed anew."""
    charts = atlas.divided(local.charts)
    anew = local.flow_radius > _FLOW_SHARE * local.radius
    anew = np.concatenate([anew] * (len(charts.rough) // len(anew))) | charts.rough
    anew |= charts.data_error > charts.boxes.room
    if not anew.any():
        return charts, 0
    return Charts.joined([charts.where(~anew), atlas.flowed(charts.boxes.where(anew))]), int(anew.sum())
