"""Grids for a solver: the nodes with the least end-to-end error on common points (proofs/G5.md).

On an exact field a solver is cheap, `K` evaluations for each point, so that its error

    E(t_1, ..., t_{K-1}) = E|Psi_K o ... o Psi_1(X) - Phi(X)|^2 / E|Phi(X)|^2

is minimised over the nodes themselves. With `w = log sigma` the unknowns are the logarithms of the steps in `w`, up to
a common factor, and the gradient of `log E` goes through all steps of the solver (`certflow.planning.solver_search`).
Starts are the best named grids and the shortest path (`certflow.planning.solver_path`). The choice among what is found
and all named grids is made on points that the search has not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from certflow.errors import CertflowError, InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.coordinates import nodes as coordinate_nodes
from certflow.grids.model_field import ModelField
from certflow.grids.registry import COORDINATES, KINDS, grid_of_kind
from certflow.numbers.arrays import Points, Times
from certflow.numbers.inputs import real_number, whole_number
from certflow.planning.names import MOST_SEARCHED, NO_GAIN, OPTIMISED, within_factor
from certflow.planning.solver_path import shortest_path
from certflow.planning.solver_points import Sample, log_spread
from certflow.planning.solver_search import Search
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.field import denoise_of
from certflow.samplers.rollout import LATEST
from certflow.samplers.solvers import Solver, solver_of
from certflow.schedules.model import Model
from certflow.schedules.rows import data_rows, plain, scale_of

#: What a model calls the ends of its grids.
ENDS = ("t_min", "t_max")
#: Numbers of segments that are tried for a tolerance.
SEGMENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
#: Points on which the search ends, and as many that confirm it, of a mixture and of a model, whose evaluations may be
#: dear; a share of them on which it begins.
SAMPLES, MODEL_SAMPLES, FIRST = 4096, 1024, 4
#: Points of the shortest path, of a mixture and of a model: a multistep solver has thousands of edges.
PATH_POINTS, MODEL_PATH_POINTS = 64, 16
#: Named grids from which a search starts, and optima that are sought anew on all points.
STARTS, FINALISTS = 2, 2
#: Rows at which a model is asked for the grids of kinds that look at points, and where each costs more.
ROWS, FEW = 256, {"gits": 64, "optimal-steps": 64}


def solver_grid(
    model: Any,
    segments: int,
    sampler: str,
    *,
    samples: int | None = None,
    seed: int = 0,
    data: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> TimeGrid:
    """The nodes `t_0 = t_max > ... > t_K = t_min` with which the solver errs least. proofs/G5.md.

    Parameters
    ----------
    model : an `OrnsteinUhlenbeck`, or an object with `denoiser(x, t)` for tensors, `t_min`, `t_max` and, without data,
        `shape`; where its results carry no gradient, differences are taken
    segments : `K`, from 1 to 100
    sampler : a name of `certflow.samplers.SOLVERS`
    samples : points that the search sees; a mixture has 4,096, chosen among 65,536, a model 1,024
    data : rows of the data of a model, shape (n, ...), whose noised states are the points; else standard normal ones
    progress : called with (parts done, parts in all)

    Returns
    -------
    A grid whose kind is "optimised", or the name of the named grid that no search improved on; its options tell
    `predicted_relative_mse`, on held-out points, the factor within which it is expected in nine cases of ten, and why.
    Of a model, errors below about 1e-8 are those of the fine solve that they are held against.

    Raises
    ------
    InputError : a sampler that is not known; segments or samples out of range; what `certflow.samplers` refuses.
    """
    solver = solver_of(sampler)
    number = whole_number(
        segments, "segments", 1, MOST_SEARCHED, f"an int from 1 to {MOST_SEARCHED} for a solver's grid"
    )
    _check_model(model)
    rows = None if data is None else _rows(model, data)
    usual = SAMPLES if isinstance(model, OrnsteinUhlenbeck) else MODEL_SAMPLES
    count = whole_number(usual if samples is None else samples, "samples", 64, 1_000_000)
    told = progress or (lambda done, total: None)
    search = Search(model, solver, count, whole_number(seed, "seed", 0, 2**32 - 1), rows)
    named = named_grids(model, number, rows)
    told(1, 5)
    first = search.plain(count // FIRST)
    leading = search.order(first, named)[:STARTS]
    found: list[Times] = []
    if number > 1:
        few = search.points(0, [named[kind] for kind in leading], count // FIRST)
        leading = search.order(few, named)[:STARTS]
        begun = [named[kind] for kind in leading]
        paths = PATH_POINTS if isinstance(model, OrnsteinUhlenbeck) else MODEL_PATH_POINTS
        begun.append(shortest_path(model, first.x[:paths], solver, number))
        found = search.optima(few, begun)
        told(2, 5)
        found = search.optima(search.points(0, [begun[0], found[0]], count), found[:FINALISTS])
    told(3, 5)
    held = search.points(1, [named[leading[0]], *found[:1]], count)
    told(4, 5)
    options = dict(named) | {f"{OPTIMISED}-{i}": t for i, t in enumerate(found)}
    errors = {name: held.errors(model, times, solver.name) for name, times in options.items()}
    told(5, 5)
    return _chosen(options, errors, held, list(named), solver)


def _check_model(model: Any) -> None:
    if isinstance(model, OrnsteinUhlenbeck):
        if model.mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
    else:
        denoise_of(model)
    low, high = (real_number(getattr(model, name, None), name, "a number, an end of the model") for name in ENDS)
    if not 0 < low < high <= LATEST:
        raise InputError("t_min, t_max", (low, high), f"0 < t_min < t_max <= {LATEST:g}")


def _rows(model: Any, data: Any) -> Points:
    rows = data_rows(data, tuple(getattr(model, "shape", None) or ()) or None)
    if isinstance(model, OrnsteinUhlenbeck):
        required = "no data with a mixture, of which there are exact draws"
        raise InputError("data", f"shape {tuple(rows.shape)}", required)
    return plain(rows)


def within(model: Any, segments: int | None, sampler: str, tolerance: float | None = None, **options: Any) -> TimeGrid:
    """`solver_grid` with so many segments, or with the fewest of `SEGMENTS` whose predicted error is <= `tolerance`.

    Raises
    ------
    InputError : neither segments nor tolerance; a tolerance that no number of segments is predicted to meet; and what
        `solver_grid` refuses.
    """
    if segments is None and tolerance is None:
        raise InputError("segments", segments, "a number of segments, or a tolerance")
    if tolerance is None:
        return solver_grid(model, segments, sampler, **options)  # type: ignore[arg-type]
    real_number(tolerance, "tolerance", "a relative mean squared error between 0 and 1", lambda e: 0 < e < 1)
    least = math.inf
    for number in SEGMENTS if segments is None else (segments,):
        grid = solver_grid(model, number, sampler, **options)
        least = min(least, grid.options["predicted_relative_mse"])
        if least <= tolerance:
            return grid
    required = f"at least {least * 1.005:.2e}, the smallest error predicted up to K = {number}"
    raise InputError("tolerance", tolerance, required)


def _chosen(
    options: dict[str, Times], errors: dict[str, torch.Tensor], held: Sample, named: list[str], solver: Solver
) -> TimeGrid:
    means = {name: float(held.weights @ error) for name, error in errors.items()}
    best = min(means, key=lambda name: means[name])
    rival = min(named, key=lambda name: means[name])
    gain = means[best] / means[rival]
    if not gain < NO_GAIN:
        best = rival
        reason = f"no grid that the search found is better than {rival} on {len(held.x)} held-out points"
    else:
        reason = f"{gain:.2f} times the error of {rival}, the best named grid, on {len(held.x)} held-out points"
    return TimeGrid(
        best if best == rival else OPTIMISED,
        options[best],
        {
            "predicted_relative_mse": means[best],
            "within_factor": within_factor(log_spread(errors[best], held.weights)),
            "reason": reason,
        },
        solver.name,
    )


def named_grids(model: Any, segments: int, data: Points | None = None) -> dict[str, Times]:
    """The nodes of every kind that there is for the model, by kind, each once.

    Kinds that look at points have the data of a `certflow.Model`, few rows of them; without data, and of other objects,
    there are those that know the two ends alone. The arctan grid of these has the scale of the data, or 1.
    """
    field: OrnsteinUhlenbeck | ModelField | None = model if isinstance(model, OrnsteinUhlenbeck) else None
    if isinstance(model, Model):
        field = ModelField(model, None if data is None else torch.from_numpy(data))
    found: dict[str, Times] = {}
    for kind in COORDINATES if field is None else KINDS:
        sampled = isinstance(model, Model) and "samples" in KINDS[kind].options
        few: dict[str, Any] = {"samples": FEW.get(kind, ROWS)} if sampled else {}
        try:
            if field is None:
                times = _coordinate(model, segments, kind, data)
            else:
                times = grid_of_kind(field, segments, kind, **few).times
        except CertflowError:  # no global bound, nothing that changes, nodes that float64 cannot tell apart
            continue
        if not any(np.allclose(times, other, rtol=1e-12) for other in found.values()):
            found[kind] = times
    return found


def _coordinate(model: Any, segments: int, kind: str, data: Points | None) -> Times:
    given = {name: option.default for name, option in KINDS[kind].options.items()}
    if kind == "arctan":
        given["scale"] = 1.0 if data is None else scale_of(data)
    times = coordinate_nodes(model, segments, kind=kind, **given)[0]
    times[0], times[-1] = model.t_max, model.t_min
    return TimeGrid(kind, times).times
