"""A proved tube along a trajectory whose growth is large: it ends next to the midpoint of two means (F1)."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np

from certflow.claims.check import Context
from certflow.claims.evidence.balls import interval_of
from certflow.claims.evidence.tubes import TUBE_DIGITS, earliest
from certflow.enclosure.tubes.tube import FlowTube, flow_tube
from certflow.errors import AccuracyWarning, IntegrationError
from certflow.process import OrnsteinUhlenbeck

#: `K d^2` up to which a tube along a trajectory that grows takes seconds at most.
MAX_GROWING_TUBE_SIZE = 500
#: Share of `t_max` below which an interval of time is not looked at in float64.
SHORTEST = Fraction(1, 10**5)


def tied_tube(context: Context) -> tuple[FlowTube, tuple[Fraction, ...], Fraction] | None:
    """A tube along a trajectory that ends next to the midpoint of two means at distance `D`, where growth is large.

    The trajectory is run towards noise in float64, which only chooses where to start the tube: its accuracy does not
    matter. None where that cannot be done: growth so fast that float64 hardly tells the times apart, or too stiff.
    """
    process = OrnsteinUhlenbeck(context.mixture, *interval_of(context))
    until, end = earliest(context), process.exact_t_max
    if end - until < end * SHORTEST:
        return None
    means = context.mixture.means
    gaps = ((means[:, None] - means[None]) ** 2).sum(-1)
    i, j = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    weights = np.log(context.mixture.weights)
    m, variance = math.exp(-until), float(context.mixture.covariances)
    v = variance * m * m - math.expm1(-2 * float(until))
    axis = means[i] - means[j]
    # (m/v) x.(mu_i - mu_j) - m^2/(2v) (|mu_i|^2 - |mu_j|^2) + log(w_i/w_j) = 0 on the line through both
    shift = -v / m * (weights[i] - weights[j]) / max(float(gaps[i, j]), 1e-300)
    tie = m * (means[i] + means[j]) / 2 + shift * axis
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        try:
            far = np.asarray(process.flow(tie, float(until), float(end), rtol=1e-12))
        except IntegrationError:
            return None
    x = tuple(Fraction(round(Fraction(float(entry)) * 10**14), 10**14) for entry in far)
    return flow_tube(process, list(x), end, until, digits=TUBE_DIGITS), x, until
