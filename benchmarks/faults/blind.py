"""Twenty faults written down before any diagnosis was, for one look at what it says of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import certflow as cf
from faults.fault import Fault, modes, two_widths, uneven
from faults.plain import EDMScore, FlowScore, PlainScore, TrainingStepsScore, alphas_cumprod


def _plain(base: type[PlainScore], mixture: Any, *arguments: Any, **changed: Any) -> Any:
    """Makes a plain score with some methods changed."""
    return lambda: type("Score", (base,), changed)(mixture, *arguments)


def _network(mixture: Any, **changed: Any) -> Any:
    def make() -> Any:
        from faults.networks import TorchScore

        return type("Network", (TorchScore,), changed)(mixture)

    return make


def _all_in_float32(self: Any, x: Any, t: Any) -> Any:
    from faults.networks import TorchScore

    return TorchScore.forward(self.float(), x.float(), t).to(x.dtype)


def _softmax_over_the_batch(self: Any, logits: Any) -> Any:
    import torch

    return torch.softmax(logits, dim=0)


def _first_time_for_all(self: Any, x: Any, t: Any) -> Any:
    import torch

    from faults.networks import TorchScore

    return TorchScore.forward(self, x, torch.as_tensor(t, dtype=x.dtype).reshape(-1)[:1])


def _nearest(self: Any, x: Any, t: Any) -> Any:
    logs = self.log_shares(x, t)
    return (logs == logs.max(-1, keepdims=True)).astype(float)


def _second_slope_at_the_old_point(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        x = x + (s - t) * (velocity(x, t) + velocity(x, s)) / 2
    return x


def _history_forgotten(velocity: Any, x: Any, times: Any) -> Any:
    """Adams and Bashforth's rule of two steps, its memory emptied in every turn of the loop."""
    for t, s in pairwise(times):
        memory: list[Any] = []
        now = velocity(x, t)
        slope = now if not memory else 1.5 * now - 0.5 * memory[-1]
        memory.append(now)
        x = x + (s - t) * slope
    return x


def _third_stage_of_the_first(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times):
        h = s - t
        k1 = velocity(x, t)
        k2 = velocity(x + h / 2 * k1, t + h / 2)
        k3 = velocity(x + h / 2 * k1, t + h / 2)
        k4 = velocity(x + h * k3, s)
        x = x + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return x


def _own_times(velocity: Any, x: Any, times: Any) -> Any:
    times = np.linspace(float(times[0]), float(times[-1]), len(times))
    for t, s in pairwise(times):
        first = velocity(x, t)
        x = x + (s - t) * (first + velocity(x + (s - t) * first, s)) / 2
    return x


def _drift_twice(velocity: Any, x: Any, times: Any) -> Any:
    """Takes what it is given for the score, and adds the drift."""
    for t, s in pairwise(times):
        x = x + (s - t) * (-x + velocity(x, t))
    return x


def _first_step_skipped(velocity: Any, x: Any, times: Any) -> Any:
    for t, s in pairwise(times[1:]):
        first = velocity(x, t)
        x = x + (s - t) * (first + velocity(x + (s - t) * first, s)) / 2
    return x


