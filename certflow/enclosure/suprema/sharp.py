"""Sharp rates of an instance at one time, enclosed over all x, for every kind that has them (proofs/L5.md)."""

from __future__ import annotations

from typing import Any

from certflow.enclosure.suprema.common import common_rate
from certflow.enclosure.suprema.isotropic.rate import isotropic_rate
from certflow.enclosure.suprema.rate import SharpRate
from certflow.enclosure.suprema.shared import shared_rate
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

KINDS = ("one-sided", "two-sided")
_RATES = {"common-isotropic": common_rate, "shared": shared_rate, "isotropic": isotropic_rate}


def sharp_rate(
    process: OrnsteinUhlenbeck, t: Any, kind: str = "one-sided", *, gap: Any = "1e-9", seconds: float = 60.0
) -> SharpRate:
    """`lambda*(t) = sup_x lambda_max(-J(x,t))`, or with kind "two-sided" `L*(t) = sup_x ||J(x,t)||_2`, enclosed.

    Common variance: `lambda* = 1 - 1/v + (m^2/v^2) V*(r)`, `L* = max(|1/v - 1|, (m^2/v^2) V* - (1/v - 1))`,
    `V*(r) = sup_y lambda_max Cov_gamma(mu)`, `r = m^2/(2v)` (THEORY L5); the supremum is over all of `R^d`, far field
    included. The upper bound is proved by a covering (proofs/sharp.md), the lower one by evaluation in balls.

    Parameters
    ----------
    t : time > 0, exact (text, int, Fraction; a float is the binary number that it is)
    gap : relative gap `(upper - lower)/|upper|` to reach; seconds : time after which a wider enclosure is accepted

    Raises
    ------
    InputError : unknown kind, a time that is not positive, or covariances for which no sharp rate is implemented.
    """
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if kind not in KINDS:
        raise InputError("kind", kind, f"one of {', '.join(KINDS)}")
    time, wanted = exact_number(t, "t"), exact_number(gap, "gap")
    if not time > 0:
        raise InputError("t", t, "a time > 0")
    if not 0 < wanted < 1:
        raise InputError("gap", gap, "a relative gap between 0 and 1")
    if not seconds > 0:
        raise InputError("seconds", seconds, "a number of seconds > 0")
    if process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    if process.mixture.kind not in _RATES:
        raise InputError("mixture", f"{process.mixture.kind} covariances", f"covariances of kind {', '.join(_RATES)}")
    return _RATES[process.mixture.kind](process.mixture, time, kind, float(wanted), seconds)
