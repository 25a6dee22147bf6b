"""Noise schedules in closed form: EDM, flow matching, variance preserving, cosine, OU itself (proofs/N1.md).

Their `repr` is code, where `import certflow as cf` went before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from certflow.numbers.inputs import real_number
from certflow.schedules.schedule import Schedule, noise_factor, within

#: The noise levels of EDM (Karras et al. 2022, table 1).
EDM_SIGMAS = (0.002, 80.0)
#: A flow and a cosine are trained at so many steps: their finite levels lie between the first and the last but one.
STEPS = 1000


@dataclass(frozen=True)
class EDM(Schedule):
    """`a = 1`, `b = tau`: `tau` is sigma; `t = log(1 + tau^2) / 2`."""

    last = math.inf
    tau_is = "a noise level sigma"

    def __repr__(self) -> str:
        return "cf.schedules.edm()"

    @property
    def t_min(self) -> float:
        return float(self.ou_time(EDM_SIGMAS[0]))

    @property
    def t_max(self) -> float:
        return float(self.ou_time(EDM_SIGMAS[1]))

    def _inside(self, tau: Any) -> Any:
        return (tau >= 0) & (tau < math.inf)

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        large, one = tau >= 1, xp.ones_like(tau)
        larger, smaller = xp.where(large, tau, one), xp.where(large, one, tau)
        return xp.log(larger) + xp.log1p((smaller / larger) ** 2) / 2

    def _time_at(self, xp: Any, t: Any) -> Any:
        return xp.exp(t) * noise_factor(xp, t)

    def _scale_at(self, xp: Any, t: Any) -> Any:
        return xp.exp(t)

    def _a(self, xp: Any, tau: Any) -> Any:
        return xp.ones_like(tau)

    def _b(self, xp: Any, tau: Any) -> Any:
        return tau


@dataclass(frozen=True)
class FlowMatching(Schedule):
    """`a = 1 - tau`, `b = tau`: `tau` is the shifted sigma of the libraries, `tau = 1` is noise."""

    shift: float = 1.0
    ends_in_noise = True

    def __repr__(self) -> str:
        return f"cf.schedules.flow_matching(shift={self.shift!r})"

    @property
    def t_min(self) -> float:
        return float(self.ou_time(self._shifted(1 / STEPS)))

    @property
    def t_max(self) -> float:
        return float(self.ou_time(self._shifted(1 - 1 / STEPS)))

    def _shifted(self, tau: float) -> float:
        return self.shift * tau / (1 + (self.shift - 1) * tau)

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        return xp.log1p((tau / (1 - tau)) ** 2) / 2

    def _time_at(self, xp: Any, t: Any) -> Any:
        return 1 / (1 + xp.exp(-t) / noise_factor(xp, t))

    def _scale_at(self, xp: Any, t: Any) -> Any:
        return 1 / (xp.exp(-t) + noise_factor(xp, t))  # a + b = 1

    def _a(self, xp: Any, tau: Any) -> Any:
        return 1 - tau

    def _b(self, xp: Any, tau: Any) -> Any:
        return tau


@dataclass(frozen=True)
class VariancePreserving(Schedule):
    """`a^2 = exp(-int_0^tau beta)`, `b^2 = 1 - a^2`, `beta = beta_min + tau (beta_max - beta_min)`, `tau` in [0, 1]."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __repr__(self) -> str:
        return f"cf.schedules.variance_preserving(beta_min={self.beta_min!r}, beta_max={self.beta_max!r})"

    @property
    def t_min(self) -> float:
        return float(self.ou_time(1 / STEPS))

    @property
    def t_max(self) -> float:
        return float(self.ou_time(1.0))

    @property
    def _last_t(self) -> float:
        return self.t_max

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        return tau * (self.beta_min + tau * ((self.beta_max - self.beta_min) / 2)) / 2

    def _time_at(self, xp: Any, t: Any) -> Any:
        slope = self.beta_max - self.beta_min
        tau = 4 * t / (self.beta_min + xp.sqrt(self.beta_min**2 + 4 * slope * t))
        return within(xp, tau, 0, 1)


@dataclass(frozen=True)
class Cosine(Schedule):
    """`a = cos(theta) / cos(theta_0)`, `theta = (tau + offset) / (1 + offset) pi/2`, `b^2 = 1 - a^2`, `tau` in [0, 1].

    Written with `delta = theta - theta_0`, so that no digits are lost at either end.
    """

    offset: float = 0.008
    ends_in_noise = True

    def __repr__(self) -> str:
        return f"cf.schedules.cosine(offset={self.offset!r})"

    @property
    def t_min(self) -> float:
        return float(self.ou_time(1 / STEPS))

    @property
    def t_max(self) -> float:
        return float(self.ou_time(1 - 1 / STEPS))

    @cached_property
    def _start(self) -> tuple[float, float, float]:
        """`theta_0`, its sine and its cosine."""
        angle = self.offset / (1 + self.offset) * math.pi / 2
        return angle, math.sin(angle), math.cos(angle)

    @property
    def _speed(self) -> float:
        return math.pi / 2 / (1 + self.offset)

    def _a(self, xp: Any, tau: Any) -> Any:
        return xp.sin((1 - tau) * self._speed) / self._start[2]

    def _b(self, xp: Any, tau: Any) -> Any:
        return xp.sqrt(self._b_squared(xp, tau))

    def _b_squared(self, xp: Any, tau: Any) -> Any:
        """Without a root, which has no derivative at `tau = 0`."""
        angle, _, cosine = self._start
        delta = tau * self._speed
        return xp.sin(delta) * xp.sin(delta + 2 * angle) / cosine**2

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        return xp.log1p(self._b_squared(xp, tau) / self._a(xp, tau) ** 2) / 2

    def _time_at(self, xp: Any, t: Any) -> Any:
        _, sine, cosine = self._start
        m, variance = xp.exp(-t), -xp.expm1(-2 * t)
        root = xp.sqrt(sine**2 + variance * cosine**2)  # sin theta
        total = root + m * sine
        rise = xp.where(total > 0, cosine * variance / xp.where(total > 0, total, xp.ones_like(total)), total)
        return within(xp, xp.arctan2(rise, m * cosine**2 + root * sine) / self._speed, 0, 1)


