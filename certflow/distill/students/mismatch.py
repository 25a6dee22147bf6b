"""Trained `B`-Lipschitz one-step students against the floor that none can go under (proofs/M2.md), in one dimension.

The students are residual maps with a Lipschitz budget and sorting activations, trained on exact pairs
`(z, Phi(z))`, one in each part of equal mass. Their errors `E|g - Phi|^2` are quadratures in float64 and not sample
means, and their Lipschitz bounds products of spectral norms, so "not under the floor" is a sharp statement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from certflow.composition.floors import SURE, Floor, Optimum, best_map
from certflow.composition.segments import SegmentTable, segment_table
from certflow.distill.exact_pairs import Measure, Student, in_float64, part_of, stratified, student
from certflow.distill.plan import seeds_of
from certflow.distill.reference import device_of
from certflow.distill.settings import Progress, Settings
from certflow.distill.students.one_step import BUILD, GRIDS, SEGMENTS, SIGMAS, Compositions, compositions, two_modes
from certflow.distill.training import Segment, train
from certflow.errors import InputError
from certflow.flow.quantile_map import QuantileMap
from certflow.numbers.arrays import Points
from certflow.numbers.exact import exact_text
from certflow.numbers.inputs import real_number
from certflow.process import OrnsteinUhlenbeck

#: Lipschitz constants, size and training of the students.
BUDGETS = (2.0, 3.0, 5.0, 10.0)
STUDENTS = Settings(hidden=16, depth=2, activation="groupsort", steps=1500, batch=512, learning_rate=2e-2, pool=16_384)
#: Points of a curve.
CURVE = 601
#: Budget of each map in the table of segments.
TABLE_BUDGET = 5.0
SCHEMA = "certflow/mismatch/1"
#: A bound that exceeds the budget by more than this, relatively, is over it.
SLACK = 1e-9


@dataclass(frozen=True)
class Judgement:
    """One student and one claimed budget. Errors are relative to `E|Phi|^2`.

    bound : of the Lipschitz constant, by spectral norms in float64 (infinite if none is known)
    steepest : the largest `|g'|` measured
    relative_mse, uncertainty : the measured error and its own error
    floor : of the claimed budget;  floor_of_bound : of the smaller of bound and budget
    ratio : error over floor (None where the floor is 0, but for the error of its quadrature)
    over_budget : the bound or the measured slope exceeds the claimed budget
    under : the error lies under a floor: the claim, the floor or the measurement is wrong
    basis : what the floor is: exact, or with which confidence
    """

    budget: float
    bound: float
    steepest: float
    relative_mse: float
    uncertainty: float
    floor: float
    floor_of_bound: float
    ratio: float | None
    over_budget: bool
    under: bool
    basis: str

    @property
    def measured(self) -> bool:
        """Error and slope are finite numbers: else they say nothing."""
        return math.isfinite(self.relative_mse + self.uncertainty + self.steepest)


class Judge:
    """Holds students against the floors of one process in one dimension."""

    def __init__(self, process: OrnsteinUhlenbeck):
        self.process = process
        self.flow = QuantileMap(process)
        self.measure = Measure(self.flow)

    def best(self, budget: float) -> Optimum:
        """The best map of this budget."""
        return best_map(self.process, budget, self.measure.coarse)

    def __call__(self, one: Student, budget: float, bound: float, floor: Floor | None = None) -> Judgement:
        """Measure a student that claims to be `budget`-Lipschitz; `floor`: what to hold it against, if not M2."""
        claimed = self.best(budget).floor if floor is None else floor
        of_bound = self.best(bound).floor if bound < budget else claimed
        measured = self.measure(one)
        under = any(f.is_violated_by(measured.error, measured.uncertainty) for f in (claimed, of_bound))
        scale = claimed.scale
        return Judgement(
            budget=float(budget),
            bound=float(bound),
            steepest=measured.steepest,
            relative_mse=measured.error / scale,
            uncertainty=measured.uncertainty / scale,
            floor=claimed.relative,
            floor_of_bound=of_bound.relative,
            ratio=measured.error / claimed.value if claimed.value > SURE * claimed.error else None,
            over_budget=max(bound, measured.steepest) > budget * (1 + SLACK),
            under=under,
            basis=claimed.basis,
        )


@dataclass(frozen=True)
class Curve:
    """What a figure shows for one budget: `Phi`, the best `B`-Lipschitz map and the best student, shape (CURVE,)."""

    budget: float
    z: Points
    phi: Points
    best: Points
    student: Points

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: np.asarray(getattr(self, name)).tolist() for name in ("budget", "z", "phi", "best", "student")}


@dataclass(frozen=True)
class Students:
    """rows: a dictionary for each budget and seed, the fields of `Judgement`, the seed and whether it diverged.

    maps : of each row the map that was measured, in exact form (`ResidualMaps.exact_maps`); not in `mapping`

    A student whose error or slope is not a finite number has diverged.
    """

    rows: tuple[dict[str, Any], ...]
    curves: tuple[Curve, ...]
    setting: dict[str, Any]
    maps: tuple[dict[str, Any], ...] = ()

    @property
    def under(self) -> list[dict[str, Any]]:
        """Rows under a floor: there should be none."""
        return [row for row in self.rows if row.get("under")]

    def closest(self) -> dict[float, float]:
        """The smallest error over floor for each budget."""
        found: dict[float, float] = {}
        for row in self.rows:
            if not row["diverged"] and row["ratio"] is not None:
                found[row["budget"]] = min(found.get(row["budget"], np.inf), row["ratio"])
        return found

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.setting,
            "closest": [{"budget": budget, "ratio": ratio} for budget, ratio in self.closest().items()],
            "rows": list(self.rows),
            "curves": [curve.mapping() for curve in self.curves],
        }


def students(
    process: OrnsteinUhlenbeck,
    budgets: Sequence[float] = BUDGETS,
    seeds: int | Sequence[int] = 3,
    settings: Settings = STUDENTS,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Students:
    """Train one-step students for every budget and seed, and hold each against the exact floor.

    Parameters
    ----------
    process : in one dimension
    budgets : different Lipschitz constants `B > 1`; from 2 on a residual map can represent the best map
    seeds : how many, or which; a seed varies weights and mini-batches (the pairs are no sample)
    settings : `lipschitz` is overridden by the budgets

    Raises
    ------
    InputError : another dimension, a budget that is not > 1, a bad seed or device.
    """
    budgets = [real_number(one, "budgets", "Lipschitz constants B > 1", lambda b: 1 < b < np.inf) for one in budgets]
    if not budgets or len(set(budgets)) != len(budgets):
        raise InputError("budgets", list(budgets), "one or more different Lipschitz constants")
    numbers = seeds_of(seeds)
    place = device_of(device)
    judge = Judge(process)
    pairs = np.stack(stratified(judge.flow, judge.measure.coarse, settings.pool))[None, :, :, None]
    pool = torch.from_numpy(pairs).to(place, torch.float32)
    rows: list[dict[str, Any]] = []
    maps: list[dict[str, Any]] = []
    curves = []
    for index, budget in enumerate(budgets):
        own = replace(settings, lipschitz=float(budget))
        segments = [Segment(0, 0, 1, key=f"student/{seed}") for seed in numbers]
        advance = part_of(progress, index, len(budgets), f"{len(numbers)} students, B = {budget:g}")
        trained = train(segments, pool, own, advance)
        optimum = judge.best(float(budget))
        found: list[tuple[float, Student]] = []
        keys = {segment.key: seed for segment, seed in zip(segments, numbers, strict=True)}
        for stack in trained:
            exact = in_float64(stack.maps)
            bounds = exact.lipschitz_bounds().tolist()
            maps += exact.exact_maps()
            for i, segment in enumerate(stack.segments):
                row: dict[str, Any] = {"budget": float(budget), "seed": keys[segment.key]}
                row["diverged"] = segment in stack.diverged
                if not row["diverged"]:
                    one = student(exact, i)
                    judgement = judge(one, float(budget), bounds[i], optimum.floor)
                    row["diverged"] = not judgement.measured
                    if judgement.measured:
                        row |= asdict(judgement)
                        found.append((row["relative_mse"], one))
                rows.append(row)
        if found:
            curves.append(_curve(judge, optimum, min(found, key=lambda pair: pair[0])[1]))
    setting = {
        "mixture": process.mixture.name,
        "t_min": exact_text(process.exact_t_min),
        "t_max": exact_text(process.exact_t_max),
        "settings": settings.mapping(),
        "budgets": [float(b) for b in budgets],
        "seeds": list(numbers),
    }
    return Students(tuple(rows), tuple(curves), setting, tuple(maps))


@dataclass(frozen=True)
class Mismatch:
    """M1 to M3 held against trained maps: students under their floors, compositions, segments needed."""

    students: Students
    compositions: Compositions
    segments: SegmentTable

    def mapping(self) -> dict[str, Any]:
        """As JSON values, schema `certflow/mismatch/1`."""
        return {
            "schema": SCHEMA,
            "students": self.students.mapping(),
            "compositions": self.compositions.mapping(),
            "segments": self.segments.mapping(),
        }


def experiment(
    sigma: Any = "0.1",
    seeds: int | Sequence[int] = 3,
    device: str = "cpu",
    progress: Progress | None = None,
    *,
    budgets: Sequence[float] = BUDGETS,
    student_settings: Settings = STUDENTS,
    sigmas: Sequence[Any] = SIGMAS,
    segments: Sequence[int] = SEGMENTS,
    settings: Settings = BUILD,
) -> Mismatch:
    """One-step students and the table of segments for one `sigma`, compositions for several `sigmas`.

    budgets, student_settings : of `students`; sigmas, segments, settings : of `compositions`
    """
    process = two_modes(sigma)
    found = students(process, budgets, seeds, student_settings, device, progress)
    built = compositions(sigmas, segments, GRIDS, seeds, settings, device, progress)
    return Mismatch(found, built, segment_table(process, TABLE_BUDGET))


def _curve(judge: Judge, optimum: Optimum, one: Student) -> Curve:
    """On points that are equally far apart along the graph of `Phi`, in the part with all but 1e-4 of the mass."""
    nodes = optimum.nodes
    inside = np.flatnonzero(np.abs(np.cumsum(nodes.weights) - 0.5) < 0.49995)
    coordinates = nodes.z + nodes.x
    s = np.linspace(coordinates[inside[0]], coordinates[inside[-1]], CURVE)
    z, x = judge.flow.at(s)
    best = np.interp(z, nodes.z, optimum.best)
    return Curve(optimum.floor.budget, z, x, best, one(z)[0])
