"""Every command line that a report shows is run here, and says what the page says that it says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import certflow as cf
from certflow.certificate import checker
from certflow.claims.model import Outcome
from certflow.claims.registry import STATEMENTS, checks_of
from certflow.report import load_report, render_html, render_markdown
from certflow.report.badge import badge, badge_words
from certflow.report.citation import bibliography, mixture_digest
from certflow.report.commands import all_commands, replay, witness
from certflow.report.svg import numbers_of
from certflow.report.views import write_views

Command = Callable[..., Any]
TWIN = checks_of("G3")[0].twins[0]
CLAIMS = "G1,G3,L8"  # certificates; points of a formula; a claim that does not apply


def shown(page: str) -> list[str]:
    """The command lines of a page."""
    return [unescape(line) for line in re.findall(r'<pre class="command[^>]*>(.*?)</pre>', page, flags=re.DOTALL)]


def fenced(text: str) -> set[str]:
    """The command lines of the report in Markdown."""
    blocks = re.findall(r"^```sh\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    return {line for block in blocks for line in block.split("\n")}


def python(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


def expanded(words: list[str], folder: Path) -> list[str]:
    """What a shell makes of stars."""
    found = {word: [str(p.relative_to(folder)) for p in sorted(folder.glob(word))] for word in words if "*" in word}
    return [path for word in words for path in found.get(word, [word])]


def test_every_command_of_a_report_runs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = f"certflow verify two-modes --claims {CLAIMS} --out report --jobs 1"
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    assert command(*shlex.split(line)[1:]).code == 0
    folder = tmp_path / "report"
    report, page = load_report(folder), (folder / "report.html").read_text(encoding="utf-8")
    assert set(shown(page)) == set(all_commands(report)) == fenced((folder / "report.md").read_text(encoding="utf-8"))
    assert len(report.certificates) == 2
    assert shown(page)[-4] == report.command == line
    for shell in dict.fromkeys(shown(page)):
        monkeypatch.chdir(tmp_path if shell == line else folder)
        program, *words = expanded(shlex.split(shell), folder)
        if program == "certflow":
            ended = command(*words)
            # A claim that does not apply leaves nothing decided: inconclusive.
            assert ended.code == (3 if words[0] == "verify" and "L8" in words else 0), shell
        else:
            assert program == "python"
            done = python(words, folder)
            assert done.returncode == 0, (shell, done.stderr)
            assert done.stdout.count("accepted") == sum(word.endswith(".json") for word in words)


def test_the_replay_of_a_claim_is_that_of_its_mixture_and_interval(command: Command, tmp_path: Path) -> None:
    mixture = cf.GaussianMixture(["1/3", "2/3"], [["-1/7"], ["1.25"]], "0.04", name="by hand")
    report = cf.verify(cf.OrnsteinUhlenbeck(mixture, "1/30", "2"), ["G3"], digits=30, seed=7)
    report.save(tmp_path, {})
    words = shlex.split(replay(report, report.results[0]))
    again = json.loads(command(*words[1:2], tmp_path / words[2], *words[3:], "--format", "json").out)
    assert [again[key] for key in ("t_min", "t_max", "digits", "seed")] == ["1/30", "2", 30, 7]
    assert again["results"][0]["evidence"][0]["numbers"] == report.results[0].evidence[0].numbers
    kept, known = cf.load_mixture(tmp_path / words[2]), mixture
    assert kept.exact_means.fractions.tolist() == known.exact_means.fractions.tolist()


def test_the_witness_of_a_wrong_process_is_found_again(tmp_path: Path) -> None:
    process = TWIN.formulas(cf.load_mixture(TWIN.mixture), t_min="0.01", t_max="3")
    report = cf.verify(process, ["G3"])
    assert report.outcome is Outcome.VIOLATED
    report.save(tmp_path, {})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"<code>{report.formulas}</code>" in page
    (result,) = report.results
    assert witness(result) == "python witnesses/G3.py"
    assert witness(result) in shown(page)
    assert not any(line.startswith("certflow verify") for line in shown(page))  # which has the right formulas
    done = python(shlex.split(witness(result))[1:], tmp_path)
    assert done.returncode == 1, done.stderr
    item = result.evidence[0]
    assert f"{item.check}: violated: {item.summary}" in done.stdout
    now, before = (json.loads(line.partition(":")[2]) for line in done.stdout.splitlines()[1:3])
    assert now == before == json.loads(json.dumps(item.witness))
    write_views(report.model_copy(update={"results": ()}), tmp_path, {})  # of an earlier run
    assert list((tmp_path / "witnesses").iterdir()) == []


def test_texts_that_would_be_code_stay_texts(hostile_report, tmp_path: Path) -> None:
    evil = '"""\nraise SystemExit("run")\n'
    mixture = dict(hostile_report.mixture) | {"name": evil}
    formulas = {"__main__.Mine": "Mine", "a.<locals>.B": "locals", 'x";raise': "raise", "os; raise X.y": "raise"}
    for name, told in formulas.items():
        write_views(hostile_report.model_copy(update={"mixture": mixture, "formulas": name}), tmp_path, {})
        text = (tmp_path / "witnesses" / "F1.py").read_text(encoding="ascii")
        compile(text, "F1.py", "exec")
        assert [line for line in text.splitlines() if line.startswith("raise")] == []
        assert re.search(rf"^# No import finds the class under test, .*{told}", text, flags=re.MULTILINE)


