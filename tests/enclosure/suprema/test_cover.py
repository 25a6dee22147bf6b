"""Coverings: trees decode to exact partitions, and every leaf is proved again in exact numbers and mpmath."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from oracle_sharp import decode, dense_search, mpf, volume

from certflow.enclosure.expressions import ball
from certflow.enclosure.suprema import search
from certflow.enclosure.suprema.cover import Budget, Counterexample, Exhausted, face_budget
from certflow.enclosure.suprema.laws import common_isotropic_task
from certflow.enclosure.suprema.points import Points
from certflow.enclosure.suprema.search import propose, prove
from certflow.enclosure.suprema.tasks import Threshold
from certflow.enclosure.suprema.trees import Tree

DIGITS = 30

#: means, weights, r, relative gap of the threshold
CASES = {
    "line": ([(-1,), (0,), (1,)], [1, 1, 1], "0.5", 1e-6),
    "line, far": ([(-1,), (0,), (1,)], [1, 1, 1], 4, 1e-9),
    "unequal line": ([(-2,), ("0.3",), (2,), (3,)], [1, 5, 2, 1], 1, 1e-7),
    "square with centre": ([(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 0)], [1, 1, 1, 1, 3], 1, 1e-4),
    "trapezoid": ([(0, 0), (4, 0), (1, 1), (3, 1), (2, "0.5")], [1, 2, 1, 2, 1], "0.2", 1e-4),
    "hexagon": ([(2, 0), (1, 2), (-1, 2), (-2, 0), (-1, -2), (1, -2)], [1, 1, 2, 1, 1, 2], "0.3", 1e-3),
    "edge of three": ([(-1, 0), (0, 0), (1, 0), (0, -1)], [1, 1, 1, 1], 1, 1e-5),
    "facet of four": ([(-1, 0, 0), (1, 0, 0), (0, 1, 0), (0, -2, 0), (0, 0, -1)], [1, 1, 1, 2, 1], "0.5", 0.2),
    "no time": ([(0, 0), (3, 1), (1, 2), (2, 2), (-1, 1)], [1, 1, 1, 1, 1], 0, 1e-3),
}


def law_of(name):
    rows, weights, r, gap = CASES[name]
    rows = tuple(tuple(Fraction(v) for v in row) for row in rows)
    points = Points.of(rows, tuple(Fraction(w, sum(weights)) for w in weights))
    return points, Fraction(r), gap


def cells(count=200_000):
    return Budget(count, math.inf)


_PROOFS = {}


def proof_of(name):
    if name not in _PROOFS:
        points, r, gap = law_of(name)
        task = common_isotropic_task(points, ball(r))
        threshold = propose(task, points.faces).value * (1 + gap)
        _PROOFS[name] = (points, r, threshold, prove(task, points.faces, Threshold(threshold), cells()))
    return _PROOFS[name]


def ascended(points, r, monkeypatch):
    """The largest value on the whole that is proposed, and how many starts it took."""
    task, starts = common_isotropic_task(points, ball(r)), []

    def counted(task, start):
        starts.append(start)
        return ascend(task, start)

    ascend = search._ascend
    with monkeypatch.context() as patch:
        patch.setattr(search, "_ascend", counted)
        value = propose(task, ()).value
    assert value == pytest.approx(search.local_maxima(task)[0][0], rel=1e-12)
    return value, len(starts)


@pytest.mark.parametrize("height", ["1", "1/4", "2"])
def test_no_further_start_is_tried_where_nothing_can_be_larger(height, monkeypatch):
    """Tilted away from its top, a flat triangle has its mass at two ends, six apart: `D^2/4 = 9`, at infinity."""
    third = Fraction(1, 3)
    rows = ((Fraction(-3), Fraction(0)), (Fraction(3), Fraction(0)), (Fraction(0), Fraction(height)))
    value, starts = ascended(Points.of(rows, (third, third, third)), Fraction(1), monkeypatch)
    assert value == pytest.approx(9, rel=1e-12)
    assert starts == 1


@pytest.mark.parametrize("name", ["line", "square with centre", "edge of three"])
def test_every_start_is_tried_where_the_diameter_is_not_reached(name, monkeypatch):
    points, r, _ = law_of(name)
    rows = np.array(CASES[name][0], dtype=float)
    ceiling = max(((a - b) ** 2).sum() for a in rows for b in rows) / 4
    value, starts = ascended(points, r, monkeypatch)
    assert value < 0.999 * ceiling
    assert starts > 1


# -- a second implementation of the rules -------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """Tilts between two corners, in rationals."""

    low: tuple[Fraction, ...]
    high: tuple[Fraction, ...]

    def supremum(self, vector):
        """`sup y.vector`."""
        return sum(max(a * v, b * v) for a, b, v in zip(self.low, self.high, vector, strict=True))

    def vertices(self):
        return list(product(*zip(self.low, self.high, strict=True)))


@dataclass(frozen=True)
class Cone(Box):
    """`y = u / s`: `u_facet = sign`, `s` between `low[facet]` and `high[facet]`, other `u_j` likewise."""

    facet: int
    sign: int

    def sides(self):
        return [
            (Fraction(self.sign),) if axis == self.facet else pair
            for axis, pair in enumerate(zip(self.low, self.high, strict=True))
        ]

    def supremum(self, vector):
        most = sum(max(u * v for u in pair) for pair, v in zip(self.sides(), vector, strict=True))
        end = self.high[self.facet] if most <= 0 else self.low[self.facet]
        return most / end if end else None

    def vertices(self):
        """Empty for a cone that runs to infinity."""
        ends = (self.low[self.facet], self.high[self.facet])
        return [tuple(u / s for u in rays) for rays in product(*self.sides()) for s in ends] if ends[0] > 0 else []


class Law:
    """`p_k ~ exp(o_k + y.t_k)` over `members`, points off a face up to `budget`; `t_k` rational, `o_k` in mpmath."""

    def __init__(self, vectors, statistics, offsets, members, outside=(), budget=0):
        self.vectors, self.statistics, self.offsets = vectors, statistics, offsets
        self.members, self.outside, self.budget = members, outside, Fraction(budget)

    @classmethod
    def whole(cls, points, r):
        offsets = [
            mpmath.log(mpf(w)) - mpf(r) * mpf(sum(a * a for a in row))
            for w, row in zip(points.weights, points.centred, strict=True)
        ]
        statistics = [tuple(row[axis] for axis in points.axes) for row in points.centred]
        return cls(points.centred, statistics, offsets, list(range(len(offsets))))

    def face(self, members, axes, budget):
        outside = [k for k in (*self.members, *self.outside) if k not in members]
        statistics = [tuple(row[axis] for axis in axes) for row in self.statistics]
        return Law(self.vectors, statistics, self.offsets, list(members), outside, budget)

    def framed(self, centre, frame):
        centre = [Fraction(float(c)) for c in centre]
        columns = [[Fraction(float(v)) for v in column] for column in frame.T]
        statistics = [
            tuple(sum(f * t for f, t in zip(c, row, strict=True)) for c in columns) for row in self.statistics
        ]
        offsets = [
            o + mpf(sum(c * t for c, t in zip(centre, row, strict=True)))
            for o, row in zip(self.offsets, self.statistics, strict=True)
        ]
        return Law(self.vectors, statistics, offsets, self.members, self.outside, self.budget)

    def supremum(self, constant, vector, cell):
        """`sup (constant + y.vector)` over a cell."""
        most = cell.supremum(vector)
        return mpmath.inf if most is None else constant + mpf(most)

    def ratio(self, k, reference, cell):
        """`sup log(p_k / p_reference)`."""
        vector = [a - b for a, b in zip(self.statistics[k], self.statistics[reference], strict=True)]
        return self.supremum(self.offsets[k] - self.offsets[reference], vector, cell)

    def pair_rule(self, i, j, tau, cell):
        tau = mpf(tau)
        middle = [(a + b) / 2 for a, b in zip(self.vectors[i], self.vectors[j], strict=True)]
        half = [(b - a) / 2 for a, b in zip(self.vectors[i], self.vectors[j], strict=True)]
        q = sum(h * h for h in half)
        if mpf(q) > tau:
            return False
        masses = {}
        for k in self.members:
            if k in (i, j):
                continue
            bounds = [self.ratio(k, i, cell), self.ratio(k, j, cell)]
            if i != j:
                vector = [a - (b + c) / 2 for a, b, c in zip(*(self.statistics[n] for n in (k, i, j)), strict=True)]
                mixed = self.offsets[k] - (self.offsets[i] + self.offsets[j]) / 2
                bounds.append(self.supremum(mixed, vector, cell) - mpmath.log(2))
            masses[k] = mpmath.exp(min(bounds))
        share = mpf(self.budget) * (1 + mpmath.fsum(masses.values()))
        masses |= dict.fromkeys(self.outside, share)
        total = mpmath.mpf(0)
        for k, mass in masses.items():
            deviation = [a - b for a, b in zip(self.vectors[k], middle, strict=True)]
            excess = mpf(sum(x * x for x in deviation)) - tau
            if excess <= 0 or not mass:
                continue
            along = sum(x * h for x, h in zip(deviation, half, strict=True)) ** 2 / q if q else q
            room = tau - mpf(min(q, along))
            if room <= 0:
                return False
            total += mass * excess / room
        return total <= 1

    def taylor_rule(self, tau, cell):
        """At the centroid of the vertices; no cell that runs to infinity is accepted."""
        tau, vertices = mpf(tau), cell.vertices()
        if not vertices:
            return False
        d, n = len(self.vectors[0]), len(vertices[0])
        centre = [sum(vertex[axis] for vertex in vertices) / len(vertices) for axis in range(n)]
        logits = [
            self.offsets[k] + mpf(sum(c * t for c, t in zip(centre, self.statistics[k], strict=True)))
            for k in self.members
        ]
        powers = [mpmath.exp(logit - max(logits)) for logit in logits]
        weights = [power / mpmath.fsum(powers) for power in powers]
        rows = [[mpf(v) for v in self.vectors[k]] for k in self.members]
        tilts = [[mpf(v) for v in self.statistics[k]] for k in self.members]
        mean = [mpmath.fsum(w * row[i] for w, row in zip(weights, rows, strict=True)) for i in range(d)]
        mean_tilt = [mpmath.fsum(w * row[i] for w, row in zip(weights, tilts, strict=True)) for i in range(n)]
        deltas = [[a - b for a, b in zip(row, mean, strict=True)] for row in rows]
        steps = [[a - b for a, b in zip(row, mean_tilt, strict=True)] for row in tilts]
        moves = [[mpf(y - c) for y, c in zip(vertex, centre, strict=True)] for vertex in vertices]
        changes = [[mpmath.fsum(s * a for s, a in zip(step, move, strict=True)) for step in steps] for move in moves]
        reach = [max(abs(change[k]) for change in changes) for k in range(len(steps))]
        remainder = [mpmath.expm1(z) - z for z in reach]
        rho = mpmath.fsum(
            w * rest * max(mpmath.fsum(x * x for x in delta) - tau, 0)
            for w, rest, delta in zip(weights, remainder, deltas, strict=True)
        )
        growth = mpmath.fsum(w * mpmath.exp(z) for w, z in zip(weights, reach, strict=True))
        for k in self.outside:
            square = mpmath.fsum((mpf(a) - b) ** 2 for a, b in zip(self.vectors[k], mean, strict=True))
            rho += mpf(self.budget) * growth * max(square - tau, 0)
        for change in changes:
            matrix = mpmath.eye(d) * (tau - rho)
            for w, z, delta in zip(weights, change, deltas, strict=True):
                for a, b in product(range(d), repeat=2):
                    matrix[a, b] -= w * (1 + z) * delta[a] * delta[b]
            if min(mpmath.eigsy(matrix, eigvals_only=True)) < 0:
                return False
        return True

    def face_rule(self, members, allowed, cell):
        masses = [
            mpmath.exp(min(self.ratio(k, member, cell) for member in members)) for k in self.members if k not in members
        ]
        inherited = mpf(self.budget) * (1 + mpmath.fsum(masses))
        return max([*masses, inherited]) <= mpf(allowed)


def inside(region, cell):
    """Whether a bounded cell lies in a parallelepiped, in rationals (Cramer's rule)."""
    vertices = cell.vertices()
    n = len(cell.low)
    frame = [[Fraction(float(v)) for v in row] for row in region.frame]
    centre = [Fraction(float(c)) for c in region.centre]
    whole = determinant(frame)
    for vertex in vertices:
        y = [v - c for v, c in zip(vertex, centre, strict=True)]
        for column in range(n):
            replaced = [[y[i] if j == column else frame[i][j] for j in range(n)] for i in range(n)]
            if abs(determinant(replaced) / whole) > 1:
                return False
    return bool(vertices)


def determinant(matrix):
    if len(matrix) == 1:
        return matrix[0][0]
    return sum(
        (-1) ** j * matrix[0][j] * determinant([[*row[:j], *row[j + 1 :]] for row in matrix[1:]])
        for j in range(len(matrix))
    )


def root(n, radius):
    return (Fraction(-radius),) * n, (Fraction(radius),) * n


def unproved(law, cover, tau, faces, known, n):
    """The leaves of a covering that this second implementation does not accept; ValueError for what is no partition."""
    bad = []

    def check(leaf_law, tree, low, high, kinds, *cone):
        leaves = decode(tree.tokens, low, high)
        if sum(volume(*leaf[:2]) for leaf in leaves) != volume(low, high):
            raise ValueError("the leaves do not fill the cell")
        for *ends, reason in leaves:
            cell = Cone(*ends, *cone) if cone else Box(*ends)
            if reason[0] not in kinds:
                fine = False
            elif reason[0] == "P":
                i, j = map(int, reason[1:].split(","))
                fine = {i, j} <= set(leaf_law.members) and leaf_law.pair_rule(i, j, tau, cell)
            elif reason[0] == "T":
                fine = leaf_law.taylor_rule(tau, cell)
            elif reason[0] == "R":
                fine = inside(cover.regions[int(reason[1:])], cell)
            else:
                face = faces[int(reason[1:])]
                fine = int(reason[1:]) in known and set(face.members) < set(leaf_law.members)
                fine = fine and leaf_law.face_rule(face.members, face_budget(face), cell)
            if not fine:
                bad.append(reason)

    radius = Fraction(cover.radius)
    check(law, cover.boxes, *root(n, radius), "PTR")
    if len(cover.cones) != 2 * n:
        raise ValueError("a family of cones is missing")
    for number, tree in enumerate(cover.cones):
        low, high = (list(side) for side in root(n, 1))
        facet = number // 2
        low[facet], high[facet] = Fraction(0), 1 / radius
        check(law, tree, tuple(low), tuple(high), "PFTR", facet, 1 if number % 2 else -1)
    for region in cover.regions:
        check(law.framed(region.centre, region.frame), region.boxes, *root(n, 1), "PT")
    return bad


def unproved_in(points, r, tau, proof):
    whole = Law.whole(points, r)
    bad = unproved(whole, proof.whole, tau, points.faces, proof.faces, points.dimension)
    for number, part in proof.faces.items():
        face = points.faces[number]
        law = whole.face(face.members, face.axes, face_budget(face))
        bad += unproved(law, part, tau, points.faces, proof.faces, len(face.axes))
    return bad


@pytest.fixture(autouse=True)
def thirty_digits(reset_precision):
    with mpmath.workdps(DIGITS):
        yield


# -- coverings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_every_leaf_is_proved_again(name):
    points, r, threshold, proof = proof_of(name)
    assert unproved_in(points, r, threshold, proof) == []
    counted = [proof.whole.boxes, *proof.whole.cones, *(region.boxes for region in proof.whole.regions)]
    for part in proof.faces.values():
        counted += [part.boxes, *part.cones, *(region.boxes for region in part.regions)]
    assert proof.leaves == sum(isinstance(token, str) for tree in counted for token in tree.tokens)


@pytest.mark.parametrize("name", CASES)
def test_a_lower_threshold_is_not_proved_by_the_same_covering(name):
    points, r, threshold, proof = proof_of(name)
    means, weights = np.array(points.points, dtype=float), np.array(points.weights, dtype=float)
    below = Fraction(threshold) * (1 - Fraction(2 * CASES[name][3]))
    assert dense_search(means, weights, float(r), 0, 500)[0] <= threshold
    assert unproved_in(points, r, below, proof)


def test_every_kind_of_reason_occurs():
    kinds = set()
    for name in CASES:
        proof = proof_of(name)[3]
        for part in (proof.whole, *proof.faces.values()):
            trees = [part.boxes, *part.cones, *(region.boxes for region in part.regions)]
            kinds |= {token[0] for tree in trees for token in tree.tokens if isinstance(token, str)}
    assert kinds == {"P", "T", "F", "R"}


def tampered(tokens):
    """Trees that are no longer the one that was proved."""
    first = next(index for index, token in enumerate(tokens) if isinstance(token, int))
    leaf = next(index for index, token in enumerate(tokens) if isinstance(token, str))
    yield "a leaf is missing", tokens[:leaf] + tokens[leaf + 1 :]
    yield "a leaf too many", [*tokens, tokens[leaf]]
    yield "a bisection is missing", tokens[:first] + tokens[first + 1 :]
    yield "another rule", [*tokens[:leaf], "F99", *tokens[leaf + 1 :]]
    yield "one pair for everything", [tokens[leaf]]
    yield "no such rule", [*tokens[:leaf], "X", *tokens[leaf + 1 :]]


def test_tampered_trees_are_caught():
    points, r, threshold, proof = proof_of("trapezoid")
    for what, tokens in tampered(proof.whole.boxes.tokens):
        honest = proof.whole.boxes
        proof.whole.boxes = Tree(tokens)
        try:
            bad = unproved_in(points, r, threshold, proof)
        except ValueError:
            bad = [what]
        finally:
            proof.whole.boxes = honest
        assert bad, what
    cones = proof.whole.cones
    proof.whole.cones = cones[1:]
    with pytest.raises(ValueError, match="a family of cones is missing"):
        unproved_in(points, r, threshold, proof)
    proof.whole.cones = cones[::-1]
    assert unproved_in(points, r, threshold, proof)
    proof.whole.cones = cones


def test_cones_that_begin_too_early_are_caught():
    points, r, threshold, proof = proof_of("line")
    radius, proof.whole.radius = proof.whole.radius, proof.whole.radius / 64
    assert unproved_in(points, r, threshold, proof)
    proof.whole.radius = radius


def test_a_flat_side_is_not_bisected():
    with pytest.raises(ValueError, match="a side of width zero"):
        decode([0, "T", "T"], (Fraction(1), Fraction(0)), (Fraction(1), Fraction(2)))
    leaves = decode([1, "T", 0, "P0,1", "T"], (Fraction(0), Fraction(0)), (Fraction(2), Fraction(2)))
    assert leaves == [((0, 0), (2, 1), "T"), ((0, 1), (1, 2), "P0,1"), ((1, 1), (2, 2), "T")]


# -- what is not proved --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_one_cell_is_not_enough(name):
    points, r, _ = law_of(name)
    task = common_isotropic_task(points, ball(r))
    threshold = Threshold(propose(task, points.faces).value * (1 + 1e-3))
    with pytest.raises(Exhausted):
        prove(task, points.faces, threshold, cells(1))
    with pytest.raises(Exhausted):  # a deadline that is over
        prove(task, points.faces, threshold, Budget(200_000, -math.inf))


@pytest.mark.parametrize("name", ["line", "unequal line", "trapezoid", "no time"])
@pytest.mark.parametrize("below", [1e-6, 1e-3, 0.3])
def test_thresholds_below_the_supremum_meet_a_counterexample(name, below):
    points, r, _ = law_of(name)
    task = common_isotropic_task(points, ball(r))
    best = propose(task, points.faces)
    with pytest.raises((Counterexample, Exhausted)) as caught:
        prove(task, points.faces, Threshold(best.value * (1 - below)), cells(20_000))
    if best.face is None:
        assert caught.type is Counterexample
    if caught.type is Counterexample:
        found = caught.value
        law = Law.whole(points, r)
        if found.face is not None:
            face = points.faces[found.face]
            law = law.face(face.members, face.axes, 0)
        logits = [
            float(law.offsets[k]) + float(np.dot(np.array(law.statistics[k], dtype=float), found.tilt))
            for k in law.members
        ]
        weights = np.exp(np.array(logits) - max(logits))
        weights /= weights.sum()
        vectors = np.array([[float(v) for v in law.vectors[k]] for k in law.members])
        deviation = vectors - weights @ vectors
        value = np.linalg.eigvalsh(deviation.T @ (weights[:, None] * deviation))[-1]
        assert value > best.value * (1 - below)
        assert found.value == pytest.approx(value / (best.value * (1 - below)), rel=1e-9)
