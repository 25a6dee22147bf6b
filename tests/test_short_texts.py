"""What `print` and a prompt show of a result is a line; the numbers are in its attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.distill.results import Results


def process() -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")


def runs() -> Results:
    rows = [
        {"grid": grid, "segments": k, "seed": seed, "relative_mse": 0.1, "diverged": []}
        for grid in ("uniform", "karras")
        for k in (1, 2, 4)
        for seed in range(5)
    ]
    return Results(tuple(rows), {"mixture": "line-3"})


MADE: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "grid of many nodes": (lambda: cf.time_grid(process(), 1000, kind="uniform"), ("K=1000", "3", "0.01")),
    "diagnosis": (lambda: cf.doctor(np.geomspace(80, 0.002, 200), "k-diffusion"), ("noise levels",)),
    "network": (lambda: cf.networks.relu_requ_score(process(), eps=1e-2, arithmetic="arb"), ("two-modes",)),
    "runs": (runs, ("30 runs on line-3", "uniform, karras", "K = 1, 2, 4", "seeds: 5")),
    "balanced nodes": (lambda: cf.enclosure.balanced_nodes(process(), 2), ("[3, 3]", "relative gap")),
    "integral": (lambda: cf.enclosure.stability(process(), "0.01", "3"), ("IntegralEnclosure([", "relative gap")),
}


@pytest.mark.parametrize("name", MADE)
def test_a_result_shows_itself_in_a_line(name: str) -> None:
    make, words = MADE[name]
    shown = repr(make())
    assert "\n" not in shown
    assert len(shown) <= 330
    assert all(word in shown for word in words), shown
