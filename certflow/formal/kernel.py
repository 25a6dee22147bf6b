"""Theorem files given to Coq: found, compiled within a limit of time, and what came of it."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from certflow.atomic import write_text_atomic
from certflow.errors import InputError
from certflow.formal.coqc import compiled, compiling
from certflow.formal.gallina import NotServed
from certflow.formal.text import PARTS, theorem_file
from certflow.formal.theories import listed_axioms, theories, theory_text

#: Seconds of processor time for one file.
SECONDS = 60.0
#: How Coq is installed, with the libraries that the files need.
INSTALL = "apt-get install coq libcoq-interval libcoq-coquelicot"
_LIBRARIES = "From Coquelicot Require Coquelicot.\nFrom Interval Require Tactic.\n"
_PLACE = re.compile(r'^File "[^"]*", line (\d+)', re.MULTILINE)
_NAMED = re.compile(r"^(?:Lemma|Theorem) (\w+)")
_THEOREM = re.compile(r"^Theorem (asserted : .*?\.)\nProof\.", re.MULTILINE | re.DOTALL)
#: An axiom by its name, or what is assumed without one (`f is assumed to be guarded.`), which no list holds.
_AXIOM = re.compile(r"^(\S+?)(?: *:|$)|^(\S.*)$", re.MULTILINE)

#: Words that leave something unproved, as `proofs/coq/build` refuses them, and those that open a section.
_OPEN = re.compile(
    r"\b(?:Admitted|admit|give_up|Axioms?|Parameters?|Conjecture|Hypothes[ie]s|Variables?|Context|bypass_check|Unset"
    r"|Declare ML Module)\b"
)


class KernelVerdict(NamedTuple):
    """What is said of a certificate: `text` names Coq's version, or why it is not accepted; the theorem.

    axioms : those on which an accepted theorem rests, all of them listed ones; None where they were not asked for
    """

    accepted: bool
    text: str
    theorem: str | None = None
    axioms: tuple[str, ...] | None = None

    def line(self, name: str, by: str = "kernel") -> str:
        """The verdict on the file of this name, in one line; by the kernel, or what else has it."""
        name = "".join(c if c.isprintable() else "?" for c in name)
        return f"{by}: {'accepted' if self.accepted else 'not accepted'}: {name}: {self.text}"


@dataclass(frozen=True)
class Kernel:
    """`coqc` of this machine, and a folder for the compiled theories."""

    program: str
    version: str
    folder: Path

    def prepare(self) -> None:
        """Compile the theories where that is not done yet: about 11 s of processor time.

        Raises InputError where this `coqc` does not compile one.
        """
        for theory in theories():
            if not (self.folder / f"{theory}.vo").exists():
                done = compiled(self.program, self.folder, theory, theory_text(theory), SECONDS)
                if done is None or done.returncode:
                    required = f"a coqc that compiles proofs/coq/{theory}.v: Coq 8.16"
                    raise InputError("kernel", self.program, required)

    def decide(self, content: dict[str, Any], seconds: float = SECONDS, keep: Path | None = None) -> KernelVerdict:
        """Write the theorem of a certificate that the checker has accepted; compile it within so many seconds.

        With `keep` the file stays there, beside the theories: `coqc -Q . Certflow` compiles them in the order of
        `_CoqProject`, and it last."""
        try:
            text = theorem_file(content)
        except NotServed as reason:
            return KernelVerdict(False, f"no theorem is written for {reason}")
        name = f"{content['claim']}_{content['hash'].rpartition(':')[2][:12]}"
        if keep is not None:
            for theory in theories():
                write_text_atomic(keep / f"{theory}.v", theory_text(theory))
            write_text_atomic(
                keep / "_CoqProject", "\n".join(["-Q . Certflow", *(f"{t}.v" for t in theories())]) + "\n"
            )
            write_text_atomic(keep / f"{name}.v", text)
        verdict = self.compile(text, seconds, name)
        part = f"theorem{PARTS.get(content['claim'], '')}"
        return verdict._replace(text=part + verdict.text.removeprefix("theorem")) if verdict.accepted else verdict

    def compile(self, text: str, seconds: float = SECONDS, name: str = "certificate") -> KernelVerdict:
        """Compile the text of a theorem file, and compare the axioms of the theorem with the list."""
        return self.begin(text, seconds, name).verdict()

    def begin(self, text: str, seconds: float = SECONDS, name: str = "certificate") -> Compilation:
        """Start to compile the text of a theorem file; several with different names may run side by side."""
        self.prepare()
        return Compilation(self, text, seconds, name)

    def digest(self, text: str) -> str:
        """SHA-256 of all that a verdict on a text rests on: the text, the theories, the axioms, the program."""
        parts = [text, *map(theory_text, theories()), *sorted(listed_axioms()), self.version, str(SECONDS)]
        parts.append(hashlib.sha256(Path(self.program).read_bytes()).hexdigest())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Compilation:
    """`coqc` at work on the text of a theorem file."""

    def __init__(self, kernel: Kernel, text: str, seconds: float, name: str):
        self.kernel, self.text, self.seconds = kernel, text, seconds
        self._coqc = compiling(kernel.program, kernel.folder, name, text, seconds)

    @property
    def at_work(self) -> bool:
        """Is `coqc` at work, within its time?"""
        return self._coqc.at_work

    def stop(self) -> None:
        """End `coqc`, whatever it is doing."""
        self._coqc.stop()

    def verdict(self) -> KernelVerdict:
        """What came of it, at its end."""
        done = self._coqc.ended()
        found = _THEOREM.search(self.text)
        theorem = found[1] if found else None
        if done is None:
            return KernelVerdict(False, self._ended_early(), theorem)
        if done.returncode:
            return KernelVerdict(False, _reason(self.text, done.stderr), theorem)
        printed = tuple(name or line for name, line in _AXIOM.findall(done.stdout.partition("Axioms:\n")[2]))
        listed = listed_axioms()
        others = [axiom for axiom in printed if not _is_listed(axiom, listed)]
        if not printed or others:
            said = f"it rests on axioms that are not listed: {', '.join(others)}"
            return KernelVerdict(False, said if others else "coqc printed no axioms of it", theorem)
        left_open = _OPEN.search(self.text)  # a listed axiom's name could be given to another one
        if left_open is not None:
            return KernelVerdict(False, f"its text has {left_open[0]!r}, which leaves something unproved", theorem)
        text = f"theorem compiled by Coq {self.kernel.version}, on the listed axioms"
        return KernelVerdict(True, text, theorem, printed)

    def _ended_early(self) -> str:
        """Why there is no answer."""
        if self._coqc.late:
            return f"not closed within {self._coqc.clock:g} s of the clock"
        if self._coqc.signal == signal.SIGXCPU:
            return f"not closed within {self.seconds:g} s of processor time"
        return f"coqc was ended by signal {self._coqc.signal}, as where memory runs out"


@contextmanager
def opened_kernel() -> Iterator[Kernel]:
    """The `coqc` on the path, and a folder for what it compiles, which is removed.

    Raises InputError where there is none, or no Coq-Interval or Coquelicot."""
    program = shutil.which("coqc")
    if program is None:
        raise InputError("kernel", "no coqc", f"Coq 8.16 with Coq-Interval and Coquelicot (Debian: {INSTALL})")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = compiled(program, folder, "Libraries", _LIBRARIES, SECONDS)
        if done is None or done.returncode:
            raise InputError("kernel", program, f"a coqc that finds Coq-Interval and Coquelicot (Debian: {INSTALL})")
        said = subprocess.run([program, "--print-version"], capture_output=True, text=True, check=False).stdout
        yield Kernel(program, (said.split() or ["of unknown version"])[0], folder)


def _is_listed(axiom: str, listed: set[str]) -> bool:
    """Coq prints the shortest name that is not ambiguous."""
    return axiom in listed or any(name.endswith(f".{axiom}") for name in listed)


def _reason(text: str, complaint: str) -> str:
    """Which lemma did not compile, and the first line of what Coq says."""
    place = _PLACE.search(complaint)
    said = " ".join(complaint.partition("Error:")[2].split()) or " ".join(complaint.split())
    said = said if len(said) <= 160 else f"{said[:157]}..."
    if place is None:
        return f"coqc: {said or 'no answer'}"
    before = text.splitlines()[: int(place[1])]
    names = [found[1] for line in before if (found := _NAMED.match(line))]
    return f"not closed: {names[-1] if names else 'the definitions'}: {said}"
