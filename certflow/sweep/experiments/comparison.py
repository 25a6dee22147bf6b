"""Errors of several grids on one mixture, and what they say of one another."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.registry import KINDS
from certflow.sweep.experiments.experiment import Figure
from certflow.sweep.keys import every

#: What is compared if nothing else is said: the two ends of the question first.
GRIDS = ("uniform", "stability-balanced", "stability-balanced:two-sided")
#: The grid that gains are against.
BASELINE = "uniform"

FIGURES: Mapping[str, Figure] = {
    "mse_uniform": Figure("relative mean square error E|Psi - Phi|^2 / E|Phi|^2 on the uniform grid (G4)", "log"),
    "mse_stability_balanced": Figure("the same on the balanced grid (rate lambda)", "log"),
    "mse_stability_balanced_two_sided": Figure("the same on the grid balanced by the paper's L", "log"),
    "gain_balanced": Figure("mse_uniform / mse_stability_balanced: above 1 where the balanced grid wins", "ratio"),
    "gain_two_sided": Figure("mse_uniform / mse_stability_balanced_two_sided", "ratio"),
    "gain_error": Figure("standard error of log gain_balanced"),
    "best": Figure("the grid with the least error of those compared"),
}


def grid_labels(value: Any, field: str) -> list[str]:
    """Kinds of grids, with a rate after a colon; the three of the question are always among them."""
    asked = every(value, field, _label)
    return [*GRIDS, *(label for label in asked if label not in GRIDS)]


def _label(value: Any, field: str) -> str:
    kind, _, rate = value.partition(":") if isinstance(value, str) else ("", "", "")
    known = [name if not entry.rates else f"{name}[:rate]" for name, entry in KINDS.items()]
    if kind not in KINDS or (rate and rate not in KINDS[kind].rates):
        raise InputError(field, value, f"a kind of grid: {', '.join(known)}")
    return str(value)


def column(label: str) -> str:
    """The figure of a grid's error: `mse_` and the label in letters that a column may have."""
    return "mse_" + re.sub(r"\W", "_", label)


def compared(errors: Mapping[str, float], gain_error: float | None) -> dict[str, Any]:
    """The figures of grids with these errors; a gain is None where an error is none."""
    finite = {label: error for label, error in errors.items() if math.isfinite(error)}
    return {
        **{column(label): errors[label] if label in finite else None for label in errors},
        "gain_balanced": _gain(finite, GRIDS[1]),
        "gain_two_sided": _gain(finite, GRIDS[2]),
        "gain_error": gain_error,
        "best": min(finite, key=lambda label: finite[label]) if finite else None,
    }


def _gain(errors: Mapping[str, float], label: str) -> float | None:
    if BASELINE not in errors or label not in errors or not errors[label] > 0:
        return None
    return errors[BASELINE] / errors[label]


def log_ratio_error(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Standard error of `log(mean a / mean b)` of paired draws, to first order; None where it is not finite."""
    a, b = np.asarray(first), np.asarray(second)
    with np.errstate(all="ignore"):
        spread = (a / a.mean() - b / b.mean()).std(ddof=1) / math.sqrt(len(a))
    return float(spread) if np.isfinite(spread) else None
