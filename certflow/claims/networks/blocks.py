"""Blocks in straight coordinates and what is composed of them: bounds for all points, and the flow itself (A9)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.measured import judged
from certflow.claims.evidence.sampling import marginal_points, tie_points
from certflow.claims.evidence.straight import (
    AlteredBlocks,
    across_ties,
    ball_field,
    ball_flow,
    ball_norm,
    chained,
    local_errors,
    places,
    precise_field,
    precise_flow,
    precise_method,
    step_from,
    stepped,
    straight,
)
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.field import Field, constructed_field
from certflow.networks.residual.grids import Segment, composed_error
from certflow.networks.residual.methods import METHODS
from certflow.networks.residual.network import Block, ResidualNetwork, network_of, residual_network
from certflow.numbers.arithmetic import arithmetic_of
from certflow.numbers.numerals import above
from certflow.numbers.precision import ball_precision

#: Bits of the balls, and of those that a field is made with.
_BITS, _FIELD_BITS = 128, 320
#: Differences of logits at the points that are looked at: on a separatrix, near it, far from it.
_GAINS = (0.0, 1.0, -3.0, 40.0)
#: Blocks of the small network in balls, error of its field, and how far apart two points are whose distance grows.
_FEW, _FIELD_ERROR, _APART = 3, 1e-6, 2.0**-20
#: Blocks of the measured network, which goes up to `kappa = 2/D` from this part of it.
_BLOCKS, _PART = 8, 2 / 3
#: Error of the reference flow and of rounding, in units of the root of `E|Phi|^2`.
_ROUNDING = 1e-9


def blocks_in_balls(context: Context, name: str) -> Finding:
    """A9: what is proved for all `zeta` of a block, of growth and of a few blocks, against the flow in balls at points.

    Violated where the lower end of an error is above the upper end of its bound.
    """
    cases: list[tuple[float, dict[str, Any]]] = []
    numbers: dict[str, Any] = {}
    told = []
    with ball_precision(_BITS):
        coordinates = straight(context.process)
        field = ball_field(coordinates)
        for kappa in _looked_at(context, coordinates):
            h = step_from(coordinates, kappa)
            points = [_balls(p) for p in across_ties(coordinates, kappa, _GAINS, context.rng(name))]
            ends = [ball_flow(coordinates, zeta, arb(kappa), arb(h)) for zeta in points]
            row: dict[str, Any] = {"h": f"{h:.3g}"}
            for method in METHODS.values():
                bound = local_errors(context, coordinates, method).bound(arb(kappa), arb(h))
                shares = []
                for zeta, end in zip(points, ends, strict=True):
                    error = ball_norm(stepped(context.process, method).step(field, zeta, arb(kappa), arb(h)) - end)
                    shares.append(_share(error, bound))
                    cases.append((shares[-1], {"method": method.name, **_place(zeta, kappa, h, error, bound)}))
                row[method.name] = above(float(bound.upper()), 3)
                row[f"{method.name}, largest share"] = f"{max(shares):.3g}"
            cases += _rates(coordinates, points, kappa)
            cases += _few_blocks(context, coordinates, points, kappa, h)
            numbers[f"kappa = {kappa:.4g}"] = row
            listed = ", ".join(f"{key} {row[key]}" for key in METHODS)
            told.append(f"kappa = {kappa:.3g}, h = {h:.2g}: {listed}")
    scope = f"every zeta; against the flow in balls at {len(_GAINS)} points for each kappa, {_FEW} blocks"
    return judged(
        "error over its bound", cases, 1.0, scope, numbers, f"local errors are proved at most {'; '.join(told)}"
    )


def _looked_at(context: Context, coordinates: Coordinates) -> list[float]:
    """Where the field bends most; where all local errors are enclosed sharply, both ends too."""
    middle = places(context, coordinates, context.rng("ends"))[0]
    if "rk4" not in context.profile.sharp_blocks:
        return [middle]
    return [float(coordinates.ends[0].mid()), middle, float(coordinates.ends[1].mid())]


def _rates(coordinates: Coordinates, points: list[Any], kappa: float) -> list[tuple[float, dict[str, Any]]]:
    """`n^T kappa Cov_gamma(mu) n <= kappa D^2/4`, `n` the direction of the farthest means."""
    law = coordinates.law
    along = _farthest(coordinates)
    heights = [sum((n * entry for n, entry in zip(along, mean, strict=True)), arb(0)) for mean in law.means]
    limit = coordinates.lipschitz(arb(kappa))
    found = []
    for zeta in points:
        logits = [
            sum((value * entry for value, entry in zip(zeta, mean, strict=True)), arb(0)) * arb(kappa)
            + log
            - arb(kappa) ** 2 * square / 2
            for log, mean, square in zip(law.log_weights, law.means, law.squares, strict=True)
        ]
        top = max(float(logit) for logit in logits)
        shares = [(logit - top).exp() for logit in logits]
        total = sum(shares, arb(0))
        mean = sum((share * y for share, y in zip(shares, heights, strict=True)), arb(0)) / total
        spread = sum((share * (y - mean) ** 2 for share, y in zip(shares, heights, strict=True)), arb(0)) / total
        rate = arb(kappa) * spread
        found.append((_share(rate, limit), {"rate": float(rate), "limit": float(limit), **_where(zeta, kappa)}))
    return found


def _few_blocks(
    context: Context, coordinates: Coordinates, points: list[Any], kappa: float, h: float
) -> list[tuple[float, dict[str, Any]]]:
    """Blocks by their exact weights against the flow, and how far two points next to each other come apart."""
    method = METHODS["midpoint"]
    start, step = (dyadic(arb(number), 60) for number in (kappa, h))
    segments = [Segment(start + i * step, start + (i + 1) * step) for i in range(_FEW)]
    nodes = [segment.lower for segment in segments] + [segments[-1].upper]
    field = _field(coordinates)
    errors = composed_error(coordinates, local_errors(context, coordinates, method), segments, field.error)
    bound = errors.steps + errors.field
    growth = coordinates.growth(arb(nodes[0]), arb(nodes[-1]))
    run = stepped(context.process, method)
    whole = ExactNetwork(network_of([Block(run, field, low, step) for low in nodes[:-1]], coordinates.law.dimension))
    along = np.array(_farthest(coordinates), dtype=object)
    found = []
    for zeta in points:
        columns = [np.array([value], dtype=object) for value in zeta]
        moved = np.array([column[0] for column in whole.of(columns, arithmetic_of(columns[0]))], dtype=object)
        end = chained(coordinates, zeta, nodes)
        error = ball_norm(moved - end)
        found.append((_share(error, bound), {"blocks": _FEW, **_place(zeta, kappa, h, error, bound)}))
        beside = zeta + arb(_APART) * along
        apart = ball_norm(chained(coordinates, beside, nodes) - end) / ball_norm(beside - zeta)
        found.append((_share(apart, growth), {"grown": float(apart), "limit": float(growth), **_where(zeta, kappa)}))
    return found


def _farthest(coordinates: Coordinates) -> list[Any]:
    """The direction from one mean to another of those that are farthest apart."""
    law = coordinates.law
    i, j = max(law.squared_distances, key=lambda pair: law.squared_distances[pair])
    return [arb(a - b) / coordinates.diameter for a, b in zip(law.means[i], law.means[j], strict=True)]


def blocks_at_points(context: Context, name: str) -> Finding:
    """A9: one block in mpmath against the extrapolated flow, on separatrices, near them and far away."""
    process, rng = context.process, context.rng(name)
    coordinates = straight(process)
    kappas = places(context, coordinates, rng)
    cases = []
    largest = dict.fromkeys(METHODS, 0.0)
    with mp.workdps(context.digits + 15), ball_precision(_BITS):
        field = precise_field(coordinates)
        for kappa in kappas:
            h = step_from(coordinates, kappa)
            bounds = {m: local_errors(context, coordinates, METHODS[m]).bound(arb(kappa), arb(h)) for m in METHODS}
            for point in across_ties(coordinates, kappa, _GAINS, rng):
                zeta = np.array([mp.mpf(entry) for entry in point], dtype=object)
                end, doubt = precise_flow(field, zeta, mp.mpf(kappa), mp.mpf(h))
                for method, bound in bounds.items():
                    run = precise_method(stepped(process, METHODS[method]))
                    error = mp.norm((run.step(field, zeta, mp.mpf(kappa), mp.mpf(h)) - end).tolist())
                    share = float(error / (mp.mpf(float(bound.upper())) + doubt))
                    largest[method] = max(largest[method], share)
                    told = {"method": method, "zeta": [entry.hex() for entry in point], "kappa": kappa.hex()}
                    cases.append((share, {**told, "h": h.hex(), "error": mp.nstr(error, 5)}))
    scope = f"this mixture, {len(kappas)} steps, {len(_GAINS)} points for each, {context.digits} digits"
    numbers = {f"{method}, largest share": f"{share:.3g}" for method, share in largest.items()}
    return judged("error of a block over its bound for all points", cases, 1.0, scope, numbers)


def network_along_the_flow(context: Context, name: str) -> Finding:
    """A9: a residual network whose field is a network too, in float64, against the flow: within its proved error."""
    cases, numbers, told = [], {}, []
    for process, network in _networks(context):
        rng = context.rng(name)
        count = 2 * context.profile.precise_points
        t = np.full(count, process.t_max)
        x = np.concatenate([marginal_points(process, t, rng), tie_points(process, t, rng)])
        target = process.flow(x, process.t_max, process.t_min, rtol=1e-11)
        doubt = _ROUNDING * math.sqrt(float((target**2).sum(1).mean()))
        run = network
        if isinstance(process, AlteredBlocks):
            segments = tuple(process.kept(network.segments))
            run = replace(network, method=process.stepped(network.method), segments=segments)
        error = np.linalg.norm(run(x) - target, axis=1)
        worst = int(error.argmax())
        where = {"x": x[worst].tolist(), "t_max": process.t_max, "t_min": process.t_min}
        row = {"error": f"{error[worst]:.3g}", "proved": above(network.error_bound, 3)}
        finite = math.isfinite(network.error_bound)  # a bound of infinity proves nothing
        cases.append((float(error[worst]) / (network.error_bound + doubt) if finite else math.nan, {**where, **row}))
        key = (
            f"{len(network.blocks)} blocks of {network.method.name}, t from {process.t_max:.4g} to {process.t_min:.4g}"
        )
        numbers[key] = row
        told.append(f"{key}: proved {row['proved']}, measured {row['error']}")
    scope = f"this mixture, {2 * count} points of p_t and near ties, float64"
    return judged("error over the proved one", cases, 1.0, scope, numbers, "; ".join(told))


def _networks(context: Context) -> list[tuple[Any, ResidualNetwork]]:
    """Midpoint blocks on a part of the interval; of the fourth order too where these have sharp bounds."""
    process = context.process
    coordinates = Coordinates.of(process)
    first, last = (float(end.mid()) for end in coordinates.ends)
    end = min(max(2 / float(coordinates.diameter), first / _PART), last)
    latest, earliest = min(_time(coordinates, _PART * end), process.t_max), max(_time(coordinates, end), process.t_min)
    part = context.remake(process.mixture, earliest, latest)
    methods = ["midpoint", *({"rk4"} & set(context.profile.sharp_blocks))]
    return [(part, residual_network(part, _BLOCKS, method, "uniform-kappa")) for method in methods]


def _time(coordinates: Coordinates, kappa: float) -> float:
    """When `m/sqrt(v) = kappa`: `m^2 = kappa^2/(1 + c kappa^2)`."""
    return math.log(1 / kappa**2 + float(arb(coordinates.law.excess))) / 2


def _field(coordinates: Coordinates) -> Field:
    with ball_precision(_FIELD_BITS):
        return constructed_field(coordinates.law, _FIELD_ERROR)


def _share(found: Any, bound: Any) -> float:
    """What is surely there over what is allowed; infinite where nothing is allowed."""
    return float((found.lower() / bound.upper()).mid())


def _balls(point: list[float]) -> Any:
    return np.array([arb(entry) for entry in point], dtype=object)


def _where(zeta: Any, kappa: float) -> dict[str, Any]:
    return {"zeta": [float(entry.mid()).hex() for entry in zeta], "kappa": kappa.hex()}


def _place(zeta: Any, kappa: float, h: float, error: Any, bound: Any) -> dict[str, Any]:
    told = {"h": h.hex(), "error": f"{float(error.lower()):.5g}", "bound": f"{float(bound.upper()):.5g}"}
    return {**_where(zeta, kappa), **told}
