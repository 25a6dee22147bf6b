"""Enclosures beside measured errors (C2, C4): they contain them, are kept and taken up, or say why there is none."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch

import certflow as cf
from certflow.distill import Settings, certify, enclosed, run
from certflow.distill.enclosed import MOST_CELLS
from certflow.distill.results import Results
from certflow.distill.students.kept import Student
from certflow.errors import InputError, NoEnclosure

SMALL = Settings(hidden=8, steps=150, batch=64, pool=1024, test=64, warmup=10)
GRIDS = ["uniform", "stability-balanced"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(name: str = "two-modes-1d", **changed: Any) -> Results:
    given = {"grids": GRIDS, "segments": [1, 2], "seeds": 2, "settings": SMALL, "device": "cpu"}
    return run(cf.load_mixture(name), **(given | {"exact": False, "keep_maps": True} | changed))


@pytest.fixture(scope="module")
def plain() -> Results:
    return small()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The students that were really enclosed, with the seconds that each was given."""
    asked: list[tuple[Any, ...]] = []
    own = enclosed.student_error

    def student_error(process: Any, student: Any, times: Any, rtol: Any, seconds: Any) -> Any:
        asked.append(((student.grid, student.segments, student.seed), seconds))
        return own(process, student, times, rtol, seconds)

    monkeypatch.setattr(enclosed, "student_error", student_error)
    return asked


def test_every_measured_error_is_in_its_enclosure(plain, counted):
    found = certify(plain)
    assert [r["grid"] for r in found.rows] == [r["grid"] for r in plain.rows]
    for row in found.rows:
        low, high = row["relative_mse_enclosure"]
        assert low <= row["relative_mse"] <= high  # a quadrature, good to six digits
        assert high <= low * 1.0205
        assert row["enclosure_complete"] is True
        assert "enclosure_reason" not in row
    told = found.setting["enclosures"]
    assert (told["enclosed"], told["complete"], told["students"], told["rtol"]) == (8, 8, 8, "0.02")
    assert found.setting["seconds"].keys() >= {"training", "enclosing"}
    assert len(counted) == 6  # with one segment all grids have the same student
    assert plain.rows[0].keys().isdisjoint(found.rows[0].keys() - plain.rows[0].keys())


def test_another_student_is_not_in_it(plain):
    """The false twin: the maps of one seed under the name of the other."""
    swapped = {name: plain.students[(*name[:2], 1 - name[2])] for name in plain.students}
    found = certify(replace(plain, kept=swapped))
    outside = [not low <= r["relative_mse"] <= high for r in found.rows for low, high in [r["relative_mse_enclosure"]]]
    assert all(outside)


def test_the_ends_are_rounded_outwards(plain, monkeypatch):
    third = Fraction(1, 3)

    class Exact:
        lower, upper, complete, tail = third, third, True, Fraction(0)
        cells = cf.enclosure.student_error(
            cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d")),
            plain.students["uniform", 1, 0],
            plain.students["uniform", 1, 0].times,
            "0.5",
        ).cells

    monkeypatch.setattr(enclosed, "student_error", lambda *_: Exact)
    low, high = certify(plain).rows[0]["relative_mse_enclosure"]
    assert Fraction(low) < third < Fraction(high)
    assert high == math.nextafter(low, 1)


def test_comparisons_are_proved_by_the_ends(plain):
    found = certify(plain)
    rows = {(r["grid"], r["segments"], r["seed"]): r for r in found.rows}
    proved = {}
    for better, other in (GRIDS, GRIDS[::-1]):
        for k in (1, 2):
            factors = found.proved(better, k, other)
            for seed in (0, 1):
                own, its = (rows[grid, k, seed] for grid in (better, other))
                low, high = its["relative_mse_enclosure"][0], own["relative_mse_enclosure"][1]
                assert (seed in factors) == (low > high)
                if seed in factors:
                    assert 1 < factors[seed] <= low / high
                    assert factors[seed] <= its["relative_mse"] / own["relative_mse"] <= 1.05 * factors[seed]
                    proved[better, k, seed] = factors[seed]
    assert proved
    assert {k for _, k, _ in proved} == {2}  # with one segment all grids have the same student
    assert plain.proved(GRIDS[1], 2) == {}


