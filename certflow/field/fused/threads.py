"""How many threads: as many as NumPy's matrix products take."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


def thread_count() -> int:
    """The threads of BLAS: all cores, or what OMP_NUM_THREADS and its like or `threadpoolctl.threadpool_limits` say."""
    return min((pool.num_threads for pool in _pools()), default=os.cpu_count() or 1)


@cache
def _pools() -> list[Any]:
    """The BLAS libraries in memory, of NumPy and SciPy; to list them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found
