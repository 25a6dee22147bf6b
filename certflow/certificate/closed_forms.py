"""Certificates of the statements that have closed forms (proofs/L2.md, L3, F1, F2, G1), from enclosures in Arb.

Each function takes a process of common isotropic variance and returns the certificate as a mapping. What it
asserts has been rounded outwards and widened by a little more than a checker with the stated `bits` can lose, so that a
re-computation by other arithmetic arrives inside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.certificate.envelope import envelope
from certflow.enclosure.closed_forms import RateBounds, bits_within, rate_bounds, working_bits
from certflow.enclosure.integrals import common_law, shape_of, stability
from certflow.enclosure.nodes import balanced_nodes
from certflow.enclosure.results import rounded_down, rounded_up
from certflow.errors import InputError, NoEnclosure
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: Significant digits of asserted integrals and nodes.
DIGITS = 20
#: The largest number of bits of the format.
MAX_BITS = 1024
#: Above this growth no factor is written.
MAX_GROWTH = 600


def spatial_bound(process: OrnsteinUhlenbeck, panels: int = 64) -> dict[str, Any]:
    """L2: for all `x` and `t` in panel `i`, `||J(x, t)||_2 <= upper[i]`."""
    served_law(process)
    bounds = rate_bounds(process, *_interval(process), panels)
    return _panel_certificate(process, "L2", bounds, {"upper": _texts(bounds.two_sided_upper)})


def growth_rates(process: OrnsteinUhlenbeck, panels: int = 64) -> dict[str, Any]:
    """L3: for all `x` and `t` in panel `i`, `lower[i] <= lambda_min(-J)` and `lambda_max(-J) <= upper[i]`."""
    served_law(process)
    bounds = rate_bounds(process, *_interval(process), panels)
    rates = {"upper": _texts(bounds.one_sided_upper), "lower": _texts(bounds.contraction_lower)}
    return _panel_certificate(process, "L3", bounds, rates)


def flow_stability(process: OrnsteinUhlenbeck) -> dict[str, Any]:
    """F1: `exp(contraction) |x-y| <= |Phi(x) - Phi(y)| <= factor |x-y|` for all `x`, `y`; `factor >= exp(growth)`."""
    law = served_law(process)
    bits = _bits(process)
    (_, growth), (contraction, _) = _integral(process, "one-sided", bits), _expansion(process, bits)
    assertion = {
        "diameter_squared": exact_text(law.diameter_squared),
        "growth": exact_text(growth),
        "contraction": exact_text(contraction),
        "factor": None if growth > MAX_GROWTH else exact_text(factor_above(growth)),
    }
    return envelope(process, "F1", assertion, {"rule": "closed-form", "bits": bits})


def cumulative_stability(process: OrnsteinUhlenbeck) -> dict[str, Any]:
    """F2: enclosures of `int lambda` and of `int L` over [t_min, t_max]."""
    law = served_law(process)
    bits = _bits(process)
    assertion: dict[str, Any] = {"diameter_squared": exact_text(law.diameter_squared)}
    for rate in ("one-sided", "two-sided"):
        assertion[rate] = _texts(_integral(process, rate, bits))
    proof = {"rule": "closed-form", "bits": bits, "pair": widest_pair(law)}
    return envelope(process, "F2", assertion, proof)


def balanced_grid(process: OrnsteinUhlenbeck, segments: int = 8, rate: str = "one-sided") -> dict[str, Any]:
    """G1: brackets of the nodes of the grid on whose segments the integral of the rate is the same.

    Raises
    ------
    InputError : another kind of covariance, a rate that is not positive, segments out of range.
    NoEnclosure : a node that the budget could not bracket.
    """
    law = served_law(process)
    nodes = balanced_nodes(process, segments, rate, DIGITS)
    if not all(node.complete for node in nodes):
        raise NoEnclosure(f"no bracket of {DIGITS} digits for every node")
    proof = {"rule": "closed-form", "bits": _grid_bits(process, nodes, rate), "pair": widest_pair(law)}
    assertion = {
        "diameter_squared": exact_text(law.diameter_squared),
        "rate": rate,
        "segments": int(segments),
        "nodes": [_texts((node.lower, node.upper)) for node in nodes],
    }
    return envelope(process, "G1", assertion, proof)


#: The producer of each claim.
PRODUCERS: dict[str, Callable[..., dict[str, Any]]] = {
    "L2": spatial_bound,
    "L3": growth_rates,
    "F1": flow_stability,
    "F2": cumulative_stability,
    "G1": balanced_grid,
}


def widest_pair(law: GaussianMixture) -> list[int]:
    """Indices of two means at distance `D`, decided in rationals; `[0, 0]` if all means are equal."""
    square, means = law.diameter_squared, law.exact_means.fractions
    if square == 0:
        return [0, 0]
    floats, goal = law.means, float(square)
    for i in range(law.n_components):
        near = ((floats[i + 1 :] - floats[i]) ** 2).sum(axis=1)
        for k in np.flatnonzero(near >= goal * (1 - 1e-6)).tolist():
            if ((means[i] - means[i + 1 + k]) ** 2).sum() == square:
                return [i, i + 1 + k]
    for i in range(law.n_components):  # means that floats cannot tell apart
        for j in range(i):
            if ((means[i] - means[j]) ** 2).sum() == square:
                return [j, i]
    raise ValueError("no pair of means attains the diameter")


def _panel_certificate(
    process: OrnsteinUhlenbeck, claim: str, bounds: RateBounds, rates: dict[str, list[str]]
) -> dict[str, Any]:
    assertion = {"diameter_squared": exact_text(bounds.diameter_squared), "times": _texts(bounds.times), **rates}
    return envelope(process, claim, assertion, {"rule": "popoviciu", "bits": _within(bounds.bits)})


def _interval(process: OrnsteinUhlenbeck) -> tuple[Fraction, Fraction]:
    return process.exact_t_min, process.exact_t_max


def served_law(process: OrnsteinUhlenbeck) -> GaussianMixture:
    """The mixture, if its covariance is common-isotropic and the format's bits suffice for rates at `t_max`."""
    law = common_law(process)
    bits_within(MAX_BITS, *shape_of(law), *_interval(process), "t_max")
    return law