def test_what_was_enclosed_is_taken_up(plain, counted, tmp_path):
    def stop(done: int, total: int, what: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        certify(plain, out=tmp_path, progress=stop)
    before = len(counted)
    told: list[tuple[int, int, str]] = []
    found = certify(plain, out=tmp_path, progress=lambda *step: told.append(step))
    assert before == 3  # the fourth is the student of the second grid with one segment, which is the first's
    assert len(counted) == 6
    assert told[-1][:2] == (7, 8)
    assert certify(plain, out=tmp_path).rows == found.rows
    assert len(counted) == 6
    certify(plain, "0.1", out=tmp_path)  # another width is another proof
    assert len(counted) == 12
    for path in (tmp_path / ".certflow").iterdir():
        path.write_text("{")
    assert certify(plain, out=tmp_path).rows == found.rows  # broken files are no files
    assert len(counted) == 18


def test_a_budget_ends_and_what_is_left_says_so(plain, monkeypatch):
    now = [0.0]
    own = enclosed.student_error

    def student_error(*given: Any) -> Any:
        now[0] += 3.0
        return own(*given[:4], 60)

    monkeypatch.setattr(enclosed.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(enclosed, "student_error", student_error)
    found = certify(plain, seconds=5)
    reasons = [row.get("enclosure_reason") for row in found.rows]
    assert found.setting["enclosures"]["enclosed"] == 3  # two different students, one under two names
    assert set(reasons) == {None, "the seconds for all students were spent before"}
    first = [row["seed"] for row in found.rows if row["relative_mse_enclosure"] is not None]
    assert set(first) == {0}  # seed by seed


class _Listed(list[Any]):
    """Maps `x -> skip x + weight x`, as the laboratory gives them."""

    times = (3.0, 0.01)

    def __init__(self, skip: float, weight: float):
        ends = {"input_mean": [0.0], "input_scale": [1.0], "output_mean": [0.0], "output_scale": [1.0]}
        self.fields = {"weights": ([[weight]],), "biases": ([0.0],), "activation": "silu", "skip": skip} | ends

    def exact_maps(self) -> list[dict[str, Any]]:
        return [self.fields]


def test_what_is_kept_knows_the_skip_and_a_map_beyond_the_format_stops_no_other():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes-1d"))
    search = enclosed._Search(process, "0.02", 1.0, enclosed._Kept(None))
    assert search._key(_Listed(1.0, 1.0)) != search._key(_Listed(0.0, 1.0))
    told = search.entry(_Listed(1.0, 1e20), 1)
    assert told["relative_mse_enclosure"] is None
    assert "beyond 2^40" in told["enclosure_reason"]
    assert search.refused is None


def test_wide_enclosures_are_told_and_not_kept(plain, monkeypatch, tmp_path):
    own = enclosed.student_error
    monkeypatch.setattr(enclosed, "student_error", lambda *given: replace(own(*given), complete=False))
    found = certify(plain, out=tmp_path)
    for row in found.rows:
        low, high = row["relative_mse_enclosure"]
        assert low <= row["relative_mse"] <= high
        assert row["enclosure_complete"] is False
    assert not (tmp_path / ".certflow").exists()  # more seconds may do better


@pytest.mark.parametrize("error", [NoEnclosure("no finite end"), InputError("maps", "a thing", "another")])
def test_where_there_is_none_one_line_says_why(plain, monkeypatch, error):
    calls = []

    def refuse(*given: Any) -> Any:
        calls.append(given)
        raise error

    monkeypatch.setattr(enclosed, "student_error", refuse)
    found = certify(plain)
    for row in found.rows:
        assert row["relative_mse_enclosure"] is None
        assert row["enclosure_reason"] == f"not enclosed: {error}"
    assert len(calls) == (1 if isinstance(error, InputError) else 8)  # what is refused of one is refused of all
    assert found.setting["enclosures"]["enclosed"] == 0


def test_a_diverged_student_has_none(plain):
    lost = ("uniform", 2, 1)
    rows = tuple(
        row | {"diverged": [1], "relative_mse": None} if (row["grid"], row["segments"], row["seed"]) == lost else row
        for row in plain.rows
    )
    found = certify(replace(plain, rows=rows, kept={k: v for k, v in plain.students.items() if k != lost}))
    (row,) = (r for r in found.of("uniform", 2) if r["seed"] == 1)
    assert (row["relative_mse_enclosure"], row["enclosure_reason"]) == (None, "a segment diverged")


def test_files_have_the_enclosures(plain, tmp_path):
    found = certify(plain)
    found.save(tmp_path)
    document = json.loads((tmp_path / "distill.json").read_text())
    assert [row["relative_mse_enclosure"] for row in document["rows"]] == [
        row["relative_mse_enclosure"] for row in found.rows
    ]
    lines = list(csv.DictReader((tmp_path / "distill.csv").read_text().splitlines()))
    for line, row in zip(lines, found.rows, strict=True):
        assert [float(line["enclosure_lower"]), float(line["enclosure_upper"])] == row["relative_mse_enclosure"]
    assert "enclosure_lower" not in plain.csv()
    again = Results.from_mapping(document)
    for better, other in (GRIDS, GRIDS[::-1]):
        assert again.proved(better, 2, other) == found.proved(better, 2, other)


def test_cells_are_kept_for_a_picture(plain):
    errs = certify(plain).setting["errs"]
    assert [(e["grid"], e["segments"], e["seed"]) for e in errs] == [("uniform", 2, 0), ("stability-balanced", 2, 0)]
    for e in errs:
        row = next(r for r in certify(plain).rows if (r["grid"], r["segments"], r["seed"]) == (e["grid"], 2, 0))
        low, high = row["relative_mse_enclosure"]
        assert sum(e["part_low"]) == pytest.approx(low, rel=1e-3)
        assert sum(e["part_high"]) + e["tail"] == pytest.approx(high, rel=1e-3)
        assert len(e["low"]) == len(e["high"]) == len(e["bound"]) == e["cells"] <= MOST_CELLS
        assert all(a[0] < b[0] for a, b in zip(e["low"], e["high"], strict=True))


def test_bad_input_is_one_line(plain):
    with pytest.raises(InputError, match=r"^keep_maps: got False"):
        certify(replace(plain, kept=None))
    for given in ({"rtol": "2"}, {"seconds": 0}, {"seconds": math.nan}):
        with pytest.raises(InputError) as caught:
            certify(plain, **given)
        assert "\n" not in str(caught.value)
    assert isinstance(plain.students["uniform", 1, 0], Student)
