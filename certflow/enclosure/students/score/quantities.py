"""Quantities that code computes with: a network of torch, or the steps of a solver, run on Taylor models.

A `Quantity` stands for rows of `n` numbers at every `x` of many cells at once (or for bounds of them), or for numbers
that do not depend on `x`. `+ - * /` and the functions below are those of real numbers: code that is run on quantities
says what it computes in exact arithmetic. `TorchQuantity` is what torch takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from certflow.enclosure.students.score.algebras import Algebra
from certflow.enclosure.students.score.balls import balls, exact
from certflow.errors import InputError
from certflow.numbers.inputs import is_tensor

#: What a network may be made of, for messages.
REQUIRED = (
    "torch operations on rows: Linear, matmul, cat, + - *, / by numbers, SiLU, tanh, ReLU and its square; "
    "of the time alone also sin, cos, exp, log, sqrt"
)
#: Rows that code sees, each of which stands for every `x`: a prime, so that no other number is taken for it.
_ROWS = 1009


class Quantity:
    """Rows of an algebra (`value`), or numbers (`numbers`, an array of balls, shape (n,)).

    axes : of the shape that code sees: 2 for (rows, n), 1 for (rows,), 0 for one number; with less than 2, `n = 1`
    """

    #: NumPy and its scalars leave operators to this class.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: Algebra, value: Any = None, numbers: Any = None, axes: int = 2):
        self.algebra, self.value, self.numbers, self.axes = algebra, value, numbers, axes
        #: What this is the positive part of, so that its square is known better than a product.
        self._positive_of: Any = None
        #: Whether another quantity may be the same memory to torch: a view of this one, or what this is a view of.
        self._shared = False

    @classmethod
    def of_numbers(cls, algebra: Algebra, numbers: Iterable[Any], axes: int = 2) -> Quantity:
        """Numbers, balls."""
        return cls(algebra, numbers=np.array(list(numbers), dtype=object), axes=axes)

    @property
    def size(self) -> int:
        """`n`."""
        if self.numbers is not None:
            return len(self.numbers)
        return int(getattr(self.value, "remainder", self.value).shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that code sees."""
        return ((), (_ROWS,), (_ROWS, self.size))[self.axes]

    @property
    def ndim(self) -> int:
        """The number of axes that code sees."""
        return self.axes

    def _undecided(self, *_: Any) -> Any:
        """Code that asks for a value, a truth or the single rows is not the same for every `x`."""
        raise unknown_operation("a value, a truth, or single rows")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _undecided
    __bool__ = __float__ = __int__ = __index__ = __iter__ = __array__ = __setitem__ = _undecided

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self) -> Any:
        """The rows of the algebra, numbers too."""
        return self.algebra.constants(balls(self.numbers)) if self.numbers is not None else self.value

    def renew(self) -> None:
        """What is uncertain becomes a symbol of its own, here and wherever this quantity is used."""
        if self.value is not None:
            self.value = self.algebra.renewed(self.value)

    def like(self, value: Any, axes: int | None = None) -> Quantity:
        """Rows of the same algebra."""
        return type(self)(self.algebra, value, axes=self.axes if axes is None else axes)

    def clone(self) -> Quantity:
        """A copy of its own."""
        return self.as_shape(self.axes)

    def as_shape(self, axes: int) -> Quantity:
        """The same numbers in another shape."""
        found = type(self)(self.algebra, self.value, self.numbers, axes)
        found._positive_of = self._positive_of
        return found

    def _as_view(self, found: Quantity) -> Quantity:
        """What torch makes of this without a copy: neither may then be changed in place."""
        self._shared = found._shared = True
        return found

    def replaced(self, found: Quantity) -> Quantity:
        """What code does in place, `h += ...`: whoever holds this quantity has the new one.

        Raises
        ------
        InputError : where views would have to change, too, or the shape.
        """
        if self._shared or found.axes != self.axes or found.size != self.size:
            raise unknown_operation("an operation in place on what has views, or of another shape")
        self.value, self.numbers, self._positive_of = found.value, found.numbers, found._positive_of
        return self

    # -- arithmetic ----------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Quantity:
        one, two = self, read(self, other)
        axes = _joint(one, two)
        if one.numbers is not None and two.numbers is not None:
            return self.of_numbers(self.algebra, _wide(one.numbers, two) + _wide(two.numbers, one), axes)
        if one.numbers is not None:
            one, two = two, one
        if two.numbers is not None:
            return one.like(self.algebra.shifted(one.value, balls(two.numbers)), axes)
        return one.like(self.algebra.sum(one.value, two.value), axes)

    def __mul__(self, other: Any) -> Quantity:
        one, two = self, read(self, other)
        axes = _joint(one, two)
        if one.numbers is not None and two.numbers is not None:
            return self.of_numbers(self.algebra, _wide(one.numbers, two) * _wide(two.numbers, one), axes)
        if one.numbers is not None:
            one, two = two, one
        if two.numbers is not None:
            return one.like(self.algebra.times(one.value, balls(two.numbers)), axes)
        if one is two or one.value is two.value:
            return one.square()
        return one.like(self.algebra.product(one.value, two.value), axes)

    def __truediv__(self, other: Any) -> Quantity:
        two = read(self, other)
        if two.numbers is None:
            raise unknown_operation("a division by a function of x")
        return self * self.of_numbers(self.algebra, [1 / b for b in two.numbers], two.axes)

    def __rtruediv__(self, other: Any) -> Quantity:
        found: Quantity = read(self, other) / self
        return found

    def __neg__(self) -> Quantity:
        return self * -1

    def __sub__(self, other: Any) -> Quantity:
        return self + -read(self, other)

    def __rsub__(self, other: Any) -> Quantity:
        found: Quantity = -self + other
        return found

    __radd__, __rmul__ = __add__, __mul__

    def __iadd__(self, other: Any) -> Quantity:
        return self.replaced(self + other)

    def __isub__(self, other: Any) -> Quantity:
        return self.replaced(self - other)

    def __imul__(self, other: Any) -> Quantity:
        return self.replaced(self * other)

    def __itruediv__(self, other: Any) -> Quantity:
        return self.replaced(self / other)

    def __ipow__(self, power: Any) -> Quantity:
        return self.replaced(self**power)

    def __pow__(self, power: Any) -> Quantity:
        if power == 2:
            return self.square()
        if power == 1:
            return self.clone()
        if self.numbers is not None and isinstance(power, int):
            return self.of_numbers(self.algebra, [b**power for b in self.numbers], self.axes)
        raise unknown_operation(f"the power {power}")

    def square(self) -> Quantity:
        """`h^2`; of a positive part `max(z, 0)^2`."""
        if self.numbers is not None:
            return self.of_numbers(self.algebra, self.numbers * self.numbers, self.axes)
        if self._positive_of is not None:
            return self.like(self.algebra.activated("requ", self._positive_of))
        return self.like(self.algebra.product(self.value, self.value))

    def __matmul__(self, matrix: Any) -> Quantity:
        return self.affine(floats(matrix), None)

    def affine(self, matrix: Any, shift: Any) -> Quantity:
        """`h W + b`, float64 arrays."""
        bias = np.zeros(matrix.shape[1]) if shift is None else shift
        return type(self)(self.algebra, self.algebra.mapped(self.rows(), exact(matrix), exact(bias)))

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
            raise unknown_operation(f"{name} of a function of x")
        return self.of_numbers(self.algebra, [function(b) for b in self.numbers], self.axes)

    # -- shapes --------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Quantity:
        parts = key if isinstance(key, tuple) else (key,)
        if not (parts[0] is Ellipsis or (isinstance(parts[0], slice) and parts[0] == slice(None))):
            raise unknown_operation(f"the rows [{parts[0]}]")
        rest = parts[1:]
        if not rest:
            return self
        if rest == (None,) and self.axes == 1:
            return self.unsqueeze(1)
        if len(rest) != 1 or self.axes != 2 or not isinstance(rest[0], int | slice | list):
            raise unknown_operation(f"the entries {key}")
        chosen = np.arange(self.size)[rest[0]]
        places, axes = np.atleast_1d(chosen), 2 if np.ndim(chosen) else 1
        if self.numbers is not None:
            return self._as_view(self.of_numbers(self.algebra, self.numbers[places], axes))
        return self._as_view(self.like(self.algebra.columns(self.value, places), axes))

    def unsqueeze(self, dim: int) -> Quantity:
        """(rows,) as (rows, 1)."""
        if self.axes != 1 or dim not in (1, -1):
            raise unknown_operation("an axis before the rows or a third one")
        return self._as_view(self.as_shape(2))

    def squeeze(self, dim: int = -1) -> Quantity:
        """(rows, 1) as (rows,)."""
        if self.axes != 2 or self.size != 1 or dim not in (1, -1):
            raise unknown_operation("a squeeze of rows of several numbers")
        return self._as_view(self.as_shape(1))

    def reshape(self, *shape: Any) -> Quantity:
        """(rows,) as (rows, 1) and back."""
        wanted = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        fits = wanted and wanted[0] in (-1, _ROWS) and self.axes
        if fits and len(wanted) == 2 and wanted[1] in (-1, self.size):
            return self._as_view(self.as_shape(2))
        if fits and len(wanted) == 1 and self.size == 1:
            return self._as_view(self.as_shape(1))
        raise unknown_operation(f"the shape {wanted}")

    def expand(self, *shape: Any) -> Quantity:
        """The same rows, where nothing is repeated."""
        wanted = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        if len(wanted) == self.axes and all(size in (-1, own) for size, own in zip(wanted, self.shape, strict=True)):
            return self._as_view(self)
        raise unknown_operation(f"the shape {wanted}")

    def itself(self, *_: Any, **__: Any) -> Quantity:
        """What does not change numbers: another dtype; a copy or not."""
        return self._as_view(self)


