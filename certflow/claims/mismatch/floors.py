"""Maps that are made to be close to the flow, against the floors of M1 and M2.

On the lines of a product they are looked at one by one, by quadrature. Elsewhere points of the flow are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.sampling import marginal_points
from certflow.claims.mismatch.lines import BUDGETS, lines_of, place_of
from certflow.claims.model import Outcome
from certflow.composition.floors import best_map, second_moment
from certflow.composition.segments import log_steepest
from certflow.composition.sup_norm import fall_nodes, slope_far_out, sup_floor
from certflow.flow.quantile_map import QuantileMap
from certflow.law.factors import factors
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import symmetries
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck

#: The smallest floor, relative to the flow's size, that says something.
VISIBLE = 1e-6
#: Relative accuracy of the maps that attain the floor: they live on the nodes of a quadrature.
ATTAINED = 1e-3
#: Points of the flow where no line can be looked at.
POINTS = 200
#: Budgets there, of the steepest slope between two of the points: a wide Gaussian factor makes small ones infinite.
SHARES = (0.5, 0.75, 0.9)
#: Of a process and a budget: the error of a `B`-Lipschitz map, the floor, and the size of the flow in the same units.
Rival = Callable[[OrnsteinUhlenbeck, float], tuple[float, float, float]]
#: A budget, and what a `Rival` says of it.
Row = tuple[float, float, float, float]


def pairing_applies(mixture: GaussianMixture) -> str | None:
    """M2 speaks of one dimension, of products with such factors, and of mixtures with a symmetry."""
    if mixture.dimension == 1 or len(factors(mixture).removed) or symmetries(mixture):
        return None
    return (
        "needs one dimension or an involution that preserves p_T: this mixture has no one-dimensional factor, "
        "no reflection and no point reflection (tried: normals along axes and differences of means)"
    )


def sup_norm(context: Context, name: str) -> Finding:
    """M1: `B`-Lipschitz maps made to be close to `Phi` in sup norm are not closer than the floor.

    On a line McShane's map is as close as any can be. An infinite floor is no evidence: where no budget has a finite
    one (a Gaussian: 0 or infinite), M1 is looked at on the nodes of a quadrature alone, as it holds on every set.
    """
    lines = lines_of(context)
    if not lines:
        return _sup_norm_in_space(context, name)

    def closest(process: OrnsteinUhlenbeck, budget: float) -> tuple[float, float, float]:
        error, _, size = _extended(process, budget)
        return error, process.mismatch_floor(budget, norm="sup") * size, size

    rows, place = _rows(lines, closest), place_of(lines)
    infinite = [row for row in rows if math.isinf(row[2])]
    if infinite and not any(map(_tells, rows)):
        demands = [(budget, *_extended(line, budget)) for line in lines for budget in _budgets(infinite)]
        text = "the floor is infinite, no evidence; the closest map is off on nodes by {:.4f} times what they demand"
        return _judged(
            demands, text, f"{place}, only the nodes of a quadrature on it", "error_over_demand_of_the_nodes"
        )
    return _judged(rows, "the closest map is off by {:.4f} times the floor", place)


def _extended(process: OrnsteinUhlenbeck, budget: float) -> tuple[float, float, float]:
    """How far the closest map is off on the nodes of a quadrature, how far they demand, and the size of the flow.

    `h(z) = min_y (Phi(y) + B |z - y|)` is the largest `B`-Lipschitz map below `Phi` (McShane); shifted up by half of
    its largest distance from `Phi` it is as close as any can be.
    """
    nodes, _, _ = fall_nodes(QuantileMap(process), budget)  # coarser ones miss a jump between distant modes
    order = np.argsort(nodes.z)
    z, x = nodes.z[order], nodes.x[order]
    below = np.minimum(
        np.minimum.accumulate(x - budget * z) + budget * z,
        np.minimum.accumulate((x + budget * z)[::-1])[::-1] - budget * z,
    )
    fall = budget * z - x
    demand = float((np.maximum.accumulate(fall) - fall).max()) / 2
    return float((x - below).max()) / 2, demand, math.sqrt(second_moment(process))


def mean_square(context: Context, name: str) -> Finding:
    """M2: a `B`-Lipschitz map made to be close to `Phi` in mean square has no less error than the floor.

    On a line it is the best one, as a table with its slopes cut at `B`, and its error a quadrature on other nodes.
    """
    lines = lines_of(context)
    if not lines:
        return _mean_square_in_space(context, name)

    def closest(process: OrnsteinUhlenbeck, budget: float) -> tuple[float, float, float]:
        flow, optimum = QuantileMap(process), best_map(process, budget)
        panels = flow.panels()
        nodes = flow.nodes(np.sort(np.concatenate([panels, (panels[1:] + panels[:-1]) / 2])))
        gaps = np.diff(optimum.nodes.z)
        steps = np.clip(np.diff(optimum.best), -budget * gaps, budget * gaps)
        table = optimum.best[0] + np.concatenate([[0.0], np.cumsum(steps)])
        error = nodes.mean((np.interp(nodes.z, optimum.nodes.z, table) - nodes.x) ** 2)
        size = second_moment(process)
        return error, process.mismatch_floor(budget) * size, size

    text = "the closest map has {:.4f} times the error of the floor"
    return _judged(_rows(lines, closest), text, place_of(lines))


def _rows(lines: list[OrnsteinUhlenbeck], closest: Rival) -> list[Row]:
    """The comparisons for the usual budgets, and where none of them has a finite floor for budgets that may have one.

    These are half of the steepest slope, and the middle between it and the slope far out, below which a floor in sup
    norm is infinite.
    """
    rows = []
    for process in lines:
        found = [(budget, *closest(process, budget)) for budget in BUDGETS]
        if not any(map(_tells, found)):
            steepest = math.exp(min(log_steepest(process), 300.0))
            for budget in (steepest / 2, (steepest + slope_far_out(QuantileMap(process))) / 2):
                if not any(map(_tells, found)):
                    found.append((budget, *closest(process, budget)))
        rows += found
    return rows


def _tells(row: Row) -> bool:
    """Whether a comparison says something: a floor that is a finite number above rounding, and a finite error."""
    _, error, floor, size = row
    return VISIBLE * size < floor < math.inf and math.isfinite(error)


def _budgets(rows: list[Row]) -> list[float]:
    return sorted({row[0] for row in rows})


def _judged(rows: list[Row], text: str, place: str, ratios_as: str = "error_over_floor") -> Finding:
    """A verdict from the comparisons that tell something; budgets of infinite floors are among the numbers."""
    told = [row for row in rows if _tells(row)]
    endless = ", ".join(f"B = {budget:.4g}" for budget in _budgets([row for row in rows if math.isinf(row[2])]))
    numbers: dict[str, Any] = {"no_evidence_as_the_floor_is_infinite": endless} if endless else {}
    scope = f"{place}, B in {{{', '.join(f'{budget:.4g}' for budget in _budgets(told or rows))}}}"
    if not told:
        why = f" (infinite at {endless}: no evidence)" if endless else ""
        return Finding(Outcome.INCONCLUSIVE, f"no floor is a finite number above rounding{why}", scope, numbers)
    budget, error, floor, _ = min(told, key=lambda row: row[1] / row[2])
    ratios = {b: min(e / f for other, e, f, _ in told if other == b) for b in _budgets(told)}
    numbers |= {ratios_as: {f"B = {b:.4g}": f"{ratio:.6f}" for b, ratio in ratios.items()}}
    summary = f"{text.format(error / floor)}, B = {budget:.4g}"
    if error < floor * (1 - ATTAINED):
        witness = {"budget": budget, "error": error, "floor": floor}
        return Finding(Outcome.VIOLATED, summary, scope, numbers, witness)
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def _sup_norm_in_space(context: Context, name: str) -> Finding:
    """M1 on points of the flow, those of the pair on which the floor rests among them.

    A map that is `B`-Lipschitz on points extends to space (Kirszbraun). Three are held against the floor: on the pair
    alone the closest one, on all points the exact one shrunk about its mean, and for each coordinate McShane's map of
    constant `B / sqrt(d)`.
    """
    process = context.process
    x = marginal_points(process, np.full(POINTS, process.t_max), context.rng(name))
    phi = process.flow(x, process.t_max, process.t_min)
    for share in SHARES:
        budget = share * _steepest_pair(x, phi)
        floor = sup_floor(process, budget)
        if math.isfinite(floor.value):
            break
    errors = {}
    if floor.pair is not None:
        ends = process.flow(floor.pair, process.t_max, process.t_min, rtol=1e-9)
        (before,), (after,) = np.diff(floor.pair, axis=0), np.diff(ends, axis=0)
        errors["pair"] = float(np.linalg.norm(after) - budget * np.linalg.norm(before)) / 2
        x, phi = np.concatenate([x, floor.pair]), np.concatenate([phi, ends])
    shrunk = min(1.0, budget / _steepest_pair(x, phi))
    errors["shrunk"] = (1 - shrunk) * float(np.linalg.norm(phi - phi.mean(0), axis=1).max())
    share = budget / math.sqrt(context.mixture.dimension)
    above = phi - (phi[None] + share * _distances(x)[:, :, None]).min(1)
    errors["McShane"] = float(np.linalg.norm(above - above.max(0) / 2, axis=1).max())
    size = math.sqrt(floor.scale)
    claimed = process.mismatch_floor(budget, norm="sup") * size
    rows = [(budget, error, claimed, size) for error in errors.values()]
    return _judged(rows, "the closest map on the points is off by {:.4f} times the floor", f"{len(x)} points")


def _mean_square_in_space(context: Context, name: str) -> Finding:
    """M2 where the floor is a pairing: the linear map of least squares, its singular values cut at `B`, on new draws.

    `B` is half of its smallest singular value. The mean over the draws counts with four standard errors more.
    """
    process = context.process
    x = marginal_points(process, np.full(2 * POINTS, process.t_max), context.rng(name))
    phi = process.flow(x, process.t_max, process.t_min)
    from_, to = x[:POINTS].mean(0), phi[:POINTS].mean(0)
    left, values, right = np.linalg.svd(np.linalg.lstsq(x[:POINTS] - from_, phi[:POINTS] - to, rcond=None)[0])
    budget = float(values.min()) / 2
    linear = to + (x[POINTS:] - from_) @ (left * np.minimum(values, budget)) @ right
    squares = ((linear - phi[POINTS:]) ** 2).sum(1)
    error = float(squares.mean() + 4 * squares.std(ddof=1) / math.sqrt(POINTS))
    size = second_moment(process)
    floor = process.mismatch_floor(budget) * size
    text = "the error of a linear map, with four standard deviations, is {:.4f} times that of the floor"
    return _judged([(budget, error, floor, size)], text, f"{POINTS} draws")


def _steepest_pair(x: Floats, phi: Floats) -> float:
    return float((_distances(phi) / (_distances(x) + np.eye(len(x)))).max())


def _distances(points: Floats) -> Floats:
    distances: Floats = np.linalg.norm(points[:, None] - points[None], axis=2)
    return distances
