"""The announced result: the error of maps trained on the balanced grid against that on the uniform one (G4)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import experiment
from certflow.claims.evidence.trained import scope_of, short_row
from certflow.claims.model import Outcome
from certflow.distill.results import is_enclosed
from certflow.numbers.numerals import above, below

BALANCED, BASELINE, SEGMENTS = "stability-balanced", "uniform", 8
#: Seconds for the enclosures of all students together.
CERTIFY_SECONDS = 60


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


def proved_result(context: Context, name: str) -> Finding:
    """G4: the errors of these very students enclosed, and so the ratio of their means over seeds, K = 8 (C2, C4)."""
    from certflow.distill import certify

    results = experiment(context)
    rows = tuple(r for r in results.rows if r["segments"] == SEGMENTS and r["grid"] in (BALANCED, BASELINE))
    names = {(row["grid"], row["segments"], row["seed"]) for row in rows}
    kept = {name: student for name, student in results.students.items() if name in names}
    found = certify(replace(results, rows=rows, kept=kept), seconds=CERTIFY_SECONDS)
    ends = {
        grid: {row["seed"]: row["relative_mse_enclosure"] for row in found.of(grid, SEGMENTS) if is_enclosed(row)}
        for grid in (BALANCED, BASELINE)
    }
    seeds = [seed for seed in ends[BALANCED] if seed in ends[BASELINE]]
    scope = f"the trained students of {len(seeds)} seeds, K = {SEGMENTS}, all of p_T; {scope_of(context, results)}"
    if not seeds:
        reasons = [row["enclosure_reason"] for row in found.rows if row.get("enclosure_reason")]
        return Finding(Outcome.INCONCLUSIVE, f"no enclosure: {reasons[0] if reasons else 'no student'}", scope)
    sums = {grid: [sum(Fraction(own[seed][i]) for seed in seeds) for i in (0, 1)] for grid, own in ends.items()}
    (low, high), (other_low, other_high) = sums[BALANCED], sums[BASELINE]
    numbers = {
        "reduction_of_means": f"[{below(1 - high / other_low, 6)}, {above(1 - low / other_high, 6)}]",
        "better_seeds": f"{len(found.proved(BALANCED, SEGMENTS))} of {len(seeds)} proved",
        "worse_seeds": f"{len(found.proved(BASELINE, SEGMENTS, BALANCED))} of {len(seeds)} proved",
        "announced": "up to 51.9 %",
    }
    if high < other_low:
        text = f"proved of these students: at least {below(100 * (1 - high / other_low), 4)} % less error than uniform"
        return Finding(Outcome.HOLDS, text, scope, numbers)
    if low > other_high:
        text = f"proved of these students: at least {below(100 * (low / other_high - 1), 4)} % more error than uniform"
        witness = {"rows": [short_row(row) for row in found.rows]}
        return Finding(Outcome.VIOLATED, f"{text}: here the result does not carry over", scope, numbers, witness)
    return Finding(Outcome.INCONCLUSIVE, "the enclosures of the two grids overlap", scope, numbers)


def _spread_text(results: Any, grid: str) -> str:
    spread = results.spread(grid, SEGMENTS)
    return f"{spread.mean:.2e} ± {spread.deviation:.1e}"
