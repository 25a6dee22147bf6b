"""Faults in the noising: factors of mean and variance, the convention of time, the scale of the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Times
from certflow.schedules.families import OrnsteinUhlenbeckTime
from certflow.schedules.schedule import Schedule
from certflow.testing.causes.code import Asked, Code, Noise
from certflow.testing.causes.fault import Fault

#: A function of the points.
Factor = Callable[[Asked], Floats]

#: What may stand for the factor `a` of a mean.
_ALPHA: tuple[tuple[str, Factor], ...] = (
    ("1 (the means are not scaled)", lambda q: 0 * q.a + 1),
    ("A^2", lambda q: q.a**2),
    ("sqrt(A)", lambda q: np.sqrt(q.a)),
    ("1/A", lambda q: 1 / q.a),
    ("B", lambda q: q.b),
    ("1 - B", lambda q: 1 - q.b),
    ("1 - t", lambda q: 1 - q.t),
)

#: What may stand for the factor `a^2` of a covariance.
_BETA: tuple[tuple[str, Factor], ...] = (
    ("1 (the covariances are not scaled)", lambda q: 0 * q.a + 1),
    ("A", lambda q: q.a),
    ("A^4", lambda q: q.a**4),
    ("0 (the covariances are lost)", lambda q: 0 * q.a),
    ("1/A^2", lambda q: q.a**-2.0),
    ("B^2", lambda q: q.b**2),
)

#: What may stand for the variance `b^2` of the noise (`1 - m^2` of the OU process).
_NU: tuple[tuple[str, Factor], ...] = (
    ("B, the standard deviation,", lambda q: q.b),
    ("1 - A", lambda q: 1 - q.a),
    ("(1 - A)^2", lambda q: (1 - q.a) ** 2),
    ("A", lambda q: q.a),
    ("A^2", lambda q: q.a**2),
    ("B^4", lambda q: q.b**4),
    ("1", lambda q: 0 * q.a + 1),
    ("0 (the noise is lost)", lambda q: 0 * q.a),
    ("2 B^2", lambda q: 2 * q.b**2),
    ("B^2 / 2", lambda q: q.b**2 / 2),
    ("1 + A^2", lambda q: 1 + q.a**2),
    ("1 - A^4", lambda q: 1 - q.a**4),
    ("t", lambda q: q.t),
    ("2 t", lambda q: 2 * q.t),
    ("t^2", lambda q: q.t**2),
    ("1 - e^{-t/2}", lambda q: -np.expm1(-q.t / 2)),
    ("sigma^2 = B^2 / A^2", lambda q: (q.b / q.a) ** 2),
    ("sigma = B / A", lambda q: q.b / q.a),
    ("-B^2", lambda q: -(q.b**2)),
)

#: What may be taken for the OU time or the time of a schedule.
_TIMES: tuple[tuple[str, str, Callable[[Times, Asked], Times]], ...] = (
    ("half", "it takes t / 2 for t: its process is noised half as fast", lambda t, q: t / 2),
    ("twice", "it takes 2 t for t: its process is noised twice as fast", lambda t, q: 2 * t),
    ("from the other end", "it takes T - t for t: its time runs from the other end", lambda t, q: q.t_max - t),
    ("from the other end", "it takes T + t_min - t for t", lambda t, q: q.t_max + q.t_min - t),
    ("from the other end", "it takes 1 - t for t: its time runs from the other end", lambda t, q: 1 - t),
    ("thousand", "it takes t / 1000 for t: its time is counted in steps", lambda t, q: t / 1000),
    ("thousand", "it takes 1000 t for t: its time is counted in steps", lambda t, q: 1000 * t),
    ("squared", "it takes t^2 for t", lambda t, q: t * t),
    ("root", "it takes sqrt(t) for t", lambda t, q: np.sqrt(t)),
    ("log", "it takes log t for t", lambda t, q: np.log(t)),
    ("exponential", "it takes e^t for t", lambda t, q: np.exp(t)),
    ("share", "it takes t / T for t", lambda t, q: t / q.t_max),
    ("first row", "the time of the first row stands for all rows", lambda t, q: 0 * t + t[:1]),
    ("last row", "the time of the last row stands for all rows", lambda t, q: 0 * t + t[-1:]),
    ("mean", "the mean of the times stands for the time of each row", lambda t, q: 0 * t + t.mean()),
    ("reversed", "the times belong to the rows in reverse order", lambda t, q: t[::-1]),
    ("ignored", "its time is always 1", lambda t, q: 0 * t + 1),
    ("ignored", "its time is always the last one", lambda t, q: 0 * t + q.t_max),
    ("ignored", "its time is always the first one", lambda t, q: 0 * t + q.t_min),
    ("ignored", "it does not depend on time: it is that of the data, at time 0", lambda t, q: 0 * t),
)

#: Smallest times at which code may stop, and jitters that it may add.
_SMALL = (1e-1, 5e-2, 2e-2, 1e-2, 5e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)


def noising_faults(schedule: Schedule, time_scale: float) -> Iterator[Fault]:
    """Every fault of the noising, simplest first."""
    for words, factor in _NU:
        yield from _placed("noise variance", f"{words} stands for B^2, the variance of the noise", factor, "nu")
    for words, factor in _ALPHA:
        yield from _placed("mean factor", f"{words} stands for A, the factor of the means", factor, "alpha")
    for words, factor in _BETA:
        yield from _placed(
            "covariance factor", f"{words} stands for A^2, the factor of the covariances", factor, "beta"
        )
    for size in _SMALL:
        yield from _placed("jitter", f"{size:g} is added to the variance", _jitter(size), "nu")
    for words, data, noise in _CONVENTIONS:
        yield Fault("other schedule", f"its noising is x = {words}", _convention(data, noise))
    yield Fault("noise and data swapped", "A and B are exchanged", lambda c, q: c.both(Noise(q.b, q.b**2, q.a**2)))
    yield from _of_time(schedule, time_scale)
    yield from _of_scale()
    for name in ("float32", "float16", "bfloat16"):
        yield _leak(name)


def _placed(name: str, sentence: str, factor: Factor, part: str) -> Iterator[Fault]:
    """A wrong factor in all places, in the components' scores only, in the responsibilities only."""

    def wrong(noise: Noise, asked: Asked) -> Noise:
        return replace(noise, **{part: factor(asked)})

    yield Fault(name, sentence, lambda c, q: c.both(wrong(c.parts, q)))
    yield Fault(name, f"{sentence} in the components' scores", lambda c, q: replace(c, parts=wrong(c.parts, q)))
    yield Fault(name, f"{sentence} in the responsibilities", lambda c, q: replace(c, shares=wrong(c.shares, q)))


