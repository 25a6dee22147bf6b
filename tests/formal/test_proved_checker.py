"""The rules that are proved in Coq and the checker decide alike; the command; what false rules do not compile.

Skipped where `coqc` is not installed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import agreement
import mutations
import pytest
from depth import cases, nightly

import certflow as cf
from certflow.certificate.catalogue import offers
from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.formal import NotServed, ProvedChecker, opened_proved_checker
from certflow.law.builtin import builtin_names

COQ = Path(__file__).parents[2] / "proofs/coq"
PROCESS = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04"), "0.01", 3)
pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed: apt-get install coq")
#: Rules that accept too much: the theory, what stands there, what replaces it; the theorem must not compile.
FALSE_RULES = {
    "an exponential without its slack": ("Integers", "scaled_up (M + SLACK)", "scaled_up M"),
    "a logarithm without its slack": (
        "Integers",
        "shift_up (log_part (snd x) + SLACK) GUARD",
        "shift_up (log_part (snd x)) GUARD",
    ),
    "lambda with 5 v^2": (
        "Decision",
        "mul a (rational a (4 # 1)) (square a v)",
        "mul a (rational a (5 # 1)) (square a v)",
    ),
    "half of the interval": ("Decision", "Qeq_bool (last times 0%Q) t && ", ""),
    "one form of lambda with c for 4 c": ("Decision", "(rational a ((4 # 1) * c))", "(rational a c)"),
    "upper bounds that are lower bounds": ("Decision", "above a (snd ends)", "below a (snd ends)"),
    "means that are further apart": ("Decision", "no_wider p d2 && attained p d2 j k", "attained p d2 j k"),
    "a grid with one share less": ("Decision", "Z.of_nat share * fst whole", "Z.of_nat n * fst whole"),
    "a grid of a rate that vanishes": ("Decision", "grows a c d2 two_sided q_s q_t && ", ""),
    "the crossing at 4 c v": ("Decision", "1 - d2 / ((8 # 1) * c)", "1 - d2 / ((4 # 1) * c)"),
}


def served_by_none() -> dict[str, Any]:
    return flow_tube_certificate(PROCESS, ["0.3", "0.1"], "1", "0.5")


@pytest.fixture(scope="module")
def proved() -> Iterator[ProvedChecker]:
    with opened_proved_checker() as found:
        yield found


@pytest.mark.parametrize("claim", agreement.CLAIMS)
def test_checker_and_proved_rules_agree(claim: str, proved: ProvedChecker) -> None:
    """Single corruptions: 400 of each claim a day, 12,000 in the night."""
    found = agreement.compare(proved, claim, agreement.corrupted(claim, cases(400)))
    assert found.disagreements == []
    assert found.accepted > 20  # neither refuses all
    assert found.refused > 40


@pytest.mark.parametrize("claim", agreement.CLAIMS)
def test_true_certificates_are_accepted_by_both_and_false_ones_by_none(claim: str, proved: ProvedChecker) -> None:
    for contents, right in ((mutations.certificates(claim), True), (mutations.false_certificates(claim), False)):
        files = ((certificate_text(content), "real") for content in contents)
        found = agreement.compare(proved, claim, files)
        assert found.disagreements == []
        assert (found.accepted, found.refused) == ((len(contents), 0) if right else (0, len(contents)))


@pytest.mark.parametrize("claim", agreement.CLAIMS)
def test_they_agree_to_the_last_bit(claim: str, proved: ProvedChecker) -> None:
    """Of each pair of files, alike but for half a unit, both accept one and both refuse the other."""
    found = agreement.compare(proved, claim, agreement.at_thresholds(claim))
    assert found.disagreements == []
    assert (found.unread, found.accepted) == (0, found.refused)
    assert found.accepted >= 16


@nightly
def test_every_builtin_mixture(proved: ProvedChecker) -> None:
    for name in builtin_names():
        process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
        if process.mixture.kind == "common-isotropic":
            made = [offer.make(1.0).certificate for offer in offers(process) if offer.claim in agreement.CLAIMS]
            assert all(proved.decide(content for content in made if content is not None)), name


@nightly
@pytest.mark.parametrize("name", FALSE_RULES)
def test_false_rules_are_not_proved(name: str, tmp_path: Path) -> None:
    theory, right, wrong = FALSE_RULES[name]
    folder = Path(shutil.copytree(COQ, tmp_path / "coq", ignore=shutil.ignore_patterns("*.vo*", "*.glob", ".*")))
    text = (folder / f"{theory}.v").read_text(encoding="utf-8")
    assert right in text
    (folder / f"{theory}.v").write_text(text.replace(right, wrong), encoding="utf-8")
    ended = subprocess.run([folder / "build", "Accepted"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "does not compile" in ended.stderr


def test_the_command_decides_by_the_proved_rules_too(tmp_path: Path, command: Callable[..., Any]) -> None:
    right, other = tmp_path / "F2.json", tmp_path / "S3.json"
    right.write_text(certificate_text(PRODUCERS["F2"](PROCESS)))
    other.write_text(certificate_text(served_by_none()))
    ended = command("check", "--proved", right)
    assert ended.code == 0
    assert (
        ended.out.splitlines()[1]
        == f"proved rules: accepted: {right}: by the rules of proofs/coq/Decision.v, extracted"
    )
    ended = command("check", "--proved", "--format", "json", right, other)
    assert ended.code == 3
    first, second = json.loads(ended.out)["certificates"]
    assert first["proved rules"] == {
        "accepted": True,
        "text": "by the rules of proofs/coq/Decision.v, extracted",
        "theorem": None,
        "axioms": None,
    }
    assert second["proved rules"]["text"].startswith(
        "no rules are proved for S3; there are those of L2, L3, F1, F2, G1"
    )


def test_without_a_compiler_one_line_says_what_to_install(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "F2.json"
    path.write_text(certificate_text(PRODUCERS["F2"](PROCESS)))
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = command("check", "--proved", path)
    assert (ended.code, ended.out) == (2, "")
    required = "Coq 8.16, which brings OCaml and zarith (Debian: apt-get install coq)"
    assert ended.err == f"certflow: --proved: got 'no coqc'; required: {required}\n"


def test_a_file_of_many_numbers_is_decided_and_a_failure_is_no_verdict(proved: ProvedChecker) -> None:
    content = PRODUCERS["F2"](PROCESS)
    content["problem"]["mixture"]["weights"] = ["1"] * 400_000  # too many, and the sum is not 1
    content["problem"]["mixture"]["means"] = [["0"]]
    assert proved.decide([content]) == [False]
    broken = ProvedChecker(proved.program.parent / "none" / "proved")
    broken.program.parent.mkdir()
    said = broken.verdict(PRODUCERS["F2"](PROCESS))
    assert said.text == "not decided within 60 s of processor time, or the memory there is"


def test_the_command_tells_a_disagreement(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "F2.json"
    path.write_text(certificate_text(PRODUCERS["F2"](PROCESS)))
    monkeypatch.setattr(ProvedChecker, "told", lambda self, lines: ["refused"])
    ended = command("check", "--proved", path)
    assert ended.code == 1
    assert "the checker accepts it and these rules do not" in ended.out


def test_a_claim_or_a_kind_without_rules_is_not_decided(proved: ProvedChecker) -> None:
    with pytest.raises(NotServed, match="S3; there are those of"):
        proved.decide([served_by_none()])
    content = PRODUCERS["F2"](PROCESS)
    content["problem"]["mixture"]["covariances"] = {"kind": "shared", "values": [["0.04", "0"], ["0", "0.09"]]}
    with pytest.raises(NotServed, match="F2 of shared covariances"):
        proved.decide([content])
