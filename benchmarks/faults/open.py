"""Twenty faults that whoever writes a diagnosis may look at."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import certflow as cf
from faults.fault import Fault, modes, two_widths, uneven
from faults.plain import EDMScore, PlainScore, TrainingStepsScore, alphas_cumprod, euler


def _score(name: str, base: type[PlainScore], mixture: Any, cause: str, says: tuple[str, ...], **changed: Any) -> Fault:
    """A fault that is one changed method of a plain score."""
    options = changed.pop("options", {})
    return Fault(name, "score", lambda: type("Score", (base,), changed)(mixture), mixture, cause, says, options)


def _torch(changed: dict[str, Any], mixture: Any) -> Any:
    from faults.networks import TorchScore

    return type("Network", (TorchScore,), changed)(mixture)


def _last_step_skipped(velocity: Any, x: Any, times: Any) -> Any:
    for k in range(len(times) - 2):
        first = velocity(x, times[k])
        second = velocity(x + (times[k + 1] - times[k]) * first, times[k + 1])
        x = x + (times[k + 1] - times[k]) * (first + second) / 2
    return x


def _wrong_way(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        x = x + (t - s) * velocity(x, t)
    return x


def _half_the_slope(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        x = x + (s - t) * velocity(x, t) / 2
    return x


def _midpoint_at_the_start(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        x = x + (s - t) * velocity(x + (s - t) / 2 * velocity(x, t), t)
    return x


def _extrapolated_the_other_way(velocity: Any, x: Any, times: Any) -> Any:
    before = None
    for t, s in pairwise(times):
        n, n_next = np.sqrt(-np.expm1(-2 * t)), np.sqrt(-np.expm1(-2 * s))
        now = (x + n**2 * (-x - velocity(x, t))) * np.exp(t)
        h = np.log(n) + t - np.log(n_next) - s
        used = now if before is None else now - h / (2 * before[0]) * (now - before[1])
        x = n_next / n * x - np.exp(-s) * np.expm1(-h) * used
        before = h, now
    return x


FAULTS: tuple[Fault, ...] = (
    _score(
        "minus the score",
        PlainScore,
        modes(),
        "it returns minus the score",
        (r"\bsign\b", "minus the score"),
        answer=lambda self, x, t: -self.score(x, t),
    ),
    _score(
        "twice the score",
        PlainScore,
        uneven(),
        "it returns twice the score: the density of |x|^2 / v, the half forgotten",
        ("factor", "twice", r"\b2 times"),
        answer=lambda self, x, t: 2 * self.score(x, t),
    ),
    _score(
        "the noise for the score",
        PlainScore,
        uneven(),
        "it returns minus epsilon, the score times sqrt(1 - m^2)",
        ("epsilon", "minus the noise", r"sqrt\(1 - m", "root"),
        answer=lambda self, x, t: -self.epsilon(x, t),
    ),
    _score(
        "1 - m for 1 - m^2",
        PlainScore,
        uneven(),
        "the variance of the noise is 1 - m, the square forgotten",
        (r"1 - m for 1 - m", r"1 - m instead", "noise variance", "variance of the noise"),
        b=lambda self, t: np.sqrt(-np.expm1(-t)),
    ),
    _score(
        "m for 1 - m^2",
        PlainScore,
        modes(),
        "the variance of the noise is m: signal and noise levels exchanged",
        (r"\bm for 1 - m", r"\bm instead", "noise variance", "variance of the noise"),
        b=lambda self, t: np.exp(-t / 2),
    ),
    _score(
        "time runs backwards",
        PlainScore,
        modes(),
        "t = 0 is taken for the noise end: it looks at T - t, T = 3",
        ("revers", "backward", "other end", "T - t", r"t_max - t"),
        time=lambda self, t: 3.01 - t,
    ),
    _score(
        "half the time",
        PlainScore,
        uneven(),
        "the convention dx = -x/2 dt + dW: its time is 2 t",
        ("time conv", r"t ?/ ?2", "half the time", "half of", "twice the time", r"2 ?t\b", "time scale", "clock"),
        time=lambda self, t: t / 2,
    ),
    _score(
        "the point of the other scale",
        PlainScore,
        modes(),
        "it takes x for z = x / m, the variance exploding point",
        (r"scale of x", r"x ?/ ?m", r"m ?\*? ?x\b", "rescal", "variance.exploding"),
        point=lambda self, x, t: self.a(t) * x,
    ),
    _score(
        "the score of the noise",
        PlainScore,
        modes(),
        "the data are forgotten: it is -x, the score of N(0, I)",
        ("prior", r"N\(0", "standard normal", "-x"),
        answer=lambda self, x, t: -x,
    ),
    _score(
        "equal weights",
        PlainScore,
        uneven(),
        "the weights are lost: all components count alike",
        ("weights? lost", "weights (are )?(ignored|lost|equal|forgotten)", "equal weights", "uniform weights"),
        log_shares=lambda self, x, t: PlainScore.log_shares(self, x, t) - np.log(self.weights),
    ),
    _score(
        "weights of the wrong components",
        PlainScore,
        uneven(),
        "the weights are in the reverse order of the means",
        ("swap", "order", "permut", "exchang"),
        log_shares=lambda self, x, t: (
            PlainScore.log_shares(self, x, t) - np.log(self.weights) + np.log(self.weights[::-1])
        ),
    ),
    _score(
        "single precision inside",
        PlainScore,
        modes(),
        "x and t pass through float32 inside code that says float64",
        ("float32", "single precision"),
        point=lambda self, x, t: x.astype(np.float32),
        time=lambda self, t: t.astype(np.float32),
    ),
    Fault(
        "a score where the noise is asked",
        "score",
        lambda: type("Score", (EDMScore,), {"answer": lambda self, x, t: self.score(x, t)})(modes()),
        modes(),
        "it returns the score, said to be epsilon",
        ("score.*(epsilon|instead|for)", "returns the score", "prediction"),
        {"predicts": "epsilon", "schedule": cf.schedules.edm()},
    ),
    Fault(
        "epsilon where v is asked",
        "score",
        lambda: type("Score", (TrainingStepsScore,), {"answer": lambda self, x, t: self.epsilon(x, t)})(
            two_widths(), alphas_cumprod()
        ),
        two_widths(),
        "it returns epsilon, said to be the v prediction",
        ("epsilon", "prediction"),
        {"predicts": "v_prediction", "schedule": cf.schedules.from_alphas_cumprod(alphas_cumprod())},
    ),
    Fault(
        "the last step skipped",
        "sampler",
        lambda: _last_step_skipped,
        modes(),
        "the loop ends one step early",
        ("last step", "skip", "one step (early|short|less)", "stops"),
        {"order": 2},
    ),
    Fault(
        "steps the wrong way",
        "sampler",
        lambda: _wrong_way,
        modes(),
        "the sign of the step: it adds noise instead of taking it away",
        (r"\bsign\b", "wrong way", "direction", "forward"),
        {"order": 1},
    ),
    Fault(
        "half the slope",
        "sampler",
        lambda: _half_the_slope,
        uneven(),
        "each step uses half of the velocity",
        ("factor", "half", "drift"),
        {"order": 1},
    ),
    Fault(
        "Heun that is Euler",
        "sampler",
        lambda: euler,
        uneven(),
        "the correction is never reached: it is Euler",
        ("euler", "first order", "order 1"),
        {"order": 2},
    ),
    Fault(
        "midpoint at the start",
        "sampler",
        lambda: _midpoint_at_the_start,
        uneven(),
        "the second slope is taken at the time of the first: order 1",
        ("first order", "order 1", "old time", r"time of the (second|first|stage)", "stage"),
        {"order": 2},
    ),
    Fault(
        "extrapolated the other way",
        "sampler",
        lambda: _extrapolated_the_other_way,
        modes(),
        "DPM-Solver++(2M) whose extrapolation has the wrong sign: order 1",
        (r"\bsign\b", "first order", "order 1", "extrapol", "history"),
        {"order": 2},
    ),
)
