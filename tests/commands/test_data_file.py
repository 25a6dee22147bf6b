"""Files of data: what programs write is read, an index of the rows is no coordinate, the rest is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from certflow.commands.data_file import read_points

POINTS = [[1.5, 2.5], [1.7, 2.1], [1.1, 2.9]]
MISSING = "certflow: warning: "
LEFT_OUT = f"{MISSING}DATA column 1 is left out as an index of the rows: "

#: content of a file whose points are POINTS, and how the warning begins, if there is one
READ: dict[str, tuple[str | bytes, str]] = {
    "plain": ("1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "header": ("a,b\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "quoted": ('"a","b"\n"1.5","2.5"\r\n"1.7","2.1"\r\n1.1,"2.9"', ""),
    "blank-lines": ("\n\na,b\n1.5,2.5\n\n  \n1.7,2.1\n1.1,2.9\n\n", ""),
    "spaces": ("a, b\n 1.5, 2.5\n1.7 ,2.1\n1.1,\t2.9\n", ""),
    "numpy-header": ("# a,b\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "scientific": ("+1.5e0,25E-1\n.17e1,2.1\n11.e-1,2.9\n", ""),
    "byte-order-mark": ("\ufeffa,b\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "byte-order-mark-before-numbers": ("\ufeff1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "utf-16": ("größe,b\n1.5,2.5\n1.7,2.1\n1.1,2.9\n".encode("utf-16"), ""),
    "semicolons": ("a;b\n1.5;2.5\n1.7;2.1\n1.1;2.9\n", ""),
    "decimal-commas": ("a;b\n1,5;2,5\n1,7;2,1\n1,1;29,0e-1\n", ""),
    "tabs": ("a\tb\n1.5\t2.5\n1.7\t2.1\n1.1\t2.9\n", ""),
    "tabs-and-decimal-commas": ("1,5\t2,5\n1,7\t2,1\n1,1\t2,9\n", ""),
    "separator-at-the-end": ("a,b,\n1.5,2.5,\n1.7,2.1,\n1.1,2.9,\n", ""),
    "old-mac": ("a,b\r1.5,2.5\r1.7,2.1\r1.1,2.9\r", ""),
    "pandas": (",a,b\n0,1.5,2.5\n1,1.7,2.1\n2,1.1,2.9\n", f"{LEFT_OUT}it has no name"),
    "pandas-of-a-part": (",a,b\n17,1.5,2.5\n4,1.7,2.1\n260,1.1,2.9\n", f"{LEFT_OUT}it has no name"),
    "pandas-of-dates": (",a,b\n2024-01-01,1.5,2.5\n2024-01-02,1.7,2.1\n2024-01-03,1.1,2.9\n", f"{LEFT_OUT}it has no"),
    "pandas-twice": ("Unnamed: 0,a,b\n0,1.5,2.5\n1,1.7,2.1\n2,1.1,2.9\n", f"{LEFT_OUT}it has no name"),
    "pandas-unnamed-columns": (",0,1\n0,1.5,2.5\n1,1.7,2.1\n2,1.1,2.9\n", f"{LEFT_OUT}it has no name"),
    "pandas-numbered-columns": ("0,1\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", "certflow: warning: DATA line 1: 0, 1 is taken"),
    "pandas-semicolons": (";a;b\n0;1,5;2,5\n1;1,7;2,1\n2;1,1;2,9\n", f"{LEFT_OUT}it has no name"),
    "r": ('"","a","b"\n"1",1.5,2.5\n"2",1.7,2.1\n"3",1.1,2.9\n', f"{LEFT_OUT}it has no name"),
    "r-row-names": ("a\tb\nx1\t1.5\t2.5\nx2\t1.7\t2.1\nx3\t1.1\t2.9\n", f"{LEFT_OUT}it has no name"),
    "index": ("index,a,b\n0,1.5,2.5\n1,1.7,2.1\n2,1.1,2.9\n", f"{LEFT_OUT}it counts the rows"),
    "id-from-one": ("ID,a,b\n1,1.5,2.5\n2,1.7,2.1\n3,1.1,2.9\n", f"{LEFT_OUT}it counts the rows"),
    "spaces-alone": ("1.5 2.5\n1.7 2.1\n1.1 2.9\n", ""),
    "spaces-in-columns": ("   a     b\n  1.5   2.5\n  1.7   2.1\n  1.1   2.9  \n", ""),
    "savetxt": ("# made on Monday\n# a b\n1.5 2.5\n1.7 2.1\n# half\n1.1 2.9\n", ""),
    "spaces-and-decimal-commas": ("1,5 2,5\n1,7 2,1\n1,1 2,9\n", ""),
    "quoted-decimal-commas": ('"1,5","2,5"\n"1,7","2,1"\n"1,1","2,9"\n', ""),
    "comments": ("# made by, a program\na,b\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", ""),
    "missing": (
        "a,b\n1.5,2.5\n1.7,2.1\nNA,0\n1.1,2.9\n",
        f"{MISSING}1 of 4 rows have a missing entry and are left out",
    ),
    "missing-in-words": ("a;b\n?;1\n1,5;2,5\n1,7;2,1\n1,1;2,9\n0;#N/A\n;\n", f"{MISSING}3 of 6 rows"),
    "missing-first": ("nan,nan\n1.5,2.5\n1.7,2.1\n1.1,2.9\n", f"{MISSING}1 of 4 rows"),
    "species": (
        "a,b,species\n1.5,2.5,setosa\n1.7,2.1,setosa\n1.1,2.9,virginica\n",
        f"{MISSING}DATA column 3 (species) is left out: it holds no numbers (setosa, virginica)",
    ),
    "species-without-names": (
        "1.5,2.5,x y\n1.7,2.1,z\n1.1,2.9,?\n",
        f"{MISSING}DATA column 3 is left out: it holds no",
    ),
    "dates": ("day;a;b\n2024-01-01;1,5;2,5\n2024-01-02;1,7;2,1\n2024-01-03;1,1;2,9\n", f"{MISSING}DATA column 1 (day)"),
    "nothing": (
        "a,b,c\n1.5,2.5,\n1.7,2.1,NA\n1.1,2.9,\n",
        f"{MISSING}DATA column 3 (c) is left out: it holds no numbers",
    ),
    "classes": (
        "target,a,b\n1,1.5,2.5\n0,1.7,2.1\n0,1.1,2.9\n",
        f"{MISSING}DATA column 1 (target) is left out: it seems",
    ),
    "no-header": ("0,1.5,2.5\n1,1.7,2.1\n2,1.1,2.9\n", f"{LEFT_OUT}it counts the rows"),
}


@pytest.mark.parametrize("case", READ)
def test_files_that_programs_write(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, warning = READ[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    np.testing.assert_array_equal(read_points(str(path)), POINTS)
    said = capsys.readouterr().err
    assert said.startswith(warning)
    assert said.count("\n") == (1 if warning else 0)


#: content, the points: what looks like an index and is none
KEPT: dict[str, tuple[str, Any]] = {
    "named": ("t,a\n0,1.5\n1,1.7\n2,1.1\n", [[0, 1.5], [1, 1.7], [2, 1.1]]),
    "not-in-order": ("index,a\n2,1.5\n7,1.7\n3,1.1\n", [[2, 1.5], [7, 1.7], [3, 1.1]]),
    "only-column": ("0\n1\n2\n", [[0], [1], [2]]),
    "only-column-with-a-name": ("index\n0\n1\n2\n", [[0], [1], [2]]),
    "two-points": ("0,1.5\n1,1.7\n", [[0, 1.5], [1, 1.7]]),
    "whole-numbers": ("0,1\n3,5\n2,2\n", [[0, 1], [3, 5], [2, 2]]),
    "decimals": ("0.0,1.5\n1.0,1.7\n2.0,1.1\n", [[0, 1.5], [1, 1.7], [2, 1.1]]),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_no_index_is_kept(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, points = KEPT[case]
    path = tmp_path / "data.csv"
    path.write_text(content)
    np.testing.assert_array_equal(read_points(str(path)), points)
    assert capsys.readouterr().err == ""


#: file name, content, what the line must contain: field and value, requirement
REFUSED: dict[str, tuple[str, str | bytes, str, str]] = {
    "a-missing-entry": ("d.csv", ",a\n0,1\n1,\n", "DATA line 3, column 2: got ''", "none may be missing"),
    "a-text": ("d.csv", "a,b\n1,2\nx,4\n", "DATA line 3, column 1: got 'x'", "a number"),
    "after-blank-lines": ("d.csv", "a,b\n\n\n1,2\n\nx,4\n", "DATA line 6, column 1", "a number"),
    "underscores": ("d.csv", "1_0,2\n3,4\n", "DATA line 1, column 1: got '1_0'", "a number"),
    "thousands": ("d.csv", '"1,500","2,500"\n"1,700","2,100"\n', "DATA line 2, column 1: got '1,700'", "a number"),
    "mostly-missing": (
        "d.csv",
        "a,b\n1,2\n,3\n,4\n5,6\n,\n",
        "DATA line 3, column 1: got ''",
        "3 of 5 rows have a missing",
    ),
    "text-alone": ("d.csv", "a,b\nx,y\nz,w\n", "DATA line 2, column 1: got 'x'", "a number"),
    "comma-and-point": ("d.csv", "1.5;2,5\n1.7;2,1\n", "DATA line 1, column 2: got '2,5'", "a number"),
    "other-numbers-of-words": ("d.csv", "1.5 2.5\n1.7\n", "DATA line 2: got '1 entries'", "2 numbers"),
    "names-of-other-columns": ("d.csv", "a,b,c,d\n1,2\n3,4\n", "DATA line 1: got '4 names'", "one for each column"),
    "more-entries": ("d.csv", "a,b\n1,2\n3,4,5\n", "DATA line 3: got '3 entries'", "2 numbers"),
    "infinite": ("d.csv", "a,b\n1,2\n3,-inf\n", "DATA row 2, column 2: got -inf", "a finite number"),
    "beyond-float": ("d.csv", "a,b\n1,2\n3,1e999\n", "DATA row 2, column 2: got inf", "a finite number"),
    "zero-bytes": ("d.csv", b"1,2\n3,\0004\n", "DATA", "text in UTF-8"),
    "utf-16-without-mark": ("d.csv", "1,2\n3,4\n".encode("utf-16-le"), "DATA", "text in UTF-8"),
    "latin-1": ("d.csv", "größe\n1\n2\n".encode("latin-1"), "DATA", "text in UTF-8"),
    "half-a-utf-16": ("d.csv", b"\xff\xfe1", "DATA", "text in UTF-8"),
    "one-point": ("d.csv", "a,b\n1,2\n", "DATA", "at least two points"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused_in_one_line(case: str, tmp_path: Path, command: Callable[..., Any]) -> None:
    name, content, field, requirement = REFUSED[case]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = command("mixtures", "fit", tmp_path / name, "--components", 1)
    assert (ended.code, ended.out) == (2, "")
    line = ended.err.splitlines()[-1]
    assert line.startswith(f"certflow: {field}")
    assert requirement in line.split("required: ")[1]
    assert all(said.startswith("certflow: warning: ") for said in ended.err.splitlines()[:-1])


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(POINTS),
        np.array(POINTS, dtype=">f8"),
        np.array(POINTS, dtype=np.longdouble),
        np.array(POINTS)[::-1][::-1],
    ],
    ids=["fortran", "big-endian", "long-double", "strided"],
)
def test_arrays_of_every_layout(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", array)
    found = read_points(str(tmp_path / "data.npy"))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, POINTS)


def test_a_flat_array_is_one_column(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", np.arange(4, dtype=np.int32))
    np.testing.assert_array_equal(read_points(str(tmp_path / "data.npy")), [[0.0], [1.0], [2.0], [3.0]])


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, "a"], [2, "b"]], dtype=object),
        np.array([["1", "2"], ["3", "4"]]),
        np.array([[1j, 2], [3, 4]]),
        np.array([[True, False], [True, True]]),
        np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
        np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]),
        np.array(3.0),
        np.zeros((0, 2)),
        np.zeros((2, 2, 2)),
    ],
    ids=["object", "text", "complex", "bool", "date", "record", "scalar", "empty", "cube"],
)
def test_other_arrays_are_refused_in_one_line(array: Any, tmp_path: Path, command: Callable[..., Any]) -> None:
    np.save(tmp_path / "data.npy", array, allow_pickle=True)
    ended = command("mixtures", "fit", tmp_path / "data.npy", "--components", 1)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("certflow: DATA: got ")
    assert ended.err.count("\n") == 1


def test_an_archive_under_the_name_of_an_array_is_refused(tmp_path: Path, command: Callable[..., Any]) -> None:
    with open(tmp_path / "data.npy", "wb") as stream:
        np.savez(stream, a=np.zeros(3))
    ended = command("mixtures", "fit", tmp_path / "data.npy", "--components", 1)
    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_a_directory_is_refused(tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "data.csv").mkdir()
    ended = command("mixtures", "fit", tmp_path / "data.csv", "--components", 1)
    assert ended.code == 2
    assert "a readable file" in ended.err


@pytest.mark.parametrize("suffix", ["tsv", "txt", "TXT"])
def test_the_name_of_a_text_says_nothing_of_its_separator(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{suffix}"
    path.write_text("1.5\t2.5\n1.7\t2.1\n1.1\t2.9\n")
    np.testing.assert_array_equal(read_points(str(path)), POINTS)


def test_an_archive_has_one_array_or_one_with_a_name(tmp_path: Path, command: Callable[..., Any]) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, anything=POINTS)
    np.testing.assert_array_equal(read_points(str(path)), POINTS)
    np.savez(path, X=POINTS, y=np.arange(3))
    np.testing.assert_array_equal(read_points(str(path)), POINTS)
    for arrays in ({"a": POINTS, "b": POINTS}, {"weights": [1.0], "means": [[0.0]], "covariances": [1.0]}):
        np.savez(path, **arrays)
        ended = command("mixtures", "fit", path, "--components", 1)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert ended.err.startswith("certflow: DATA: got ")


def test_rows_of_an_array_with_nan_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "data.npy", np.array([*POINTS, [np.nan, 1.0]]))
    np.testing.assert_array_equal(read_points(str(tmp_path / "data.npy")), POINTS)
    assert (
        "1 of 4 rows have a missing entry and are left out, the first at DATA row 4, column 1"
        in capsys.readouterr().err
    )
