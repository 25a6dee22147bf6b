"""What the errors of a model make of its samples: predicted from them (E1, E5), and measured.

Both flows start at the same `X ~ p_T`. With `e = u_hat - u`, the error of the velocity, and `D_t = D Phi_{t -> delta}`
along exact trajectories `x_t`,

    first order   E| int_delta^T D_t e(x_t, t) dt |^2
    E5            ( int_delta^T (E|D_t e(x_t, t)|^2)^{1/2} dt )^2        by Minkowski's inequality never below it
    E1            E( int_delta^T exp(int_delta^t lambda) |e(y_t, t)| dt )^2, `y_t` the model's own trajectories,

all over `E|Phi(X)|^2`, as the measured relative mean squared error `E|Phi_hat(X) - Phi(X)|^2 / E|Phi(X)|^2` is. E1 is a
bound of what is measured for these very trajectories, however large the error; the other two hold to first order.
A student that has learned the model's own flow without any error of its own, over whichever segments, ends where that
flow does; to first order segment `k` leaves `(E| int_{t_k}^{t_{k-1}} D_t e dt |^2)^{1/2}` of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.auditing.intervals import Ratio, ratio_of_norms
from certflow.auditing.measuring import DOUBT, Draws, squares
from certflow.auditing.paths import Places, derivatives, path
from certflow.auditing.subject import Subject
from certflow.composition.propagation import exp_or_inf
from certflow.errors import InputError, NoGlobalBound
from certflow.numbers.arrays import Floats, Points, Times
from certflow.process import OrnsteinUhlenbeck
from certflow.samplers.reference import RTOL
from certflow.samplers.rollout import run

#: Trajectories, and numbers in their derivatives at one time, at most; yet so many trajectories have derivatives.
POINTS, DERIVATIVES, FEWEST = 1024, 2**16, 32


@dataclass(frozen=True, eq=False)
class Share:
    """One segment: its times, and what it leaves of the error at the end, `E|int D e|^2 / E|Phi|^2`, first order."""

    start: float
    end: float
    amplified: float

    def mapping(self) -> dict[str, float]:
        return {"from": self.start, "to": self.end, "amplified": self.amplified}


@dataclass(frozen=True, eq=False)
class Consequences:
    """Relative mean squared errors at the data end.

    first_order, typical, worst : predicted: the three of this module; worst is None without a global bound (L8) or
        where the model's flow was not resolved
    flow : measured, of the model's own flow; None where it was not resolved, and `unresolved` tells why
    exact_sampler, model_sampler : measured, of the sampler over the grid, with exact denoiser and with the model
    segments : by segment of the grid
    times, local, amplified, growth : over the places: `(E|e|^2)^{1/2}`, `(E|D_t e|^2)^{1/2}` and the typical factor
        `A(t) = (E||D_t||_F^2 / d)^{1/2}`; bound : `exp(int_delta^t lambda)`, None without a global bound
    points : trajectories; sampler, kind, nodes : what ran over which grid
    """

    first_order: float
    typical: float
    worst: float | None
    flow: Ratio | None
    unresolved: str
    exact_sampler: Ratio
    model_sampler: Ratio | None
    segments: tuple[Share, ...]
    times: Times
    local: Floats
    amplified: Floats
    growth: Floats
    bound: Floats | None
    points: int
    sampler: str
    kind: str
    nodes: Times

    def mapping(self) -> dict[str, Any]:
        return {
            "points": self.points,
            "predicted": {"first_order": self.first_order, "typical_E5": self.typical, "worst_case_E1": self.worst},
            "measured": {
                "flow": None if self.flow is None else self.flow.mapping(),
                "exact_sampler": self.exact_sampler.mapping(),
                "model_sampler": None if self.model_sampler is None else self.model_sampler.mapping(),
            },
            "unresolved": self.unresolved,
            "sampler": self.sampler,
            "grid": {"kind": self.kind, "times": self.nodes.tolist()},
            "segments": [share.mapping() for share in self.segments],
            "over_time": {
                "t": self.times.tolist(),
                "velocity_error": self.local.tolist(),
                "amplified": self.amplified.tolist(),
                "typical_factor": self.growth.tolist(),
                "worst_factor": None if self.bound is None else self.bound.tolist(),
            },
        }


def consequences(
    subject: Subject,
    process: OrnsteinUhlenbeck,
    draws: Draws,
    nodes: Times,
    sampler: str,
    kind: str,
    step: Callable[[], None],
) -> Consequences:
    """What becomes of the errors from `nodes[0]` to `nodes[-1]`, on the first `POINTS` draws.

    step : called four times, as the work goes on
    """
    x = draws.x(float(nodes[0]))[:POINTS]
    places = Places.of(nodes)
    exact, end = path(process, x, places.interleaved), process.flow(x, places.times[0], places.times[-1], rtol=RTOL)
    step()
    d = x.shape[1]
    scale = float(squares(end).mean())
    some = max(FEWEST, DERIVATIVES // d**2)
    errors = _velocity_errors(subject, process, exact[::2], places)
    moved, growth = np.empty_like(errors[:, :some]), np.empty(len(errors))
    for i, carrier in enumerate(derivatives(process, exact[:, :some], places), 1):  # from the last place to the first
        moved[-i] = (carrier @ errors[-i, :some, :, None])[..., 0]
        growth[-i] = math.sqrt(float((carrier**2).sum((-2, -1)).mean()) / d)
    amplified = np.sqrt((moved**2).sum(-1).mean(-1))
    by_segment = np.einsum("pk,pnd->knd", places.weights, moved)
    bound = _bound(process, places)
    flow, worst, unresolved = None, None, ""
    step()
    try:
        own = path(subject, x, places.times)
    except InputError as error:
        unresolved = str(error)
    else:
        flow = _measured(own[-1], end)
        worst = None if bound is None else _worst(bound, _velocity_errors(subject, process, own, places), places, scale)
    step()
    exact_sampler = _measured(run(process, x, nodes, sampler), end)
    model_sampler = _sampled(subject, x, nodes, sampler, end)
    step()
    return Consequences(
        first_order=float(squares(by_segment.sum(0)).mean()) / scale,
        typical=float(places.weights.sum(1) @ amplified) ** 2 / scale,
        worst=worst,
        flow=flow,
        unresolved=unresolved,
        exact_sampler=exact_sampler,
        model_sampler=model_sampler,
        segments=tuple(
            Share(float(a), float(b), float((own_part**2).sum(-1).mean()) / scale)
            for a, b, own_part in zip(nodes[:-1], nodes[1:], by_segment, strict=True)
        ),
        times=places.times,
        local=np.sqrt((errors**2).sum(-1).mean(-1)),
        amplified=amplified,
        growth=growth,
        bound=bound,
        points=len(x),
        sampler=sampler,
        kind=kind,
        nodes=nodes,
    )


def _velocity_errors(subject: Subject, process: OrnsteinUhlenbeck, points: Points, places: Places) -> Points:
    """`u_hat - u` at the places, shape (P, N, d)."""
    listed = zip(points, places.times.tolist(), strict=True)
    return np.stack([subject.velocity(x, t) - process.velocity(x, t) for x, t in listed])


def _bound(process: OrnsteinUhlenbeck, places: Places) -> Floats | None:
    """`exp(int_delta^t lambda)` at the places, infinite beyond float64 (F1); None without a global bound (L8)."""
    try:
        exponents = process.stability(np.full(len(places.times), process.t_min), places.times)
    except NoGlobalBound:
        return None
    return np.array([exp_or_inf(float(exponent)) for exponent in exponents])


def _worst(bound: Floats, errors: Points, places: Places, scale: float) -> float:
    """E1 along the model's own trajectories, infinite beyond float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.linalg.norm(errors, axis=-1)
        grown = np.where(sizes > 0, bound[:, None] * sizes, 0.0)
        return float(((places.weights.sum(1) @ grown) ** 2).mean()) / scale


def _measured(found: Points, exact: Points) -> Ratio:
    return ratio_of_norms(squares(found - exact), squares(exact), DOUBT).squared()


def _sampled(subject: Subject, x: Points, nodes: Times, sampler: str, end: Points) -> Ratio | None:
    """Of the model's samples; None where they leave the range of numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            found = run(subject, x, nodes, sampler)
        except InputError:
            return None
        wrong = float(squares(found - end).sum())
    return _measured(found, end) if math.isfinite(wrong) else None
