"""The announced result: the error of maps trained on the balanced grid against that on the uniform one (G4)."""

from __future__ import annotations

from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import experiment
from certflow.claims.evidence.trained import scope_of, short_row
from certflow.claims.model import Outcome

BALANCED, BASELINE, SEGMENTS = "stability-balanced", "uniform", 8


def announced_result(context: Context, name: str) -> Finding:
    """G4: the error of the balanced grid below that of the uniform one, K = 8, beyond the spread over seeds."""
    results = experiment(context)
    reduction = results.reduction(BALANCED, SEGMENTS, BASELINE)
    scope = scope_of(context, results)
    if reduction is None:
        return Finding(Outcome.INCONCLUSIVE, "a segment diverged for every seed", scope)
    paired = reduction.paired
    best = results.best_baseline(SEGMENTS)
    against = results.reduction(BALANCED, SEGMENTS, best) if best not in (None, BASELINE) else None
    numbers = {
        "reduction_paired": f"{100 * paired.mean:.1f} % ± {100 * paired.deviation:.1f} %",
        "reduction_of_means": f"{100 * reduction.unpaired.mean:.1f} % ± {100 * reduction.unpaired.deviation:.1f} %",
        "announced": "up to 51.9 %",
        "relative_mse": {grid: _spread_text(results, grid) for grid in results.grids()},
        "best_baseline": best,
        "diverged": results.diverged(),
    }
    if against is not None:
        numbers["reduction_against_best_baseline"] = f"{100 * against.paired.mean:.1f} %"
    low, high = paired.mean - paired.deviation, paired.mean + paired.deviation
    text = (
        f"the balanced grid has {100 * paired.mean:.1f} % ± {100 * paired.deviation:.1f} % less error than the uniform"
    )
    if low > 0:
        more = "more than" if low > 0.519 else "not more than"
        return Finding(Outcome.HOLDS, f"{text}, {more} the 51.9 % announced", scope, numbers)
    if high < 0:
        worst = f"the balanced grid has {-100 * paired.mean:.1f} % more error than the uniform one"
        witness = {"rows": [short_row(row) for row in results.rows if row["segments"] == SEGMENTS]}
        return Finding(Outcome.VIOLATED, f"{worst}: here the result does not carry over", scope, numbers, witness)
    return Finding(Outcome.INCONCLUSIVE, f"{text}: within the spread over seeds", scope, numbers)


def _spread_text(results: Any, grid: str) -> str:
    spread = results.spread(grid, SEGMENTS)
    return f"{spread.mean:.2e} ± {spread.deviation:.1e}"
