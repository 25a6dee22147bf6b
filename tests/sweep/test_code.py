"""The version of the code that matters: whatever an experiment loads is part of it, and what it does not is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from certflow.sweep import code
from certflow.sweep.experiments.registry import EXPERIMENTS
from certflow.sweep.questions import code_of
from certflow.sweep.specification import specification

PROBE = """
import json, sys
from certflow.sweep.experiments.registry import EXPERIMENTS
import certflow as cf
before = set(sys.modules)
experiment = EXPERIMENTS[{name!r}]
options = {{key: option.default for key, option in experiment.options.items()}} | {few!r}
experiment.measure(cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3"] * 3, [[-1], [0], [1]], "0.09")), **options)
loaded = [name for name in sys.modules if name.partition(".")[0] == "certflow" and name not in before]
print(json.dumps(loaded))
"""
FEW = {
    "exponents": {"gap": 0.5},
    "solver-grids": {"samples": 16, "segments": 2},
    "student-grids": {"steps": 2, "points": 128, "segments": 1, "hidden": 4},
    "segments": {},
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_whatever_runs_is_reached(name: str) -> None:
    """The modules that a fresh interpreter loads while it measures are among those found by reading imports."""
    if name == "student-grids":
        pytest.importorskip("torch")
    ended = subprocess.run(
        [sys.executable, "-c", PROBE.format(name=name, few=FEW[name])], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    found = code.reached(EXPERIMENTS[name].measure.__module__)
    assert loaded - found <= {"certflow"}
    assert len(found) < len(list(Path(code.__file__).parents[1].rglob("*.py"))) / 2, "not everything"


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A copy of the package that may be edited."""
    root = tmp_path / "certflow"
    shutil.copytree(Path(code.__file__).parents[1], root, ignore=shutil.ignore_patterns("__pycache__", "templates"))
    monkeypatch.setattr(code, "_ROOT", root)
    forget()
    yield root
    forget()


def forget() -> None:
    for kept in (code.code_digest, code.own_digest, code.package_digest, code.imported, code._exists):
        kept.cache_clear()


def test_only_code_that_matters_changes_the_digest(copy: Path) -> None:
    module = "certflow.sweep.experiments.solvers"
    before = code.code_digest(module)
    (copy / "formal" / "kernel.py").write_text("changed = True\n")
    forget()
    assert code.code_digest(module) == before
    solvers = copy / "samplers" / "solvers.py"
    solvers.write_text(solvers.read_text().replace("/ 2, None", "/ 3, None"))
    forget()
    assert code.code_digest(module) != before


def test_what_does_every_task_is_part_of_its_code(copy: Path, tmp_path: Path) -> None:
    """The module that performs tasks is part of each question's code; of one's own function the whole package is."""
    own = tmp_path / "own" / "own_code.py"  # not beside the copy, which processes that start would then load
    own.parent.mkdir()
    own.write_text("def f(process):\n    return {}\n")
    text = 'schema = "certflow/sweep/1"\n[[mixtures]]\n[[claims]]\nids = ["L3"]\n[[experiments]]\nname = "segments"\n'
    asked = specification(text + '[[experiments]]\ncall = "own_code:f"\n', own.parent).questions

    def changed(name: str) -> list[str]:
        path = copy / name
        path.write_text(path.read_text() + "# changed\n")
        forget()
        labels = [question.label for question in asked if code_of(question) not in known[question.label]]
        for question in asked:
            known[question.label].add(code_of(question))
        return labels

    known = {question.label: {code_of(question)} for question in asked}
    assert list(known) == ["L3", "segments", "f"]
    assert changed("sweep/performing.py") == ["L3", "segments", "f"]
    assert changed("sweep/page.py") == ["f"]
    assert changed("report/curves.py") == ["L3", "f"]
    own.write_text("def f(process):\n    return {'a': 1}\n")
    assert [question.label for question in asked if code_of(question) not in known[question.label]] == ["f"]


def test_imports_of_every_form_are_found(copy: Path) -> None:
    (copy / "a.py").write_text(
        "def f():\n    from certflow.formal import (\n        text,\n        gallina,\n    )\n"
        "    import certflow.terminal\n    from certflow.samplers import relative_mse\n"
    )
    (copy / "formal" / "b.py").write_text("from . import problem\nfrom ..terminal import table\n")
    forget()
    assert set(code.imported("certflow.a")) >= {
        "certflow.formal.text",
        "certflow.formal.gallina",
        "certflow.terminal",
        "certflow.samplers.error",
    }
    assert set(code.imported("certflow.formal.b")) == {
        "certflow.formal",
        "certflow.formal.problem",
        "certflow.terminal",
    }
