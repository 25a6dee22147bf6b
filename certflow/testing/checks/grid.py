"""A list of times, or what makes one, held against what samplers and students need of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.diagnosis import doctor
from certflow.errors import InputError
from certflow.law.noised import exact_interval
from certflow.numbers.arrays import Times
from certflow.numbers.inputs import float_array, is_tensor, whole_number
from certflow.testing.causes.grid import COORDINATES, NEAR, even_in, grid_causes
from certflow.testing.checks.part import Part
from certflow.testing.checks.telling import run_parts
from certflow.testing.result import Cause, Counterexample, Result

#: Numbers of segments that a maker of grids is asked for, few first; the two on which it is seen to refine.
_SEGMENTS, _COARSE, _FINE = (1, 2, 3, 8, 16, 50), 8, 64
#: More segments are not asked for.
_MOST = 1_000_000
#: What `cf.doctor` finds of the kinds that make nodes useless here, whatever the interval is.
_SCALES = ("sigmas-for-timesteps", "timesteps-for-sigmas")


@dataclass(frozen=True)
class Grids:
    """Grids by their number of segments (None: not said), or why there is none; `prepare` makes it."""

    listed: tuple[tuple[int | None, Times | None, str], ...]
    t_min: float
    t_max: float
    maker: Callable[[int], Any] | None = None

    def usable(self) -> Iterator[tuple[int | None, Times]]:
        """Those that are lists of two finite numbers or more."""
        for segments, times, _ in self.listed:
            if times is not None and len(times) > 1 and np.isfinite(times).all():
                yield segments, times

    def failed(
        self, part: str, message: str, segments: int | None, times: Times, expected: Any, error: float
    ) -> Result:
        """With the causes that fit this grid."""
        found = Counterexample(
            f"t_min, t_max = {self.t_min!r}, {self.t_max!r}",
            {"K": len(times) - 1 if segments is None else segments},
            times,
            expected,
            error,
            NEAR,
        )
        causes = grid_causes(times, self.t_min, self.t_max, segments) if len(times) > 1 else ()
        if not causes and len(times) > 1 and np.isfinite(times).all():
            causes = tuple(
                Cause(finding.name, f"{finding.message}; mend: {finding.mend}")
                for finding in doctor(times.tolist(), "ou").errors
                if finding.name in _SCALES
            )
        return Result("check_grid", part, False, message, len(times), found, causes)

    def passed(self, part: str, message: str = "") -> Result:
        looked = sum(len(times) for _, times in self.usable()) if part == "numbers" else 0
        return Result("check_grid", part, True, message, looked)


def check_grid(times: Any, mixture: Any = None, *, t_min: Any = 0.01, t_max: Any = 3.0, segments: Any = None) -> Result:
    """`t_max = t_0 > t_1 > ... > t_K = t_min`, each node another one in float32 too (proofs/G1.md).

    Parameters
    ----------
    times : OU times, shape (K + 1,), a list, an array, a tensor or a `TimeGrid`; or a function `K -> times`, which is
        asked for grids of 1 to 64 segments
    mixture : not needed; there so that all checks are called alike
    t_min, t_max : the ends
    segments : K, if one is meant

    Returns
    -------
    Result : passed; its message says in which coordinate the nodes are even

    Raises
    ------
    CheckFailed : an `AssertionError` with the grid and the likely cause: rising, sigmas in place of times, an end or a
        node missing, nodes twice.
    InputError : ends that are no interval, a list that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from certflow.testing.checks.grid import check_grid
    >>> print(check_grid(np.geomspace(3, 0.01, 9), segments=8))
    check_grid: 6 parts found no counterexample among 9 points; 9 nodes, even in log t
    >>> check_grid(np.geomspace(0.01, 3, 9))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    certflow.testing.result.CheckFailed: check_grid: order: ...
    """
    return run_parts("check_grid", PARTS, prepare(times, mixture, t_min=t_min, t_max=t_max, segments=segments))


def prepare(times: Any, mixture: Any = None, *, t_min: Any = 0.01, t_max: Any = 3.0, segments: Any = None) -> Grids:
    """What the parts get; parameters and errors as `check_grid` has them."""
    low, high = map(float, exact_interval(t_min, t_max))
    if callable(times):
        asked = _SEGMENTS if segments is None else (whole_number(segments, "segments", 1, _MOST),)
        return Grids(tuple((count, *_made(times, count)) for count in asked), low, high, times)
    count = None if segments is None else whole_number(segments, "segments", 1, _MOST)
    return Grids(((count, _read(times), ""),), low, high)


def _made(maker: Callable[[int], Any], segments: int) -> tuple[Times | None, str]:
    try:
        return _read(maker(segments)), ""
    except (Exception, SystemExit) as error:  # whatever the user's code raises is its answer
        return None, f"of K = {segments} it raised {type(error).__name__}: {' '.join(str(error).split())}"


def _read(times: Any) -> Times:
    given = getattr(times, "times", times)
    values = float_array(given.detach().cpu().double() if is_tensor(given) else given, "times")
    if values.ndim != 1 or values.size == 0:
        raise InputError("times", f"shape {values.shape}", "shape (K + 1,)")
    return values


# -- the parts -------------------------------------------------------------------------------------------------


def _numbers(it: Grids) -> Result:
    for segments, times, wrong in it.listed:
        if times is None:
            code = f"t_min, t_max = {it.t_min!r}, {it.t_max!r}"
            found = Counterexample(code, {"K": segments}, wrong, "times", np.inf, 0.0)
            return Result("check_grid", "numbers", False, wrong, 0, found)
        bad = np.flatnonzero(~np.isfinite(times))
        if bad.size:
            message = f"times[{bad[0]}] = {times[bad[0]]:g} is no time"
            return it.failed("numbers", message, segments, times, "finite numbers", np.inf)
        if times.size < 2:
            return it.failed("numbers", "one time makes no step", segments, times, "K + 1 times", np.inf)
    return it.passed("numbers")


def _order(it: Grids) -> Result:
    for segments, times in it.usable():
        rises = np.flatnonzero(np.diff(times) >= 0)
        if rises.size:
            place = int(rises[0]) + 1
            message = f"times[{place}] = {times[place]:.6g} comes after {times[place - 1]:.6g}: times fall strictly"
            error = float(times[place] - times[place - 1])
            return it.failed("order", message, segments, times, "times that fall strictly", error)
    return it.passed("order")


def _ends(it: Grids) -> Result:
    for segments, times in it.usable():
        for place, name, meant in ((0, "t_max", it.t_max), (-1, "t_min", it.t_min)):
            error = abs(float(times[place]) - meant) / meant
            if error > NEAR:
                message = f"times[{place}] = {times[place]:.6g}, where {name} = {meant:.6g} is due"
                return it.failed("ends", message, segments, times, {name: meant}, error)
    return it.passed("ends")


def _count(it: Grids) -> Result:
    for segments, times in it.usable():
        if segments is not None and len(times) != segments + 1:
            message = f"{len(times)} nodes, where {segments} segments have {segments + 1}"
            return it.failed("count", message, segments, times, segments + 1, abs(len(times) - segments - 1))
    return it.passed("count")


def _spacing(it: Grids) -> Result:
    """Nodes that a network in float32 tells apart: neighbours differ by eight of its units at least, relatively."""
    least = 8 * float(np.finfo(np.float32).eps)
    for segments, times in it.usable():
        if not (np.diff(times) < 0).all() or times[-1] <= 0:
            continue  # told by the parts before
        steps = -np.diff(times) / times[:-1]
        if steps.min() < least:
            place = int(steps.argmin())
            message = f"times[{place}] and times[{place + 1}] are one in float32: they differ by {steps.min():.2g}"
            return it.failed(
                "spacing", message, segments, times, f"steps of {least:.2g} t at least", float(steps.min())
            )
    return it.passed("spacing")


def _coverage(it: Grids) -> Result:
    """More segments refine everywhere: the longest step in `log sigma` becomes shorter."""
    last = list(it.usable())[-1:]
    if it.maker is None:
        even = "".join(even_in(times) for _, times in last)
        told = "".join(f"{len(times)} nodes" for _, times in last)
        return it.passed("coverage", f"{told}, even in {even}" if even else told)
    longest, times = {}, np.zeros(0)
    for count in (_COARSE, _FINE):
        made, wrong = _made(it.maker, count)
        times = np.zeros(0) if made is None else made
        if len(times) < 2 or not (times > 0).all() or not (np.diff(times) < 0).all():
            return it.failed("coverage", wrong or f"no grid of {count} segments", count, times, "times", np.inf)
        longest[count] = float(-np.diff(COORDINATES["log sigma"](times)).min())
    if longest[_FINE] >= longest[_COARSE]:
        message = f"its longest step in log sigma is {longest[_FINE]:.3g} of {_FINE} segments, of {_COARSE} it is"
        message += f" {longest[_COARSE]:.3g}: more segments do not refine everywhere"
        return it.failed("coverage", message, _FINE, times, "shorter steps", longest[_FINE] - longest[_COARSE])
    even = even_in(times)
    return it.passed("coverage", f"even in {even}" if even else "")


PARTS = (
    Part("numbers", _numbers),
    Part("order", _order),
    Part("ends", _ends),
    Part("count", _count),
    Part("spacing", _spacing),
    Part("coverage", _coverage),
)
