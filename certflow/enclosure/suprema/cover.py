"""Coverings of all tilts by settled cells, grown breadth first and kept as trees (proofs/sharp.md).

The cube `|y|_inf <= R` is bisected until every box is settled by the pair or the Taylor rule; the outside of the cube
is `2n` families of cones, bisected until every cone is settled by the pair rule or by the covering of a face of the
hull of the points, which is a task of lower dimension.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from certflow.enclosure.suprema.exponential import exp_upper
from certflow.enclosure.suprema.margins import UP
from certflow.enclosure.suprema.points import Face
from certflow.enclosure.suprema.rules import PairReasons, pair_rule, taylor_rule
from certflow.enclosure.suprema.tasks import Boxes, Cones, Task, Threshold
from certflow.enclosure.suprema.trees import BY_TAYLOR, Tree, by_face, by_pair, by_region
from certflow.errors import CertflowError
from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.numbers.floats import UNIT

#: Cells are bisected at most this often, and no side to less than this share of its distance from 0.
_DEPTH, _FINEST = 400, 2.0**-44
#: A cell that runs to infinity is cut at twice its inner radius when it is at most this wide (in log-mass).
_NARROW = 16.0


def face_budget(face: Face) -> float:
    """Share of the mass that points off the face may carry in the cones that the face settles; larger for the faces of
    a face, so that what lies outside both stays within."""
    return 2.0 ** -(40 + len(face.axes))


class Exhausted(CertflowError):
    """The budget of cells or of time ran out before every cell was settled."""


class Counterexample(CertflowError):
    """A tilt at which the largest eigenvalue exceeds the threshold (found in float64, to be confirmed)."""

    def __init__(self, tilt: Floats, value: float):
        super().__init__(f"{value} times the threshold")
        self.tilt, self.value = tilt, value
        self.face: int | None = None


@dataclass
class Budget:
    """Cells and seconds that a search may still use."""

    cells: int
    deadline: float

    def spend(self, cells: int) -> None:
        self.cells -= cells
        if self.cells < 0 or time.perf_counter() > self.deadline:
            raise Exhausted


@dataclass
class Region:
    """A parallelepiped `y = centre + frame s`, `|s|_inf <= 1`, with a covering of its own in the coordinates `s`: long
    ridges of nearly the largest value are followed by cells that lie along them."""

    centre: Floats
    frame: Floats
    boxes: Tree

    def contains(self, cells: Boxes | Cones) -> Flags:
        """Whether each (bounded) cell lies inside: `|F^-1 (v - centre)|_inf <= 1` at its vertices.

        The float64 inverse `G` is used only if `|G F - I|` is certainly below 1e-9 (then `F^-1` and `G` differ by less
        than 2e-9 relative, row by row), and `G (v - centre)` is raised by its rounding.
        """
        n, inverse = len(self.centre), np.linalg.inv(self.frame)
        rounding = 16 * n * UNIT
        defect = np.abs(inverse @ self.frame - np.eye(n)) + rounding * np.abs(inverse) @ np.abs(self.frame)
        if not defect.sum(1).max() < 1e-9:
            return np.zeros(len(cells), dtype=bool)
        middle, vertices = cells.middle[:, None], cells.vertices()
        with np.errstate(invalid="ignore"):
            inside = np.abs((middle + vertices - self.centre) @ inverse.T)
            sizes = (np.abs(middle) + np.abs(vertices) + np.abs(self.centre)) @ np.abs(inverse).T
            farthest: Floats = (inside + rounding * sizes).max((1, 2))
            return farthest <= 1 - 1e-6


@dataclass
class Cover:
    """A complete covering for one task.

    `cones[2 f + (sign > 0)]` is the family seen through facet `f`; leaves by face refer to the `faces` of the search,
    leaves by region to `regions`.
    """

    radius: float
    boxes: Tree
    cones: list[Tree] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """Number of settled cells."""
        parts = [self.boxes, *self.cones, *(region.boxes for region in self.regions)]
        return sum(tree.leaves for tree in parts)


Frames = Callable[[float], list[tuple[Floats, Floats]]]


def cover(
    task: Task,
    threshold: Threshold,
    faces: tuple[tuple[int, Face], ...],
    budget: Budget,
    radius: float,
    frames: Frames,
) -> Cover:
    """Settle every tilt of a task, or raise `Exhausted` or `Counterexample`.

    faces : numbered faces of the hull that may settle cones, each covered by a task of its own
    radius : half width of the cube
    frames : given the radius, centres and frames of the regions that get a covering of their own
    """
    n = task.tilts
    if n == 0:
        boxes = Boxes(task, *_root(task, 0.0))
        if not pair_rule(task, boxes, threshold).settled[0]:
            raise Exhausted
        member = int(task.members[0])
        return Cover(0.0, Tree([by_pair(member, member)]))
    regions = []
    for centre, frame in frames(radius):
        local = task.framed(centre, frame)
        regions.append(Region(centre, frame, _boxes(local, threshold, budget, _root(local, 1.0), [], (centre, frame))))
    cones = [
        _cones(task, threshold, faces, budget, radius, facet, sign, regions) for facet in range(n) for sign in (-1, 1)
    ]
    return Cover(radius, _boxes(task, threshold, budget, _root(task, radius), regions, None), cones, regions)


def _root(task: Task, radius: float) -> tuple[Floats, Floats]:
    centre, half = [0.0] * task.tilts, [radius] * task.tilts
    if task.interval is not None:
        low, high = task.interval
        centre.append((low + high) / 2)
        half.append((high - low) / 2)
    return np.array([centre]), np.array([half])


Settle = Callable[[Floats, Floats], list[str | None]]
Choose = Callable[[Floats, Floats], Indices]


def grow(root: tuple[Floats, Floats], settle: Settle, choose: Choose, budget: Budget, depth: int) -> Tree:
    """Bisect level by level; `settle` gives each cell's reason or None, `choose` the axis to bisect."""
    centre, half = root
    numbers = np.zeros(1, dtype=int)
    actions: list[Any] = [None]
    children: dict[int, int] = {}
    for _ in range(depth):
        budget.spend(len(centre))
        reasons = settle(centre, half)
        open_cells = np.array([reason is None for reason in reasons])
        for number, reason in zip(numbers, reasons, strict=True):
            actions[number] = reason
        if not open_cells.any():
            return Tree(_preorder(actions, children))
        centre, half, numbers = centre[open_cells], half[open_cells], numbers[open_cells]
        axes = choose(centre, half)
        rows = np.arange(len(centre))
        half = half.copy()
        half[rows, axes] /= 2
        if (half[rows, axes] < _FINEST * (np.abs(centre[rows, axes]) + half[rows, axes])).any():
            raise Exhausted  # beyond this the ends of the halves would be rounded, and might leave gaps
        step = np.zeros_like(half)
        step[rows, axes] = half[rows, axes]
        for number, axis in zip(numbers, axes, strict=True):
            actions[number] = int(axis)
            children[int(number)] = len(actions)
            actions += [None, None]
        firsts = np.array([children[int(number)] for number in numbers])
        centre, half = np.concatenate([centre - step, centre + step]), np.concatenate([half, half])
        numbers = np.concatenate([firsts, firsts + 1])
    raise Exhausted


