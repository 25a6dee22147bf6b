"""Who hears of what checks find. The pytest plugin imports this in every run, so that it is next to nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certflow.testing.result import Result

Listener = Callable[[Any, Mapping[str, str]], None]
#: No list, which would count as code: what a run keeps, it keeps with a digest of the package as it is in memory.
_LISTENERS: deque[Listener] = deque()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within the block, `listener` hears of every check that is made: how the pytest plugin collects results."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


def tell(result: Result, *, subject: str = "", mixture: str = "") -> None:
    """Tell who listens of a result, with the names of what it is about where they are known."""
    for listener in _LISTENERS:
        listener(result, {"subject": subject, "mixture": mixture})
