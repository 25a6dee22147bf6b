"""Which grid, how many segments, and what error to expect: answered from a pilot, before the experiment is trained.

The pilot (`certflow.planning.pilot`) predicts the local error of every segment between candidate nodes. Errors add in
their square roots, but for a factor that changes little, so that the best grid of `K` segments on the candidates is a
shortest path, found by dynamic programming. But the sum is nearly the same for all grids that are any good, while
predictions err, and the typical grid does well everywhere (`benchmarks/README.md`): it is recommended unless another
one is predicted to be better by more than the prediction can be wrong by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from certflow.distill.settings import Settings, Steps
from certflow.errors import InputError, NoGlobalBound
from certflow.grids.grid import TimeGrid
from certflow.grids.kinds.ays import cheapest_path
from certflow.grids.kinds.typical import typical_rate
from certflow.grids.rates import RateCurve, check_sigma_range, log_times
from certflow.grids.registry import grid_of_kind
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.inputs import real_number, whole_number
from certflow.planning.names import PLANNED
from certflow.planning.pilot import Pilot, Prediction
from certflow.process import OrnsteinUhlenbeck

#: Kinds that the plan looks at; the first ones do not know the mixture.
FIXED = ("uniform", "logsnr", "karras", "cosine")
KINDS = (*FIXED, "typical", "score-optimal", "stability-balanced")
#: What is recommended where predictions cannot tell.
SAFE = "typical"
#: Spreads of a prediction by which another grid has to be ahead.
MARGIN = 2.0
#: Numbers of segments that are tried for a tolerance.
SEGMENTS = (1, 2, 3, 4, 6, 8, 12, 16)
#: Candidate nodes of the shortest path, and times at which the typical rate is tabulated.
CANDIDATES, TABLE = 41, 65
#: Segments of the path are at most so many times as long as an even share of the typical rate's integral: longer ones
#: are rare in the pilot, and a prediction that errs there is found by the minimum.
LONGEST = 2.0
#: The path is chosen by the predicted logarithm plus this many deviations: unsure segments are not bargains.
CAUTION = 0.5


@dataclass(frozen=True)
class Option:
    """A grid with its predicted error."""

    grid: TimeGrid
    prediction: Prediction


@dataclass(frozen=True)
class Recommendation:
    """What the planner recommends, and what it compared.

    options : every grid that was looked at, by K and then as in `KINDS`, the planned one last
    reason : in one sentence
    beta : how errors of segments combine, as the pilot measured it (`certflow.planning.pilot.combine`)
    """

    chosen: Option
    options: tuple[Option, ...]
    reason: str
    beta: float = 0.0

    def __repr__(self) -> str:
        """The choice in one line."""
        return f"<{self.chosen.grid!r}, of {len(self.options)} that were looked at: {self.reason}>"

    @property
    def grid(self) -> TimeGrid:
        """The chosen grid; its options tell the prediction."""
        chosen = self.chosen
        told = {
            **chosen.grid.options,
            "predicted_relative_mse": chosen.prediction.relative_mse,
            "within_factor": chosen.prediction.factor,
            "reason": self.reason,
        }
        return TimeGrid(chosen.grid.kind, chosen.grid.times, told)


def recommend(
    process: OrnsteinUhlenbeck,
    segments: int | None = None,
    tolerance: float | None = None,
    *,
    kind: str = "auto",
    settings: Settings | None = None,
    device: str = "cpu",
    progress: Steps | None = None,
) -> Recommendation:
    """The recommended grid of `segments` segments, or of the fewest with which the error is predicted <= `tolerance`.

    Parameters
    ----------
    segments, tolerance : one of them, or both (then the tolerance must be met with that many)
    kind : "auto", or a kind of `KINDS` to which the choice is confined
    settings : of the maps that are to be trained; the pilot trains with the same
    progress : called with (steps done, steps in all) of the pilot

    Raises
    ------
    InputError : neither segments nor tolerance; an unknown kind; a tolerance that no number of segments is predicted
        to meet (the line names the smallest error that is); a law at rest; `t_max` beyond what `sigma` allows.
    """
    numbers = _numbers(segments, tolerance)
    if kind != "auto" and kind not in KINDS:
        raise InputError("kind", kind, f"auto, {', '.join(KINDS)} (what a plan can tell the error of)")
    check_sigma_range(process, kind)
    rate = typical_rate(process, times := log_times(process, TABLE))
    if not rate.any():
        raise InputError("mixture", process.mixture.name, "one whose flow moves points: this is the law at rest")
    curve = RateCurve(times, rate)
    made = [grid for k in numbers for grid in _grids(process, k)]
    if kind != "auto" and kind not in {grid.kind for grid in made}:
        raise InputError("kind", kind, "a kind that has a grid for this mixture, or auto")
    candidates = _candidates(process, curve)
    nodes = sorted({float(t) for grid in made for t in grid.times} | set(candidates), reverse=True)
    pilot = Pilot(process, nodes, _coordinate(np.array(nodes), curve), settings, device, progress)
    options = [Option(grid, pilot.predict(grid.times)) for grid in made]
    if kind == "auto":
        options += [Option(grid, pilot.predict(grid.times)) for grid in _shortest(pilot, candidates, curve, numbers)]
    options.sort(key=lambda option: option.grid.segments)
    return replace(_choose(options, numbers, tolerance, kind), beta=pilot.beta)


def _numbers(segments: int | None, tolerance: float | None) -> tuple[int, ...]:
    if segments is None and tolerance is None:
        raise InputError("segments", segments, "a number of segments, or a tolerance")
    if tolerance is not None:
        real_number(tolerance, "tolerance", "a relative mean squared error between 0 and 1", lambda e: 0 < e < 1)
    if segments is None:
        return SEGMENTS
    least, most = 1, CANDIDATES - 1
    return (whole_number(segments, "segments", least, most, f"an int from {least} to {most} for a plan"),)


def _grids(process: OrnsteinUhlenbeck, segments: int) -> list[TimeGrid]:
    grids = []
    for kind in KINDS:
        try:
            grids.append(grid_of_kind(process, segments, kind))
        except (InputError, NoGlobalBound):  # no global bound, or no growth: the kind has no grid here
            continue
    return grids


def _candidates(process: OrnsteinUhlenbeck, curve: RateCurve) -> list[float]:
    """Half of the nodes evenly in the typical rate's integral, half evenly in `log sigma`."""
    half = CANDIDATES // 2
    shares = np.arange(1, half + 1) / (half + 1)
    fine = grid_of_kind(process, half, "logsnr").times[1:-1]
    inner = sorted({*map(float, curve.time_at(shares)), *map(float, fine)}, reverse=True)
    return [process.t_max, *(t for t in inner if process.t_min < t < process.t_max), process.t_min]


