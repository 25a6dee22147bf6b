"""Quantities that code computes with: a network of torch, or the steps of a solver, run on Taylor models.

A `Quantity` stands for rows of `n` numbers at every `x` of many cells at once (or for bounds of them), or for numbers
that do not depend on `x`. `+ - * /` and the functions below are those of real numbers: code that is run on quantities
says what it computes in exact arithmetic. torch calls `__torch_function__` in place of its own functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from certflow.enclosure.students.score.algebras import Algebra
from certflow.enclosure.students.score.balls import Balls, balls, exact
from certflow.errors import InputError
from certflow.numbers.inputs import is_tensor

#: What a network may be made of, for messages.
REQUIRED = (
    "torch operations on rows: Linear, matmul, cat, + - *, / by numbers, SiLU, tanh, ReLU and its square; "
    "of the time alone also sin, cos, exp, log, sqrt"
)
#: Rows that code sees: one, which stands for all cells.
_ROWS = 1


class Quantity:
    """Rows of an algebra (`value`), or numbers (`numbers`, an array of balls, shape (n,)).

    column : whether code sees the shape (rows, n); else it sees (rows,), and `n = 1`
    """

    #: NumPy and its scalars leave operators to this class.
    __array_ufunc__ = None

    def __init__(self, algebra: Algebra, value: Any = None, numbers: Any = None, column: bool = True):
        self.algebra, self.value, self.numbers, self.column = algebra, value, numbers, column
        #: What this is the positive part of, so that its square is known better than a product.
        self._positive_of: Any = None

    @classmethod
    def of_numbers(cls, algebra: Algebra, numbers: Sequence[Any], column: bool = True) -> Quantity:
        """Numbers, balls."""
        return cls(algebra, numbers=np.array(list(numbers), dtype=object), column=column)

    @property
    def size(self) -> int:
        """`n`."""
        if self.numbers is not None:
            return len(self.numbers)
        return int(getattr(self.value, "remainder", self.value).shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that code sees."""
        return (_ROWS, self.size) if self.column else (_ROWS,)

    @property
    def ndim(self) -> int:
        """The number of axes that code sees."""
        return len(self.shape)

    dim = property(lambda self: lambda: self.ndim)

    def rows(self) -> Any:
        """The rows of the algebra, numbers too."""
        return self.algebra.constants(balls(self.numbers)) if self.numbers is not None else self.value

    def renew(self) -> None:
        """What is uncertain becomes a symbol of its own, here and wherever this quantity is used."""
        if self.value is not None:
            self.value = self.algebra.renewed(self.value)

    def like(self, value: Any, column: bool | None = None) -> Quantity:
        """Rows of the same algebra."""
        return Quantity(self.algebra, value, column=self.column if column is None else column)

    # -- arithmetic ----------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Quantity:
        one, two = self, _read(self, other)
        column = one.column or two.column
        if one.numbers is not None and two.numbers is not None:
            return Quantity.of_numbers(self.algebra, _wide(one.numbers, two) + _wide(two.numbers, one), column)
        if one.numbers is not None:
            one, two = two, one
        if two.numbers is not None:
            return one.like(self.algebra.shifted(one.value, balls(two.numbers)), column)
        return one.like(self.algebra.sum(one.value, two.value), column)

    def __mul__(self, other: Any) -> Quantity:
        one, two = self, _read(self, other)
        column = one.column or two.column
        if one.numbers is not None and two.numbers is not None:
            return Quantity.of_numbers(self.algebra, _wide(one.numbers, two) * _wide(two.numbers, one), column)
        if one.numbers is not None:
            one, two = two, one
        if two.numbers is not None:
            return one.like(self.algebra.times(one.value, balls(two.numbers)), column)
        if one is two or one.value is two.value:
            return one.square()
        return one.like(self.algebra.product(one.value, two.value), column)

    def __truediv__(self, other: Any) -> Quantity:
        two = _read(self, other)
        if two.numbers is None:
            raise _unknown("a division by a function of x")
        return self * Quantity.of_numbers(self.algebra, [1 / b for b in two.numbers], two.column)

    def __rtruediv__(self, other: Any) -> Quantity:
        return _read(self, other) / self

    def __neg__(self) -> Quantity:
        return self * -1

    def __sub__(self, other: Any) -> Quantity:
        return self + -_read(self, other)

    def __rsub__(self, other: Any) -> Quantity:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, power: Any) -> Quantity:
        if power == 2:
            return self.square()
        if power == 1:
            return self
        if self.numbers is not None and isinstance(power, int):
            return Quantity.of_numbers(self.algebra, [b**power for b in self.numbers], self.column)
        raise _unknown(f"the power {power}")

    def square(self) -> Quantity:
        """`h^2`; of a positive part `max(z, 0)^2`."""
        if self.numbers is not None:
            return Quantity.of_numbers(self.algebra, self.numbers * self.numbers, self.column)
        if self._positive_of is not None:
            return self.like(self.algebra.activated("requ", self._positive_of))
        return self.like(self.algebra.product(self.value, self.value))

    def __matmul__(self, matrix: Any) -> Quantity:
        return self.affine(_floats(matrix), None)

    def affine(self, matrix: Any, shift: Any) -> Quantity:
        """`h W + b`, float64 arrays."""
        bias = np.zeros(matrix.shape[1]) if shift is None else shift
        return Quantity(self.algebra, self.algebra.mapped(self.rows(), exact(matrix), exact(bias)))

    # -- functions -----------------------------------------------------------------------------------------

    def activated(self, kind: str) -> Quantity:
        """SiLU, tanh, ReLU."""
        found = self.like(self.algebra.activated(kind, self.rows()))
        if kind == "relu":
            found._positive_of = self.rows()
        return found

    def of_time(self, function: Callable[[Any], Any], name: str) -> Quantity:
        """A function of numbers.

        Raises
        ------
        InputError : of what depends on `x`.
        """
        if self.numbers is None:
            raise _unknown(f"{name} of a function of x")
        return Quantity.of_numbers(self.algebra, [function(b) for b in self.numbers], self.column)

    # -- shapes --------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Quantity:
        parts = key if isinstance(key, tuple) else (key,)
        if parts[0] not in (slice(None), Ellipsis):
            raise _unknown(f"the rows [{parts[0]}]")
        rest = parts[1:]
        if rest == (None,) and not self.column:
            return self.unsqueeze(1)
        if not rest:
            return self
        if len(rest) != 1 or not self.column or rest[0] is None:
            raise _unknown(f"the entries {key}")
        places = np.arange(self.size)[rest[0]]
        column = np.ndim(places) > 0
        places = np.atleast_1d(places)
        if self.numbers is not None:
            return Quantity.of_numbers(self.algebra, self.numbers[places], column)
        return self.like(self.algebra.columns(self.value, places), column)

    def unsqueeze(self, axis: int) -> Quantity:
        """(rows,) as (rows, 1)."""
        if self.column or axis not in (1, -1):
            raise _unknown("an axis before the rows or a third one")
        return Quantity(self.algebra, self.value, self.numbers, True)

    def squeeze(self, axis: int = -1) -> Quantity:
        """(rows, 1) as (rows,)."""
        if self.size != 1 or axis not in (1, -1):
            raise _unknown("a squeeze of rows of several numbers")
        return Quantity(self.algebra, self.value, self.numbers, False)

    def reshape(self, *shape: Any) -> Quantity:
        """(rows,) as (rows, 1) and back."""
        wanted = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        if len(wanted) == 2 and wanted[0] in (-1, _ROWS) and wanted[1] in (-1, self.size):
            return Quantity(self.algebra, self.value, self.numbers, True)
        if len(wanted) == 1 and self.size == 1:
            return Quantity(self.algebra, self.value, self.numbers, False)
        raise _unknown(f"the shape {wanted}")

    def itself(self, *_: Any, **__: Any) -> Quantity:
        """What does not change numbers: a copy, another dtype."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in OPERATIONS:
            raise AttributeError(name)
        return lambda *args, **keywords: OPERATIONS[name](self, *args, **keywords)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", str(function)).strip("_")
        if name not in OPERATIONS:
            raise _unknown(f"torch.{name}")
        return OPERATIONS[name](*args, **(kwargs or {}))


def _unknown(what: str) -> InputError:
    return InputError("network", what, REQUIRED)


def _floats(value: Any) -> Any:
    """A float64 array of the same binary numbers."""
    if is_tensor(value):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)


def _read(like: Quantity, value: Any) -> Quantity:
    from flint import arb

    if isinstance(value, Quantity):
        return value
    if isinstance(value, arb):
        return Quantity.of_numbers(like.algebra, [value], column=False)
    array = _floats(value)
    if array.ndim > 2 or (array.ndim == 2 and len(array) != 1):
        raise _unknown(f"an array of shape {array.shape}")
    column = array.ndim > 1 or (array.ndim == 1 and like.column)
    return Quantity.of_numbers(like.algebra, [arb(float(x)) for x in np.ravel(array)], column)


def _wide(numbers: Any, other: Quantity) -> Any:
    return np.broadcast_to(numbers, (max(len(numbers), other.size),))


def _any(value: Any, *others: Any) -> Quantity:
    """The first argument as a quantity like the others."""
    if isinstance(value, Quantity):
        return value
    return _read(next(other for other in others if isinstance(other, Quantity)), value)


def _linear(x: Any, weight: Any, bias: Any = None) -> Quantity:
    if isinstance(weight, Quantity) or isinstance(bias, Quantity):
        raise _unknown("weights that depend on x or on the time")
    return _any(x).affine(_floats(weight).T, None if bias is None else _floats(bias))


def _cat(parts: Sequence[Any], dim: int = 0, axis: int | None = None) -> Quantity:
    like = next(part for part in parts if isinstance(part, Quantity))
    rows = [_any(part, like) for part in parts]
    if (dim if axis is None else axis) not in (1, -1) or not all(part.column for part in rows):
        raise _unknown("cat along the rows")
    if all(part.numbers is not None for part in rows):
        return Quantity.of_numbers(like.algebra, np.concatenate([part.numbers for part in rows]))
    return Quantity(like.algebra, like.algebra.joined([part.rows() for part in rows]))


def _activation(kind: str) -> Callable[..., Quantity]:
    return lambda x, inplace=False: x.activated(kind)


def _function(name: str, function: Callable[[Any], Any]) -> Callable[..., Quantity]:
    return lambda x: x.of_time(function, name)


#: What torch's functions and the methods of tensors become, by name.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "cat": _cat,
    "concat": _cat,
    "concatenate": _cat,
    "matmul": lambda x, w: _any(x, w) @ w,
    "add": lambda x, y: _any(x, y) + y,
    "radd": lambda x, y: _any(x, y) + y,
    "sub": lambda x, y: _any(x, y) - y,
    "rsub": lambda x, y: _any(y, x) - x,
    "mul": lambda x, y: _any(x, y) * y,
    "rmul": lambda x, y: _any(x, y) * y,
    "div": lambda x, y: _any(x, y) / y,
    "truediv": lambda x, y: _any(x, y) / y,
    "true_divide": lambda x, y: _any(x, y) / y,
    "neg": lambda x: -x,
    "square": Quantity.square,
    "pow": Quantity.__pow__,
    "silu": _activation("silu"),
    "tanh": _activation("tanh"),
    "relu": _activation("relu"),
    **{name: _function(name, lambda b, name=name: getattr(b, name)()) for name in ("sin", "cos", "exp", "log", "sqrt")},
    "unsqueeze": Quantity.unsqueeze,
    "squeeze": Quantity.squeeze,
    "reshape": Quantity.reshape,
    "view": Quantity.reshape,
    **dict.fromkeys(("float", "double", "to", "clone", "contiguous", "type", "detach"), Quantity.itself),
}

__all__ = ["OPERATIONS", "REQUIRED", "Balls", "Quantity"]
