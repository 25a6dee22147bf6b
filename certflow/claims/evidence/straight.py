"""Straight coordinates for checks: places near ties, and the flow there by two ways that no block takes (A9, E4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, arb_series, fmpq

from certflow.claims.check import Context, OutOfReach
from certflow.claims.digits import mp
from certflow.claims.hypotheses import COMMON
from certflow.law.mixture import GaussianMixture
from certflow.networks.common.law import CommonLaw
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.local_errors import LocalErrors
from certflow.networks.residual.methods import Method
from certflow.process import OrnsteinUhlenbeck

#: A step is this long over `kappa D^2/4`, and at most this part of `kappa`.
_STEP, _PART = 0.005, 1 / 32
#: Steps of the midpoint rule whose results are extrapolated; Taylor coefficients of the flow in balls.
_COLUMNS, _TERMS = (2, 4, 6, 8), 8
#: `K d` of a mixture whose blocks take seconds in balls; `K d` at all places in mpmath.
_LARGEST, _MOST = 256, 400


class AlteredBlocks(OrnsteinUhlenbeck):
    """A process whose blocks are stepped or judged wrongly: a false twin overrides one of these methods."""

    def stepped(self, method: Method) -> Method:
        """The method by which a block steps that is called one of `method`."""
        return method

    def kept(self, segments: Any) -> Any:
        """The segments of a residual network whose blocks are run."""
        return segments

    @property
    def straight(self) -> Coordinates:
        """The coordinates with their growth of errors."""
        return Coordinates.of(self)


def needs_straight_softmax(mixture: GaussianMixture) -> str | None:
    """Applicability of checks of blocks: one common isotropic variance, two different means at least."""
    other = COMMON(mixture)
    if other is None and not mixture.diameter_squared:
        return "all components are one: every block follows the flow exactly"
    if other is None and mixture.n_components * mixture.dimension > _LARGEST:
        size = f"K = {mixture.n_components}, d = {mixture.dimension}"
        return OutOfReach(f"this version checks blocks up to K d = {_LARGEST}; here {size}")
    return other


def straight(process: OrnsteinUhlenbeck) -> Coordinates:
    """The coordinates under test."""
    return process.straight if isinstance(process, AlteredBlocks) else Coordinates.of(process)


def stepped(process: OrnsteinUhlenbeck, method: Method) -> Method:
    """The method under test."""
    return process.stepped(method) if isinstance(process, AlteredBlocks) else method


def local_errors(context: Context, coordinates: Coordinates, method: Method) -> LocalErrors:
    """Bounds for all points: for two modes the sharp ones, if the profile has them for this method."""
    errors = LocalErrors.of(coordinates, method)
    return errors if method.name in context.profile.sharp_blocks else replace(errors, two_modes=None, length=None)


def step_from(coordinates: Coordinates, kappa: float) -> float:
    """The length of a step whose error a bound can tell."""
    return min(4 * _STEP / (kappa * float(coordinates.diameter) ** 2), kappa * _PART)


def places(context: Context, coordinates: Coordinates, rng: np.random.Generator) -> list[float]:
    """`2/D`, or the end next to it, where the field bends most; in a deep run others at random too."""
    first, last = (float(end.mid()) for end in coordinates.ends)
    size = coordinates.law.components * coordinates.law.dimension
    count = min(context.profile.precise_points // 16, _MOST // size)
    others = np.exp(rng.uniform(math.log(first), math.log(last), size=max(0, count - 1)))
    return [min(max(2 / float(coordinates.diameter), first), last), *others.tolist()]


def across_ties(coordinates: Coordinates, kappa: float, gains: Any, rng: np.random.Generator) -> list[list[float]]:
    """For each gain a point where the logits of two random means differ by it; 0 is on their separatrix."""
    law = coordinates.law
    pairs = [pair for pair, square in law.squared_distances.items() if square]
    weights = [float(arb(weight).log()) for weight in law.weights]
    found = []
    for gain in gains:
        i, j = pairs[int(rng.integers(len(pairs)))]
        first, second = (np.array([float(arb(entry)) for entry in law.means[k]]) for k in (i, j))
        away = (gain - weights[i] + weights[j]) / (kappa * float(arb(law.squared_distances[i, j])))
        found.append((kappa * (first + second) / 2 + away * (first - second)).tolist())
    return found


# --- in mpmath


def precise(number: Any) -> Any:
    """A rational of FLINT as an mpmath number."""
    return mp.mpf(int(number.p)) / int(number.q)


def precise_method(method: Method) -> Method:
    """The method with nodes and weights in mpmath."""
    return replace(method, nodes=tuple(map(precise, method.nodes)), weights=tuple(map(precise, method.weights)))


def precise_field(coordinates: Coordinates) -> Callable[[Any, Any], Any]:
    """`E_gamma(mu)` in mpmath from weights and means alone; points are object arrays of shape (d,)."""
    law = coordinates.law
    means = [np.array([precise(entry) for entry in mean], dtype=object) for mean in law.means]
    logs = [mp.log(precise(weight)) for weight in law.weights]
    squares = [mp.fdot(mean, mean) for mean in means]

    def field(zeta: Any, kappa: Any) -> Any:
        logits = [
            log + kappa * mp.fdot(mean, zeta) - kappa**2 * square / 2
            for log, mean, square in zip(logs, means, squares, strict=True)
        ]
        top = max(logits)
        shares = [mp.exp(logit - top) for logit in logits]
        return sum(share * mean for share, mean in zip(shares, means, strict=True)) / mp.fsum(shares)

    return field


def precise_flow(field: Callable[[Any, Any], Any], zeta: Any, kappa: Any, h: Any) -> tuple[Any, Any]:
    """The flow from `kappa` to `kappa + h` by extrapolated midpoint steps (Gragg, Bulirsch, Stoer), and its error."""
    rows: list[Any] = []
    for i, count in enumerate(_COLUMNS):
        small = h / count
        before, here = zeta, zeta + small * field(zeta, kappa)
        for k in range(1, count):
            before, here = here, before + 2 * small * field(here, kappa + k * small)
        row = [(before + here + small * field(here, kappa + h)) / 2]
        for j in range(i):
            ratio = (mp.mpf(count) / _COLUMNS[i - j - 1]) ** 2 - 1
            row.append(row[j] + (row[j] - rows[-1][j]) / ratio)
        rows.append(row)
    return rows[-1][-1], mp.norm((rows[-1][-1] - rows[-1][-2]).tolist())


# --- in balls


def ball_field(coordinates: Coordinates) -> Callable[[Any, Any], Any]:
    """`E_gamma(mu)` of object arrays of balls."""

    def field(zeta: Any, kappa: Any) -> Any:
        return np.array(_averages(coordinates.law, list(zeta), kappa), dtype=object)

    return field


def _averages(law: CommonLaw, zeta: list[Any], kappa: Any) -> list[Any]:
    """`E_gamma(mu)` of balls, or of power series with ball coefficients."""
    logits = [
        sum(value * entry for value, entry in zip(zeta, mean, strict=True)) * kappa + log - kappa * kappa * (square / 2)
        for log, mean, square in zip(law.log_weights, law.means, law.squares, strict=True)
    ]
    top = max((arb((logit[0] if isinstance(logit, arb_series) else logit).mid()) for logit in logits), key=float)
    shares = [(logit - top).exp() for logit in logits]
    total = sum(shares)
    if (total[0] if isinstance(total, arb_series) else total).contains(0):
        return [arb.nan()] * law.dimension  # balls too wide to say anything
    shares = [share / total for share in shares]
    return [sum(share * mean[i] for share, mean in zip(shares, law.means, strict=True)) for i in range(law.dimension)]


def ball_flow(coordinates: Coordinates, zeta: Any, kappa: Any, h: Any) -> Any:
    """The flow from `kappa` to `kappa + h` in balls: Taylor's formula, its last coefficient over all it may pass.

    The slope is in the hull of the means, and so the solution in `zeta + [0, h]` times the box around them. That box is
    small in the frame of `zeta - kappa o`, `o` the centre of the means: the same equation with `mu_k - o` for `mu_k`
    (proofs/A9.md).
    """
    law = _centred(coordinates.law)
    start = [value - kappa * entry for value, entry in zip(zeta, coordinates.law.centre, strict=True)]
    sides = [(min(entries), max(entries)) for entries in zip(*law.means, strict=True)]
    box = [value + arb(0).union(h) * arb(low).union(arb(high)) for value, (low, high) in zip(start, sides, strict=True)]
    inner = _series(law, start, kappa, _TERMS)
    whole = _series(law, box, kappa.union(kappa + h), _TERMS + 1)
    ends = []
    for one, other, entry in zip(inner, whole, coordinates.law.centre, strict=True):
        total = other[_TERMS + 1] * h
        for n in range(_TERMS, 0, -1):
            total = (total + one[n]) * h
        ends.append(total + one[0] + (kappa + h) * entry)
    return np.array(ends, dtype=object)


def _centred(law: CommonLaw) -> CommonLaw:
    means = tuple(tuple(a - b for a, b in zip(mean, law.centre, strict=True)) for mean in law.means)
    return replace(law, means=means, centre=(fmpq(0),) * law.dimension)


def _series(law: CommonLaw, zeta: Any, kappa: Any, order: int) -> list[Any]:
    """The Taylor series of the solution up to an order: each integral of the slope along it gives one term more."""
    found = [[arb(value)] for value in zeta]
    for n in range(order):
        points = [arb_series(terms, prec=n + 1) for terms in found]
        slope = _averages(law, points, arb_series([kappa, 1], prec=n + 1))
        for terms, series in zip(found, slope, strict=True):
            terms.append((series[n] if isinstance(series, arb_series) else series) / (n + 1))
    return found


def ball_norm(vector: Any) -> Any:
    """The Euclidean norm, a ball."""
    low, high = (
        sum((end * end for end in ends), arb(0)).sqrt()
        for ends in zip(*((value.abs_lower(), value.abs_upper()) for value in vector), strict=True)
    )
    return low.union(high)


def chained(coordinates: Coordinates, zeta: Any, nodes: Any) -> Any:
    """The flow in balls from node to node."""
    for low, high in pairwise(nodes):
        zeta = ball_flow(coordinates, zeta, arb(low), arb(high - low))
    return zeta
