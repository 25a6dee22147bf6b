"""Bad input of every kind through the real command line: exit code 2, one line, field, value, requirement."""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from depth import night

import certflow as cf

GOOD: dict[str, Any] = {
    "schema": "certflow/mixture/1",
    "name": "good",
    "weights": ["0.5", "0.5"],
    "means": [["-1", "0"], ["1", "0"]],
    "covariances": {"kind": "common-isotropic", "values": "0.04"},
}
SHARED = [["1", "0.5"], ["0.5", "1"]]


def changed(**entries: Any) -> str:
    """The good file with entries replaced; `...` removes one."""
    mapping = GOOD | entries
    return json.dumps({key: value for key, value in mapping.items() if value is not ...})


def covariances(kind: str, values: Any) -> str:
    return changed(covariances={"kind": kind, "values": values})


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


ARRAYS = {"weights": np.array([0.5, 0.5]), "means": np.array([[-1.0], [1.0]]), "covariances": np.array(0.04)}
TOML = 'schema = "certflow/mixture/1"\nweights = [1]\nmeans = [[0]]\n[covariances]\nkind = "common-isotropic"\n'
NUMBER = "a finite number"

#: file name, its content, what the line must contain: field, value, requirement
FILES: dict[str, tuple[str, str | bytes, str, str, str]] = {
    "negative-weight": (
        "m.json",
        changed(weights=["1.5", "-0.5"]),
        "weights[1]",
        "'-1/2'|'-0.5'",
        "a number > 0",
    ),
    "zero-weight": ("m.json", changed(weights=[1, 0]), "weights[1]", "'0'", "a number > 0"),
    "sum-below-one": (
        "m.json",
        changed(weights=["0.5", "0.4"]),
        "weights",
        "a sum of 0.9",
        "within 1e-9 of 1",
    ),
    "sum-just-off": (
        "m.json",
        changed(weights=["0.5", "0.50000001"]),
        "weights",
        "a sum of 1.00000001",
        "1e-9",
    ),
    "no-weights": ("m.json", changed(weights=[]), "weights", "[]", "K >= 1 numbers"),
    "nested-weights": (
        "m.json",
        changed(weights=[["0.5"], ["0.5"]]),
        "weights",
        "['0.5']",
        "a list of K >= 1",
    ),
    "null-weight": ("m.json", changed(weights=["0.5", None]), "weights[1]", "None", NUMBER),
    "bool-weight": ("m.json", changed(weights=[True, False]), "weights[0]", "True", NUMBER),
    "text-weight": ("m.json", changed(weights=["0.5", "abc"]), "weights[1]", "'abc'", NUMBER),
    "empty-text-weight": ("m.json", changed(weights=["0.5", ""]), "weights[1]", "''", NUMBER),
    "object-weight": ("m.json", changed(weights=["0.5", {"a": 1}]), "weights[1]", "{'a': '1'}", "number"),
    "weights-a-text": ("m.json", changed(weights="0.5"), "weights", "'0.5'", "a valid list"),
    "weights-null": ("m.json", changed(weights=None), "weights", "None", "a valid list"),
    "nan-weight": ("m.json", changed(weights=["0.5", "NaN"]), "weights[1]", "'NaN'", NUMBER),
    "bare-nan": ("m.json", changed().replace('"-1"', "NaN"), "MIXTURE", "'NaN'", "finite numbers"),
    "bare-infinity": (
        "m.json",
        changed().replace('"-1"', "-Infinity"),
        "MIXTURE",
        "'-Infinity'",
        "finite numbers",
    ),
    "infinite-mean": ("m.json", changed(means=[["inf", "0"], ["1", "0"]]), "means[0][0]", "'inf'", NUMBER),
    "division-by-zero": (
        "m.json",
        changed(means=[["1/0", "0"], ["1", "0"]]),
        "means[0][0]",
        "'1/0'",
        "not zero",
    ),
    "huge-exponent": (
        "m.json",
        changed(means=[["1e999999999", "0"], ["1", "0"]]),
        "means[0][0]",
        "'1e999",
        "5000",
    ),
    "huge-number": (
        "m.json",
        changed(means=[["9" * 5000, "0"], ["1", "0"]]),
        "means[0][0]",
        "'999",
        "characters",
    ),
    "huge-bare-number": ("m.json", changed().replace('"-1"', "9" * 5000), "means[0][0]", "999", "characters"),
    "hexadecimal": ("m.json", changed(means=[["0x10", "0"], ["1", "0"]]), "means[0][0]", "'0x10'", NUMBER),
    "underscore": ("m.json", changed(means=[["1_0", "0"], ["1", "0"]]), "means[0][0]", "'1_0'", NUMBER),
    "ragged-means": ("m.json", changed(means=[["-1", "0"], ["1"]]), "means", "['1']", "rows of equal length"),
    "flat-means": ("m.json", changed(means=["-1", "1"]), "means", "'-1'", "a valid list"),
    "deep-means": ("m.json", changed(means=[[["-1"]], [["1"]]]), "means", "shape (2, 1, 1)", "shape (K, d)"),
    "rows-without-entries": ("m.json", changed(means=[[], []]), "means", "shape (2, 0)", "d >= 1"),
    "too-few-means": ("m.json", changed(means=[["-1", "0"]]), "means", "1 rows", "each of the 2 weights"),
    "bool-mean": ("m.json", changed(means=[[True, "0"], ["1", "0"]]), "means[0][0]", "True", NUMBER),
    "negative-variance": (
        "m.json",
        covariances("common-isotropic", "-0.04"),
        "covariances",
        "-",
        "a variance > 0",
    ),
    "zero-variance": (
        "m.json",
        covariances("isotropic", ["0.04", 0]),
        "covariances[1]",
        "'0'",
        "a variance > 0",
    ),
    "asymmetric": (
        "m.json",
        covariances("shared", [["1", "0.1"], ["0.2", "1"]]),
        "covariances[0][1]",
        "against",
        "exactly symmetric",
    ),
    "indefinite": (
        "m.json",
        covariances("full", [SHARED, [["1", "2"], ["2", "1"]]]),
        "covariances[1]",
        "[['1', '2'], ['2', '1']]",
        "positive definite",
    ),
    "singular": (
        "m.json",
        covariances("shared", [["1", "1"], ["1", "1"]]),
        "covariances",
        "[['1', '1'], ['1', '1']]",
        "positive definite",
    ),
    "unknown-kind": (
        "m.json",
        covariances("spherical", "0.04"),
        "covariances.kind",
        "'spherical'",
        '"isotropic"',
    ),
    "wrong-depth": (
        "m.json",
        covariances("common-isotropic", ["0.04"]),
        "covariances.values",
        "['0.04']",
        "a number",
    ),
    "shape-of-another-kind": (
        "m.json",
        covariances("full", SHARED),
        "covariances.values",
        "'0.5'",
        "3-fold nested",
    ),
    "too-many-variances": (
        "m.json",
        covariances("isotropic", ["1", "1", "1"]),
        "covariances",
        "(3,)",
        "(2,)",
    ),
    "wrong-matrix-size": ("m.json", covariances("shared", [["1"]]), "covariances", "(1, 1)", "(2, 2)"),
    "covariances-null": ("m.json", changed(covariances=None), "covariances", "None", "dict"),
    "values-missing": (
        "m.json",
        changed(covariances={"kind": "shared"}),
        "covariances.values",
        "nothing",
        "this key",
    ),
    "missing-key": ("m.json", changed(means=...), "means", "nothing", "this key"),
    "missing-schema": ("m.json", changed(schema=...), "schema", "nothing", "this key"),
    "unknown-key": ("m.json", changed(colour="red"), "colour", "'red'", "no such key"),
    "unknown-key-inside": (
        "m.json",
        changed(covariances={"kind": "shared", "values": SHARED, "scale": "2"}),
        "covariances.scale",
        "'2'",
        "no such key",
    ),
    "wrong-schema": (
        "m.json",
        changed(schema="certflow/mixture/2"),
        "schema",
        "mixture/2",
        '"certflow/mixture/1"',
    ),
    "number-as-name": ("m.json", changed(name=7), "name", "'7'", "a text"),
    "duplicate-key": ("m.json", changed()[:-1] + ', "name": "again"}', "name", "twice", "each key once"),
    "not-an-object": ("m.json", "[1, 2]", "MIXTURE", "['1', '2']", "an object with the keys"),
    "empty-file": ("m.json", "", "MIXTURE", "m.json", "not empty"),
    "white-space": ("m.json", " \n\t\n", "MIXTURE", "m.json", "not empty"),
    "binary-file": ("m.json", bytes(range(256)), "MIXTURE", "m.json", "UTF-8"),
    "zero-bytes": ("m.json", b"\0" * 64, "MIXTURE", "m.json", "valid JSON"),
    "truncated-json": ("m.json", changed()[:-20], "MIXTURE", "m.json", "valid JSON"),
    "deeply-nested": ("m.json", "[" * 200_000, "MIXTURE", "m.json", "nested"),
    "deep-origin": (
        "m.json",
        changed(origin={"a": json.loads("[" * 300 + "]" * 300)}),
        "MIXTURE",
        "m.json",
        "nested",
    ),
    "deep-parameters": (
        "m.json",
        changed().replace('"0.04"', "[" * 300 + "]" * 300),
        "MIXTURE",
        "m.json",
        "nested",
    ),
    "deep-toml": ("m.toml", f"extra = {'[' * 20_000}{']' * 20_000}\n" + TOML, "MIXTURE", "m.toml", "nested"),
    "deep-toml-tables": ("m.toml", f"[{'.'.join('a' * 300)}]\nb = 1\n", "MIXTURE", "m.toml", "nested"),
    "deep-toml-objects": ("m.toml", f"extra = {'{a = ' * 2000}1{'}' * 2000}\n", "MIXTURE", "m.toml", "nested"),
    "toml-huge-number": ("m.toml", TOML + f"values = {'9' * 5000}\n", "MIXTURE", "m.toml", "valid TOML"),
    "toml-no-such-day": ("m.toml", TOML + "values = 2024-02-31\n", "MIXTURE", "m.toml", "valid TOML"),
    "toml-infinity": ("m.toml", TOML + "values = -inf\n", "covariances", "-inf", NUMBER),
    "utf-16": ("m.json", changed().encode("utf-16"), "MIXTURE", "m.json", "UTF-8"),
    "latin-1": ("m.json", changed().replace("good", "größe").encode("latin-1"), "MIXTURE", "m.json", "UTF-8"),
    "only-a-byte-order-mark": ("m.json", b"\xef\xbb\xbf", "MIXTURE", "m.json", "valid JSON"),
    "truncated-toml": ("m.toml", TOML[:-12], "MIXTURE", "m.toml", "valid TOML"),
    "toml-nan": ("m.toml", TOML + "values = nan\n", "covariances", "nan", NUMBER),
    "toml-date": ("m.toml", TOML + "values = 2024-01-01\n", "covariances", "2024", "number"),
    "toml-key-twice": ("m.toml", 'name = "a"\nname = "b"\n' + TOML, "MIXTURE", "m.toml", "valid TOML"),
    "truncated-npz": ("m.npz", npz(**ARRAYS)[:-60], "MIXTURE", "m.npz", "an .npz file"),
    "text-as-npz": ("m.npz", changed(), "MIXTURE", "m.npz", "an .npz file"),
    "pickled-npz": (
        "m.npz",
        npz(weights=np.array([1, None], dtype=object), means=np.zeros((2, 1)), covariances=np.array(1.0)),
        "MIXTURE",
        "m.npz",
        "an .npz file",
    ),
    "npz-without-means": (
        "m.npz",
        npz(weights=np.array([1.0])),
        "means",
        "nothing",
        "weights, means, covariances",
    ),
    "npz-unknown-array": ("m.npz", npz(**ARRAYS, extra=np.zeros(3)), "extra", "an array", "no such key"),
    "npz-nan": (
        "m.npz",
        npz(**ARRAYS | {"means": np.array([[np.nan], [1]])}),
        "means[0][0]",
        "nan",
        "finite",
    ),
    "npz-complex": ("m.npz", npz(**ARRAYS | {"weights": np.array([0.5, 0.5j])}), "weights[", "0j", NUMBER),
    "npz-bool": (
        "m.npz",
        npz(**ARRAYS | {"weights": np.array([True, True])}),
        "weights",
        "True",
        "not booleans",
    ),
    "npz-asymmetric": (
        "m.npz",
        npz(**ARRAYS | {"means": np.eye(2), "covariances": np.array([[1, 0.1], [0.1 + 1e-16, 1]])}),
        "covariances[0][1]",
        "0.1",
        "symmetric",
    ),
    "npz-origin-text": (
        "m.npz",
        npz(**ARRAYS, origin="fitted in May"),
        "origin",
        "'fitted in May'",
        "a text that holds a JSON object",
    ),
    "npz-origin-list": ("m.npz", npz(**ARRAYS, origin="[1]"), "origin", "'[1]'", "a JSON object"),
    "npz-origin-nan": ("m.npz", npz(**ARRAYS, origin='{"a": NaN}'), "origin", "NaN", "a JSON object"),
    "npz-origin-deep": ("m.npz", npz(**ARRAYS, origin="[" * 90_000), "origin", "'[[[", "a JSON object"),
    "npz-origin-number": ("m.npz", npz(**ARRAYS, origin=np.array(3.0)), "origin", "float64", "a text"),
    "npz-name-array": ("m.npz", npz(**ARRAYS, name=np.array(["a", "b"])), "name", "shape (2,)", "a text"),
    "npz-schema-number": ("m.npz", npz(**ARRAYS, schema=np.array(1)), "schema", "int64", "a text"),
    "npz-kind-bytes": ("m.npz", npz(**ARRAYS, kind=np.array(b"shared")), "kind", "|S6", "a text"),
    "npz-dates": (
        "m.npz",
        npz(**ARRAYS | {"means": np.array([["2024-01-01"], ["2024-01-02"]], dtype="datetime64[D]")}),
        "means",
        "2024",
        "number",
    ),
    "npz-bytes": ("m.npz", npz(**ARRAYS | {"weights": np.array([b"0.5", b"0.5"])}), "weights", "0.5", "number"),
    "npz-records": (
        "m.npz",
        npz(**ARRAYS | {"weights": np.array([(0.5,), (0.5,)], dtype=[("w", float)])}),
        "weights",
        "0.5",
        "number",
    ),
    "npz-wrong-kind": ("m.npz", npz(**ARRAYS, kind="shared"), "kind", "'shared'", "common-isotropic"),
    "unknown-suffix": ("m.yaml", changed(), "MIXTURE", "m.yaml", "ends in .json, .toml or .npz"),
    "no-suffix": ("mixture", changed(), "MIXTURE", "mixture", "ends in .json, .toml or .npz"),
}

