"""Time and width of rigorous integrals over time, by closed form and by quadrature of typed expressions.

    python benchmarks/integrals.py

Two modes at -1 and 1; `int lambda`, `int L` and `int 1/v^2` over [0.01, 3] and [0, 3], to a relative width of 1e-25.
A quadrature of a rate is the sum over its pieces. The goal is 50 ms for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from typing import Any

from measure import report, verdict

import certflow as cf
from certflow.enclosure.expressions import Exp, Variable
from certflow.enclosure.integrals import integrate, rate_pieces, stability

DIGITS = 25
VARIANCES = ("0.25", "1e-2", "1e-4", "1e-6", "1e-8")
REPETITIONS = 5
TARGET = "<= 50"


def routes(process: cf.OrnsteinUhlenbeck, start: str) -> dict[tuple[str, str], Callable[[], list[Any]]]:
    """By integrand and method: the enclosures whose sum is the integral from `start` to 3."""
    c = 1 - process.mixture.exact_covariances.fractions[()]
    square = (1 / (1 - c * Exp(-2 * Variable()))) ** 2
    table: dict[tuple[str, str], Callable[[], list[Any]]] = {}
    for rate, name in (("one-sided", "lambda"), ("two-sided", "L")):
        table[name, "closed form"] = lambda rate=rate: [stability(process, start, 3, rate, DIGITS)]  # type: ignore[misc]
        table[name, "quadrature"] = lambda rate=rate: [  # type: ignore[misc]
            integrate(*piece, DIGITS) for piece in rate_pieces(process, start, 3, rate)
        ]
    table["1/v^2", "quadrature"] = lambda: [integrate(square, start, 3, DIGITS)]
    return table


def measured(function: Callable[[], list[Any]]) -> tuple[list[Any], float]:
    """Enclosures, and the median of the times in milliseconds."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        parts = function()
        times.append(1000 * (time.perf_counter() - start))
    return parts, median(times)


def main() -> None:
    rows, numbers = [], []
    for variance in VARIANCES:
        process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1"], ["1"]], variance))
        for start in ("0.01", "0"):
            for (integrand, method), function in routes(process, start).items():
                parts, milliseconds = measured(function)
                lower = sum((part.lower for part in parts), Fraction(0))
                width = float(sum(part.width for part in parts) / lower)
                met = verdict(milliseconds, TARGET) if width <= 10.0**-DIGITS else "not met"
                case = {"variance": variance, "interval": f"[{start}, 3]", "integrand": integrand, "method": method}
                facts = {"value": float(lower), "relative_width": width, "milliseconds": milliseconds, "verdict": met}
                numbers.append({**case, **facts})
                rows.append(
                    {
                        **case,
                        "value": f"{float(lower):.6g}",
                        "relative width": f"{width:.1e}",
                        "ms": f"{milliseconds:.2f}",
                        f"{TARGET} ms": met,
                    }
                )
    report("integrals", "rigorous integrals over time", rows, numbers)


if __name__ == "__main__":
    main()
