"""Verdicts on what was expected of grids on networks, from rows whose outcome is known by construction."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from certflow.report.laboratory.beyond.hypotheses import HYPOTHESES, verdicts
from certflow.report.laboratory.beyond.page import markdown

FOLDER = Path(__file__).parents[3] / "reports" / "laboratory" / "beyond"
DATA_SETS, NETWORKS, STUDENTS, SEGMENTS = ("two-moons", "digits"), 2, 2, (4, 8)
SOLVERS = ("euler", "heun", "dpmpp-2m")
#: Relative errors in which every line that was expected holds.
EXPECTED = {
    "euler": {"uniform": 5, "flow-matching": 1.2, "arctan": 1, "typical-jvp": 1.9, "optimised": 0.96},
    "heun": {
        "uniform": 50,
        "logsnr": 4,
        "karras": 5,
        "flow-matching": 1,
        "arctan": 2,
        "typical-jvp": 700,
        "optimised": 0.8,
    },
    "dpmpp-2m": {"uniform": 20, "flow-matching": 1.5, "arctan": 1, "typical-jvp": 9, "optimised": 0.6},
    "distilled": {"uniform": 3, "logsnr": 1, "karras": 1.2, "flow-matching": 1.1, "typical-jvp": 0.9},
}


def row(data_set, network, maps, segments, student, grid, error, **given):
    best = min(value for name, value in EXPECTED[maps].items() if name not in ("typical-jvp", "optimised"))
    found = {"data_set": data_set, "network": network, "maps": maps, "segments": segments, "student": student}
    found |= {"grid": grid, "usual": grid not in ("typical-jvp", "optimised"), "relative_mse": 0.01 * error}
    found |= {"low": 0.009 * error, "high": 0.011 * error, "ratio": error / best}
    found |= {"ratio_low": 0.95 * error / best, "ratio_high": 1.02 * error / best}
    if grid == "optimised":
        found |= {"predicted_relative_mse": 0.0095 * error, "within_factor": 1.2}
    return found | given


def rows():
    found = []
    for data_set, network, segments in itertools.product(DATA_SETS, range(NETWORKS), SEGMENTS):
        for maps, errors in EXPECTED.items():
            for student in range(STUDENTS) if maps == "distilled" else (None,):
                for grid, error in errors.items():
                    found.append(row(data_set, network, maps, segments, student, grid, error))
    return found


def changed(change, **where):
    """The rows with the error of some of them multiplied."""
    found = rows()
    for entry in found:
        if all(entry[name] in (value if isinstance(value, tuple) else (value,)) for name, value in where.items()):
            entry["relative_mse"] *= change
            entry["high"] *= change
    return found


def holding(found):
    return {v.hypothesis.id for v in verdicts(found) if v.holds}


ALL = {f"H{i}" for i in range(1, 13)}


def test_the_lines_are_those_that_were_written_down_before():
    text = (FOLDER / "expected.md").read_text(encoding="utf-8")
    written = re.findall(r"^\| (H\d+) \| (.+) \| (.+) \|$", text, flags=re.MULTILINE)
    assert written == [(h.id, h.expected, h.confirmed_if) for h in HYPOTHESES]


def test_everything_as_expected():
    assert holding(rows()) == ALL


@pytest.mark.parametrize(
    ("change", "where", "lost"),
    [
        # one cell of students is no better than uniform
        (3.4, {"maps": "distilled", "grid": "typical-jvp", "network": 0, "student": 0, "segments": 4}, {"H1", "H2"}),
        (1.2, {"maps": "distilled", "grid": "typical-jvp", "data_set": "digits"}, {"H2"}),
        (1 / 80, {"maps": "heun", "grid": "typical-jvp", "data_set": "digits", "segments": 8}, {"H3"}),
        (1 / 80, {"maps": "heun", "grid": "typical-jvp", "data_set": "digits", "segments": 4}, set()),
        (1 / 2, {"maps": "euler", "grid": "typical-jvp", "data_set": "digits", "segments": 4}, {"H4"}),
        (1.1, {"maps": "euler", "grid": "optimised", "data_set": "digits", "segments": 4, "network": 1}, {"H5"}),
        (1.1, {"maps": "heun", "grid": "optimised", "segments": 4}, set()),
        (1.2, {"maps": "heun", "grid": "optimised"}, {"H6", "H11"}),
        (1.5, {"maps": "heun", "grid": "flow-matching", "segments": 4}, set()),
        (3, {"maps": "heun", "grid": "flow-matching", "segments": 4}, {"H7"}),
        (2, {"maps": "euler", "grid": "arctan"}, {"H8"}),
        (2, {"maps": "euler", "grid": "arctan", "network": 0}, {"H9"}),
        (1 / 300, {"maps": "heun", "grid": "typical-jvp", "data_set": "digits", "segments": 8}, {"H3", "H10"}),
        (1 / 2, {"maps": "distilled", "grid": "flow-matching"}, {"H2", "H10"}),
        (0.7, {"maps": ("euler", "dpmpp-2m"), "grid": "optimised"}, {"H11"}),
    ],
)
def test_each_line_is_refuted_by_what_refutes_it(change, where, lost):
    found = changed(change, **where)
    assert ALL - holding(found) == lost


def test_wide_intervals_refute_the_twelfth():
    found = rows()
    for entry in found:
        if entry["maps"] != "distilled" and entry["grid"] == "uniform":
            entry["high"] = 2.1 * entry["low"]
    assert ALL - holding(found) == {"H12"}
    # 8 cells of each solver, of 5, 7 and 5 grids, one of them wide
    assert verdicts(found)[-1].found == "in 112 of 136 rows; the widest interval has a factor of 2.1 between its ends"


def test_maps_that_diverged_are_no_evidence_for_a_grid():
    found = rows()
    for entry in found:
        if (entry["maps"], entry["grid"], entry["data_set"]) == ("distilled", "typical-jvp", "digits"):
            entry |= dict.fromkeys(("relative_mse", "low", "high", "ratio", "ratio_low", "ratio_high"))
    assert ALL - holding(found) == {"H1", "H2"}


def test_nothing_measured_is_no_verdict():
    assert {v.holds for v in verdicts([])} == {None}
    one = [entry for entry in rows() if entry["network"] == 0]
    assert {v.hypothesis.id for v in verdicts(one) if v.holds is None} == {"H9"}  # agreement needs two


def test_what_is_found_names_the_worst():
    found = changed(1.1, maps="euler", grid="optimised", data_set="digits", segments=4, network=1)
    (fifth,) = (v for v in verdicts(found) if v.hypothesis.id == "H5")
    assert fifth.found.startswith("so in 23 of 24 cells: from 1.056 (digits, Euler, K = 4, network 1) to 0.600 (")
    assert fifth.word == "**refuted**"


@pytest.fixture
def content():
    subjects = [{"data_set": name, "hidden": 8, "student": 8} for name in DATA_SETS]
    design = {"subjects": subjects, "networks": NETWORKS, "students": STUDENTS, "segments": list(SEGMENTS)}
    design |= {"samplers": list(SOLVERS), "points": 512, "score_steps": 60, "settings": {"steps": 30, "pool": 64}}
    told = {"what": "data", "rows": 1000, "held_out": 300, "dimension": 2, "weights": 77, "loss": 0.5}
    told |= {"held_out_loss": 0.625, "flow_error": 3e-10}
    networks = [{"data_set": name, "network": i, **told} for name in DATA_SETS for i in range(NETWORKS)]
    return {"design": design, "networks": networks, "rows": rows()}


def test_the_page(content):
    text = markdown(content)
    assert "Unfinished" not in text
    assert text.count("| confirmed |") == 12
    assert "| two-moons: data | 2 | 1,000 / 300 | 2 | 77 | 0.500 / 0.625 | 3e-10 | 8 |" in text
    assert "| two-moons | 4 | 2 | arctan | 1.00e-02 | 5.00 (5.00–5.00) |" in text
    assert "| digits | 8 | 4 | logsnr | 1.00e-02 | 3.00 (3.00–3.00) | 1.00 (1.00–1.00) |" in text
    content["rows"] = json.loads(json.dumps(content["rows"]))
    assert markdown(content) == text


def test_a_page_of_an_unfinished_run_says_so(content):
    # a cell of students has rows of every K
    content["rows"] = [r for r in content["rows"] if r["maps"] != "distilled" or (r["student"], r["network"]) != (1, 1)]
    assert "**Unfinished**: 30 of 32 parts" in markdown(content)


def test_the_reference_page_is_that_of_its_rows():
    content = json.loads((FOLDER / "rows.json").read_text(encoding="utf-8"))
    assert markdown(content) == (FOLDER / "beyond.md").read_text(encoding="utf-8")
