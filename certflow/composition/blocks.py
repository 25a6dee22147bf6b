"""Residual blocks: one step of a one-step method for `dx/dt = u(x, t)`, and how far it is from the flow (proofs/E4.md).

A block goes from `t` to `t - h`, in the direction of sampling, `Psi(x) = x + h F(x, t)`:

    Euler     (order 1)    F = -u(x, t)
    midpoint  (order 2)    F = -u(x - h/2 u(x, t), t - h/2)      the explicit Runge-Kutta method of two stages

With a velocity that is off by at most `eta` where the block evaluates it, `L` a Lipschitz constant of `u` at
`t - h/2`, and `M_n` the largest norm of the `n`-th derivative along the exact trajectory from `x` to `t - h`,

    Euler     |Psi(x) - Phi_{t -> t-h}(x)| <= h eta + h^2 M_2 / 2
    midpoint  |Psi(x) - Phi_{t -> t-h}(x)| <= h eta (1 + h L / 2) + h^3 (M_3 / 24 + L M_2 / 8) .

Composed over a grid, errors of single blocks grow as proofs/E3.md says (`OrnsteinUhlenbeck.error_bound`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from certflow.errors import InputError, unknown
from certflow.numbers.arithmetic import arithmetic_of
from certflow.numbers.exact import check_plain, is_symbolic
from certflow.numbers.inputs import check_shapes, is_tensor

#: The methods and their orders `q`: the local error is of order `h^{q+1}`.
ORDERS = {"euler": 1, "midpoint": 2}

Velocity = Callable[[Any, Any], Any]


def residual_block(velocity: Velocity, x: Any, t: Any, h: Any, method: str = "midpoint") -> Any:
    """`Psi(x) = x + h F(x, t)`, from `t` to `t - h`; the kind of array that `x` is.

    velocity : takes points (..., d) and a scalar time;  x : shape (..., d);  t, h : scalars, `0 < h < t`

    Raises
    ------
    InputError : an unknown method; a step that is not between 0 and `t` (where that can be told).
    """
    _check_method(method)
    for name, value in (("t", t), ("h", h)):
        _check_one(name, value)
    arithmetic = arithmetic_of(x, t, h, fields=("x", "t", "h"))
    if arithmetic.known(_inside(h, t)) is False:
        raise InputError("h", h, f"a step between 0 and t = {t}")
    points = x if is_tensor(x) else arithmetic.read(x, "x")  # a network may take no other dtype
    if method == "euler":
        return arithmetic.finish(points - h * velocity(points, t))
    return arithmetic.finish(points - h * velocity(points - h / 2 * velocity(points, t), t - h / 2))


def local_error_bound(
    h: Any, velocity_error: Any, lipschitz: Any, second: Any, third: Any, method: str = "midpoint"
) -> Any:
    """The largest `|Psi(x) - Phi_{t -> t-h}(x)|` of a block of length `h`: the formulas of this module. proofs/E4.md.

    Parameters
    ----------
    velocity_error : `eta`;  lipschitz : `L`;  second, third : `M_2`, `M_3`; Euler uses neither `L` nor `M_3`

    Numbers >= 0 of any kind, or arrays of them.

    Raises
    ------
    InputError : an unknown method; a number that is negative or NaN (where that can be told); shapes that do not
        broadcast.
    """
    _check_method(method)
    numbers = {"h": h, "velocity_error": velocity_error, "lipschitz": lipschitz, "second": second, "third": third}
    for name, value in numbers.items():
        _check_size(name, value)
    unused = ("lipschitz", "third") if method == "euler" else ()
    check_shapes({name: value for name, value in numbers.items() if name not in unused})
    if method == "euler":
        return h * velocity_error + h**2 * second / 2
    return h * velocity_error * (1 + h * lipschitz / 2) + h**3 * (third / 24 + lipschitz * second / 8)


def _check_method(method: Any) -> None:
    if method not in ORDERS:
        raise unknown("method", method, ORDERS)


def _check_one(name: str, value: Any) -> None:
    """Refuse what is not one number."""
    check_plain(value, name)
    try:
        fine = not isinstance(value, bool) and prod(getattr(value > 0, "shape", ())) == 1
    except TypeError:  # no real number
        fine = False
    if not fine:
        raise InputError(name, value, "one number")


def _inside(h: Any, t: Any) -> Any:
    try:
        return (h > 0) & (h < t)
    except TypeError:
        raise InputError("h", h, f"a number that compares with t = {t}") from None


def _check_size(name: str, value: Any) -> None:
    check_plain(value, name)
    try:
        fine = value >= 0
    except TypeError:
        fine = is_symbolic(value)
    if isinstance(value, bool) or arithmetic_of(value, fields=(name,)).known(fine) is False:
        raise InputError(name, value, "a number >= 0")
