"""Cost of one call for one point, of the error guard, and of a repaired row.

python benchmarks/field_latency.py [THREADS]
"""

from __future__ import annotations

from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
from measure import interleaved, limit_threads, mixture, noised_points, ratios, report, verdict

import certflow as cf
from certflow.field import guard
from certflow.field.fused import rows as fused

KINDS = ("common-isotropic", "isotropic", "shared", "full")
QUANTITIES = ("log_density", "responsibilities", "score", "velocity", "jacobian")


def main() -> None:
    limit_threads()
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    for kind in KINDS:
        single_point(rows, numbers, kind)
    for kind in KINDS:
        for quantity in ("score", "jacobian"):
            guard_share(rows, numbers, kind, quantity, 100_000, 8, 2)
    for kind in ("common-isotropic", "isotropic"):
        guard_share(rows, numbers, kind, "score", 10_000, 64, 64)
    for quantity in ("score", "jacobian"):
        repaired_row(rows, numbers, quantity)
    report("field_latency", "One point, the guard and a repaired row", rows, numbers)


def single_point(rows: Any, numbers: Any, kind: str) -> None:
    process = cf.OrnsteinUhlenbeck(mixture(kind, 2, 2))
    x = np.array([0.7, 0.2])
    functions = {quantity: (lambda q=quantity: getattr(process, q)(x, 0.3)) for quantity in QUANTITIES}
    seconds = interleaved(functions, 400)
    for quantity, values in seconds.items():
        micro = median(values) * 1e6
        row(rows, f"{quantity} {kind}, one point, K=2 d=2", f"{micro:.0f} us", "<= 30 us", verdict(micro, "<= 30"))
    numbers.append({"case": f"one point {kind}", "seconds": {k: median(v) for k, v in seconds.items()}})


def guard_share(rows: Any, numbers: Any, kind: str, quantity: str, n: int, k: int, d: int) -> None:
    law = mixture(kind, k, d)
    process = cf.OrnsteinUhlenbeck(law)
    x = noised_points(law, 0.3, n)
    call = getattr(process, quantity)

    def unguarded() -> Any:
        with guard_off():
            return call(x, 0.3)

    with by_numpy():
        seconds = interleaved({"with": lambda: call(x, 0.3), "without": unguarded}, 7)
        share = 1 - 1 / ratios(seconds["with"], seconds["without"])["median"]
        with counted() as count:
            call(x, 0.3)
    own = median(seconds["with"]) * 1e3
    text = f"{own:.3g} ms, guard {100 * share:.0f} %, rows repaired {100 * count[0] / n:.3g} %"
    row(rows, f"{quantity} {kind} N={n} K={k} d={d}", text, "-", "-")
    numbers.append({"case": f"{quantity} {kind} {n} {k} {d}", "guard_share": share, "repaired": count[0] / n})


def repaired_row(rows: Any, numbers: Any, quantity: str) -> None:
    law = cf.GaussianMixture(np.full(8, 1 / 8), 1000 * np.stack([np.arange(8), np.zeros(8)], axis=1), 0.01)
    process = cf.OrnsteinUhlenbeck(law)
    plain = cf.OrnsteinUhlenbeck(mixture("common-isotropic", 8, 2))
    calm = noised_points(plain.mixture, 1.0, 4_000)
    middle = np.exp(-0.01) * (law.means[0] + law.means[1]) / 2 + 1e-6 * np.random.default_rng(0).normal(size=calm.shape)
    call = getattr(process, quantity)
    with counted() as count:
        call(middle, 0.01)
    seconds = interleaved(
        {"repaired": lambda: call(middle, 0.01), "plain": lambda: getattr(plain, quantity)(calm, 1.0)}, 7
    )
    cost = ratios(seconds["repaired"], seconds["plain"])["median"]
    micro = median(seconds["repaired"]) / len(calm) * 1e6
    text = f"{micro:.3g} us a row, {cost:.3g} plain rows ({count[0]} of {len(calm)} repaired)"
    row(rows, f"{quantity}, a row at a tie of modes 1000 apart, K=8 d=2", text, "-", "-")
    numbers.append({"case": f"repaired row {quantity}", "ratio": cost, "microseconds": micro})


@contextmanager
def by_numpy() -> Any:
    """As without Numba: in the compiled formulas the guard cannot be told from the rest."""
    there = fused._is_there
    fused._is_there = lambda: False
    try:
        yield
    finally:
        fused._is_there = there


@contextmanager
def guard_off() -> Any:
    """Results as they come out of float64, for this measurement only."""
    doubtful = guard.doubtful_rows
    guard.doubtful_rows = lambda *arguments: np.empty(0, dtype=int)
    try:
        yield
    finally:
        guard.doubtful_rows = doubtful


@contextmanager
def counted() -> Any:
    """Counts the rows that are computed again."""
    repair, count = guard._repair_in_double_double, [0]

    def counting(mixture: Any, quantity: str, x: Any, t: Any, index: Any, values: Any) -> Any:
        count[0] += len(index)
        return repair(mixture, quantity, x, t, index, values)

    guard._repair_in_double_double = counting
    try:
        yield count
    finally:
        guard._repair_in_double_double = repair


def row(rows: Any, case: str, result: str, target: str, met: str) -> None:
    rows.append({"case": case, "result": result, "target": target, "": met})


if __name__ == "__main__":
    main()
