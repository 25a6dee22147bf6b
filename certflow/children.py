"""Child processes that answer questions: both ends of the pipes, whatever is said through them.

A child has one thread and a process group of its own: an interruption at the terminal is for who started it, who then
ends it. It ends as soon as its input does, in the middle of its work too, unless a library keeps the interpreter to
itself: so none is left behind for long when its parent is killed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

_ASKED = TypeVar("_ASKED")
#: Threads of linear algebra wait by spinning: those of several processes would take the cores from each other.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def start(program: str) -> subprocess.Popen[bytes]:
    """A child that runs a Python program, with the same interpreter and the same places of modules."""
    apart: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        **apart,
    )


def kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child that was not seen to end, and what it started, unless that is in a group of its own."""
    if sys.platform == "win32":
        child.kill()
    elif child.returncode is None:  # so its number is still its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def bury(child: subprocess.Popen[bytes]) -> None:
    """End a child, if it goes on, and let nothing of it stay."""
    kill(child)
    child.wait()
    for stream in (child.stdin, child.stdout):
        with contextlib.suppress(OSError, ValueError):
            stream.close()  # type: ignore[union-attr]


def kept_output() -> BinaryIO:
    """In the child: its standard output, for answers alone; what libraries print goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def tell(answers: BinaryIO, content: bytes) -> None:
    """In the child: an answer; where nobody listens any more, the child ends."""
    try:
        answers.write(content)
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def listen(read: Callable[[BinaryIO], _ASKED]) -> queue.SimpleQueue[_ASKED]:
    """In the child: what is asked, in its order, read from the standard input while the child works.

    read : the next question; it raises where there is none, which ends the child
    """
    asked: queue.SimpleQueue[_ASKED] = queue.SimpleQueue()

    def take() -> None:
        try:
            while True:
                asked.put(read(sys.stdin.buffer))
        except (EOFError, OSError):
            os._exit(0)
        except Exception:  # nobody would answer what comes after it
            traceback.print_exc()
            os._exit(1)

    threading.Thread(target=take, daemon=True).start()
    return asked