def _integral(process: OrnsteinUhlenbeck, rate: str, bits: int) -> tuple[Fraction, Fraction]:
    """`int_{t_min}^{t_max} rate` from below and from above, widened for a checker that works with `bits` bits.

    Its terms are the expansion and the pull of the means; the slack is 10^-20 of both, so that it remains where they
    cancel, and some units of the last bit.
    """
    value, expansion = stability(process, *_interval(process), rate, 2 * DIGITS), _expansion_enclosure(process)
    size = abs(expansion.upper) + abs(value.upper - expansion.upper)
    slack = size / 10**DIGITS + Fraction(1, 2 ** (bits - 24))
    return rounded_down(value.lower - slack, DIGITS + 1), rounded_up(value.upper + slack, DIGITS + 1)


def _expansion(process: OrnsteinUhlenbeck, bits: int) -> tuple[Fraction, Fraction]:
    """`int (1 - 1/v)` in the same way."""
    value = _expansion_enclosure(process)
    slack = abs(value.upper) / 10**DIGITS + Fraction(1, 2 ** (bits - 24))
    return rounded_down(value.lower - slack, DIGITS + 1), rounded_up(value.upper + slack, DIGITS + 1)


def _expansion_enclosure(process: OrnsteinUhlenbeck) -> Any:
    """`int (1 - 1/v) = 1/2 ln(v_s/v_t)`: the integral of `lambda` for a single mean."""
    alone = GaussianMixture([1], [[0]], process.mixture.exact_covariances.fractions[()])
    start, end = _interval(process)
    return stability(OrnsteinUhlenbeck(alone, start, end), start, end, "one-sided", 2 * DIGITS)


def factor_above(growth: Fraction) -> Fraction:
    """A decimal above `exp(growth)`, by 10^-20 of it."""
    from certflow.enclosure.expressions import ball
    from certflow.enclosure.results import ball_ends

    with ball_precision(256):
        middle, radius = ball_ends(ball(growth).exp())
    return rounded_up((middle + radius) * (1 + Fraction(1, 10**DIGITS)), DIGITS + 1)


def _bits(process: OrnsteinUhlenbeck) -> int:
    """Bits for the closed forms: sizes of `1/v`, `D^2`, `1/q`, and the length of the interval where it is short."""
    start, end = _interval(process)
    short = max(0, math.ceil(-_binary_logarithm(end - start)))
    return _within(working_bits(*shape_of(process.mixture), end) + short)


def _grid_bits(process: OrnsteinUhlenbeck, nodes: Any, rate: str) -> int:
    """Bits that decide on which side of its target each end of a bracket lies: the narrowest margin and 32."""
    start, end = _interval(process)
    digits = 3 * DIGITS
    total = stability(process, start, end, rate, digits).lower
    margins = [total]
    for k, node in enumerate(nodes[1:-1], 1):
        target = total * Fraction(len(nodes) - 1 - k, len(nodes) - 1)
        values = [stability(process, start, time, rate, digits).lower for time in (node.lower, node.upper)]
        margins += [abs(value - target) for value in values]
    narrowest = min(margins)
    if not narrowest:
        raise NoEnclosure("the end of a bracket is too close to its node to be told from it")
    return _within(_bits(process) - 64 + math.ceil(max(0.0, _binary_logarithm(1 / narrowest))))


def _binary_logarithm(value: Fraction) -> float:
    return math.log2(value.numerator) - math.log2(value.denominator)


def _within(bits: int) -> int:
    if bits > MAX_BITS:
        raise InputError("t_min, t_max", f"{bits} bits needed", f"a problem for which {MAX_BITS} bits suffice")
    return bits


def _texts(values: Any) -> list[str]:
    return [exact_text(value) for value in values]
