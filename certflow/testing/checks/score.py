"""`check_score`: a score, or any prediction of a model, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import exact_interval
from certflow.numbers.inputs import real_number, whole_number
from certflow.schedules.families import OrnsteinUhlenbeckTime
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.vectors import vector_causes
from certflow.testing.checks.conclusion import concluded
from certflow.testing.examination import PARTS, Examination
from certflow.testing.places import DEFAULT_EXAMPLES, places
from certflow.testing.precision import PRECISIONS
from certflow.testing.result import Result
from certflow.testing.subject import Subject
from certflow.testing.truth import Target, check_predicts

__all__ = ["PARTS", "check_score", "prepare"]


def check_score(
    score: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    predicts: str = "score",
    schedule: Schedule | None = None,
    time_scale: Any = 1.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Hold `score(x, t)` against `s = grad log p_t` of a mixture, or what a model predicts against what it should.

    Parameters
    ----------
    score : `f(x, t)` over NumPy arrays or torch tensors, `x` of shape (N, d), `t` of shape (N,), result of shape (N, d)
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max : the ends of the OU time; with a schedule those that it has in common with them
    predicts : as `cf.Model` has it: "score", "epsilon", "sample", "v_prediction", "flow_prediction"
    schedule : whose state `x` and time `t` are the code's; default: the OU process
    time_scale : 1000 for a network that takes 1000 times the schedule's time
    dtype : float64, float32, float16 or bfloat16, of NumPy or torch or by name; default: that of the parameters of a
        network, else that in which the code answers
    rtol : more that is allowed than rounding, relative to the size of the terms whose sum the score is
    max_examples : so many typical points (default 256); other places are looked at in proportion

    What is allowed is what rounding in the dtype may do to right code (proofs/rounding.md). The same seed looks at the
    same points.

    Raises
    ------
    CheckFailed : an `AssertionError`; the code is wrong, with a counterexample and the causes that fit.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_score
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> print(check_score(p.score, "two-modes"))
    check_score: 12 parts found no counterexample among 1488 points
    """
    found = prepare(
        score,
        mixture,
        t_min=t_min,
        t_max=t_max,
        predicts=predicts,
        schedule=schedule,
        time_scale=time_scale,
        dtype=dtype,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )
    return concluded("check_score", [part.run(found) for part in PARTS])


def prepare(
    subject: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    predicts: str = "score",
    schedule: Schedule | None = None,
    time_scale: Any = 1.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Examination:
    """What the parts look at; arguments and errors as `check_score`."""
    return examined(
        "check_score",
        subject,
        mixture,
        check_predicts(predicts),
        t_min=t_min,
        t_max=t_max,
        schedule=schedule,
        time_scale=time_scale,
        dtype=dtype,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )


def examined(
    check: str,
    subject: Callable[..., Any],
    mixture: Any,
    predicts: str,
    *,
    t_min: Any,
    t_max: Any,
    schedule: Schedule | None,
    time_scale: Any,
    dtype: Any,
    rtol: float | None,
    max_examples: int | None,
    seed: int,
) -> Examination:
    """The examination of a callable of `(x, t)` that predicts a vector; `predicts` is a key of `FROM_SCORE`."""
    law = mixture if isinstance(mixture, GaussianMixture) else load_mixture(mixture)
    if law.is_symbolic:
        raise InputError("mixture", law, "a mixture of numbers, not of symbols")
    low, high = (float(end) for end in exact_interval(t_min, t_max))
    clock = OrnsteinUhlenbeckTime() if schedule is None else schedule
    if not isinstance(clock, Schedule):
        raise InputError("schedule", schedule, "a schedule of certflow.schedules, such as certflow.schedules.edm()")
    if schedule is not None:
        low, high = max(low, clock.t_min), min(high, clock.t_max)
    if not low < high:
        raise InputError("t_max", t_max, f"a time > {low:.6g}, where the schedule begins")
    count = DEFAULT_EXAMPLES if max_examples is None else whole_number(max_examples, "max_examples", 1)
    loose = 0.0 if rtol is None else real_number(rtol, "rtol", "a finite number >= 0", lambda v: 0 <= v < float("inf"))
    scale = real_number(time_scale, "time_scale", "a finite number > 0", lambda value: 0 < value < float("inf"))
    places_found = places(law, low, high, count, whole_number(seed, "seed"))

    def target(precision: str) -> Target:
        return Target(law, predicts, clock, scale, PRECISIONS[precision], low, high)

    probe = target("bfloat16").rows(places_found.x[:2], places_found.t[:2])
    found = Subject.of(subject, ("x", "t"), (probe.x, probe.t), (law.dimension,), dtype)
    goal = target(found.precision.name)
    rows = goal.rows(places_found.x, places_found.t)
    return Examination(check, found, goal, rows, np.asarray(places_found.kind), loose, vector_causes)
