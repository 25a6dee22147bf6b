"""The pytest plugin in runs of its own: fixtures, marker, options, what it tells and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from jenkins import faults
from own_project import ROOT, SCORE, Run, pytest_in, write

import certflow as cf
from certflow.errors import InputError
from certflow.testing.options import SUITE, check_options, claims_allowed, mixture_sources, score_of

TESTS = """
import certflow as cf
import pytest
from certflow.testing import check_score, parametrize_with_checks
from mine import score, wrong_score


@pytest.mark.claim("L5")
def test_holds(certify):
    report = certify("two-modes")
    assert report
    assert [result.id for result in report.results] == ["L5"]


@pytest.mark.claim("L6")
def test_says_nothing(certify):
    assert certify("two-modes")


@pytest.mark.claim("g3")
def test_of_a_claim():
    pass


def test_mixture(mixture):
    assert mixture.n_components >= 1


@parametrize_with_checks("score", score, "two-modes", max_examples=16)
def test_right(subject, check):
    assert check(subject)


@parametrize_with_checks("score", wrong_score, "two-modes", max_examples=16, expected_failures={"ties": "wrong sign"})
def test_wrong(check):
    check()


@parametrize_with_checks("score", score, "two-modes", expected_failures={"ties": "mended since"}, max_examples=16)
def test_stale(check):
    if "ties" in repr(check):
        check()
    else:
        pytest.skip("another part")


@parametrize_with_checks("score", score, "two-modes", max_examples=16)
def test_forgets(check):
    pass


def test_in_one():
    check_score(score, cf.load_mixture("two-modes"), max_examples=16)


def test_in_one_wrong():
    check_score(wrong_score, cf.load_mixture("two-modes"), max_examples=16)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("project"), mine=SCORE, test_mine=TESTS)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return pytest_in(
        folder,
        *("-q", "--strict-markers", "-W", "error", "--junitxml=own.xml", "--certflow-report=found"),
        *("--certflow-mixture", "iris", "--certflow-mixture", "wine"),
    )


@pytest.fixture(scope="module")
def found(run: Run, folder: Path) -> dict[str, Any]:
    return json.loads((folder / "found" / "results.json").read_text(encoding="utf-8"))


def outcomes(found: dict[str, Any], name: str) -> dict[str, str]:
    tests = {test["name"].partition("::")[2]: test["outcome"] for test in found["tests"]}
    return {test: outcome for test, outcome in tests.items() if test.partition("[")[0] == name}


def test_the_session_fails_where_a_test_does(run: Run) -> None:
    assert run.code == 1, run.out + run.err
    assert run.err == ""


def test_an_assertion_on_a_report_prints_a_short_verdict(run: Run) -> None:
    assert "assert <report of two-modes: inconclusive: nothing was checked>" in run.out


def test_each_part_is_a_test(found: dict[str, Any]) -> None:
    right, wrong = outcomes(found, "test_right"), outcomes(found, "test_wrong")
    assert len(right) == len(wrong) >= 10
    assert set(right.values()) == {"passed"}
    assert right.keys() >= {"test_right[score-two-modes-ties]", "test_right[score-two-modes-batch-of-one]"}
    assert wrong["test_wrong[wrong_score-two-modes-typical-points]"] == "failed"
    assert wrong["test_wrong[wrong_score-two-modes-ties]"] == "skipped"  # expected
    assert wrong["test_wrong[wrong_score-two-modes-batch-of-one]"] == "passed"


def test_an_expected_failure_carries_its_reason_and_may_not_pass(found: dict[str, Any]) -> None:
    reasons = {test["name"].rpartition("::")[2]: test["expected"] for test in found["tests"] if test["expected"]}
    assert reasons == {"test_wrong[wrong_score-two-modes-ties]": "wrong sign"}
    assert outcomes(found, "test_stale")["test_stale[score-two-modes-ties]"] == "failed"


def test_a_test_that_runs_no_check_fails(run: Run, found: dict[str, Any]) -> None:
    assert set(outcomes(found, "test_forgets").values()) == {"failed"}
    assert "AssertionError: test_forgets did not run its check: call check(subject)" in run.out


