"""The recipes for CI: their shell steps are run as they stand, in a project with a right and a wrong score."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from depth import night
from jenkins import faults
from own_project import ROOT, SCORE, plugin, write

yaml = pytest.importorskip("yaml")

RECIPES = ROOT / "examples" / "ci"
TESTS = """
from certflow.testing import parametrize_with_checks
from mine import {name}


@parametrize_with_checks("score", {name}, "two-modes", max_examples=16)
def test_score(check):
    check()
"""


@dataclass(frozen=True)
class Step:
    """A line of shell, and whether it runs after a failure too."""

    shell: str
    always: bool = False


def github() -> list[Step]:
    (job,) = recipe("github-actions.yml")["jobs"].values()
    return [Step(step["run"], step.get("if") == "always()") for step in job["steps"] if "run" in step]


def gitlab() -> list[Step]:
    (job,) = recipe("gitlab-ci.yml").values()
    steps = [Step(line) for line in (*job["before_script"], *job["script"])]
    return [*steps, *(Step(line, always=True) for line in job["after_script"])]


def plain() -> list[Step]:
    return [Step(f"bash {RECIPES / 'plain.sh'}")]


def recipe(name: str) -> dict[Any, Any]:
    return yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))


def run(steps: list[Step], folder: Path) -> tuple[int, str]:
    """Run the steps as a runner does: after one that failed only those that run always."""
    interpreter = folder / "bin" / "python"
    interpreter.parent.mkdir()
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    interpreter.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PATH": f"{interpreter.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment |= {"GITHUB_STEP_SUMMARY": str(folder / "page.md"), "PYTEST_PLUGINS": ",".join(plugin()[1:])}
    code, shown = 0, ""
    for step in steps:
        if step.shell.startswith("pip install") or (code and not step.always):
            continue
        command = ["bash", "-e", "-o", "pipefail", "-c", step.shell]
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        code, shown = code or ended.returncode, shown + ended.stdout + ended.stderr
    return code, shown


EVERY_DAY = [(github, "wrong_score")]
BY_NIGHT = [(github, "score"), (gitlab, "score"), (gitlab, "wrong_score"), (plain, "score"), (plain, "wrong_score")]


@pytest.mark.parametrize(("steps", "name"), [*EVERY_DAY, *night(*BY_NIGHT)])
def test_the_steps_run_as_they_stand(steps: Any, name: str, tmp_path: Path) -> None:
    write(tmp_path, mine=SCORE, test_score=TESTS.format(name=name))
    code, shown = run(steps(), tmp_path)
    wrong = name == "wrong_score"
    assert code == int(wrong), shown
    page = tmp_path / "page.md"
    told = page.read_text(encoding="utf-8") if steps is github else shown
    assert "| `check_score` | " in told
    assert ("No test that uses certflow failed." in told) is not wrong
    assert ("**check_score wrong_score two-modes, typical points**: wrong at " in told) is wrong
    for path in (tmp_path / "junit.xml", tmp_path / "certflow-report" / "junit.xml"):
        root = ElementTree.parse(path).getroot()
        assert [fault for fault in faults(root) if "time" not in fault] == []
        assert bool(list(root.iter("failure"))) is wrong


def test_the_recipes_say_what_their_runners_read() -> None:
    actions = recipe("github-actions.yml")
    assert actions[True] == ["push", "pull_request"]  # YAML 1.1 reads `on` as true
    (job,) = actions["jobs"].values()
    assert {"runs-on", "steps"} <= set(job)
    assert all(("uses" in step) is not ("run" in step) for step in job["steps"])
    kept = next(step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert kept.split() == ["junit.xml", "certflow-report/"]
    (score,) = recipe("gitlab-ci.yml").values()
    assert score["artifacts"] == {"when": "always", "paths": ["certflow-report/"], "reports": {"junit": "junit.xml"}}
    assert os.access(RECIPES / "plain.sh", os.X_OK)
    assert {path.name for path in RECIPES.iterdir()} == {"github-actions.yml", "gitlab-ci.yml", "plain.sh"}


@pytest.mark.parametrize("steps", [github, gitlab])
def test_what_is_installed_is_what_the_steps_use(steps: Any) -> None:
    (line,) = [step.shell for step in steps() if step.shell.startswith("pip install")]
    assert line == 'pip install "$CERTFLOW" pytest pytest-xdist hypothesis'
