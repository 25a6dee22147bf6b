"""Sharp rates of a shared covariance (L5): a covering in another metric, and one matrix that must be positive (11).

`C = I - q S`, `S = I - Sigma`, `q = e^(-2t)`, `P = C^-1`: `-J = I - P + q P Cov P`, so `-J <= U I` wherever
`Cov <= M(U) = ((U - 1) C^2 + C) / q`."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from operator import sub
from typing import Any

from .arithmetic import Interval, dot
from .cases import KINDS, LIST, Case, Rule
from .coverings import COVER, Covering, Law
from .matrices import Intervals, covariance, definite, eliminate, image, inverse
from .reading import over_common_denominator
from .refusals import require
from .sentences import at_least, at_most, exactly
from .sharp_rates import FACES, variance_of
from .work import bits_of, fraction_steps, product_steps

FIELD = "problem.mixture.covariances.values"


class Shared:
    """`Sigma`, `S = I - Sigma` and `S^2` in integers over `unit` and its square; q, and polynomials in it."""

    def __init__(self, case: Case, q: Interval):
        self.case, self.a, self.q = case, case.arithmetic, q
        sigma, self.unit = covariance(case.covariances, case.size, FIELD, case.work)
        self.s = [[self.unit * (i == j) - x for j, x in enumerate(row)] for i, row in enumerate(sigma)]
        long = bits_of([self.unit, *(x for row in self.s for x in row)])
        case.work.spend(case.size**3 * (2 + product_steps(long, long)), FIELD)
        self.square = [image(self.s, row) for row in self.s]
        self.long = 2 * long + case.size.bit_length()
        self.powers = self.a.one, q, self.a.square(q)

    def at(self, *factors: Fraction) -> Intervals:
        """`f_0 I + f_1 q S + f_2 q^2 S^2`, enclosed."""
        a, size, long = self.a, self.case.size, self.long + bits_of(factors)
        each = fraction_steps(long) + product_steps(a.bits + long, long) + product_steps(a.bits + long, a.bits)
        self.case.work.spend(3 * size**2 * (20 + each), FIELD)
        found: Intervals = [[(0, 0)] * size for _ in range(size)]
        identity = [[int(i == j) for j in range(size)] for i in range(size)]
        parts = (identity, 1), (self.s, self.unit), (self.square, self.unit**2)
        for factor, (matrix, unit), power in zip(factors, parts, self.powers, strict=False):
            for i, row in enumerate(matrix):
                for j in range(i + 1):
                    found[i][j] = a.add(found[i][j], a.mul(power, a.rational(factor * row[j] / unit)))
        return [[found[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]


def shared_rate(case: Case) -> str:
    """L5: `lower <= sup_x rate(x, t) <= upper`, one-sided `lambda_max(-J)`, two-sided `||J||_2`, which is the larger of
    that and `lambda_max(P) - 1`. Above: `Cov(B alpha) <= threshold I` for all tilts, alpha the coordinates of the means
    on the pivots, and a positive definite matrix that says that this is `Cov <= M(upper)` (11)."""
    claim, proof, work = case.assertion, case.proof, case.work
    time, upper, threshold = claim["t"], claim["upper"], proof["threshold"]
    case.within("t")
    case.spend(4, "assertion.t", time, claim["lower"], upper, threshold)
    require(threshold > 0, "proof.threshold", threshold, "a number > 0")
    law = MetricLaw(case, Shared(case, case.decay(time)))
    if proof["cover"] is None:
        each = 12 + len(law.figure[0]) * (6 + product_steps(law.length, law.length))
        work.spend(len(law.figure) ** 2 // 2 * each + fraction_steps(bits_of([threshold]) + 2 * law.length), "proof")
        apart = (sum((x - y) ** 2 for x, y in zip(*pair, strict=True)) for pair in combinations(law.figure, 2))
        fits = max(apart, default=0) <= 4 * threshold * law.scale**2
        require(fits, "proof.threshold", threshold, "at least D^2/4 in the metric")
    else:
        pivots = list(range(len(proof["pivots"])))
        Covering(case, law, threshold, {"pivots": pivots, "cover": proof["cover"], "faces": proof["faces"]}, "proof")
    require(
        law.settles(upper, threshold),
        "assertion.upper",
        upper,
        "a bound of the supremum from above that the metric and its threshold prove",
    )
    if claim["kind"] == "two-sided":
        ahead = law.shared.at(upper, -1 - upper)
        fits = definite(ahead, work, FIELD)
        require(fits, "assertion.upper", upper, "a bound of lambda_max(P) - 1 from above")
    case.bound("below", law.witnessed(claim["kind"] == "two-sided"), "the rate at the witness", "lower")
    t, low, high = case.said(exactly, "t"), case.said(at_least, "lower"), case.said(at_most, "upper")
    rate = "||J||_2" if claim["kind"] == "two-sided" else "lambda_max(-J)"
    return f"at t = {t}, {low} <= sup over all x of {rate} <= {high}"


class MetricLaw(Law):
    """The law of the coordinates `alpha_k` of the means on the pivots, `a_k - a_l = E (alpha_k - alpha_l)`, with
    `logs = log w_k - q a_k.P a_k / 2` and the figure `B alpha_k` (11)."""

    def __init__(self, case: Case, shared: Shared):
        self.case, self.shared, a = case, shared, case.arithmetic
        pivots, size, p = case.proof["pivots"], case.size, a.bits
        fits = pivots == sorted(set(pivots)) and len(pivots) > 0 and pivots[-1] < size
        require(fits, "proof.pivots", pivots, f"axes below {size}, ascending, at least one")
        super().__init__(case, case.means, pivots, (0, 0))
        whole: dict[tuple[int, ...], list[int]] = {}
        for row in case.means:
            whole.setdefault(tuple(row[axis] for axis in pivots), row)
        bits = bits_of([case.denominator, *(x for row in case.means for x in row)]) + 2
        case.work.spend(2 * len(case.means) * size * len(pivots) * fraction_steps((len(pivots) + 1) * bits), "proof")
        rows = [list(map(Fraction, map(sub, row, case.means[0]))) for row in case.means[1:]]
        one_to_one = eliminate(rows, pivots) == len(pivots) and not any(map(any, rows[len(pivots) :]))
        require(one_to_one, "proof.pivots", pivots, "axes on which the hull of the means projects one to one")
        self.embedding = rows[: len(pivots)]  # the transpose of E
        middles = [max(column) + min(column) for column in zip(*case.means, strict=True)]
        self.centre = [Fraction(middle, self.unit) for middle in middles]
        self.whole = [[2 * x - m for x, m in zip(row, middles, strict=True)] for row in whole.values()]
        self.near, self.off = inverse(a, shared.at(Fraction(1), Fraction(-1)), case.work, FIELD)
        long = bits_of([self.unit, *(x for row in self.whole for x in row)])
        wide = bits_of(x for row in self.near for x in row)
        each = size * (size + 2) * (2 + product_steps(wide + long, long)) + product_steps(2 * p + wide, 2 * long)
        case.work.spend(len(self.whole) * each, FIELD)
        self.logs = [a.sub(log, self.half(row)) for log, row in zip(self.logs, self.whole, strict=True)]
        self.metric(case.proof["metric"], len(pivots))

    def half(self, row: list[int]) -> Interval:
        """`q a.P a / 2`."""
        value, off = dot(image(self.near, row), row), self.off * sum(map(abs, row)) ** 2
        square = (value - off) // self.unit**2, -(-(value + off) // self.unit**2)
        low, high = self.shared.a.mul(self.shared.q, square)
        return low >> 1, -(-high >> 1)

    def metric(self, rows: list[list[Fraction]], size: int) -> None:
        """The figure `B alpha_k`, over a common denominator."""
        fits = len(rows) == size and all(len(row) == size for row in rows)
        require(fits, "proof.metric", rows, f"{size} rows of {size} numbers")
        flat, unit = over_common_denominator([x for row in rows for x in row], "proof.metric", self.case.work)
        self.b, self.scale_b = [flat[i : i + size] for i in range(0, size * size, size)], unit
        each = 2 + product_steps(bits_of([unit, *flat]), self.size)
        self.case.work.spend((len(self.points) + size) * size**2 * each, "proof.metric")
        self.seen([image(self.b, point) for point in self.points], unit * self.unit)

    def settles(self, upper: Fraction, threshold: Fraction) -> bool:
        """Whether `E Cov(alpha) E^T <= M(upper)` follows from `B Cov(alpha) B^T <= threshold I`: it does if the matrix
        `((q M, q E), (q E^T, q B^T B / threshold))` is positive definite, by its Schur complement."""
        a, q, n = self.shared.a, self.shared.q, len(self.b)
        corner = self.shared.at(upper, 1 - 2 * upper, upper - 1)
        long = bits_of([threshold, *(x for row in self.embedding for x in row), *(x for row in self.b for x in row)])
        long = max(long, bits_of([self.scale_b])) * 2
        each = 20 + fraction_steps(long) + product_steps(a.bits + long, long) + product_steps(a.bits + long, a.bits)
        self.case.work.spend(n * (n + 2 * len(corner)) * each, "proof.metric")
        sides = [[a.mul(q, a.rational(x)) for x in row] for row in self.embedding]
        columns = list(zip(*self.b, strict=True))
        grams = [[Fraction(dot(x, y), self.scale_b**2) / threshold for y in columns] for x in columns]
        lowest = [[a.mul(q, a.rational(x)) for x in row] for row in grams]
        above = [[*row, *(side[i] for side in sides)] for i, row in enumerate(corner)]
        below = [[*side, *row] for side, row in zip(sides, lowest, strict=True)]
        return definite([*above, *below], self.case.work, "assertion.upper")

    def witnessed(self, two_sided: bool) -> int:
        """A lower bound of the rate, in units: with `e = C f`, `e.(-J)e/|e|^2 = q (Var(f.a) - C f.S f)/|C f|^2` at the
        point; two-sided also its size, and `q C f.S f/|C f|^2`, which `e.J e/|e|^2` comes near where one mean has all
        the mass."""
        a, q, case, shared, hint = self.shared.a, self.shared.q, self.case, self.shared, self.case.proof["lower"]
        f, x, size = hint["vector"], hint["point"], case.size
        require(len(x) == size, "proof.lower.point", x, "a number for each axis")
        require(len(f) == size and any(f), "proof.lower.vector", f, "a number for each axis, not all 0")
        long = bits_of([*f, *x, *self.centre, shared.unit, *(y for row in [*self.whole, *shared.s] for y in row)])
        wide = a.bits + long + bits_of(y for row in self.near for y in row)
        each = 2 * fraction_steps(2 * long) + 3 * product_steps(wide, wide)
        case.work.spend((size + len(self.whole) + 6) * (size + 4) * each + 3 * len(self.whole) * a.steps, "proof.lower")
        turned = [a.rational(Fraction(dot(row, f)) / shared.unit) for row in shared.s]
        pushed = [a.sub(a.rational(y), a.mul(q, z)) for y, z in zip(f, turned, strict=True)]
        # From the middle c: m (P x).a - q (P c).a. Any tilt will do.
        m = a.exp(a.rational(-case.assertion["t"]))[0]
        moved = [(m * y.numerator // y.denominator) - (q[0] * c.numerator // c.denominator)
                 for y, c in zip(x, self.centre, strict=True)]  # fmt: skip
        tilt = [dot(row, moved) >> a.bits for row in self.near]
        gains = [dot(tilt, row) for row in self.whole]
        powers = [a.add(log, (y // self.unit, -(-y // self.unit))) for log, y in zip(self.logs, gains, strict=True)]
        heights = [a.rational(Fraction(dot(f, row)) / self.unit) for row in self.whole]
        bent, length = self.total(pushed, turned), self.total(pushed, pushed)
        variance = variance_of(a, powers, heights)
        low, high = a.div(a.mul(q, a.sub((max(variance[0], 0), variance[1]), bent)), length)
        return max(low, -high, a.div(a.mul(q, bent), length)[0]) if two_sided else low

    def total(self, x: list[Interval], y: list[Interval]) -> Interval:
        """`x.y`."""
        parts = [self.shared.a.mul(u, v) for u, v in zip(x, y, strict=True)]
        return sum(low for low, _ in parts), sum(high for _, high in parts)


_HINTS: dict[str, Any] = {"metric": [LIST], "threshold": Fraction, "pivots": [range(2**20)], "cover": (COVER,)}
_HINTS |= {"faces": FACES, "lower": {"point": LIST, "vector": LIST}}
_SHARP = {"t": Fraction, "kind": KINDS, "lower": Fraction, "upper": Fraction}
_PROOFS = "proofs/L5.md, proofs/sharp.md, proofs/checker.md sections 5 and 11"
L5 = Rule("metric-inequality", _SHARP, _HINTS, shared_rate, _PROOFS, "shared")
