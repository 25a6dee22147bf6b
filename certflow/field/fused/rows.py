"""Many points at one time: whether the compiled formulas are worth it, and their rows shared among threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType

import numpy as np

from certflow.field.components import components_at
from certflow.field.fused.threads import thread_count
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Indices, Points
from certflow.numbers.floats import FLOATS

#: Operations of a call from which on the compiled formulas are taken: some milliseconds of NumPy's.
LARGE = 2**21

#: Those of a call that is shared among threads, and of a piece of it.
_SHARED, _PIECE = 2**23, 2**22

#: Dimension up to which matrices for each component, and Jacobians, are compiled: one tile.
_MATRIX = 64


def serves(mixture: GaussianMixture, quantity: str, count: int) -> bool:
    """Whether the compiled formulas are taken for so many points: Numba is there, and it is worth its start."""
    if _work(mixture, quantity) * count < LARGE:
        return False
    matrices = quantity == "jacobian" or mixture.kind == "full"
    return (not matrices or mixture.dimension <= _MATRIX) and _kernels() is not None


def _work(mixture: GaussianMixture, quantity: str) -> int:
    """Operations for a point, about."""
    d = mixture.dimension
    return mixture.n_components * ((d * d if quantity == "jacobian" or mixture.kind == "full" else d) + 8)


@cache
def _kernels() -> ModuleType | None:
    """The module of kernels, compiled by now; None where Numba is missing or does not suit NumPy."""
    try:
        from certflow.field.fused import prepared
    except ImportError:
        return None
    return prepared


def fused_rows(mixture: GaussianMixture, quantity: str, x: Points, t: Floats) -> tuple[Floats, Indices]:
    """Values at points (N, d) and one time, shape (1,), row by row; the rows whose error may be too large."""
    kernels = _kernels()
    assert kernels is not None
    prepared = kernels.prepared(mixture, components_at(mixture, FLOATS, t), quantity)
    d = mixture.dimension
    widths = {"responsibilities": (mixture.n_components,), "log_density": (), "jacobian": (d, d)}
    shape = widths.get(quantity, (d,))
    x, values = np.ascontiguousarray(x), np.empty((len(x), *shape))
    flat = values.reshape(len(x), -1)
    work = _work(mixture, quantity)
    rows = kernels.LANES * max(1, _PIECE // (work * kernels.LANES))

    def piece(start: int) -> Indices:
        part = slice(start, start + rows)
        with np.errstate(all="ignore"):
            return start + prepared.doubtful(x[part], flat[part])

    starts = range(0, len(x), rows)
    threads = min(thread_count(), len(starts)) if work * len(x) >= _SHARED else 1
    if threads == 1:
        found = [piece(start) for start in starts]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(piece, starts))
    return values, np.concatenate(found)
