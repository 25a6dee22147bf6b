"""Pieces of work shared among threads: as many as NumPy's matrix products take."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any


def shared(work: Callable[[int], None], pieces: Sequence[int]) -> None:
    """Do `work` of every piece, in this thread and in others that wait for such calls.

    Each takes the next piece when it is done with one, so `work` must let other threads run.
    """
    turns = itertools.count()  # to take the next number is one step for the interpreter

    def take() -> None:
        while (turn := next(turns)) < len(pieces):
            work(pieces[turn])

    others: list[Future[None]] = []
    helpers = min(thread_count(), len(pieces)) - 1
    if helpers > 0:
        with contextlib.suppress(RuntimeError):  # the interpreter ends: no thread can be started any more
            others = [_waiting(helpers).submit(take) for _ in range(helpers)]
    try:
        take()
    finally:
        for other in others:
            if not other.cancel():
                other.result()


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
