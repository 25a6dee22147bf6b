"""The notebooks of `docs/notebooks` run on a kernel, and print what is kept in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from depth import night
from documented import ROOT

NOTEBOOKS = ROOT / "docs" / "notebooks"


def printed(notebook: dict[str, Any]) -> list[str]:
    """What each cell printed: in how many pieces it came is chance. What is no print is named by its kind."""
    cells = [cell.get("outputs", []) for cell in notebook["cells"]]
    return ["".join("".join(output.get("text", output["output_type"])) for output in cell) for cell in cells]


def test_there_is_one_for_each_door() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == ["practitioner", "tester", "theorist"]


@pytest.mark.parametrize("name", ["practitioner", "tester", *night("theorist")])
def test_a_notebook_prints_what_is_kept_in_it(name: str, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path = NOTEBOOKS / f"{name}.ipynb"
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": str(tmp_path / "ipython")}
    command = [sys.executable, str(ROOT / "tests" / "on_a_kernel.py"), str(path), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, env=surroundings)
    assert ended.returncode == 0, ended.stderr
    kept = printed(json.loads(path.read_text(encoding="utf-8")))
    assert any(kept)
    assert printed(json.loads(ended.stdout)) == kept
