"""Steps with a fault: evaluations at the wrong place, wrong lengths, wrong histories; in every coordinate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

from certflow.numbers.arrays import Points
from certflow.testing.result import Cause
from certflow.testing.solvers import (
    Multistep,
    Slope,
    Step,
    Velocity,
    adams_bashforth,
    denoised,
    dpmpp_2m,
    euler,
    heun,
    in_log_sigma,
    in_sigma,
    in_t,
    sigma_of,
)

#: A sampler with a fault.
Made = Callable[[Velocity, Points, list[float]], Points]

#: How a step becomes a sampler.
Inside = Callable[[Step], Made]

_INSIDE: tuple[tuple[str, Inside], ...] = (("t", in_t), ("sigma", in_sigma), ("log sigma", in_log_sigma))


def _next_node(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y, c + h)


def _no_predictor(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h / 2 * (f(y, c) + f(y, c + h))


def _no_new_time(f: Slope, y: Points, c: float, h: float) -> Points:
    first = f(y, c)
    return y + h / 2 * (first + f(y + h * first, c))


def _no_half(f: Slope, y: Points, c: float, h: float) -> Points:
    first = f(y, c)
    return y + h * (first + f(y + h * first, c + h))


def _second_alone(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y + h * f(y, c), c + h)


def _middle_at_end(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y + h / 2 * f(y, c), c + h)


def _middle_at_start(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y + h / 2 * f(y, c), c)


def _middle_unmoved(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * f(y, c + h / 2)


def _divided_by_next(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * c / (c + h) * f(y, c)


def _undivided(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h * c * f(y, c)


def _divided_twice(f: Slope, y: Points, c: float, h: float) -> Points:
    return y + h / c * f(y, c)


#: Name -> sentence, step.
STEPS: dict[str, tuple[str, Step]] = {
    "the next node": ("it asks for the field at the node where the step ends, not where it begins", _next_node),
    "second evaluation at the old point": ("its second evaluation is at the point before the step", _no_predictor),
    "divided by the next node": (
        "it divides by the noise level where the step ends, not where it begins",
        _divided_by_next,
    ),
    "not divided": ("its slope is not divided by the noise level", _undivided),
    "divided twice": ("its slope is divided by the noise level twice", _divided_twice),
    "second evaluation at the old time": ("its second evaluation is at the time before the step", _no_new_time),
    "mean without 1/2": ("it adds its two evaluations and does not halve them", _no_half),
    "second evaluation alone": ("it steps by its second evaluation and forgets the first", _second_alone),
    "middle at the end": ("it evaluates at the middle point, but at the time of the end", _middle_at_end),
    "middle at the start": ("it evaluates at the middle point, but at the time of the start", _middle_at_start),
    "middle unmoved": ("it evaluates at the middle time, but at the point of the start", _middle_unmoved),
}

#: What the factor of the difference of two evaluations is in place of `1/(2 r)`, `r = h'/h`.
SHARES: dict[str, Callable[[float], float]] = {
    "r upside down": lambda r: r / 2,
    "1/r for 1/(2 r)": lambda r: 1 / r,
    "steps taken for equal": lambda r: 0.5,
    "sign of the history": lambda r: -1 / (2 * r),
}


#: Name -> sentence, lengths of all steps in place of theirs.
LENGTHS: dict[str, tuple[str, Callable[[list[float]], list[float]]]] = {
    "equal steps": ("all its steps have the mean length, whatever its times are", lambda h: [sum(h) / len(h)] * len(h)),
    "the next step's length": ("its steps have the length of the step after", lambda h: [*h[1:], h[-1]]),
    "the last step's length": ("its steps have the length of the step before", lambda h: [h[0], *h[:-1]]),
}


def wrong_lengths() -> Iterator[tuple[Cause, Made]]:
    """Euler's and Heun's steps of another length than from node to node."""
    for where, inside in _INSIDE:
        for name, (sentence, lengths) in LENGTHS.items():
            for step in (euler, heun):
                yield Cause(name, f"{sentence} (in {where})"), _with_lengths(inside, step, lengths)


def _with_lengths(inside: Inside, step: Step, lengths: Callable[[list[float]], list[float]]) -> Made:
    def run(velocity: Velocity, x: Points, times: list[float]) -> Points:
        noted: list[float] = []

        def note(f: Slope, y: Points, c: float, h: float) -> Points:
            noted.append(h)
            return y

        inside(note)(velocity, x, times)
        others = iter(lengths(noted))
        return inside(lambda f, y, c, h: step(f, y, c, next(others)))(velocity, x, times)

    return run


def _squared_ratio(velocity: Velocity, x: Points, times: list[float]) -> Points:
    z = x * math.exp(times[0])
    for a, b in pairwise(map(sigma_of, times)):
        ratio = (b / a) ** 2
        z = ratio * z + (1 - ratio) * denoised(velocity, z, a)
    return z * math.exp(-times[-1])


def _with_share(made: Multistep, share: Callable[[float], float]) -> Made:
    return lambda u, x, t: made(u, x, t, share)


def wrong_steps() -> Iterator[tuple[Cause, Made]]:
    """Steps of `STEPS` in every coordinate."""
    for where, inside in _INSIDE:
        for name, (sentence, step) in STEPS.items():
            yield Cause(name, f"{sentence} (in {where})"), inside(step)


def wrong_histories() -> Iterator[tuple[Cause, Made]]:
    """Multistep solvers with a wrong factor of their history, and with the log-SNR in place of its half."""
    for name, share in SHARES.items():
        for title, made in (
            ("DPM-Solver++(2M)", dpmpp_2m),
            ("Adams-Bashforth in sigma", adams_bashforth(in_sigma)),
            ("Adams-Bashforth in t", adams_bashforth(in_t)),
        ):
            sentence = f"it is {title} with a wrong factor of its history: {name}"
            yield Cause("history", sentence), _with_share(made, share)
    sentence = "its step takes the log-SNR, where half of it is meant: (sigma_b/sigma_a)^2 for the ratio"
    yield Cause("factor 2 in log-SNR", sentence), _squared_ratio
