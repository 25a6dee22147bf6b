"""The figures that `certflow grid` shows beside the nodes, in float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from certflow.errors import NoGlobalBound
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.entropic import entropy_rate
from certflow.grids.kinds.typical import TABLE, typical_rate
from certflow.grids.rates import RateCurve, log_times
from certflow.grids.registry import KINDS
from certflow.numbers.arrays import Floats, Times
from certflow.process import OrnsteinUhlenbeck

COLUMNS, SAMPLES = 68, 512


@dataclass(frozen=True)
class Table:
    """What belongs to the nodes and segments of a grid; empty where there is no global bound (proofs/L8.md).

    exponents : `int lambda` of each segment; integrals, name, meaning : those of another rate, if that is what the
    grid balances; uniform : the largest exponent with nodes uniform in `t`; curve_* : for the plot
    """

    sigmas: tuple[float, ...]
    exponents: tuple[float, ...]
    integrals: tuple[float, ...]
    name: str
    meaning: str
    uniform: float | None
    curve_times: tuple[float, ...]
    curve_bound: tuple[float, ...]
    curve_typical: tuple[float, ...]

    def columns(self, times: Times) -> list[int]:
        """Where times lie among the columns of the plot."""
        low, high = np.log(self.curve_times[0]), np.log(self.curve_times[-1])
        places = (np.log(times) - low) / (high - low) * (len(self.curve_times) - 1)
        return [int(place) for place in np.rint(places)]

    def rows(self, grid: TimeGrid) -> list[dict[str, Any]]:
        """One mapping for each node; that of node `k` holds the integrals of the segment from `t_{k-1}` to `t_k`."""
        rows: list[dict[str, Any]] = []
        for k, (t, sigma, ratio) in enumerate(zip(grid.times, self.sigmas, grid.half_log_snr, strict=True)):
            row = {"k": k, "t": float(t), "sigma": sigma if isfinite(sigma) else None, "half_log_snr": float(ratio)}
            if self.exponents:
                row["stability_one_sided"] = self.exponents[k - 1] if k else None
            if self.integrals:
                row["balanced"] = self.integrals[k - 1] if k else None
            rows.append(row)
        return rows


def tabulated(grid: TimeGrid, process: OrnsteinUhlenbeck) -> Table:
    """The table of a grid of this process."""
    later, earlier = grid.times[:-1], grid.times[1:]
    curve_times = log_times(process, COLUMNS)
    exponents: Floats | tuple[float, ...] = ()
    bound: Floats | tuple[float, ...] = ()
    uniform = None
    try:
        exponents = process.stability(earlier, later)
        bound = process.growth_rate_bound(curve_times)
        if process.mixture.kind == "common-isotropic":
            even = np.linspace(process.t_max, process.t_min, grid.segments + 1)
            uniform = float(process.stability(even[1:], even[:-1]).max())
    except NoGlobalBound:
        pass
    integrals, name, meaning = _balanced(grid, process)
    with np.errstate(over="ignore"):
        sigmas = grid.sigmas
    return Table(
        _floats(sigmas),
        _floats(exponents),
        _floats(integrals),
        name,
        meaning,
        uniform,
        _floats(curve_times),
        _floats(bound),
        _floats(typical_rate(process, curve_times, samples=SAMPLES)),
    )


def _balanced(grid: TimeGrid, process: OrnsteinUhlenbeck) -> tuple[Floats | tuple[float, ...], str, str]:
    """The integrals that the grid makes equal, if they are not those of `lambda`."""
    later, earlier = grid.times[:-1], grid.times[1:]
    rate = grid.options.get("rate")
    options: dict[str, Any] = {}
    if grid.kind in ("typical", "entropic"):  # one that a search kept does not name its options: they are the defaults
        kind = KINDS[grid.kind]
        rate = rate or kind.rates[0]
        options = {name: grid.options.get(name, kind.options[name].default) for name in ("samples", "seed")}
    if grid.kind == "typical":
        times = log_times(process, TABLE)
        curve = RateCurve(times, typical_rate(process, times, str(rate), **options))
        frobenius = rate == "frobenius"
        norm = "root mean square of its Frobenius norm" if frobenius else "mean of its spectral norm"
        return (
            -np.diff(curve.cumulative(grid.times)),
            "∫‖∇u‖_F" if frobenius else "∫‖∇u‖₂",
            f"the integral of a typical size of the Jacobian, the {norm}",
        )
    if grid.kind == "entropic":
        times = log_times(process, TABLE)
        curve = RateCurve(times, entropy_rate(process, times, str(rate), **options))
        name, scaled = ("ΔH", "") if rate == "entropy" else ("∫σdH", ", weighted by σ")
        return (
            -np.diff(curve.cumulative(grid.times)),
            name,
            f"by how much the segment lowers the entropy of the data given the point, in nats{scaled}",
        )
    if rate == "two-sided":
        return process.stability(earlier, later, rate="two-sided"), "∫L", "the integral of the two-sided bound L"
    if rate == "sharp":
        from certflow.grids.kinds.sharp_table import sharp_curve

        values = -np.diff(sharp_curve(process).cumulative(grid.times))
        return values, "∫λ*", "the integral of the sharp rate λ* where it is positive"
    return (), "", ""


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(map(float, values))
