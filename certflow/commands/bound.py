"""`certflow bound`: the explicit bounds of a mixture over time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certflow.commands.bound_formats import bound_csv, bound_latex
from certflow.commands.bound_table import Balls, Rates, balls, rates
from certflow.commands.options import TABLE_FORMATS, Mixture, TableFormat, TMax, TMin, Width
from certflow.commands.output import print_document, print_json
from certflow.commands.plotting import plot_targets
from certflow.commands.texts import (
    INCONCLUSIVE,
    choice,
    headline,
    integer,
    read_process,
)
from certflow.errors import InputError, NoGlobalBound
from certflow.numbers.numerals import above, below, exponential, exponential_above, figure, nearest
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_bar
from certflow.terminal import filled, table

if TYPE_CHECKING:
    from certflow.commands.bound_sharp import Sharp
    from certflow.enclosure.suprema.exponent import SharpStability
    from certflow.enclosure.suprema.rate import SharpRate


_STATEMENTS = {
    "common-isotropic": "L2 and L3",
    "shared": "L6",
    "isotropic": "L7",
    "full": "L8",
}
_GROWTH = {"quadratic": "grows like |x|²", "linear": "grows like |x|"}


def bound(
    mixture: Mixture,
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    points: Annotated[str, typer.Option(metavar="N", help="Number of times, spaced evenly in log t.")] = "10",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.svg|pdf|png", help="Also draw the curves here, ready for a paper.")
    ] = None,
    width: Width = None,
    sharpened: Annotated[
        bool, typer.Option("--sharp", help="Also enclose the sharp rates of this mixture, over all x.")
    ] = False,
    output: TableFormat = "text",
) -> int:
    """Print bounds that hold for all x, over time.

    The two-sided rate L(t), the one-sided rate lambda(t), their integrals from t_min, the amplification;
    for a mixture without a global bound, bounds on balls and the probability outside. With --sharp the suprema
    themselves, proved from both sides; exit code 3 if a search runs out of its budget. --sharp --plot draws the bounds
    against the suprema, and against the rate at draws of the process.
    """
    choice(output, "--format", TABLE_FORMATS)
    count = integer(points, "--points", 2, 10_000)
    process = read_process(mixture, t_min, t_max)
    (target,) = plot_targets(width, plot)
    ends = (t_min.strip(), t_max.strip())
    found: Rates | Balls
    try:
        found = rates(process, count, ends)
    except NoGlobalBound as reason:
        found = balls(process, count, ends, reason)
    enclosed = None
    if sharpened:
        from certflow.commands.bound_sharp import sharp

        if not isinstance(found, Rates):
            raise InputError("--sharp", mixture, "a mixture that has a global bound")
        with progress_bar():  # a search of up to a minute for each time
            enclosed = sharp(process, found.times)
    if target is not None:
        from certflow.commands.bound_plot import draw

        draw(found, process, target, enclosed)
    if output == "json":
        from certflow.report.formatting import json_text

        told = _json(found, process) | ({} if enclosed is None else {"sharp": enclosed.mapping()})
        print_json(json_text(told) + "\n")
    elif output == "csv":
        print_document(bound_csv(found, enclosed))
    elif output == "latex":
        print_document(bound_latex(found, process, enclosed))
    else:
        print(_text(found, process))
        if enclosed is not None and isinstance(found, Rates):
            print(f"\n{_sharp_text(enclosed, found)}")
        if target is not None:
            print(f"\nWritten: {target.path}")
    return 0 if enclosed is None or enclosed.complete else INCONCLUSIVE


def _text(found: Rates | Balls, process: OrnsteinUhlenbeck) -> str:
    title = filled(f"{headline(process.mixture)}, {found.times[0]} ≤ t ≤ {found.times[-1]}")
    body = _rates_text(found, process) if isinstance(found, Rates) else _balls_text(found, process)
    return f"{title}\n\n{body}"


def _rates_text(found: Rates, process: OrnsteinUhlenbeck) -> str:
    from certflow.commands.unicode_plot import log_plot

    head = ("t", "L(t)", "λ(t)", "∫L", "∫λ", "exp ∫L", "exp ∫λ")
    columns = zip(
        found.times,
        found.two_sided,
        found.one_sided,
        found.stability_two_sided,
        found.stability_one_sided,
        strict=True,
    )
    rows = [
        (time, *map(figure, (two, one, both, single)), exponential(both), exponential(single))
        for time, two, one, both, single in columns
    ]
    curves = [("●", found.curve_two_sided), ("○", found.curve_one_sided)]
    explanation = (
        f"L(t) bounds ‖∇u(x, t)‖ and λ(t) the rate at which sampling drives points apart, both for every x "
        f"({_STATEMENTS[process.mixture.kind]}). The integrals run from {found.times[0]} to t; exp ∫λ "
        "bounds by how much an error made at t has grown when sampling ends (F1). Upper bounds: the true "
        "values may be far smaller. Computed in float64 and rounded, not enclosed."
    )
    return "\n".join(
        [
            table(head, rows),
            "",
            *log_plot(found.curve_times, curves, ("● L(t)", "○ λ(t)", "◉ both"), (found.times[0], found.times[-1])),
            "",
            filled(explanation),
        ]
    )


def _sharp_text(enclosed: Sharp, found: Rates) -> str:
    rows = [
        (time, _enclosed(one), _enclosed(two), *(_looseness(b, r) for b, r in ((bound, one), (norm, two))))
        for time, one, two, bound, norm in zip(
            enclosed.times, enclosed.one_sided, enclosed.two_sided, found.one_sided, found.two_sided, strict=True
        )
    ]
    head = ("t", "λ*(t) = sup λmax(−∇u)", "L*(t) = sup ‖∇u‖", "λ/λ*", "L/L*")
    parts = [
        filled("Sharp rates: suprema over all x, proved from both sides, to six digits; two ends rounded outwards."),
        "",
        table(head, rows),
    ]
    if enclosed.integral is not None:
        parts += ["", filled(_integral_text(enclosed.integral, found.times))]
    if not enclosed.complete:
        parts += [
            "",
            filled("Inconclusive: a search ran out of its budget; what is printed is proved, but not sharp."),
        ]
    return "\n".join(parts)


def _integral_text(integral: SharpStability, times: tuple[str, ...]) -> str:
    """The enclosed exponent and its factor beside those of the closed form, where they differ in the digits shown."""
    exponents = [nearest(value, 6) for value in (integral.lower, integral.popoviciu)]
    factor, closed = (exponential_above(value) for value in (integral.upper, integral.popoviciu))
    told = (
        f"∫λ* from {times[0]} to {times[-1]} lies in {integral:.6}, where the closed form gives ∫λ = {exponents[1]}: "
        f"an error grows at most {factor}-fold"
    )
    if factor != closed:
        return f"{told}, not {closed}-fold."
    if exponents[0] == exponents[1]:
        return f"{told}, and to the digits shown the closed form is attained."
    return f"{told}, as the closed form says."


def _enclosed(rate: SharpRate) -> str:
    """One number where both ends, and so the supremum, round to it; else both, rounded outwards."""
    shown = nearest(rate.lower, 6)
    if rate.complete and shown == nearest(rate.upper, 6):
        return shown
    return f"{below(rate.lower, 6)} … {above(rate.upper, 6)}"


def _looseness(bound: float, rate: SharpRate) -> str:
    """How many times the closed form exceeds the supremum, where that is positive: a range, if that is not known."""
    if not rate.lower > 0:
        return "–"
    low, high = (nearest(Fraction(bound) / end, 4) for end in (rate.upper, rate.lower))
    return low if rate.complete else f"{low} … {high}"  # the closed form is float64, which proves no digit


def _balls_text(found: Balls, process: OrnsteinUhlenbeck) -> str:
    i, j = found.pair
    paragraph = (
        f"No global bound exists for this mixture, at any t: ‖∇u(x, t)‖ {_GROWTH[found.growth]}, as at the points "
        f"where components {i} and {j} (counted from 0) are equally likely, and likelier than any other (L8). "
        "So there is no finite L(t), λ(t) or amplification factor. On a ball |x| ≤ R there is a bound, and the "
        "probability that X_t lies outside the ball has one too:"
    )
    rows = [
        (row.time, figure(row.radius), above(row.bound), above(row.outside, 3))
        for row in sorted(found.rows, key=lambda row: (row.index, row.radius))
        if row.in_table
    ]
    head = ("t", "R", "‖∇u‖ on |x| ≤ R, at most", "P(|X_t| > R), at most")
    return "\n".join(
        [
            filled(paragraph),
            "",
            table(head, rows),
            "",
            filled("Computed in float64 and rounded, not enclosed; upper bounds, which may be far from sharp."),
        ]
    )


def _json(found: Rates | Balls, process: OrnsteinUhlenbeck) -> dict[str, Any]:
    mixture = process.mixture
    return {
        "schema": "certflow/bound/1",
        "mixture": mixture.name,
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "kind": mixture.kind,
        "t_min": found.times[0],
        "t_max": found.times[-1],
        "arithmetic": "float64",
        "global_bound": isinstance(found, Rates),
        **found.mapping(),
    }
