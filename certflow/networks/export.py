"""A network as a file: plain JSON with exact weights, read back exactly, or ONNX in float64 or float32."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import certflow
from certflow.atomic import write_bytes_atomic, write_text_atomic
from certflow.errors import INSTALL_ONNX, InputError
from certflow.networks.exact_json import from_mapping, to_mapping
from certflow.networks.graph import Network
from certflow.networks.matrices import Affine, matrices
from certflow.numbers.inputs import file_path, one_of

#: Operators and file format that readers of 2023 and later have; Relu has float64 since operator set 14.
_OPERATORS, _FORMAT = 17, 8


def save(network: Network, path: str | os.PathLike[str], arithmetic: str = "float64") -> Path:
    """Write `path`, atomically, its suffix says what: `.json` with exact weights, `.onnx` with those of `arithmetic`.

    Raises
    ------
    InputError : another suffix, or an ONNX file without the package onnx.
    """
    target = file_path(path, "path", "a file name that ends in .json or .onnx")
    if target.suffix.lower() == ".json":
        return write_text_atomic(target, json.dumps(to_mapping(network), separators=(",", ":")) + "\n")
    if target.suffix.lower() == ".onnx":
        return write_bytes_atomic(target, to_onnx(network, arithmetic).SerializeToString(deterministic=True))
    raise InputError("path", path, "a file name that ends in .json or .onnx")


def load(path: str | os.PathLike[str]) -> Network:
    """The network of a JSON file that `save` wrote, weight by weight the same.

    Raises
    ------
    InputError : no readable file, no JSON, or another form.
    """
    source = file_path(path, "path", "a JSON file of a network")
    try:
        content = json.loads(source.read_bytes())
    except OSError as error:
        raise InputError("path", str(path), f"a readable file ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError("path", str(path), "a JSON file of a network") from None
    return from_mapping(content)


def onnx_package() -> Any:
    """The package onnx; an `InputError` with the line that installs it where it is missing."""
    try:
        return importlib.import_module("onnx")
    except ImportError:
        raise InputError("onnx", "not installed", INSTALL_ONNX) from None


def to_onnx(network: Network, arithmetic: str = "float64") -> Any:
    """The network as an `onnx.ModelProto`: inputs `x` (N, d) and `t` (N,), output `score` (N, outputs).

    Operators: Gemm, Relu, Mul of a number with itself, and what splits and joins columns. Weights are rounded to
    `arithmetic`, "float64" or "float32".

    Raises
    ------
    InputError : another arithmetic, or onnx is not installed.
    """
    kind = np.dtype(one_of(arithmetic, "arithmetic", ("float64", "float32")))
    onnx = onnx_package()
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes: list[Any] = [
        helper.make_node("Unsqueeze", ["t", "column"], ["t_column"]),
        helper.make_node("Concat", ["x", "t_column"], ["h0"], axis=1),
    ]
    constants = {"column": np.array([1], dtype=np.int64)}
    for i, affine in enumerate(matrices(network)):
        constants |= {f"W{i}": affine.weight.astype(kind), f"b{i}": affine.bias.astype(kind)}
        result = "score" if affine.relus is None else f"z{i}"
        nodes.append(helper.make_node("Gemm", [f"h{i}", f"W{i}", f"b{i}"], [result], transB=1))
        if affine.relus is not None:
            nodes += _activation(helper.make_node, affine, i, constants)
    element = helper.np_dtype_to_tensor_dtype(kind)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [value("x", element, ["N", network.inputs - 1]), value("t", element, ["N"])],
        [value("score", element, ["N", len(network.outputs)])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="certflow",
        producer_version=certflow.__version__,
        ir_version=_FORMAT,
        opset_imports=[helper.make_opsetid("", _OPERATORS)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _activation(node: Callable[..., Any], affine: Affine, i: int, constants: dict[str, Any]) -> list[Any]:
    """ReLU of `z_i`, the last columns squared, as `h_{i+1}`."""
    count, relus = len(affine.bias), affine.relus
    assert relus is not None
    if relus == count:
        return [node("Relu", [f"z{i}"], [f"h{i + 1}"])]
    if relus == 0:
        return [node("Relu", [f"z{i}"], [f"p{i}"]), node("Mul", [f"p{i}"] * 2, [f"h{i + 1}"])]
    constants[f"s{i}"] = np.array([relus, count - relus], dtype=np.int64)
    return [
        node("Relu", [f"z{i}"], [f"p{i}"]),
        node("Split", [f"p{i}", f"s{i}"], [f"r{i}", f"q{i}"], axis=1),
        node("Mul", [f"q{i}"] * 2, [f"u{i}"]),
        node("Concat", [f"r{i}", f"u{i}"], [f"h{i + 1}"], axis=1),
    ]
