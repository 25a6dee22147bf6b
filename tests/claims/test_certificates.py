"""Certificates of a run: checked before anything holds, written, kept over an interruption, refused if changed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from depth import night

import certflow as cf
from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.envelope import statement_hash
from certflow.claims.check import PROFILES, Check, Context, Finding
from certflow.claims.model import Evidence, Kind, Outcome
from certflow.claims.registry import checks_of
from certflow.report import load_report
from certflow.report.report import Report

Command = Callable[..., Any]
CLAIMS = ["L2", "L3", "L5", "F1", "F2", "G1"]
RATES = [f"L5-t-{time}-{kind}" for time in ("0.01", "0.173", "3") for kind in ("one-sided", "two-sided")]
STEMS = {"L2", "L3", "F1", "F2", "G1-one-sided", "G1-two-sided", *RATES}


@pytest.fixture(scope="module", autouse=True)
def few_pairs() -> Iterator[None]:
    """Pairs of points are the dearest evidence, and have no certificates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "quick", replace(PROFILES["quick"], flow_pairs=10))
        yield


@pytest.fixture(scope="module")
def run(few_pairs: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """A report of two-modes and the directory that it was written to."""
    folder = tmp_path_factory.mktemp("run")
    return cf.verify(cf.load_mixture("two-modes"), CLAIMS, digits=20, out=folder), folder


@pytest.fixture
def copy(run: tuple[Report, Path], tmp_path: Path) -> Path:
    """The directory of the run, to be spoiled."""
    return Path(shutil.copytree(run[1], tmp_path / "copy"))


def stems(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "certificates").glob("*.json")}


def test_every_certificate_is_written_named_in_the_report_and_accepted(run, command: Command):
    report, folder = run
    assert report.outcome is Outcome.HOLDS, [r.reason for r in report.results]
    assert stems(folder) == STEMS
    assert set(report.certificates) == {f"certificates/{stem}.json" for stem in STEMS}
    ended = command("check", *(folder / path for path in report.certificates))
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == len(STEMS)
    for result in report.results:
        item = next(item for item in result.evidence if item.kind is Kind.ENCLOSURE)
        count = len(item.certificates)
        assert item.numbers["independent_checker"] == f"{count} of {count} certificates accepted"


@pytest.mark.parametrize(
    ("stem", "field", "step"),
    [
        ("L2", "upper", -1),
        ("L3", "lower", -1),
        ("L5-t-0.173-one-sided", "upper", -1),
        ("L5-t-0.173-one-sided", "lower", 1),
        ("F1", "growth", -1),
        ("F2", "one-sided", 1),
    ],
)
def test_a_changed_digit_is_refused(stem: str, field: str, step: int, copy: Path, command: Command):
    """The first digit of an end that bounds from above is made smaller, and so is the modulus of a negative one."""
    path = copy / "certificates" / f"{stem}.json"
    content = json.loads(path.read_text())
    asserted = content["assertion"][field]
    number = asserted[0] if isinstance(asserted, list) else asserted
    first = next(character for character in number if character in "123456789")
    changed = number.replace(first, str(int(first) + step), 1)
    content["assertion"][field] = [changed, *asserted[1:]] if isinstance(asserted, list) else changed
    path.write_text(json.dumps(content))
    assert command("check", path).code == 1  # by its hash alone
    content["hash"] = statement_hash(content["claim"], content["problem"], content["assertion"])
    path.write_text(json.dumps(content))
    ended = command("check", path)
    assert ended.code == 1
    assert ended.out.startswith("refused: ")
    assert "assertion" in ended.out
    assert "hash" not in ended.out


def test_a_refused_certificate_makes_evidence_inconclusive_not_held():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    good = PRODUCERS["F2"](process)
    assertion = {**good["assertion"], "one-sided": ["6.9", "6.91"]}
    false = {**good, "assertion": assertion, "hash": statement_hash("F2", good["problem"], assertion)}

    def collect(certificate: dict[str, Any], outcome: Outcome = Outcome.HOLDS) -> Evidence:
        finding = Finding(outcome, "found", "this mixture", certificates={"F2": certificate})
        return Check("F2.enclosed", Kind.ENCLOSURE, lambda context, name: finding).run(Context(process))

    assert collect(good).outcome is Outcome.HOLDS
    refused = collect(false)
    assert refused.outcome is Outcome.INCONCLUSIVE
    assert refused.summary.startswith("the independent checker refused F2: assertion.one-sided")
    assert refused.numbers["independent_checker"] == "0 of 1 certificates accepted"
    assert collect(false, Outcome.VIOLATED).outcome is Outcome.VIOLATED


class Interrupted(Exception):
    """Raised in the middle of a run."""


def test_an_interrupted_run_keeps_its_certificates_and_goes_on(tmp_path: Path, run):
    def stop(done: int, total: int, what: str) -> None:
        if what.startswith("F2"):
            raise Interrupted

    mixture, claims = cf.load_mixture("two-modes"), ["L2", "L3", "F2", "G1"]
    with pytest.raises(Interrupted):
        cf.verify(mixture, claims, digits=20, out=tmp_path, progress=stop)
    assert stems(tmp_path) == {"L2", "L3"}
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".certflow").glob("*.json")}
    again = cf.verify(mixture, claims, digits=20, out=tmp_path)
    named = {stem for stem in STEMS if stem[:2] in claims}
    assert stems(tmp_path) == named
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".certflow").glob("*.json")}
    assert before == {name: after[name] for name in before}
    assert {r.id: r.outcome for r in again.results} == {r.id: r.outcome for r in run[0].results if r.id in claims}
    assert set(again.certificates) == {f"certificates/{stem}.json" for stem in named}


