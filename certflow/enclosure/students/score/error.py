"""The `L^2(p_t)` error of a score network, from both sides: `cf.enclosure.score_error`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.integrals import check_effort
from certflow.enclosure.results import Enclosure, Ends, rounded_down, rounded_up
from certflow.enclosure.students.score.algebras import CellModels
from certflow.enclosure.students.score.field import Field
from certflow.enclosure.students.score.integral import Covered, Squares, covered, first_boxes, squares
from certflow.enclosure.students.score.networks import Constructed, error_growth, read_network
from certflow.enclosure.students.score.torch_quantities import TorchQuantity
from certflow.enclosure.students.taylor import Basis, Models, total
from certflow.errors import InputError, NoEnclosure
from certflow.law.noised import NoisedMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number

#: Degree of the models, by dimension.
DEGREES = {1: 5, 2: 4}
#: Standard deviations around the components that the cells reach, in turn, until what is beyond is small.
REACHES = (9.0, 12.0, 16.0, 24.0, 36.0)
#: What is beyond the cells is small at this share of `E |s|^2`.
SMALL = 1e-24
#: Edges of the first cells, in standard deviations of the narrowest component.
FIRST = {1: 0.5, 2: 1.0}
#: Why there is no upper end.
OUTSIDE = (
    "nothing is known of the network far out (of a constructed one what A6 says, for its own mixture, t_min <= t <= "
    "t_max; others have at most a few squares)"
)
#: Digits of the ends.
DIGITS = 17


@dataclass(frozen=True, repr=False)
class ScoreError(Ends):
    """`lower <= E|N(X, t) - s(X, t)|^2 / E|s(X, t)|^2 <= upper`, `X ~ p_t`, proved; both ends are exact decimals.

    error, size : the enclosures of `E|N - s|^2` and of `E|s|^2`
    complete : whether `upper - lower <= rtol upper`, as asked
    time : `t`; cells : on which the integrals were taken; beyond : at most the share of `E|N - s|^2` outside of them
    """

    lower: Fraction
    upper: Fraction
    error: Enclosure
    size: Enclosure
    complete: bool
    time: Fraction
    cells: int
    beyond: float

    def __contains__(self, value: Any) -> bool:
        return bool(self.lower <= value <= self.upper)


def score_error(p: NoisedMixture, network: Any, t: Any, rtol: Any = "0.05", seconds: Any = 60) -> ScoreError:
    """`E|N(X, t) - s(X, t)|^2 / E|s(X, t)|^2` for `X ~ p_t`, from both sides, tails included, in exact arithmetic.

    Parameters
    ----------
    p : an `OrnsteinUhlenbeck` process in one or two dimensions, any covariances; `s` is its score
    network : a `torch.nn.Module` of `(x, t)`, or of `x` with `t` appended, that gives the score (of `Linear`, SiLU,
        tanh, ReLU and its square, `cat` ...); a `cf.Model` of such a network, any prediction and schedule; a
        constructed network of `cf.networks`, or an object with `exact_layers()` (`ExactLayers` says which); another
        process, whose score is held against that of `p`
    t : the OU time, exact as text or a fraction
    rtol : how far the ends may be apart, relative to the upper one
    seconds : time of search, after which the best enclosure so far is returned, `complete` False

    What is enclosed is the real function that the weights of the network denote, each the binary number that it is, at
    the exact `t`; the coefficients of the schedule are enclosed. What float32 or float64 make of it when the network is
    evaluated is not covered. A constructed network stands for its exact weights, and beyond the cells A6 is used.

    Raises
    ------
    InputError : a dimension beyond 2, a network that cannot be read, a time or tolerance out of range.
    NoEnclosure : a time at which a coefficient is beyond float64.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.5, 0.5], [[-1], [1]], "0.04"))
    >>> network = cf.networks.relu_requ_score(p, "1e-2", arithmetic="arb")
    >>> found = cf.enclosure.score_error(p, network, "0.1")
    >>> found.complete, 0 < found.error.lower < found.error.upper < 1e-4
    (True, True)

    Statement C2 for scores (proofs/score-networks.md).
    """
    time, tolerance, budget = asked(p, t, rtol, seconds)
    read = read_network(network, p)
    return Work(p, read, time).run(tolerance, budget)


def asked(p: NoisedMixture, t: Any, rtol: Any, seconds: Any) -> tuple[Fraction, float, float]:
    """The time, the tolerance, the seconds; errors as `score_error` has them."""
    if not isinstance(p, NoisedMixture):
        raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
    if p.mixture.dimension not in DEGREES:
        raise InputError("p", f"dimension {p.mixture.dimension}", "a mixture in one or two dimensions")
    time = exact_number(t, "t")
    if not 0 < time <= 300:
        raise InputError("t", t, "a time in (0, 300]")
    gap, limit = check_effort(rtol, seconds)
    return time, float(gap), limit


class Work:
    """One network at one time."""

    def __init__(self, p: NoisedMixture, network: Any, time: Fraction):
        self.p, self.network, self.time = p, network, time
        self.field = Field(p.mixture, time)
        self.basis = Basis(p.mixture.dimension, DEGREES[p.mixture.dimension])
        #: What is known of `E|N - s|^2` without cells: A6 of a constructed network.
        self.known = network.square_bound(time) if isinstance(network, Constructed) else math.inf

    @np.errstate(all="ignore")
    def models(self, low: Floats, high: Floats) -> tuple[Models, Models, Models]:
        """Models of the density, of `N - s` and of `s` on boxes."""
        x = self.basis.boxes(low, high)
        local = self.field.on(self.basis, x)
        said = self.network.quantity("score", TorchQuantity(CellModels(self.basis, len(low)), x), self.time)
        rows = said.rows()
        if rows.remainder.shape[1:] != local.score.remainder.shape[1:]:
            d = self.p.mixture.dimension
            raise InputError("network", f"rows of {rows.remainder.shape[1]} numbers", f"rows of {d}, a score")
        return local.density, total(rows, local.score, -1.0), local.score

    def looked(self, low: Floats, high: Floats) -> Squares:
        """The ends over boxes of `E|N - s|^2` and `E|s|^2`."""
        density, error, score = self.models(low, high)
        return squares(self.basis, density, [error, score], low, high)

    def beyond(self, low: Floats, high: Floats) -> Floats:
        """At least what is outside of the box of both."""
        own = self.field.growth
        growth = error_growth(self.network, self.field, self.time)
        of_error = math.inf if growth is None else self.field.beyond(growth, low, high)
        return np.array([of_error, self.field.beyond(own, low, high)])

    def box(self) -> tuple[Floats, Floats, Floats]:
        """The box of the cells, and what is beyond it."""
        size = self.field.size_of_score()
        for reach in REACHES:
            low, high = self.field.box(reach)
            tails = self.beyond(low, high)
            if (tails <= SMALL * size).all():
                break
        return low, high, tails

    def run(self, tolerance: float, seconds: float) -> ScoreError:
        """The enclosure."""
        low, high, tails = self.box()
        width = np.full(len(low), FIRST[len(low)] * float(self.field.deviations.min()))

        def enough(lower: Floats, upper: Floats) -> bool:
            ends = _ratio(lower, np.array([min(upper[0] + tails[0], self.known), upper[1] + tails[1]]))
            return math.isfinite(ends[1]) and ends[1] - ends[0] <= 0.99 * tolerance * ends[1]

        found = covered(self.looked, *first_boxes(low, high, width), enough, seconds)
        return self.result(found, tails, tolerance)

    def result(self, found: Covered, tails: Floats, tolerance: float) -> ScoreError:
        """What the user is given."""
        upper = np.nextafter(found.upper + tails, np.inf)
        upper[0] = min(upper[0], self.known)
        if not (np.isfinite(upper).all() and found.lower[1] > 0):
            what = OUTSIDE if not np.isfinite(tails).all() else "time was too short"
            raise NoEnclosure(f"no finite enclosure at t = {float(self.time):g}: {what}")
        error, size = (
            Enclosure.of_fractions(Fraction(a), Fraction(b), DIGITS) for a, b in zip(found.lower, upper, strict=True)
        )
        low, high = error.lower / size.upper, error.upper / size.lower
        complete = bool(high - low <= Fraction(tolerance) * high)
        share = float(tails[0] / found.lower[0]) if found.lower[0] > 0 else math.inf
        return ScoreError(
            rounded_down(low, DIGITS),
            rounded_up(high, DIGITS),
            error,
            size,
            complete,
            self.time,
            found.cells,
            share,
        )


def _ratio(lower: Floats, upper: Floats) -> tuple[float, float]:
    """The ends of the quotient; a choice of when to stop, not yet the result."""
    with np.errstate(all="ignore"):
        ends = float(lower[0] / upper[1]), float(upper[0] / lower[1])
    return ends if math.isfinite(ends[1]) else (0.0, math.inf)
