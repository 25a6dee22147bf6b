"""The mismatch floor against trained students (M2)."""

from __future__ import annotations

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.measured import one_step_students
from certflow.claims.hypotheses import is_symmetric_pair
from certflow.claims.mismatch.lines import BUDGETS
from certflow.claims.model import Outcome
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck


def pair_applies(mixture: GaussianMixture) -> str | None:
    """Two equal modes of common isotropic variance, apart from each other."""
    return is_symmetric_pair(mixture) or (None if mixture.diameter_squared else "the modes agree")


def on_its_line(context: Context) -> OrnsteinUhlenbeck:
    """The pair of modes on the line through them, where all that the flow does to it happens."""
    mixture = context.mixture
    half = mixture.diameter / 2
    variance = mixture.exact_covariances.fractions[()]
    line = GaussianMixture(["1/2", "1/2"], [[-half], [half]], variance, name=mixture.name)
    return context.remake(line, context.process.exact_t_min, context.process.exact_t_max)


def under_no_floor(context: Context, name: str) -> Finding:
    """M2: no trained `B`-Lipschitz student has less error than the floor of its budget, and the best comes close.

    Across the line through two equal modes the flow is that of one Gaussian: the pair in one dimension says all.
    The students' errors are quadratures, their Lipschitz constants bounded by spectral norms, both in float64.
    """
    process = on_its_line(context)
    found = one_step_students(context, process, BUDGETS)
    floors = {budget: process.mismatch_floor(budget) for budget in BUDGETS}
    rows = [row for row in found.rows if not row["diverged"]]
    scope = (
        f"the pair on its line; {len(rows)} one-step students, Lipschitz constants bounded by spectral norms, B in "
        f"{{{', '.join(f'{b:g}' for b in BUDGETS)}}}, errors by quadrature, floors exact by isotonic regression"
    )
    if not rows:
        return Finding(Outcome.INCONCLUSIVE, "every student diverged", scope)
    # below this a floor cannot be told from rounding, and a ratio to it says nothing
    told = [row for row in rows if floors[row["budget"]] > 1e-9]
    if not told:
        return Finding(Outcome.NOT_APPLICABLE, "no floor that rounding leaves visible: the flow is too gentle", scope)
    ratios = {b: min((r["relative_mse"] / floors[b] for r in told if r["budget"] == b), default=None) for b in BUDGETS}
    numbers = {
        "floors": {f"B = {budget:g}": f"{floor:.6e}" for budget, floor in floors.items()},
        "best_error_over_floor": {f"B = {b:g}": f"{ratio:.4f}" for b, ratio in ratios.items() if ratio is not None},
        "students": len(rows),
        "diverged": sum(row["diverged"] for row in found.rows),
    }
    worst = min(told, key=lambda row: row["relative_mse"] / floors[row["budget"]])
    ratio = worst["relative_mse"] / floors[worst["budget"]]
    summary = f"the best student has {ratio:.4f} times the error of the floor, B = {worst['budget']:g}"
    if worst["relative_mse"] < floors[worst["budget"]] - 3 * worst["uncertainty"] - 1e-12:
        return Finding(Outcome.VIOLATED, f"{summary}: under it", scope, numbers, worst)
    if any(row["over_budget"] for row in rows):
        return Finding(Outcome.INCONCLUSIVE, "a student exceeds its Lipschitz budget", scope, numbers)
    return Finding(Outcome.HOLDS, summary, scope, numbers)
