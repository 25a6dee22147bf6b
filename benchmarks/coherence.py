"""How errors of segments add up: the end-to-end error over the coherent sum of the amplified ones (THEORY E5).

    python benchmarks/coherence.py [NAME ...]      some two minutes a mixture on one core; results/coherence.json

K = 8, 5 seeds, every grid but the uniform one. The sum is `(sum_k sqrt(amplified_k))^2`, with the error of segment `k`
carried to the data end by the flow itself ("exact") and by its derivative ("linear"). Told are means over seeds of the
ratio, on the points that both were measured on.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from grids import GRIDS, SEGMENTS, cases

import certflow as cf
from certflow.atomic import write_text_atomic
from certflow.distill import run
from certflow.errors import InputError, NoGlobalBound

RESULTS = Path(__file__).parent / "results" / "coherence.json"
SEEDS = 5
LOW, HIGH = 0.4, 1.2
SUMS = ("exact", "linear")


def measured(process: cf.OrnsteinUhlenbeck) -> dict[str, dict[str, float]]:
    """The ratios of every grid."""
    labels = []
    for label in GRIDS[1:]:
        kind, _, rate = label.partition(":")
        try:
            cf.time_grid(process, SEGMENTS, kind, rate or None)
        except (InputError, NoGlobalBound):
            continue
        labels.append(label)
    results = run(process, labels, [SEGMENTS], SEEDS)
    ratios: dict[str, Callable[[dict[str, Any]], float]] = {
        "exact": lambda row: row["end_to_end"] / coherent(row["exact_amplified"]),
        "linear": lambda row: row["end_to_end"] / coherent(row["linear_amplified"]),
    }
    rows = [row for row in results.rows if not row["diverged"]]
    return {
        label: {name: fmean(of(row) for row in rows if row["grid"] == label) for name, of in ratios.items()}
        for label in results.grids()
    }


def coherent(amplified: list[float]) -> float:
    """`(sum_k sqrt(amplified_k))^2`."""
    return math.fsum(map(math.sqrt, amplified)) ** 2


def main() -> None:
    known = cases()
    names = sys.argv[1:] or list(known)
    for name in names:
        if name not in known:
            sys.exit(f"unknown mixture {name!r}; the mixtures are {', '.join(known)}")
        found = measured(known[name][0])
        content = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        content[name] = found
        write_text_atomic(RESULTS, json.dumps(content, indent=1) + "\n")
        print(f"{name}: {spans(found)}", flush=True)
    content = json.loads(RESULTS.read_text())
    own = cf.builtin_mixtures()
    for title, keys in (("built-in mixtures", [n for n in content if n in own]), ("all mixtures", list(content))):
        values = {(name, label): ratio for name in keys for label, ratio in content[name].items()}
        for kind in SUMS:
            outside = {key: ratio[kind] for key, ratio in values.items() if not LOW <= ratio[kind] <= HIGH}
            print(
                f"{title}, {kind}: {len(values) - len(outside)} of {len(values)} within [{LOW}, {HIGH}]",
                *(f"{name} {label} {ratio:.2f}" for (name, label), ratio in outside.items()),
                sep="; ",
            )


def spans(found: dict[str, dict[str, float]]) -> str:
    """Smallest and largest ratio of each kind over the grids."""
    parts = []
    for kind in SUMS:
        ratios = [ratio[kind] for ratio in found.values()]
        parts.append(f"{kind} {min(ratios):.2f} to {max(ratios):.2f}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
