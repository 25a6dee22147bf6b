"""Time and error of the reference flow map beside SciPy's DOP853 and mpmath's odefun.

    python benchmarks/flow_accuracy.py

Every error is measured against the exact map of one dimension, `F_to^{-1}(F_from(x))`, at 30 digits or
more; in `two-modes` it gives the first coordinate, and the second is one Gaussian.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf
from scipy.integrate import solve_ivp

import certflow as cf
from certflow.flow.reference import flow_map

START, END = 3, "0.01"


def exact_map(x: Any, variance: str, digits: int) -> Any:
    """`F_end^{-1}(F_start(x))` for two equal modes at -1 and 1, by bisection and Newton's method."""
    with mp.workdps(digits + 10):
        x, variance = mpf(x), mpf(variance)

        def tail(y: Any, t: Any) -> tuple[Any, Any]:
            m = mp.exp(-t)
            deviation = mp.sqrt(variance * m * m - mp.expm1(-2 * t))
            z = [(y - m * mean) / deviation for mean in (-1, 1)]
            above = sum(mp.erfc(part / mp.sqrt(2)) for part in z) / 4
            return above, sum(mp.npdf(part) for part in z) / (2 * deviation)

        size = abs(x)
        target, _ = tail(size, mpf(START))
        low, high = mpf(0), size + 100
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, mpf(END))[0] > target else (low, middle)
        y = (low + high) / 2
        for _ in range(8):
            above, density = tail(y, mpf(END))
            y += mp.log(above / target) * above / density
        return y if x >= 0 else -y


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def row(name: str, seconds: float, error: Any, estimate: Any = None) -> None:
    told = "" if estimate is None else f"   estimated {mp.nstr(mpf(estimate), 2)}"
    print(f"  {name:<38}{seconds:9.3f} s   error {mp.nstr(mpf(error), 2):>9}{told}")


def float_comparison(count: int, seed: int = 0) -> None:
    """`two-modes`, d = 2: `count` points at once (DOP853: one system of all points, its tolerance 1e-12)."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    x = np.random.default_rng(seed).normal(size=(count, 2))
    sample = np.arange(min(count, 20))
    exact = np.array([float(exact_map(x[i, 0], "0.04", 30)) for i in sample])
    end = float(END)
    process.flow(x[:1], START, end)  # first use: imports, converted parameters
    print(f"two-modes, {count} points, t = {START} -> {END}")
    for rtol in (1e-6, 1e-10, 1e-13):
        (result, error), seconds = timed(
            lambda r=rtol: flow_map(process, x, START, end, rtol=r, with_error=True)  # type: ignore[misc]
        )
        worst = np.abs(result[sample, 0] - exact).max()
        row(f"certflow, rtol {rtol:g}", seconds, worst, error[sample].max())

    def velocity(t: float, state: np.ndarray) -> np.ndarray:
        return process.velocity(state.reshape(x.shape), t).reshape(-1)

    for rtol in (1e-10, 1e-12):
        solution, seconds = timed(
            lambda r=rtol: solve_ivp(velocity, (START, end), x.reshape(-1), "DOP853", rtol=r, atol=r)  # type: ignore[misc]
        )
        last = solution.y[:, -1].reshape(x.shape)
        row(f"SciPy DOP853, rtol {rtol:g}", seconds, np.abs(last[sample, 0] - exact).max())


def precise_comparison() -> None:
    """Two modes on a line, sigma = 0.2, one point."""
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], "0.04"))
    print(f"two modes on a line, one point, t = {START} -> {END}")
    for digits in (15, 30, 50, 100):
        with mp.workdps(digits):
            x = np.array([mpf("0.3")], dtype=object)
            (result, error), seconds = timed(lambda x=x: flow_map(process, x, START, END, with_error=True))  # type: ignore[misc]
            row(f"certflow, {digits} digits", seconds, abs(result[0] - exact_map(x[0], "0.04", digits)), error)
    with mp.workdps(15):
        x = np.array([mpf("0.3")], dtype=object)
        last = START - mpf(END)

        def slope(s: Any, y: list[Any]) -> list[Any]:
            return [-process.velocity(np.array(y, dtype=object), START - s)[0]]

        value, seconds = timed(lambda: mpmath.odefun(slope, 0, [x[0]])(last))
        row("mpmath odefun, 15 digits", seconds, abs(value[0] - exact_map(x[0], "0.04", 15)))


if __name__ == "__main__":
    float_comparison(1)
    float_comparison(1000)
    precise_comparison()
