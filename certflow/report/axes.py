"""Axes of the figures: wide ranges of either sign, powers of ten, times, the direction of sampling."""

from __future__ import annotations

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.report.canvas import Axes, FixedLocator, FuncFormatter, MaxNLocator, mpl
from certflow.report.style import FAINT, Sheet

#: As many labels have room on an axis, one above the other.
_LABELS = 11
#: Lines of a legend within a panel.
_FEW = 3
TIME = r"$t$ (dimensionless Ornstein–Uhlenbeck time)"


def time_axes(*panels: Axes) -> None:
    """Panels one above the other over a logarithmic axis of times, which the lowest one names."""
    for axes in panels:
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel(TIME)


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


def legend(axes: Axes, sheet: Sheet) -> None:
    """Where the panel has room for a few lines; more of them stand below the figure."""
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) <= _FEW:
        axes.legend(loc="best")
    else:
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=1 if sheet.narrow else 2)


def sampling_arrow(axes: Axes) -> None:
    """Time runs to the right, sampling to the left: said once, above the axes."""
    axes.annotate(
        "sampling",
        xy=(0.86, 1.045),
        xytext=(1.0, 1.045),
        xycoords="axes fraction",
        ha="right",
        va="center",
        fontsize=0.9 * mpl.rcParams["font.size"],
        color=FAINT,
        annotation_clip=False,
        arrowprops={"arrowstyle": "->", "color": FAINT, "lw": 0.7},
    )
