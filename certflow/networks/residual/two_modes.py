"""The local error of a block for two modes, over all points at once, in balls (proofs/A9.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import arb, arb_mat, arb_poly, fmpq

from certflow.networks.residual.expansions import error_terms, flow_terms, in_logistic, tangent_terms
from certflow.networks.residual.methods import Method

#: Taylor coefficients of the error in the step that are kept exactly, by the order of the method; the next derivative
#: bounds what is left.
_KEPT = {1: 2, 2: 3, 4: 6}
#: Taylor coefficients in `u` about the middle of a box that are kept; the next one is enclosed over the whole box.
_SMOOTH = 5
#: Boxes of `u`: narrow ones where tanh bends, wider ones where it has nearly ended, none beyond the last.
_BENDING, _ENDED, _NARROW, _WIDE = 10, 16, fmpq(1, 8), fmpq(1, 2)
#: From this `|u|` on tanh is written as `±(1 - 2 G)`.
_NEARLY = 1
#: Parts of a long step in which the flow's derivative is enclosed, beyond the first.
_PARTS = 4
#: Derivatives of the stages: boxes that are looked at together, how often such a group is halved, which share of the
#: error they may have before it is, and how many enclosures one step is worth.
_TOGETHER, _DEPTH, _SHARE, _LOOKS = 4, 8, 32, 1000


@dataclass(frozen=True)
class Box:
    """`|u - middle| <= half`: `u = K y + beta`."""

    middle: Any
    half: Any

    @classmethod
    def between(cls, low: Any, high: Any) -> Box:
        return cls((low + high) / 2, (high - low) / 2)

    @property
    def ball(self) -> Any:
        return arb(arb(self.middle), arb(self.half))

    @property
    def side(self) -> int:
        return side_of(arb(self.middle))


@dataclass(frozen=True)
class Table:
    """Polynomials in `w`, `T`, `P` on every box: Taylor coefficients in `u` about its middle, the last over the box.

    matrix : a row for each box and power of `u`, times that power of the half-width; a column for each power of `P`
        in each polynomial;  columns : which polynomial and which power
    """

    matrix: Any
    columns: list[tuple[int, int]]

    @classmethod
    def of(cls, polynomials: tuple[Any, ...], boxes: list[Box], beta: Any) -> Table:
        columns = [(n, i) for n, p in enumerate(polynomials) for i in range(int(p.degrees()[2]) + 1)]
        written = {side: _terms(polynomials, side) for side in (-1, 0, 1)}
        rows = []
        for box in boxes:
            inner = _coefficients(written[box.side], columns, arb(box.middle), beta, box.side)
            whole = _coefficients(written[box.side], columns, box.ball, beta, box.side)
            for j in range(_SMOOTH + 1):
                series = whole if j == _SMOOTH else inner
                rows.append([series[column][j] * arb(box.half) ** j for column in columns])
        return cls(arb_mat(rows), columns)

    def suprema(self, P: Any, factors: list[Any]) -> list[Any]:
        """For each box a number above `|sum_n factors[n] p_n|` on it."""
        powers = [arb(1)]
        for _ in range(max(i for _, i in self.columns)):
            powers.append(powers[-1] * P)
        vector = arb_mat([[factors[n] * powers[i]] for n, i in self.columns])
        sizes = [abs(entry) for entry in (self.matrix * vector).entries()]
        width = _SMOOTH + 1
        return [sum(sizes[i : i + width], arb(0)).upper() for i in range(0, len(sizes), width)]


#: `c w^a T^b P^i` of polynomial `n`: `(a, b, (n, i), c)`, `G` in place of `T` on a side.
_Terms = list[tuple[int, int, tuple[int, int], Any]]


def _terms(polynomials: tuple[Any, ...], side: int) -> _Terms:
    found = []
    for n, polynomial in enumerate(polynomials):
        for exponents, coefficient in (in_logistic(polynomial, side) if side else polynomial).terms():
            a, b, i = (int(exponent) for exponent in exponents)
            found.append((a, b, (n, i), arb(coefficient)))
    return found


def _coefficients(
    terms: _Terms, columns: list[tuple[int, int]], u: Any, beta: Any, side: int
) -> dict[tuple[int, int], Any]:
    """For each polynomial and power of `P`: a polynomial in `x`, its Taylor series at `u + x`."""
    bent = tangents(u, _SMOOTH, side)
    if side:
        bent = [bent_variable(u, side), *(-side * t / 2 for t in bent[1:])]
    bases = (arb_poly([u - beta, 1]), arb_poly(bent))
    powers: tuple[list[Any], list[Any]] = ([arb_poly([1])], [arb_poly([1])])
    products: dict[tuple[int, int], Any] = {}
    found = dict.fromkeys(columns, arb_poly([0]))
    for a, b, column, coefficient in terms:
        if (a, b) not in products:
            for known, base, exponent in zip(powers, bases, (a, b), strict=True):
                while len(known) <= exponent:
                    known.append((known[-1] * base).truncate(_SMOOTH + 1))
            products[a, b] = (powers[0][a] * powers[1][b]).truncate(_SMOOTH + 1)
        found[column] += products[a, b] * coefficient
    return found


@dataclass(frozen=True)
class TwoModes:
    """`dy/dK = tanh(K y + beta)`, and one method for it.

    beta : a ball, `log(w_1/w_2)/2`
    """

    method: Method
    beta: Any

    def local_error(self, K: Any, h: Any) -> Any:
        """Above `sup_y |step_h(y) - flow_h(y)|`, at most `2 h`; the step from `K` to `K + h`, `K` may be a ball.

        On a box of `u`: `h |sum_n eta^{n-1} e_n|`, `n = q + 1 ... N`, each `e_n` a Taylor polynomial about the middle
        with its next coefficient over the box; then the remainders of Taylor's formula of step and flow. Beyond the
        boxes: `2 h e^{-2 U}` (proofs/A9.md, section 4).
        """
        last, P, eta = self.last, K * K, (h / K).upper()
        flow = h ** (last + 1) * self.flow_derivative(K, h)
        if not flow < h:  # the step is so long that nothing is to be gained
            return 2 * h
        leading = self._errors.suprema(P, [eta ** (n - 1) for n in range(self.method.order + 1, last + 1)])
        groups = []
        for i in range(0, len(leading), _TOGETHER):
            low, high = self._boxes[i], self._boxes[min(i + _TOGETHER, len(leading)) - 1]
            hull = Box.between(low.middle - low.half, high.middle + high.half)
            groups.append((max(leading[i : i + _TOGETHER]), hull))
        groups.sort(key=lambda pair: -float(pair[0]))
        largest = (flow + 2 * h * (-2 * arb(self._reach)).exp()).upper()
        left = [_LOOKS]
        for size, hull in groups:
            wanted = ((largest - flow) / h - size).max(size / _SHARE) / eta**last
            rest = eta**last * self._stage_derivative(hull, K, (arb(0), eta), wanted, left)
            found = (h * (size + rest) + flow).upper()
            if not found < 2 * h:
                return 2 * h
            largest = largest.max(found)
        return largest

    def constant(self, K: Any) -> float:
        """About `sup |e_{q+1}| / K^q`, the limit of `local_error / h^{q+1}`: what grids are planned with."""
        found = self._errors.suprema(K * K, [arb(1)] + [arb(0)] * (self.last - self.method.order - 1))
        return max(float(ball.upper()) for ball in found) / float(K) ** self.method.order

    @property
    def last(self) -> int:
        """`N`: the last coefficient that is kept."""
        return self.method.order + _KEPT[self.method.order]

    @cached_property
    def _reach(self) -> Any:
        """`U`: where `|u| >= U`, `u` and `y` have one sign."""
        return fmpq(_ENDED + int((abs(self.beta) + 1).upper().ceil().unique_fmpz()))

    @cached_property
    def _boxes(self) -> list[Box]:
        """Boxes that cover `[-U, U]`; one half is enough where the field is odd."""
        ends = [fmpq(0)]
        while ends[-1] < self._reach:
            ends.append(min(ends[-1] + (_NARROW if ends[-1] < _BENDING else _WIDE), self._reach))
        right = [Box.between(a, b) for a, b in pairwise(ends)]
        return right if self.beta == 0 else [Box(-box.middle, box.half) for box in reversed(right)] + right

    @cached_property
    def _errors(self) -> Table:
        return Table.of(error_terms(self.method.name, self.last)[self.method.order :], self._boxes, self.beta)

    @cached_property
    def _flow(self) -> Table:
        return Table.of(flow_terms(self.last + 1)[-1:], self._boxes, self.beta)

    def flow_derivative(self, K: Any, h: Any) -> Any:
        """`sup |y^{(N+1)}| / (N+1)!` along every trajectory between `K` and `K + h`, `N = last`."""
        largest = arb(0)
        parts = 1 + min(_PARTS, int(float(h.upper()) * 64 / float(K.lower())))
        for part in range(parts):
            here = (K + h * fmpq(part, parts)).union(K + h * fmpq(part + 1, parts))
            found = max(self._flow.suprema(here * here, [arb(1)]))
            for beyond in self._beyond:  # a step may leave the boxes
                found = found.max(beyond(here * here))
            largest = largest.max(found / here.lower() ** self.last)
        return largest

    @cached_property
    def _beyond(self) -> list[Any]:
        """Above `|f_{N+1}|` where `|u| >= U`, on both sides, as polynomials in `P`.

        `f_{N+1}` is a sum of `c w^a G^b P^i`, `b >= 1`, with `G <= e^{-2|u|}` and `|w| <= |u| + |beta|`; as `a <= 2 U`,
        `(|u| + |beta|)^a e^{-2b|u|}` is largest at `|u| = U`.
        """
        size, found = arb(self._reach) + abs(self.beta), []
        for side in (-1, 1):
            total = arb_poly([0])
            for a, b, (_, i), coefficient in _terms(flow_terms(self.last + 1)[-1:], side):
                assert b >= 1
                assert a <= 2 * self._reach
                above = abs(coefficient) * size**a * (-2 * b * arb(self._reach)).exp()
                total += arb_poly([0] * i + [above])
            found.append(total)
        return found

    def _stage_derivative(
        self, box: Box, K: Any, etas: tuple[Any, Any], wanted: Any, left: list[int], depth: int = _DEPTH
    ) -> Any:
        """`sup` over a box and over `eta'` between `etas` of the coefficient of `x^N` of `sum_i b_i k_i` at `eta' + x`.

        `N` is the last kept. Where the bound is above `wanted`, box and `etas` are halved in turn.
        """
        found = abs(self._step_coefficient(box, K, etas[0].union(etas[1]))).upper()
        left[0] -= 1
        if found <= wanted or depth == 0 or left[0] < 0:
            return found
        if depth % 2 == 0:
            low, high = box.middle - box.half, box.middle + box.half
            parts = [(Box.between(*ends), K, etas) for ends in ((low, box.middle), (box.middle, high))]
        else:
            middle = (etas[0] + etas[1]) / 2
            parts = [(box, K, ends) for ends in ((etas[0], middle), (middle, etas[1]))]
        first, second = (self._stage_derivative(*part, wanted, left, depth - 1) for part in parts)
        return first.max(second)

    def _step_coefficient(self, box: Box, K: Any, eta: Any) -> Any:
        u, P, last = box.ball, K * K, self.last
        w = u - self.beta
        slope = arb_poly([u.tanh()])
        total = slope * arb(self.method.weights[0])
        for node, weight in zip(self.method.nodes[1:], self.method.weights[1:], strict=True):
            scaled = arb_poly([eta, 1]) * arb(node)
            d = (scaled * w + (scaled + 1) * scaled * slope * P).truncate(last + 1)
            moving = d - d[0]
            argument = u + d[0]
            series = tangents(argument, last, side_of(argument))
            slope = arb_poly([series[-1]])
            for coefficient in reversed(series[:-1]):
                slope = (slope * moving).truncate(last + 1) + coefficient
            total += slope * arb(weight)
        return total[last]


def side_of(u: Any) -> int:
    """The side on which tanh is nearly constant about `u`, 0 where it is not."""
    if abs(u.mid()) < _NEARLY:
        return 0
    return 1 if u.mid() > 0 else -1


def bent_variable(u: Any, side: int) -> Any:
    """`tanh u`, or `1/(1 + e^{2 side u})` where a side is given."""
    return 1 / (1 + (2 * side * u).exp()) if side else u.tanh()


def tangents(u: Any, count: int, side: int) -> list[Any]:
    """Balls around the Taylor coefficients `t_0, ..., t_count` of tanh at every point of the ball `u`.

    `t_j(u) = t_j(u_0) + t_j'(u) (u - u_0)`, `t_j' = (j + 1) t_{j+1}`: narrow balls of `t_j` from wide ones of the next.
    """
    middle = u.mid()
    spread, wide, exact = u - middle, bent_variable(u, side), bent_variable(middle, side)
    found = [u.tanh()]
    for j, (here, following) in enumerate(pairwise(tangent_terms(count + 1, side)[1:]), start=1):
        found.append(arb_poly(here)(exact) + (j + 1) * arb_poly(following)(wide) * spread)
    return found
