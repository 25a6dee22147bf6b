"""Runs of the integrator with smaller and smaller tolerances, until successive ones agree.

The difference of two runs is the estimate of the error: it contains the truncation of every step and the
rounding errors, as the flow has amplified both by the end (proofs/F1.md). Successive runs differ in order too,
lest they take the same steps and make the same error. The first run starts one tolerance away: its difference
over that tolerance is the trajectory's amplification, and every estimate allows for some local errors of the
tolerated size, so amplified.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.flow.clock import FlowEquation
from certflow.flow.extrapolation import Integrator, floats, midpoints, order_for
from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import precision_ceiling
from certflow.numbers.arithmetic import Arithmetic, FloatArithmetic
from certflow.numbers.arrays import Floats, Points
from certflow.numbers.floats import UNIT
from certflow.numbers.precision import ball_precision

#: Spacing of float64 numbers at one.
EPSILON = 2 * UNIT

#: What the rounding of some tens of steps is taken to contribute at least.
_ROUNDING = 32 * EPSILON
#: Smallest local tolerance of float64 steps; below it rounding rules.
_FLOAT_FLOOR = 2e-15
#: Numbers in one state of a chunk of float64 trajectories.
_CHUNK_NUMBERS = 2**14
#: Precision at which a result that asks for more digits is given up.
_DIGITS_LIMIT = 4000


@dataclass
class Runs:
    """States at every stop, (N, D) each; estimated errors of `x`, absolute and relative, (N,) each."""

    states: list[Any]
    errors: list[Any]
    relative_errors: list[Floats]


def solve(
    mixture: GaussianMixture,
    arithmetic: Arithmetic,
    x: Any,
    times: list[Fraction],
    rtol: Fraction,
    derivative: bool,
) -> Runs:
    """Trajectories from `x` (N, d) at `times[0]`, with their states at all `times`."""
    if arithmetic.name == "mpmath":
        return _solve_mpmath(mixture, arithmetic, x, times, rtol, derivative)
    if arithmetic.name == "torch":
        return _solve_torch(mixture, x, times, float(rtol))
    size = mixture.dimension * (1 + mixture.dimension * derivative)
    rows = max(1, _CHUNK_NUMBERS // size)
    parts = [
        _solve_float(mixture, x[start : start + rows], times, float(rtol), derivative)
        for start in range(0, max(len(x), 1), rows)
    ]
    return Runs(
        *(
            [np.concatenate(stops) for stops in zip(*(getattr(part, name) for part in parts), strict=True)]
            for name in ("states", "errors", "relative_errors")
        )
    )


def _run(equation: FlowEquation, x: Any, tolerance: Any, columns: int) -> list[Any]:
    integrator = Integrator(equation, tolerance, columns)
    state = equation.initial(x)
    states = [state]
    for start, end in zip(equation.stops, equation.stops[1:], strict=False):
        states.append(integrator.integrate(states[-1], start, end))
    return states


def _differences(equation: FlowEquation, new: list[Any], old: list[Any]) -> list[Any]:
    pairs = zip(new, old, equation.stops, strict=True)
    return [equation.relative(a - b, a, tau) for a, b, tau in pairs]


def _solve_float(mixture: GaussianMixture, x: Points, times: list[Fraction], rtol: float, derivative: bool) -> Runs:
    equation = FlowEquation(mixture, FloatArithmetic(), times, derivative)
    rows = np.arange(len(x))
    tolerance = max(rtol / 30, _FLOAT_FLOOR)
    columns = order_for(tolerance)
    previous = _run(equation, _perturbed(equation, x, tolerance), tolerance, columns)
    amplification = None
    states = [np.array(state) for state in previous]
    relative = [np.full(len(x), np.inf) for _ in times]
    while len(rows):
        tolerance = max(tolerance / 30, _FLOAT_FLOOR)
        columns = max(columns + 1, order_for(tolerance))
        current = _run(equation, x[rows], tolerance, columns)
        differences = _differences(equation, current, previous)
        if amplification is None:
            amplification = np.max(differences, axis=0) / max(rtol / 30, _FLOAT_FLOOR)
        floor = _floor(tolerance, amplification)
        for k, (state, difference) in enumerate(zip(current, differences, strict=True)):
            states[k][rows], relative[k][rows] = state, difference + floor
        worst = np.max(differences, axis=0) + floor
        missing = ~(worst <= max(rtol, _floor(_FLOAT_FLOOR)))
        if tolerance == _FLOAT_FLOOR or not missing.any():
            rows = rows[missing]
            break
        tolerance *= min(1.0, float(rtol / np.median(worst[missing])))
        rows, amplification = rows[missing], amplification[missing]
        previous = [state[missing] for state in current]
    if len(rows):
        from certflow.numbers.balls import ArbArithmetic

        precise = _solve_arb(mixture, ArbArithmetic(), x[rows], times, Fraction(rtol) / 100, derivative)
        for k in range(len(times)):
            states[k][rows] = precise.states[k].astype(np.float64)
            relative[k][rows] = precise.relative_errors[k] + EPSILON
    errors = [
        difference * _scale(equation, state, tau)
        for difference, state, tau in zip(relative, states, equation.stops, strict=True)
    ]
    states[0][:, : mixture.dimension] = x
    return Runs(states, errors, relative)


def _floor(tolerance: float, amplification: Any = 1.0) -> Any:
    """What two runs that agree by chance may hide: rounding, and some local errors of the tolerated size."""
    return _ROUNDING + 4 * tolerance * np.maximum(amplification, 4.0)


def _perturbed(equation: FlowEquation, x: Any, amount: Any) -> Any:
    """`x` moved by at most `amount` of `|x| + sqrt(v)` along a direction without symmetry."""
    direction = np.cos(1 + 2.4 * np.arange(x.shape[1]))
    direction = equation.arithmetic.asarray(direction / np.abs(direction).max())
    return midpoints(x + direction * (_scale(equation, x, equation.stops[0]) * amount)[:, None])


def _scale(equation: FlowEquation, state: Any, tau: Any) -> Any:
    x = state[:, : equation.mixture.dimension]
    return equation.arithmetic.largest(abs(x)) + equation.clock.width(tau)


def _solve_torch(mixture: GaussianMixture, x: Any, times: list[Fraction], rtol: float) -> Runs:
    """The flow of tensors in float64 on their device; poor values are replaced, their graphs are kept."""
    import torch

    from certflow.numbers.tensors import TorchArithmetic

    points = x.to(torch.float64)
    equation = FlowEquation(mixture, TorchArithmetic(torch.float64, x.device), times, False)
    tolerance = max(rtol / 30, _FLOAT_FLOOR)
    columns = order_for(tolerance)
    previous = _run(equation, _perturbed(equation, points.detach(), tolerance), tolerance, columns)
    tolerance = max(tolerance / 30, _FLOAT_FLOOR)
    states = _run(equation, points, tolerance, max(columns + 1, order_for(tolerance)))
    differences = _differences(equation, [state.detach() for state in states], previous)
    relative = [floats(part) + _floor(tolerance) for part in differences]
    scales = [_scale(equation, state.detach(), tau) for state, tau in zip(states, equation.stops, strict=True)]
    errors = [part * floats(scale) for part, scale in zip(relative, scales, strict=True)]
    rows = np.flatnonzero(np.max(relative, axis=0) > max(rtol, _floor(_FLOAT_FLOOR)))
    if len(rows):
        better = _solve_float(mixture, floats(points)[rows], times, rtol, False)
        index = torch.as_tensor(rows, device=x.device)
        for k, state in enumerate(states):
            correction = torch.as_tensor(better.states[k], device=x.device) - state.detach()[index]
            states[k] = state.index_add(0, index, correction)
            relative[k][rows], errors[k][rows] = better.relative_errors[k], better.errors[k]
    return Runs(states, errors, relative)


def _solve_mpmath(
    mixture: GaussianMixture, arithmetic: Any, x: Any, times: list[Fraction], rtol: Fraction, derivative: bool
) -> Runs:
    """The flow of mpmath numbers, computed with the midpoints of Arb numbers (several times faster)."""
    from certflow.numbers.balls import ArbArithmetic

    mp = arithmetic.mp
    runs = _solve_arb(mixture, ArbArithmetic(), _exact(x), times, rtol, derivative)
    states = [arithmetic._map(lambda ball: _to_mpmath(mp, ball), state) for state in runs.states]
    states[0][:, : mixture.dimension] = x
    errors = [arithmetic._map(lambda ball: _to_mpmath(mp, ball), part) for part in runs.errors]
    return Runs(states, errors, runs.relative_errors)


def _exact(x: Points) -> Floats:
    """mpmath numbers as fractions, exactly."""
    from mpmath.libmp import to_rational

    result = np.empty(x.shape, dtype=object)
    for index in np.ndindex(x.shape):
        number: Any = +x[index]  # (constants such as mp.pi become numbers)
        result[index] = Fraction(*(int(part) for part in to_rational(number._mpf_)))
    return result


def _solve_arb(
    mixture: GaussianMixture, arithmetic: Any, x: Any, times: list[Fraction], rtol: Fraction, derivative: bool
) -> Runs:
    """Any precision: tolerance and working precision follow the amplification that the runs reveal."""
    reach = float(max((abs(entry) for entry in x.flat), default=0)) + float(np.abs(mixture.means).max()) + 1
    peak = float(precision_ceiling(mixture, np.array([max(float(min(times)), 1e-300)]))[0]) * min(reach, 1e150) ** 2
    guard = 30 + max(0, int(np.log2(min(peak, 1e300))))
    tolerance, previous, amplification, columns = rtol / 30, None, None, 0
    while True:
        tolerance = tolerance / 30
        digits = len(str(int(1 / tolerance)))
        with ball_precision(int(3.33 * digits) + 2 * digits // 3 + guard):
            equation = FlowEquation(mixture, arithmetic, times, derivative)
            points = midpoints(arithmetic._map(arithmetic.scalar, x))
            if previous is None:
                columns = order_for(30 * tolerance)
                start = _perturbed(equation, points, arithmetic.number(30 * tolerance))
                previous = _run(equation, start, arithmetic.number(30 * tolerance), columns)
            columns = max(columns + 1, order_for(tolerance))
            current = _run(equation, points, arithmetic.number(tolerance), columns)
            differences = _differences(equation, current, previous)
            if amplification is None:
                largest = [max(entries, key=float) for entries in zip(*differences, strict=True)]
                amplification = np.array([float(entry / arithmetic.number(30 * tolerance)) for entry in largest])
            hidden = arithmetic.number(4 * tolerance) * np.maximum(amplification, 4.0).astype(object)
            differences = [part + hidden for part in differences]
            errors = [
                part * _scale(equation, state, tau)
                for part, state, tau in zip(differences, current, equation.stops, strict=True)
            ]
            worst = max((float(entry) for part in differences for entry in part), default=0.0)
            if worst <= float(rtol) or digits > _DIGITS_LIMIT or not np.isfinite(worst):
                relative = [part.astype(np.float64) for part in differences]
                return Runs(current, errors, relative)
            previous = current
            tolerance *= min(Fraction(1), rtol / Fraction(worst))


def _to_mpmath(mp: Any, ball: Any) -> Any:
    """The midpoint, rounded to the precision in force."""
    mantissa, exponent = ball.mid().man_exp()
    return mp.ldexp(mp.mpf(int(mantissa)), int(exponent))
