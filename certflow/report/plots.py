"""The figures of a report, drawn with Matplotlib's object interface; nothing global is touched.

Each function takes plain arrays (`density_and_flow` a process) and returns SVG text. Curves differ by
dash pattern as well as by colour; times are dimensionless Ornstein–Uhlenbeck times.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import cast

from certflow.law.formats import to_mapping
from certflow.law.library import from_mapping
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck
from certflow.report.axes import sampling_arrow
from certflow.report.captions import FIGURE_NAMES, caption
from certflow.report.charts import Curve, draw_panel, draw_rates, panel_table, rates_table
from certflow.report.document import Curves, Document
from certflow.report.style import ONE_SIDED, SCREEN, TWO_SIDED, drawing_style
from certflow.report.svg import figure_to_svg

#: Height of a chart in inches.
_HEIGHT = 3.9


def figures_for(report: Document, p: OrnsteinUhlenbeck | None = None) -> dict[str, str]:
    """Every figure of a report by name: those of `report.curves`, and of the process `p` if given."""
    drawn = {name: figure_named(name, report.curves, p, report.seed) for name in FIGURE_NAMES}
    return {name: svg for name, svg in drawn.items() if svg}


def figure_named(name: str, curves: Curves | None, p: OrnsteinUhlenbeck | None, seed: int) -> str | None:
    """One figure of a report as SVG text: of the process `p`, or of the `curves`; None where there is none."""
    if name == "density-flow":
        if p is None:
            return None
        lines = 42 if len(p.mixture.means) <= 500 else 16  # each costs a flow over all modes
        law = json.dumps(to_mapping(p.mixture))
        return _of_law(cast(Hashable, type(p)), law, p.exact_t_min, p.exact_t_max, lines, seed)
    return None if curves is None else _of_curves(name, curves)


@lru_cache(maxsize=16)
def _of_law(
    of: type[OrnsteinUhlenbeck], mixture: str, t_min: Fraction, t_max: Fraction, lines: int, seed: int
) -> str | None:
    """The figure of the process of that class and of the mixture in a file's words, drawn once as those of curves."""
    law: GaussianMixture = from_mapping(json.loads(mixture))
    return density_and_flow(of(law, t_min, t_max), lines=lines, seed=seed)


@lru_cache(maxsize=16)
def _of_curves(name: str, curves: Curves) -> str | None:
    """A figure of numbers alone, drawn once: whoever verifies a mixture claim by claim gets it in every report."""
    if name == "stability":
        return stability(curves.times, curves.stability_two_sided, curves.stability_one_sided)
    if name == "amplification":
        return amplification(curves.times, curves.stability_two_sided, curves.stability_one_sided)
    return rates(curves)


def rates(curves: Curves) -> str | None:
    """`L(t)` and `lambda(t)` against the enclosed suprema and the rate at draws (proofs/L2.md, L3, L5).

    None where there is no global bound.
    """
    with drawing_style():
        figure = SCREEN.figure(_HEIGHT)
        axes = figure.add_subplot()
        if not draw_rates(axes, curves, SCREEN):
            return None
        sampling_arrow(axes)
        return figure_to_svg(figure, "rates", caption("rates"), rates_table(curves))


def stability(
    times: Sequence[float], two_sided: Sequence[float] | None, one_sided: Sequence[float] | None
) -> str | None:
    """Integrals of the rates from `t_min` to `t` (proofs/F1.md, F2); `None` if neither is given."""
    curves = [
        Curve(two_sided, r"$\int_\delta^t L$, two-sided", TWO_SIDED, "-", "integral_of_L"),
        Curve(one_sided, r"$\int_\delta^t \lambda$, one-sided", ONE_SIDED, "--", "integral_of_lambda"),
    ]
    return _chart("stability", times, curves, "cumulative stability")


def amplification(
    times: Sequence[float], two_sided: Sequence[float] | None, one_sided: Sequence[float] | None
) -> str | None:
    """The exponential of `stability`, on a logarithmic axis; `None` if neither is given.

    What is drawn is the exponent over `ln 10`, with powers of ten at the ticks: an exponent of a
    thousand, which no float holds after exponentiation, has its place on the axis.
    """
    curves = [
        Curve(two_sided, r"$\exp\int_\delta^t L$, two-sided", TWO_SIDED, "-", "log_amplification_by_L"),
        Curve(one_sided, r"$\exp\int_\delta^t \lambda$, one-sided", ONE_SIDED, "--", "log_amplification_by_lambda"),
    ]
    return _chart("amplification", times, curves, "amplification factor", powers_of_ten=True)


def density_and_flow(p: OrnsteinUhlenbeck, *, lines: int = 42, seed: int = 0) -> str:
    """The density of a process with probability-flow lines from `t_max` to `t_min`.

    In one dimension over (time, x); in two, three panels along the sampling direction; above, the same
    projected on the first two principal axes of the means. Starting points are drawn from `p_{t_max}`
    with `seed`.
    """
    from certflow.report.density import draw_density_and_flow

    with drawing_style():
        figure, numbers = draw_density_and_flow(p, lines=lines, seed=seed)
        return figure_to_svg(figure, "density-flow", caption("density-flow", p.mixture.means.shape[1]), numbers)


def _chart(
    name: str, times: Sequence[float], curves: Sequence[Curve], label: str, *, powers_of_ten: bool = False
) -> str | None:
    if all(curve.values is None for curve in curves):
        return None
    with drawing_style():
        figure = SCREEN.figure(_HEIGHT)
        axes = figure.add_subplot()
        draw_panel(axes, SCREEN, times, curves, label, powers_of_ten=powers_of_ten)
        sampling_arrow(axes)
        return figure_to_svg(figure, name, caption(name), panel_table(times, curves))
