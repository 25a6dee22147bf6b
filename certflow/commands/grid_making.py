"""The grid that a line of `certflow grid` asks for, and what there is to tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certflow.commands.grid_plan import planned
from certflow.commands.grid_request import Request
from certflow.errors import INSTALL_TORCH, InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.numbers.numerals import figure
from certflow.planning.comparison import SAMPLES, SEED, check_start, measured_errors
from certflow.planning.names import AUTO, MOST_SEARCHED, OPTIMISED
from certflow.planning.time_grid import time_grid
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_of_one

if TYPE_CHECKING:
    from certflow.planning.planner import Recommendation

#: What is made of the default kind where no pilot can choose, and the most segments that a pilot has.
FALLBACK, MOST_PLANNED = "typical", 40


@dataclass(frozen=True)
class Comparison:
    """A grid's error with the solver that will step over it, beside that of the best grid for the solver.

    best : the grid that a search found; None where there is none, and then `missing` says why
    samples : common draws on which both were measured
    """

    sampler: str
    kind: str
    error: float
    best: TimeGrid | None
    best_error: float | None
    missing: str = ""
    samples: int = SAMPLES

    def sentence(self) -> str:
        """In one line."""
        told = f"{self.sampler} on {self.kind}: relative MSE {figure(self.error, 2)}; "
        if self.best is None or self.best_error is None:
            return f"{told}{self.missing}"
        if self.best_error >= self.error:
            return f"{told}a search found no better grid for {self.sampler}"
        kind = OPTIMISED if self.best.kind == OPTIMISED else f"{self.best.kind}, the best for {self.sampler}"
        return f"{told}{kind}: {figure(self.best_error, 2)}"

    def mapping(self) -> dict[str, Any]:
        """For programs."""
        best = None if self.best is None else {"kind": self.best.kind, "relative_mse": self.best_error}
        error = {"sampler": self.sampler, "relative_mse": self.error, "best": best}
        return {**error, "samples": self.samples, "seed": SEED}


@dataclass(frozen=True)
class Made:
    """A grid; the plan of a pilot, if there was one; sentences on how it came about; how a solver does on it."""

    grid: TimeGrid
    plan: Recommendation | None = None
    told: tuple[str, ...] = ()
    comparison: Comparison | None = None


def made(request: Request, process: OrnsteinUhlenbeck, rate: str | None, options: Mapping[str, Any]) -> Made:
    """The grid of a request.

    Raises
    ------
    InputError : what `time_grid` refuses; a plan or a search without torch, in words of the command line.
    """
    kind, told, solver = request.kind, [], request.solver
    if solver is not None:
        check_start(process)
    if request.sampler == DISTILLED and not request.named and request.tolerance is None:
        kind, reason = _default(request)
        told += [reason] if reason else []
    plan = None
    if kind != AUTO and request.tolerance is None:
        grid = time_grid(process, request.segments, kind, rate, sampler=request.sampler, **options)
    elif request.sampler == DISTILLED:
        plan = planned(process, request.segments, request.tolerance, kind, rate, options)
        grid = plan.grid
    else:
        grid = _searched(process, request, kind, rate, options)
    return Made(grid, plan, tuple(told))


def compared(request: Request, process: OrnsteinUhlenbeck, grid: TimeGrid) -> Comparison | None:
    """How the grid does with the solver that will step over it; None for trained maps and for the solver's own grid."""
    solver = request.solver
    if solver is None or (request.sampler == solver and request.kind == AUTO):
        return None
    best, missing = None, ""
    if not has_torch():
        missing = f"the best grid for it is found with torch: {INSTALL_TORCH}"
    elif grid.segments > MOST_SEARCHED:
        missing = f"the best grid for it is sought up to {MOST_SEARCHED} segments"
    else:
        with progress_of_one(f"search for {solver}") as shown:
            best = time_grid(process, grid.segments, AUTO, sampler=solver, progress=shown)
    grids = {"own": grid.times} | ({} if best is None else {"best": best.times})
    errors = measured_errors(process, grids, solver, SAMPLES)
    return Comparison(solver, grid.kind, errors["own"], best, errors.get("best"), missing, SAMPLES)


def _default(request: Request) -> tuple[str, str]:
    """The kind for maps that are trained, where none is named, and why it is not the pilot's choice."""
    if request.segments is not None and request.segments > MOST_PLANNED:
        return FALLBACK, f"kind {FALLBACK}: the pilot that chooses a kind knows up to {MOST_PLANNED} segments"
    if not has_torch():
        return FALLBACK, f"kind {FALLBACK}: the pilot that chooses a kind needs torch ({INSTALL_TORCH})"
    return AUTO, ""


def has_torch() -> bool:
    """Whether torch can be imported."""
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def _searched(
    process: OrnsteinUhlenbeck, request: Request, kind: str, rate: str | None, options: Mapping[str, Any]
) -> TimeGrid:
    if not has_torch():
        raise InputError(*request.said, f"torch for a grid that suits a solver: {INSTALL_TORCH}; or a --kind")
    with progress_of_one("search") as shown:
        return time_grid(
            process,
            request.segments,
            kind,
            rate,
            tolerance=request.tolerance,
            sampler=request.sampler,
            progress=shown,
            **options,
        )
