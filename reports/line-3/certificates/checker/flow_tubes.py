"""Flow tubes (S3): a polynomial path in `z = x/sqrt(v)`, its defect, and how far solutions are from it (6)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from operator import sub

from .arithmetic import Interval, dot
from .cases import LIST, Case, Rule
from .refusals import require
from .sentences import at_least, at_most, exactly
from .work import MAX_ORDER, bits_of, fraction_steps, product_steps

#: Points of so many coordinates are printed.
FEW = 8


def flow_tube(case: Case) -> str:
    """S3: `lower <= Phi(x) <= upper`, Phi the flow from `t_from` to `t_to`, in `z = x/sqrt(v)`, `Q = e^-t/sqrt(v)`:
    `dz/dQ = sum_k gamma_k mu_k`, `gamma_k ~ w_k exp(-|z - Q mu_k|^2/2)` (6)."""
    a, claim, steps = case.arithmetic, case.assertion, case.proof["steps"]
    read_box(case)
    nodes, roots, clocks = nodes_of(case), list[Interval](), list[Interval]()
    for key in ("t_from", "t_to"):
        case.within(key)
        roots.append(a.sqrt(case.variance(case.decay(claim[key]))))
        clocks.append(a.div(a.exp(a.rational(-claim[key])), roots[-1]))
    tube = Tube(case, [a.div(a.rational(entry), roots[0]) for entry in claim["x"]])
    tube.radius += tube.drift(clocks[0], nodes[0])
    for i, step in enumerate(steps):
        tube.step(nodes[i], nodes[i + 1], step["order"], f"proof.steps[{i}]")
    tube.radius += tube.drift(clocks[1], nodes[-1])
    for i, z in enumerate(tube.z):
        low, high = a.mul(roots[1], (z - tube.radius, z + tube.radius))
        case.bound("below", low, "the image", "lower", i)
        case.bound("above", high, "the image", "upper", i)
    return box_sentence(case)


def read_box(case: Case) -> None:
    """Require point and box of the assertion to have a number for each axis, and count what their enclosures take."""
    claim = case.assertion
    for key in ("x", "lower", "upper"):
        require(len(claim[key]) == case.size, f"assertion.{key}", claim[key], f"{case.size} numbers, one for each axis")
    numbers = [x for key in ("x", "lower", "upper") for x in claim[key]]
    case.spend(2 + case.size, "assertion", *numbers, claim["t_from"], claim["t_to"])


def nodes_of(case: Case) -> list[int]:
    """Start and ends of the steps, which must be positive binary numbers, in units."""
    a, nodes, ends = case.arithmetic, list[int](), [case.proof["start"], *(step["end"] for step in case.proof["steps"])]
    case.work.spend(sum(20 + product_steps(a.bits + bits_of([end]), bits_of([end])) for end in ends), "proof.steps")
    for i, node in enumerate(ends):
        low, high = a.rational(node)
        require(0 < low == high, f"proof.steps[{i - 1}].end" if i else "proof.start", node, "a positive binary number")
        nodes.append(low)
    return nodes


def box_sentence(case: Case) -> str:
    """What is asserted of a point and its image, in words."""
    start, end = case.said(exactly, "t_from"), case.said(exactly, "t_to")
    said = f"Phi from t = {start} to t = {end} takes x into the box [lower, upper]"
    if case.size > FEW:
        return f"{said} of the assertion"
    parts = (("x", exactly), ("lower", at_least), ("upper", at_most))
    lists = [f"{key} = ({', '.join(case.said(how, key, i) for i in range(case.size))})" for key, how in parts]
    return f"{said}, {', '.join(lists)}"


class Tube:
    """All solutions within `radius` of `z` at one Q, and a proof of where a step takes them (6). In units."""

    def __init__(self, case: Case, start: list[Interval]):
        self.a, self.case = case.arithmetic, case
        total, bits = case.total.bit_length(), bits_of([case.denominator, *(x for row in case.means for x in row)])
        long = self.a.bits + bits
        each = self.a.steps + fraction_steps(total) + product_steps(self.a.bits + total, total)
        each += len(start) * (10 + product_steps(long, bits) + product_steps(long, long))
        case.work.spend(len(case.weights) * each, "problem.mixture.means")
        self.logs = [self.a.log(self.a.rational(Fraction(weight, case.total))) for weight in case.weights]
        self.means = [[(x << self.a.bits) // case.denominator for x in row] for row in case.means]
        self.speed = max(math.isqrt(dot(row, row)) for row in self.means) + 1 + len(start)
        self.z, self.radius = [low for low, _ in start], sum(high - low for low, high in start)

    def drift(self, clock: Interval, node: int) -> int:
        """How far a solution moves between any number of an interval and the node."""
        return (max(clock[1] - node, node - clock[0]) * self.speed >> self.a.bits) + 1

    def step(self, now: int, end: int, order: int, field: str) -> None:
        """From `now` to `end = now + h`, along `z + y h g + Z(y)`, `0 <= y <= 1`. With `e_k = mu_k - g`, up to a common
        function, the logarithm of `p_k = w_k exp(-|z - Q mu_k|^2/2)` gains `b_k = h l_k y + Q Z.e_k - h^2 n_k y^2/2`;
        the path is a solution if `Z' = h T/S`, `S = sum p_k`, `T = sum p_k e_k`. Polynomials Z, b_k and `E_k` near p_k
        follow by recurrence; on [0, 1], b_k is off by theta, at most `up`, and nowhere gains more than `rise`, and
        `|E_k' - b_k' E_k| <= rest`, `|E_k - p_k| <= eps`, `S >= least`, `|Z' - h T/S| <= defect` (6)."""
        a, case, z, size, h, top = self.a, self.case, self.z, self.case.size, end - now, max(now, end)
        p, one, axes, den = a.bits, a.one[0], range(size), case.denominator
        bulk = bits_of([top, den, *z, *(x for row in self.means for x in row)])
        each = product_steps(2 * bulk, 2 * bulk)
        case.work.spend(
            (len(self.means) + size) * ((size**2 + 12 * size + 10) * each + 100) + len(self.means) * 3 * a.steps, field
        )
        halves = [sum((x * den - now * m) ** 2 for x, m in zip(z, row, strict=True)) for row in case.means]
        halves = [half // (2 * den**2 << p) for half in halves]
        logits = [(log[0] - half - 1, log[1] - half) for log, half in zip(self.logs, halves, strict=True)]
        lead = max(low for low, _ in logits)
        mass = [a.exp((low - lead, high - lead)) for low, high in logits]
        first = sum(low for low, _ in mass)

        def average(values: Iterable[int]) -> int:
            return sum(low * value for (low, _), value in zip(mass, values, strict=True)) // first

        g = [average(column) for column in zip(*self.means, strict=True)]
        arms = [list(map(sub, row, g)) for row in self.means]
        gaps = [[(x << p) - now * m for x, m in zip(z, row, strict=True)] for row in self.means]
        slopes = list(map(dot, gaps, arms))
        bends = [dot(arm, arm) for arm in arms]
        alpha, nu = average(slopes), average(bends)
        E, db, S = [[low] for low, _ in mass], [list[int]() for _ in mass], [first]
        Z, dZ = [[0] for _ in axes], [list[int]() for _ in axes]
        for n in range(order):
            long = bits_of(row[-1] for row in [*E, *Z])
            each = product_steps(max(bulk, long), max(bulk, long))
            case.work.spend(2 * (len(arms) + size) * (n + 3 * size + 3) * (2 + each), field)
            for j in axes:
                pull = h * sum(row[n] * arm[j] for row, arm in zip(E, arms, strict=True)) >> p
                Z[j].append((pull - dot(S[1:], dZ[j][::-1])) // ((n + 1) * first))
                dZ[j].append((n + 1) * Z[j][-1])
            for k, arm in enumerate(arms):
                gain = sum((h * Z[j][n] + now * Z[j][n + 1]) * arm[j] for j in axes) >> 2 * p
                gain += (h * (slopes[k] - alpha), -h * h * (bends[k] - nu) >> 1)[n] >> 3 * p if n < 2 else 0
                db[k].append((n + 1) * gain)
                E[k].append(dot(db[k], E[k][::-1]) // ((n + 1) << p))
            S.append(sum(row[-1] for row in E))
        up = [sum(abs(x) // (n + 1) for n, x in enumerate(row) if n or x > 0) for row in db]
        rise = [max(0, row[0] + sum(map(abs, row[1:]))) if low else 0 for (low, _), row in zip(mass, db, strict=True)]
        reach = [math.isqrt(bend) + 1 + size for bend in bends]
        far = sum(map(abs, z)) + (abs(h) * sum(map(abs, g)) >> p) + sum(abs(x) for row in Z for x in row) + size + 1
        left = abs(h) * sum(abs(row[-1]) for row in Z) * max(reach)
        theta = 2 * order + 4 + (left + 2 * size * top * (far + (top * self.speed >> p) + one) >> 2 * p)
        mean = sum(abs(average(row[n] // (n + 1) for row in db)) + 1 for n in range(order))
        least = first * (one - mean - theta) >> p
        peaks = [high - lead + x + theta for (_, high), x in zip(logits, up, strict=True)]
        fits = least > 0 and theta < one >> 10 and max(*peaks, *rise) < one << 10
        require(fits, field, Fraction(max(*peaks, *rise), one), "a step in which masses grow by less than e^1024")
        defect = order**2 * (size + 1) * (first + 2 * one)
        for j in axes:
            pull = h * sum(row[-1] * arm[j] for row, arm in zip(E, arms, strict=True)) >> p
            for n in range(order):
                defect += abs(dot(S[n + 1 :], dZ[j][::-1]) - (0 if n else pull))
        fast, shares = sum(abs(x) for row in dZ for x in row), []
        for k, (low, high) in enumerate(mass):
            grown, most, peak = (a.exp((x, x))[1] for x in (rise[k], up[k] if low else 0, peaks[k]))
            rest = sum(abs(dot(db[k][n:], E[k][::-1])) for n in range(order)) + one * order * (order + 1)
            eps = (grown * rest >> 2 * p) + ((high - low + (2 * theta * high >> p) + 1) * most >> p) + 2
            defect += (eps if low else peak) * (fast + (abs(h) * reach[k] >> p) + 1)
            shares.append(min(one, (257 * peak << p) // (256 * least) + 1))
        defect = defect // least + (size * abs(h) >> p) + 2
        terms = [sum(u * e[i] * e[j] for u, e in zip(shares, arms, strict=True)) >> 2 * p for i in axes for j in axes]
        spread = math.isqrt(dot(terms, terms)) + 1 + size + 2 * size * sum((x >> p) + 2 for x in reach)
        growth = (max(h, 0) * top * spread >> 2 * p) + 1
        require(growth < one << 10, field, Fraction(growth, one), "a step in which distances grow by less than e^1024")
        self.radius = (a.exp((growth, growth))[1] * (self.radius + defect) >> p) + 1
        thin = self.radius * top * max(reach) < 1 << (3 * p - 10)
        require(thin, field, Fraction(self.radius, one), "a tube that is thinner")
        self.radius += size
        self.z = [x + (h * y >> p) + sum(row) for x, y, row in zip(z, g, Z, strict=True)]


_TUBE = {"x": LIST, "t_from": Fraction, "t_to": Fraction, "lower": LIST, "upper": LIST}
_STEPS = {"start": Fraction, "steps": [{"end": Fraction, "order": range(2, MAX_ORDER + 1)}]}
_PROOFS = "proofs/S1.md, proofs/S3.md, proofs/flow-tube.md section 1, proofs/checker.md section 6"
S3 = Rule("taylor-steps", _TUBE, _STEPS, flow_tube, _PROOFS)
