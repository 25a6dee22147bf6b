"""How errors of segments add up: the end-to-end error over sums of the amplified ones (proofs/E5.md).

    python benchmarks/coherence.py [NAME ...] [--jobs N] [--device cuda]

Two to ten minutes for each mixture on one core; writes results/coherence.json.

K = 8, every grid but the uniform one, 5 seeds: 20 for two cases that 5 left below the lower limit by less than two
standard errors. The coherent sum is `(sum_k sqrt(amplified_k))^2`, with the error of segment `k` made on the learned
path and carried to the data end by the flow ("path", which bounds the error), made on the exact path and carried by
the flow ("exact") or by its derivative `D_k` ("linear"); "first order" is `E|sum_k D_k xi_k|^2`, where errors cancel or
add up as they really point. Told are means over seeds of the ratio, and how many of all single ratios lie within the
limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from laboratory import GRIDS, SEGMENTS, Case, available, built_in, cases, collected, trained_otherwise

from certflow.composition.propagation import coherent_sum
from certflow.distill import run

RESULTS = Path(__file__).parent / "results" / "coherence.json"
LOW, HIGH = 0.4, 1.2
#: For each grid and kind of sum, the errors of the seeds and what they are held against.
Sums = dict[str, dict[str, dict[str, list[float]]]]


@dataclass(frozen=True)
class Against:
    """A sum, and the error measured on the same points."""

    error: str
    total: Callable[[dict[str, Any]], float]


def coherent(column: str) -> Against:
    return Against("end_to_end", lambda row: coherent_sum(row[column]))


SUMS = {
    "path": Against("end_to_end", lambda row: row["path_coherent"]),
    "exact": coherent("exact_amplified"),
    "linear": coherent("linear_amplified"),
    "first order": Against("relative_mse", lambda row: row["first_order"]),
}


def measured(case: Case, device: str) -> dict[str, Any]:
    """The errors of every grid, and the sums."""
    process = case.process
    start = time.perf_counter()
    labels = [label for label in available(process) if label != "uniform"]
    results = run(process, labels, [SEGMENTS], case.seeds, device, case.settings)
    rows = [row for row in results.rows if not row["diverged"]]

    def both(label: str, against: Against) -> dict[str, list[float]]:
        own = [row for row in rows if row["grid"] == label]
        return {"error": [row[against.error] for row in own], "sum": [against.total(row) for row in own]}

    return {
        "sums": {label: {kind: both(label, against) for kind, against in SUMS.items()} for label in results.grids()},
        "seconds": round(time.perf_counter() - start, 1),
        "device": results.setting["device"],
    }


def ratios(pairs: dict[str, list[float]]) -> list[float]:
    """The error over the sum, seed by seed."""
    return [error / total for error, total in zip(pairs["error"], pairs["sum"], strict=True)]


def main() -> None:
    entries = collected(RESULTS, every_case, measured, lambda entry: spans(entry["sums"]), __doc__ or "")
    content: dict[str, Sums] = {name: entry["sums"] for name, entry in entries.items()}
    usual = cases()
    every = {name: found for name, found in content.items() if name in usual}
    for title, entries in (("built-in mixtures", built_in(content)), ("all mixtures", every)):
        for kind in SUMS if entries else ():
            found = {f"{name} {label}": ratios(of[kind]) for name, e in entries.items() for label, of in e.items()}
            outside = [f"{key} {fmean(r):.2f}" for key, r in found.items() if not within(fmean(r))]
            single = [ratio for r in found.values() for ratio in r]
            share = sum(map(within, single)) / len(single)
            inside = f"{len(found) - len(outside)} of {len(found)} within [{LOW}, {HIGH}]"
            print(f"{title}, {kind}: {inside}, of single ones {share:.0%}", *outside, sep="; ")
    print("\n" + table(content))


def every_case() -> dict[str, Case]:
    return cases() | trained_otherwise()


def spans(found: Sums) -> str:
    """Smallest and largest ratio of each kind over the grids."""
    return ", ".join(f"{kind} {span}" for kind, span in _spans(found).items())


def table(content: dict[str, Any]) -> str:
    """Markdown: the spans over the grids of each mixture, and the ratio of some grids to the exact sum."""
    shown = [label for label in GRIDS if label.startswith(("logsnr", "score", "typical", "stability"))]
    head = ["mixture", *(f"{kind}, all grids" for kind in SUMS), *shown]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, found in content.items():
        cells = [f"{fmean(ratios(found[label]['exact'])):.2f}" if label in found else "–" for label in shown]
        lines.append("| " + " | ".join([name, *_spans(found).values(), *cells]) + " |")
    return "\n".join(lines)


def within(ratio: float) -> bool:
    return LOW <= ratio <= HIGH


def _spans(found: Sums) -> dict[str, str]:
    columns = {kind: [fmean(ratios(of[kind])) for of in found.values()] for kind in SUMS}
    return {kind: f"{min(column):.2f} to {max(column):.2f}" for kind, column in columns.items()}


if __name__ == "__main__":
    main()
