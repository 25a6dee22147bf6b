"""Points where bugs hide: typical, far, ties, means and the origin, both ends of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.field.components import components_at
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import noised
from certflow.law.spectra import variance_extremes
from certflow.numbers.arrays import Flags, Floats, Points, Times
from certflow.numbers.floats import FLOATS

#: Kinds of places, in the order in which a check looks at them.
KINDS = ("typical points", "ends of time", "component means and the origin", "ties", "far points")

#: So many random points where a check is not told otherwise.
DEFAULT_EXAMPLES = 256

#: More are not asked for.
MOST_EXAMPLES = 1_000_000

#: Random points of each other kind for every so many typical ones.
_SHARE = 8

#: Pairs of components whose ties are looked at, closest first.
_PAIRS = 16


@dataclass(frozen=True)
class Places:
    """N points in OU coordinates with their times: `x` (N, d), `t` (N,), `kind` (N,), an index into `KINDS`."""

    x: Points
    t: Times
    kind: Floats

    def of(self, name: str) -> Flags:
        """Which rows are of a kind."""
        found: Flags = self.kind == KINDS.index(name)
        return found


def places(mixture: GaussianMixture, t_min: float, t_max: float, count: int, seed: int) -> Places:
    """`count` typical points, evenly spread in log t, and a few of every other kind; the same for the same seed."""
    rng = np.random.default_rng(seed)
    few = max(1, count // _SHARE)
    groups = [
        _typical(mixture, _times(rng, t_min, t_max, count), rng),
        _typical(mixture, np.tile([t_min, t_max], few), rng),
        _special(mixture, t_min, t_max, few),
        _ties(mixture, _times(rng, t_min, t_max, 2 * few), rng),
        _far(mixture, _times(rng, t_min, t_max, few), rng),
    ]
    kinds = [np.full(len(t), i) for i, (_, t) in enumerate(groups)]
    return Places(np.concatenate([x for x, _ in groups]), np.concatenate([t for _, t in groups]), np.concatenate(kinds))


def _times(rng: np.random.Generator, low: float, high: float, count: int) -> Times:
    """Geometric between the ends, one in each of `count` steps."""
    steps = (np.arange(count) + rng.random(count)) / max(count, 1)
    return np.asarray(low * (high / low) ** steps)


def _typical(mixture: GaussianMixture, t: Times, rng: np.random.Generator) -> tuple[Points, Times]:
    data = mixture.sample(len(t), int(rng.integers(2**31)))
    normal = rng.standard_normal(data.shape)
    rows = [noised(one, float(time), z) for one, time, z in zip(data, t, normal, strict=True)]
    return np.array(rows).reshape(data.shape), t


def _special(mixture: GaussianMixture, t_min: float, t_max: float, count: int) -> tuple[Points, Times]:
    """The origin, means of the data and of `p_t`, at times in turn."""
    ladder = np.geomspace(t_min, t_max, 5)
    means = mixture.means[:count]
    x, t = [], []
    for i, mean in enumerate([np.zeros(mixture.dimension), *means]):
        times = ladder if i < 3 else ladder[[i % len(ladder)]]
        for time in times:
            x += [mean * np.exp(-time), mean]
            t += [time, time]
    return np.array(x), np.array(t)


def _ties(mixture: GaussianMixture, t: Times, rng: np.random.Generator) -> tuple[Points, Times]:
    """Between two components, where they explain a point equally well, and beside: there separatrices run."""
    pairs = _pairs(mixture)
    if not pairs or not len(t):
        return np.empty((0, mixture.dimension)), np.empty(0)
    chosen = np.array([pairs[i % len(pairs)] for i in range(len(t))])
    i, j = chosen[:, 0], chosen[:, 1]
    m = np.exp(-t)[:, None]
    start, end = m * mixture.means[i], m * mixture.means[j]
    width = np.sqrt(-np.expm1(-2 * t))[:, None]
    beside = rng.standard_normal(start.shape) * width * rng.integers(0, 2, (len(t), 1))
    components, rows = components_at(mixture, FLOATS, t), np.arange(len(t))
    low, high = np.zeros(len(t)), np.ones(len(t))
    for _ in range(50):
        middle = (low + high) / 2
        logits = components.logits(start + middle[:, None] * (end - start) + beside)
        nearer = logits[rows, i] > logits[rows, j]
        low, high = np.where(nearer, middle, low), np.where(nearer, high, middle)
    return start + low[:, None] * (end - start) + beside, t


def _pairs(mixture: GaussianMixture) -> list[tuple[int, int]]:
    """Pairs of different means, closest first."""
    means = mixture.means
    i, j = np.triu_indices(mixture.n_components, 1)
    apart = np.linalg.norm(means[i] - means[j], axis=1)
    order = [k for k in np.argsort(apart, kind="stable") if apart[k] > 0]
    return [(int(i[k]), int(j[k])) for k in order[:_PAIRS]]


def _far(mixture: GaussianMixture, t: Times, rng: np.random.Generator) -> tuple[Points, Times]:
    """In random directions, 3 to 1,000 times as far out as the farthest mean, or as noise or a component is wide."""
    widest = float(np.sqrt(np.max(variance_extremes(mixture)[1])))
    reach = max(1.0, widest, float(np.linalg.norm(mixture.means, axis=1).max()))
    directions = rng.standard_normal((len(t), mixture.dimension))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * reach * 3 * (1000 / 3) ** rng.random((len(t), 1)), t
