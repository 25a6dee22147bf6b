"""Direct search on the measured error."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf
from certflow.distill import Settings, optimised
from certflow.distill.optimised import OPTIMISED, optimise
from certflow.distill.results import Spread

TINY = Settings(hidden=8, steps=150, pool=1024, test=256, batch=64)


@pytest.fixture(scope="module")
def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), "0.01", "3")


def test_the_search_keeps_the_ends_and_does_not_lose_its_best(process):
    told: list[tuple[int, int, str]] = []
    start = cf.time_grid(process, 3, "uniform")
    found = optimise(
        process, start, generations=2, population=5, seeds=1, settings=TINY, progress=lambda *part: told.append(part)
    )
    assert found.grid.kind == OPTIMISED
    assert (found.grid.times[0], found.grid.times[-1]) == (3.0, 0.01)
    assert found.grid.segments == 3
    assert len(found.history) == 2
    assert found.history[1] <= found.history[0]
    assert found.trained_maps <= 2 * 5 * 3
    assert told[-1][0] <= told[-1][1]


def test_it_finds_the_minimum_of_a_known_error(process, monkeypatch):
    """With a smooth error in place of trained maps the search goes to its minimum."""
    target = np.log([1.0, 0.3])

    class Known:
        def __init__(self, grids):
            self.errors = {g.kind: float(((np.log(g.times[1:-1]) - target) ** 2).sum()) + 1e-9 for g in grids}
            self.setting = {"maps": len(grids)}

        def spread(self, kind, segments):
            return Spread(self.errors[kind], 0.0, 1)

    monkeypatch.setattr(optimised, "run", lambda process, grids, *args, **more: Known(grids))
    found = optimise(process, cf.time_grid(process, 3, "uniform"), generations=20, population=16, seed=1)
    assert found.history[-1] < 1e-2 * found.history[0]
    assert found.grid.times[1:-1] == pytest.approx([1.0, 0.3], rel=0.1)


@pytest.mark.parametrize("wrong", [{"population": 3}, {"generations": 0}])
def test_bad_input(process, wrong):
    with pytest.raises(cf.InputError, match="at least 4 grids and 1 generation"):
        optimise(process, cf.time_grid(process, 3, "uniform"), settings=TINY, **wrong)
