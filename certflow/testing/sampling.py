"""A user's sampler as the checks run it: in her coordinates, her kind of array, with every call of the field noted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.law.code import mixture_code
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import noised
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.inputs import is_tensor, one_of, real_number, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.schedules.families import EDM, FlowMatching, OrnsteinUhlenbeckTime
from certflow.schedules.schedule import Schedule
from certflow.testing.result import Cause, Counterexample, Result
from certflow.testing.solvers import sigma_of, time_of

#: What a sampler may be handed: `u = -x - s`, `s`, `E[x_0|x]`, `E[z|x]`, `a eps - b x_0`, `eps - x_0`.
FIELDS = ("velocity", "score", "denoiser", "noise", "v_prediction", "flow_prediction")
ARRAYS = ("numpy", "torch")
DTYPES = {name: float(np.finfo(name).eps) for name in ("float64", "float32")}

#: Roundings of the dtype that separate "the same" from "another": solvers that differ do so by 5e-4 and more.
ROUNDINGS = 1000


@dataclass
class Calls:
    """What a sampler asked of its field: the OU time of every row, rows, and the dtypes of its points."""

    times: list[float] = dataclasses.field(default_factory=list)
    rows: int = 0
    count: int = 0
    dtypes: set[str] = dataclasses.field(default_factory=set)


@dataclass(frozen=True)
class Ran:
    """One run: points at the last time in OU coordinates, or why there are none."""

    end: Points | None
    wrong: str
    calls: Calls
    dtype: str = ""
    changed: str = ""  #: which of its arguments it wrote into


@dataclass(frozen=True)
class Sampling:
    """A sampler with what it is held against; `prepare` of `check_sampler` makes it."""

    sampler: Callable[..., Any]
    process: OrnsteinUhlenbeck
    order: int = 2
    solver: str | None = None
    field: str = "velocity"
    schedule: Schedule | None = None
    arrays: str = "numpy"
    dtype: str = "float64"
    stochastic: bool = False
    evaluations: int | Callable[[int], int] | None = None
    samples: int = 2000
    level: float = 1e-6
    seed: int = 0
    kept: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)  #: what is computed once

    @property
    def eps(self) -> float:
        """The unit of rounding of the dtype."""
        return DTYPES[self.dtype]

    @property
    def rounding(self) -> float:
        """The relative difference that rounding explains."""
        return ROUNDINGS * self.eps

    @cached_property
    def gaussian(self) -> OrnsteinUhlenbeck:
        """The process of one Gaussian, `N((1/2, ..., 1/2), I/4)`, of which everything is known."""
        mixture = GaussianMixture([1], [[_MEAN] * self.process.mixture.dimension], _VARIANCE)
        return OrnsteinUhlenbeck(mixture, self.process.exact_t_min, self.process.exact_t_max)

    def nodes(self, segments: int) -> Times:
        """`K + 1` descending OU times from `t_max` to `t_min`, even in `log sigma`: smooth in `k/K`."""
        first, last = self.process.t_max, self.process.t_min
        return even_nodes(first, last, segments)

    def points(self, count: int, process: OrnsteinUhlenbeck | None = None, shift: int = 0) -> Points:
        """Draws of `p_T`, shape (count, d)."""
        process = self.process if process is None else process
        data = process.mixture.sample(count, seed=self.seed + shift)
        normal = np.random.default_rng([self.seed, shift, 1]).standard_normal(data.shape)
        return noised(data, process.t_max, normal)

    def run(self, x: Points, times: Any, process: OrnsteinUhlenbeck | None = None, seed: int | None = None) -> Ran:
        """The sampler from `x` at `times[0]` to `times[-1]`, in OU coordinates."""
        process = self.process if process is None else process
        calls, times = Calls(), np.asarray(times, dtype=float)
        handed = self.scales(times[:1]) * x, self._taus(times)
        points, taus = map(self.array, handed)
        options = {"seed": self.seed if seed is None else seed} if self.stochastic else {}
        try:
            end = self.sampler(self.asked(process, calls), points, taus, **options)
        except (Exception, SystemExit) as error:  # whatever the user's code raises is its answer
            return Ran(None, f"it raised {type(error).__name__}: {' '.join(str(error).split())}", calls)
        tensor = is_tensor(end)
        if tensor != (self.arrays == "torch") or not hasattr(end, "shape"):
            return Ran(None, f"it returned {type(end).__name__}, where the points are {type(points).__name__}", calls)
        if tuple(end.shape) != tuple(x.shape):
            return Ran(None, f"it returned shape {tuple(end.shape)} of points of shape {tuple(x.shape)}", calls)
        dtype, values = str(end.dtype).removeprefix("torch."), _numbers(end)
        if not np.isfinite(values).all():
            return Ran(None, "it returned numbers that are not finite", calls, dtype)
        after = {"x": points, "times": taus}
        changed = [name for name, was in zip(after, handed, strict=True) if (self.array(was) != after[name]).any()]
        return Ran(values / self.scales(times[-1:]), "", calls, dtype, ", ".join(changed))

    def array(self, values: Any) -> Any:
        """NumPy numbers in the user's kind of array and dtype; a copy."""
        if self.arrays == "numpy":
            return np.array(values, dtype=self.dtype)
        import torch

        return torch.tensor(np.asarray(values), dtype=getattr(torch, self.dtype))

    def asked(self, process: OrnsteinUhlenbeck, calls: Calls) -> Callable[[Any, Any], Any]:
        """The exact field in the user's coordinates, with its calls noted; shape, kind and dtype of its points."""

        def asked(x: Any, tau: Any) -> Any:
            points = _numbers(x)
            when = self._ou_times(_numbers(tau), points)
            calls.count += 1
            calls.rows += math.prod(points.shape[:-1])
            calls.times += np.unique(when).tolist()
            calls.dtypes.add(str(x.dtype).removeprefix("torch."))
            found = self._value(process, points, when)
            if is_tensor(x):
                import torch

                return torch.as_tensor(found, dtype=x.dtype, device=x.device)
            return found.astype(x.dtype)

        return asked

    def _value(self, process: OrnsteinUhlenbeck, points: Points, when: Times) -> Points:
        t: Any = np.clip(np.nan_to_num(when, nan=process.t_min), 1e-9, 300)  # a wrong sampler may ask anywhere
        scale = self.scales(t)[..., None]
        x = points / scale
        m, n = np.exp(-t)[..., None], np.sqrt(-np.expm1(-2 * t))[..., None]
        u = gaussian_velocity(x, t) if process is self.gaussian else process.velocity(x, t)
        noise, clean = n * (x + u), m * (x - (n / m) ** 2 * u)
        if self.field == "velocity" and self.schedule is not None:
            if isinstance(self.schedule, EDM):
                return np.asarray(noise)
            if isinstance(self.schedule, FlowMatching):
                return np.asarray(noise - clean)
        values = {
            "velocity": u,
            "score": -(x + u) / scale,
            "denoiser": clean,
            "noise": noise,
            "v_prediction": scale * (m * noise - n * clean),
            "flow_prediction": noise - clean,
        }
        return np.asarray(values[self.field])

    def _ou_times(self, tau: Times, points: Points) -> Times:
        if tau.ndim >= points.ndim and tau.ndim > 0:  # (n, 1), as networks take it
            tau = tau.reshape(tau.shape[0])
        if self.schedule is None:
            return tau
        schedule = self.schedule  # a wrong sampler may ask anywhere
        known = np.clip(np.nan_to_num(tau), schedule.first, min(schedule.last, _FARTHEST))
        return np.asarray(schedule.ou_time(known), dtype=float)

    def _taus(self, times: Times) -> Times:
        return times if self.schedule is None else np.asarray(self.schedule.time_at(times))

    def scales(self, times: Times) -> Times:
        """The user's points over those in OU coordinates."""
        return np.ones(times.shape) if self.schedule is None else np.asarray(self.schedule.scale_at(times))

    def wanted(self, segments: int) -> int:
        """How many evaluations of so many steps are meant, where that is said."""
        asked = self.evaluations
        required = "an int for each step, or a function of K that returns one"
        try:
            found = asked(segments) if callable(asked) else asked
        except (Exception, SystemExit) as error:  # whatever the user's code raises is no number
            raise InputError("evaluations", f"a function that raises {type(error).__name__}", required) from error
        count = whole_number(found, "evaluations", 0, _MOST, required)
        return count if callable(asked) else count * segments

    # -- results -------------------------------------------------------------------------------------------

    def passed(self, part: str, message: str, evaluations: int = 0) -> Result:
        return Result("check_sampler", part, True, message, evaluations)

    def failed(
        self,
        part: str,
        message: str,
        evaluations: int = 0,
        found: Counterexample | None = None,
        causes: tuple[Cause, ...] = (),
    ) -> Result:
        return Result("check_sampler", part, False, message, evaluations, found, causes)

    def code(self, process: OrnsteinUhlenbeck, times: Times) -> str:
        """Lines that make the process and the times."""
        ends = f"{process.t_min!r}, {process.t_max!r}"
        lines = [f"process = cf.OrnsteinUhlenbeck({mixture_code(process.mixture)}, {ends})"]
        if len(times) <= _LISTED:
            return "\n".join([*lines, f"times = {[float(t) for t in times]}"])
        ends = f"{sigma_of(float(times[0]))!r}, {sigma_of(float(times[-1]))!r}"
        grid = f"times = np.log1p(np.geomspace({ends}, {len(times)}) ** 2) / 2"
        return "\n".join(["import numpy as np", *lines, grid])


