"""The notebooks of `docs/notebooks` run on a kernel, and print what is kept in them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from documented import ROOT

nbformat = pytest.importorskip("nbformat")
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def printed(notebook: Any) -> list[str]:
    """What each cell of code printed, as one text."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_there_is_one_for_each_door() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["practitioner", "tester", "theorist"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # what tornado and pyzmq say of each other is not ours
def test_a_notebook_prints_what_is_kept_in_it(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, jupyter = pytest.importorskip("nbclient"), pytest.importorskip("jupyter_client")
    runtime = tempfile.TemporaryDirectory(prefix="certflow-")  # of the sockets, whose names are short
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    kept = nbformat.read(path, as_version=4)
    run = nbformat.from_dict(kept)
    kernel = jupyter.AsyncKernelManager(transport="ipc", connection_file=f"{runtime.name}/kernel.json")
    with runtime:
        nbclient.NotebookClient(
            run, km=kernel, timeout=600, startup_timeout=600, resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    assert printed(run) == printed(kept)
    assert all(output.output_type == "stream" for cell in run.cells for output in cell.get("outputs", []))
