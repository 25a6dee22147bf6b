"""A user's training pairs as the checks make them: data, times of every level, noise, and what she makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.library import load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Indices
from certflow.numbers.inputs import float_array, is_tensor, whole_number
from certflow.schedules.schedule import Schedule
from certflow.schedules.table import Table
from certflow.testing.noising import dtype_of, read
from certflow.testing.result import Cause, Counterexample, Result

#: Levels of noise, from `t_min` to `t_max` of the schedule.
LEVELS = 8
ARRAYS = ("numpy", "torch")
#: Dtypes that data are handed in.
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Pair:
    """Rows and what was made of them, float64: `z` is the noise, that was handed over or that is in `x`."""

    x0: Floats
    z: Floats
    levels: Indices  #: the level of every row
    x: Floats
    target: Floats | None
    weight: Floats | None


@dataclass(frozen=True)
class Pairing:
    """A maker of pairs with what it is held against; `prepare` of `check_training_pair` makes it.

    taus : times of the levels, rising, shape (L,)
    data : rows, shape (n, ...)
    """

    make: Callable[..., Any]
    data: Floats
    schedule: Schedule
    taus: Floats
    predicts: str | None
    weight: Callable[[Any], Any] | None
    noise: str
    arrays: str
    dtype: str
    level: float
    seed: int

    @property
    def eps(self) -> float:
        return float(np.finfo(self.dtype).eps)

    @property
    def rounding(self) -> float:
        """64 roundings of the dtype, as plain formulas of `a^2` and `b^2` make them."""
        return 64 * self.eps

    def factors_at(self, taus: Any) -> tuple[Floats, Floats]:
        return np.asarray(self.schedule.a(taus)), np.asarray(self.schedule.b(taus))

    def factors(self, levels: Indices) -> tuple[Floats, Floats]:
        """`a` and `b` of rows of these levels, with axes beside them as data have."""
        a, b = self.factors_at(self.taus)
        return self.rows(a[levels]), self.rows(b[levels])

    def rows(self, values: Floats) -> Floats:
        """One number for each row, with axes beside it as data have."""
        return values.reshape(len(values), *(1,) * (self.data.ndim - 1))

    def pair(self, rows: Any = slice(None), seed: int | None = None) -> tuple[Pair | None, str]:
        """What is made of these rows, or why there is nothing; levels follow each other from row to row."""
        x0 = read(self._array(self.data[rows]))
        levels = (np.arange(len(self.data)) % len(self.taus))[rows]
        random = np.random.default_rng([self.seed, 7])
        z = read(self._array(random.standard_normal(self.data.shape)[rows]))
        handed = [self._array(x0), self._array(self.taus[levels])]
        options = {}
        if self.noise == "given":
            handed.append(self._array(z))
        else:
            options["seed"] = self.seed if seed is None else seed
        before = [read(each).copy() for each in handed]
        try:
            made = self.make(*handed, **options)
        except (Exception, SystemExit) as error:  # whatever the user's code raises is its answer
            return None, f"it raised {type(error).__name__}: {' '.join(str(error).split())}"
        parts = made if isinstance(made, tuple) else (made,)
        if not 1 <= len(parts) <= 3:
            return None, f"it returned {len(parts)} things, where x_t, a target and a weight are the most"
        for name, part in zip(("x_t", "the target"), parts, strict=False):
            if is_tensor(part) != (self.arrays == "torch") or not hasattr(part, "shape"):
                return None, f"{name} is {type(part).__name__}, where the data are {type(handed[0]).__name__}"
            if tuple(part.shape) != x0.shape:
                return None, f"{name} has shape {tuple(part.shape)}, of data of shape {x0.shape}"
            if dtype_of(part) != self.dtype:
                return None, f"{name} is {dtype_of(part)}, of data in {self.dtype}"
            if not np.isfinite(read(part)).all():
                return None, f"{name} has numbers that are not finite"
        if any((read(each) != was).any() for each, was in zip(handed, before, strict=True)):
            return None, "it writes into its arguments"
        x = read(parts[0])
        target, weight = (read(parts[i]) if len(parts) > i else None for i in (1, 2))
        if self.noise != "given":
            a, b = self.factors(levels)
            z = (x - a * x0) / b
        return Pair(x0, z, levels, x, target, weight), ""

    def passed(self, part: str, rows: int, told: str = "") -> Result:
        return Result("check_training_pair", part, True, told, rows)

    def failed(
        self, part: str, message: str, found: Counterexample | None = None, causes: tuple[Cause, ...] = ()
    ) -> Result:
        return Result("check_training_pair", part, False, message, len(self.data), found, causes)

    def _array(self, values: Any) -> Any:
        if self.arrays == "numpy":
            return np.array(values, dtype=self.dtype)
        import torch

        return torch.tensor(np.asarray(values), dtype=getattr(torch, self.dtype))


def levels_of(schedule: Schedule) -> Floats:
    """Times of the levels, even in `log t` from `t_min` to `t_max`; of a table whole indices."""
    taus = np.asarray(schedule.time_at(np.geomspace(schedule.t_min, schedule.t_max, LEVELS)))
    return np.unique(np.round(taus)) if isinstance(schedule, Table) else taus


def data_of(data: Any, rows: int, seed: int) -> Floats:
    """Rows of a mixture, or of an array: these again where it has fewer.

    Raises
    ------
    InputError : what is neither.
    """
    if isinstance(data, str | PathLike):
        data = load_mixture(data)
    count = whole_number(rows, "rows", 512, 10_000_000)
    if isinstance(data, GaussianMixture):
        return data.sample(count, seed=seed)
    values = float_array(data.detach().cpu().double() if is_tensor(data) else data, "data")
    if values.ndim < 2 or len(values) < 2 or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise InputError("data", f"shape {values.shape}", "a mixture, or finite rows (N, ...), N >= 2, not all alike")
    drawn: Floats = values[np.random.default_rng(seed).integers(0, len(values), count)]
    return drawn
