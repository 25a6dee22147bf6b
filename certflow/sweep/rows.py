"""One row for each question about each mixture: all parameters and figures, as CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from certflow.atomic import write_bytes_atomic, write_text_atomic
from certflow.numbers.csv_text import csv_text
from certflow.sweep.columns import described, prefix
from certflow.sweep.families import Member
from certflow.sweep.results import Result
from certflow.sweep.tasks import Question, Task

#: How the extra is installed that writes Parquet.
INSTALL = "pip install 'certflow[sweep]'"
#: A row: values by the names of their columns; a column that is missing is empty.
Row = Mapping[str, Any]


def parameters(member: Member) -> dict[str, Any]:
    """What describes a mixture (`certflow.sweep.columns.PARAMETERS`)."""
    mixture = member.mixture
    weights = mixture.weights / mixture.weights.sum()
    traces = np.trace(mixture.covariance_matrices, axis1=1, axis2=2)
    sigma = float(np.sqrt(weights @ traces / mixture.dimension))
    i, j = np.triu_indices(mixture.n_components, 1)
    distances = np.linalg.norm(mixture.means[i] - mixture.means[j], axis=1)
    apart = distances[distances > 0]
    asked = member.parameters
    return {
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "covariances": mixture.kind,
        "sigma": _short(sigma),
        "separation": _short(mixture.diameter),
        "nearest": _short(float(apart.min())) if len(apart) else None,
        "ratio": _short(mixture.diameter / sigma),
        "imbalance": _short(float(weights.max() / weights.min())),
        "layout": asked.get("layout"),
        "anisotropy": None if mixture.kind == "common-isotropic" else asked.get("anisotropy"),
        "data": asked.get("data"),
    }


def _short(value: float) -> float:
    """Six digits: what a family was asked for comes back as it was written."""
    return float(f"{value:.6g}")


def row(member: Member, described_by: Mapping[str, Any], task: Task, result: Result) -> dict[str, Any]:
    """One row; `described_by` are the parameters of the mixture, which all its rows share."""
    asked = task.question
    figures = {f"{prefix(asked)}.{name}": value for name, value in result.figures.items()}
    return {
        "mixture": member.mixture.name,
        "family": member.family,
        **described_by,
        "t_min": task.t_min,
        "t_max": task.t_max,
        "task": asked.label,
        "kind": asked.kind,
        "options": json.dumps(asked.options, sort_keys=True),
        "status": result.status.value,
        "outcome": result.outcome,
        "reason": result.reason,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "key": result.key,
        **figures,
    }


def columns(asked: tuple[Question, ...], rows: Sequence[Row]) -> dict[str, str]:
    """The columns of these rows with their meanings; figures that nobody announced come last."""
    found = described(asked)
    for each in rows:
        for name in each:
            found.setdefault(name, "a figure of a function of one's own")
    return found


def write_csv(path: Path, names: Mapping[str, str], rows: Sequence[Row]) -> Path:
    """The table as CSV (RFC 4180); an empty field is a figure that there is not."""
    return write_text_atomic(path, csv_text(list(names), [[each.get(name) for name in names] for each in rows]))


def write_parquet(path: Path, names: Mapping[str, str], rows: Sequence[Row]) -> Path | None:
    """The table as Parquet, each column with its meaning; None where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return None
    arrays, fields = [], []
    for name, meaning in names.items():
        values = _of_one_type([each.get(name) for each in rows])
        array = pyarrow.array(values)
        arrays.append(array)
        fields.append(pyarrow.field(name, array.type, metadata={"meaning": meaning}))
    table = pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    return write_bytes_atomic(path, sink.getvalue().to_pybytes())


def _of_one_type(values: list[Any]) -> list[Any]:
    """Values that a column can hold: numbers, truths or texts; what is mixed, or a list, becomes text."""
    there = {type(value) for value in values if value is not None}
    if there <= {int, float} and there != {int}:
        return [None if value is None else float(value) for value in values]
    if there <= {int} or there <= {bool} or there <= {str}:
        return values
    return [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
