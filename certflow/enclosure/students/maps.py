"""Maps given by their weights: the exact function that the numbers of a network denote, whatever evaluates it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.enclosure.students.activations import ACTIVATIONS, SLOPES
from certflow.enclosure.students.rounding import up
from certflow.errors import InputError, unknown
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import is_tensor

#: Weights and normalisers are below this in size, and what is divided by above its inverse.
LARGEST_WEIGHT = 2.0**40
#: Times are at most this, and at least its inverse, as those of a process are.
FARTHEST = 10**300
#: What maps may be, for messages.
REQUIRED = (
    "a torch.nn.Sequential of Linear and one kind of SiLU, Tanh or ReLU, an ExactMap, an object with `exact_maps()` "
    "(ResidualMaps), or a sequence of those, the first to be applied first"
)
_LAYERS = {"SiLU": "silu", "Tanh": "tanh", "ReLU": "relu"}


@dataclass(frozen=True)
class ExactMap:
    """`Psi(x) = s x + b + c MLP((x - a) / r)`, coordinate by coordinate but for the MLP; in exact arithmetic.

    weights : matrices, shape (in, out), applied as `z W`; the binary numbers of the network, as float64
    biases : shape (out,)
    activation : "silu", "tanh", "relu" or "groupsort" (pairs sorted), between the layers
    skip : `s`, a number
    input_mean, input_scale, output_mean, output_scale : `a, r, b, c`, shape (d,)

    Raises
    ------
    InputError : shapes that do not fit, numbers that are not finite or beyond 2^40, a scale that is not positive.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    activation: str
    skip: float
    input_mean: Floats
    input_scale: Floats
    output_mean: Floats
    output_scale: Floats

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        object.__setattr__(self, "weights", tuple(_binary(w, "weights", 2) for w in self.weights))
        object.__setattr__(self, "biases", tuple(_binary(b, "biases", 1) for b in self.biases))
        for name in ("input_mean", "input_scale", "output_mean", "output_scale"):
            object.__setattr__(self, name, _binary(getattr(self, name), name, 1))
        object.__setattr__(self, "skip", float(_binary(self.skip, "skip", 0)))
        self._check()

    def _check(self) -> None:
        if not self.weights or len(self.weights) != len(self.biases):
            raise InputError("biases", f"{len(self.biases)} for {len(self.weights)} matrices", "one for each matrix")
        d = self.dimension
        widths = [d]
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if weight.shape != (widths[-1], len(bias)):
                raise InputError("weights", f"shape {weight.shape}", f"shape ({widths[-1]}, {len(bias)})")
            widths.append(len(bias))
        if widths[-1] != d:
            raise InputError("weights", f"a map from R^{d} to R^{widths[-1]}", "a map from R^d to R^d")
        if self.activation == "groupsort" and any(width % 2 for width in widths[1:-1]):
            raise InputError("weights", f"layers of {widths[1:-1]}", "even widths: groupsort sorts pairs")
        for name in ("input_scale", "output_mean", "output_scale"):
            if len(getattr(self, name)) != d:
                raise InputError(name, f"{len(getattr(self, name))} numbers", f"{d}, one for each coordinate")
        if not (self.input_scale > 1 / LARGEST_WEIGHT).all():
            raise InputError("input_scale", self.input_scale, "numbers > 2^-40")

    @property
    def dimension(self) -> int:
        """`d`."""
        return len(self.input_mean)

    def __call__(self, x: Floats) -> Floats:
        """`Psi(x)` in float64, rounded; shape (..., d)."""
        z = (np.asarray(x) - self.input_mean) / self.input_scale
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = z @ weight + bias
            if i < len(self.weights) - 1:
                z = _FUNCTIONS[self.activation](z)
        result: Floats = self.skip * np.asarray(x) + self.output_mean + self.output_scale * z
        return result

    def lipschitz_bound(self) -> float:
        """At least `Lip(Psi)`: `|s| + max c / min r * slope^layers * prod ||W||_F`; crude, but over all of R^d."""
        product = Fraction(float(np.abs(self.output_scale).max())) / Fraction(float(self.input_scale.min()))
        for weight in self.weights:
            square = up(np.asarray(min((weight * weight).sum(), _two_norm_square(weight))), weight.size + 4)
            product *= Fraction(float(up(np.sqrt(square))))
        product *= Fraction(SLOPES[self.activation]) ** (len(self.weights) - 1)
        return _float_above(abs(Fraction(self.skip)) + product)


def _float_above(number: Fraction) -> float:
    """A float64 number that is at least this one `>= 0`: products of many factors are beyond it at either end."""
    return math.nextafter(float(number), math.inf) if number < 2**1000 else math.inf


def _two_norm_square(weight: Floats) -> float:
    """`||W||_2^2 <= ||W||_1 ||W||_oo`."""
    sizes = np.abs(weight)
    return float(sizes.sum(0).max() * sizes.sum(1).max())


def _sorted_pairs(z: Floats) -> Floats:
    first, second = np.split(z, 2, axis=-1)
    return np.concatenate([np.maximum(first, second), np.minimum(first, second)], axis=-1)


def _silu(z: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(z / (1 + np.exp(-z)))


_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "silu": _silu,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "groupsort": _sorted_pairs,
}


