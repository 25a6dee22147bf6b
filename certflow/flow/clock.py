"""The time in which the probability-flow ODE is smooth at both ends, and the equation in that time.

With `m = e^{-t}`, `s` the smaller of 1/2 and the smallest eigenvalue of any covariance, `g = sqrt(1 - s)`,

    tau = artanh(g m),    v = 1 - g^2 m^2 = 1 / cosh(tau)^2,    dx/dtau = -(2 / sinh(2 tau)) u(x, t).

`v` is the variance of the narrowest component. Near the data `dtau` is `-1/2 dv/v`: every scale of `v` takes
the same time, and a component of variance at most one contracts or expands at a rate of at most one. Near the
noise `tau` is `g m`, in which the flow is analytic up to `t = infinity`.
From `dt/dtau = -(1/m) v/g` and `g m = tanh(tau)`; `s` steers the time only, the flow does not depend on it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.field.components import Components, components_at
from certflow.flow.extrapolation import midpoints
from certflow.law.kept import Recent
from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import smallest_variance
from certflow.numbers.arithmetic import Arithmetic

#: Beyond this time the map is the identity to 1e-130: float64 works with the times no later than it.
LATEST_FLOAT_TIME = Fraction(300)

#: Times of which a float64 equation keeps what depends on time alone: those that two runs over one step share, as far
#: as this many numbers go.
_RECENT_TIMES, _RECENT_NUMBERS = 64, 2_000_000


class Clock:
    """`tau(t)`, `t(tau)` and `dt/dtau`, with Python floats, or with Arb numbers at the precision in force."""

    def __init__(self, mixture: GaussianMixture, precise: bool):
        self.precise = precise
        g = math.sqrt(max(1 - min(smallest_variance(mixture), 0.5), 0.5))
        self.g = self._number(Fraction(g))
        self.s = (1 - self.g) * (1 + self.g)
        self.c = self.g * self.g

    def _number(self, value: Fraction) -> Any:
        if not self.precise:
            return float(value)
        import flint

        return flint.arb(flint.fmpq(value.numerator, value.denominator))

    def _call(self, name: str, value: Any) -> Any:
        return getattr(value, name)() if self.precise else getattr(math, name)(value)

    def start(self, t: Fraction) -> Any:
        """`tau = artanh(g m)`, by `1 - g m = v / (1 + g m)` where `g m` is near one."""
        time = self._number(t if self.precise else min(t, LATEST_FLOAT_TIME))
        gm = self.g * self._call("exp", -time)
        if float(gm) < 0.5:
            tau = (self._call("log1p", gm) - self._call("log1p", -gm)) / 2
        else:
            variance = self.s * self._call("exp", -2 * time) - self._call("expm1", -2 * time)
            tau = self._call("log", (1 + gm) * (1 + gm) / variance) / 2
        return tau.mid() if self.precise else tau

    def time(self, tau: Any) -> Any:
        """`t`, by `m = tanh(tau) / g`, or by `1 - m^2 = (v - s) / c` where that is smaller."""
        e = self._call("exp", -2 * tau)
        if float(tau) < 0.5:
            return -self._call("log", -self._call("expm1", -2 * tau) / ((1 + e) * self.g))
        variance = 4 * e / ((1 + e) * (1 + e))
        return -self._call("log1p", -(variance - self.s) / self.c) / 2

    def rate(self, tau: Any) -> Any:
        """`dt/dtau = -2 / sinh(2 tau)`."""
        e = self._call("exp", -2 * tau)
        return 4 * e / ((1 + e) * self._call("expm1", -2 * tau))

    def width(self, tau: Any) -> Any:
        """`sqrt(v) = 1 / cosh(tau)`."""
        e = self._call("exp", -tau)
        return 2 * e / (1 + e * e)


class FlowEquation:
    """`dx/dtau = (dt/dtau) u(x, t)`, with `dM/dtau = (dt/dtau) J M` if the derivative is asked for.

    A state is (N, d), or (N, d + d^2) with the rows of `M` after `x`. Float64 fields are taken without their
    repair (`certflow.field.guard`): the repeated runs judge rounding by its effect on the result.
    """

    def __init__(self, mixture: GaussianMixture, arithmetic: Arithmetic, times: list[Fraction], derivative: bool):
        self.mixture = mixture
        self.arithmetic = arithmetic
        self.derivative = derivative
        self.precise = arithmetic.name == "arb"
        self.clock = Clock(mixture, self.precise)
        self.stops = [self.clock.start(t) for t in times]
        size = mixture.n_components * mixture.dimension**2
        self.recent: Recent[tuple[Components, Any]] = Recent(min(_RECENT_TIMES, max(1, _RECENT_NUMBERS // size)))
        self.bounds = [self.clock._number(t) for t in (min(times), max(times))]

    def rate(self, state: Any, tau: Any) -> Any:
        """`dy/dtau` at states (N, D) and one time."""
        d = self.mixture.dimension
        components, factor = self._at(tau)
        state = midpoints(state)
        x = state[:, :d]
        gamma, _ = self.arithmetic.softmax(components.logits(x))
        velocity = components.velocity(x, gamma)
        if not self.derivative:
            return velocity * factor
        matrices = state[:, d:].reshape((-1, d, d))
        turned = components.jacobian(x, gamma) @ matrices
        return np.concatenate([velocity, turned.reshape((-1, d * d))], axis=1) * factor

    def _at(self, tau: Any) -> tuple[Components, Any]:
        """What depends on time alone: the components, and `dt/dtau`. Float64 keeps those of the last times."""
        found = None if self.precise else self.recent.get(tau)
        if found is None:
            time = self.clock.time(tau)
            if self.precise:
                time = time.mid()
            time = min(max(time, self.bounds[0]), self.bounds[1])
            times = np.empty(1, dtype=object if self.precise else np.float64)
            times[0] = time
            components = components_at(self.mixture, self.arithmetic, self.arithmetic.asarray(times))
            found = components, self.clock.rate(tau)
            if not self.precise:
                self.recent.keep(tau, found)
        return found

    def initial(self, x: Any) -> Any:
        """The state with `M = I`."""
        if not self.derivative:
            return x
        d = self.mixture.dimension
        eye = self.arithmetic.eye(d).reshape((1, -1))
        return np.concatenate([x, np.broadcast_to(eye, (x.shape[0], d * d))], axis=1)

    def relative(self, error: Any, state: Any, tau: Any) -> Any:
        """`|error| / (|x| + sqrt(v))` in the maximum norm; for each column of `M` relative to that column."""
        largest = self.arithmetic.largest
        d = self.mixture.dimension
        ratio = largest(abs(error[:, :d])) / (largest(abs(state[:, :d])) + self.clock.width(tau))
        if not self.derivative:
            return ratio
        columns = [abs(part[:, d:].reshape((-1, d, d))).swapaxes(1, 2) for part in (error, state)]
        return self.arithmetic.maximum(ratio, largest(largest(columns[0]) / largest(columns[1])))
