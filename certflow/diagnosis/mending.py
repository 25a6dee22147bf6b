"""The list with its errors mended: what a library can be handed as it stands."""

from __future__ import annotations

import numpy as np

from certflow.diagnosis.finding import Finding
from certflow.diagnosis.nodes import SAME
from certflow.diagnosis.schedule import Schedule
from certflow.diagnosis.shift import unshifted
from certflow.numbers.arrays import Floats


def mended(schedule: Schedule, findings: tuple[Finding, ...]) -> dict[str, list[float]] | None:
    """The list by its name; None where there is no error, nothing was handed over or too little is known.

    Numbers that are no noise levels go, the others are put into the library's scale and order, once each, and what
    lies outside the trained range becomes its end. How many there are is not mended: which one is missing?
    """
    names = {finding.name for finding in findings if finding.is_error}
    if not schedule.handed or "one-step" in names or not names - {"too-few", "too-many"}:
        return None
    convention, where = schedule.convention, schedule.where
    values = schedule.values[np.isfinite(schedule.values) & (schedule.values >= 0)]
    if names & {"timesteps-for-sigmas", "sigmas-for-timesteps", "another-scale"}:
        converted = _converted(schedule, values, names)
        if converted is None:
            return None
        values = converted
    values = _once(values, 0.0 if where == "timesteps" else SAME)
    if where == "timesteps":
        high = {"angle": np.pi / 2, "flow": float(convention.steps)}.get(convention.reading, convention.steps - 1.0)
        values = _once(values.clip(0, high), 0.0)
        if "shifted-twice" in names:
            values = convention.steps * unshifted(schedule, values / convention.steps)
        if convention.reading == "flow":
            values = values[values > 0]
        if convention.final_timestep:
            values = np.append(values[values > 0], 0.0)
        return {where: values.tolist()} if values.size else None
    values = values[values > 0]
    if "shifted-twice" in names:
        values = unshifted(schedule, values)
    if "out-of-range" in names:
        values = _once(values.clip(convention.low or None, convention.high), SAME)
    if values.size < 1 + (where == "times"):
        return None
    return {where: [*values.tolist(), 0.0] if convention.zero == "given" else values.tolist()}


def _once(values: Floats, tolerance: float) -> Floats:
    falling = np.sort(values)[::-1]
    kept = np.ones(falling.size, dtype=bool)
    kept[1:] = falling[:-1] - falling[1:] > tolerance * falling[:-1]
    return falling[kept]


def _converted(schedule: Schedule, values: Floats, names: set[str]) -> Floats | None:
    convention = schedule.convention
    positive = values[values > 0]
    if schedule.where == "times":
        return None if "timesteps-for-sigmas" in names else np.log1p(positive**2) / 2
    if "another-scale" in names:
        return positive / (1 + positive)
    if "timesteps-for-sigmas" in names:
        found = convention.levels_of(values)
        return found if np.isfinite(found).all() else None
    if convention.reading == "flow":
        return convention.steps * (values if values.max() <= 1 else values / (1 + values))
    if convention.levels is None:
        return None
    known = np.isfinite(convention.levels) & (convention.levels > 0)
    steps = np.interp(np.log(positive), np.log(convention.levels[known]), np.flatnonzero(known))
    return np.round(steps) if convention.whole else steps
