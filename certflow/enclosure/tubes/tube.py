"""A proved enclosure of the flow map `Phi_{t_from -> t_to}` at a point or over a box, and of its derivative."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint

from certflow.enclosure.results import Enclosure, ExactDecimal, ball_ends, rounded_up
from certflow.enclosure.tubes.steps import (
    DiscSearch,
    State,
    advance,
    spectral_norm,
    split,
    step_length,
)
from certflow.enclosure.tubes.taylor import Ball, StraightField
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import ExactArray, exact_number
from certflow.numbers.inputs import whole_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck

#: Steps of one attempt, and attempts (each with more bits than the last), before a tube is given up.
MAX_STEPS = 3000
MAX_ATTEMPTS = 8
#: Working bits beyond those of the tolerance of a step: rounding within the Taylor recurrences.
GUARD_BITS = 24
#: Bits of the first attempt beyond `digits`: for the sum of the steps and a moderate growth.
FIRST_BITS = 8
#: Where a tube ends early, more bits can help only if its own error, not the box, is beyond this.
SPOILED = 2.0**-20
#: A tube wider than this is of no use, and slow to print.
VAST = flint.arb(2) ** 4096
#: Order of the Taylor polynomials: the cost of a step grows like its square, and the number of steps falls.
ORDER_PER_BIT = 0.45


@dataclass(frozen=True)
class TubeStep:
    """What a checker needs to repeat one step without search; all numbers are exact (binary).

    end : `q` at the end of the step;  order : of the Taylor polynomial;  disc : radius `rho` of the complex disc;
    room : radius `R` of the ball in which the solutions stay there;  growth : bound of the derivative of the step.
    """

    end: Fraction
    order: int
    disc: Fraction
    room: Fraction
    growth: Fraction


#: Coordinates that a text of a tube shows.
_SHOWN = 4


@dataclass(frozen=True, repr=False)
class FlowTube:
    """`lower[i] <= Phi_{t_from -> reached}(x)[i] <= upper[i]` for every `x` of the box, proved.

    Attributes
    ----------
    lower, upper : exact decimals, shape (d,)
    derivative_norm : encloses `|D Phi(x)|_2` for every `x` of the box
    complete : True if the tube reaches `t_to` (and, without a box, `radius <= 10^-digits`); if not, the other
        attributes belong to the time that `reached` encloses
    reached : encloses the time at the end of the tube, the number `t_to` itself if that was reached
    start : `q = e^{-t} / sqrt(v)` from which the steps lead, an exact binary number
    bits : each step's error is about `2^-bits`
    steps : what a checker needs to repeat the computation
    """

    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]
    derivative_norm: Enclosure
    complete: bool
    reached: Enclosure
    start: Fraction
    bits: int
    steps: tuple[TubeStep, ...]

    def __str__(self) -> str:
        """The image in one line, ten digits of each end and of at most four coordinates, rounded outwards."""
        ends = zip(self.lower[:_SHOWN], self.upper[:_SHOWN], strict=True)
        shown = " x ".join(f"{Enclosure(low, high):.10}" for low, high in ends)
        more = f" x ... ({len(self.lower)} coordinates)" if len(self.lower) > _SHOWN else ""
        return f"{shown}{more} ({self.outcome}, radius {self.radius}, |D Phi| in {self.derivative_norm:.3})"

    def __repr__(self) -> str:
        return f"FlowTube({self})"

    @property
    def radius(self) -> ExactDecimal:
        """`max_i (upper[i] - lower[i]) / 2`, rounded up."""
        widths = [high - low for low, high in zip(self.lower, self.upper, strict=True)]
        return rounded_up(max(widths) / 2, 3)

    @property
    def outcome(self) -> str:
        """The text "enclosed", or "inconclusive" where steps or precision ran out."""
        return "enclosed" if self.complete else "inconclusive"


def flow_tube(
    p: OrnsteinUhlenbeck, x: Any, t_from: Any, t_to: Any, digits: int = 12, box: Any = 0, max_steps: int = MAX_STEPS
) -> FlowTube:
    """Encloses `Phi_{t_from -> t_to}(x)` and `|D Phi_{t_from -> t_to}(x)|_2` for every point of a box about `x`.

    Parameters
    ----------
    p : an `OrnsteinUhlenbeck` whose mixture has one common isotropic variance
    x : shape (d,); text, int and Fraction are exact, a float is the binary number that it is
    t_from, t_to : times >= 0, in either order (sampling runs from the larger to the smaller)
    digits : the radius of the tube is at most `10^-digits` (what a box adds excepted), 1 to 1000
    box : half-width of the box in every coordinate, >= 0; the default is the point itself
    max_steps : Taylor steps of one attempt, after which the tube ends where it is

    Raises
    ------
    InputError : bad input, or a mixture with other covariances.

    Notes
    -----
    `dz/dq = E_gamma(mu)` for `z = x / sqrt(v)`, `q = e^{-t} / sqrt(v)`; Taylor steps in Arb, each with a disc on
    which the solution is proved to exist and Cauchy's bound of the remainder; a ball of points is propagated by
    the derivative of the step. Next to a separatrix the growth of rounding errors is known only afterwards,
    and the run is repeated with the bits that were missing. Source: proofs/flow-tube.md, proofs/S3.md, L1, F1, F3.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"))
    >>> tube = cf.enclosure.flow_tube(p, ["0.5"], "1", "0.5", digits=6)
    >>> print(tube.outcome, tube.radius < 1e-6)
    enclosed True
    >>> print([round(float(value), 5) for value in (*tube.lower, *tube.upper)])
    [0.48771, 0.48771]
    """
    problem = _Problem.read(p, x, t_from, t_to, digits, box, max_steps)
    bits = math.ceil(digits * math.log2(10)) + FIRST_BITS
    for _ in range(MAX_ATTEMPTS):
        tube, missing = _attempt(problem, bits)
        if not missing:
            break
        bits += missing + 4
    return tube


@dataclass(frozen=True)
class _Problem:
    mixture: GaussianMixture
    point: tuple[Fraction, ...]
    times: tuple[Fraction, Fraction]
    digits: int
    box: Fraction
    max_steps: int

    @classmethod
    def read(
        cls, p: OrnsteinUhlenbeck, x: Any, t_from: Any, t_to: Any, digits: int, box: Any, max_steps: int
    ) -> _Problem:
        if not isinstance(p, OrnsteinUhlenbeck):
            raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
        mixture = p.mixture
        if mixture.is_symbolic:
            raise InputError("p", mixture, "a mixture of numbers, not of symbols")
        if mixture.kind != "common-isotropic":
            raise InputError("p", f"a mixture with {mixture.kind} covariances", "one common isotropic variance")
        point = ExactArray.of(x, "x")
        if point.shape != (mixture.dimension,) or point.is_symbolic:
            raise InputError("x", f"shape {point.shape}", f"{mixture.dimension} numbers, shape ({mixture.dimension},)")
        times = exact_number(t_from, "t_from"), exact_number(t_to, "t_to")
        for name, given, time in zip(("t_from", "t_to"), (t_from, t_to), times, strict=True):
            if time < 0:
                raise InputError(name, given, "a time >= 0")
        half_width = exact_number(box, "box")
        if half_width < 0:
            raise InputError("box", box, "a half-width >= 0")
        for name, value, limit in (("digits", digits, 1000), ("max_steps", max_steps, 10**6)):
            whole_number(value, name, 1, limit)
        return cls(mixture, tuple(point.fractions), times, int(digits), half_width, int(max_steps))


@dataclass(frozen=True)
class _Clock:
    """`v = s2 m^2 + 1 - m^2`, `m = e^{-t}`, and `q = m / sqrt(v)` as balls.

    A tube starts and ends at the midpoints of `q`; `shift` and `turn` bound what happens in between.
    """

    v: Ball
    q: Ball

    @classmethod
    def at_time(cls, variance: Ball, time: Fraction) -> _Clock:
        m = (-_ball(time)).exp()
        v = variance * m * m - (-2 * _ball(time)).expm1()  # without the cancellation of 1 - c m^2
        return cls(v, m / v.sqrt())

    @classmethod
    def at_node(cls, variance: Ball, q: Ball) -> _Clock:
        return cls(1 / (1 + (1 - variance) * q * q), q)  # v (1 + c q^2) = v + c m^2 = 1

    def shift(self, field: StraightField) -> Ball:
        """How far a solution moves between `q` and its midpoint: `|z'| <= max |mu_k|`."""
        return self.q.rad() * field.speed

    def turn(self, field: StraightField) -> Ball:
        """`|W - I|_2` between `q` and its midpoint: `e^{int |q Cov|} - 1`, `|Cov| <= max |mu_k|^2`."""
        return (self.q.rad() * abs(self.q) * field.speed * field.speed).expm1().abs_upper()


def _attempt(problem: _Problem, bits: int) -> tuple[FlowTube, int]:
    """The tube with steps of error `2^-bits`, and how many more bits the goal would need (0: no more will help)."""
    with ball_precision(bits + GUARD_BITS + _size_in_bits(problem)):
        field = StraightField.of(problem.mixture)
        variance = _ball(problem.mixture.exact_covariances.fractions.item())
        first, last = (_Clock.at_time(variance, time) for time in problem.times)
        state = _start(problem, field, first)
        state, steps = _follow(field, state, last.q.mid(), bits, problem.max_steps)
        arrived = bool(state.q == last.q.mid())
        final = last if arrived else _Clock.at_node(variance, state.q)

        scale, shift = final.v.sqrt(), final.shift(field)
        centre = [scale * (value + flint.arb(0, (state.radius + shift).abs_upper())) for value in state.centre]
        ends = [Enclosure.of_ball(ball) for ball in centre]
        low, high = spectral_norm(state.derivative, bits)
        slack = state.derivative_error + final.turn(field) * (high + state.derivative_error)
        ratio = (final.v / first.v).sqrt()
        time = Enclosure.of_ball(-(final.q * final.q * final.v).log() / 2)
        tube = FlowTube(
            lower=tuple(end.lower for end in ends),
            upper=tuple(end.upper for end in ends),
            derivative_norm=_between(ratio * (low - slack), ratio * (high + slack)),
            complete=arrived,
            reached=Enclosure(problem.times[1], problem.times[1]) if arrived else time,
            start=sum(ball_ends(first.q.mid()), Fraction(0)),
            bits=bits,
            steps=steps,
        )
        error = scale * (state.error + shift)
        missing = _missing_bits(problem, state, error, bits, arrived, len(steps))
    return replace(tube, complete=arrived and missing == 0), missing


def _size_in_bits(problem: _Problem) -> int:
    """Bits that keep `q |mu| |z|` and `(q |mu|)^2` as accurate as numbers of size one; a choice, not a proof."""
    variance = problem.mixture.exact_covariances.fractions.item()
    narrow = variance + min(1, *problem.times)
    numbers = [*problem.point, *problem.mixture.exact_means.fractions.flat]
    size: int = max((value.numerator.bit_length() - value.denominator.bit_length() for value in numbers), default=0)
    width: int = narrow.denominator.bit_length() - narrow.numerator.bit_length()
    return 2 * max(0, size + 1) + 2 * abs(width) + 1


def _start(problem: _Problem, field: StraightField, clock: _Clock) -> State:
    scaled = [_ball(value) / clock.v.sqrt() for value in problem.point]
    centre, error = split(scaled)
    error = (error + clock.shift(field)).abs_upper()
    dimension = len(centre)
    corner = _ball(problem.box) * flint.arb(dimension).sqrt() / clock.v.sqrt()
    identity = flint.arb_mat(dimension, dimension, [int(i == j) for i in range(dimension) for j in range(dimension)])
    return State(clock.q.mid(), centre, (error + corner).abs_upper(), error, identity, clock.turn(field))


def _follow(
    field: StraightField, state: State, end: Ball, bits: int, max_steps: int
) -> tuple[State, tuple[TubeStep, ...]]:
    """Steps towards `end` until it is reached, a step cannot be proved, or `max_steps` are made."""
    order = max(8, round(bits * ORDER_PER_BIT))
    steps: list[TubeStep] = []
    search = DiscSearch(abs(float(end - state.q)))
    while state.q != end and len(steps) < max_steps:
        frame = field.frame(state.centre, state.q)
        ahead = abs(float(end - state.q))
        proved = search.prove(frame, state.radius, ahead)
        if proved is None:
            break
        disc, bounds = proved
        length = step_length(disc, bounds, float(state.q), order, bits, ahead)
        to = end if length >= ahead else flint.arb(float(state.q) + math.copysign(length, float(end - state.q)))
        moved = advance(state, frame, disc, bounds, to, order)
        if not (moved.radius < VAST and moved.derivative_error < VAST):
            break
        state = moved
        numbers = (Fraction(disc.radius), Fraction(disc.room), Fraction(moved.growth))
        steps.append(TubeStep(sum(ball_ends(to), Fraction(0)), order, *numbers))
    return state, tuple(steps)


def _missing_bits(problem: _Problem, state: State, error: Ball, bits: int, arrived: bool, count: int) -> int:
    if arrived:
        excess = error * 10**problem.digits
        # 1/16 leaves room for the rounding of the ends to decimals.
        return max(0, math.ceil(float((excess.log() / flint.arb.const_log2()).mid()) + 1 / 16)) if excess > 0 else 0
    spoiled = 10**problem.digits * error > 1 and state.error > SPOILED and 16 * state.error > state.radius
    return bits if spoiled and count < problem.max_steps else 0


def _between(low: Ball, high: Ball) -> Enclosure:
    """From the lower end of a ball (at least 0) to the upper end of another."""
    above = Enclosure.of_ball(high).upper
    below = Enclosure.of_ball(low).lower
    return Enclosure(max(below, ExactDecimal(0)), above)


def _ball(value: Fraction) -> Ball:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))
