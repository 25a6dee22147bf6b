"""The largest eigenvalue of a tilted covariance: where it is large (float64), and a proof that it is nowhere larger.

`V = sup_y lambda_max Cov_p(y)(a)`, `p_k(y) ~ exp(o_k + y.t_k)`. Local maximisation, in the whole space and on every
face of the hull (the limits at infinity), proposes a value; the covering of `certflow.enclosure.suprema.cover` proves
that a threshold just above it is never exceeded, or finds a better point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from certflow.enclosure.suprema.cover import Budget, Counterexample, Cover, Exhausted, cover, face_budget
from certflow.enclosure.suprema.points import Face
from certflow.enclosure.suprema.tasks import Task, Threshold
from certflow.numbers.arrays import Floats

_STARTS = 256
#: Share of a value that rounding may take from it.
_ROUNDED = 1e-13
#: Proofs with more leaves than this are tried again without cells of their own for the ridges.
_LARGE = 2000
#: At most this many ridges get cells of their own: those whose value is this share of the threshold or more, as wide
#: as a drop of the value by this share; beyond this length (in units of 1/spread) a ridge counts as endless.
_REGIONS, _NEAR, _DROP, _LONG, _REACH = 12, 0.97, 10.0, 48.0, 256.0
#: Points with more than this share of the mass decide in which space a ridge is steep; a log-mass of minus this is
#: none at all.
_HEAVY, _FADED = 1e-3, 48.0


@dataclass(frozen=True)
class Candidate:
    """A large value: of the law restricted to `face` (None: of all points), at `tilt` along the face's axes."""

    value: float
    face: int | None
    tilt: Floats


def propose(task: Task, faces: tuple[Face, ...], seed: int = 0, face: int | None = None) -> Candidate:
    """The largest value found by local maximisation on the whole (itself a `face`, perhaps) and on every face
    (float64, no proof)."""
    best = _maximise(task, face, seed)
    for number, part in enumerate(faces):
        value = _maximise(task.face(part.members, part.axes, 0.0), number, seed)
        if value.value > best.value * (1 + 1e-12):
            best = value
    return best


def improve(task: Task, start: Floats) -> Candidate:
    """Local maximisation from one tilt of the whole."""
    value, tilt = _ascend(task, start)
    return Candidate(value, None, tilt)


def _maximise(task: Task, face: int | None, seed: int) -> Candidate:
    if len(task.members) == 2:
        return _pair_candidate(task, face)
    value, tilt = local_maxima(task, seed, enough=(1 - _ROUNDED) * _ceiling(task))[0]
    return Candidate(value, face, tilt)


def _ceiling(task: Task) -> float:
    """`D^2/4`, `D` the diameter: no variance along a line is larger (Popoviciu)."""
    points = task.geometry[task.members]
    return max(float(((points - point) ** 2).sum(1).max()) for point in points) / 4


def local_maxima(task: Task, seed: int = 0, enough: float = np.inf) -> list[tuple[float, Floats]]:
    """Values and tilts reached by ascent from the best of many starts, largest first; the first that is `enough` is the
    last."""
    n = task.tilts
    rng = np.random.default_rng([seed, len(task.members), n])
    spread = np.ptp(task.tilt[task.members][:, :n], axis=0)
    gaps = np.ptp(task.offset[task.members])
    scale = (gaps + 8.0) / np.where(spread > 0, spread, 1.0)
    starts = rng.normal(size=(_STARTS, n)) * scale * rng.random((_STARTS, 1)) ** 2
    starts = np.concatenate([np.zeros((1, n)), _ties(task), starts])
    values = np.array([np.linalg.eigvalsh(c)[-1] for c in _covariances(task, starts)])
    reached: list[tuple[float, Floats]] = []
    for index in _spread_out(starts, values, 8):
        reached.append(_ascend(task, starts[index]))
        if reached[-1][0] >= enough:
            break
    return sorted(reached, key=lambda pair: -pair[0])


def _pair_candidate(task: Task, face: int | None) -> Candidate:
    i, j = task.members
    difference = task.tilt[i] - task.tilt[j]
    n = task.tilts
    tie = (task.offset[j] - task.offset[i]) / (difference[:n] ** 2).sum() * difference[:n]
    return Candidate(float(((task.geometry[i] - task.geometry[j]) ** 2).sum() / 4), face, tie)