# -- what a claim leads to ---------------------------------------------------------------------------------------


def test_code_checks_and_false_twins_are_told(full_report) -> None:
    page = render_html(full_report)
    for identifier, statement in STATEMENTS.items():
        article = re.search(rf'<article class="claim" id="claim-{identifier}">.*?</article>', page, flags=re.DOTALL)[0]
        for name in statement.code:
            assert f"<code>{name}</code>" in article
        for check in checks_of(identifier):
            assert f"<code>{check.name}</code>" in article
        assert "<summary>Run " in article
        assert f'id="proof-{identifier}"' in article
    assert len(page.encode()) <= 3_000_000
    assert page.count('id="code-certflow.process.OrnsteinUhlenbeck.growth_rate_bound"') == 1


def test_the_false_twins_of_a_check_stand_beside_its_evidence(report) -> None:
    item = report.results[1].evidence[0].model_copy(update={"check": "L2.enclosed"})
    claim = report.results[1].model_copy(update={"evidence": (item,)})
    page = render_html(report.model_copy(update={"results": (claim,)}))
    (said,) = re.findall(r'<p class="fine rejects">(.*?)</p>', page)
    for twin in next(check for check in checks_of("L2") if check.name == "L2.enclosed").twins:
        assert f"{unescape(twin.mistake)}, on {twin.mixture} <code>{twin.formulas.__module__}" in unescape(said)
    assert "<code>L2.derivation</code> (symbolic), <code>L2.bound</code> (sampled)" in page  # without evidence here


def test_claims_apart_have_a_row_and_no_section(report) -> None:
    page = render_html(report)
    assert re.findall(r'<article class="claim" id="claim-(\w+)"', page) == ["S2", "L2", "L5", "F1", "E5"]
    tables = page.split('id="excluded"')[1]
    assert re.findall(r'<tr id="claim-(\w+)"', tables) == ["L8", "M1"]
    matrix = re.search(r'<table class="matrix">.*?</table>', page, flags=re.DOTALL)[0]
    assert re.findall(r'href="#claim-(\w+)"', matrix) == ["S2", "L2", "L5", "F1", "E5"]
    sections, does_not, unchecked = re.split(r"^### Claims that .*$", render_markdown(report), flags=re.MULTILINE)
    assert re.findall(r"^#### (\w+)", sections, re.MULTILINE) == ["S2", "L2", "L5", "F1", "E5"]
    assert re.findall(r"^\| \*\*(\w+)\*\*", sections, re.MULTILINE) == ["S2", "L2", "L5", "F1", "E5"]
    assert re.search(r"^\| \*\*L8\*\* \| No global .* \| The covariances of this mixture", does_not, re.MULTILINE)
    assert "| The quick profile leaves this claim out. · ○ pending: symbolic, enclosure |" in unchecked


