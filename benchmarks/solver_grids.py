"""Grids for a solver against the named kinds: measured errors on fresh points that all grids share.

    python benchmarks/solver_grids.py [NAME ...] [--segments 4,6,8,12,16] [--samplers euler,heun,dpmpp-2m] [--resume]

Some ten seconds for each mixture, K and solver on one core; writes results/solver_grids.json and prints a table. With
--resume rows that the file has are not measured again.

50,000 fresh points of `p_T` (seed 20,000), the exact flow, OU times 3 to 0.01 as the case has them. For each: the error
of `time_grid(p, K, kind="auto", sampler=...)` over the least error of all named kinds, with the standard deviation of
that ratio over the points, and the error over the one that was predicted. Which kind is best is decided on these very
points, which favours the named kinds; those that are far off on 8,192 of them are left at that. Mixtures that nothing
was tuned on are marked. Rows of other runs stay in the file as they were.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laboratory import Case, cases

import certflow as cf
from certflow.atomic import write_text_atomic
from certflow.numbers.arrays import Times
from certflow.planning.solver_grids import named_grids
from certflow.planning.solver_points import ends, squares
from certflow.samplers import SOLVERS
from certflow.samplers.error import start

RESULTS = Path(__file__).parent / "results" / "solver_grids.json"
SEGMENTS = (4, 6, 8, 12, 16)
POINTS, FIRST, SEED, RTOL = 50_000, 8_192, 20_000, 1e-8
#: Kinds that came after the figures that are to be reached were set: those speak of the fifteen before them.
LATER = ("entropic", "optimal-steps")
#: What is to be reached over the fifteen, in every case of built-in and of fresh mixtures, and in the geometric mean.
EVERY, FRESH, MEAN = 1.02, 1.05, {"euler": 0.98, "heun": 0.85, "dpmpp-2m": 0.7}


class Measured:
    """Fresh points of a case and what solvers make of them."""

    def __init__(self, case: Case):
        self.process = case.process
        x = start(self.process, self.process.t_max, POINTS, SEED)
        self.exact = torch.from_numpy(self.process.flow(x, self.process.t_max, self.process.t_min, rtol=RTOL))
        self.x = torch.from_numpy(x)
        self.named = cache(partial(named_grids, self.process))

    def errors(self, times: Times, sampler: str, count: int = POINTS) -> torch.Tensor:
        """Of the first points."""
        exact = self.exact[:count]
        return squares(ends(self.process, self.x[:count], times, sampler) - exact) / squares(exact).mean()

    def best_named(self, segments: int, sampler: str, without: Sequence[str] = ()) -> tuple[str, torch.Tensor]:
        """The named kind with the least error on all points, and its errors.

        A kind that errs more than twice as much as the best one on its first points, the worst hundredth of them left
        out, is not measured on all: what is left out would only add to its error.
        """
        named = {kind: times for kind, times in self.named(segments).items() if kind not in without}
        first = {kind: self.errors(times, sampler, FIRST) for kind, times in named.items()}
        least = {kind: float(e.sort().values[: -FIRST // 100].sum()) / FIRST for kind, e in first.items()}
        best, found = "", torch.tensor([math.inf])
        for kind in sorted(named, key=lambda kind: least[kind]):
            if least[kind] <= 2 * float(found.mean()):
                errors = self.errors(named[kind], sampler)
                if errors.mean() < found.mean():
                    best, found = kind, errors
        return best, found

    def row(self, segments: int, sampler: str) -> dict[str, Any]:
        began = time.process_time()
        grid = cf.time_grid(self.process, segments, kind="auto", sampler=sampler)
        seconds = time.process_time() - began
        best, errors = self.best_named(segments, sampler)
        first, before = (best, errors) if best not in LATER else self.best_named(segments, sampler, LATER)
        own, least = self.errors(grid.times, sampler), float(errors.mean())
        error = float(own.mean())
        return {
            "kind": grid.kind,
            "relative_mse": error,
            "best": best,
            "best_relative_mse": least,
            "ratio": error / least,
            "best_of_fifteen": first,
            "ratio_to_fifteen": error / float(before.mean()),
            "deviation": float((own - errors * error / least).std()) / math.sqrt(POINTS) / least,
            "over_predicted": error / grid.options["predicted_relative_mse"],
            "within_factor": grid.options["within_factor"],
            "cpu_seconds": round(seconds, 1),
            "times": grid.times.tolist(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases; all unless given")
    parser.add_argument("--segments", default=",".join(map(str, SEGMENTS)))
    parser.add_argument("--samplers", default=",".join(SOLVERS))
    parser.add_argument("--resume", action="store_true", help="keep the rows that there are")
    chosen, known = parser.parse_args(), cases()
    torch.set_num_threads(1)
    for name in chosen.names or known:
        wanted = list(product(map(int, chosen.segments.split(",")), chosen.samplers.split(",")))
        if chosen.resume:
            wanted = [(number, sampler) for number, sampler in wanted if f"{name} {number} {sampler}" not in saved()]
        if not wanted:
            continue
        measured = Measured(known[name])
        for number, sampler in wanted:
            row = measured.row(number, sampler)
            own = {"mixture": name, "fresh": known[name].fresh, "segments": number, "sampler": sampler, **row}
            content = saved() | {f"{name} {number} {sampler}": own}
            write_text_atomic(RESULTS, json.dumps(content, indent=1) + "\n")
            print(
                f"{name:17} K={number:2} {sampler:9} {row['ratio']:.3f} ± {row['deviation']:.3f}"
                f"  {row['relative_mse']:.2e}  {row['best']} {row['best_relative_mse']:.2e}  {row['cpu_seconds']} s",
                flush=True,
            )
    print("\n" + table(list(saved().values())))


def saved() -> dict[str, Any]:
    """The rows of the file by name; another run may add to them meanwhile."""
    rows: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: for each mixture and solver the ratio to the best named kind by K; then what was to be reached."""
    numbers = sorted({row["segments"] for row in rows})
    lines = [
        "| mixture | solver | " + " | ".join(f"K = {k}" for k in numbers) + " |",
        "|---" * (len(numbers) + 2) + "|",
    ]
    for name, sampler in dict.fromkeys((row["mixture"], row["sampler"]) for row in rows):
        own = {row["segments"]: row for row in rows if (row["mixture"], row["sampler"]) == (name, sampler)}
        cells = [f"{own[k]['ratio']:.3f} ± {own[k]['deviation']:.3f}" if k in own else "–" for k in numbers]
        mark = " (fresh)" if next(iter(own.values()))["fresh"] else ""
        lines.append(f"| {name}{mark} | {sampler} | " + " | ".join(cells) + " |")
    built = [row for row in rows if row["mixture"] in cf.builtin_mixtures()]
    fresh = [row for row in rows if row["fresh"]]
    lines.append("")
    for what, some, limit in (("built-in mixtures", built, EVERY), ("fresh mixtures", fresh, FRESH)):
        if some:
            worst = max(some, key=lambda row: row["ratio_to_fifteen"])
            where = f"{worst['mixture']}, K = {worst['segments']}, {worst['sampler']}"
            lines.append(
                f"{what}: {len(some)} cases, worst {worst['ratio_to_fifteen']:.3f} of fifteen ({where}),"
                f" {max(row['ratio'] for row in some):.3f} of all kinds; at most {limit} wanted"
            )
    for sampler in SOLVERS:
        some = [row for row in built if row["sampler"] == sampler]
        if some:
            fifteen, every = (
                math.exp(float(np.log([row[name] for row in some]).mean())) for name in ("ratio_to_fifteen", "ratio")
            )
            lines.append(
                f"{sampler}: geometric mean over built-in mixtures {fifteen:.3f} of fifteen, {every:.3f} of all kinds;"
                f" at most {MEAN[sampler]} wanted"
            )
    beyond = [row for row in rows if abs(math.log(row["over_predicted"])) > math.log(row["within_factor"])]
    lines.append(f"predictions: {len(rows) - len(beyond)} of {len(rows)} within their factor")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
