"""Where students err: the picture of the cells, for cells made by hand."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import certflow as cf
from certflow.distill.results import Results
from certflow.report.laboratory.error_maps import DECADES, _density, _frame, _half, error_map

LINE = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d"), "0.01", "3")
PLANE = cf.OrnsteinUhlenbeck(cf.load_mixture("triangle"), "0.01", "3")


def student(grid: str, low: Any, high: Any, parts: Any) -> dict[str, Any]:
    parts = np.asarray(parts, dtype=float)
    return {
        "grid": grid,
        "segments": 4,
        "seed": 0,
        "end": "data",
        "tail": 1e-9,
        "cells": len(parts),
        "low": np.asarray(low, dtype=float).tolist(),
        "high": np.asarray(high, dtype=float).tolist(),
        "bound": (10 * parts).tolist(),
        "part_low": (0.9 * parts).tolist(),
        "part_high": parts.tolist(),
    }


def on_a_line(grid: str, parts: Any, edges: Any = (-2, -1, 0, 1, 2)) -> dict[str, Any]:
    edges = np.asarray(edges, dtype=float)[:, None]
    return student(grid, edges[:-1], edges[1:], parts)


def in_the_plane(grid: str, size: int) -> dict[str, Any]:
    corner = np.stack(np.meshgrid(np.linspace(-2, 2, size), np.linspace(-2, 2, size)), axis=-1).reshape(-1, 2)
    parts = np.exp(-(corner**2).sum(1))
    return student(grid, corner, corner + 4 / size, parts)


def results(*errs: dict[str, Any], dimension: int = 1) -> Results:
    rows = tuple(
        {"grid": e["grid"], "segments": 4, "seed": 0, "relative_mse": 1e-3, "diverged": [], "times": []} for e in errs
    )
    return Results(rows, {"errs": list(errs), "dimension": dimension})


def test_the_density_of_a_cell_is_its_part_over_its_volume():
    cells = student("uniform", [[0, 0], [1, 0]], [[1, 0.5], [3, 2]], [0.25, 1.0])
    assert _density(cells).tolist() == [0.5, 0.25]


def test_half_of_the_error_is_counted_from_the_largest_cells():
    assert _half(on_a_line("uniform", [1, 5, 1, 2])) == 1
    assert _half(on_a_line("uniform", [2, 2, 2, 2])) == 2
    assert _half(on_a_line("uniform", [1, 3, 3, 1])) == 2


def test_what_is_negligible_is_outside_of_the_frame():
    assert _frame([on_a_line("uniform", [1e-9, 1, 2, 1e-9])]) == (-1.0, 1.0)
    assert _frame([on_a_line("a", [1e-9, 1, 2, 1e-9]), on_a_line("b", [1, 1, 1, 1])]) == (-2.0, 2.0)


@pytest.mark.parametrize("parts", [[1e-3, 5e-3, 2e-3, 1e-4], [0.0, 5e-3, 0.0, 0.0]])
def test_a_line_has_steps_for_each_student(parts):
    drawn = error_map(results(on_a_line("uniform", parts), on_a_line("typical", parts, (-2, 0, 1, 1.5, 2))), LINE)
    assert drawn is not None
    assert (drawn.name, drawn.title) == ("where", "Where students err, K = 4")
    assert "uniform: 4 cells" in drawn.caption
    assert "typical: 4 cells" in drawn.caption
    ElementTree.fromstring(drawn.svg)


def test_a_plane_has_boxes_and_its_picture_stays_small():
    drawn = error_map(results(in_the_plane("uniform", 30), in_the_plane("typical", 54), dimension=2), PLANE)
    assert drawn is not None
    assert "typical: 2916 cells" in drawn.caption
    ElementTree.fromstring(drawn.svg)
    assert len(drawn.svg) < 800_000
    assert DECADES > 1


def test_without_cells_there_is_no_picture():
    assert error_map(Results((), {}), LINE) is None
    assert error_map(results(on_a_line("uniform", [])), LINE) is None
    three = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0, 0]], "1"))
    assert error_map(results(on_a_line("uniform", [1, 1, 1, 1])), three) is None
