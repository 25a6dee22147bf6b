"""A project of a user's in a fresh environment: the built wheel, its own tests, several processes, the suite."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jenkins import faults
from own_project import ROOT, SCORE, Run, write

import certflow as cf

TESTS = """
from certflow.testing import parametrize_with_checks
from mine import score, wrong_score


@parametrize_with_checks("score", [score, wrong_score], "two-modes")
def test_own(subject, check):
    check(subject)


def test_own_mixture(certify):
    assert certify("mine.json", claims=["G3"])
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel of this checkout, and for the rest the packages of this one."""
    folder = tmp_path_factory.mktemp("environment")
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
    found = fresh / "bin" / "python"
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "--python", found, "install", *offline, "--no-compile", wheel], check=True)
    packages = next(fresh.glob("lib/python*/site-packages"))
    # A path file is not followed further, so that an editable install of this checkout is not seen.
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("project"), mine=SCORE, test_own=TESTS)
    cf.load_mixture("two-modes").save(folder / "mine.json")
    return folder


def run(python: Path, folder: Path, *arguments: str) -> Run:
    """Pytest as the user starts it: no path and no plugin is named."""
    command = [python, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    return Run(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def ended(python: Path, folder: Path) -> Run:
    """Her own tests and the suite on her mixture and score, in one run; of the claims one, of properties none."""
    return run(
        python,
        folder,
        *("test_own.py", "--pyargs", "certflow.testing.suite", "-k", "own or score or claim"),
        *("--certflow-mixture", "mine.json", "--certflow-score", "mine:score", "--certflow-claims", "G3"),
        *("--certflow-report=found", "--junitxml=own.xml"),
    )


@pytest.fixture(scope="module")
def found(ended: Run, folder: Path) -> dict[str, Any]:
    assert ended.code == 1, ended.out + ended.err
    return json.loads((folder / "found" / "results.json").read_text(encoding="utf-8"))


def test_a_right_score_passes_and_a_wrong_one_fails_with_its_cause(ended: Run, found: dict[str, Any]) -> None:
    outcomes = {test["name"].rpartition("::")[2]: test["outcome"] for test in found["tests"]}
    right = {name: outcome for name, outcome in outcomes.items() if name.startswith("test_own[score-two-modes-")}
    wrong = {name: outcome for name, outcome in outcomes.items() if name.startswith("test_own[wrong_score-two-modes-")}
    assert set(right.values()) == {"passed"}
    assert len(right) == len(wrong) >= 10
    assert wrong["test_own[wrong_score-two-modes-typical-points]"] == "failed"
    assert 'mixture = cf.load_mixture("two-modes")' in ended.out
    causes = {cause["name"] for test in found["tests"] for each in test["found"] for cause in each.get("causes", ())}
    assert causes == {"sign"}
    assert "likely sign" in ended.out


def test_her_mixture_is_certified_and_told_by_claim(ended: Run) -> None:
    assert "G3: holds on two-modes (high_precision)" in ended.out.splitlines()


def test_the_suite_of_the_wheel_takes_her_score(found: dict[str, Any]) -> None:
    outcomes = {test["name"].rpartition("::")[2]: test["outcome"] for test in found["tests"]}
    of_the_suite = {outcome for name, outcome in outcomes.items() if name.startswith("test_score[score-two-modes-")}
    assert of_the_suite == {"passed"}
    assert outcomes["test_claim[mine-G3]"] == "passed"


def test_the_processes_write_one_file_for_ci(found: dict[str, Any], folder: Path) -> None:
    ours = ElementTree.parse(folder / "found" / "junit.xml").getroot()
    assert faults(ours) == []
    assert int(ours.get("tests")) == len(found["tests"])
    assert int(ours.get("failures")) == sum(test["outcome"] == "failed" for test in found["tests"])
