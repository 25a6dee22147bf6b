"""The tables of a distillation experiment as LaTeX."""

from __future__ import annotations

from certflow.distill.results import Results
from certflow.process import OrnsteinUhlenbeck
from certflow.report.laboratory.findings import tables
from certflow.report.laboratory.table import Table
from certflow.report.latex import LatexTable, cell, escaped, label_of, latex_text, subject


def experiment_latex(results: Results, process: OrnsteinUhlenbeck) -> str:
    """Errors by K, reductions and the ledger, as tables of booktabs; what a terminal marks is bold."""
    return latex_text([_table(one, process) for one in tables(results)])


def _table(one: Table, process: OrnsteinUhlenbeck) -> LatexTable:
    rows = [
        [_bold(cell(text)) if (i, j) in one.best else cell(text) for j, text in enumerate(row)]
        for i, row in enumerate(one.rows)
    ]
    note = one.note.replace("Set off:", "Bold:")
    caption = f"{escaped(one.title)}, {subject(process.mixture)}. {escaped(note)}"
    name = label_of(one.title.partition(" at K")[0].partition(",")[0], process.mixture.name)
    return LatexTable(caption, name, [cell(head) for head in one.head], rows)


def _bold(latex: str) -> str:
    """Bold letters, digits in formulas too."""
    return rf"{{\bfseries\boldmath {latex}}}"
