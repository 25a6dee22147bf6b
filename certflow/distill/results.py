"""What an experiment found: rows, their summary over seeds, and how they are written down."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from certflow.atomic import write_text_atomic
from certflow.errors import InputError
from certflow.numbers.csv_text import csv_text
from certflow.numbers.exact import float_below
from certflow.numbers.inputs import file_path

SCHEMA = "certflow/distill/1"

#: What every grid is compared with.
BASELINE = "uniform"
#: The grids that know nothing of the mixture, or only its scale: what a new grid has to beat.
BASELINES = (
    "uniform",
    "quadratic",
    "cosine",
    "geometric",
    "logsnr",
    "karras",
    "exponential",
    "polyexponential",
    "flow-matching",
    "arctan",
)


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over seeds (0 for a single one), the number of seeds, and what diverged."""

    mean: float
    deviation: float
    count: int
    diverged: int = 0

    def mapping(self) -> dict[str, Any]:
        return {"mean": self.mean, "deviation": self.deviation, "seeds": self.count, "diverged": self.diverged}


@dataclass(frozen=True)
class Reduction:
    """How much lower the error is than that of another grid with the same K: `1 - MSE / MSE_other`.

    unpaired : from the means over seeds, with the deviation by linear propagation
    paired : mean and deviation over seeds of the ratio of the two errors of one seed
    """

    against: str
    unpaired: Spread
    paired: Spread

    def mapping(self) -> dict[str, Any]:
        return {"against": self.against, "unpaired": self.unpaired.mapping(), "paired": self.paired.mapping()}