def _preorder(actions: list[Any], children: dict[int, int]) -> list[int | str]:
    tokens: list[int | str] = []
    stack = [0]
    while stack:
        number = stack.pop()
        tokens.append(actions[number])
        if number in children:
            stack += [children[number] + 1, children[number]]
    return tokens


def _boxes(
    task: Task,
    threshold: Threshold,
    budget: Budget,
    root: tuple[Floats, Floats],
    regions: list[Region],
    frame: tuple[Floats, Floats] | None,
) -> Tree:
    def settle(centre: Floats, half: Floats) -> list[str | None]:
        boxes = Boxes(task, centre, half)
        reasons = _pair_reasons(pair_rule(task, boxes, threshold))
        left = _note_regions(regions, boxes, reasons)
        _taylor(task, Boxes(task, centre[left], half[left]), threshold, reasons, left, frame)
        return reasons

    return grow(root, settle, lambda centre, half: _worst_side(task, Boxes(task, centre, half)), budget, _DEPTH)


def _taylor(
    task: Task,
    cells: Boxes | Cones,
    threshold: Threshold,
    reasons: list[str | None],
    places: Indices,
    frame: tuple[Floats, Floats] | None = None,
) -> None:
    """Note which cells at the `places` the Taylor rule settles; a value above the threshold is raised."""
    if not len(places):
        return
    fine, excess = taylor_rule(task, cells, threshold)
    if excess.max() > 1:
        worst = cells.middle[excess.argmax()]
        raise Counterexample(worst if frame is None else frame[0] + frame[1] @ worst, float(excess.max()))
    for index in places[fine]:
        reasons[index] = BY_TAYLOR


