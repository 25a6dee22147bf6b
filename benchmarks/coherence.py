"""How errors of segments add up: the end-to-end error over sums of the amplified ones (THEORY E5).

    python benchmarks/coherence.py [NAME ...]      some two minutes a mixture on one core; results/coherence.json

K = 8, 5 seeds, every grid but the uniform one. The coherent sum is `(sum_k sqrt(amplified_k))^2`, with the error of
segment `k` made on the learned path and carried to the data end by the flow ("path", which bounds the error), made on
the exact path and carried by the flow ("exact") or by its derivative `D_k` ("linear"); "first order" is
`E|sum_k D_k xi_k|^2`, where errors cancel or add up as they really point. Told are means over seeds of the ratio, on
the points that both were measured on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from laboratory import GRIDS, SEGMENTS, available, built_in, collected

import certflow as cf
from certflow.distill import run
from certflow.propagation import coherent_sum

RESULTS = Path(__file__).parent / "results" / "coherence.json"
SEEDS = 5
LOW, HIGH = 0.4, 1.2
Ratios = dict[str, dict[str, float]]


def coherent(column: str) -> Callable[[dict[str, Any]], float]:
    return lambda row: coherent_sum(row[column])


SUMS: dict[str, Callable[[dict[str, Any]], float]] = {
    "path": coherent("path_amplified"),
    "exact": coherent("exact_amplified"),
    "linear": coherent("linear_amplified"),
    "first order": lambda row: row["first_order"],
}


def measured(process: cf.OrnsteinUhlenbeck, fresh: bool) -> Ratios:
    """The ratios of every grid."""
    results = run(process, [label for label in available(process) if label != "uniform"], [SEGMENTS], SEEDS)
    rows = [row for row in results.rows if not row["diverged"]]

    def ratio(label: str, total: Callable[[dict[str, Any]], float]) -> float:
        return fmean(row["end_to_end"] / total(row) for row in rows if row["grid"] == label)

    return {label: {kind: ratio(label, total) for kind, total in SUMS.items()} for label in results.grids()}


def main() -> None:
    content = collected(RESULTS, measured, spans)
    for title, entries in (("built-in mixtures", built_in(content)), ("all mixtures", content)):
        for kind in SUMS:
            ratios = {f"{name} {label}": of[kind] for name, found in entries.items() for label, of in found.items()}
            outside = [f"{key} {ratio:.2f}" for key, ratio in ratios.items() if not LOW <= ratio <= HIGH]
            inside = len(ratios) - len(outside)
            print(f"{title}, {kind}: {inside} of {len(ratios)} within [{LOW}, {HIGH}]", *outside, sep="; ")
    print("\n" + table(content))


def spans(found: Ratios) -> str:
    """Smallest and largest ratio of each kind over the grids."""
    return ", ".join(f"{kind} {min(ratios):.2f} to {max(ratios):.2f}" for kind, ratios in _columns(found).items())


def table(content: dict[str, Any]) -> str:
    """Markdown: the spans over the grids of each mixture, and the ratio of some grids to the sum along the path."""
    shown = [label for label in GRIDS if label.startswith(("logsnr", "score", "typical", "stability"))]
    head = ["mixture", *(f"{kind}, all grids" for kind in SUMS), *shown]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, found in content.items():
        ends = [f"{min(ratios):.2f} to {max(ratios):.2f}" for ratios in _columns(found).values()]
        cells = [f"{found[label]['path']:.2f}" if label in found else "–" for label in shown]
        lines.append("| " + " | ".join([name, *ends, *cells]) + " |")
    return "\n".join(lines)


def _columns(found: Ratios) -> dict[str, list[float]]:
    return {kind: [ratio[kind] for ratio in found.values()] for kind in SUMS}


if __name__ == "__main__":
    main()