@dataclass(frozen=True)
class Results:
    """Rows of an experiment, one for each grid, K and seed (keys: `certflow.distill.ledger`).

    setting : the name of the mixture and its exact `law`, the interval, the settings, the device, the error of the
        reference flow, times taken; `samples`, a few end points (`certflow.distill.clouds`), and what a page shows
        besides, where there is one: `growth`, `left_out`, `command`, `environment`
    kept : the trained maps, if they were to be kept; ask `students` for them. Not in the files of `save`
    """

    rows: tuple[dict[str, Any], ...]
    setting: Mapping[str, Any]
    kept: Any = field(default=None, compare=False)

    @property
    def students(self) -> Mapping[tuple[str, int, int], Any]:
        """The trained maps by (grid, segments, seed): each has `.maps`, a module for each segment, and `.times`.

        `certflow.distill.students.kept.Student`; those with a diverged map are missing.

        Raises
        ------
        InputError : the maps were not kept.
        """
        if self.kept is None:
            raise InputError("keep_maps", False, "cf.distill.run(..., keep_maps=True), which keeps the trained maps")
        found: Mapping[tuple[str, int, int], Any] = self.kept
        return found

    def exact_maps(self) -> list[dict[str, Any]]:
        """Of the only student that was kept, so that `cf.enclosure.student_error` takes the results as they are.

        Raises
        ------
        InputError : the maps were not kept, or there are several students.
        """
        students = list(self.students.values())
        if len(students) != 1:
            raise InputError("maps", f"{len(students)} students", "one of results.students[grid, segments, seed]")
        maps: list[dict[str, Any]] = students[0].exact_maps()
        return maps

    def __repr__(self) -> str:
        """What was run, in one line; `rows` has the numbers."""
        numbers = ", ".join(map(str, self.segments()))
        seeds = len({row["seed"] for row in self.rows})
        name = self.setting.get("mixture", "a mixture")
        return f"<{len(self.rows)} runs on {name}: {', '.join(self.grids())}; K = {numbers}; seeds: {seeds}>"

    def grids(self) -> list[str]:
        """Labels in the order of the run."""
        return list(dict.fromkeys(row["grid"] for row in self.rows))

    def segments(self) -> list[int]:
        """Numbers of segments, ascending."""
        return sorted({row["segments"] for row in self.rows})

    def of(self, grid: str, segments: int) -> list[dict[str, Any]]:
        """The rows of a grid, one for each seed."""
        return [row for row in self.rows if row["grid"] == grid and row["segments"] == segments]

    def spread(self, grid: str, segments: int, field: str = "relative_mse") -> Spread | None:
        """Of a number over seeds; rows with a diverged segment are counted, never averaged in."""
        rows = self.of(grid, segments)
        if not rows:
            return None
        values = [row[field] for row in rows if not row["diverged"] and row.get(field) is not None]
        return _spread(values, sum(bool(row["diverged"]) for row in rows))

    def precision(self, grid: str, segments: int) -> float | None:
        """The largest standard error over seeds, relative to the error; None for files that tell none."""
        rows = self.of(grid, segments)
        told = [row for row in rows if row.get("standard_error") is not None and row["relative_mse"]]
        return max((row["standard_error"] / row["relative_mse"] for row in told), default=None)

    def reduction(self, grid: str, segments: int, against: str = BASELINE) -> Reduction | None:
        """Against another grid; None where one of the two was not run or diverged throughout."""
        own, other = (
            {
                row["seed"]: row["relative_mse"]
                for row in self.of(label, segments)
                if not row["diverged"] and row["relative_mse"] is not None
            }
            for label in (grid, against)
        )
        common = [seed for seed in own if seed in other]
        if not common:
            return None
        mine, theirs = (_spread([errors[seed] for seed in common], 0) for errors in (own, other))
        ratio = mine.mean / theirs.mean
        relative = math.hypot(mine.deviation / mine.mean, theirs.deviation / theirs.mean)
        unpaired = Spread(1 - ratio, ratio * relative, len(common))
        return Reduction(against, unpaired, _spread([1 - own[seed] / other[seed] for seed in common], 0))

    def proved(self, grid: str, segments: int, against: str = BASELINE) -> dict[int, float]:
        """By seed, how many times the error of this grid's student that of the other grid is, at least: proved (C4).

        Only seeds where it is more than 1; none without enclosures (`certflow.distill.enclosed.certify`).
        """
        own, other = (
            {row["seed"]: row["relative_mse_enclosure"] for row in self.of(label, segments) if is_enclosed(row)}
            for label in (grid, against)
        )
        pairs = ((seed, Fraction(other[seed][0]), Fraction(own[seed][1])) for seed in own if seed in other)
        return {seed: float_below(low / high) for seed, low, high in pairs if low > high > 0}

    def best_baseline(self, segments: int) -> str | None:
        """The grid with the smallest mean error among those that know nothing of the mixture."""
        means = {label: self.spread(label, segments) for label in self.grids() if label.partition(":")[0] in BASELINES}
        known = {label: spread.mean for label, spread in means.items() if spread is not None and spread.count}
        return min(known, key=lambda label: known[label]) if known else None

    def diverged(self) -> list[str]:
        """One line for each row with a diverged segment."""
        return [
            f"{row['grid']}, K = {row['segments']}, seed {row['seed']}: segment "
            f"{', '.join(map(str, row['diverged']))} diverged (not averaged in)"
            for row in self.rows
            if row["diverged"]
        ]

    def summary(self) -> list[dict[str, Any]]:
        """One entry for each grid and K."""
        entries = []
        for segments in self.segments():
            best = self.best_baseline(segments)
            for grid in self.grids():
                spread = self.spread(grid, segments)
                if spread is None:
                    continue
                against = dict.fromkeys(other for other in (BASELINE, best) if other not in (None, grid))
                found = (self.reduction(grid, segments, other) for other in against)
                entries.append(
                    {
                        "grid": grid,
                        "segments": segments,
                        "relative_mse": spread.mapping(),
                        "best_baseline": grid == best,
                        "reductions": [reduction.mapping() for reduction in found if reduction is not None],
                    }
                )
        return entries

    def mapping(self) -> dict[str, Any]:
        """As JSON values, schema `certflow/distill/1`."""
        return {"schema": SCHEMA, **self.setting, "summary": self.summary(), "rows": list(self.rows)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Results:
        """The way back."""
        apart = ("schema", "summary", "rows")
        return cls(tuple(mapping["rows"]), {key: value for key, value in mapping.items() if key not in apart})

    def json(self) -> str:
        """The mapping as text; infinite numbers are null."""
        return json.dumps(_finite(self.mapping()), indent=1, allow_nan=False) + "\n"

    def csv(self) -> str:
        """One line for each row, the numbers that every row has; `standard_error` is that of `relative_mse`."""
        names = ["grid", "segments", "seed", "relative_mse", "standard_error"]
        names += ["first_order", "coherent", "incoherent", "bound_e2"]
        rows = [[*(row.get(name) for name in names), " ".join(map(str, row["diverged"]))] for row in self.rows]
        if not any("relative_mse_enclosure" in row for row in self.rows):
            return csv_text([*names, "diverged"], rows)
        ends = [row.get("relative_mse_enclosure") or (None, None) for row in self.rows]
        told = [[*row, *pair] for row, pair in zip(rows, ends, strict=True)]
        return csv_text([*names, "diverged", "enclosure_lower", "enclosure_upper"], told)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write `distill.json` and `distill.csv`."""
        target = file_path(folder, "folder", "the name of a directory")
        return [
            write_text_atomic(target / "distill.json", self.json()),
            write_text_atomic(target / "distill.csv", self.csv()),
        ]


@dataclass(frozen=True)
class Growth:
    """Growth of a perturbation from each time to the data end; logarithms, since the bounds pass the largest float64.

    times : from the noise end to the data end
    typical : mean and standard deviation over seeds of `log A(t)`
    median, largest : of `log ||D Phi_{t -> delta}||_2`, the median over points (mean over seeds) and the largest of all
    one_sided, two_sided : `int_delta^t lambda` and `int_delta^t L`; None where no global bound exists
    separatrix : `log ||D Phi||_2` on the midway hyperplane of two equal modes; None for other mixtures
    injected : for each size, the root mean square growth of a random perturbation of that size made at `t_max`
        (mean over seeds, logarithm)
    """

    times: tuple[float, ...]
    typical: tuple[float, ...]
    typical_deviation: tuple[float, ...]
    median: tuple[float, ...]
    largest: tuple[float, ...]
    one_sided: tuple[float, ...] | None
    two_sided: tuple[float, ...] | None
    separatrix: tuple[float, ...] | None
    injected: dict[str, float]
    seeds: int
    points: int

    @property
    def separatrix_gap(self) -> float | None:
        """The largest `|log growth - int lambda|` on the separatrix: 0 by F3."""
        if self.separatrix is None or self.one_sided is None:
            return None
        return max(abs(a - b) for a, b in zip(self.separatrix, self.one_sided, strict=True))

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Growth:
        """The way back; numbers that JSON does not have are NaN."""

        def restored(value: Any) -> Any:
            return tuple(math.nan if v is None else v for v in value) if isinstance(value, list | tuple) else value

        return cls(**{name: restored(value) for name, value in mapping.items()})


def is_enclosed(row: Mapping[str, Any]) -> bool:
    """Whether an enclosure of its error is proved."""
    return row.get("relative_mse_enclosure") is not None


def _spread(values: Sequence[float], diverged: int) -> Spread:
    if not values:
        return Spread(math.nan, math.nan, 0, diverged)
    if not all(map(math.isfinite, values)):
        return Spread(fmean(values), math.nan, len(values), diverged)
    return Spread(fmean(values), stdev(values) if len(values) > 1 else 0.0, len(values), diverged)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
