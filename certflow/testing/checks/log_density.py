"""`check_log_density`: a log-density, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.testing.causes.densities import density_causes
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.preparation import examined
from certflow.testing.examination import PARTS
from certflow.testing.precision import Posterior, Rounding
from certflow.testing.result import Result
from certflow.testing.rows import Rows
from certflow.testing.truth import Target, exact_quantity

__all__ = ["PARTS", "check_log_density", "prepare"]


def check_log_density(
    log_density: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Hold `log_density(x, t)` against `log p_t(x)` (proofs/S1.md) of a mixture.

    Parameters
    ----------
    log_density : `f(x, t)` over NumPy arrays or torch tensors, `x` (N, d), `t` (N,), result of shape (N,)
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max, dtype, rtol, max_examples, seed : as `check_score` has them

    What is allowed is what rounding in the dtype may do to right code (proofs/rounding.md).

    Raises
    ------
    CheckFailed : an `AssertionError`; the code is wrong, with a counterexample and the causes that fit.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_log_density
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> check_log_density(p.log_density, "two-modes").passed
    True
    """
    found = prepare(
        log_density,
        mixture,
        t_min=t_min,
        t_max=t_max,
        dtype=dtype,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )
    return concluded("check_log_density", [part.run(found) for part in PARTS])


class LogDensity(Target):
    """The log-density as what is right."""

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def expected(self, rows: Rows) -> Floats:
        """`log p_t(x)`, shape (N,)."""
        return exact_quantity(self.mixture, "log_density", rows.state, rows.time, self.precision)

    def tolerance(self, rows: Rows, rtol: float = 0.0) -> Floats:
        """`sum_k rho_k E_k` and the rounding of the sum (proofs/rounding.md), shape (N,)."""
        found = Posterior.of(self.mixture, rows.state, rows.time)
        rounding = Rounding.of(found, self.precision, rows.time)
        sizes = found.gaps**2 / found.low / 2 + found.fixed
        size = rounding.of_terms(sizes)
        rounded = rounding.of_terms(rounding.logits) + rounding.dropped
        return np.asarray(rounded + 4 * self.precision.unit * size + rtol * size)


#: What the parts look at; arguments and errors as `check_log_density`.
prepare = partial(examined, "check_log_density", predicts="score", kind=LogDensity, causes=density_causes)