def _worst_side(task: Task, cells: Boxes | Cones) -> Indices:
    """The side that moves most of the mass: the largest `sum_k g_k e^{zeta_k} |delta_k|^2 z_kj^2`, `z_kj` the change
    of a log-mass along half the side, `zeta_k` the sum of them (points that matter nowhere in it do not count)."""
    tilt, geometry = task.tilt[task.members], task.geometry[task.members]
    logits = cells.logits()[:, task.members]
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    statistic = tilt - (weights @ tilt)[:, None]
    lengths = ((geometry - (weights @ geometry)[:, None]) ** 2).sum(2)
    changes = np.abs(np.einsum("nkj,nij->nki", statistic, cells.sides()))
    gains = logits - logits.max(1, keepdims=True) + changes.sum(2)
    reachable = np.exp(np.minimum(gains - gains.max(1, keepdims=True), 0.0))
    worst: Indices = np.einsum("nk,nki->ni", reachable * lengths, changes**2).argmax(1)
    return worst


def _note_regions(regions: list[Region], cells: Boxes | Cones, reasons: list[str | None]) -> Indices:
    """Note the cells inside a region that has a covering of its own; returns the places still open."""
    for number, region in enumerate(regions):
        for index in np.flatnonzero(region.contains(cells)):
            reasons[index] = reasons[index] or by_region(number)
    return _open(reasons)


def _pair_reasons(pairs: PairReasons) -> list[str | None]:
    rows = zip(pairs.settled, pairs.first, pairs.second, strict=True)
    return [by_pair(i, j) if fine else None for fine, i, j in rows]


def _open(reasons: list[str | None]) -> Indices:
    return np.array([index for index, reason in enumerate(reasons) if reason is None], dtype=int)


def _cones(
    task: Task,
    threshold: Threshold,
    faces: tuple[tuple[int, Face], ...],
    budget: Budget,
    radius: float,
    facet: int,
    sign: int,
    regions: list[Region],
) -> Tree:
    centre, half = _root(task, 1.0)
    centre[0, facet] = half[0, facet] = 0.5 / radius
    n, spread = task.tilts, np.ptp(task.tilt[task.members], axis=0)

    def cells(centre: Floats, half: Floats) -> Cones:
        return Cones(task, facet, sign, centre, half)

    def settle(centre: Floats, half: Floats) -> list[str | None]:
        reasons = _pair_reasons(pair_rule(task, cells(centre, half), threshold))
        for number, face in faces:
            left = _open(reasons)
            if len(left):
                fine = face_rule(task, cells(centre[left], half[left]), face)
                for index in left[fine]:
                    reasons[index] = by_face(number)
        with np.errstate(invalid="ignore"):
            left = _note_regions(regions, cells(centre, half), reasons)
        left = left[cells(centre[left], half[left]).finite] if len(left) else left
        _taylor(task, cells(centre[left], half[left]), threshold, reasons, left)
        return reasons

    def choose(centre: Floats, half: Floats) -> Indices:
        some = cells(centre, half)
        sides = _worst_side(task, some)
        # A cell that runs to infinity is first made narrow (in units of the log-masses at its inner end), then cut.
        wide = np.concatenate([some.width * spread[:n] / some.high[:, None], some.r_half * spread[n:]], axis=1)
        infinite = np.where(wide.max(1) > _NARROW, wide.argmax(1), facet)
        return np.where(some.finite, sides, infinite)

    return grow((centre, half), settle, choose, budget, _DEPTH)


def face_rule(task: Task, cones: Cones, face: Face) -> Flags:
    """Face rule: a cone on which every point off the face has `p_k <= face_budget sum_face p` is settled by the
    covering of the face with that budget."""
    outside = np.setdiff1d(task.members, face.members)
    mass = np.full((len(cones), len(outside)), np.inf)
    for member in face.members:
        constant = np.broadcast_to(task.offset[outside] - task.offset[member], mass.shape)
        vector = task.tilt[outside] - task.tilt[member]
        bound = cones.supremum(constant, np.broadcast_to(vector, (len(cones), *vector.shape)))
        mass = np.minimum(mass, exp_upper(bound))
    # Points outside the task itself: p_k <= budget sum_task p <= budget (1 + sum of the masses) sum_face p.
    inherited = task.budget * (1 + mass.sum(1)) * UP if task.budget else np.zeros(len(cones))
    allowed = face_budget(face)
    heaviest: Floats = mass.max(1, initial=0.0)
    return (heaviest <= allowed) & (inherited <= allowed)
