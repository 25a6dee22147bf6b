"""What every check of a field does first: reads its arguments, chooses points, finds how the code is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypeAlias

import numpy as np

from certflow.errors import InputError
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import exact_interval
from certflow.numbers.inputs import real_number, whole_number
from certflow.schedules.families import OrnsteinUhlenbeckTime
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.vectors import vector_causes
from certflow.testing.examination import Examination
from certflow.testing.precision import PRECISIONS
from certflow.testing.probes import DEFAULT_EXAMPLES, MOST_EXAMPLES, places
from certflow.testing.result import Cause
from certflow.testing.subject import Subject
from certflow.testing.truth import Target

#: Names what explains the answers.
Causes: TypeAlias = Callable[[Examination], Sequence[Cause]]


def mixture_of(mixture: Any) -> GaussianMixture:
    """A mixture of numbers: given, by its name, or from a file."""
    if not isinstance(mixture, GaussianMixture | str | PathLike):
        raise InputError("mixture", mixture, "a GaussianMixture, the name of a built-in one, or a file")
    law = mixture if isinstance(mixture, GaussianMixture) else load_mixture(mixture)
    if law.is_symbolic:
        raise InputError("mixture", law, "a mixture of numbers, not of symbols")
    return law


def examined(
    check: str,
    subject: Callable[..., Any],
    mixture: Any,
    *,
    predicts: str,
    kind: type[Target] = Target,
    causes: Causes = vector_causes,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    schedule: Schedule | None = None,
    time_scale: Any = 1.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Examination:
    """The examination of a callable of `(x, t)` that predicts a vector; `predicts` is a key of `FROM_SCORE`."""
    law = mixture_of(mixture)
    low, high = (float(end) for end in exact_interval(t_min, t_max))
    clock = OrnsteinUhlenbeckTime() if schedule is None else schedule
    if not isinstance(clock, Schedule):
        raise InputError("schedule", schedule, "a schedule of certflow.schedules, such as certflow.schedules.edm()")
    if schedule is not None:
        low, high = max(low, clock.t_min), min(high, clock.t_max)
    if not low < high:
        raise InputError("t_max", t_max, f"a time > {low:.6g}, where the schedule begins")
    count = DEFAULT_EXAMPLES if max_examples is None else whole_number(max_examples, "max_examples", 1, MOST_EXAMPLES)
    loose = 0.0 if rtol is None else real_number(rtol, "rtol", "a finite number >= 0", lambda v: 0 <= v < float("inf"))
    scale = real_number(time_scale, "time_scale", "a finite number > 0", lambda value: 0 < value < float("inf"))
    places_found = places(law, low, high, count, whole_number(seed, "seed"))

    def target(precision: str) -> Target:
        return kind(law, predicts, clock, scale, PRECISIONS[precision], low, high)

    probe = target("bfloat16").rows(places_found.x[:2], places_found.t[:2])
    found = Subject.of(subject, ("x", "t"), (probe.x, probe.t), target("float64").shape, dtype)
    goal = target(found.precision.name)
    rows = goal.rows(places_found.x, places_found.t)
    return Examination(check, found, goal, rows, np.asarray(places_found.kind), loose, causes)
