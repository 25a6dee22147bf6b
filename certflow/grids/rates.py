"""Grids with equal integrals of a tabulated rate (proofs/G1.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from certflow.errors import InputError
from certflow.grids.fields import Field
from certflow.grids.grid import MAX_SEGMENTS, TimeGrid
from certflow.grids.options import count
from certflow.law.noised import exact_interval
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.inputs import float_array
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

_BISECTIONS = 80
#: Latest time of kinds that compute with powers of `sigma = e^t`, which float64 must hold.
_LATEST = 300.0


@dataclass(frozen=True, eq=False)
class RateCurve:
    """A rate `>= 0` through tabulated values: `t rate(t)` is a monotone cubic (PCHIP) in `log t` between them.

    The interpolant never leaves the range of the two values on either side, so that its integral, which is exact for
    it, does not decrease.

    Parameters
    ----------
    times : shape (N,), N >= 2, > 0, strictly increasing; values : shape (N,), finite, >= 0, not all zero

    Raises
    ------
    InputError : other times or values.
    """

    times: Times
    values: Floats

    def __post_init__(self) -> None:
        for name in ("times", "values"):
            try:
                object.__setattr__(self, name, np.array(getattr(self, name), dtype=np.float64))
            except (TypeError, ValueError):
                raise InputError(name, getattr(self, name), "numbers") from None
        times, values = self.times, self.values
        if times.ndim != 1 or times.size < 2 or not (np.isfinite(times).all() and times[0] > 0):
            raise InputError("times", times.tolist(), "two or more finite times > 0")
        if not (np.diff(times) > 0).all():
            raise InputError("times", times.tolist(), "strictly increasing times")
        if values.shape != times.shape or not (np.isfinite(values).all() and (values >= 0).all()):
            raise InputError("values", values.tolist(), "a finite rate >= 0 for each time")
        if not values.any():
            raise InputError("values", values.tolist(), "a rate that is positive somewhere")

    @cached_property
    def _pieces(self) -> PchipInterpolator:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(np.log(self.times), self.times * self.values)

    @cached_property
    def _integral(self) -> Callable[[Floats], Floats]:
        integral: Callable[[Floats], Floats] = self._pieces.antiderivative()
        return integral

    @cached_property
    def _edges(self) -> Floats:
        return np.maximum.accumulate(self._integral(np.log(self.times)))

    def __call__(self, t: ArrayLike) -> Floats:
        """The interpolated rate, for `t` within the table."""
        scaled: Floats = self._pieces(np.log(t))
        rate: Floats = np.maximum(scaled, 0.0) / np.asarray(t, dtype=np.float64)
        return rate

    def cumulative(self, t: ArrayLike) -> Floats:
        """`int_{times[0]}^t rate`."""
        return self._integral(np.log(t))

    def time_at(self, share: ArrayLike) -> Times:
        """The earliest time at which the integral is this share (0 to 1) of the whole; shape of `share`."""
        targets = np.asarray(share, dtype=np.float64) * self._edges[-1]
        right = np.clip(np.searchsorted(self._edges, targets, side="left"), 1, self.times.size - 1)
        low, high = np.log(self.times)[right - 1], np.log(self.times)[right]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            below = self._integral(middle) < targets
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found: Times = np.exp(high)
        return found


def rate_times(times: ArrayLike) -> Times:
    """Times at which a rate is computed, as float64.

    Raises
    ------
    InputError : what is not shape (T,), T >= 1, of finite numbers > 0.
    """
    values = float_array(times, "times")
    if values.ndim != 1 or not values.size:
        raise InputError("times", f"shape {values.shape}", "shape (T,), at least one time")
    wrong = values[~(np.isfinite(values) & (values > 0))]
    if wrong.size:
        raise InputError("times", float(wrong[0]), "finite times > 0")
    return values


def grid_from_rate(
    process: OrnsteinUhlenbeck | Sequence[Any],
    times: ArrayLike,
    rate: ArrayLike,
    segments: int,
    kind: str = "custom",
    options: Mapping[str, Any] | None = None,
) -> TimeGrid:
    """Nodes with `int_{t_k}^{t_{k-1}} rate = (1/K) int_{t_min}^{t_max} rate`, `rate` tabulated (proofs/G1.md).

    Parameters
    ----------
    process : a process, or the pair `(t_min, t_max)`: no mixture is needed, the rate may be that of a network
    times : shape (N,), strictly increasing, from `t_min` to `t_max`; rate : shape (N,), >= 0
    segments : `K`; kind, options : what the grid says of itself

    Where the rate is zero, the node is the earliest time with its share.

    Raises
    ------
    InputError : a table that does not span the interval; a negative rate, or one that is zero throughout; what is
        no interval.

    Examples
    --------
    A rate `1/t` spreads the nodes evenly in `log t`:

    >>> from certflow.grids import grid_from_rate
    >>> grid_from_rate((1, 16), [1, 4, 16], [1, 1 / 4, 1 / 16], 4)
    TimeGrid(custom, K=4: 16, 8, 4, 2, 1)
    """
    number = count(1, MAX_SEGMENTS)("segments", segments)
    curve = RateCurve(times, rate)  # type: ignore[arg-type]  # it converts what it is given, or refuses it by name
    low, high = _interval(process)
    ends = curve.times[0], curve.times[-1]
    if ends != (low, high):
        raise InputError("times", ends, f"a table from t_min = {low} to t_max = {high}")
    return finished((low, high), kind, balanced(curve, number), options or {})


def _interval(process: Any) -> tuple[float, float]:
    if isinstance(process, OrnsteinUhlenbeck):
        return process.t_min, process.t_max
    pair = process.tolist() if isinstance(process, np.ndarray) else process
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError("process", process, "a certflow.OrnsteinUhlenbeck or the pair (t_min, t_max)")
    low, high = exact_interval(*pair)
    return float(low), float(high)


def balanced(curve: RateCurve, segments: int) -> Times:
    """Times at which the integral is `1 - k/K` of the whole, latest first, shape (K + 1,)."""
    return curve.time_at(np.arange(segments, -1, -1) / segments)


def finished(ends: tuple[float, float], kind: str, times: ArrayLike, options: Mapping[str, Any]) -> TimeGrid:
    """The grid whose inner nodes are these and whose ends `(t_min, t_max)` are these exactly.

    Raises
    ------
    InputError : nodes that float64 cannot tell apart.
    """
    nodes = np.array(times, dtype=np.float64)
    nodes[-1], nodes[0] = ends
    if not (np.isfinite(nodes).all() and (np.diff(nodes) < 0).all()):
        raise InputError(
            "segments",
            nodes.size - 1,
            f"fewer segments or another interval: float64 cannot tell all nodes of kind {kind} apart on "
            f"[{ends[0]:g}, {ends[1]:g}]",
        )
    return TimeGrid(kind, nodes, options)


def log_times(process: OrnsteinUhlenbeck | Field, points: int) -> Times:
    """`points` times from `t_min` to `t_max`, evenly in `log t`, the ends exact."""
    times = np.geomspace(process.t_min, process.t_max, points)
    times[0], times[-1] = process.t_min, process.t_max
    if not (np.diff(times) > 0).all():
        raise InputError("t_max", process.t_max, f"an interval wide enough for {points} times of a table in float64")
    return times


def check_sigma_range(process: OrnsteinUhlenbeck | Field, kind: str) -> None:
    """Raise `InputError` where `sigma^2 = e^{2t} - 1` leaves the range of float64."""
    if process.t_max > _LATEST:
        raise InputError("t_max", process.t_max, f"at most {_LATEST:g} for kind {kind}")
