"""The checker that is proved: the rules for L2, L3, F1, F2, G1 as a program extracted from `proofs/coq/Decision.v`.

`Accepted.accepted_is_true` says of these rules, their arithmetic of integers included, that what they accept is true.
The program decides the exact numbers of a certificate; its text and its hash are `certflow.certificate.checker`'s.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from certflow.errors import InputError
from certflow.formal.coqc import compiled, limited
from certflow.formal.gallina import NotServed
from certflow.formal.kernel import KernelVerdict
from certflow.formal.theories import program_text, theories, theory_text

#: The theory of the rules.
RULES = "Decision"
#: What is said of a certificate that they accept, and of one that the checker accepts and they do not.
BY = "by the rules of proofs/coq/Decision.v, extracted"
DISAGREE = "the checker accepts it and these rules do not: one of the two has a fault, please report it"
#: The keys of an assertion after the square of the diameter, in the order of `main.ml`.
_KEYS = {
    "L2": ("times", "upper"),
    "L3": ("times", "upper", "lower"),
    "F1": ("growth", "contraction", "factor"),
    "F2": ("one-sided", "two-sided"),
    "G1": ("rate", "segments", "nodes"),
}
#: How the compilers are installed.
INSTALL = "apt-get install coq"
_SOURCES = ("whole.ml", "rules.mli", "rules.ml", "main.ml")
_COMPILER = ("ocamlfind", "ocamlopt", "-package", "zarith", "-linkpkg", "-w", "-a", *_SOURCES, "-o", "proved")
_SECONDS = 60.0


@dataclass(frozen=True)
class ProvedChecker:
    """The program."""

    program: Path

    def decide(self, contents: Iterable[dict[str, Any]]) -> list[bool]:
        """Whether the rules accept each of these certificates, parsed JSON. Raises `NotServed`."""
        lines = [parsed_line(content) for content in contents]
        told = self.told(lines)
        if told is None or len(told) != len(lines):
            raise RuntimeError("the proved rules gave no answer")
        return [line == "accepted" for line in told]

    def told(self, lines: list[str]) -> list[str] | None:
        """What the program says of lines of numbers, in 60 s of processor time; None where it fails or needs more."""
        (self.program.parent / "lines").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        done = limited(["sh", "-c", "exec ./proved < lines"], self.program.parent, _SECONDS)
        return None if done is None or done.returncode else done.stdout.splitlines()

    def verdict(self, content: dict[str, Any]) -> KernelVerdict:
        """What the rules say of a certificate that the checker has accepted."""
        try:
            told = self.told([parsed_line(content)])
        except NotServed as reason:
            return KernelVerdict(False, f"no rules are proved for {reason}")
        if told not in (["accepted"], ["refused"]):
            return KernelVerdict(False, f"not decided within {_SECONDS:g} s of processor time, or the memory there is")
        return KernelVerdict(told == ["accepted"], BY if told == ["accepted"] else DISAGREE)


@contextmanager
def opened_proved_checker() -> Iterator[ProvedChecker]:
    """The program, extracted and compiled (about 2 s of processor time) in a folder that is removed.

    Raises InputError where there is no `coqc` or no `ocamlfind`."""
    for name in ("coqc", "ocamlfind"):
        if shutil.which(name) is None:
            raise InputError("--proved", f"no {name}", f"Coq 8.16, which brings OCaml and zarith (Debian: {INSTALL})")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = {theory: theory_text(theory) for theory in theories(RULES)} | {"Extract": program_text("Extract.v")}
        for theory, text in texts.items():
            done = compiled("coqc", folder, theory, text, _SECONDS)
            if done is None or done.returncode:
                raise InputError("--proved", "coqc", f"a coqc that compiles {theory}.v: Coq 8.16")
        for source in ("whole.ml", "main.ml"):
            (folder / source).write_text(program_text(source), encoding="utf-8")
        done = limited(_COMPILER, folder, _SECONDS)
        if done is None or done.returncode:
            raise InputError("--proved", "ocamlfind", f"an OCaml with the library zarith (Debian: {INSTALL})")
        yield ProvedChecker(folder / "proved")


def parsed_line(content: dict[str, Any]) -> str:
    """The exact numbers of a certificate as `main.ml` reads them. Raises `NotServed`, and what a wrong form raises."""
    claim, problem, assertion = content["claim"], content["problem"], content["assertion"]
    if claim not in _KEYS:
        raise NotServed(f"{claim}; there are those of {', '.join(_KEYS)}")
    mixture = problem["mixture"]
    if mixture["covariances"]["kind"] != "common-isotropic":
        raise NotServed(f"{claim} of {mixture['covariances']['kind']} covariances")
    words = [claim, str(content["proof"]["bits"])]
    words += map(_number, (mixture["covariances"]["values"], problem["t_min"], problem["t_max"]))
    words += [*_list(mixture["weights"]), str(len(mixture["means"]))]
    for row in mixture["means"]:
        words += _list(row)
    words.append(_number(assertion["diameter_squared"]))
    for key in _KEYS[claim]:
        value = assertion[key]
        if key == "nodes":
            words.append(str(len(value)))
            for node in value:
                words += _list(node)
        elif key in ("rate", "segments"):
            words.append(str(value))
        else:
            words += _list(value) if isinstance(value, list) else ["-" if value is None else _number(value)]
    if claim in ("F2", "G1"):
        pair = content["proof"]["pair"]
        words += [str(len(pair)), *map(str, pair)]
    return " ".join(words)


def _list(values: list[str]) -> list[str]:
    return [str(len(values)), *map(_number, values)]


def _number(text: str) -> str:
    value = Fraction(text)
    return f"{value.numerator:#x}/{value.denominator:#x}"  # not in decimal digits: there the interpreter has a limit
