"""Families of mixtures: every combination of listed values, or random draws among them, files, fits to data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certflow.errors import InputError, missing
from certflow.law.covariances import KINDS
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.numbers.inputs import one_of, whole_number
from certflow.sweep.datasets import DATASETS, fitted
from certflow.sweep.keys import Keys, bounded, every
from certflow.sweep.layouts import LAYOUTS, make_mixture

#: Mixtures that one specification may have.
MOST = 1_000_000
#: How a data file is read: from its path to points, shape (n, d).
Reader = Callable[[str], Points]


@dataclass(frozen=True)
class Member:
    """One mixture of a sweep, with the parameters by which its family was asked for."""

    family: str
    mixture: GaussianMixture
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """A parameter of a family: how a value is checked, and whether a range of numbers may be drawn from."""

    default: Any
    check: Callable[[Any, str], Any]
    whole: bool = False
    ranges: bool = True


def _count(low: int, high: int) -> Callable[[Any, str], int]:
    return lambda value, field: whole_number(value, field, low, high)


def _number(low: float, high: float) -> Callable[[Any, str], float]:
    return lambda value, field: bounded(value, field, low, high)


def _of(names: Any) -> Callable[[Any, str], str]:
    return lambda value, field: one_of(value, field, names)


def _weights(value: Any, field: str) -> Any:
    if value in ("equal", "random"):
        return value
    try:
        return bounded(value, field, 1, 1e6)
    except InputError:
        required = "equal, random, or the ratio of the first weight to the last, a number from 1 to 1e+06"
        raise InputError(field, value, required) from None


#: The parameters of a family by their keys.
AXES: Mapping[str, Axis] = {
    "layout": Axis("random", _of(LAYOUTS), ranges=False),
    "components": Axis(2, _count(1, 1000), whole=True),
    "dimension": Axis(1, _count(1, 1000), whole=True),
    "sigma": Axis(0.2, _number(1e-4, 1e3)),
    "separation": Axis(2.0, _number(1e-4, 1e6)),
    "weights": Axis("equal", _weights),
    "covariances": Axis("common-isotropic", _of(KINDS), ranges=False),
    "anisotropy": Axis(4.0, _number(1, 1e6)),
}


def members(tables: list[Keys], seed: int, folder: Path, read: Reader | None) -> list[Member]:
    """The mixtures of the tables `[[mixtures]]`.

    seed : of everything that is drawn; a table's draws depend on it and on the table's place alone
    folder : where names of files begin; read : how a data file is read

    Raises
    ------
    InputError : a key, named with its table.
    """
    found: list[Member] = []
    for place, keys in enumerate(tables):
        source = [key for key in ("mixture", "data") if key in keys]
        if len(source) > 1:
            raise InputError(keys.full("data"), keys.value("data"), "mixture or data in one table, not both")
        make = {"mixture": _named, "data": _fits}.get(source[0] if source else "", _drawn)
        name = keys.text("name", f"{source[0] if source else 'family'}-{place}")
        rng_seed = (seed, place)
        found += make(keys, name, rng_seed, folder, read)
        keys.finish()
        if len(found) > MOST:
            raise InputError("mixtures", f"more than {MOST} mixtures", f"at most {MOST} in one sweep")
    if not found:
        raise missing("mixtures", "at least one table [[mixtures]]")
    return found


def _named(keys: Keys, name: str, seed: tuple[int, int], folder: Path, read: Reader | None) -> list[Member]:
    """Built-in mixtures and mixture files."""

    def load(value: Any, field: str) -> GaussianMixture:
        try:
            path = folder / value if isinstance(value, str) and Path(value).suffix else value
            return load_mixture(path)
        except InputError as error:
            where = field if error.field == "MIXTURE" else f"{field} ({value}: {error.field})"
            raise InputError(where, error.value, error.requirement) from None

    return [Member(name, mixture, {}) for mixture in every(keys.value("mixture"), keys.full("mixture"), load)]


def _fits(keys: Keys, name: str, seed: tuple[int, int], folder: Path, read: Reader | None) -> list[Member]:
    """Fits to data sets that scikit-learn ships, and to files."""
    sources = every(keys.value("data"), keys.full("data"), lambda value, field: chosen_data(value, field, folder, read))
    axes = {
        "components": every(keys.value("components", 3), keys.full("components"), _count(1, 1000)),
        "covariances": every(keys.value("covariances", "common-isotropic"), keys.full("covariances"), _of(KINDS)),
        "dimension": every(keys.value("dimension", 2), keys.full("dimension"), _count(1, 1000)),
    }
    draws = keys.whole("seed", 0, 0, 2**32 - 1)
    found = []
    for (source, points), *values in itertools.product(sources, *axes.values()):
        parameters = {"data": source, **dict(zip(axes, values, strict=True))}
        try:
            mixture = fitted(points, parameters, draws, f"{source}-{'-'.join(map(str, values))}")
        except InputError as error:
            raise InputError(f"{keys.name}.{error.field}", error.value, error.requirement) from None
        found.append(Member(name, mixture, parameters))
    return found


def chosen_data(value: Any, field: str, folder: Path, read: Reader | None) -> tuple[str, Points]:
    """The points of a data set by its name, or of a file by its path."""
    if isinstance(value, str) and value not in DATASETS and Path(value).suffix:
        if read is None:
            raise InputError(field, value, f"one of {', '.join(DATASETS)} (files are read by the command line)")
        try:
            return Path(value).stem, read(str(folder / value))
        except InputError as error:
            where = field if error.field == "DATA" else f"{field}: {error.field}"
            raise InputError(where, error.value, error.requirement) from None
    return str(value), DATASETS[one_of(value, field, DATASETS)]()


def _drawn(keys: Keys, name: str, seed: tuple[int, int], folder: Path, read: Reader | None) -> list[Member]:
    """Combinations of parameters, and mixtures with them."""
    draws = keys.whole("draws", 0, 0, MOST)
    copies = keys.whole("copies", 1, 1, MOST)
    if draws and copies > 1:
        raise InputError(keys.full("copies"), copies, "draws or copies, not both")
    axes = {key: _values(keys, key, axis, draws > 0) for key, axis in AXES.items()}
    combinations = _random(axes, draws, seed) if draws else _grid(axes, copies)
    found = []
    for place, parameters in enumerate(combinations):
        rng = np.random.default_rng([*seed, 1, place])
        label = f"{name}/{place}"
        found.append(Member(name, make_mixture(parameters, rng, label, keys.name), parameters))
    return found


@dataclass(frozen=True)
class Range:
    """Numbers between two ends: uniform, or uniform in their logarithm; whole ones where the parameter is whole."""

    low: float
    high: float
    log: bool
    whole: bool

    def draw(self, rng: np.random.Generator) -> Any:
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = float(rng.uniform(low, high))
        return float(f"{math.exp(value) if self.log else value:.4g}")


def _values(keys: Keys, key: str, axis: Axis, drawn: bool) -> list[Any] | Range:
    """The values of a parameter, or its range where mixtures are drawn."""
    value = keys.value(key, axis.default)
    if not isinstance(value, Mapping):
        return every(value, keys.full(key), axis.check)
    if not axis.ranges:
        raise InputError(keys.full(key), value, "one of its names, or a list of them")
    if not drawn:
        raise InputError(keys.full(key), value, "values; a range needs draws = N in the same table")
    ends = Keys(value, keys.full(key))
    required = "a number, for a range has two ends, low and high"
    low, high = (axis.check(ends.required(end, required), ends.full(end)) for end in ("low", "high"))
    log = ends.value("log", False)
    if not isinstance(log, bool):
        raise InputError(ends.full("log"), log, "true or false")
    if isinstance(low, str) or isinstance(high, str) or not low < high:
        raise InputError(ends.full("high"), high, f"a number above low = {low}")
    ends.finish()
    return Range(float(low), float(high), log, axis.whole)


def _grid(axes: Mapping[str, Any], copies: int) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*axes.values()):
        for _ in range(copies):
            yield dict(zip(axes, values, strict=True))


def _random(axes: Mapping[str, Any], draws: int, seed: tuple[int, int]) -> Iterator[dict[str, Any]]:
    for place in range(draws):
        rng = np.random.default_rng([*seed, 0, place])
        yield {
            key: axis.draw(rng) if isinstance(axis, Range) else axis[int(rng.integers(len(axis)))]
            for key, axis in axes.items()
        }
