"""A child process with a task at a time, from the side of who asks: its limit of time, its death, its second try."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from certflow.children import bury, kill, start
from certflow.errors import CertflowError
from certflow.sweep.results import Result, Status
from certflow.sweep.tasks import Task

_PROGRAM = "from certflow.sweep.child import serve; serve()"
#: A task whose process ends without an answer is tried so often.
TRIES = 2
#: Seconds that a task may go on beyond its limit, for it ends by itself where it looks at the clock.
GRACE = 5.0


class OtherCode(CertflowError):
    """The process that was to do a task has another version of the code, or of a library."""


class Ended(Exception):
    """The performer was told to end."""


class Performer:
    """One child process, started when it is first needed and again after it died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._over = False
        self._lock = threading.Lock()

    def perform(self, task: Task, folder: Path | None) -> Result:
        """Have a task done.

        folder : of the sweep, where the child writes the result itself; None: it only tells it

        Raises
        ------
        OtherCode : the child has another version of the code, or of a library.
        Ended : `end` was called.
        """
        for _ in range(TRIES):
            child = self._started()
            late = threading.Event()
            timer = threading.Timer(task.seconds + GRACE, self._kill, (child, late))
            timer.daemon = True
            timer.start()
            try:
                answer = self._ask(child, {"task": task.mapping(), "folder": None if folder is None else str(folder)})
            finally:
                timer.cancel()
            if answer is not None and answer.get("other_code"):
                raise OtherCode(f"a worker has {answer['other_code']}")
            if answer is not None:
                return Result.from_mapping(answer["result"])
            if self._over:
                raise Ended
            if late.is_set():
                limit = f"ended after {task.seconds + GRACE:g} s, its limit is {task.seconds:g}"
                return Result(task.key, Status.SPENT, "", limit, seconds=task.seconds, limit=task.seconds)
            ended = _ending(child.wait())
        return Result(task.key, Status.CRASHED, "", f"its process ended {TRIES} times, the last by {ended}")

    def end(self) -> None:
        """End the child, whatever it is doing, its start included."""
        self._over = True
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            bury(child)

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._over:
                raise Ended
            if self._child is not None and self._child.poll() is None:
                return self._child
            if self._child is not None:
                bury(self._child)
            child = self._child = start(_PROGRAM)
        assert child.stdout is not None
        with contextlib.suppress(OSError, ValueError):  # it was ended
            child.stdout.readline()  # it says when it is ready, so that its imports are not part of a task's time
        return child

    @staticmethod
    def _kill(child: subprocess.Popen[bytes], late: threading.Event) -> None:
        late.set()
        kill(child)

    @staticmethod
    def _ask(child: subprocess.Popen[bytes], content: dict[str, Any]) -> dict[str, Any] | None:
        """The child's answer; None where it died."""
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(content).encode() + b"\n")
            child.stdin.flush()
            answer: dict[str, Any] = json.loads(child.stdout.readline())
        except (OSError, ValueError):  # a broken pipe, a closed file, a line that ends early
            return None
        return answer


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
