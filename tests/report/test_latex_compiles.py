"""Tables for a paper, set by LaTeX where it is installed: no error, and nothing beyond the width of an article."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from certflow.cli import main

LATEX = shutil.which("pdflatex")
COMMANDS = {
    "bound": ["bound", "two-modes", "--sharp", "--format", "latex"],
    "grid": ["grid", "iris", "--segments", "8", "--kind", "stability-balanced", "--format", "latex"],
    "network": ["network", "two-modes", "--eps", "1e-1,1e-2", "--format", "latex"],
}


def _set(text, folder):
    """What `pdflatex` says of an article with these tables."""
    packages = re.match(r"% ((?:\\usepackage\{\w+\})+)", text)[1]
    lines = [r"\documentclass{article}", packages, r"\begin{document}", text, r"\end{document}"]
    (folder / "paper.tex").write_text("\n".join(lines), encoding="utf-8")
    run = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "paper.tex"], cwd=folder, capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout


@pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_of_the_command_line_is_set(name, tmp_path, capsys):
    assert main(COMMANDS[name]) == 0
    code, said = _set(capsys.readouterr().out, tmp_path)
    assert code == 0, said
    assert "Overfull" not in said, said


@pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed")
def test_the_tables_of_a_report_are_set(tmp_path, capsys):
    out = str(tmp_path / "report")
    main(["verify", "line-3", "--claims", "S1,L2,F2,A9", "--out", out])
    capsys.readouterr()
    assert main(["report", out, "--latex"]) == 0
    code, said = _set(capsys.readouterr().out, tmp_path)
    assert code == 0, said
    assert "Overfull" not in said, said


@pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed")
def test_a_table_too_wide_is_noticed(tmp_path):
    wide = "% \\usepackage{booktabs}\n\\begin{tabular}{r}" + "x" * 200 + "\\end{tabular}"
    assert "Overfull" in _set(wide, tmp_path)[1]
