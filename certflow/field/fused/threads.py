"""Pieces of work shared among threads: as many as NumPy's matrix products take."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any


def shared(work: Callable[[int], None], pieces: Iterable[int]) -> None:
    """Do `work` of every piece, in this thread and in others that wait for such calls.

    Each takes the next piece when it is done with one, so `work` must let other threads run. After an error, or an
    interruption, no further piece is taken.
    """
    left = deque(pieces)

    def take() -> None:
        try:
            while (piece := _first(left)) is not None:
                work(piece)
        except BaseException:
            left.clear()
            raise

    others: list[Future[None]] = []
    helpers = min(thread_count(), len(left)) - 1
    if helpers > 0:
        with contextlib.suppress(RuntimeError):  # the interpreter ends: no thread can be started any more
            others = [_waiting(helpers).submit(take) for _ in range(helpers)]
    try:
        take()
        for other in others:
            if not other.cancel():
                other.result()
    finally:
        wait([other for other in others if not other.cancel()])


def _first(pieces: deque[int]) -> int | None:
    """Taken from the pieces, of which another thread may take the last; None where none is left."""
    try:
        return pieces.popleft()
    except IndexError:
        return None


@cache
def _waiting(count: int) -> ThreadPoolExecutor:
    """Threads that are started once, for that takes as long as a thousand points."""
    return ThreadPoolExecutor(count, "certflow")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.cache_clear)  # a child process has none of the threads


def thread_count() -> int:
    """The threads of BLAS: all cores, or what OMP_NUM_THREADS and its like or `threadpoolctl.threadpool_limits` say."""
    return min((pool.num_threads for pool in _pools()), default=os.cpu_count() or 1)


@cache
def _pools() -> list[Any]:
    """The BLAS libraries in memory, of NumPy and SciPy; to list them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found
