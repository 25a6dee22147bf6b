"""Many points at one time: whether the compiled formulas are worth it, and their rows shared among threads."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from certflow.field.components import components_at
from certflow.field.fused.threads import shared
from certflow.field.rounding.scale import scale_of
from certflow.law.kept import Recent
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Floats, Indices, Points, Times
from certflow.numbers.floats import FLOATS

#: Operations of a call from which on the compiled formulas are taken: some milliseconds of NumPy's.
LARGE = 2**21

#: Points from which on it is asked: one block (`LANES` of the kernels, which are not loaded here).
MANY = 64

#: The latest time: `m^2 = e^(-2t)` is far from the least float64 numbers, in which bounds would vanish.
LATEST = 300.0

#: Operations of a piece of work for a thread, of whole blocks of points: some hundred microseconds.
_PIECE = 2**20

#: Dimension up to which matrices for each component, and Jacobians, are compiled: one tile.
_MATRIX = 64


#: Numbers in the buffers of a thread: logits of one block, and the vectors of each component where it has a matrix.
_BUFFER = 2**22


def serves(mixture: GaussianMixture, quantity: str, count: int, t: float) -> bool:
    """Whether the compiled formulas are taken for so many points at `t`: Numba is there, and worth loading."""
    if _work(mixture, quantity) * count < LARGE or t > LATEST or mixture.kept[scale_of].extreme:
        return False
    matrices = quantity == "jacobian" or mixture.kind == "full"
    buffer = MANY * mixture.n_components * (mixture.dimension if matrices else 1)
    return buffer <= _BUFFER and (not matrices or mixture.dimension <= _MATRIX) and _is_there()


def _work(mixture: GaussianMixture, quantity: str) -> int:
    """Operations for a point, about."""
    d = mixture.dimension
    return mixture.n_components * ((d * d if quantity == "jacobian" or mixture.kind == "full" else d) + 8)


@cache
def _is_there() -> bool:
    """Whether Numba is installed and suits this NumPy and Python."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def fused_rows(mixture: GaussianMixture, quantity: str, x: Points, t: Times) -> tuple[Floats, Indices]:
    """Values at points (N, d) and one time, shape (1,), row by row; the rows that are in doubt."""
    count, d, formulas = len(x), mixture.dimension, _formulas(mixture, quantity, t)
    shapes = {"responsibilities": (mixture.n_components,), "log_density": (), "jacobian": (d, d)}
    values, doubts = np.empty((count, *shapes.get(quantity, (d,)))), np.empty(count, dtype=bool)
    x, flat = np.ascontiguousarray(x), values.reshape(count, -1)
    rows = MANY * max(1, _PIECE // (_work(mixture, quantity) * MANY))
    repaired = _is_repaired(mixture, quantity)

    def piece(start: int) -> None:
        part = slice(start, start + rows)
        formulas.fill(x[part], flat[part], doubts[part])
        if repaired and len(index := doubts[part].nonzero()[0]):
            formulas.repair_for(mixture, quantity, t)(x[part], index, flat[part], doubts[part])

    shared(piece, range(0, count, rows))
    return values, doubts.nonzero()[0]


def _is_repaired(mixture: GaussianMixture, quantity: str) -> bool:
    """Whether rows in doubt are computed again here, and not by the guard."""
    return mixture.kind.endswith("isotropic") and quantity in ("score", "velocity")


class _Formulas:
    """The compiled formulas of a quantity at one time; that of a repair is made when there is a row in doubt."""

    def __init__(self, mixture: GaussianMixture, quantity: str, t: Times):
        from certflow.field.fused.prepared import prepared

        self.fill = prepared(mixture, components_at(mixture, FLOATS, t), quantity)
        self._repair: Any = None

    def repair_for(self, mixture: GaussianMixture, quantity: str, t: Times) -> Any:
        """The formula of the same mixture, which is not held here: it would never be let go."""
        if self._repair is None:
            from certflow.field.fused.repair import repair_of

            self._repair = repair_of(mixture, quantity, t)
        return self._repair


def _formulas(mixture: GaussianMixture, quantity: str, t: Times) -> _Formulas:
    """Kept for the next call at the same time."""
    kept: Recent[_Formulas] = mixture.kept[_last, quantity]
    time = float(t[0])
    return kept.get(time) or kept.keep(time, _Formulas(mixture, quantity, t))


def _last(mixture: GaussianMixture, quantity: str) -> Recent[_Formulas]:
    return Recent(1)
