"""`certflow check --kernel`: the theorem of a certificate compiles; with a threshold below the truth it does not.

The truth is computed here with mpmath from the definitions. Without `coqc` only the texts are read.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
from depth import nightly

import certflow as cf
from certflow.certificate.closed_forms import PRODUCERS, balanced_grid, growth_rates, spatial_bound
from certflow.certificate.sharp import sharp_certificate
from certflow.formal import Kernel, NotServed, opened_kernel, theorem_file
from certflow.formal.theories import listed_axioms, theories, theory_text

LAW = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04", name="two *) modes")
PROCESS = cf.OrnsteinUhlenbeck(LAW, "0.01", 3)
#: Where `L` is `1/v - 1` all the time, and where it is the one-sided rate.
NARROW = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["0"], ["0.1"]], "0.5"), "0.5", 3)
UNIT = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["0"], ["1"]], 1), "0.01", 3)
WIDE = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.3", "0.7"], [["0"], ["1"]], "1.5"), "1/3", 3)

compiled = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc is not installed: apt-get install coq libcoq-interval libcoq-coquelicot"
)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with opened_kernel() as found:
        yield found


def short(claim: str) -> dict[str, Any]:
    """A certificate with few panels or segments."""
    if claim in ("L2", "L3"):
        return (spatial_bound if claim == "L2" else growth_rates)(PROCESS, panels=2)
    if claim == "L5":
        return sharp_certificate(PROCESS, "0.1", gap="1e-6")[0]
    return balanced_grid(PROCESS, segments=2) if claim == "G1" else PRODUCERS[claim](PROCESS)


def changed(content: dict[str, Any], value: mpmath.mpf | str, *path: str | int) -> dict[str, Any]:
    """The certificate with one number of its assertion replaced; no checker looks at it."""
    other = copy.deepcopy(content)
    place = other["assertion"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value if isinstance(value, str) else mpmath.nstr(value, 30)
    return other


def stability(start: str, end: str) -> mpmath.mpf:
    """`int lambda` of the mixture by quadrature of its definition."""
    c, d2 = mpmath.mpf("0.96"), 4

    def rate(t: mpmath.mpf) -> mpmath.mpf:
        q = mpmath.exp(-2 * t)
        v = 1 - c * q
        return 1 - 1 / v + q * d2 / (4 * v**2)

    nodes = [mpmath.mpf(start) * (mpmath.mpf(end) / mpmath.mpf(start)) ** (mpmath.mpf(k) / 12) for k in range(13)]
    return mpmath.quad(rate, nodes)


def middle_of_two_sided(start: str, end: str) -> mpmath.mpf:
    """Where half of `int L` of the mixture is left, by quadrature of its definition and bisection."""
    c, d2 = mpmath.mpf("0.96"), 4

    def rate(t: mpmath.mpf) -> mpmath.mpf:
        q = mpmath.exp(-2 * t)
        v = 1 - c * q
        return max(abs(1 / v - 1), abs(1 / v - 1 - q * d2 / (4 * v**2)))

    kink = -mpmath.log((1 - d2 / (8 * c)) / c) / 2
    ends = mpmath.mpf(start), mpmath.mpf(end)

    def between(low: mpmath.mpf, high: mpmath.mpf) -> mpmath.mpf:
        nodes = [low * (high / low) ** (mpmath.mpf(k) / 12) for k in range(13)]
        return mpmath.quad(rate, sorted([*nodes, *([kink] if low < kink < high else [])]))

    half = between(*ends) / 2
    return mpmath.findroot(
        lambda t: between(ends[0], t) - half, (mpmath.mpf("0.02"), mpmath.mpf("0.2")), solver="anderson"
    )


def lowered() -> dict[str, dict[str, Any]]:
    """Certificates of which one number is just on the wrong side of the truth."""
    with mpmath.workdps(40):
        true, less = stability("0.01", "3"), mpmath.mpf("1e-15")
        growth = changed(short("F1"), true - less, "growth")
        upper = changed(short("F2"), true - less, "one-sided", 1)
        node = Fraction(short("G1")["assertion"]["nodes"][1][1])
        late = mpmath.mpf(node.numerator) / node.denominator + less
        two_sided = balanced_grid(PROCESS, segments=2, rate="two-sided")
        half = middle_of_two_sided("0.01", "3")
        q = mpmath.exp(mpmath.mpf("-0.02"))
        largest = 1 - 1 / (1 - mpmath.mpf("0.96") * q) + q / (1 - mpmath.mpf("0.96") * q) ** 2
        p = mpmath.exp(mpmath.mpf("-0.2"))
        between = 1 - 1 / (1 - mpmath.mpf("0.96") * p) + p / (1 - mpmath.mpf("0.96") * p) ** 2
        return {
            "F1, growth": growth,
            "F1, diameter": changed(short("F1"), "3.999999999", "diameter_squared"),
            "F2, upper end": upper,
            "F2, diameter that none attains": changed(short("F2"), "4.000000001", "diameter_squared"),
            "G1, a node": changed(short("G1"), late, "nodes", 1, 0),
            "G1, a node of the two-sided rate that begins late": changed(two_sided, half + less, "nodes", 1, 0),
            "G1, a node of the two-sided rate that ends early": changed(two_sided, half - less, "nodes", 1, 1),
            "L2, a panel": changed(short("L2"), largest - less, "upper", 0),
            "L3, a panel": changed(short("L3"), largest - less, "upper", 0),
            "L3, from below": changed(short("L3"), "0", "lower", 0),
            "L5, between the two means": changed(short("L5"), between + less, "lower"),
            "L3, a last time that is not T": changed(short("L3"), "2.9", "times", 2),
        }


FALSE = lowered()
DAILY = ("F1, growth", "F1, diameter", "L3, a panel", "L5, between the two means")


@compiled
@pytest.mark.parametrize(
    "claim", ["L3", "L5", "F1", *(pytest.param(claim, marks=nightly) for claim in ("L2", "F2", "G1"))]
)
def test_the_theorem_of_a_certificate_compiles(claim: str, kernel: Kernel) -> None:
    verdict = kernel.decide(short(claim))
    assert verdict.accepted, verdict.text
    part = {"L5": " of the lower bound", "F1": " of any two trajectories"}.get(claim, "")
    assert verdict.text == f"theorem{part} compiled by Coq {kernel.version}, on the listed axioms"
    assert verdict.theorem is not None
    assert verdict.theorem.startswith("asserted : ")


@compiled
@nightly
@pytest.mark.parametrize("process", [NARROW, WIDE], ids=["1/v - 1", "lambda"])
def test_the_other_cases_of_the_two_sided_integral_compile(process: cf.OrnsteinUhlenbeck, kernel: Kernel) -> None:
    verdict = kernel.decide(PRODUCERS["F2"](process))
    assert verdict.accepted, verdict.text


@compiled
@nightly
@pytest.mark.parametrize("process", [PROCESS, NARROW, WIDE, UNIT], ids=["both", "1/v - 1", "lambda", "c = 0"])
def test_the_grid_of_the_two_sided_rate_compiles(process: cf.OrnsteinUhlenbeck, kernel: Kernel) -> None:
    verdict = kernel.decide(balanced_grid(process, segments=2, rate="two-sided"))
    assert verdict.accepted, verdict.text
    assert "two_sided_rate" in (verdict.theorem or "")


@compiled
@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in DAILY else nightly) for name in FALSE])
def test_a_threshold_below_the_truth_does_not_compile(name: str, kernel: Kernel) -> None:
    try:
        verdict = kernel.decide(FALSE[name], seconds=30)
    except NotServed:
        pytest.fail("refused without Coq")
    assert not verdict.accepted
    assert "not closed" in verdict.text or "no theorem" in verdict.text


@compiled
def test_a_theorem_left_open_is_not_accepted(kernel: Kernel) -> None:
    text = theorem_file(short("F1"))
    cheat = re.sub(r"(Lemma growth_bound : .*?\.\n)Proof\..*?Qed\.", r"\1Proof. Admitted.", text, flags=re.DOTALL)
    assert cheat != text
    verdict = kernel.compile(cheat)
    assert (verdict.accepted, verdict.text) == (False, "it rests on axioms that are not listed: growth_bound")


@compiled
@pytest.mark.parametrize("axiom", ["classic", "add"])
def test_an_axiom_under_a_listed_name_is_not_accepted(axiom: str, kernel: Kernel) -> None:
    proof = f"Theorem asserted : 1 = 2.\nProof. destruct {axiom}. Qed.\nPrint Assumptions asserted.\n"
    text = f"Axiom {axiom} : False.\n{proof}"
    verdict = kernel.compile(text)
    assert (verdict.accepted, verdict.text) == (False, "its text has 'Axiom', which leaves something unproved")


@compiled
def test_what_a_signal_ends_is_told_from_what_takes_too_long(kernel: Kernel) -> None:
    compilation = kernel.begin("Goal True. do 1000000000 idtac. exact I. Qed.", seconds=30, name="Killed")
    os.kill(compilation._coqc._process.pid, signal.SIGSEGV)
    assert compilation.verdict().text == "coqc was ended by signal 11, as where memory runs out"


def test_numbers_and_hashes_of_another_form_have_no_text() -> None:
    content = PRODUCERS["F1"](PROCESS)
    long = copy.deepcopy(content)
    long["problem"]["t_max"] = "1e4999"
    with pytest.raises(NotServed, match="numbers of more than 4,200 digits"):
        theorem_file(long)
    content["hash"] = "sha256:*) Axiom classic : False. (*"
    with pytest.raises(NotServed, match="a certificate whose hash has another form"):
        theorem_file(content)


@compiled
def test_a_theorem_by_a_recursion_without_end_is_not_accepted(kernel: Kernel) -> None:
    text = theorem_file(short("F1"))
    endless = "Unset Guard Checking.\nFixpoint endless (n : nat) : False := endless n.\n"
    cheat = re.sub(
        r"(Lemma growth_bound : .*?\.\n)Proof\..*?Qed\.",
        endless + r"\1Proof. destruct (endless 0%nat). Qed.",
        text,
        flags=re.DOTALL,
    )
    assert cheat != text
    verdict = kernel.compile(cheat)
    assert not verdict.accepted
    assert "endless is assumed to be guarded." in verdict.text


@compiled
def test_a_file_that_takes_too_long_is_left(kernel: Kernel) -> None:
    verdict = kernel.compile("Goal True. do 1000000000 idtac. exact I. Qed.", seconds=1)
    assert verdict.text == "not closed within 1 s of processor time"


@compiled
@nightly
def test_the_command_keeps_files_that_compile_alone(tmp_path: Path, command: Any) -> None:
    path = tmp_path / "F1.json"
    path.write_text(json.dumps(PRODUCERS["F1"](PROCESS)), encoding="utf-8")
    ended = command("check", "--kernel", "--keep", tmp_path / "kept", path)
    assert ended.code == 0, ended.out
    assert ended.out.splitlines()[1].startswith(
        f"kernel: accepted: {path}: theorem of any two trajectories compiled by Coq "
    )
    kept = tmp_path / "kept"
    names = [*theories(), next(kept.glob("F1_*.v")).stem]
    for name in names:
        line = ["coqc", "-q", "-w", "none", "-Q", ".", "Certflow", f"{name}.v"]
        assert subprocess.run(line, cwd=kept, capture_output=True, check=False).returncode == 0, name


def test_the_text_has_the_numbers_of_the_certificate() -> None:
    content = PRODUCERS["F1"](PROCESS)
    text = theorem_file(content)
    assertion = content["assertion"]
    for key in ("growth", "contraction", "factor"):
        value = Fraction(assertion[key])
        assert f"({value.numerator} / {value.denominator})" in text
    assert "Definition rows : list (list Z) := (((-1) :: 0 :: nil) :: (1 :: 0 :: nil) :: nil)%Z." in text
    assert "Definition shares : list Z := (1 :: 1 :: nil)%Z." in text
    assert "Definition sigma2 : R := (1 / 25)." in text
    assert "Definition d2 : R := (4 / 1)." in text
    assert "*) modes" not in text


def test_what_has_no_theorem_is_named() -> None:
    other = dict(PRODUCERS["F1"](PROCESS), claim="S3")
    with pytest.raises(NotServed, match="S3; of L2, L3, L5, F1, F2, G1 there is one"):
        theorem_file(other)
    shared = copy.deepcopy(sharp_certificate(PROCESS, "1")[0])
    shared["problem"]["mixture"]["covariances"]["kind"] = "shared"
    with pytest.raises(NotServed, match="L5 of shared covariances"):
        theorem_file(shared)


def test_each_theory_stands_after_those_that_it_needs() -> None:
    names = theories()
    assert names[-1] == "Witness"
    for k, name in enumerate(names):
        needed = re.findall(r"^From Certflow Require Import (.*)\.$", theory_text(name), re.MULTILINE)
        assert set(" ".join(needed).split()) <= set(names[:k])


def test_no_axiom_of_floating_point_is_listed() -> None:
    assert {axiom.split(".")[0] for axiom in listed_axioms()} == {
        "ClassicalDedekindReals",
        "FunctionalExtensionality",
        "Classical_Prop",
        "PrimInt63",
        "Uint63",
    }


@pytest.mark.parametrize("arguments", [["--kernel"], ["--keep", "there"]])
def test_without_coq_one_line_says_what_is_needed(
    arguments: list[str], tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = command("check", *arguments, tmp_path / "F1.json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    required = (
        "apt-get install coq libcoq-interval libcoq-coquelicot" if "--kernel" in arguments else "--kernel with it"
    )
    assert required in ended.err
