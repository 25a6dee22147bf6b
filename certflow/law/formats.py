"""Mixture files (schema `certflow/mixture/1`; JSON, TOML, NPZ): from bytes to plain parameters, and back.

A number in JSON or TOML is the decimal (or fraction) that is written, exactly; NPZ holds binary numbers.
"""

from __future__ import annotations

import io
import json
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from certflow.atomic import write_bytes_atomic
from certflow.errors import InputError, did_you_mean, nearest, unknown
from certflow.law.covariances import AXES, KINDS, Kind
from certflow.law.origin import check_text, plain_origin
from certflow.law.texts import Number, as_numbers, decoded, file_content, parse_json, parse_toml, toml_text
from certflow.numbers.exact import ExactArray
from certflow.numbers.inputs import file_path

SCHEMA = "certflow/mixture/1"

#: Files larger than this are refused: a mixture of 10,000 components in the plane takes about 1 MiB.
MAX_BYTES = 256 * 2**20

#: Numerators and denominators that are written: together with the bar, fewer characters than a number may have.
_MAX_BITS = 7000


class Written(Protocol):
    """What a file holds of a mixture."""

    name: str
    kind: str
    origin: dict[str, Any]
    exact_weights: ExactArray
    exact_means: ExactArray
    exact_covariances: ExactArray

    @property
    def is_symbolic(self) -> bool:
        """True if a parameter is an expression."""
        ...


class Parameters(NamedTuple):
    """What a file says, in the words of `GaussianMixture`; `kind` is None where the file leaves it to the shape."""

    weights: Any
    means: Any
    covariances: Any
    name: str
    origin: dict[str, Any]
    kind: str | None = None


#: The keys of a mixture file.
_KEYS = ("schema", "name", "weights", "means", "covariances", "origin")


