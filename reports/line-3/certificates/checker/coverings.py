"""The law of the means (4), and coverings of all its tilts by cells, each settled by one of four rules (5)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import islice, product
from operator import add, sub
from typing import Any, NamedTuple

from .arithmetic import Interval, dot
from .cases import LIST, Case
from .matrices import Matrix, eliminate, positive
from .refusals import require
from .work import MAX_DIMENSION, bits_of, fraction_steps, product_steps

_TOKEN = re.compile(r"[0-9]|T|[FR][0-9]{1,6}|P[0-9]{1,6},[0-9]{1,6}")
_REGIONS = [{"centre": LIST, "frame": [LIST], "boxes": str}]
COVER = {"radius": Fraction, "boxes": str, "cones": [str], "regions": _REGIONS}


class Law:
    """The law of the means on some axes (4), equal ones merged: points `a_k`, integers over `unit`, the `middle` of an
    axis at 0, weights, and `logs = log w_k - r |a_k|^2`: responsibilities are `p_k = exp(logs_k + y.a_k)`, scaled.

    `figure`, over `scale`, holds the points whose covariance is meant: the `a_k` themselves, or a linear image (11)."""

    def __init__(self, case: Case, means: list[list[int]], axes: list[int], r: Interval):
        bits, total = bits_of([case.denominator, *(x for row in means for x in row)]) + 2, case.total.bit_length()
        each = len(means) + 2 * case.arithmetic.steps + fraction_steps(total) + fraction_steps(2 * bits)
        each += len(axes) * (20 + product_steps(bits, bits)) + product_steps(case.arithmetic.bits + 2 * bits, 2 * bits)
        case.work.spend(len(means) * each, "problem.mixture.means")  # hashes may collide, one mean after the other
        merged: dict[tuple[int, ...], int] = {}
        for row, weight in zip(means, case.weights, strict=True):
            point = tuple(row[axis] for axis in axes)
            merged[point] = merged.get(point, 0) + weight
        self.weights, self.unit, a = merged, 2 * case.denominator, case.arithmetic
        middles = [max(column) + min(column) for column in zip(*merged, strict=True)]
        self.middle = [Fraction(m, self.unit) for m in middles]
        self.points = [[2 * x - m for x, m in zip(point, middles, strict=True)] for point in merged]
        squares = [a.mul(r, a.rational(Fraction(dot(point, point), self.unit**2))) for point in self.points]
        logs = [a.log(a.rational(Fraction(weight, case.total))) for weight in merged.values()]
        self.logs = list(map(a.sub, logs, squares))
        self.size = bits_of([self.unit, *(x for point in self.points for x in point)])
        self.figure, self.scale, self.length = self.points, self.unit, self.size

    def seen(self, figure: list[list[int]], scale: int) -> None:
        """The points whose covariance is meant, over a scale."""
        self.figure, self.scale = figure, scale
        self.length = bits_of([scale, *(x for point in figure for x in point)])


class Task(NamedTuple):
    """What a covering shows, for all tilts y on `columns`: with some b, `sum_k p_k (tau I - (a_k-b)(a_k-b)^T) >= 0`,
    the sum over `members`, and over every other point with any `0 <= p_k <= budget sum_members p` (5)."""

    members: list[int]
    columns: list[int]
    budget: Fraction


class Cell(NamedTuple):
    """Ends of a cell on every axis. Boxes: of y, or of s in a region `y = centre + frame s`. Cones (`sign` not 0):
    `y = u/s`, `s` between the ends on axis `facet`, `u_facet = sign`, the other `u_j` between theirs."""

    ends: tuple[tuple[Fraction, Fraction], ...]
    facet: int = 0
    sign: int = 0

    def halved(self, axis: int) -> list[Cell]:
        """The two halves, bisected at the middle of an axis, the upper first."""
        low, high = self.ends[axis]
        parts = ((low + high) / 2, high), (low, (low + high) / 2)
        return [self._replace(ends=(*self.ends[:axis], part, *self.ends[axis + 1 :])) for part in parts]

    def vertices(self) -> tuple[Matrix, bool]:
        """The vertices; of a cone to infinity those of its inner end, and False: the cell is not their hull."""
        if not self.sign:
            return [list(point) for point in product(*self.ends)], True
        sides = [(Fraction(self.sign),) if j == self.facet else ends for j, ends in enumerate(self.ends)]
        scales = [s for s in self.ends[self.facet] if s]
        return [[x / s for x in u] for s in scales for u in product(*sides)], len(scales) == 2


class Covering:
    """Verifies the coverings of one block: that of all its points, and that of every face which the proof names (5).
    While a cell is settled, `heights[k]` is `y.a_k` at its vertices for each member, in units, off by < `error`,
    `slopes[k]` the part that grows towards infinity (here all of it), and `taus` the threshold at the vertices."""

    #: Masses that grow by more than e^16384 settle nothing.
    LARGEST = 2**14

    def __init__(self, case: Case, law: Law, tau: Fraction, block: dict[str, Any], field: str):
        self.a, self.p, self.work, self.law = case.arithmetic, case.arithmetic.bits, case.work, law
        self.tau, self.ln2 = tau, self.a.log(self.a.rational(Fraction(2)))[0]
        self.geometry = [[(x << self.p) // law.scale for x in point] for point in law.figure]
        self.wide = max(self.p, bits_of(x for point in self.geometry for x in point))
        self.excesses: dict[tuple[int, int, Fraction], list[int | None]] = {}
        self.tasks: list[Task] = []
        count, size = len(law.points), len(law.points[0])
        parts = [(block | {"members": list(range(count))}, field)]
        parts += [(face, f"{field}.faces[{i}]") for i, face in enumerate(block["faces"])]
        for part, where in parts:
            members, columns, n = part["members"], part["pivots"], len(part["pivots"])
            proper = members == sorted(set(members)) and 0 < len(members) < count + (part is parts[0][0])
            require(proper and members[-1] < count, f"{where}.members", members, "some of the points, ascending")
            fits = columns == sorted(set(columns)) and 0 < n <= MAX_DIMENSION and columns[-1] < size <= MAX_DIMENSION
            require(fits, f"{where}.pivots", columns, f"1 to {MAX_DIMENSION} axes, ascending, of as many at most")
            self.work.spend(2 * len(members) * size * n * fraction_steps((n + 1) * (law.size + 8)), where)
            base = law.points[members[0]]
            rows = [list(map(Fraction, map(sub, law.points[k], base))) for k in members[1:]]
            one_to_one = eliminate(rows, columns) == n and not any(map(any, rows[n:]))
            require(one_to_one, f"{where}.pivots", columns, "axes on which the hull of the points projects one to one")
            self.tasks.append(Task(members, columns, Fraction(len(self.tasks) > 0, 1 << (40 + n))))
        for task, (part, where) in zip(self.tasks, parts, strict=True):
            self.cover(task, part["cover"], f"{where}.cover")

    def cover(self, task: Task, cover: dict[str, Any], field: str) -> None:
        """All tilts: `|y|_inf <= R`, and the cones over the `2n` facets of that cube; the regions by themselves."""
        n, radius, unit = len(task.columns), cover["radius"], (Fraction(-1), Fraction(1))
        require(radius > 0, f"{field}.radius", radius, "a number > 0")
        require(len(cover["cones"]) == 2 * n, f"{field}.cones", cover["cones"], f"{2 * n} trees")
        regions: list[tuple[list[Fraction], Matrix]] = []
        for i, region in enumerate(cover["regions"]):
            centre, rows, where = region["centre"], region["frame"], f"{field}.regions[{i}]"
            shape = len(centre) == len(rows) == n and all(len(row) == n for row in rows)
            require(shape, f"{where}.frame", rows, f"{n} rows of {n} numbers, and {n} in the centre")
            frame = [[c, *row] for c, row in zip(centre, rows, strict=True)]
            bits = bits_of(x for row in frame for x in row)
            self.work.spend(4 * n**3 * fraction_steps((n + 1) * (bits + 8)), where)
            inverse = [[*row, *(Fraction(j == k) for k in range(n))] for j, row in enumerate(rows)]
            require(eliminate(inverse, range(n)) == n, f"{where}.frame", rows, "a regular matrix")
            self.tree(region["boxes"], Cell((unit,) * n), task, f"{where}.boxes", frame=frame)
            regions.append((centre, [row[n:] for row in inverse]))
        self.tree(cover["boxes"], Cell(((-radius, radius),) * n), task, f"{field}.boxes", regions)
        for i, text in enumerate(cover["cones"]):
            facet, ends = i // 2, [unit] * n
            ends[facet] = (Fraction(0), 1 / radius)
            self.tree(text, Cell(tuple(ends), facet, 2 * (i % 2) - 1), task, f"{field}.cones[{i}]", regions)

    def tree(self, text: str, root: Cell, task: Task, field: str, regions: Any = (), frame: Any = ()) -> None:
        """A binary tree in preorder: a number bisects the cell on that axis, a letter names what settles it: P, T, F,
        see `pair`, `taylor`, `face`; R, that every vertex, hence the cell, lies in a region that is covered."""
        n, stack = len(root.ends), [root]
        long = bits_of([self.tau, *(x for ends in root.ends for x in ends), *(x for row in frame for x in row)])
        self.work.spend(100 * n * (text.count(" ") + 1) + 20 * len(task.members) * n, field)
        tilts, unit = self.tilts(task)
        rows = [[self.a.rational(x)[0] for x in row] for row in frame]
        off = max((sum(map(abs, row)) >> self.p) + 4 + n for row in rows) if rows else 1
        self.error = (max(sum(map(abs, tilt)) for tilt in tilts.values()) // unit + 1) * off + 4 + n
        costs: dict[tuple[str, int], int] = {}
        for place, token in enumerate(text.split(" ")):
            where = f"{field}, token {place}"
            require(bool(stack), where, token, "the end of the tree")
            require(bool(_TOKEN.fullmatch(token)), where, token, "an axis, or one of the reasons P, T, F, R")
            cell, kind, numbers = stack.pop(), token[0], [int(number) for number in re.findall("[0-9]+", token)]
            depth, settled = bits_of(end for ends in cell.ends for end in ends), False
            if kind not in "PTFR":
                require(numbers[0] < n, where, token, f"an axis below {n}")
                self.work.spend(20 * n + 4 * fraction_steps(depth), where)
                stack += cell.halved(numbers[0])
                continue
            if (kind, depth) not in costs:
                costs[kind, depth] = self.cost(task, n, kind, bool(frame), depth, long)
            self.work.spend(costs[kind, depth], where)
            vertices, bounded = cell.vertices()
            if kind == "R" and bounded and numbers[0] < len(regions):
                centre, inverse = regions[numbers[0]]
                bits = 2 * depth + n * bits_of(x for row in inverse for x in row)
                self.work.spend(2 * 2**n * n**2 * fraction_steps(bits), where)
                steps = [list(map(sub, vertex, centre)) for vertex in vertices]
                settled = all(abs(dot(row, step)) <= 1 for step in steps for row in inverse)
            elif kind != "R":
                rounded = [[(x.numerator << self.p) // x.denominator for x in vertex] for vertex in vertices]
                if rows:
                    rounded = [[dot(row, (self.a.one[0], *vertex)) >> self.p for row in rows] for vertex in rounded]
                self.heights = {k: [dot(tilt, vertex) // unit for vertex in rounded] for k, tilt in tilts.items()}
                self.slopes, self.taus = self.heights, self.thresholds(vertices)
                if n > len(task.columns):  # the rest of a vertex does not grow with the cell
                    steep = [vertex[: len(task.columns)] for vertex in rounded]
                    self.slopes = {k: [dot(tilt, vertex) // unit for vertex in steep] for k, tilt in tilts.items()}
                if kind == "P":
                    settled = set(numbers) <= set(task.members) and self.pair(task, bounded, *numbers)
                elif kind == "T":
                    settled = bounded and self.taylor(task)
                elif cell.sign and numbers[0] + 1 < len(self.tasks):
                    settled = self.face(task, bounded, self.tasks[numbers[0] + 1])
            require(settled, where, token, "a reason that settles its cell")
        require(not stack, field, f"{len(stack)} cells left open", "a tree without open cells")

    def tilts(self, task: Task) -> tuple[dict[int, list[int]], int]:
        """What a vertex is multiplied with for the height of each member, in integers, and their denominator."""
        return {k: [self.law.points[k][j] for j in task.columns] for k in task.members}, self.law.unit

    def thresholds(self, vertices: Matrix) -> list[Fraction]:
        """`tau` at the vertices, an affine function."""
        return [self.tau] * len(vertices)

    def cost(self, task: Task, n: int, kind: str, framed: bool, depth: int, long: int) -> int:
        """Steps of a leaf: its `2^n` vertices and heights, a mass of each point; and the terms of the Taylor rule.

        Ends of the cell have `depth` bits, the numbers of the proof up to `long`."""
        size, members, p, wide = len(self.geometry[0]), len(task.members), self.p, self.wide
        height, bits = p + 2 * depth + 2 * long + wide, self.law.size
        vertex = n * (fraction_steps(2 * depth) + product_steps(height, 2 * depth))
        vertex += framed * n * n * product_steps(height, p + long)
        vertex += members * ((n + 1) * product_steps(height, bits) + 20)
        steps = members * (self.a.steps // 2 + product_steps(self.LARGEST, p)) + 3 * len(self.geometry)
        if kind == "T":
            term, entry = product_steps(height, 2 * wide), height + 2 * wide
            vertex += members * (30 + size * (size + 1) // 2 * (2 + term))
            vertex += sum((size - k) ** 2 * (10 + 2 * product_steps(k * entry, k * entry)) for k in range(1, size))
            steps += members * 3 * self.a.steps // 2
            steps += (len(self.geometry) + members) * size * (10 + (size + 2) * (2 + product_steps(wide, wide)))
        return int(2**n) * vertex + steps

    def share(self, k: int, pairs: Iterable[tuple[int, int]], bounded: bool) -> int | None:
        """`U` with `p_k <= U sum p_i` over the cell, the sum over the points in the pairs, in units; None without one:
        `p_i + p_j >= 2 sqrt(p_i p_j)`, `log(p_k / sqrt(p_i p_j))` is affine and towards infinity must not grow."""
        logs, bounds = self.law.logs, list[int]()

        def most(rows: dict[int, list[int]], i: int, j: int) -> int:
            largest: int = max(map(add, map(sub, rows[k], rows[i]), map(sub, rows[k], rows[j])))
            return largest + 4 * self.error

        for i, j in pairs:
            top = most(self.heights, i, j)
            if bounded or (top if self.slopes is self.heights else most(self.slopes, i, j)) <= 0:
                bound = -(-(2 * logs[k][1] - logs[i][0] - logs[j][0] + top) >> 1)
                bounds.append(bound - self.ln2 if i != j else bound)
        if not bounds or min(bounds) >> self.p >= self.LARGEST:
            return None
        return self.a.exp((min(bounds), min(bounds)))[1]

    def pair(self, task: Task, bounded: bool, i: int, j: int) -> bool:
        """Pair rule: `b = (a_i+a_j)/2`, `q = |a_i-a_j|^2/4 <= tau`, `p_k <= U_k (p_i+p_j)`, `sum_k U_k x_k <= 1`,
        `x_k = (|a_k-b|^2-tau)_+ / max(tau - (e.(a_k-b))^2, tau-q)`."""
        tau = min(self.taus)
        if (i, j, tau) not in self.excesses:
            self.excesses[i, j, tau] = self.excess(i, j, tau)
        need, unit, total, mass = self.excesses[i, j, tau], self.a.one[0], 0, 0
        outside = [x for k, x in enumerate(need) if task.budget and k not in self.heights]
        for k in task.members:
            if k not in (i, j) and (need[k] != 0 or task.budget):
                share, excess = self.share(k, ((i, i), (j, j), (i, j)), bounded), need[k]
                if share is None or excess is None:
                    return False
                total, mass = total + share * excess, mass + share
        if None in (need[i], need[j], *outside):
            return False
        return total + task.budget * (unit + mass) * sum(filter(None, outside)) <= unit * unit

    def excess(self, i: int, j: int, least: Fraction) -> list[int | None]:
        """`x_k` of the pair rule for each point, rounded up to units; None where there is none (at i, j: `q > tau`)."""
        points, tau, found = self.law.figure, least * 4 * self.law.scale**2, list[int | None]()
        long = 4 * (self.law.length + 2) + bits_of([least])
        each = (
            len(points[0]) * (10 + 2 * product_steps(self.law.length, self.law.length))
            + 5 * fraction_steps(long)
            + product_steps(long + self.p, long)
        )
        self.work.spend(len(points) * each, "proof.blocks")
        axis, centre = list(map(sub, points[j], points[i])), list(map(add, points[j], points[i]))
        q = dot(axis, axis)
        for k, point in enumerate(points):
            d = [2 * x - c for x, c in zip(point, centre, strict=True)]
            surplus, room = dot(d, d) - tau, tau - (min(q, Fraction(dot(d, axis) ** 2, q)) if q else 0)
            if k in (i, j) or surplus <= 0:
                found.append(0 if q <= tau else None)
            else:
                found.append(self.a.rational(surplus / room)[1] if room > 0 else None)
        return found

    def face(self, task: Task, bounded: bool, face: Task) -> bool:
        """Face rule: off a proper face `p_k <= budget sum_face p`, also for the points outside the task."""
        others, unit, mass = set(task.members) - set(face.members), self.a.one[0], 0
        if not set(face.members) < set(task.members):
            return False
        each = len(face.members) * (20 + 10 * 2 ** len(task.columns)) + self.a.steps
        self.work.spend(len(others) * each, "proof.blocks")
        for k in others:
            share = self.share(k, ((s, s) for s in face.members), bounded)
            if share is None or share > face.budget * unit:
                return False
            mass += share
        return task.budget * (unit + mass) <= face.budget * unit

    def taylor(self, task: Task) -> bool:
        """Taylor rule: `sum_k g_k (1 + z_k) (tau I - d_k d_k^T) >= rho I` at every vertex; `g_k = p_k` at their mean,
        `d_k = a_k - b`, `z_k` the change of `log p_k` less a common affine function, at most `zeta_k` in size, and
        `rho = sum_k g_k (e^zeta_k - 1 - zeta_k) (|d_k|^2 - tau)_+`."""
        p, a, one, rows, logs, error = self.p, self.a, 1 << self.p, self.heights, self.law.logs, self.error
        corners, axes = range(len(rows[task.members[0]])), range(len(self.geometry[0]))
        middle = {k: sum(row) // len(corners) for k, row in rows.items()}
        logits = {k: (logs[k][0] + m - error - 1, logs[k][1] + m + error + 1) for k, m in middle.items()}
        lead = max(low for low, _ in logits.values())
        g = {k: a.exp((low - lead, high - lead)) for k, (low, high) in logits.items()}
        total = sum(low for low, _ in g.values())
        shift = [sum(g[k][0] * (row[v] - middle[k]) for k, row in rows.items()) // total for v in corners]
        b = [sum(g[k][0] * self.geometry[k][j] for k in rows) // total for j in axes]
        d = [list(map(sub, point, b)) for point in self.geometry]
        # In units: z is off by `slack`, an entry of d by 1, tau by 1, so A_k by `wide (1 + |d_k|^2)` at most.
        taus = [(tau.numerator << p) // tau.denominator for tau in self.taus]
        wide, slack = 4 * len(axes) + 2, 4 * error + 4
        least, most = min(taus), max(taus)
        squares = [(dot(x, x) >> p) + 2 * (sum(map(abs, x)) >> p) + wide for x in d]
        surplus = [max(square - least + 1, 0) for square in squares]
        rho, margin, grown, weights = 0, 0, 0, list[list[int]]()
        for k, row in rows.items():
            z = [x - middle[k] - s for x, s in zip(row, shift, strict=True)]
            zeta, (low, high) = max(map(abs, z)) + slack, g[k]
            gain = logits[k][1] - lead + zeta
            if gain >> p >= self.LARGEST:
                return False
            raised = a.exp((gain, gain))[1]
            # e^z - 1 - z <= z^2/2 / (1 - z/3) for z < 3
            rest = (3 * high * zeta * zeta // (2 * (3 * one - zeta)) >> p) + 2 if zeta < 2 * one else raised
            rho, grown = rho + rest * surplus[k], grown + raised
            margin += ((high - low) * (one + zeta) + high * slack) * (max(most, squares[k]) + one) + one
            margin += high * (one + zeta) * ((wide * (one + squares[k]) >> p) + 1)
            weights.append([low * (one + x) for x in z])
        outside = sum(x for k, x in enumerate(surplus) if k not in rows)
        rho += math.ceil(task.budget * grown * outside)
        entries = [[-d[k][i] * d[k][j] for k in rows] for i in axes for j in range(i + 1)]
        for tau, corner in zip(taus, zip(*weights, strict=True), strict=True):
            flat = iter([dot(corner, entry) for entry in entries])
            matrix = [list(islice(flat, i + 1)) for i in axes]
            for i in axes:
                matrix[i][i] += (sum(corner) * tau << p) - (rho << 2 * p) - (margin << p)
            if not positive(matrix):
                return False
        return True
