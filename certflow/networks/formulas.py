"""The formulas of chapter A that its identities are held to account for, in whatever numbers they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from certflow.networks.gadgets import exact
from certflow.networks.gadgets.pieces import Gadget, piecewise
from certflow.networks.graph import Network, Value


def monic_root(coefficients: Sequence[Any]) -> list[Any]:
    """`q_j = (p_{m+j}/alpha - sum_{j<a<m} q_a q_{m+j-a}) / 2`, `j = m-1 ... 1`: the monic `q` of A2, its `q_0` left 0.

    coefficients : of `p`, degree `2 m`, the constant one first
    """
    half, leading = len(coefficients) // 2, coefficients[-1]
    root: list[Any] = [0] * half + [1]
    for j in range(half - 1, 0, -1):
        mixed = sum(root[a] * root[half + j - a] for a in range(j + 1, half))
        root[j] = (coefficients[half + j] / leading - mixed) / 2
    return root


def relative_remainder(nodal: Callable[[Any], Any], argument: Any) -> Any:
    """`W(S) / W(0)`, the relative error of an interpolant of `1/S` (A3)."""
    return nodal(argument) / nodal(0)


def drift(excess: Any, ratio: Any) -> Any:
    """`q = 1 + 2 c r` (A4)."""
    return 1 + 2 * excess * ratio


def logit_error(relative: Any, shared: Any, logit: Any, log_weight: Any, square: Any) -> Any:
    """`rho (l - log w) + eta |mu|^2` (A6)."""
    return relative * (logit - log_weight) + shared * square


@dataclass(frozen=True)
class NetworkFormulas:
    """The formulas of chapter A that are held to account; a false twin has a wrong one in the place of one."""

    square: Callable[[Network, Value], Value] = exact.square
    product: Callable[..., Value] = exact.product
    maximum: Callable[[Network, Value, Value], Value] = exact.maximum
    carry: Callable[..., Value] = exact.carry
    piecewise: Callable[..., Gadget] = piecewise
    monic_root: Callable[[Sequence[Any]], list[Any]] = monic_root
    relative_remainder: Callable[..., Any] = relative_remainder
    drift: Callable[[Any, Any], Any] = drift
    logit_error: Callable[..., Any] = logit_error


_RIGHT = NetworkFormulas()


def formulas_of(process: Any) -> NetworkFormulas:
    """The formulas of a class of processes: those of the package, or of a false twin that brings its own."""
    found: NetworkFormulas = getattr(process, "networks", _RIGHT)
    return found
