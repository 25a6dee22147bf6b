"""Machine code that Numba makes, kept on the disk for one state of the sources.

Numba asks for a change of the file of a kernel, not of what the kernel calls. So what is kept lies in a folder that is
named by a digest of all the sources that kernels are made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import config
from numba.misc.appdirs import AppDirs

_Made = TypeVar("_Made")


def kept(make: Callable[[bool], _Made]) -> _Made:
    """`make(True)`, whose machine code goes to that folder; `make(False)` where nothing can be written.

    The folder is below `NUMBA_CACHE_DIR`, or where Numba keeps the code of a user.
    """
    before: Any = config.CACHE_DIR
    config.CACHE_DIR = str(Path(before or AppDirs(appname="numba", appauthor=False).user_cache_dir) / _state())
    try:
        return make(True)
    except RuntimeError:  # no folder to write to
        return make(False)
    finally:
        config.CACHE_DIR = before


@cache
def _state() -> str:
    """A digest of the sources of fields and numbers."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for room in ("field", "numbers"):
        for file in sorted((package / room).rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(package).as_posix()} {len(content)} ".encode() + content)
    return f"certflow-{digest.hexdigest()[:16]}"
