"""What a distillation experiment found, in tables and sentences that every view shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from certflow.distill.results import BASELINE, Growth, Reduction, Results, Spread, is_enclosed
from certflow.report.formatting import duration, number
from certflow.report.laboratory.enclosed import enclosure_table, proved_sentences
from certflow.report.laboratory.table import Table

#: A bound this many times above what typical points do is dominated by points that they do not visit.
DOMINATED = math.log(10)
#: An error so many times the coherent sum was not carried linearly.
BEYOND = 1.25

MEANING = (
    "Every number is the relative mean squared error E|Ψ(X) − Φ(X)|² / E|Φ(X)|² of trained maps Ψ, composed, against "
    "the exact flow Φ of the mixture, on points that no map was trained on, placed where errors are made and weighted. "
    "± is the standard deviation over seeds; a seed changes the training points, the weights, the mini-batches and, in "
    "more than one dimension, the test points."
)
LIMITS = (
    "The evidence is empirical: it says which grid was better for this mixture, this interval of time, maps of this "
    "size and this much training. It says nothing of other mixtures, of other sizes, of longer training, or of data "
    "that a mixture only approximates. A difference within the spread over seeds is no difference. Errors are mean "
    "squares: a rare point may be far worse."
)
PROVED = "The intervals, and what is said to be proved, hold for these very students by a proof (C2, C4). "
LEDGER = (
    "A map makes a local error at each segment, and the rest of the flow carries it to the data end. incoherent: the "
    "sum of the carried errors' mean squares, as if they were uncorrelated. first order: the mean square of their sum, "
    "carried by the derivative of the flow. coherent: as if all pointed the same way, which bounds first order from "
    "above. end to end: what was measured; it leaves first order where errors are too large to be carried linearly. "
    "learned path: the coherent sum of errors as the composed maps make them, carried by the flow itself (its ratio to "
    "the error is measured on some of the points); the error is never above it, however large errors are (E5)."
)
PRECISION = (
    "standard error: by how much the measured error of one seed is uncertain, relative, the largest over seeds; "
    "unlike the spread over seeds it says nothing of other trainings."
)


def limits(results: Results) -> str:
    """What the numbers do not say; of a run with enclosures first, what is proved."""
    return PROVED + LIMITS.replace("The evidence", "All else", 1) if any(map(is_enclosed, results.rows)) else LIMITS


def evidence(results: Results) -> str:
    """What kind of evidence the run gives, in a line."""
    proved = "; errors enclosed, by proof" if any(map(is_enclosed, results.rows)) else ""
    return f"empirical: measured on trained maps{proved}"


def tables(results: Results) -> list[Table]:
    """Errors by K, what is proved of them, then reductions and the ledger at the largest K; none without rows."""
    largest = results.segments()[-1]
    found = [error_table(results), enclosure_table(results), reduction_table(results, largest)]
    found.append(ledger_table(results, largest))
    return [table for table in found if table.rows]


def error_table(results: Results) -> Table:
    """Mean relative squared error with its deviation, a row for each grid and a column for each K."""
    numbers, grids = results.segments(), results.grids()
    cells = {(i, j): results.spread(grid, k) for i, grid in enumerate(grids) for j, k in enumerate(numbers, 1)}
    best = set()
    for j, _ in enumerate(numbers, 1):
        means = {i: cells[i, j].mean for i in range(len(grids)) if _counts(cells[i, j])}  # type: ignore[union-attr]
        lowest = [i for i, mean in means.items() if mean == min(means.values())]
        if len(lowest) == 1 and len(means) > 1:
            best.add((lowest[0], j))
    rows = [(grid, *(error_text(cells[i, j]) for j, _ in enumerate(numbers, 1))) for i, grid in enumerate(grids)]
    seeds = len({row["seed"] for row in results.rows})
    over = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed, so there is no spread"
    note = f"{over[0].upper()}{over[1:]}." + (" Set off: the lowest mean of its column." if best else "")
    return Table(
        "Relative mean squared error, end to end",
        ("grid", *(f"K = {k}" for k in numbers)),
        tuple(rows),
        note,
        frozenset(best),
    )


def reduction_table(results: Results, segments: int) -> Table:
    """`1 - MSE / MSE_other` against uniform and against the best grid that knows nothing of the mixture."""
    best = results.best_baseline(segments)
    others = [other for other in dict.fromkeys((BASELINE, best)) if other is not None and other in results.grids()]
    rows = []
    for grid in results.grids():
        found = [None if grid == other else results.reduction(grid, segments, other) for other in others]
        if any(found):
            pairs = ((one.unpaired, one.paired) if one else (None, None) for one in found)
            rows.append((grid, *(percent(part) for pair in pairs for part in pair)))
    names = " and ".join(f"{other} (the best baseline)" if other == best else other for other in others)
    return Table(
        f"Reduction of the error at K = {segments} against {names}",
        ("grid", *(name for other in others for name in (f"{other}: of means", "of pairs"))),
        tuple(rows),
        "Below zero the error is larger. Of means: one minus the ratio of the mean errors. Of pairs: the mean over "
        "seeds of one minus the ratio of the two errors of a seed. Baselines are the grids that know nothing of the "
        "mixture.",
    )


def ledger_table(results: Results, segments: int) -> Table:
    """Where the error comes from: sums of carried local errors beside what was measured."""
    columns = {"incoherent": "incoherent", "first_order": "first order", "coherent": "coherent"}
    if any("learned_path" in row for row in results.rows):
        columns["learned_path"] = "learned path"
    columns["relative_mse"] = "end to end"
    told = any(results.precision(grid, segments) is not None for grid in results.grids())  # older files have none
    rows = []
    for grid in results.grids():
        spreads = [results.spread(grid, segments, field) for field in columns]
        if _counts(spreads[0]):
            own = (precision_text(results.precision(grid, segments)),) if told else ()
            rows.append((grid, *map(error_text, spreads), *own))
    head = ("grid", *columns.values(), *(("standard error",) if told else ()))
    title = f"Ledger of the error at K = {segments}"
    return Table(title, head, tuple(rows), f"{LEDGER} {PRECISION}" if told else LEDGER)


def sentences(results: Results, growth: Growth | None = None) -> list[str]:
    """What the tables say: the best grid, what each informed grid wins and loses, and why it loses."""
    largest = results.segments()[-1]
    means = {grid: results.spread(grid, largest) for grid in results.grids()}
    ran = {grid: spread for grid, spread in means.items() if spread is not None and spread.count}
    if not ran:
        return [f"Nothing can be said at K = {largest}: every run diverged."]
    if len(ran) == 1 or largest == 1:
        grid, spread = next(iter(ran.items()))
        alone = f"Only {grid} was run" if largest > 1 else "With one segment all grids are the same"
        return [
            f"{alone}: at K = {largest} its relative mean squared error is {error_text(spread)}.",
            *proved_sentences(results),
        ]
    lowest = min(ran, key=lambda grid: ran[grid].mean)
    best = results.best_baseline(largest)
    told = [
        f"At K = {largest} the lowest mean error is that of {lowest}, {error_text(ran[lowest])}"
        f"{_compared(results, lowest, largest, best)}."
    ]
    if lowest == best:
        told[0] += f" {lowest} is a baseline: it knows nothing of the mixture."
    told += [_informed(results, grid, largest, best, grid == lowest) for grid in ran if grid not in _baselines(results)]
    losers = [
        grid
        for grid in ran
        if grid.startswith("stability-balanced")
        and any(_loses(results, grid, largest, other) for other in {BASELINE, best} - {None, grid})
    ]
    for grid in losers:
        told.append(_heaviest(results, grid, largest))
    if losers and growth is not None:
        told.append(_why(losers, growth))
    return told + _beyond_linear(results, list(ran), largest) + proved_sentences(results)


def taken(setting: Mapping[str, Any]) -> str:
    """Time and place of a run, in a few words."""
    seconds = setting["seconds"]
    parts = ", ".join(f"{name} {duration(value)}" for name, value in seconds.items())
    return f"{duration(sum(seconds.values()))} ({parts}) on {setting['device']}, torch {setting['torch']}"


def error_text(spread: Spread | None) -> str:
    """`3.4e-05 ± 0.6e-05`: mean and deviation with one power of ten; what diverged is said."""
    if spread is None:
        return "–"
    if not spread.count:
        return "diverged"
    text = _scientific(spread.mean, spread.deviation if spread.count > 1 else None)
    return f"{text} ({spread.diverged} diverged)" if spread.diverged else text


def precision_text(relative: float | None) -> str:
    """`0.83 %`; where it is next to nothing, as of a quadrature, `< 0.01 %`."""
    if relative is None:
        return "–"
    return f"{100 * relative:.2f} %" if relative >= 1e-4 else "< 0.01 %"


def percent(spread: Spread | None) -> str:
    """`91.2 ± 1.3 %`; three digits where a loss is many times the error compared with."""
    if spread is None or not math.isfinite(spread.mean):
        return "–"
    mean, deviation = 100 * spread.mean, 100 * spread.deviation
    digits = 1 if abs(mean) < 1000 else 0
    shown = f"{mean + 0.0:.{digits}f}".replace("-", "−")
    return f"{shown} ± {deviation:.{digits}f} %" if spread.count > 1 else f"{shown} %"


def _scientific(mean: float, deviation: float | None) -> str:
    if not math.isfinite(mean) or mean == 0:
        return f"{mean:g}"
    power = int(f"{mean:.1e}".partition("e")[2])
    digits = f"{mean / 10.0**power:.1f}e{power:+03d}"
    if deviation is None or not math.isfinite(deviation):
        return digits
    own = f"{deviation / 10.0**power:.1f}"
    return f"{digits} ± {deviation:.0e}" if own == "0.0" and deviation else f"{digits} ± {own}e{power:+03d}"


def _counts(spread: Spread | None) -> bool:
    return spread is not None and spread.count > 0


def _baselines(results: Results) -> set[str]:
    from certflow.distill.results import BASELINES

    return {grid for grid in results.grids() if grid.partition(":")[0] in BASELINES}


def _compared(results: Results, grid: str, segments: int, best: str | None) -> str:
    """`, 91 % below uniform and 40 % below karras (the best baseline)`; empty if there is nothing to compare with."""
    parts = []
    for other in dict.fromkeys((BASELINE, best)):
        found = None if other is None or other == grid else results.reduction(grid, segments, other)
        if found is not None:
            parts.append(_relative(found) + (", the best baseline" if other == best else ""))
    return f": {' and '.join(parts)}" if parts else ""


def _relative(found: Reduction) -> str:
    ratio = 1 - found.unpaired.mean
    if ratio < 1:
        below = 100 * (1 - ratio)
        text = f"{below:.{0 if below < 99 else 1}f}\N{NO-BREAK SPACE}% below {found.against}"
    else:
        text = f"{100 * (ratio - 1):.0f}\N{NO-BREAK SPACE}% above" if ratio < 2 else f"{ratio:.3g} times"
        text = f"{text} {'that of ' if ratio >= 2 else ''}{found.against}"
    clear = found.paired.count > 1 and abs(found.paired.mean) > found.paired.deviation
    return text if clear else f"{text} ({'within the spread' if found.paired.count > 1 else 'one seed'})"


def _loses(results: Results, grid: str, segments: int, other: str | None) -> bool:
    found = None if other is None or other == grid else results.reduction(grid, segments, other)
    return found is not None and found.unpaired.mean < 0


def _informed(results: Results, grid: str, largest: int, best: str | None, lowest: bool) -> str:
    """What a grid that knows the mixture gains and loses, at every K above 1."""
    several = [k for k in results.segments() if k > 1]
    others = {k: results.best_baseline(k) for k in several}
    losses = {
        "uniform": [k for k in several if _loses(results, grid, k, BASELINE)],
        "the best baseline": [k for k in several if others[k] != BASELINE and _loses(results, grid, k, others[k])],
    }
    lost = [f"to {name} at K = {', '.join(map(str, numbers))}" for name, numbers in losses.items() if numbers]
    compared = _compared(results, grid, largest, best)
    gains = "" if lowest or not compared else f" at K = {largest} is{compared.removeprefix(':')};"
    if not lost:
        return f"{grid}{gains} {'it ' if gains else ''}loses to no baseline at any K > 1 that was run."
    return f"{grid}{gains} {'it ' if gains else ''}loses {' and '.join(lost)}."


def _heaviest(results: Results, grid: str, segments: int) -> str:
    """Which segment makes most of the carried error, by the measured ledger."""
    rows = [row for row in results.of(grid, segments) if not row["diverged"]]
    shares = [fmean(row["amplified"][k] for row in rows) for k in range(segments)]
    k = max(range(segments), key=shares.__getitem__)
    start, end = rows[0]["times"][k : k + 2]
    return (
        f"Where {grid} loses: segment {k + 1}, from t = {start:.3g} to {end:.3g}, makes "
        f"{100 * shares[k] / math.fsum(shares):.0f} % of what its segments contribute to the error at the data end."
    )


def _beyond_linear(results: Results, grids: list[str], segments: int) -> list[str]:
    """A warning where the measured error exceeds what linear transport of the local errors allows."""
    found = []
    for grid in grids:
        measured, bound = (results.spread(grid, segments, field) for field in ("relative_mse", "coherent"))
        if measured and bound and measured.mean > BEYOND * bound.mean:
            found.append(grid)
    if not found:
        return []
    return [
        f"Not carried linearly: the error of {', '.join(found)} exceeds the coherent sum. Some local errors are too "
        "large for that (near a separatrix they lead a point into another mode), and no rate predicts this part; "
        "longer training (--steps) may change the order of these grids."
    ]


def _why(losers: list[str], growth: Growth) -> str:
    names = " and ".join(losers)
    if growth.one_sided is None or growth.two_sided is None:
        return f"No worst-case exponent exists for this mixture, so none explains the loss of {names}."
    bounds, typical = {"∫λ": growth.one_sided[0], "∫L": growth.two_sided[0]}, growth.typical[0]
    told = " and ".join(f"{name} = {number(value, 4)}" for name, value in bounds.items())
    beside = f"from δ to T the worst-case exponent is {told}, while at typical points log A(T) = {number(typical, 3)}"
    if growth.one_sided[0] - typical <= DOMINATED:
        return (
            f"The loss of {names} is not that of a bound far above typical growth ({beside}): the errors by segment "
            "show where it is made."
        )
    where = "points that few trajectories come near"
    if growth.separatrix is not None:
        where = "the separatrix between the two modes, where it is attained and which few trajectories come near"
    return (
        f"A reason for the loss of {names}: {beside}. The exponent is dominated by {where}; a grid that balances it "
        "crowds its segments where the bound is large and leaves long ones where typical trajectories bend."
    )
