"""What a solver asks of a mixture or a model: the denoiser `D(x, t) = E[X_0 | X_t = x]`, in OU coordinates.

With `m = e^{-t}`, `sigma^2 = e^{2t} - 1`, `s` the score and `u = -x - s` the velocity, Tweedie's formula has two forms,

    D = (x + (1 - m^2) s) / m = m (x - sigma^2 u) .

At the noise end `s` is nearly `-x` and the first one cancels: its rounding grows like `1/m`. The second one does not,
since the velocity of a mixture is a sum of terms that are small by themselves (proofs/S3.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from certflow.errors import InputError


class Node(NamedTuple):
    """A node of a grid: `t`, `m = e^{-t}`, `sigma`, `log sigma` (None where `sigma = 0`); numbers of one kind."""

    t: Any
    m: Any
    sigma: Any
    log_sigma: Any


#: `D` at points of any shape in OU coordinates, and a node.
Denoise = Callable[[Any, Node], Any]


@runtime_checkable
class Denoiser(Protocol):
    """A model that tells its denoiser: points (N, ...) in OU coordinates and one time; the kind of array that came."""

    def denoiser(self, x: Any, t: Any) -> Any:
        """`E[x_0 given x_t = x]`; the shape of `x`."""
        ...


@runtime_checkable
class Flow(Protocol):
    """A process that tells its velocity `u(x, t) = -x - grad log p_t(x)`, as an `OrnsteinUhlenbeck` does."""

    def velocity(self, x: Any, t: Any) -> Any:
        """`u(x, t)`; the shape of `x`."""
        ...


def denoise_of(model: Denoiser | Flow) -> Denoise:
    """`D` of a model: its own `denoiser`, or Tweedie's formula of its `velocity`.

    Raises
    ------
    InputError : an object that has neither, or a class; when it is called, a result of another shape than the points.
    """
    if isinstance(model, type):
        raise InputError("model", model.__name__, "an object of this class, not the class itself")
    if isinstance(model, Denoiser):
        return lambda x, node: _of_shape(x, model.denoiser(x, node.t))
    if isinstance(model, Flow):
        return lambda x, node: node.m * (x - node.sigma**2 * _of_shape(x, model.velocity(x, node.t)))
    raise InputError("model", model, "a certflow.OrnsteinUhlenbeck, or an object with denoiser(x, t)")


def _of_shape(x: Any, found: Any) -> Any:
    shape = tuple(getattr(found, "shape", ()))
    if shape != tuple(x.shape):
        raise InputError("model", f"a result of shape {shape}", f"the shape of its points, {tuple(x.shape)}")
    return found
