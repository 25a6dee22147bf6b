"""How many `B`-Lipschitz maps it takes to compose the flow map (proofs/M3.md).

    Lip(Psi_K o ... o Psi_1) <= B^K,    so E|Psi_K o ... o Psi_1 - Phi|^2 = 0 needs K >= log Lip(Phi) / log B,

and, for `B > 1`, `K >= int lambda / log B` segments suffice: those between which `int lambda` is shared equally, each
`exp(int lambda / K)`-Lipschitz (F1; the balanced grid of G1 where `lambda > 0`); one where `int lambda <= 0`. For two
equal components the two numbers are one (F3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from certflow.composition.centre import about_centre
from certflow.composition.floors import best_map, second_moment
from certflow.errors import NoGlobalBound
from certflow.flow.quantile_map import NODES, QuantileMap
from certflow.law.noised import Process
from certflow.law.symmetry import is_equal_pair, symmetries
from certflow.numbers.inputs import real_number, whole_number

#: Most pairs of means at whose midpoints the derivative is measured in more than one dimension.
MIDPOINTS = 8

_BUDGET = "a finite Lipschitz constant B > 0"


@dataclass(frozen=True)
class FlowConstant:
    """`lower <= log Lip(Phi) <= upper`, `Phi = Phi_{t_max -> t_min}`; `upper` is None where no bound is known (L8).

    attained : id of the statement that says why both are the same, or None
    """

    lower: float
    upper: float | None
    attained: str | None


def flow_constant(process: Process) -> FlowConstant:
    """`log Lip(Phi)` from both sides (proofs/F1.md, F3).

    From above `int lambda`. From below the same for two components of equal weight and common isotropic variance;
    else, in one dimension, the largest `log Phi'`; else the largest `log ||D Phi||` at midpoints of means. The lower
    numbers are measured, not enclosed.
    """
    try:
        upper = float(process.stability(process.t_min, process.t_max))
    except NoGlobalBound:
        upper = None
    mixture = process.mixture
    if upper is not None and is_equal_pair(mixture):
        return FlowConstant(upper, upper, "F3")
    lower = log_steepest(process) if mixture.dimension == 1 else _at_midpoints(process)
    return FlowConstant(lower if upper is None else min(lower, upper), upper, None)


def log_steepest(process: Process) -> float:
    """`max log Phi'` in one dimension: the largest at a quadrature's nodes, and between their neighbours.

    Where both densities underflow float64 does not know which points belong together: such nodes are left out. The
    centre of a symmetric mixture is carried to the centre, however little mass is there.
    """
    from scipy.optimize import minimize_scalar

    process, _ = about_centre(process)
    flow = QuantileMap(process)
    nodes = flow.nodes()
    known = np.where(flow.resolved(nodes.z, nodes.x), nodes.log_slope, -math.inf)
    place = int(known.argmax())
    panel = place // NODES
    ends = nodes.low[max(panel - 1, 0)], nodes.high[min(panel + 1, len(nodes.high) - 1)]

    def falling(s: float) -> float:
        z, x = flow.at(np.array(s))
        if not flow.resolved(z, x):
            return -float(known[place])
        return float(flow.end.log_density(x) - flow.start.log_density(z))

    found = minimize_scalar(falling, bounds=ends, method="bounded", options={"xatol": 1e-10})
    candidates = [-float(found.fun), float(known[place])]
    for family in symmetries(process.mixture):
        if family.name == "point reflection":
            start, end = (math.exp(-t) * family.centre[0] for t in (process.t_max, process.t_min))
            candidates.append(float(flow.start.log_density(start) - flow.end.log_density(end)))
    return max(candidates)


def _at_midpoints(process: Process) -> float:
    """`max log ||D Phi||_2` at the midpoints of the nearest pairs of different means, and at the mean."""
    from certflow.flow.reference import flow_with_derivative

    means = process.mixture.means
    i, j = np.triu_indices(len(means), 1)
    apart = np.linalg.norm(means[i] - means[j], axis=1)
    order = np.argsort(apart, kind="stable")
    near = order[apart[order] > 0][:MIDPOINTS]
    weights = process.mixture.weights / process.mixture.weights.sum()
    points = math.exp(-process.t_max) * np.concatenate([(means[i[near]] + means[j[near]]) / 2, (weights @ means)[None]])
    _, derivatives = flow_with_derivative(process, points, process.t_max, process.t_min, rtol=1e-6)
    return float(np.log(np.linalg.norm(derivatives, ord=2, axis=(1, 2)).max()))


def segments_needed(exponent: float, budget: float) -> int | None:
    """The least `K >= 1` with `B^K >= exp(exponent)`: 1 where the exponent is not positive and `B >= 1`.

    None if there is none: `B <= 1` and `exp(exponent) > B`. proofs/M3.md.
    """
    budget = real_number(budget, "budget", _BUDGET, lambda b: 0 < b < math.inf)
    if exponent <= math.log(budget):
        return 1
    if budget <= 1:
        return None
    return math.ceil(exponent / math.log(budget) * (1 - 1e-12))  # where B^K is Lip(Phi) but for rounding


@dataclass(frozen=True)
class SegmentRow:
    """What `K` segments can do.

    segment_lipschitz : `exp(int lambda / K)`, that of every segment where they share `int lambda` equally, as on the
        balanced grid (None without a bound)
    budget : `B` of every trained map;  composed : `B^K`
    enough : `B^K >= Lip(Phi)`, by the lower value of Lip(Phi)
    floor : relative mean squared error of the best `B^K`-Lipschitz map; None in more than one dimension
    """

    segments: int
    segment_lipschitz: float | None
    budget: float
    composed: float
    enough: bool
    floor: float | None


@dataclass(frozen=True)
class SegmentTable:
    """M3 in numbers for one budget.

    needed : the least `K` for which mismatch can vanish (None: no `K`), sufficient : a `K` for which it does
    """

    constant: FlowConstant
    budget: float
    needed: int | None
    sufficient: int | None
    rows: tuple[SegmentRow, ...]

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def segment_table(process: Process, budget: float, segments: Sequence[int] = (1, 2, 4, 8, 16)) -> SegmentTable:
    """proofs/M3.md for `segments` maps, each `B`-Lipschitz.

    In one dimension and for `B >= 1` the floor of a row is what the best composition attains (proofs/M3.md).
    """
    budget = real_number(budget, "budget", _BUDGET, lambda b: 0 < b < math.inf)
    segments = [whole_number(k, "segments", 1, 1000, "ints from 1 to 1000") for k in segments]
    constant = flow_constant(process)
    needed = segments_needed(constant.lower, budget)
    sufficient = None if constant.upper is None else segments_needed(constant.upper, budget)
    law, _ = about_centre(process)
    nodes = QuantileMap(law).nodes() if law.mixture.dimension == 1 else None
    rows = []
    for k in segments:
        exponent = k * math.log(budget)
        composed = float(budget) ** k if abs(exponent) < 600 else math.exp(math.copysign(600, exponent))
        share = None if constant.upper is None else math.exp(min(constant.upper / k, 700.0))
        floor = None if nodes is None else best_map(law, composed, nodes).floor.value / second_moment(process)
        enough = exponent >= constant.lower * (1 - 1e-12)
        rows.append(SegmentRow(k, share, float(budget), composed, enough, floor))
    return SegmentTable(constant, float(budget), needed, sufficient, tuple(rows))
