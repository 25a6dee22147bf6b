"""The integral of the sharp rate (F5): panels of `r = q/(2v)`, on each a line above `V*(r)`, proved by coverings of
`(y, r)`, and the variance along one vector below it (10)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .arithmetic import Interval, dot
from .cases import INDICES, LIST, Case, Rule
from .coverings import Cell, Covering, Law, Task
from .matrices import Matrix
from .refusals import require
from .sentences import at_least, at_most
from .sharp_rates import factors, farthest, require_exposed, variance_of
from .work import MAX_VALUES, bits_of, fraction_steps, product_steps


class Slab(Cell):
    """A cell of tilts, and an interval of `r` on its last axis."""

    def vertices(self) -> tuple[Matrix, bool]:
        """Those of the cell of tilts at both ends of the interval; and whether the slab is their hull."""
        inner, bounded = Cell(self.ends[:-1], self.facet, self.sign).vertices()
        return [[*vertex, r] for r in self.ends[-1] for vertex in inner], bounded


class Panel(Covering):
    """The coverings of one block for all `r` from `start` to `end`: `V*` is at most the line between the `levels`.

    The law has `log p_k = log w_k + y.a_k - r |a_k|^2`; `r` is one more coordinate of a cell (10)."""

    def __init__(
        self, case: Case, law: Law, ends: tuple[Fraction, Fraction], levels: list[Fraction], block: Any, field: str
    ):
        self.ends, self.levels, self.long = ends, levels, bits_of([*ends, *levels])
        case.work.spend(8 * fraction_steps(2 * self.long), field)
        self.steepness = (levels[1] - levels[0]) / (ends[1] - ends[0])
        super().__init__(case, law, max(levels), block, field)

    def cover(self, task: Task, cover: dict[str, Any], field: str) -> None:
        """All tilts, as cubes and cones, for all `r` of the panel; there are no regions."""
        n, radius, unit, span = len(task.columns), cover["radius"], (Fraction(-1), Fraction(1)), self.ends
        require(radius > 0, f"{field}.radius", radius, "a number > 0")
        require(len(cover["cones"]) == 2 * n, f"{field}.cones", cover["cones"], f"{2 * n} trees")
        self.tree(cover["boxes"], Slab((*[(-radius, radius)] * n, span)), task, f"{field}.boxes")
        for i, text in enumerate(cover["cones"]):
            facet, ends = i // 2, [*[unit] * n, span]
            ends[facet] = (Fraction(0), 1 / radius)
            self.tree(text, Slab(tuple(ends), facet, 2 * (i % 2) - 1), task, f"{field}.cones[{i}]")

    def tilts(self, task: Task) -> tuple[dict[int, list[int]], int]:
        """As of a covering, and `-|a_k|^2` for `r`, over `unit^2`."""
        size, points = self.law.size, {k: self.law.points[k] for k in task.members}
        each = 20 + 2 * len(self.geometry[0]) * (4 + product_steps(2 * size, 2 * size))
        self.work.spend(len(points) * each, "proof.panels")
        unit = self.law.unit
        rows = {k: [*(unit * point[j] for j in task.columns), -dot(point, point)] for k, point in points.items()}
        return rows, unit**2

    def thresholds(self, vertices: Matrix) -> list[Fraction]:
        """The line at the `r` of each vertex."""
        values = {r: self.levels[0] + self.steepness * (r - self.ends[0]) for r in (vertices[0][-1], vertices[-1][-1])}
        return [values[vertex[-1]] for vertex in vertices]

    def cost(self, task: Task, n: int, kind: str, framed: bool, depth: int, long: int) -> int:
        """As of a covering; heights with numbers twice as long and once more without `r`, and the line."""
        height, line = self.p + 2 * depth + 2 * long + self.wide, depth + 4 * self.long
        vertex = 20 + 2 * len(task.members) * (n + 1) * (4 + product_steps(height, 2 * self.law.size + 8))
        vertex += fraction_steps(line) + product_steps(line + self.p, line)
        return super().cost(task, n, kind, framed, depth, long) + int(2**n) * vertex + 8 * fraction_steps(line)


def sharp_integral(case: Case) -> str:
    """F5: `lower <= int lambda* <= upper` over `[t_min, t_max]`, `exp(upper) <= factor`, by
    `int lambda* = int_{r(t_max)}^{r(t_min)} V* dr + int (1 - 1/v)`, `V* >= 0` (10)."""
    a, claim, proof, work = case.arithmetic, case.assertion, case.proof, case.work
    upper, factor = claim["upper"], claim["factor"]
    case.spend(4, "assertion", claim["lower"], upper, factor or Fraction(0))
    late, early = (a.div(q, (2 * v[0], 2 * v[1])) for q, v in ((q, case.variance(q)) for q in reversed(case.ends)))
    laws, scale = factors(case, (0, 0))
    expansion = case.expansion(*case.ends)
    above = integral_above(case, laws, scale, (late[0], early[1]))
    case.bound("above", above + expansion[1], "int lambda*", "upper")
    below, last = 0, late[1]
    for i, piece in enumerate(proof["pieces"]):
        ends, field = [piece["start"], piece["end"]], f"proof.pieces[{i}]"
        work.spend(20 + 4 * product_steps(a.bits, bits_of(ends)), field)
        require(a.rational(ends[0])[0] >= last, f"{field}.start", ends[0], "r(t_max) or more, from the last end on")
        require(ends[1] > ends[0], f"{field}.end", ends[1], "a number above the start")
        last = a.rational(ends[1])[1]
        require(last <= early[0], f"{field}.end", ends[1], "at most r(t_min)")
        below += integral_below(case, laws, scale, piece, field)
    case.bound("below", below + expansion[0], "int lambda*", "lower")
    require((factor is None) == (upper > 600), "assertion.factor", factor, "null if upper > 600, else a number")
    if factor is not None:
        case.bound("above", a.exp(a.rational(upper))[1], "exp(upper)", "factor")
    low, high = case.said(at_least, "lower"), case.said(at_most, "upper")
    last_word = "no factor" if factor is None else f"factor {case.said(at_most, 'factor')}"
    ends_of = f"int lambda* lies in [{low}, {high}], lambda* = sup over all x of lambda_max(-J)"
    return f"{ends_of}, and for all x, y, |Phi(x)-Phi(y)| <= exp({high}) |x-y|, {last_word}"


def integral_above(case: Case, laws: list[Law], scale: int, reach: Interval) -> int:
    """`int V* dr` from above, in units: the panels cover the reach, on each every block is below the line (10)."""
    a, proof, work, total, widest = case.arithmetic, case.proof, case.work, 0, dict[int, int]()
    panels, start, field = proof["panels"], proof["start"], "proof.panels"
    work.spend(product_steps(a.bits, bits_of([start])), "proof.start")
    require(a.rational(start)[1] <= reach[0], "proof.start", start, "at most r(t_max)")
    for i, panel in enumerate(panels):
        end, levels, where = panel["end"], panel["levels"], f"{field}[{i}]"
        require(end > start, f"{where}.end", end, "a number above the end before")
        require(len(levels) == 2 and min(levels) > 0, f"{where}.levels", levels, "two numbers > 0")
        covers = panel["covers"]
        require(len(covers) == len(laws), f"{where}.covers", covers, f"{len(laws)}, one for each block")
        long = bits_of([start, end, *levels])
        work.spend(8 * fraction_steps(2 * long) + product_steps(a.bits + 4 * long, 4 * long), where)
        ends, lines = (start / scale, end / scale), [level * scale for level in levels]
        for j, (law, cover) in enumerate(zip(laws, covers, strict=True)):
            if cover is None:
                if j not in widest:
                    widest[j] = farthest(case, law, long, f"proof.blocks[{j}]")
                fits = widest[j] <= 4 * min(lines) * law.unit**2
                require(fits, f"{where}.levels", levels, f"at least D^2/4 of block {j}, which has no covering here")
            else:
                block = {"pivots": proof["blocks"][j]["pivots"]} | cover
                Panel(case, law, ends, lines, block, f"{where}.covers[{j}]")
        total += a.rational((end - start) * sum(levels) / 2)[1]
        start = end
    require(a.rational(start)[0] >= reach[1], field, start, "panels up to r(t_min)")
    return total


def integral_below(case: Case, laws: list[Law], scale: int, piece: dict[str, Any], field: str) -> int:
    """`int Var(e.a) dr / e.e` over a piece from below, in units, at a tilt that is affine in `r`: by midpoints of so
    many `steps` of width w, each off by at most `w^3 H^2 S^2 / 192`, H, S the ranges of `e.a_k`, `d log p_k / dr`."""
    a, number, steps = case.arithmetic, piece["block"], piece["steps"]
    require(number < len(laws), f"{field}.block", number, f"a block below {len(laws)}")
    law, members, size = laws[number], piece["members"], len(laws[number].middle)
    normal = [Fraction(0)] * size if piece["normal"] is None else piece["normal"]
    lists = {"tilt": piece["tilt"], "slope": piece["slope"], "vector": piece["vector"], "normal": normal}
    for key, entries in lists.items():
        require(len(entries) == size, f"{field}.{key}", entries, f"{size} numbers, one for each axis of the block")
    tilt, slope, vector, _ = lists.values()
    require(any(vector), f"{field}.vector", vector, "a vector that is not 0")
    long = 3 * law.size + 4 + bits_of([piece["start"], piece["end"], *tilt, *slope, *vector, *normal])
    each = 5 * size * fraction_steps(2 * long) + 20 * fraction_steps(4 * long) + product_steps(a.bits + long, long)
    case.work.spend((len(law.points) + 1) * each, field)
    width = a.bits + 2 * long
    point = a.steps + 40 + 6 * product_steps(width, width)
    case.work.spend(steps * (len(law.points) * point + 4 * point), field)
    require_exposed(law, members, normal, field)
    start, step = piece["start"] / scale, (piece["end"] - piece["start"]) / (scale * steps)
    rows = [[Fraction(x, law.unit) for x in law.points[k]] for k in members]
    heights, squares = [dot(vector, row) for row in rows], [dot(row, row) for row in rows]
    slopes = [dot(slope, row) - square for row, square in zip(rows, squares, strict=True)]
    first, moves, total = list[Interval](), [a.rational(s * step) for s in slopes], 0
    for k, row, square, s in zip(members, rows, squares, slopes, strict=True):
        level = dot(tilt, row) - start * square + s * step / 2
        first.append(a.add(law.logs[k], a.rational(level)))
    enclosed = [a.rational(height) for height in heights]
    for j in range(steps):
        powers = [(low + j * down, high + j * up) for (low, high), (down, up) in zip(first, moves, strict=True)]
        total += max(variance_of(a, powers, enclosed)[0], 0)
    off = steps * step**3 * (max(heights) - min(heights)) ** 2 * (max(slopes) - min(slopes)) ** 2 / 192
    found = (Fraction(total, a.one[0]) * step - off) / dot(vector, vector)
    return a.rational(max(found, Fraction(0)))[0]


_COVER = {"radius": Fraction, "boxes": str, "cones": [str]}
_FACES = [{"members": INDICES, "pivots": INDICES, "cover": _COVER}]
_PANEL = {"end": Fraction, "levels": LIST, "covers": [({"cover": _COVER, "faces": _FACES},)]}
_PIECE = {"start": Fraction, "end": Fraction, "steps": range(1, MAX_VALUES), "block": range(MAX_VALUES)}
_PIECE |= {"members": INDICES, "normal": (LIST,), "tilt": LIST, "slope": LIST, "vector": LIST}
_HINTS = {
    "turn": ([range(-(2**64), 2**64)],),
    "blocks": [{"axes": INDICES, "pivots": INDICES}],
    "start": Fraction,
    "panels": [_PANEL],
    "pieces": [_PIECE],
}
_INTEGRAL = {"lower": Fraction, "upper": Fraction, "factor": (Fraction,)}
F5 = Rule(
    "panels",
    _INTEGRAL,
    _HINTS,
    sharp_integral,
    "proofs/F5.md, proofs/sharp.md, proofs/checker.md sections 4 and 5 and 10",
)