FAULTS: tuple[Fault, ...] = (
    Fault(
        "data minus noise",
        "score",
        _plain(FlowScore, modes(), answer=lambda self, x, t: self.sample(x, t) - self.epsilon(x, t)),
        modes(),
        "data minus noise where noise minus data is asked",
        (r"\bsign\b", "minus the", "data minus noise"),
        {"predicts": "flow_prediction", "schedule": cf.schedules.flow_matching()},
    ),
    Fault(
        "half the score",
        "score",
        _plain(PlainScore, two_widths(), answer=lambda self, x, t: self.score(x, t) / 2),
        two_widths(),
        "it returns half the score, as the drift of another convention has it",
        ("factor", "half", r"0\.5"),
    ),
    Fault(
        "deviations for variances",
        "score",
        _plain(
            PlainScore,
            modes(),
            component_variances=lambda self, t: self.a(t) ** 2 * np.sqrt(self.variances) + self.b(t) ** 2,
        ),
        modes(),
        "the standard deviation of the data stands where its variance should",
        ("standard deviation", "root", r"sigma for", "variance of the data", "data variance", "covariances?"),
    ),
    Fault(
        "epsilon with the variance",
        "score",
        _plain(EDMScore, uneven(), answer=lambda self, x, t: -(t**2) * self.score(x, t)),
        uneven(),
        "epsilon made with sigma^2 in place of sigma",
        ("root", "variance for", "square", r"sigma\^2", r"b\^2", r"factor.*(b|sigma|noise)"),
        {"predicts": "epsilon", "schedule": cf.schedules.edm()},
    ),
    Fault(
        "point masses",
        "score",
        _plain(PlainScore, two_widths(), component_variances=lambda self, t: self.b(t) ** 2 + 0 * self.variances),
        two_widths(),
        "the variance of the data is left out: 1 - m^2 for v",
        (r"1 - m\^2 for v", "point mass", "variance of the data", "data variance", "covariances? (lost|left|ignored)"),
    ),
    Fault(
        "variance that does not shrink",
        "score",
        _plain(PlainScore, uneven(), component_variances=lambda self, t: self.variances + self.b(t) ** 2),
        uneven(),
        "m^2 is missing in m^2 Sigma + 1 - m^2",
        (r"m\^2", "shrink", "not scaled", "variance of the data", "data variance"),
    ),
    Fault(
        "means that do not shrink",
        "score",
        _plain(PlainScore, modes(), centred=lambda self, x, t: x[:, None, :] - self.means + 0 * t[:, :, None]),
        modes(),
        "m is missing before the means",
        (r"\bmeans?\b", "shrink", "m mu"),
    ),
    Fault(
        "OU time for sigma",
        "score",
        _plain(
            EDMScore, modes(), answer=lambda self, x, t: self.sample(x, t), b=lambda self, t: np.sqrt(np.expm1(2 * t))
        ),
        modes(),
        "the noise level is taken for an OU time",
        ("time conv", r"\btime\b", "clock", "tau"),
        {"predicts": "sample", "schedule": cf.schedules.edm()},
    ),
    Fault(
        "one training step off",
        "score",
        _plain(
            TrainingStepsScore,
            uneven(),
            alphas_cumprod(),
            answer=lambda self, x, t: self.epsilon(x, t),
            time=lambda self, t: t + 1,
        ),
        uneven(),
        "the index of the training step is one too high",
        ("off by one", "one step", "index", r"\btime\b", "shift"),
        {"predicts": "epsilon", "schedule": cf.schedules.from_alphas_cumprod(alphas_cumprod())},
    ),
    Fault(
        "the first time for the whole batch",
        "score",
        _network(modes(), forward=_first_time_for_all),
        modes(),
        "the time of the first row is used for every row",
        ("batch", r"first (row|time)", "rows?", "broadcast"),
    ),
    Fault(
        "no normaliser",
        "score",
        _plain(
            PlainScore,
            two_widths(),
            log_shares=lambda self, x, t: (
                np.log(self.weights) - (self.centred(x, t) ** 2).sum(-1) / (2 * self.component_variances(t))
            ),
        ),
        two_widths(),
        "the normaliser of each Gaussian, its log determinant, is left out of the responsibilities",
        ("normali[sz]", "determinant", "log det", "weights"),
    ),
    Fault(
        "variances of the wrong components",
        "score",
        _plain(
            PlainScore,
            two_widths(),
            component_variances=lambda self, t: self.a(t) ** 2 * self.variances[::-1] + self.b(t) ** 2,
        ),
        two_widths(),
        "the variances are in the reverse order of the means",
        ("swap", "order", "permut", "exchang"),
    ),
    Fault(
        "a network in single precision",
        "score",
        _network(uneven(), forward=_all_in_float32),
        uneven(),
        "float64 comes in and goes out, float32 computes",
        ("float32", "single precision"),
    ),
    Fault(
        "softmax over the batch",
        "score",
        _network(uneven(), shares=_softmax_over_the_batch),
        uneven(),
        "the softmax runs over the rows, not over the components",
        ("batch", "rows?", "axis", "softmax", "neighbour"),
    ),
    Fault(
        "second slope at the old point",
        "sampler",
        lambda: _second_slope_at_the_old_point,
        uneven(),
        "Heun without the predicted point: order 1",
        ("first order", "order 1", "predict", "stage", "second slope"),
        {"order": 2},
    ),
    Fault(
        "a history that is forgotten",
        "sampler",
        lambda: _history_forgotten,
        modes(),
        "a two-step rule whose memory is always empty: it is Euler",
        ("euler", "first order", "order 1", "history"),
        {"order": 2},
    ),
    Fault(
        "a stage that repeats another",
        "sampler",
        lambda: _third_stage_of_the_first,
        uneven(),
        "the third stage of Runge and Kutta starts from the first slope: not of order 4",
        ("order [23]", "second order", "third order", "stage"),
        {"order": 4},
    ),
    Fault(
        "times of its own",
        "sampler",
        lambda: _own_times,
        modes(),
        "the times it is given are ignored: it walks equal steps between their ends",
        ("times", "grid", "uniform", "nodes", "equal steps"),
        {"order": 2},
    ),
    Fault(
        "the drift twice",
        "sampler",
        lambda: _drift_twice,
        uneven(),
        "it takes the velocity for a score and adds the drift once more",
        ("drift", "velocity", "score"),
        {"order": 1},
    ),
    Fault(
        "the first step skipped",
        "sampler",
        lambda: _first_step_skipped,
        uneven(),
        "the loop begins one step late",
        ("first step", "skip", "one step"),
        {"order": 2},
    ),
)
