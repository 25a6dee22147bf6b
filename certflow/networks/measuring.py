"""How far a constructed network is from the score, measured on draws: what its proved bound has to be above."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from certflow.field.evaluate import evaluate
from certflow.law.noised import NoisedMixture, noised
from certflow.law.spectra import smallest_variance
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.constructed import ConstructedScore
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import whole_number
from certflow.numbers.precision import ball_precision

#: Errors asked for below this are measured in Arb: rounding in float64 alone is up to 2e-12. So they are where rounding
#: is more: about so many roundings of `a |x|^2` at the data end, of which the error shall be this multiple.
FLOAT64, _ROUNDINGS, _MULTIPLE = 1e-9, 64, 100
#: Draws at each time: in float64, and in Arb, where a point takes milliseconds.
SAMPLES = {"float64": 2000, "arb": 8}
#: Bits beyond those of the error.
_SPARE = 96


@dataclass(frozen=True)
class Measured:
    """`(E |N(X_t, t) - s(X_t, t)|^p)^{1/p}` over times, by the mean over draws (the largest draw where p is infinite).

    times, errors : shape (T,); samples : draws at each time; arithmetic : "float64" or "arb"
    uncertainties : shape (T,), the standard errors of the errors (0 where p is infinite)
    share : the largest `|N - s| / (A + B |x|)` over all draws, what the arithmetic may have rounded added to the bound
    """

    times: Times
    errors: Floats
    uncertainties: Floats
    samples: int
    arithmetic: str
    share: float

    @property
    def largest(self) -> float:
        """The largest error over the times."""
        return float(self.errors.max())

    @property
    def uncertainty(self) -> float:
        """The standard error of the largest error: by so much draws of another seed may make it another number."""
        return float(self.uncertainties[self.errors.argmax()])


def measured(score: ConstructedScore, samples: int | None = None, times: int = 50, seed: int = 0) -> Measured:
    """The error of a constructed score on draws of `X_t`, at times evenly in log t, both ends of the interval included.

    In float64 where the error asked for is at least 1e-9 and far above rounding, else in Arb. It is an estimate: draws
    see nothing that is rarer than they are.

    Raises
    ------
    InputError : no numbers of samples and times.
    """
    arithmetic = arithmetic_for(score)
    count = SAMPLES[arithmetic] if samples is None else whole_number(samples, "samples", 1)
    grid = inner_times(score.process, whole_number(times, "times", 2))
    data = score.process.mixture.sample(count, seed=seed)
    normal = np.random.default_rng([whole_number(seed, "seed"), 1]).normal(size=data.shape)
    points = np.concatenate([noised(data, float(time), normal) for time in grid])
    off = differences(score, points, np.repeat(grid, count))
    rounds = float64_rounds(score) if arithmetic == "float64" else score.eps * 2.0**-_SPARE * _MULTIPLE
    share = float((off / (score.pointwise_bound(points) + rounds)).max())
    errors, uncertainties = _norm(off.reshape(len(grid), count) / score.eps, score.p_norm)
    return Measured(grid, errors * score.eps, uncertainties * score.eps, count, arithmetic, share)


def _norm(rows: Floats, p: float) -> tuple[Floats, Floats]:
    """The mean over each row in the norm of `L^p`, and its standard error."""
    top = rows.max(axis=1)
    if math.isinf(p):
        return top, np.zeros(len(rows))
    powers = (rows / np.where(top > 0, top, 1)[:, None]) ** p  # a high power of a small error is none in float64
    mean = powers.mean(axis=1)
    relative = powers.std(axis=1) / math.sqrt(powers.shape[1]) / (p * np.where(mean > 0, mean, 1))
    norm = top * mean ** (1 / p)
    return norm, norm * relative


def differences(score: ConstructedScore, x: Points, t: Times) -> Floats:
    """`|N(x, t) - s(x, t)|`, shape (N,), of points (N, d) and times (N,), in float64 or Arb as the error asks for."""
    network, mixture = ExactNetwork(score.network), score.process.mixture
    if arithmetic_for(score) == "float64":
        off = np.asarray(network(x, t) - evaluate(mixture, "score", x, t))
    else:
        with ball_precision(math.ceil(-math.log2(score.eps)) + _SPARE):
            times = np.array([arb(float(time)) for time in t], dtype=object)  # points are read as what they are
            balls = network(x, times) - evaluate(mixture, "score", x, times)
            off = np.array([[float(entry.abs_upper()) for entry in row] for row in balls])
    return np.asarray(np.linalg.norm(off / score.eps, axis=-1) * score.eps)  # 1e-200 has no square in float64


def arithmetic_for(score: ConstructedScore) -> str:
    """In what an error of this size is measured: "float64" or "arb"."""
    return "float64" if score.eps >= max(FLOAT64, _MULTIPLE * float64_rounds(score)) else "arb"


def float64_rounds(score: ConstructedScore) -> float:
    """About what float64 rounds in `N(x, t)`: so many roundings of `a |x|^2` at the data end."""
    mixture, m = score.process.mixture, math.exp(-score.process.t_min)
    a = m / (smallest_variance(mixture) * m * m - math.expm1(-2 * score.process.t_min))
    reach = float(np.linalg.norm(mixture.means, axis=1).max()) + math.sqrt(mixture.dimension)
    return float(2.0**-53 * _ROUNDINGS * a * reach**2)


def inner_times(process: NoisedMixture, count: int, kind: Any = np.float64) -> Any:
    """Times evenly in log t, numbers of a kind that are not outside the interval: there no bound of a network holds."""
    times = np.geomspace(process.t_min, process.t_max, count).astype(kind)
    while exact_number(float(times[0])) < process.exact_t_min:
        times[0] = np.nextafter(times[0], kind(np.inf))
    while exact_number(float(times[-1])) > process.exact_t_max:
        times[-1] = np.nextafter(times[-1], kind(0))
    return times
