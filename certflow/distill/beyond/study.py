"""Grids on networks: solvers and students, on several data sets, networks and seeds (outside the theory).

What is done is a list of cells: a data set, a network, and either a solver with K segments or a seed of students. A
cell compares its grids on points that they share; its rows are handed over as soon as they are there, and cells whose
rows there are already are left out, so that an interrupted study goes on where it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from certflow.distill.beyond.comparison import compared
from certflow.distill.beyond.data_sets import data_set
from certflow.distill.beyond.teacher import MEASURED, Teacher, teacher
from certflow.distill.ledger import Maps
from certflow.distill.plan import Plan, make_plan
from certflow.distill.results import BASELINES
from certflow.distill.settings import Progress, Settings
from certflow.distill.training import train
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.grids.nodes import DISTILLED
from certflow.numbers.arrays import Floats, Points
from certflow.samplers import run
from certflow.schedules import Model

SCHEMA = "certflow/beyond/1"
#: Grids that students are trained on, beside that of the network's own rate.
STUDENT_GRIDS = ("uniform", "logsnr", "karras", "flow-matching")

#: `grids(model, K, solver, rows)`: the grids on which a solver is tried, by label.
Grids = Callable[[Model, int, str, Points], Mapping[str, TimeGrid]]


@dataclass(frozen=True)
class Subject:
    """Widths of the layers, of the network and of the students, for one data set."""

    data_set: str
    hidden: int
    student: int


@dataclass(frozen=True)
class Design:
    """What is trained and compared.

    networks, students : seeds of networks for each data set, and of students for each network
    points : held-out points on which all grids of a network are compared
    score_steps : training steps of a network;  settings : of students, whose width is that of the subject
    """

    subjects: tuple[Subject, ...] = (
        Subject("two-moons", 64, 32),
        Subject("digits", 64, 32),
        Subject("patches", 128, 64),
    )
    networks: int = 3
    students: int = 2
    segments: tuple[int, ...] = (4, 8, 16)
    samplers: tuple[str, ...] = ("euler", "heun", "dpmpp-2m")
    points: int = 4096
    score_steps: int = 4000
    settings: Settings = field(default_factory=lambda: Settings(pool=8192))

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def cells(self) -> Iterator[Cell]:
        """Every network once, then the next one, so that what there is of an unfinished study is of all data sets."""
        for network, subject in itertools.product(range(self.networks), self.subjects):
            for segments, sampler in itertools.product(self.segments, self.samplers):
                yield Cell(subject.data_set, network, sampler, segments)
            for student in range(self.students):
                yield Cell(subject.data_set, network, DISTILLED, None, student)


@dataclass(frozen=True)
class Cell:
    """What is compared at once: a solver with K segments, or students of one seed with every K."""

    data_set: str
    network: int
    maps: str
    segments: int | None
    student: int | None = None

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of this cell."""
        own = (self.data_set, self.network, self.maps, self.student)
        same = own == (row["data_set"], row["network"], row["maps"], row["student"])
        return same and self.segments in (None, row["segments"])


def begun(design: Design) -> dict[str, Any]:
    """A study of which nothing is done."""
    return {"schema": SCHEMA, "design": design.mapping(), "torch": torch.__version__, "networks": [], "rows": []}


