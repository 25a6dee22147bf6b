"""Checks on trained maps: E1, E2, E3, E5 (propagation of errors) and G4 (the announced result).

One experiment serves all of them: grids and seeds of the profile, trained and measured by `certflow.distill`. The
bounds E1 to E3 hold for whatever maps were trained, so that a single excess refutes them; G4 is a measurement.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.model import Outcome
from certflow.claims.temporal import has_bound
from certflow.exact import exact_text
from certflow.mixture import GaussianMixture
from certflow.mixture_file import from_mapping, to_mapping
from certflow.process import OrnsteinUhlenbeck

#: Grids of the experiment; those that need a global bound are left out where none exists.
GRIDS = ("uniform", "logsnr", "typical", "stability-balanced", "stability-balanced:two-sided")
#: Relative error of the reference flow at one point, which an excess has to exceed: it is chosen for a relative mean
#: squared error below 1e-10 and measured with twice the steps.
REFERENCE_ERROR = 1e-5
#: How well a small error follows its linearisation: what is left is of the order of `certflow.distill.ledger.SMALL`.
LINEAR = 0.05
BALANCED, BASELINE, SEGMENTS = "stability-balanced", "uniform", 8


def trainable(mixture: GaussianMixture) -> str | None:
    """None where maps can be trained, else the reason why not."""
    if importlib.util.find_spec("torch") is None:
        return "needs torch: pip install 'certflow[torch]'"
    return None


def bounded(mixture: GaussianMixture) -> str | None:
    """Applicability: a global bound, and torch."""
    return has_bound(mixture) or trainable(mixture)


def along_the_path(context: Context, name: str) -> Finding:
    """E1: `|e_k| <= exp(Lambda_k) |e_{k-1}| + |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` at every point and segment."""
    results = _experiment(context)
    rows = [row for row in _measured(results) if "excess_e1" in row]
    return _bounded(context, results, rows, lambda row: row["excess_e1"], "excess over E1", REFERENCE_ERROR)


def on_the_law(context: Context, name: str) -> Finding:
    """E2: the error in `L^2(p_T)` is at most the sum of local ones times the Lipschitz constants still to come."""
    results = _experiment(context)
    rows = _measured(results)

    def excess(row: dict[str, Any]) -> float:
        return math.sqrt(row["relative_mse"]) - math.sqrt(row["bound_e2"])

    slack = [math.log10(row["bound_e2"] / row["relative_mse"]) for row in rows if row["segments"] > 1]
    told = {"bound_over_mse_log10": [f"{value:.1f}" for value in (min(slack, default=0), max(slack, default=0))]}
    return _bounded(context, results, rows, excess, "excess over E2", REFERENCE_ERROR, told)


def discrete_gronwall(context: Context, name: str) -> Finding:
    """E3: no point is off by more than `sum_k eps_k exp(int_delta^{t_k} lambda)`."""
    results = _experiment(context)
    rows = [row for row in _measured(results) if "bound_e3" in row]

    def excess(row: dict[str, Any]) -> float:
        return math.sqrt(row["largest"]) - math.sqrt(row["bound_e3"])

    return _bounded(context, results, rows, excess, "excess over E3", REFERENCE_ERROR)


def mean_square(context: Context, name: str) -> Finding:
    """E5: errors of a thousandth of their size are amplified as `D Phi_{t_k -> delta}` says; at full size, told."""
    results = _experiment(context)
    rows = _measured(results)

    def gap(row: dict[str, Any]) -> float:
        pairs = zip(row["small_amplified"], row["linear_amplified"], strict=True)
        return max(abs(math.sqrt(small / linear) - 1) for small, linear in pairs if linear > 0)

    several = [row for row in rows if row["segments"] > 1]
    told = {
        "end_to_end_over_coherent_sum": _range(row["end_to_end"] / row["coherent"] for row in several),
        "end_to_end_over_incoherent_sum": _range(row["end_to_end"] / row["incoherent"] for row in several),
        "first_order_over_end_to_end": _range(row["first_order"] / row["relative_mse"] for row in several),
    }
    return _bounded(context, results, rows, gap, "relative gap to the linearised amplification", LINEAR, told)


def announced_result(context: Context, name: str) -> Finding:
    """G4: the error of the balanced grid below that of the uniform one, K = 8, beyond the spread over seeds."""
    results = _experiment(context)
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


def _experiment(context: Context) -> Any:
    process = context.process
    ends = exact_text(process.exact_t_min), exact_text(process.exact_t_max)
    law = json.dumps(to_mapping(process.mixture), sort_keys=True)
    profile = context.profile
    formulas: Any = type(process)
    return _trained(
        formulas,
        law,
        *ends,
        profile.training_steps,
        profile.training_seeds,
        profile.training_segments,
        context.seed,
    )


@lru_cache(maxsize=4)
def _trained(
    formulas: type[OrnsteinUhlenbeck],
    law: str,
    t_min: str,
    t_max: str,
    steps: int,
    seeds: int,
    segments: tuple[int, ...],
    seed: int,
) -> Any:
    """The experiment, once for all checks of a run."""
    from certflow.distill import Settings, run

    process = formulas(from_mapping(json.loads(law)), t_min, t_max)
    grids = GRIDS if has_bound(process.mixture) is None else GRIDS[:3]
    settings = Settings(steps=steps, pool=min(16_384, 16 * steps), test=4096 if steps >= 1000 else 1024)
    return run(process, grids, segments, range(seed, seed + seeds), settings=settings)


def _measured(results: Any) -> list[dict[str, Any]]:
    return [row for row in results.rows if not row["diverged"]]


def _bounded(
    context: Context,
    results: Any,
    rows: list[dict[str, Any]],
    excess: Any,
    what: str,
    allowed: float,
    told: dict[str, Any] | None = None,
) -> Finding:
    """Violated if any row exceeds what is allowed; inconclusive without rows, or with a number that is not one."""
    scope = _scope(context, results)
    if not rows:
        return Finding(Outcome.INCONCLUSIVE, "a segment diverged in every row", scope)
    values = [excess(row) for row in rows]
    numbers = {
        "largest": f"{max(values):.3g}",
        "allowed": f"{allowed:g}",
        "rows": len(rows),
        "diverged": results.diverged(),
    } | (told or {})
    summary = f"{what}: at most {max(values):.2g} in {len(rows)} compositions, {allowed:g} allowed"
    if any(math.isnan(value) for value in values):
        return Finding(Outcome.INCONCLUSIVE, f"{what}: not a number", scope, numbers)
    if max(values) <= allowed:
        return Finding(Outcome.HOLDS, summary, scope, numbers)
    worst = rows[values.index(max(values))]
    return Finding(Outcome.VIOLATED, summary, scope, numbers, {"row": _short(worst), "excess": max(values)})


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