#: command line, what the line must contain; {dir} is a fresh directory that holds the files of `furnish`
LINES: dict[str, tuple[str, str, str, str]] = {
    "unknown-builtin": ("bound irise", "MIXTURE", "'irise'", "one of: anisotropic-pair"),
    "missing-file": ("bound {dir}/none.json", "MIXTURE", "none.json", "a file"),
    "directory": ("bound {dir}", "MIXTURE", "{dir}", "not a directory"),
    "verify-missing-file": ("verify {dir}/none.toml", "MIXTURE", "none.toml", "a file"),
    "show-missing": ("mixtures show none", "MIXTURE", "'none'", "a file"),
    "zero-time": ("bound iris --t-min 0", "--t-min", "'0'", "a time > 0"),
    "negative-time": ("bound iris --t-min=-0.1", "--t-min", "'-0.1'", "a time > 0"),
    "reversed-times": ("bound iris --t-min 2 --t-max 1", "--t-max", "'1'", "a time > t_min = 2"),
    "equal-times": ("verify iris --t-min 1/3 --t-max 1/3", "--t-max", "'1/3'", "a time > t_min"),
    "text-time": ("bound iris --t-max soon", "--t-max", "'soon'", NUMBER),
    "nan-time": ("bound iris --t-min nan", "--t-min", "'nan'", NUMBER),
    "infinite-time": ("bound iris --t-max inf", "--t-max", "'inf'", NUMBER),
    "huge-time": ("bound iris --t-max 1e999999999", "--t-max", "'1e999999999'", "exponent of at most 5000"),
    "unusable-time": ("bound iris --t-max 1e4000", "--t-max", "'1e4000'", "between 1e-300 and 1e300"),
    "tiny-time": ("verify iris --t-min 1e-4000", "--t-min", "'1e-4000'", "between 1e-300 and 1e300"),
    "zero-denominator": ("bound iris --t-min 1/0", "--t-min", "'1/0'", "denominator that is not zero"),
    "one-point": ("bound iris --points 1", "--points", "'1'", "an integer from 2"),
    "fractional-points": ("bound iris --points 2.5", "--points", "'2.5'", "an integer"),
    "plot-suffix": ("bound iris --plot {dir}/a.eps", "--plot", "a.eps", ".svg, .pdf or .png"),
    "plot-width": ("bound iris --plot {dir}/a.pdf --width 2", "--width", "'2'", "one of column, page"),
    "width-alone": ("bound iris --width column", "--width", "'column'", "--plot beside it"),
    "plot-below-file": ("bound iris --plot {dir}/file/a.svg", "--plot", "file", "can be written"),
    "no-segment": ("grid two-modes --segments 0", "--segments", "'0'", "an integer from 1 to 10000"),
    "many-segments": ("grid two-modes --segments 10001", "--segments", "'10001'", "an integer from 1 to 10000"),
    "text-segments": ("grid two-modes --segments few", "--segments", "'few'", "an integer from 1"),
    "unknown-kind": ("grid two-modes --kind sigmoid", "--kind", "'sigmoid'", "one of uniform, quadratic"),
    "unknown-grid-rate": ("grid two-modes --rate both", "--rate", "'both'", "one of one-sided, two-sided, sharp"),
    "rate-of-typical": ("grid iris --kind typical --rate sharp", "--rate", "'sharp'", "one of frobenius, spectral"),
    "rate-of-no-use": ("grid iris --kind karras --rate sharp", "--rate", "'sharp'", "no rate for kind karras"),
    "seed-of-no-use": ("grid iris --kind karras --seed 3", "--seed", "3", "an option of kind karras, which has rho"),
    "negative-grid-seed": ("grid iris --kind typical --seed -1", "--seed", "'-1'", "an integer from 0"),
    "unknown-export": ("grid iris --export onnx", "--export", "'onnx'", "one of diffusers, k-diffusion, edm, json"),
    "export-that-changes": (
        "grid two-modes --kind uniform --export edm",
        "--export",
        "uniform",
        "k-diffusion takes any",
    ),
    "grid-format": ("grid iris --format yaml", "--format", "'yaml'", "one of text, csv, latex, json"),
    "grid-plot-suffix": ("grid iris --plot {dir}/a.jpg", "--plot", "a.jpg", ".svg, .pdf or .png"),
    "grid-width-alone": ("grid iris --width page", "--width", "'page'", "--plot beside it"),
    "network-width-alone": ("network iris --width page", "--width", "'page'", "--plot or --drawing beside it"),
    "distill-plot-suffix": ("distill iris --plot {dir}/a", "--plot", "/a", ".svg, .pdf or .png"),
    "grid-code-csv": (
        "grid iris --kind uniform --scheduler sample_euler --code --format csv",
        "--format",
        "'csv'",
        "no --code",
    ),
    "grid-without-bound": ("grid iris-full --kind stability-balanced", "MIXTURE", "'iris-full'", 'kind "typical"'),
    "bound-sharp-late": ("bound two-modes --sharp --t-max 1e300", "--t-max", "1e300", "a time of at most"),
    "grid-times": ("grid iris --t-min 4", "--t-max", "'3'", "a time > t_min = 4"),
    "grid-edm-tolerance": ("grid iris --export edm --tolerance 0.1", "--tolerance", "0.1", "none for edm_sampler"),
    "grid-empty-end": ("grid iris --kind karras --t-max=", "--t-max", "''", NUMBER),
    "grid-empty-start": ("grid iris --kind karras --t-min=", "--t-min", "''", NUMBER),
    "grid-range": ("grid iris --kind ays --t-max 400", "--t-max", "400.0", "at most 300 for kind ays"),
    "grid-crowded": ("grid iris --kind uniform --t-min 1 --t-max 1.000000000000001", "--segments", "8", "fewer"),
    "grid-narrow": ("grid iris --t-min 1 --t-max 1.00000000000001", "--t-max", "1.00000000000001", "wide enough"),
    "tolerance-zero": (
        "grid iris --tolerance 0",
        "--tolerance",
        "'0'",
        "a relative mean squared error between 0 and 1",
    ),
    "tolerance-one": ("grid iris --tolerance 1", "--tolerance", "'1'", "a relative mean squared error between 0 and 1"),
    "tolerance-negative": (
        "grid iris --tolerance=-0.1",
        "--tolerance",
        "'-0.1'",
        "a relative mean squared error between 0 and 1",
    ),
    "tolerance-nan": (
        "grid iris --tolerance nan",
        "--tolerance",
        "'nan'",
        "a relative mean squared error between 0 and 1",
    ),
    "tolerance-text": (
        "grid iris --tolerance small",
        "--tolerance",
        "'small'",
        "a relative mean squared error between 0 and 1",
    ),
    "plan-of-no-kind": ("grid iris --tolerance 0.1 --kind sigmoid", "--kind", "'sigmoid'", "auto, uniform"),
    "plan-of-other-kind": ("grid iris --tolerance 0.1 --kind ays", "--kind", "'ays'", "can tell the error of"),
    "plan-of-many": ("grid iris --kind auto --segments 41", "--segments", "41", "an int from 1 to 40"),
    "plan-with-rate": ("grid iris --kind auto --rate sharp", "--rate", "'sharp'", "no rate for a plan"),
    "plan-with-seed": ("grid iris --tolerance 0.1 --seed 3", "--seed", "3", "no seed for a plan"),
    "plan-too-late": ("grid iris --kind auto --t-max 400", "--t-max", "400.0", "at most 300"),
    "plan-without-bound": (
        "grid anisotropic-pair --tolerance 0.1 --kind stability-balanced",
        "--kind",
        "'stability-balanced'",
        "a kind that has a grid for this mixture",
    ),
    "plot-directory": ("bound iris --plot {dir}/folder.svg", "--plot", "folder.svg", "not a directory"),
    "unknown-claim": ("verify two-modes --claims L2,X9", "--claims", "'X9'", "L2"),
    "empty-claim": ("verify two-modes --claims L2,", "--claims", "''", "L2"),
    "bad-profile": ("verify two-modes --profile slow", "--profile", "'slow'", "one of quick, full"),
    "bad-format": ("verify two-modes --format yaml", "--format", "'yaml'", "one of text, json"),
    "bad-bound-format": ("bound two-modes --format yaml", "--format", "'yaml'", "one of text, csv, latex, json"),
    "few-digits": ("verify two-modes --digits 14", "--digits", "'14'", "an integer from 15 to 1000"),
    "many-digits": ("verify two-modes --digits 1001", "--digits", "'1001'", "an integer from 15 to 1000"),
    "text-digits": ("verify two-modes --digits many", "--digits", "'many'", "an integer from 15 to 1000"),
    "negative-seed": ("verify two-modes --seed -1", "--seed", "'-1'", "an integer from 0"),
    "large-seed": ("verify two-modes --seed 4294967296", "--seed", "'4294967296'", "to 4294967295"),
    "fractional-seed": ("verify two-modes --seed 1.5", "--seed", "'1.5'", "an integer from 0"),
    "no-jobs": ("verify two-modes --jobs 0", "--jobs", "'0'", "an integer from 1 to 64"),
    "many-jobs": ("verify two-modes --jobs 65", "--jobs", "'65'", "an integer from 1 to 64"),
    "jobs-in-words": ("verify two-modes --jobs all", "--jobs", "'all'", "an integer from 1 to 64"),
    "out-below-file": ("verify two-modes --out {dir}/file/out", "--out", "file/out", "can be written"),
    "out-a-file": ("verify two-modes --out {dir}/file", "--out", "file", "can be written"),
    "fit-missing-file": ("mixtures fit {dir}/none.csv --components 2", "DATA", "none.csv", "a readable file"),
    "fit-suffix": ("mixtures fit {dir}/file --components 2", "DATA", "file", ".npy or .csv"),
    "fit-empty": ("mixtures fit {dir}/empty.csv --components 2", "DATA", "empty.csv", "not empty"),
    "fit-header-only": (
        "mixtures fit {dir}/header.csv --components 1",
        "DATA",
        "header.csv",
        "line of numbers",
    ),
    "fit-missing-entry": (
        "mixtures fit {dir}/gap.csv --components 1",
        "DATA line 3, column 2",
        "''",
        "a number",
    ),
    "fit-text-entry": (
        "mixtures fit {dir}/text.csv --components 1",
        "DATA line 2, column 1",
        "'abc'",
        "a number",
    ),
    "fit-nan": (
        "mixtures fit {dir}/nan.csv --components 1",
        "DATA row 2, column 1",
        "nan",
        "a finite number",
    ),
    "fit-ragged": ("mixtures fit {dir}/ragged.csv --components 1", "DATA line 2", "1 entries", "2 numbers"),
    "fit-binary": ("mixtures fit {dir}/binary.csv --components 1", "DATA", "binary.csv", "UTF-8"),
    "fit-one-row": ("mixtures fit {dir}/one.csv --components 1", "DATA", "one.csv", "at least two points"),
    "fit-too-many": (
        "mixtures fit {dir}/good.csv --components 9",
        "--components",
        "9",
        "number of points, 3",
    ),
    "fit-none": ("mixtures fit {dir}/good.csv --components 0", "--components", "'0'", "an integer from 1"),
    "fit-text": (
        "mixtures fit {dir}/good.csv --components few",
        "--components",
        "'few'",
        "an integer from 1",
    ),
    "fit-type": (
        "mixtures fit {dir}/good.csv --components 1 --covariance-type round",
        "--covariance-type",
        "'round'",
        "one of spherical",
    ),
    "fit-npy-broken": (
        "mixtures fit {dir}/broken.npy --components 1",
        "DATA",
        "broken.npy",
        "array of numbers",
    ),
    "fit-npy-object": (
        "mixtures fit {dir}/object.npy --components 1",
        "DATA",
        "object.npy",
        "array of numbers",
    ),
    "fit-npy-complex": (
        "mixtures fit {dir}/complex.npy --components 1",
        "DATA",
        "complex128",
        "real numbers",
    ),
    "fit-npy-cube": ("mixtures fit {dir}/cube.npy --components 1", "DATA", "(2, 2, 2)", "shape (n, d)"),
    "fit-npy-nan": ("mixtures fit {dir}/gap.npy --components 1", "DATA row 1, column 2", "nan", "finite"),
    "fit-out-suffix": (
        "mixtures fit {dir}/good.csv --components 1 --out {dir}/m.yaml",
        "--out",
        "m.yaml",
        ".json, .toml or .npz",
    ),
    "fit-out-below-file": (
        "mixtures fit {dir}/good.csv --components 1 --out {dir}/file/m.json",
        "--out",
        "file",
        "can be written",
    ),
    "report-missing": ("report {dir}/nowhere", "report.json", "no such file", "certflow verify --out"),
    "report-of-a-file": ("report {dir}/file", "report.json", "Not a directory", "certflow verify --out"),
    "report-truncated": ("report {dir}/truncated", "report.json", "not JSON", "certflow verify --out"),
    "report-foreign": ("report {dir}/foreign", "report.json", "schema None", "certflow/report/1"),
    "report-of-nothing": ("report {dir}/list", "report.json", "a list", "certflow/report/1"),
    "report-incomplete": ("report {dir}/incomplete", "report.json", "field mixture", "certflow verify --out"),
    "distill-no-segments": ("distill two-modes --segments 0", "--segments", "'0'", "an integer from 1 to 1000"),
    "distill-text-segments": ("distill two-modes --segments 1,few", "--segments", "'few'", "an integer from 1"),
    "distill-segments-twice": ("distill two-modes --segments 2,4,2", "--segments", "'2,4,2'", "each number once"),
    "distill-unknown-kind": ("distill two-modes --grids uniform,best", "--grids", "'best'", "one of uniform"),
    "distill-empty-kind": ("distill two-modes --grids uniform,", "--grids", "''", "one of uniform"),
    "distill-kind-twice": ("distill two-modes --grids typical,typical", "--grids", "'typical'", "each grid once"),
    "distill-unknown-rate": ("distill two-modes --grids typical:best", "--grids", "'best'", "one of frobenius"),
    "distill-rate-of-no-kind": ("distill two-modes --grids uniform:sharp", "--grids", "'sharp'", "no rate for kind"),
    "distill-no-bound": (
        "distill anisotropic-pair --grids stability-balanced",
        "MIXTURE",
        "'anisotropic-pair'",
        "a global bound",
    ),
    "distill-absent-device": ("distill two-modes --device cuda:99", "--device", "'cuda:99'", "one of auto, cpu"),
    "distill-unknown-device": ("distill two-modes --device tpu", "--device", "'tpu'", "what this machine has"),
    "distill-no-seeds": ("distill two-modes --seeds 0", "--seeds", "'0'", "an integer from 1 to 1000"),
    "distill-text-seeds": ("distill two-modes --seeds all", "--seeds", "'all'", "an integer from 1 to 1000"),
    "distill-no-steps": ("distill two-modes --steps 0", "--steps", "'0'", "an integer from 1"),
    "distill-no-width": ("distill two-modes --hidden 0", "--hidden", "'0'", "an integer from 1 to 4096"),
    "distill-activation": ("distill two-modes --activation gelu", "--activation", "'gelu'", "one of silu, tanh, relu"),
    "distill-format": ("distill two-modes --format yaml", "--format", "'yaml'", "one of text, csv, latex, json"),
    "distill-times": ("distill two-modes --t-min 4", "--t-max", "'3'", "a time > t_min = 4"),
    "verify-out-empty": ("verify two-modes --out=", "--out", "''", "the name of a directory"),
    "audit-out-empty": ("audit score:noise two-modes --out=", "--out", "''", "the name of a directory"),
    "distill-out-empty": ("distill two-modes --out=", "--out", "''", "the name of a directory"),
    "certify-out-empty": ("certify two-modes --out=", "--out", "''", "the name of a directory"),
    "network-certificate-empty": ("network two-modes --certificate=", "--certificate", "''", "the name of a directory"),
    "distill-out-below-file": ("distill two-modes --out {dir}/file/out", "--out", "file/out", "can be written"),
    "no-command": ("", "command", "Missing command", "one of the commands verify"),
    "unknown-command": ("prove iris", "command", "'prove'", "one of the commands verify"),
    "unknown-subcommand": (
        "mixtures remove iris",
        "mixtures",
        "'remove'",
        "one of the commands list, show, fit",
    ),
    "unknown-option": ("bound iris --colour red", "bound", "--colour", "one of --t-min"),
    "missing-argument": ("bound", "MIXTURE", "Missing argument", "certflow bound [OPTIONS]"),
    "missing-option": (
        "mixtures fit {dir}/good.csv",
        "--components",
        "Missing option",
        "certflow mixtures fit",
    ),
    "missing-value": ("bound iris --plot", "--plot", "requires an argument", "--help"),
    "extra-argument": ("bound iris wine", "bound", "wine", "certflow bound [OPTIONS]"),
}


