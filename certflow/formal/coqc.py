"""`coqc`, and other commands, within limits of time."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_OPTIONS = ("-q", "-w", "none", "-Q", ".", "Certflow")
#: So many seconds of processor time after the limit it is killed, if it still runs.
_MORE = 5
#: So many times as many seconds of the clock as of processor time, at most.
_CLOCK = 10


class Running:
    """A command at work in a folder, for at most so many seconds of processor time and ten times as many of the clock.

    It is in a process group of its own: an interruption at the terminal is for this process, which then stops it. What
    it says goes to files in the folder, with this name.
    """

    def __init__(self, command: Sequence[str], folder: Path, name: str, seconds: float):
        soft = math.ceil(seconds)  # the soft limit ends it by a signal of its own, SIGXCPU
        limits = f"ulimit -St {soft}; ulimit -Ht {soft + _MORE}; ulimit -s unlimited 2>/dev/null"
        run = ["sh", "-c", f'{limits}; exec "$@"', "sh", *command]
        self._places = [folder / f"{name}.{stream}" for stream in ("out", "err")]
        with open(self._places[0], "wb") as out, open(self._places[1], "wb") as err:
            self._process = subprocess.Popen(run, cwd=folder, stdout=out, stderr=err, process_group=0)
        self.clock = _CLOCK * seconds
        #: The signal that ended it, once that is known; 0 where none did.
        self.signal = 0
        self._until = time.monotonic() + self.clock

    @property
    def late(self) -> bool:
        """Are its seconds of the clock over?"""
        return time.monotonic() >= self._until

    @property
    def at_work(self) -> bool:
        """Is it at work, within its time?"""
        return self._process.poll() is None and not self.late

    def ended(self) -> subprocess.CompletedProcess[str] | None:
        """What came of it, at its end; None where a signal ended it, as where it ran out of time."""
        return self._ended(max(0.0, self._until - time.monotonic()))

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._ended(0.0)

    def _ended(self, seconds: float) -> subprocess.CompletedProcess[str] | None:
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        finally:
            self._process.kill()
            code = self._process.wait()
        if code < 0:
            self.signal = -code
            return None
        texts = [place.read_text(encoding="utf-8", errors="replace") for place in self._places]
        return subprocess.CompletedProcess(self._process.args, code, *texts)


def compiling(program: str, folder: Path, name: str, text: str, seconds: float) -> Running:
    """`coqc` at work on the text, in the file of this name."""
    (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return Running([program, *_OPTIONS, f"{name}.v"], folder, name, seconds)


def compiled(
    program: str, folder: Path, name: str, text: str, seconds: float
) -> subprocess.CompletedProcess[str] | None:
    """`coqc` on the text; None where so many seconds of processor time, or ten times as many of the clock, are over."""
    return compiling(program, folder, name, text, seconds).ended()


def limited(command: Sequence[str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str] | None:
    """A command in this folder, within so many seconds of processor time; None where they are over."""
    return Running(command, folder, "command", seconds).ended()
