"""How much faster score and Jacobian are on two threads than on one, guard on, beside a loop that shares nothing.

    python benchmarks/field_cores.py [KIND ...]

Wall time: this is a benchmark for a machine that does nothing else, with two cores. In a round one thread and two
threads take turns, a few calls each after one that is not timed; a round's gain is the least time of one over the least
time of two, so that both had the same moment; told are the median of the rounds and the quartiles. The first row is a
compiled loop that shares nothing: what the machine can give.
"""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = "2"  # before the libraries that read it are imported

import threading
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from measure import KINDS, TIME, field_cases, mixture, noised_points, report, verdict
from threadpoolctl import threadpool_limits

import certflow as cf

TARGET = ">= 1.7"
ROUNDS, CALLS = 21, 4


def main() -> None:
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    compare(rows, numbers, "a loop of additions and products", loops, "")
    for kind, quantity, size, count, dimension in field_cases(sys.argv[1:] or KINDS):
        law = mixture(kind, count, dimension)
        call, x = getattr(cf.OrnsteinUhlenbeck(law), quantity), noised_points(law, TIME, size)
        target = TARGET if quantity == "score" and kind == "common-isotropic" else ""
        name = f"{quantity} {kind} N={size} K={count} d={dimension}"
        compare(rows, numbers, name, lambda _, call=call, x=x: call(x, TIME), target)
    report("field_cores", "Two threads beside one, float64", rows, numbers, 2)


def compare(rows: Any, numbers: Any, name: str, call: Callable[[int], Any], target: str) -> None:
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for threads, times in seconds.items():
            with threadpool_limits(threads):
                call(threads)
                for _ in range(CALLS):
                    start = time.perf_counter()
                    call(threads)
                    times.append(time.perf_counter() - start)
    least = {threads: np.reshape(times, (ROUNDS, CALLS)).min(axis=1) for threads, times in seconds.items()}
    low, gain, high = np.quantile(least[1] / least[2], (0.25, 0.5, 0.75)).tolist()
    rows.append(
        {
            "case": name,
            "one ms": f"{min(seconds[1]) * 1e3:.3g}",
            "two ms": f"{min(seconds[2]) * 1e3:.3g}",
            "gain (quartiles)": f"{gain:.2f} ({low:.2f} to {high:.2f})",
            "target": target or "-",
            "": verdict(gain, target),
        }
    )
    numbers.append({"case": name, "seconds": seconds, "gain": gain})


@numba.njit(nogil=True)
def _loop(a: np.ndarray, times: int) -> None:
    for _ in range(times):
        for i in range(len(a)):
            a[i] = a[i] * 0.999 + 0.5


def loops(threads: int) -> None:
    """The same work by one thread, or one half by each of two."""
    parts = [threading.Thread(target=_loop, args=(np.ones(1024), 200_000 // threads)) for _ in range(threads)]
    for part in parts:
        part.start()
    for part in parts:
        part.join()


if __name__ == "__main__":
    main()
