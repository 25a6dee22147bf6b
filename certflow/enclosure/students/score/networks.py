"""Score networks of many kinds, read so that they can be computed in an algebra: what they say at an exact time."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.rounding import up
from certflow.enclosure.students.score.algebras import CellModels, Growth
from certflow.enclosure.students.score.balls import BITS
from certflow.enclosure.students.score.field import Field
from certflow.enclosure.students.score.layers import ExactLayers
from certflow.enclosure.students.score.quantities import REQUIRED as OPERATIONS_REQUIRED
from certflow.enclosure.students.score.quantities import Quantity
from certflow.enclosure.students.score.torch_quantities import TorchQuantity, cat
from certflow.enclosure.students.taylor import Basis, Models, size_of
from certflow.errors import InputError, NoEnclosure
from certflow.law.noised import NoisedMixture
from certflow.numbers.arrays import Floats
from certflow.numbers.precision import ball_precision
from certflow.schedules.enclosed import enclosed
from certflow.schedules.model import Model
from certflow.schedules.predictions import FACTORS

#: What networks may be, for messages.
REQUIRED = (
    "a torch.nn.Module of (x, t) or of x with t appended that gives the score, a cf.Model of such a network, "
    "a constructed network of cf.networks, or an object with exact_layers()"
)


class ScoreNetwork(Protocol):
    """A score or denoiser given by formulas: "score" is `s(x, t)`, "denoiser" `E[x_0|x]`, in OU coordinates."""

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity: ...


class Constructed:
    """A network of exact layers that gives the score; `source` may know its distance to a mixture's score.

    Where it does (`error_growth`, A6), that bounds its growth; else the sizes of the layers are multiplied.
    """

    def __init__(self, source: Any, p: NoisedMixture):
        self.source, self.p = source, p
        self.layers = ExactLayers(source.exact_layers())
        self._fields: dict[Fraction, Field] = {}

    def error_growth(self, time: Fraction) -> list[float] | None:
        """`g` with `|N - s| <= sum_j g_j |x|^j`; None where the network does not say."""
        known = getattr(self.source, "error_growth", None)
        found = None if known is None else known(self.p.mixture, time)
        return None if found is None else [float(g) for g in found]

    def square_bound(self, time: Fraction) -> float:
        """At least `E|N - s|^2` by A6, infinite where the network does not say."""
        norm = getattr(self.source, "error_bound", math.inf) if self.error_growth(time) is not None else math.inf
        return float(up(np.asarray(float(norm) * float(norm))))

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        rows, known = x.rows(), self.error_growth(time)
        if known is not None and isinstance(x.algebra, Growth):
            growth = _added(known, self._field(time).growth)
            score = x.like(composed_growth(growth, rows, self.p.mixture.dimension))
        else:
            score = x.like(self.layers(x.algebra, rows, time, self.p.mixture.dimension))
            if known is not None:
                score.value = self._near(_basis(x), rows, score.value, known, time)
        return score if name == "score" else denoised(x, score, time)

    def _near(self, basis: Basis, x: Models, found: Models, known: list[float], time: Fraction) -> Models:
        """On cells where the layers say less than A6 does: the mixture's score within `sum_j g_j |x|^j`."""
        size = up(size_of(x).sum(1, keepdims=True), x.remainder.shape[1])
        bound = np.zeros_like(size)
        for coefficient in reversed(known):
            bound = bound * size + coefficient
        bound = up(bound, 2 * len(known))
        wide = ~(found.remainder <= bound).all(1)
        if not wide.any():
            return found
        score = self._field(time).on(basis, Models(x.coefficients[:, wide], x.remainder[wide])).score
        coefficients, remainder = found.coefficients.copy(), found.remainder.copy()
        coefficients[:, wide], remainder[wide] = score.coefficients, up(score.remainder + bound[wide])
        return Models(coefficients, remainder)

    def _field(self, time: Fraction) -> Field:
        if time not in self._fields:
            self._fields[time] = Field(self.p.mixture, time)
        return self._fields[time]


class Direct:
    """A module of torch that gives the score."""

    def __init__(self, module: Any):
        self.module = module
        self.two = _arguments(module) >= 2

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        with ball_precision(BITS):
            t = x.of_numbers(x.algebra, [ball(time)], axes=1)
        score = _run(self.module, x, t) if self.two else _run(self.module, cat([x, t.unsqueeze(1)], 1))
        return score if name == "score" else denoised(x, score, time)


