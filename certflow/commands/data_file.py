"""Data to fit a mixture to: points in the rows of a `.npy` or `.csv` file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from certflow.errors import InputError


def read_points(source: str) -> np.ndarray:
    """The points of a file, float64, shape (n, d) with finite entries.

    CSV: comma-separated; a first line without a number is a header. Raises `InputError` that names the line
    and column of what is missing, is no number or is not finite.
    """
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".csv"):
        raise InputError("DATA", source, "a file name that ends in .npy or .csv")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("DATA", source, f"a readable file ({error.strerror})") from None
    if not content.strip():
        raise InputError("DATA", source, "a file that is not empty")
    return _from_npy(content, source) if suffix == ".npy" else _from_csv(content, source)


def _from_npy(content: bytes, source: str) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # NumPy raises many kinds of error on foreign or truncated bytes
        raise InputError("DATA", source, "a .npy file with an array of numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise InputError("DATA", f"{source} of dtype {getattr(array, 'dtype', '?')}", "real numbers")
    return _checked(array.astype(float), source)


def _from_csv(content: bytes, source: str) -> np.ndarray:
    try:
        text = content.decode("utf-8-sig")
        lines = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    except (UnicodeDecodeError, csv.Error):
        raise InputError("DATA", source, "comma-separated text in UTF-8") from None
    if lines and not any(map(_is_number, lines[0][1])):
        lines = lines[1:]
    if not lines:
        raise InputError("DATA", source, "at least one line of numbers")
    width = len(lines[0][1])
    points = np.empty((len(lines), width))
    for index, (number, row) in enumerate(lines):
        if len(row) != width:
            raise InputError(f"DATA line {number}", f"{len(row)} entries", f"{width} numbers, as in the lines before")
        for column, entry in enumerate(row):
            if not _is_number(entry):
                raise InputError(f"DATA line {number}, column {column + 1}", entry, "a number (none may be missing)")
            points[index, column] = float(entry)
    return _checked(points, source)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _checked(points: np.ndarray, source: str) -> np.ndarray:
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or points.size == 0:
        raise InputError("DATA", f"shape {points.shape}", "shape (n, d): one point in each row")
    wrong = np.argwhere(~np.isfinite(points))
    if len(wrong):
        row, column = wrong[0]
        where = f"DATA row {row + 1}, column {column + 1}"
        raise InputError(where, points[row, column], "a finite number (none may be missing)")
    if len(points) < 2:
        raise InputError("DATA", f"{source} with one point", "at least two points")
    return points
