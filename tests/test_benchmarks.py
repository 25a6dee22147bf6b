"""Benchmarks and tools, which no test runs, find what they import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Peers that are installed for one benchmark only.
PEERS = ("jax",)

_CODE = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[:1]
wrong = []
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] not in {peers!r}:
            wrong.append(f"{{name}}: {{error}}")
    except ImportError as error:
        wrong.append(f"{{name}}: {{error}}")
sys.exit("; ".join(wrong) or 0)
"""


@pytest.mark.parametrize("folder", ["benchmarks", "tools"])
def test_what_they_import_is_there(folder, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("pyarrow")
    names = sorted(path.stem for path in (ROOT / folder).glob("*.py"))
    assert names
    code = _CODE.format(names=names, peers=PEERS)
    command = [sys.executable, "-W", "ignore", "-c", code, str(ROOT / folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-1000:]
