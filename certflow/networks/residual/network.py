"""A residual network whose layers are steps along the flow, with its proved error over all points (A9, E4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb

from certflow.errors import InputError
from certflow.law.noised import NoisedMixture
from certflow.networks.gadgets.exact import lift
from certflow.networks.graph import Network, Value
from certflow.networks.matrices import Affine, matrices
from certflow.networks.residual.coordinates import Coordinates
from certflow.networks.residual.field import Field, constructed_field
from certflow.networks.residual.grids import Composed, Segment, balanced, composed_error, grid_of
from certflow.networks.residual.local_errors import LocalErrors
from certflow.networks.residual.methods import Method, method_of
from certflow.numbers.inputs import whole_number
from certflow.numbers.precision import ball_precision

#: Bits of the balls of the bound, and of those that gadgets are made with.
_BOUND_BITS, _FIELD_BITS = 96, 320
#: Most blocks of one network.
MOST_BLOCKS = 10**6


@dataclass(frozen=True)
class Block:
    """One step of the method from `kappa` to `kappa + h`, both exact; the field at its nodes by one network.

    `zeta -> zeta + h sum_i b_i k_i`, `k_i = g^(zeta + c_i h k_{i-1}, kappa + c_i h)`.
    """

    method: Method
    field: Field
    kappa: Any
    h: Any

    def of(self, network: Network, zeta: Sequence[Value]) -> list[Value]:
        """The block of values `zeta` of one layer, built into `network`; values of a later layer."""
        start, kept, slopes = list(zeta), list(zeta), list(zeta)
        for i, (node, weight) in enumerate(zip(self.method.nodes, self.method.weights, strict=True)):
            here = [a + b * (self.h * node) for a, b in zip(start, slopes, strict=True)] if i else start
            slopes = self.field.of(network, here, self.kappa + self.h * node)
            layer = slopes[0].layer
            start = [lift(network, value, layer) for value in start]
            kept = [lift(network, value, layer) for value in kept]
            if weight:
                kept = [a + b * (self.h * weight) for a, b in zip(kept, slopes, strict=True)]
        return kept

    @cached_property
    def network(self) -> Network:
        """The block alone, with exact weights: inputs and outputs are the `d` entries of `zeta`."""
        return network_of([self], self.field.law.dimension)


@dataclass(frozen=True)
class ResidualNetwork:
    """Blocks one after the other: they take `zeta_T` to nearly `zeta_delta`, `x` at `t_max` to `x` at `t_min` (A9).

    coordinates : the mixture and its interval in straight coordinates; method : of every block
    field : the network that all nodes share; segments : where the blocks begin and end
    errors : the parts of the proved error in `zeta`, for all `zeta`
    """

    coordinates: Coordinates
    method: Method
    field: Field
    segments: tuple[Segment, ...]
    errors: Composed

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """In the order of sampling; each has its exact weights as `block.network`."""
        return tuple(
            Block(self.method, self.field, kappa, h) for segment in self.segments for kappa, h in segment.blocks()
        )

    @cached_property
    def error_bound(self) -> float:
        """`sup_x |N(x) - Phi_{t_max -> t_min}(x)|` is at most this, for all `x` in R^d; rounded up.

        Of exact arithmetic: what float64 rounds is not in it.
        """
        with ball_precision(_BOUND_BITS):
            return above(self.coordinates.scales[1] * self.errors.total)

    @cached_property
    def parts(self) -> dict[str, float]:
        """Parts of the bound: `steps` (truncation), `field` (error of the field), `ends` (outer nodes)."""
        with ball_precision(_BOUND_BITS):
            named = {"steps": self.errors.steps, "field": self.errors.field, "ends": self.errors.ends}
            return {name: above(self.coordinates.scales[1] * part) for name, part in named.items()}

    def __call__(self, x: Any) -> Any:
        """`N(x) = sqrt(v_delta) blocks(x/sqrt(v_T))`; x : shape (..., d), float64, NumPy or torch."""
        first, last = (float(scale.mid()) for scale in self.coordinates.scales)
        return self.straight(x / first) * last

    def straight(self, zeta: Any) -> Any:
        """The blocks of `zeta`, shape (..., d), float64, NumPy or torch.

        Raises
        ------
        InputError : points of another dimension.
        """
        dimension = self.field.law.dimension
        if not getattr(zeta, "shape", ()) or zeta.shape[-1] != dimension:
            raise InputError("x", f"shape {tuple(getattr(zeta, 'shape', ()))}", f"shape (..., {dimension})")
        field = FloatField.of(self.field, zeta)
        points, method = zeta.reshape((-1, dimension)), self.method.in_floats()
        for block in self.blocks:
            points = method.step(field, points, float_of(block.kappa), float_of(block.h))
        return points.reshape(zeta.shape)

    def network(self, blocks: Sequence[Block] | None = None) -> Network:
        """Some or all blocks as one network of exact weights: inputs and outputs are the `d` entries of `zeta`."""
        return network_of(self.blocks if blocks is None else blocks, self.field.law.dimension)

    @property
    def depth(self) -> int:
        """Layers of neurons of the whole network: every block has as many."""
        return len(self.blocks) * self.blocks[0].network.depth

    @property
    def width(self) -> int:
        """Neurons of the widest layer."""
        return self.blocks[0].network.width

    @property
    def neurons(self) -> int:
        return len(self.blocks) * self.blocks[0].network.neurons


@dataclass(frozen=True)
class FloatField:
    """`g^(zeta, kappa)` in the float64 numbers of NumPy or of torch.

    layers : the network behind the logits, none where all means are one; means : (K, d); squares, log_weights : (K,)
    """

    layers: list[Affine]
    means: Any
    squares: Any
    log_weights: Any

    @classmethod
    def of(cls, field: Field, like: Any) -> FloatField:
        """In arrays of the kind of `like`."""
        import numpy as np

        def array(numbers: Any) -> Any:
            found = np.array(numbers, dtype=np.float64)
            return like.new_tensor(found) if hasattr(like, "new_tensor") else found

        layers = [] if field.constant else matrices(field.network)
        return cls(
            [Affine(array(layer.weight), array(layer.bias), layer.relus) for layer in layers],
            array([[float_of(entry) for entry in mean] for mean in field.law.means]),
            array([float_of(square) for square in field.law.squares]),
            array([float_of(weight) for weight in field.log_weights]),
        )

    def __call__(self, zeta: Any, kappa: Any) -> Any:
        """zeta : (N, d);  kappa : a number."""
        kappa = float(kappa)
        if not self.layers:
            return self.means[0] + 0 * zeta
        here = zeta @ (kappa * self.means).T + (self.log_weights - kappa * kappa / 2 * self.squares)
        for layer in self.layers[:-1]:
            here = here @ layer.weight.T + layer.bias
            here = here * (here > 0)
            here[:, layer.relus :] **= 2
        return here @ self.layers[-1].weight.T + self.layers[-1].bias


def residual_network(
    p: NoisedMixture, blocks: int, method: str = "rk4", grid: str = "balanced", field_error: float | None = None
) -> ResidualNetwork:
    """A residual network of `blocks` steps along the flow from `t_max` to `t_min`, and its proved error (A9, E4).

    Parameters
    ----------
    p : a process of one common isotropic variance;  blocks : how many, 1 to 10^6
    method : "euler", "midpoint", "rk4";  grid : "balanced", "uniform-kappa", "uniform-time"
    field_error : of the network for `E_gamma(mu)`, for all `zeta` and `kappa`; by default its part of the bound is
        about a hundredth of that of the steps

    Raises
    ------
    InputError : bad input; other covariances.

    >>> import certflow as cf
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.2", t_max=2)
    >>> network = residual_network(p, 8)
    >>> print(len(network.blocks), round(network.error_bound, 2))
    8 0.43
    """
    chosen = method_of(method)
    whole_number(blocks, "blocks", 1, MOST_BLOCKS)
    if field_error is not None and not 0 < field_error < 1:
        raise InputError("field_error", field_error, "a number between 0 and 1")
    with ball_precision(_BOUND_BITS):
        coordinates = Coordinates.of(p)
        errors = LocalErrors.of(coordinates, chosen)
        segments = grid_of(grid, coordinates, errors, blocks)
        bound = composed_error(coordinates, errors, segments, 1)
    if field_error is None:
        field_error = min(1e-3, max(1e-12, 1e-2 * float(bound.steps) / float(bound.field)))
    with ball_precision(_FIELD_BITS + 4 * len(str(1 / field_error))):
        field = constructed_field(coordinates.law, field_error)
    with ball_precision(_BOUND_BITS):
        share = (bound.field * field.error).upper()  # it is proportional to the error of the field
        return ResidualNetwork(coordinates, chosen, field, tuple(segments), Composed(bound.steps, share, bound.ends))


def blocks_for(p: NoisedMixture, eps: float, method: str = "rk4") -> int:
    """How many blocks on the balanced grid have a proved sup error of at most `eps` in `x`, the field exact (A9, E4).

    Within 1 and 2 in a hundred of the least.

    Raises
    ------
    InputError : bad input; other covariances; more than 10^6 blocks.

    >>> import certflow as cf
    >>> blocks_for(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), t_min="0.2", t_max=2), 1e-3, "midpoint") < 60
    True
    """
    chosen = method_of(method)
    if not 0 < eps < 1e9:
        raise InputError("eps", eps, "a number > 0")
    with ball_precision(_BOUND_BITS):
        coordinates = Coordinates.of(p)
        errors = LocalErrors.of(coordinates, chosen)

        def enough(count: int) -> bool:
            found = composed_error(coordinates, errors, balanced(coordinates, errors, count))
            return bool(coordinates.scales[1] * found.total <= eps)

        few, many = 0, 4
        while not enough(many):
            few, many = many, 2 * many
            if many > MOST_BLOCKS:
                raise InputError("eps", eps, f"an error that {MOST_BLOCKS} blocks reach")
        while many - few > 1 + many // 50:
            middle = (few + many) // 2
            few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def network_of(blocks: Sequence[Block], dimension: int) -> Network:
    """Blocks one after the other as one network of exact weights."""
    network = Network(dimension)
    here = [network.input(i) for i in range(dimension)]
    for block in blocks:
        here = block.of(network, here)
    return network.finish(here)


def float_of(number: Any) -> float:
    """The nearest float64."""
    return int(number.p) / int(number.q)


def above(ball: Any) -> float:
    """A float64 at least as large as every number of the ball."""
    return float(arb(ball.upper())) * (1 + 2**-50)
