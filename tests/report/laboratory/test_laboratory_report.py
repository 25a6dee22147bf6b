"""The pages of a distillation experiment: right sentences for known numbers, figures, nothing from outside."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from depth import night, nightly

pytest.importorskip("torch")

from pages import OVERFLOWING, WIDTHS, Visit, outline

import certflow as cf
from certflow.cli import main
from certflow.distill.results import Growth, Results, Spread
from certflow.distill.settings import Settings
from certflow.law.formats import to_mapping
from certflow.report.laboratory.findings import (
    error_table,
    error_text,
    limits,
    percent,
    reduction_table,
    sentences,
    tables,
)
from certflow.report.laboratory.flow_plots import clouds, growth_of_perturbations
from certflow.report.laboratory.plots import errors_by_number, errors_by_segment, nodes
from certflow.report.laboratory.views import Experiment, documented, figures, write_experiment

#: Errors of a balanced grid that beats uniform and loses to Karras's grid at K = 4, by means over two seeds.
ERRORS = {
    "uniform": {1: (4e-2, 6e-2), 4: (1e-2, 3e-2)},
    "karras": {1: (4e-2, 6e-2), 4: (1e-3, 1e-3)},
    "stability-balanced": {1: (4e-2, 6e-2), 4: (3e-3, 5e-3)},
    "typical": {1: (4e-2, 6e-2), 4: (4e-4, 6e-4)},
}


def process(**options: Any) -> cf.OrnsteinUhlenbeck:
    name = options.get("name", "two-modes")
    mixture = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04", name=name)
    return cf.OrnsteinUhlenbeck(mixture, "0.01", "3")


def results(errors: Mapping[str, Any] = ERRORS, dimension: int = 2, carried: float = 1.0) -> Results:
    """Rows with these errors; all of it made in the first segment, and its coherent sum `carried` times the error."""
    rows = []
    for grid, by_number in errors.items():
        for number, values in by_number.items():
            for seed, error in enumerate(values):
                lost = error is None
                made = 0.0 if lost else error * carried
                rows.append(
                    {
                        "grid": grid,
                        "segments": number,
                        "seed": seed,
                        "times": np.geomspace(3.0, 0.01, number + 1).tolist(),
                        "diverged": [number] if lost else [],
                        "relative_mse": error,
                    }
                    | ({} if lost else ledger(made, number))
                )
    draws = np.random.default_rng(0).normal(size=(20, min(dimension, 2)))
    samples = {
        "segments": 4,
        "seed": 0,
        "reference": draws.tolist(),
        "grids": {g: (draws + 0.1).tolist() for g in errors},
    }
    setting = {
        "law": to_mapping(process().mixture),
        "components": 2,
        "dimension": dimension,
        "t_min": "0.01",
        "t_max": "3",
        "settings": Settings().mapping(),
        "maps": 10,
        "parameters_per_map": 1218,
        "reference": {"method": "RK4", "steps_per_unit": 8, "relative_mse": 1e-12},
        "device": "CPU, 1 threads",
        "torch": "2",
        "seconds": {"reference": 1.0, "training": 60.0, "measuring": 2.0},
        "samples": samples,
    }
    return Results(tuple(rows), setting)


def told_precision(shares: Mapping[str, float]) -> Results:
    """The results with standard errors, relative to the errors, as newer runs have them."""
    plain = results()
    rows = tuple(row | {"standard_error": shares[row["grid"]] * row["relative_mse"]} for row in plain.rows)
    return dataclasses.replace(plain, rows=rows)


def ledger(made: float, number: int) -> dict[str, Any]:
    shares = [0.9, *[0.1 / max(1, number - 1)] * (number - 1)]
    parts = [made * share for share in shares]
    return {"local": parts, "amplified": parts, "incoherent": made, "first_order": made, "coherent": made}


def growth(**changes: Any) -> Growth:
    """Worst case e^{14.8}, typical e^{1.5}, attained on the separatrix."""
    times = tuple(np.geomspace(3, 0.01, 9).tolist())
    rise = np.linspace(1, 0, 9)
    curves = {name: tuple((rise * size).tolist()) for name, size in (("low", 1.5), ("high", 14.8), ("top", 15.0))}
    known = Growth(
        times=times,
        typical=curves["low"],
        typical_deviation=(0.1,) * 9,
        median=tuple((-rise).tolist()),
        largest=tuple((rise * 4).tolist()),
        one_sided=curves["high"],
        two_sided=curves["top"],
        separatrix=curves["high"],
        injected={},
        seeds=2,
        points=64,
    )
    return dataclasses.replace(known, **changes)


# -- numbers and sentences ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (Spread(3.4e-5, 6e-6, 5), "3.4e-05 ± 0.6e-05"),
        (Spread(9.96e-5, 1.2e-4, 5), "1.0e-04 ± 1.2e-04"),
        (Spread(3.4e-5, 0.0, 1), "3.4e-05"),
        (Spread(1.7e-3, 2.3e-5, 2), "1.7e-03 ± 2e-05"),
        (Spread(3.4e-5, 6e-6, 4, 1), "3.4e-05 ± 0.6e-05 (1 diverged)"),
        (Spread(math.nan, math.nan, 0, 5), "diverged"),
        (Spread(math.inf, math.nan, 2), "inf"),
        (None, "–"),
    ],
)
def test_error_text(spread: Spread | None, text: str) -> None:
    assert error_text(spread) == text


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (Spread(0.912, 0.013, 5), "91.2 ± 1.3 %"),
        (Spread(-2.1, 0.4, 5), "−210.0 ± 40.0 %"),
        (Spread(-41.0, 3.0, 5), "−4100 ± 300 %"),
        (Spread(0.5, 0.0, 1), "50.0 %"),
        (None, "–"),
    ],
)
def test_percent(spread: Spread | None, text: str) -> None:
    assert percent(spread) == text


def test_tables_have_the_numbers() -> None:
    table = error_table(results())
    assert table.head == ("grid", "K = 1", "K = 4")
    assert table.rows[0] == ("uniform", "5.0e-02 ± 1.4e-02", "2.0e-02 ± 1.4e-02")
    assert table.best == {(3, 2)}  # at K = 1 all are the same
    reductions = reduction_table(results(), 4)
    assert reductions.title.endswith("against uniform and karras (the best baseline)")
    assert reductions.head == ("grid", "uniform: of means", "of pairs", "karras: of means", "of pairs")
    assert reductions.rows[1][0::2] == ("karras", "93.3 ± 4.7 %", "–")
    assert reductions.rows[1][1] == "95.0 ± 3.5 %"
    assert [len(one.rows) for one in tables(results())] == [4, 4, 4]


def test_the_ledger_tells_the_standard_error_where_a_run_has_it() -> None:
    table = tables(told_precision({"uniform": 8.3e-3, "karras": 0.02, "stability-balanced": 1e-6, "typical": 0.0}))[-1]
    assert table.head[-2:] == ("end to end", "standard error")
    assert [row[-1] for row in table.rows] == ["0.83 %", "2.00 %", "< 0.01 %", "< 0.01 %"]
    assert "standard error: by" in table.note
    older = tables(results())[-1]
    assert older.head[-1] == "end to end"
    assert "standard error" not in older.note


def enclosed(changed: Mapping[tuple[str, int, int], Any] | None = None) -> Results:
    """The results with an enclosure of 1 % around each error, but where another is given."""
    plain = results()
    rows = []
    for row in plain.rows:
        error = row["relative_mse"]
        entry = {"relative_mse_enclosure": [error * 0.995, error * 1.005], "enclosure_complete": True}
        rows.append(row | entry | (changed or {}).get((row["grid"], row["segments"], row["seed"]), {}))
    return dataclasses.replace(plain, rows=tuple(rows))


def test_enclosures_have_a_table_and_sentences() -> None:
    table = next(one for one in tables(enclosed()) if one.title.startswith("Enclosure"))
    for grid, *cells in table.rows:
        for cell, k in zip(cells, (1, 4), strict=True):
            low, high = (float(end) for end in cell.strip("[]").split(", "))
            mean = sum(ERRORS[grid][k]) / 2
            assert low <= 0.995 * mean * (1 + 1e-12)  # rounded outwards, to four digits
            assert high >= 1.005 * mean * (1 - 1e-12)
            assert (low, high) == pytest.approx((0.995 * mean, 1.005 * mean), rel=1e-3)
    told = sentences(enclosed())
    (line,) = (s for s in told if s.startswith("Proved of these students: stability-balanced"))
    assert line.endswith("has less error than uniform at K = 4 for 2 of 2 seeds, by a factor of 3.3 or more.")
    assert not any(s.startswith("Proved of these students: uniform has less error") for s in told)
    worse = {("karras", 4, seed): {"relative_mse_enclosure": [0.2, 0.21]} for seed in (0, 1)}
    (lost,) = (s for s in sentences(enclosed(worse)) if s.startswith("Proved") and "than karras" in s)
    assert "uniform has less error than karras at K = 4 for 2 of 2 seeds" in lost
    assert limits(enclosed()).startswith("The intervals, and what is said to be proved, hold for these very students")
    assert "proved" not in limits(results())
    assert not any(s.startswith("Proved") for s in sentences(results()))
    assert not [one for one in tables(results()) if one.title.startswith("Enclosure")]


def test_what_is_wide_is_told_of_a_single_grid_too() -> None:
    wide = enclosed({("uniform", 1, 0): {"enclosure_complete": False}})
    alone = dataclasses.replace(wide, rows=tuple(r for r in wide.rows if (r["grid"], r["segments"]) == ("uniform", 1)))
    assert len(sentences(alone)) == 2
    assert "wider than asked for" in sentences(alone)[1]


def test_what_is_not_enclosed_is_told_with_its_reason() -> None:
    none = {"relative_mse_enclosure": None, "enclosure_complete": False, "enclosure_reason": "not enclosed: too wide"}
    found = enclosed({("typical", 4, 1): none, ("uniform", 4, 0): {"enclosure_complete": False}})
    table = next(one for one in tables(found) if one.title.startswith("Enclosure"))
    assert table.rows[-1][2].endswith("] (1)")
    assert table.note.endswith("In parentheses: of how many seeds, where not of all.")
    told = sentences(found)
    assert "1 of 16 students have no enclosure: not enclosed: too wide." in told
    assert any(s.startswith("1 enclosure is proved, but wider than asked for") for s in told)
    assert any("typical has less error than uniform at K = 4 for 1 of 1 seeds" in s for s in told)
    bare = enclosed({(r["grid"], r["segments"], r["seed"]): none for r in results().rows})
    assert not [one for one in tables(bare) if one.title.startswith("Enclosure")]


def test_winning_and_losing_are_told_alike() -> None:
    best, balanced, typical, *_ = sentences(results())
    assert best.replace("\N{NO-BREAK SPACE}", " ") == (
        "At K = 4 the lowest mean error is that of typical, 5.0e-04 ± 1.4e-04: 98 % below uniform and 50 % below "
        "karras, the best baseline."
    )
    assert balanced.replace("\N{NO-BREAK SPACE}", " ") == (
        "stability-balanced at K = 4 is 80 % below uniform and 4 times that of karras, the best baseline; it loses to "
        "the best baseline at K = 4."
    )
    assert typical == "typical loses to no baseline at any K > 1 that was run."


def test_a_loss_is_explained_by_both_numbers() -> None:
    where, why = sentences(results(), growth())[3:]
    assert where.startswith("Where stability-balanced loses: segment 1, from t = 3 to 0.721, makes 90 %")
    assert "∫λ = 14.8 and ∫L = 15" in why
    assert "log A(T) = 1.5" in why
    assert "the separatrix between the two modes, where it is attained" in why
    close = sentences(results(), growth(one_sided=(2.0,) * 9, separatrix=None))[-1]
    assert "not that of a bound far above typical growth" in close
    assert "No worst-case exponent exists" in sentences(results(), growth(one_sided=None, two_sided=None))[-1]


def test_where_nothing_loses_nothing_is_explained() -> None:
    won = ERRORS | {"stability-balanced": {1: (4e-2, 6e-2), 4: (1e-4, 1e-4)}}
    assert not [told for told in sentences(results(won), growth()) if "reason" in told or told.startswith("Where")]


def test_errors_that_are_not_carried_linearly_are_said() -> None:
    assert "Not carried linearly: the error of uniform, karras" in sentences(results(carried=0.1))[-1]


def test_few_results() -> None:
    alone = sentences(results({"karras": {4: (1e-3, 2e-3)}}))
    assert alone == ["Only karras was run: at K = 4 its relative mean squared error is 1.5e-03 ± 0.7e-03."]
    one = sentences(results({"karras": {1: (1e-3, 2e-3)}, "typical": {1: (1e-3, 2e-3)}}))
    assert one[0].startswith("With one segment all grids are the same")
    lost = results({"karras": {4: (None, None)}})
    assert sentences(lost) == ["Nothing can be said at K = 4: every run diverged."]
    assert error_table(lost).rows == (("karras", "diverged"),)
    assert [one.title for one in tables(lost)] == ["Relative mean squared error, end to end"]


# -- figures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    left_out = ["Left out: ays. Required: patience."]
    found = Experiment.of(documented(results(), growth(), left_out, "certflow distill two-modes"))
    assert found.growth == growth()
    assert to_mapping(found.process.mixture) == to_mapping(process().mixture)
    return found


def test_figures_are_whole_and_distinct(experiment: Experiment) -> None:
    drawn = figures(experiment)
    assert [one.name for one in drawn] == ["by-number", "nodes", "segments", "clouds", "growth"]
    identifiers = [i for one in drawn for i in re.findall(r'\bid="([^"]+)"', one.svg)]
    assert len(identifiers) == len(set(identifiers))
    assert all(one.title and len(one.caption) > 80 for one in drawn)
    again = figures(experiment)
    assert [one.svg for one in again] == [one.svg for one in drawn]


def test_figures_of_odd_experiments() -> None:
    assert clouds(dataclasses.replace(results(), setting={})) is None
    one = clouds(results(dimension=1))
    assert one is not None
    assert one.caption.startswith("Histograms")
    lost = results({"karras": {4: (None, None)}})
    assert errors_by_number(lost) is None
    assert errors_by_segment(lost) is None
    single = results({"karras": {1: (1e-3,)}})
    assert errors_by_number(single) is not None
    assert errors_by_segment(single) is not None
    many = results({f"grid-{i}": {4: (1e-3 * (i + 1), 2e-3)} for i in range(14)})
    assert errors_by_number(many) is not None
    assert (
        "No global bound" in nodes(many, cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"), "0.01", "3")).caption
    )


def test_bounds_beyond_float64_have_their_place() -> None:
    huge = tuple(np.linspace(2000, 0, 9).tolist())
    drawn = growth_of_perturbations(growth(one_sided=huge, two_sided=huge, separatrix=huge), process())
    assert "∫λ = 2000" in drawn.caption
    without = growth_of_perturbations(growth(one_sided=None, two_sided=None, separatrix=None), process())
    assert without.caption.endswith("No global bound exists for this mixture.")


# -- pages --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("page")
    write_experiment(experiment, directory)
    return directory


def test_the_page_is_whole_and_alone(folder: Path, experiment: Experiment) -> None:
    page = (folder / "distill.html").read_text(encoding="utf-8")
    parsed = outline(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.startswith("#") and link[1:] in parsed.ids for link in parsed.links)
    assert all(after - before <= 1 for before, after in pairwise(parsed.headings))
    without_names = page.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert "http" not in without_names.replace("http-equiv", "")
    assert "<script" not in page
    for words in (*experiment.sentences(), "empirical", "<strong>5.0e-04 ± 1.4e-04</strong>", "Left out: ays"):
        assert words in unescape(page)
    assert page.count("<figcaption>") == 5


def test_markdown_and_json_say_the_same(folder: Path, experiment: Experiment) -> None:
    page = (folder / "distill.md").read_text(encoding="utf-8")
    assert page.startswith("# two-modes: certflow distillation laboratory")
    assert "**5.0e-04 ± 1.4e-04**" in page
    for name in re.findall(r"\]\((figures/[^)]+)\)", page):
        assert (folder / name).exists()
    found = json.loads((folder / "distill.json").read_text(encoding="utf-8"))
    assert found["growth"]["one_sided"][0] == 14.8
    assert len(found["rows"]) == len(experiment.results.rows)


def views(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_report_rebuilds_pages_and_figures(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "distill.json", tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "the lowest mean error is that of typical" in printed.out
    expected = views(folder)
    del expected["distill.csv"]
    assert views(tmp_path) == expected


@nightly  # a process of its own that draws everything; `.ci/lowest` has no torch
def test_pages_are_rebuilt_where_torch_is_not_installed(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "distill.json", tmp_path)
    code = "import sys; sys.modules['torch'] = None; from certflow.cli import main; sys.exit(main(sys.argv[1:]))"
    ended = subprocess.run([sys.executable, "-c", code, "report", str(tmp_path)], capture_output=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "distill.html").read_bytes() == (folder / "distill.html").read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "certflow/distill/0"}, "schema 'certflow/distill/0'"),
        ({"rows": 3}, "TypeError"),
        ({"rows": [{"grid": "uniform"}]}, "KeyError 'segments'"),
        ({"law": {"weights": [1]}}, "InputError"),
        ({"growth": {"times": [1, 2]}}, "TypeError"),
        *night(({"settings": None}, "TypeError")),
    ],
)
def test_a_file_that_is_not_one_is_refused_in_one_line(
    change: dict[str, Any], told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads((folder / "distill.json").read_text(encoding="utf-8"))
    (tmp_path / "distill.json").write_text(json.dumps(found | change), encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert told in printed.err
    assert "distill.json" in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["distill.json"]


def test_a_run_that_diverged_has_its_page_too(tmp_path: Path, experiment: Experiment) -> None:
    lost = results({"uniform": {4: (None, None)}, "karras": {4: (None, None)}})
    write_experiment(dataclasses.replace(experiment, results=lost), tmp_path)
    page = unescape((tmp_path / "distill.html").read_text(encoding="utf-8"))
    assert "every run diverged" in page
    assert "karras, K = 4, seed 1: segment 4 diverged (not averaged in)" in page


def test_a_hostile_name_stays_text(tmp_path: Path, experiment: Experiment) -> None:
    nasty = "<script>alert(1)</script> | `tick`"
    write_experiment(dataclasses.replace(experiment, process=process(name=nasty), command=nasty), tmp_path)
    assert "<script" not in (tmp_path / "distill.html").read_text(encoding="utf-8")
    assert "# <script" not in (tmp_path / "distill.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_in_a_browser(browser: Any, folder: Path, width: int) -> None:
    with Visit(browser, folder / "distill.html", width) as visit:
        assert visit.requests == [visit.url]
        assert visit.complaints == []
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client == width
