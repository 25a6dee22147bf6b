"""How local errors of a composition bound its end-to-end error (THEORY E2, E3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from certflow.errors import InputError


def gronwall_bound(process: Any, times: Sequence[float], errors: Sequence[float], rate: str = "one-sided") -> float:
    """`e_K <= sum_k eps_k exp(int_{t_K}^{t_k} rate)`: an error made at `t_k` grows by what is still to come. THEORY E3.

    Parameters
    ----------
    process : its `stability` is used
    times : `t_0 > ... > t_K`
    errors : `eps_1, ..., eps_K`, each at least the error of its segment wherever the learned path goes

    Raises
    ------
    InputError : not one error for each segment, or one that is negative or NaN. NoGlobalBound : THEORY L8.
    """
    _check(errors, len(times) - 1, "one for each segment")
    exponents = [float(process.stability(s, t, rate)) for t, s in pairwise(times)]
    return math.fsum(error * exp_or_inf(math.fsum(exponents[k:])) for k, error in enumerate(errors, 1) if error)


def law_bound(lipschitz: Sequence[float], errors: Sequence[float]) -> float:
    """`||e_K|| <= sum_k (prod_{j>k} Lip(Psi_j)) ||Psi_k - Phi_k||_{L^2(p_{t_{k-1}})}`. THEORY E2.

    lipschitz : `Lip(Psi_1), ..., Lip(Psi_K)`; errors : the norms, as many

    Raises
    ------
    InputError : different numbers of the two, or one that is negative or NaN.
    """
    _check(errors, len(lipschitz), "as many as Lipschitz constants")
    _check(lipschitz, len(errors), "as many as errors")
    return math.fsum(math.prod(lipschitz[k:]) * error for k, error in enumerate(errors, 1) if error)


def exp_or_inf(value: float) -> float:
    """`exp(value)`, infinite beyond the largest float64."""
    return math.exp(value) if value < 709 else math.inf


def _check(values: Sequence[float], count: int, what: str) -> None:
    if len(values) != count or not all(value >= 0 for value in values):
        raise InputError("errors", list(values), f"numbers >= 0, {what}")