def _binary(value: Any, field: str, axes: int) -> Floats:
    """A float64 array of the same binary numbers, which nobody else holds."""
    if is_tensor(value):
        value = value.detach().cpu().double().numpy()
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(field, value, f"float64 numbers, {axes} axes") from None
    if array.ndim != axes:
        raise InputError(field, f"shape {array.shape}", f"{axes} axes")
    if not (np.abs(array) <= LARGEST_WEIGHT).all():
        raise InputError(field, "a number that is not finite or beyond 2^40", "finite numbers of at most 2^40")
    if axes:
        array.setflags(write=False)
    return array


def read_maps(maps: Any) -> list[ExactMap]:
    """The maps that are meant, in the order in which they are applied (from the noise end to the data end).

    maps : a `torch.nn.Sequential` of Linear layers with one kind of SiLU, Tanh or ReLU between them (`s = 0`), an
        `ExactMap`, an object with a method `exact_maps()` (a stack of the laboratory, of one student), or a sequence of
        those. `exact_maps()` gives mappings with the fields of `ExactMap`

    Raises
    ------
    InputError : anything else; no map; maps of different dimensions.
    """
    found = list(_read(maps))
    if not found:
        raise InputError("maps", maps, REQUIRED)
    if len({one.dimension for one in found}) > 1:
        raise InputError("maps", f"maps of dimensions {[one.dimension for one in found]}", "maps of one dimension")
    return found


def _read(maps: Any) -> Iterable[ExactMap]:
    if isinstance(maps, ExactMap):
        yield maps
    elif hasattr(maps, "exact_maps"):
        for fields in maps.exact_maps():
            yield ExactMap(**fields) if isinstance(fields, Mapping) else fields
    elif _is_module(maps):
        yield _sequential(maps)
    elif isinstance(maps, list | tuple):
        for one in maps:
            yield from _read(one)
    else:
        raise InputError("maps", maps, REQUIRED)


def _is_module(value: Any) -> bool:
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(value).__mro__)


def _flat(module: Any) -> list[Any]:
    if _kind(module) == "Sequential":
        return [layer for part in module for layer in _flat(part)]
    return [] if _kind(module) == "Identity" else [module]


def _kind(module: Any) -> str:
    """The name of torch's own module; of others, which may compute something else, the place of the class, too."""
    kind = type(module)
    if not kind.__module__.startswith("torch.nn.modules."):
        return f"{kind.__module__}.{kind.__qualname__}"
    hooks = module._forward_hooks or module._forward_pre_hooks
    return f"{kind.__name__} with hooks" if hooks else kind.__name__


def _sequential(module: Any) -> ExactMap:
    """A network of torch as an `ExactMap` without normalisers."""
    layers = _flat(module)
    names = [_kind(layer) for layer in layers]
    kinds = set(names[1::2])
    alternates = len(names) % 2 == 1 and all(name == "Linear" for name in names[::2])
    if not alternates or len(kinds) > 1 or not kinds <= set(_LAYERS):
        raise InputError("maps", f"a network of {', '.join(names) or 'no layers'}", REQUIRED)
    linear = layers[::2]
    d = linear[0].in_features
    one, zero = np.ones(d), np.zeros(d)
    return ExactMap(
        weights=tuple(layer.weight.detach().cpu().double().numpy().T for layer in linear),
        biases=tuple(np.zeros(layer.out_features) if layer.bias is None else layer.bias for layer in linear),
        activation=_LAYERS[kinds.pop()] if kinds else "relu",
        skip=0.0,
        input_mean=zero,
        input_scale=one,
        output_mean=zero,
        output_scale=one,
    )


def segment_times(times: Any, maps: list[ExactMap]) -> tuple[Fraction, ...]:
    """The exact times of the grid, latest first, one more than there are maps; a grid of `cf.time_grid` has `times`.

    Raises
    ------
    InputError : another number of times, or times that do not fall towards a last one > 0.
    """
    from certflow.numbers.exact import exact_number

    listed = getattr(times, "times", times)
    if isinstance(listed, str) or not isinstance(listed, Iterable):
        raise InputError("times", times, "the times of a grid, latest first")
    found = tuple(exact_number(t, "times") for t in listed)
    if len(found) != len(maps) + 1:
        raise InputError("times", f"{len(found)} times", f"{len(maps) + 1} times, the ends of {len(maps)} segments")
    if any(not late > early for late, early in itertools.pairwise(found)) or not found[-1] > 0:
        raise InputError("times", list(listed), "falling times, the last > 0")
    if found[0] > FARTHEST or found[-1] * FARTHEST < 1:
        raise InputError("times", list(listed), "times between 1e-300 and 1e300")
    return found


def check_ends(maps: Any, start: Fraction, end: Fraction) -> None:
    """A student that was kept with its times is not held against the flow between others: its `maps` alone may be.

    Raises
    ------
    InputError : other ends of time than those of the student, compared as float64.
    """
    own = getattr(maps, "times", None)
    if own is not None and (float(own[0]), float(own[-1])) != (float(start), float(end)):
        raise InputError(
            "times",
            f"ends {float(start):g} and {float(end):g}",
            f"{own[0]:g} and {own[-1]:g}, between which this student was trained (its `.maps` alone take others)",
        )


def lipschitz_bound(maps: list[ExactMap]) -> float:
    """At least the Lipschitz constant of the composition, over all of R^d."""
    bounds = [one.lipschitz_bound() for one in maps]
    if not all(map(math.isfinite, bounds)):
        return math.inf
    return _float_above(math.prod(map(Fraction, bounds), start=Fraction(1)))
