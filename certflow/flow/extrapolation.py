"""Gragg-Bulirsch-Stoer extrapolation for batches of trajectories, in any arithmetic.

The modified midpoint rule with `n` substeps has an error expansion in even powers of `H/n` (Gragg, *SIAM J.
Numer. Anal.* 2, 1965), so its values for `n = 2, 4, ..., 2k` extrapolate to a step of order `2k` (Bulirsch
and Stoer 1966; Hairer, Nørsett, Wanner, *Solving ODEs I*, II.9). Every coefficient is rational: the same code
serves float64, torch and numbers of any precision.

All trajectories of a batch take the same step, so that what depends on time alone is computed once; those
whose own error is too large for it, and only those, cross the same interval in smaller steps.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from certflow.errors import IntegrationError
from certflow.numbers.arithmetic import Arithmetic
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import has_memory, is_followed, is_tensor

#: A trajectory that asks for more steps than this is not integrated.
STEP_LIMIT = 20_000

#: Share of the trajectories that must accept a step, else all of them repeat it with a smaller one.
_QUORUM = 0.5
#: The next step is chosen so that about this share of the trajectories accepts it.
_TARGET = 0.9


class System(Protocol):
    """An ordinary differential equation `dy/dtau = rate(y, tau)` for a batch of states `y`, shape (N, D)."""

    arithmetic: Arithmetic

    def rate(self, state: Any, time: Any) -> Any:
        """`dy/dtau`, shape (N, D), at one time for all states."""

    def relative(self, error: Any, state: Any, time: Any) -> Any:
        """Size of an error (N, D) of a state (N, D) in units of the state's own size, shape (N,)."""


def order_for(tolerance: float | Fraction) -> int:
    """Number `k` of columns that makes steps of order `2k` cheapest at this tolerance."""
    digits = len(str(int(1 / Fraction(tolerance)))) - 1
    return max(3, round(0.5 * digits) + 1)


def extrapolated_step(system: System, state: Any, time: Any, step: Any, columns: int) -> tuple[Any, Any]:
    """One step: the increment of order `2k` over `[time, time + step]`, and its difference to order `2k - 2`.

    Increments, not states, are extrapolated: rounding is then relative to the increment.
    """
    number = system.arithmetic.number
    initial = system.rate(state, time)
    row: list[Any] = []
    for j in range(1, columns + 1):
        substeps = 2 * j
        width = step / substeps
        previous, current = 0, initial * width
        for i in range(1, substeps):
            within = number(Fraction(i, substeps))  # a time that several columns need is one number
            slope = system.rate(state + current, time + within * step)
            previous, current = current, previous + slope * (2 * width)
        extrapolated = [current]
        for i, older in enumerate(row, start=1):
            last = extrapolated[-1]
            weight = number(Fraction((j - i) ** 2, j**2 - (j - i) ** 2))  # 1 / ((n_j / n_{j-i})^2 - 1)
            extrapolated.append(last + (last - older) * weight)
        row = extrapolated
    return row[-1], row[-1] - row[-2]


class Integrator:
    """Adaptive integration of a batch with an error control of each trajectory by itself.

    A step is accepted by a trajectory if its estimated local error, by `system.relative`, is at most
    `tolerance`; `columns` is the `k` of `extrapolated_step`.
    """

    def __init__(self, system: System, tolerance: Any, columns: int):
        self.system = system
        self.tolerance = tolerance
        self.columns = columns
        self.exponent = -1.0 / (2 * self.columns - 1)
        self.steps = 0

    def integrate(self, state: Any, start: Any, end: Any) -> Any:
        """The states at time `end` of the trajectories that are at `state` (N, D) at time `start`."""
        if state.shape[0] == 0 or start == end:
            return state
        self.steps = 0
        return self._advance(state, start, end, _exact(end - start))

    def _advance(self, state: Any, start: Any, end: Any, step: Any) -> Any:
        time = start
        while time != end:
            pieces = max(1, int(np.ceil(float((end - time) / step) - 1e-3)))
            following = end if pieces == 1 else _exact(time + (step if pieces > 2 else (end - time) / 2))
            step = _exact(following - time)
            self._count(time, step)
            increment, excess = self._attempt(state, time, step)
            failed = np.flatnonzero(~(excess <= 1))
            factor = self._factor(float(np.quantile(excess, _TARGET, method="lower")))
            if len(failed) > (1 - _QUORUM) * len(excess):
                step = _exact(step * min(factor, 0.7))
                continue
            if len(failed):
                passed = np.flatnonzero(excess <= 1)
                smaller = _exact(step * min(0.5, self._factor(float(np.median(excess[failed])))))
                late = self._advance(state[failed], time, following, smaller)
                state = _join(state, passed, self._accepted(state, increment, passed, time, step), failed, late)
            else:
                state = self._accepted(state, increment, None, time, step)
            time = following
            step = _exact(step * factor)
        return state

    def _attempt(self, state: Any, time: Any, step: Any) -> tuple[Any, Floats]:
        """The increment, and the local error as a multiple of the tolerance, float64 of shape (N,)."""
        quiet = state.detach() if hasattr(state, "detach") else state
        with np.errstate(over="ignore", invalid="ignore"):  # a step far too long is refused below
            increment, error = extrapolated_step(self.system, quiet, time, step, self.columns)
            excess = floats(self.system.relative(error, quiet, time) / self.tolerance)
        return increment, np.where(np.isfinite(excess), excess, np.inf)

    def _accepted(self, state: Any, increment: Any, rows: Any, time: Any, step: Any) -> Any:
        """The new states of the accepted rows; for autograd the step is repeated with its graph.

        (A graph through refused steps would cost memory, and turn their overflows into NaN gradients.)
        """
        part = state if rows is None else state[rows]
        if is_followed(state):
            increment = extrapolated_step(self.system, part, time, step, self.columns)[0]
        elif rows is not None:
            increment = increment[rows]
        return midpoints(part + increment)

    def _factor(self, excess: float) -> float:
        if excess == np.inf:
            return 0.1
        return float(np.clip(0.85 * excess**self.exponent if excess > 0 else 4.0, 0.1, 4.0))

    def _count(self, time: Any, step: Any) -> None:
        self.steps += 1
        if self.steps > STEP_LIMIT or time + step == time:
            raise IntegrationError(
                f"a trajectory needs more than {STEP_LIMIT} steps: the flow contracts too fast there"
            )


def _exact(value: Any) -> Any:
    """A number without the radius that Arb attaches to it; other numbers are returned as they are."""
    return value.mid() if hasattr(value, "mid") else value


def midpoints(array: Any) -> Any:
    """Arb midpoints of an object array (the radii are no error bounds here, and would only grow).

    Any other array is returned as it is.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind != "O":
        return array
    return np.frompyfunc(_exact, 1, 1)(array)


def floats(values: Any) -> Floats:
    """float64 copy of numbers of any kind."""
    if not is_tensor(values):
        return np.asarray(values, dtype=np.float64)
    plain = values.detach().cpu()
    return np.array(plain.numpy() if has_memory(plain) else plain.tolist(), dtype=np.float64)


def _join(like: Any, first: Any, first_rows: Any, second: Any, second_rows: Any) -> Any:
    """One array from two parts with the given row numbers; differentiable for torch."""
    if hasattr(like, "detach"):
        import torch

        rows = torch.as_tensor(np.argsort(np.concatenate([first, second])), device=like.device)
        return torch.cat([first_rows, second_rows])[rows]
    result = np.empty(like.shape, dtype=like.dtype)
    result[first] = first_rows
    result[second] = second_rows
    return result
