"""Noise that a maker of training pairs draws of its own, held within chance: at every level, pooled, one by another."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.training_pair import drawn_causes, scatter_causes
from certflow.testing.chance import moment_limits, moments
from certflow.testing.noising import schedule_code
from certflow.testing.pairing import Pair, Pairing
from certflow.testing.result import Cause, Counterexample, Result

#: Numbers that are pooled at least: their variance is known to 2.5 % at the default level, their mean to 0.017.
_NUMBERS = 100_000


def drawn(it: Pairing, pair: Pair) -> Result:
    """At every level: the factor of the data by regression, that of the noise by what is left, both within chance."""
    a, b = it.factors_at(it.taus)
    got, limits = np.zeros((3, len(it.taus))), np.zeros((3, len(it.taus)))
    slopes, left = _regression(it, pair)
    spread = np.array([left[pair.levels == i].std() for i in range(len(it.taus))])
    quantile = NormalDist().inv_cdf(1 - it.level / (24 * len(it.taus)))  # a quarter of the level
    for i in range(len(it.taus)):
        x0 = pair.x0[pair.levels == i]
        rest = pair.x[pair.levels == i] - a[i] * x0
        got[:, i] = slopes[i], float(rest.std()), float(rest.mean())
        chance = b[i] / math.sqrt(rest.size)
        limits[:, i] = quantile * np.array([chance / (x0 - x0.mean(axis=0)).std(), chance / math.sqrt(2), chance])
        limits[:, i] += it.rounding * (1 + float(np.abs(x0).max()))
    meant = np.stack([a, b, np.zeros_like(a)])
    excess = np.abs(got - meant) / limits
    if (excess <= 1).all():
        return _pooled(it)
    which, i = map(int, np.unravel_index(int(excess.argmax()), excess.shape))
    name = ("the factor of x_0", "the deviation of x_t - a x_0", "the mean of x_t - a x_0")[which]
    message = f"{name} is {got[which, i]:.4g}, where {meant[which, i]:.4g} is meant (chance: {limits[which, i]:.2g})"
    found = Counterexample(
        f"schedule = {schedule_code(it.schedule)}",
        {"tau": float(it.taus[i]), "rows": int((pair.levels == i).sum())},
        float(got[which, i]),
        float(meant[which, i]),
        float(abs(got[which, i] - meant[which, i])),
        float(limits[which, i]),
    )
    causes = drawn_causes(it, np.abs(slopes), spread, limits[:2] * np.maximum(1, spread / b))
    if not causes and (excess[0] <= 1).all():  # the data are right, so what is wrong is in the noise
        causes = scatter_causes(pair.z.reshape(len(pair.z), -1), pair.levels, it.level)
    return it.failed("noised", message, found, causes)


def _pooled(it: Pairing) -> Result:
    """Mean and variance of `z = (x_t - a x_0)/b` over all levels, of all numbers and of each coordinate."""
    count = max(len(it.data), _NUMBERS // it.data[0].size)
    pair, wrong = it.pair(np.arange(count) % len(it.data))
    if pair is None:
        return it.failed("noised", f"of {count} rows {wrong}")
    z = pair.z.reshape(count, -1)
    a, b = it.factors_at(it.taus)
    rounding = it.rounding * (1 + float(np.abs(pair.x0).max()) * float((a / b).max()))
    got = moments(z)
    limits = moment_limits(got, count, 1.0, it.level / 4) + rounding
    gaps = np.abs(got - np.array([[0.0], [1.0]]))
    if (gaps <= limits).all():
        told = f"mean and variance of {z.size} numbers of its noise are within chance at the level {it.level:g}"
        return it.passed("noised", count, told)
    which, at = map(int, np.unravel_index(int((gaps / limits).argmax()), gaps.shape))
    name = ("mean", "variance")[which] + (f" of coordinate {at - 1}" if at else "")
    meant = float(which)
    message = f"the {name} of its noise (x_t - a x_0)/b is {got[which, at]:.4g}, where {meant:g} is meant"
    message += f" (chance: {limits[which, at]:.2g})"
    values = float(got[which, at]), meant, float(gaps[which, at]), float(limits[which, at])
    found = Counterexample(f"schedule = {schedule_code(it.schedule)}", {"rows": count, "seed": it.seed}, *values)
    return it.failed("noised", message, found, scatter_causes(z, pair.levels, it.level))


def _regression(it: Pairing, pair: Pair) -> tuple[Floats, Floats]:
    """The factor of `x_0` in `x_t` at every level, by least squares, and what is left of `x_t` without it."""
    slopes, left = np.zeros(len(it.taus)), np.zeros(pair.x.shape)
    for i in range(len(it.taus)):
        rows = pair.levels == i
        centred = pair.x0[rows] - pair.x0[rows].mean(axis=0)
        slopes[i] = (centred * (pair.x[rows] - pair.x[rows].mean(axis=0))).sum() / (centred**2).sum()
        left[rows] = pair.x[rows] - slopes[i] * pair.x0[rows]
    return slopes, left


def independent(it: Pairing) -> Result:
    """Noise says nothing of that of the next row or coordinate, and is normal (Dvoretzky, Kiefer, Wolfowitz)."""
    if it.noise != "seed":
        return it.passed("independent", 0)
    pair, wrong = it.pair()
    if pair is None:
        return it.failed("independent", wrong)
    _, left = _regression(it, pair)
    rows = left.reshape(len(left), -1)
    sizes = np.array([math.sqrt((rows[pair.levels == i] ** 2).mean()) for i in range(len(it.taus))])
    if not sizes.min() > it.rounding:
        return it.failed("independent", "there is a time at which nothing is added", None, ())
    rows = rows / sizes[pair.levels][:, None]
    if len(np.unique(np.round(rows[pair.levels == 0], 3), axis=0)) == 1:
        cause = Cause("noise reused", "all rows have the same noise")
        return it.failed("independent", "rows have the same noise", None, (cause,))
    step = len(it.taus)  # rows of one time stand so far apart
    products = (rows[:-step] * rows[step:]).reshape(-1)
    correlation = float(products.mean())
    quantile = NormalDist().inv_cdf(1 - it.level / 16)  # with the next two, half of the level
    limit = quantile / math.sqrt(products.size)
    if not abs(correlation) <= limit:
        message = f"the noise of a row and of the next of its time have correlation {correlation:.3g}"
        cause = Cause("noise reused", "rows share a part of their noise")
        return it.failed("independent", f"{message}, by chance up to {limit:.2g}", None, (cause,))
    beside = (rows[:, :-1] * rows[:, 1:]).reshape(-1)
    if beside.size and not abs(float(beside.mean())) <= (limit := quantile / math.sqrt(beside.size)):
        message = f"the noise of neighbouring coordinates has correlation {beside.mean():.3g}"
        cause = Cause("noise shared", "coordinates of a row share a part of their noise")
        return it.failed("independent", f"{message}, by chance up to {limit:.2g}", None, (cause,))
    from scipy.special import ndtr

    values = np.sort(rows.reshape(-1))
    steps = np.arange(values.size + 1) / values.size
    exact = ndtr(values)
    gap = float(max((steps[1:] - exact).max(), (exact - steps[:-1]).max()))
    limit = math.sqrt(math.log(8 / it.level) / (2 * values.size))
    if gap > limit:
        message = f"its noise is not standard normal: the distribution function is off by {gap:.3g}, chance {limit:.2g}"
        return it.failed("independent", message)
    return it.passed("independent", len(rows))
