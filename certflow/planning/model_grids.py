"""Grids of a model of one's own, from rows of its data instead of a mixture (proofs/N3.md, G5.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.model_field import ModelField
from certflow.grids.options import one_of
from certflow.grids.registry import KINDS, grid_of_kind
from certflow.planning.names import AUTO, check_plan
from certflow.schedules.model import Model

#: What is recommended for trained maps, since no pilot tells a network's error, and what its grid may be told.
SAFE, SAFE_OPTIONS = "typical", ("samples", "seed")
REASON = (
    "the typical grid is recommended for trained maps, since there is no pilot of a network; for a solver name it as "
    "sampler, and its grid is searched"
)


def model_grid(
    model: Model,
    segments: int | None,
    kind: str,
    rate: str | None,
    tolerance: float | None,
    data: Any,
    progress: Callable[[int, int], None] | None,
    options: dict[str, Any],
) -> TimeGrid:
    """The grid of a kind; of "auto" the typical one. Parameters and errors as `certflow.time_grid` has them."""
    if tolerance is not None:
        required = "none for the trained maps of a model, of which there is no pilot (a solver as sampler has a search)"
        raise InputError("tolerance", tolerance, required)
    one_of((*KINDS, AUTO))("kind", kind)
    field = ModelField(model, data, progress)
    if kind == AUTO:
        check_plan(rate, options, SAFE_OPTIONS)
        found = grid_of_kind(field, segments, SAFE, **options)
        return replace(found, options={**found.options, "reason": REASON})
    return grid_of_kind(field, segments, kind, rate, **options)
