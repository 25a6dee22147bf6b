"""Rows of data, to which noise is added, as a model is handed them: NumPy's float64, or tensors of a floating dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Indices
from certflow.numbers.exact import check_plain
from certflow.numbers.inputs import float_array, is_tensor


def data_rows(data: Any, shape: tuple[int, ...] | None = None) -> Any:
    """The rows, shape (n, ...): a tensor keeps its device and dtype, but whole numbers would cut the noise off.

    Raises
    ------
    InputError : what is no row, rows of another shape than that of one sample, NaN or infinite entries.
    """
    rows: Any = _of_tensor(data) if is_tensor(data) else float_array(data, "data")
    if rows.ndim < 2 or not len(rows):
        raise InputError("data", f"shape {tuple(rows.shape)}", "rows, shape (n, ...)")
    if shape is not None and tuple(rows.shape[1:]) != shape:
        required = f"rows of the model's samples, shape (n, {', '.join(map(str, shape))})"
        raise InputError("data", f"shape {tuple(rows.shape)}", required)
    finite: Any = rows.isfinite() if is_tensor(rows) else np.isfinite(rows)
    if not bool(finite.all()):
        raise InputError("data", float(rows[~finite][0]), "finite numbers")
    return rows


def drawn(rows: Any, count: int, rng: np.random.Generator) -> tuple[Indices, Floats]:
    """Places of `count` rows, drawn with replacement, and noise of their shape: the same for whoever asks the same."""
    chosen = rng.integers(len(rows), size=count)
    return chosen, rng.standard_normal((count, *rows.shape[1:]))


def plain(array: Any) -> Floats:
    """An array or a tensor as NumPy's float64."""
    result: Floats = array.detach().cpu().double().numpy() if is_tensor(array) else np.asarray(array, dtype=np.float64)
    return result


def scale_of(rows: Floats) -> float:
    """`sqrt(tr Cov(X_0) / d)` of the rows; 1 where all are the same."""
    return float(np.sqrt(rows.var(axis=0).mean())) or 1.0


def _of_tensor(data: Any) -> Any:
    import torch

    check_plain(data, "data")
    return data.detach() if data.is_floating_point() else data.detach().to(torch.get_default_dtype())
