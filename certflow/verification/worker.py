"""The process beside a verification: it runs the checks that it is told by name, draws figures, and answers.

`serve` reads pickles from the standard input: a `Start`, then names of checks and drawings; it writes a `Found` for
each to the standard output. It ends as soon as its input does, whatever it is doing, and where its code is not that of
the process that asks.
"""

from __future__ import annotations

import pickle
import sys
import traceback
from dataclasses import dataclass
from typing import BinaryIO

from certflow.children import kept_output, listen, tell
from certflow.claims.check import Check, Context
from certflow.claims.fingerprint import LoadedCode, agrees
from certflow.claims.model import Evidence
from certflow.claims.registry import CHECKS
from certflow.verification.drawings import Drawing


@dataclass(frozen=True)
class Start:
    """What a worker begins with: the context of its checks, and digests of the code that is to run them."""

    context: Context
    code: dict[str, str]


@dataclass(frozen=True)
class Found:
    """Evidence, a figure, or the mistake in the code that was met; and digests of the code that ran."""

    came: Evidence | str | Exception
    code: dict[str, str]


def serve() -> None:
    """Answer until the input ends."""
    answers = kept_output()
    start: Start = pickle.load(sys.stdin.buffer)
    code = LoadedCode()
    if not agrees(start.code, code.digests()):
        return
    named = {check.name: check for check in CHECKS}
    asked = listen(_task)
    while True:
        task = asked.get()
        came = attempted(named[task] if isinstance(task, str) else task, start.context)
        if isinstance(came, Exception):
            came = _portable(came)
        tell(answers, pickle.dumps(Found(came, code.digests())))


def _task(stream: BinaryIO) -> str | Drawing:
    """The next task: a check by its name, or a drawing."""
    try:
        return pickle.load(stream)  # type: ignore[no-any-return]
    except pickle.UnpicklingError:
        raise EOFError from None


def attempted(task: Check | Drawing, context: Context) -> Evidence | str | Exception:
    """What comes of a task: evidence, a figure, or the mistake in the code that it met."""
    try:
        return task.run(context)
    except Exception as error:
        return error


def _portable(error: Exception) -> Exception:
    """The mistake as it can be sent to another process, with the place where it happened."""
    place = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(place)
    return error
