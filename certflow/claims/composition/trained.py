"""Errors of trained maps, segment by segment and composed: E1, E2, E3 and E5.

One experiment serves all of them: grids and seeds of the profile, trained and measured by `certflow.distill`. The
bounds E1 to E3 hold for whatever maps were trained, so that a single excess refutes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import REFERENCE_ERROR, experiment
from certflow.claims.evidence.trained import measured_rows, no_row_exceeds
from certflow.composition.propagation import coherent_sum

#: How well a small error follows its linearisation: what is left is of the order of `certflow.distill.carried.SMALL`.
LINEAR = 0.05


def along_the_path(context: Context, name: str) -> Finding:
    """E1: `|e_k| <= exp(Lambda_k) |e_{k-1}| + |Psi_k(z_{k-1}) - Phi_k(z_{k-1})|` at every point and segment."""
    results = experiment(context)
    rows = [row for row in measured_rows(results) if "excess_e1" in row]
    return no_row_exceeds(context, results, rows, lambda row: row["excess_e1"], "excess over E1", REFERENCE_ERROR)


def on_the_law(context: Context, name: str) -> Finding:
    """E2: the error in `L^2(p_T)` is at most the sum of local ones times the Lipschitz constants still to come."""
    results = experiment(context)
    rows = measured_rows(results)

    def excess(row: dict[str, Any]) -> float:
        return math.sqrt(row["relative_mse"]) - math.sqrt(row["bound_e2"])

    slack = [math.log10(row["bound_e2"] / row["relative_mse"]) for row in rows if row["segments"] > 1]
    told = {"bound_over_mse_log10": [f"{value:.1f}" for value in (min(slack, default=0), max(slack, default=0))]}
    return no_row_exceeds(context, results, rows, excess, "excess over E2", REFERENCE_ERROR, told)


def discrete_gronwall(context: Context, name: str) -> Finding:
    """E3: no point is off by more than `sum_k eps_k exp(int_delta^{t_k} lambda)`."""
    results = experiment(context)
    rows = [row for row in measured_rows(results) if "bound_e3" in row]

    def excess(row: dict[str, Any]) -> float:
        if math.isfinite(row["bound_e3"]):
            return math.sqrt(row["largest"]) - math.sqrt(row["bound_e3"])
        beyond = row["log_bound_e3"] / 2  # the smaller number stands for a bound that float64 does not hold
        return math.sqrt(row["largest"]) - math.exp(min(beyond, 700)) if beyond > 300 else math.nan

    return no_row_exceeds(context, results, rows, excess, "excess over E3", REFERENCE_ERROR)


def mean_square(context: Context, name: str) -> Finding:
    """E5: errors of a thousandth of their size are amplified as `D Phi_{t_k -> delta}` says; at full size, told."""
    results = experiment(context)
    rows = measured_rows(results)

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
    return no_row_exceeds(context, results, rows, gap, "relative gap to the linearised amplification", LINEAR, told)


def _range(values: Iterable[float]) -> list[str]:
    listed = list(values)
    return [f"{min(listed):.2f}", f"{max(listed):.2f}"] if listed else []
