"""A constructed score network with what is proved of its error, whatever numbers evaluate it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.networks.common.assembly import assembled, made
from certflow.networks.common.bound import Bound, Pieces, proved_bound
from certflow.networks.common.design import Plan, design
from certflow.networks.common.law import CommonLaw, common_law
from certflow.networks.graph import Network
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number, nearest_float
from certflow.numbers.precision import ball_precision

#: The least error that a design in float64 can be made for.
LEAST = 1e-200
#: Bits of the weights beyond those of the error, and of the balls beyond those of the weights.
_SPARE, _GUARD = 90, 60
#: Boxes of a piece of time, over which the bound is enclosed; bits of the Taylor series there beyond those of the error.
_BOXES, _SERIES = 8, 40
#: Designs that are tried before an error is said to be out of reach.
_TRIES = 8


@dataclass(frozen=True)
class ConstructedScore:
    """`N(x, t)` of affine maps, ReLU and ReQU with exact weights, and the proved bounds of `N - s` (A5, A6).

    process : the mixture and its interval of time; eps, p_norm : what was asked for
    network : inputs `x_1 ... x_d, t`, outputs `N_1 ... N_d`
    pieces : the gadgets that it is made of; plan : their degrees and knots
    bound : of the error, balls at `bits` bits
    """

    process: NoisedMixture
    eps: float
    p_norm: float
    network: Network
    pieces: Pieces
    plan: Plan
    bound: Bound
    bits: int

    @cached_property
    def error_bound(self) -> float:
        """`sup_t ||N(., t) - s(., t)||_{L^p(p_t)}` is at most this, for all `t` in `[t_min, t_max]`; rounded up."""
        with ball_precision(self.bits):
            return _above(norm_bound(self.pieces.law, self.bound, self.p_norm))

    @cached_property
    def parts(self) -> dict[str, float]:
        """The parts of the bound in `L^2(p_t)` at its worst time: linear, logits, exponential, clipping, reciprocal; rounded up."""
        with ball_precision(self.bits):
            return {name: _above(part) for name, part in self.bound.parts.items()}

    @cached_property
    def offset(self) -> float:
        """`A` of `|N - s| <= A + B |x|`, rounded up."""
        with ball_precision(self.bits):
            return _above(self.bound.offset)

    @cached_property
    def slope(self) -> float:
        """`B` of `|N - s| <= A + B |x|`, rounded up."""
        with ball_precision(self.bits):
            return _above(self.bound.slope)

    def pointwise_bound(self, x: Any) -> Floats:
        """`A + B |x|`, at least `|N(x, t) - s(x, t)|` for every `t` in the interval; x : shape (..., d), result (...).

        In float64, rounded up.
        """
        size = np.linalg.norm(np.asarray(x, dtype=np.float64), axis=-1)
        return np.asarray((self.offset + self.slope * size) * (1 + 1e-12))


def constructed_score(process: NoisedMixture, eps: Any, p_norm: Any = 2) -> ConstructedScore:
    """The network whose proved error in `L^p(p_t)` is at most `eps` at every `t` of the interval, and its bounds.

    A plan is made in float64, built with exact weights, and judged by the bound that its weights give; where that is
    above `eps`, a sharper plan is made.

    Raises
    ------
    InputError : `eps` not in (0, 1], below 1e-200 or out of reach of degree 64 on 16 pieces; `p_norm` below 1; an infinite
        `p_norm` where the error grows with `|x|`.
    """
    target, norm = _asked(eps), _norm(p_norm)
    law = common_law(process)
    wanted = target
    for _ in range(_TRIES):
        bits = math.ceil(-math.log2(wanted)) + _SPARE
        bits += max(0, bits - 160) // 2  # high degrees lose digits
        with ball_precision(2 * bits + _GUARD):
            plan = design(law, wanted)
            pieces = made(law, plan, bits)
            bound = proved_bound(pieces, _BOXES, math.ceil(-math.log2(wanted)) + _SERIES)
            reached = norm_bound(law, bound, norm)
            if reached <= arb(target):
                return ConstructedScore(
                    process, target, norm, assembled(pieces), pieces, plan, bound, 2 * bits + _GUARD
                )
            excess = float(reached) / target if reached.is_finite() else 4.0
        wanted *= 0.9 / max(excess, 1.0)
    raise InputError("eps", eps, f"an error that {_TRIES} designs reach; the last one proved {float(reached):.2g}")


def norm_bound(law: CommonLaw, bound: Bound, norm: float) -> Any:
    """A ball whose upper end is above `sup_t ||N - s||_{L^p(p_t)}`.

    For `p <= 2` the bound in `L^2`; beyond, `A + B sup_t ||X_t||_p` with `||X_t||_p <= max_k |mu_k| + sqrt(max(1, sigma^2))
    ||Z||_p`, `||Z||_p^p = 2^{p/2} Gamma((d + p)/2) / Gamma(d/2)`.

    Raises
    ------
    InputError : an infinite norm of an error that grows with `|x|`.
    """
    if norm <= 2:
        return bound.l2
    if math.isinf(norm):
        if bound.slope > 0:
            raise InputError("p_norm", norm, "a finite number: the error grows with |x| (it does not for sigma = 1 only)")
        return bound.offset
    p, d = arb(norm), law.dimension
    noise = arb(2).sqrt() * (((d + p) / 2).gamma() / (arb(d) / 2).gamma()) ** (1 / p)
    reach = law.largest_mean + arb(law.variance).max(arb(1)).sqrt() * noise
    return (bound.offset + bound.slope * reach).upper()


def _asked(eps: Any) -> float:
    exact = exact_number(eps, "eps")
    if not 0 < exact <= 1:
        raise InputError("eps", eps, "an error in (0, 1]")
    if exact < exact_number(LEAST):
        raise InputError("eps", eps, f"an error of at least {LEAST}")
    return nearest_float(exact)


def _norm(p_norm: Any) -> float:
    if p_norm == math.inf:
        return math.inf
    exact = exact_number(p_norm, "p_norm")
    if exact < 1:
        raise InputError("p_norm", p_norm, "a number of at least 1")
    return nearest_float(exact)


def _above(ball: Any) -> float:
    """The least float64 that is certainly not below a ball."""
    return math.nextafter(float(ball.upper()), math.inf)
