"""Networks for the score (A6): how far one is from the score of its mixture, for all x and t, from its weights (9)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, groupby, pairwise
from typing import Any

from .arithmetic import Interval, dot
from .cases import LIST, Case, Rule
from .gadgets import GADGET, Gadget, exponential, reciprocal
from .polynomials import Algebra
from .refusals import require
from .sentences import about, at_most
from .time_functions import Stretch, Values, stretch, values
from .work import MAX_ORDER, bits_of, fraction_steps, product_steps

#: A number above 2 pi; how often a stretch of time is halved at most; the bounds of the assertion.
TURN, HALVINGS, BOUNDS = Fraction(710, 113), 10, ("l2_error", "A", "B")


def network_score(case: Case) -> str:
    """A6: `||N - s||_{L^2(p_t)} <= l2_error` and `|N - s| <= A + B |x|` for all x, for all t in `[t_min, t_max]` (9).

    Stretches of time on which this is not seen are halved."""
    content, field = case.assertion["network"], "assertion.network.time"
    algebra, law = Algebra(case.arithmetic.bits, case.work), Means(case, content)
    time = Gadget(algebra, content["time"], 2, field)
    head = Head(case, algebra, law, content)
    case.spend(1, "assertion", *(case.assertion[key] for key in BOUNDS))
    most = {key: algebra.scaled(case.assertion[key]) for key in BOUNDS}
    for whole in stretches(case, algebra, time):
        parts = [(whole, HALVINGS)]
        while parts:
            here, left = parts.pop()
            found = law.errors(values(case, here), head, here.upper)
            wrong = [key for key in BOUNDS if found[key] > most[key]]
            if wrong and left:
                parts += [(half, left - 1) for half in here.halved(algebra, field)]
            elif wrong:
                of = f"{wrong[0]} for t from {about(here.lower)} to {about(here.upper)}"
                case.bound("above", found[wrong[0]], of, wrong[0])
    l2, constant, slope = (case.said(at_most, key) for key in BOUNDS)
    return (
        f"for all t, the network N of the assertion has ||N - s||_L2(p_t) <= {l2}, and for all x "
        f"|N(x,t) - s(x,t)| <= {constant} + {slope} |x|, s the score"
    )


def stretches(case: Case, algebra: Algebra, time: Gadget) -> Iterator[Stretch]:
    """All of `[t_min, t_max]`: each piece of the time gadget in `2^halvings` parts."""
    first, last, field = time.knots[0], time.knots[-1], f"{time.field}.knots"
    required = f"knots from t_min or before to t_max or after, not {about(first)} to {about(last)}"
    require(first <= case.t_min and case.t_max <= last, field, time.knots, required)
    halvings, order = case.proof["halvings"], case.proof["order"]
    for knots in pairwise(time.knots):
        lower, upper = max(knots[0], case.t_min), min(knots[1], case.t_max)
        if lower >= upper:
            continue
        outputs = [algebra.parts(output, halvings, field) for output in time.on(lower, upper)]
        ends = [lower + (upper - lower) * Fraction(i, 2**halvings) for i in range(2**halvings + 1)]
        for here, (start, end) in zip(zip(*outputs, strict=True), pairwise(ends), strict=True):
            yield stretch(case, algebra, here, start, end, order)


class Head:
    """The exponential E and the reciprocal R: `|E - e^z| <= th e^z + ph` for `z <= 0`, `|R(S) S - 1| <= rho` and
    `<= dl + C (S - k_0)` on `[k_0, k_J]`, which holds every sum S of K values of E, one of them E(0) (9)."""

    def __init__(self, case: Case, algebra: Algebra, law: Means, content: dict[str, Any]):
        a, field, proof, K = case.arithmetic, "assertion.network", case.proof, law.count
        if K == 1:
            for where, part in (("proof", proof), (field, content)):
                for key in sorted({"relative", "absolute", "exponential", "reciprocal"} & part.keys()):
                    require(part[key] is None, f"{where}.{key}", part[key], "null: one component needs none")
            return
        for key in ("relative", "absolute", "reciprocal"):
            require(proof[key] is not None and proof[key] >= 0, f"proof.{key}", proof[key], "a number >= 0")
        for key in ("exponential", "reciprocal"):
            require(content[key] is not None, f"{field}.{key}", None, f"a gadget: there are {K} components")
        E = Gadget(algebra, content["exponential"], 1, f"{field}.exponential")
        R = Gadget(algebra, content["reciprocal"], 1, f"{field}.reciprocal")
        apart = exponential(a, E, proof["relative"], proof["absolute"])
        distance, self.slope = reciprocal(a, R, proof["reciprocal"])
        th, ph, self.rho = (a.rational(proof[key])[1] for key in ("relative", "absolute", "reciprocal"))
        one, first, last = a.one[0], a.rational(R.knots[0])[0], a.rational(R.knots[-1])[0]
        keep, around = one - th - K * ph, apart + (K - 1) * ph
        require(keep > 0, "proof.relative", proof["relative"], "relative + K absolute < 1")
        require(one - around > first, f"{R.field}.knots[0]", R.knots[0], "a number below every sum of exponentials")
        required = "a number above every sum of exponentials"
        require(K * (one + th + ph) <= last, f"{R.field}.knots[{len(R.knots) - 1}]", R.knots[-1], required)
        #: th/(1 - th - K ph), ph B_1/(1 - th - K ph), 1 + 2 K ph/(1 - th - K ph), C (1 + th), and, where one mode alone
        #: counts, dl + C (|E(0) - 1| + (K - 1) ph + 1 - k_0): all rounded up.
        self.relative, self.clipping = law.over(th, keep), law.over(law.up(ph, law.reach), keep)
        self.lifted, self.grown = one + law.over(2 * K * ph, keep), law.up(self.slope, one + th)
        self.alone = distance + law.up(self.slope, around + one - first)


class Means:
    """Numbers of the means and weights, in units and rounded up, and the errors that follow from them (9)."""

    def __init__(self, case: Case, content: dict[str, Any]):
        self.case, self.a, self.bits = case, case.arithmetic, case.arithmetic.bits
        a, den, total, field = self.a, case.denominator, case.total, "assertion.network"
        weights, means = self.merged()
        self.count = K = len(means)
        lengths = (K, case.size) if K > 1 else (0, 0)
        for key, length in zip(("log_weights", "centre"), lengths, strict=True):
            required = f"{length} numbers, for {K} different means of {case.size} coordinates"
            require(len(content[key]) == length, f"{field}.{key}", content[key], required)
        logs, bits = content["log_weights"], bits_of([den, *(x for row in means for x in row)])
        wide = 2 * (bits + bits_of(content["centre"])) + 8
        each = 20 + case.size * (12 + product_steps(bits, bits)) + product_steps(a.bits, 2 * bits)
        case.work.spend(K * (K + 1) * each, "problem.mixture.means")
        each = case.size * 3 * fraction_steps(wide * case.size) + 6 * a.steps + fraction_steps(bits_of(logs) + a.bits)
        case.work.spend((K + 1) * (each + 4 * fraction_steps(total.bit_length() + wide)) + 64 * (a.steps + 40), field)
        squares = [[sum((x - y) ** 2 for x, y in zip(p, q, strict=True)) for q in means] for p in means]
        distances = [[self.root(Fraction(x, den**2)) for x in row] for row in squares]
        self.diameter, self.reach = max(map(max, distances)), max(map(sum, distances))
        norms = [dot(row, row) for row in means]
        self.largest = self.root(Fraction(max(norms), den**2))
        self.second_moment = a.rational(Fraction(dot(weights, norms), total * den**2))[1]
        self.norms_apart = a.rational(Fraction(max(norms) - min(norms), den**2))[1]
        away = [sum((Fraction(x, den) - o) ** 2 for x, o in zip(row, content["centre"], strict=False)) for row in means]
        self.radius = self.root(max(map(Fraction, away)))
        exact = [a.log(a.rational(Fraction(weight, total))) for weight in weights]
        off = [a.sub(a.rational(given), log) for given, log in zip(logs, exact, strict=False)]
        self.logs_apart, self.logs_off = (
            max((y for _, y in row), default=0) - min((x for x, _ in row), default=0) for row in (exact, off)
        )
        self.log_count = a.log((K << a.bits, K << a.bits))[1]
        self.varentropy = self.surprise() if K > 1 else 0
        #: For all pairs of the same distance and product of weights: how many, `D_ij^2`, and, of its root and of
        #: `sqrt(w_i w_j)/2`, the logarithms, from below and from above.
        self.pairs: list[tuple[int, Interval, int, int]] = []
        keys = sorted((squares[i][j], weights[i] * weights[j], i, j) for i, j in combinations(range(K), 2))
        case.work.spend(len(keys) * (2 * a.steps + 100) + a.steps, field)
        two = a.log(a.rational(Fraction(2)))[0]
        for _, group in groupby(keys, key=lambda key: key[:2]):
            alike = list(group)
            square, _, i, j = alike[0]
            apart = a.rational(Fraction(square, den**2))
            base = -(-(exact[i][1] + exact[j][1]) >> 1) - two
            self.pairs.append((len(alike), apart, a.log(apart)[0] >> 1, base))

    def merged(self) -> tuple[list[int], list[list[int]]]:
        """Weights and means, equal means being one component: in the order in which they first appear."""
        case = self.case
        bits = bits_of(x for row in case.means for x in row)
        count = len(case.weights)
        case.work.spend(
            count * (count.bit_length() + 2) * (20 + case.size * (2 + bits // 512)), "problem.mixture.means"
        )
        order = sorted(range(count), key=lambda k: (case.means[k], k))
        groups = [list(group) for _, group in groupby(order, key=lambda k: case.means[k])]
        groups.sort(key=lambda group: group[0])
        weights = [sum(case.weights[k] for k in group) for group in groups]
        return weights, [case.means[group[0]] for group in groups]

    def up(self, x: int, y: int) -> int:
        """`x y` for numbers >= 0."""
        return -(-x * y >> self.bits)

    def over(self, x: int, y: int) -> int:
        """`x / y` for `x >= 0`, `y > 0`."""
        return -((-x << self.bits) // y)

    def root(self, square: Fraction) -> int:
        """`sqrt(square)`, 0 of 0."""
        return self.a.sqrt(self.a.rational(square))[1]

    def surprise(self) -> int:
        """`sqrt(V_K)`, `V_K` the largest variance of `log p` under p of K outcomes: `V_K = u^2/4 - 1`,
        `u tanh((u - L)/2) = 2`, `L = log(K - 1)`. The left side grows with `u > L`: any u where it is >= 2 will do."""
        a, one = self.a, self.a.one[0]
        base = a.log(((self.count - 1) << a.bits,) * 2)[1]
        low, high = 0, 4 * one
        for _ in range(48):
            middle = (low + high) // 2
            power = a.exp((-middle, -middle))[1]
            enough = (base + middle) * (one - power) >= 2 * one * (one + power)
            low, high = (low, middle) if enough else (middle, high)
        return a.sqrt((0, (self.up(base + high, base + high) >> 2) - one + 1))[1]

    def errors(self, here: Values, head: Head, end: Fraction) -> dict[str, int]:
        """The three bounds on one stretch of time, which ends there."""
        case, bits, one = self.case, self.bits, self.a.one[0]
        turned = self.up(self.a.rational(abs(2 * case.c))[1], here.spread)
        total = here.drift**2 * self.second_moment + turned**2 * case.size * here.v[1]
        linear = math.isqrt(-(-total >> bits)) + (total > 0)
        plain = self.up(here.pull, self.largest)
        if self.count == 1:
            return {"l2_error": linear, "A": plain, "B": turned}
        require(here.a[0] > 0, "proof.bits", bits, "more bits: m/v is not told from 0")
        a, rho = here.a[1] + here.pull, self.over(here.pull, here.a[0])
        required = "an error below half of m/v at all times"
        require(2 * rho < one, "assertion.network.time", Fraction(rho, one), required)
        spread = self.up(rho, self.varentropy + (self.logs_apart >> 1) + 1) + (self.logs_off >> 1) + 1
        moved = self.over(spread + self.up(here.tilt, (self.norms_apart >> 1) + 1), one - rho)
        variance, overlap = self.overlaps(here, rho, end)
        deviation = min((self.diameter >> 1) + 1, math.isqrt(variance << bits) + 1)
        ratio = max(one, self.over(head.grown, head.rho))
        near = min(one, 2 * self.up(ratio, overlap))
        tip = self.up(head.rho, math.isqrt(near << bits) + 1) + head.alone
        inverse = self.up(self.radius, head.lifted)
        shaken = self.up(moved + head.relative, deviation) + head.clipping
        worst = self.up(moved + head.relative, (self.diameter >> 1) + 1) + head.clipping
        return {
            "l2_error": linear + self.up(a, shaken + self.up(inverse, tip)),
            "A": plain + self.up(a, worst + self.up(inverse, head.rho)),
            "B": turned,
        }

    def overlaps(self, here: Values, rho: int, end: Fraction) -> tuple[int, int]:
        """Bounds of the means of `tr Cov_gamma(mu)` and of `1 - sum gamma_k^2`, for all gamma of the path (9).

        `E gamma_i gamma_j <= h_ij = e^{2 om} K^{2 rho} g_ij^{1 - rho}`, `g_ij = sqrt(w_i w_j)/2 e^{-z^2/8} min(1,
        sqrt(2 pi)/z)`, `z = m |mu_i - mu_j|/sqrt(v)`."""
        a, bits, one, K = self.a, self.bits, self.a.one[0], self.count
        self.case.work.spend((len(self.pairs) + 3) * (2 * a.steps + 60), "problem.mixture.means")
        om = self.up(rho, self.logs_apart) + self.up(here.tilt, self.norms_apart) + self.logs_off
        lifted = 2 * om + 2 * self.up(rho, self.log_count)
        turn = a.log(a.rational(TURN))[1]
        clock = a.rational(-end)[0] - (-(-a.log(here.v)[1] >> 1))
        square = a.square(here.m)[0]
        variance = overlap = 0
        for number, apart, logarithm, base in self.pairs:
            power = base - square * apart[0] // (8 * here.v[1])
            power += min(0, -(-turn >> 1) - logarithm - clock)
            share = number * a.exp((min(0, lifted + power - (power * rho >> bits)),) * 2)[1]
            variance, overlap = variance + self.up(share, apart[1]), overlap + 2 * share
        return variance, min(overlap, one - one // K)


_NETWORK = {
    "time": GADGET,
    "exponential": (GADGET,),
    "reciprocal": (GADGET,),
    "log_weights": LIST,
    "centre": LIST,
}
_SCORE = {"network": _NETWORK, "l2_error": Fraction, "A": Fraction, "B": Fraction}
_HINTS = {
    "halvings": range(9),
    "order": range(2, MAX_ORDER + 1),
    "relative": (Fraction,),
    "absolute": (Fraction,),
    "reciprocal": (Fraction,),
}
A6 = Rule("gadgets", _SCORE, _HINTS, network_score, "proofs/A6.md, proofs/checker.md section 9")
