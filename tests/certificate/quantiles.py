"""The exact flow map on a line, `F_to^{-1}(F_from(x))`, from complementary error functions at 60 digits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mpmath import mp, mpf


def exact_flow(
    weights: Sequence[Any], means: Sequence[Any], variance: Any, x: Any, t_from: Any, t_to: Any, digits: int = 60
) -> Any:
    """`Phi_{t_from -> t_to}(x)` of the mixture `sum_k w_k N(mu_k, variance)`: bisection of a tail, Newton's method."""
    with mp.workdps(digits + 15):
        shares = [number(w) for w in weights]
        total = mp.fsum(shares)

        def tails(y: Any, t: Any) -> tuple[Any, Any, Any]:
            m = mp.exp(-number(t))
            deviation = mp.sqrt(number(variance) * m * m - mp.expm1(-2 * number(t)))
            z = [(y - m * number(mu)) / deviation for mu in means]
            below, above = (
                mp.fsum(w * mp.erfc(sign * a / mp.sqrt(2)) for w, a in zip(shares, z, strict=True)) / (2 * total)
                for sign in (-1, 1)
            )
            return below, above, mp.fsum(w * mp.npdf(a) for w, a in zip(shares, z, strict=True)) / (deviation * total)

        first = tails(number(x), t_from)
        side = 0 if first[0] < first[1] else 1
        sign, target = (1, -1)[side], first[side]
        reach = 10 * (1 + abs(number(x)) + max(abs(number(mu)) for mu in means)) * (1 + mp.sqrt(number(variance)))
        low, high = -reach * mp.exp(number(t_from)), reach * mp.exp(number(t_from))
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if sign * (tails(middle, t_to)[side] - target) < 0 else (low, middle)
        y = (low + high) / 2
        for _ in range(7):
            there = tails(y, t_to)
            if there[2] == 0:
                break
            y -= sign * (there[side] - target) / there[2]
        return y


def number(value: Any) -> Any:
    """An exact number in the precision at hand."""
    exact = Fraction(value)
    return mpf(exact.numerator) / exact.denominator
