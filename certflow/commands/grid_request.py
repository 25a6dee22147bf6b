"""What a line of `certflow grid` asks for: for which maps a grid is meant, where it goes, and how it is made.

A class of a sampler library implies its format and the solver for which the grid is made; a format alone implies its
plain sampler; a rate implies its kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from certflow.commands.texts import choice, integer
from certflow.diagnosis.reading import class_or_config
from certflow.errors import InputError
from certflow.grids.export.diffusers import training_ends
from certflow.grids.export.stepping import PLAIN, Stepping, stepping_of
from certflow.grids.grid import MAX_SEGMENTS
from certflow.grids.nodes import DISTILLED
from certflow.grids.registry import KINDS
from certflow.planning.names import AUTO
from certflow.samplers.solvers import SOLVERS

DEFAULT_SEGMENTS = 8
EXPORTS = ("diffusers", "k-diffusion", "edm", "json")
SAMPLERS = (DISTILLED, *SOLVERS)
T_MIN, T_MAX = "0.01", "3"

#: What a class needs to take a grid at all, or not to cut the data of a mixture off as if they were pixels.
CONFIGS: dict[str, dict[str, Any]] = {
    "UniPCMultistepScheduler": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    "DDPMScheduler": {"clip_sample": False},
    "DDPMParallelScheduler": {"clip_sample": False},
    "CMStochasticIterativeScheduler": {"clip_denoised": False},
}


@dataclass(frozen=True)
class Target:
    """Where the grid goes: how that steps, and of a scheduler the entries of its config, from a file or needed.

    named : whether the user named it; else it is what a format or a solver implies
    """

    stepping: Stepping
    config: dict[str, Any] = field(default_factory=dict)
    from_file: bool = False
    named: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """What `TimeGrid.export` is told of it."""
        if self.stepping.format == "diffusers":
            return {"scheduler": {**self.config, "_class_name": self.stepping.name}}
        return {"sampler": self.stepping.name} if self.stepping.format == "k-diffusion" else {}


@dataclass(frozen=True)
class Request:
    """What is asked for.

    segments : None where a tolerance finds it; kind, named : which nodes, and whether the user chose them
    sampler : the maps that the grid is meant for; said : the option that said so, and its value
    export, target : the format in which it is printed, if it is, and where it goes
    """

    segments: int | None
    tolerance: float | None
    kind: str
    named: bool
    sampler: str
    said: tuple[str, str]
    export: str | None
    target: Target | None

    @property
    def solver(self) -> str | None:
        """The solver that will step over the nodes, whatever they are made for."""
        name = self.sampler if self.target is None else self.target.stepping.sampler
        return None if name == DISTILLED else name

    def evaluations(self, segments: int) -> int:
        """Of the model, over so many segments; a target steps on to noise level 0."""
        if self.target is not None:
            return self.target.stepping.evaluations(segments)
        return segments if self.sampler == DISTILLED else SOLVERS[self.sampler].cost(segments)


def request_of(
    segments: str | None,
    steps: str | None,
    tolerance: float | None,
    kind: str | None,
    rate: str | None,
    sampler: str | None,
    export: str | None,
    scheduler: str | None,
    code: bool,
) -> Request:
    """What the options mean together.

    Raises
    ------
    InputError : one that is unknown, or two that contradict each other.
    """
    for value, name, known in ((sampler, "--sampler", SAMPLERS), (export, "--export", EXPORTS)):
        if value is not None:
            choice(value, name, known)
    target = _target(sampler, export, scheduler, code)
    if code and (target is None or target.stepping.format == "edm"):
        given = f"--export {export}" if scheduler is None else scheduler
        raise InputError("--code", given, "--export diffusers or k-diffusion, which can be imported")
    if tolerance is not None and kind is None and target is not None and target.stepping.format == "edm":
        raise InputError("--tolerance", tolerance, "none for edm_sampler, which takes Karras nodes alone: --segments")
    meant = _meant_for(sampler, target)
    if sampler is not None:
        said = ("--sampler", sampler)
    else:
        said = ("--scheduler", scheduler) if scheduler is not None else ("--export", str(export))
    if kind is None:
        chosen = AUTO
        if tolerance is None and rate is not None:
            chosen = _kind_of(rate)
        elif target is not None and target.stepping.format == "edm":
            chosen = "karras"
    else:
        chosen = kind
    format = None if target is None else target.stepping.format
    request = Request(
        None, tolerance, chosen, kind is not None or chosen != AUTO, meant, said, export or format, target
    )
    return _counted(request, segments, steps)


def _target(sampler: str | None, export: str | None, scheduler: str | None, code: bool) -> Target | None:
    if scheduler is not None:
        found = _named(scheduler)
        own = found.stepping.format
        if export is not None and export != own:
            raise InputError("--export", export, f"{own}, the format of {found.stepping.name}")
        return found
    if export is None and code:
        if sampler in (None, DISTILLED):
            raise InputError(
                "--code", "no sampler", "--scheduler CLASS, --export FORMAT or --sampler of a solver beside"
            )
        export = "diffusers"
    if export in (None, "json"):
        return None
    return _with_config(stepping_of(PLAIN[str(export)][sampler or DISTILLED]))


def _named(text: str) -> Target:
    """A class, a function, or the config of a scheduler in a file."""
    config = class_or_config(text, "--scheduler")
    if isinstance(config, str):
        return replace(_with_config(stepping_of(text)), named=True)
    name = config.get("_class_name") if isinstance(config, Mapping) else None
    if not isinstance(name, str):
        raise InputError("--scheduler", text, "a scheduler_config.json, with its _class_name")
    assert isinstance(config, Mapping)
    entries = {key: value for key, value in config.items() if not key.startswith("_")}
    return Target(stepping_of(name, entries), entries, from_file=True, named=True)


def _with_config(stepping: Stepping) -> Target:
    return Target(stepping, CONFIGS.get(stepping.name, {}))


def _meant_for(sampler: str | None, target: Target | None) -> str:
    """The maps that the grid is made for."""
    if target is None:
        return sampler or DISTILLED
    own = target.stepping
    if sampler in (None, own.sampler):
        return own.sampler
    if sampler == DISTILLED:
        return DISTILLED
    stands = "runs networks that were distilled" if own.sampler == DISTILLED else f"goes with {own.sampler}"
    required = own.sampler if own.sampler == DISTILLED else f"{own.sampler} or {DISTILLED}"
    raise InputError("--sampler", sampler, f"{required}: {own.name} {stands}")


def _kind_of(rate: str) -> str:
    """The kind that has this rate; no two share one."""
    kinds = {known: kind for kind in ("stability-balanced", "typical", "entropic") for known in KINDS[kind].rates}
    return kinds[choice(rate, "--rate", tuple(kinds))]


def _counted(request: Request, segments: str | None, steps: str | None) -> Request:
    """With the number of segments, which evaluations may stand for."""
    if segments is not None and steps is not None:
        raise InputError("--steps", steps, "no --segments beside it: it counts evaluations of the model instead")
    if steps is None:
        number = None if segments is None else integer(segments, "--segments", 1, MAX_SEGMENTS)
        if number is None and request.tolerance is None:
            number = DEFAULT_SEGMENTS
        return replace(request, segments=number)
    number = integer(steps, "--steps", 1, 2 * MAX_SEGMENTS + 1)
    first = request.evaluations(1)
    each = request.evaluations(2) - first
    made = (number - first) / each + 1
    if made == int(made) and 1 <= made <= MAX_SEGMENTS:
        return replace(request, segments=int(made))
    near = [n for n in (math.floor(made), math.ceil(made)) if 1 <= n <= MAX_SEGMENTS] or [
        1 if made < 1 else MAX_SEGMENTS
    ]
    could = " or ".join(str(request.evaluations(n)) for n in near)
    name = request.sampler if request.target is None else request.target.stepping.name
    raise InputError(
        "--steps", steps, f"{could}: {name} makes {first} evaluations in one segment, {each} in each further"
    )


def ends_of(request: Request, t_min: str | None, t_max: str | None) -> tuple[str, str, str]:
    """The interval, exact, and a sentence where it is that of the scheduler's training, since none was asked for."""
    low, high, told = T_MIN if t_min is None else t_min, T_MAX if t_max is None else t_max, ""
    target = request.target
    if target is None or target.stepping.format != "diffusers":
        return low, high, told
    ends = training_ends(**target.options)
    if ends is None:
        return low, high, told
    moved = []
    if t_max is None and ends[1] < float(T_MAX):
        high = f"{math.floor(ends[1] * 1e4) / 1e4:g}"
        moved.append(f"t_max = {high}")
    if t_min is None and ends[0] > float(T_MIN):
        low = f"{math.ceil(ends[0] * 1e4) / 1e4:g}"
        moved.append(f"t_min = {low}")
    if moved:
        told = f"{' and '.join(moved)}, where the training range of {target.stepping.name} ends"
    return low, high, told
