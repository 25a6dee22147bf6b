"""Errors of grids on common points: values, their ratios to the best usual grid, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from certflow.numbers.arrays import Floats

#: Resamples of the points, and the share of them that an interval holds.
RESAMPLES, LEVEL = 1000, 0.95
#: What is told of each grid.
NUMBERS = ("relative_mse", "low", "high", "ratio", "ratio_low", "ratio_high")


def compared(
    errors: Mapping[str, Floats], sizes: Floats, usual: Collection[str], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """For each grid `sum e_i / sum s_i` and its ratio to that of the best usual grid, with percentile intervals.

    The same points are drawn anew for all grids, so that ratios are compared point by point. Which usual grid is best
    is decided once, on the points themselves.

    Parameters
    ----------
    errors : `e_i = |Psi(x_i) - Phi(x_i)|^2` of each grid, shape (N,);  sizes : `s_i = |Phi(x_i)|^2`, shape (N,)
    usual : the names of grids of which the best is compared with; one of them at least has finite errors

    Returns
    -------
    For each grid `relative_mse`, `low`, `high`, `ratio`, `ratio_low`, `ratio_high`; None where an error is not finite.
    """
    finite = {name: error for name, error in errors.items() if np.isfinite(error).all()}
    table = np.array([*finite.values(), sizes]).T
    count = len(sizes)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    sums = np.concatenate([table.sum(0, keepdims=True), draws @ table])  # the first row is that of the points
    means = dict(zip(finite, (sums[:, :-1] / sums[:, -1:]).T, strict=True))
    best = min((name for name in finite if name in usual), key=lambda name: float(means[name][0]))
    found: dict[str, dict[str, float | None]] = {}
    for name in errors:
        if name not in means:
            found[name] = dict.fromkeys(NUMBERS)
            continue
        error, ratio = means[name], means[name] / means[best]
        values = [float(error[0]), *_interval(error[1:]), float(ratio[0]), *_interval(ratio[1:])]
        found[name] = dict(zip(NUMBERS, values, strict=True))
    return found


def _interval(draws: Floats) -> list[float]:
    ends: list[float] = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return ends
