"""What `certflow bound` prints for programs and papers: CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from typing import TYPE_CHECKING, Any

from certflow.commands.bound_table import Balls, Rates, decimal
from certflow.numbers.csv_text import csv_text
from certflow.numbers.numerals import above, exponential_above, figure
from certflow.process import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from certflow.commands.bound_sharp import Sharp
    from certflow.report.latex import LatexTable

#: `exp` of more is no float64.
_LARGEST_EXPONENT = 709


def bound_csv(found: Rates | Balls, enclosed: Sharp | None) -> str:
    """One row for each time, or for each time and ball; numbers with all their digits, enclosures by their two ends.

    An amplification beyond float64 is an empty field: its exponent stands beside it.
    """
    if isinstance(found, Balls):
        rows = [(decimal(row.time), row.radius, row.bound, row.outside) for row in found.rows]
        return csv_text(("t", "R", "bound of |grad u| on |x| <= R", "P(|X_t| > R)"), rows)
    head = ["t", "L(t)", "lambda(t)", "int L", "int lambda", "exp int L", "exp int lambda"]
    columns: list[tuple[Any, ...]] = [
        tuple(map(decimal, found.times)),
        found.two_sided,
        found.one_sided,
        found.stability_two_sided,
        found.stability_one_sided,
        *(
            tuple(exp(exponent) if exponent < _LARGEST_EXPONENT else None for exponent in exponents)
            for exponents in (found.stability_two_sided, found.stability_one_sided)
        ),
    ]
    if enclosed is not None:
        for name, rates in (("lambda*(t)", enclosed.one_sided), ("L*(t)", enclosed.two_sided)):
            head += [f"{name} at least", f"{name} at most"]
            columns += [tuple(rate.lower for rate in rates), tuple(rate.upper for rate in rates)]
    return csv_text(head, zip(*columns, strict=True))


def bound_latex(found: Rates | Balls, process: OrnsteinUhlenbeck, enclosed: Sharp | None) -> str:
    """Tables of booktabs: bounds rounded up, enclosures rounded outwards."""
    from certflow.report.latex import latex_text

    return latex_text(_tables(found, process, enclosed))


def _tables(found: Rates | Balls, process: OrnsteinUhlenbeck, enclosed: Sharp | None) -> Iterator[LatexTable]:
    if isinstance(found, Balls):
        yield _balls(found, process)
        return
    yield _rates(found, process)
    if enclosed is not None:
        yield _sharp(found, process, enclosed)


def _rates(found: Rates, process: OrnsteinUhlenbeck) -> LatexTable:
    from certflow.report.latex import LatexTable, label_of, number, numeral, subject

    head = (
        "$t$",
        "$L(t)$",
        r"$\lambda(t)$",
        r"$\int L$",
        r"$\int\lambda$",
        r"$\exp\int L$",
        r"$\exp\int\lambda$",
    )
    columns = zip(found.two_sided, found.one_sided, found.stability_two_sided, found.stability_one_sided, strict=True)
    rows = [
        tuple(map(number, (t, *map(above, numbers), *map(exponential_above, numbers[2:]))))
        for t, numbers in zip(found.times, columns, strict=True)
    ]
    start = numeral(found.times[0])
    caption = (
        rf"Bounds for all $x$, {subject(process.mixture)}: the two-sided rate $L$, the one-sided rate $\lambda$ in the "
        f"direction of sampling, their integrals from $t = {start}$ to $t$, and the factors by which an error made at "
        "$t$ can have grown when sampling ends. Upper bounds, computed in double precision and rounded up, not "
        "enclosed."
    )
    return LatexTable(caption, label_of("bounds", process.mixture.name), head, rows, "r" * len(head))


def _sharp(found: Rates, process: OrnsteinUhlenbeck, enclosed: Sharp) -> LatexTable:
    from certflow.report.latex import LatexTable, enclosure, label_of, number, numeral, subject

    rows = [
        (
            number(t),
            enclosure(one.lower, one.upper),
            number(above(closed_one, 6)),
            enclosure(two.lower, two.upper),
            number(above(closed_two, 6)),
        )
        for t, one, closed_one, two, closed_two in zip(
            enclosed.times, enclosed.one_sided, found.one_sided, enclosed.two_sided, found.two_sided, strict=True
        )
    ]
    caption = (
        rf"Suprema over all $x$, {subject(process.mixture)}: $\lambda^*(t) = \sup_x \lambda_{{\max}}(-\nabla u)$ and "
        r"$L^*(t) = \sup_x \|\nabla u\|$, enclosed and rounded outwards, beside their closed bounds $\lambda$ and $L$."
    )
    total = enclosed.integral
    if total is not None:
        closed, factor = numeral(above(total.popoviciu)), numeral(exponential_above(total.upper))
        caption += (
            rf" From $t = {numeral(enclosed.times[0])}$ to ${numeral(enclosed.times[-1])}$, $\int\lambda^* \in "
            rf"{enclosure(total.lower, total.upper)[1:-1]}$ where the closed form gives $\int\lambda = {closed}$: an "
            f"error grows by a factor of at most ${factor}$."
        )
    if not enclosed.complete:
        caption += " Where an enclosure is wide, a search ran out of its budget."
    head = ("$t$", r"$\lambda^*(t)$", r"$\lambda(t)$", "$L^*(t)$", "$L(t)$")
    return LatexTable(caption, label_of("sharp", process.mixture.name), head, rows, "r" * len(head))


def _balls(found: Balls, process: OrnsteinUhlenbeck) -> LatexTable:
    from certflow.report.latex import LatexTable, label_of, number, subject

    rows = [
        tuple(map(number, (row.time, figure(row.radius), above(row.bound), above(row.outside, 3))))
        for row in sorted(found.rows, key=lambda row: (row.index, row.radius))
        if row.in_table
    ]
    i, j = found.pair
    caption = (
        rf"Bounds of $\|\nabla u(x, t)\|$ on balls $|x| \le R$, {subject(process.mixture)}, and of the probability "
        f"outside. No bound for all $x$ exists (components {i} and {j}, counted from 0). Upper bounds, computed in "
        "double precision and rounded up, not enclosed."
    )
    head = ("$t$", "$R$", r"bound of $\|\nabla u\|$", r"$\mathrm{P}(|X_t| > R)$")
    return LatexTable(caption, label_of("balls", process.mixture.name), head, rows, "r" * len(head))
