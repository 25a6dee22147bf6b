"""Which format a grid is exported in: `TimeGrid.export` comes here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certflow.errors import InputError, unknown
from certflow.grids.export.diffusers import to_diffusers
from certflow.grids.export.formats import Export, to_json
from certflow.grids.export.karras import to_edm, to_k_diffusion
from certflow.grids.export.stepping import STEPPING
from certflow.grids.nodes import DISTILLED, Nodes

_MAKERS: dict[str, Callable[..., Export]] = {
    "diffusers": to_diffusers,
    "k-diffusion": to_k_diffusion,
    "edm": to_edm,
    "json": to_json,
}

FORMATS = tuple(_MAKERS)


def export(grid: Nodes, format: str = "json", **options: Any) -> Export:
    """The grid for one kind of sampler.

    Parameters
    ----------
    format : "diffusers", "k-diffusion", "edm" or "json"
    options : of the format:

        - diffusers: `scheduler` (an object, its config or a class name; EulerDiscreteScheduler), `end`, `mu`,
          `alphas_cumprod`, and for a name or a config the entries of the config (`shift`, `beta_schedule`, ...)
        - k-diffusion: `sampler` ("sample_euler"), `end`
        - edm: `tolerance`, the largest error in log sigma that a fitted exponent may leave
        - json: the training schedule of `timesteps` (`beta_schedule`, `num_train_timesteps`, ...)

        `end` is "zero" (the sampler steps on from the last node to noise level 0) or "t_min" (it stops there).

    Raises
    ------
    InputError : no such format or option; a target that takes no grid, or that would change this one.
    """
    if not isinstance(grid, Nodes):
        raise InputError("grid", grid, "a certflow.grids.TimeGrid")
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    maker = _MAKERS[format]
    parameters = inspect.signature(maker).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for option in options:
            if option not in list(parameters)[1:]:
                raise unknown("option", option, list(parameters)[1:], after=f" for the format {format}")
    made = maker(grid, **options)
    return replace(made, notes=(*made.notes, *_for_others(grid, made)))


def _for_others(grid: Nodes, made: Export) -> list[str]:
    """The note on a grid that is meant for other maps than those of the target; of one's own nodes nothing is known."""
    if made.target not in STEPPING or (grid.kind == "custom" and grid.sampler == DISTILLED):
        return []
    own = STEPPING[made.target].sampler
    if own in (DISTILLED, grid.sampler):
        return []
    maps = "for trained maps" if grid.sampler == DISTILLED else f"for {grid.sampler}"
    return [
        f"This grid is meant {maps}; with a solver as {made.target} is its error can be many times that of "
        f'time_grid(..., kind="auto", sampler="{own}"), and certflow.samplers.relative_mse tells it.'
    ]
