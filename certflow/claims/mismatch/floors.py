"""Maps that are made to be close to the flow, against the floors of M1 and M2.

On the lines of a product they are looked at one by one, by quadrature. Elsewhere points of the flow are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.sampling import marginal_points
from certflow.claims.mismatch.lines import BUDGETS, lines_of, place_of
from certflow.claims.model import Outcome
from certflow.composition.floors import best_map, second_moment
from certflow.composition.segments import log_steepest
from certflow.composition.sup_norm import fall_nodes, sup_floor
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
#: Of a process and a budget: the error of a `B`-Lipschitz map, the floor, and the size of the flow in the same units.
Rival = Callable[[OrnsteinUhlenbeck, float], tuple[float, float, float]]


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

    On a line `h(z) = min_y (Phi(y) + B |z - y|)` is the largest `B`-Lipschitz map below `Phi` (McShane); shifted up by
    half of its largest distance from `Phi` it is as close as any can be. M1 holds on every set of points: where the
    floor is infinite, what the nodes of the quadrature alone demand stands for it.
    """
    lines = lines_of(context)
    if not lines:
        return _sup_norm_in_space(context, name)

    def closest(process: OrnsteinUhlenbeck, budget: float) -> tuple[float, float, float]:
        nodes, _, _ = fall_nodes(QuantileMap(process), budget)  # coarser ones miss a jump between distant modes
        order = np.argsort(nodes.z)
        z, x = nodes.z[order], nodes.x[order]
        below = np.minimum(
            np.minimum.accumulate(x - budget * z) + budget * z,
            np.minimum.accumulate((x + budget * z)[::-1])[::-1] - budget * z,
        )
        size = math.sqrt(second_moment(process))
        floor = process.mismatch_floor(budget, norm="sup") * size
        if math.isinf(floor):
            fall = budget * z - x
            floor = float((np.maximum.accumulate(fall) - fall).max()) / 2
        return float((x - below).max()) / 2, floor, size

    return _on_lines(lines, closest, "the closest map is off by {:.4f} times the floor")


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

    return _on_lines(lines, closest, "the closest map has {:.4f} times the error of the floor")


def _on_lines(lines: list[OrnsteinUhlenbeck], closest: Rival, text: str) -> Finding:
    """The comparisons for the usual budgets, and for half of the steepest slope where none of them has a floor."""
    rows, budgets = [], BUDGETS
    for process in lines:
        found = [(budget, *closest(process, budget)) for budget in budgets]
        if not any(VISIBLE * size < floor < math.inf for _, _, floor, size in found):
            half = math.exp(min(log_steepest(process), 300.0)) / 2
            found.append((half, *closest(process, half)))
        rows += found
    return _judged(rows, text, place_of(lines))


def _judged(rows: list[tuple[float, float, float, float]], text: str, place: str) -> Finding:
    """A verdict from (budget, error, floor, size): what is not a finite number above rounding is no evidence."""
    told = [(budget, error, floor) for budget, error, floor, size in rows if VISIBLE * size < floor < math.inf]
    told = [row for row in told if math.isfinite(row[1])]
    scope = f"{place}, B in {{{', '.join(sorted({f'{row[0]:.4g}' for row in told or rows}))}}}"
    if not told:
        return Finding(Outcome.INCONCLUSIVE, "no floor is a finite number above rounding", scope)
    budget, error, floor = min(told, key=lambda row: row[1] / row[2])
    ratios = {f"B = {b:.4g}": f"{e / f:.6f}" for b, e, f in told}
    summary = f"{text.format(error / floor)}, B = {budget:.4g}"
    if error < floor * (1 - ATTAINED):
        witness = {"budget": budget, "error": error, "floor": floor}
        return Finding(Outcome.VIOLATED, summary, scope, {"error_over_floor": ratios}, witness)
    return Finding(Outcome.HOLDS, summary, scope, {"error_over_floor": ratios})


def _sup_norm_in_space(context: Context, name: str) -> Finding:
    """M1 on points of the flow, those of the pair on which the floor rests among them.

    A map that is `B`-Lipschitz on points extends to space (Kirszbraun). Three are held against the floor: on the pair
    alone the closest one, on all points the exact one shrunk about its mean, and for each coordinate McShane's map of
    constant `B / sqrt(d)`.
    """
    process = context.process
    x = marginal_points(process, np.full(POINTS, process.t_max), context.rng(name))
    phi = process.flow(x, process.t_max, process.t_min)
    budget = _steepest_pair(x, phi) / 2
    floor, errors = sup_floor(process, budget), {}
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
