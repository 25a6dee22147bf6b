"""Spread, reductions (G4), the best baseline and what is written, on rows made by hand."""

from __future__ import annotations

import csv
import json
import math
from typing import Any

import pytest

from certflow.distill.results import Results


def row(grid: str, segments: int, seed: int, error: float | None, **more: Any) -> dict[str, Any]:
    diverged = [2] if error is None else []
    return {"grid": grid, "segments": segments, "seed": seed, "relative_mse": error, "diverged": diverged, **more}


ROWS = (
    row("uniform", 4, 0, 0.10, bound_e2=1.0),
    row("uniform", 4, 1, 0.20, bound_e2=math.inf),
    row("uniform", 4, 2, 0.30, bound_e2=2.0),
    row("logsnr", 4, 0, 0.05),
    row("logsnr", 4, 1, 0.05),
    row("logsnr", 4, 2, 0.05),
    row("stability-balanced", 4, 0, 0.02),
    row("stability-balanced", 4, 1, None),
    row("stability-balanced", 4, 2, 0.03),
    row("typical", 8, 0, None),
    row("uniform", 8, 0, 0.01),
)
RESULTS = Results(ROWS, {"mixture": "by hand", "device": "none"})


def test_spread_is_mean_and_sample_deviation():
    spread = RESULTS.spread("uniform", 4)
    assert (spread.mean, spread.deviation) == (pytest.approx(0.2), pytest.approx(0.1))
    assert (spread.count, spread.diverged) == (3, 0)


def test_what_diverged_is_counted_and_not_averaged():
    spread = RESULTS.spread("stability-balanced", 4)
    assert (spread.mean, spread.count, spread.diverged) == (pytest.approx(0.025), 2, 1)
    nothing = RESULTS.spread("typical", 8)
    assert math.isnan(nothing.mean)
    assert (nothing.count, nothing.diverged) == (0, 1)
    assert RESULTS.spread("typical", 4) is None
    assert RESULTS.diverged() == [
        "stability-balanced, K = 4, seed 1: segment 2 diverged (not averaged in)",
        "typical, K = 8, seed 0: segment 2 diverged (not averaged in)",
    ]


def test_spread_of_an_infinite_bound_is_infinite():
    spread = RESULTS.spread("uniform", 4, "bound_e2")
    assert spread.mean == math.inf
    assert math.isnan(spread.deviation)


def test_one_seed_has_no_deviation():
    assert RESULTS.spread("uniform", 8).deviation == 0.0


def test_reductions_paired_and_unpaired():
    found = RESULTS.reduction("logsnr", 4)
    assert found.against == "uniform"
    assert found.unpaired.mean == pytest.approx(1 - 0.05 / 0.2)
    assert found.unpaired.deviation == pytest.approx(0.25 * 0.1 / 0.2)
    assert found.paired.mean == pytest.approx((0.5 + 0.75 + 1 - 0.05 / 0.3) / 3)
    assert found.paired.count == 3


def test_reductions_are_over_the_seeds_that_both_have():
    found = RESULTS.reduction("stability-balanced", 4)
    assert found.paired.mean == pytest.approx(((1 - 0.2) + (1 - 0.1)) / 2)
    assert found.paired.deviation == pytest.approx(0.1 / math.sqrt(2))
    assert found.unpaired.mean == pytest.approx(1 - 0.025 / 0.2)
    assert found.unpaired.count == found.paired.count == 2
    assert RESULTS.reduction("typical", 8) is None
    assert RESULTS.reduction("uniform", 8, "logsnr") is None


def test_the_best_baseline_knows_nothing_of_the_mixture():
    assert RESULTS.best_baseline(4) == "logsnr"
    assert RESULTS.best_baseline(8) == "uniform"
    assert RESULTS.best_baseline(16) is None


def test_summary():
    entries = {(e["grid"], e["segments"]): e for e in RESULTS.summary()}
    assert list(entries) == [
        ("uniform", 4),
        ("logsnr", 4),
        ("stability-balanced", 4),
        ("uniform", 8),
        ("typical", 8),
    ]
    assert [r["against"] for r in entries["stability-balanced", 4]["reductions"]] == ["uniform", "logsnr"]
    assert [r["against"] for r in entries["logsnr", 4]["reductions"]] == ["uniform"]
    assert [r["against"] for r in entries["uniform", 4]["reductions"]] == ["logsnr"]
    assert [e["best_baseline"] for e in entries.values()] == [False, True, False, True, False]


def test_json_has_no_number_that_json_lacks():
    document = json.loads(RESULTS.json(), parse_constant=lambda name: pytest.fail(name))
    assert document["schema"] == "certflow/distill/1"
    assert document["mixture"] == "by hand"
    assert document["rows"][1]["bound_e2"] is None
    assert document["rows"][7]["relative_mse"] is None
    assert document["summary"][4]["relative_mse"] == {"mean": None, "deviation": None, "seeds": 0, "diverged": 1}


def test_csv_comes_back():
    lines = list(csv.DictReader(RESULTS.csv().splitlines()))
    assert len(lines) == len(ROWS)
    for line, one in zip(lines, ROWS, strict=True):
        assert (line["grid"], int(line["segments"]), int(line["seed"])) == (one["grid"], one["segments"], one["seed"])
        assert line["relative_mse"] == ("" if one["relative_mse"] is None else repr(one["relative_mse"]))
        assert line["diverged"] == ("2" if one["diverged"] else "")


def test_the_standard_error_has_a_column_and_older_rows_do_not():
    told = Results(
        (
            row("uniform", 4, 0, 0.10, standard_error=1e-3),
            row("uniform", 4, 1, 0.20, standard_error=8e-3),
            row("typical", 4, 0, None, standard_error=None),
            row("exact", 4, 0, 0.0, standard_error=0.0),
        ),
        {},
    )
    lines = list(csv.DictReader(told.csv().splitlines()))
    assert [line["standard_error"] for line in lines] == ["0.001", "0.008", "", "0.0"]
    assert told.precision("uniform", 4) == pytest.approx(0.04)
    assert told.precision("typical", 4) is told.precision("exact", 4) is told.precision("uniform", 8) is None
    assert RESULTS.precision("uniform", 4) is None
    assert [line["standard_error"] for line in csv.DictReader(RESULTS.csv().splitlines())] == [""] * len(ROWS)


def test_save(tmp_path):
    paths = RESULTS.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["distill.json", "distill.csv"]
    assert [path.read_bytes().decode("utf-8") for path in paths] == [RESULTS.json(), RESULTS.csv()]
