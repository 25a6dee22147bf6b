"""Why a stochastic sampler is wrong: the variance that faults of the reverse SDE make of one Gaussian.

From `t_max` down to `t_min`, `dx = (x + a s) ds + g dW` has the right law for `a = 2`, `g = sqrt 2` (and for
`a = 1 + g^2/2`, any g). With `s = -(x - m mu)/C` mean and variance of one Gaussian follow

    M' = M - a (M - m mu)/C,    V' = 2 V - 2 a V/C + g^2 .
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from certflow.numbers.arrays import Points
from certflow.testing.chance import mean_limit, variance_limits
from certflow.testing.result import Cause
from certflow.testing.sampling import Ran, Sampling, even_nodes, gaussian_moments

#: Name -> sentence, `a`, `g`.
FAULTS: dict[str, tuple[str, float, float]] = {
    "half of the score": ("its drift has the score once, where the reverse SDE has it twice", 1.0, math.sqrt(2)),
    "noise without its root of 2": ("its noise is sqrt(dt), where the reverse SDE has sqrt(2 dt)", 2.0, 1.0),
    "noise missing": ("it adds no noise to the drift of the reverse SDE", 2.0, 0.0),
    "variance for its root": ("its noise has a factor 2, where sqrt(2) is meant", 2.0, 2.0),
    "sign of the score": ("its score has the wrong sign", -2.0, math.sqrt(2)),
    "score missing": ("its drift has no score", 0.0, math.sqrt(2)),
    "the velocity as drift": ("its drift is the velocity, to which the noise is added", 1.0, 1.0),
}

_STEPS, _SEGMENTS, _SAMPLES = 2000, 256, 2000
#: Segments, numbers and rows at least by which moments of one Gaussian are measured.
FEW_AND_MANY, _NUMBERS, _FEWEST = (64, 256), 60_000, 100


def noise_causes(it: Sampling) -> tuple[Cause, ...]:
    """The fault whose mean and variance the ends have within chance and what halving the steps explains."""
    x = it.points(_SAMPLES, it.gaussian)
    coarse, fine = (it.run(x, it.nodes(count), it.gaussian) for count in (_SEGMENTS // 2, _SEGMENTS))
    if coarse.end is None or fine.end is None:
        return ()
    quantile = NormalDist().inv_cdf(1 - it.level / 2)
    found = []
    for name, (sentence, a, g) in FAULTS.items():
        mean, variance = _moments(it, a, g)
        rest = fine.end - mean
        chance = quantile * variance * math.sqrt(2 / rest.size)
        changed = abs(float(((coarse.end - mean) ** 2).mean() - (rest**2).mean()))
        gap = abs(float((rest**2).mean()) - variance) / (chance + 2 * changed)
        if gap <= 1 and np.isfinite(gap):
            found.append((gap, Cause(name, sentence)))
    return (min(found, key=lambda each: each[0])[1],) if found else _scaled(it)


def many_ends(it: Sampling, last: float) -> tuple[Points, tuple[Ran, Ran]]:
    """Many draws of the one Gaussian at `t_max`, and the runs from there to a time in few steps and in many."""
    key = f"many ends at {last!r}"
    if key not in it.kept:
        x = it.points(max(_FEWEST, _NUMBERS // it.process.mixture.dimension), it.gaussian)
        grids = (even_nodes(it.process.t_max, last, count) for count in FEW_AND_MANY)
        it.kept[key] = x, tuple(it.run(x, times, it.gaussian) for times in grids)
    found: tuple[Points, tuple[Ran, Ran]] = it.kept[key]
    return found


def _scaled(it: Sampling) -> tuple[Cause, ...]:
    """A factor c of the noise, the same at `t_min` and halfway: the variance is `V_0 + c^2 (V_1 - V_0)`."""
    low, high, factor = 0.0, math.inf, 1.0
    for last in (it.process.t_min, math.sqrt(it.process.t_min * it.process.t_max)):
        coarse, fine = (ran.end for ran in many_ends(it, last)[1])
        if coarse is None or fine is None:
            return ()
        centre, without = _moments(it, 2.0, 0.0, last)
        right = _moments(it, 2.0, math.sqrt(2), last)[1]
        variance, before = float(fine.var()), float(coarse.var())
        moved = abs(float(fine.mean() - coarse.mean()))
        if abs(float(fine.mean()) - centre) > mean_limit(fine.size, it.level) * math.sqrt(variance) + moved:
            return ()  # more than the noise is wrong
        # what an order of 1 leaves, a third of the change, is taken off; so much may be wrong in that
        limits = variance_limits(fine.size - 1, it.level)
        chance = variance * (limits[1] - limits[0]) / 2 + abs(variance - before) / 3
        variance += (variance - before) / 3
        low = max(low, (variance - chance - without) / (right - without))
        high = min(high, (variance + chance - without) / (right - without))
        if low > high or low <= 1 <= high:
            return ()
        if last == it.process.t_min:
            factor = math.sqrt(max(0.0, (variance - without) / (right - without)))
    sentence = f"its noise is scaled by a factor, about {factor:.2f}: the variance is that of {factor:.2f} sqrt(2 dt)"
    return (Cause("noise scaled", sentence),)


def _moments(it: Sampling, a: float, g: float, last_time: float | None = None) -> tuple[float, float]:
    """Mean and variance at `t_min`, or at another last time, by the midpoint rule in `log t`."""
    times = np.geomspace(it.process.t_max, it.process.t_min if last_time is None else last_time, _STEPS + 1)
    centre, variance = gaussian_moments(float(times[0]))
    for first, last in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        h, (mean, spread) = first - last, gaussian_moments((first + last) / 2)
        # each is linear with a constant coefficient over a step, solved to second order
        rate = 1 - a / spread
        forced = a * mean / spread
        centre = (centre * (1 + h * rate / 2) + h * forced) / (1 - h * rate / 2)
        variance = (variance * (1 + h * rate) + h * g * g) / (1 - h * rate)
    return centre, variance
