"""The theories of `proofs/coq` compile, rest on the listed axioms, are what pages say; false copies do not compile.

Skipped where `coqc` is not installed, but for what can be read without it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from depth import nightly

ROOT = Path(__file__).parents[2]
COQ = ROOT / "proofs/coq"
STATEMENT = re.compile(r"^(?:Theorem|Corollary) (\w+)", re.MULTILINE)
THEORIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(COQ.glob("*.v"))}
THEOREMS = {f"{name}.{found}" for name, text in THEORIES.items() for found in STATEMENT.findall(text)}
#: The classical reals of the standard library, and what Coquelicot adds to them.
AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
#: Theories of tools, and steps on the way to a theorem: the page need not name these.
TOOLS = ("Finite.", "Polynomial.", "Instance.")
#: A statement with a constant below the truth, or a hypothesis less: theory, what stands there, what replaces it.
LOWERED = {
    "popoviciu, 1/5 for 1/4": ("L2", "variance K g y <= (M - l) ^ 2 / 4.", "variance K g y <= (M - l) ^ 2 / 5."),
    "covariance, D^2/5": ("L2", "form d (covmatrix K g mu) u <= D ^ 2 / 4", "form d (covmatrix K g mu) u <= D ^ 2 / 5"),
    "lambda, D^2/(5 v^2)": ("L3", "m ^ 2 * D ^ 2 / (4 * v ^ 2).", "m ^ 2 * D ^ 2 / (5 * v ^ 2)."),
}
LOWERED_BY_NIGHT = {
    "any v": ("L2", "diameter K d mu D -> 0 < v ->", "diameter K d mu D ->"),
    "integral, 1/16 for 1/8": ("F2", "D ^ 2 / (8 * c * spread c s)) t", "D ^ 2 / (16 * c * spread c s)) t"),
    "crossing at 4 c v": ("F2", "8 * c * v <= D ^ 2 ->", "4 * c * v <= D ^ 2 ->"),
    "half the exponent": ("F1", "exp (stability c D s t) * norm", "exp (stability c D s t / 2) * norm"),
    "the last segment counts less": ("E1", "eps k * exp (I (S k) - I n))", "eps k * exp (I (S k) - I n) / 2)"),
    "Euler, 1/3 for 1/2": ("E4", "h * eta + 1 / 2 * h ^ 2 * M2.", "h * eta + 1 / 3 * h ^ 2 * M2."),
    "midpoint, 1/25 for 1/24": ("E4", "h ^ 3 * (1 / 24 * M3", "h ^ 3 * (1 / 25 * M3"),
    "M1 without its half": (
        "M1",
        "1 / 2 * (distance d (Phi x) (Phi y) - B * distance d x y) <= S",
        "distance d (Phi x) (Phi y) - B * distance d x y <= S",
    ),
    "pairing, 1/3 for 1/4": ("M1", "1 / 4 * sum n (fun i => p i * Rmax", "1 / 3 * sum n (fun i => p i * Rmax"),
    "minimax, twice the share": (
        "G1",
        "RInt rho delta T / INR n <= share t k.",
        "2 * RInt rho delta T / INR n <= share t k.",
    ),
    "a square of one ReQU": ("A1", "z ^ 2 = requ z + requ (- z)", "z ^ 2 = requ z"),
    "the rest of lower degree": (
        "A2",
        "polynomial m (fun c => p c - alpha",
        "polynomial (m - 1) (fun c => p c - alpha",
    ),
    "W(1) for W(0)": ("A3", "forall S, 1 - S * P S = W S / W 0.", "forall S, 1 - S * P S = W S / W 1."),
    "growth, D^2/9": ("A9", "exp (D ^ 2 / 8 * (b ^ 2 - a ^ 2)) * norm", "exp (D ^ 2 / 9 * (b ^ 2 - a ^ 2)) * norm"),
    "half the diffusion": (
        "S1",
        "x i * gradient t i x + second t i x)).",
        "x i * gradient t i x + second t i x / 2)).",
    ),
    "a smaller rate for two modes": (
        "L4",
        "r * dot d h h) <-> one_sided m v D <= r.",
        "r * dot d h h) <-> one_sided m v D < r.",
    ),
    "V* with m^2/v": (
        "L5",
        "(1 - 1 / v + m ^ 2 / v ^ 2 * V) * dot d u u).",
        "(1 - 1 / v + m ^ 2 / v * V) * dot d u u).",
    ),
    "shared covariance, D_P^2/5": ("L6", "m ^ 2 * DP ^ 2 / 4) * dot d h h.", "m ^ 2 * DP ^ 2 / 5) * dot d h h."),
    "attained with less": ("M1", "Rabs (g z - Phi z) <= Delta / 2.", "Rabs (g z - Phi z) <= Delta / 3."),
    "a logarithm without slack": (
        "Logarithm",
        "<= IZR (log_part (setup b) x) + IZR SLACK.",
        "<= IZR (log_part (setup b) x).",
    ),
    "half the defects": (
        "C2",
        "norm d (vsub (y b) (z b)) + (E b - E a).",
        "norm d (vsub (y b) (z b)) + (E b - E a) / 2.",
    ),
}
#: What leaves something unproved, and the word that the answer must hold.
OPEN = {
    "an axiom": ("Axiom cheat : 1 = 2.\nTheorem easy : 1 = 2.\nProof. exact cheat. Qed.\n", "Cheat"),
    "a variable outside a section": (
        "Variable cheat : 1 = 2.\nTheorem easy : 1 = 2.\nProof. exact cheat. Qed.\n",
        "cheat",
    ),
    "a proof left open": ("Theorem easy : 1 = 2.\nProof. Admitted.\n", "Admitted"),
    "one step left open": ("Theorem easy : 1 = 2.\nProof. assert (1 = 2) by admit. auto. Qed.\n", "admit"),
    "another axiom": (
        "Require Import ClassicalEpsilon.\nTheorem choice : forall P : nat -> Prop, (exists n, P n) -> {n | P n}.\n"
        "Proof. exact (constructive_indefinite_description (A := nat)). Qed.\n",
        "constructive_indefinite_description",
    ),
}

compiled = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc is not installed: apt-get install coq libcoq-coquelicot"
)


def build(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(folder / "build"), *names], capture_output=True, text=True, check=False)


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COQ, tmp_path / "coq", ignore=shutil.ignore_patterns("*.vo*", "*.glob", ".*")))


def rests_on(printed: str) -> dict[str, set[str]]:
    """The axioms of each theory, from what `build` prints."""
    lines = re.findall(r"^(\w+): \d+ statements; axioms: (.*)$", printed, re.MULTILINE)
    return {name: set(axioms.split()) - {"none"} for name, axioms in lines}


def falsified(tmp_path: Path, theory: str, true: str, false: str) -> subprocess.CompletedProcess[str]:
    folder = copied(tmp_path)
    text = THEORIES[theory]
    assert text.count(true) >= 1
    (folder / f"{theory}.v").write_text(text.replace(true, false, 1), encoding="utf-8")
    return build(folder, theory)


@compiled
def test_the_bounds_of_the_jacobian_compile_with_the_listed_axioms() -> None:
    done = build(COQ, "L3")
    assert done.returncode == 0, done.stderr
    axioms = rests_on(done.stdout)
    assert set(axioms) == {"Finite", "L2", "L3"}
    assert all(found <= AXIOMS for found in axioms.values())


@compiled
@nightly  # 70 seconds of CPU
def test_every_theory_compiles_with_the_listed_axioms() -> None:
    done = build(COQ)
    assert done.returncode == 0, done.stderr
    axioms = rests_on(done.stdout)
    assert set(axioms) == set(THEORIES)
    assert all(found <= AXIOMS for found in axioms.values())
    assert set.union(*axioms.values()) == AXIOMS


@compiled
@pytest.mark.parametrize("name", LOWERED)
def test_a_lowered_constant_does_not_compile(name: str, tmp_path: Path) -> None:
    theory, true, false = LOWERED[name]
    done = falsified(tmp_path, theory, true, false)
    assert done.returncode == 1
    assert f"{theory}: does not compile" in done.stderr


@compiled
@nightly
@pytest.mark.parametrize("name", LOWERED_BY_NIGHT)
def test_a_falsified_theorem_does_not_compile(name: str, tmp_path: Path) -> None:
    theory, true, false = LOWERED_BY_NIGHT[name]
    done = falsified(tmp_path, theory, true, false)
    assert done.returncode == 1
    assert f"{theory}: does not compile" in done.stderr


@compiled
@pytest.mark.parametrize("name", OPEN)
def test_what_is_left_unproved_is_refused(name: str, tmp_path: Path) -> None:
    text, word = OPEN[name]
    folder = copied(tmp_path)
    (folder / "Cheat.v").write_text(text, encoding="utf-8")
    done = build(folder, "Cheat")
    assert done.returncode == 1
    assert word in done.stdout + done.stderr


def test_without_coq_the_answer_says_how_to_get_it(tmp_path: Path) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        [str(tmp_path / "bash"), str(COQ / "build")],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
    )
    assert done.returncode == 3
    assert done.stderr == (
        "coqc is not installed; required: Coq 8.16 with Coquelicot (Debian: apt-get install coq libcoq-coquelicot)\n"
    )


def test_the_list_of_axioms_is_the_one_of_the_page() -> None:
    assert set((COQ / "axioms.txt").read_text().split()) == AXIOMS
    assert set(re.findall(r"^\| `(\w+\.\w+)` \|", (ROOT / "proofs/trust.md").read_text(), re.MULTILINE)) == AXIOMS


def test_every_theory_is_compiled() -> None:
    listed = re.findall(r"^(\w+)\.v$", (COQ / "_CoqProject").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(THEORIES)


def test_the_page_names_the_theorems_and_no_others() -> None:
    named = set(re.findall(r"`(\w+\.(?!v`|py`|ml`)\w+)`", (ROOT / "proofs/formal.md").read_text()))
    assert named <= THEOREMS | {"Finite.symmetric_norm"}
    assert {theorem for theorem in THEOREMS - named if not theorem.startswith(TOOLS)} == set()


def test_each_page_says_what_is_machine_checked() -> None:
    for path in (ROOT / "proofs").glob("[A-Z][0-9].md"):
        text = path.read_text(encoding="utf-8")
        assert text.count("Machine-checked") == 1, path.name
        said = text[text.index("Machine-checked") :].split("\n## ", 1)[0].split("\n\n")[:2]
        theories = re.findall(r"`proofs/coq/(\w+)\.v`", " ".join(said))
        for theory in theories:
            assert theory in THEORIES, path.name
        names = set(re.findall(r"`([a-z]\w+)`", " ".join(said)))
        assert bool(theories) == bool(names), path.name
        there = {
            name
            for theory in theories
            for name in re.findall(r"^(?:Theorem|Corollary|Lemma) (\w+)", THEORIES[theory], re.MULTILINE)
        }
        assert names <= there, (path.name, names - there)
