"""What the kinds of grid look at: a field with points of every `p_t`. Here that of a mixture, all of it exact.

`certflow.grids.model_field` has that of a model with rows of data. The kinds are written once, for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from certflow.field.components import components_at, quantity_from
from certflow.flow.reference import trajectories
from certflow.grids.options import SAMPLES, SEED
from certflow.law.noised import noised
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.floats import FloatArithmetic
from certflow.process import OrnsteinUhlenbeck

#: Half the width, in `log t`, of the central difference in time: its error is of the order of `_STEP**2`.
_STEP = 1e-4
#: Tolerance of the trajectories, relative.
_RTOL = 1e-4
#: Beyond, `e^t` times the rounding of float64 is no longer far below the errors that are compared.
_LATE = 10.0

Item = TypeVar("Item")


@dataclass(frozen=True)
class Draws:
    """Points of every `p_t` made from the same `x_0` and `z`, shape (n, d) each."""

    data: Points
    noise: Points

    def at(self, time: float) -> Points:
        """`m x_0 + sqrt(1 - m^2) z`."""
        return noised(self.data, time, self.noise)


class Field(Protocol):
    """A noised law as the kinds of grid see it; points have shape (n, d), whatever the shape of one sample.

    Attributes
    ----------
    t_min, t_max : the ends of its grids
    dimension : `d`
    data_scale : the standard deviation of a coordinate of the data, in root mean square
    named : a field and a value, by which errors call the data
    rounding : a derivative of the score, times `t`, that is no more than this is rounding
    """

    t_min: float
    t_max: float
    dimension: int
    named: tuple[str, str]

    @property
    def data_scale(self) -> float: ...

    @property
    def rounding(self) -> float: ...

    def draws(self, samples: int, seed: int) -> Draws: ...

    def score(self, x: Points, t: float) -> Points:
        """`grad log p_t(x)`."""
        ...

    def score_change(self, x: Points, t: float) -> tuple[Points, float]:
        """The change of the score at fixed `x` over a small interval of times about `t`, and its width."""
        ...

    def jacobian_sizes(self, times: Times, rate: str, samples: int, seed: int) -> tuple[Floats, Mapping[str, Any]]:
        """The typical size of `J` at the times, shape (T,), and what is to be told of how it was found."""
        ...

    def mean_square_errors(self, times: Times, samples: int, seed: int) -> Floats:
        """`E |X_0 - E[X_0|X_t]|^2`, shape (T,)."""
        ...

    def predictions(self, states: Floats, times: Times) -> tuple[Floats, Floats]:
        """`E[x_0|x]` and `E[z|x]` of states of shape (T, n, d) at the times, shape (T,); two arrays of that shape."""
        ...

    def trajectories(self, start: Points, times: Times) -> Floats:
        """`Phi_{times[0] -> times[i]}(start)`, shape (T, n, d); the first half of what its caller has to do."""
        ...

    def told(self, items: Sequence[Item], part: int = 0, parts: int = 1) -> Iterator[Item]:
        """The items, while a progress bar is told of those done, `part` of `parts` loops."""
        ...


class MixtureField:
    """The field of a mixture: exact draws, the formulas, the reference flow."""

    def __init__(self, process: OrnsteinUhlenbeck):
        self.process = process
        self.t_min, self.t_max = process.t_min, process.t_max
        self.dimension = process.mixture.dimension
        self.named = "mixture", str(process.mixture.name)
        self.rounding = 1e-9

    @property
    def data_scale(self) -> float:
        """`sqrt(tr Cov(X_0) / d)`."""
        mixture = self.process.mixture
        weights = mixture.weights / mixture.weights.sum()
        centred = mixture.means - weights @ mixture.means
        within = np.trace(mixture.covariance_matrices, axis1=1, axis2=2)
        return math.sqrt(float(weights @ (within + (centred**2).sum(axis=1))) / mixture.dimension)

    def draws(self, samples: int, seed: int) -> Draws:
        """Exact ones."""
        number, start = SAMPLES.check("samples", samples), SEED.check("seed", seed)
        data = self.process.mixture.sample(number, start)
        return Draws(data, np.random.default_rng([start, 1]).standard_normal(data.shape))

    def score(self, x: Points, t: float) -> Points:
        """`grad log p_t(x)`."""
        found: Points = self.process.score(x, t)
        return found

    def score_change(self, x: Points, t: float) -> tuple[Points, float]:
        """`s(x, t e^h) - s(x, t e^-h)` and `2 t sinh h`."""
        change = self.score(x, t * np.exp(_STEP)) - self.score(x, t * np.exp(-_STEP))
        return change, 2 * np.sinh(_STEP) * t

    def jacobian_sizes(self, times: Times, rate: str, samples: int, seed: int) -> tuple[Floats, Mapping[str, Any]]:
        """`(E ||J||_F^2)^{1/2}` or `E ||J||_2`, of whole Jacobians."""
        points = self.draws(samples, seed)
        values = []
        for time in times:
            jacobian = self.process.jacobian(points.at(time), time)
            if rate == "frobenius":
                values.append(np.sqrt((jacobian**2).sum(axis=(1, 2)).mean()))
            else:
                values.append(np.abs(np.linalg.eigvalsh(jacobian)[:, [0, -1]]).max(axis=1).mean())
        return np.array(values), {}

    def mean_square_errors(self, times: Times, samples: int, seed: int) -> Floats:
        """`((1 - m^2)/m^2) (d m^2 - (1 - m^2) E tr J)`.

        From Tweedie's formula, `Cov(X_0|X_t) = ((1 - m^2)/m^2) (I + (1 - m^2) grad s)` and `grad s = -I - J`.
        """
        points = self.draws(samples, seed)
        values = []
        for time in times:
            noise, square = -np.expm1(-2 * time), np.exp(-2 * time)
            trace = np.trace(self.process.jacobian(points.at(time), time), axis1=-2, axis2=-1).mean()
            values.append(noise / square * (self.dimension * square - noise * trace))
        return np.array(values)

    def predictions(self, states: Floats, times: Times) -> tuple[Floats, Floats]:
        """Denoiser `D = (x + (1 - m^2) s)/m` and predicted noise `-sqrt(1 - m^2) s`.

        At late times the sum cancels; there it is taken from the velocity, `x + (1 - m^2) s = -(u + m^2 s)`. Plain
        float64 without the guard of `field.guard`, as in the steps of the flow: a choice among candidates needs no last
        digits.
        """
        plain = FloatArithmetic()
        score, velocity = np.empty_like(states), np.empty_like(states)
        for i, x in enumerate(states):
            components = components_at(self.process.mixture, plain, times[i : i + 1])
            score[i] = quantity_from(components, plain, "score", x)[0]
            if times[i] > _LATE:
                velocity[i] = quantity_from(components, plain, "velocity", x)[0]
        signal, noise = np.exp(-times)[:, None, None], np.sqrt(-np.expm1(-2 * times))[:, None, None]
        data = (states + noise**2 * score) / signal
        late = times > _LATE
        data[late] = -(velocity[late] / signal[late] + signal[late] * score[late])
        return data, -noise * score

    def trajectories(self, start: Points, times: Times) -> Floats:
        """The reference flow."""
        found: Floats = trajectories(self.process, start, times, rtol=_RTOL)
        return found

    def told(self, items: Sequence[Item], part: int = 0, parts: int = 1) -> Iterator[Item]:
        """The items: on a formula all loops are short."""
        return iter(items)


def field_of(process: OrnsteinUhlenbeck | Field) -> Field:
    """The field of a mixture's process; any other as it is."""
    return MixtureField(process) if isinstance(process, OrnsteinUhlenbeck) else process
