"""The pytest plugin in runs of its own: fixtures, marker, options, what it tells and writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from own_project import ROOT, pytest_in, write

import certflow as cf
from certflow.errors import InputError
from certflow.testing.options import SUITE, check_options, claims_allowed, mixture_sources, score_of, seed_of

TESTS = """
import pytest


@pytest.mark.claim("G3")
def test_of_a_claim():
    pass


@pytest.mark.claim("L5")
def test_of_another_claim():
    pass


@pytest.mark.claim("L5", "L6")
def test_that_says_nothing(certify, pytestconfig):
    report = certify("two-modes")
    assert report
    assert report.seed == int(pytestconfig.getoption("--certflow-seed") or 0)
    report.raise_for_verdict()
    assert [result.id for result in report.results] == ["L6"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, test_claims=TESTS)


OPTIONS = ("mixture", "claims", "profile", "seed", "report", "score", "predicts", "schedule")


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
        ({"seed": "x"}, "--certflow-seed: got 'x'; required: an int from 0 to 4294967295"),
        ({"seed": "-1"}, "--certflow-seed: got '-1'; required: an int from 0 to 4294967295"),
        ({"seed": "4294967296"}, "--certflow-seed: got '4294967296'; required: an int from 0 to 4294967295"),
        ({"claims": "L2,Q9"}, "--certflow-claims: got 'Q9'; required: ids among S1, "),
        ({"claims": ""}, "--certflow-claims: got ''; required: ids among S1, "),
        ({"report": ""}, "--certflow-report: got ''; required: the name of a directory, below directories"),
        ({"report": __file__}, "required: the name of a directory, below directories"),
        ({"report": f"{__file__}/x/y"}, "/x/y'; required: the name of a directory, below directories"),
        (
            {"mixture": ["nobody"]},
            "--certflow-mixture: got 'nobody'; required: a file (.json, .toml, .npz) or one of: ",
        ),
        ({"score": "mine"}, "--certflow-score: got 'mine'; required: MODULE:NAME, "),
        ({"score": "no_such_module:f"}, "(ModuleNotFoundError: No module named 'no_such_module')"),
        ({"score": "math:tau"}, "required: a callable f(x, tau), not an object of type float"),
        ({"score": "..:f"}, "--certflow-score: got '..:f'; required: MODULE:NAME, "),
        ({"score": "fractions:Fraction"}, "required: a callable f(x, tau), not the class Fraction"),
        ({"score": "math:rho"}, "(it has no rho)"),
        (
            {"predicts": "epsilon"},
            "--certflow-predicts: got 'epsilon'; required: --certflow-score MODULE:NAME beside it",
        ),
        ({"score": "math:hypot", "predicts": "noise"}, "--certflow-predicts: got 'noise'; required: one of epsilon, "),
        ({"score": "math:hypot", "schedule": "karras"}, "--certflow-schedule: got 'karras'; required: one of edm, "),
        (
            {"score": "math:hypot", "schedule": "cosine:offset=x"},
            "--certflow-schedule cosine:offset: got 'x'; required: a finite number",
        ),
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
    net = "class Net:\n    def predict(self, x, sigma):\n        return x\n\n\nnet = Net()\n"
    write(tmp_path, scores_of_mine=f"{net}\n\ndef made():\n    return net.predict\n")
    config = configured(
        tmp_path, score="scores_of_mine:net.predict", predicts="epsilon", schedule="edm", claims="l2, F1"
    )
    score, options = score_of(config)
    sys.path.remove(str(tmp_path))
    assert (score("x", 1), options["predicts"], type(options["schedule"]).__name__) == ("x", "epsilon", "EDM")
    made, options = score_of(configured(tmp_path, score="scores_of_mine:made", schedule="flow_matching:shift=3"))
    assert (made("x", 1), options["schedule"]) == ("x", cf.schedules.flow_matching(shift=3))
    sys.path.remove(str(tmp_path))
    assert claims_allowed(config, None) == ["L2", "F1"]
    assert claims_allowed(config, ["f1", "G3"]) == ["f1"]
    assert mixture_sources(config) == cf.builtin_mixtures()
    assert (seed_of(config), seed_of(configured(tmp_path, seed="17"))) == (0, 17)


def test_a_usage_error_ends_the_run_before_any_test(folder: Path) -> None:
    ended = pytest_in(folder, "--certflow-claims", "L2", "--pyargs", SUITE)
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.out == ""
    assert ended.err.split("\n") == [
        f"ERROR: --certflow-mixture: got None; required: a mixture file or a built-in name, on which {SUITE} runs",
        *("", ""),
    ]


def test_only_tests_of_named_claims_run_and_an_unwritable_report_is_told_in_one_line(folder: Path) -> None:
    write(folder, conftest="def pytest_sessionstart(session):\n    open('blocked', 'w').close()\n")  # where none was
    options = (
        "--certflow-claims=G3,l6",
        "--certflow-seed=5",
        "--certflow-allow-inconclusive",
        "--certflow-report=blocked/below",
    )
    ended = pytest_in(folder, "-m", "certflow", *options)
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.counts() == "2 passed, 1 deselected", ended.out
    header = f"certflow {cf.__version__}: claims G3,l6; seed 5; report blocked/below; allow inconclusive"
    assert header in ended.out.splitlines()
    assert "L6: not applicable on two-modes" in ended.out.splitlines()
    assert "G3: 1 test passed" in ended.out.splitlines()
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
    ".testing.hearing",
    ".testing.options",
    ".testing.plugin",
)