class OfModel:
    """A `cf.Model`: its network is called with `r x` and `time_scale tau`, its prediction is turned by N2."""

    def __init__(self, model: Model):
        self.model = model
        if model.call.conditioning:
            raise InputError("model", "a model with conditioning", "a model whose network takes (x, tau) alone")

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        model = self.model
        with ball_precision(BITS):
            tau, r = enclosed(model.schedule, time)
            m = (-ball(time)).exp()
            n = (-(-2 * ball(time)).expm1()).sqrt()
            from_x, from_f = FACTORS[model.predicts, name](m, n, r)
            own = x.of_numbers(x.algebra, [tau * ball(Fraction(model.time_scale))], axes=1)
            said = _run(model.call.f, x * r, own)
            found: Quantity = x * from_x + said * from_f
            return found


class Exact:
    """The score of the mixture itself, on Taylor models; its growth where bounds are asked for."""

    def __init__(self, process: NoisedMixture):
        self.process = process
        self._kept: dict[Fraction, Field] = {}

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        if time not in self._kept:
            self._kept[time] = Field(self.process.mixture, time)
        field = self._kept[time]
        if isinstance(x.algebra, Growth):
            score = x.like(composed_growth(field.growth, x.rows(), field.dimension))
        else:
            score = x.like(field.on(_basis(x), x.rows()).score)
        return score if name == "score" else denoised(x, score, time)


def composed_growth(outer: list[float], inner: Floats, copies: int) -> Floats:
    """`sum_j g_j |h|^j` of rows `h`, `|h| <= sum_i |h_i|`, for each of so many coordinates."""
    growth = Growth()
    whole = up(inner.sum(1, keepdims=True), inner.shape[1])
    found, power = np.zeros((1, 1)), np.ones((1, 1))
    for j, coefficient in enumerate(outer):
        power = growth.product(power, whole) if j else power
        found = growth.sum(found, up(power * coefficient))
    return np.repeat(found, copies, axis=1)


def _added(one: list[float], other: list[float]) -> list[float]:
    """The sum of two bounds of growth."""
    pairs = itertools.zip_longest(one, other, fillvalue=0.0)
    return [float(up(np.asarray(a + b))) for a, b in pairs]


def denoised(x: Quantity, score: Quantity, time: Fraction) -> Quantity:
    """Tweedie's formula, `E[x_0|x] = (x + (1 - m^2) s)/m`."""
    with ball_precision(BITS):
        m = (-ball(time)).exp()
        found: Quantity = (x + score * (1 - m * m)) / m
        return found


def read_network(given: Any, p: NoisedMixture) -> Any:
    """What gives the score of a network, a model or a process.

    Raises
    ------
    InputError : anything else.
    """
    if isinstance(given, Model):
        return OfModel(given)
    if hasattr(given, "exact_layers"):
        return Constructed(given, p)
    if isinstance(given, NoisedMixture):
        return Exact(given)
    if _is_module(given):
        return Direct(given)
    raise InputError("network", given, REQUIRED)


def error_growth(network: Any, field: Field, time: Fraction) -> list[float] | None:
    """`g` with `|N(x, t) - s(x, t)| <= sum_j g_j |x|^j` for all `x`; None where nothing is known."""
    known = network.error_growth(time) if isinstance(network, Constructed) else None
    if known is not None:
        return known
    growth = network_growth(network, "score", field.dimension, time)
    return None if growth is None else _added(growth, field.growth)


def network_growth(network: Any, name: str, dimension: int, time: Fraction) -> list[float] | None:
    """`g` with `|quantity(x)| <= sum_j g_j |x|^j` for all `x`, the sum of the bounds of its coordinates."""
    algebra = Growth()
    start = TorchQuantity(algebra, np.concatenate([np.zeros((1, dimension)), np.ones((1, dimension))]))
    try:
        rows = network.quantity(name, start, time).rows()
    except NoEnclosure:
        return None
    found = [float(up(row.sum(), dimension)) for row in rows]
    return found if np.isfinite(found).all() else None


def _run(f: Callable[..., Any], *arguments: Quantity) -> Quantity:
    """What code says of quantities.

    Raises
    ------
    InputError : code that does something else with its arguments, or says something of another shape.
    """
    try:
        found = f(*(argument.clone() for argument in arguments))  # code may change its own in place
    except (TypeError, AttributeError, ValueError, IndexError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError("network", said, f"code that can be read: {OPERATIONS_REQUIRED}") from error
    if not isinstance(found, Quantity) or found.axes != 2:
        raise InputError("network", f"{type(found).__name__} returned", "rows of the shape of x")
    return found


def _basis(x: Quantity) -> Basis:
    """The basis of Taylor models."""
    if not isinstance(x.algebra, CellModels):
        raise InputError("x", x.algebra, "rows of Taylor models")
    return x.algebra.basis


def _is_module(value: Any) -> bool:
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(value).__mro__)


def _arguments(module: Any) -> int:
    """How many arguments the forward function wants."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        one.kind in kinds and one.default is inspect.Parameter.empty
        for one in inspect.signature(module.forward).parameters.values()
    )
