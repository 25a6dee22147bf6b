"""Sharp rates (L5), by the law of the means and its blocks, a covering of each block, and a witness (4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, islice

from .arithmetic import Arithmetic, Interval, dot
from .cases import INDICES, KINDS, LIST, Case, Rule
from .coverings import COVER, Covering, Law
from .refusals import require
from .sentences import at_least, at_most, exactly
from .work import MAX_VALUES, bits_of, fraction_steps, product_steps


def sharp_rate(case: Case) -> str:
    """L5: `lower <= sup_x rate(x, t) <= upper`, `rate = (q/v^2) V* - (1/v - 1)`, if two-sided at least `|1/v - 1|`, by
    both sides of `V* = sup_y lambda_max Cov_p(a)`, by blocks; with a turn, of `(f x + g y, f y - g x)` (4)."""
    a, claim, blocks = case.arithmetic, case.assertion, case.proof["blocks"]
    time, one_sided = claim["t"], claim["kind"] == "one-sided"
    case.within("t")
    case.spend(2, "assertion.t", time, claim["lower"], claim["upper"], *(block["threshold"] for block in blocks))
    q = case.decay(time)
    v = case.variance(q)
    r, excess, factor = a.div(q, (2 * v[0], 2 * v[1])), a.sub(a.div(a.one, v), a.one), a.div(q, a.square(v))
    pull = a.mul(a.exp(a.rational(time)), (2 * r[0], 2 * r[1]))

    def rate(spread: Fraction) -> Interval:
        low, high = a.sub(a.mul(factor, a.rational(spread)), excess)
        sure = max(-excess[1], excess[0], 0), max(-excess[0], excess[1])
        return (low, high) if one_sided else (max(low, sure[0]), max(high, sure[1]))

    laws, scale = factors(case, r)
    r = r[0] // scale, -(-r[1] // scale)
    for i, (law, block) in enumerate(zip(laws, blocks, strict=True)):
        field, threshold = f"proof.blocks[{i}]", block["threshold"]
        require(threshold > 0, f"{field}.threshold", threshold, "a number > 0")
        if block["cover"] is None:
            bits = bits_of([threshold])
            fits = farthest(case, law, bits, field) <= 4 * threshold * scale * law.unit**2
            require(fits, f"{field}.threshold", threshold, "at least D^2/4 of the block")
        else:
            Covering(case, law, threshold * scale, block, field)
    case.bound("above", rate(max(block["threshold"] for block in blocks))[1], "the supremum", "upper")
    case.bound("below", rate(witnessed(case, laws, r, pull) / scale)[0], "the rate at the witness", "lower")
    t, low, high = case.said(exactly, "t"), case.said(at_least, "lower"), case.said(at_most, "upper")
    return f"at t = {t}, {low} <= sup over all x of {'lambda_max(-J)' if one_sided else '||J||_2'} <= {high}"


def factors(case: Case, r: Interval) -> tuple[list[Law], int]:
    """The laws of the blocks, whose product is the whole one, and by how much a turn scales `|a_k|^2` (4)."""
    blocks, turn, means, scale = case.proof["blocks"], case.proof["turn"], case.means, 1
    if turn is not None:
        fits, required = case.size == len(turn) == 2 and any(turn), "two integers, not both 0, for means in a plane"
        require(fits, "proof.turn", turn, required)
        means, scale = [[dot(turn, row), turn[0] * row[1] - turn[1] * row[0]] for row in means], dot(turn, turn)
        r = r[0] // scale, -(-r[1] // scale)
    taken = [axis for block in blocks for axis in block["axes"]]
    for i, block in enumerate(blocks):
        axes, fresh = block["axes"], i > 0 or len(taken) == len(set(taken))
        fits = fresh and axes and axes == sorted(set(axes)) and axes[-1] < case.size
        require(bool(fits), f"proof.blocks[{i}].axes", axes, f"axes below {case.size}, ascending, in no other block")
    rest = [axis for axis in set(range(case.size)) - set(taken) if any(row[axis] != means[0][axis] for row in means)]
    require(bool(blocks) and not rest, "proof.blocks", rest, "blocks that hold every axis on which the means differ")
    laws, whole = [Law(case, means, block["axes"], r) for block in blocks], Law(case, means, taken, r)
    require_product(case, laws, whole)
    return laws, scale


def farthest(case: Case, law: Law, bits: int, field: str) -> int:
    """The largest `|a_j - a_k|^2` of a law, over `unit^2`, to be compared with a number of so many bits."""
    each = 12 + len(law.points[0]) * (6 + product_steps(law.size, law.size))
    case.work.spend(len(law.points) ** 2 // 2 * each + fraction_steps(bits + 2 * law.size), field)
    apart = (sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for x, y in combinations(law.points, 2))
    return max(apart, default=0)


def require_product(case: Case, laws: Sequence[Law], whole: Law) -> None:
    """The points of the whole law are the products of the points of the laws, and so are the weights, in integers."""
    count, bits = math.prod(len(law.points) for law in laws), len(laws) * case.total.bit_length()
    require(count == len(whole.points), "proof.blocks", f"{count} products", f"{len(whole.points)}, as many as means")
    each = (
        len(laws) * (10 + product_steps(bits, case.total.bit_length()))
        + 2 * product_steps(bits, bits)
        + len(whole.middle)
    )
    case.work.spend((count + 1) * each, "proof.blocks")
    scale = case.total ** (len(laws) - 1)
    for point, weight in whole.weights.items():
        entries = iter(point)
        parts = [law.weights[tuple(islice(entries, len(law.middle)))] for law in laws]
        if math.prod(parts) != weight * scale:
            share = Fraction(weight, case.total)
            require(False, "proof.blocks", share, "weights that are products over the blocks")


def witnessed(case: Case, laws: list[Law], r: Interval, pull: Interval) -> Fraction:
    """A lower bound of `V*`: `e.Cov(a).e / e.e` at x, or in the limit along a normal that is largest on `members` only;
    `p_k ~ w_k exp(-r |a_k|^2 + (m/v) x.a_k)`, `m/v = 2 r e^t` (4)."""
    a, hint, field = case.arithmetic, case.proof["lower"], "proof.lower"
    require(hint["block"] < len(laws), f"{field}.block", hint["block"], f"a block below {len(laws)}")
    law, axes = laws[hint["block"]], case.proof["blocks"][hint["block"]]["axes"]
    members, vector, x = (hint[key] for key in ("members", "vector", "point"))
    normal = [Fraction(0)] * len(axes) if hint["normal"] is None else hint["normal"]
    require(len(x) == case.size, f"{field}.point", x, "a number for each axis")
    require(len(vector) == len(axes) and any(vector), f"{field}.vector", vector, "a vector on the block, not 0")
    require(len(normal) == len(axes), f"{field}.normal", normal, "a number for each axis of the block")
    long, tilts = (
        law.size + bits_of([*normal, *vector]),
        a.bits + bits_of([*pull, *r, *x, *law.middle, case.denominator]),
    )
    each = len(axes) * (4 * fraction_steps(long) + product_steps(tilts, law.size))
    each += a.steps + 4 * product_steps(a.bits + long, a.bits + long) + product_steps(tilts, law.size)
    case.work.spend(len(law.points) * each + 4 * len(axes) * product_steps(tilts, tilts), field)
    require_exposed(law, members, normal, field)
    # From the middle c: -r |a+c|^2 + (m/v) x.(a+c) = -r |a|^2 + ((m/v) x - 2 r c).a + a constant. Any tilt will do.
    shifts = [a.mul((2 * r[0], 2 * r[0]), a.rational(c))[0] for c in law.middle]
    tilt = [a.mul(pull, a.rational(x[axis]))[0] - shift for axis, shift in zip(axes, shifts, strict=True)]
    gains = [dot(tilt, law.points[k]) for k in members]
    powers = [
        a.add(law.logs[k], (gain // law.unit, -(-gain // law.unit))) for k, gain in zip(members, gains, strict=True)
    ]
    heights = [a.rational(dot(vector, law.points[k]) / law.unit) for k in members]
    length: Fraction = dot(vector, vector)
    return Fraction(max(variance_of(a, powers, heights)[0], 0), a.one[0]) / length


def require_exposed(law: Law, members: list[int], normal: list[Fraction], field: str) -> None:
    """The members are the points on which the normal is largest: their law is a limit of the whole one."""
    heights = [dot(normal, point) for point in law.points]
    highest = max(heights)
    exposed = [k for k, height in enumerate(heights) if height == highest]
    require(members == exposed, f"{field}.members", members, f"the {len(exposed)} points that the normal exposes")


def variance_of(a: Arithmetic, powers: Sequence[Interval], heights: Sequence[Interval]) -> Interval:
    """The variance of numbers under masses proportional to `exp(powers)`: mean square less square of the mean."""
    total, mean, square = (0, 0), (0, 0), (0, 0)
    lead = max(high for _, high in powers)
    for power, height in zip(powers, heights, strict=True):
        mass = a.exp(a.sub(power, (lead, lead)))
        weighted = a.mul(mass, height)
        total, mean, square = a.add(total, mass), a.add(mean, weighted), a.add(square, a.mul(weighted, height))
    return a.sub(a.div(square, total), a.square(a.div(mean, total)))


FACES = [{"members": INDICES, "pivots": INDICES, "cover": COVER}]
_BLOCK = {"axes": INDICES, "threshold": Fraction, "pivots": INDICES, "cover": (COVER,), "faces": FACES}
_LOWER = {"block": range(MAX_VALUES), "members": INDICES, "normal": (LIST,), "point": LIST, "vector": LIST}
_SHARP = {"t": Fraction, "kind": KINDS, "lower": Fraction, "upper": Fraction}
_HINTS = {"blocks": [_BLOCK], "turn": ([range(-(2**64), 2**64)],), "lower": _LOWER}
L5 = Rule(
    "master-inequality", _SHARP, _HINTS, sharp_rate, "proofs/L5.md, proofs/sharp.md, proofs/checker.md sections 4 and 5"
)
