"""Data to fit a mixture to: points in the rows of a `.npy`, `.npz`, `.csv`, `.tsv` or `.txt` file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from certflow.commands.data_text import read_columns
from certflow.commands.output import warn
from certflow.errors import InputError, did_you_mean
from certflow.numbers.arrays import Flags, Points

_TEXTS = (".csv", ".tsv", ".txt")
_SUFFIXES = (".npz", ".txt", ".tsv", ".npy", ".csv")
_NAMES = "a file name that ends in .npz, .txt, .tsv, .npy or .csv"
#: What arrays of points are called in archives of several.
_POINTS = ("data", "X", "x", "points", "arr_0")


def read_points(source: str) -> Points:
    """The points of a file, float64, shape (n, d) with finite entries.

    A text has columns separated by commas, semicolons, tabs or spaces, as `certflow.commands.data_text` tells. Rows
    with a missing number are left out while half of them, and two, remain; that is said. Raises `InputError` that names
    the line and column of what is no number or not finite, or of what is missing.
    """
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError("DATA", source, _NAMES + did_you_mean(suffix, _SUFFIXES))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("DATA", source, f"a readable file ({error.strerror})") from None
    if not content.strip():
        raise InputError("DATA", source, "a file that is not empty")
    if suffix in _TEXTS:
        columns = read_columns(content, source)
        points, places = columns.points, columns.places
    else:
        points, places = _from_archive(content, source) if suffix == ".npz" else _from_npy(content, source), None
    return _complete(_checked(points, source), places)


def _from_npy(content: bytes, source: str) -> Points:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # NumPy raises many kinds of error on foreign or truncated bytes
        raise InputError("DATA", source, "a .npy file with an array of numbers") from None
    return _numbers(array, source)


def _from_archive(content: bytes, source: str) -> Points:
    """The one array of an archive, or the one with a name that points have."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception:  # as above
        raise InputError("DATA", source, "an .npz file with an array of numbers") from None
    if {"weights", "means", "covariances"} <= set(arrays):
        raise InputError("DATA", f"{source}, a mixture file", "points to fit a mixture to")
    name = next(iter(arrays)) if len(arrays) == 1 else next((name for name in _POINTS if name in arrays), None)
    if name is None:
        raise InputError(
            "DATA", f"{source} with {', '.join(arrays) or 'no array'}", f"one array, or one named {_POINTS[0]}"
        )
    return _numbers(arrays[name], source)


def _numbers(array: Any, source: str) -> Points:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise InputError("DATA", f"{source} of dtype {getattr(array, 'dtype', '?')}", "real numbers")
    found: Points = array.astype(float)
    return found


def _checked(points: Points, source: str) -> Points:
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or points.size == 0:
        raise InputError("DATA", f"shape {points.shape}", "shape (n, d): one point in each row")
    wrong = np.argwhere(np.isinf(points))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(_place(row, column), float(points[row, column]), "a finite number")
    if len(points) < 2:
        raise InputError("DATA", f"{source} with one point", "at least two points")
    return points


def _complete(points: Points, places: dict[tuple[int, int], tuple[str, str]] | None) -> Points:
    """The rows in which no number is missing; how many others there were is said.

    places : of what is missing in a text, where and what stands there, by row and column
    """
    missing: Flags = np.isnan(points)
    gaps = missing.any(axis=1)
    left = int((~gaps).sum())
    if left == len(points):
        return points
    row, column = (int(number) for number in np.argwhere(missing)[0])
    told = f"{len(points) - left} of {len(points)} rows have a missing entry"
    where, what = (places or {}).get((row, column), (_place(row, column), "nan"))
    if left < 2 or 2 * left < len(points):
        kind = "a number" if what.lower() != "nan" else "a finite number"
        most = missing.mean(axis=0)
        remedy = f"; in column {int(most.argmax()) + 1} alone {int(missing.sum(axis=0).max())}"
        raise InputError(where, what, f"{kind} (none may be missing here: {told}{remedy if len(most) > 1 else ''})")
    warn(f"{told} and are left out, the first at {where}; {left} rows are fitted")
    return points[~gaps]


def _place(row: int, column: int) -> str:
    return f"DATA row {row + 1}, column {column + 1}"
