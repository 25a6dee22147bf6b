"""`check_velocity`: a velocity, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from typing import Any

from certflow.law.mixture import GaussianMixture
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.preparation import examined
from certflow.testing.examination import PARTS
from certflow.testing.result import Result

__all__ = ["PARTS", "check_velocity", "prepare"]


def check_velocity(
    velocity: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Hold `velocity(x, t)` against `u = -x - grad log p_t`, of the probability flow of a mixture (proofs/S3.md).

    Parameters
    ----------
    velocity : `f(x, t)` over NumPy arrays or torch tensors, `x` (N, d), `t` (N,), result of shape (N, d)
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max, dtype, rtol, max_examples, seed : as `check_score` has them

    What is allowed is what rounding in the dtype may do to right code (proofs/rounding.md).

    Raises
    ------
    CheckFailed : an `AssertionError`; the code is wrong, with a counterexample and the causes that fit.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_velocity
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> check_velocity(p.velocity, "two-modes").passed
    True
    """
    found = prepare(
        velocity,
        mixture,
        t_min=t_min,
        t_max=t_max,
        dtype=dtype,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )
    return concluded("check_velocity", [part.run(found) for part in PARTS])


#: What the parts look at; arguments and errors as `check_velocity`.
prepare = partial(examined, "check_velocity", predicts="velocity")
