"""The proved error of a network of common isotropic variance, for every `x` and every `t` (A6 in proofs/A6.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flint import arb

from certflow.networks.common.times import time_functions
from certflow.networks.gadgets.enclosure import pieces, supremum
from certflow.networks.plan import Pieces
from certflow.networks.times import boxes

HALF = arb(0.5)
#: Names of the parts of the bound, in the order in which the network makes them.
PARTS = ("linear", "logits", "exponential", "clipping", "reciprocal")


@dataclass(frozen=True)
class Bound:
    """`||N - s||_{L^2(p_t)} <= l2 = sum(parts)` at the worst `t`; `|N - s| <= offset + slope |x|` for all `x`, `t`.

    All are balls; their upper ends are what is proved.
    """

    l2: Any
    parts: dict[str, Any]
    offset: Any
    slope: Any

    @property
    def everywhere(self) -> tuple[Any, ...]:
        """Coefficients of the polynomial in `|x|` that is above `|N - s|` for all `t`."""
        return self.offset, self.slope


def proved_bound(made: Pieces, boxes_per_piece: int, accuracy: int) -> Bound:
    """The bounds, from the weights of the gadgets, in balls at the precision in force.

    boxes_per_piece, accuracy : how finely time is cut, and the bits of its Taylor series (`times.boxes`)
    """
    worst: tuple[Any, dict[str, Any]] | None = None
    offset = slope = arb(0)
    for parts, a, b in _over_time(made, boxes_per_piece, accuracy):
        l2 = sum(parts.values(), arb(0)).upper()
        if worst is None or l2 > worst[0] or not l2.is_finite():
            worst = (l2, parts)
        offset, slope = offset.max(a.upper()), slope.max(b.upper())
    assert worst is not None
    return Bound(worst[0], worst[1], offset, slope)


def _over_time(made: Pieces, boxes_per_piece: int, accuracy: int) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """For each box of time the parts in `L^2(p_t)`, and `A`, `B` of `|N - s| <= A + B |x|`."""
    law = made.law
    excess = arb(law.excess)
    softmax = _Softmax(made) if made.exponential is not None else None
    second_moment, largest_mean = arb(law.second_moment), law.largest_mean
    for box in boxes(pieces(made.time), time_functions(law), boxes_per_piece, accuracy):
        of_a, of_r = box.errors
        m = (-box.times).exp()
        v = 1 - excess * m * m
        a = m / v
        error_a, error_q = supremum(of_a), 2 * abs(excess) * supremum(of_r)
        combined = supremum(of_a - 2 * excess * of_r * box.decay)
        parts = {
            "linear": (combined**2 * second_moment + error_q**2 * law.dimension * v).sqrt(),
        }
        relative = (error_a / a).upper()
        if not relative < 1:  # the network carries a~ by one ReLU, as a positive number
            yield dict.fromkeys(PARTS[: 1 if softmax is None else None], arb.pos_inf()), arb.pos_inf(), arb.pos_inf()
            continue
        if softmax is None:
            # one component: a~ mu - q~ x is all there is
            yield parts, error_a * largest_mean, error_q
            continue
        shared = supremum(of_a * box.decay * HALF - of_r)
        in_mean, everywhere = softmax.parts(a + error_a, m * m / v, relative, shared)
        yield parts | in_mean, error_a * largest_mean + everywhere, error_q


class _Softmax:
    """The parts of the error that the softmax makes, at one ball of times."""

    def __init__(self, made: Pieces):
        law, exponential, reciprocal = made.law, made.exponential, made.reciprocal
        assert exponential is not None
        assert reciprocal is not None
        self.law, self.count = law, law.components
        self.relative, self.absolute = exponential.relative, exponential.absolute
        self.reciprocal = reciprocal
        self.deviation = law.varentropy.sqrt()
        self.weight_oscillation, self.square_oscillation = law.weight_oscillation, arb(law.square_oscillation)
        rounding = [arb(near) - exact for near, exact in zip(made.log_weights, law.log_weights, strict=True)]
        self.rounding = _oscillation(rounding)
        self.half_diameter, self.radius, self.spread = law.diameter / 2, law.radius, law.spread
        self.pairs = [
            (arb(squared), (arb(law.weights[i]) * arb(law.weights[j])).sqrt() / 2)
            for (i, j), squared in law.squared_distances.items()
        ]
        count, absolute = self.count, self.absolute
        # the sum of the exponentials is at least `least` times the exact one, which is at least 1
        self.least = 1 - self.relative - count * absolute
        self.size = self.radius * (1 + 2 * count * absolute / self.least)
        start, end = arb(reciprocal.gadget.knots[0]), arb(reciprocal.gadget.knots[-1])
        #: Whether what the proof assumes of the gadgets is so: the sum is where the reciprocal is
        #: known, and not near 0.
        self.stands = (
            self.least > 0
            and 1 - exponential.at_zero - (count - 1) * absolute >= start
            and count * (1 + self.relative + absolute) <= end
        )
        self.late = reciprocal.start + reciprocal.slope * (exponential.at_zero + (count - 1) * absolute + 1 - start)
        steepness = reciprocal.slope * (1 + self.relative) / reciprocal.relative
        self.steepness = 2 * steepness.max(arb(1))

    def parts(self, a: Any, ratio: Any, relative: Any, shared: Any) -> tuple[dict[str, Any], Any]:
        """The four parts in `L^2(p_t)`, and their sum for every `x`.

        a : above `|a~|`; ratio : `m^2/v`; relative : above `|e_a / a|`; shared : above `|e_a m/2 - e_r|`

        All are infinite where a gadget is so far off that the proof does not hold: nothing is bounded then.
        """
        if not (self.stands and relative < 1):
            return dict.fromkeys(PARTS[1:], arb.pos_inf()), arb.pos_inf()
        sigma = (
            relative * (self.deviation + self.weight_oscillation / 2)
            + (shared * self.square_oscillation + self.rounding) / 2
        ) / (1 - relative)
        variance, overlap = self._overlap(ratio, relative, shared)
        deviation = variance.sqrt()
        in_exponential = self.relative / self.least
        clipping = a * self.absolute * self.spread / self.least
        reciprocal = self.reciprocal.relative
        in_mean = {
            "logits": a * deviation * sigma,
            "exponential": a * deviation * in_exponential,
            "clipping": clipping,
            "reciprocal": a * self.size * (reciprocal * (self.steepness * overlap).min(arb(1)).sqrt() + self.late),
        }
        everywhere = a * (self.half_diameter * (sigma + in_exponential) + self.size * reciprocal) + clipping
        return in_mean, everywhere

    def _overlap(self, ratio: Any, relative: Any, shared: Any) -> tuple[Any, Any]:
        """Above `E lambda_max Cov(mu)` and `E (1 - sum gamma^2)` under every softmax between the exact and the
        network's.
        """
        moved = relative * self.weight_oscillation + shared * self.square_oscillation + self.rounding
        factor = (2 * moved).exp() * arb(self.count) ** (2 * relative)
        variance, overlap = arb(0), arb(0)
        for squared, weight in self.pairs:
            apart = (ratio * squared).sqrt()
            near = weight * (-(apart**2) / 8).exp() * ((2 * arb.pi()).sqrt() / apart).min(arb(1))
            moved_near = factor * near.upper() ** (1 - relative)
            variance += moved_near * squared
            overlap += 2 * moved_near
        return (
            variance.min(self.half_diameter**2).nonnegative_part(),
            overlap.min(1 - arb(1) / self.count).nonnegative_part(),
        )


def _oscillation(balls: list[Any]) -> Any:
    top = bottom = balls[0]
    for ball in balls[1:]:
        top, bottom = top.max(ball), bottom.min(ball)
    return (top - bottom).abs_upper()
