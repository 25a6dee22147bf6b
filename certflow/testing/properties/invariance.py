"""What does not change when the law is written otherwise, turned, moved, noised first; and its limits in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Objects
from certflow.process import OrnsteinUhlenbeck
from certflow.schedules.schedule import Schedule
from certflow.testing.planted import PlantedModel
from certflow.testing.properties import transforms
from certflow.testing.properties.arguments import near_spots, spots
from certflow.testing.properties.property import Property, equal, has_bound, rounding
from certflow.testing.strategies.mixtures import mixtures
from certflow.testing.strategies.places import places
from certflow.testing.strategies.schedules import schedules
from certflow.testing.strategies.times import times

#: Cosine and sine of rational turns.
_TURNS = ((3, 4, 5), (5, 12, 13), (0, 1, 1), (-1, 0, 1), (8, -15, 17))
#: A bound that is computed from turned or moved parameters: rounding of the eigenvalues in it.
_RATE = 1e-9


def _slack(process: Any, other: Any, x: Floats, y: Floats, t: float) -> float:
    """Both sides may be off by rounding; twice, for the sum of coordinates."""
    return 2 * len(x) * (rounding(process, x, t) + rounding(other, y, t))


def _same_rates(process: Any, other: Any, t: float, inputs: dict[str, Any]) -> None:
    for name in ("lipschitz_bound", "growth_rate_bound"):
        right = float(getattr(process, name)(t))
        equal(other, inputs, getattr(other, name)(t), right, _RATE * (1 + abs(right)))


@st.composite
def _turned(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, Objects]:
    x, t = draw(near_spots(process))
    size = len(x)
    turn: Objects = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    for i in range(size - 1):
        a, b, c = draw(st.sampled_from(_TURNS))
        plane = np.array([[Fraction(a, c), Fraction(-b, c)], [Fraction(b, c), Fraction(a, c)]], dtype=object)
        turn[[i, i + 1]] = plane @ turn[[i, i + 1]]
    if draw(st.booleans()):
        turn[0] = -turn[0]
    return x, t, turn


def rotation(process: OrnsteinUhlenbeck, x: Floats, t: float, turn: Objects) -> None:
    """Of `Q X`: `p'_t(Qx) = p_t(x)`, `s'(Qx) = Q s(x)`; the rates are the same where there are any."""
    q = turn.astype(float)
    other = process.of(transforms.turned(process.mixture, turn))
    inputs, y = {"x": x, "t": t, "turn": q}, q @ x
    slack = _slack(process, other, x, y, t)
    equal(other, inputs, other.score(y, t), q @ process.score(x, t), slack)
    size = 1 + float(np.abs(process.score(x, t)).max())
    equal(other, inputs, other.log_density(y, t), process.log_density(x, t), _density(process, x, t) + slack * size)
    if has_bound(process.mixture) is None:
        _same_rates(process, other, t, inputs)


def _density(process: Any, x: Floats, t: float) -> float:
    """Rounding of a log-density: its terms are of the order of `|x - m mu|^2 / v`."""
    widths = np.linalg.eigvalsh(process.mixture.covariance_matrices)
    least = float((math.exp(-2 * t) * widths - math.expm1(-2 * t)).min())
    gap = float(np.abs(x - math.exp(-t) * process.mixture.means).max())
    return 1e-13 * (10 + len(x) * (1 + abs(math.log(least))) + len(x) * gap * (gap + float(np.abs(x).max())) / least)


@st.composite
def _moved(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, tuple[Fraction, ...]]:
    x, t = draw(near_spots(process))
    return x, t, tuple(Fraction(draw(st.integers(-20, 20)), 8) for _ in x)


def translation(process: OrnsteinUhlenbeck, x: Floats, t: float, shift: Sequence[Fraction]) -> None:
    """Of `X + a`: `p'_t(x + m a) = p_t(x)` and `s'(x + m a) = s(x)`, since the process draws to 0; the rates stay."""
    other = process.of(transforms.moved(process.mixture, np.array(shift, dtype=object)))
    y = x + math.exp(-t) * np.array(shift, dtype=float)
    inputs = {"x": x, "t": t, "shift": [float(value) for value in shift]}
    slack = _slack(process, other, x, y, t)
    equal(other, inputs, other.score(y, t), process.score(x, t), slack)
    if has_bound(process.mixture) is None:
        _same_rates(process, other, t, inputs)


@st.composite
def _orders(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, tuple[int, ...]]:
    x, t = draw(spots(process))
    return x, t, tuple(draw(st.permutations(range(process.mixture.n_components))))


def permutation(process: OrnsteinUhlenbeck, x: Floats, t: float, order: Sequence[int]) -> None:
    """Components in another order: responsibilities in that order, all else the same."""
    other = process.of(transforms.reordered(process.mixture, order))
    inputs, slack = {"x": x, "t": t, "order": order}, _slack(process, other, x, x, t)
    equal(other, inputs, other.score(x, t), process.score(x, t), slack)
    equal(other, inputs, other.responsibilities(x, t), process.responsibilities(x, t)[list(order)], 1e-10)
    if has_bound(process.mixture) is None:
        _same_rates(process, other, t, inputs)


@st.composite
def _splits(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, int, Fraction]:
    x, t = draw(spots(process))
    return x, t, draw(st.integers(0, process.mixture.n_components - 1)), Fraction(draw(st.integers(1, 9)), 10)


def splitting(process: OrnsteinUhlenbeck, x: Floats, t: float, k: int, part: Fraction) -> None:
    """One component as two: the same law, and with one covariance for all the same rates."""
    other = process.of(transforms.split(process.mixture, k, part))
    inputs, slack = {"x": x, "t": t, "component": k, "part": str(part)}, _slack(process, other, x, x, t)
    equal(other, inputs, other.score(x, t), process.score(x, t), slack)
    gamma, whole = other.responsibilities(x, t), process.responsibilities(x, t)
    equal(other, inputs, [gamma[k], gamma[-1]], [float(part) * whole[k], float(1 - part) * whole[k]], 1e-10)
    if process.mixture.kind in ("common-isotropic", "shared"):
        _same_rates(process, other, t, inputs)


@st.composite
def _products(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[GaussianMixture, Floats, Floats, float]:
    factor = draw(mixtures(max_components=2, max_dimension=2, min_variance="0.01"))
    x, t = draw(near_spots(process))
    return factor, x, draw(places(process.of(factor), t, kinds=("typical", "tie"))), t


def tensor_product(process: OrnsteinUhlenbeck, factor: GaussianMixture, x: Floats, y: Floats, t: float) -> None:
    """Of independent `(X, Y)`: log-densities add up, scores stand side by side, Jacobians in blocks."""
    second = process.of(factor)
    both = process.of(transforms.product(process.mixture, factor))
    inputs, z = {"factor": factor, "x": x, "y": y, "t": t}, np.concatenate([x, y])
    slack = _slack(process, second, x, y, t) + _slack(both, both, z, z, t)
    equal(both, inputs, both.score(z, t), np.concatenate([process.score(x, t), second.score(y, t)]), slack)
    d = len(x)
    blocks = np.zeros((len(z), len(z)))
    blocks[:d, :d], blocks[d:, d:] = process.jacobian(x, t), second.jacobian(y, t)
    steep = 1 + float(np.abs(blocks).max())
    equal(both, inputs, both.jacobian(z, t), blocks, 1e-10 * steep + slack * steep)


@st.composite
def _shifts(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats, float, float]:
    x, t = draw(near_spots(process))
    return x, t, t * draw(st.integers(1, 15)) / 16


def noised_first(process: OrnsteinUhlenbeck, x: Floats, t: float, first: float) -> None:
    """The process is Markov: what is noised for a time r, then for t - r, has the law `p_t`; scores are the same."""
    m = Fraction(math.exp(-first))
    # the float m stands for a time that is off by a unit of its rounding
    other = process.of(transforms.noised(process.mixture, m))
    rest, inputs = t - first, {"x": x, "t": t, "first": first}
    slack = _slack(process, other, x, x, t) + 8 * len(x) * rounding(other, x, rest)
    speed = 1 + float(np.abs(process.jacobian(x, t)).max()) * (1 + float(np.abs(process.score(x, t)).max()))
    slack += 1e-13 * speed * (1 + float(np.abs(x).max()) + float(np.abs(process.mixture.means).max()))
    equal(other, inputs, other.score(x, rest), process.score(x, t), slack)


@st.composite
def _clothes(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Schedule, str, Floats, float]:
    schedule = draw(schedules())
    low, high = _common(process, schedule)
    t = draw(times(min_time=low, max_time=high)) if low < high else process.t_min
    told = draw(st.sampled_from(("epsilon", "sample", "v_prediction", "flow_prediction", "score")))
    return schedule, told, draw(places(process, t, kinds=("typical", "tie"))), t


def _common(process: Any, schedule: Schedule) -> tuple[float, float]:
    """The times that both have, where the first is less than the second."""
    return max(process.t_min, schedule.t_min), min(process.t_max, schedule.t_max)


def time_change(process: OrnsteinUhlenbeck, schedule: Schedule, predicts: str, x: Floats, t: float) -> None:
    """N1, N2: `a / sqrt(a^2 + b^2) = e^{-t}` at `tau = time_at(t)`, and a model in these clothes has the same score.

    Where there are times that the schedule has.
    """
    low, high = _common(process, schedule)
    if not low < high:
        return
    tau = schedule.time_at(t)
    a, b = float(schedule.a(tau)), float(schedule.b(tau))
    inputs = {"schedule": schedule, "predicts": predicts, "x": x, "t": t}
    # a and b are known to a few units; so is sigma, and t to these times dt/dlog sigma = 1 - e^{-2t} <= 2t
    equal(
        process,
        inputs,
        [a / math.hypot(a, b), b / math.hypot(a, b)],
        [math.exp(-t), (-math.expm1(-2 * t)) ** 0.5],
        1e-9,
    )
    found = PlantedModel(process, predicts, schedule).model.score(x, t)
    speed = 1 + float(np.abs(process.jacobian(x, t)).max()) * (1 + float(np.abs(process.score(x, t)).max()))
    # sample and v_prediction lose digits where the score is a small rest: 1/n^2, 1/(m n)
    lost = 1 / -math.expm1(-2 * t) + math.exp(t)
    slack = 1e-9 * (speed + float(np.abs(x).max())) * (1 + lost)
    equal(process, inputs, found, process.score(x, t), slack)


def one_component(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """K = 1: `s = -C^{-1}(x - m mu)`, `J = C^{-1} - I`, `C = m^2 Sigma + (1 - m^2) I`, of each component alone."""
    mixture = process.mixture
    noised = math.exp(-2 * t) * mixture.covariance_matrices - math.expm1(-2 * t) * np.eye(len(x))
    for k in range(mixture.n_components):
        other = process.of(transforms.alone(mixture, k))
        gap = x - math.exp(-t) * mixture.means[k]
        condition = float(np.linalg.cond(noised[k]))
        inverse = np.linalg.inv(noised[k])
        size = 1e-14 * condition * (1 + float(np.abs(inverse).max()))
        inputs = {"component": k, "x": x, "t": t}
        slack = _slack(other, other, x, x, t) + size * (1 + float(np.abs(gap).max()))
        equal(other, inputs, other.score(x, t), -inverse @ gap, slack)
        equal(other, inputs, other.jacobian(x, t), inverse - np.eye(len(x)), 1e-11 * (1 + condition) + 64 * size)


def equal_means(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """Equal means: symmetric about `m mu`; with one covariance for all it is one component."""
    other = process.of(transforms.merged(process.mixture))
    centre = math.exp(-t) * other.mixture.means[0]
    mirror = 2 * centre - x
    inputs, slack = {"x": x, "t": t}, _slack(other, other, x, mirror, t)
    equal(other, inputs, other.score(mirror, t), -other.score(x, t), slack)
    if process.mixture.kind in ("common-isotropic", "shared"):
        single = process.of(transforms.alone(process.mixture, 0))
        equal(other, inputs, other.score(x, t), single.score(x, t), slack + _slack(single, single, x, x, t))


#: The earliest time that is asked for.
_EARLY = 1e-15


@st.composite
def _starts(draw: st.DrawFn, process: OrnsteinUhlenbeck) -> tuple[Floats]:
    return (draw(places(process, _EARLY, kinds=("typical", "tie"))),)


def early(process: OrnsteinUhlenbeck, x: Floats) -> None:
    """`t -> 0`: `log p_t(x)` tends to that of the data, `log sum_k w_k N(x; mu_k, Sigma_k)`, here at `t = 1e-15`.

    It changes at most as fast as `2 d (1 + 1/v) + 2 |x - mu| |x| / v + |x - mu|^2 (1 + 1/v) / v`, `v` the least of the
    variances.
    """
    mixture = process.mixture
    gaps = x - mixture.means
    inverse = np.linalg.inv(mixture.covariance_matrices)
    squares = np.einsum("ki,kij,kj->k", gaps, inverse, gaps)
    logs = np.log(mixture.weights) - np.linalg.slogdet(mixture.covariance_matrices)[1] / 2 - squares / 2
    right = float(np.logaddexp.reduce(logs)) - len(x) / 2 * math.log(2 * math.pi)
    steep = float(np.linalg.norm(inverse, 2, axis=(1, 2)).max())
    condition = float(np.linalg.cond(mixture.covariance_matrices).max())
    gap = float(np.linalg.norm(gaps, axis=1).max())
    size = float(np.linalg.norm(x))
    speed = 2 * len(x) * (1 + steep) + 2 * gap * size * steep + gap**2 * (1 + steep) * steep
    lost = 1e-14 * (10 + len(x) * (1 + math.log(1 + steep)) + condition * (1 + gap * (gap + size) * steep))
    equal(process, {"x": x, "t": _EARLY}, process.log_density(x, _EARLY), right, _EARLY * speed + lost)


#: The latest time.
_LATE = 40.0


def late(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """`t -> inf`: at `t = 40` the law is the standard normal one: `s = -x`, `u = 0`, rates 0, but for `m = 4e-18`."""
    size = 1 + float(np.abs(x).max()) + float(np.abs(process.mixture.means).max())
    widest = 1 + float(np.abs(process.mixture.covariance_matrices).max())
    inputs, slack = {"x": x, "t": _LATE}, 1e-15 * size * widest
    equal(process, inputs, process.score(x, _LATE), -x, slack)
    equal(process, inputs, process.velocity(x, _LATE), 0, slack)
    square = float((x**2).sum())
    equal(
        process,
        inputs,
        process.log_density(x, _LATE),
        -square / 2 - len(x) / 2 * math.log(2 * math.pi),
        1e-14 * (1 + square + len(x)) * size * widest,
    )
    if has_bound(process.mixture) is None:
        means = float(process.mixture.diameter) ** 2
        equal(
            process,
            inputs,
            process.lipschitz_bound(_LATE),
            0,
            1e-15 * (1 + means) * widest * process.mixture.n_components**2,
        )


_NARROW = {"min_variance": "0.01"}

PROPERTIES = (
    Property(
        "S2.rotation", "S2", "turned data have turned scores and the same rates", _turned, rotation, mixtures=_NARROW
    ),
    Property(
        "S2.translation", "S2", "moved data have moved scores and the same rates", _moved, translation, mixtures=_NARROW
    ),
    Property("S2.permutation", "S2", "the order of components does not matter", _orders, permutation),
    Property("S2.splitting", "S2", "a component may be split in two", _splits, splitting),
    Property(
        "S2.product",
        "S2",
        "scores of independent data stand side by side",
        _products,
        tensor_product,
        mixtures={**_NARROW, "max_dimension": 2, "max_components": 3},
        share=0.5,
    ),
    Property(
        "S1.markov",
        "S1",
        "noising twice is noising once for the sum of the times",
        _shifts,
        noised_first,
        mixtures=_NARROW,
    ),
    Property(
        "S2.one-component", "S2", "each component alone is a Gaussian", near_spots, one_component, mixtures=_NARROW
    ),
    Property("S2.equal-means", "S2", "equal means make a symmetric law", near_spots, equal_means, mixtures=_NARROW),
    Property("S1.early", "S1", "the law tends to that of the data as t tends to 0", _starts, early, mixtures=_NARROW),
    Property("S1.late", "S1", "the law tends to the standard normal one as t grows", near_spots, late),
    Property(
        "N1.time-change",
        "N1",
        "in the clothes of a schedule the score is the same",
        _clothes,
        time_change,
        mixtures=_NARROW,
    ),
)