# -- figures, badge, citation ------------------------------------------------------------------------------------


def test_the_numbers_of_a_chart_are_those_of_the_report(report, figures) -> None:
    head, *rows = numbers_of(figures["rates"]).splitlines()
    assert head.split(",")[:3] == ["t", "L", "lambda"]
    assert len(rows) == len(report.curves.times)
    for row, *expected in zip(
        rows, report.curves.times, report.curves.lipschitz, report.curves.growth_rate, strict=True
    ):
        assert [float(cell) for cell in row.split(",")] == pytest.approx(expected, rel=1e-9)
    head, *rows = numbers_of(figures["density-flow"]).splitlines()
    assert head == "line,t,x1,x2"
    assert {row.split(",")[0] for row in rows} == {str(k) for k in range(1, 43)}
    page = render_html(report, figures)
    assert "<metadata>" not in page
    assert page.count('href="data:text/csv;charset=utf-8,') == 4


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.HOLDS, "3 of 3 claims hold"),
        (Outcome.VIOLATED, "violated: 1 of 5 claims"),
        (Outcome.INCONCLUSIVE, "inconclusive: 1 of 4 claims"),
        (None, "inconclusive: nothing was checked"),
    ],
)
def test_a_badge_counts_only_claims_that_were_decided_or_in_doubt(report, outcome, words) -> None:
    """Of the seven claims of the report one does not apply and one was not checked."""
    left_out = {
        Outcome.HOLDS: (Outcome.VIOLATED, Outcome.INCONCLUSIVE),
        Outcome.INCONCLUSIVE: (Outcome.VIOLATED,),
        Outcome.VIOLATED: (),
        None: (Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.HOLDS),
    }[outcome]
    results = tuple(result for result in report.results if result.outcome not in left_out)
    told = report.model_copy(update={"outcome": outcome or Outcome.INCONCLUSIVE, "results": results})
    assert badge_words(told) == words
    root = ElementTree.fromstring(badge(told))
    assert [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")] == ["certflow", words]
    assert (
        root.findtext("{http://www.w3.org/2000/svg}title")
        == root.get("aria-label")
        == (f"certflow: {words} (two-modes, 0.01 <= t <= 3, profile quick)")
    )
    some = told.model_copy(update={"claims_known": 38})
    assert badge_words(some) == words.replace("claims", "chosen claims")
    assert f"{len(results)} of 38 claims" in badge(some)


def test_the_citation_names_mixture_version_date_and_verdict(report) -> None:
    text = bibliography(report)
    for part in (
        "Gaussian mixture two-modes}",
        "{{certflow 0.1.0}}",
        "{2026}",
        "= jun,",
        "Report of 2026-06-05",
        "violated: 1 of 5 claims",
        mixture_digest(report),
        "eprint        = {2606.03820}",
    ):
        assert part in text
    changed = report.model_copy(update={"mixture": dict(report.mixture) | {"weights": ["0.4", "0.6"]}})
    named = report.model_copy(update={"mixture": dict(report.mixture) | {"name": "other_name"}})
    assert mixture_digest(changed) != mixture_digest(report) == mixture_digest(named)
    assert r"mixture other\_name}" in bibliography(named)


def test_a_name_that_would_end_a_field_of_bibtex_does_not(hostile_report) -> None:
    entry = bibliography(hostile_report.model_copy(update={"mixture": {"name": 'a}{b\\ % # "'}}))
    assert r"mixture a\}\{b\textbackslash{} \% \# " in entry
    braces = re.sub(r"\\[{}]", "", entry)
    assert braces.count("{") == braces.count("}")


def test_the_checker_beside_the_certificates_is_ours(tmp_path: Path, report) -> None:
    item = report.results[1].evidence[0].model_copy(update={"certificates": ("certificates/L2.json",)})
    claim = report.results[1].model_copy(update={"evidence": (item,)})
    write_views(report.model_copy(update={"results": (claim,)}), tmp_path, {})
    (home,) = checker.__path__
    copied = tmp_path / "certificates" / "checker"
    ours = {path.name: path.read_bytes() for path in Path(home).glob("*.py")}
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == ours
