"""Enclosures of the spatial bounds, over all x: L2 and L3 on panels of time, L5 (sharp rates), L6 and L7.

The bounds and the Jacobian under test are evaluated in Arb balls and held against rates that are proved for all of
`R^d` without them (`certflow.enclosure`). A bound that is certainly below the proved supremum is violated, and the
place where the supremum is reached is the witness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.check import Applicability, Context, Finding, OutOfReach
from certflow.claims.evidence.balls import (
    DIGITS,
    KINDS,
    SYMBOLS,
    ClosedRates,
    agreement,
    bound_at,
    bracket,
    precision,
    shown,
    within,
)
from certflow.claims.evidence.sharpness import (
    ROUNDING,
    certificates_of,
    covers,
    looseness,
    place,
    row,
    searchable,
    sharp_at,
    sharp_growth,
    sharp_times,
)
from certflow.claims.hypotheses import has_bound, only
from certflow.claims.model import Outcome
from certflow.enclosure.closed_forms import rate_bounds
from certflow.enclosure.expressions import ball
from certflow.enclosure.suprema.rate import SharpRate
from certflow.errors import NoEnclosure
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text, time_text
from certflow.numbers.numerals import above, below
from certflow.process import OrnsteinUhlenbeck

#: Where the bounds that need no search are stated.
_CLOSED = {"common-isotropic": "L2 and L3", "shared": "L6", "isotropic": "L7"}

#: Panels of time on which L2 and L3 are bounded for all x and all t.
PANELS = 64
#: Farther than this (a multiple of a direction to infinity) no point is looked for that stands for the limit.
_LONGEST = 2.0**200


@dataclass
class _Tally:
    """Outcomes of several comparisons; the first violated or open one is told."""

    outcome: Outcome = Outcome.HOLDS
    summary: str = ""
    witness: dict[str, Any] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, outcome: Outcome, summary: str, witness: dict[str, Any]) -> None:
        worse = outcome is Outcome.VIOLATED and self.outcome is not Outcome.VIOLATED
        if worse or (outcome is Outcome.INCONCLUSIVE and self.outcome is Outcome.HOLDS):
            self.outcome, self.summary, self.witness = outcome, summary, witness


def closed_rate(kind: str) -> Callable[[Context, str], Finding]:
    """L2 (two-sided), L3 (one-sided): the bound is the closed form, which is proved for all x on panels of t.

    `rate_bounds` gives numbers that hold for all `x` and all `t` of a panel; the bound under test must agree with the
    closed form at the ends of the panels to `DIGITS` digits, and be at least the sharp rate where that is known.
    """

    def procedure(context: Context, name: str) -> Finding:
        claim, symbol = name.partition(".")[0], SYMBOLS[kind]
        process, mixture = context.process, context.mixture
        bounds = rate_bounds(process, process.exact_t_min, process.exact_t_max, PANELS)
        tally = _Tally()
        with precision(context):
            if searchable(mixture) is None:
                _against_sharp(context, kind, tally)
            for time, found in zip(bounds.times, bound_at(process, bounds.times, kind), strict=True):
                closed = ClosedRates(mixture, time)
                expected = closed.rate(kind)
                witness = {"t": exact_text(time), "bound": shown(found), "closed_form": shown(expected)}
                summary = f"{symbol} and its closed form differ at t = {float(time):.6g}"
                tally.add(agreement(found, expected, closed.size), summary, witness)
        upper = bounds.two_sided_upper if kind == "two-sided" else bounds.one_sided_upper
        numbers: dict[str, Any] = {
            "panels": PANELS,
            "digits_agreed": DIGITS,
            "largest_bound_of_a_panel": str(max(upper)),
            "smallest_bound_of_a_panel": str(min(upper)),
        }
        if tally.rows:
            numbers |= {"bound_over_sharp": looseness(tally.rows), "sharp_rates": tally.rows}
        scope = (
            f"this mixture, all x, all t of [{exact_text(process.exact_t_min)}, {exact_text(process.exact_t_max)}] "
            f"in {PANELS} panels"
        )
        if tally.outcome is not Outcome.HOLDS:
            return Finding(tally.outcome, tally.summary, scope, numbers, tally.witness)
        certificates = certificates_of(context, numbers, claim)
        loose = f"; at {_listed(sharp_times(context))}: {looseness(tally.rows)}" if tally.rows else ""
        summary = (
            f"at {len(bounds.times)} times {symbol} is the closed form to {DIGITS} digits, which on the {PANELS} "
            f"panels of t between them bounds every x{loose}"
        )
        return Finding(Outcome.HOLDS, summary, scope, numbers, certificates=certificates)

    return procedure


def _against_sharp(context: Context, kind: str, tally: _Tally) -> None:
    times = sharp_times(context)
    for time, bound in zip(times, bound_at(context.process, times, kind), strict=True):
        found, _ = sharp_at(context, time, kind)
        tally.rows.append(row(found, bound))
        if covers(bound, found) is Outcome.VIOLATED:
            tally.add(Outcome.VIOLATED, _exceeded(found, bound), place(found) | {"bound": shown(bound)})


def _exceeded(found: SharpRate, bound: Any) -> str:
    at = f"{SYMBOLS[found.kind]} = {float(bound.mid()):.6g} at t = {float(found.time):.6g}"
    return f"{at}, where the supremum over x is at least {below(found.lower, 6)}"


def sharp_bound(context: Context, name: str) -> Finding:
    """L6, L7: `lambda(t)` and `L(t)` are at least the sharp rates, which are enclosed over all x."""
    tally, times = _Tally(), sharp_times(context)
    with precision(context):
        for kind in KINDS:
            for time, bound in zip(times, bound_at(context.process, times, kind), strict=True):
                found, _ = sharp_at(context, time, kind)
                tally.rows.append(row(found, bound))
                outcome = covers(bound, found)
                summary = _exceeded(found, bound)
                if outcome is Outcome.INCONCLUSIVE:
                    summary = f"the sharp rate at t = {float(time):.6g} is known to lie in {_interval(found)} only"
                tally.add(outcome, summary, place(found) | {"bound": shown(bound)})
    numbers = {"bound_over_sharp": looseness(tally.rows), "sharp_rates": tally.rows}
    scope = f"this mixture, all x, {_listed(times)}"
    if tally.outcome is Outcome.HOLDS:
        summary = f"at {_listed(times)} lambda(t) and L(t) bound the rates of every x; {looseness(tally.rows)}"
        return Finding(Outcome.HOLDS, summary, scope, numbers)
    return Finding(tally.outcome, tally.summary, scope, numbers, tally.witness)


def sharp_value(context: Context, name: str) -> Finding:
    """L5: `lambda*(t)` and `L*(t)` from both sides, and the Jacobian under test at the place that comes close to them.

    The upper end holds for all x (a covering of `R^d`, or Popoviciu's inequality where it is exact). The Rayleigh
    quotient of the Jacobian in balls at the witness must lie between the ends.
    """
    tally, times, certificates = _Tally(), sharp_times(context), {}
    widest = Fraction(0)
    with precision(context):
        for kind in KINDS:
            for time in times:
                found, certificate = sharp_at(context, time, kind)
                tally.rows.append(row(found, _closed(context, time, kind)))
                widest = max(widest, (found.upper - found.lower) / (abs(found.upper) or Fraction(1)))
                if certificate is not None:
                    certificates[f"L5-t-{time_text(time)}-{kind}"] = certificate
                value = _at_witness(context, found)
                room = ROUNDING * (abs(found.lower) + abs(found.upper)) + Fraction(1, 10**DIGITS)
                outcome = within(value, found.lower, found.upper, room)
                if outcome is Outcome.HOLDS and not found.complete:
                    budget = f"not settled within the {context.profile.search_seconds:g} s of a search"
                    outcome, summary = Outcome.INCONCLUSIVE, f"{budget}: known to lie in {_interval(found)} only"
                else:
                    summary = f"the Jacobian's rate there is {float(value.mid()):.10g}, not in {_interval(found)}"
                where = f"sharp {kind} rate at t = {float(time):.6g}"
                tally.add(outcome, f"{where}: {summary}", place(found) | {"rate_of_the_Jacobian": shown(value)})
    numbers: dict[str, Any] = {"bound_over_sharp": looseness(tally.rows), "sharp_rates": tally.rows}
    if context.profile.sharp_integral and context.mixture.kind == "common-isotropic":
        numbers |= _integrals(context)
    scope = f"this mixture, all x, {_listed(times)}"
    if tally.outcome is not Outcome.HOLDS:
        return Finding(tally.outcome, tally.summary, scope, numbers, tally.witness, certificates)
    known = f"the bounds of {_CLOSED[context.mixture.kind]}"
    summary = f"at {_listed(times)} sharp rates are enclosed over all x to {above(widest, 1)} relative; {known}: "
    return Finding(Outcome.HOLDS, summary + looseness(tally.rows), scope, numbers, certificates=certificates)


def _closed(context: Context, time: Fraction, kind: str) -> Any:
    """The bound of L2, L3, L6 or L7 that the sharp rate is shown beside; what is under test plays no part."""
    if context.mixture.kind == "common-isotropic":
        return ClosedRates(context.mixture, time).rate(kind)
    return bound_at(OrnsteinUhlenbeck(context.mixture), [time], kind)[0]


def _integrals(context: Context) -> dict[str, Any]:
    """`int lambda*` beside `int lambda`, over the whole interval."""
    found, _ = sharp_growth(context)
    return {
        "integral_of_the_sharp_rate": f"[{found.lower}, {found.upper}]",
        "integral_of_the_closed_form": str(found.popoviciu),
    }


def _at_witness(context: Context, found: SharpRate) -> Any:
    """`-e.J e/e.e` of the Jacobian under test at the witness, for "two-sided" its modulus: a ball."""
    point, along = list(found.witness.point), found.witness.direction
    if along is not None:
        reach = _reach(context.mixture, found, point, along)
        point = [p + reach * n for p, n in zip(point, along, strict=True)]
    value = _quotient(context, found.time, point, list(found.vector))
    return value if found.kind == "one-sided" else abs(value)


def _quotient(context: Context, time: Fraction, point: list[Fraction], direction: list[Fraction]) -> Any:
    """`-e.J(x, t) e / e.e` as a ball."""
    x = np.array([ball(entry) for entry in point], dtype=object)
    matrix = context.process.jacobian(x, ball(time))
    e = np.array([ball(entry) for entry in direction], dtype=object)
    return -(e * (matrix * e).sum(-1)).sum() / (e * e).sum()


def _reach(
    mixture: GaussianMixture, found: SharpRate, point: Sequence[Fraction], along: Sequence[Fraction]
) -> Fraction:
    """A power of two `s` such that at `x + s n` the components that vanish in the limit have no mass in float64.

    float64 is enough, because every `s` gives a point, at which the rate is between the ends or not.
    """
    others = [k for k in range(mixture.n_components) if k not in found.witness.components]
    start, step = (np.array([float(entry) for entry in vector]) for vector in (point, along))
    plain, reach = OrnsteinUhlenbeck(mixture), 1.0
    while others and plain.responsibilities(start + reach * step, float(found.time))[others].any():
        reach *= 2
        if not reach < _LONGEST:
            raise NoEnclosure("no point was found that stands for the limit in which the sharp rate is reached")
    return Fraction(reach)


def _interval(found: SharpRate) -> str:
    return bracket(found.lower, found.upper)


def _listed(times: list[Fraction]) -> str:
    texts = [f"{float(time):.4g}" for time in times]
    return f"t = {', '.join(texts[:-1])} and {texts[-1]}"


def sharp_applies(*kinds: str) -> Applicability:
    """Applicability of sharp rates: by form of covariance, and where the search over all x can be done."""

    def applies(mixture: GaussianMixture) -> str | None:
        return only(*kinds)(mixture) or _searched(mixture)

    return applies


def sharp_value_applies(mixture: GaussianMixture) -> str | None:
    """L5 speaks of every mixture whose rates have a supremum (L8)."""
    if mixture.kind == "full":
        return has_bound(mixture) or OutOfReach("no sharp rate is searched for where full covariances are given")
    return _searched(mixture)


def _searched(mixture: GaussianMixture) -> str | None:
    reason = searchable(mixture)
    return None if reason is None else OutOfReach(reason)