@pytest.mark.parametrize(
    "spoil", [Path.unlink, *night(lambda path: path.write_text("{}"), lambda path: path.write_text("[1"))]
)
def test_evidence_whose_certificate_is_gone_or_changed_is_collected_again(spoil: Callable[..., Any], copy: Path):
    path = copy / "certificates" / "F2.json"
    content = path.read_text()
    kept = {p.name: p.read_text() for p in (copy / ".certflow").glob("*.json")}
    marked = json.loads(kept["F2.enclosed.json"])
    marked["evidence"]["summary"] = "taken from the folder"
    (copy / ".certflow" / "F2.enclosed.json").write_text(json.dumps(marked))
    summaries = [
        i.summary for i in cf.verify(cf.load_mixture("two-modes"), ["F2"], digits=20, out=copy).results[0].evidence
    ]
    assert "taken from the folder" in summaries
    spoil(path)
    summaries = [
        i.summary for i in cf.verify(cf.load_mixture("two-modes"), ["F2"], digits=20, out=copy).results[0].evidence
    ]
    assert "taken from the folder" not in summaries
    assert path.read_text() == content


def test_certificates_of_an_earlier_run_do_not_stay(copy: Path):
    (copy / "certificates" / "notes.json").write_text("{}")
    cf.verify(cf.load_mixture("two-modes"), ["F2"], digits=20, out=copy)
    assert stems(copy) == {"F2", "notes"}


def test_a_run_writes_each_certificate_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written: list[str] = []
    replace_file = os.replace

    def counted(source: Path, target: Path) -> None:
        if Path(target).parent.name == "certificates":
            written.append(Path(target).name)
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", counted)
    mixture = cf.load_mixture("two-modes")
    report = cf.verify(mixture, ["L2", "F2"], digits=20, out=tmp_path)
    assert sorted(written) == ["F2.json", "L2.json"]
    cf.verify(mixture, ["L2", "F2"], digits=20, out=tmp_path)  # taken from the folder
    assert len(written) == 2
    (tmp_path / "certificates" / "F2.json").write_text("{}")
    assert {path.name for path in report.save(tmp_path)} & {"F2.json", "L2.json"} == {"F2.json"}
    assert written[2:] == ["F2.json"]


def test_saving_writes_certificates_and_a_report_read_back_has_none(run, tmp_path: Path):
    report, folder = run
    written = report.save(tmp_path / "saved")
    assert stems(tmp_path / "saved") == STEMS
    assert {path.name for path in written} >= {f"{stem}.json" for stem in STEMS}
    for path in report.certificates:
        assert (tmp_path / "saved" / path).read_bytes() == (folder / path).read_bytes()
    back = load_report(folder)
    assert back == report
    assert back.certificates == report.certificates
    back.save(tmp_path / "saved")
    assert stems(tmp_path / "saved") == STEMS
    back.save(tmp_path / "elsewhere")
    assert not list((tmp_path / "elsewhere" / "certificates").glob("*.json"))


def test_a_path_that_is_no_certificate_is_refused():
    item = Evidence(check="L2.enclosed", kind=Kind.ENCLOSURE, outcome=Outcome.HOLDS, summary="", scope="")
    for path in ("javascript:alert(1)", "certificates/../x.json", "/etc/passwd", "certificates/.json"):
        with pytest.raises(ValueError, match="should match pattern"):
            Evidence.model_validate({**item.model_dump(), "certificates": [path]})


def test_the_views_link_the_certificates_and_say_how_to_check_them(run):
    report, folder = run
    page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    for path in report.certificates:
        assert f'<a href="{path}">' in page
        assert f"]({path})" in text
    for view in (page, text):
        assert view.count("certflow check certificates/*.json") == 1
        assert "bound over sharp" in view
    assert "certified" not in page.lower()
    for section in re.findall(r'<section class="evidence">.*?</section>', page, re.DOTALL):
        assert ("certificate" in section.lower()) == ('class="kind">enclosure<' in section), section


def test_the_plot_of_rates_marks_the_enclosed_ones(run):
    from certflow.report.plots import figure_named

    report, _ = run
    assert [t for t, _ in report.curves.sharp_one_sided] == [0.01, 0.173, 3.0]
    assert report.curves.sharp_one_sided[0][1] == pytest.approx(265.5503828413094)
    plain = report.curves.model_copy(update={"sharp_one_sided": (), "sharp_two_sided": ()})
    assert figure_named("rates", plain, None, 0) != figure_named("rates", report.curves, None, 0)


def test_the_command_names_the_certificates(command: Command, tmp_path: Path):
    ended = command("verify", "two-modes", "--claims", "F2", "--digits", "20", "--out", tmp_path)
    assert ended.code == 0
    assert f"1 certificate; to check again: certflow check {tmp_path}/certificates/*.json" in ended.out


def test_a_search_that_ran_out_is_inconclusive_with_its_best_enclosure(ticking_clock):
    mixture = cf.load_mixture("ring-8")
    context = Context(cf.OrnsteinUhlenbeck(mixture, "0.01", "3"))
    hurried = replace(context, profile=replace(context.profile, search_seconds=1))
    check = next(check for check in checks_of("L5") if check.kind is Kind.ENCLOSURE)
    item = check.run(hurried)
    assert item.outcome is Outcome.INCONCLUSIVE
    assert "known to lie in [" in item.summary
    assert len(item.numbers["sharp_rates"]) == 6
