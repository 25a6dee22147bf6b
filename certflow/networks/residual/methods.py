"""The methods of which blocks are built: Euler, midpoint and the classical fourth-order Runge-Kutta method (E4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flint import fmpq

from certflow.errors import unknown


@dataclass(frozen=True)
class Method:
    """`z + h sum_i b_i k_i`, `k_i = g(z + c_i h k_{i-1}, kappa + c_i h)`, `c_1 = 0`: a stage knows the one before it.

    name : how it is called;  order : `q`, local errors are `O(h^{q+1})`
    nodes, weights : `c_i` and `b_i >= 0`, exact, one for each stage
    """

    name: str
    order: int
    nodes: tuple[Any, ...]
    weights: tuple[Any, ...]

    @property
    def stages(self) -> int:
        return len(self.nodes)

    def in_floats(self) -> Method:
        """The same with nodes and weights in float64."""
        numbers = [tuple(int(value.p) / int(value.q) for value in row) for row in (self.nodes, self.weights)]
        return replace(self, nodes=numbers[0], weights=numbers[1])

    def slopes(self, field: Callable[[Any, Any], Any], z: Any, kappa: Any, h: Any) -> list[Any]:
        """`k_1, ..., k_s` in any arithmetic in which `z`, `kappa`, `h` and rationals can be combined."""
        found = [field(z, kappa)]
        for node in self.nodes[1:]:
            found.append(field(z + h * node * found[-1], kappa + h * node))
        return found

    def step(self, field: Callable[[Any, Any], Any], z: Any, kappa: Any, h: Any) -> Any:
        """One step from `kappa` to `kappa + h`."""
        result = z
        for weight, slope in zip(self.weights, self.slopes(field, z, kappa, h), strict=True):
            if weight:
                result = result + h * weight * slope
        return result

    def propagated(self, eta: Any, lipschitz: Any, h: Any) -> Any:
        """What errors of at most `eta` of the field do: `h sum_i b_i d_i`, `d_i = eta + c_i h L d_{i-1}` (E4).

        lipschitz : `L`, a Lipschitz constant of the exact field at all nodes of the step
        """
        found = [eta]
        for node in self.nodes[1:]:
            found.append(eta + h * node * lipschitz * found[-1])
        return h * sum(weight * size for weight, size in zip(self.weights, found, strict=True))


_HALF = fmpq(1, 2)
METHODS = {
    method.name: method
    for method in (
        Method("euler", 1, (fmpq(0),), (fmpq(1),)),
        Method("midpoint", 2, (fmpq(0), _HALF), (fmpq(0), fmpq(1))),
        Method(
            "rk4",
            4,
            (fmpq(0), _HALF, _HALF, fmpq(1)),
            (fmpq(1, 6), fmpq(1, 3), fmpq(1, 3), fmpq(1, 6)),
        ),
    )
}


def method_of(name: Any) -> Method:
    """The method of that name.

    Raises
    ------
    InputError : there is none.
    """
    if not isinstance(name, str) or name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]
