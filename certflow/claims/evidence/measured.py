"""Measurements in torch that several checks of one run share, and how what they measured is judged.

A measurement is kept by what determines it: the class of the process under test (a false twin has one of its own), the
mixture, the ends of time, depth and seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from certflow.claims.check import Context, Finding, Profile
from certflow.claims.hypotheses import has_bound
from certflow.claims.model import Outcome
from certflow.law.formats import to_mapping
from certflow.law.library import from_mapping
from certflow.numbers.exact import exact_text
from certflow.numbers.numerals import above
from certflow.process import OrnsteinUhlenbeck

#: Grids of the experiment; those that need a global bound are left out where none exists.
GRIDS = ("uniform", "logsnr", "typical", "stability-balanced", "stability-balanced:two-sided")
#: Relative error of the reference flow at one point, which an excess has to exceed: it is chosen for a relative mean
#: squared error below 1e-10 and measured with twice the steps.
REFERENCE_ERROR = 1e-5


class _Key(NamedTuple):
    formulas: type[OrnsteinUhlenbeck]
    law: str
    t_min: str
    t_max: str
    profile: Profile
    seed: int

    @classmethod
    def of(cls, context: Context) -> _Key:
        process: OrnsteinUhlenbeck = context.process
        law = json.dumps(to_mapping(process.mixture), sort_keys=True)
        ends = exact_text(process.exact_t_min), exact_text(process.exact_t_max)
        return cls(type(process), law, *ends, context.profile, context.seed)

    @property
    def process(self) -> OrnsteinUhlenbeck:
        return self.formulas(from_mapping(json.loads(self.law)), self.t_min, self.t_max)

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + self.profile.training_seeds)


def experiment(context: Context) -> Any:
    """Grids and seeds of the profile, trained, measured and kept: `certflow.distill.Results`."""
    return _experiment(_Key.of(context))


@lru_cache(maxsize=4)
def _experiment(key: _Key) -> Any:
    from certflow.distill import Settings, run

    process = key.process
    grids = GRIDS if has_bound(process.mixture) is None else GRIDS[:3]
    steps = key.profile.training_steps
    settings = Settings(steps=steps, pool=min(16_384, 16 * steps), test=4096 if steps >= 1000 else 1024)
    return run(process, grids, key.profile.training_segments, key.seeds, settings=settings, keep_maps=True)


def one_step_students(context: Context, process: OrnsteinUhlenbeck, budgets: tuple[float, ...]) -> Any:
    """Students of these Lipschitz budgets, trained on a line: `certflow.distill.students.mismatch.Students`."""
    return _students(_Key.of(replace(context, process=process)), budgets)


@lru_cache(maxsize=4)
def _students(key: _Key, budgets: tuple[float, ...]) -> Any:
    from certflow.distill.students.mismatch import STUDENTS, students

    settings = STUDENTS if key.profile.trained else replace(STUDENTS, steps=500)
    return students(key.process, budgets, key.profile.training_seeds, settings)


def perturbations(context: Context) -> Any:
    """Perturbations followed to the data end: `certflow.distill.growth.Growth`."""
    return _perturbations(_Key.of(context))


@lru_cache(maxsize=4)
def _perturbations(key: _Key) -> Any:
    from certflow.distill.growth import growth, points_in

    process = key.process
    return growth(process, key.seeds, points=points_in(process.mixture.dimension))


def judged(
    what: str,
    cases: Iterable[tuple[float, Mapping[str, Any]]],
    allowed: float,
    scope: str,
    numbers: Mapping[str, Any],
    summary: str | None = None,
) -> Finding:
    """Violated if any case is above what is allowed; inconclusive if one is NaN or `-inf`, or without cases.

    cases : what was measured, and what a witness says of where; summary : "WHAT: at most ..." unless given
    """
    listed: Sequence[tuple[float, Mapping[str, Any]]] = list(cases)
    if not listed or not all(value > -math.inf for value, _ in listed):  # a bound of infinity proves nothing
        return Finding(
            Outcome.INCONCLUSIVE, f"{what}: {'not a finite number' if listed else 'no cases'}", scope, dict(numbers)
        )
    worst, witness = max(listed, key=lambda case: case[0])
    told = {"largest": f"{worst:.3g}", "allowed": f"{allowed:g}", **numbers}
    text = summary or f"{what}: at most {above(worst, 2)} in {len(listed)} cases, {allowed:g} allowed"
    if worst <= allowed:
        return Finding(Outcome.HOLDS, text, scope, told)
    return Finding(Outcome.VIOLATED, f"{text}: exceeded", scope, told, {**witness, "measured": worst})
