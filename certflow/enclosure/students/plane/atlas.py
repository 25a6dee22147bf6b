"""The atlas of a flow: cells of the data end, the polynomials that carry them to the noise end, with proved errors."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.integrals import check_effort
from certflow.enclosure.students.plane.cells import Boxes, moments, restricted
from certflow.enclosure.students.plane.flow import Images, carried
from certflow.enclosure.students.plane.law import StraightLaw, straight_law
from certflow.enclosure.students.rounding import UNIT, up
from certflow.enclosure.students.taylor import Basis
from certflow.errors import NoEnclosure
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.process import OrnsteinUhlenbeck

#: Degree of the polynomials, cells of one batch, most cells.
DEGREE, BATCH, MOST_CELLS = 4, 256, 200_000
#: Cells that are divided between two looks at the clock, and at the start at most.
AT_ONCE, MOST_AT_START = 256, 20_000
#: The cells cover `q mu_k + [-REACH, REACH]^d`, times `sqrt(M_ii)` along the axes; the rest is tail.
REACH = 12.0
#: Largest half-width of a cell at the start.
_COARSEST = 0.8
#: What a cell without a proved error at the data end counts with, at most.
_ROUGH = 3.0


@dataclass(frozen=True)
class Charts:
    """Some cells with their images: for every `y` of a cell there is an `eta` with

        |Phi^{-1}(y) - X(eta)| <= noise_error,   |y - y(eta)| <= data_error     (z coordinates at either end).

    rough : where `data_error` could not be proved; it is zero there, and `noise_error` the non-expansive bound
    """

    boxes: Boxes
    polynomials: Floats
    data_error: Floats
    noise_error: Floats
    rough: Flags

    def where(self, flags: Flags | Indices) -> Charts:
        """Some of them."""
        return Charts(
            self.boxes.where(flags),
            self.polynomials[:, flags],
            self.data_error[flags],
            self.noise_error[flags],
            self.rough[flags],
        )

    @staticmethod
    def joined(parts: list[Charts]) -> Charts:
        """Several, one after another."""
        return Charts(
            Boxes.joined([part.boxes for part in parts]),
            np.concatenate([part.polynomials for part in parts], axis=1),
            *(np.concatenate([getattr(part, n) for part in parts]) for n in ("data_error", "noise_error", "rough")),
        )


@dataclass(frozen=True)
class FlowAtlas:
    """The exact flow between two times, on cells of the data end; made by `flow_atlas`, used by `student_error`.

    law : the law in straight coordinates, with the times `start` (noise) and `end` (data)
    basis : monomials of the polynomials
    charts : cells and images
    error : the flow's error at the data end, root mean square over the law there
    tolerance : what was asked for, in straight coordinates
    flows : cells whose flow was computed, those that were divided included
    complete : whether `error` is as small as was asked for
    """

    law: StraightLaw
    basis: Basis
    charts: Charts
    error: float
    tolerance: float
    flows: int
    complete: bool

    def __repr__(self) -> str:
        told = "" if self.complete else ", wider than asked for"
        cells = len(self.charts.data_error)
        return (
            f"FlowAtlas({float(self.law.start)} -> {float(self.law.end)}, {cells} cells, error {self.error:.2e}{told})"
        )

    def flowed(self, boxes: Boxes) -> Charts:
        """The flow of other cells, computed anew."""
        return charted(self.basis, self.law, boxes, self.tolerance)

    def divided(self, charts: Charts) -> Charts:
        """The children of cells, with the polynomials of their parents."""
        boxes = charts.boxes.children()
        polynomials, lost = restricted(self.basis, charts.polynomials)
        copies = len(boxes.low) // len(charts.boxes.low)
        data, noise, rough = (
            np.concatenate([x] * copies) for x in (charts.data_error, charts.noise_error, charts.rough)
        )
        moved = 16 * UNIT * (np.abs(boxes.low) + np.abs(boxes.high)).max(1)
        data = up(data + moved)
        return Charts(boxes, polynomials, data, up(noise + lost), rough)


def charted(basis: Basis, law: StraightLaw, boxes: Boxes, tolerance: float, until: float = math.inf) -> Charts:
    """The flow of cells, batch by batch; from a moment of the monotonic clock on cells are `_unmoved`."""
    parts = []
    for first in range(0, len(boxes.low), BATCH):
        some = boxes.where(np.arange(first, min(first + BATCH, len(boxes.low))))
        if time.monotonic() > until:
            parts.append(_unmoved(basis, law, some))
            continue
        masses = moments(Basis(law.dimension, 1), law, some).mass
        images = carried(basis, law, some, masses, tolerance)
        parts.append(_chosen(basis, law, some, images, tolerance))
    return Charts.joined(parts)


def _unmoved(basis: Basis, law: StraightLaw, boxes: Boxes) -> Charts:
    """Cells as if `z` stayed where it is: it moves by at most `(q_data - q_noise) max |mu_k|`, and where variances
    differ by `2 |z|` more."""
    polynomials = basis.boxes(boxes.centre - boxes.half, boxes.centre + boxes.half).coefficients
    way = float(up(np.asarray(law.q_data * law.largest)))
    sizes = (np.abs(boxes.low) + np.abs(boxes.high)).sum(1)
    noise = up(way + (8 * UNIT + (0.0 if law.spread.none else 2.2)) * sizes)
    count = len(boxes.low)
    return Charts(boxes, polynomials, np.zeros(count), noise, np.ones(count, dtype=bool))


def _chosen(basis: Basis, law: StraightLaw, boxes: Boxes, images: Images, tolerance: float) -> Charts:
    """Errors at the data end where there are some; else the non-expansive ones, of the polynomial or of its centre."""
    polynomials, noise = images.polynomials.copy(), images.noise_error.copy()
    rough = ~np.isfinite(images.data_error)
    radius = up(np.sqrt((boxes.half**2).sum(1)), 8)
    far = rough & ~(noise < radius / 2)
    if far.any():
        middle = boxes.centre[far]
        point = Boxes(middle, middle)
        found = carried(Basis(law.dimension, 1), law, point, np.zeros(len(middle)), tolerance)
        polynomials[:, far] = 0.0
        polynomials[0, far] = found.polynomials[0]
        noise[far] = up(found.noise_error + radius[far])
    rounding = 8 * UNIT * np.abs(polynomials).sum((0, 2))
    return Charts(
        boxes, polynomials, np.where(rough, 0.0, images.data_error), np.where(rough, noise, 0.0) + rounding, rough
    )


def flow_atlas(
    process: OrnsteinUhlenbeck, start: Any = None, end: Any = None, tolerance: Any = 1e-4, seconds: Any = 120
) -> FlowAtlas:
    """The flow from the noise end to the data end, on cells, so that its error there is at most `tolerance`, relative.

    process : a mixture of common isotropic variance or of a shared covariance, in two dimensions (or one)
    start, end : times, the noise end first; the ends of the process, if not given
    tolerance : of the root mean square of the error, relative to that of the flow's own value
    seconds : after them the best atlas so far is given, with `complete` False

    Raises
    ------
    InputError : another kind of covariance, more than two dimensions, times, tolerance or seconds that do not serve.
    NoEnclosure : means so far apart, in units of their width, that cells are too many.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "0.25"), "0.5", "1")
    >>> cf.enclosure.flow_atlas(p).complete
    True

    Source: proofs/students-plane.md.
    """
    wanted, limit = check_effort(tolerance, seconds, "tolerance")
    law = straight_law(process, start, end)
    until = time.monotonic() + limit
    basis = Basis(law.dimension, DEGREE)
    allowed = float(wanted) * float(law.second_moment[0]) ** 0.5 / law.scale_data
    charts = charted(basis, law, _first(law), allowed, until)
    return _refined(FlowAtlas(law, basis, charts, math.inf, allowed, len(charts.rough), False), until)


def _refined(atlas: FlowAtlas, until: float) -> FlowAtlas:
    """The atlas with cells divided until its error is small enough, or until a moment of the monotonic clock."""
    law, charts, flows, allowed = atlas.law, atlas.charts, atlas.flows, atlas.tolerance
    cells = _contributions(law, charts)
    while True:
        whole = float(cells.sum())
        complete = whole <= allowed**2
        if complete or time.monotonic() > until or len(cells) > MOST_CELLS:
            break
        split = widest(cells, max(allowed**2, whole / 16)) & charts.boxes.divisible()
        if not split.any():
            break
        new = charted(atlas.basis, law, charts.boxes.where(split).children(), allowed, until)
        flows += len(new.rough)
        charts = Charts.joined([charts.where(~split), new])
        cells = np.concatenate([cells[~split], _contributions(law, new)])
    return replace(atlas, charts=charts, error=whole**0.5 * law.scale_data, flows=flows, complete=complete)


def kept_atlas(process: OrnsteinUhlenbeck, start: Fraction, end: Fraction, seconds: float) -> FlowAtlas:
    """The atlas that is kept with the mixture; made, or made finer, within so many seconds,
    if there is none that is complete."""
    kept, key = process.mixture.kept, (flow_atlas, start, end)
    found: FlowAtlas | None = kept.get(key)
    if found is None or not found.complete:
        until = time.monotonic() + seconds
        found = flow_atlas(process, start, end, seconds=seconds) if found is None else _refined(found, until)
        kept[key] = found
    return found


def widest(parts: Floats, allowed: float) -> Flags:
    """The fewest cells without which the parts add up to at most half of what is allowed; not too many at once."""
    order = np.argsort(parts)
    split = np.ones(len(parts), dtype=bool)
    split[order[np.cumsum(parts[order]) <= allowed / 2]] = False
    split[order[:-AT_ONCE]] = False
    return split


def _contributions(law: StraightLaw, charts: Charts) -> Floats:
    """What each cell adds to the mean square of the error at the data end; rough cells by a guess."""
    mass = moments(Basis(law.dimension, 1), law, charts.boxes).mass
    error = np.where(charts.rough, np.minimum(charts.noise_error * 10, _ROUGH), charts.data_error)
    found: Floats = error * error * mass
    return found


def _first(law: StraightLaw) -> Boxes:
    """Cells that cover the means and `REACH` standard deviations around them."""
    reach = REACH * np.sqrt(np.diagonal(law.spread.covariance(law.q_data)))
    low, high = (law.q_data * law.means).min(0) - reach, (law.q_data * law.means).max(0) + reach
    counts = np.ceil((high - low) / (2 * _COARSEST))
    if counts.prod() > MOST_AT_START:
        raise NoEnclosure(
            f"the data end is {counts.max() * 2 * _COARSEST:.0f} standard deviations wide: too many cells"
        )
    edges = [np.linspace(a, b, int(n) + 1) for a, b, n in zip(low, high, counts, strict=True)]
    lows = np.stack(np.meshgrid(*(e[:-1] for e in edges), indexing="ij"), -1).reshape(-1, law.dimension)
    highs = np.stack(np.meshgrid(*(e[1:] for e in edges), indexing="ij"), -1).reshape(-1, law.dimension)
    return Boxes(lows, highs)
