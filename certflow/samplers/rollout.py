"""A solver run over the nodes of a grid, in OU coordinates."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.numbers.arrays import Times
from certflow.numbers.inputs import float_array, is_tensor
from certflow.samplers.field import Denoiser, Flow, Node, denoise_of
from certflow.samplers.solvers import solver_of

#: `sigma^2 = e^{2t} - 1` is a float64 up to here.
LATEST = 350.0


def run(model: Denoiser | Flow, x: Any, times: Any, sampler: str = "euler") -> Any:
    """`Psi_K o ... o Psi_1(x)`: the points at `times[-1]` that a solver makes of those at `times[0]` (proofs/G6.md).

    Parameters
    ----------
    model : an `OrnsteinUhlenbeck`, or an object with `denoiser(x, t)` in OU coordinates
    x : points at `times[0]`, shape (..., d) or what the model takes; NumPy, torch (its dtype and device are kept) or
        mpmath
    times : OU times, shape (K + 1,), strictly decreasing, or a `TimeGrid`; the last may be 0, where the solver ends at
        the denoiser. A tensor may require a gradient, which passes through every step
    sampler : a name of `certflow.samplers.SOLVERS`: "euler" (DDIM without noise), "heun", "dpmpp-2m"

    The solver works in `z = x/m`, `sigma = sqrt(e^{2t} - 1)`; the result is `m z` at the last time, shape of `x`.

    Raises
    ------
    InputError : an unknown sampler; times of another shape or order, or beyond 350; a model without a denoiser, or
        whose denoiser has another shape than its points.

    Examples
    --------
    >>> import certflow as cf
    >>> process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> grid = cf.time_grid(process, 8, "arctan")
    >>> cf.samplers.run(process, [0.5, 0.1], grid, "heun").round(3)
    array([0.958, 0.025])
    >>> process.flow([0.5, 0.1], t_from=3, t_to="0.01").round(3)
    array([0.918, 0.024])
    """
    solver, denoise = solver_of(sampler), denoise_of(model)
    points, nodes = read(x, times)

    def in_z(z: Any, node: Node) -> Any:
        return denoise(z * node.m, node)

    z, past = points / nodes[0].m, None
    for a, b in pairwise(nodes):
        z, past = solver.step(in_z, z, a, b, past)
    return z * nodes[-1].m


def node_times(times: Any) -> Times:
    """The values of times, or of the times of a grid: shape (K + 1,), float64.

    Raises
    ------
    InputError : another shape; times that are not finite, not strictly decreasing, negative, or beyond 350.
    """
    given = getattr(times, "times", times)
    values = float_array(given.detach().cpu() if is_tensor(given) else given, "times")
    if values.ndim != 1 or values.size < 2:
        raise InputError("times", f"shape {values.shape}", "shape (K + 1,), at least two times")
    if not ((np.diff(values) < 0).all() and values[-1] >= 0 and values[0] <= LATEST):  # NaN too
        raise InputError("times", values.tolist(), f"times strictly decreasing, at most {LATEST:g}, none negative")
    return values


def read(x: Any, times: Any) -> tuple[Any, list[Node]]:
    """The points, and nodes of the same kind of number; of tensors they are float64 and keep the graph of `times`."""
    values, given = node_times(times), getattr(times, "times", times)
    arithmetic = arithmetic_of(x, given, fields=("x", "times"))
    if arithmetic.name == "torch":
        import torch

        device = x.device if is_tensor(x) else given.device
        points = x if is_tensor(x) else torch.as_tensor(float_array(x, "x"), device=device)
        whole = given if is_tensor(given) else torch.from_numpy(values.copy())
        listed = list(whole.to(device, torch.float64).unbind())
    else:
        points, listed = arithmetic.read(x, "x"), list(arithmetic.read(given, "times"))
    return points, [_node(t, arithmetic, value == 0) for t, value in zip(listed, values, strict=True)]


def _node(t: Any, arithmetic: Arithmetic, ends: bool) -> Node:
    if ends:  # the logarithm is infinite, and the root has no derivative
        return Node(t, arithmetic.exp(-t), 0 * t, None)
    square = arithmetic.expm1(2 * t)
    return Node(t, arithmetic.exp(-t), arithmetic.sqrt(square), arithmetic.log(square) / 2)