def _coordinate(times: Times, curve: RateCurve) -> Floats:
    """The mean of the shares in the typical rate's integral and in `log sigma`; 0 at `t_max`, 1 at `t_min`."""
    whole = curve.cumulative(times[:1])
    typical = 1 - curve.cumulative(times) / whole
    log_sigma = np.log(np.expm1(2 * times))
    coordinate: Floats = (typical + (log_sigma[0] - log_sigma) / (log_sigma[0] - log_sigma[-1])) / 2
    return coordinate


def _shortest(pilot: Pilot, candidates: Sequence[float], curve: RateCurve, numbers: Sequence[int]) -> list[TimeGrid]:
    """For each K the nodes with the smallest `sum_k sqrt(local_k)`, by dynamic programming."""
    places = [pilot.places[time] for time in candidates]
    pairs = list(combinations(range(len(candidates)), 2))
    logs, deviations = pilot.local([(places[a], places[b]) for a, b in pairs])
    cost = np.full((len(candidates),) * 2, math.inf)
    for (a, b), value in zip(pairs, np.exp((logs + CAUTION * deviations) / 2), strict=True):
        cost[a, b] = value
    integral = curve.cumulative(np.array(candidates))
    lengths = (integral[:, None] - integral) / (integral[0] - integral[-1])
    grids = []
    for k in numbers:
        costs = np.where(lengths * k <= LONGEST, cost, math.inf)
        nodes = cheapest_path(costs, k)
        if np.isfinite(costs[nodes[:-1], nodes[1:]]).all():
            grids.append(TimeGrid(PLANNED, np.array(candidates)[nodes]))
    return grids


