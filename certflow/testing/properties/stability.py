"""Chapter F: the flow map, its stability from both sides, and that it carries the law."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from certflow.composition.propagation import exp_or_inf
from certflow.flow.reference import flow_with_derivative
from certflow.numbers.arrays import Points
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.properties.arguments import intervals, journeys
from certflow.testing.properties.property import FLOW, Arguments, Property, at_most, equal, equal_pair, has_bound, only


def _pairs(process: OrnsteinUhlenbeck) -> Arguments:
    return journeys(process, 2)


def _inputs(x: Points, s: float, t: float) -> dict[str, Any]:
    return {"x": x, "s": s, "t": t}


def _variances(process: OrnsteinUhlenbeck, *moments: float) -> list[float]:
    sigma2 = float(process.mixture.covariances)
    return [sigma2 * math.exp(-2 * r) - math.expm1(-2 * r) for r in moments]


def stretched(process: OrnsteinUhlenbeck, x: Points, s: float, t: float) -> None:
    """F1: `|Phi(x) - Phi(y)| <= exp(int_s^t lambda) |x - y|`."""
    ends = process.flow(x, t, s)
    moved, apart = (float(np.linalg.norm(pair[0] - pair[1])) for pair in (ends, x))
    factor = float(process.amplification(s, t))
    at_most(process, _inputs(x, s, t), moved, factor * apart if apart else 0.0, FLOW * (1 + np.abs(ends).max()))


def not_squeezed(process: OrnsteinUhlenbeck, x: Points, s: float, t: float) -> None:
    """F1: `|Phi(x) - Phi(y)| >= sqrt(v_s / v_t) |x - y|`, common variance."""
    ends = process.flow(x, t, s)
    moved, apart = (float(np.linalg.norm(pair[0] - pair[1])) for pair in (ends, x))
    early, late = _variances(process, s, t)
    at_most(process, _inputs(x, s, t), math.sqrt(early / late) * apart, moved, FLOW * (1 + np.abs(ends).max()))


def adds_up(process: OrnsteinUhlenbeck, s: float, t: float) -> None:
    """F1: `int_s^t = int_s^r + int_r^t` for both rates, `int lambda <= int L`, and it is the integral of the rate.

    The integral by Gauss-Legendre in `log t`, 12 nodes on each of 40 panels.
    """
    r, inputs = math.sqrt(s * t), {"s": s, "t": t}
    whole = {rate: float(process.stability(s, t, rate)) for rate in ("one-sided", "two-sided")}
    for rate, value in whole.items():
        parts = float(process.stability(s, r, rate)) + float(process.stability(r, t, rate))
        equal(process, inputs, value, parts, 1e-8 * (1 + whole["two-sided"]))
    at_most(process, inputs, whole["one-sided"], whole["two-sided"], 1e-8 * (1 + whole["two-sided"]))
    edges = np.linspace(math.log(s), math.log(t), 41)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    moments = np.exp(middle[:, None] + half[:, None] * nodes)
    integral = float((half[:, None] * weights * moments * process.growth_rate_bound(moments)).sum())
    equal(process, inputs, whole["one-sided"], integral, 1e-5 * (1 + whole["two-sided"]))


def closed_form(process: OrnsteinUhlenbeck, s: float, t: float) -> None:
    """F2: `int_s^t lambda = 1/2 log(v_s/v_t) + D^2 (m_s^2 - m_t^2) / (8 v_s v_t)`, common variance."""
    early, late = _variances(process, s, t)
    means = process.mixture.means
    square = float(((means[:, None] - means[None]) ** 2).sum(-1).max())
    spread = square * math.exp(-2 * s) * -math.expm1(-2 * (t - s)) / (8 * early * late)
    right = math.log(early / late) / 2 + spread
    equal(process, {"s": s, "t": t}, process.stability(s, t), right, 1e-11 * (1 + abs(math.log(early)) + spread))


def across(process: OrnsteinUhlenbeck, s: float, t: float) -> None:
    """F3: two equal modes: midway the flow stretches the direction between them by `exp(int_s^t lambda)`."""
    first, second = process.mixture.means
    middle, normal = math.exp(-t) * (first + second) / 2, (second - first) / np.linalg.norm(second - first)
    _, derivative = flow_with_derivative(process, middle, t, s)
    wanted = exp_or_inf(float(process.stability(s, t)))
    equal(process, {"s": s, "t": t}, np.linalg.norm(derivative @ normal), wanted, 1e-6 * (1 + wanted))


def whole_way(process: OrnsteinUhlenbeck) -> None:
    """F4: from `delta = 1e-9` to `T = 30` it is `log sigma + D^2 / (8 sigma^2)`, but for `delta lambda(0)`."""
    sigma2, means = float(process.mixture.covariances), process.mixture.means
    square = float(((means[:, None] - means[None]) ** 2).sum(-1).max())
    limit = math.log(sigma2) / 2 + square / (8 * sigma2)
    rate = 1 + 1 / sigma2 + square / (4 * sigma2**2)
    equal(process, {}, process.stability("1e-9", 30), limit, 2e-9 * rate + 1e-11 * (1 + abs(limit)))


def two_steps(process: OrnsteinUhlenbeck, x: Points, s: float, t: float) -> None:
    """`Phi_{r -> s} o Phi_{t -> r} = Phi_{t -> s}`: what the first leaves grows by `||D Phi_{r -> s}||`."""
    r = math.sqrt(s * t)
    halfway = process.flow(x, t, r)
    ends, slopes = flow_with_derivative(process, halfway, r, s)
    growth = 1 + float(np.linalg.norm(slopes, 2, axis=(1, 2)).max())
    slack = FLOW * growth * (1 + np.abs(x).max() + np.abs(ends).max())
    equal(process, _inputs(x, s, t), ends, process.flow(x, t, s), slack)


def way_back(process: OrnsteinUhlenbeck, x: Points, s: float, t: float) -> None:
    """`Phi_{s -> t} o Phi_{t -> s} = id`: what the first leaves grows by `||(D Phi)^{-1}||`."""
    ends, slopes = flow_with_derivative(process, x, t, s)
    growth = 1 + float((1 / np.linalg.svd(slopes, compute_uv=False)).max())
    slack = FLOW * growth * (1 + np.abs(x).max() + np.abs(ends).max())
    equal(process, _inputs(x, s, t), process.flow(ends, s, t), x, slack)


def carries_the_law(process: OrnsteinUhlenbeck, x: Points, s: float, t: float) -> None:
    """`p_s(Phi(x)) |det D Phi(x)| = p_t(x)`, `Phi = Phi_{t -> s}`: the flow carries `p_t` to `p_s`."""
    ends, slopes = flow_with_derivative(process, x, t, s)
    later = process.log_density(x, t)
    earlier = process.log_density(ends, s) + np.linalg.slogdet(slopes)[1]
    steep = np.abs(process.score(ends, s)).max()
    condition = float(np.linalg.cond(slopes).max())
    slack = FLOW * (1 + np.abs(later) + steep * (1 + np.abs(ends).max()) + condition)
    equal(process, _inputs(x, s, t), earlier, later, slack)


_COMMON, _PAIR = only("common-isotropic"), {"kinds": ["common-isotropic"], "min_variance": "0.04"}
_ONE_VARIANCE = {"kinds": ["common-isotropic"]}
_EASY = {"min_variance": "0.04", "max_mean": 2, "max_dimension": 2}


def _nothing(process: OrnsteinUhlenbeck) -> Arguments:
    from hypothesis import strategies as st

    return st.just(())


PROPERTIES = (
    Property(
        "F1.above",
        "F1",
        "the flow stretches no pair by more than exp int lambda",
        _pairs,
        stretched,
        has_bound,
        _EASY,
        0.25,
    ),
    Property(
        "F1.below",
        "F1",
        "the flow squeezes no pair by more than exp int (1 - 1/v)",
        _pairs,
        not_squeezed,
        _COMMON,
        {**_EASY, **_ONE_VARIANCE},
        0.25,
    ),
    Property(
        "F1.sum",
        "F1",
        "exponents add up, and are integrals of the rates",
        intervals,
        adds_up,
        has_bound,
        {"min_variance": "0.01"},
    ),
    Property("F2.closed-form", "F2", "the exponent is its closed form", intervals, closed_form, _COMMON, _ONE_VARIANCE),
    Property(
        "F3.attained",
        "F3",
        "midway between two equal modes the factor is attained",
        intervals,
        across,
        equal_pair,
        {**_PAIR, "min_components": 2, "max_components": 2, "weights": "equal", "min_distance": 1, "max_mean": 2},
        0.25,
    ),
    Property(
        "F4.limit",
        "F4",
        "the whole amplification is sigma exp(D^2/(8 sigma^2))",
        _nothing,
        whole_way,
        _COMMON,
        share=0.05,
    ),
    Property("S3.semigroup", "S3", "two steps of the flow are one", journeys, two_steps, mixtures=_EASY, share=0.25),
    Property("S3.inverse", "S3", "the flow back undoes the flow", journeys, way_back, mixtures=_EASY, share=0.25),
    Property("S3.transport", "S3", "the flow carries the law", journeys, carries_the_law, mixtures=_EASY, share=0.25),
)
