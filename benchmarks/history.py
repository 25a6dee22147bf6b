"""A record of speed: ratios of CPU time to a fixed peer, appended to a file, drawn, and held against those before.

    python benchmarks/history.py [--check]

Each run appends a line to `results/history.jsonl` and draws `results/history.svg`. With `--check` it exits with 1 where
a case takes 20 % more than the median of the last ten runs on such a machine. The peer is arithmetic of NumPy of the
same size, written here and never changed, so that machines and other work matter little.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from measure import RESULTS, interleaved, mixture, noised_points
from threadpoolctl import threadpool_limits

import certflow as cf

TIME, ROUNDS, LOSS, KEPT = 0.3, 15, 1.2, 10

#: Kind of covariance, quantity, points, components, dimensions.
CASES = (
    ("common-isotropic", "score", 100_000, 8, 2),
    ("common-isotropic", "score", 10_000, 64, 64),
    ("isotropic", "jacobian", 50_000, 8, 2),
    ("shared", "score", 100_000, 8, 2),
    ("full", "score", 50_000, 8, 2),
    ("common-isotropic", "score", 1, 2, 2),
    ("full", "jacobian", 1, 2, 2),
)


def main() -> None:
    threadpool_limits(1)
    path = RESULTS / "history.jsonl"
    before = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    entry = {**circumstances(), "ratios": {name(*case): ratio(*case) for case in CASES}}
    lost = losses(entry, before)
    for case, value in entry["ratios"].items():
        print(f"{case:45} {value:8.3f}" + (f"   {lost[case]:.2f} times as before" if case in lost else ""))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    draw([*before, entry], RESULTS / "history.svg")
    if lost and "--check" in sys.argv:
        sys.exit(1)


def name(kind: str, quantity: str, n: int, count: int, dimension: int) -> str:
    return f"{quantity} {kind} N={n} K={count} d={dimension}"


def circumstances() -> dict[str, str]:
    """When, of which commit, where, with what."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    ).stdout.strip()
    try:
        import numba

        compiler = numba.__version__
    except ImportError:
        compiler = "none"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "numpy": np.__version__,
        "numba": compiler,
    }


def ratio(kind: str, quantity: str, n: int, count: int, dimension: int) -> float:
    """The least CPU time of certflow over the least of the peer, in rounds in which both run once."""
    law = mixture(kind, count, dimension)
    x = noised_points(law, TIME, n)
    call = getattr(cf.OrnsteinUhlenbeck(law), quantity)
    times = 1 if n > 1 else 200
    functions: dict[str, Callable[[], Any]] = {
        "certflow": lambda: [call(x, TIME) for _ in range(times)],
        "peer": lambda: [peer(x, law.means) for _ in range(times)],
    }
    seconds = interleaved(functions, ROUNDS, time.process_time)
    return round(min(seconds["certflow"]) / min(seconds["peer"]), 4)


def peer(x: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Two products with an exponential between them; not to be changed."""
    weights = np.exp(x @ means.T * 1e-3)
    return weights @ means


def losses(entry: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, float]:
    """The cases that take more than LOSS times the median of the last runs on such a machine, and how many times."""
    found = {}
    for case, value in entry["ratios"].items():
        known = [
            other["ratios"][case]
            for other in before
            if case in other["ratios"] and all(other[key] == entry[key] for key in ("machine", "numba"))
        ][-KEPT:]
        if known and value > LOSS * median(known):
            found[case] = value / median(known)
    return found


def draw(entries: list[dict[str, Any]], path: Path) -> None:
    """A line for each case over the runs."""
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for case in entries[-1]["ratios"]:
        runs = [(i, entry["ratios"][case]) for i, entry in enumerate(entries) if case in entry["ratios"]]
        axes.plot(*zip(*runs, strict=True), marker="o", label=case)
    axes.set(yscale="log", ylabel="CPU time over that of the peer", xticks=range(len(entries)))
    axes.set_xticklabels([f"{entry['date'][:10]}\n{entry['commit']}" for entry in entries], fontsize=7)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path)


if __name__ == "__main__":
    main()
