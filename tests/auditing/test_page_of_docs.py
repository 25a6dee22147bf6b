"""`docs/audit.md`: its module audited by its command line prints what is shown, and its Python runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from depth import nightly

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """The module, and what is done with it in Python."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@nightly
def test_the_example_prints_what_is_shown(command, tmp_path, monkeypatch):
    module, _ = blocks()
    line, shown = re.findall(r"^```\n\$ certflow (.*?)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[0]
    (tmp_path / "nets.py").write_text(module, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    try:
        ended = command(*shlex.split(line))
    finally:
        sys.modules.pop("nets", None)
    assert (ended.code, ended.err) == (1, "")
    for part in shown.split("...\n"):
        assert part.rstrip() in ended.out


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    module, later = blocks()
    monkeypatch.setattr("certflow.auditing.page.figures", lambda found: [])  # drawn elsewhere
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(module, space)
    exec(later.replace("max_error", "samples=1024, times=2, t_min='0.5', t_max=1, segments=1, max_error"), space)
    assert capsys.readouterr().out.split()[0] in ("above", "within", "inconclusive")
    assert (tmp_path / "audit" / "audit.html").exists()


def test_every_option_of_the_page_exists(command):
    offered = command("audit", "--help").out
    for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)):
        assert f"{option} " in offered, option
