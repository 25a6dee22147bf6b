"""The tables of an audit, as every view shows them, and its sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from certflow.auditing.consequences import Consequences
from certflow.auditing.intervals import Ratio
from certflow.auditing.places import LISTED
from certflow.auditing.result import Findings
from certflow.numbers.numerals import figure

#: A class of places is told in short where its points err so many times as much as all do.
_STANDS_OUT = 1.5
#: What is below says nothing of a model: the fine solve of its flow.
FLOOR = 1e-8


@dataclass(frozen=True)
class Table:
    """A title, a head, rows of texts, and a note."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def meaning(audit: Findings) -> str:
    """What the numbers are, and what they cannot see: by the rule of three, what less than `3/N` of the law has."""
    unseen = f"{300 / audit.samples:.2g} %"
    return (
        "Empirical: means over draws of the mixture, with intervals from the spread over groups of these draws. All "
        "intervals of the errors over time together miss in 5 % of runs where means of groups are nearly normal, in "
        f"more where few draws decide. Errors on less than 3/N of the draws are not seen (N = {audit.samples:,}: less "
        f"than {unseen}), and nothing here is a proof."
    )


def verdict_sentence(audit: Findings) -> str:
    """The verdict with its decisive numbers."""
    limit = f"{figure(audit.threshold, 3)} ({'asked for' if audit.given else '1,000 roundings of its numbers'})"
    what = f"the relative L^2(p_t) error of the {audit.quantity}"
    if audit.above:
        worst = max(audit.above, key=lambda moment: moment.error.low)
        return (
            f"Above the threshold {limit}: at t = {figure(worst.t, 4)} {what} is {interval(worst.error)}; above at "
            f"{len(audit.above)} of {len(audit.moments)} times."
        )
    if audit.undecided:
        worst = max(audit.undecided, key=lambda moment: moment.error.high)
        return (
            f"Inconclusive: the threshold {limit} is inside the interval at {len(audit.undecided)} of "
            f"{len(audit.moments)} times; at t = {figure(worst.t, 4)} {what} is {interval(worst.error)}. More samples "
            "make it narrower."
        )
    return (
        f"Within the threshold {limit}: {what} is at most {interval(audit.largest.error)}, at "
        f"t = {figure(audit.largest.t, 4)} of {len(audit.moments)} times."
    )


def interval(ratio: Ratio) -> str:
    """`0.0213 (0.0201 to 0.0226)`."""
    if not ratio.value:
        return "0"
    return f"{figure(ratio.value, 3)} ({figure(ratio.low, 3)} to {figure(ratio.high, 3)})"


def by_time(audit: Findings) -> Table:
    rows = tuple(
        (
            figure(m.t, 4),
            figure(m.error.value, 3),
            f"{figure(m.error.low, 3)} to {figure(m.error.high, 3)}",
            "above" if m in audit.above else "inconclusive" if m in audit.undecided else "within",
            f"{100 * m.heaviest:.2g} %",
        )
        for m in audit.moments
    )
    return Table(
        "Errors over time",
        ("t", "relative L² error", "interval", "", "heaviest draw"),
        rows,
        f"(E|q̂ − q|² / E|q|²)^½ of the {audit.quantity}, {audit.samples:,} draws of p_t. Heaviest draw: the share of "
        "the squared error that one draw has; where it is large the interval is wide and may still be too narrow.",
    )


def by_place(audit: Findings) -> Iterator[Table]:
    if audit.places is None:
        return
    for title, rows in audit.places.tables:
        yield Table(
            f"Where it errs at t = {figure(audit.places.t, 4)}, {title}",
            ("", "draws", "squared error", "factor"),
            tuple((r.name, f"{100 * r.draws:.3g} %", f"{100 * r.error:.3g} %", figure(r.factor, 3)) for r in rows),
            {
                "next to ties": "Second responsibility: how far a point belongs to another component too; 0.5 is a "
                "tie of two.",
                "by component of largest responsibility": f"The {LISTED} with most of the error one by one.",
            }.get(title, "Distance in standard deviations of the noised component, over the root of d: a typical "
            "point is at about 1."),
        )  # fmt: skip


def in_short(audit: Findings) -> Iterator[str]:
    """Of each table of places the class that errs most for its size, where that is more than the whole does."""
    if audit.places is None:
        return
    for title, rows in audit.places.tables:
        worst = max(rows, key=lambda row: row.factor)
        if worst.factor > _STANDS_OUT:
            yield (
                f"{title}: {worst.name} has {100 * worst.error:.3g} % of the squared error with "
                f"{100 * worst.draws:.3g} % of the draws"
            )


def at_the_end(audit: Findings) -> Table:
    """Predicted and measured, side by side."""
    c = audit.consequences
    steps = f"{c.sampler} over {len(c.nodes) - 1} steps ({c.kind})"
    flow = interval(c.flow) if c.flow is not None else "not resolved"
    rows = [
        ("flow of the model", "first order", figure(c.first_order, 3), "predicted"),
        ("", "E5, typical", figure(c.typical, 3), "predicted"),
        ("", "E1, worst case", "none: no global bound" if c.worst is None else figure(c.worst, 3), "predicted"),
        ("", "fine solve", flow, "measured"),
        (steps, "exact score", interval(c.exact_sampler), "measured"),
        ("", "the model", "out of range" if c.model_sampler is None else interval(c.model_sampler), "measured"),
    ]
    if c.worst is None and c.unresolved:
        rows[2] = ("", "E1, worst case", "flow not resolved", "predicted")
    return Table(
        "What it makes of samples",
        ("", "", "relative MSE at the data end", ""),
        tuple(rows),
        _words(c),
    )


def _words(c: Consequences) -> str:
    said = (
        f"Against the exact flow from the same {c.points:,} draws at t = {figure(float(c.nodes[0]), 4)}. A student "
        "that learned the model's flow without an error of its own ends where that flow does. First order and E5 "
        "speak of small errors; E1 bounds these trajectories whatever the size, and is far from them where "
        "amplification is rare."
    )
    if c.flow is not None and c.flow.value < FLOOR:
        said += f" Below {FLOOR:g} the fine solve errs itself."
    return said + (f" The model's flow: {c.unresolved}." if c.unresolved else "")


def by_segment(audit: Findings) -> Table:
    c = audit.consequences
    rows = tuple((figure(s.start, 4), figure(s.end, 4), figure(s.amplified, 3)) for s in c.segments)
    return Table(
        "What a student's segments leave of it at the data end (E5)",
        ("from t", "to t", "relative MSE"),
        rows,
        "E|∫ D e dt|² / E|Φ|² over each segment of the grid, predicted to first order, on exact trajectories: what a "
        "student of these segments takes over from this model.",
    )