def _ties(task: Task) -> Floats:
    """Tilts at which two points have equal mass, nearest the origin: where pairs dominate."""
    n, members = task.tilts, task.members
    rows = []
    for a in range(len(members)):
        for b in range(a):
            i, j = members[a], members[b]
            difference = task.tilt[i, :n] - task.tilt[j, :n]
            rows.append((task.offset[j] - task.offset[i]) / (difference**2).sum() * difference)
    return np.array(rows[:256]).reshape(-1, n)


def _spread_out(starts: Floats, values: Floats, count: int) -> list[int]:
    """The best starts, none with the value of another (most often the same maximum)."""
    chosen: list[int] = []
    for index in np.argsort(-values):
        if all(abs(values[index] - values[other]) > 1e-3 * values[other] for other in chosen):
            chosen.append(int(index))
        if len(chosen) == count:
            break
    return chosen


def _moments(task: Task, tilt: Floats) -> tuple[Floats, Floats, Floats]:
    members, n = task.members, task.tilts
    logits = task.offset[members] + tilt @ task.tilt[members, :n].T
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    geometry = task.geometry[members]
    deviation = geometry - (weights @ geometry)[:, None]
    return weights, deviation, np.einsum("nk,nki,nkj->nij", weights, deviation, deviation)


def _covariances(task: Task, tilts: Floats) -> Floats:
    return _moments(task, tilts)[2]


def _gradient(task: Task, tilt: Floats) -> tuple[float, Floats]:
    """`lambda_max Cov` and its gradient `sum_k g_k (e.delta_k)^2 (t_k - mean)` (of a simple eigenvalue)."""
    weights, deviation, covariance = _moments(task, tilt[None])
    values, vectors = np.linalg.eigh(covariance[0])
    square = (deviation[0] @ vectors[:, -1]) ** 2
    statistic = task.tilt[task.members, : task.tilts]
    return float(values[-1]), (weights[0] * square) @ (statistic - weights[0] @ statistic)


def _ascend(task: Task, start: Floats) -> tuple[float, Floats]:
    from scipy.optimize import minimize

    def negative(tilt: Floats) -> tuple[float, Any]:
        value, gradient = _gradient(task, tilt)
        return -value, -gradient

    found = minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-13, "maxiter": 200})
    return -float(found.fun), found.x


@dataclass
class Proof:
    """Coverings that together show `lambda_max Cov <= threshold` for all tilts: the whole, and the faces it uses."""

    whole: Cover
    faces: dict[int, Cover]

    @property
    def leaves(self) -> int:
        return self.whole.leaves + sum(part.leaves for part in self.faces.values())

    @property
    def has_regions(self) -> bool:
        """Whether ridges have coverings of their own."""
        return any(part.regions for part in (self.whole, *self.faces.values()))


Ridges = Callable[[Task, Threshold, float], list[tuple[Floats, Floats]]]


def prove(task: Task, faces: tuple[Face, ...], threshold: Threshold, budget: Budget) -> Proof:
    """A proof of the threshold; raises `Exhausted`, or `Counterexample` with a tilt of the whole or of a face.

    Cells along the ridges can be what makes a narrow gap possible at all; elsewhere they are many and gain nothing.
    A large proof is tried again without them, and the smaller one counts.
    """
    proof = _prove(task, faces, threshold, budget, _ridges)
    if proof.leaves <= _LARGE or not proof.has_regions:
        return proof
    try:  # a tree with this many leaves has twice as many cells
        plain = _prove(task, faces, threshold, Budget(2 * proof.leaves, budget.deadline), _no_ridges)
    except (Exhausted, Counterexample):
        return proof
    return min(plain, proof, key=lambda one: one.leaves)


def _prove(task: Task, faces: tuple[Face, ...], threshold: Threshold, budget: Budget, ridges: Ridges) -> Proof:
    usable = tuple((number, face) for number, face in enumerate(faces) if len(face.members) > 2)[::-1]
    whole = cover(task, threshold, usable, budget, start_radius(task), partial(ridges, task, threshold))
    done: dict[int, Cover] = {}
    wanted = _used(whole)
    while wanted:
        number = wanted.pop()
        if number in done:
            continue
        face = faces[number]
        inner = tuple((k, other) for k, other in usable if set(other.members) < set(face.members))
        part = task.face(face.members, face.axes, face_budget(face))
        try:
            done[number] = cover(part, threshold, inner, budget, start_radius(part), partial(ridges, part, threshold))
        except Counterexample as found:
            found.face = number
            raise
        wanted |= _used(done[number])
    return Proof(whole, done)


