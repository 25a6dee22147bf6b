"""Checks on trained maps: E1, E2, E3, E5 (propagation of errors) and G4 (the announced result).

One experiment serves all of them: grids and seeds of the profile, trained and measured by `certflow.distill`. The
bounds E1 to E3 hold for whatever maps were trained, so that a single excess refutes them; G4 is a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.measured import REFERENCE_ERROR, experiment, judged
from certflow.claims.model import Outcome
from certflow.composition.propagation import coherent_sum

#: How well a small error follows its linearisation: what is left is of the order of `certflow.distill.ledger.SMALL`.
LINEAR = 0.05
BALANCED, BASELINE, SEGMENTS = "stability-balanced", "uniform", 8


def along_the_path(context: Context, name: str) -> Finding:
    """E1: `|e_k| <= exp(Lambda_k) |e_{k-1}| + |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` at every point and segment."""
    results = experiment(context)
    rows = [row for row in _measured(results) if "excess_e1" in row]
    return _bounded(context, results, rows, lambda row: row["excess_e1"], "excess over E1", REFERENCE_ERROR)


def on_the_law(context: Context, name: str) -> Finding:
    """E2: the error in `L^2(p_T)` is at most the sum of local ones times the Lipschitz constants still to come."""
    results = experiment(context)
    rows = _measured(results)

    def excess(row: dict[str, Any]) -> float:
        return math.sqrt(row["relative_mse"]) - math.sqrt(row["bound_e2"])

    slack = [math.log10(row["bound_e2"] / row["relative_mse"]) for row in rows if row["segments"] > 1]
    told = {"bound_over_mse_log10": [f"{value:.1f}" for value in (min(slack, default=0), max(slack, default=0))]}
    return _bounded(context, results, rows, excess, "excess over E2", REFERENCE_ERROR, told)


def discrete_gronwall(context: Context, name: str) -> Finding:
    """E3: no point is off by more than `sum_k eps_k exp(int_delta^{t_k} lambda)`."""
    results = experiment(context)
    rows = [row for row in _measured(results) if "bound_e3" in row]

    def excess(row: dict[str, Any]) -> float:
        if math.isfinite(row["bound_e3"]):
            return math.sqrt(row["largest"]) - math.sqrt(row["bound_e3"])
        beyond = row["log_bound_e3"] / 2  # the smaller number stands for a bound that float64 does not hold
        return math.sqrt(row["largest"]) - math.exp(min(beyond, 700)) if beyond > 300 else math.nan

    return _bounded(context, results, rows, excess, "excess over E3", REFERENCE_ERROR)


def mean_square(context: Context, name: str) -> Finding:
    """E5: errors of a thousandth of their size are amplified as `D Phi_{t_k -> delta}` says; at full size, told."""
    results = experiment(context)
    rows = _measured(results)

    def gap(row: dict[str, Any]) -> float:
        pairs = zip(row["small_amplified"], row["linear_amplified"], strict=True)
        return max(abs(math.sqrt(small / linear) - 1) for small, linear in pairs if linear > 0)

    several = [row for row in rows if row["segments"] > 1]

    def over(total: Callable[[dict[str, Any]], float]) -> list[str]:
        return _range(row["end_to_end"] / total(row) for row in several)

    told = {
        "end_to_end_over_coherent_sum_on_the_learned_path": over(lambda row: row["path_coherent"]),
        "end_to_end_over_coherent_sum": over(lambda row: coherent_sum(row["linear_amplified"])),
        "end_to_end_over_incoherent_sum": over(lambda row: math.fsum(row["linear_amplified"])),
        "first_order_over_end_to_end": _range(row["first_order"] / row["relative_mse"] for row in several),
    }
    return _bounded(context, results, rows, gap, "relative gap to the linearised amplification", LINEAR, told)


def announced_result(context: Context, name: str) -> Finding:
    """G4: the error of the balanced grid below that of the uniform one, K = 8, beyond the spread over seeds."""
    results = experiment(context)
    reduction = results.reduction(BALANCED, SEGMENTS, BASELINE)
    scope = _scope(context, results)
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
        witness = {"rows": [_short(row) for row in results.rows if row["segments"] == SEGMENTS]}
        return Finding(Outcome.VIOLATED, f"{worst}: here the result does not carry over", scope, numbers, witness)
    return Finding(Outcome.INCONCLUSIVE, f"{text}: within the spread over seeds", scope, numbers)


def _measured(results: Any) -> list[dict[str, Any]]:
    return [row for row in results.rows if not row["diverged"]]


def _bounded(
    context: Context,
    results: Any,
    rows: list[dict[str, Any]],
    excess: Callable[[dict[str, Any]], float],
    what: str,
    allowed: float,
    told: dict[str, Any] | None = None,
) -> Finding:
    """No row above what is allowed."""
    cases = [(excess(row), {"row": _short(row)}) for row in rows]
    numbers = {"rows": len(rows), "diverged": results.diverged()} | (told or {})
    return judged(what, cases, allowed, _scope(context, results), numbers)


def _scope(context: Context, results: Any) -> str:
    setting = results.setting
    return (
        f"this mixture; {setting['maps']} residual maps of {setting['parameters_per_map']} parameters, "
        f"{setting['settings']['steps']} steps, K in {{{', '.join(map(str, results.segments()))}}}, "
        f"{context.profile.training_seeds} seeds, {setting['settings']['test']} fresh points each"
    )


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("grid", "segments", "seed", "relative_mse", "times") if key in row}


def _spread_text(results: Any, grid: str) -> str:
    spread = results.spread(grid, SEGMENTS)
    return f"{spread.mean:.2e} ± {spread.deviation:.1e}"


def _range(values: Iterable[float]) -> list[str]:
    listed = list(values)
    return [f"{min(listed):.2f}", f"{max(listed):.2f}"] if listed else []
