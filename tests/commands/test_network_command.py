"""`certflow network` through the real command line: its figures, its files, its refusals."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from depth import night
from latexes import tables, value

import certflow as cf
from certflow.commands import network_table as home
from certflow.networks.arithmetic import ExactNetwork
from certflow.networks.export import load

Command = Callable[..., Any]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """One component, whose network is built in a moment."""
    path = tmp_path / "one.json"
    cf.GaussianMixture([1], [["0.5", "-1"]], "0.25", name="one").save(path)
    return path


def test_the_table_and_its_files(command: Command, tmp_path: Path) -> None:
    sizes, layers, made = tmp_path / "sizes.svg", tmp_path / "new" / "layers.svg", tmp_path / "network.json"
    files = ("--plot", sizes, "--drawing", layers, "--export", made)
    ended = command("network", "two-modes", "--eps", "0.3,0.1,1/100", "--samples", 40, "--format", "json", *files)
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert (told["schema"], told["mixture"], told["t_min"], told["p_norm"]) == (
        "certflow/networks/1",
        "two-modes",
        "0.01",
        2,
    )
    assert [row["eps"] for row in told["rows"]] == ["0.3", "0.1", "1/100"]
    for row, eps in zip(told["rows"], (0.3, 0.1, 0.01), strict=True):
        assert 0 < row["measured"] <= row["proved"] <= eps
        assert row["ratio"] == pytest.approx(row["proved"] / row["measured"])
        assert math.fsum(row["parts"].values()) == pytest.approx(row["proved"])
        assert (row["depth"], row["width"], row["neurons"]) == (
            len(row["widths"]),
            max(row["widths"]),
            sum(row["widths"]),
        )
        assert 0 < row["share"] <= 1
        assert row["floor"] <= row["depth"]
        assert (row["arithmetic"], row["samples"]) == ("float64", 40)
        assert 0 < row["uncertainty"] < row["measured"]
    assert told["rate"]["allowance"] > 0
    exported = load(made)
    last = told["rows"][-1]
    assert (exported.depth, exported.parameters_count) == (last["depth"], last["weights"])
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    x = p.mixture.sample(50, seed=3)
    off = np.linalg.norm(ExactNetwork(exported)(x, 0.02) - p.score(x, 0.02), axis=1)
    assert (off <= last["everywhere"][0] + last["everywhere"][1] * np.linalg.norm(x, axis=1)).all()
    for path in (sizes, layers):
        assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
    assert layers.read_text(encoding="utf-8").count("PathCollection") >= 6  # marks of one purpose and kind together


def test_text(command: Command, one: Path) -> None:
    ended = command("network", one, "--eps", "1e-2,1e-12", "--samples", 2)
    assert (ended.code, ended.err) == (0, "")
    assert "one: 1 component in R^2, common-isotropic covariance, 0.01 ≤ t ≤ 3" in ended.out
    rows = [line.split() for line in ended.out.splitlines() if line.startswith((" 1e-2", "1e-12"))]
    (first, second), parts = rows[:2], rows[2:]
    assert (first[0], second[0], first[-1], len(first)) == ("1e-2", "1e-12", "–", 13)
    assert [len(row) for row in parts] == [2, 2]  # of one component the linear part alone
    assert float(second[5]) <= 1e-12
    assert "2 in float64, 2 in Arb" in ended.out
    assert "Rate" not in ended.out


def test_other_covariances(command: Command, tmp_path: Path) -> None:
    """Their bound for every `x` is a cubic; they have no floor and no certificate."""
    ended = command("network", "two-variances", "--eps", "0.3", "--samples", 40, "--format", "csv")
    (row,) = list(csv.DictReader(io.StringIO(ended.out)))
    assert list(row)[-5:] == ["A", "B", "C", "D", "floor"]
    assert float(row["measured"]) <= float(row["proved"]) <= 0.3
    assert row["floor"] == ""
    ended = command("network", "two-variances", "--certificate", tmp_path)
    assert ended.code == 2
    assert (
        ended.err
        == "certflow: --certificate: got 'isotropic covariance'; required: a mixture of one isotropic variance\n"
    )


def test_certificates(command: Command, one: Path, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    ended = command("network", one, "--eps", "1/100,1e-3", "--samples", 2, "--certificate", folder)
    paths = [folder / "A6-1-over-100.json", folder / "A6-1e-3.json"]
    assert (ended.code, ended.err) == (0, "")
    assert f"Written: {paths[0]}, {paths[1]}" in ended.out
    assert command("check", *paths).code == 0
    text = paths[1].read_text(encoding="utf-8")
    bound = json.loads(text)["assertion"]["l2_error"]
    assert float(bound) <= 1e-3
    paths[1].write_text(text.replace(f'"{bound}"', f'"{float(bound) * 0.9:.4g}"'), encoding="utf-8")
    assert command("check", paths[1]).code == 1


def test_csv_and_latex(command: Command, one: Path) -> None:
    read = csv.DictReader(
        io.StringIO(command("network", one, "--eps", "1e-3", "--samples", 400, "--format", "csv").out)
    )
    (row,) = list(read)
    assert row["eps"] == "1e-3"
    assert 0 < float(row["proved"]) <= 1e-3
    assert float(row["measured"]) == pytest.approx(float(row["proved"]), rel=0.3)  # of one component the bound is exact
    (table,) = tables(command("network", one, "--eps", "1e-3", "--samples", 400, "--format", "latex").out)
    assert table.label == "tab:networks-one"
    assert len(table.head) == 11
    ((eps, *_, proved, _, _, a, _, floor),) = table.rows
    assert (eps, floor) == ("$10^{-3}$", "--")
    assert Fraction(row["proved"]) <= value(proved) <= Fraction("0.001")
    assert Fraction(row["A"]) <= value(a)


@pytest.mark.parametrize("suffix", ["png", *night("pdf")])
def test_pictures(suffix: str, command: Command, one: Path, tmp_path: Path) -> None:
    starts = {"pdf": b"%PDF", "png": b"\x89PNG\r\n"}
    sizes, layers = tmp_path / f"sizes.{suffix}", tmp_path / f"layers.{suffix}"
    ended = command("network", one, "--eps", "1e-2", "--samples", 2, "--plot", sizes, "--drawing", layers)
    assert f"Written: {sizes}, {layers}" in ended.out
    for path in (sizes, layers):
        assert path.read_bytes().startswith(starts[suffix])


def test_other_norms(command: Command, one: Path) -> None:
    rows = {
        norm: json.loads(
            command("network", one, "--eps", "1e-2", "--p-norm", norm, "--samples", 200, "--format", "json").out
        )["rows"][0]
        for norm in ("1", "4")
    }
    for row in rows.values():
        assert row["measured"] <= row["proved"] <= 1e-2
    ended = command("network", one, "--p-norm", "inf")
    assert ended.code == 2
    assert "--p-norm: got inf" in ended.err


def test_a_draw_that_refutes_a_bound(command: Command, one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = home.measured
    monkeypatch.setattr(home, "measured", lambda *given, **named: replace(right(*given, **named), share=1.5))
    ended = command("network", one, "--eps", "1e-2", "--samples", 2)
    assert ended.code == 1
    assert "Violated: a draw is further off than the bound for every x" in ended.out


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--eps", "1e-3,x"), "--eps: got 'x'; required: a finite number"),
        (("--eps", "1e-6,1e-3"), "--eps: got '1e-6,1e-3'; required: up to 40 falling numbers in (0, 1]"),
        (("--eps", "1e-3,1e-3"), "--eps: got '1e-3,1e-3'; required: up to 40 falling numbers"),
        (("--eps", "0"), "--eps: got '0'"),
        (("--eps", "2"), "--eps: got '2'"),
        (("--eps", ""), "--eps: got ''"),
        (("--eps", ",".join(f"1e-{i}" for i in range(1, 42))), "--eps: got '41 numbers'; required: up to 40"),
        (("--eps", "1e-250"), "--eps: got '1e-250'; required: an error of at least 1e-200"),
        (("--p-norm", "0.5"), "--p-norm: got '0.5'; required: a number from 1 to 1000, or inf"),
        (("--p-norm", "x"), "--p-norm: got 'x'"),
        (("--samples", "0"), "--samples: got '0'; required: an integer from 1"),
        (("--seed", "-1"), "--seed: got '-1'"),
        (("--format", "xml"), "--format: got 'xml'; required: one of text, csv, latex, json"),
        (("--plot", "plot.gif"), "--plot: got 'plot.gif'; required: a file name that ends in .svg, .pdf or .png"),
        (("--drawing", "x"), "--drawing: got 'x'"),
        (("--export", "net.txt"), "--export: got 'net.txt'; required: a file name that ends in .json or .onnx"),
        (("--t-min", "3"), "--t-max: got '3'; required: a time > t_min = 3"),
    ],
)
def test_bad_input(options: tuple[str, ...], line: str, command: Command) -> None:
    ended = command("network", "two-modes", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"certflow: {line}")
    assert ended.err.count("\n") == 1


def test_export_without_onnx(command: Command, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    ended = command("network", one, "--export", tmp_path / "network.onnx")
    assert (ended.code, ended.err) == (
        2,
        "certflow: onnx: got 'not installed'; required: pip install 'certflow[onnx]'\n",
    )
