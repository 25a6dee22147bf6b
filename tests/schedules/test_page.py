"""The examples of `docs/your-own-model.md` run as they stand on a freshly trained network, and print what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import certflow as cf
from certflow.schedules import PREDICTIONS

torch = pytest.importorskip("torch")

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-model.md").read_text(encoding="utf-8")
NUMBER = r"-?\d+\.\d+(?:e-?\d+)?"


def blocks(language: str) -> str:
    """The first two: what follows is for pipelines of one's own."""
    return "".join(re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[:2])


def test_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with torch.random.fork_rng():
        exec(blocks("python"), {})
    printed, shown = capsys.readouterr().out, blocks("text")
    assert re.sub(NUMBER, "#", printed) == re.sub(NUMBER, "#", shown)
    found, expected = (np.array(re.findall(NUMBER, text), dtype=float) for text in (printed, shown))
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=0.03)  # training differs between machines
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    np.testing.assert_allclose(found[:2], process.score([0.5, 0.1], 0.5), atol=0.2)


def test_every_word_and_every_schedule_has_its_row() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))[1:] == PREDICTIONS
    makers = {name for name in cf.schedules.__all__ if name[0].islower()} - {"typical_rate"}
    assert set(re.findall(r"^\| `(\w+)\([^`]*\)` \|", PAGE, flags=re.MULTILINE)) == makers
    for call in re.findall(r"^\| `(\w+\([^`]*\))` \|", PAGE, flags=re.MULTILINE):
        if "array" not in call:
            assert eval(f"cf.schedules.{call}").t_max > 0
