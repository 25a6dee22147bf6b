"""The yardstick: a grid found by direct search on the measured end-to-end error.

An evolution strategy on the logarithms of the steps in `log sigma`. Every generation is one batched training: all grids
of the population with all seeds. It costs generations times populations of trainings: it tells how much the cheap grids
leave, and is not meant to be used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from certflow.distill.experiment import run
from certflow.distill.results import Results
from certflow.distill.settings import Progress, Settings
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.numbers.arrays import Floats, Times
from certflow.process import OrnsteinUhlenbeck

OPTIMISED = "optimised"
#: Share of a generation that the next one is drawn around, and the spread of the first one.
ELITE, SPREAD = 0.25, 0.5


@dataclass(frozen=True)
class Optimised:
    """The grid with the least mean error on the seeds of the search, and how it went.

    history : for each generation, the least mean error so far
    """

    grid: TimeGrid
    history: tuple[float, ...]
    trained_maps: int


def optimise(
    process: OrnsteinUhlenbeck,
    start: TimeGrid,
    *,
    generations: int = 4,
    population: int = 12,
    seeds: int = 2,
    seed: int = 0,
    settings: Settings | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Optimised:
    """Search around `start`, which is in every generation; its seeds are not 0, 1, ..., on which grids are compared.

    Raises
    ------
    InputError : fewer than 4 grids in the population, no generation, a start of other ends.
    """
    if population < 4 or generations < 1:
        raise InputError("population", (population, generations), "at least 4 grids and 1 generation")
    generator = np.random.default_rng(seed)
    centre = np.log(-np.diff(_coordinate(start.times)))
    spread = np.full(centre.shape, SPREAD)
    best: tuple[float, TimeGrid] | None = None
    history: list[float] = []
    maps = 0
    for generation in range(generations):
        steps = [centre, *(centre + spread * generator.standard_normal(centre.shape) for _ in range(population - 1))]
        grids = [_grid(process, step, f"{OPTIMISED}-{i}") for i, step in enumerate(steps)]
        told = _part(progress, generation, generations)
        numbers = range(10_000 + generation * seeds, 10_000 + (generation + 1) * seeds)
        results = run(process, grids, [start.segments], numbers, device, settings, progress=told, exact=False)
        maps += int(results.setting["maps"])
        errors = [_mean(results, grid) for grid in grids]
        order = np.argsort(errors)
        if best is None or errors[order[0]] < best[0]:
            best = (errors[order[0]], TimeGrid(OPTIMISED, grids[order[0]].times))
        history.append(best[0])
        elite = np.array([steps[i] for i in order[: max(2, int(ELITE * population))]])
        centre, spread = elite.mean(0), np.maximum(elite.std(0), 0.3 * spread)
    assert best is not None
    return Optimised(best[1], tuple(history), maps)


def _mean(results: Results, grid: TimeGrid) -> float:
    spread = results.spread(grid.kind, grid.segments)
    return float("inf") if spread is None or not spread.count or spread.diverged else spread.mean


def _coordinate(times: Times) -> Floats:
    """`log sigma`, in which a step at the data end and one at the noise end are comparable."""
    return 0.5 * np.log(np.expm1(2 * times))


def _grid(process: OrnsteinUhlenbeck, log_steps: Floats, label: str) -> TimeGrid:
    high, low = _coordinate(np.array([process.t_max, process.t_min]))
    shares = np.cumsum(np.exp(log_steps)) / np.exp(log_steps).sum()
    inner = 0.5 * np.log1p(np.exp(2 * (high - (high - low) * shares[:-1])))
    return TimeGrid(label, np.concatenate([[process.t_max], inner, [process.t_min]]))


def _part(progress: Progress | None, part: int, parts: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total, what: progress(part * total + done, parts * total, f"generation {part + 1}: {what}")
