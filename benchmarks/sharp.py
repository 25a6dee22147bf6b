"""Time and width of sharp rates (proofs/L5.md): one time, and the exponent of a whole run.

    python benchmarks/sharp.py

Goals: relative gap 1e-9 within 1 s for `d <= 2`, `K <= 14`; 1e-6 within 10 s for `d = 3`, `K <= 12`; the exponent
`int lambda*` from t = 3 to 0.01 at sigma = 0.1 to a relative 1e-3 within 30 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from measure import limit_threads, report, verdict

import certflow as cf
from certflow.enclosure.suprema.exponent import sharp_stability
from certflow.enclosure.suprema.sharp import sharp_rate

VARIANCE = "0.01"
RATIOS = (0.2, 1, 5, 20)
#: family, dimension, number of means
PLANE = [("normal", d, count) for d, count in ((1, 5), (1, 9), (1, 14), (2, 5), (2, 9), (2, 14))]
PLANE += [("antipodal", 2, count) for count in (4, 6, 8, 14)]
SPACE = [("normal", 3, 8), *[("antipodal", 3, count) for count in (6, 8, 10, 12)]]


def random_mixture(family: str, d: int, count: int, seed: int = 0) -> cf.GaussianMixture:
    """Means of three decimals, weights between 0.1 and 1.

    "normal": standard normal means; "antipodal": unit vectors and their opposites, moved by 0.1 (the longest distances
    then run through the inside, and Popoviciu's bound is not sharp).
    """
    rng = np.random.default_rng([seed, d, count, 5])
    means = rng.normal(size=(count, d))
    if family == "antipodal":
        half = means[: count // 2] / np.linalg.norm(means[: count // 2], axis=1)[:, None]
        means = np.concatenate([half, -half]) + 0.1 * rng.normal(size=(count, d))
    shares = [int(share) for share in rng.integers(100, 1000, count)]
    weights = [f"{share}/{sum(shares)}" for share in shares]
    return cf.GaussianMixture(weights, [[f"{v:.3f}" for v in row] for row in means], VARIANCE)


def time_of(r: float) -> str:
    """The time at which `m^2/(2v) = r`, to 12 digits."""
    return f"{np.log(1 / (2 * r) + 1 - float(VARIANCE)) / 2:.12g}"


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def rates(
    shapes: list[tuple[str, int, int]], gap: str, limit: float
) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Table rows by shape, and all runs: every shape at every `r`."""
    rows, numbers = [], []
    for family, d, count in shapes:
        runs = []
        for r in RATIOS:
            process = cf.OrnsteinUhlenbeck(random_mixture(family, d, count))
            found, seconds = timed(lambda p=process, r=r: sharp_rate(p, time_of(r), gap=gap, seconds=2 * limit))  # type: ignore[misc]
            runs.append(
                {
                    "family": family,
                    "d": d,
                    "K": count,
                    "r": r,
                    "seconds": seconds,
                    "gap": found.relative_gap,
                    "complete": found.complete,
                    "leaves": found.leaves,
                    "lower": str(found.lower),
                    "upper": str(found.upper),
                }
            )
        numbers += runs
        rows.append(row(f"{family}, d = {d}, K = {count}", gap, runs, limit))
    rows.append(row("all", gap, numbers, limit))
    return rows, numbers


def row(case: str, gap: str, runs: list[dict[str, Any]], limit: float) -> dict[str, str]:
    seconds = [run["seconds"] for run in runs]
    reached = sum(run["complete"] for run in runs)
    target = f"<= {limit:g}"
    return {
        "case": case,
        "gap": gap,
        "reached": f"{reached} of {len(runs)}",
        "widest": f"{max(run['gap'] for run in runs):.1e}",
        "median s": f"{median(seconds):.2f}",
        "worst s": f"{max(seconds):.2f}",
        "leaves, panels": f"{max(run['leaves'] for run in runs)}",
        "exponent": "-",
        "Popoviciu": "-",
        "target s": target,
        "verdict": verdict(max(seconds), target) if reached == len(runs) else "not met",
    }


def exponents() -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """`int_{0.01}^3 lambda*` beside Popoviciu's closed form."""
    lines = {
        "-2, 0, 2": ["-2", "0", "2"],
        "-2, 0.3, 2": ["-2", "0.3", "2"],
        "-2, -1, 0, 1, 2": ["-2", "-1", "0", "1", "2"],
    }
    mixtures = {
        name: cf.GaussianMixture([f"1/{len(means)}"] * len(means), [[v] for v in means], VARIANCE)
        for name, means in lines.items()
    }
    for name in ("random-5", "ring-8", "grid-4x4"):
        given = cf.load_mixture(name)
        mixtures[name] = cf.GaussianMixture(given.exact_weights.fractions, given.exact_means.fractions, VARIANCE)
    rows, numbers = [], []
    for name, mixture in mixtures.items():
        process = cf.OrnsteinUhlenbeck(mixture)
        found, seconds = timed(lambda p=process: sharp_stability(p, "0.01", 3, gap="1e-3", seconds=60.0))  # type: ignore[misc]
        target = "<= 30"
        rows.append(
            {
                "case": f"exponent, {name}",
                "gap": "1e-3",
                "reached": f"{int(found.complete)} of 1",
                "widest": f"{found.relative_gap:.1e}",
                "median s": f"{seconds:.2f}",
                "worst s": f"{seconds:.2f}",
                "leaves, panels": f"{found.panels}",
                "exponent": f"{found:.5}",
                "Popoviciu": f"{float(found.popoviciu):.3f}",
                "target s": target,
                "verdict": verdict(seconds, target) if found.complete else "not met",
            }
        )
        numbers.append(
            {
                "mixture": name,
                "lower": str(found.lower),
                "upper": str(found.upper),
                "popoviciu": str(found.popoviciu),
                "gap": found.relative_gap,
                "complete": found.complete,
                "panels": found.panels,
                "seconds": seconds,
            }
        )
    return rows, numbers


def main() -> None:
    limit_threads()
    plane, plane_numbers = rates(PLANE, "1e-9", 1.0)
    space, space_numbers = rates(SPACE, "1e-6", 10.0)
    rows, numbers = exponents()
    title = "sharp one-sided rate at one time; its exponent from t = 3 to 0.01 at sigma = 0.1"
    report("sharp", title, plane + space + rows, plane_numbers + space_numbers + numbers)


if __name__ == "__main__":
    main()
