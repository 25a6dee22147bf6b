"""All grids on all mixtures: what is recommended, what the balanced grid gains, whether errors come out as predicted.

    python benchmarks/grids.py [NAME ...] [--jobs N] [--device cuda]

Some four minutes for each mixture on one core; writes results/grids.json.

K = 8, fresh test points. Mixtures that no constant was tuned on are marked. For each mixture: the mean relative MSE of
every grid, the ratio of the recommended grid to the best of all, the reduction of the stability-balanced grids against
the uniform one, and predicted over measured errors: by the pilot before training, and by the sum of local errors.

The errors of one grid differ by up to 70 % from seed to seed, but those of different grids go up and down together,
since all maps of a seed start from the same weights and see the same data. All grids get five seeds; those that are
near the best, and those of which figures are told, ten.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from laboratory import GRIDS, SEGMENTS, Case, available, built_in, cases, collected

from certflow.composition.propagation import coherent_sum
from certflow.distill import Results, run
from certflow.grids.grid import TimeGrid
from certflow.planning.names import PLANNED
from certflow.planning.pilot import effective
from certflow.planning.planner import recommend

RESULTS = Path(__file__).parent / "results" / "grids.json"
#: Seeds of every grid; of those whose mean over them is at most so many times the least.
FIRST, SEEDS, NEAR = 5, 10, 1.4
RECOMMENDED, FAIR = "recommended", "recommended_over_best_of_other_seeds"
#: Of these figures are told: they get all seeds.
TOLD = (RECOMMENDED, "uniform", "stability-balanced", "stability-balanced:two-sided", "typical")


def measured(case: Case, device: str) -> dict[str, Any]:
    start = time.perf_counter()
    process = case.process
    plan = recommend(process, SEGMENTS, settings=case.settings, device=device)
    chosen = plan.grid
    planning = time.perf_counter() - start
    grids: list[str | TimeGrid] = [TimeGrid(RECOMMENDED, chosen.times)]
    grids += [TimeGrid(PLANNED, option.grid.times) for option in plan.options if option.grid.kind == PLANNED]
    grids += available(process)
    results = raced(case, grids, device)
    spreads = {grid: results.spread(grid, SEGMENTS) for grid in results.grids()}
    rivals = {label: spread.mean for label, spread in spreads.items() if label in GRIDS}
    best = min(rivals, key=lambda label: rivals[label])
    told = {option.grid.kind: option.prediction.relative_mse for option in plan.options}
    reductions = {
        label: results.reduction(label, SEGMENTS).mapping()
        for label in ("stability-balanced", "stability-balanced:two-sided", "typical", RECOMMENDED)
        if label in spreads
    }
    rows = [row for row in results.rows if not row["diverged"]]
    errors = {label: {row["seed"]: row["relative_mse"] for row in rows if row["grid"] == label} for label in spreads}
    return {
        "fresh": case.fresh,
        "chosen": chosen.kind,
        FAIR: unbiased({label: of for label, of in errors.items() if label != PLANNED}),
        "relative_mse": {label: [spread.mean, spread.deviation, spread.count] for label, spread in spreads.items()},
        "best": best,
        "recommended_over_best": spreads[RECOMMENDED].mean / rivals[best],
        "planned_over_best": spreads[PLANNED].mean / rivals[best] if PLANNED in spreads else None,
        "reductions": reductions,
        "beta": plan.beta,
        "law": {label: law([r for r in rows if r["grid"] == label]) for label in spreads},
        "pilot": {label: math.log(spreads[label].mean / told[label]) for label in spreads if label in told}
        | {RECOMMENDED: math.log(spreads[RECOMMENDED].mean / plan.chosen.prediction.relative_mse)},
        "diverged": results.diverged(),
        "seconds": {"planning": round(planning, 1), "all": round(time.perf_counter() - start, 1)},
        "device": results.setting["device"],
    }


def raced(case: Case, grids: list[str | TimeGrid], device: str) -> Results:
    """All grids with the first seeds; those that are near the best or of which figures are told with the others too."""

    def done(some: list[str | TimeGrid], seeds: range) -> Results:
        return run(case.process, some, [SEGMENTS], seeds, device, case.settings, exact=False)

    first = done(grids, range(FIRST))
    means = {label: spread.mean for label in first.grids() if (spread := first.spread(label, SEGMENTS))}
    keep = {label for label, mean in means.items() if mean <= NEAR * min(means.values())} | set(TOLD)
    left = [grid for grid in grids if (grid if isinstance(grid, str) else grid.kind) in keep]
    return Results(first.rows + done(left, range(FIRST, SEEDS)).rows, first.setting)


def unbiased(errors: dict[str, dict[int, float]]) -> float:
    """The recommended grid against the best of all, where who is best is decided by the other seeds.

    The smallest of many means over the same seeds is too small: of grids that are equally good one is always lucky.
    """
    own, best = [], []
    complete = {label: of for label, of in errors.items() if len(of) == SEEDS}
    for seed, error in complete.get(RECOMMENDED, {}).items():
        others = {label: sum(e for s, e in of.items() if s != seed) for label, of in complete.items()}
        own.append(error)
        best.append(complete[min(others, key=lambda label: others[label])][seed])
    return sum(own) / sum(best) if own else math.nan


def law(rows: list[dict[str, Any]]) -> list[float]:
    """`log(MSE / (sum sqrt(local))^2)` and `log n`, means over seeds inside: the law says that they are as `-beta`."""
    total = float(np.mean([coherent_sum(row["local"]) for row in rows]))
    error = float(np.mean([row["relative_mse"] for row in rows]))
    return [math.log(error / total), math.log(float(np.mean([effective(row["local"]) for row in rows])))]


def main() -> None:
    def told(entry: dict[str, Any]) -> str:
        return f"{entry['chosen']} {entry['recommended_over_best']:.2f} times the best ({entry['best']})"

    content = collected(RESULTS, cases, measured, told, __doc__ or "")
    summary("built-in mixtures", built_in(content))
    summary("all mixtures", content)
    print("\n" + table(content))


def summary(title: str, content: dict[str, Any]) -> None:
    """The figures that the issue of grids turns on, over the mixtures measured so far."""
    if not content:
        return
    print(f"\n{title}")
    ratios = {name: entry["recommended_over_best"] for name, entry in content.items()}
    fair = {n: e[FAIR] for n, e in content.items()}
    for what, values in (("same seeds", ratios), ("best decided by other seeds", fair)):
        logs = np.log([value for value in values.values() if math.isfinite(value)])
        worst = max(values, key=lambda name: values[name])
        print(
            f"recommended over best, {what}: geometric mean {math.exp(logs.mean()):.3f}, "
            f"worst {values[worst]:.2f} ({worst})"
        )
    for label in ("stability-balanced", "stability-balanced:two-sided", "typical", RECOMMENDED):
        gains = {n: e["reductions"][label]["unpaired"] for n, e in content.items() if label in e["reductions"]}
        enough = [n for n, gain in gains.items() if gain["mean"] - gain["deviation"] > 0.519]
        shown = ", ".join(f"{n} {100 * g['mean']:.1f} ± {100 * g['deviation']:.1f} %" for n, g in gains.items())
        print(f"{label}: more than 51.9 % on {len(enough)}; {shown}")
    before = [list(e["pilot"].values()) for e in content.values()]
    after = [[log + e["beta"] * n for log, n in e["law"].values()] for e in content.values()]
    for what, parts in (("predicted before training (pilot)", before), ("from the local errors (law)", after)):
        values = np.abs(np.concatenate(parts))
        inside = [np.mean(values < math.log(factor)) for factor in (1.5, 2)]
        print(f"{what}: within 1.5 in {inside[0]:.0%} of {len(values)}, within 2 in {inside[1]:.0%}")


def table(content: dict[str, Any]) -> str:
    """Markdown: the error of every grid over the least one, for each mixture."""
    shown = [PLANNED, *(label for label in GRIDS if label not in ("quadratic", "cosine", "flow-matching", "arctan"))]
    head = ["mixture", "recommended", "over best", "fair", "seeds", *shown, "least error"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, entry in content.items():
        over, least = over_least(entry), entry["relative_mse"][entry["best"]][0]
        cells = [name + (" (fresh)" if entry["fresh"] else ""), entry["chosen"]]
        cells += [f"{entry['recommended_over_best']:.2f}", f"{entry[FAIR]:.2f}"]
        cells.append(str(entry["relative_mse"][RECOMMENDED][2]))
        cells += [f"{over[label]:.2f}" if label in over else "–" for label in shown]
        lines.append("| " + " | ".join([*cells, f"{least:.1e}"]) + " |")
    for title, entries in (("built-in mixtures", built_in(content)), ("all", content)):
        ends = [geometric_mean([e[key] for e in entries.values()]) for key in ("recommended_over_best", FAIR)]
        found = [over_least(entry) for entry in entries.values()]
        means = [geometric_mean([over[label] for over in found if label in over]) for label in shown]
        lines.append("| " + " | ".join([f"geometric mean, {title}", "", *ends, "", *means, ""]) + " |")
    return "\n".join(lines)


def over_least(entry: dict[str, Any]) -> dict[str, float]:
    """The mean error of every grid over the least one."""
    least = entry["relative_mse"][entry["best"]][0]
    return {label: mse[0] / least for label, mse in entry["relative_mse"].items()}


def geometric_mean(values: list[float]) -> str:
    return f"{math.exp(np.log(values).mean()):.2f}" if values else "–"


if __name__ == "__main__":
    main()
