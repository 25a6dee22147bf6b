"""The pictures of `certflow network`: sizes and errors against eps, and the layers of one network."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from certflow.commands.network_table import NetworkTable
from certflow.commands.plotting import Plot, label
from certflow.networks.graph import Network
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number

if TYPE_CHECKING:
    from certflow.report.canvas import Axes, Figure
    from certflow.report.style import Sheet

#: What neurons are for, from the bottom of a column up, with colours that differ in lightness too.
PURPOSES = {
    "time": "#1f4e79",
    "product": "#9c3d22",
    "maximum": "#6b8f3a",
    "exponential": "#c58b1b",
    "reciprocal": "#6a4c93",
    "other": "#26241f",
    "carry": "#c9c4b8",
}
#: Neurons in a column of a layer, one above the other; more of them stand side by side.
_HIGH = 60
#: Points between two neurons, at most.
_PITCH = 5.0
#: Inches of the width that a figure needs beside the layers.
_MARGIN = 0.4


def draw_sizes(found: NetworkTable, plot: Plot) -> None:
    """Depth with its fit, the theory and the floor; width, neurons and weights; proved and measured error."""
    name = found.process.mixture.name
    plot.write(lambda sheet: _sizes(sheet, found), "network", f"Networks for {name}: sizes and errors against eps")


def _sizes(sheet: Sheet, found: NetworkTable) -> Figure:
    from certflow.report.style import INK, ONE_SIDED, TWO_SIDED, TYPICAL

    inverse = np.array([float(1 / exact_number(row.eps)) for row in found.rows])
    figure = sheet.figure(6.2 if sheet.narrow else 7.2)
    depth, sizes, errors = figure.subplots(3, 1, sharex=True)
    _draw_depth(depth, found, inverse)
    made = [row.score.network for row in found.rows]
    for told, mark, dashes, colour, values in (
        ("weights", "s", "-", TWO_SIDED, [one.parameters_count for one in made]),
        ("neurons", "o", "--", ONE_SIDED, [one.neurons for one in made]),
        ("width", "^", ":", TYPICAL, [one.width for one in made]),
    ):
        sizes.plot(inverse, values, marker=mark, linestyle=dashes, color=colour, label=told)
    sizes.set_yscale("log")
    sizes.set_ylabel("number")
    errors.plot(inverse, [row.score.error_bound for row in found.rows], "o-", color=TWO_SIDED, label="proved")
    errors.plot(inverse, [row.error.largest for row in found.rows], "x--", color=ONE_SIDED, label="measured")
    errors.plot(inverse, 1 / inverse, ":", color=INK, label=r"$\varepsilon$")
    errors.set_yscale("log")
    errors.set_ylabel("error")
    errors.set_xlabel(r"$1/\varepsilon$")
    for axes in (depth, sizes, errors):
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
    figure.suptitle(label(found.process.mixture.name))
    return figure


def _draw_depth(axes: Axes, found: NetworkTable, inverse: Floats) -> None:
    from certflow.report.canvas import MaxNLocator
    from certflow.report.style import INK, ONE_SIDED, TWO_SIDED

    axes.plot(inverse, [row.score.network.depth for row in found.rows], "o", color=ONE_SIDED, label="depth")
    fit = found.rate
    if fit is not None:
        fine = np.geomspace(max(inverse.min(), np.exp(1.01)), inverse.max(), 200)
        log = np.log(fine)
        told = f"fit: ${fit.depth.intercept:.2f} {fit.depth.slope:+.2f}\\,\\log_2 \\ln(1/\\varepsilon)$"
        axes.plot(fine, fit.depth.at(np.log2(log)), "-", color=ONE_SIDED, label=told)
        axes.plot(fine, fit.theory(log), "--", color=TWO_SIDED, label="theory: slope 3 (A7)")
    if all(row.floor is not None for row in found.rows):
        floors = [row.floor.depth for row in found.rows if row.floor is not None]
        axes.plot(inverse, floors, ":", marker="v", color=INK, label="floor (A8)")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("layers")


def draw_layers(network: Network, name: str, plot: Plot) -> None:
    """A block for each layer: its neurons as marks, ReLU round and ReQU square, coloured by what they are for."""
    plot.write(lambda sheet: _layers(sheet, network, name), "layers", f"The layers of the network of {name}")


def _layers(sheet: Sheet, network: Network, name: str) -> Figure:
    from certflow.report.canvas import Line2D

    side = -(-network.width // _HIGH)
    high = -(-network.width // side)
    across = network.depth * (side + 1.5)
    pitch = min(_PITCH, (sheet.width - _MARGIN) * 72 / across)
    up = max(high + 4, 90 / pitch)
    figure = sheet.figure(up * pitch / 72 + 1.2 + sheet.size / 50 * len(PURPOSES) / (2 if sheet.narrow else 4))
    axes = figure.subplots()
    seen: Counter[str] = Counter()
    for i, layer in enumerate(network.layers):
        neurons = [(_purpose(network, i, j), neuron.square) for j, neuron in enumerate(layer)]
        seen.update(kind for kind, _ in neurons)
        left = i * (side + 1.5)
        _block(axes, left, side, neurons, pitch)
        top = -(-len(layer) // side) + 0.6
        axes.text(left + side / 2, top, str(len(layer)), ha="center", va="bottom", fontsize=_counts(pitch, side))
    axes.set_xlim(-1, across)
    axes.set_ylim(-1, up)
    step = max(1, -(-network.depth * 2 * sheet.size // int(sheet.width * 72)))  # layers from one label to the next
    numbers = range(0, network.depth, int(step))
    axes.set_xticks([i * (side + 1.5) + side / 2 for i in numbers], [str(i + 1) for i in numbers])
    axes.set_yticks([])
    axes.set_xlabel("layer, its number of neurons above it; ● ReLU, ■ ReQU")
    axes.spines[["top", "right", "left"]].set_visible(False)
    handles = [
        Line2D([], [], marker="s", linestyle="", color=colour, label=f"{kind} ({seen[kind]})")
        for kind, colour in PURPOSES.items()
        if seen[kind]
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if sheet.narrow else 4)
    axes.set_title(label(name))
    return figure


def _counts(pitch: float, side: int) -> float:
    """The size of the numbers above the layers, of which three digits have the room of a block."""
    return min(8.0, pitch * (side + 1.5) / 1.6)


def _purpose(network: Network, layer: int, neuron: int) -> str:
    said = network.purposes[layer][neuron]
    return said if said in PURPOSES else "other"


def _block(axes: Axes, left: float, side: int, neurons: list[tuple[str, bool]], pitch: float) -> None:
    """Marks row by row from below, `side` of them in a row, sorted by purpose, of one purpose ReLU first."""
    order = list(PURPOSES)
    ranked = sorted(neurons, key=lambda neuron: (order.index(neuron[0]), neuron[1]))
    for kind, colour in PURPOSES.items():
        for square in (False, True):
            places = [i for i, neuron in enumerate(ranked) if neuron == (kind, square)]
            across, up = [left + i % side + 0.5 for i in places], [i // side + 0.5 for i in places]
            if places:
                marker = "s" if square else "o"
                axes.scatter(across, up, s=(0.75 * pitch) ** 2, marker=marker, color=colour, linewidths=0)
