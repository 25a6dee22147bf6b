"""Interleaved timings, tables and JSON files shared by the benchmarks."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_info, threadpool_limits

import certflow as cf

RESULTS = Path(__file__).parent / "results"


def limit_threads() -> None:
    """The same number of threads for every competitor: the first argument of the command line, else 1."""
    import torch

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    threadpool_limits(count)
    torch.set_num_threads(count)


def interleaved(
    functions: dict[str, Callable[[], Any]], repetitions: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each function: one warm-up, then `repetitions` rounds in which each runs once."""
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repetitions):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return seconds


def ratios(over: list[float], under: list[float]) -> dict[str, float]:
    """Median, smallest and largest of the ratios of the rounds."""
    values = [a / b for a, b in zip(over, under, strict=True)]
    return {"median": median(values), "min": min(values), "max": max(values)}


def mixture(kind: str, n_components: int, dimension: int, seed: int = 0) -> cf.GaussianMixture:
    """A random mixture with overlapping modes: means of size 2, variances between 0.05 and 0.5."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 1.5, n_components)
    means = 2 * rng.normal(size=(n_components, dimension))
    covariances: Any = 0.25
    if kind == "isotropic":
        covariances = rng.uniform(0.05, 0.5, n_components)
    if kind in ("shared", "full"):
        count = n_components if kind == "full" else 1
        factor = rng.normal(size=(count, dimension, dimension)) / np.sqrt(dimension)
        matrices = 0.3 * factor @ factor.swapaxes(-1, -2) + 0.1 * np.eye(dimension)
        matrices = (matrices + matrices.swapaxes(-1, -2)) / 2
        covariances = matrices if kind == "full" else matrices[0]
    return cf.GaussianMixture(weights / weights.sum(), means, covariances, name=kind)


#: The time at which fields are compared.
TIME = 0.3

#: Points, components, dimensions.
CASES = ((100_000, 8, 2), (1_000_000, 16, 2), (10_000, 64, 64), (10_000, 1_000, 64))
KINDS = ("common-isotropic", "isotropic", "shared", "full")


def field_cases(kinds: Iterable[str] = KINDS) -> Iterator[tuple[str, str, int, int, int]]:
    """Kind, quantity, points, components, dimension: fewer points where a call would take seconds."""
    for kind in kinds:
        for n, count, dimension in CASES:
            yield kind, "score", 200 if kind == "full" and count == 1_000 else n, count, dimension
            if count < 1_000:
                yield kind, "jacobian", min(n, 1_000 if dimension == 64 else 200_000), count, dimension


def noised_points(law: cf.GaussianMixture, t: float, count: int, seed: int = 1) -> np.ndarray:
    """Points of `p_t`."""
    noise = np.random.default_rng(seed).normal(size=(count, law.dimension))
    return np.exp(-t) * law.sample(count, seed=seed) + np.sqrt(-np.expm1(-2 * t)) * noise


def environment(threads: int = 0) -> dict[str, Any]:
    """Machine kind, thread counts (of the children, where they are given) and versions."""
    blas = threads or max((pool["num_threads"] for pool in threadpool_info()), default=1)
    import sklearn
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {gpu}",
        "blas_threads": blas,
        "torch_threads": threads or torch.get_num_threads(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
    }


def report(name: str, title: str, rows: list[dict[str, str]], numbers: Any, threads: int = 0) -> None:
    """Print the rows as a table and write rows and numbers to `results/<name>.json`."""
    facts = environment(threads)
    wide = None if sys.stdout.isatty() else 160
    console = Console(width=wide)
    table = Table(title=title)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*row.values())
    console.print(", ".join(f"{key} {value}" for key, value in facts.items()))
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    payload = {"environment": facts, "rows": rows, "numbers": numbers}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(payload, indent=1) + "\n", encoding="utf-8")


def verdict(value: float, target: str) -> str:
    """`met` or `not met` for a target such as ">= 50" or "<= 3"; "-" where there is none."""
    if not target:
        return "-"
    sign, _, number = target.partition(" ")
    return "met" if (value >= float(number) if sign == ">=" else value <= float(number)) else "not met"
