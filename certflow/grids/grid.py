"""Time grids: nodes that export themselves, and the way back from an exported file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.grids.export.formats import SCHEMA, Export, finite_sigmas, plain
from certflow.grids.export.targets import export
from certflow.grids.nodes import DISTILLED, MAX_SEGMENTS, Nodes
from certflow.numbers.inputs import file_path, real_number


@dataclass(frozen=True, eq=False, repr=False)
class TimeGrid(Nodes):
    """The nodes of a sampler, in OU time, latest (noisiest) first.

    Parameters and errors as `Nodes` has them: `kind`, `times`, `options`, `sampler`.
    """

    def export(self, format: str, **options: Any) -> Export:
        """The nodes as a sampler library takes them, see `certflow.grids.export.targets`.

        Examples
        --------
        >>> from certflow.grids import TimeGrid
        >>> found = TimeGrid("by hand", [2.0, 1.0, 0.5]).export("k-diffusion")
        >>> found.target, [round(sigma, 4) for sigma in found.arguments["sigmas"]], found.lossy
        ('sample_euler', [7.3211, 2.5277, 1.3108, 0.0], False)
        """
        return export(self, format, **options)


def from_json(document: str | Mapping[str, Any]) -> TimeGrid:
    """The grid of a JSON export, exactly: the same kind, options and bits of every node.

    Raises
    ------
    InputError : not such a document, or one whose sigmas are not those of its times.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except json.JSONDecodeError as error:
            raise InputError("grid", document, f"JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise InputError("grid", document, "a JSON object")
    if document.get("schema") != SCHEMA:
        raise InputError("grid", f"schema {document.get('schema')}", f"schema {SCHEMA}, written by export('json')")
    kind, options, times = document.get("kind"), document.get("options", {}), document.get("times")
    sampler = document.get("sampler", DISTILLED)
    if not isinstance(kind, str) or not isinstance(options, Mapping) or not isinstance(times, list):
        raise InputError("grid", sorted(document), "kind (text), options (an object) and times (a list)")
    grid = TimeGrid(kind, np.array([_number(time) for time in times]), options, sampler)
    written = document.get("sigmas")
    if written is not None:
        own = plain(finite_sigmas(grid))
        if not isinstance(written, list) or len(written) != len(own) or not all(map(_close, written, own)):
            raise InputError("sigmas", written, "sqrt(e^{2t} - 1) of the times in the same file")
    return grid


def load(path: str | Path) -> TimeGrid:
    """The grid of a file written with `export('json').text()`."""
    target = file_path(path, "grid", "the name of a JSON file")
    try:
        text = target.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("grid", str(path), f"a readable JSON file ({type(error).__name__})") from None
    return from_json(text)


def _number(value: Any) -> float:
    return real_number(value, "times", "numbers")


def _close(left: Any, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return isinstance(left, int | float) and abs(left - right) <= 1e-9 * right


__all__ = ["MAX_SEGMENTS", "TimeGrid", "from_json", "load"]
