"""Machine code is kept for one state of the sources, inner ones included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import certflow

pytest.importorskip("numba")

_CODE = """
import os
from numba import config
from certflow.numbers.machine_code import kept
print(kept(lambda cached: config.CACHE_DIR))
def refused(cached):
    if cached:
        raise RuntimeError("cannot cache function: no locator available")
    return cached
assert kept(refused) is False
assert config.CACHE_DIR == os.environ["NUMBA_CACHE_DIR"]
"""


def test_another_state_has_another_folder(tmp_path):
    package = tmp_path / "certflow"
    shutil.copytree(Path(certflow.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}

    def folder() -> Path:
        command = [sys.executable, "-c", _CODE]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return Path(done.stdout.strip())

    first = folder()
    assert first == folder()
    assert first.parent == tmp_path / "kernels"
    for inner in ("numbers/dekker.py", "field/rounding/moments.py", "field/fused/lanes.py"):
        with open(package / inner, "a") as file:
            file.write("\n# another state\n")
        second = folder()
        assert second != first
        first = second
