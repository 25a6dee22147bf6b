"""The field of a model with rows of data, as the kinds of grid see it: no mixture is needed (proofs/N3.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.fields import Draws, Item
from certflow.grids.options import SAMPLES, SEED
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.inputs import is_tensor
from certflow.samplers.field import denoise_of
from certflow.samplers.reference import fine_steps, solve
from certflow.schedules.model import Model
from certflow.schedules.rates import typical_rate
from certflow.schedules.rows import data_rows, drawn, plain, scale_of

#: Rows that go through the model at once, and points that choose the steps of its flow.
BATCH, PROBES = 512, 64
#: By so many of its usual roundings a difference over a step may be off.
_SPARE = 8.0


class ModelField:
    """`cf.Model` at noised rows of data, `x_t = m x_0 + sqrt(1 - m^2) z`. proofs/N3.md.

    Parameters
    ----------
    model : on the interval from its `t_min` to its `t_max`
    data : rows, shape (n, ...), n >= 2, NumPy or torch; the model is called with that kind. None for kinds that know
        the ends alone
    progress : called with (parts done, parts in all)

    Raises
    ------
    InputError : no such rows; when a kind asks for points, none at all; and what `Model` refuses.
    """

    def __init__(self, model: Model, data: Any = None, progress: Callable[[int, int], None] | None = None):
        self.model, self.progress = model, progress
        self.t_min, self.t_max = model.t_min, model.t_max
        self._data = None if data is None else data_rows(data, model.shape)
        if self._data is not None and len(self._data) < 2:
            raise InputError("data", f"shape {tuple(self._data.shape)}", "two rows or more")

    @property
    def rows(self) -> Any:
        """The data."""
        if self._data is None:
            raise InputError("data", None, "rows of the data, shape (n, ...): a grid of this kind looks at noised ones")
        return self._data

    @property
    def named(self) -> tuple[str, str]:
        """The data by their shape."""
        return "data", f"shape {tuple(self.rows.shape)}"

    @property
    def dimension(self) -> int:
        """Entries of one row."""
        return math.prod(self.rows.shape[1:])

    @property
    def data_scale(self) -> float:
        """`sqrt(tr Cov(X_0) / d)` of the rows; 1 where there are none, or all are the same."""
        return 1.0 if self._data is None else scale_of(plain(self._data))

    @cached_property
    def step(self) -> float:
        """Half the width `h`, in `log t`, of differences in time: the cube root of the model's unit of rounding.

        A central difference errs by `O(h^2)`, rounding by `O(eps/h)`: both are `O(eps^{2/3})` of the score.
        """
        return float(np.cbrt(self.model.roundoff(self.rows[:1], self.t_max)))

    @property
    def rounding(self) -> float:
        """What rounding makes of a derivative that is zero, times `t`: `O(sqrt(d) eps^{2/3})`."""
        return _SPARE * self.step**2 * math.sqrt(self.dimension)

    def draws(self, samples: int, seed: int) -> Draws:
        """Rows of the data, with replacement, and noise: those of `certflow.schedules.typical_rate`."""
        number, rng = SAMPLES.check("samples", samples), np.random.default_rng(SEED.check("seed", seed))
        chosen, z = drawn(self.rows, number, rng)
        return Draws(plain(self.rows[chosen]).reshape(number, -1), z.reshape(number, -1))

    def score(self, x: Points, t: float) -> Points:
        """`grad log p_t(x)`."""
        return self._asked(self.model.score, x, np.asarray(t))

    def denoiser(self, x: Points, t: Any) -> Points:
        """`E[x_0|x]`; `t` is one time, or one for each row."""
        return self._asked(self.model.denoiser, x, np.asarray(t))

    def score_change(self, x: Points, t: float) -> tuple[Points, float]:
        """`s(x, t e^h) - s(x, t e^-h)` and the width, within the ends of the model."""
        low, high = max(t * math.exp(-self.step), self.t_min), min(t * math.exp(self.step), self.t_max)
        return self.score(x, high) - self.score(x, low), high - low

    def jacobian_sizes(self, times: Times, rate: str, samples: int, seed: int) -> tuple[Floats, Mapping[str, Any]]:
        """`(E_v |J v|^2)^{1/2}`, `v` of random signs, and how the products were taken; zero where all is rounding."""
        if rate != "frobenius":
            required = "frobenius for a model, whose Jacobian is known by its products with random signs"
            raise InputError("rate", rate, required)
        found = typical_rate(self.model, self.rows, times, samples=samples, seed=seed, progress=self.progress)
        moves = bool((times * found.values > self.rounding).any())
        return found.values if moves else np.zeros_like(found.values), {"method": found.method}

    def mean_square_errors(self, times: Times, samples: int, seed: int) -> Floats:
        """`E |x_0 - D(x_t)|^2`, by its definition."""
        points = self.draws(samples, seed)
        errors = (points.data - self.denoiser(points.at(time), time) for time in self.told(times.tolist()))
        return np.array([(error**2).sum(axis=1).mean() for error in errors])

    def predictions(self, states: Floats, times: Times) -> tuple[Floats, Floats]:
        """`D` and `(x - m D) / sqrt(1 - m^2)`: one evaluation tells both."""
        rows = states.reshape(-1, states.shape[-1])
        data = self.denoiser(rows, np.repeat(times, states.shape[1])).reshape(states.shape)
        signal, noise = np.exp(-times)[:, None, None], np.sqrt(-np.expm1(-2 * times))[:, None, None]
        return data, (states - signal * data) / noise

    def trajectories(self, start: Points, times: Times) -> Floats:
        """A fine solve of the model's own flow (`certflow.samplers.reference`).

        Raises
        ------
        InputError : a flow that no such solve resolves.
        """
        states = [start]
        for a, b in self.told(list(pairwise(times.tolist())), 0, 2):
            states.append(solve(denoise_of(self), states[-1], a, b, self._steps))
        return np.stack(states)

    @cached_property
    def _steps(self) -> int:
        """Steps for each unit of `log sigma` that resolve the flow."""
        return fine_steps(denoise_of(self), self.draws(PROBES, 0).at(self.t_max), self.t_max, self.t_min)

    def told(self, items: Sequence[Item], part: int = 0, parts: int = 1) -> Iterator[Item]:
        """The items, while the progress is told."""
        for done, item in enumerate(items, 1):
            yield item
            if self.progress is not None:
                self.progress(part * len(items) + done, parts * len(items))

    def _asked(self, quantity: Callable[[Any, Any], Any], x: Points, t: Floats) -> Points:
        """What the model says of rows of shape (n, d), in batches of the kind and shape of the data."""
        shape, found = self.rows.shape[1:], np.empty_like(x)
        for begin in range(0, len(x), BATCH):
            part = slice(begin, begin + BATCH)
            said = self._in_kind(quantity, x[part].reshape(-1, *shape), t[part] if t.ndim else t)
            found[part] = plain(said).reshape(-1, x.shape[1])
        return found

    def _in_kind(self, quantity: Callable[[Any, Any], Any], x: Points, t: Floats) -> Any:
        if not is_tensor(self.rows):
            return quantity(x, t)
        import torch

        with torch.no_grad():
            return quantity(torch.as_tensor(x, dtype=self.rows.dtype, device=self.rows.device), t)
