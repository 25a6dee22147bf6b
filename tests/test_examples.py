"""The examples run as they stand, and what they print is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from depth import nightly

import certflow as cf

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(*arguments: str, cwd: Path) -> str:
    ended = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    return ended.stdout


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"theorist.py", "test_my_score.py", "practitioner.py"}


@nightly  # 17 seconds; its commands are tested every day
def test_theorist(tmp_path: Path) -> None:
    printed = run(str(EXAMPLES / "theorist.py"), "out", cwd=tmp_path)
    bound, lower, upper = map(float, re.search(r"= ([\d.]+); .* \[([\d.-]+), ([\d.-]+)\]", printed).groups())
    assert lower < upper < bound
    process = cf.OrnsteinUhlenbeck(
        cf.GaussianMixture(["1/4", "1/2", "1/4"], [["-2"], ["0.3"], ["2"]], "0.04"), t_min="0.01", t_max="3"
    )
    sharp = cf.enclosure.sharp_rate(process, "0.3")
    printed_ends = map(Fraction, re.search(r"\[([\d.]+), ([\d.]+)\]", printed).groups())
    assert next(printed_ends) <= sharp.lower <= sharp.upper <= next(printed_ends)
    assert [line.split(":")[0] for line in printed.splitlines() if line[:2] in ("L2", "L3", "L5", "F1", "F2")] == [
        f"{claim} holds" for claim in ("L2", "L3", "L5", "F1", "F2")
    ]
    certificates = sorted((tmp_path / "out" / "certificates").glob("*.json"))
    assert f"{len(certificates)} certificates" in printed
    checker = EXAMPLES.parent / "certflow" / "certificate" / "checker"
    accepted = run("-I", "-S", str(checker), *map(str, certificates), cwd=tmp_path)
    assert accepted.count("accepted") >= len(certificates)
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["outcome"] == "holds"


def test_tester(tmp_path: Path) -> None:
    assert "1 passed" in run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "test_my_score.py"), cwd=tmp_path
    )


def test_tester_finds_a_wrong_sign(tmp_path: Path) -> None:
    text = (EXAMPLES / "test_my_score.py").read_text(encoding="utf-8")
    wrong = text.replace("(m * gamma @ mixture.means - x) / v", "(x - m * gamma @ mixture.means) / v")
    assert wrong != text
    wrong = wrong.replace("import given, settings", "import Phase, given, settings")
    wrong = wrong.replace("derandomize=True", "derandomize=True, phases=[Phase.generate, Phase.shrink]")
    (tmp_path / "test_wrong.py").write_text(wrong, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_wrong.py"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert ended.returncode == 1
    example = r"(?s)GaussianMixture\(\[1\], \[\[0, [^,]{1,5}\]\], 1, .*\bx=array\(\[(.*?)\]\).*\bt=3\.0"
    smallest = re.search(example, ended.stdout)
    assert smallest is not None, ended.stdout  # one component at the noise end: the example a person can read


def test_practitioner(tmp_path: Path) -> None:
    printed = run(str(EXAMPLES / "practitioner.py"), cwd=tmp_path)
    exponents = {kind: float(value) for kind, value in re.findall(r"^  (\S+) +([\d.]+)$", printed, flags=re.MULTILINE)}
    assert min(exponents, key=exponents.__getitem__) == "stability-balanced"
    assert re.search(r"for k-diffusion: \[[\d., ]+, 0\.0\]", printed)
