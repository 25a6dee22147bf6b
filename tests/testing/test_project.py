"""A project of a user's in a fresh environment: the built wheel, the recipe for GitHub, her own tests in two processes,
and the suite on her mixture and score. It is one run, and one test that looks at all that comes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from depth import nightly
from jenkins import faults
from own_project import ROOT, SCORE, Run, github, run_steps, write

import certflow as cf

TESTS = """
import certflow as cf
import pytest
from certflow.testing import CheckFailed, check_score, parametrize_with_checks
from mine import score, wrong_score

FEW = {"max_examples": 16}


@parametrize_with_checks("score", score, "two-modes", **FEW)
def test_own(subject, check):
    assert check(subject)


@parametrize_with_checks("score", wrong_score, "two-modes", expected_failures={"ties": "wrong sign"}, **FEW)
def test_own_wrong(check):
    check()


@parametrize_with_checks("score", score, "two-modes", expected_failures={"batch of one": "mended since"}, **FEW)
def test_own_stale(check):
    if "batch-of-one" in check.id:
        check()
    else:
        pytest.skip("another part")


@parametrize_with_checks("score", score, "two-modes", **FEW)
def test_own_forgets(check):
    pass


def test_own_at_once():
    check_score(score, cf.load_mixture("two-modes"), **FEW)


def test_own_catches():
    with pytest.raises(CheckFailed):
        check_score(wrong_score, "two-modes", **FEW)


@pytest.mark.claim("G3")
def test_own_mixture(certify):
    report = certify("mine.json")
    assert report
    assert [result.id for result in report.results] == ["G3"]
    assert "@pytest_ar" in globals()
    assert "@pytest_ar" not in vars(cf.law.mixture)  # the package is not rewritten


@pytest.mark.claim("L6")
def test_own_says_nothing(certify):
    assert certify("mine.json")


@pytest.mark.claim("g3")
def test_own_of_a_claim(mixture):
    assert mixture.name == "two-modes"
