"""The whole flow map of two modes as one univariate gadget (A9, proofs/A9.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import arb, arb_poly, fmpq, fmpq_poly

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.networks.gadgets.enclosure import pieces, supremum
from certflow.networks.gadgets.exact import lift
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.gadgets.polynomials import dyadic, lobatto
from certflow.networks.graph import Network, total
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.network import above
from certflow.networks.residual.tube import LineFlow
from certflow.numbers.precision import ball_precision

#: Bits of balls and weights; of the nodes in `K` and of the knots.
_BITS, _WEIGHT_BITS, _NODE_BITS, _KNOT_BITS = 192, 110, 60, 40
#: The most pieces, degrees `2^level`, and radii of discs in units of half a piece.
_MOST, _LEVELS, _DISCS = 96, (3, 4, 5), (3.0, 1.8, 1.3)
#: Least error that the steps of `LineFlow` are made for, and least `|mu_1 - mu_2| kappa_T / 2`, from where steps are
#: multiples of `2^-60`.
LEAST, EARLIEST = 1e-7, fmpq(1, 2**40)
#: Where the search for the ends of the function is given up.
_FARTHEST = 10**15


@dataclass(frozen=True)
class FlowMap:
    """`F(zeta) = zeta + shift o + e C~(Y)`, `Y = e . zeta/|e|^2`, `o = (mu_1 + mu_2)/2`, `e = (mu_1 - mu_2)/2`.

    coordinates : two modes; gadget : `C~`, constant outside its knots; shift : near `kappa_delta - kappa_T`
    network : inputs and outputs are the `d` entries of `zeta`
    error : a ball, `|F(zeta) - flow(zeta)| <= error` for all `zeta`
    """

    coordinates: Coordinates
    gadget: Gadget
    shift: Any
    network: Network
    error: Any

    @property
    def error_bound(self) -> float:
        """`sup_x |sqrt(v_delta) F(x/sqrt(v_T)) - Phi(x)|` over all `x` in R^d is at most this; rounded up."""
        with ball_precision(_BITS):
            return above(self.coordinates.scales[1] * self.error)


def flow_map_network(p: NoisedMixture, eps: float) -> FlowMap:
    """The flow map of two modes as one gadget, with a proved sup error of at most `eps` in `x` for all `x` (A9).

    Raises
    ------
    InputError : not two modes of one isotropic variance; `eps` not between 1e-7 and 1, or out of reach; a `t_max` at
        which the modes are nearer than `2^-39 sqrt(v)`.
    """
    if not LEAST <= eps <= 1:
        raise InputError("eps", eps, f"a number from {LEAST:g} to 1")
    with ball_precision(_BITS):
        coordinates = Coordinates.of(p)
        if coordinates.law.components != 2 or coordinates.diameter == 0:
            raise InputError("p", f"a mixture of {coordinates.law.components} components", "two different modes")
        if not coordinates.ends[0] * coordinates.diameter / 2 >= EARLIEST:
            raise InputError("t_max", p.t_max, "a time at which the modes, m |mu_1 - mu_2|, are 2^-39 sqrt(v) apart")
        problem = _Problem(coordinates, float(eps / coordinates.scales[1]))
        for level in _LEVELS:
            problem.known.clear()
            knots = problem.knots(2**level)
            if knots is not None:
                gadget = problem.gadget(knots, 2**level)
                error = problem.error(gadget, 2**level)
                if coordinates.scales[1] * error <= eps:
                    return FlowMap(coordinates, gadget, problem.shift, problem.assembled(gadget), error)
    raise InputError("eps", eps, f"an error that degree {2 ** _LEVELS[-1]} on {_MOST} pieces can reach")


class _Problem:
    """`C(Y) = (phi(y) - y)/|e|`, `y = |e| Y - kappa_T e . o/|e|`, `phi` the flow in `K = |e| kappa`."""

    def __init__(self, coordinates: Coordinates, error: float):
        law = coordinates.law
        first, second = law.means
        self.coordinates, self.target = coordinates, error
        self.e = [(a - b) / 2 for a, b in zip(first, second, strict=True)]
        self.o = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
        self.square = sum((a * a for a in self.e), fmpq(0))
        self.length = arb(self.square).sqrt()
        self.offset = sum((a * b for a, b in zip(self.e, self.o, strict=True)), fmpq(0)) / self.square
        ends = [self.length * kappa for kappa in coordinates.ends]
        start, end = (dyadic(K, _NODE_BITS) for K in ends)
        ratio = law.weights[0] / law.weights[1]
        beta = arb(0) if ratio == 1 else arb(ratio).log() / 2
        self.flow = LineFlow(beta, start, end, 0.5 * min(1.0, (error / 1e-4) ** (1 / 11)))
        growth = ((arb(end) ** 2 - arb(start) ** 2) / 2).exp()
        #: What the rounding of the two ends does to `C`; what `C` tends to on both sides.
        self.ends = (abs(ends[0] - arb(start)) * growth + abs(ends[1] - arb(end))) / self.length
        self.limit = arb(end - start) / self.length
        self.known: dict[tuple[Any, Any], Any] = {}
        self.shift = dyadic(coordinates.ends[1] - coordinates.ends[0], _NODE_BITS)

    def height(self, Y: Any) -> Any:
        """`y` of a ball or a rational."""
        return self.length * (arb(Y) - self.coordinates.ends[0] * self.offset)

    def correction(self, Y: Any) -> Any:
        """`C(Y)`, a ball."""
        y = self.height(Y)
        return (self.flow.value(y) - y) / self.length

    def interpolation(self, low: Any, high: Any, degree: int) -> Any | None:
        """What interpolation of `C` at the Lobatto nodes leaves on a piece, by Hermite's formula on a circle."""
        middle, half = self.height((low + high) / 2), self.length * arb((high - low) / 2)
        best = None
        for size in _DISCS:
            tau = arb(size)
            found = self.flow.image(middle, (half * tau).upper())
            if found is None:
                continue
            rho = tau + (tau * tau - 1).sqrt()
            nodal = 4 / ((rho - 1 / rho) * (rho**degree - rho**-degree))
            error = nodal * tau / (tau - 1) * (found[1] + half * tau) / self.length
            best = error.upper() if best is None else best.min(error.upper())
        return best

    def knots(self, degree: int) -> list[Any] | None:
        """From where `C` has reached one limit to where it has reached the other; None beyond `_MOST` pieces."""
        wanted = self.target / float(self.length) / 4
        reach = fmpq(1)
        centre = dyadic(self.coordinates.ends[0] * self.offset, 4)
        while not (
            self.limit - self.correction(centre + reach) < wanted
            and self.correction(centre - reach) + self.limit < wanted
        ):
            reach = reach * fmpq(5, 4)
            if reach > _FARTHEST:  # enclosures that say nothing, at however large arguments
                return None
        found, end = [dyadic(arb(centre - reach), _KNOT_BITS)], dyadic(arb(centre + reach), _KNOT_BITS)
        step = end - found[0]
        while found[-1] < end:
            if len(found) > _MOST:
                return None
            step = min(2 * step, end - found[-1])
            while True:
                left = self.interpolation(found[-1], found[-1] + step, degree)
                if left is not None and left < 2 * wanted:
                    break
                step = dyadic(arb(step * fmpq(7, 10)), _KNOT_BITS)
                if step < (end - found[0]) / 2**24:
                    return None
            found.append(found[-1] + step)
        return found

    def interpolated(self, low: Any, high: Any, degree: int) -> Any:
        """The polynomial through `C` at the Lobatto nodes of a piece, with ball coefficients."""
        if (low, high) not in self.known:
            middle, half, nodes = arb((low + high) / 2), arb((high - low) / 2), list(lobatto(degree))
            values = [self.correction(middle + half * node) for node in nodes]
            self.known[low, high] = arb_poly.interpolate(nodes, values)
        return self.known[low, high]

    def gadget(self, knots: list[Any], degree: int) -> Gadget:
        """Interpolation at the Lobatto nodes of every piece."""
        polynomials = []
        for low, high in pairwise(knots):
            exact = self.interpolated(low, high, degree)
            polynomials.append(fmpq_poly([dyadic(exact[i], _WEIGHT_BITS) for i in range(degree + 1)]))
        return piecewise(knots, [polynomials], side="both", bits=_WEIGHT_BITS)

    def error(self, gadget: Gadget, degree: int) -> Any:
        """`|F - flow|` for all `zeta`: the gadget's pieces, from its weights, against `C`."""
        largest = arb(0)
        for piece in pieces(gadget):
            left = self.interpolation(piece.lower, piece.upper, degree)
            if left is None:
                return arb.pos_inf()
            exact = self.interpolated(piece.lower, piece.upper, degree)
            largest = largest.max(supremum(piece.outputs[0] - exact) + left)
        left = self.limit - self.correction(gadget.knots[-1])
        largest += left.max(self.limit + self.correction(gadget.knots[0])).max(arb(0))
        drift = abs(arb(self.shift) - self.coordinates.ends[1] + self.coordinates.ends[0])
        o = arb(sum((a * a for a in self.o), fmpq(0))).sqrt()
        return (self.length * (largest + self.ends) + drift * o).upper()

    def assembled(self, gadget: Gadget) -> Network:
        """As deep as the gadget; the coordinates of `zeta` go along."""
        network = Network(len(self.e))
        zeta = [network.input(i) for i in range(len(self.e))]
        along = total([value * (a / self.square) for value, a in zip(zeta, self.e, strict=True)])
        (correction,) = gadget.of(network, along)
        carried = [lift(network, value, correction.layer) for value in zeta]
        return network.finish(
            value + correction * a + self.shift * b for value, a, b in zip(carried, self.e, self.o, strict=True)
        )
