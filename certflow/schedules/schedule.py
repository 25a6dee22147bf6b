"""A noise schedule: `x = a(tau) x_0 + b(tau) z` in a time `tau` of the user's own (proofs/N1.md).

It is the Ornstein–Uhlenbeck process in other clothes: `x / sqrt(a^2 + b^2)` is its state at the time `t` with

    e^{-t} = a / sqrt(a^2 + b^2),    sigma = b / a = sqrt(e^{2t} - 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.exact import check_plain
from certflow.numbers.inputs import at_least_single, float_array, is_tensor

#: What rounding, in float32 too, may add to an OU time at an end of the schedule, relative to it.
_SLACK = 1e-6


class Schedule:
    """`x = a(tau) x_0 + b(tau) z`, `z` standard normal, `tau` in [first, last] (proofs/N1.md).

    Every method takes a number, a list, a NumPy array or a torch tensor of any shape and returns the same kind, shape,
    dtype and device (a list gives an array, whole numbers and NumPy's float16 give float64); tensors are differentiated
    through. float16 and bfloat16 of torch are computed in float32.

    Attributes
    ----------
    first, last : the ends of the user's time, data end first
    t_min, t_max : the finite OU times of usual training, where a model on this schedule is asked
    ends_in_noise : whether `a(last) = 0`: there the OU time is infinite, and `epsilon` says nothing of `x_0`

    A family gives `_ou_time`, `_time_at` and, unless `a^2 + b^2 = 1`, `_scale_at`, `_a` and `_b`, each of `xp` (the
    module `numpy` or `torch`) and an array of it.

    Raises
    ------
    InputError : a time outside of the schedule, or what is no real number.
    """

    first: float = 0.0
    last: float = 1.0
    ends_in_noise: bool = False
    #: What `tau` is, for errors.
    tau_is: str = "a time"

    @property
    def t_min(self) -> float:
        """The OU time of the data end of usual training."""
        raise NotImplementedError

    @property
    def t_max(self) -> float:
        """The OU time of the noise end of usual training."""
        raise NotImplementedError

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """IPython and Hypothesis show `repr`, not the fields of a dataclass."""
        printer.text(repr(self))

    # -- what everybody calls ------------------------------------------------------------------------------

    def a(self, tau: Any) -> Any:
        """The factor of the data, `a(tau)`."""
        return self._of_tau(self._a, tau)

    def b(self, tau: Any) -> Any:
        """The factor of the noise, `b(tau)`."""
        return self._of_tau(self._b, tau)

    def ou_time(self, tau: Any) -> Any:
        """`t = log( sqrt(a^2 + b^2) / a )`; infinite where `a = 0`."""
        return self._of_tau(self._ou_time, tau)

    def time_at(self, t: Any) -> Any:
        """The `tau` with `ou_time(tau) = t`."""
        return self._of_t(self._time_at, t)

    def scale_at(self, t: Any) -> Any:
        """`sqrt(a^2 + b^2)` at the OU time `t`: the user's `x` over the OU state."""
        return self._of_t(self._scale_at, t)

    # -- what a family gives -------------------------------------------------------------------------------

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        raise NotImplementedError

    def _time_at(self, xp: Any, t: Any) -> Any:
        raise NotImplementedError

    def _scale_at(self, xp: Any, t: Any) -> Any:
        return xp.ones_like(t)

    def _a(self, xp: Any, tau: Any) -> Any:
        return xp.exp(-self._ou_time(xp, tau))

    def _b(self, xp: Any, tau: Any) -> Any:
        return noise_factor(xp, self._ou_time(xp, tau))

    @property
    def _last_t(self) -> float:
        """The largest finite OU time that the schedule has; infinite where there is none."""
        return float("inf")

    @property
    def _first_t(self) -> float:
        return 0.0

    # -- reading -------------------------------------------------------------------------------------------

    def _of_tau(self, function: Callable[[Any, Any], Any], tau: Any) -> Any:
        ends = f"from {self.first:g} to {self.last:g}" if self.last < float("inf") else f">= {self.first:g}, finite"
        required = f"{self.tau_is} {ends}"
        return _applied(function, tau, "tau", self._inside, required)

    def _inside(self, tau: Any) -> Any:
        return (tau >= self.first) & (tau <= self.last)

    def _of_t(self, function: Callable[[Any, Any], Any], t: Any) -> Any:
        low, high = self._first_t, self._last_t
        if high < float("inf"):
            required = f"an OU time from {low:.6g} to {high:.6g}, which the schedule has"
            required += ", or infinite" if self.ends_in_noise else ""
        else:
            required = "an OU time >= 0" if self.ends_in_noise else "a finite OU time >= 0"

        def good(value: Any) -> Any:
            found = (value >= low * (1 - _SLACK)) & (value <= high * (1 + _SLACK)) & (value < float("inf"))
            return found | (value == float("inf")) if self.ends_in_noise else found

        return _applied(function, t, "t", good, required)


def noise_factor(xp: Any, t: Any) -> Any:
    """`sqrt(1 - e^{-2t})`."""
    return xp.sqrt(-xp.expm1(-2 * t))


def log_sigma(xp: Any, t: Any) -> Any:
    """`log sqrt(e^{2t} - 1) = t + log(1 - e^{-2t}) / 2`, for every `t` without overflow."""
    return t + xp.log(-xp.expm1(-2 * t)) / 2


def ou_time_of(xp: Any, logs: Any) -> Any:
    """`t = log(1 + sigma^2) / 2` of `log sigma`, without overflow."""
    return xp.logaddexp(xp.zeros_like(logs), 2 * logs) / 2


def within(xp: Any, value: Any, low: float, high: float) -> Any:
    """The value in [low, high], where only rounding may have led out of it: its derivative is kept."""
    plain = value if xp is np else value.detach()
    return value + (xp.clip(plain, low, high) - plain)


def _applied(
    function: Callable[[Any, Any], Any], value: Any, field: str, good: Callable[[Any], Any], required: str
) -> Any:
    """The function of a number or an array in its own kind, once every entry is good."""
    if is_tensor(value):
        return _on_tensors(function, value, field, good, required)
    array = float_array(value, field)
    single = getattr(value, "dtype", None) == np.float32
    accepted = good(array)
    if not np.all(accepted):
        raise InputError(field, float(array[~accepted].flat[0]) if array.ndim else float(array), required)
    with np.errstate(divide="ignore", over="ignore"):  # sigma is infinite where a = 0
        result = np.asarray(function(np, array))
    return (result.astype(np.float32) if single else result)[()]


def _on_tensors(
    function: Callable[[Any, Any], Any], value: Any, field: str, good: Callable[[Any], Any], required: str
) -> Any:
    import torch

    if not value.dtype.is_floating_point:
        check_plain(value, field)
    given = value.dtype if value.dtype.is_floating_point else torch.float64
    array = value.to(at_least_single(given))
    accepted = good(array)
    found = known(accepted)
    if found is False:
        raise InputError(field, float(array[~accepted].detach().flatten()[0]), required)
    if found is None:
        array = array.masked_fill(~accepted, float("nan"))
    return function(torch, array).to(given)


def known(condition: Any) -> bool | None:
    """Whether a tensor of truths is true throughout; None inside `torch.vmap` and `torch.compile`."""
    import torch

    if torch.compiler.is_compiling():
        return None
    try:
        return bool(condition.all())
    except RuntimeError:
        return None
