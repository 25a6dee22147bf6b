"""The process beside a verification: it runs the checks that it is told by name, draws figures, and answers.

`serve` reads pickles from the standard input: a `Start`, then names of checks and drawings; it writes a `Found` for
each to the standard output. It ends as soon as its input does, whatever it is doing, and where its code is not that of
the process that asks.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import traceback
from dataclasses import dataclass

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
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    start: Start = pickle.load(sys.stdin.buffer)
    code = LoadedCode()
    if not agrees(start.code, code.digests()):
        return
    named = {check.name: check for check in CHECKS}
    asked: queue.SimpleQueue[str | Drawing] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    while True:
        task = asked.get()
        came = attempted(named[task] if isinstance(task, str) else task, start.context)
        if isinstance(came, Exception):
            came = _portable(came)
        try:
            answers.write(pickle.dumps(Found(came, code.digests())))
            answers.flush()
        except BrokenPipeError:  # who asked is gone
            os._exit(0)


def _listen(asked: queue.SimpleQueue[str | Drawing]) -> None:
    """Take the tasks from the input; when it ends, so does the process, in the middle of a check too."""
    while True:
        try:
            asked.put(pickle.load(sys.stdin.buffer))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)


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
