"""The progress bar of long runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from certflow.errors import InputError


@contextmanager
def progress_bar(asked: bool = False) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on stderr if that is a terminal; nothing otherwise, or its last state where it was asked for."""
    terminal = sys.stderr.isatty()
    if not (terminal or asked):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=terminal) as bar:
        task = bar.add_task("", total=None, visible=False)  # work of one formula tells nothing: no empty bar

        def advance(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what, visible=True)

        yield advance


@contextmanager
def progress_of_one(what: str, asked: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """`progress_bar` for work that has one name."""
    with progress_bar(asked) as advance:
        yield None if advance is None else (lambda done, total: advance(done, total, what))


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
