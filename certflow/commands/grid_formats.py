"""What `certflow grid` prints for programs and papers: CSV and LaTeX."""

from __future__ import annotations

from certflow.commands.grid_table import Table
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.numbers.csv_text import csv_text
from certflow.numbers.numerals import above, figure
from certflow.process import OrnsteinUhlenbeck

#: What a grid balances, by its name in a terminal: in a head of CSV, in a head of LaTeX.
_BALANCED = {
    "∫‖∇u‖_F": ("int |grad u|_F", r"$\int\|\nabla u\|_F$"),
    "∫‖∇u‖₂": ("int |grad u|_2", r"$\int\|\nabla u\|_2$"),
    "ΔH": ("entropy drop", r"$\Delta H$"),
    "∫σdH": ("int sigma dH", r"$\int\sigma\,dH$"),
    "∫L": ("int L", r"$\int L$"),
    "∫λ*": ("int lambda*", r"$\int\lambda^*$"),
}


def grid_csv(grid: TimeGrid, shown: Table) -> str:
    """One row for each node, numbers with all their digits; integrals of the segment that ends at the node."""
    head = ["k", "t", "sigma", "half log SNR"]
    head += ["int lambda"] if shown.exponents else []
    head += [_BALANCED[shown.name][0]] if shown.integrals else []
    return csv_text(head, (tuple(row.values()) for row in shown.rows(grid)))


def grid_latex(grid: TimeGrid, process: OrnsteinUhlenbeck, shown: Table, ends: tuple[str, str]) -> str:
    """A table of booktabs; exponents, which are upper bounds, rounded up, and other numbers to the nearest."""
    from certflow.report.latex import LatexTable, escaped, label_of, latex_text, number, numeral, subject

    head = ["$k$", "$t$", r"$\sigma$", r"$\frac{1}{2}\log\mathrm{SNR}$"]
    head += [r"$\int\lambda$"] if shown.exponents else []
    head += [_BALANCED[shown.name][1]] if shown.integrals else []
    columns = [(shown.exponents, above), (shown.integrals, figure)]
    rows = []
    for k, (t, sigma, ratio) in enumerate(zip(grid.times, shown.sigmas, grid.half_log_snr, strict=True)):
        time = ends[1] if k == 0 else ends[0] if k == grid.segments else figure(t, 6)
        parts = [text(values[k - 1]) if k else "" for values, text in columns if values]
        numbers = (str(k), time, figure(sigma), figure(ratio), *parts)
        rows.append([number(part) if part else "" for part in numbers])
    meant = "maps trained on its segments" if grid.sampler == DISTILLED else f"the solver {escaped(grid.sampler)}"
    caption = (
        f"The {escaped(grid.kind)} grid of {grid.segments} segment{'s' if grid.segments > 1 else ''} for {meant}, "
        rf"{subject(process.mixture)}, ${numeral(ends[0])} \le t \le {numeral(ends[1])}$: times, noise levels "
        r"$\sigma = \sqrt{e^{2t} - 1}$, half the log of the signal-to-noise ratio."
    )
    if shown.exponents:
        caption += (
            r" The segment that ends at node $k$ multiplies distances by at most $\exp\int\lambda$; rounded up from "
            "double precision."
        )
    label = label_of("grid", grid.kind, process.mixture.name)
    return latex_text([LatexTable(caption, label, head, rows, "r" * len(head))])
