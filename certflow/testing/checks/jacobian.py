"""`check_jacobian`: the Jacobian of a velocity, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.testing.causes.matrices import matrix_causes
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.preparation import examined
from certflow.testing.examination import PARTS
from certflow.testing.precision import Posterior, Rounding
from certflow.testing.result import Result
from certflow.testing.rows import Rows
from certflow.testing.truth import Target, exact_quantity

__all__ = ["PARTS", "check_jacobian", "prepare"]


def check_jacobian(
    jacobian: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Hold `jacobian(x, t)` against `J = grad u = -I - grad^2 log p_t` (proofs/S4.md) of a mixture.

    Parameters
    ----------
    jacobian : `f(x, t)` over NumPy arrays or torch tensors, `x` (N, d), `t` (N,), result of shape (N, d, d)
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max, dtype, rtol, max_examples, seed : as `check_score` has them

    What is allowed is what rounding in the dtype may do to right code (proofs/rounding.md).

    Raises
    ------
    CheckFailed : an `AssertionError`; the code is wrong, with a counterexample and the causes that fit.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_jacobian
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> check_jacobian(p.jacobian, "two-modes").passed
    True
    """
    found = prepare(
        jacobian,
        mixture,
        t_min=t_min,
        t_max=t_max,
        dtype=dtype,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )
    return concluded("check_jacobian", [part.run(found) for part in PARTS])


class Jacobian(Target):
    """The Jacobian of the velocity as what is right."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.mixture.dimension, self.mixture.dimension)

    def expected(self, rows: Rows) -> Floats:
        """`J`, shape (N, d, d)."""
        return exact_quantity(self.mixture, "jacobian", rows.state, rows.time, self.precision)

    def tolerance(self, rows: Rows, rtol: float = 0.0) -> Floats:
        """Of `J = -I + sum_k gamma_k C_k^{-1} - sum_k gamma_k b_k b_k^T + s s^T`, in the Frobenius norm, shape (N,).

        proofs/rounding.md.
        """
        found = Posterior.of(self.mixture, rows.state, rows.time)
        rounding = Rounding.of(found, self.precision, rows.time)
        root, length = np.sqrt(self.mixture.dimension), np.linalg.norm(found.scores, axis=-1)
        with np.errstate(invalid="ignore", over="ignore"):
            own = root * (rounding.inverses + rounding.sums) / found.low
            own = own + 2 * length * (2 * rounding.components + rounding.sums * length) + rounding.components**2
            apart = found.scores - found.score[:, None]
            squares = np.einsum("nki,nkj->nkij", apart, apart)
            precisions = np.eye(self.mixture.dimension) / found.low[..., None, None]
            values = squares - precisions
            moved = rounding.of_mean(found, values, np.einsum("nk,nkij->nij", found.gamma, values))
            turned = rounding.of_mean(found, found.scores, found.score)
            size = root + np.einsum("nk,nk->n", found.gamma, root / found.low + length**2)
            total = rounding.of_terms(own) + moved + turned**2 + self.precision.unit * root
        return np.asarray(total + rtol * size)


#: What the parts look at; arguments and errors as `check_jacobian`.
prepare = partial(examined, "check_jacobian", predicts="velocity", kind=Jacobian, causes=matrix_causes)
