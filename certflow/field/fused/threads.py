"""Pieces of work shared among threads: as many as NumPy's matrix products take."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from functools import cache
from queue import SimpleQueue
from threading import Thread
from typing import Any

#: What waiting threads are asked: to run a function, unless its future is cancelled before one of them can.
_Asked = SimpleQueue[tuple[Callable[[], None], "Future[None]"]]


def shared(work: Callable[[int], None], pieces: Iterable[int]) -> None:
    """Do `work` of every piece, in this thread and in others that wait for such calls.

    Each takes the next piece when it is done with one, so `work` must let other threads run. After an error, or an
    interruption, no further piece is taken. Where threads cannot be started this one does all.
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
    try:
        if (helpers := min(thread_count(), len(left)) - 1) > 0:
            asked, there = _waiting(helpers)
            for _ in range(min(helpers, there)):
                others.append(Future())
                asked.put((take, others[-1]))
        take()
    finally:
        wait(others := [other for other in others if not other.cancel()])
    for other in others:
        other.result()


def _first(pieces: deque[int]) -> int | None:
    """Taken from the pieces, of which another thread may take the last; None where none is left."""
    try:
        return pieces.popleft()
    except IndexError:
        return None


@cache
def _waiting(count: int) -> tuple[_Asked, int]:
    """What so many threads wait for, and how many there are: they start once, which takes as long as many points."""
    asked, there = _Asked(), 0
    with contextlib.suppress(RuntimeError):  # no more may be started, or the interpreter ends
        while there < count:
            Thread(target=_serve, args=(asked,), name=f"certflow-{there + 1}", daemon=True).start()
            there += 1
    return asked, there


def _serve(asked: _Asked) -> None:
    while True:
        function, future = asked.get()
        if future.set_running_or_notify_cancel():
            try:
                function()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(None)
        del function, future  # with the arrays of their call


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
