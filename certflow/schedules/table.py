"""The noise schedule of discrete training steps: a table of `alpha_bar` (proofs/N1.md)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import float_array, is_tensor, real_number, whole_number
from certflow.schedules.schedule import Schedule, log_sigma, ou_time_of, within

#: What rounding may add to an index, in units of the roundoff of the index.
_MISSED = 32
#: What float32 may have added to the log sigma and to the OU time that was handed over, relative to each of them.
_SHORT = 2.0**-22
#: Entries of a table that `repr` shows.
_MOST_SHOWN = 40


class Table(Schedule):
    """`a^2 = alpha_bar(tau)`, `b^2 = 1 - a^2`, `tau` the index; between two indices log sigma is linear in `tau`.

    logs : log sigma of the indices with a finite one, rising
    ends_in_noise : whether one more index follows, at which `alpha_bar = 0` (zero terminal SNR): from the last finite
        index on, the OU time is infinite
    code : what makes it, for `repr`; None where that would be long
    """

    tau_is = "an index"

    def __init__(self, logs: Floats, ends_in_noise: bool, name: str, code: str | None = None):
        self.logs = logs
        self.ends_in_noise = ends_in_noise
        self.name = name
        self.code = code
        self.last = float(len(logs) - 1 + ends_in_noise)

    def __repr__(self) -> str:
        if self.code is not None:
            return self.code
        end = ", zero terminal SNR" if self.ends_in_noise else ""
        return f"{self.name}(N={self.last + 1:g}{end}, t from {self.t_min:.5g} to {self.t_max:.5g})"

    @property
    def t_min(self) -> float:
        return self._first_t

    @property
    def t_max(self) -> float:
        return self._last_t

    @cached_property
    def _first_t(self) -> float:
        return float(ou_time_of(np, self.logs[:1])[0])

    @cached_property
    def _last_t(self) -> float:
        return float(ou_time_of(np, self.logs[-1:])[0])

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        table, top = self._entries(xp, tau), len(self.logs) - 1
        finite = xp.clip(tau, 0, top)
        below = xp.clip(xp.floor(finite), 0, top - 1)
        index = below.astype(np.intp) if xp is np else below.long()
        logs = table[index] + (finite - below) * (table[index + 1] - table[index])
        t = ou_time_of(xp, logs)
        return xp.where(tau > top, xp.full_like(t, float("inf")), t)

    def _time_at(self, xp: Any, t: Any) -> Any:
        table, top = self._entries(xp, t), len(self.logs) - 1
        infinite = t == float("inf")
        finite = xp.where(infinite, xp.ones_like(t), t)
        logs = log_sigma(xp, finite)
        above = xp.clip(xp.searchsorted(table, logs.detach() if is_tensor(logs) else logs), 1, top)
        low, high = table[above - 1], table[above]
        tau = within(xp, above - 1 + (logs - low) / (high - low), 0, top)
        missed = xp.abs(logs) + finite / -xp.expm1(-2 * finite)  # dt / dlog sigma = 1 - e^{-2t}
        tau = _snapped(xp, tau, _SHORT * missed / (high - low))
        return xp.where(infinite, xp.full_like(tau, top + 1), tau)

    def _entries(self, xp: Any, like: Any) -> Any:
        """The table as an array of `xp`."""
        return self.logs if xp is np else xp.as_tensor(self.logs, dtype=like.dtype, device=like.device)


def _snapped(xp: Any, tau: Any, missed: Any) -> Any:
    """An index that rounding has missed, exactly: networks that take whole steps round down. Its derivative is kept."""
    gap = xp.round(tau) - tau
    gap = gap if xp is np else gap.detach()
    near = xp.abs(gap) <= xp.maximum(missed, _MISSED * xp.finfo(tau.dtype).eps * (1 + tau))
    return tau + xp.where(near, gap, xp.zeros_like(gap))


def from_alphas_cumprod(alphas_cumprod: Any) -> Table:
    """The schedule of a list of `alpha_bar`, shape (N,), as `scheduler.alphas_cumprod` of diffusers. proofs/N1.md.

    `tau` is the index, from 0 to N - 1, the timestep that diffusers hands to the network; between two indices log sigma
    is linear. Where the last is 0 (zero terminal SNR), the OU time is infinite beyond the index before it, and `t_max`
    is that of the index before it.

    Raises
    ------
    InputError : no list of at least two strictly falling numbers in (0, 1), of which only the last may be 0.

    >>> import certflow as cf
    >>> s = cf.schedules.from_alphas_cumprod([0.9, 0.5, 0.0])
    >>> s.ou_time([0, 1, 2]).round(6).tolist(), float(s.time_at(s.ou_time(0.25)).round(12))
    ([0.05268, 0.346574, inf], 0.25)
    """
    alphas = checked(alphas_cumprod)
    ends = bool(alphas[-1] == 0)
    finite = alphas[:-1] if ends else alphas
    code = f"cf.schedules.from_alphas_cumprod({alphas.tolist()!r})" if alphas.size <= _MOST_SHOWN else None
    return Table((np.log1p(-finite) - np.log(finite)) / 2, ends, "from_alphas_cumprod", code)


def checked(alphas_cumprod: Any) -> Floats:
    """The numbers of `scheduler.alphas_cumprod`, tensors too, as float64; errors as `from_alphas_cumprod` has them."""
    values = alphas_cumprod.detach().cpu() if is_tensor(alphas_cumprod) else alphas_cumprod
    alphas = float_array(values, "alphas_cumprod")
    if alphas.ndim != 1 or alphas.size < 2:
        raise InputError("alphas_cumprod", f"shape {alphas.shape}", "shape (N,), N >= 2")
    required = "strictly falling numbers in (0, 1), of which only the last may be 0, two of them positive"
    good = (alphas > 0) & (alphas < 1) & np.concatenate([[True], np.diff(alphas) < 0])
    good[-1] |= alphas[-1] == 0 and alphas.size > 2
    if not good.all():
        at = int(np.argmin(good))
        shown = f"{alphas[at]:.6g} after {alphas[at - 1]:.6g}" if at else float(alphas[at])
        raise InputError(f"alphas_cumprod[{at}]", shown, required)
    return alphas


def scaled_linear(beta_start: Any = 0.00085, beta_end: Any = 0.012, steps: Any = 1000) -> Table:
    """`alpha_bar_n = prod_{i <= n} (1 - beta_i)`, `sqrt(beta)` rising linearly: Stable Diffusion's training steps.

    `tau` is the index, from 0 to `steps` - 1, as in `from_alphas_cumprod`. proofs/N1.md; Rombach et al. 2022.

    Raises
    ------
    InputError : numbers that are not `0 < beta_start <= beta_end < 1`, or fewer than two steps.

    >>> import certflow as cf
    >>> cf.schedules.scaled_linear()
    cf.schedules.scaled_linear(beta_start=0.00085, beta_end=0.012, steps=1000)
    """
    start = real_number(beta_start, "beta_start", "a number in (0, 1)", lambda value: 0 < value < 1)
    required = f"a number in [beta_start, 1) = [{start:g}, 1)"
    end = real_number(beta_end, "beta_end", required, lambda value: start <= value < 1)
    count = whole_number(steps, "steps", 2, 1_000_000)
    log_alphas = np.cumsum(np.log1p(-(np.linspace(start**0.5, end**0.5, count) ** 2)))
    code = f"cf.schedules.scaled_linear(beta_start={start!r}, beta_end={end!r}, steps={count!r})"
    return Table((np.log(-np.expm1(log_alphas)) - log_alphas) / 2, False, "scaled_linear", code)