def study(
    design: Design,
    grids: Grids,
    content: dict[str, Any] | None = None,
    *,
    keep: Callable[[dict[str, Any]], object] = lambda content: None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Carry out every cell that `content` has no rows of.

    Parameters
    ----------
    grids : what solvers are tried on
    content : what `keep` was handed before, or None
    keep : called with the whole content after every cell
    progress : called with (cells done, cells in all, which one)

    Returns
    -------
    `networks`, one entry for each, and `rows`, one for each data set, network, maps, K, student and grid:
    `relative_mse`, `ratio` to the best usual grid, their intervals (`certflow.distill.beyond.comparison`); of grids
    that are not usual also `times` and, of searched ones, what the search told.

    Raises
    ------
    InputError : a content of another design.
    """
    found = begun(design) if content is None else content
    if found.get("schema") != SCHEMA or found.get("design") != design.mapping():
        raise InputError("content", "of another design", "that of this study; move it away to begin anew")
    cells = list(design.cells())
    missing = [cell for cell in cells if not any(cell.has(row) for row in found["rows"])]
    subjects = {subject.data_set: subject for subject in design.subjects}
    for (name, network), group in itertools.groupby(missing, key=lambda cell: (cell.data_set, cell.network)):
        subject, data = subjects[name], data_set(name)
        trained = teacher(data, network, hidden=subject.hidden, steps=design.score_steps, points=design.points)
        entry = {"data_set": name, "what": data.what, "network": network, **trained.told}
        found["networks"] = [n for n in found["networks"] if (n["data_set"], n["network"]) != (name, network)] + [entry]
        for cell in group:
            if progress is not None:
                told = f"{name}, network {network}, {cell.maps}"
                progress(len(cells) - len(missing) + missing.index(cell), len(cells), told)
            if cell.segments is None:
                rows = student_rows(trained, cell, design, subject)
            else:
                rows = solver_rows(trained, cell, grids(trained.model, cell.segments, cell.maps, data.rows))
            found["rows"] += rows
            keep(found)
    return found


@torch.no_grad()
def solver_rows(trained: Teacher, cell: Cell, grids: Mapping[str, TimeGrid]) -> list[dict[str, Any]]:
    """The rows of one solver with K segments."""
    assert cell.segments is not None
    tried = {**grids, MEASURED: trained.own_grid(cell.segments)}
    errors = {
        label: trained.errors(run(trained.model, trained.points, grid, cell.maps)) for label, grid in tried.items()
    }
    return _rows(trained, cell, cell.segments, tried, errors, BASELINES)


def student_rows(trained: Teacher, cell: Cell, design: Design, subject: Subject) -> list[dict[str, Any]]:
    """The rows of students of one seed, with every K; they are trained on noised training rows."""
    settings = Settings(**{**design.settings.mapping(), "hidden": subject.student})
    assert cell.student is not None
    seed = cell.network * design.students + cell.student
    own = [trained.own_grid(segments) for segments in design.segments]
    plan = make_plan(trained.flow.process, [*STUDENT_GRIDS, *own], design.segments, [seed], settings)
    maps = Maps(train(plan.segments, trained.flow.pool(settings.pool, plan.seeds, plan.times), settings))
    rows = []
    for segments in design.segments:
        tried = {entry.label: entry.grid for entry in plan.entries if entry.segments == segments}
        errors = {label: trained.errors(_composed(plan, maps, grid, trained.points)) for label, grid in tried.items()}
        rows += _rows(trained, cell, segments, tried, errors, STUDENT_GRIDS)
    return rows


def _composed(plan: Plan, maps: Maps, grid: TimeGrid, x: torch.Tensor) -> torch.Tensor:
    """`Psi_K o ... o Psi_1(x)`; NaN where a map diverged in training."""
    places = [plan.times.index(time) for time in grid.times.tolist()]
    for start, end in itertools.pairwise(places):
        where = (0, start, end)
        x = torch.full_like(x, torch.nan) if where in maps.broken else maps.apply(where, x)
    return x


def _rows(
    trained: Teacher,
    cell: Cell,
    segments: int,
    grids: Mapping[str, TimeGrid],
    errors: Mapping[str, Floats],
    usual: Sequence[str],
) -> list[dict[str, Any]]:
    numbers = compared(errors, trained.sizes, usual)
    rows = []
    for label, grid in grids.items():
        row = {**asdict(cell), "segments": segments, "grid": label, "usual": label in usual}
        row |= {name: None if value is None else float(f"{value:.6g}") for name, value in numbers[label].items()}
        if label not in usual:
            row["times"] = grid.times.tolist()
        if "predicted_relative_mse" in grid.options:
            row |= {
                "kind": grid.kind,
                **{name: grid.options[name] for name in ("predicted_relative_mse", "within_factor")},
            }
        rows.append(row)
    return rows