def gaussian_moments(t: Any) -> tuple[Any, Any]:
    """Mean (of every coordinate) and variance of that Gaussian at times t: `m mu`, `C = m^2 v + 1 - m^2`."""
    m = np.exp(-np.asarray(t))
    return m * _MEAN, m * m * _VARIANCE - np.expm1(-2 * np.asarray(t))


def gaussian_velocity(x: Points, t: Any) -> Points:
    """`u = -x + (x - m mu)/C`; t one time or one for each row."""
    mean, variance = (np.asarray(moment)[..., None] for moment in gaussian_moments(t))
    return np.asarray(-x + (x - mean) / variance)


def gaussian_flow(x: Points, first: float, last: float) -> Points:
    """`m_b mu + sqrt(C_b/C_a) (x - m_a mu)`."""
    (mean, variance), (other, spread) = gaussian_moments(first), gaussian_moments(last)
    return np.asarray(other + math.sqrt(spread / variance) * (x - mean))


#: A noise level beyond all that are asked for, where the time has no end.
_FARTHEST = 1e12

#: Mean (of every coordinate) and variance of the Gaussian.
_MEAN, _VARIANCE = 0.5, 0.25

#: More evaluations are not meant.
_MOST = 10**9

#: Times that are listed in a counterexample one by one.
_LISTED = 9


