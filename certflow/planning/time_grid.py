"""The public `time_grid`: a grid of one kind, or one found for trained maps by a pilot, for a solver by a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.grids.options import one_of
from certflow.grids.registry import DEFAULT_KIND, DEFAULT_RATE, KINDS, grid_of_kind
from certflow.planning.names import AUTO, PLAN_OPTIONS, SEARCH_OPTIONS
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.field import Denoiser
from certflow.samplers.solvers import SOLVERS


def time_grid(
    process: OrnsteinUhlenbeck | Denoiser,
    segments: int | None = 8,
    kind: str = DEFAULT_KIND,
    rate: str | None = None,
    *,
    tolerance: float | None = None,
    sampler: str = DISTILLED,
    **options: Any,
) -> TimeGrid:
    """`t_0 = t_max > t_1 > ... > t_K = t_min`, the nodes of a sampler of `K` segments (proofs/G1.md to G3).

    Parameters
    ----------
    process : an `OrnsteinUhlenbeck`; for kind "auto" with a solver also a model with `denoiser(x, t)`
    segments : `K`, from 1 to 10,000; None with a tolerance
    kind : a name of `certflow.grids.KINDS`; "auto" leaves the choice to a pilot (needs torch, takes some ten seconds),
        with a solver to a search on the solver's error (needs torch, takes some seconds)
    tolerance : a relative mean squared error between 0 and 1: the fewest segments for which at most this is predicted
        (`certflow.planning.planner`); the grid's options tell the predicted error and how far to trust it
    sampler : the maps that the grid is for, kept as `.sampler`: "distilled", trained on the segments, or a solver of
        `certflow.samplers.SOLVERS`, "euler" (DDIM), "heun", "dpmpp-2m" (proofs/G5.md). It decides the nodes of kind
        "auto" alone; those of a named kind are the same for all
    rate : for "stability-balanced" one of one-sided (`lambda`, the default), two-sided (the paper's `L`), sharp
        (`lambda*`, enclosed); for "typical" one of frobenius (default), spectral; for "entropic" one of entropy
        (default), rescaled; other kinds have no rate
    options : those of the kind, see `KINDS[kind].options`; of a plan settings, device and progress; of a search
        samples, seed, data and progress (`certflow.planning.solver_grids`)

    The first and the last node are `t_max` and `t_min` exactly. Whatever determined the others stands in `.options`.

    Raises
    ------
    InputError : an unknown kind, sampler, rate or option; a mixture for which the kind has no grid
        (`stability-balanced` needs a global bound, proofs/L8.md); nodes that float64 cannot tell apart.

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
    """
    one_of((DISTILLED, *SOLVERS))("sampler", sampler)
    planned = kind == AUTO or tolerance is not None
    if planned and sampler != DISTILLED:
        from certflow.planning import solver_grids  # it needs torch

        if kind != AUTO:
            raise InputError("kind", kind, f"{AUTO} for a tolerance with sampler {sampler}")
        check_plan(rate, options, SEARCH_OPTIONS)
        return solver_grids.within(process, segments, sampler, tolerance, **options)
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if planned:
        if process.mixture.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers")
        from certflow.planning.planner import recommend  # it needs torch

        check_plan(rate, options)
        return recommend(process, segments, tolerance, kind=kind, **options).grid
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError("kind", kind, f"one of {', '.join(KINDS)}, {AUTO}")
    return replace(grid_of_kind(process, segments, kind, rate, **options), sampler=sampler)


def check_plan(rate: str | None, options: Mapping[str, Any], known: Sequence[str] = PLAN_OPTIONS) -> None:
    """Raise `InputError` for a rate or an option of a kind: a plan compares kinds with their defaults."""
    given = {"rate": None if rate == DEFAULT_RATE else rate, **options}
    for name, value in given.items():
        if value is not None and name not in known:
            raise InputError(name, value, f"no {name} for a plan, which compares kinds with their defaults")