def unknown_operation(what: str) -> InputError:
    return InputError("network", what, REQUIRED)


def floats(value: Any) -> Any:
    """A float64 array of the same binary numbers."""
    if is_tensor(value):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)


def read(like: Quantity, value: Any) -> Quantity:
    from flint import arb

    if isinstance(value, Quantity):
        return value
    if isinstance(value, arb):
        return like.of_numbers(like.algebra, [value], 0)
    array = floats(value)
    if array.ndim == like.axes and array.ndim and len(array) == _ROWS and (array == array[:1]).all():
        row = array[0] if array.ndim == 2 else array[:1]  # as many rows as code saw, all the same
        return like.of_numbers(like.algebra, [arb(float(x)) for x in row], array.ndim)
    if array.ndim > 2 or (array.ndim == 2 and len(array) != 1) or (array.ndim and like.axes != 2):
        raise unknown_operation(f"an array of shape {array.shape} with rows of shape {like.shape}")
    return like.of_numbers(like.algebra, [arb(float(x)) for x in np.ravel(array)], 2 if array.ndim else 0)


def _joint(one: Quantity, other: Quantity) -> int:
    """The axes of a sum or a product: torch makes of (rows,) and (rows, n) something else."""
    if {one.axes, other.axes} == {1, 2}:
        raise unknown_operation(f"shapes {one.shape} and {other.shape} in one operation")
    if one.axes == 2 and other.axes == 2 and one.size != other.size and 1 not in (one.size, other.size):
        raise unknown_operation(f"rows of {one.size} and of {other.size} numbers in one operation")
    return max(one.axes, other.axes)


def _wide(numbers: Any, other: Quantity) -> Any:
    return np.broadcast_to(numbers, (max(len(numbers), other.size),))