def test_the_mixture_is_each_that_is_named(folder: Path, run: Run) -> None:
    names = [case.get("name") for case in ElementTree.parse(folder / "own.xml").getroot().iter("testcase")]
    assert [name for name in names if name.startswith("test_mixture")] == ["test_mixture[iris]", "test_mixture[wine]"]


def test_the_summary_goes_by_check_and_by_claim(run: Run, found: dict[str, Any]) -> None:
    lines = run.out.rpartition(" certflow =")[2].splitlines()
    (row,) = [line for line in lines if line.startswith("check_score: ")]
    counts = found["checks"]["check_score"]
    ran = counts["passed"] + counts["failed"] + counts["expected"]
    assert counts["expected"] == 1
    assert row.startswith(f"check_score: {ran} checks ran, {counts['passed']} found no counterexample, ")
    assert f"{counts['failed']} found one, 1 found the expected one" in row
    assert any(line.startswith("  wrong_score on two-modes, typical points: wrong at ") for line in lines)
    assert any(line.startswith("  test_in_one_wrong, typical points: wrong at ") for line in lines)
    assert "G3: 1 tests passed" in lines
    assert "L5: holds on two-modes (enclosure)" in lines


def test_checks_within_a_test_are_heard_of(found: dict[str, Any]) -> None:
    (test,) = [test for test in found["tests"] if test["name"].endswith("::test_in_one")]
    (record,) = test["found"]
    assert (record["check"], record["passed"], record["counterexample"]) == ("check_score", True, None)
    assert len(record["parts"]) == len(outcomes(found, "test_right"))


def test_the_junit_files_are_read_by_jenkins_and_gitlab(run: Run, folder: Path, found: dict[str, Any]) -> None:
    ours = ElementTree.parse(folder / "found" / "junit.xml").getroot()
    assert faults(ours) == []
    (suite,) = ours
    failures = {
        (case.get("classname"), case.get("name")) for case in suite.iter("testcase") if case.find("failure") is not None
    }
    assert ("certflow.check_score wrong_score two-modes", "typical points") in failures
    assert ("certflow.L6", "test_mine.py::test_says_nothing") in failures
    assert int(suite.get("failures")) == len(list(suite.iter("failure")))
    skipped = [case.find("skipped") for case in suite.iter("testcase") if case.get("name") == "ties"]
    assert "expected: wrong sign" in [each.get("message") for each in skipped if each is not None]
    own = ElementTree.parse(folder / "own.xml").getroot()
    (properties,) = own.iter("properties")  # of the suite: a schema of Jenkins has none in a case
    told = {each.get("name"): each.get("value") for each in properties}
    assert told["certflow.claim.L5"] == "holds on two-modes (enclosure)"
    counts = found["checks"]["check_score"]
    assert told["certflow.check_score"].startswith(f"{sum(counts.values()) - counts['points']} checks ran, ")


OPTIONS = ("mixture", "claims", "profile", "report", "score", "predicts", "schedule")


def configured(folder: Path, *arguments: str, **options: Any) -> Any:
    """What the options are read from, without a run."""
    values = {f"--certflow-{name}": options.get(name) for name in OPTIONS}
    return SimpleNamespace(
        getoption=values.__getitem__, args=list(arguments), invocation_params=SimpleNamespace(dir=folder)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "nightly"}, "--certflow-profile: got 'nightly'; required: one of quick, full"),
        ({"claims": "L2,Q9"}, "--certflow-claims: got 'Q9'; required: ids among S1, "),
        ({"claims": ""}, "--certflow-claims: got ''; required: ids among S1, "),
        ({"report": ""}, "--certflow-report: got ''; required: the name of a directory"),
        (
            {"mixture": ["nobody"]},
            "--certflow-mixture: got 'nobody'; required: a file (.json, .toml, .npz) or one of: ",
        ),
        ({"score": "mine"}, "--certflow-score: got 'mine'; required: MODULE:NAME, "),
        ({"score": "no_such_module:f"}, "(ModuleNotFoundError: No module named 'no_such_module')"),
        ({"score": "math:tau"}, "(tau is a float)"),
        ({"score": "math:rho"}, "(no rho in it)"),
        (
            {"predicts": "epsilon"},
            "--certflow-predicts: got 'epsilon'; required: --certflow-score MODULE:NAME beside it",
        ),
        ({"score": "math:hypot", "predicts": "noise"}, "--certflow-predicts: got 'noise'; required: one of epsilon, "),
        ({"score": "math:hypot", "schedule": "karras"}, "--certflow-schedule: got 'karras'; required: one of edm, "),
        ({"score": "math:hypot"}, "--certflow-mixture: got None; required: one, that of --certflow-score"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        check_options(configured(tmp_path, **options))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [SUITE, f"{SUITE}.test_claims", str(ROOT / "certflow" / "testing" / "suite")])
