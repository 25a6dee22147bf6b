"""Images of discs under the flow of two modes on a line, in balls (proofs/A9.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb, arb_poly, fmpq

from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.residual.expansions import flow_terms
from certflow.networks.residual.methods import METHODS
from certflow.networks.residual.two_modes import TwoModes

#: Bits of the nodes; steps as parts of `K` and of `1/K`.
_BITS, _OF_K, _OF_INVERSE = 60, 0.1, 0.12
#: How far a disc is given room to move in a step, in units of the step: on the real line the speed is at most 1.
_ROOMS = (1.1, 2.0, 4.0)


@dataclass(frozen=True)
class Step:
    """`y -> y + h sum_n eta^{n-1} f_n`: a polynomial in `T` for each power of `w`; `remainder` bounds the rest."""

    K: Any
    h: Any
    rows: list[Any]
    remainder: Any


@dataclass(frozen=True)
class LineFlow:
    """`dy/dK = tanh(K y + beta)` from `start` to `end`, rationals.

    fineness : 1 for steps that serve errors down to 1e-8; less for shorter steps
    """

    beta: Any
    start: Any
    end: Any
    fineness: float = 1.0

    @cached_property
    def steps(self) -> list[Step]:
        found, K = [], self.start
        modes = TwoModes(METHODS["rk4"], self.beta)
        terms = flow_terms(modes.last)
        while self.end > K:
            here = int(K.p) / int(K.q)
            h = min(dyadic(arb(self.fineness * min(_OF_K * here, _OF_INVERSE / here)), _BITS), self.end - K)
            P, eta = arb(K * K), arb(h / K)
            table: dict[tuple[int, int], Any] = {}
            for n, term in enumerate(terms):
                for exponents, coefficient in term.terms():
                    a, b, i = (int(exponent) for exponent in exponents)
                    table[a, b] = table.get((a, b), arb(0)) + arb(coefficient) * P**i * eta**n
            rows = [
                arb_poly([table.get((a, b), 0) for b in range(1 + max(key[1] for key in table))])
                for a in range(1 + max(key[0] for key in table))
            ]
            remainder = modes.flow_derivative(arb(K), arb(h)) * arb(h) ** (modes.last + 1)
            found.append(Step(arb(K), arb(h), rows, remainder.upper()))
            K += h
        return found

    def value(self, y: Any) -> Any:
        """The flow of a real `y`, a ball."""
        found = self.image(y)
        return arb.nan() if found is None else arb(*found)

    def image(self, centre: Any, radius: Any = 0) -> tuple[Any, Any] | None:
        """`(c, r)`: it takes complex `y`, `|y - centre| <= radius`, to within `r` of `c`; None where that fails.

        centre : a ball, of which every point is meant. Without a radius all stays real.
        """
        real = radius == 0
        c, r = centre.mid(), arb(radius) + centre.rad()
        for step in self.steps:
            rate = self._rate(step, c, r, real)
            if rate is None:
                return None
            grown = (step.h * rate).exp() * r
            w = step.K * c
            T = (w + self.beta).tanh()
            moved = arb(0)
            for row in reversed(step.rows):
                moved = moved * w + row(T)
            moved = c + step.h * moved
            c, r = moved.mid(), (grown + step.remainder + moved.rad()).upper()
        return c, r

    def _rate(self, step: Step, c: Any, r: Any, real: bool) -> Any | None:
        """Above `|K / cosh^2 u|` wherever the flow takes the disc during a step; None where that is not shown.

        `|cosh u|^2 = (cosh 2a + cos 2b)/2`, `|sinh u|^2 = (cosh 2a - cos 2b)/2`, `u = a + i b`.
        """
        K = step.K + step.h
        u = step.K * c + self.beta
        for factor in _ROOMS:
            room = r + step.h * arb(factor)
            apart = (abs(u) - K * room - step.h * abs(c)).max(arb(0)).lower()
            height = arb(0) if real else (K * room).upper()
            cosine = (2 * height).cos() if height < fmpq(3, 2) else arb(-1)
            least = (2 * apart).cosh() + cosine
            if not least > 0:
                return None
            speed = arb(1) if real else (((2 * apart).cosh() - cosine).max(least) / least).sqrt()
            if step.h * speed <= room - r:
                return 2 * K / least
        return None
