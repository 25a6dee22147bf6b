"""README is one screen with three doors, and its commands are those that are run. Its example: `test_pages.py`."""

from __future__ import annotations

import re

from documented import ROOT, blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_one_screen_with_an_example_of_ten_lines() -> None:
    assert len(README.splitlines()) <= 80
    (example,) = [block for block in blocks(ROOT / "README.md") if block.language == "python"]
    assert len([line for line in example.text.splitlines() if line.strip()]) == 10
    assert example.shown


def test_three_doors_lead_to_their_pages() -> None:
    doors = README.partition("## Three doors")[2].partition("\n## ")[0]
    assert re.findall(r"\]\(docs/(\w+)\.md\)", doors) == ["theorist", "tester", "practitioner"]


def test_continuous_integration_runs_the_command_that_is_shown() -> None:
    shown = re.findall(r"<!-- test command -->\n```sh\n(.*)\n```\n<!-- end -->", README)
    assert len(shown) == 1
    assert ".venv/bin/python -m pytest" in shown[0]
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_pins_are_complete_and_plain() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9A-Za-z.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins
    names = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r'^ +"([a-z0-9-]+)[><=]', project, flags=re.MULTILINE)
    assert len(wanted) > 15
    assert set(wanted) <= names
