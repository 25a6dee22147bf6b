"""Exact numbers: decimals and fractions as written, floats as the binary numbers they are.

An `ExactArray` holds either binary numbers (a float64 array, so that ten thousand components stay
cheap), or fractions, or symbolic expressions; every arithmetic is given its numbers from here, so that
no rounding happens before the arithmetic itself rounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Objects

#: Exponents beyond this would make an exact integer of thousands of digits out of a short text.
_MAX_EXPONENT = 5000
#: Python converts no longer text to an integer (`sys.int_info.default_max_str_digits`).
_MAX_CHARACTERS = 4300
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d+\s*/\s*\d+\Z", re.ASCII)


def exact_number(value: Any, field: str = "number") -> Fraction:
    """The rational number that `value` denotes, exactly.

    A `str` is the decimal or fraction written, `int`, `Fraction`, `Decimal`, SymPy's `Rational` are themselves, a float
    (NumPy's too), an mpmath `mpf` and SymPy's `Float` stand for the binary number that they are.

    Raises
    ------
    InputError : a NaN, an infinity, a text that is no number, or another type.
    """
    requirement = 'a finite number: int, float, Fraction, or text such as "0.04" or "1/3"'
    if isinstance(value, bool | np.bool_):
        raise InputError(field, value, requirement)
    if isinstance(value, str):
        return _from_text(value.strip(), field, requirement)
    if isinstance(value, Decimal):
        return _from_text(str(value), field, requirement)
    if isinstance(value, Fraction):
        return value
    if is_whole(value):
        return Fraction(int(value))
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise InputError(field, value, requirement)
        return Fraction(*value.as_integer_ratio())
    if getattr(value, "is_Rational", False):
        return Fraction(int(value.p), int(value.q))
    if (type(value).__module__.startswith("mpmath") or getattr(value, "is_Float", False)) and hasattr(value, "_mpf_"):
        sign, mantissa, exponent, _ = value._mpf_  # `man_exp` leaves the sign out
        if mantissa == 0 and value != 0:  # an infinity or a NaN
            raise InputError(field, value, requirement)
        return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)
    raise InputError(field, value, requirement)


def root(square: Fraction) -> float:
    """The float64 nearest to the root of a rational number >= 0; infinite where that is beyond 1.8e308."""
    if not square:
        return 0.0
    p, q = square.as_integer_ratio()
    places = 70 - (p.bit_length() - q.bit_length()) // 2
    scaled, rest = divmod(p << max(2 * places, 0), q << max(-2 * places, 0))
    digits = math.isqrt(scaled)  # 70 bits, and one more that tells of what is left: enough to round as the root does
    digits = 2 * digits + (rest > 0 or digits * digits != scaled)
    return nearest_float(digits * Fraction(2) ** (-places - 1))


def root_scale(square: Any) -> Fraction:
    """A power of two `s` with `s^2 <= square < 4 s^2`, but between 2^-1000 and 2^1000; 1 of zero and of a symbol.

    `(s a)^2 (square / s^2)` neither overflows nor underflows before `a^2 square` does, and is rounded as that is.
    """
    if not isinstance(square, int | Fraction) or not square:
        return Fraction(1)
    p, q = square.as_integer_ratio()
    power = (p.bit_length() - q.bit_length()) // 2
    while square < Fraction(4) ** power:
        power -= 1
    return Fraction(2) ** max(-1000, min(power, 1000))


def float_below(value: Fraction) -> float:
    """The largest float64 that is at most `value`."""
    near = nearest_float(value)
    return math.nextafter(near, -math.inf) if not math.isfinite(near) or Fraction(near) > value else near


def nearest_float(value: Fraction) -> float:
    """The float64 nearest to a rational number; infinite where that is beyond 1.8e308."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_whole(value: Any) -> bool:
    """True for an int, Python's or NumPy's: not for a bool, nor for a span of time, which NumPy counts as one."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)


def check_plain(value: Any, field: str, requirement: str = "real numbers") -> None:
    """Refuse arrays that NumPy turns into other numbers without a word: masked, complex or boolean ones, dates."""
    if isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            if isinstance(entry, list | tuple) or hasattr(entry, "dtype"):
                check_plain(entry, f"{field}[{i}]", requirement)
        return
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise InputError(field, "masked entries", f"{requirement}, none of them masked")
    dtype = getattr(value, "dtype", None)  # of NumPy, pandas or torch
    kind = getattr(dtype, "kind", "")
    if kind == "b" or str(dtype) == "torch.bool":
        raise InputError(field, value, f"{requirement}, not booleans")
    if kind == "c" or getattr(dtype, "is_complex", False) is True:
        index = (0,) * len(value.shape)
        first = value[index] if 0 not in value.shape else value
        raise InputError(_locate(field, index), first, "a finite number that is real, not complex")
    if kind and kind in "mMSV":
        raise InputError(field, value, requirement)


def _from_text(text: str, field: str, requirement: str) -> Fraction:
    if len(text) > _MAX_CHARACTERS:
        raise InputError(field, text, f"a number of at most {_MAX_CHARACTERS} characters")
    if _FRACTION.match(text):
        numerator, denominator = text.split("/")
        if int(denominator) == 0:
            raise InputError(field, text, requirement + ", with a denominator that is not zero")
        return Fraction(int(numerator), int(denominator))
    match = _NUMBER.match(text)
    if not match:
        raise InputError(field, text, requirement)
    if match.group(3) and abs(int(match.group(3)[1:])) > _MAX_EXPONENT:
        raise InputError(field, text, f"a decimal exponent of at most {_MAX_EXPONENT} in size")
    return Fraction(text)


def exact_text(value: Fraction) -> str:
    """The shortest exact text of a rational: a decimal where one ends within 60 digits, else `p/q`."""
    denominator = value.denominator
    twos = (denominator & -denominator).bit_length() - 1
    fives, rest = 0, denominator >> twos
    while rest % 5 == 0 and rest > 1:
        rest //= 5
        fives += 1
    places = max(twos, fives)
    if rest != 1 or places > 400:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // denominator)
    significant = len(digits.rstrip("0"))
    if places and significant > 60:
        return f"{value.numerator}/{value.denominator}"
    sign = "-" if value < 0 else ""
    if not places:
        return sign + digits
    if len(digits) < places - 5:  # many leading zeros: scientific notation reads better
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{len(digits) - 1 - places}"
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def time_text(time: Fraction) -> str:
    """A time as part of a sentence or of a file's name, digits and a point: exact where short, else 12 digits.

    >>> time_text(Fraction("0.316")), time_text(Fraction(1, 3))
    ('0.316', '0.333333333333')
    """
    text = exact_text(time)
    return text if len(text) <= 16 and "/" not in text else f"{float(time):.12g}"


def is_symbolic(value: Any) -> bool:
    """True for a SymPy expression (told without importing SymPy)."""
    return hasattr(value, "free_symbols") and hasattr(value, "subs")


def _is_exact(value: Any) -> bool:
    """Whether a SymPy expression is a number that `exact_number` reads; an irrational one stays an expression."""
    return bool(getattr(value, "is_Rational", False) or getattr(value, "is_Float", False))


def check_real_symbol(value: Any, field: str) -> None:
    """Refuse a SymPy expression with an imaginary unit, an infinity or a symbol that is declared not to be real.

    Only its parts are looked at: whether a whole expression is real is a question that SymPy may ponder for long.
    """
    import sympy

    unreal = value.has(sympy.I, sympy.nan, sympy.oo, sympy.zoo, -sympy.oo)
    if unreal or any(symbol.is_real is False for symbol in value.free_symbols):
        raise InputError(field, value, "real, finite expressions")


@dataclass(frozen=True, eq=False)
class ExactArray:
    """An array of exact numbers; `values` is float64 (binary), or an object array of Fraction or Expr."""

    values: NDArray[Any]

    def __post_init__(self) -> None:
        if not isinstance(self.values, np.ndarray):  # arithmetic on arrays of shape () yields a scalar
            plain = isinstance(self.values, float)
            object.__setattr__(self, "values", np.array(self.values, dtype=np.float64 if plain else object))

    def __getstate__(self) -> dict[str, Any]:
        """A pickle or a copy has the numbers alone: what is converted from them is made again."""
        return {"values": self.values}

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = state["values"]
        values.setflags(write=False)  # NumPy's own pickles and copies can be written to
        object.__setattr__(self, "values", values)

    @classmethod
    def of(cls, data: Any, field: str) -> ExactArray:
        """Read numbers, nested lists or arrays; ragged or non-numeric data raise `InputError`."""
        check_plain(data, field, "numbers")
        array = np.asarray(data) if isinstance(data, np.ndarray | np.generic) else _nested(data, field)
        if array.dtype.kind in "iu" and array.size and np.abs(array).max() >= 2**53:
            array = array.astype(object)
        if array.dtype.kind in "iuf" and array.dtype.itemsize <= 8:
            values = array.astype(np.float64)
            bad = ~np.isfinite(values)
            if bad.any():
                raise InputError(_locate(field, np.argwhere(bad)[0]), values[bad][0], "a finite number")
        elif any(is_symbolic(entry) and not _is_exact(entry) for entry in array.flat):
            values = _symbols(array, field)
        else:
            values = np.empty(array.shape, dtype=object)
            for index in np.ndindex(array.shape):
                values[index] = exact_number(array[index], _locate(field, index))
        values.setflags(write=False)
        return cls(values)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def is_binary(self) -> bool:
        return self.values.dtype == np.float64

    @cached_property
    def is_symbolic(self) -> bool:
        return not self.is_binary and any(is_symbolic(entry) for entry in self.values.flat)

    @cached_property
    def floats(self) -> Floats:
        """The nearest float64 numbers (of symbolic entries: an `InputError`)."""
        if self.is_binary:
            return self.values
        if self.is_symbolic:
            raise InputError("mixture", "symbolic parameters", "numbers, for floating-point evaluation")
        try:
            result = np.array([float(q) for q in self.values.flat]).reshape(self.shape)
        except OverflowError:
            raise InputError("mixture", "a number beyond 1.8e308", "float64 numbers, for this evaluation") from None
        result.setflags(write=False)
        return result

    @cached_property
    def float_errors(self) -> Floats:
        """What the nearest float64 numbers leave over, itself rounded to float64."""
        if self.is_binary:
            return np.zeros(self.shape)
        pairs = zip(self.values.flat, self.floats.flat, strict=True)
        return np.array([float(q - Fraction(float(f))) for q, f in pairs]).reshape(self.shape)

    @cached_property
    def fractions(self) -> Objects:
        """Object array of `Fraction` (of expressions, if the entries are symbolic), exact."""
        if not self.is_binary:
            return self.values
        result = np.empty(self.shape, dtype=object)
        for index in np.ndindex(self.shape):
            result[index] = Fraction(float(self.values[index]))
        return result

    def texts(self) -> Any:
        """Nested lists of exact texts (of a scalar: one text)."""
        texts = np.empty(self.shape, dtype=object)
        for index in np.ndindex(self.shape):
            value: Any = self.fractions[index]
            texts[index] = exact_text(value)
        return texts.tolist()


def _nested(data: Any, field: str) -> NDArray[Any]:
    shape = _shape(data, field)
    array = np.empty(shape, dtype=object)
    for index, value in zip(np.ndindex(shape), _flatten(data, len(shape)), strict=True):
        array[index] = value
    plain = array.size > 0 and all(type(v) is float or (type(v) is int and abs(v) < 2**53) for v in array.flat)
    return array.astype(np.float64) if plain else array


def _shape(data: Any, field: str) -> tuple[int, ...]:
    if isinstance(data, np.ndarray):
        result: tuple[int, ...] = data.shape
        return result
    if not isinstance(data, list | tuple):
        if isinstance(data, Iterable) and not isinstance(data, str) and not is_symbolic(data):
            raise InputError(field, data, "a number, a list or an array of numbers")
        return ()
    shapes = {_shape(entry, f"{field}[{i}]") for i, entry in enumerate(data)}
    if len(shapes) > 1:
        raise InputError(field, data, f"rows of equal length, not of shapes {sorted(shapes)}")
    return (len(data), *(shapes.pop() if shapes else ()))


def _flatten(data: Any, depth: int) -> Iterable[Any]:
    if depth == 0:
        yield data
        return
    for entry in data:
        yield from _flatten(entry, depth - 1)


def _symbols(array: NDArray[Any], field: str) -> Objects:
    import sympy

    values = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        entry, place = array[index], _locate(field, index)
        if is_symbolic(entry):
            check_real_symbol(entry, place)
            values[index] = entry
        else:
            values[index] = sympy.Rational(*exact_number(entry, place).as_integer_ratio())
    return values


def _locate(field: str, index: Any) -> str:
    return field + "".join(f"[{int(i)}]" for i in index)
