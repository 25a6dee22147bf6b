"""The verdict on a certificate, on a file, and the command line."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import NamedTuple

from .arithmetic import Imprecise
from .cases import SCHEMA, Case
from .reading import parse, read
from .refusals import Refused, require, shown
from .rules import RULES, rule_of
from .sentences import exactly
from .work import MAX_BYTES, MAX_WORK, Work


class Verdict(NamedTuple):
    """What is said of one certificate: `text` is what is asserted, or why it is refused; `work`, the steps charged."""

    accepted: bool
    claim: str | None
    text: str
    work: int = 0

    def line(self, name: str) -> str:
        """The verdict on the file of this name, in one line."""
        name = "".join(c if c.isprintable() else "?" for c in name)
        return f"accepted: {name}: {self.claim}: {self.text}" if self.accepted else f"refused: {name}: {self.text}"


_PARTS = {"problem": None, "assertion": None, "proof": None, "hash": str, "producer": None}
_CERTIFICATE = {"schema": {SCHEMA}, "claim": set(RULES)} | _PARTS


def check(text: str, most: int = MAX_WORK) -> Verdict:
    """Decide one certificate, in at most so many steps of work; never raises, takes bounded time and memory.

    What is said of an accepted one is what the file asserts: bounds are rounded outwards where they are long."""
    claim, work = None, Work(most)
    try:
        content = read(parse(text, work), _CERTIFICATE, "", work)
        claim, producer = content["claim"], content["producer"]
        texts = isinstance(producer, dict) and all(isinstance(entry, str) for entry in producer.values())
        require(texts, "producer", producer, "an object of texts")
        rule = rule_of(content)
        case = Case(content, rule, work)
        said, problem = rule.decide(case), content["problem"]
        start, end = exactly(problem["t_min"], case.t_min), exactly(problem["t_max"], case.t_max)
        where = f"mixture {shown(problem['mixture']['name'])}, t from {start} to {end}"
        return Verdict(True, claim, "; ".join([said, *case.remarks, where]), work.done)
    except Refused as reason:
        return Verdict(False, claim, str(reason), work.done)
    except Imprecise as error:
        text = f"proof.bits: got {error}; required: more bits, or a milder problem"
    except Exception as error:  # a flaw of the checker must look neither like an acceptance nor like a crash
        text = f"certificate: cannot be checked: {type(error).__name__}"
    return Verdict(False, claim, text, work.done)


def read_bytes(path: str) -> bytes:
    """What a file holds, of which at most MAX_BYTES and one are read; OSError as the file system raises it."""
    with open(path, "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def check_file(path: str, most: int = MAX_WORK) -> Verdict:
    """Decide the certificate in a file; OSError as the file system raises it."""
    return check_bytes(read_bytes(path), most)


def check_bytes(content: bytes, most: int = MAX_WORK) -> Verdict:
    """Decide the certificate that a file holds."""
    if len(content) > MAX_BYTES:
        return Verdict(False, None, f"certificate: got more than {MAX_BYTES} bytes; required: a smaller file")
    try:
        return check(content.decode("utf-8"), most)
    except UnicodeDecodeError as error:
        return Verdict(False, None, f"certificate: got a byte at {error.start} that is not UTF-8; required: JSON")


USAGE = "usage: checker [--work N] FILE..."


def main(arguments: list[str]) -> int:
    """Check the files, in at most N steps of work each, print a line for each, return the exit code.

    0 every file is accepted, 1 one is refused, 2 bad usage, a file that cannot be read or an output that takes nothing
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return _run(arguments)
    except OSError as error:  # of the standard output; what waits in its buffer goes nowhere
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        _complain(f"certflow: stdout: got {error.strerror!r}; required: an output that can be written")
        return 2


def steps(text: str) -> int:
    """The number of steps that a text allows; 0 where it is no integer > 0."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


def _complain(line: str) -> None:
    """One line on the standard error; if nobody reads it, the exit code still tells."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = None


def _run(arguments: list[str]) -> int:
    most, paths = MAX_WORK, arguments
    if paths[:1] == ["--work"]:
        given, paths = "".join(paths[1:2]), paths[2:]
        most = steps(given)
        if not most:
            _complain(f"certflow: --work: got {given!r}; required: an integer > 0")
            return 2
    if paths[:1] in (["--help"], ["-h"]):
        print(USAGE, flush=True)
        return 0
    if not paths:
        _complain(USAGE)
        return 2
    code = 0
    for path in paths:
        try:
            verdict = check_file(path, most)
        except OSError as error:
            _complain(f"certflow: CERTIFICATE: got {path!r}; required: a file to read ({error.strerror})")
            return 2
        print(verdict.line(path), flush=True)
        code = max(code, 0 if verdict.accepted else 1)
    return code
