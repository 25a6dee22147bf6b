"""Score networks of many kinds, read so that they can be computed in an algebra: what they say at an exact time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from certflow.enclosure.expressions import ball
from certflow.enclosure.students.score.algebras import Growth, NoGrowth
from certflow.enclosure.students.score.balls import BITS
from certflow.enclosure.students.score.field import Field
from certflow.enclosure.students.score.layers import ExactLayers
from certflow.enclosure.students.score.quantities import OPERATIONS, Quantity
from certflow.enclosure.students.score.quantities import REQUIRED as OPERATIONS_REQUIRED
from certflow.errors import InputError
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
    """A network of exact layers that gives the score; `source` may know its distance to a mixture's score."""

    def __init__(self, source: Any, dimension: int):
        self.source, self.dimension = source, dimension
        self.layers = ExactLayers(source.exact_layers())

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        score = x.like(self.layers(x.algebra, x.rows(), time, self.dimension))
        return score if name == "score" else denoised(x, score, time)


class Direct:
    """A module of torch that gives the score."""

    def __init__(self, module: Any):
        self.module = module
        self.two = _arguments(module) >= 2

    def quantity(self, name: str, x: Quantity, time: Fraction) -> Quantity:
        with ball_precision(BITS):
            t = Quantity.of_numbers(x.algebra, [ball(time)], column=False)
        score = _run(self.module, x, t) if self.two else _run(self.module, OPERATIONS["cat"]([x, t.unsqueeze(1)], 1))
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
            own = Quantity.of_numbers(x.algebra, [tau * ball(Fraction(model.time_scale))], column=False)
            said = _run(model.call.f, x * r, own)
            return x * from_x + said * from_f


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
            rows = np.array(field.growth())[:, None]
            score = x.like(composed_growth(rows, x.rows(), field.dimension))
        else:
            score = x.like(field.on(x.algebra.basis, x.rows()).score)
        return score if name == "score" else denoised(x, score, time)


def composed_growth(outer: Floats, inner: Floats, copies: int) -> Floats:
    """`sum_j g_j |h|^j` of rows `h`, `|h| <= sum_i |h_i|`, for each of so many coordinates."""
    growth = Growth()
    whole = inner.sum(1, keepdims=True) * (1 + 1e-12)
    found, power = np.zeros((1, 1)), np.ones((1, 1))
    for j, row in enumerate(outer):
        power = growth.product(power, whole) if j else power
        found = growth.sum(found, power * row)
    return np.repeat(found, copies, axis=1)


def denoised(x: Quantity, score: Quantity, time: Fraction) -> Quantity:
    """Tweedie's formula, `E[x_0|x] = (x + (1 - m^2) s)/m`."""
    with ball_precision(BITS):
        m = (-ball(time)).exp()
        return (x + score * (1 - m * m)) / m


def read_network(given: Any, p: NoisedMixture, dimension: int) -> Any:
    """What gives the score of a network, a model or a process.

    Raises
    ------
    InputError : anything else.
    """
    if isinstance(given, Model):
        return OfModel(given)
    if hasattr(given, "exact_layers"):
        return Constructed(given, dimension)
    if isinstance(given, NoisedMixture):
        return Exact(given)
    if _is_module(given):
        return Direct(given)
    raise InputError("network", given, REQUIRED)


def error_growth(network: Any, p: NoisedMixture, field: Field, time: Fraction) -> list[float] | None:
    """`g` with `|N(x, t) - s(x, t)| <= sum_j g_j |x|^j` for all `x`; None where nothing is known.

    A constructed network says what was proved of it for its own mixture (`error_growth`); of others the sizes of the
    layers are multiplied.
    """
    known = getattr(getattr(network, "source", None), "error_growth", None)
    found = None if known is None else known(p.mixture, time)
    if found is not None:
        return list(found)
    growth = network_growth(network, "score", field.dimension, time)
    if growth is None:
        return None
    own = field.growth() + [0.0] * len(growth)
    return [(a + b) * (1 + 1e-12) for a, b in zip(own, growth, strict=False)]


def network_growth(network: Any, name: str, dimension: int, time: Fraction) -> list[float] | None:
    """`g` with `|quantity(x)| <= sum_j g_j |x|^j` for all `x`, the sum of the bounds of its coordinates."""
    algebra = Growth()
    start = Quantity(algebra, np.concatenate([np.zeros((1, dimension)), np.ones((1, dimension))]))
    try:
        rows = network.quantity(name, start, time).rows()
    except NoGrowth:
        return None
    found = [float(row.sum() * (1 + 1e-12)) for row in rows]
    return found if np.isfinite(found).all() else None


def _run(f: Callable[..., Any], *arguments: Quantity) -> Quantity:
    """What code says of quantities.

    Raises
    ------
    InputError : code that does something else with its arguments, or says something of another shape.
    """
    x = arguments[0]
    try:
        found = f(*arguments)
    except (TypeError, AttributeError, ValueError, IndexError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError("network", said, f"code that can be read: {OPERATIONS_REQUIRED}") from error
    if not isinstance(found, Quantity) or not found.column:
        raise InputError("network", f"{type(found).__name__} returned", "rows of the shape of x")
    return found


def _is_module(value: Any) -> bool:
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(value).__mro__)


def _arguments(module: Any) -> int:
    """How many arguments the forward function wants."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        one.kind in kinds and one.default is inspect.Parameter.empty
        for one in inspect.signature(module.forward).parameters.values()
    )
