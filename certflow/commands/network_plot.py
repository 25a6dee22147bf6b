"""The pictures of `certflow network`: sizes and errors against eps, and the layers of one network."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from certflow.atomic import write_bytes_atomic
from certflow.commands.network_table import NetworkTable
from certflow.networks.graph import Network
from certflow.numbers.arrays import Floats
from certflow.numbers.exact import exact_number

if TYPE_CHECKING:
    from certflow.report.canvas import Axes

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
#: Points between two neurons, and across all layers at most.
_PITCH, _ACROSS = 5.0, 1400.0


def draw_sizes(found: NetworkTable, target: Path) -> None:
    """Depth with its fit, the theory and the floor; width, neurons and weights; proved and measured error."""
    from certflow.report.canvas import Figure, default_style
    from certflow.report.svg import figure_file

    inverse = np.array([float(1 / exact_number(row.eps)) for row in found.rows])
    with default_style():
        figure = Figure(figsize=(8.6, 8.6), layout="constrained")
        depth, sizes, errors = figure.subplots(3, 1, sharex=True)
        _draw_depth(depth, found, inverse)
        made = [row.score.network for row in found.rows]
        for label, mark, values in (
            ("weights", "s", [one.parameters_count for one in made]),
            ("neurons", "o", [one.neurons for one in made]),
            ("width", "^", [one.width for one in made]),
        ):
            sizes.plot(inverse, values, marker=mark, label=label, linewidth=1.2)
        sizes.set_yscale("log")
        sizes.set_ylabel("number")
        errors.plot(inverse, [row.score.error_bound for row in found.rows], "o-", label="proved", linewidth=1.2)
        errors.plot(inverse, [row.error.largest for row in found.rows], "x--", label="measured", linewidth=1.2)
        errors.plot(inverse, 1 / inverse, ":", color="#26241f", label=r"$\varepsilon$", linewidth=1.0)
        errors.set_yscale("log")
        errors.set_ylabel("error")
        errors.set_xlabel(r"$1/\varepsilon$")
        for axes in (depth, sizes, errors):
            axes.set_xscale("log")
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False)
        figure.suptitle(found.process.mixture.name.replace("$", r"\$"), fontsize=11)
        title = f"Networks for {found.process.mixture.name}: sizes and errors against eps"
        content = figure_file(figure, "network", title, target.suffix.lower())
    write_bytes_atomic(target, content)


def _draw_depth(axes: Axes, found: NetworkTable, inverse: Floats) -> None:
    from certflow.report.canvas import MaxNLocator

    axes.plot(inverse, [row.score.network.depth for row in found.rows], "o", color="#1f4e79", label="depth")
    fit = found.rate
    if fit is not None:
        fine = np.geomspace(max(inverse.min(), np.e**1.01), inverse.max(), 200)
        log = np.log(fine)
        told = f"fit: ${fit.depth.intercept:.2f} + {fit.depth.slope:.2f}\\,\\log_2 \\ln(1/\\varepsilon)$"
        axes.plot(fine, fit.depth.at(np.log2(log)), "-", color="#1f4e79", label=told, linewidth=1.2)
        axes.plot(fine, fit.theory(log), "--", color="#9c3d22", label="theory: slope 3 (A7)", linewidth=1.2)
    if all(row.floor is not None for row in found.rows):
        floors = [row.floor.depth for row in found.rows if row.floor is not None]
        axes.plot(inverse, floors, ":", marker="v", color="#26241f", label="floor (A8)", linewidth=1.0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("layers")


def draw_layers(network: Network, name: str, target: Path) -> None:
    """A block for each layer: its neurons as marks, ReLU round and ReQU square, coloured by what they are for."""
    from certflow.report.canvas import Figure, Line2D, default_style
    from certflow.report.svg import figure_file

    side = -(-network.width // _HIGH)
    high = -(-network.width // side)
    pitch = min(_PITCH, _ACROSS / (network.depth * (side + 1.5)))
    across, up = network.depth * (side + 1.5), max(high + 4, 150 / pitch)
    with default_style():
        figure = Figure(figsize=(across * pitch / 72 + 2.6, up * pitch / 72 + 1.2), layout="constrained")
        axes = figure.subplots()
        seen: Counter[str] = Counter()
        for i, layer in enumerate(network.layers):
            neurons = [(_purpose(network, i, j), neuron.square) for j, neuron in enumerate(layer)]
            seen.update(kind for kind, _ in neurons)
            left = i * (side + 1.5)
            _block(axes, left, side, neurons, pitch)
            top = -(-len(layer) // side) + 0.6
            axes.text(left + side / 2, top, str(len(layer)), ha="center", va="bottom", fontsize=7)
        axes.set_xlim(-1, across)
        axes.set_ylim(-1, up)
        axes.set_xticks(
            [i * (side + 1.5) + side / 2 for i in range(network.depth)], map(str, range(1, network.depth + 1))
        )
        axes.set_yticks([])
        axes.set_xlabel("layer, its number of neurons above it; ● ReLU, ■ ReQU")
        axes.spines[["top", "right", "left"]].set_visible(False)
        handles = [
            Line2D([], [], marker="s", linestyle="", color=colour, label=f"{kind} ({seen[kind]})")
            for kind, colour in PURPOSES.items()
            if seen[kind]
        ]
        axes.legend(handles=handles, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.set_title(name.replace("$", r"\$"), fontsize=10)
        content = figure_file(figure, "layers", f"The layers of the network of {name}", target.suffix.lower())
    write_bytes_atomic(target, content)


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