def test_the_suite_asks_for_a_mixture(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--certflow-mixture: got None; required: a mixture file or a built-in name"):
        check_options(configured(tmp_path, name))
    check_options(configured(tmp_path, name, mixture=["two-modes"]))
    check_options(configured(tmp_path, "tests"))


def test_what_options_say(tmp_path: Path) -> None:
    write(tmp_path, scores_of_mine="class Net:\n    def predict(self, x, sigma):\n        return x\n\n\nnet = Net()\n")
    config = configured(
        tmp_path, score="scores_of_mine:net.predict", predicts="epsilon", schedule="edm", claims="l2, F1"
    )
    score, options = score_of(config)
    sys.path.remove(str(tmp_path))
    assert (score("x", 1), options["predicts"], type(options["schedule"]).__name__) == ("x", "epsilon", "EDM")
    assert claims_allowed(config, None) == ["L2", "F1"]
    assert claims_allowed(config, ["f1", "G3"]) == ["f1"]
    assert mixture_sources(config) == cf.builtin_mixtures()


def test_a_usage_error_ends_the_run_before_any_test(folder: Path) -> None:
    ended = pytest_in(folder, "--certflow-claims", "L2", "--pyargs", SUITE)
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.out == ""
    assert ended.err.split("\n") == [
        f"ERROR: --certflow-mixture: got None; required: a mixture file or a built-in name, on which {SUITE} runs",
        *("", ""),
    ]


def test_only_tests_of_named_claims_run_and_an_unwritable_report_is_told_in_one_line(folder: Path) -> None:
    (folder / "blocked").write_text("")
    ended = pytest_in(folder, "-q", "--certflow-claims=G3", "-k", "claim or holds", "--certflow-report=blocked/below")
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.counts().startswith("1 passed, ")
    assert "G3: 1 tests passed" in ended.out.splitlines()
    (line,) = [line for line in ended.err.splitlines() if line]
    assert "--certflow-report: got 'blocked/below' (Not a directory); required: a directory that can be" in line


def test_an_unused_plugin_loads_nothing_and_says_nothing(tmp_path: Path) -> None:
    """Counted, not timed: the modules that it imports beside those of pytest."""
    code = (
        "import pytest, sys; before = set(sys.modules); import certflow.testing.plugin; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.split() == ["certflow"]
    write(
        tmp_path,
        test_other="""
def test_other():
    import sys
    heavy = {"numpy", "scipy", "sympy", "torch", "hypothesis", "pydantic"}
    assert sorted(name for name in sys.modules if name.startswith("certflow")) == %r
    assert not heavy & set(sys.modules)
"""
        % [f"certflow{name}" for name in LOADED],
    )
    ended = pytest_in(tmp_path, "-p", "no:hypothesispytest", "-q", "-W", "error")
    assert (ended.code, ended.counts()) == (0, "1 passed"), ended.out + ended.err
    assert "certflow" not in ended.out


LOADED = (
    "",
    ".errors",
    ".lazy",
    ".testing",
    ".testing.gathered",
    ".testing.options",
    ".testing.plugin",
    ".testing.result",
)
