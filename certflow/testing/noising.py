"""A user's noise schedule as the checks ask it: `x = a(tau) x_0 + b(tau) z`, from whatever form it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import check_plain
from certflow.numbers.inputs import float_array, is_tensor, one_of, real_number
from certflow.schedules.schedule import Schedule

#: Where a schedule of a time of its own is looked at, beside its ends.
_PLACES = 257
#: The largest noise level at which one without an end is looked at: that of EDM.
_LAST = 80.0


@dataclass(frozen=True)
class Noising:
    """Factors of a schedule at the times where it is looked at; `prepare` of `check_schedule` makes it.

    form : "pair" (a and b), "table" (of `alpha_bar`) or "sigma" (`b/a` alone)
    a, b : of one time or an array of them; of a table of its indices; `a` of a sigma alone is 1
    taus : where it is looked at, rising, shape (N,)
    """

    form: str
    a: Callable[[Any], Any]
    b: Callable[[Any], Any]
    taus: Floats
    like: Schedule | None
    rtol: float
    extra: dict[str, Callable[[Any], Any]]

    def factors(self) -> tuple[Floats, Floats]:
        """`a` and `b` at all times, float64; what the user's code raises passes."""
        return read(self.a(self.taus)), read(self.b(self.taus))

    def meant(self) -> tuple[Floats, Floats]:
        """`a` and `b` of the schedule that it should be."""
        assert self.like is not None
        return np.asarray(self.like.a(self.taus)), np.asarray(self.like.b(self.taus))

    @property
    def is_short(self) -> bool:
        """Whether it answers in float32: then its tolerances are those of float32."""
        return all(dtype_of(f(self.taus)) == "float32" for f in (self.a, self.b))


def read(values: Any) -> Floats:
    """Numbers of any kind of array as float64."""
    return np.asarray(values.detach().cpu().double().numpy() if is_tensor(values) else values, dtype=float)


def dtype_of(values: Any) -> str:
    """The name of a dtype, NumPy's or torch's."""
    return str(getattr(values, "dtype", type(values).__name__)).removeprefix("torch.")


def noising_of(schedule: Any, like: Schedule | None, first: Any, last: Any, arrays: str, rtol: float | None) -> Noising:
    """The form that a schedule has.

    Raises
    ------
    InputError : what is none of: an object with `a` and `b`, a pair of functions, a list of `alpha_bar`, a function.
    """
    if like is not None and not isinstance(like, Schedule):
        raise InputError("like", like, "one of cf.schedules, or None")
    one_of(arrays, "arrays", ("numpy", "torch"))
    form, a, b, extra = _form(schedule)
    if form == "table":
        taus = np.arange(len(read(schedule)), dtype=float)
        if like is not None and like.last < taus[-1] - 1:
            raise InputError("like", like, f"a schedule of {len(taus)} indices, as from_alphas_cumprod has it")
        taus = taus if like is None else taus[taus <= like.last]
        return Noising(form, a, b, taus, like, _rtol(rtol), extra)
    ends = []
    for name, given, place in (("first", first, 0), ("last", last, 1)):
        told = getattr(schedule, name, getattr(like, name, float(place))) if given is None else given
        ends.append(real_number(told, name, "a number", lambda value: not np.isnan(value)))
    ends[1] = min(ends[1], max(_LAST, ends[0] + 1)) if np.isinf(ends[1]) else ends[1]
    if not ends[0] < ends[1]:
        raise InputError("last", ends[1], f"a time > first = {ends[0]:g}")
    inside = (np.arange(_PLACES) + 0.5) / _PLACES
    near = np.geomspace(1e-5, 1e-2, 7)
    taus = ends[0] + (ends[1] - ends[0]) * np.sort(np.concatenate([inside, near, 1 - near]))
    if arrays == "torch":
        a, b = _of_tensors(a), _of_tensors(b)
    return Noising(form, a, b, taus, like, _rtol(rtol), extra)


def schedule_code(like: Schedule) -> str:
    """An expression that makes a schedule; the numbers of a table are left out."""
    names = {"OrnsteinUhlenbeckTime": "ornstein_uhlenbeck", "Table": "from_alphas_cumprod", "EDM": "edm"}
    names |= {"FlowMatching": "flow_matching", "VariancePreserving": "variance_preserving", "Cosine": "cosine"}
    settings = ", ".join(f"{name}={value!r}" for name, value in vars(like).items() if isinstance(value, float))
    kind = type(like).__name__
    return f"cf.schedules.{names.get(kind, kind)}({settings if kind != 'Table' else '...'})"


def _form(schedule: Any) -> tuple[str, Callable[[Any], Any], Callable[[Any], Any], dict[str, Callable[[Any], Any]]]:
    if callable(getattr(schedule, "a", None)) and callable(getattr(schedule, "b", None)):
        names = ("ou_time", "time_at", "sigma", "log_snr")
        extra = {name: getattr(schedule, name) for name in names if callable(getattr(schedule, name, None))}
        return "pair", schedule.a, schedule.b, extra
    if isinstance(schedule, tuple | list) and len(schedule) == 2 and all(map(callable, schedule)):
        return "pair", *schedule, {}
    if callable(schedule):
        return "sigma", lambda tau: np.ones(np.shape(tau)), schedule, {}
    table = schedule.detach().cpu() if is_tensor(schedule) else schedule
    try:
        check_plain(table, "schedule")
        values = float_array(table, "schedule")
    except InputError:
        values = np.zeros(())
    if values.ndim != 1 or values.size < 2:
        required = "an object with a(tau) and b(tau), a pair of them, a function sigma(tau), or a list of alpha_bar"
        raise InputError("schedule", schedule, required)
    short = dtype_of(table) == "float32"

    def entry(tau: Any) -> Floats:
        return np.asarray(values[np.asarray(tau, dtype=int)])

    def kept(found: Floats) -> Any:
        return found.astype(np.float32) if short else found

    return "table", lambda tau: kept(np.sqrt(entry(tau))), lambda tau: kept(np.sqrt(1 - entry(tau))), {}


def _of_tensors(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def asked(tau: Any) -> Any:
        import torch

        return function(torch.as_tensor(np.asarray(tau)))

    return asked


def _rtol(rtol: Any) -> float:
    return 0.0 if rtol is None else real_number(rtol, "rtol", "a number in [0, 1)", lambda value: 0 <= value < 1)
