"""`check_score`: a score, or any prediction of a model, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

from certflow.law.mixture import GaussianMixture
from certflow.schedules.schedule import Schedule
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.preparation import examined
from certflow.testing.examination import PARTS, Examination
from certflow.testing.result import Result
from certflow.testing.truth import check_predicts

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
    check_score: 13 parts found no counterexample among 1500 points
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
    predicts: str = "score",
    **options: Any,
) -> Examination:
    """What the parts look at; arguments and errors as `check_score`."""
    return examined("check_score", subject, mixture, predicts=check_predicts(predicts), **options)
