"""Reading: the JSON text, the form that a certificate must have, exact numbers."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from itertools import accumulate, groupby
from typing import Any

from .refusals import Refused, require, shown
from .work import (
    MAX_CHARACTERS,
    MAX_DENOMINATOR_BITS,
    MAX_EXPONENT,
    MAX_LIST_BITS,
    MAX_NESTING,
    MAX_VALUES,
    Work,
    fraction_steps,
    product_steps,
)

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,6}))?")
_RATIO = re.compile(r"([+-]?[0-9]+)/([0-9]*[1-9][0-9]*)")
_PLACE = re.compile(r"0|[1-9][0-9]{0,6}")
_EXACT = 'an exact number in quotes, such as "0.1" or "1/3"'


def parse(text: str, work: Work) -> Any:
    """The value of a JSON text without floats, long integers, duplicate keys and deep nesting."""
    work.spend(len(text) // 2, "certificate")
    bare = _STRING.sub("", text)
    values = max(sum(map(bare.count, marks)) for marks in (",[{", "]}"))
    require(values <= MAX_VALUES, "certificate", values, f"at most {MAX_VALUES} values")
    work.spend(20 * values, "certificate")
    brackets = re.finditer(r"[\[\]{}]", bare)
    depth = max(accumulate(1 if bracket.group() in "[{" else -1 for bracket in brackets), default=0)
    require(depth <= MAX_NESTING, "certificate", depth, f"at most {MAX_NESTING} nested levels")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                require(False, shown(key)[1:-1], "this key twice", "each key once")
            found[key] = value
        return found

    def inexact(literal: str) -> Any:
        require(False, "certificate", literal, f"integers, and {_EXACT}")

    def whole(literal: str) -> int:
        long = len(literal) > MAX_CHARACTERS
        require(not long, "certificate", literal, f"integers of at most {MAX_CHARACTERS} digits")
        work.spend(10 + len(literal) ** 2 // 8000, "certificate")
        return int(literal)

    hooks: Any = {"parse_int": whole, "parse_float": inexact, "parse_constant": inexact, "object_pairs_hook": unique}
    try:
        return json.loads(text, **hooks)
    except ValueError as error:
        raise Refused(f"certificate: got a text that is not JSON ({error}); required: one JSON object") from None


def read(value: Any, shape: Any, field: str, work: Work) -> Any:
    """`value`, its exact numbers as fractions, which must have the shape: `{key: shape}`, an object with these keys;
    `{int: shape}`, one whose keys are places from 0; `[shape]`, a list; `(shape,)`, that or null; a set of texts or a
    range of integers, one of them; `Fraction`, an exact number in quotes; `str`, a text; `bool`; None, anything."""
    if isinstance(shape, dict) and int in shape and isinstance(value, dict):
        wrong = next((key for key in value if not _PLACE.fullmatch(key)), None)
        require(wrong is None, field, wrong, 'keys that are integers from 0, such as "12"')
        work.spend(100 * len(value), field)
        return {int(key): read(entry, shape[int], f"{field}.{key}", work) for key, entry in value.items()}
    if isinstance(shape, dict) and isinstance(value, dict):
        wrong = next((key for key in [*value, *shape] if key not in value or key not in shape), None)
        if wrong is not None:
            where = f"{field}.{shown(wrong)[1:-1]}".lstrip(".")
            require(wrong in value, where, "nothing", "this key")
            require(False, where, "this key", f"no key but {', '.join(shape)}")
        work.spend(100 * len(shape), field or "certificate")
        return {key: read(value[key], inner, f"{field}.{key}".lstrip("."), work) for key, inner in shape.items()}
    if isinstance(shape, list) and isinstance(value, list):
        work.spend(30 * len(value), field)
        return [read(entry, shape[0], f"{field}[{i}]", work) for i, entry in enumerate(value)]
    if isinstance(shape, tuple):
        return value if value is None else read(value, shape[0], field, work)
    if shape is Fraction and isinstance(value, str):
        return number(value, field, work)
    if isinstance(shape, set | range):
        one = f"an integer from {shape[0]} to {shape[-1]}" if isinstance(shape, range) else " or ".join(sorted(shape))
        require(type(value) is (int if isinstance(shape, range) else str) and value in shape, field, value, one)
    elif shape is bool:
        require(type(value) is bool, field, value, "true or false")
    elif shape is not None:
        kinds: dict[Any, str] = {dict: "an object", list: "a list"}
        required = kinds.get(type(shape), "a text" if shape is str else _EXACT)
        require(shape is str and isinstance(value, str), field, value, required)
    return value


def number(text: str, field: str, work: Work) -> Fraction:
    """An exact number: a decimal or `p/q`."""
    require(len(text) <= MAX_CHARACTERS, field, text, f"a number of at most {MAX_CHARACTERS} characters")
    decimal = _DECIMAL.fullmatch(text)
    require(bool(decimal or _RATIO.fullmatch(text)), field, text, _EXACT)
    exponent = abs(int(decimal[1] or 0)) if decimal else 0
    require(exponent <= MAX_EXPONENT, field, text, f"a decimal exponent of at most {MAX_EXPONENT} in size")
    digits = len(text) + exponent
    work.spend(80 + digits + digits * digits // 8000, field)
    return Fraction(text)


def over_common_denominator(values: list[Fraction], field: str, work: Work) -> tuple[list[int], int]:
    """Integers `n_i` and one `d` with `values[i] = n_i / d`."""
    work.spend(20 * len(values), field)
    common = 1
    for part, _ in groupby(sorted(value.denominator for value in values)):  # a set may collide, value after value
        work.spend(
            fraction_steps(min(common.bit_length(), part.bit_length()))
            + product_steps(common.bit_length(), part.bit_length()),
            field,
        )
        common = math.lcm(common, part)
        require(
            common.bit_length() <= MAX_DENOMINATOR_BITS,
            field,
            values,
            "a common denominator that is not so large",
        )
    long = common.bit_length()
    require(len(values) * long < MAX_LIST_BITS, field, len(values), "fewer numbers, or a common denominator less long")
    work.spend(sum(20 + 2 * product_steps(long, value.numerator.bit_length() + 64) for value in values), field)
    return [value.numerator * (common // value.denominator) for value in values], common
