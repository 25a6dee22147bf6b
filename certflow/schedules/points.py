"""Points and times as a model is asked for them: rows, its own time, the factors `m`, `n`, `r` (proofs/N2.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from certflow.errors import InputError
from certflow.numbers.exact import check_plain
from certflow.numbers.inputs import at_least_single, float_array, is_tensor, joint_shape
from certflow.schedules.predictions import FACTORS
from certflow.schedules.schedule import Schedule, known, noise_factor


@dataclass(frozen=True)
class Points:
    """`N` points of the shape of one sample at their times, all arrays NumPy's float64 or tensors of one dtype.

    Attributes
    ----------
    x : as they were given, shape (..., *sample)
    rows : shape (N, *sample)
    tau : `time_scale` times the schedule's own time, shape (N,)
    scale : `r = sqrt(a^2 + b^2)`, shape (N, 1, ...), or one number for all rows
    width : `n = sqrt(1 - m^2)`, the standard deviation of the noise, likewise
    given : the dtype that was given, in which the model is called and results are returned
    infinite : whether some time is infinite
    """

    x: Any
    rows: Any
    tau: Any
    scale: Any
    width: Any
    given: Any
    infinite: bool
    _m_n_r: tuple[Any, Any, Any]
    _column: Callable[[Any], Any]

    @classmethod
    def of(cls, x: Any, t: Any, schedule: Schedule, time_scale: float, shape: tuple[int, ...] | None) -> Self:
        """Read and check; `shape` is that of one sample, or None for what follows the first axis.

        Raises
        ------
        InputError : points of another shape, or infinite; times that are not positive, that do not broadcast to the
            rows, or that the schedule does not have.
        """
        points, given = _read(x, t)
        batch, sample = _shapes(tuple(points.shape), shape)
        times = _times(t, points, batch)
        xp: Any = np
        if is_tensor(times):
            import torch as xp
        with np.errstate(divide="ignore", over="ignore"):
            m, n, r = xp.exp(-times), noise_factor(xp, times), schedule.scale_at(times)
        rows = points.reshape((math.prod(batch), *sample))

        def column(values: Any) -> Any:
            """One number for each row in the kind of the rows, or one for all."""
            if not is_tensor(values) and values.size == 1:
                return float(values[0])
            return _as(values, points).reshape((-1, *[1] * len(sample)))

        tau = _as(schedule.time_at(times) * time_scale, points)
        tau = tau.expand(len(rows)) if is_tensor(tau) else np.array(np.broadcast_to(tau, (len(rows),)))
        infinite = times == math.inf
        found = known(~infinite) is False if is_tensor(infinite) else bool(infinite.any())
        return cls(points, rows, tau, column(r), column(n), given, found, (m, n, r), column)

    def factors(self, predicts: str, quantity: str) -> tuple[Any, Any]:
        """The factors of `x` and of what the model says, computed in the precision of the times."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            from_x, from_f = FACTORS[predicts, quantity](*self._m_n_r)
        return self._column(from_x), self._column(from_f)

    def like(self, value: Any, field: str) -> Any:
        """Further numbers in the kind of the points."""
        return _as(value if is_tensor(value) else float_array(value, field), self.x)

    def finished(self, rows: Any) -> Any:
        """Rows in the shape and the dtype that were given."""
        result = rows.reshape(self.x.shape)
        return result.to(self.given) if is_tensor(result) else result.astype(self.given, copy=False)


def _read(x: Any, t: Any) -> tuple[Any, Any]:
    """The points, float64 or a tensor of at least float32, and the dtype that was given."""
    if not is_tensor(x) and not is_tensor(t):
        array = float_array(x, "x")
        if not np.isfinite(array).all():
            raise InputError("x", float(array[~np.isfinite(array)][0]), "finite numbers")
        return array, np.float32 if getattr(x, "dtype", None) == np.float32 else np.float64
    import torch

    for field, value in (("x", x), ("t", t)):
        if is_tensor(value) and not value.dtype.is_floating_point:
            check_plain(value, field)
            raise InputError(field, f"a torch tensor of {value.dtype}", "a tensor of a floating dtype")
    own = x if is_tensor(x) else t
    points = x if is_tensor(x) else torch.as_tensor(float_array(x, "x"), dtype=t.dtype, device=t.device)
    if known(torch.isfinite(points)) is False:
        raise InputError("x", float(points[~torch.isfinite(points)].detach().flatten()[0]), "finite numbers")
    return points.to(at_least_single(own.dtype)), own.dtype


def _shapes(whole: tuple[int, ...], sample: tuple[int, ...] | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of the batch and that of one sample."""
    if sample is None:
        if not whole:
            raise InputError("x", "one number", "shape (N, ...), or (d,) for one point")
        return ((), whole) if len(whole) == 1 else (whole[:1], whole[1:])
    if whole[max(0, len(whole) - len(sample)) :] != sample:
        raise InputError("x", f"shape {whole}", f"shape (..., {', '.join(map(str, sample))})")
    return whole[: len(whole) - len(sample)], sample


def _times(t: Any, points: Any, batch: tuple[int, ...]) -> Any:
    """The times, positive, one for each row or one for all: float64, or tensors beside the points."""
    times: Any = t.to(points.device) if is_tensor(t) else float_array(t, "t")
    if is_tensor(times):
        import torch

        times = times.to(torch.promote_types(times.dtype, points.dtype))
    good = times > 0
    if (known(good) if is_tensor(good) else bool(np.all(good))) is False:
        bad = times[~good].detach() if is_tensor(times) else times[~good]
        raise InputError("t", float(bad.reshape(-1)[0]), "a time > 0")
    shape = tuple(times.shape)
    if math.prod(shape) == 1:
        return times.reshape((1,))
    if joint_shape(shape, batch) != batch:
        raise InputError("t", f"shape {shape}", f"a scalar or a shape that broadcasts to {batch}")
    whole = times.expand(batch) if is_tensor(times) else np.broadcast_to(times, batch)
    return whole.reshape((-1,))


def _as(values: Any, like: Any) -> Any:
    """Numbers in the kind of others."""
    if not is_tensor(like):
        return np.asarray(values)
    if is_tensor(values):
        return values.to(dtype=like.dtype, device=like.device)
    import torch

    return torch.as_tensor(np.asarray(values), dtype=like.dtype, device=like.device)