@dataclass(frozen=True)
class OrnsteinUhlenbeckTime(Schedule):
    """`a = e^{-tau}`, `b = sqrt(1 - e^{-2 tau})`: `tau` is the OU time itself."""

    last = math.inf
    tau_is = "an OU time"

    def __repr__(self) -> str:
        return "cf.schedules.ornstein_uhlenbeck()"

    @property
    def t_min(self) -> float:
        return 0.01

    @property
    def t_max(self) -> float:
        return 3.0

    def _inside(self, tau: Any) -> Any:
        return (tau >= 0) & (tau < math.inf)

    def _ou_time(self, xp: Any, tau: Any) -> Any:
        return tau

    def _time_at(self, xp: Any, t: Any) -> Any:
        return t


def edm() -> EDM:
    """`x = x_0 + tau z`: `tau` is sigma, and `t = log(1 + tau^2) / 2`. proofs/N1.md; Karras et al. 2022.

    t_min, t_max : those of sigma = 0.002 and 80; any finite sigma is a time of it.

    >>> import certflow as cf
    >>> s = cf.schedules.edm()
    >>> float(s.ou_time(1)), s.time_at(s.ou_time([0.002, 80])).round(12).tolist()
    (0.34657359027997264, [0.002, 80.0])
    """
    return EDM()


def flow_matching(shift: Any = 1.0) -> FlowMatching:
    """`x = (1 - tau) x_0 + tau z`, `tau` in [0, 1], whatever the shift. proofs/N1.md; Lipman et al. 2023.

    `tau` is the shifted sigma, `tau = shift u / (1 + (shift - 1) u)` of an unshifted time `u`: what libraries hand to
    the network, times 1000. So the shift says only which levels training uses: `u` from 1/1000 to 999/1000 give
    `t_min` and `t_max`. The OU time of `tau = 1` is infinite.

    Raises
    ------
    InputError : a shift that is not a finite number > 0.

    >>> import certflow as cf
    >>> s = cf.schedules.flow_matching(shift=3)
    >>> float(s.a(0.25)), float(s.b(0.25)), float(s.ou_time(1))
    (0.75, 0.25, inf)
    """
    return FlowMatching(real_number(shift, "shift", "a finite number > 0", lambda value: 0 < value < math.inf))


def variance_preserving(beta_min: Any = 0.1, beta_max: Any = 20.0) -> VariancePreserving:
    """`a^2 = exp(-int_0^tau beta)`, `beta` rising linearly, `tau` in [0, 1]; `t = int_0^tau beta / 2`. proofs/N1.md.

    The noising of Song et al. 2021, the limit of DDPM's linear betas. t_min, t_max : those of `tau` = 1/1000 and 1.

    Raises
    ------
    InputError : numbers that are not `0 < beta_min <= beta_max`.

    >>> import certflow as cf
    >>> s = cf.schedules.variance_preserving()
    >>> round(float(s.ou_time(1)), 12), round(float(s.time_at(5.025)), 12)
    (5.025, 1.0)
    """
    low = real_number(beta_min, "beta_min", "a finite number > 0", lambda value: 0 < value < math.inf)
    required = f"a finite number >= beta_min = {low:g}"
    return VariancePreserving(low, real_number(beta_max, "beta_max", required, lambda value: low <= value < math.inf))


def cosine(offset: Any = 0.008) -> Cosine:
    """`a = cos((tau + offset) / (1 + offset) pi/2) / cos(offset / (1 + offset) pi/2)`. proofs/N1.md.

    `tau` in [0, 1]; Nichol and Dhariwal 2021. t_min, t_max : those of `tau` = 1/1000 and 999/1000; the OU time of
    `tau = 1` is infinite. The table of diffusers' `squaredcos_cap_v2` is `from_alphas_cumprod`.

    Raises
    ------
    InputError : an offset that is not in [0, 1).

    >>> import certflow as cf
    >>> s = cf.schedules.cosine()
    >>> round(float(s.a(0.5)), 6), round(float(s.time_at(s.ou_time(0.5))), 12)
    (0.70274, 0.5)
    """
    return Cosine(real_number(offset, "offset", "a number in [0, 1)", lambda value: 0 <= value < 1))


def ornstein_uhlenbeck() -> OrnsteinUhlenbeckTime:
    """`x = e^{-tau} x_0 + sqrt(1 - e^{-2 tau}) z`: `tau` is the OU time. proofs/N1.md.

    t_min, t_max : 0.01 and 3, those of `OrnsteinUhlenbeck`.

    >>> import certflow as cf
    >>> float(cf.schedules.ornstein_uhlenbeck().ou_time(0.5))
    0.5
    """
    return OrnsteinUhlenbeckTime()