"""


def environment(folder: Path) -> Path:
    """The interpreter of an environment with the wheel of this checkout, and for the rest the packages of this one."""
    source, wheels, fresh = folder / "source", folder / "wheels", folder / "fresh"
    source.mkdir()
    for name in ("certflow", "proofs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", wheels, source], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    python = fresh / "bin" / "python"
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "--python", python, "install", *offline, "--no-compile", wheel], check=True)
    packages = next(fresh.glob("lib/python*/site-packages"))
    # A path file is not followed further, so that an editable install of this checkout is not seen.
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return python


@dataclass(frozen=True)
class Project:
    """What the run has left behind."""

    folder: Path
    run: Run

    @cached_property
    def results(self) -> dict[str, Any]:
        return json.loads((self.folder / "certflow-report" / "results.json").read_text(encoding="utf-8"))

    def outcomes(self, name: str) -> dict[str, str]:
        """The outcomes of the cases of one test, by their ids."""
        named = {test["name"].rpartition("::")[2]: test["outcome"] for test in self.results["tests"]}
        return {key.partition("[")[2][:-1]: value for key, value in named.items() if key.partition("[")[0] == name}

    @cached_property
    def summary(self) -> list[str]:
        return self.run.out.rpartition("= certflow =")[2].splitlines()

    def junit(self, name: str) -> ElementTree.Element:
        return ElementTree.parse(self.folder / name).getroot()


@nightly  # a wheel, an environment, two steps of pytest; its parts are tested every day, each by itself
def test_a_project(tmp_path: Path) -> None:
    for module in ("yaml", "xdist"):
        pytest.importorskip(module)
    pytest.importorskip("setuptools", minversion="77")
    folder = write(tmp_path / "project", mine=SCORE, test_own=TESTS)
    cf.load_mixture("two-modes").save(folder / "mine.json")
    more = "-W error --strict-markers test_own.py --pyargs certflow.testing.suite --certflow-mixture mine.json"
    more += " --certflow-score mine:score --certflow-claims G3,L6"  # two claims, for time
    run = run_steps(github(), folder, environment(tmp_path), PYTEST_ADDOPTS=more)
    found = Project(folder, run)
    assert run.code == 1, run.out + run.err
    assert run.err == ""
    for look in LOOKS:
        look(found)


def a_right_score_passes_and_a_wrong_one_fails_with_its_cause(found: Project) -> None:
    right, wrong = found.outcomes("test_own"), found.outcomes("test_own_wrong")
    assert len(right) == len(wrong) >= 10
    assert set(right.values()) == {"passed"}
    assert right.keys() >= {"score-two-modes-ties", "score-two-modes-batch-of-one"}
    assert wrong["wrong_score-two-modes-typical-points"] == "failed"
    assert wrong["wrong_score-two-modes-ties"] == "skipped"  # expected
    assert wrong["wrong_score-two-modes-batch-of-one"] == "passed"
    assert 'E           mixture = cf.load_mixture("two-modes")' in found.run.out.splitlines()
    assert any(line.startswith("E       likely cause: ") and "(sign)" in line for line in found.run.out.splitlines())
    assert any(line.endswith("; likely sign") for line in found.summary)


def an_expected_failure_carries_its_reason_and_may_not_pass(found: Project) -> None:
    reasons = {
        test["name"].rpartition("::")[2]: test["expected"] for test in found.results["tests"] if test["expected"]
    }
    assert reasons == {"test_own_wrong[wrong_score-two-modes-ties]": "wrong sign"}
    assert found.outcomes("test_own_stale")["score-two-modes-batch-of-one"] == "failed"


def a_test_that_runs_no_check_fails(found: Project) -> None:
    assert set(found.outcomes("test_own_forgets").values()) == {"failed"}
    assert "AssertionError: test_own_forgets did not run its check: call check(subject)" in found.run.out


def checks_within_a_test_are_heard_of(found: Project) -> None:
    (test,) = [test for test in found.results["tests"] if test["name"].endswith("::test_own_at_once")]
    (record,) = test["found"]
    assert (record["check"], record["passed"], record["counterexample"]) == ("check_score", True, None)
    assert len(record["parts"]) == len(found.outcomes("test_own"))


def what_a_test_catches_is_no_failure(found: Project) -> None:
    (test,) = [test for test in found.results["tests"] if test["name"].endswith("::test_own_catches")]
    assert test["outcome"] == "passed"
    assert not all(part["passed"] for part in test["found"][0]["parts"])
    cases = found.junit("certflow-report/junit.xml").iter("testcase")
    caught = [case for case in cases if "test_own_catches" in case.attrib["classname"]]
    assert len(caught) == len(test["found"][0]["parts"])
    assert [case for case in caught if case.find("failure") is not None] == []
    assert {case.find("skipped").attrib["message"] for case in caught if case.find("skipped") is not None} == {
        "expected: the test passed"
    }
    assert not any("test_own_catches" in line for line in found.summary)


def an_assertion_on_a_report_prints_a_short_verdict(found: Project) -> None:
    assert "assert <report of two-modes: inconclusive: nothing was checked>" in found.run.out


def the_suite_of_the_wheel_takes_her_score_and_mixture(found: Project) -> None:
    assert set(found.outcomes("test_score").values()) == {"passed"}
    assert found.outcomes("test_claim") == {"mine-G3": "passed", "mine-L6": "skipped"}
    properties = found.outcomes("test_property")
    assert {name: outcome for name, outcome in properties.items() if outcome != "passed"}.keys() >= {"mine-L6.bound"}
    assert properties["mine-G3.ends"] == "passed"


def the_summary_goes_by_check_and_by_claim(found: Project) -> None:
    (row,) = [line for line in found.summary if line.startswith("check_score: ")]
    counts = found.results["checks"]["check_score"]
    ran = counts["passed"] + counts["failed"] + counts["expected"]
    caught = [test for test in found.results["tests"] if test["name"].endswith("::test_own_catches")]
    expected = 1 + sum(not part["passed"] for part in caught[0]["found"][0]["parts"])
    assert counts["expected"] == expected > 1
    assert row.startswith(f"check_score: {ran} checks ran, {counts['passed']} found no counterexample, ")
    assert f"{counts['failed']} found one, {expected} found the expected one" in row
    assert any(line.startswith("  wrong_score on two-modes, typical points: wrong at ") for line in found.summary)
    (row,) = [line for line in found.summary if line.startswith("G3: ")]
    passed = 1 + sum(name.startswith("mine-G3.") for name in found.outcomes("test_property"))
    assert row == f"G3: holds on two-modes (high_precision); {passed} tests passed"


def the_page_of_the_run_shows_it(found: Project) -> None:
    page = (found.folder / "page.md").read_text(encoding="utf-8")
    assert "| `check_score` | " in page
    assert "**check_score wrong_score two-modes, typical points**: wrong at " in page
    assert "No test that uses certflow failed." not in page


def readers_of_junit_accept_both_files(found: Project) -> None:
    ours, own = found.junit("certflow-report/junit.xml"), found.junit("junit.xml")
    assert faults(ours) == []
    (suite,) = ours
    failures = {
        (case.get("classname"), case.get("name")) for case in suite.iter("testcase") if case.find("failure") is not None
    }
    assert ("certflow.check_score wrong_score two-modes", "typical points") in failures
    assert any(name == "certflow.L6" and case.endswith("::test_own_says_nothing") for name, case in failures)
    assert int(suite.get("failures")) == len(failures)
    skipped = [case.find("skipped") for case in suite.iter("testcase") if case.get("name") == "ties"]
    assert "expected: wrong sign" in [each.get("message") for each in skipped if each is not None]
    assert faults(own) == []
    told = {each.get("name"): each.get("value") for each in own.iter("property")}
    assert told["certflow.claim.L6"].startswith("not applicable on two-modes")
    assert told["certflow.check_score"].partition(" ")[0] in found.run.out


#: What is looked at, in this order.
LOOKS = (
    a_right_score_passes_and_a_wrong_one_fails_with_its_cause,
    an_expected_failure_carries_its_reason_and_may_not_pass,
    a_test_that_runs_no_check_fails,
    checks_within_a_test_are_heard_of,
    what_a_test_catches_is_no_failure,
    an_assertion_on_a_report_prints_a_short_verdict,
    the_suite_of_the_wheel_takes_her_score_and_mixture,
    the_summary_goes_by_check_and_by_claim,
    the_page_of_the_run_shows_it,
    readers_of_junit_accept_both_files,
)
