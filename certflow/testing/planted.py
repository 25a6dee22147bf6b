"""Exact models with one fault planted in them: what checks of other people's code must find.

A fault changes what the model says of the OU score `s(x, t)` of a mixture, or what it is asked; the result is a
`cf.Model` like that of a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from certflow.errors import unknown
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck
from certflow.schedules.model import Model
from certflow.schedules.predictions import PREDICTIONS
from certflow.schedules.schedule import Schedule

Score = Callable[[OrnsteinUhlenbeck, Floats, Floats], Floats]


def _exact(p: OrnsteinUhlenbeck, x: Floats, t: Floats) -> Floats:
    found: Floats = p.score(x, t)
    return found


def _unnoised(p: OrnsteinUhlenbeck, x: Floats, t: Floats) -> Floats:
    """The score of the components `N(m mu_k, m^2 Sigma_k)`: the added noise is forgotten."""
    m = np.exp(-t)[:, None]
    return -(x - _posterior_mean(p, x, t)) / (m**2 * _mean_variance(p.mixture))


def _posterior_mean(p: OrnsteinUhlenbeck, x: Floats, t: Floats) -> Floats:
    found: Floats = np.exp(-t)[:, None] * (p.responsibilities(x, t) @ p.mixture.means)
    return found


def _mean_variance(mixture: GaussianMixture) -> float:
    return float(np.trace(mixture.covariance_matrices, axis1=1, axis2=2).mean() / mixture.dimension)


def _of(change: Callable[[GaussianMixture], GaussianMixture]) -> Score:
    """The exact score of another mixture."""
    return lambda p, x, t: _exact(p.of(change(p.mixture)), x, t)


def _with_weights(weights: Callable[[list[Any]], list[Any]]) -> Score:
    def change(m: GaussianMixture) -> GaussianMixture:
        shares = [w / m.weight_total for w in m.exact_weights.fractions.tolist()]
        return GaussianMixture(weights(shares), m.exact_means.fractions, m.exact_covariances.fractions)

    return _of(change)


def _with_means(factor: int | str) -> Score:
    def change(m: GaussianMixture) -> GaussianMixture:
        shares = [w / m.weight_total for w in m.exact_weights.fractions.tolist()]
        return GaussianMixture(shares, Fraction(factor) * m.exact_means.fractions, m.exact_covariances.fractions)

    return _of(change)


#: Faults by name, the mildest to look at first; "none" is no fault.
FAULTS: dict[str, Score] = {
    "none": _exact,
    "sign": lambda p, x, t: -_exact(p, x, t),
    "factor 2": lambda p, x, t: 2 * _exact(p, x, t),
    "m": lambda p, x, t: np.exp(-t)[:, None] * _exact(p, x, t),
    "1 - m for 1 - m^2": lambda p, x, t: _exact(p, x, t) * (1 + np.exp(-t))[:, None],
    "time doubled": lambda p, x, t: _exact(p, x, 2 * t),
    "time reversed": lambda p, x, t: _exact(p, x, p.t_min + p.t_max - t),
    "prior": lambda p, x, t: -x,
    "weights lost": _with_weights(lambda weights: [weights[0] * 0 + 1 / len(weights)] * len(weights)),
    "components swapped": _with_weights(lambda weights: weights[::-1]),
    "means scaled": _with_means("11/10"),
    "noise forgotten": _unnoised,
    "float32": lambda p, x, t: _exact(p, x.astype(np.float32), t.astype(np.float32)).astype(float),
}


@dataclass(frozen=True)
class PlantedModel:
    """The exact prediction of a process on a schedule, with a fault planted in its score.

    process, predicts, schedule : as `cf.Model` has them;  fault : a name of `FAULTS`

    `.model` is the `cf.Model`; the object itself is the function of `(x, tau)` that it calls, as a network would be:
    `x` of shape (N, d) in the coordinates of the schedule, `tau` of shape (N,). `repr` is code.

    Raises
    ------
    InputError : an unknown fault or prediction.

    >>> import certflow as cf
    >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> planted = cf.testing.PlantedModel(process, "epsilon", cf.schedules.edm(), "sign")
    >>> planted.model.score([0.5, 0.1], t=0.5).round(6)
    array([0.362975, 0.154599])
    """

    process: OrnsteinUhlenbeck
    predicts: str
    schedule: Schedule
    fault: str = "none"

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise unknown("fault", self.fault, FAULTS)
        if self.predicts not in PREDICTIONS:
            raise unknown("predicts", self.predicts, PREDICTIONS)

    @cached_property
    def model(self) -> Model:
        """The model, at the times of the process that the schedule has.

        Raises `InputError` where there are none.
        """
        low = max(self.process.t_min, self.schedule.t_min)
        high = min(self.process.t_max, self.schedule.t_max)
        return Model(self, self.predicts, self.schedule, t_min=low, t_max=high, arrays="numpy")

    def __call__(self, x: Any, tau: Any) -> Floats:
        """What it predicts at the user's `x` and `tau`: linear in the score (proofs/N2.md)."""
        x, tau = np.asarray(x, dtype=float), np.asarray(tau, dtype=float)
        a, b = (np.asarray(factor(tau), dtype=float)[:, None] for factor in (self.schedule.a, self.schedule.b))
        size = np.hypot(a, b)
        score = FAULTS[self.fault](self.process, x / size, np.asarray(self.schedule.ou_time(tau), dtype=float))
        noise = -b / size * score
        sample = (x - b * noise) / a
        told: dict[str, Floats] = {
            "epsilon": noise,
            "sample": sample,
            "v_prediction": a * noise - b * sample,
            "flow_prediction": noise - sample,
            "score": score / size,
        }
        return told[self.predicts]

    def __repr__(self) -> str:
        parts = f"{self.process!r}, {self.predicts!r}, {self.schedule!r}, {self.fault!r}"
        return f"cf.testing.PlantedModel({parts})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """IPython and Hypothesis show `repr`, not the fields of a dataclass."""
        printer.text(repr(self))
