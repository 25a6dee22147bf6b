"""A small project of a user's, on which pytest is run as she would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "ci"

#: A score of `two-modes` over NumPy, as one would write it; `sign` plants the commonest fault.
SCORE = """
import numpy as np

WEIGHTS, MEANS, VARIANCE = np.array([0.5, 0.5]), np.array([[-1.0, 0.0], [1.0, 0.0]]), 0.04


def score(x, t, sign=1.0):
    m = np.exp(-np.asarray(t, dtype=float))[..., None]
    v = VARIANCE * m**2 + 1 - m**2
    pulls = m[..., None] * MEANS - x[..., None, :]
    logits = np.log(WEIGHTS) - (pulls**2).sum(-1) / (2 * v)
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return sign * (shares[..., None] * pulls).sum(-2) / v


def wrong_score(x, t):
    return score(x, t, sign=-1.0)
"""


@dataclass(frozen=True)
class Run:
    """What a run of pytest left behind."""

    code: int
    out: str
    err: str

    def counts(self) -> str:
        """The last line: how many passed and failed, without the time."""
        return self.out.rstrip().rpartition("\n")[2].strip("= ").rpartition(" in ")[0]


def write(folder: Path, **files: str) -> Path:
    """Write Python modules by their names."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def plugin() -> list[str]:
    """What loads the plugin, where the package was installed before it had one."""
    installed = {point.name for point in entry_points(group="pytest11")}
    return [] if "certflow" in installed else ["-p", "certflow.testing.plugin"]


def pytest_in(folder: Path, *arguments: str, python: str = sys.executable, **environment: str) -> Run:
    """Run pytest in the folder, with this checkout's package."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *plugin(), *arguments]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "random", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return Run(ended.returncode, ended.stdout, ended.stderr)


@dataclass(frozen=True)
class Step:
    """A line of shell in a recipe for CI, and whether it runs after a failure too."""

    shell: str
    always: bool = False


def github() -> list[Step]:
    """The shell steps of the recipe for GitHub."""
    (job,) = recipe("github-actions.yml")["jobs"].values()
    return [Step(step["run"], step.get("if") == "always()") for step in job["steps"] if "run" in step]


def gitlab() -> list[Step]:
    """Those of the recipe for GitLab."""
    (job,) = recipe("gitlab-ci.yml").values()
    steps = [Step(line) for line in (*job["before_script"], *job["script"])]
    return [*steps, *(Step(line, always=True) for line in job["after_script"])]


def plain() -> list[Step]:
    """That for a plain shell."""
    return [Step(f"bash {RECIPES / 'plain.sh'}")]


def recipe(name: str) -> dict[Any, Any]:
    """A recipe as YAML has it."""
    import yaml

    return yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))


def run_steps(steps: list[Step], folder: Path, python: str | Path, **environment: str) -> Run:
    """Run the steps as a runner does: after one that failed only those that run always; nothing is installed.

    `python` is the interpreter of that name there; the page of the run is `page.md`.
    """
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n', encoding="utf-8")
    (programs / "python").chmod(0o755)
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON"))}
    variables |= {"PATH": f"{programs}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(folder / "page.md")}
    code, out, err = 0, "", ""
    for step in steps:
        if step.shell.startswith("pip install") or (code and not step.always):
            continue
        ended = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step.shell],
            cwd=folder,
            env=variables | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        code, out, err = code or ended.returncode, out + ended.stdout, err + ended.stderr
    return Run(code, out, err)
