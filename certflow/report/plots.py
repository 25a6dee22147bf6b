"""The figures of a report, drawn with Matplotlib's object interface; nothing global is touched.

Each function takes plain arrays (`density_and_flow` a process) and returns SVG text. Curves differ by
dash pattern as well as by colour; times are dimensionless Ornstein–Uhlenbeck times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from certflow.law.formats import to_mapping
from certflow.law.library import from_mapping
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck
from certflow.report.canvas import Axes, Figure, FixedLocator, FuncFormatter, MaxNLocator, default_style, mpl
from certflow.report.captions import FIGURE_NAMES, caption
from certflow.report.document import Curves, Document
from certflow.report.svg import figure_to_svg

PAPER = "#fdfcf9"
INK = "#26241f"
FAINT = "#8a857a"
TWO_SIDED = "#9c3d22"
ONE_SIDED = "#1f4e79"

#: As many labels have room on an axis, one above the other.
_LABELS = 11

_STYLE: dict[Any, Any] = {
    "font.family": "STIXGeneral",
    "font.size": 10.5,
    "mathtext.fontset": "stix",
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.titlesize": 10.5,
    "figure.facecolor": PAPER,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "lines.linewidth": 1.5,
}


@dataclass(frozen=True)
class Curve:
    """One line of a chart: its values on the grid of times, its legend and how it is told apart."""

    values: Sequence[float] | None
    label: str
    colour: str
    dashes: str


@dataclass(frozen=True)
class Marks:
    """Single values `(t, y)` on a chart, told apart by their marker."""

    places: Sequence[tuple[float, float]]
    label: str
    colour: str
    marker: str


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
        of: Any = type(p)  # (mypy takes a class for no Hashable)
        return _of_law(of, json.dumps(to_mapping(p.mixture)), p.exact_t_min, p.exact_t_max, lines, seed)
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
    sharp = [
        Marks(curves.sharp_two_sided, r"$L^*(t)$, enclosed", TWO_SIDED, "D"),
        Marks(curves.sharp_one_sided, r"$\lambda^*(t)$, enclosed", ONE_SIDED, "o"),
    ]
    return rates(curves.times, curves.lipschitz, curves.growth_rate, sharp)


def rates(
    times: Sequence[float],
    lipschitz: Sequence[float] | None,
    growth_rate: Sequence[float] | None,
    sharp: Sequence[Marks] = (),
) -> str | None:
    """`L(t)` and `lambda(t)` on a logarithmic axis of times; `None` if neither is given (proofs/L2.md, L3).

    sharp : enclosed suprema at single times, drawn as markers (proofs/L5.md)
    """
    curves = [
        Curve(lipschitz, r"$L(t)$, two-sided", TWO_SIDED, "-"),
        Curve(growth_rate, r"$\lambda(t)$, one-sided", ONE_SIDED, "--"),
    ]
    return _chart("rates", times, curves, r"rate  (per unit of $t$)", points=sharp, wide_range=True)


def stability(
    times: Sequence[float], two_sided: Sequence[float] | None, one_sided: Sequence[float] | None
) -> str | None:
    """Integrals of the rates from `t_min` to `t` (proofs/F1.md, F2); `None` if neither is given."""
    curves = [
        Curve(two_sided, r"$\int_\delta^t L$, two-sided", TWO_SIDED, "-"),
        Curve(one_sided, r"$\int_\delta^t \lambda$, one-sided", ONE_SIDED, "--"),
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
        Curve(two_sided, r"$\exp\int_\delta^t L$, two-sided", TWO_SIDED, "-"),
        Curve(one_sided, r"$\exp\int_\delta^t \lambda$, one-sided", ONE_SIDED, "--"),
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
        figure = draw_density_and_flow(p, lines=lines, seed=seed)
        return figure_to_svg(figure, "density-flow", caption("density-flow", p.mixture.means.shape[1]))


@contextmanager
def drawing_style() -> Iterator[None]:
    with default_style():  # a user's matplotlibrc must not change the report
        mpl.rcParams.update(_STYLE)
        yield


def _chart(
    name: str,
    times: Sequence[float],
    curves: Sequence[Curve],
    label: str,
    *,
    points: Sequence[Marks] = (),
    wide_range: bool = False,
    powers_of_ten: bool = False,
) -> str | None:
    given = [curve for curve in curves if curve.values is not None]
    if not given:
        return None
    with drawing_style():
        figure = Figure(figsize=(8.6, 3.9), layout="constrained")
        axes = figure.add_subplot()
        x = np.asarray(times, dtype=float)
        shown = []
        for curve in given:
            y = np.asarray(curve.values, dtype=float)
            y = np.where(np.isfinite(y), y, np.nan)
            y = y / np.log(10) if powers_of_ten else y
            axes.plot(x, y, color=curve.colour, linestyle=curve.dashes, label=curve.label)
            shown.append(y[np.isfinite(y)])
        for group in points:
            if group.places:
                t, y = np.array(group.places, dtype=float).T
                axes.plot(
                    t, y, group.marker, color=group.colour, markersize=5, markerfacecolor=PAPER, label=group.label
                )
                shown.append(y[np.isfinite(y)])
        axes.set_xscale("log")
        axes.set_xlabel(r"$t$  (dimensionless Ornstein–Uhlenbeck time)")
        axes.set_ylabel(label)
        if wide_range:
            scale_wide_range(axes, np.concatenate(shown))
        if powers_of_ten:
            power_ticks(axes)
        if axes.get_yscale() != "log":
            axes.axhline(0, color=FAINT, linewidth=0.5, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.01)
        axes.legend(loc="best")
        sampling_arrow(axes)
        return figure_to_svg(figure, name, caption(name))


def scale_wide_range(axes: Axes, values: Floats) -> None:
    """Rates span decades: logarithmic where all are positive, else smoothly linear about zero."""
    if not values.size or np.abs(values).max() <= 20:
        return
    if values.min() > 0:
        axes.set_yscale("log")
        return
    axes.set_yscale("asinh", linear_width=1.0)
    low, high = np.arcsinh([values.min(), values.max()])
    room = (high - low) / 20  # the margins that Matplotlib took are those of a linear axis
    low, high = low - room, high + room
    axes.set_ylim(np.sinh(low), np.sinh(high))
    _signed_ticks(axes, low, high)
    axes.set_ylabel(axes.get_ylabel() + "\nlinear about 0, logarithmic far out")


def _signed_ticks(axes: Axes, low: float, high: float) -> None:
    """Ticks at 0 and at powers of ten of both signs, from `sinh(low)` to `sinh(high)`, far enough apart for labels.

    Matplotlib's own ticks are the powers of ten below 1 too, which lie on top of the label of 0.
    """
    apart = (high - low) / _LABELS
    step = max(1, int(np.ceil(apart / np.log(10))))  # decades from one label to the next
    first = 0 if apart <= np.arcsinh(1.0) else step
    last = int(max(-low, high) / np.log(10))
    powers = 10.0 ** np.arange(first, last + 1, step, dtype=np.float64)
    decades = 10.0 ** np.arange(last + 1 if step <= 3 else 0, dtype=np.float64)
    finer = np.outer(decades, np.arange(1.0, 10 if step == 1 else 2)).ravel()

    def both(places: Floats) -> Floats:
        signed: Floats = np.concatenate([-places[::-1], [0.0], places])
        inside: Floats = signed[(low <= np.arcsinh(signed)) & (np.arcsinh(signed) <= high)]
        return inside

    def label(value: float, _: int | None) -> str:
        return f"${'-' if value < 0 else ''}10^{{{round(np.log10(abs(value)))}}}$" if value else "$0$"

    axes.yaxis.set_major_locator(FixedLocator(both(powers).tolist()))
    axes.yaxis.set_major_formatter(FuncFormatter(label))
    axes.yaxis.set_minor_locator(FixedLocator(both(finer).tolist()))


def power_ticks(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{round(value)}}}$"))


def sampling_arrow(axes: Axes) -> None:
    """Time runs to the right, sampling to the left: said once, above the axes."""
    axes.annotate(
        "sampling",
        xy=(0.86, 1.045),
        xytext=(1.0, 1.045),
        xycoords="axes fraction",
        ha="right",
        va="center",
        fontsize=9.5,
        color=FAINT,
        annotation_clip=False,
        arrowprops={"arrowstyle": "->", "color": FAINT, "lw": 0.7},
    )
