"""A time grid in the words of the samplers that take one: diffusers, k-diffusion, EDM, and plain JSON.

The nodes of a `TimeGrid` are OU times: `x_t = m x_0 + sqrt(1 - m^2) z`, `m = e^{-t}`. Elsewhere the same node is

- `alpha_bar = e^{-2t}` of a variance-preserving model (DDPM, Stable Diffusion), with the same `x`;
- `sigma = sqrt(e^{2t} - 1)` of the variance-exploding convention (EDM, k-diffusion), with `x e^t` for `x`;
- `u = sigma / (1 + sigma)`, the time of flow matching, with `x e^t / (1 + sigma)` for `x`.

A grid ends at `t_min > 0`, where samplers go on to noise level zero: one more step, of one model evaluation.
`Export.notes` say for each format how many evaluations there are and which of the states lies at `t_min`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.nodes import DISTILLED, Nodes
from certflow.numbers.arrays import Floats, Times

SCHEMA = "certflow/grid/1"
EXPORT_SCHEMA = "certflow/grid-export/1"

#: Relative changes of sigma up to this are the float32 arithmetic of the libraries; beyond, an export is lossy.
SINGLE = 1e-5


@dataclass(frozen=True)
class Export:
    """What to hand to a sampler, and what is lost on the way.

    Attributes
    ----------
    format : one of `FORMATS`
    target : the scheduler or function that takes `arguments`
    arguments : keyword -> plain JSON value, exactly what the target calls them
    lossy : True when the target steps over, or tells its model of, other noise levels than the grid's
    rounding : the largest such difference over the nodes, in log sigma
    notes : what to know when using it, a sentence each
    code : Python that does so
    container : what the lists of `arguments` must be in the call: "list", "numpy", "torch.float32" or "torch.float64"
    sampler : the maps that the grid is meant for (`TimeGrid.sampler`)
    evaluations : of the model, the last step to noise level 0 included; None for the format "json"
    """

    format: str
    target: str
    arguments: dict[str, Any]
    lossy: bool
    rounding: float
    notes: tuple[str, ...]
    code: str
    container: str = "list"
    sampler: str = DISTILLED
    evaluations: int | None = None

    def keywords(self) -> dict[str, Any]:
        """`arguments` as the call needs them: lists turned into NumPy arrays or tensors where it insists."""
        return {name: _contained(value, self.container) for name, value in self.arguments.items()}

    def mapping(self) -> dict[str, Any]:
        """Plain JSON values; for the format "json" the document that `certflow.grids.grid.from_json` reads."""
        if self.format == "json":
            return dict(self.arguments)
        return {
            "schema": EXPORT_SCHEMA,
            "format": self.format,
            "target": self.target,
            "arguments": self.arguments,
            "container": self.container,
            "sampler": self.sampler,
            "evaluations": self.evaluations,
            "lossy": self.lossy,
            "rounding": self.rounding,
            "notes": list(self.notes),
            "code": self.code,
        }

    def text(self) -> str:
        """`mapping()` as JSON; floats are written so that they come back bit for bit."""
        return json.dumps(self.mapping(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


# -- plain JSON ------------------------------------------------------------------------------------------------


def to_json(grid: Nodes, **training: Any) -> Export:
    """Every name of every node; `certflow.grids.grid.from_json` reads the same grid back."""
    from certflow.grids.export.training import Training

    schedule = Training.of(training)
    times = grid.times
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": grid.kind,
        "options": dict(grid.options),
        "sampler": grid.sampler,
        "times": times.tolist(),
        "sigmas": plain(finite_sigmas(grid)),
        "alpha_bar": np.exp(-2 * times).tolist(),
        "log_snr": (-2 * times - np.log(-np.expm1(-2 * times))).tolist(),
        "flow_times": flow_times(grid).tolist(),
        "timesteps": plain(schedule.continuous(finite_sigmas(grid))),
        "training": schedule.named,
    }
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError):
        raise InputError("options", dict(grid.options), "JSON values, to write this grid as JSON") from None
    notes = (
        "Nodes from the noise end to the data end; x_t = m x_0 + sqrt(1 - m^2) z with m = e^{-t}.",
        "timesteps: where log sigma lies between those of the training schedule; null outside of it.",
    )
    code = "from certflow.grids.export import load\n\ngrid = load('grid.json')\n"
    return Export("json", SCHEMA, document, False, 0.0, notes, code, sampler=grid.sampler)


# -- what the formats share ------------------------------------------------------------------------------------


def flow_times(grid: Nodes) -> Times:
    """`u = sigma / (1 + sigma)`, without overflow."""
    ratio = np.exp(-grid.times) / np.sqrt(-np.expm1(-2 * grid.times))
    return 1 / (1 + ratio)


def sigmas_of(grid: Nodes) -> Floats:
    """The sigmas, refused where float32, in which samplers compute, has none."""
    sigmas = finite_sigmas(grid)
    if not sigmas.max() < np.finfo(np.float32).max:
        raise InputError("grid", f"t = {grid.times[0]:g}", "times t < 88, whose sigma = sqrt(e^{2t} - 1) is a float32")
    return sigmas


def largest_shift(used: ArrayLike, sigmas: Floats) -> float:
    """The largest `|log used - log sigma|` over the nodes."""
    return float(np.abs(np.log(np.asarray(used, dtype=np.float64)) - np.log(sigmas)).max())


def final_step(grid: Nodes, evaluations: int, *, end: str = "zero", goal: str = "noise level 0") -> str:
    """The note on model evaluations and on where `t_min` lies."""
    last = f"t_min = {grid.times[-1]:.6g} (sigma = {grid.sigmas[-1]:.6g})"
    if end == "t_min":
        return f"{evaluations} model evaluations for the K = {grid.segments} segments; the result lies at {last}."
    return (
        f"{evaluations} model evaluations: the K = {grid.segments} segments of the grid and one more step to {goal}; "
        f"the state before that step is the one at {last}."
    )


def check_end(end: Any, name: str, choices: tuple[str, ...] = ("zero", "t_min")) -> None:
    if end not in choices:
        raise InputError("end", end, f"{' or '.join(repr(choice) for choice in choices)} for {name}")


def finite_sigmas(grid: Nodes) -> Floats:
    with np.errstate(over="ignore"):
        return grid.sigmas


def plain(values: ArrayLike) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in np.asarray(values, dtype=np.float64).tolist()]


def _contained(value: Any, container: str) -> Any:
    if container == "list" or not isinstance(value, list):
        return value
    if container == "numpy":
        return np.array(value, dtype=np.float64)
    import torch

    return torch.tensor(value, dtype=getattr(torch, container.removeprefix("torch.")))
