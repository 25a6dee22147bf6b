"""The page on networks shows what happens: its Python, its options."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(shown, {})
    sizes, shape, bound = capsys.readouterr().out.splitlines()
    depth, width, parameters, proved = map(float, sizes.split())
    assert depth <= 14
    assert width < parameters
    assert proved <= 1e-6
    assert shape == "torch.Size([1000, 2])"
    assert "tensor" in bound or 0 < float(bound) < 1e-4
    assert (tmp_path / "ring-8.pt").exists()


def test_every_option_of_the_page_exists(command: Callable[..., Any]) -> None:
    offered = command("network", "--help").out
    for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)):
        assert f"{option} " in offered, option
