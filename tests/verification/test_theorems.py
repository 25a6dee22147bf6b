"""`certflow verify --kernel`: formal evidence where Coq accepts a theorem and nowhere else; kept, and shown.

Without `coqc` a kernel that accepts what it is told to stands in its place.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from depth import nightly

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.envelope import certificate_text
from certflow.claims.check import PROFILES
from certflow.claims.model import Evidence, Kind, Outcome
from certflow.formal import KernelVerdict, opened_kernel
from certflow.formal.text import STATEMENTS
from certflow.report import load_report
from certflow.report.commands import compile_again
from certflow.verification import run, theorems
from certflow.verification.theorems import NOT_ASKED, NOT_SERVED, formal_tier

compiled = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc is not installed: apt-get install coq libcoq-interval libcoq-coquelicot"
)
#: The quick profile with few points.
LIGHT = replace(PROFILES["quick"], precise_points=2, sampled_points=50, flow_pairs=2, times=2, search_seconds=1.0)
#: One mean: rates without a diameter, the smallest theorems.
SMALL = cf.GaussianMixture(["1"], [["0"]], "0.25", name="one")


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROFILES, "quick", LIGHT)


class Told:
    """A kernel that says what it is told, of each claim."""

    version = "0"

    def __init__(self, refused: tuple[str, ...] = (), interrupted: tuple[str, ...] = ()):
        self.refused, self.interrupted, self.begun = refused, interrupted, list[str]()

    def digest(self, text: str) -> str:
        return text

    def begin(self, text: str, name: str) -> Told.Answer:
        found = re.search("certificate of (\\w+) with", text)
        assert found
        self.begun.append(found[1])
        if found[1] in self.interrupted:
            raise KeyboardInterrupt
        return Told.Answer(found[1] not in self.refused)

    class Answer:
        at_work = False

        def __init__(self, accepted: bool):
            self.accepted = accepted

        def verdict(self) -> KernelVerdict:
            text = "compiled" if self.accepted else "not closed: growth_bound: no"
            return KernelVerdict(self.accepted, text, "asserted : True.", ("Classical_Prop.classic",) * self.accepted)

        def stop(self) -> None:
            pass


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What puts a told kernel in the place of Coq's."""

    def place(kernel: Told) -> Told:
        @contextmanager
        def opened() -> Iterator[Told]:
            yield kernel

        monkeypatch.setattr(run, "opened_kernel", opened)
        return kernel

    return place


def formal(report: cf.Report) -> dict[str, Evidence]:
    return {item.check: item for result in report.results for item in result.evidence if item.kind is Kind.FORMAL}


def test_every_served_certificate_is_compiled_and_the_others_are_named(told: Any, tmp_path: Path) -> None:
    kernel = told(Told())
    law = cf.load_mixture("two-modes")
    report = cf.verify(law, ["L2", "F2", "S3", "M1"], digits=20, kernel=True, out=tmp_path)
    assert set(kernel.begun) == {"L2", "F2"}
    assert set(formal(report)) == {"L2.kernel", "F2.kernel"}
    results = {result.id: result for result in report.results}
    assert results["S3"].left_out[Kind.FORMAL] == NOT_SERVED
    assert Kind.FORMAL not in results["M1"].left_out  # it has no certificate
    assert results["L2"].evidence[0].kind is Kind.FORMAL  # the strongest first
    assert load_report(tmp_path) == report
    bare = cf.verify(law, ["L2", "S3"], digits=20)
    assert {result.id: result.left_out.get(Kind.FORMAL) for result in bare.results} == {"L2": NOT_ASKED, "S3": None}
    assert not formal(bare)