def _of_time(schedule: Schedule, time_scale: float) -> Iterator[Fault]:
    """Another time than the one that was handed over, on the same schedule, and times of other schedules."""
    for name, sentence, change in _TIMES:
        whole = name in ("first row", "last row", "mean", "reversed")
        yield Fault(f"time: {name}", sentence, _retimed(schedule, time_scale, change), whole)
    for size in _SMALL[:6]:
        yield Fault(
            "time: stops early", f"it takes no time below {size:g}", _retimed(schedule, time_scale, _least(size))
        )
        yield Fault("time: shifted", f"it takes t + {size:g} for t", _retimed(schedule, time_scale, _later(size)))
    if time_scale != 1:
        yield Fault(
            "time: scale",
            "it takes the time for that of the schedule, without time_scale",
            _retimed(schedule, 1.0, _same),
        )
    for name, sentence, times in _CLOCKS:
        yield Fault(f"time: {name}", sentence, _noised(times))


def _same(t: Times, asked: Asked) -> Times:
    return t


def _least(size: float) -> Callable[[Times, Asked], Times]:
    return lambda t, asked: np.maximum(t, size)


def _later(size: float) -> Callable[[Times, Asked], Times]:
    return lambda t, asked: t + size


def _jitter(size: float) -> Factor:
    return lambda asked: asked.b**2 + size


def _scaled(factor: Factor) -> Callable[[Code, Asked], Code]:
    return lambda code, asked: replace(code, x=factor(asked)[:, None] * code.x)


def _retimed(schedule: Schedule, time_scale: float, change: Callable[[Times, Asked], Times]) -> Any:
    """The right code at other times of its own; where there are none, it says nothing."""

    def make(code: Code, asked: Asked) -> Code:
        with np.errstate(all="ignore"):
            tau = np.asarray(change(asked.tau / time_scale, asked), dtype=np.float64)
        if isinstance(schedule, OrnsteinUhlenbeckTime):  # its formulas run on into negative times, where 1 - m^2 < 0
            return code.both(Noise(np.exp(-tau), np.exp(-2 * tau), -np.expm1(-2 * tau)))
        try:
            a, b = np.asarray(schedule.a(tau)), np.asarray(schedule.b(tau))
        except InputError:
            a = b = np.full(len(tau), np.nan)
        return code.both(Noise(a, a * a, b * b))

    return make


