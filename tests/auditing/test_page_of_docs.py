"""`docs/audit.md`: its module audited by its command line prints what is shown, and its Python runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_the_example_prints_what_is_shown(command, tmp_path, monkeypatch):
    module, later = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
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
    monkeypatch.setattr("certflow.auditing.audit.Audit.save", lambda found, directory: [])
    few = later.replace("max_error", "samples=256, times=2, t_min='0.3', t_max=1, segments=1, max_error")
    space: dict[str, object] = {}
    exec(module, space)
    exec(few, space)
    assert str(space["found"]).startswith("Above the threshold 0.05") or space["found"].exit_code in (0, 3)


def test_every_option_of_the_page_exists(command):
    offered = command("audit", "--help").out
    for option in set(re.findall(r"--[a-z-]+", PAGE)):
        assert f"{option} " in offered, option
