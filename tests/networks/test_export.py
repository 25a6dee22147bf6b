"""Networks as files: JSON there and back exactly, ONNX by the evaluator of the package onnx."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from small import POINTS, TIMES, expected, network

from certflow.errors import InputError
from certflow.networks.export import load, save, to_onnx

RIGHT = np.array([expected(*point, time) for point, time in zip(POINTS, TIMES, strict=True)], dtype=float)


def test_json_there_and_back(tmp_path: Path) -> None:
    made = network()
    made.outputs[0].weights[0] = fmpq(10**80 + 1, 3**100)  # what no float64 holds
    assert load(save(made, tmp_path / "network.json")) == made


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("float64", 1e-15), ("float32", 1e-6)])
def test_onnx(arithmetic: str, tolerance: float, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    path = save(network(), tmp_path / "network.onnx", arithmetic)
    evaluator = reference.ReferenceEvaluator(onnx.load(path))
    inputs = {"x": np.array(POINTS, dtype=arithmetic), "t": np.array(TIMES, dtype=arithmetic)}
    (found,) = evaluator.run(None, inputs)
    assert found.dtype == arithmetic
    np.testing.assert_allclose(found, RIGHT, rtol=tolerance)


def test_onnx_has_affine_maps_relu_and_squares_alone() -> None:
    pytest.importorskip("onnx")
    model = to_onnx(network())
    assert {node.op_type for node in model.graph.node} == {"Unsqueeze", "Concat", "Gemm", "Relu", "Split", "Mul"}
    for node in model.graph.node:
        if node.op_type == "Mul":
            assert node.input[0] == node.input[1]


def test_without_onnx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"onnx: got 'not installed'; required: pip install 'certflow\[onnx\]'"):
        save(network(), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path: .*required: a file name that ends in \.json or \.onnx"):
        save(network(), tmp_path / "network.txt")
    with pytest.raises(InputError, match=r"path: .*a readable file"):
        load(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("[1,", encoding="utf-8")
    with pytest.raises(InputError, match=r"path: .*a JSON file of a network"):
        load(tmp_path / "broken.json")
    (tmp_path / "other.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(InputError, match=r"network: .*an object with the keys inputs, layers, outputs"):
        load(tmp_path / "other.json")
