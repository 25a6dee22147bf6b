"""A small project of a user's, on which pytest is run as she would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]

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
