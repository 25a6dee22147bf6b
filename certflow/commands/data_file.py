"""Data to fit a mixture to: points in the rows of a `.npy` or `.csv` file."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

import numpy as np

from certflow.commands.output import warn
from certflow.errors import InputError
from certflow.numbers.arrays import Points

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
#: With a decimal point or a decimal comma.
_DECIMAL = re.compile(r"[+-]?([0-9]*[.,][0-9]+|[0-9]+[.,])([eE][+-]?[0-9]+)?")
#: What pandas and R write, or read, for the name of the rows' index.
_UNNAMED = ("", "Unnamed: 0")
_INDEX_NAMES = ("index", "id", "row", "row_id", "rownames", "no", "nr", "#")


def read_points(source: str) -> Points:
    """The points of a file, float64, shape (n, d) with finite entries.

    CSV: columns separated by commas, or by semicolons or tabs (then numbers may have a decimal comma); a first line
    without a number is a header. A first column that is an index of the rows is left out, with a warning. Raises
    `InputError` that names the line and column of what is missing, is no number or is not finite.
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


def _from_npy(content: bytes, source: str) -> Points:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # NumPy raises many kinds of error on foreign or truncated bytes
        raise InputError("DATA", source, "a .npy file with an array of numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise InputError("DATA", f"{source} of dtype {getattr(array, 'dtype', '?')}", "real numbers")
    return _checked(array.astype(float), source)


def _from_csv(content: bytes, source: str) -> Points:
    lines = _lines(content, source)
    header = _header([row for _, row in lines])
    names = lines.pop(0)[1] if header else []
    if not lines:
        raise InputError("DATA", source, "at least one line of numbers")
    width = len(lines[0][1])
    for number, row in lines:
        if len(row) != width:
            raise InputError(f"DATA line {number}", f"{len(row)} entries", f"{width} numbers, as in the lines before")
    if names and len(names) not in (width, width - 1):
        raise InputError("DATA line 1", f"{len(names)} names", f"{width}, one for each column")
    if len(names) == width - 1:  # R names no column of row names
        names = ["", *names]
    first = 1 if _holds_an_index(names, [row[0] for _, row in lines], width) else 0
    points = np.empty((len(lines), width - first))
    for index, (number, row) in enumerate(lines):
        for column, entry in enumerate(row[first:]):
            if not _NUMBER.fullmatch(entry):
                where = f"DATA line {number}, column {column + first + 1}"
                raise InputError(where, entry, "a number (none may be missing)")
            points[index, column] = float(entry)
    return _checked(points, source)


def _lines(content: bytes, source: str) -> list[tuple[int, list[str]]]:
    """Line numbers and entries of the lines that are not blank; numbers with a decimal point."""
    required = "text in UTF-8, its columns separated by commas, semicolons or tabs"
    try:
        text = content.decode("utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
        start = next((line for line in text.splitlines() if line.strip()), "")
        separator = next((sign for sign in ";\t" if sign in start), ",")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        lines = [(reader.line_num, [entry.strip() for entry in row]) for row in reader]
    except (UnicodeError, csv.Error):
        raise InputError("DATA", source, required) from None
    if "\0" in text:
        raise InputError("DATA", source, required)
    lines = [(number, row) for number, row in lines if row not in ([], [""])]
    if lines and all(len(row) > 1 and row[-1] == "" for _, row in lines):  # a separator at the end of each line
        lines = [(number, row[:-1]) for number, row in lines]
    if separator != "," and not any("." in entry for _, row in lines for entry in row if _DECIMAL.fullmatch(entry)):
        lines = [(number, [_with_point(entry) for entry in row]) for number, row in lines]
    return lines


def _with_point(entry: str) -> str:
    return entry.replace(",", ".") if _DECIMAL.fullmatch(entry) else entry


def _header(rows: list[list[str]]) -> bool:
    """Whether the first line names columns: it has no number, or has those of pandas for columns without names."""
    if not rows:
        return False
    first, others = rows[0], rows[1:]
    if not any(map(_NUMBER.fullmatch, first)):
        return True
    named = first[1:] if first[0] in _UNNAMED else first
    if named != [str(column) for column in range(len(named))]:
        return False
    if named is not first:
        return True
    whole = any(all(map(str.isdigit, row)) for row in others)  # then it may be a point among points
    if len(named) > 1 and others and not whole:
        warn(f"DATA line 1: {', '.join(named[:4])}{' ...' if len(named) > 4 else ''} is taken for names of columns")
        return True
    return False


def _holds_an_index(names: list[str], first: list[str], width: int) -> bool:
    """Whether the first column numbers or names the rows; then that is said."""
    if width == 1:
        return False
    numbers = [str(number) for number in range(len(first) + 1)]
    counted = len(first) > 2 and first in (numbers[:-1], numbers[1:])
    if names and names[0] in _UNNAMED:
        why, remedy = "it has no name", "a name in the first line"
    elif counted and (not names or names[0].lower() in _INDEX_NAMES):
        why, remedy = "it counts the rows", f"another name than {', '.join(sorted(_INDEX_NAMES))} in the first line"
    else:
        return False
    warn(f"DATA column 1 is left out as an index of the rows: {why} (to keep it, give it {remedy})")
    return True


def _checked(points: Points, source: str) -> Points:
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or points.size == 0:
        raise InputError("DATA", f"shape {points.shape}", "shape (n, d): one point in each row")
    wrong = np.argwhere(~np.isfinite(points))
    if len(wrong):
        row, column = wrong[0]
        where = f"DATA row {row + 1}, column {column + 1}"
        raise InputError(where, float(points[row, column]), "a finite number (none may be missing)")
    if len(points) < 2:
        raise InputError("DATA", f"{source} with one point", "at least two points")
    return points
