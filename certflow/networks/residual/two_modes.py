"""The local error of a block for two modes, over all points at once, in balls (proofs/A9.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import arb, arb_poly, fmpq

from certflow.networks.residual.expansions import error_terms, flow_terms, in_logistic, tangent_terms
from certflow.networks.residual.methods import Method

#: Taylor coefficients of the error in the step that are kept exactly, by the order of the method; what is left is bounded
#: by the next derivative.
_KEPT = {1: 2, 2: 3, 4: 6}
#: Taylor coefficients in `u` about the middle of a box that are kept; the next one is enclosed over the whole box.
_SMOOTH = 5
#: Boxes of `u`: narrow ones where tanh bends, wider ones where it has nearly ended, none beyond the last.
_BENDING, _ENDED, _NARROW, _WIDE = 10, 16, fmpq(1, 8), fmpq(1, 2)
#: From this `|u|` on tanh is written as `±(1 - 2 G)`.
_NEARLY = 1
#: Parts of a step in which the flow's derivative is enclosed, and the most for the derivatives of the stages.
_PARTS, _MOST_PARTS = 4, 16


@dataclass(frozen=True)
class Box:
    """`|u - middle| <= half`: `u = K y + beta`."""

    middle: Any
    half: Any

    @property
    def ball(self) -> Any:
        return arb(arb(self.middle), arb(self.half))

    @property
    def side(self) -> int:
        return side_of(arb(self.middle))


@dataclass(frozen=True)
class TwoModes:
    """`dy/dK = tanh(K y + beta)`, and one method for it.

    beta : a ball, `log(w_1/w_2)/2`
    """

    method: Method
    beta: Any

    def local_error(self, K: Any, h: Any) -> Any:
        """An upper bound of `sup_y |step_h(y) - flow_h(y)|`, the step from `K` to `K + h`; `K` may be a ball.

        On a box of `u`: `h |sum_n eta^{n-1} e_n|`, `n = q + 1 ... q + 3`, each `e_n` a Taylor polynomial about the middle of
        the box with its next coefficient over the box; then the remainders of the Taylor formulas of step and flow. Beyond
        the boxes: `2 h e^{-2 U}` (proofs/A9.md, Lemma 5).
        """
        last, P, eta = self._last, K * K, (h / K).upper()
        flow = h ** (last + 1) * self._flow_derivative(K, h)
        factors = [eta ** (n - 1) for n in range(self.method.order + 1, last + 1)]
        boxes = [
            (_supremum(terms, box.half, P, factors), box)
            for box, terms in zip(self._boxes, self._error_tables, strict=True)
        ]
        boxes.sort(key=lambda pair: -float(pair[0]))
        largest = flow + 2 * h * (-2 * arb(self._reach)).exp()
        for leading, box in boxes:
            parts = 1
            while True:
                rest = eta**last * self._step_derivative(box, K, eta, parts)
                found = (h * (leading + rest) + flow).upper()
                if 32 * rest < leading or found < largest or parts == _MOST_PARTS:
                    break
                parts *= 2
            largest = largest.max(found)
        return largest.upper()

    def constant(self, K: Any) -> float:
        """About `sup |e_{q+1}| / K^q`, the limit of `local_error / h^{q+1}` for small steps: what grids are planned with."""
        found = (
            _supremum(terms[:1], box.half, K * K, [1])
            for box, terms in zip(self._boxes, self._error_tables, strict=True)
        )
        return max(float(ball.upper()) for ball in found) / float(K) ** self.method.order

    @property
    def _last(self) -> int:
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
        right = [Box((a + b) / 2, (b - a) / 2) for a, b in pairwise(ends)]
        return right if self.beta == 0 else [Box(-box.middle, box.half) for box in right] + right

    @cached_property
    def _error_tables(self) -> list[list[list[Any]]]:
        return self._tables(error_terms(self.method.name, self._last)[self.method.order :])

    @cached_property
    def _flow_tables(self) -> list[list[list[Any]]]:
        return self._tables(flow_terms(self._last + 1)[-1:])

    def _tables(self, polynomials: tuple[Any, ...]) -> list[list[list[Any]]]:
        """For each box, for each polynomial: its Taylor coefficients in `u`, each a polynomial in `P`."""
        written = {0: polynomials} | {
            side: tuple(in_logistic(polynomial, side) for polynomial in polynomials) for side in (-1, 1)
        }
        return [[self._taylor(polynomial, box) for polynomial in written[box.side]] for box in self._boxes]

    def _taylor(self, polynomial: Any, box: Box) -> list[Any]:
        inner = self._coefficients(polynomial, arb(box.middle), box.side, _SMOOTH)
        return [*inner[:_SMOOTH], self._coefficients(polynomial, box.ball, box.side, _SMOOTH)[_SMOOTH]]

    def _coefficients(self, polynomial: Any, u: Any, side: int, count: int) -> list[Any]:
        """Coefficients of `x^0 ... x^count` of the polynomial at `u + x`."""
        bent = tangents(u, count, side)
        if side:
            bent = [bent_variable(u, side), *(-side * t / 2 for t in bent[1:])]
        powers: tuple[list[Any], list[Any]] = ([arb_poly([1])], [arb_poly([1])])
        for found, base in zip(powers, (arb_poly([u - self.beta, 1]), arb_poly(bent)), strict=True):
            while len(found) <= max(polynomial.degrees()):
                found.append((found[-1] * base).truncate(count + 1))
        columns: dict[int, Any] = {}
        for exponents, coefficient in polynomial.terms():
            a, b, i = (int(exponent) for exponent in exponents)
            columns[i] = columns.get(i, arb_poly([0])) + powers[0][a] * powers[1][b] * arb(coefficient)
        size = max(columns, default=0) + 1
        return [arb_poly([columns[i][j] if i in columns else 0 for i in range(size)]) for j in range(count + 1)]

    def _flow_derivative(self, K: Any, h: Any) -> Any:
        """`sup |y^{(N+1)}| / (N+1)!` along every trajectory between `K` and `K + h`, `, `N` the last kept."""
        largest = arb(0)
        for part in range(_PARTS):
            here = (K + h * fmpq(part, _PARTS)).union(K + h * fmpq(part + 1, _PARTS))
            found = max(
                (
                    _supremum(terms, box.half, here * here, [1])
                    for box, terms in zip(self._boxes, self._flow_tables, strict=True)
                ),
                key=lambda ball: float(ball.upper()),
            )
            largest = largest.max(found.upper() / here.lower() ** self._last)
        return largest

    def _step_derivative(self, box: Box, K: Any, eta: Any, parts: int) -> Any:
        """`sup` over a box and over `0 <= eta' <= eta` of the coefficient of `x^N` of `sum_i b_i k_i` at `eta' + x`."""
        largest = arb(0)
        for part in range(parts):
            here = (eta * fmpq(part, parts)).union(eta * fmpq(part + 1, parts))
            largest = largest.max(abs(self._step_coefficient(box, K, here)).upper())
        return largest

    def _step_coefficient(self, box: Box, K: Any, eta: Any) -> Any:
        u, P, last = box.ball, K * K, self._last
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

    `t_j(u) = t_j(u_0) + t_j'(u) (u - u_0)`, and `t_j' = (j + 1) t_{j+1}`: narrow balls of `t_j` from wide ones of `t_{j+1}`.
    """
    middle = u.mid()
    spread, wide, exact = u - middle, bent_variable(u, side), bent_variable(middle, side)
    found = [u.tanh()]
    for j, (here, following) in enumerate(pairwise(tangent_terms(count + 1, side)[1:]), start=1):
        found.append(arb_poly(here)(exact) + (j + 1) * arb_poly(following)(wide) * spread)
    return found


def _supremum(terms: list[list[Any]], half: Any, P: Any, factors: list[Any]) -> Any:
    """`sup |sum_n factors[n] p_n|` on a box of half-width `half`, from the Taylor coefficients of each `p_n`."""
    result, power = arb(0), arb(1)
    for j in range(_SMOOTH + 1):
        result += abs(sum((factor * row[j](P) for factor, row in zip(factors, terms, strict=True)), arb(0))) * power
        power *= arb(half)
    return result
