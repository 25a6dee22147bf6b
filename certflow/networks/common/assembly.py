"""The network of a mixture of common isotropic variance, put together from its gadgets (A5 in proofs/A5.md)."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq

from certflow.networks.common.law import CommonLaw
from certflow.networks.common.times import time_gadget
from certflow.networks.gadgets.exact import carry, largest, lift, product
from certflow.networks.gadgets.exponential import exponential
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.gadgets.reciprocal import reciprocal
from certflow.networks.graph import Network, total
from certflow.networks.plan import Pieces, Plan

#: About how far a coordinate of a point lies from the origin: it balances the factors of products, no more.
_REACH = 4


def made(law: CommonLaw, plan: Plan, bits: int) -> Pieces:
    """The gadgets of a plan, weights of their deeper layers multiples of `2^-bits`."""
    time = time_gadget(law, plan.time_knots, plan.time_level, bits)
    if plan.exponential is None or plan.reciprocal is None:
        return Pieces(law, time, None, None, ())
    log_weights = tuple(dyadic(entry, bits) for entry in law.log_weights)
    return Pieces(law, time, exponential(plan.exponential, bits), reciprocal(plan.reciprocal, bits), log_weights)


def assembled(pieces: Pieces) -> Network:
    """`N(x, t) = a~ o + R(S) (a~ sum_k E_k (mu_k - o)) - q~ x`, inputs `x_1 ... x_d, t`, outputs `N_1 ... N_d`.

    Depth `L_T + 1 + ceil(log2 K) + L_E + L_S + 1`: time, products, maximum, exponential, reciprocal, products; for one
    component `L_T + 1`.
    """
    law = pieces.law
    network = Network(law.dimension + 1)
    x = [network.input(i) for i in range(law.dimension)]
    a, r = pieces.time.of(network, network.input(law.dimension), "time")
    x = [lift(network, value, a.layer) for value in x]
    q = r * (2 * law.excess) + 1
    largest_a = _power(_factor(law))
    drift = [product(network, q, value, (largest_a, _REACH)) for value in x]
    if pieces.exponential is None or pieces.reciprocal is None:
        forward = carry(network, a, 0)
        return network.finish(forward * mean - value for mean, value in zip(law.means[0], drift, strict=True))
    moved = [product(network, a, value, (largest_a, _REACH)) for value in x]
    a, r = carry(network, a, 0), carry(network, r, 0)
    logits = [
        total([value * entry for value, entry in zip(moved, mean, strict=True)]) - r * square + log_weight
        for mean, square, log_weight in zip(law.means, law.squares, pieces.log_weights, strict=True)
    ]
    top = largest(network, logits)
    logits = [lift(network, value, top.layer) for value in logits]
    powers = [pieces.exponential.gadget.of(network, value - top, "exponential")[0] for value in logits]
    a = lift(network, a, powers[0].layer, 0)
    centred = [
        total([power * (mean[i] - law.centre[i]) for power, mean in zip(powers, law.means, strict=True)])
        for i in range(law.dimension)
    ]
    radius = _power(law.radius)
    numerators = [product(network, a, value, (largest_a, radius)) for value in centred]
    (inverse,) = pieces.reciprocal.gadget.of(network, total(powers), "reciprocal")
    numerators = [lift(network, value, inverse.layer) for value in numerators]
    a = lift(network, a, inverse.layer + 1, 0)
    drift = [lift(network, value, inverse.layer + 1) for value in drift]
    quotients = [product(network, inverse, value, (1, largest_a * radius)) for value in numerators]
    return network.finish(
        quotient + a * centre - value for quotient, centre, value in zip(quotients, law.centre, drift, strict=True)
    )


def _factor(law: CommonLaw) -> Any:
    """`a` at the data end."""
    m = (-arb(law.t_min)).exp()
    return m / (1 - arb(law.excess) * m * m)


def _power(size: Any) -> Any:
    """The power of two next above a number: scales by it cost no rounding."""
    exponent = max(-30, int(float(size)).bit_length())
    return fmpq(2) ** exponent
