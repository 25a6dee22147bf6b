"""The depth that no ReLU–ReQU network goes under, whatever its weights (A8 in proofs/A8.md).

For two components of one isotropic variance the score along the line through the means is, up to an affine function,
`a D` times the logistic of their log-ratio. A network of depth `L` and width `W` is on a line a piecewise polynomial,
`N` pieces of degree `2^L` at most, `N = prod_{l=1}^{L} (1 + 2^{l-1} W)`. The poles of the logistic at `+- i pi` keep
every polynomial of degree `n` on the longest piece away from it by at least `(9/40) (2 sqrt(2) N)^{-(n+2)}`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import whole_number
from certflow.numbers.numerals import nearest
from certflow.numbers.precision import ball_precision

#: What an affine map leaves of the logistic on `[-pi, pi]`, and the factor for piecewise polynomials (proofs/A8.md).
AFFINE, PIECEWISE = Fraction(3, 50), Fraction(9, 40)
_BITS = 128


@dataclass(frozen=True)
class Floor:
    """No network of `width` neurons a layer and fewer than `depth` layers has a sup error of `eps` at time `time`.

    depth : 0 where even an affine map is not excluded
    steepness : a number below `a D` at that time
    log_errors : below the natural logarithm of the sup error of networks of 0, 1, ..., `depth` layers
    """

    eps: Fraction
    width: int
    depth: int
    time: Fraction
    steepness: float
    log_errors: tuple[float, ...]

    def __str__(self) -> str:
        """The floor in words, with its size as it is."""
        error = f"an error of {nearest(self.eps, 3)}"
        if self.depth == 0:
            return f"No depth is excluded: {error} is so large that the bound does not even exclude an affine map."
        layers = "layer" if self.depth == 1 else "layers"
        return (
            f"No ReLU-ReQU network of {self.width} neurons a layer and fewer than {self.depth} {layers} has {error} or "
            f"less for every x at t = {float(self.time):.6g}. This is a statement in the sup norm, far below what is "
            "built: it grows like log2 log(1/eps), and is 1 to 3 layers at errors that are asked for in practice."
        )


def depth_floor(process: NoisedMixture, eps: Any, width: Any) -> Floor:
    """The fewest layers with which a sup error of `eps` is not excluded at this width: `L` with `floor(L) <= eps`.

        floor(0) = 0.06 a D,   floor(L) = 0.225 a D (2 sqrt(2) N_L)^{-(2^L + 2)},   N_L = prod_{l=1}^{L} (1 + 2^{l-1} W)

    `a = m/v` at the time of `[t_min, t_max]` at which it is largest, `D` the distance of the two means. Whatever its
    weights, a network of fewer layers is off by more than `eps` somewhere on the segment on which both responsibilities
    are at least 1/(1 + e^pi) = 4.1 %.

    process : two components of a common isotropic variance, with different means
    eps : the sup error at one time, > 0; a number or a text such as "1e-400"
    width : neurons of the widest layer

    Raises
    ------
    InputError : another mixture, an `eps` that is not positive, a width below 1.

    Source: A8 (beyond arXiv 2606.03820), proofs/A8.md.

    >>> import certflow as cf
    >>> from certflow.networks.floor import depth_floor
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    >>> [depth_floor(p, eps, 100).depth for eps in ("1e-2", "1e-12", "1e-40", "1e-400")]
    [1, 2, 3, 5]
    """
    mixture = process.mixture
    if mixture.kind != "common-isotropic" or mixture.n_components != 2 or not mixture.diameter_squared:
        requirement = "two components of different means and a common isotropic variance: the floor is stated for these"
        raise InputError("mixture", mixture, requirement)
    target = exact_number(eps, "eps")
    if target <= 0:
        raise InputError("eps", eps, "a number > 0")
    neurons = whole_number(width, "width", 1)
    with ball_precision(_BITS):
        time, steepness = _steepest(process)
        allowed = _ball(target).log()
        logs = [_log_floor(steepness, 0, neurons)]
        while logs[-1] > allowed:
            logs.append(_log_floor(steepness, len(logs), neurons))
        below = tuple(_below(log) for log in logs)
        return Floor(target, neurons, len(logs) - 1, time, _below(steepness), below)


def pieces_bound(depth: int, width: int) -> int:
    """`prod_{l=1}^{L} (1 + 2^{l-1} W)`: pieces of a network on a line (A8)."""
    return math.prod(1 + 2**layer * width for layer in range(depth))


def log_distance(pieces: int, degree: int) -> Any:
    """`log( (9/40) (2 sqrt(2) N)^{-(n+2)} )`, a ball: `N >= 2` polynomials of degree `n >= 2` are no nearer (A8)."""
    return _ball(PIECEWISE).log() - (degree + 2) * (arb(8).sqrt() * arb(pieces)).log()


def _log_floor(steepness: Any, depth: int, width: int) -> Any:
    """`log floor(L)` in a ball."""
    if depth == 0:
        return (steepness * _ball(AFFINE)).log()
    return steepness.log() + log_distance(pieces_bound(depth, width), 2**depth)


def _steepest(process: NoisedMixture) -> tuple[Fraction, Any]:
    """A time of the interval at which `a = m/v` is about largest, and `a D` there.

    `a` falls with time, unless `sigma^2 > 2`: then it is largest where `m^2 = 1/(sigma^2 - 1)`.
    """
    start, end = process.exact_t_min, process.exact_t_max
    variance = process.mixture.exact_covariances.fractions.item()
    time = start
    if variance > 2:
        time = min(max(Fraction(math.log(float(variance - 1)) / 2), start), end)
    m = (-_ball(time)).exp()
    a = m / (1 - _ball(1 - variance) * m**2)
    means = process.mixture.exact_means.fractions
    squared = sum(((one - other) ** 2 for one, other in zip(means[0], means[1], strict=True)), Fraction(0))
    return time, a * _ball(squared).sqrt()


def _below(ball: Any) -> float:
    """A float64 below a ball."""
    return math.nextafter(float(ball.lower()), -math.inf)


def _ball(number: Fraction | int) -> Any:
    exact = Fraction(number)
    return arb(fmpq(exact.numerator, exact.denominator))
