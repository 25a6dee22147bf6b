"""Files of a report: written whole or not at all, read back equal, refused in one clear line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import certflow.atomic
import certflow.report
from certflow.claims.model import Outcome
from certflow.report.html import render_html
from certflow.report.junit import render_junit
from certflow.report.markdown import render_markdown, summary_markdown
from certflow.report.report import load_report
from certflow.report.views import append_job_summary, load_figures, report_json, write_views

VIEWS = {"report.html", "report.md", "report.json", "junit.xml", "badge.svg", "report.bib", "report.mixture.json"}


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_views_and_figures_are_written(report, figures, tmp_path):
    written = write_views(report, tmp_path / "new" / "folder", figures)
    directory = tmp_path / "new" / "folder"
    expected = VIEWS | {f"figures/{name}.svg" for name in (*figures, "graph")} | {"witnesses/F1.py"}
    assert {str(path.relative_to(directory)) for path in written} == expected == files(directory)


def test_rebuilding_from_the_directory_gives_the_same_bytes(report, figures, tmp_path):
    write_views(report, tmp_path, figures)
    before = {name: (tmp_path / name).read_bytes() for name in VIEWS}
    write_views(load_report(tmp_path), tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in VIEWS} == before
    assert load_figures(tmp_path) == {name: (tmp_path / "figures" / f"{name}.svg").read_text() for name in figures}


def test_figures_of_an_earlier_run_are_not_kept(report, figures, tmp_path):
    write_views(report, tmp_path, figures)
    (tmp_path / "figures" / "own-drawing.svg").write_text(figures["rates"])
    write_views(report, tmp_path, {"rates": figures["rates"]})
    assert set(load_figures(tmp_path)) == {"rates", "own-drawing"}


@pytest.mark.parametrize("name", ["../escape", "Rates", "", "a b", "a/b"])
def test_a_figure_name_that_could_leave_the_directory_is_refused(report, figures, tmp_path, name):
    with pytest.raises(ValueError, match=r"figure name: got .* required: lower case letters, digits"):
        write_views(report, tmp_path, {name: figures["rates"]})
    assert files(tmp_path) == set()


def test_json_reads_back_equal(report, tmp_path):
    write_views(report, tmp_path, {})
    assert load_report(tmp_path) == report


def test_json_holds_what_json_cannot_say(hostile_report, tmp_path):
    write_views(hostile_report, tmp_path, {})
    data = json.loads(
        (tmp_path / "report.json").read_text(encoding="utf-8"),
        parse_constant=lambda name: pytest.fail(f"{name} is not JSON"),
    )
    numbers = data["results"][1]["evidence"][0]["numbers"]
    assert numbers["infinite"] == "Infinity"
    assert numbers["undefined"] == "NaN"
    assert load_report(tmp_path).mixture["name"] == hostile_report.mixture["name"]


def test_infinite_curves_survive(report, tmp_path):
    curves = report.curves.model_copy(update={"lipschitz": (float("inf"),) * len(report.curves.times)})
    write_views(report.model_copy(update={"curves": curves}), tmp_path, {})
    assert load_report(tmp_path).curves == curves


# -- every view tells the same -------------------------------------------------------------------------------


@pytest.mark.parametrize("render", [render_html, render_markdown, render_junit, report_json, summary_markdown])
def test_every_claim_and_outcome_is_in_every_view(report, render):
    text = render(report)
    for result in report.results:
        assert re.search(rf"\b{result.id}\b", text), result.id
        assert result.outcome.value in text
    assert {result.outcome for result in report.results} == set(Outcome)
    assert "two-modes" in text


@pytest.mark.parametrize("render", [render_html, render_markdown, render_junit, report_json])
def test_every_piece_of_evidence_is_in_every_view(report, render):
    text = render(report)
    for result in report.results:
        for item in result.evidence:
            assert item.check in text
            if item.witness is not None:
                assert "0.1251" in text
    assert "certified" not in text.lower()
    assert report.command in text


# -- the way back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        (b"", "not JSON"),
        (b'{"schema": "certflow/report/1", "mix', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "a list"),
        (b'{"schema": "certflow/report/99"}', "schema 'certflow/report/99'"),
        (b'{"claims": []}', "schema None"),
        (b'{"schema": "certflow/report/1"}', "field mixture: Field required"),
    ],
)
def test_bad_report_is_refused_in_one_line(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(ValueError, match="required") as refused:
        load_report(tmp_path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(str(tmp_path / "report.json"))
    assert complaint in message
    assert "certflow verify --out DIR" in message


@pytest.mark.parametrize("content", [b"<svg", b"\xff\xfe", b"<html/>"])
def test_a_spoilt_figure_is_named(report, tmp_path, content):
    write_views(report, tmp_path, {})
    (tmp_path / "figures" / "rates.svg").write_bytes(content)
    with pytest.raises(ValueError, match=r"figures/rates\.svg: got .*required: an SVG document, or no file"):
        write_views(load_report(tmp_path), tmp_path)


def test_truncated_report_is_refused(report, tmp_path):
    write_views(report, tmp_path, {})
    path = tmp_path / "report.json"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="not JSON"):
        load_report(tmp_path)


def test_wrong_field_is_named(report, tmp_path):
    write_views(report, tmp_path, {})
    path = tmp_path / "report.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["results"][0]["outcome"] = "splendid"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match=r"field results\.0\.outcome"):
        load_report(tmp_path)


def test_a_directory_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ValueError, match=r"report\.json: got .*directory"):
        load_report(tmp_path)


# -- atomicity -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, failing):
    target = tmp_path / "report.md"
    target.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(certflow.atomic.os, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        certflow.atomic.write_text_atomic(target, "new")
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == "old"
    assert files(tmp_path) == {"report.md"}


def test_text_without_an_encoding_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        certflow.atomic.write_text_atomic(tmp_path / "report.md", "\ud800")
    assert files(tmp_path) == set()


def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        path = certflow.atomic.write_text_atomic(tmp_path / "a.txt", "a")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_bad_figure_stops_everything_before_a_byte_is_written(report, tmp_path):
    with pytest.raises(ValueError, match="not well-formed"):
        write_views(report, tmp_path, {"rates": "<svg>"})
    assert files(tmp_path) == set()


# -- job summary, imports ------------------------------------------------------------------------------------


def test_job_summary_is_appended(report, monkeypatch, tmp_path):
    target = tmp_path / "summary.md"
    target.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    assert append_job_summary(report) == target
    assert target.read_text(encoding="utf-8") == "before\n" + summary_markdown(report)


def test_no_job_summary_outside_ci(report, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert append_job_summary(report) is None


def test_names_load_on_first_use():
    for name in certflow.report.__all__:
        assert callable(getattr(certflow.report, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = certflow.report.nonsense


def test_importing_the_package_loads_neither_jinja_nor_matplotlib():
    heavy = {"jinja2", "matplotlib", "latex2mathml"}
    code = f"import sys, certflow.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rebuilding_views_loads_no_matplotlib(report, tmp_path):
    write_views(report, tmp_path, {})
    code = (
        "import sys; from certflow.report import load_report, write_views; "
        "write_views(load_report(sys.argv[1]), sys.argv[1]); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
