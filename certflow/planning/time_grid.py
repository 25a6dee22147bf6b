"""The public `time_grid`: a grid of one kind, or one found for trained maps by a pilot, for a solver by a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certflow.errors import InputError, unknown
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.grids.options import one_of
from certflow.grids.registry import DEFAULT_KIND, KINDS, grid_of_kind
from certflow.planning.model_grids import model_grid
from certflow.planning.names import AUTO, SEARCH_OPTIONS, check_plan
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_of
from certflow.samplers.field import Denoiser
from certflow.samplers.solvers import SOLVERS
from certflow.schedules.model import Model


def time_grid(
    process: OrnsteinUhlenbeck | Model | Denoiser,
    segments: int | None = 8,
    kind: str | None = None,
    rate: str | None = None,
    *,
    tolerance: float | None = None,
    sampler: str = DISTILLED,
    data: Any = None,
    t_min: Any = None,
    t_max: Any = None,
    progress: bool | Callable[[int, int], None] | None = None,
    **options: Any,
) -> TimeGrid:
    """`t_0 = t_max > t_1 > ... > t_K = t_min`, the nodes of a sampler of `K` segments (proofs/G1.md to G3).

    Parameters
    ----------
    process : an `OrnsteinUhlenbeck`, or a `certflow.Model`; for kind "auto" with a solver also another object with
        `denoiser(x, t)`
    segments : `K`, from 1 to 10,000; None with a tolerance
    kind : a name of `certflow.grids.KINDS`, for a model each but stability-balanced; "auto" leaves the choice to a
        pilot (needs torch, takes some ten seconds), with a solver to a search on the solver's error (needs torch, takes
        some seconds). Of a network there is no pilot: there "auto" without a solver is "typical", which does well for
        all trained maps that were measured. Default: stability-balanced, of a model "auto"
    tolerance : a relative mean squared error between 0 and 1: the fewest segments for which at most this is predicted
        (`certflow.planning.planner`); the grid's options tell the predicted error and how far to trust it
    sampler : the maps that the grid is for, kept as `.sampler`: "distilled", trained on the segments, or a solver of
        `certflow.samplers.SOLVERS`, "euler" (DDIM), "heun", "dpmpp-2m" (proofs/G5.md). It decides the nodes of kind
        "auto" alone; those of a named kind are the same for all
    rate : for "stability-balanced" one of one-sided (`lambda`, the default), two-sided (the paper's `L`), sharp
        (`lambda*`, enclosed); for "typical" one of frobenius (default), spectral; for "entropic" one of entropy
        (default), rescaled; other kinds have no rate
    data : of a model, rows of its data, shape (n, ...), n >= 2, NumPy or torch; the model is called with that kind,
        by a search with tensors of float64, which a callable of NumPy can read; then differences take the place of
        gradients.
        Kinds that are uniform in a coordinate do without (arctan then has scale 1)
    t_min, t_max : of a model, the ends of the grid; default: its own
    progress : True for a bar on stderr, or a function of (parts done, parts in all): for models, searches and plans
    options : those of the kind, see `KINDS[kind].options`; of a plan settings and device; of a search samples and seed
        (`certflow.planning.solver_grids`)

    The first and the last node are `t_max` and `t_min` exactly. Whatever determined the others stands in `.options`.

    Raises
    ------
    InputError : an unknown kind, sampler, rate or option; a mixture for which the kind has no grid
        (`stability-balanced` needs a global bound, proofs/L8.md); nodes that float64 cannot tell apart; data that are
        no finite rows of the model's shape; ends that its schedule does not have; a model that returns another shape,
        NaN or infinity.

    Examples
    --------
    >>> import certflow as cf
    >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.01", t_max="3")
    >>> grid = cf.time_grid(process, 4)
    >>> grid
    TimeGrid(stability-balanced, K=4: 3, 0.07021, 0.03337, 0.01832, 0.01)
    >>> [round(float(exponent), 4) for exponent in process.stability(grid.times[1:], grid.times[:-1])]
    [1.7226, 1.7226, 1.7226, 1.7226]

    A grid for a solver, and what the solver's error is predicted to be:

    >>> grid = cf.time_grid(process, 4, kind="auto", sampler="heun", samples=1024)
    >>> grid.kind, grid.sampler, f"{grid.options['predicted_relative_mse']:.2f}"
    ('optimised', 'heun', '0.02')

    A grid of one's own model, here the exact denoiser of one point and data at it, for maps that are to be trained:

    >>> model = cf.Model(lambda x, sigma: 0 * x + 0.5, predicts="sample", schedule=cf.schedules.edm())
    >>> grid = cf.time_grid(model, 4, "typical", data=[[0.5, 0.5]] * 2, t_min="0.01", t_max=3, samples=64)
    >>> grid, grid.options["method"]
    (TimeGrid(typical, K=4: 3, 0.2345, 0.07573, 0.0271, 0.01), 'central differences')
    """
    one_of((DISTILLED, *SOLVERS))("sampler", sampler)
    if isinstance(process, Model):
        process = process.between(t_min, t_max)
    else:
        for name, value in (("t_min", t_min), ("t_max", t_max)):
            if value is not None:
                required = f"no {name} here: a process has its ends, those of a certflow.Model are set"
                raise InputError(name, value, required)
    if kind is None:
        kind = AUTO if isinstance(process, Model) else DEFAULT_KIND
    planned = kind == AUTO or tolerance is not None
    if planned and sampler != DISTILLED:
        if kind != AUTO:
            raise InputError("kind", kind, f"{AUTO} for a tolerance with sampler {sampler}")
        check_plan(rate, options, SEARCH_OPTIONS)
        from certflow.planning import solver_grids  # it needs torch

        with progress_of(progress, sampler) as told:
            return solver_grids.within(process, segments, sampler, tolerance, data=data, progress=told, **options)
    if isinstance(process, Model):
        with progress_of(progress, kind) as told:
            return replace(model_grid(process, segments, kind, rate, tolerance, data, told, options), sampler=sampler)
    given = {} if data is None else {"data": data}
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck or a certflow.Model")
    if planned:
        if process.mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        from certflow.planning.planner import recommend  # it needs torch

        check_plan(rate, given | options)
        with progress_of(progress, "pilot") as told:
            return recommend(process, segments, tolerance, kind=kind, progress=told, **options).grid
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown("kind", kind, (*KINDS, AUTO))
    if progress:
        given["progress"] = progress
    return replace(grid_of_kind(process, segments, kind, rate, **given, **options), sampler=sampler)