def _no_ridges(task: Task, threshold: Threshold, radius: float) -> list[tuple[Floats, Floats]]:
    return []


def _ridges(task: Task, threshold: Threshold, radius: float) -> list[tuple[Floats, Floats]]:
    """Centres and frames of parallelepipeds around the local maxima near the threshold, along the axes of the Hessian.

    Along an axis without curvature (a ridge, perhaps towards infinity) the cell runs until the points off the ridge
    have lost all mass.
    """
    if task.tilts < 2 or task.interval is not None or len(task.members) < 3:
        return []
    found: list[tuple[Floats, Floats]] = []
    spread = np.ptp(task.tilt[task.members][:, : task.tilts], axis=0)
    for value, tilt in local_maxima(task):
        if value < _NEAR * threshold.value or len(found) == _REGIONS:
            break
        if any((np.abs(np.linalg.solve(frame, tilt - centre)) < 1).all() for centre, frame in found):
            continue
        found.append(_cell_along(task, value, tilt, spread, radius))
    return found


def _cell_along(task: Task, value: float, tilt: Floats, spread: Floats, radius: float) -> tuple[Floats, Floats]:
    """Centre and frame for one local maximum, in units of `1/spread`.

    The axes of the Hessian, separately in the space that the differences of the points with mass span and in its
    complement: along that the ridge is straight, and rounding must not turn it.
    """
    weights = _moments(task, tilt[None])[0][0]
    scaled = task.tilt[task.members][:, : task.tilts] / spread
    heavy, light = scaled[weights > _HEAVY], scaled[weights <= _HEAVY]
    _, sizes, rows = np.linalg.svd(heavy - heavy[0])
    rank = int((sizes > 1e-9 * max(sizes.max(initial=0.0), 1e-300)).sum())
    hessian = _hessian(task, tilt, spread)
    axes, reach = np.empty_like(hessian), np.empty(len(spread))
    for part in (slice(0, rank), slice(rank, None)):
        basis = rows[part].T
        curvature, inner = np.linalg.eigh(basis.T @ hessian @ basis)
        axes[:, part] = basis @ inner
        reach[part] = np.sqrt(_DROP * value / np.maximum(-curvature, 1e-12 * value))
    centre = tilt * spread
    for axis in np.flatnonzero(reach > _LONG):
        centre = centre - (axes[:, axis] @ centre) * axes[:, axis]
        slopes = np.abs((light - heavy[0]) @ axes[:, axis])
        fading = (_FADED + np.ptp(task.offset[task.members])) / max(slopes.min(initial=1.0), 1e-300)
        reach[axis] = min(_REACH * radius * spread.max(), max(fading, _LONG))
    return _rounded(centre / spread), _rounded(axes * reach / spread[:, None])


def _hessian(task: Task, tilt: Floats, spread: Floats) -> Floats:
    """Second derivatives of the largest eigenvalue with respect to `y_j spread_j`, by central differences."""
    n = task.tilts
    rows = np.empty((n, n))
    for j in range(n):
        step = np.zeros(n)
        step[j] = 1e-4 / spread[j]
        rows[j] = (_gradient(task, tilt + step)[1] - _gradient(task, tilt - step)[1]) / (2e-4) / spread
    return (rows + rows.T) / 2


def _rounded(array: Floats) -> Floats:
    """Fewer significant bits, so that a certificate stays short."""
    mantissa, exponent = np.frexp(array)
    short: Floats = np.ldexp(np.rint(mantissa * 2**44) / 2**44, exponent)
    return short


def _used(found: Cover) -> set[int]:
    return set().union(*(tree.faces for tree in found.cones))


def start_radius(task: Task) -> float:
    """A power of two near the distance at which the vertices of the hull take over."""
    n, members = task.tilts, task.members
    spread = np.ptp(task.tilt[members][:, :n], axis=0).max(initial=1e-30)
    return float(2.0 ** np.ceil(np.log2((np.ptp(task.offset[members]) + 16.0) / spread)))
