"""Where a sampler ends, beside where it should: one step, precision, factor, order, moments, law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from certflow.numbers.arrays import Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.causes.noise import FEW_AND_MANY, many_ends
from certflow.testing.causes.sampler import BETWEEN, causes, names, roughness, uneven_nodes
from certflow.testing.chance import moment_limits, moments
from certflow.testing.projections import largest_gap
from certflow.testing.result import Counterexample, Result
from certflow.testing.sampling import Ran, Sampling, gaussian_flow, gaussian_moments, gaussian_velocity
from certflow.testing.solvers import KNOWN_SOLVERS, apart

#: Points whose ends are compared, and the doublings of the grid: always the first, the last where they are short.
_POINTS, _DOUBLINGS, _FURTHER = 12, (16, 32, 64), (128, 256)
#: Segments with which a law is reached, the coarse first: what is wrong is so on the finest too.
_LAW = {False: (64, 256), True: (128, 512)}
#: The part of what changed from K to 4 K that is allowed: of an error that falls to a third the rest is at most that.
_REST = 0.5
#: Tolerance of the exact flow, far below the errors of a grid.
_RTOL = 1e-9


def one_segment(it: Sampling) -> Result:
    """`|Psi_1(x) - Phi(x)| = O(h^2)` for one step of length h: whatever is called a step of the flow has this."""
    if it.stochastic:
        return it.passed("one segment", "")
    x, end = it.points(_POINTS, it.gaussian), np.empty(0)
    middle = float(np.sqrt(it.process.t_min * it.process.t_max))
    errors = []
    for length in (1 / 16, 1 / 32):
        times = np.array([middle, middle * (1 - length)])
        ran = it.run(x, times, it.gaussian)
        if ran.end is None:
            return broken(it, "one segment", ran, x, times)
        end, exact = ran.end, gaussian_flow(x, *times.tolist())
        errors.append(apart(end, exact))
    slope = np.log2(errors[0] / errors[1]) if errors[1] > 0 else np.inf
    if errors[1] <= it.rounding or slope >= 1.5:
        return it.passed("one segment", "", 2 * len(x))
    message = f"one step of half the length has 1/{errors[0] / errors[1]:.3g} of the error, where a quarter is due"
    found = compared(it, it.gaussian, x, times, end, exact, errors[1], errors[0] / 2**1.5)
    return it.failed("one segment", message, 2 * len(x), found, causes(it))


def precision(it: Sampling) -> Result:
    """Neighbouring points: their ends are on a line, unless something shorter than float64 rounds them."""
    if it.stochastic or it.dtype != "float64":
        return it.passed("precision", "")
    x, times = it.points(_POINTS, it.gaussian), uneven_nodes(it)
    ran = it.run(x, times, it.gaussian)
    if ran.end is None:
        return broken(it, "precision", ran, x, times)
    if ran.calls.dtypes - {it.dtype}:
        message = f"it asks for the field at points in {', '.join(sorted(ran.calls.dtypes))}, handed {it.dtype}"
        return it.failed("precision", message, ran.calls.rows, None, causes(it))
    gap = roughness(it)
    if gap <= BETWEEN:
        return it.passed("precision", "", 4 * len(x))
    message = f"its ends jump by {gap:.3g} between neighbouring points, more than float64 does"
    found = Counterexample(it.code(it.gaussian, times), {"x": x[0]}, "jumps", "a smooth map", gap, BETWEEN)
    return it.failed("precision", message, 4 * len(x), found, causes(it))


def factor(it: Sampling) -> Result:
    """What one step multiplies deviations of one Gaussian by; with a solver named, that it is its step."""
    if it.stochastic:
        return it.passed("factor", "")
    known = names(it)
    told = " and ".join(solver.title for solver in known) or "no step that has a name here"
    if it.solver is None:
        return it.passed("factor", f"its step is {told}")
    meant, x = KNOWN_SOLVERS[it.solver], it.points(_POINTS, it.gaussian)
    for segments in (1, 2, 5):
        times = uneven_nodes(it)[: segments + 1]
        ran, wanted = it.run(x, times, it.gaussian), meant.run(gaussian_velocity, x, times.tolist())
        if ran.end is None:
            return broken(it, "factor", ran, x, times)
        if (gap := apart(ran.end, wanted)) > it.rounding:
            factors = [
                float((end[1] - end[0]) @ (x[1] - x[0]) / ((x[1] - x[0]) ** 2).sum()) for end in (ran.end, wanted)
            ]
            message = f"it is {told}, not {meant.title}: {segments} of its steps multiply deviations of one Gaussian by"
            message += f" {factors[0]:.6g}, not {factors[1]:.6g}"
            found = compared(it, it.gaussian, x, times, ran.end, wanted, gap, it.rounding)
            return it.failed("factor", message, ran.calls.rows, found, causes(it))
    return it.passed("factor", f"its steps are those of {meant.title}")


def order_on_gaussian(it: Sampling) -> Result:
    return _order(it, "order on one Gaussian", it.gaussian, lambda x, a, b: gaussian_flow(x, a, b))


def order_on_mixture(it: Sampling) -> Result:
    return _order(it, "order", it.process, lambda x, a, b: it.process.flow(x, a, b, rtol=_RTOL))


def _order(
    it: Sampling, part: str, process: OrnsteinUhlenbeck, flow: Callable[[Points, float, float], Points]
) -> Result:
    if it.stochastic:
        return it.passed(part, "")
    x = it.points(_POINTS, process)
    exact = flow(x, process.t_max, process.t_min)
    errors: list[float] = []
    slope, rows, end = np.inf, 0, exact
    for segments in (*_DOUBLINGS, *_FURTHER):
        if segments in _FURTHER and slope >= it.order - 0.5:
            break
        times = it.nodes(segments)
        ran = it.run(x, times, process)
        rows += ran.calls.rows
        if ran.end is None:
            return broken(it, part, ran, x, times)
        end = ran.end
        errors.append(apart(end, exact, middle=process is it.process))  # next to a separatrix one decides all
        if errors[-1] <= max(it.rounding, 100 * _RTOL):
            break
        if len(errors) > 1:
            slope = float(np.log2(errors[-2] / errors[-1]))
    if slope >= it.order - 0.5:
        return it.passed(part, "" if np.isinf(slope) else f"{part}: slope {slope:.2f}", rows)
    allowed = errors[-2] / 2 ** (it.order - 0.5)
    message = f"its error falls with slope {slope:.2f} where K doubles to {segments}, of order {it.order} at least"
    message += f" {it.order - 0.5:g} is due"
    found = compared(it, process, x, times, end, exact, errors[-1], allowed)
    return it.failed(part, message, rows, found, causes(it))


def moments_on_gaussian(it: Sampling) -> Result:
    """Mean and variance of one Gaussian, of all numbers and of each coordinate, by chance and by what 4 K changes.

    With `c sqrt(2 h)` for its noise a sampler of the reverse SDE has, at `t_min`, the variance `C (1 + (c^2 - 1) r)`:
    `r = 1.0` from 3 to 0.01. So factors of 0.95 and less, and of 1.05 and more, are seen (proofs/G6.md).
    """
    part = "variance on one Gaussian"
    if not it.stochastic:
        return it.passed(part, "")
    x, runs = many_ends(it, it.process.t_min)
    times = it.nodes(FEW_AND_MANY[-1])
    rows = sum(ran.calls.rows for ran in runs)
    ends = []
    for ran in runs:
        if ran.end is None:
            return broken(it, part, ran, x[:1], times)
        ends.append(ran.end)
    centre, variance = (float(moment) for moment in gaussian_moments(it.process.t_min))
    before, got = map(moments, ends)
    meant = np.broadcast_to([[centre], [variance]], got.shape)
    limits = moment_limits(got, len(x), variance, it.level / 2)  # the law has the other half of the level
    limits += _REST * np.abs(got - before) + it.rounding * np.abs(meant)
    gaps = np.abs(got - meant)
    if (gaps <= limits).all():
        told = f"mean and variance of one Gaussian are within chance at the level {it.level:g} of {x.size} draws"
        return it.passed(part, told, rows)
    which, at = map(int, np.unravel_index(int((gaps / limits).argmax()), gaps.shape))
    name = ("mean", "variance")[which] + (f" of coordinate {at - 1}" if at else "")
    values = tuple(float(each[which, at]) for each in (got, meant, gaps, limits))
    message = f"the {name} of its ends on one Gaussian is {values[0]:.4g}, where {values[1]:.4g} is meant; chance at"
    message += f" the level {it.level:g} and what more steps change explain {values[3]:.2g}"
    found = Counterexample(it.code(it.gaussian, times), {"samples": len(x), "seed": it.seed}, *values)
    return it.failed(part, message, rows, found, causes(it))


def law(it: Sampling) -> Result:
    x, rows, coarse = it.points(it.samples), 0, None
    level = it.level / 2 if it.stochastic else it.level  # moments on one Gaussian have the other half
    for segments in _LAW[it.stochastic]:
        times = it.nodes(segments)
        ran = it.run(x, times)
        rows += ran.calls.rows
        if ran.end is None:
            return broken(it, "law", ran, x[:1], times)
        gap = largest_gap(ran.end, it.process.mixture, it.process.t_min, level=level, seed=it.seed, before=coarse)
        coarse = ran.end
        if gap.excess <= 1:
            told = f"its law has no gap beyond chance at the level {it.level:g} of {it.samples} draws"
            return it.passed("law", told, rows)
    message = f"the {gap.what} of its ends along a direction is {gap.got:.4g}, that of p_t {gap.expected:.4g};"
    message += f" at the level {it.level:g} chance explains {gap.limit:.2g}"
    inputs = {"samples": it.samples, "seed": it.seed, "direction": gap.direction}
    found = Counterexample(it.code(it.process, times), inputs, gap.got, gap.expected, gap.error, gap.limit)
    return it.failed("law", message, rows, found, causes(it))


def compared(
    it: Sampling,
    process: OrnsteinUhlenbeck,
    x: Points,
    times: Times,
    got: Points,
    expected: Points,
    error: float,
    tolerance: float,
) -> Counterexample:
    """The point whose error is in the middle: one of those that the check speaks of, no outlier."""
    row = int(np.argsort(np.abs(got - expected).max(axis=1))[len(x) // 2])
    return Counterexample(it.code(process, times), {"x": x[row]}, got[row], expected[row], error, tolerance)


def broken(it: Sampling, part: str, ran: Ran, x: Points, times: Times, of: str = "") -> Result:
    found = Counterexample(it.code(it.process, times), {"x": x[:1]}, ran.wrong, "points at times[-1]", np.inf, 0.0)
    return it.failed(part, f"{of}{ran.wrong}", ran.calls.rows, found, causes(it))