def even_nodes(first: float, last: float, segments: int) -> Times:
    """`K + 1` descending OU times, even in `log sigma`, with these ends."""
    levels = np.geomspace(sigma_of(first), sigma_of(last), segments + 1)
    times = np.array([time_of(float(level)) for level in levels])
    times[0], times[-1] = first, last
    return times


def check_fields(sampling: Sampling) -> None:
    """Refuse options that fit nothing.

    Raises
    ------
    InputError : one line that names the option.
    """
    if not callable(sampling.sampler):
        raise InputError("sampler", sampling.sampler, "a callable (field, x, times) -> x at times[-1]")
    for name, listed in (("field", FIELDS), ("arrays", ARRAYS), ("dtype", tuple(DTYPES))):
        one_of(getattr(sampling, name), name, listed)
    if not isinstance(sampling.stochastic, bool):
        raise InputError("stochastic", sampling.stochastic, "True or False")
    schedule = sampling.schedule
    if schedule is not None and not isinstance(schedule, Schedule):
        raise InputError("schedule", schedule, "one of cf.schedules, or None for OU times")
    if sampling.field == "velocity" and not isinstance(schedule, EDM | FlowMatching | OrnsteinUhlenbeckTime | None):
        raise InputError("field", "velocity", "another field on this schedule: velocity is told of OU, EDM and flows")
    whole_number(sampling.samples, "samples", 100, 1_000_000)
    whole_number(sampling.seed, "seed")
    if sampling.evaluations is not None:
        sampling.wanted(1)
    real_number(sampling.level, "level", "a probability in (0, 0.1)", lambda value: 0 < value < 0.1)


def _numbers(value: Any) -> Floats:
    if is_tensor(value):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=float)
