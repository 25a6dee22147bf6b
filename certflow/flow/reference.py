"""The reference flow map `Phi_{t_from -> t_to}` of the probability-flow ODE, in both directions.

proofs/notation.md, S3. The equation `dx/dt = u(x, t)` is integrated by extrapolation (`certflow.flow.extrapolation`)
in the time of `certflow.flow.clock`, twice or more, each time with a smaller tolerance, until two successive
runs agree; a trajectory for which float64 does not suffice (next to a separatrix its rounding errors are
amplified, F1) is run again with more digits. So `rtol` is a requirement on the result and not on single
steps. The error is estimated, not enclosed: a rigorous box is the business of a validated flow.
"""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import AccuracyWarning, InputError
from certflow.flow.runs import Runs, solve
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import Process
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.numbers.exact import check_plain, exact_number
from certflow.numbers.inputs import is_followed

__all__ = ["DEFAULT_RTOL", "AccuracyWarning", "flow_map", "flow_with_derivative", "trajectories"]

#: Default relative tolerance of float64 and torch; for mpmath input it means the precision in force.
DEFAULT_RTOL = 1e-10

#: Smallest relative tolerance that float64 results can be asked for.
FLOAT_RTOL_MIN = 5e-14

#: Later times are no float64 numbers.
_LATEST = Fraction(10) ** 308


def flow_map(
    process: Process, x: Any, t_from: Any, t_to: Any, rtol: Any = DEFAULT_RTOL, with_error: bool = False
) -> Any:
    """`Phi_{t_from -> t_to}(x)`: the solution at `t_to` of `dx/dt = u(x, t)` that is at `x` at `t_from`.

    Parameters
    ----------
    process : an `OrnsteinUhlenbeck` (its `mixture` is used; times outside [t_min, t_max] are allowed)
    x : shape (..., d): numbers, NumPy, torch (differentiable in `x`) or an object array of mpmath `mpf`
    t_from, t_to : two times > 0 in either order; text and fractions are exact, floats the numbers they are
    rtol : the estimated error of every point is at most `rtol (|Phi| + sqrt(v))` in the maximum norm, `v =
        1 - (1-s) e^{-2 t_to}`, `s` the smaller of 1/2 and the smallest eigenvalue of any covariance: the
        size of the point plus the width of the narrowest component. The estimate includes what the flow makes
        of earlier errors. In [5e-14, 1). For mpmath any `rtol` in [10^-dps, 1), and the default stands for
        `10^(5 - dps)`. torch computes in float64 and rounds to the dtype of `x`
    with_error : return also the estimate of the error, shape (...), in the maximum norm

    Returns
    -------
    Shape (..., d), of the kind, dtype and device of `x`; with the error, a pair.

    Raises
    ------
    InputError : a bad shape, number, time or tolerance; Arb or SymPy numbers.
    IntegrationError : the flow contracts too fast for an explicit method (towards the noise end, from a point
        between two modes many of their widths apart).

    Warns
    -----
    AccuracyWarning : a point did not reach `rtol` (unless `with_error`). Source: proofs/notation.md, S3, F1.
    """
    problem, runs = _solved(process, x, (t_from, t_to), ("t_from", "t_to"), rtol)
    result = problem.restore(runs.states[-1], (problem.dimension,))
    if not with_error:
        problem.warn(runs)
        return result
    return result, problem.restore_errors(runs.errors[-1])


def flow_with_derivative(process: Process, x: Any, t_from: Any, t_to: Any, rtol: Any = DEFAULT_RTOL) -> tuple[Any, Any]:
    """`(Phi(x), D Phi(x))` by the variational equation `dM/dt = J(x(t), t) M`, `M(t_from) = I`.

    Parameters, errors and warnings as for `flow_map`; NumPy and mpmath only (torch differentiates
    `flow_map`). Each column of `D Phi` satisfies `rtol` relative to its own size. Returns shapes (..., d) and
    (..., d, d). Source: proofs/S4.md, F1, F3.
    """
    problem = _Problem(process, x, (t_from, t_to), ("t_from", "t_to"), rtol)
    if problem.arithmetic.name == "torch":
        raise InputError("x", "a torch tensor", "NumPy or mpmath numbers (differentiate flow_map instead)")
    runs = problem.solve(derivative=True)
    problem.warn(runs)
    d = problem.dimension
    state = runs.states[-1]
    return problem.restore(state[:, :d], (d,)), problem.restore(state[:, d:], (d, d))


def trajectories(process: Process, x: Any, times: Any, rtol: Any = DEFAULT_RTOL) -> Any:
    """`Phi_{times[0] -> times[i]}(x)` for every `i`; shape (T, ..., d).

    times : shape (T,), T >= 1, strictly increasing or strictly decreasing; the rest as for `flow_map`.
    """
    check_plain(times, "times")
    try:
        listed = list(np.asarray(times, dtype=object).reshape(-1)) if np.ndim(times) == 1 else []
    except (ValueError, RuntimeError):  # ragged; tensors with a graph
        listed = []
    if not listed:
        raise InputError("times", times, "a list of one or more times > 0")
    names = tuple(f"times[{i}]" for i in range(len(listed)))
    problem = _Problem(process, x, tuple(listed), names, rtol)
    signs = {(b > a) - (b < a) for a, b in zip(problem.times, problem.times[1:], strict=False)}
    if len(signs | {0}) > 2 or 0 in signs:
        raise InputError("times", times, "strictly increasing or strictly decreasing times")
    runs = problem.solve(derivative=False)
    problem.warn(runs)
    parts = [problem.restore(state, (problem.dimension,)) for state in runs.states]
    if problem.arithmetic.name == "torch":
        import torch

        return torch.stack(parts)
    return np.stack(parts)


