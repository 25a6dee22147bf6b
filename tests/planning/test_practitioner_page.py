"""The page `docs/practitioner.md`: its network is trained, its grid found, and what it shows is printed."""

from __future__ import annotations

from typing import Any

import pytest
from documented import ROOT, blocks, without_numbers

import certflow as cf

torch = pytest.importorskip("torch")

BLOCKS = blocks(ROOT / "docs" / "practitioner.md")


def test_the_page_runs_on_the_network_that_it_trains(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        for block in BLOCKS:
            if block.language == "python":
                exec(compile(block.text, str(block), "exec"), names)
                assert beginnings(capsys.readouterr().out) == beginnings(block.shown or ""), block
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    exact = process.score([[0.5, 0.1]], t=0.5)
    assert abs(names["model"].score([[0.5, 0.1]], t=0.5) - exact).max() < 0.2
    assert (names["grid"].sampler, names["grid"].segments) == ("heun", 6)
    usual = cf.samplers.relative_mse(names["model"], cf.time_grid(process, 6, "typical"), "heun", samples=512)
    assert cf.samplers.relative_mse(names["model"], names["grid"], "heun", samples=512) < usual / 10


def beginnings(printed: str) -> list[list[str]]:
    """Two words of each line: the best named grid of a network that was just trained is another one elsewhere."""
    return [words[:2] for words in without_numbers(printed)]


def test_the_example_that_hands_over_a_network_is_ten_lines() -> None:
    example = next(block for block in BLOCKS if "cf.Model(" in block.text)
    assert len([line for line in example.text.splitlines() if line.strip()]) <= 10