@pytest.fixture(scope="module")
def furnish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the bad files that the command lines above speak of."""
    folder = tmp_path_factory.mktemp("bad")
    texts = {
        "file": "a plain file",
        "empty.csv": "\n",
        "header.csv": "x,y\n",
        "gap.csv": "x,y\n1,2\n3,\n",
        "text.csv": "1,2\nabc,4\n",
        "nan.csv": "1,2\nnan,4\n",
        "ragged.csv": "1,2\n3\n",
        "one.csv": "1,2\n",
        "good.csv": "1,2\n3,4\n5,7\n",
        "broken.npy": "NUMPY",
        "truncated/report.json": '{"schema": "certflow/report/1", "mixt',
        "foreign/report.json": "{}",
        "list/report.json": "[]",
        "incomplete/report.json": '{"schema": "certflow/report/1"}',
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "folder.svg").mkdir()
    (folder / "binary.csv").write_bytes(bytes(range(128, 256)))
    np.save(folder / "object.npy", np.array([1, None], dtype=object), allow_pickle=True)
    np.save(folder / "complex.npy", np.array([[1j], [2j]]))
    np.save(folder / "cube.npy", np.zeros((2, 2, 2)))
    np.save(folder / "gap.npy", np.array([[1.0, np.nan], [2.0, 3.0]]))
    return folder


def check_line(code: int, out: str, err: str, field: str, value: str, requirement: str) -> None:
    """One line on stderr that says where, what came and what is required; nothing on stdout."""
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert err.startswith("certflow: ")
    assert "required: " in err
    assert field in err
    assert any(option in err for option in value.split("|")), err
    assert requirement in err.split("required: ", 1)[1]
    assert len(err) < 1000, "the offending value is quoted whole"


@pytest.mark.parametrize("case", FILES)
def test_mixture_file(case: str, tmp_path: Path, command: Callable[..., Any]) -> None:
    name, content, field, value, requirement = FILES[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = command("bound", path)
    check_line(ended.code, ended.out, ended.err, field, value, requirement)


def test_a_long_path_keeps_its_ends(tmp_path: Path, command: Callable[..., Any]) -> None:
    path = tmp_path / ("a folder of a long name" * 6) / "absent.json"
    ended = command("bound", path)
    check_line(ended.code, ended.out, ended.err, "MIXTURE", "absent.json", "a file (.json")
    assert str(path)[:20] in ended.err
    assert "…" in ended.err


#: It trains first; every day the planner refuses the same.
DEAR = "plan-without-bound"


@pytest.mark.parametrize("case", [*(case for case in LINES if case != DEAR), *night(DEAR)])
def test_command_line(case: str, furnish: Path, command: Callable[..., Any]) -> None:
    if case.startswith(("distill-", "plan-")):
        pytest.importorskip("torch")
    line, field, value, requirement = (part.replace("{dir}", str(furnish)) for part in LINES[case])
    ended = command(*line.split())
    check_line(ended.code, ended.out, ended.err, field, value, requirement)


@pytest.mark.parametrize("case", ["negative-time", "unknown-option", "out-below-file", "fit-gap"])
def test_in_a_process_of_its_own(case: str, furnish: Path) -> None:
    lines = LINES | {"fit-gap": LINES["fit-missing-entry"]}
    line, field, value, requirement = (part.replace("{dir}", str(furnish)) for part in lines[case])
    ended = subprocess.run(
        [sys.executable, "-m", "certflow", *line.split()], capture_output=True, text=True, timeout=120
    )
    check_line(ended.returncode, ended.stdout, ended.stderr, field, value, requirement)


@pytest.mark.parametrize("line", [["verify", "--out", " "], ["report", ""], ["report", "", "--latex"]])
def test_a_directory_without_a_name(line: list[str], command: Callable[..., Any]) -> None:
    ended = command(*line)
    check_line(ended.code, ended.out, ended.err, "DIR" if line[0] == "report" else "--out", "''|' '", "(. is the")


def test_a_long_run_does_not_start_when_it_could_not_be_saved(
    furnish: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("certflow.verification")
    monkeypatch.setattr(module, "verify", lambda *a, **k: pytest.fail("verification was started"))
    assert command("verify", "two-modes", "--out", furnish / "file" / "out").code == 2


def test_a_file_that_may_not_be_read(tmp_path: Path, command: Callable[..., Any]) -> None:
    path = tmp_path / "secret.json"
    path.write_text(changed())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    ended = command("bound", path)
    check_line(ended.code, ended.out, ended.err, "MIXTURE", "secret.json", "readable")


def _process(**options: Any) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04"), **options)


def _mpf(value: int) -> Any:
    import mpmath

    return mpmath.mpf(value)


def _arb(value: int) -> Any:
    import flint

    return flint.arb(value)


def _integers() -> Any:
    torch = pytest.importorskip("torch")
    return torch.zeros(3, 2, dtype=torch.int64)


POINT = np.zeros(2)

#: call, what the message must contain: field, value, requirement
CALLS: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "dimension": (lambda: _process().score(np.zeros(3), 1.0), "x", "shape (3,)", "shape (..., 2)"),
    "scalar-point": (lambda: _process().velocity(0.0, 1.0), "x", "shape ()", "shape (..., 2)"),
    "nan-point": (lambda: _process().score(np.array([np.nan, 0]), 1.0), "x", "nan", "finite"),
    "infinite-point": (lambda: _process().log_density(np.array([np.inf, 0]), 1.0), "x", "inf", "finite"),
    "zero-time": (lambda: _process().score(POINT, 0.0), "t", "0.0", "a finite time > 0"),
    "negative-time": (lambda: _process().jacobian(POINT, -1.0), "t", "-1.0", "a finite time > 0"),
    "nan-time": (lambda: _process().score(POINT, float("nan")), "t", "nan", "a finite time > 0"),
    "zero-time-bound": (lambda: _process().lipschitz_bound(0), "t", "0", "a finite time > 0"),
    "shape-of-t": (
        lambda: _process().score(np.zeros((4, 2)), np.ones(3)),
        "t",
        "shape (3,)",
        "broadcasts to (4,)",
    ),
    "reversed": (lambda: _process().stability(2.0, 1.0), "s", "2.0", "not later than t = 1.0"),
    "unknown-rate": (
        lambda: _process().stability(1.0, 2.0, rate="both"),
        "rate",
        "'both'",
        "one-sided, two-sided",
    ),
    "mixed-numbers": (lambda: _process().stability(_mpf(1), _arb(2)), "x, t", "arb and mpmath", "one kind"),
    "integer-tensor": (lambda: _process().score(_integers(), 1.0), "x", "torch.int64", "floating dtype"),
    "integer-tensor-time": (lambda: _process().score(POINT, _integers()), "t", "torch.int64", "floating dtype"),
    "integer-tensor-start": (lambda: _process().stability(_integers(), 1.0), "s", "torch.int64", "floating dtype"),
    "integer-tensor-radius": (
        lambda: _process().ball_bound(_integers(), 1.0),
        "radius",
        "torch.int64",
        "floating dtype",
    ),
    "integer-tensor-step": (
        lambda: _process().residual_block(POINT, 1.0, _integers()[0, 0]),
        "h",
        "torch.int64",
        "floating dtype",
    ),
    "radius": (lambda: _process().ball_bound(-1.0, 1.0), "radius", "-1.0", "a finite radius > 0"),
    "not-a-mixture": (lambda: cf.OrnsteinUhlenbeck("iris"), "mixture", "'iris'", "GaussianMixture"),  # type: ignore[arg-type]
    "t-min": (lambda: _process(t_min=0), "t_min", "0", "a time > 0"),
    "t-max": (lambda: _process(t_min=2, t_max="1"), "t_max", "'1'", "a time > t_min = 2"),
    "bool-time": (lambda: _process(t_min=True), "t_min", "True", "a finite number"),
    "sample-size": (lambda: _process().mixture.sample(-1), "n", "-1", "an int >= 0"),
    "save-suffix": (lambda: _process().mixture.save("m.txt"), "path", "'m.txt'", ".json, .toml or .npz"),
    "load-nothing": (lambda: cf.load_mixture("nothing"), "MIXTURE", "'nothing'", "a file"),
    "fit-nan": (lambda: cf.GaussianMixture.fit([[np.nan], [1.0]], 1), "data[0][0]", "nan", "a finite number"),
    "fit-text": (lambda: cf.GaussianMixture.fit([["a"], ["b"]], 1), "data", "a", "a finite number"),
    "fit-components": (lambda: cf.GaussianMixture.fit([[0.0], [1.0]], 3), "n_components", "3", "at most"),
    "fit-one-point": (lambda: cf.GaussianMixture.fit([[0.0]], 1), "data", "shape (1, 1)", "n >= 2"),
    "fit-type": (
        lambda: cf.GaussianMixture.fit([[0.0], [1.0]], 1, "round"),
        "covariance_type",
        "'round'",
        "full",
    ),
    "set-of-weights": (lambda: cf.GaussianMixture({1}, [[0]], 1), "weights", "{1}", "a list or an array"),
    "none-weights": (lambda: cf.GaussianMixture(None, [[0]], 1), "weights", "None", "number"),
    "nan-covariance": (lambda: cf.GaussianMixture([1], [[0]], float("nan")), "covariances", "nan", "number"),
}


@pytest.mark.parametrize("case", CALLS)
def test_library_call(case: str) -> None:
    call, field, value, requirement = CALLS[case]
    with pytest.raises(ValueError, match="required") as caught:
        call()
    message = str(caught.value)
    assert message.startswith(field)
    assert value in message
    assert requirement in message.split("required: ", 1)[1]
    assert "\n" not in message
