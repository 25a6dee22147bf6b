"""The factor is attained midway between two equal modes, by the variational equation and by a proved tube (F3)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from certflow.claims.agreement import Agreement
from certflow.claims.check import Context, Finding
from certflow.claims.digits import mp
from certflow.claims.evidence.balls import bracket, ends, precision, shown, within
from certflow.claims.evidence.reference import exact_mpf
from certflow.claims.evidence.sampling import witness
from certflow.claims.evidence.tubes import LARGEST_GROWTH, earliest
from certflow.claims.model import Outcome
from certflow.enclosure.expressions import ball
from certflow.enclosure.results import rounded_down
from certflow.enclosure.tubes.tube import flow_tube
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Objects
from certflow.numbers.exact import exact_text, time_text
from certflow.numbers.numerals import above, figure
from certflow.process import OrnsteinUhlenbeck

#: Largest `int lambda` along which the variational equation is integrated in mpmath.
MOST_GROWTH = 1000
#: Digits of the derivative of the flow map along a tube.
DERIVATIVE_DIGITS = 12


def separatrix_derivative(context: Context, name: str) -> Finding:
    """F3: across the midway hyperplane `|D Phi n| = exp(int lambda)`, by the variational equation."""
    process = context.process
    expected = float(process.stability(process.t_min, process.t_max))
    if not expected <= MOST_GROWTH:
        summary = f"int lambda = {expected:.3g}: a flow in mpmath takes minutes and more beyond {MOST_GROWTH}"
        return Finding(Outcome.INCONCLUSIVE, summary, "this mixture, t_max to t_min")
    digits = min(context.digits, 30)  # a flow in mpmath: seconds at 30 digits, minutes at 100
    agreement = Agreement(digits, digits - 10)
    with mp.workdps(digits + 5):
        t, s = exact_mpf(process.exact_t_max), exact_mpf(process.exact_t_min)
        x, growth = context.mixture.kept[_growth_across, process.exact_t_min, process.exact_t_max, digits]
        agreement.compare([process.amplification(s, t, "one-sided")], [growth], witness(x, t))
    scope = f"this mixture, the midpoint of the noised means, t_max to t_min, {digits} digits"
    return agreement.finding("derivative of the flow map across the separatrix", scope)


def _growth_across(mixture: GaussianMixture, t_min: Fraction, t_max: Fraction, digits: int) -> tuple[Objects, Any]:
    """The midpoint of the noised means at `t_max`, and `|D Phi n|` there, in mpmath: of the mixture's own flow."""
    from certflow.flow.reference import flow_with_derivative

    with mp.workdps(digits + 5):
        means = mixture.exact_means.fractions
        axis = [exact_mpf(a - b) for a, b in zip(means[0], means[1], strict=True)]
        middle = [exact_mpf(a + b) / 2 for a, b in zip(means[0], means[1], strict=True)]
        norm = mp.sqrt(mp.fdot(axis, axis))
        t, s = exact_mpf(t_max), exact_mpf(t_min)
        x = np.array([mp.exp(-t) * c for c in middle], dtype=object)
        _, derivative = flow_with_derivative(OrnsteinUhlenbeck(mixture, t_min, t_max), x, t, s)
        image = [mp.fdot(row, axis) / norm for row in derivative]
        return x, mp.sqrt(mp.fdot(image, image))


def separatrix_tube(context: Context, name: str) -> Finding:
    """F3: at the midpoint of two equal modes, on the hyperplane, `|D Phi|` encloses `exp(int lambda)`.

    The midpoint `m (mu_1 + mu_2)/2` is no rational point; a box of exact half-width around it holds it.
    """
    process, until = context.process, earliest(context)
    end = process.exact_t_max
    means = context.mixture.exact_means.fractions
    middle = [Fraction(entry) for entry in (means[0] + means[1]) / 2]
    with precision(context):
        factor = process.amplification(ball(until), ball(end), "one-sided")
        scale = ends((-ball(end)).exp())
    digits = DERIVATIVE_DIGITS + LARGEST_GROWTH  # room for the growth of the box, e^60 twice
    x = [entry if not entry else Fraction(rounded_down(entry * scale[0], digits + 10)) for entry in middle]
    box = 0 if not any(middle) else Fraction(1, 10**digits) * max(map(abs, x))
    tube = flow_tube(OrnsteinUhlenbeck(context.mixture, until, end), x, end, until, digits=DERIVATIVE_DIGITS, box=box)
    grown = tube.derivative_norm
    numbers = {
        "derivative_norm": bracket(grown.lower, grown.upper),
        "amplification": shown(factor, 20),
        "steps": len(tube.steps),
    }
    scope = f"this mixture, the midpoint of the noised means, from t = {exact_text(end)} to {exact_text(until)}"
    if not factor.is_finite() or not (tube.complete or box):
        return Finding(Outcome.INCONCLUSIVE, "no tube of the accuracy asked for was found", scope, numbers)
    outcome = within(factor, grown.lower, grown.upper, Fraction(0))
    width = grown.width / grown.upper
    if outcome is Outcome.VIOLATED:
        witness = {"x": [exact_text(v) for v in x], "half_width": exact_text(Fraction(box)), "t_from": exact_text(end)}
        witness |= {"t_to": exact_text(until), "derivative_norm": bracket(grown.lower, grown.upper)}
        summary = (
            f"|D Phi| lies in {grown:.8} at the midpoint of the modes, "
            f"exp(int lambda) is {figure(float(factor.mid()), 8)}"
        )
        return Finding(outcome, summary, scope, numbers, witness | {"amplification": shown(factor)})
    if outcome is Outcome.INCONCLUSIVE or width > Fraction(1, 10**6):
        return Finding(Outcome.INCONCLUSIVE, f"|D Phi| is known to {above(width, 1)} only", scope, numbers)
    where = f"at the midpoint of the modes, from t = {time_text(end)} to {time_text(until)}"
    summary = f"{where}, the proved |D Phi| encloses exp(int lambda), relative width {above(width, 1)}"
    return Finding(Outcome.HOLDS, summary, scope, numbers)
