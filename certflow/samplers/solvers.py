"""The solvers: one step of each, in `z = x/m`, from `sigma_a` to `sigma_b < sigma_a` (proofs/G6.md).

With `D` the denoiser `E[X_0 | z]`, `d = (z - D)/sigma` the slope of `dz/dsigma = d`, `lambda = -log sigma`,

    Euler (= DDIM)     z + (sigma_b - sigma_a) d_a
    Heun               z + (sigma_b - sigma_a) (d_a + d_b)/2,    d_b at Euler's point
    DPM-Solver++(2M)   (sigma_b/sigma_a) z + (1 - sigma_b/sigma_a) [ D_a + (D_a - D_previous)/(2r) ]

where `h = lambda_b - lambda_a`, `r = h_previous/h`, so that `1 - sigma_b/sigma_a` is `-expm1(-h)`. The first step of
DPM-Solver++ has `D_a` alone. Where `sigma_b = 0` all three are Euler's step, which ends at `D_a`: nothing is evaluated
at `sigma = 0`. There are only `+ - * /`: the same lines run on float64, torch and mpmath, and derivatives pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from certflow.errors import unknown
from certflow.samplers.field import Denoise, Node


class Past(NamedTuple):
    """What a multistep solver keeps of the step before: where it began, and the denoiser there."""

    node: Node
    denoised: Any


#: `(D, z, a, b, past) -> z` at `b`, and what the next step is told.
Step = Callable[[Denoise, Any, Node, Node, Past | None], tuple[Any, Past | None]]


@dataclass(frozen=True)
class Solver:
    """A solver of the table.

    order : `p`, where the root mean square error falls like `K^{-p}` (G6)
    evaluations : of the model in one step
    multistep : whether a step uses what the step before has seen
    step : `(D, z, a, b, past) -> (z at b, past)`; `D` takes `z` and a node
    """

    name: str
    order: int
    evaluations: int
    multistep: bool
    step: Step

    def cost(self, segments: int, ends_at_zero: bool = False) -> int:
        """Evaluations of the model over a grid of `K` segments; a last step to `sigma = 0` is Euler's and has one.

        >>> from certflow.samplers import SOLVERS
        >>> SOLVERS["heun"].cost(6), SOLVERS["heun"].cost(7, ends_at_zero=True)
        (12, 13)
        """
        return segments * self.evaluations - (self.evaluations - 1 if ends_at_zero else 0)


def euler(denoise: Denoise, z: Any, a: Node, b: Node, past: Past | None) -> tuple[Any, None]:
    """`z + (sigma_b - sigma_a) d_a`. On a point mass `D` is constant and the step exact."""
    return z + (b.sigma - a.sigma) * _slope(denoise, z, a), None


def heun(denoise: Denoise, z: Any, a: Node, b: Node, past: Past | None) -> tuple[Any, None]:
    """`z + (sigma_b - sigma_a) (d_a + d_b)/2`, the trapezoidal rule at Euler's point."""
    first = _slope(denoise, z, a)
    predicted = z + (b.sigma - a.sigma) * first
    if b.log_sigma is None:
        return predicted, None
    return z + (b.sigma - a.sigma) * (first + _slope(denoise, predicted, b)) / 2, None


def dpmpp_2m(denoise: Denoise, z: Any, a: Node, b: Node, past: Past | None) -> tuple[Any, Past]:
    """`(sigma_b/sigma_a) z + (1 - sigma_b/sigma_a) D`, `D` extrapolated in `lambda` from two evaluations."""
    now = denoise(z, a)
    share = b.sigma / a.sigma
    used = now
    if past is not None and b.log_sigma is not None:
        r = (past.node.log_sigma - a.log_sigma) / (a.log_sigma - b.log_sigma)
        used = now + (now - past.denoised) / (2 * r)
    return share * z + (1 - share) * used, Past(a, now)


def _slope(denoise: Denoise, z: Any, a: Node) -> Any:
    return (z - denoise(z, a)) / a.sigma


#: The solvers by name.
SOLVERS: Mapping[str, Solver] = {
    solver.name: solver
    for solver in (
        Solver("euler", order=1, evaluations=1, multistep=False, step=euler),
        Solver("heun", order=2, evaluations=2, multistep=False, step=heun),
        Solver("dpmpp-2m", order=2, evaluations=1, multistep=True, step=dpmpp_2m),
    )
}


def solver_of(sampler: Any) -> Solver:
    """The solver of this name.

    Raises
    ------
    InputError : an unknown one.
    """
    if not isinstance(sampler, str) or sampler not in SOLVERS:
        raise unknown("sampler", sampler, SOLVERS)
    return SOLVERS[sampler]
