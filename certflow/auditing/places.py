"""Where in space a model errs, at one time: by component, next to ties, by distance, and over two coordinates.

Draws of `p_t` are put into classes; of each class the share of draws, the share of the squared error that they have,
and their quotient: 1 where the class errs as the whole does, 10 where its points err as if all had ten times the
mean squared error. Shares are empirical.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats, Points
from certflow.process import OrnsteinUhlenbeck

#: Components that a table lists one by one, those with most of the error; the others stand together.
LISTED = 8
#: Bounds of the second largest responsibility that make a point certain, doubtful, or next to a tie.
_DOUBTFUL, _TIED = 0.01, 0.25
#: Quantiles of the distance that part the classes.
_QUANTILES = (0.5, 0.9, 0.99)
#: Fields along each coordinate of the map, and the quantiles of the draws between which they lie.
FIELDS, _INSIDE = 24, (0.001, 0.999)


@dataclass(frozen=True)
class Class:
    """Some of the draws: how many, and how much of the squared error they have, both as shares of 1."""

    name: str
    draws: float
    error: float

    @property
    def factor(self) -> float:
        """Their mean squared error over that of all draws."""
        return self.error / self.draws if self.draws else 0.0

    def mapping(self) -> dict[str, Any]:
        return {"class": self.name, "draws": self.draws, "squared_error": self.error, "factor": self.factor}


@dataclass(frozen=True, eq=False)
class Map:
    """Shares of draws and of the squared error over fields of the first two coordinates, or of the only one.

    edges : of the fields along each of them; draws, error : shape (FIELDS,) or (FIELDS, FIELDS)
    """

    edges: tuple[Floats, ...]
    draws: Floats
    error: Floats

    def factor(self) -> Floats:
        """The mean squared error of the draws in each field over that of all; NaN where none is."""
        with np.errstate(invalid="ignore"):
            found: Floats = self.error / self.draws
        return found


@dataclass(frozen=True, eq=False)
class Places:
    """The classes at time `t`, by title, and the map."""

    t: float
    tables: tuple[tuple[str, tuple[Class, ...]], ...]
    map: Map

    def mapping(self) -> dict[str, Any]:
        return {"t": self.t, **{title: [row.mapping() for row in rows] for title, rows in self.tables}}


def places(process: OrnsteinUhlenbeck, x: Points, t: float, squared: Floats) -> Places:
    """x : draws of `p_t`, shape (N, d); squared : the squared error of each, shape (N,), not all 0."""
    weight = squared / squared.sum()
    gamma = process.responsibilities(x, t)
    nearest = gamma.argmax(axis=1)
    tables = [("by distance from the nearest component", _by_distance(process, x, t, weight))]
    if gamma.shape[1] > 1:
        second = np.partition(gamma, -2, axis=1)[:, -2]
        tables = [
            ("by component of largest responsibility", _by_component(nearest, gamma.shape[1], weight)),
            ("next to ties", _by_doubt(second, weight)),
            *tables,
        ]
    return Places(t, tuple(tables), _map(x[:, :2], weight))


def _by_component(nearest: Any, count: int, weight: Floats) -> tuple[Class, ...]:
    draws, error = (np.bincount(nearest, given, count) for given in (np.full(len(weight), 1 / len(weight)), weight))
    order = np.argsort(-error, kind="stable")
    listed = [Class(f"component {k}", float(draws[k]), float(error[k])) for k in order[:LISTED]]
    rest = order[LISTED:]
    if rest.size:
        listed.append(Class(f"the other {rest.size}", float(draws[rest].sum()), float(error[rest].sum())))
    return tuple(listed)


def _by_doubt(second: Floats, weight: Floats) -> tuple[Class, ...]:
    return _classes(
        (
            (f"second responsibility below {_DOUBTFUL:g}", second < _DOUBTFUL),
            (f"from {_DOUBTFUL:g} to {_TIED:g}", (second >= _DOUBTFUL) & (second < _TIED)),
            (f"{_TIED:g} and above: next to a tie", second >= _TIED),
        ),
        weight,
    )


def _by_distance(process: OrnsteinUhlenbeck, x: Points, t: float, weight: Floats) -> tuple[Class, ...]:
    far = distances(process, x, t)
    bounds = [0.0, *np.quantile(far, _QUANTILES), np.inf]
    names = [
        f"below {bounds[1]:.3g} (half of the draws)",
        *(f"{a:.3g} to {b:.3g}" for a, b in pairwise(bounds[1:-1])),
        f"{bounds[-2]:.3g} and beyond (1 in 100)",
    ]
    inside = [(far >= a) & (far < b) for a, b in pairwise(bounds)]
    return _classes(tuple(zip(names, inside, strict=True)), weight)


def distances(process: OrnsteinUhlenbeck, x: Points, t: float) -> Floats:
    """`min_k sqrt( (x - m mu_k)^T C_k^{-1} (x - m mu_k) / d )`: about 1 for a typical draw."""
    mixture, m, added = process.mixture, np.exp(-t), -np.expm1(-2 * t)
    least = np.full(len(x), np.inf)
    for mean, covariance in zip(mixture.means, mixture.covariance_matrices, strict=True):
        values, vectors = np.linalg.eigh(covariance)
        along = (x - m * mean) @ vectors
        least = np.minimum(least, (along**2 / (m**2 * values + added)).sum(axis=1))
    result: Floats = np.sqrt(least / x.shape[1])
    return result


def _classes(named: Sequence[tuple[str, Any]], weight: Floats) -> tuple[Class, ...]:
    return tuple(Class(name, float(inside.mean()), float(weight[inside].sum())) for name, inside in named)


def _map(x: Points, weight: Floats) -> Map:
    ends = [np.quantile(along, _INSIDE).tolist() for along in x.T]
    edges = tuple(np.linspace(low, high, FIELDS + 1) for low, high in ends)
    draws, error = (
        np.histogramdd(x, bins=edges, weights=given)[0] for given in (np.full(len(weight), 1 / len(weight)), weight)
    )
    return Map(edges, draws, error)
