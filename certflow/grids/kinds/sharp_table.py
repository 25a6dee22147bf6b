"""The sharp rate `lambda*` of an instance, tabulated (proofs/L5.md to L7)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.rates import RateCurve, log_times, rate_times
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck

#: Times at which the supremum is enclosed, and of the curve through them.
TABLE, CURVE = 49, 1025
#: Relative gap of an enclosure, and seconds after which its search has failed.
GAP, SECONDS = "1e-5", 10.0


def sharp_curve(process: OrnsteinUhlenbeck) -> RateCurve:
    """The positive part of `lambda*` from `t_min` to `t_max`; kept with the mixture.

    Common variance: `lambda* = 1 - 1/v + (m^2/v^2) V*(r)`, `r = m^2/(2v)`, where only `V*` is interpolated, by a
    monotone cubic in `log r` through enclosed values; other covariances: `lambda*` itself, in `log t`. Upper ends of
    the enclosures are used; between the tabulated times the curve is interpolated, not proved.

    Raises
    ------
    InputError : a mixture without a global bound, a search that ran out of its budget, a rate nowhere positive.
    """
    found: RateCurve = process.mixture.kept[_curve, process.exact_t_min, process.exact_t_max]
    return found


def _curve(mixture: GaussianMixture, t_min: Fraction, t_max: Fraction) -> RateCurve:
    from scipy.interpolate import PchipInterpolator

    process = OrnsteinUhlenbeck(mixture, t_min, t_max)
    times = log_times(process, CURVE)
    if process.mixture.kind == "common-isotropic":
        variance = float(process.mixture.covariances)
        grown = np.expm1(2 * times) + variance  # v/m^2 = 1/(2r)
        table = np.geomspace(grown[0], grown[-1], TABLE)
        at = np.log1p(np.maximum(table - variance, 0.0)) / 2
        at[0], at[-1] = process.t_min, process.t_max
        spread = PchipInterpolator(np.log(table), sharp_rates(process, at)[1])(np.log(np.clip(grown, *table[[0, -1]])))
        values = spread / grown**2 * np.exp(2 * times) - (1 - variance) / grown
    else:
        at = log_times(process, TABLE)
        values = PchipInterpolator(np.log(at), sharp_rates(process, at)[0])(np.log(times))
    if not (values > 0).any():
        raise InputError("rate", "sharp", "a rate that is positive somewhere on [t_min, t_max]")
    return RateCurve(times, np.maximum(values, 0.0))


def sharp_rates(process: OrnsteinUhlenbeck, times: ArrayLike) -> tuple[Floats, Floats]:
    """Upper ends of `lambda*` and, for common variance, of `V*` (else NaN) at the times; shape (T,) each.

    Raises
    ------
    InputError : covariances without a sharp rate, or a search that ran out of its budget.
    """
    from certflow.enclosure.suprema.sharp import sharp_rate

    found = []
    for time in rate_times(times):
        rate = sharp_rate(process, float(time), gap=GAP, seconds=SECONDS)
        if not rate.complete:
            raise InputError(
                "rate",
                "sharp",
                f"a mixture whose sharp rate is found within {SECONDS:g} s a time (at t = {time:.4g} it was not): "
                "take one-sided",
            )
        found.append((float(rate.upper), float("nan") if rate.spread is None else float(rate.spread[1])))
    rates, spreads = np.array(found).T
    return rates, spreads
