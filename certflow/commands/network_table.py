"""The table that `certflow network` prints: eps against sizes, proved and measured error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from certflow.commands.texts import headline
from certflow.errors import InputError
from certflow.networks.constructed import ConstructedScore, constructed_score
from certflow.networks.floor import Floor, depth_floor
from certflow.networks.measuring import Measured, measured
from certflow.networks.rate import Rate, Size, rate
from certflow.numbers.csv_text import csv_text
from certflow.numbers.numerals import above, figure
from certflow.process import OrnsteinUhlenbeck
from certflow.terminal import filled, table

#: Rows of different errors below 1/e that a fit needs.
_FIT = 3
_COLUMNS = ("eps", "depth", "width", "neurons", "weights", "proved", "measured", "ratio")
FLOOR = " The floor is the depth below which no ReLU–ReQU network of this width has a sup error of eps."
#: Coefficients of the powers of `|x|` in the bound for every `x`; beyond the first two for other covariances alone.
_POWERS = "ABCD"


@dataclass(frozen=True)
class NetworkRow:
    """One network: what was asked for, what is proved, what was measured, and the floor of its depth (K = 2)."""

    eps: str
    score: ConstructedScore
    error: Measured
    floor: Floor | None

    @property
    def ratio(self) -> float:
        """Proved over measured error."""
        return self.score.error_bound / self.error.largest if self.error.largest > 0 else math.inf

    def numbers(self) -> dict[str, Any]:
        """The columns of the table but for the bound at every `x`."""
        made, score = self.score.network, self.score
        sizes = (made.depth, made.width, made.neurons, made.parameters_count)
        return dict(zip(_COLUMNS, (self.eps, *sizes, score.error_bound, self.error.largest, self.ratio), strict=True))

    @property
    def floor_depth(self) -> int | None:
        """Layers under which no network of this width has this error, where that is known."""
        return None if self.floor is None else self.floor.depth

    def mapping(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            **self.numbers(),
            "everywhere": list(self.score.everywhere),
            "floor": self.floor_depth,
            "widths": list(self.score.network.widths),
            "parts": self.score.parts,
            "arithmetic": self.error.arithmetic,
            "samples": self.error.samples,
            "uncertainty": self.error.uncertainty,
            "share": self.error.share,
        }

    def cells(self) -> list[str]:
        """The columns as text: what is proved rounded up."""
        n = self.numbers()
        counts = [str(n[name]) for name in ("depth", "width", "neurons", "weights")]
        everywhere = [above(coefficient, 3) for coefficient in self.score.everywhere]
        floor = "–" if self.floor_depth is None else str(self.floor_depth)
        return [self.eps, *counts, above(n["proved"], 3), self._measured(), figure(n["ratio"], 3), *everywhere, floor]

    def _measured(self) -> str:
        percent = 100 * self.error.uncertainty / self.error.largest if self.error.largest > 0 else 0.0
        return f"{figure(self.error.largest, 3)} ± {percent:.2g}%"


@dataclass(frozen=True)
class NetworkTable:
    """The networks of a mixture, the largest error first, and how their sizes grow (None for too few of them)."""

    process: OrnsteinUhlenbeck
    ends: tuple[str, str]
    p_norm: float
    rows: tuple[NetworkRow, ...]
    rate: Rate | None

    @property
    def powers(self) -> str:
        """The coefficients that the bound for every `x` has: A, B and, for other covariances, C and D."""
        return _POWERS[: len(self.rows[0].score.everywhere)]

    @property
    def holds(self) -> bool:
        """No draw is further off than the bound for every `x`."""
        return all(row.error.share <= 1 for row in self.rows)

    def mapping(self) -> dict[str, Any]:
        """The table for JSON."""
        mixture, fit = self.process.mixture, self.rate
        return {
            "schema": "certflow/networks/1",
            "mixture": mixture.name,
            "components": mixture.n_components,
            "dimension": mixture.dimension,
            "kind": mixture.kind,
            "t_min": self.ends[0],
            "t_max": self.ends[1],
            "p_norm": self.p_norm,
            "rows": [row.mapping() for row in self.rows],
            "rate": None
            if fit is None
            else {
                "depth": {"intercept": fit.depth.intercept, "slope": fit.depth.slope, "residual": fit.depth.residual},
                "width": {"intercept": fit.width.intercept, "slope": fit.width.slope, "residual": fit.width.residual},
                "powers": fit.powers,
                "allowance": fit.allowance,
            },
        }

    def csv(self) -> str:
        """One line for each network, below a line of names."""
        rows = [(*row.numbers().values(), *row.score.everywhere, row.floor_depth) for row in self.rows]
        return csv_text((*_COLUMNS, *self.powers, "floor"), rows)

    def latex(self) -> str:
        """A table of booktabs; what is proved is rounded up."""
        from certflow.report.latex import LatexTable, cell, label_of, latex_text, numeral, subject

        heads = (r"$\varepsilon$", *_COLUMNS[1:], *(f"${power}$" for power in self.powers), "floor")
        norm = r"\infty" if math.isinf(self.p_norm) else numeral(figure(self.p_norm))
        everywhere = " + ".join(
            f"{power}{part}" for power, part in zip(self.powers, ("", "|x|", "|x|^2", "|x|^3"), strict=False)
        )
        low, high = map(numeral, self.ends)
        caption = (
            f"Networks of affine maps, ReLU and ReQU for the score, {subject(self.process.mixture)}, built without "
            rf"training. Proved, for all $t$ with ${low} \le t \le {high}$: the error in $L^{{{norm}}}(p_t)$ is at "
            rf"most what is printed, rounded up, and for every $x$ at most ${everywhere}$. Measured: the largest on "
            "draws."
        )
        label = label_of("networks", self.process.mixture.name)
        rows = [tuple(map(cell, row.cells())) for row in self.rows]
        return latex_text([LatexTable(caption, label, heads, rows, "r" * len(heads))])

    def text(self) -> str:
        """The table, the parts of the bounds, the rate and the floor, with what they mean."""
        title = filled(f"{headline(self.process.mixture)}, {self.ends[0]} ≤ t ≤ {self.ends[1]}")
        names = list(self.rows[0].score.parts)
        parts = [[row.eps, *(above(row.score.parts[name], 3) for name in names)] for row in self.rows]
        paragraphs = [
            title,
            table((*_COLUMNS, *self.powers, "floor"), [row.cells() for row in self.rows]),
            filled(self._meaning()),
            "Parts of the bound in L², each rounded up:\n\n" + table(("eps", *names), parts),
        ]
        if self.rate is not None:
            paragraphs.append(filled(f"Rate (A7): {self.rate}."))
        floor = self.rows[-1].floor
        if floor is not None:
            paragraphs.append(filled(f"Floor (A8): {floor}"))
        if not self.holds:
            paragraphs.append("Violated: a draw is further off than the bound for every x. Please report it.")
        return "\n\n".join(paragraphs)

    def _meaning(self) -> str:
        norm = "∞" if math.isinf(self.p_norm) else figure(self.p_norm)
        draws = [f"{row.error.samples} in {row.error.arithmetic}" for row in self.rows]
        told = ", ".join(dict.fromkeys(draws)).replace("arb", "Arb")
        everywhere = " + ".join(
            f"{power}{part}" for power, part in zip(self.powers, ("", "|x|", "|x|²", "|x|³"), strict=False)
        )
        return (
            "Each network has affine maps, ReLU and ReQU alone, and nothing was trained. Proved, for its exact "
            f"weights: at every t of the interval its error in L^{norm}(p_t) is at most what is printed, and for every "
            f"x at most {everywhere} (A6). Measured: the largest over 50 times, on draws of X_t at each ({told}), "
            "with its standard error; ratio: proved over measured." + ("" if self.rows[0].floor is None else FLOOR)
        )


def network_table(
    process: OrnsteinUhlenbeck,
    errors: list[str],
    p_norm: float,
    samples: int | None,
    seed: int,
    ends: tuple[str, str],
    told: Callable[[int, int, str], None] | None = None,
) -> NetworkTable:
    """Build and measure a network for each error.

    Raises
    ------
    InputError : an error or a norm that cannot be reached.
    """
    rows = []
    for i, eps in enumerate(errors):
        if told is not None:
            told(i, len(errors), f"eps = {eps}")
        score = constructed_score(process, eps, p_norm)
        rows.append(NetworkRow(eps, score, measured(score, samples, seed=seed), _floor(process, eps, score)))
    return NetworkTable(process, ends, p_norm, tuple(rows), _rate(process, rows))


def _floor(process: OrnsteinUhlenbeck, eps: str, score: ConstructedScore) -> Floor | None:
    try:
        return depth_floor(process, eps, score.network.width)
    except InputError:  # stated for two components of one variance
        return None


def _rate(process: OrnsteinUhlenbeck, rows: list[NetworkRow]) -> Rate | None:
    made = [(row.eps, row.score.network) for row in rows if row.score.eps < math.exp(-1)]
    if len(made) < _FIT:
        return None
    sizes = [Size(eps, network.depth, network.width, network.neurons) for eps, network in made]
    return rate(sizes, process.mixture.n_components)
