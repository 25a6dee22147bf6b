"""The recipes for CI: what their runners read; their shell steps run as they stand (that for GitHub also every day, in
`test_project.py`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from depth import nightly
from jenkins import faults
from own_project import RECIPES, ROOT, SCORE, github, gitlab, plain, plugin, recipe, run_steps, write

pytest.importorskip("yaml")

TESTS = """
from certflow.testing import parametrize_with_checks
from mine import {name}


@parametrize_with_checks("score", {name}, "two-modes", max_examples=16)
def test_score(check):
    check()
"""


@nightly
@pytest.mark.parametrize("name", ["score", "wrong_score"])
@pytest.mark.parametrize("steps", [github, gitlab, plain])
def test_the_steps_run_as_they_stand(steps: Any, name: str, tmp_path: Path) -> None:
    write(tmp_path, mine=SCORE, test_score=TESTS.format(name=name))
    ended = run_steps(steps(), tmp_path, sys.executable, PYTHONPATH=str(ROOT), PYTEST_PLUGINS=",".join(plugin()[1:]))
    wrong = name == "wrong_score"
    assert ended.code == int(wrong), ended.out + ended.err
    told = (tmp_path / "page.md").read_text(encoding="utf-8") if steps is github else ended.out
    assert "| `check_score` | " in told
    assert ("No test that uses certflow failed." in told) is not wrong
    assert ("**check_score wrong_score two-modes, typical points**: wrong at " in told) is wrong
    for path in (tmp_path / "junit.xml", tmp_path / "certflow-report" / "junit.xml"):
        root = ElementTree.parse(path).getroot()
        assert faults(root) == []
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
