"""The exact end of trajectories, which a solver's end is held against.

A mixture has its reference flow (`certflow.flow.reference`). A model is solved finely by itself: the classical
Runge-Kutta method in `l = log sigma`, where with `z = x/m` the equation is

    dz/dl = z - D(z, sigma),

whose rate is bounded where the denoiser is Lipschitz. The steps are doubled until the ends of the first points agree.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.samplers.field import Denoise, Denoiser, Flow, Node, denoise_of

#: Tolerance of a mixture's flow; squared it is far below any error of a solver that is looked at.
RTOL = 1e-8
#: Steps for each unit of `log sigma`, from the fewest that are tried to the most, and the points that choose.
STEPS, PROBES = (4, 8, 16, 32, 64), 256
#: The relative mean squared error at which the solve of a model is fine enough, and that beyond which it is refused.
FINE, COARSE = 1e-9, 1e-5


def exact_end(model: Denoiser | Flow, x: Any, t_from: float, t_to: float, rtol: float = RTOL) -> Any:
    """`Phi_{t_from -> t_to}(x)` of a mixture, or a fine solve of a model's own flow; shape of `x`.

    rtol : of a mixture's flow

    Raises
    ------
    InputError : `t_to` is not positive; a model whose flow the finest steps do not resolve to 1e-5.
    """
    if not t_to > 0:
        raise InputError("times", t_to, "a last time > 0, where the flow has its end")
    flow = getattr(model, "flow", None)
    if flow is not None:
        return flow(x, t_from, t_to, rtol=rtol)
    denoise = denoise_of(model)
    return solve(denoise, x, t_from, t_to, fine_steps(denoise, x[:PROBES], t_from, t_to))


def fine_steps(denoise: Denoise, x: Any, t_from: float, t_to: float) -> int:
    """The fewest of `STEPS` with which the ends of these points are those of the flow.

    Raises
    ------
    InputError : a flow that the finest steps do not resolve to 1e-5.
    """
    ends, error = None, math.inf
    for steps in STEPS:
        following = solve(denoise, x, t_from, t_to, steps)
        if ends is not None:  # the distance to twice the steps, of which a method of order 4 leaves 1/16
            gap = float(((following - ends) ** 2).sum() / (following**2).sum())
            error = gap / 225
            if error <= FINE:
                return steps
        ends = following
    if not error <= COARSE:  # NaN too
        raise InputError("model", f"a flow known to {error:.1e}", f"one that {STEPS[-1]} steps a unit resolve to 1e-5")
    return STEPS[-1]


def solve(denoise: Denoise, x: Any, t_from: float, t_to: float, steps: int) -> Any:
    """Runge-Kutta steps evenly in `log sigma`, so many for each unit."""
    start, end = (0.5 * math.log(math.expm1(2 * t)) for t in (t_from, t_to))
    count = max(1, math.ceil((start - end) * steps))
    places = [_node(place) for place in np.linspace(start, end, 2 * count + 1).tolist()]
    # within the range of the model, whatever the rounding of logarithms
    places[0], places[-1] = places[0]._replace(t=t_from), places[-1]._replace(t=t_to)

    def rate(z: Any, node: Node) -> Any:
        return z - denoise(z * node.m, node)

    z, h = x * math.exp(t_from), (end - start) / count
    for a, b in pairwise(range(0, len(places), 2)):
        middle = places[a + 1]
        k1 = rate(z, places[a])
        k2 = rate(z + h / 2 * k1, middle)
        k3 = rate(z + h / 2 * k2, middle)
        k4 = rate(z + h * k3, places[b])
        z = z + h / 6 * (k1 + 2 * (k2 + k3) + k4)
    return z * math.exp(-t_to)


def _node(log_sigma: float) -> Node:
    sigma = math.exp(log_sigma)
    t = math.log1p(sigma**2) / 2
    return Node(t, math.exp(-t), sigma, log_sigma)