def _choose(options: list[Option], numbers: Sequence[int], tolerance: float | None, kind: str) -> Recommendation:
    fitting = [option for option in options if kind in ("auto", option.grid.kind)]
    for k in numbers:
        chosen, reason = _of_one_number([option for option in fitting if option.grid.segments == k], tolerance)
        if tolerance is None or chosen.prediction.relative_mse <= tolerance:
            return Recommendation(chosen, tuple(options), reason)
    least = min(option.prediction.relative_mse for option in fitting)
    raise InputError(
        "tolerance", tolerance, f"at least {_rounded_up(least)}, the smallest error predicted up to K = {numbers[-1]}"
    )


def _rounded_up(value: float) -> str:
    """With two digits, never below the value."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / unit) * unit:.2g}"


def _of_one_number(options: list[Option], tolerance: float | None) -> tuple[Option, str]:
    """The smallest prediction, if it is ahead of `SAFE` by `MARGIN` of its spreads; else `SAFE`.

    What is chosen for the smallest of several predictions that err is likely to disappoint, most of all the shortest
    path, which is the best of very many grids: it must be ahead of the best grid that has a name as well. A grid that
    misses the tolerance is not chosen for its safety.
    """

    def error(option: Option) -> float:
        return option.prediction.relative_mse

    best = min(options, key=error)
    named = [option for option in options if option.grid.kind != PLANNED] or options
    rivals = [option for option in named if option.grid.kind == SAFE]
    if best.grid.kind == PLANNED:
        rivals.append(min(named, key=error))
    for rival in rivals:
        gain = math.log(error(rival) / error(best))
        met = tolerance is None or error(rival) <= tolerance
        if rival is not best and met and gain <= MARGIN * best.prediction.spread:
            reason = (
                f"{rival.grid.kind} is predicted within a factor {math.exp(gain):.2f} of the best ({best.grid.kind}), "
                "less than the prediction can tell apart: it is the safer choice"
            )
            return rival, reason + _fixed(options, rival)
    others = sorted(error(option) for option in options if option is not best)
    gain_text = f", {others[0] / error(best):.2f} times below the next" if others else ""
    return best, f"{best.grid.kind} has the smallest predicted error{gain_text}" + _fixed(options, best)


def _fixed(options: list[Option], chosen: Option) -> str:
    """Says so where a grid that does not look at the mixture would do as well."""
    limit = chosen.prediction.relative_mse * math.exp(chosen.prediction.spread / 2)
    fine = [o.grid.kind for o in options if o.grid.kind in FIXED and o is not chosen]
    fine = [k for k in fine if next(o for o in options if o.grid.kind == k).prediction.relative_mse <= limit]
    return f"; {' and '.join(fine)}, which need not know the mixture, are predicted to do as well" if fine else ""


def predicted(recommendation: Recommendation) -> list[dict[str, Any]]:
    """The options as rows: kind, segments, predicted relative MSE, factor."""
    return [
        {
            "kind": option.grid.kind,
            "segments": option.grid.segments,
            "predicted_relative_mse": option.prediction.relative_mse,
            "within_factor": option.prediction.factor,
            "chosen": option is recommendation.chosen,
        }
        for option in recommendation.options
    ]
