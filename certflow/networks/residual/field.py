"""The field `E_gamma(mu)` as a network of affine maps, ReLU and ReQU, at any node (proofs/A9.md, section 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from certflow.errors import InputError
from certflow.networks.common.law import CommonLaw
from certflow.networks.gadgets.exact import largest, lift, product
from certflow.networks.gadgets.exponential import Exponential, exponential, plan_exponential
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.gadgets.reciprocal import Reciprocal, plan_reciprocal, reciprocal
from certflow.networks.graph import Network, Value, total
from certflow.networks.plan import LEVELS, MOST_PIECES

#: Shares of the error: exponential, its clipping far below, reciprocal.
_SHARES = (0.4, 0.1, 0.4)
#: Bits of the weights beyond those of the error.
_SPARE = 80


@dataclass(frozen=True)
class Field:
    """`g^(zeta, kappa) = o + R(S) sum_k E(l_k - max l) (mu_k - o)`, `S = sum_k E(l_k - max l)`; else the only mean.

    A node has its own logits `l_k = log w_k~ + kappa mu_k . zeta - kappa^2 |mu_k|^2/2`, exact but for `log w_k~`;
    behind them every node has the same `network`.

    network : inputs `l_1 ... l_K`, outputs `g^_1 ... g^_d`
    error : a ball, `|g^ - E_gamma(mu)| <= error` for all `zeta` and `kappa`
    """

    law: CommonLaw
    log_weights: tuple[Any, ...]
    network: Network
    error: Any

    @property
    def constant(self) -> bool:
        """All means are the same point."""
        return not self.network.layers

    def logits(self, zeta: Sequence[Value], kappa: Any) -> list[Value]:
        """`l_k` of values `zeta`, which costs no neuron; kappa : a rational number."""
        return [
            total([value * (kappa * entry) for value, entry in zip(zeta, mean, strict=True)])
            + (log_weight - kappa * kappa * square / 2)
            for mean, square, log_weight in zip(self.law.means, self.law.squares, self.log_weights, strict=True)
        ]

    def of(self, network: Network, zeta: Sequence[Value], kappa: Any) -> list[Value]:
        """`g^(zeta, kappa)`, built into `network`."""
        if self.constant:
            return [network.constant(entry, zeta[0].layer) for entry in self.law.means[0]]
        return network.inline(self.network, self.logits(zeta, kappa))


def constructed_field(law: CommonLaw, error: float) -> Field:
    """The field with `|g^ - E_gamma(mu)|` proved to be at most `error` for all `zeta` and `kappa`.

    Raises
    ------
    InputError : no degree up to 64 on at most 16 pieces is enough.
    """
    if len(set(law.means)) == 1:
        return Field(law, (fmpq(0),), Network(1), arb(0))
    bits = math.ceil(-math.log2(error)) + _SPARE
    log_weights = tuple(dyadic(weight, bits) for weight in law.log_weights)
    spread, half, radius = float(law.spread), float(law.diameter) / 2, float(law.radius)
    relative, absolute, rest = _SHARES[0] * error / half, _SHARES[1] * error / spread, _SHARES[2] * error / radius
    for level in LEVELS:
        plan = plan_exponential(relative, absolute, level, MOST_PIECES)
        if plan is not None:
            powers = exponential(plan, bits)
            inverse = _inverse(law, powers, rest, bits)
            if inverse is not None:
                proved = field_error(law, log_weights, powers, inverse)
                if proved <= arb(error):
                    return Field(law, log_weights, _assembled(law, powers, inverse), proved)
    raise InputError("field_error", error, f"an error that degree {2 ** LEVELS[-1]} on {MOST_PIECES} pieces can reach")


def field_error(law: CommonLaw, log_weights: Sequence[Any], powers: Exponential, inverse: Reciprocal) -> Any:
    """A bound of `|g^ - E_gamma(mu)|` for all `zeta` and `kappa`, in balls from the gadgets' weights (A9, section 5).

    `D max |dlw|/2 + e + rho (rad + e)`, `e = ((D/2) th + B_1 ph)/(1 - th - K ph)`: rounding of `log w`, exponential
    (relative `th`, absolute `ph`), reciprocal (relative `rho`). Infinite where `S` may leave the reciprocal's knots.
    """
    count = law.components
    shift = arb(0)  # half of what rounding does to a difference of two log-weights
    for rounded, exact in zip(log_weights, law.log_weights, strict=True):
        shift = shift.max(abs(arb(rounded) - exact))
    kept = 1 - powers.relative - count * powers.absolute
    low = 1 - powers.at_zero - (count - 1) * powers.absolute
    high = count * (1 + powers.relative + powers.absolute)
    knots = inverse.gadget.knots
    if not (kept > 0 and low >= arb(knots[0]) and high <= arb(knots[-1])):
        return arb.pos_inf()
    ratio = (law.diameter / 2 * powers.relative + law.spread * powers.absolute) / kept
    return (law.diameter * shift / 2 + ratio + inverse.relative * (law.radius + ratio)).upper()


def _inverse(law: CommonLaw, powers: Exponential, relative: float, bits: int) -> Reciprocal | None:
    """The reciprocal of fewest layers on all that `S` can be."""
    count = law.components
    below = powers.at_zero + count * powers.absolute
    start = 1 - fmpq(2) ** -max(2, math.floor(-math.log2(float(below.upper()))) - 1)
    top = count * (1 + 2 * float(powers.relative.upper()) + 2 * float(powers.absolute.upper()))
    for level in LEVELS:
        plan = plan_reciprocal(relative, start, top, level, MOST_PIECES)
        if plan is not None:
            return reciprocal(plan, bits)
    return None


def _assembled(law: CommonLaw, powers: Exponential, inverse: Reciprocal) -> Network:
    """Depth `ceil(log2 K) + L_E + L_S + 1`: maximum, exponential, reciprocal, product."""
    network = Network(law.components)
    logits = [network.input(k) for k in range(law.components)]
    top = largest(network, logits)
    logits = [lift(network, value, top.layer) for value in logits]
    found = [powers.gadget.of(network, value - top)[0] for value in logits]
    numerators = [
        total([power * (mean[i] - law.centre[i]) for power, mean in zip(found, law.means, strict=True)])
        for i in range(law.dimension)
    ]
    (reciprocal_value,) = inverse.gadget.of(network, total(found))
    numerators = [lift(network, value, reciprocal_value.layer) for value in numerators]
    return network.finish(
        product(network, reciprocal_value, value) + centre for value, centre in zip(numerators, law.centre, strict=True)
    )
