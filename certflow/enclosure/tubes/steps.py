"""One validated step of `dz/dq = E_gamma(mu)`: a disc on which the solution is known to exist, a Taylor polynomial
with its Cauchy remainder, and what the step does to a ball of points and to the derivative of the flow.

Every bound is derived in proofs/flow-tube.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from certflow.enclosure.tubes.taylor import Ball, Frame, Matrix, Vector, expand, norm

#: Largest part of the disc's radius that a step may take.
REACH = 0.75
#: Exponents of floats beyond this overflow; no useful disc has them.
LARGEST_EXPONENT = 600
#: Least room for the points at the start of a step, times `1 / (q max |e_k|)`: far above rounding, far below a mode.
LEAST_ROOM = 2.0**-10
#: A disc smaller than this, relative to `q`, is not worth a step: the tube is lost.
SMALLEST = 2.0**-40


@dataclass(frozen=True)
class State:
    """A tube at one `q`: what is known of every point that started in the box, and of the derivative there.

    centre : (d,), exact;  radius : every point is within this of the centre;  error : of the centre's own path;
    derivative : (d, d), exact, and `derivative_error`, which bounds `|D - derivative|_2` for every point;
    growth : a bound of `|W|_2` over the ball, of the step that led here (a binary number).
    """

    q: Ball
    centre: Vector
    radius: Ball
    error: Ball
    derivative: Matrix
    derivative_error: Ball
    growth: float = 1.0


@dataclass(frozen=True)
class Disc:
    """`|s| <= radius`, on which `|zeta| <= room` is proved; both are binary numbers."""

    radius: float
    room: float


@dataclass(frozen=True)
class DiscBounds:
    """For complex `|s| <= rho`, `|zeta| <= R`: bounds of `|E_gamma(e)|`, `|Cov_gamma(e)|` and the third moment.

    third : of `sum_k |gamma_k| |e_k - E_gamma(e)|^3`, so that `(|q| + rho)^2 third` bounds the derivative of the
    Jacobian `(q0 + s) Cov_gamma(e)` in any direction of `z`.
    """

    drift: Any
    covariance: Any
    third: Any


@dataclass(frozen=True)
class Logits:
    """What `disc_bounds` reads of a frame, in floats (to search) or in balls (to prove); each list has shape (K,)."""

    log_gamma: list[Any]
    slopes: list[Any]
    curvatures: list[Any]
    lengths: list[Any]
    defect: Any
    q: Any

    @classmethod
    def of(cls, frame: Frame) -> Logits:
        return cls(frame.log_gamma, frame.slopes, frame.curvatures, frame.lengths, frame.defect, abs(frame.q))

    def in_floats(self) -> Logits:
        """The nearest floats."""
        lists = (self.log_gamma, self.slopes, self.curvatures, self.lengths)
        log_gamma, slopes, curvatures, lengths = ([float(ball.mid()) for ball in row] for row in lists)
        return Logits(log_gamma, slopes, curvatures, lengths, float(self.defect.mid()), float(self.q))


def disc_bounds(logits: Logits, rho: Any, room: Any, exp: Any, expm1: Any) -> DiscBounds | None:
    """`drift = (defect + sum_k gamma_k (e^{B_k} - 1) |e_k|) / l`, and likewise the second and third moments,

    with `B_k = rho |slope_k| + (|q| + rho) R |e_k| + rho^2 |curvature_k| / 2 >= |b_k|` and the lower bound
    `l = sum_k gamma_k l_k` of the denominator: `l_k = e^{-B_k}` where `B_k <= 1` (the least real part of `e^b` on the
    disc `|b| <= B`), 0 where `B_k <= 3/2 < pi / 2`, else `-e^{B_k}`. None where `l > 0` is not shown.
    The same lines serve the search (floats) and the proof (balls), with the functions `exp` and `expm1` of either.
    """
    numerator, square, denominator = logits.defect, 0, 0
    rows = zip(logits.log_gamma, logits.slopes, logits.curvatures, logits.lengths, strict=True)
    masses = []
    for log_gamma, slope, curvature, length in rows:
        size = rho * abs(slope) + (logits.q + rho) * room * length + rho * rho * abs(curvature) / 2
        if not log_gamma + size <= LARGEST_EXPONENT:
            return None
        grown = exp(log_gamma + size)
        masses.append(grown)
        numerator += (exp(log_gamma) * expm1(size) if size <= 1 else grown) * length
        square += grown * length * length
        # A ball that is not certainly below a limit takes the next, weaker bound, which holds for it too.
        if size <= 1:
            denominator += exp(log_gamma - size)
        elif not size <= 1.5:
            denominator -= grown
    if not denominator > 0:
        return None
    drift = numerator / denominator
    reaches = [length + drift for length in logits.lengths]
    # A product, not a power: a ball around zero has no logarithm.
    third = sum(mass * reach * reach * reach for mass, reach in zip(masses, reaches, strict=True))
    return DiscBounds(drift, square / denominator + drift * drift, third / denominator)


class DiscSearch:
    """Looks, in floats, for the largest disc that `disc_bounds` will prove; remembers the last one."""

    def __init__(self, ahead: float):
        self.guess = ahead

    def prove(self, frame: Frame, radius: Ball, ahead: float) -> tuple[Disc, DiscBounds] | None:
        """A disc, at most four times `ahead`, for the points within `radius` of the centre, with its proved bounds."""
        balls = Logits.of(frame)
        floats = balls.in_floats()
        reach = floats.q * max(floats.lengths)
        slack = max(1.25 * float(radius), min(1.0, LEAST_ROOM / reach if reach else 1.0))
        rho = min(1.5 * self.guess, 4 * ahead)
        while rho > min(SMALLEST * floats.q, ahead):
            room = _room(floats, rho, slack)
            bounds = prove_disc(balls, Disc(rho, room), radius) if room is not None else None
            if room is not None and bounds is not None:
                self.guess = rho
                return Disc(rho, room), bounds
            rho *= 0.85
        return None


def _room(floats: Logits, rho: float, slack: float) -> float | None:
    """A radius `R >= slack + 1.001 rho drift(rho, R)` by iteration, or None."""
    room = slack
    for _ in range(16):
        bounds = disc_bounds(floats, rho, room, math.exp, math.expm1)
        if bounds is None:
            return None
        needed = slack + 1.001 * rho * bounds.drift
        if needed <= room:
            return room
        room = slack + 1.05 * (needed - slack)
    return None


def prove_disc(logits: Logits, disc: Disc, radius: Ball) -> DiscBounds | None:
    """The bounds on the disc, if `radius + rho drift < R`: no solution then leaves `|zeta| < R` on `|s| <= rho`."""
    rho, room = flint.arb(disc.radius), flint.arb(disc.room)
    bounds = disc_bounds(logits, rho, room, flint.arb.exp, flint.arb.expm1)
    if bounds is None or not radius + rho * bounds.drift < room:
        return None
    return bounds


def step_length(disc: Disc, bounds: DiscBounds, q: float, order: int, bits: int, ahead: float) -> float:
    """The longest step of which both remainders are about `2^-bits` or less; a choice, not a proof."""
    rate = (abs(q) + disc.radius) * float(bounds.covariance.abs_upper())
    growth = disc.radius * rate
    scale = max(disc.radius * float(bounds.drift.abs_upper()), growth * math.exp(min(growth, 50.0)), 1e-300)
    exponent = (-bits * math.log(2) + math.log(order + 1) - math.log(scale)) / (order + 1)
    return min(disc.radius * math.exp(min(exponent, math.log(REACH))), ahead)


def advance(state: State, frame: Frame, disc: Disc, bounds: DiscBounds, to: Ball, order: int) -> State:
    """The tube at `to` (exact), `h = to - q`, `kappa = |h| / rho < 1`.

    With `M = drift`, `L = (|q| + rho) covariance`, and `A` the Taylor polynomial of `W`:
    `|zeta(h) - polynomial| <= M rho kappa^{N+1} / ((N+1) (1-kappa))`,
    `|W(h) - A| <= L e^{rho L} rho kappa^{N+1} / ((N+1) (1-kappa))` from the centre, and
    `|h| (|q| + rho)^2 third e^{2 |h| L} radius` more from any other point of the ball.
    """
    h = to - state.q
    rho = flint.arb(disc.radius)
    kappa = abs(h) / rho
    if not kappa < 1:
        raise ValueError("the step leaves its disc")
    clock = abs(frame.q) + rho
    rate = clock * bounds.covariance
    tail = rho * kappa ** (order + 1) / ((order + 1) * (1 - kappa))
    expansion = expand(frame, order)

    position = expansion.position(h)
    moved = [a + h * g + b for a, g, b in zip(state.centre, frame.drift, position, strict=True)]
    centre, rounding = split(moved)
    local = bounds.drift * tail + rounding

    matrix, matrix_rounding = split_matrix(expansion.derivative(h))
    curving = abs(h) * clock * clock * bounds.third * (2 * abs(h) * rate).exp() * state.radius
    uncertainty = (rate * (rho * rate).exp() * tail + curving + matrix_rounding).abs_upper()
    # A short number for the certificate; 2^-20 more than the bound is far more than a float loses in rounding.
    growth = float((spectral_norm(matrix, 20)[1] + uncertainty).abs_upper()) * (1 + 2.0**-20)

    derivative, rounding = split_matrix(matrix * state.derivative)
    error = growth * state.derivative_error + uncertainty * frobenius(state.derivative) + rounding
    return State(
        to,
        centre,
        (growth * state.radius + local).abs_upper(),
        (growth * state.error + local).abs_upper(),
        derivative,
        error.abs_upper(),
        growth,
    )


def split(vector: Vector) -> tuple[Vector, Ball]:
    """Exact midpoints, and a bound of the Euclidean distance of any vector of the balls from them."""
    return [ball.mid() for ball in vector], norm([ball.rad() for ball in vector]).abs_upper()


def split_matrix(matrix: Matrix) -> tuple[Matrix, Ball]:
    """Exact midpoint matrix, and a bound of the Frobenius norm of what is left."""
    return flint.arb_mat(matrix.mid()), norm([ball.rad() for ball in matrix.entries()]).abs_upper()


def frobenius(matrix: Matrix) -> Ball:
    """`|A|_F`."""
    return norm(matrix.entries())


def spectral_norm(matrix: Matrix, bits: int) -> tuple[Ball, Ball]:
    """Exact bounds `lower <= |A|_2 <= upper`, apart by about `2^-bits` where floats separate its singular values.

    Lower: `|A y| / |y|` for a float vector `y`. Upper: `sqrt(lambda)` with `lambda I - A^T A` positive definite,
    shown by elimination with balls.
    """
    size = matrix.ncols()
    if size == 1:
        return abs(matrix[0, 0]).abs_lower(), abs(matrix[0, 0]).abs_upper()
    square = matrix.transpose() * matrix
    scale = square.trace()
    if not scale > 0:
        return flint.arb(0), frobenius(matrix).abs_upper()
    floats = [[float((entry / scale).mid()) for entry in row] for row in square.tolist()]
    vector = flint.arb_mat([[float(value)] for value in np.linalg.eigh(floats)[1][:, -1]])
    quotient = frobenius(matrix * vector) / frobenius(vector)
    slack = flint.arb(2) ** -bits
    while True:
        bound = ((1 + slack) * quotient).abs_upper()
        if _is_positive_definite(bound * bound, square):
            return quotient.abs_lower(), bound
        slack *= 16
        if slack > 1:  # the float vector was useless; this bound always holds
            return quotient.abs_lower(), frobenius(matrix).abs_upper()


def _is_positive_definite(shift: Ball, matrix: Matrix) -> bool:
    """True only if `shift I - A` is positive definite: every pivot of its elimination is a positive ball."""
    size = matrix.ncols()
    rows = [[(shift if i == j else 0) - matrix[i, j] for j in range(size)] for i in range(size)]
    for i in range(size):
        pivot = rows[i][i]
        if not pivot > 0:
            return False
        for j in range(i + 1, size):
            factor = rows[j][i] / pivot
            for k in range(j, size):
                rows[j][k] -= factor * rows[i][k]
                rows[k][j] = rows[j][k]
    return True
