"""Checks run in several processes: this one, and workers that take checks from the far end of the same list."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from certflow.claims.check import Check, Context
from certflow.claims.fingerprint import LoadedCode, agrees
from certflow.claims.model import Evidence, Kind
from certflow.process import OrnsteinUhlenbeck
from certflow.verification.worker import Found, Start

#: A worker costs as much to start as some ten small checks.
_CHECKS_FOR_A_WORKER = 12
_PROGRAM = "import sys; sys.path[:] = {path!r}; from certflow.verification.worker import serve; serve()"

#: What came of a check: its evidence, or the mistake in the code that it met; and digests of the code of a worker.
Came = tuple[Check, Evidence | Exception, dict[str, str] | None]


def usual_jobs() -> int:
    """One for each core that this process may use, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


def outcomes(
    context: Context, checks: Sequence[Check], jobs: int, before: Callable[[Check], None], code: LoadedCode
) -> Iterator[Came]:
    """Run every check, in up to `jobs` processes; yields what came of each as soon as this process can look.

    before : called with each check that this process is about to run
    code : the code that is loaded here

    What a worker found counts only if its code is the code that is loaded here: formulas that were replaced in memory
    are unknown to it. A check whose worker is gone is run here. Where the class under test is not the package's own,
    and for measurements on trained maps, which use every core, there is no worker.
    """
    ours = type(context.process) is OrnsteinUhlenbeck
    number = min(jobs - 1, len(checks) // _CHECKS_FOR_A_WORKER) if ours else 0
    line = _Line(checks)
    with _workers(Start(context, code.digests()), line, number):
        remaining = len(checks)
        while remaining:
            check = line.first()
            if check is not None:
                before(check)
                try:
                    came: Evidence | Exception = check.run(context)
                except Exception as error:
                    came = error
                remaining -= 1
                yield check, came, None
            for asked, found in line.answers(wait=check is None):
                if agrees(found.code, code.digests()):
                    remaining -= 1
                    yield asked, found.came, found.code
                else:
                    line.back(asked, here=True)


class _Line:
    """The checks that wait, and the answers that came: this process takes from the front, workers from the end.

    Derivations stand at the end. They share nothing with the other checks, which keep to one process what they compute
    of the mixture as far as possible.
    """

    def __init__(self, checks: Sequence[Check]):
        self._waiting = sorted(checks, key=lambda check: check.kind is Kind.SYMBOLIC)
        self._here = {check.name for check in checks if check.kind is Kind.EMPIRICAL}
        self._lock = threading.Lock()
        self._answers: queue.SimpleQueue[tuple[Check, Found] | None] = queue.SimpleQueue()

    def first(self) -> Check | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def last(self) -> Check | None:
        """The last one that may be run elsewhere."""
        with self._lock:
            for index in reversed(range(len(self._waiting))):
                if self._waiting[index].name not in self._here:
                    return self._waiting.pop(index)
        return None

    def back(self, check: Check, here: bool = False) -> None:
        """Put back a check that has no answer."""
        with self._lock:
            self._waiting.append(check)
            if here:
                self._here.add(check.name)

    def answer(self, check: Check, found: Found) -> None:
        self._answers.put((check, found))

    def wake(self) -> None:
        """Let who waits for an answer look at the line again."""
        self._answers.put(None)

    def answers(self, wait: bool) -> Iterator[tuple[Check, Found]]:
        """The answers that are there; if told to wait, at least one or a call to wake."""
        with contextlib.suppress(queue.Empty):
            while True:
                answer = self._answers.get(block=wait)
                wait = False
                if answer is not None:
                    yield answer


@contextlib.contextmanager
def _workers(start: Start, line: _Line, number: int) -> Iterator[None]:
    """Workers that take from the line; they are ended with the block, whatever they are doing."""
    processes = [_started() for _ in range(number)] if sys.executable else []
    sent = pickle.dumps(start) if processes else b""
    feeders = [threading.Thread(target=_feed, args=(process, sent, line), daemon=True) for process in processes]
    try:
        for feeder in feeders:
            feeder.start()
        yield
    finally:
        for process in processes:
            process.kill()
        for feeder in feeders:
            feeder.join()
        for process in processes:
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]


def _started() -> subprocess.Popen[bytes]:
    """A worker in a group of its own: an interruption at the terminal is for this process, which then ends it."""
    words = [sys.executable, "-c", _PROGRAM.format(path=sys.path)]
    apart: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart)


def _feed(process: subprocess.Popen[bytes], start: bytes, line: _Line) -> None:
    """Send one check after another to a worker, until none is left or the worker is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    check = None
    try:
        process.stdin.write(start)
        while (check := line.last()) is not None:
            process.stdin.write(pickle.dumps(check.name))
            process.stdin.flush()
            line.answer(check, pickle.load(process.stdout))
    except (OSError, EOFError, pickle.UnpicklingError):
        if check is not None:
            line.back(check)
    finally:
        line.wake()
