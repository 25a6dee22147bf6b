"""Columns of numbers in a text as people have them: `.csv`, `.tsv`, `.txt`.

The separator is a semicolon or a tab where the first line has one, spaces where numbers stand apart by spaces alone,
else a comma. Numbers may have a decimal comma where that is unambiguous: no number of the file has a point, and commas
separate no columns, or stand within quotes before other than three digits each. A first line without a number is a
header; lines before it that begin with `#` are comments. Left out, with a warning: a first column that is an index of
the rows, columns of text, and columns of whole numbers under a name that says that they are classes.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

import numpy as np

from certflow.commands.output import warn
from certflow.errors import InputError
from certflow.numbers.arrays import Points

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)", re.IGNORECASE)
#: With a decimal point or a decimal comma.
_DECIMAL = re.compile(r"[+-]?([0-9]*[.,][0-9]+|[0-9]+[.,])([eE][+-]?[0-9]+)?")
#: Of which a comma may also part the thousands.
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")
#: What stands for a number that nobody has, in lower case.
_MISSING = ("", "na", "n/a", "#n/a", "nan", "+nan", "-nan", "null", "none", "?", "-", ".")
#: What pandas and R write, or read, for the name of the rows' index.
_UNNAMED = ("", "Unnamed: 0")
_INDEX_NAMES = ("index", "id", "row", "row_id", "rownames", "no", "nr", "#")
#: Names of columns that number classes, where there are at most so many of them.
_CLASS_NAMES = ("class", "cluster", "label", "labels", "species", "target")
_MOST_CLASSES = 50
_REQUIRED = "text in UTF-8, its columns separated by commas, semicolons, tabs or spaces"

_Lines = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class Columns:
    """points : NaN where a number is missing; places : of those, by row and column, where and what stands there."""

    points: Points
    places: dict[tuple[int, int], tuple[str, str]]


def read_columns(content: bytes, source: str) -> Columns:
    """The columns of numbers of a text. Raises `InputError` that names the line and column of what is no number."""
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
    rows = [row for _, row in lines]
    used = range(1 if _holds_an_index(names, [row[0] for row in rows], width) else 0, width)
    kept = [column for column in used if not _is_text(rows, column)]
    for column in used:
        if kept and column not in kept:
            found = list(dict.fromkeys(row[column] for row in rows if row[column].lower() not in _MISSING))
            shown = f"{', '.join(found[:3])}{', ...' if len(found) > 3 else ''}" if found else "nothing"
            _leave_out(names, column, f"it holds no numbers ({shown})")
    for column in [column for column in kept if _is_class(names, rows, column)]:
        if len(kept) > 1:
            kept.remove(column)
            _leave_out(names, column, "it seems to number classes (to keep it, give it another name)")
    return _numbers(lines, kept or list(used))


def _numbers(lines: _Lines, columns: list[int]) -> Columns:
    points = np.empty((len(lines), len(columns)))
    places: dict[tuple[int, int], tuple[str, str]] = {}
    for index, (number, row) in enumerate(lines):
        for place, column in enumerate(columns):
            entry, where = row[column], f"DATA line {number}, column {column + 1}"
            if entry.lower() in _MISSING:
                points[index, place] = np.nan
                told = f"DATA row {index + 1}, column {column + 1}" if entry.lower() == "nan" else where
                places[index, place] = (told, entry)
            elif _NUMBER.fullmatch(entry):
                points[index, place] = float(entry)
            else:
                raise InputError(where, entry, "a number, or nothing where it is missing")
    return Columns(points, places)


def _lines(content: bytes, source: str) -> _Lines:
    """Line numbers and entries of the lines that are not blank; numbers with a decimal point."""
    try:
        text = content.decode("utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
        separator = _separator(text)
        stream = io.StringIO(text if separator != " " else _spaced(text), newline="")
        reader = csv.reader(stream, delimiter=separator, skipinitialspace=separator == " ")
        lines = [(reader.line_num, [entry.strip() for entry in row]) for row in reader]
    except (UnicodeError, csv.Error):
        raise InputError("DATA", source, _REQUIRED) from None
    if "\0" in text:
        raise InputError("DATA", source, _REQUIRED)
    lines = _without_comments([(number, row) for number, row in lines if row not in ([], [""])])
    if lines and all(len(row) > 1 and row[-1] == "" for _, row in lines):  # a separator at the end of each line
        lines = [(number, row[:-1]) for number, row in lines]
    if _has_decimal_commas([row for _, row in lines], separator):
        lines = [(number, [_with_point(entry) for entry in row]) for number, row in lines]
    return lines


def _separator(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return ","
    spaces = _by_spaces(lines[1:] or lines) or _by_spaces(lines[:1])
    return next((sign for sign in ";\t" if sign in lines[0]), " " if spaces else ",")


def _by_spaces(lines: list[str]) -> bool:
    """Whether all lines are as many words, with numbers among them; with commas, those of numbers and nothing else."""
    words = [line.split() for line in lines]
    if {len(row) for row in words} != {len(words[0])} or len(words[0]) == 1:
        return False
    if any("," in line for line in lines):
        return all(_is_number_like(word) and word[0] != "," != word[-1] for row in words for word in row)
    return any(map(_NUMBER.fullmatch, words[0]))


def _is_number_like(entry: str) -> bool:
    """Also one with a decimal comma."""
    return bool(_NUMBER.fullmatch(entry) or _DECIMAL.fullmatch(entry))


def _spaced(text: str) -> str:
    """Without spaces at the ends of lines, which separate nothing."""
    return "\n".join(line.strip() for line in text.splitlines())


def _without_comments(lines: _Lines) -> _Lines:
    """Without lines that begin with `#`, but for the last of those before the data where it names the columns."""
    first = next((i for i, (_, row) in enumerate(lines) if not _is_comment(row)), len(lines))
    data = [line for line in lines[first:] if not _is_comment(line[1])]
    if not first or not data:
        return data or lines
    number, last = lines[first - 1]
    width = len(data[0][1])
    if last[0] == "#":  # the name of a column, or a comment's sign and the first word
        names = last if len(last) == width else last[1:]
    else:
        names = [last[0].removeprefix("#").strip(), *last[1:]]
    named = len(names) == width and any(map(_NUMBER.fullmatch, data[0][1]))
    return [(number, names), *data] if named else data


def _is_comment(row: list[str]) -> bool:
    return row[0].startswith("#") and row[0].lower() not in _MISSING


def _has_decimal_commas(rows: list[list[str]], separator: str) -> bool:
    found = [entry for row in rows for entry in row if _DECIMAL.fullmatch(entry)]
    if not found or any("." in entry for entry in found):
        return False
    return separator != "," or not all(map(_THOUSANDS.fullmatch, found))


def _with_point(entry: str) -> str:
    return entry.replace(",", ".") if _DECIMAL.fullmatch(entry) else entry


def _header(rows: list[list[str]]) -> bool:
    """Whether the first line names columns: it has no number, or has those of pandas for columns without names."""
    if not rows:
        return False
    first, others = rows[0], rows[1:]
    if not any(map(_NUMBER.fullmatch, first)):
        return not others or not all(entry.lower() in _MISSING for entry in first)
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


def _is_text(rows: list[list[str]], column: int) -> bool:
    """No entry is a number: a text, dates, or nothing at all."""
    return not any(_is_number_like(row[column]) for row in rows)


def _is_class(names: list[str], rows: list[list[str]], column: int) -> bool:
    if not names or names[column].lower() not in _CLASS_NAMES:
        return False
    found = {row[column] for row in rows} - set(_MISSING)
    return len(found) <= _MOST_CLASSES and all(map(str.isdigit, found))


def _leave_out(names: list[str], column: int, why: str) -> None:
    name = f" ({names[column]})" if names and names[column] else ""
    warn(f"DATA column {column + 1}{name} is left out: {why}")
