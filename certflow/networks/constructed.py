"""A constructed score network with what is proved of its error, whatever numbers evaluate it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import NoisedMixture
from certflow.networks.common import assembly as common_assembly
from certflow.networks.common import bound as common_bound
from certflow.networks.common import design as common_design
from certflow.networks.common.law import common_law
from certflow.networks.general import assembly as general_assembly
from certflow.networks.general import bound as general_bound
from certflow.networks.general import design as general_design
from certflow.networks.general.law import general_law
from certflow.networks.graph import Network, rational
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number, nearest_float
from certflow.numbers.precision import ball_precision

#: The least error that a design in float64 can be made for.
LEAST = 1e-200
#: The largest finite `p` whose moments are computed.
LARGEST_NORM = 1000
#: Bits of the weights beyond those of the error, and of the balls beyond those of the weights.
_SPARE, _GUARD = 90, 60
#: Boxes of time, over which the bound is enclosed; bits of the Taylor series there beyond those of the error.
_BOXES, _SERIES = 128, 40
#: Designs that are tried before an error is said to be out of reach.
_TRIES = 8


@dataclass(frozen=True)
class Construction:
    """How networks of one family of covariances are made: by functions of the same names in its folder."""

    law: Callable[[NoisedMixture, int], Any]
    design: Callable[[Any, float], Any]
    made: Callable[[Any, Any, int], Any]
    assembled: Callable[[Any], Network]
    proved_bound: Callable[[Any, int, int], Any]


COMMON = Construction(
    lambda process, bits: common_law(process),
    common_design.design,
    common_assembly.made,
    common_assembly.assembled,
    common_bound.proved_bound,
)
GENERAL = Construction(
    general_law,
    general_design.design,
    general_assembly.made,
    general_assembly.assembled,
    general_bound.proved_bound,
)


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
    pieces: Any
    plan: Any
    bound: Any
    bits: int

    def __repr__(self) -> str:
        """What was asked for and the sizes, in one line; `error_bound` is computed when it is asked for."""
        net = self.network
        sizes = f"depth {net.depth}, width {net.width}, {net.parameters_count} parameters"
        return f"<constructed score of {self.process.mixture.name}, eps = {self.eps:g}, p = {self.p_norm:g}: {sizes}>"

    @cached_property
    def error_bound(self) -> float:
        """`sup_t ||N(., t) - s(., t)||_{L^p(p_t)}` is at most this, for all `t` in `[t_min, t_max]`; rounded up."""
        with ball_precision(self.bits):
            return _above(norm_bound(self.process, self.bound, self.p_norm))

    @cached_property
    def parts(self) -> dict[str, float]:
        """The parts of the bound in `L^2(p_t)` at its worst time: linear, logits, exponential, clipping, reciprocal;
        rounded up.

        For covariances that are not one isotropic variance there is "far" too: what points far away add.
        """
        with ball_precision(self.bits):
            return {name: _above(part) for name, part in self.bound.parts.items()}

    @cached_property
    def everywhere(self) -> tuple[float, ...]:
        """`A, B, ...` of `|N - s| <= A + B |x| + ...`, rounded up: linear in `|x|` for one isotropic variance, else
        cubic.
        """
        with ball_precision(self.bits):
            return tuple(_above(coefficient) for coefficient in self.bound.everywhere)

    @property
    def offset(self) -> float:
        """`A` of `|N - s| <= A + B |x| + ...`, rounded up."""
        return self.everywhere[0]

    @property
    def slope(self) -> float:
        """`B` of `|N - s| <= A + B |x| + ...`, rounded up."""
        return self.everywhere[1]

    def pointwise_bound(self, x: Any) -> Floats:
        """`A + B |x|` (and further powers, as `everywhere` has them), at least `|N(x, t) - s(x, t)|` for every `t` in
        the interval.

        x : shape (..., d), result (...), in float64, rounded up
        """
        points = np.abs(np.asarray(x, dtype=np.float64))
        # squares of the entries may be too large or too small for float64, those of their shares are not
        scale = points.max(axis=-1, keepdims=True, initial=0.0)
        shares = np.divide(points, scale, out=np.ones_like(points), where=(scale > 0) & np.isfinite(scale))
        with np.errstate(over="ignore"):
            size = scale[..., 0] * np.linalg.norm(shares, axis=-1)
            highest, *others = np.trim_zeros(self.everywhere[::-1], "f") or (0.0,)  # no 0 |x| where |x| is infinite
            bound = np.where(np.isnan(size), size, highest)
            for coefficient in others:
                bound = bound * size + coefficient
            return np.asarray(bound * (1 + 1e-12))


class Proved:
    """What is known of a constructed score, for whatever evaluates it; `constructed` has the rest."""

    constructed: ConstructedScore

    def __repr__(self) -> str:
        """What was asked for and the sizes, in one line; of a torch module `layers` shows the layers."""
        return repr(self.constructed)

    @property
    def eps(self) -> float:
        return self.constructed.eps

    @property
    def error_bound(self) -> float:
        """`sup_t ||N - s||_{L^p(p_t)}` is at most this, in exact arithmetic with the exact weights (A6)."""
        return self.constructed.error_bound

    @property
    def parts(self) -> dict[str, float]:
        """The parts of the bound in `L^2(p_t)`: linear, logits, exponential, clipping, reciprocal."""
        return self.constructed.parts

    def pointwise_bound(self, x: Any) -> Floats:
        """`A + B |x|`, above `|N(x, t) - s(x, t)|` for every `t` of the interval, `N` in exact arithmetic.

        x : shape (..., d)
        """
        return self.constructed.pointwise_bound(x)

    def error_growth(self, mixture: GaussianMixture, t: Fraction) -> tuple[float, ...] | None:
        """`A, B, ...` of `|N(x, t) - s(x, t)| <= A + B |x| + ...` for all `x`, rounded up (A6).

        None for another mixture than that of the network, and times outside its interval: there nothing is proved.
        """
        own = self.constructed.process
        same = own.mixture is mixture or all(
            one.fractions.shape == other.fractions.shape and bool(np.all(one.fractions == other.fractions))
            for one, other in (
                (own.mixture.exact_weights, mixture.exact_weights),
                (own.mixture.exact_means, mixture.exact_means),
                (own.mixture.exact_covariances, mixture.exact_covariances),
            )
        )
        return self.constructed.everywhere if same and own.exact_t_min <= t <= own.exact_t_max else None


def constructed_score(process: NoisedMixture, eps: Any, p_norm: Any = 2) -> ConstructedScore:
    """The network whose proved error in `L^p(p_t)` is at most `eps` at every `t` of the interval, and its bounds.

    A plan is made in float64, built with exact weights, and judged by the bound that its weights give; where that is
    above `eps`, a sharper plan is made.

    Raises
    ------
    InputError : `eps` not in (0, 1], below 1e-200 or out of reach of degree 64 on 16 pieces; `p_norm` not from 1 to
        1000; an infinite `p_norm` where the error grows with `|x|`; a mixture of symbols.
    """
    target, norm = error_asked(eps), _norm(p_norm)
    if process.mixture.is_symbolic:
        raise InputError("mixture", process.mixture, "numbers: a network has weights")
    family = family_of(process.mixture)
    wanted = target
    for _ in range(_TRIES):
        digits = math.ceil(-math.log2(wanted))
        bits = digits + _SPARE + max(0, digits + _SPARE - 160) // 2  # high degrees lose digits
        with ball_precision(2 * bits + _GUARD):
            law = family.law(process, bits)
            plan = family.design(law, wanted)
            pieces = family.made(law, plan, bits)
            bound = bound_of(family, pieces, wanted)
            reached = norm_bound(process, bound, norm)
            if reached <= arb(target):
                network = family.assembled(pieces)
                return ConstructedScore(process, target, norm, network, pieces, plan, bound, 2 * bits + _GUARD)
            excess = float(reached) / target if reached.is_finite() else 4.0
        wanted *= 0.9 / max(excess, 1.0)
    raise InputError("eps", eps, f"an error that {_TRIES} designs reach; the last one proved {float(reached):.2g}")


def family_of(mixture: GaussianMixture) -> Construction:
    """How networks for a mixture are made: by its kind of covariance."""
    return COMMON if mixture.kind == "common-isotropic" else GENERAL


def bound_of(family: Construction, pieces: Any, wanted: float) -> Any:
    """The bounds that the weights of gadgets give, time in boxes fine enough for errors of the size wanted."""
    boxes = math.ceil(_BOXES / (len(pieces.time.knots) - 1))
    return family.proved_bound(pieces, boxes, math.ceil(-math.log2(wanted)) + _SERIES)


def norm_bound(process: NoisedMixture, bound: Any, norm: float) -> Any:
    """A ball whose upper end is above `sup_t ||N - s||_{L^p(p_t)}`.

    For `p <= 2` the bound in `L^2`; beyond, `sum_j A_j sup_t ||X_t||_{jp}^j` of the bound `sum_j A_j |x|^j` for all
    `x`, with

        ||X_t||_q <= max_k |mu_k| + sqrt(max(1, lambda)) ||Z||_q,   ||Z||_q^q = 2^{q/2} Gamma((d + q)/2) / Gamma(d/2),

    `lambda` the largest eigenvalue of a covariance (its trace, in the bound).

    Raises
    ------
    InputError : an infinite norm of an error that grows with `|x|`.
    """
    if norm <= 2:
        return bound.l2
    offset, *growing = bound.everywhere
    if math.isinf(norm):
        if any(coefficient != 0 for coefficient in growing):
            raise InputError(
                "p_norm", norm, "a finite number: the error grows with |x| (it does not for sigma = 1 only)"
            )
        return offset
    mixture = process.mixture
    d = mixture.dimension
    mean = max(sum((entry * entry for entry in row), Fraction(0)) for row in mixture.exact_means.fractions)
    reach = arb(rational(mean)).sqrt()
    deviation = arb(max(rational(_largest_trace(mixture)), 1)).sqrt()
    total = offset
    for j, coefficient in enumerate(growing, start=1):
        q = arb(j) * arb(norm)  # exact: j * norm would be rounded, perhaps down
        noise = arb(2).sqrt() * (((d + q) / 2).gamma() / (arb(d) / 2).gamma()) ** (1 / q)
        total += coefficient * (reach + deviation * noise) ** j
    return total.upper()


def _largest_trace(mixture: GaussianMixture) -> Fraction:
    """The largest variance, or the largest trace of a covariance matrix, which is above its eigenvalues."""
    exact = mixture.exact_covariances.fractions
    if mixture.kind in ("common-isotropic", "isotropic"):
        return Fraction(max(exact.reshape(-1)))
    matrices = exact.reshape((-1, mixture.dimension, mixture.dimension))
    return Fraction(max(sum(matrix.diagonal(), Fraction(0)) for matrix in matrices))


def error_asked(eps: Any) -> float:
    """The float64 next to an error that can be asked for; errors as `constructed_score` has them."""
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
    if not 1 <= exact <= LARGEST_NORM:
        raise InputError("p_norm", p_norm, f"a number from 1 to {LARGEST_NORM}, or infinity")
    nearest = nearest_float(exact)
    # a norm grows with p: the next float64 above p has a bound for p as well
    return nearest if exact_number(nearest) >= exact else math.nextafter(nearest, math.inf)


def _above(ball: Any) -> float:
    """A float64 next above a ball; 0 for what is exactly 0."""
    return 0.0 if ball == 0 else math.nextafter(float(ball.upper()), math.inf)
