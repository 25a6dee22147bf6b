"""Figures of a report as work beside the checks: they need no result, but for the enclosed rates among the curves."""

from __future__ import annotations

from dataclasses import dataclass

from certflow.claims.check import Context
from certflow.report.captions import FIGURE_NAMES
from certflow.report.document import Curves


@dataclass(frozen=True)
class Drawing:
    """One figure of the report on a process, from its curves."""

    name: str
    curves: Curves

    def run(self, context: Context) -> str:
        """The figure as SVG text; empty where there is none."""
        from certflow.report.plots import figure_named  # Matplotlib

        return figure_named(self.name, self.curves, context.process, context.seed) or ""


#: What is drawn before there are results.
EARLY = tuple(name for name in FIGURE_NAMES if name != "rates")
