"""How the kernels are compiled, and the power of two of an exponential."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.extending import intrinsic

from certflow.numbers.machine_code import kept

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

#: Options of what other threads of Python run beside, without and with multiplications and sums contracted.
_ROUNDED: Any = {"nogil": True, "error_model": "numpy"}
_CONTRACTED: Any = {**_ROUNDED, "fastmath": {"contract"}}

_MAGIC = 6755399441055744.0  # 1.5 * 2^52: a sum with it is rounded to an integer, which stands in its last bits
_LOG2E = 1.4426950408889634


def compiled(function: Kernel) -> Kernel:
    """A part of a kernel."""
    return cast(Kernel, njit(**_CONTRACTED)(function))


def rounded(function: Kernel) -> Kernel:
    """A part of a kernel in which every operation is rounded by itself."""
    return cast(Kernel, njit(**_ROUNDED)(function))


def kernel(*arguments: Any, contracted: bool = True) -> Callable[[Kernel], Kernel]:
    """Compiled for arguments of these types when its module is imported, and kept on the disk where that can be."""
    options = _CONTRACTED if contracted else _ROUNDED

    def make(function: Kernel) -> Kernel:
        signatures = [types.void(*arguments)]
        return cast(Kernel, kept(lambda cached: njit(signatures, cache=cached, **options)(function)))

    return make


def known(dimensions: int) -> Any:
    """The type of an array of float64 numbers that is only read."""
    return types.Array(types.float64, dimensions, "C", readonly=True)


def filled(dimensions: int) -> Any:
    """The type of an array of float64 numbers that is written."""
    return types.Array(types.float64, dimensions, "C")


def _cast(source: Any, target: Any) -> Any:
    """A compiled function that takes the 64 bits of a number for one of another type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(target))

    def cast_of(typing: Any, value: Any) -> Any:
        return target(source), generate

    return intrinsic(cast_of)


_bits, _of_bits = _cast(types.float64, types.int64), _cast(types.int64, types.float64)


@rounded
def shifted_exponent(a: float) -> tuple[float, float]:
    """The integer `n` next to `a / ln 2`, and `n` as `power_of_two` takes it."""
    shifted = a * _LOG2E + _MAGIC
    return shifted - _MAGIC, shifted


@rounded
def power_of_two(shifted: float) -> float:
    """`2^n` for n between -1022 and 1023."""
    power: float = _of_bits((_bits(shifted) - _bits(_MAGIC) + 1023) << 52)
    return power
