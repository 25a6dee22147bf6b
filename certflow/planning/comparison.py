"""The errors of a solver on several grids, measured on common points (proofs/G4.md, G5.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certflow.errors import InputError
from certflow.numbers.arrays import Times
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.error import squared_errors
from certflow.samplers.rollout import LATEST

#: Points on which grids are compared, and their seed: `relative_mse` with these two gives the same figures.
SAMPLES, SEED = 16384, 0


def check_start(process: OrnsteinUhlenbeck) -> None:
    """Raise `InputError` for a process that begins later than a solver can."""
    if process.t_max > LATEST:
        raise InputError("t_max", process.t_max, f"at most {LATEST:g} for a solver")


def measured_errors(
    process: OrnsteinUhlenbeck, grids: Mapping[Any, Times], sampler: str, samples: int = SAMPLES
) -> dict[Any, float]:
    """`E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2` of the solver on each grid, by the grid's key; the same draws `X` for all.

    Parameters
    ----------
    grids : nodes from `t_max` to `t_min` of the process, by any key
    sampler : a name of `certflow.samplers.SOLVERS`
    samples : how many draws

    Raises
    ------
    InputError : a process that begins later than a solver can.

    Examples
    --------
    >>> import certflow as cf
    >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> grids = {kind: cf.time_grid(process, 8, kind).times for kind in ("flow-matching", "stability-balanced")}
    >>> {kind: f"{error:.0e}" for kind, error in measured_errors(process, grids, "heun").items()}
    {'flow-matching': '7e-04', 'stability-balanced': '3e+01'}
    """
    check_start(process)
    errors = squared_errors(process, list(grids.values()), sampler, samples=samples, seed=SEED)
    return {key: float(found.mean()) for key, found in zip(grids, errors, strict=True)}
