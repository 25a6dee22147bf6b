"""The end-to-end error of a solver with a network on its grid, from both sides: `cf.enclosure.sampler_error`.

At the data end, with the flow backwards (proofs/students.md, section 6): `E|Psi(X) - Phi(X)|^2` over `p_T` is
`E|Psi(Phi^-1(Y)) - Y|^2` over `p_delta`, and `Psi`, the solver's own lines, runs on Taylor models
(proofs/score-networks.md, section 6).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.integrals import check_effort
from certflow.enclosure.results import Enclosure, Ends, rounded_down, rounded_up
from certflow.enclosure.students.line.flow import Cells, LineFlow, between
from certflow.enclosure.students.score.algebras import Algebra, CellModels, Growth
from certflow.enclosure.students.score.balls import BITS
from certflow.enclosure.students.score.error import DIGITS, OUTSIDE, REACHES
from certflow.enclosure.students.score.field import Field
from certflow.enclosure.students.score.integral import Covered, Squares, covered, squares
from certflow.enclosure.students.score.networks import read_network
from certflow.enclosure.students.score.quantities import Quantity
from certflow.enclosure.students.score.torch_quantities import TorchQuantity
from certflow.enclosure.students.taylor import Basis, Models, total
from certflow.errors import InputError, NoEnclosure
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number
from certflow.numbers.precision import ball_precision
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.field import Node
from certflow.samplers.rollout import LATEST
from certflow.samplers.solvers import Solver, solver_of

#: Degree of the models.
DEGREE = 4
#: What is beyond the cells is small at this share of `E |Phi|^2`.
SMALL = 1e-16


@dataclass(frozen=True, repr=False)
class SamplerError(Ends):
    """`lower <= E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2 <= upper`, `X ~ p_T`, proved; both ends are exact decimals.

    error : the enclosure of `E|Psi(X) - Phi(X)|^2`
    complete : whether `upper - lower <= rtol upper`, as asked
    sampler, times : what was run; cells : on which the integral was taken
    """

    lower: Fraction
    upper: Fraction
    error: Enclosure
    complete: bool
    sampler: str
    times: tuple[Fraction, ...]
    cells: int

    def __contains__(self, value: Any) -> bool:
        return bool(self.lower <= value <= self.upper)


def sampler_error(
    p: Any, model: Any, times: Any, sampler: str = "euler", rtol: Any = "0.05", seconds: Any = 60
) -> SamplerError:
    """`E|Psi(X) - Phi(X)|^2 / E|Phi(X)|^2`, `X ~ p_T`: a solver with a network against the exact flow, from both sides.

    Parameters
    ----------
    p : an `OrnsteinUhlenbeck` process in one dimension; `Phi` is its flow from `times[0]` to `times[-1]`
    model : as the network of `score_error`; or `p` itself, for the error of the solver alone
    times : OU times, falling, the last > 0, exact as text or fractions; or a grid
    sampler : a name of `cf.samplers.SOLVERS`: "euler" (DDIM), "heun", "dpmpp-2m"
    rtol, seconds : as in `score_error`

    `Psi` is what `cf.samplers.run(model, x, times, sampler)` computes, in exact arithmetic with exact coefficients;
    what float32 or float64 make of it is not covered.

    Raises
    ------
    InputError : another dimension, a model that cannot be read, an unknown sampler, times that do not fall.
    NoEnclosure : no finite upper end within the budget.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([0.5, 0.5], [[-1], [1]], "0.04"), "0.01", 3)
    >>> found = cf.enclosure.sampler_error(p, p, ["3", "1", "0.3", "0.01"], "heun", rtol="0.01")
    >>> found.complete
    True

    Statement C2 for solvers (proofs/score-networks.md).
    """
    if not isinstance(p, OrnsteinUhlenbeck):
        raise InputError("p", p, "a certflow.OrnsteinUhlenbeck")
    if p.mixture.dimension != 1:
        raise InputError("p", f"dimension {p.mixture.dimension}", "a mixture in one dimension")
    solver, listed = solver_of(sampler), solver_times(times)
    gap, limit = check_effort(rtol, seconds)
    return Run(p, read_network(model, p), listed, solver).enclosed(float(gap), limit)


def solver_times(times: Any) -> tuple[Fraction, ...]:
    """The exact times of the nodes.

    Raises
    ------
    InputError : fewer than two, times that do not fall, a last one that is not > 0, a first one beyond 350.
    """
    given = getattr(times, "times", times)
    required = f"at least two times that fall, the first at most {LATEST:g}, the last > 0"
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise InputError("times", given, required)
    found = tuple(exact_number(t, "times") for t in given)
    falls = all(late > early for late, early in itertools.pairwise(found))
    if len(found) < 2 or not (falls and found[-1] > 0 and found[0] <= LATEST):
        raise InputError("times", [float(t) for t in found], required)
    return found


class Run:
    """A solver with a network on a grid."""

    def __init__(self, p: OrnsteinUhlenbeck, network: Any, times: tuple[Fraction, ...], solver: Solver):
        self.network, self.times, self.solver = network, times, solver
        self.flow = LineFlow(p, times[0], times[-1])
        self.noise, self.data = Field(p.mixture, times[0]), Field(p.mixture, times[-1])
        self.plain = Basis(1, DEGREE)
        self.fresh = solver.cost(len(times) - 1)
        self.basis = Basis(1, DEGREE, 1 + self.fresh)
        with ball_precision(BITS):
            self.nodes = [_node(t) for t in times]

    def push(self, algebra: Algebra, x: Any) -> Any:
        """`Psi(x)` of rows of an algebra: the lines of `certflow.samplers.run`."""

        def in_z(z: Quantity, node: Node) -> Quantity:
            z.renew()
            found: Quantity = self.network.quantity("denoiser", z * node.m, node.t)
            return found

        with ball_precision(BITS):
            z, past = TorchQuantity(algebra, x) / self.nodes[0].m, None
            for a, b in itertools.pairwise(self.nodes):
                z, past = self.solver.step(in_z, z, a, b, past)
            return (z * self.nodes[-1].m).rows()

    @np.errstate(all="ignore")
    def errors(self, low: Floats, high: Floats) -> Models:
        """Models of `Psi(Phi^-1(y)) - y` on cells of the data end; shapes (cells, 1)."""
        cells = Cells((low[:, 0] + high[:, 0]) / 2, (high[:, 0] - low[:, 0]) / 2)
        x, error = self.flow.preimages(cells, DEGREE)
        c = np.zeros((self.basis.terms, len(low), 1))
        c[: DEGREE + 1, :, 0], c[self.basis.size, :, 0] = x, error
        found = self.push(CellModels(self.basis, len(low), self.fresh), Models(c, np.zeros((len(low), 1))))
        return total(found, self.basis.boxes(low, high), -1.0)

    @np.errstate(all="ignore")
    def looked(self, low: Floats, high: Floats) -> Squares:
        """The ends of the integral over cells."""
        density = self.data.on(self.plain, self.plain.boxes(low, high)).density
        found = squares(self.basis, density, [self.errors(low, high)], low, high)
        middle, half = (low + high) / 2, (high - low) / 2
        rounded = ((middle - half != low) | (middle + half != high))[:, 0]  # not a cell of `Cells`
        return Squares(np.where(rounded, 0.0, found.lower), np.where(rounded, np.inf, found.upper))

    def growth(self) -> list[float] | None:
        """`g` with `|Psi(x)| <= sum_j g_j |x|^j` for all `x`; None where nothing is known."""
        algebra = Growth()
        try:
            with np.errstate(all="ignore"):
                rows = self.push(algebra, np.array([[0.0], [1.0]]))
        except NoEnclosure:
            return None
        return [float(row) for row in rows[:, 0]] if np.isfinite(rows).all() else None

    def ends(self) -> tuple[float, float, float]:
        """The range of the cells, and at least what is beyond it: `2 E G(|X|)^2 + 2 E |Y|^2` there."""
        growth = self.growth()
        if growth is None:
            raise NoEnclosure(OUTSIDE)
        size = float(self.data.second_moment().mid())
        for reach in REACHES:
            low, high = (float(end[0]) for end in self.data.box(reach))
            cells = between(low, high, 2)
            low, high = float(cells.low[0]), float(cells.high[-1])
            noise = self.noise.beyond(
                growth, np.array([self.flow.preimage(low)[1]]), np.array([self.flow.preimage(high)[0]])
            )
            tail = 2 * (noise + self.data.beyond([0.0, 1.0], np.array([low]), np.array([high]))) * (1 + 1e-12)
            if tail <= SMALL * size:
                break
        return low, high, tail

    def enclosed(self, tolerance: float, seconds: float) -> SamplerError:
        """The enclosure."""
        low, high, tail = self.ends()
        width = float(self.data.deviations.min()) / 2
        cells = between(low, high, max(2, math.ceil((high - low) / width)))

        def enough(lower: Floats, upper: Floats) -> bool:
            return bool(math.isfinite(upper[0]) and upper[0] + tail - lower[0] <= 0.99 * tolerance * upper[0])

        found = covered(self.looked, cells.low[:, None], cells.high[:, None], enough, seconds)
        return self.result(found, tail, tolerance)

    def result(self, found: Covered, tail: float, tolerance: float) -> SamplerError:
        """What the user is given."""
        upper = math.nextafter(float(found.upper[0]) + tail, math.inf)
        if not math.isfinite(upper):
            raise NoEnclosure("no finite bound of the solver's error within the budget")
        error = Enclosure.of_fractions(Fraction(float(found.lower[0])), Fraction(upper), DIGITS)
        size = Enclosure.of_ball(self.data.second_moment())
        low, high = error.lower / size.upper, error.upper / size.lower
        return SamplerError(
            rounded_down(low, DIGITS),
            rounded_up(high, DIGITS),
            error,
            bool(high - low <= Fraction(tolerance) * high),
            self.solver.name,
            self.times,
            found.cells,
        )


def _node(t: Fraction) -> Node:
    """`t` itself, and balls of `m`, `sigma` and its logarithm."""
    m = (-ball(t)).exp()
    square = (2 * ball(t)).expm1()
    return Node(t, m, square.sqrt(), square.log() / 2)
