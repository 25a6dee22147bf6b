"""Flow tubes (S3) of any covariances: a polynomial path in `xi = e^t x`, `theta = e^(2t) - 1`, and its defect (12).

`dxi/dtheta = F = 1/2 sum_k gamma_k g_k`, `g_k = B_k (xi - mu_k)`, `B_k = (Sigma_k + theta)^-1`, gamma_k proportional to
`p_k = w_k det(B_k)^(1/2) exp(-(xi - mu_k).g_k / 2)`."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate
from typing import Any

from .arithmetic import Interval, dot
from .cases import LIST, Case, Rule
from .flow_tubes import box_sentence, nodes_of, read_box
from .matrices import Rows, covariance, elimination, near_inverse, positive
from .refusals import require
from .work import MAX_DIMENSION, MAX_ORDER, bits_of, fraction_steps, product_steps

FIELD = "problem.mixture.covariances.values"
Row = list[int]


def flow_tube(case: Case) -> str:
    """S3: `lower <= Phi(x) <= upper`, Phi the flow from `t_from` to `t_to` (12)."""
    a, claim, steps = case.arithmetic, case.assertion, case.proof["steps"]
    read_box(case)
    nodes = nodes_of(case)
    clocks: list[Interval] = []
    for key in ("t_from", "t_to"):
        case.within(key)
        clocks.append(a.sub(a.exp(a.rational(2 * claim[key])), a.one))
    tube = Tube(case, [a.mul(a.exp(a.rational(claim["t_from"])), a.rational(x)) for x in claim["x"]])
    tube.drift(clocks[0], nodes[0], "proof.start")
    for i, step in enumerate(steps):
        tube.step(nodes[i], nodes[i + 1], step["order"], f"proof.steps[{i}]")
    tube.drift(clocks[1], nodes[-1], "proof.steps")
    scale = a.exp(a.rational(-claim["t_to"]))
    for i, z in enumerate(tube.xi):
        low, high = a.mul(scale, (z - tube.radius, z + tube.radius))
        case.bound("below", low, "the image", "lower", i)
        case.bound("above", high, "the image", "upper", i)
    return box_sentence(case)


class Component:
    """One normal law, in units: mean, `Sigma` (of a multiple of I, that number), a number below its eigenvalues."""

    def __init__(self, case: Case, k: int, values: Any, floor: Fraction, field: str):
        a, self.case, self.size, self.p = case.arithmetic, case, case.size, case.arithmetic.bits
        self.mean = [(x << self.p) // case.denominator for x in case.means[k]]
        self.log = a.log(a.rational(Fraction(case.weights[k], case.total)))
        self.single = isinstance(values, Fraction)
        if self.single:
            require(values > 0, field, values, "a variance > 0")
            matrix, self.unit = [[values.numerator]], values.denominator
        else:
            require(case.size <= MAX_DIMENSION, field, case.size, f"at most {MAX_DIMENSION} axes")
            matrix, self.unit = covariance(values, case.size, field, case.work)
        bits = bits_of([floor, self.unit, *(x for row in matrix for x in row)])
        case.work.spend(elimination(len(matrix), 2 * bits) + len(matrix) ** 2 * fraction_steps(2 * bits), field)
        less = [[x * floor.denominator - floor.numerator * self.unit * (i == j) for j, x in enumerate(row)][: i + 1]
                for i, row in enumerate(matrix)]  # fmt: skip
        fits = floor >= 0 and positive(less)
        require(fits, "proof.floors", floor, "a number from 0 below all eigenvalues of the covariance")
        self.matrix, self.floor = matrix, a.rational(floor)[0]
        self.sigma = [[(x << self.p) // self.unit for x in row] for row in matrix]

    def solved(self, near: Rows, vector: Row) -> Row:
        """`R v`."""
        if self.single:
            return [near[0][0] * x >> self.p for x in vector]
        return [dot(row, vector) >> self.p for row in near]

    def applied(self, theta: int, vector: Row) -> Row:
        """`(Sigma + theta) v`, in units of units."""
        if self.single:
            return [(self.sigma[0][0] + theta) * x for x in vector]
        return [dot(row, vector) + theta * x for row, x in zip(self.sigma, vector, strict=True)]

    def log_determinant(self, theta: int) -> Interval:
        """`log det(Sigma + theta)`, by quotients of leading minors."""
        a, n = self.case.arithmetic, len(self.matrix)
        rows = [[(x << self.p) + (theta * self.unit if i == j else 0) for j, x in enumerate(row)][: i + 1]
                for i, row in enumerate(self.matrix)]  # fmt: skip
        long = bits_of(x for row in rows for x in row)
        self.case.work.spend(elimination(n, long) + n * (a.steps + 2 * product_steps(n * long, n * long)), FIELD)
        require(positive(rows), FIELD, theta, "positive definite matrices")
        total, previous = (0, 0), 1
        for i, row in enumerate(rows):  # row[i] is the leading minor of this order
            total = a.add(total, a.log(a.rational(Fraction(row[i], previous * self.unit << self.p))))
            previous = row[i]
        return (self.size * total[0], self.size * total[1]) if self.single else total


class Tube:
    """All solutions within `radius` of `xi` at one theta, and a proof of where a step takes them (12). In units."""

    def __init__(self, case: Case, start: list[Interval]):
        self.a, self.case = case.arithmetic, case
        count, values, floors = len(case.weights), case.covariances, case.proof["floors"]
        bits = bits_of([case.denominator, *(x for row in case.means for x in row)])
        each = self.a.steps + fraction_steps(case.total.bit_length()) + case.size * (10 + product_steps(bits, bits))
        case.work.spend(count * each, "problem.mixture.means")
        wanted = 1 if case.kind == "shared" else count
        require(len(floors) == wanted, "proof.floors", floors, f"{wanted} numbers")
        if case.kind == "shared":
            values, floors = [values] * count, floors * count
        require(len(values) == count, FIELD, len(values), f"{count} entries, one for each weight")
        pairs = zip(values, floors, strict=True)
        self.parts = [Component(case, k, value, floor, f"{FIELD}[{k}]") for k, (value, floor) in enumerate(pairs)]
        self.xi, self.radius = [low for low, _ in start], sum(high - low for low, high in start)

    def norms(self, low: int, field: str) -> Row:
        """Bounds of `|B_k|` for theta from `low` on."""
        floors = [part.floor + low for part in self.parts]
        require(min(floors) > 0, field, Fraction(min(floors), self.a.one[0]), "covariances that stay positive")
        return [(self.a.one[0] << self.a.bits) // floor + 1 for floor in floors]

    def drift(self, clock: Interval, node: int, field: str) -> None:
        """Add how far a solution moves between any theta of an interval and the node: `|F|` is at most half of the
        largest `|B_k| (|xi| + |mu_k|)`, while it moves by less than 1."""
        a, away = self.a, max(clock[1] - node, node - clock[0], 0)
        norms = self.norms(min(clock[0], node), field)
        far = sum(map(abs, self.xi)) + self.radius + a.one[0]
        speed = max(b * (far + sum(map(abs, part.mean)) + a.one[0]) for b, part in zip(norms, self.parts, strict=True))
        moved = (away * ((speed >> a.bits) + 1) >> a.bits) + 2
        require(moved < a.one[0], field, Fraction(away, a.one[0]), "a node nearer to the time")
        self.radius += moved

    def step(self, now: int, end: int, order: int, field: str) -> None:
        """From `now` to `end = now + h`, along the polynomial path `X(y)`, `0 <= y <= 1`. `G_k` is within `off_k` of
        `g_k`, `D_k` within `theta_k` of the growth of `log p_k` less a common function, `E_k` within `eps_k` of `p_k`;
        the path is a solution if `X' = h/2 T/S`, `S = sum p_k`, `T = sum p_k g_k` (12)."""
        a, case, parts, size, h = self.a, self.case, self.parts, self.case.size, end - now
        p, axes, count = a.bits, range(size), len(parts)
        norms = self.norms(min(now, end), field)
        bulk = bits_of([now, h, *self.xi, *norms, *(x for part in parts for x in part.mean)]) + p // 4
        matrices = 1 if parts[0].single else size**3
        each = 4 + product_steps(2 * bulk, 2 * bulk)
        case.work.spend(count * (3 * a.steps + (2 * matrices + 8 * size + 8) * each + 100), field)
        nears = []
        for part in parts:
            moved = [[x + now * (i == j) for j, x in enumerate(row)] for i, row in enumerate(part.sigma)]
            nears.append(near_inverse(a, moved, case.work, field))
        X, dX = [[x] for x in self.xi], [list[int]() for _ in axes]
        G: list[list[Row]] = [[] for _ in parts]  # of each component, order, axis
        V: list[list[Rows]] = [[near] for near in nears]
        D, E = [list[int]() for _ in parts], [list[int]() for _ in parts]
        S: Row = []
        for n in range(order + 1):
            long = max(bulk, bits_of(x for rows in (*X, *E, *(row[-1] for row in G if row)) for x in rows[-1:]))
            steps = count * ((n + 2) * (4 * size + 4) + 2 * matrices + 2 * size**2)
            case.work.spend(steps * (3 + product_steps(long, long)), field)
            for k, part in enumerate(parts):
                right = [row[n] - (part.mean[j] if n == 0 else h * G[k][-1][j] >> p) for j, row in enumerate(X)]
                G[k].append(part.solved(nears[k], right))
                if n:
                    E[k].append(dot(D[k], E[k][::-1]) // (n << p))
            if n == 0:
                mass = self.masses(now, G, norms, field)
                first = sum(low for low, _ in mass)
                E = [[low] for low, _ in mass]
            S.append(sum(row[-1] for row in E))
            if n == order:
                break
            for j in axes:
                pull = h * sum(E[k][i] * G[k][n - i][j] for k in range(count) for i in range(n + 1)) >> (p + 1)
                X[j].append((pull - dot(S[1:], dX[j][::-1])) // ((n + 1) * first))
                dX[j].append((n + 1) * X[j][-1])
            gains = []
            for k, part in enumerate(parts):
                if n:
                    columns = zip(*V[k][-1], strict=True)
                    turned = [[-h * x >> p for x in part.solved(nears[k], list(column))] for column in columns]
                    V[k].append([list(row) for row in zip(*turned, strict=True)])
                trace = sum(row[i] for i, row in enumerate(V[k][-1])) * (size if part.single else 1)
                gain = sum(h * dot(G[k][i], G[k][n - i]) for i in range(n + 1)) >> (2 * p + 1)
                gain -= sum(dX[j][i] * G[k][n - i][j] for j in axes for i in range(n + 1)) >> p
                gains.append(gain - (h * trace >> (p + 1)))
            common = sum(low * gain for (low, _), gain in zip(mass, gains, strict=True)) // first
            for k, gain in enumerate(gains):
                D[k].append(gain - common)
        self.proved(now, h, order, field, norms, mass, (X, dX, G, V, D, E, S))

    def masses(self, now: int, G: list[list[Row]], norms: Row, field: str) -> list[Interval]:
        """Intervals of `p_k` at the start of a step, scaled so that the largest is about 1."""
        a, p, logits = self.a, self.a.bits, []
        for k, part in enumerate(self.parts):
            gap = [x - m for x, m in zip(self.xi, part.mean, strict=True)]
            rest = [(x << p) - y for x, y in zip(gap, part.applied(now, G[k][0]), strict=True)]
            reach = sum(map(abs, G[k][0]))
            off = (norms[k] * ((sum(map(abs, rest)) + reach * self.case.size >> p) + 1 + self.case.size) >> p) + 1
            square, slack = dot(gap, G[k][0]), reach + (sum(map(abs, gap)) + self.case.size) * off
            middle = a.sub((0, 0), part.log_determinant(now))
            low, high = middle[0] - (square + slack >> p) - 1, middle[1] - (square - slack >> p) + 1
            logits.append((part.log[0] + (low >> 1), part.log[1] - (-high >> 1)))
        lead = max(low for low, _ in logits)
        require(max(high for _, high in logits) - lead < a.one[0] << 10, field, lead, "logarithms that are enclosed")
        return [a.exp((low - lead, high - lead)) for low, high in logits]

    def proved(self, now: int, h: int, order: int, field: str, norms: Row, mass: list[Interval], path: Any) -> None:
        """The defect of the path, and the radius at its end."""
        X, dX, G, V, D, E, S = path
        a, p, one, axes, count = self.a, self.a.bits, self.a.one[0], range(self.case.size), len(self.parts)
        long = bits_of(x for rows in (*X, *E, *D, S) for x in rows)
        long = max(long, bits_of(x for rows in G for row in rows for x in row))
        matrices = 1 if self.parts[0].single else len(axes) ** 3
        steps = count * order * (12 * len(axes) + 12 + 2 * matrices) * (4 + 2 * product_steps(long, long))
        self.case.work.spend(steps + count * 4 * a.steps, field)
        first, size, fast, half = S[0], len(axes), sum(map(total, dX)), (abs(h) >> 1) + 1
        columns = [[[row[j] for row in rows] for j in axes] for rows in G]
        reach = [sum(map(total, rows)) for rows in columns]
        offs = [self.off(k, now, h, X, G[k], norms[k]) for k in range(count)]
        thetas = []
        for k, part in enumerate(self.parts):
            spread = sum(tail(dX[j], columns[k][j], order) for j in axes) >> p
            spread += (sum(tail(row, row, order) for row in columns[k]) >> p) * half >> p
            inner = (norms[k] * self.trace_rest(part, now, h, V[k]) * size >> p) + 1
            spread += (fast * offs[k] >> p) + (half * (offs[k] * (2 * reach[k] + offs[k]) >> p) >> p)
            thetas.append(spread + (half * inner >> p) + 4 * order + 8)
        theta = max(thetas)
        up = [sum(abs(x) // (n + 1) + 1 for n, x in enumerate(row) if n or x > 0) for row in D]
        rise = [max(0, row[0] + total(row[1:])) if low else 0 for (low, _), row in zip(mass, D, strict=True)]
        mean = sum(
            abs(sum(low * (row[n] // (n + 1)) for (low, _), row in zip(mass, D, strict=True)) // first) + 2
            for n in range(order)
        )
        least = first * (one - mean - theta) >> p
        peaks = [a.log((max(high, 1), max(high, 1)))[1] + x + theta for (_, high), x in zip(mass, up, strict=True)]
        fits = least > 0 and theta < one >> 10 and max(*peaks, *rise) < one << 10
        require(fits, field, Fraction(max(*peaks, *rise), one), "a step in which masses grow by less than e^1024")
        defect, shares = size * (order + 2) ** 2 * (first + 2 * one), []
        defect += sum(tail(S, dX[j], order) for j in axes)
        defect += sum(tail(E[k], row, order) * half >> p for k in range(count) for row in columns[k])
        for k, (low, high) in enumerate(mass):
            grown, most, peak = (a.exp((x, x))[1] for x in (rise[k], up[k] if low else 0, peaks[k]))
            rest = (tail(D[k], E[k], order) >> p) + (order + 1) * (order + 2)
            eps = (grown * rest >> p) + ((high - low + (2 * theta * high >> p) + 1) * most >> p) + 2
            defect += (eps if low else peak) * (fast + (half * reach[k] >> p) + 1)
            shares.append(min(one, (257 * peak << p) // (256 * least) + 1))
        defect = defect // least + (half * max(offs) >> p) + 2
        self.grow(h, defect, field, norms, shares, dX, columns, offs)
        self.xi = [sum(row) for row in X]

    def grow(
        self, h: int, defect: int, field: str, norms: Row, shares: Row, dX: list[Row], G: list[list[Row]], offs: Row
    ) -> None:
        """The radius at the end: forward `h DF <= h/2 max |B_k|`, backward `h DF <= |h|/2 Cov(g)`, which is at most
        `sum gamma_k |e_k|^2`, `e_k = g_k - 2 X'/h`; within 2^-10 of the path in `|e_k|` and `|B_k|`."""
        a, p, one = self.a, self.a.bits, self.a.one[0]
        arms = []
        for k, rows in enumerate(G):
            lengths = [
                total([x - ((2 * y << p) // h if h else 0) for x, y in zip(row, [*slope, 0], strict=True)]) + len(row)
                for row, slope in zip(rows, dX, strict=True)
            ]
            arms.append(math.isqrt(dot(lengths, lengths)) + 1 + offs[k] + (one >> 10))
        spread = max(norms) if h > 0 else sum(u * (e * e >> p) for u, e in zip(shares, arms, strict=True)) >> p
        growth = (((abs(h) >> 1) + 1) * (spread + 1) >> p) + 1
        require(growth < one << 10, field, Fraction(growth, one), "a step in which distances grow by less than e^1024")
        self.radius = (a.exp((growth, growth))[1] * (self.radius + defect) >> p) + 1
        thin = all(self.radius * (e + b + one) < 1 << (2 * p - 11) for e, b in zip(arms, norms, strict=True))
        require(thin, field, Fraction(self.radius, one), "a tube that is thinner")

    def off(self, k: int, now: int, h: int, X: list[Row], G: list[Row], norm: int) -> int:
        """A bound of `|G_k - g_k|`: that of `|B_k|` times the residual of `(Sigma_k + theta) G_k = X - mu_k`."""
        part, p, rest, before = self.parts[k], self.a.bits, 0, [0] * self.case.size
        for n, row in enumerate(G):
            goal = [column[n] - (part.mean[j] if n == 0 else 0) for j, column in enumerate(X)]
            values = zip(part.applied(now, row), before, goal, strict=True)
            rest += sum(abs(x + h * y - (z << p)) for x, y, z in values) + self.case.size * sum(map(abs, row))
            before = row
        rest = (rest + sum(abs(h * y) for y in before) >> p) + 1 + self.case.size
        return (norm * rest >> p) + 1

    def trace_rest(self, part: Component, now: int, h: int, V: list[Rows]) -> int:
        """A bound of the residual of `(Sigma_k + theta) V = I`, as a sum of the sizes of its entries."""
        one, rest, before = self.a.one[0], 0, [[0] * len(row) for row in V[0]]
        for n, matrix in enumerate(V):
            for j, (column, last) in enumerate(zip(zip(*matrix, strict=True), zip(*before, strict=True), strict=True)):
                values = enumerate(zip(part.applied(now, list(column)), last, strict=True))
                rest += sum(abs(x + h * y - one * one * (n == 0 and i == j)) for i, (x, y) in values)
                rest += len(column) * sum(map(abs, column))
            before = matrix
        return (rest + sum(abs(h * x) for row in before for x in row) >> self.a.bits) + 1


def total(row: Row) -> int:
    """A bound of a polynomial on [0, 1]: the sum of the sizes of its coefficients."""
    return sum(map(abs, row))


def tail(x: Row, y: Row, degree: int) -> int:
    """The sum of the sizes of all products `x_i y_j` with `i + j >= degree`."""
    sums = [0, *accumulate(abs(value) for value in reversed(y))]  # of the last so many
    return sum(abs(value) * sums[min(max(len(y) - degree + i, 0), len(y))] for i, value in enumerate(x))


_TUBE = {"x": LIST, "t_from": Fraction, "t_to": Fraction, "lower": LIST, "upper": LIST}
_STEPS = {"start": Fraction, "floors": LIST, "steps": [{"end": Fraction, "order": range(2, MAX_ORDER + 1)}]}
_PROOFS = "proofs/S1.md, proofs/S3.md, proofs/flow-tube.md section 6, proofs/checker.md sections 6 and 12"
S3 = [Rule("heat-steps", _TUBE, _STEPS, flow_tube, _PROOFS, kind) for kind in ("isotropic", "shared", "full")]