#: Times of other conventions, as OU times; `c` is the time that was handed over.
_CLOCKS: tuple[tuple[str, str, Callable[[Asked], Times]], ...] = (
    ("not converted", "it takes its own time for the OU time", lambda q: q.tau),
    ("sigma", "it takes sigma = sqrt(e^{2t} - 1) for the OU time", lambda q: q.b / q.a),
    ("log sigma", "it takes log sigma for the OU time", lambda q: np.log(q.b / q.a)),
    ("log-SNR", "it takes log(A / B) for the OU time", lambda q: np.log(q.a / q.b)),
    ("converted twice", "it takes the OU time for sigma", lambda q: np.log1p(q.tau**2) / 2),
    (
        "of flow matching",
        "it takes the time for that of flow matching",
        lambda q: np.log1p((q.tau / (1 - q.tau)) ** 2) / 2,
    ),
)


def _noised(times: Callable[[Asked], Times]) -> Any:
    """The right code at an OU time, in the scale of its own state."""

    def make(code: Code, asked: Asked) -> Code:
        with np.errstate(all="ignore"):
            t = times(asked)
            m, n2 = np.exp(-t), -np.expm1(-2 * t)
        r2 = asked.scale**2
        return code.both(Noise(asked.scale * m, r2 * m * m, r2 * n2))

    return make


def _convention(data: Factor, noise: Factor) -> Any:
    """The right code of another schedule, asked at the state and time that were handed over."""

    def make(code: Code, asked: Asked) -> Code:
        with np.errstate(all="ignore"):
            a, b = data(asked), noise(asked)
        return code.both(Noise(a, a * a, b * b))

    return make


#: Factors of data and noise in other conventions.
_CONVENTIONS: tuple[tuple[str, Factor, Factor], ...] = (
    ("x_0 + sigma z, sigma = B / A", lambda q: 0 * q.a + 1, lambda q: q.b / q.a),
    ("x_0 + t z", lambda q: 0 * q.a + 1, lambda q: q.tau),
    ("x_0 + sqrt(t) z", lambda q: 0 * q.a + 1, lambda q: np.sqrt(q.tau)),
    ("x_0 + sqrt(2 t) z", lambda q: 0 * q.a + 1, lambda q: np.sqrt(2 * q.tau)),
    ("(1 - t) x_0 + t z", lambda q: 1 - q.tau, lambda q: q.tau),
    ("t x_0 + (1 - t) z", lambda q: q.tau, lambda q: 1 - q.tau),
    ("sqrt(1 - t) x_0 + sqrt(t) z", lambda q: np.sqrt(1 - q.tau), lambda q: np.sqrt(q.tau)),
    ("sqrt(1 - t^2) x_0 + t z", lambda q: np.sqrt(1 - q.tau**2), lambda q: q.tau),
    ("(A x_0 + B z) / (A + B)", lambda q: q.a / (q.a + q.b), lambda q: q.b / (q.a + q.b)),
    ("(A x_0 + B z) / sqrt(A^2 + B^2)", lambda q: q.a / q.scale, lambda q: q.b / q.scale),
)


def _of_scale() -> Iterator[Fault]:
    """The state in other coordinates than those of the code."""
    for words, factor in _SCALES:
        yield Fault("scale of x", f"it takes {words} for x", _scaled(factor))
    yield Fault("sign of x", "it takes -x for x", lambda c, q: replace(c, x=-c.x))
    yield Fault(
        "coordinates of x swapped",
        "it takes the coordinates of x in reverse order",
        lambda c, q: replace(c, x=c.x[:, ::-1]),
    )


_SCALES: tuple[tuple[str, Factor], ...] = (
    ("x / sqrt(A^2 + B^2)", lambda q: 1 / q.scale),
    ("sqrt(A^2 + B^2) x", lambda q: q.scale),
    ("x / A", lambda q: 1 / q.a),
    ("A x", lambda q: q.a),
    ("x / B", lambda q: 1 / q.b),
    ("B x", lambda q: q.b),
    ("e^t x, the state of EDM,", lambda q: np.exp(q.t)),
    ("2 x", lambda q: 0 * q.a + 2),
    ("x / 2", lambda q: 0 * q.a + 0.5),
)


def _leak(name: str) -> Fault:
    """Factors of the noising rounded to a shorter format."""
    from certflow.testing.precision import PRECISIONS

    rounded = PRECISIONS[name].rounded

    def make(code: Code, asked: Asked) -> Code:
        a, b = rounded(asked.a), rounded(asked.b)
        return code.both(Noise(a, a * a, b * b))

    return Fault(f"{name} factors", f"A and B are rounded to {name}", make)
