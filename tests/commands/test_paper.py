"""Figures and tables for a paper: size, face and text of the files that are written, read back; CSV, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from depth import night
from latexes import ends, tables, value

import certflow as cf
from certflow.report.svg import readable
from certflow.report.views import report_json

Command = Callable[..., Any]
INCHES = {"column": 3.35, "page": 6.9}
SVG = "{http://www.w3.org/2000/svg}"


def words(root: ElementTree.Element) -> list[str]:
    """The texts of an SVG, each on one line."""
    return [" ".join("".join(element.itertext()).split()) for element in root.iter(f"{SVG}text")]


def written(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_text(encoding="utf-8"))


def check_svg(path: Path, width: str) -> list[str]:
    """The size of the sheet, a white ground, serif letters of at least 5.5 points; returns the texts."""
    root = written(path)
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(72 * INCHES[width], abs=0.5)
    ground = next(element for element in root.iter(f"{SVG}path") if "fill: #" in element.get("style", ""))
    assert "fill: #ffffff" in ground.get("style")
    styles = [element.get("style", "") for element in root.iter() if "font-family" in element.get("style", "")]
    assert styles
    assert all(style.split("font-family: ")[1].split(";")[0].endswith(", serif") for style in styles)
    assert min(float(size) for style in styles for size in re.findall(r"font-size: ([0-9.]+)px", style)) >= 5.5
    return words(root)


def strokes(path: Path) -> list[str]:
    """The dash patterns of the coloured lines, which are those of curves."""
    found = [element.get("style", "") for element in written(path).iter(f"{SVG}path")]
    curves = [
        style for style in found if "fill: none" in style and re.search(r"stroke: #(9c3d22|1f4e79|2f6b3f)", style)
    ]
    return [(re.findall(r"stroke-dasharray: ([0-9.,]+)", style) or ["solid"])[0] for style in curves]


# -- figures ------------------------------------------------------------------------------------------------


def test_bound_against_truth_is_one_command(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "truth.svg"
    ended = command("bound", "two-modes", "--sharp", "--points", 2, "--plot", path, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["sharp"]["complete"]
    told = " | ".join(check_svg(path, "page"))
    for kind in ("bound for all x", "supremum, enclosed", "rate at 200 draws of Xt: largest", "median"):
        assert kind in told, told
    for symbol in ("L(t): bound for all x", "λ(t): bound", "L*(t): supremum", "λ*(t): supremum", "∫λ*: enclosed"):
        assert symbol in told, told
    assert len(set(strokes(path))) >= 4  # told apart in black and white


@pytest.mark.parametrize("name", ["two-variances", "anisotropic-pair"])
def test_one_column(name: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bound.svg"
    assert command("bound", name, "--points", 3, "--plot", path, "--width", "column").code == 0
    assert name in check_svg(path, "column")
    assert len(strokes(path)) > len(set(strokes(path))) - 1 >= 1


@pytest.mark.parametrize("width", ["column", *night("page")])
def test_a_pdf_has_its_letters_as_truetype(width: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bound.pdf"
    ended = command("bound", "two-modes", "--points", 2, "--plot", path, "--width", width)
    assert (ended.code, ended.err) == (0, "")
    content = path.read_bytes()
    box = [float(number) for number in re.search(rb"/MediaBox \[([^\]]*)\]", content)[1].split()]
    assert box[2] - box[0] == pytest.approx(72 * INCHES[width], abs=0.5)
    assert b"/FontFile2" in content  # a TrueType font, as it is
    assert b"/Type3" not in content
    assert set(re.findall(rb"/BaseFont /([A-Za-z0-9+-]+)", content))
    assert b"CreationDate" not in content
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    drawn = b"".join(zlib.decompress(one) for one in streams if one[:1] == b"x")
    assert b" Tf" in drawn  # letters are set, not drawn


@pytest.mark.parametrize("width", ["page", *night("column")])
def test_a_png_has_three_hundred_dots_an_inch(width: str, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bound.PNG"
    assert command("bound", "two-modes", "--points", 2, "--plot", path, "--width", width).code == 0
    content = path.read_bytes()
    assert struct.unpack(">I", content[16:20])[0] == int(300 * INCHES[width])
    dots = struct.unpack(">I", content[content.index(b"pHYs") + 4 :][:4])[0]
    assert dots * 0.0254 == pytest.approx(300, abs=0.1)


def test_a_name_that_no_face_of_ours_has_is_text_all_the_same(command: Command, tmp_path: Path) -> None:
    cf.GaussianMixture([1], [["0"]], "0.25", name="中文 $x$ &").save(tmp_path / "m.json")
    for suffix in ("svg", "pdf"):
        path = tmp_path / f"a.{suffix}"
        ended = command("bound", tmp_path / "m.json", "--points", 2, "--plot", path)
        assert (ended.code, ended.err) == (0, "")
    assert any("中文" in text and "$x$" in text for text in words(written(tmp_path / "a.svg")))


def test_letters_of_a_formula_are_words_at_their_places() -> None:
    """Matplotlib writes them sorted by style; here "ab  c d" with a second space, that none of the places is for."""
    spans = [
        ("0", "a", "i"),
        ("9", "d", "i"),
        ("2", "b", ""),
        ("4", " ", ""),
        ("5", " ", ""),
        ("6", "c", ""),
        ("8", " ", ""),
    ]
    body = "\n".join(
        f'<tspan x="{x}" y="1" style="font-family: \'S\'{style}">{text}</tspan>' for x, text, style in spans
    )
    root = ElementTree.fromstring(readable(f'<svg xmlns="{SVG[1:-1]}"><text>\n{body}</text></svg>'))
    assert [(span.get("x"), span.text) for span in root.iter(f"{SVG}tspan")] == [
        ("0", "a"),
        ("2 4 6 8", "b c "),
        ("9", "d"),
    ]
    assert words(root) == ["ab c d"]


# -- tables -------------------------------------------------------------------------------------------------


def fields(text: str) -> list[dict[str, str]]:
    """The rows of a CSV as RFC 4180 has it."""
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_bound_as_csv_json_and_latex(command: Command) -> None:
    line = ("bound", "line-3", "--sharp", "--points", 2, "--t-min", "3/10")
    told = json.loads(command(*line, "--format", "json").out)
    rows = fields(command(*line, "--format", "csv").out)
    assert [float(row["t"]) for row in rows] == [0.3, 3.0]
    names = {"L(t)": "lipschitz", "lambda(t)": "growth_rate", "int lambda": "stability_one_sided"}
    for row, mapping, sharp in zip(rows, told["rows"], told["sharp"]["rows"], strict=True):
        assert all(float(row[name]) == mapping[key] for name, key in names.items())
        for name, key in (("lambda*(t)", "growth_rate"), ("L*(t)", "lipschitz")):
            assert (row[f"{name} at least"], row[f"{name} at most"]) == (sharp[key]["lower"], sharp[key]["upper"])
    bounds, suprema = tables(command(*line, "--format", "latex").out)
    for cells, mapping in zip(bounds.rows, told["rows"], strict=True):
        for at, key in ((1, "lipschitz"), (2, "growth_rate"), (3, "stability_two_sided"), (4, "stability_one_sided")):
            assert (
                Fraction(mapping[key])
                <= value(cells[at])
                <= Fraction(mapping[key]) + abs(Fraction(mapping[key])) / 9999
            )
    for cells, sharp in zip(suprema.rows, told["sharp"]["rows"], strict=True):
        for at, key in ((1, "growth_rate"), (3, "lipschitz")):
            low, high = ends(cells[at])
            assert low <= Fraction(sharp[key]["lower"]) <= Fraction(sharp[key]["upper"]) <= high
    total = told["sharp"]["stability_one_sided"]
    low, high = ends("$" + re.search(r"\[[^\]]*\]", suprema.caption)[0] + "$")
    assert low <= Fraction(total["lower"]) <= Fraction(total["upper"]) <= high


def test_balls_as_csv_and_latex(command: Command) -> None:
    line = ("bound", "anisotropic-pair", "--points", 2)
    told = json.loads(command(*line, "--format", "json").out)["balls"]
    rows = fields(command(*line, "--format", "csv").out)
    assert [float(row["bound of |grad u| on |x| <= R"]) for row in rows] == [row["lipschitz_on_ball"] for row in told]
    (table,) = tables(command(*line, "--format", "latex").out)
    by_place = {(Fraction(row["t"]), row["radius"]): row for row in told}
    for t, radius, bound, outside in table.rows:
        row = by_place[value(t), float(value(radius))]
        assert value(bound) >= Fraction(row["lipschitz_on_ball"])
        assert value(outside) >= Fraction(row["outside_probability"])


@pytest.mark.parametrize("kind", ["stability-balanced", *night("typical", "entropic", "karras")])
def test_grid_as_csv_and_latex(kind: str, command: Command) -> None:
    line = ("grid", "two-modes", "--kind", kind, "--segments", 3)
    told = json.loads(command(*line, "--format", "json").out)["rows"]
    rows = fields(command(*line, "--format", "csv").out)
    assert [float(row["t"]) for row in rows] == [row["t"] for row in told]
    assert [float(row["sigma"]) for row in rows] == [row["sigma"] for row in told]
    assert rows[0]["int lambda"] == ""
    assert [float(row["int lambda"]) for row in rows[1:]] == [row["stability_one_sided"] for row in told[1:]]
    (table,) = tables(command(*line, "--format", "latex").out)
    times = [value(cells[1]) for cells in table.rows]
    assert all(later > earlier for later, earlier in pairwise(times))
    for cells, row in zip(table.rows[1:], told[1:], strict=True):
        assert value(cells[4]) >= Fraction(row["stability_one_sided"])


def test_times_as_they_are_written(command: Command) -> None:
    """Fractions and powers of ten as ends, a name full of what LaTeX reads as commands."""
    ended = command("bound", "two-modes", "--points", 2, "--t-min", "1e-2", "--t-max", "10/3", "--format", "latex")
    (table,) = tables(ended.out)
    assert [row[0] for row in table.rows] == ["$10^{-2}$", r"$\mathrm{10/3}$"]


def test_report_as_latex(command: Command, tmp_path: Path) -> None:
    mixture = cf.GaussianMixture([1], [["0"]], "1/4", name="50 % of a_b & {c}")
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text(report_json(cf.verify(mixture, ["G3", "L6"], digits=20)), encoding="utf-8")
    ended = command("report", out, "--latex")
    assert (ended.code, ended.err) == (0, "")
    found = tables(ended.out)
    assert [row[:1] + row[2:3] for one in found[1:-1] for row in one.rows] == [["G3", "holds"]]
    assert found[-1].rows[0][:2] == ["L6", "not applicable"]
    assert r"50 \% of a\_b \& \{c\}" in found[0].caption
    assert [path.name for path in out.iterdir()] == ["report.json"]


def test_a_report_that_is_not_there(command: Command, tmp_path: Path) -> None:
    ended = command("report", tmp_path, "--latex")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
