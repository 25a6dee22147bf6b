"""The network of a mixture of general covariances, put together from its gadgets (A5 in proofs/networks-general.md)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import arb, fmpq

from certflow.networks.gadgets.basis import interpolants, on_shared_basis
from certflow.networks.gadgets.exact import carry, largest, lift, product, square
from certflow.networks.gadgets.exponential import exponential
from certflow.networks.gadgets.pieces import Gadget
from certflow.networks.gadgets.polynomials import dyadic
from certflow.networks.gadgets.reciprocal import reciprocal
from certflow.networks.general.law import GeneralLaw
from certflow.networks.graph import Network, Value, total
from certflow.networks.plan import Pieces, Plan

#: About how far a coordinate of a point lies from the origin: it balances the factors of products, no more.
_REACH = 4
#: Functions of time that are positive have approximations above this: the bound looks at their errors.
_BELOW = fmpq(-1)


def time_gadget(law: GeneralLaw, knots: tuple[Any, ...], level: int, bits: int) -> Gadget:
    """All functions of time on shared knots and one basis, degree `2^level` on every piece."""
    functions = law.time_functions
    found = []
    for low, high in pairwise(knots):
        middle, half = arb((low + high) / 2), arb((high - low) / 2)

        def at(c: Any, middle: Any = middle, half: Any = half) -> list[Any]:
            return functions((-(middle + half * c)).exp())

        found.append(interpolants(at, 2**level, bits))
    return on_shared_basis(knots, list(zip(*found, strict=True)), side="below")


def made(law: GeneralLaw, plan: Plan, bits: int) -> Pieces:
    """The gadgets of a plan, weights of their deeper layers multiples of `2^-bits`."""
    time = time_gadget(law, plan.time_knots, plan.time_level, bits)
    log_weights = tuple(dyadic(entry, bits) for entry in law.log_weights)
    if plan.exponential is None or plan.reciprocal is None:
        return Pieces(law, time, None, None, log_weights)
    return Pieces(law, time, exponential(plan.exponential, bits), reciprocal(plan.reciprocal, bits), log_weights)


def assembled(pieces: Pieces) -> Network:
    """`N(x, t) = R(S) sum_k E_k b~_k`, `b~_k = U_k (a~_k mu'_k - q~_k xi_k)`, from `x_1 ... x_d, t`.

    `E_k = E(l~_k - max l~)`, `S = sum_k E_k`, `xi_k = U_k^T x`, `q~ = 1 + 2 (1 - lambda) r~`. Where the covariance is
    shared, `q~ xi` and the part `a~ o` of the force that all have in common need no softmax and stand outside it.
    Depth `L_T + 1 + ceil(log2 K) + L_E + L_S + 1` for every kind of covariance; `L_T + 1` for one component.
    """
    builder = _Builder(pieces)
    if pieces.law.is_shared:
        return builder.shared()
    return builder.scalar() if pieces.law.is_scalar else builder.full()


@dataclass(frozen=True)
class _Times:
    """Functions of time as values of layer `L_T`: `a`, `r`, `q` for every frame and variance, `h` for every frame."""

    a: list[list[Value]]
    r: list[list[Value]]
    q: list[list[Value]]
    h: list[Value]


class _Builder:
    """Inputs, the gadget of time, and the stages that the kinds of covariance have in common."""

    def __init__(self, pieces: Pieces):
        self.pieces = pieces
        self.law: GeneralLaw = pieces.law
        self.dimension = self.law.dimension
        self.network = Network(self.dimension + 1)
        self.inputs = [self.network.input(i) for i in range(self.dimension)]
        self.times = self._time()
        self.level = self.times.a[0][0].layer
        smallest = min(min(frame.variances) for frame in self.law.frames)
        decay = (-2 * arb(self.law.t_min)).exp()
        # a and q are nowhere larger than 1/v at the data end, or than 1
        self.steep = _power((1 / (1 - (1 - arb(smallest)) * decay)).max(arb(1)))

    def _time(self) -> _Times:
        law = self.law
        values = self.pieces.time.of(self.network, self.network.input(self.dimension), "time")
        width, count = len(law.frames[0].variances), len(law.frames)
        rows = [values[i * width : (i + 1) * width] for i in range(2 * count)]
        a, r = rows[:count], rows[count:]
        q = [
            [value * (2 * (1 - variance)) + 1 for value, variance in zip(row, frame.variances, strict=True)]
            for row, frame in zip(r, law.frames, strict=True)
        ]
        return _Times(a, r, q, values[2 * count * width :])

    def point(self, layer: int) -> list[Value]:
        """The coordinates of `x` at a layer."""
        return [lift(self.network, value, layer) for value in self.inputs]

    def along(self, frame: int, point: list[Value]) -> list[Value]:
        """`xi = U^T x`."""
        axes = self.law.frames[frame].axes
        if axes is None:
            return point
        return [total([value * u for value, u in zip(point, axis, strict=True)]) for axis in axes]

    def back(self, frame: int, coordinates: list[Value]) -> list[Value]:
        """`U xi`."""
        axes = self.law.frames[frame].axes
        if axes is None:
            return coordinates
        return [
            total([value * axis[j] for value, axis in zip(coordinates, axes, strict=True)])
            for j in range(self.dimension)
        ]

    def each(self, row: list[Value]) -> list[Value]:
        """A value for each coordinate, of those for the variances of a frame."""
        return row * self.law.repeats

    def products(self, row: list[Value], others: list[Value], reach: int = _REACH) -> list[Value]:
        return [
            product(self.network, first, other, (self.steep, reach)) for first, other in zip(row, others, strict=True)
        ]

    # --- the three kinds

    def shared(self) -> Network:
        """One covariance: the softmax of logits that are linear in `x`, times means."""
        network, law, times = self.network, self.law, self.times
        xi = self.along(0, self.point(self.level))
        drift = self.products(self.each(times.q[0]), xi)
        a = [carry(network, value, _BELOW) for value in times.a[0]]
        if law.components == 1:
            forward = [value * mean for value, mean in zip(self.each(a), law.moved[0], strict=True)]
            return network.finish(self.back(0, [f - g for f, g in zip(forward, drift, strict=True)]))
        moved = self.products(self.each(times.a[0]), xi)
        r = [carry(network, value, _BELOW) for value in times.r[0]]
        logits = [
            total([value * entry for value, entry in zip(moved, mean, strict=True)])
            - total([value * entry for value, entry in zip(r, squares, strict=True)])
            + log_weight
            for mean, squares, log_weight in zip(law.moved, law.squares, self.pieces.log_weights, strict=True)
        ]
        powers = self.powers(logits)
        a = [lift(network, value, powers[0].layer, _BELOW) for value in a]
        centred = [
            total([power * (mean[i] - law.centre[i]) for power, mean in zip(powers, law.moved, strict=True)])
            for i in range(self.dimension)
        ]
        numerators = self.products(self.each(a), centred)
        quotients = self.quotients(powers, numerators)
        last = quotients[0].layer
        a = [lift(network, value, last, _BELOW) for value in a]
        drift = [lift(network, value, last) for value in drift]
        return network.finish(
            self.back(
                0,
                [
                    quotient + value * centre - taken
                    for quotient, value, centre, taken in zip(quotients, self.each(a), law.centre, drift, strict=True)
                ],
            )
        )

    def scalar(self) -> Network:
        """Multiples of the identity: `sum_k E_k a_k mu_k - (sum_k E_k q_k) x`, so that no force is carried."""
        network, law, times = self.network, self.law, self.times
        x = self.point(self.level)
        far = lift(network, total([square(network, value) for value in self.inputs]), self.level, 0)
        moved = [self.products(self.each(row), x) for row in times.a]
        bent = [product(network, row[0], far, (self.steep, self.dimension * _REACH**2)) for row in times.q]
        logits = self.logits([[value] for value in bent], moved)
        a = [carry(network, row[0], _BELOW) for row in times.a]
        q = [carry(network, row[0], _BELOW) for row in times.q]
        powers = self.powers(logits)
        layer = powers[0].layer
        a, q = ([lift(network, value, layer, _BELOW) for value in row] for row in (a, q))
        of_a = self.products([a[f] for f in law.of], powers, 1)
        of_q = total(self.products([q[f] for f in law.of], powers, 1))
        drift = self.products([of_q] * self.dimension, [lift(network, value, layer + 1) for value in x])
        forward = [
            total([value * mean[i] for value, mean in zip(of_a, law.means, strict=True)]) for i in range(self.dimension)
        ]
        forward = [lift(network, value, layer + 2) for value in forward]
        return network.finish(self.quotients(powers, [f - g for f, g in zip(forward, drift, strict=True)]))

    def full(self) -> Network:
        """Any covariances: the force of every component is carried beside its logit."""
        network, law, times = self.network, self.law, self.times
        x = self.point(self.level)
        bent, moved, drift = [], [], []
        for f in range(len(law.frames)):
            squares = [square(network, value) for value in self.along(f, self.inputs)]
            squares = [lift(network, value, self.level, 0) for value in squares]
            xi = self.along(f, x)
            bent.append(self.products(times.q[f], squares, _REACH**2))
            moved.append(self.products(times.a[f], xi))
            drift.append(self.products(times.q[f], xi))
        a = [[carry(network, value, _BELOW) for value in row] for row in times.a]
        forces = []
        for mean, f in zip(law.moved, law.of, strict=True):
            forward = [value * entry for value, entry in zip(a[f], mean, strict=True)]
            forces.append(self.back(f, [value - taken for value, taken in zip(forward, drift[f], strict=True)]))
        powers = self.powers(self.logits(bent, moved))
        forces = [[lift(network, value, powers[0].layer) for value in force] for force in forces]
        weighted = [
            [product(network, power, value, (1, self.steep)) for value in force]
            for power, force in zip(powers, forces, strict=True)
        ]
        return network.finish(
            self.quotients(powers, [total([force[i] for force in weighted]) for i in range(self.dimension)])
        )

    # --- stages

    def logits(self, bent: list[list[Value]], moved: list[list[Value]]) -> list[Value]:
        """`l_k = log w_k + h - sum_i r_i mu'_i^2 + sum_i (a_i xi_i mu'_i - q_i xi_i^2 / 2)`."""
        law, times = self.law, self.times
        found = []
        for k, f in enumerate(law.of):
            of_time = times.h[f] - total(
                [value * entry for value, entry in zip(times.r[f], law.squares[k], strict=True)]
            )
            linear = total([value * entry for value, entry in zip(moved[f], law.moved[k], strict=True)])
            found.append(
                carry(self.network, of_time + self.pieces.log_weights[k]) + linear - total(bent[f]) * fmpq(1, 2)
            )
        return found

    def powers(self, logits: list[Value]) -> list[Value]:
        """`E(l_k - max_j l_j)`."""
        assert self.pieces.exponential is not None
        top = largest(self.network, logits)
        lifted = [lift(self.network, value, top.layer) for value in logits]
        return [self.pieces.exponential.gadget.of(self.network, value - top, "exponential")[0] for value in lifted]

    def quotients(self, powers: list[Value], numerators: list[Value]) -> list[Value]:
        """`R(sum_k E_k)` times each numerator."""
        assert self.pieces.reciprocal is not None
        (inverse,) = self.pieces.reciprocal.gadget.of(self.network, total(powers), "reciprocal")
        inverse = lift(self.network, inverse, numerators[0].layer)
        lifted = [lift(self.network, value, inverse.layer) for value in numerators]
        return [product(self.network, inverse, value, (1, self.steep)) for value in lifted]


def _power(size: Any) -> Any:
    """The power of two next above a number that is at least 1: scales by it cost no rounding."""
    return fmpq(2) ** int(float(size)).bit_length()