class _Covariances(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind
    values: Any


class _MixtureFile(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_: Literal["certflow/mixture/1"] = Field(alias="schema")
    name: str = "mixture"
    weights: list[Any]
    means: list[list[Any]]
    covariances: _Covariances
    origin: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name", mode="before")
    @classmethod
    def _name_is_text(cls, value: Any) -> Any:
        if isinstance(value, Number):
            raise ValueError("a text")
        return value


def read_file(path: Path) -> Parameters:
    """The parameters of a `.json`, `.toml` or `.npz` file. Raises `InputError` as `load_mixture`."""
    name = str(path)
    content = file_content(path, "MIXTURE", MAX_BYTES)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _from_npz(content, path)
    if suffix not in (".json", ".toml"):
        raise InputError("MIXTURE", name, "a file name that ends in .json, .toml or .npz")
    text = decoded(content, name, "MIXTURE")
    return parameters_of(parse_json(text, name) if suffix == ".json" else parse_toml(text, name))


def save_mixture(mixture: Written, path: str | PathLike[str]) -> None:
    """Write a mixture file, atomically; the suffix chooses the format. `load_mixture` gives the same numbers.

    Raises
    ------
    InputError : another suffix, or what would not come back from the file.
    """
    required = "a file name that ends in .json, .toml or .npz"
    target = file_path(path, "path", required)
    suffix = target.suffix.lower()
    _check_content(mixture, suffix)
    if suffix == ".json":
        content = (json.dumps(to_mapping(mixture), indent=1, ensure_ascii=False) + "\n").encode()
    elif suffix == ".toml":
        content = toml_text(to_mapping(mixture)).encode()
    elif suffix == ".npz":
        content = _npz(mixture)
    else:
        raise InputError("path", str(path), required)
    write_bytes_atomic(target, content)


def to_mapping(mixture: Written) -> dict[str, Any]:
    """The mixture as the JSON object of its file, numbers as exact texts."""
    mapping: dict[str, Any] = {
        "schema": SCHEMA,
        "name": mixture.name,
        "weights": mixture.exact_weights.texts(),
        "means": mixture.exact_means.texts(),
        "covariances": {"kind": mixture.kind, "values": mixture.exact_covariances.texts()},
    }
    if mixture.origin:
        mapping["origin"] = plain_origin(mixture.origin)
    return mapping


def _check_content(mixture: Written, suffix: str) -> None:
    """Refuse what `load_mixture` would refuse, or read as something else."""
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers, to be saved")
    check_text(mixture.name, "name")
    if suffix == ".npz" and mixture.name.endswith("\0"):
        raise InputError("name", mixture.name, "a text that does not end in a zero character, which .npz drops")
    plain_origin(mixture.origin, null=suffix != ".toml")
    for field in ("weights", "means", "covariances"):
        exact: ExactArray = getattr(mixture, f"exact_{field}")
        largest = max(part.bit_length() for value in exact.fractions.flat for part in value.as_integer_ratio())
        if largest > _MAX_BITS and not exact.is_binary:
            raise InputError(field, f"a number of {largest} bits", f"at most {_MAX_BITS} bits above and below the bar")


def parameters_of(mapping: Any) -> Parameters:
    """The parameters of a parsed mixture file; errors as `load_mixture`."""
    if not isinstance(mapping, dict):
        raise InputError("MIXTURE", mapping, "an object with the keys schema, weights, means, covariances")
    try:
        content = _MixtureFile.model_validate(mapping)
    except ValidationError as error:
        raise _one_line(error) from None
    kind, values = content.covariances.kind, content.covariances.values
    if _depth(values) != AXES[kind]:
        nested = f"{AXES[kind]}-fold nested lists" if AXES[kind] else "a number"
        raise InputError("covariances.values", values, f"{nested} for kind {kind}")
    return Parameters(content.weights, content.means, values, content.name, as_numbers(content.origin))


def _depth(values: Any) -> int:
    return 1 + _depth(values[0]) if isinstance(values, list) and values else int(isinstance(values, list))


def _one_line(error: ValidationError) -> InputError:
    found = error.errors()
    missing = {str(each["loc"][-1]) for each in found if each["type"] == "missing"}
    misspelt = (
        each for each in found if each["type"] == "extra_forbidden" and nearest(each["loc"][-1], missing) is not None
    )
    first = next(misspelt, found[0])
    field = ".".join(str(part) for part in first["loc"]) or "MIXTURE"
    if first["type"] == "missing":
        return InputError(field, "nothing", "this key")
    if first["type"] == "extra_forbidden":
        return _no_such_key(field, first["input"])
    if first["type"] == "literal_error":
        return InputError(field, first["input"], first["ctx"]["expected"].replace("'", '"'))
    return InputError(
        field, first["input"], first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    )


def _no_such_key(field: str, value: Any, known: tuple[str, ...] = _KEYS) -> InputError:
    if field.startswith("covariances."):
        known = ("kind", "values")
    key = field.rpartition(".")[2]
    return InputError(field, value, f"no such key (known: {', '.join(known)}){did_you_mean(key, known)}")


def _from_npz(content: bytes, path: Path) -> Parameters:
    required = "an .npz file with arrays weights, means, covariances (and text: schema, name, kind)"
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except Exception:  # NumPy raises many kinds of error on foreign or truncated bytes
        raise InputError("MIXTURE", str(path), required) from None
    for key in arrays:
        if key not in (*_KEYS, "kind"):
            raise _no_such_key(key, "an array", (*_KEYS, "kind"))
    for key in ("weights", "means", "covariances"):
        if key not in arrays:
            raise InputError(key, "nothing", required)
    texts = {key: _text(key, arrays[key]) for key in ("schema", "name", "kind", "origin") if key in arrays}
    if texts.get("schema", SCHEMA) != SCHEMA:
        raise InputError("schema", texts["schema"], f'"{SCHEMA}"')
    origin = _npz_origin(texts["origin"]) if "origin" in texts else {}
    parts = [_texts(arrays[key]) for key in ("weights", "means", "covariances")]
    kind = texts.get("kind")
    if kind is not None and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return Parameters(parts[0], parts[1], parts[2], texts.get("name", path.stem), origin, kind)


def _text(key: str, array: NDArray[Any]) -> str:
    if array.dtype.kind != "U" or array.ndim:
        raise InputError(key, f"an array of dtype {array.dtype}, shape {array.shape}", "a text")
    return str(array)


def _npz_origin(text: str) -> dict[str, Any]:
    required = "a text that holds a JSON object"
    try:
        origin = as_numbers(parse_json(text, "origin"))
    except InputError:
        origin = None
    if not isinstance(origin, dict):
        raise InputError("origin", text, required)
    return origin


def _texts(array: NDArray[Any]) -> Any:
    return array.tolist() if array.dtype.kind == "U" else array


def _npz(mixture: Written) -> bytes:
    def array(exact: ExactArray) -> NDArray[Any]:
        return exact.values if exact.is_binary else np.array(exact.texts(), dtype=str)

    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        schema=SCHEMA,
        name=mixture.name,
        kind=mixture.kind,
        weights=array(mixture.exact_weights),
        means=array(mixture.exact_means),
        covariances=array(mixture.exact_covariances),
        origin=json.dumps(plain_origin(mixture.origin)),
    )
    return buffer.getvalue()
