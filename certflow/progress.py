"""The progress of long runs on stderr: a bar with the time left on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from certflow.errors import InputError

#: Seconds between two lines where stderr is no terminal.
BEAT = 60.0


class Heartbeat:
    """A line a minute: how long it has taken, how much is done, how long the rest takes at that pace.

    clock : seconds that have passed; stream : where lines go, stderr by default
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, stream: TextIO | None = None):
        self.clock, self.stream = clock, stream
        self.started = self.told = clock()
        self.done, self.total, self.what = 0, 0, ""

    def advance(self, done: int, total: int, what: str) -> None:
        """Hear what is done, and tell it if a minute has passed since the last line."""
        self.done, self.total, self.what = done, total, what
        self.beat()

    def beat(self) -> None:
        """Tell it, if a minute has passed since the last line."""
        now = self.clock()
        if now - self.told >= BEAT:
            self.told = now
            with suppress(OSError, ValueError):  # where nobody listens
                print(self.line(now - self.started), file=self.stream or sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """What a line says after so many seconds."""
        words = [f"certflow: after {spoken(seconds)}"]
        if self.total:
            left = f", about {spoken(seconds / self.done * (self.total - self.done))} left" if self.done else ""
            words.append(f"{self.done} of {self.total} done{left}")
        return ": ".join([", ".join(words), self.what] if self.what else [", ".join(words)])


def spoken(seconds: float) -> str:
    """A time in words: 45 s, 3 min, 2 h 5 min.

    >>> spoken(44.6), spoken(200), spoken(7500)
    ('45 s', '3 min', '2 h 5 min')
    """
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def progress_bar(asked: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A bar with the time left on stderr if that is a terminal or one is asked for; elsewhere a line a minute."""
    terminal = sys.stderr.isatty()
    if not (terminal or asked):
        with _beating() as heart:
            yield heart.advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    what = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), what, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=terminal) as bar:
        task = bar.add_task("", total=None, visible=False)  # work of one formula tells nothing: no empty bar

        def advance(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what, visible=True)

        yield advance


@contextmanager
def _beating() -> Iterator[Heartbeat]:
    """A heart that beats also while a piece of work says nothing."""
    heart, over = Heartbeat(), threading.Event()

    def watch() -> None:
        while not over.wait(BEAT):
            heart.beat()

    watcher = threading.Thread(target=watch, name="certflow-heartbeat", daemon=True)
    watcher.start()
    try:
        yield heart
    finally:
        over.set()
        watcher.join()


@contextmanager
def progress_of_one(what: str, asked: bool = False) -> Iterator[Callable[[int, int], None]]:
    """`progress_bar` for work that has one name."""
    with progress_bar(asked) as advance:
        yield lambda done, total: advance(done, total, what)


@contextmanager
def progress_of(asked: Any, what: str) -> Iterator[Callable[[int, int], None] | None]:
    """What a caller asks for: True is a bar on stderr, a callable is told (done, total) itself, None is silent.

    Raises
    ------
    InputError : anything else.
    """
    if asked is None or asked is False:
        yield None
    elif asked is True:
        with progress_of_one(what, asked=True) as told:
            yield told
    elif callable(asked):
        yield asked
    else:
        raise InputError("progress", asked, "True for a bar on stderr, or a function of (done, total)")
