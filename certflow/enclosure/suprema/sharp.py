"""Sharp rates of a mixture at one time, enclosed over all x, for every kind of covariance that has them (L5)."""

from __future__ import annotations

from typing import Any

from certflow.bounds.stability import RATES
from certflow.enclosure.integrals import check_effort, check_rate
from certflow.enclosure.suprema.common import common_rate
from certflow.enclosure.suprema.isotropic.rate import isotropic_rate
from certflow.enclosure.suprema.rate import SharpRate
from certflow.enclosure.suprema.shared import shared_rate
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

#: By kind of covariance.
_ENCLOSED = {"common-isotropic": common_rate, "shared": shared_rate, "isotropic": isotropic_rate}

#: Later rates are no float64 numbers, which the search works with.
_LATEST = 300


def sharp_rate(
    process: OrnsteinUhlenbeck,
    t: Any,
    rate: str = "one-sided",
    *,
    gap: Any = "1e-9",
    seconds: float = 60.0,
    kind: str | None = None,
) -> SharpRate:
    """`lambda*(t) = sup_x lambda_max(-J(x,t))`, or with rate "two-sided" `L*(t) = sup_x ||J(x,t)||_2`, enclosed.

    Common variance: `lambda* = 1 - 1/v + (m^2/v^2) V*(r)`, `L* = max(|1/v - 1|, (m^2/v^2) V* - (1/v - 1))`,
    `V*(r) = sup_y lambda_max Cov_gamma(mu)`, `r = m^2/(2v)` (L5); the supremum is over all of `R^d`, far field
    included. The upper bound is proved by a covering (proofs/sharp.md), the lower one by evaluation in balls.

    Parameters
    ----------
    t : time > 0, exact (text, int, Fraction; a float is the binary number that it is)
    rate : "one-sided" (`lambda*`) or "two-sided" (`L*`); kind : the same by its name in earlier versions
    gap : relative gap `(upper - lower)/|upper|` to reach; seconds : time after which a wider enclosure is accepted

    Raises
    ------
    InputError : unknown rate; a time, gap or seconds out of range; covariances for which no sharp rate is implemented.

    Two modes at a distance of 2 with variance 0.04 have `lambda* = 1 - 1/v + e^{-2t}/v^2`, `v = 1 - 0.96 e^{-2t}`:

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> rate = cf.enclosure.sharp_rate(p, "0.3")
    >>> print(rate.lower, rate.upper, rate.complete)
    1.3380239796481320931 1.3380239796481320932 True
    >>> print(cf.enclosure.sharp_rate(p, "2", rate="two-sided").upper)
    0.017897708988971358154
    """
    if not isinstance(process, OrnsteinUhlenbeck):
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck")
    if kind is not None:
        check_rate(kind, "kind")
        if rate not in (RATES[0], kind):
            raise InputError("kind", kind, f"the same as rate = {rate!r}, of which it is another name")
        rate = kind
    check_rate(rate)
    time = exact_number(t, "t")
    if not time > 0:
        raise InputError("t", t, "a time > 0")
    if time > _LATEST:
        raise InputError("t", t, f"a time of at most {_LATEST}, where the rate is below 1e-250")
    wanted, seconds = check_effort(gap, seconds)
    if process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    if process.mixture.kind not in _ENCLOSED:
        known = ", ".join(_ENCLOSED)
        raise InputError("mixture", f"{process.mixture.kind} covariances", f"covariances of kind {known}")
    return _ENCLOSED[process.mixture.kind](process.mixture, time, rate, float(wanted), seconds)
