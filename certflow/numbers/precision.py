"""Precision of mpmath and of Arb, so that no caller and no other thread sees it change.

mpmath keeps the precision in a context: certflow computes in contexts of its own, one for each thread and
precision. python-flint has one precision for the whole process: whoever changes it here holds a lock until it is as
before, so that certflow's own threads do not change it under each other. (A thread that calls python-flint by itself
in the meantime sees the changed precision.)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Contexts that a thread keeps: a computation uses a few precisions, one after the other.
_KEPT = 32


def process_lock() -> threading.RLock:
    """A lock of the threads of this process, which no child inherits held by a thread that it does not have."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


_LOCK = process_lock()


class _Contexts(threading.local):
    """The contexts of one thread, by the precision in bits at which each starts."""

    def __init__(self) -> None:
        self.by_bits: dict[int, Any] = {}


_CONTEXTS = _Contexts()


def mpmath_context(bits: int) -> Any:
    """This thread's own mpmath context of that precision; who raises it puts it back."""
    kept = _CONTEXTS.by_bits
    if bits not in kept:
        import mpmath

        if len(kept) >= _KEPT:
            kept.clear()
        kept[bits] = mpmath.MPContext()
        kept[bits].prec = bits
    return kept[bits]


@contextmanager
def ball_precision(bits: int | None = None, extra: int = 0) -> Iterator[None]:
    """Arb's precision is `bits` (None: as it is) and `extra` more, for this thread alone among certflow's."""
    import flint

    with _LOCK:
        before = flint.ctx.prec
        flint.ctx.prec = (before if bits is None else bits) + extra
        try:
            yield
        finally:
            flint.ctx.prec = before


@contextmanager
def series_length(terms: int) -> Iterator[None]:
    """Power series of Arb keep `terms` coefficients, for this thread alone among certflow's."""
    import flint

    with _LOCK:
        before = flint.ctx.cap
        flint.ctx.cap = terms
        try:
            yield
        finally:
            flint.ctx.cap = before
