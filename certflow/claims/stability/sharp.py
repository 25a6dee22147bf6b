"""The integral of the sharp rate, from both sides, and the exponent under test above it (F5)."""

from __future__ import annotations

from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.evidence.balls import bracket, ends, integral_of, interval_of, precision, shown
from certflow.claims.evidence.sharpness import sharp_growth
from certflow.claims.model import Outcome
from certflow.numbers.exact import exact_text
from certflow.numbers.numerals import exponential_above


def sharp_exponent(context: Context, name: str) -> Finding:
    """F5: `int lambda*` over the whole interval is enclosed to the gap of the profile, and `int lambda` of the process
    under test is not below it."""
    found, certificate = sharp_growth(context)
    with precision(context):
        exponent = integral_of(context.process, *interval_of(context), "one-sided")
    numbers: dict[str, Any] = {
        "integral_of_the_sharp_rate": bracket(found.lower, found.upper, 12),
        "integral_of_lambda": shown(exponent, 15),
        "amplification_at_most": exponential_above(found.upper),
        "panels": found.panels,
    }
    if certificate is None:
        numbers["certificate_F5"] = "none in this run: the full profile writes it, and certflow certify --sharp"
    certificates = {} if certificate is None else {"F5": certificate}
    s, t = (exact_text(time) for time in interval_of(context))
    scope = f"this mixture, all x, all t of [{s}, {t}]"
    if not exponent.is_finite():
        return Finding(Outcome.INCONCLUSIVE, "the integrated rate is not a finite number", scope, numbers)
    known = f"int lambda* lies in {bracket(found.lower, found.upper)}"
    low, high = ends(exponent)
    if high < found.lower:
        witness = {"s": s, "t": t, "integral_of_lambda": shown(exponent), "integral_of_the_sharp_rate": known}
        summary = f"the exponent is {float(exponent.mid()):.8g}, but {known}"
        return Finding(Outcome.VIOLATED, summary, scope, numbers, witness, certificates)
    if not found.complete or low < found.upper - abs(found.upper) / 10**11:
        return Finding(Outcome.INCONCLUSIVE, f"{known} only", scope, numbers, certificates=certificates)
    summary = f"{known}: an error grows at most {exponential_above(found.upper)}-fold"
    return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=certificates)