def test_what_is_kept_is_not_compiled_again(told: Any, tmp_path: Path) -> None:
    law = cf.load_mixture("two-modes")
    first = told(Told(refused=("F1",)))
    before = cf.verify(law, ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    assert sorted(first.begun) == ["F1", "F2"]
    second = told(Told())
    after = cf.verify(law, ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    assert second.begun == ["F1"]  # what was not accepted is tried again: memory or time may have been short
    assert formal(before)["F1.kernel"].outcome is Outcome.INCONCLUSIVE
    assert formal(after)["F1.kernel"].outcome is Outcome.HOLDS
    assert formal(after)["F2.kernel"] == formal(before)["F2.kernel"]
    third = told(Told())
    cf.verify(cf.OrnsteinUhlenbeck(law, "0.02", 3), ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    assert sorted(third.begun) == ["F1", "F2"]  # other certificates


def test_a_theorem_of_a_part_says_of_which(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told(Told())
    monkeypatch.setitem(theorems.PARTS, "F2", " of the upper end")
    found = formal(cf.verify(cf.load_mixture("two-modes"), ["F1", "F2"], digits=20, kernel=True))
    assert {name: item.theorem and item.theorem.part for name, item in found.items()} == {
        "F1.kernel": "of any two trajectories",
        "F2.kernel": "of the upper end",
    }
    assert found["F2.kernel"].summary == "the kernel of Coq has accepted the theorem of the upper end of F2"


def test_an_interrupted_run_loses_nothing(told: Any, tmp_path: Path) -> None:
    law = cf.load_mixture("two-modes")
    told(Told(interrupted=("F2",)))
    with pytest.raises(KeyboardInterrupt):
        cf.verify(law, ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    again = told(Told())
    report = cf.verify(law, ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    assert again.begun == ["F2"]
    assert {item.outcome for item in formal(report).values()} == {Outcome.HOLDS}


def test_a_goal_that_does_not_close_is_inconclusive_and_never_violated(told: Any, tmp_path: Path) -> None:
    told(Told(refused=("F1",)))
    report = cf.verify(cf.load_mixture("two-modes"), ["F1", "F2"], digits=20, kernel=True, out=tmp_path)
    found = {result.id: result for result in report.results}
    assert Outcome.VIOLATED not in {item.outcome for result in report.results for item in result.evidence}
    assert (found["F1"].outcome, found["F2"].outcome) == (Outcome.INCONCLUSIVE, Outcome.HOLDS)
    reason = (
        "the kernel of Coq has not accepted the theorem of any two trajectories of F1: not closed: growth_bound: no"
    )
    assert found["F1"].reason == reason
    assert (report.outcome, report.exit_code) == (Outcome.INCONCLUSIVE, 3)
    refused, accepted = formal(report)["F1.kernel"], formal(report)["F2.kernel"]
    assert refused.theorem is not None
    assert refused.theorem.axioms == ()
    assert accepted.theorem is not None
    assert accepted.theorem.axioms == ("Classical_Prop.classic",)
    for name in ("report.html", "report.md", "junit.xml"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "not closed: growth" in text.replace("\\_", "_")


def test_only_certificates_that_the_checker_accepted_are_compiled(told: Any, tmp_path: Path) -> None:
    """Formulas with half the exponent: the certificate of the wrong growth is refused before Coq sees it."""
    from certflow.claims.stability.twins import HalfExponent

    kernel = told(Told())
    report = cf.verify(HalfExponent(cf.load_mixture("two-modes"), "0.01", 3), ["F1"], digits=20, kernel=True)
    assert report.outcome is Outcome.VIOLATED
    assert kernel.begun == [] or all(checked(item) for item in report.results[0].evidence)


def checked(item: Evidence) -> bool:
    """Does the checker accept every certificate of a piece of evidence that holds?"""
    texts = map(certificate_text, item.contents.values())
    return item.outcome is not Outcome.HOLDS or all(checker.check(text).accepted for text in texts)


def test_the_report_shows_the_theorem_and_how_it_is_had_again(told: Any, tmp_path: Path) -> None:
    told(Told())
    report = cf.verify(cf.load_mixture("two-modes"), ["F1"], digits=20, kernel=True, out=tmp_path)
    theorem = formal(report)["F1.kernel"].theorem
    assert theorem is not None
    certificate = json.loads((tmp_path / theorem.certificate).read_text(encoding="utf-8"))
    growth = Fraction(certificate["assertion"]["growth"])
    assert certificate["hash"] in theorem.text
    assert f"exp ({growth.numerator} / {growth.denominator})" in theorem.text
    assert "Definition sigma2 : R := (1 / 25)." in theorem.text
    assert "Theorem asserted : " in theorem.text
    assert not re.search("^(Lemma|Proof|Qed|Require|Print)", theorem.text, re.MULTILINE)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    told_by = (tmp_path / "report.md").read_text(encoding="utf-8")
    for text in (page, told_by):
        assert compile_again(theorem) in text
        assert "Classical" in text
    folded = re.search(r'<details class="theorem">(.*?)</details>', page, re.DOTALL)
    assert folded
    assert "Theorem asserted" in folded[1]
    assert "<details open" not in page
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data["results"][0]["evidence"][0]["theorem"]["prover"] == "Coq 0"
    assert data["results"][0]["machine_checked"]["extent"] == "part"
    assert "given to Coq 0; axioms: Classical_Prop.classic" in (tmp_path / "junit.xml").read_text(encoding="utf-8")


def test_without_coq_the_command_says_how_it_is_installed(
    tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = command("verify", "two-modes", "--claims", "F1", "--kernel", "--out", tmp_path / "report")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("certflow: --kernel: got 'no coqc'; required: ")
    assert "apt-get install coq libcoq-interval libcoq-coquelicot" in ended.err
    assert not (tmp_path / "report" / "report.json").exists()


@pytest.mark.parametrize("value", [1, "yes", None])
def test_kernel_is_true_or_false(value: Any) -> None:
    with pytest.raises(cf.InputError, match=r"^kernel: .*True or False"):
        cf.verify(SMALL, ["F1"], kernel=value)


class Nowhere:
    """A keeper that has nothing and keeps nothing."""

    def load_theorem(self, name: str, digest: str) -> None:
        return None

    def save_theorem(self, found: Evidence, digest: str) -> None:
        pass


@compiled
def test_coq_accepts_what_is_true_and_not_what_is_false() -> None:
    """F1 of one Gaussian, and the same with a growth just below the truth (no checker looks at it)."""
    report = cf.verify(SMALL, ["F1"], digits=20)
    items = [item for item in report.results[0].evidence if item.certificates]
    ((path, certificate),) = items[0].contents.items()
    lower = Fraction(certificate["assertion"]["growth"]) - Fraction(1, 10**9)
    false = {**certificate, "assertion": {**certificate["assertion"], "growth": str(lower)}}
    lied = Evidence(**{**dict(items[0]), "certificates": ("certificates/F1-false.json",)})
    lied.attach({"certificates/F1-false.json": false})
    asked: list[tuple[int, int, str]] = []
    with opened_kernel() as kernel:
        tier = formal_tier(kernel, [items[0], lied], Nowhere(), 2, lambda *words: asked.append(words))  # type: ignore[arg-type]
    true, wrong = tier.evidence["F1"]
    assert path == "certificates/F1.json"
    assert (true.check, true.outcome) == ("F1.kernel", Outcome.HOLDS)
    assert true.theorem is not None
    assert "Classical_Prop.classic" in true.theorem.axioms
    assert true.theorem.prover == f"Coq {kernel.version}"
    assert (wrong.check, wrong.outcome) == ("F1.kernel-false", Outcome.INCONCLUSIVE)
    assert "not closed: growth_bound" in wrong.summary
    assert asked == [(0, 2, "F1"), (0, 2, "F1")]


@compiled
@nightly
def test_all_served_claims_of_two_modes_are_formal(tmp_path: Path, command: Any) -> None:
    arguments = ("verify", "two-modes", "--kernel", "--claims", ",".join(STATEMENTS), "--out", tmp_path)
    ended = command(*arguments)
    assert ended.code == 0, ended.out
    report = load_report(tmp_path)
    found = formal(report)
    assert {name.partition(".")[0] for name in found} == set(STATEMENTS)
    assert {item.outcome for item in found.values()} == {Outcome.HOLDS}
    assert command(*arguments).code == 0
    assert formal(load_report(tmp_path)) == found  # the seconds of each included: none was compiled again
