"""False twins of constructed networks: wrong identities, half a degree, a piece or a square fewer, a weight changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flint import arb, fmpq

from certflow.claims.evidence.straight import AlteredBlocks
from certflow.claims.networks.altered import AlteredNetworks
from certflow.networks.floor import log_distance
from certflow.networks.formulas import NetworkFormulas, monic_root
from certflow.networks.gadgets import exact, exponential, reciprocal
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.graph import Network, Neuron, Row
from certflow.networks.residual.coordinates import Coordinates
from certflow.process import OrnsteinUhlenbeck

_RIGHT = NetworkFormulas()


# --- wrong identities


class HalfForQuarter(OrnsteinUhlenbeck):
    """`x y` with 1/2 for 1/4."""

    networks = replace(_RIGHT, product=lambda *arguments: exact.product(*arguments) * 2)


class OneSidedSquare(OrnsteinUhlenbeck):
    """`z^2 = requ(z)`, which is so for `z >= 0` only."""

    networks = replace(_RIGHT, square=lambda network, value: network.requ(value))


class LostHalf(OrnsteinUhlenbeck):
    """The root of a completed square with `p_{m+j}/alpha` for half of it."""

    networks = replace(_RIGHT, monic_root=lambda p: [2 * entry for entry in monic_root(p)[:-1]] + [1])


class ForgottenKnot(OrnsteinUhlenbeck):
    """A piecewise polynomial whose last piece is taken to be a little longer than it is."""

    networks = replace(
        _RIGHT,
        piecewise=lambda knots, functions, **options: piecewise(
            [*knots[:-1], knots[-1] + fmpq(1, 100)], functions, **options
        ),
    )


class WrongPole(OrnsteinUhlenbeck):
    """`W(S)/W(1)` for the relative error of an interpolant of `1/S`."""

    networks = replace(_RIGHT, relative_remainder=lambda nodal, argument: nodal(argument) / nodal(1))


class LostTwo(OrnsteinUhlenbeck):
    """`q = 1 + c r` for `1 + 2 c r`."""

    networks = replace(_RIGHT, drift=lambda excess, ratio: 1 + excess * ratio)


class ForgottenWeights(OrnsteinUhlenbeck):
    """The relative error of the logits with `rho l` for `rho (l - log w)`."""

    networks = replace(
        _RIGHT, logit_error=lambda relative, shared, logit, log_weight, square: relative * logit + shared * square
    )


# --- networks of a wrong plan


class HalvedExponential(AlteredNetworks):
    """The exponential in half the degree."""

    def altered_plan(self, plan: Any) -> Any:
        return replace(plan, exponential=replace(_some(plan.exponential), level=_some(plan.exponential).level - 1))


class HalvedReciprocal(AlteredNetworks):
    """The reciprocal in half the degree."""

    def altered_plan(self, plan: Any) -> Any:
        return replace(plan, reciprocal=replace(_some(plan.reciprocal), level=_some(plan.reciprocal).level - 1))


class HalvedTime(AlteredNetworks):
    """The functions of time in half the degree."""

    def altered_plan(self, plan: Any) -> Any:
        return replace(plan, time_level=plan.time_level - 1)


class ShorterExponential(AlteredNetworks):
    """The exponential with two neighbouring pieces made one."""

    def altered_plan(self, plan: Any) -> Any:
        found = _some(plan.exponential)
        return replace(plan, exponential=replace(found, knots=_merged(found.knots)))


class ShorterReciprocal(AlteredNetworks):
    """The reciprocal with two neighbouring pieces made one."""

    def altered_plan(self, plan: Any) -> Any:
        found = _some(plan.reciprocal)
        return replace(plan, reciprocal=replace(found, knots=_merged(found.knots)))


class ShorterTime(AlteredNetworks):
    """The functions of time with two neighbouring pieces made one."""

    def altered_plan(self, plan: Any) -> Any:
        return replace(plan, time_knots=_merged(plan.time_knots))


class LayerForEachDegree(AlteredNetworks):
    """Gadgets that add one degree in a layer, as Horner's rule does."""

    def layers(self, level: int) -> int:
        return 1 << level


# --- networks whose weights were changed after they were built


class MissingSquare(AlteredNetworks):
    """The exponential without one of the squares of its last layer."""

    def altered_pieces(self, pieces: Any) -> Any:
        return _with_exponential(pieces, _without_last_square)


class MissingKnot(AlteredNetworks):
    """The exponential without the two neurons of one of its knots."""

    def altered_pieces(self, pieces: Any) -> Any:
        return _with_exponential(pieces, _without_knot)