def _solved(process: Process, x: Any, *rest: Any) -> tuple[_Problem, Runs]:
    """The problem and its runs, outside of what torch compiles: the steps depend on the data."""

    def solve() -> tuple[_Problem, Runs]:
        problem = _Problem(process, x, *rest)
        return problem, problem.solve(derivative=False)

    found: tuple[_Problem, Runs] = arithmetic_of(x, fields=("x",)).eagerly(solve)
    return found


class _Problem:
    """Validated input of a flow map, and the way back from flat states (N, D) to the form of `x`."""

    def __init__(self, process: Process, x: Any, times: tuple[Any, ...], names: tuple[str, ...], rtol: Any):
        self.mixture: GaussianMixture = process.mixture
        self.dimension = self.mixture.dimension
        self.given = x
        self.arithmetic: Arithmetic = arithmetic_of(x, fields=("x",))
        kind = self.arithmetic.name
        if kind in ("arb", "sympy"):
            raise InputError("x", f"{kind} numbers", "float64, torch or mpmath numbers: the flow map is numerical")
        self.points = self.arithmetic.read(x, "x")
        if not len(self.points.shape) or self.points.shape[-1] != self.dimension:
            raise InputError("x", f"shape {tuple(self.points.shape)}", f"shape (..., {self.dimension})")
        self.batch = tuple(self.points.shape[:-1])
        _check_finite(self.points, self.arithmetic)
        self.times = [_time(value, name) for value, name in zip(times, names, strict=True)]
        self.rtol = self._tolerance(rtol)

    def _tolerance(self, rtol: Any) -> Fraction:
        digits = self.arithmetic.mp.dps if self.arithmetic.name == "mpmath" else None  # type: ignore[attr-defined]
        if digits is None:
            low, text = Fraction(FLOAT_RTOL_MIN), f"a number in [{FLOAT_RTOL_MIN:g}, 1)"
        else:
            low, text = (
                Fraction(1, 10**digits),
                f"a number in [1e-{digits}, 1): mpmath works with {digits} digits",
            )
        value = exact_number(rtol, "rtol")
        if digits is not None and value == Fraction(DEFAULT_RTOL):
            return Fraction(1, 10 ** max(digits - 5, 1))
        if not low * Fraction(999, 1000) <= value < 1:  # a float rtol may be just below 10^-dps
            raise InputError("rtol", rtol, text)
        return value

    def solve(self, derivative: bool) -> Runs:
        flat = self.points.reshape((-1, self.dimension))
        return solve(self.mixture, self.arithmetic, flat, self.times, self.rtol, derivative)

    def restore(self, state: Any, tail: tuple[int, ...]) -> Any:
        result = self.arithmetic.finish(state).reshape(self.batch + tail)
        dtype = getattr(self.given, "dtype", None)
        if self.arithmetic.name == "torch":
            return result.to(dtype)
        if dtype in (np.float32, np.float16):
            return result.astype(dtype)
        return result

    def restore_errors(self, errors: Any) -> Any:
        if self.arithmetic.name == "torch":
            import torch

            return torch.as_tensor(errors, dtype=self.points.dtype, device=self.points.device).reshape(self.batch)
        result = self.arithmetic.finish(errors).reshape(self.batch)
        return result if self.batch else result[()]

    def warn(self, runs: Runs) -> None:
        worst = max((float(part.max()) for part in runs.relative_errors if part.size), default=0.0)
        allowed = float(self.rtol)
        if worst > allowed * (1 + 1e-6):
            count = sum(bool(row) for row in np.any([part > allowed for part in runs.relative_errors], axis=0))
            message = f"{count} of {len(runs.relative_errors[0])} trajectories miss rtol = {float(self.rtol):.3g}"
            warnings.warn(f"{message}; worst estimated error {worst:.3g}", AccuracyWarning, stacklevel=3)


def _time(value: Any, name: str) -> Fraction:
    requirement = "one finite time > 0"
    if is_followed(value):
        raise InputError(name, "a tensor that requires grad", requirement + " (the flow is differentiable in x)")
    check_plain(value, name, requirement)
    if isinstance(value, list | tuple) or np.ndim(value) or type(value).__module__.startswith("flint"):
        raise InputError(name, value, requirement)
    if not isinstance(value, np.generic) and hasattr(value, "item"):
        value = value.item()
    exact = exact_number(value, name)
    if exact <= 0 or (not isinstance(value, str) and value <= 0):
        raise InputError(name, value, requirement)
    if exact > _LATEST:
        raise InputError(name, value, f"{requirement}, at most 1e308")
    return exact


def _check_finite(points: Any, arithmetic: Arithmetic) -> None:
    if arithmetic.name == "torch":
        finite = points.detach().isfinite()
        found = arithmetic.known(finite)
        if found is None:
            raise InputError(
                "x", "a tensor inside vmap", "a batch of points, shape (..., d): steps depend on the values"
            )
        if not found:
            raise InputError("x", float(points.detach()[~finite][0]), "finite numbers")
        return
    for entry in points.flat if points.dtype == object else points[~np.isfinite(points)][:1]:
        if not -np.inf < entry < np.inf:
            raise InputError("x", float(entry), "finite numbers")
