"""Why a sampler is wrong: faults put into every known solver on one Gaussian, and the one that ends where it ends.

A fault fits where its ends are those of the user's sampler to rounding, on a grid of five uneven steps. Where no known
solver with a fault is the sampler, the limit of many steps is looked at: the flow of another field, or to another time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from certflow.numbers.arrays import Points, Times
from certflow.testing.causes.steps import Made, wrong_histories, wrong_lengths, wrong_steps
from certflow.testing.result import Cause
from certflow.testing.sampling import Sampling, gaussian_flow, gaussian_velocity
from certflow.testing.solvers import (
    KNOWN_SOLVERS,
    KnownSolver,
    Velocity,
    apart,
    sigma_of,
    time_of,
)

_POINTS = 12
#: Where the five uneven steps end, as parts of the way in `log sigma`.
_PLACES = (0.0, 0.13, 0.37, 0.52, 0.81, 1.0)
#: Steps in which the limit is looked at: the field of which it is the flow, within what halving them changes.
_MANY = 64

_SHORT = float(np.finfo(np.float32).eps)
#: Between the roundings of float32 and of float64.
BETWEEN = math.sqrt(_SHORT * float(np.finfo(np.float64).eps))

#: `(x, u, m, n)` -> another field in place of `u`; `s = -x - u`, `n^2 = 1 - m^2`.
Field = Callable[[Points, Points, float, float], Points]


def _clean(x: Points, u: Points, m: float, n: float) -> Points:
    return m * (x - (n / m) ** 2 * u)


def _of_noise(x: Points, noise: Points, n: float) -> Points:
    """`u = -x + eps/n`."""
    return -x + noise / n


def _clipped(x: Points, u: Points, m: float, n: float) -> Points:
    noise = (x - m * np.clip(_clean(x, u, m, n), -1, 1)) / n
    return _of_noise(x, noise, n)


#: Name -> sentence, field.
FIELDS: dict[str, tuple[str, Field]] = {
    "sign": ("it goes against the velocity: every step has the wrong sign", lambda x, u, m, n: -u),
    "factor 2": ("it goes twice as far: a factor 2 in the step or in the velocity", lambda x, u, m, n: 2 * u),
    "factor 1/2": ("it goes half as far: a factor 1/2 in the step or in the velocity", lambda x, u, m, n: u / 2),
    "score for velocity": ("it steps along the score, not along the velocity -x - s", lambda x, u, m, n: -x - u),
    "minus the score for velocity": ("it steps along minus the score: the drift -x is lost", lambda x, u, m, n: x + u),
    "sign of the score": ("its velocity is -x + s: the score has the wrong sign", lambda x, u, m, n: -2 * x - u),
    "sign of the drift": ("its velocity is x - s: the drift has the wrong sign", lambda x, u, m, n: 2 * x + u),
    "half of the score": ("its velocity is -x - s/2: half of the score", lambda x, u, m, n: (u - x) / 2),
    "the drift of the SDE": (
        "its velocity is -x - 2 s, the drift of the reverse SDE, without the noise",
        lambda x, u, m, n: x + 2 * u,
    ),
    "the denoiser clipped": ("it clips the denoiser to [-1, 1], outside of which data lie", _clipped),
    "denoiser for noise": (
        "it takes the denoiser for the noise",
        lambda x, u, m, n: _of_noise(x, _clean(x, u, m, n), n),
    ),
    "noise for denoiser": (
        "it takes the noise for the denoiser",
        lambda x, u, m, n: _of_noise(x, (x - m * n * (x + u)) / n, n),
    ),
    "variance for its root": (
        "it divides by 1 - m^2 where its root is meant, or multiplies so",
        lambda x, u, m, n: _of_noise(x, x + u, n),
    ),
    "root for the variance": (
        "it divides by sqrt(1 - m^2) where 1 - m^2 is meant, or multiplies so",
        lambda x, u, m, n: _of_noise(x, n * n * (x + u), n),
    ),
}


def uneven_nodes(it: Sampling) -> Times:
    """Six descending OU times from `t_max` to `t_min`."""
    first, last = (math.log(sigma_of(t)) for t in (it.process.t_max, it.process.t_min))
    times = np.array([time_of(math.exp(first + place * (last - first))) for place in _PLACES])
    times[0], times[-1] = it.process.t_max, it.process.t_min
    return times


def names(it: Sampling, tolerance: float | None = None) -> list[KnownSolver]:
    """The known solvers that end where the sampler ends."""
    x, times = it.points(_POINTS, it.gaussian), uneven_nodes(it)
    ran = it.run(x, times, it.gaussian)
    if ran.end is None:
        return []
    limit = it.rounding if tolerance is None else tolerance
    ends = ((solver, solver.run(gaussian_velocity, x, times.tolist())) for solver in KNOWN_SOLVERS.values())
    return [solver for solver, end in ends if apart(ran.end, end) <= limit]


def roughness(it: Sampling) -> float:
    """How far ends are from a line at points `0`, `h` and `2h` further: `O(h^2)`, unless something short rounds them.

    Infinite where the sampler does not run.
    """
    x, times, h = it.points(_POINTS, it.gaussian), uneven_nodes(it), 2.0**-26
    first, second, third = (it.run(x + step * h, times, it.gaussian).end for step in range(3))
    if first is None or second is None or third is None:
        return math.inf
    return apart(third - second + first, second)


def causes(it: Sampling) -> tuple[Cause, ...]:
    """The likely causes; none where nothing fits."""
    if "causes" not in it.kept:
        from certflow.testing.causes.noise import noise_causes

        it.kept["causes"] = noise_causes(it) if it.stochastic else _causes(it)
    found: tuple[Cause, ...] = it.kept["causes"]
    return found


@np.errstate(all="ignore")
def _causes(it: Sampling) -> tuple[Cause, ...]:
    if known := names(it):
        return _another(it, known[0])
    if it.dtype == "float64" and roughness(it) > BETWEEN and (known := names(it, 1000 * _SHORT)):
        leak = f"it is {known[0].title} as float32 has it: somewhere its numbers are rounded to float32"
        return (Cause("float32 leak", leak),)
    x, times = it.points(_POINTS, it.gaussian), uneven_nodes(it)
    ran = it.run(x, times, it.gaussian)
    if ran.end is None:
        return ()
    for cause, make in chain(_faults(it, times), wrong_steps(), wrong_lengths(), wrong_histories()):
        try:
            end = make(gaussian_velocity, x, times.tolist())
        except (ArithmeticError, ValueError):  # a time below 0
            continue
        if apart(ran.end, end) <= it.rounding:
            return (cause,)
    return _limit(it)


def _another(it: Sampling, known: KnownSolver) -> tuple[Cause, ...]:
    """A right step, which is not the one that is meant."""
    if it.solver is not None and it.solver != known.name:
        return (Cause("another solver", f"it is {known.title}, not {KNOWN_SOLVERS[it.solver].title}"),)
    if known.order < it.order:
        missing = "a second evaluation, or the history, is not used"
        return (Cause("lower order", f"it is {known.title}, of order {known.order}: {missing}"),)
    return ()


def _faults(it: Sampling, times: Times) -> Iterator[tuple[Cause, Made]]:
    """Faults that any solver may have."""
    for solver in KNOWN_SOLVERS.values():
        ran = solver.run
        for name, (sentence, changed) in FIELDS.items():
            yield Cause(name, f"{sentence} ({solver.title} else)"), _with_field(ran, changed)
        for cause, made in _wrong_ends(it, times, ran):
            yield Cause(cause.name, f"{cause.sentence} ({solver.title} else)"), made
        for cause, start, end in _wrong_scales(times):
            yield cause, _with_times(ran, lambda t: t, start=start, end=end)
        yield (
            Cause("time reversed", f"it takes its times in rising order ({solver.title} else)"),
            _with_times(ran, lambda t: t[::-1]),
        )
        yield (
            Cause("time mirrored", f"it asks for the field at t_max + t_min - t ({solver.title} else)"),
            _mirrored(ran),
        )


def _with_field(ran: Made, changed: Field) -> Made:
    return lambda u, x, t: ran(lambda y, s: _changed(changed, u, y, s), x, t)


def _with_times(ran: Made, taken: Callable[[list[float]], list[float]], start: float = 1.0, end: float = 1.0) -> Made:
    return lambda u, x, t: end * ran(u, start * x, taken(t))


def _mirrored(ran: Made) -> Made:
    return lambda u, x, t: ran(lambda y, s: u(y, t[0] + t[-1] - s), x, t)


def _changed(changed: Field, velocity: Velocity, x: Points, t: float) -> Points:
    return changed(x, velocity(x, t), math.exp(-t), math.sqrt(-math.expm1(-2 * t)))


def _wrong_ends(it: Sampling, times: Times, ran: Made) -> Iterator[tuple[Cause, Made]]:
    """Steps left out at an end; the point is then taken for one at the other time, in `x`, in `z = x/m` or in hers."""
    first, second, before, last = (float(times[i]) for i in (0, 1, -2, -1))
    early = Cause("last step missing", "it stops one node early: the last step is never made")
    late = Cause("first step missing", "it begins at the second node: the first step is never made")
    both = Cause("both ends missing", "the first step and the last are never made")
    own = it.scales(times)
    for start, end in {
        (1.0, 1.0),
        (math.exp(first - second), math.exp(before - last)),
        (float(own[0] / own[1]), float(own[-2] / own[-1])),
    }:
        yield early, _with_times(ran, lambda t: t[:-1], end=end)
        yield late, _with_times(ran, lambda t: t[1:], start=start)
        yield both, _with_times(ran, lambda t: t[1:-1], start=start, end=end)


def _wrong_scales(times: Times) -> Iterator[tuple[Cause, float, float]]:
    """The noise multiplied or divided at the start, or the result at the end, by a scale that it has already."""
    for place, where in ((0, "start"), (-1, "end")):
        t = float(times[place])
        for title, factor in (("sigma", sigma_of(t)), ("e^t = sqrt(1 + sigma^2)", math.exp(t))):
            for verb, scale in (("multiplies", factor), ("divides", 1 / factor)):
                cause = Cause(
                    f"scale at the {where}", f"it {verb} its points by {title} at the {where}, once too often"
                )
                yield cause, *((scale, 1.0) if where == "start" else (1.0, scale))


def _limit(it: Sampling) -> tuple[Cause, ...]:
    """The field, or the end, of which the sampler with many steps is the flow."""
    x, times = it.points(_POINTS, it.gaussian), it.nodes(_MANY)
    coarse, fine = it.run(x, it.nodes(_MANY // 2), it.gaussian), it.run(x, times, it.gaussian)
    if coarse.end is None or fine.end is None:
        return ()
    explained = apart(coarse.end, fine.end)
    if explained > apart(fine.end, gaussian_flow(x, it.process.t_max, it.process.t_min)) / 4:
        return ()  # it has no other limit, or none at all
    listed = times.tolist()
    fields = [
        (Cause(name, f"{sentence} (in the limit of many steps)"), _with_field(KNOWN_SOLVERS["rk4-t"].run, changed))
        for name, (sentence, changed) in FIELDS.items()
    ]
    ends = [(apart(fine.end, made(gaussian_velocity, x, listed)), cause) for cause, made in fields]
    gap, cause = min(ends, key=lambda each: each[0])
    return (cause,) if gap <= 2 * explained else ()  # of order 1 both are the same