class ChangedWeight(AlteredNetworks):
    """The exponential with one weight larger by 1e-3 of itself."""

    def altered_pieces(self, pieces: Any) -> Any:
        return _with_exponential(pieces, _with_larger_weight)


class ChangedInverse(AlteredNetworks):
    """The reciprocal with one weight larger by 1e-3 of itself."""

    def altered_pieces(self, pieces: Any) -> Any:
        found = _some(pieces.reciprocal).gadget
        return replace(pieces, reciprocal=reciprocal.enclosed(replace(found, network=_with_larger_weight(found))))


class ChangedTime(AlteredNetworks):
    """The functions of time with one weight larger by 1e-3 of itself."""

    def altered_pieces(self, pieces: Any) -> Any:
        return replace(pieces, time=replace(pieces.time, network=_with_larger_weight(pieces.time)))


class LostLogWeights(AlteredNetworks):
    """Logits without `log w_k`."""

    def altered_pieces(self, pieces: Any) -> Any:
        return replace(pieces, log_weights=tuple(fmpq(0) for _ in pieces.log_weights))


class NearerPoles(AlteredNetworks):
    """A floor as if the poles of the logistic were at `+- i pi/4`, four times nearer."""

    def log_distance(self, pieces: int, degree: int) -> Any:
        return log_distance(pieces, degree) + (degree + 2) * arb(4).log()


def _some(found: Any) -> Any:
    assert found is not None  # checks of a softmax are applied to two components and more
    return found


def _merged(knots: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the inner knot in the middle."""
    middle = len(knots) // 2
    return (*knots[:middle], *knots[middle + 1 :])


def _with_exponential(pieces: Any, change: Callable[[Gadget], Network]) -> Any:
    """A changed exponential, what its weights say of its error made anew."""
    found = _some(pieces.exponential)
    scale = float(found.relative), float(found.absolute)
    changed = replace(found.gadget, network=change(found.gadget))
    return replace(pieces, exponential=exponential.enclosed(changed, *scale))


def _without_last_square(gadget: Gadget) -> Network:
    """The first square of the last layer counts nothing."""
    network = gadget.network
    last = next(i for i, neuron in enumerate(network.layers[-1]) if neuron.square)
    outputs = [Row({i: w for i, w in row.weights.items() if i != last}, row.bias) for row in network.outputs]
    return Network(network.inputs, network.layers, outputs)


def _without_knot(gadget: Gadget) -> Network:
    """The neurons of the knot in the middle count nothing in the layer above."""
    network = gadget.network
    knot = gadget.knots[len(gadget.knots) // 2]
    dead = {i for i, neuron in enumerate(network.layers[0]) if _at(neuron.row, knot) == 0}
    above = [Neuron(_without(neuron.row, dead), neuron.square) for neuron in network.layers[1]]
    return Network(network.inputs, [network.layers[0], above, *network.layers[2:]], network.outputs)


def _at(row: Row, argument: Any) -> Any:
    return row.bias + row.weights.get(0, fmpq(0)) * argument


def _without(row: Row, dead: set[int]) -> Row:
    return Row({i: weight for i, weight in row.weights.items() if i not in dead}, row.bias)


def _with_larger_weight(gadget: Gadget) -> Network:
    """The weight of one square in the output is larger by a thousandth, on the piece where the function is largest."""
    network = gadget.network
    row = network.outputs[0]
    squares = [i for i, neuron in enumerate(network.layers[-1]) if neuron.square]
    place = squares[-1 if gadget.side == "above" else 0]
    larger = Row({**row.weights, place: row.weights[place] * fmpq(1001, 1000)}, row.bias)
    return Network(network.inputs, network.layers, [larger, *network.outputs[1:]])


# --- residual blocks


class BlockFewer(AlteredBlocks):
    """A residual network that leaves its first block out."""

    def kept(self, segments: Any) -> Any:
        return segments[1:]


class HalvedGrowth(AlteredBlocks):
    """Errors that grow at the rate `kappa D^2/8`."""

    @property
    def straight(self) -> Coordinates:
        return HalvedRate(Coordinates.of(self).law)


class HalvedRate(Coordinates):
    """Coordinates with `kappa D^2/8` for `kappa D^2/4`."""

    def growth(self, lower: Any, upper: Any) -> Any:
        return super().growth(lower, upper).sqrt()

    def lipschitz(self, kappa: Any) -> Any:
        return super().lipschitz(kappa) / 2
