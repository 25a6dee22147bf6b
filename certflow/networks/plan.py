"""What a network of either family is planned and made of: degrees and knots, then gadgets in exact weights (A5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from certflow.errors import InputError
from certflow.networks.gadgets.exponential import Exponential, ExponentialPlan
from certflow.networks.gadgets.pieces import Gadget
from certflow.networks.gadgets.reciprocal import Reciprocal, ReciprocalPlan

#: Pieces of a gadget at most, before its degree is doubled: more would be wide, fewer deep.
MOST_PIECES = 16
#: Degrees from 4 to 64.
LEVELS = range(2, 7)

Found = TypeVar("Found")


@dataclass(frozen=True)
class Plan:
    """Degrees `2^level` and knots of the three gadgets; no exponential and no reciprocal for one component."""

    time_level: int
    time_knots: tuple[Any, ...]
    exponential: ExponentialPlan | None
    reciprocal: ReciprocalPlan | None


@dataclass(frozen=True)
class Pieces:
    """What a network is made of, in exact weights.

    law : a `CommonLaw` or a `GeneralLaw`
    time : `t -> (a, r)` for one isotropic variance, else the functions of `GeneralLaw.time_functions`
    exponential, reciprocal : None for one component
    log_weights : K rationals near `log w_k - max log w`
    """

    law: Any
    time: Gadget
    exponential: Exponential | None
    reciprocal: Reciprocal | None
    log_weights: tuple[Any, ...]


def first_level(found: Callable[[int], Found | None], target: float) -> Found:
    """What the least degree that reaches an error gives.

    Raises
    ------
    InputError : no degree up to 64 on at most 16 pieces does.
    """
    for level in LEVELS:
        plan = found(level)
        if plan is not None:
            return plan
    raise InputError("eps", target, f"an error that degree {2 ** LEVELS[-1]} on {MOST_PIECES} pieces can reach")


def even_knots(greedy: Callable[[float, int], list[float] | None], share: float) -> list[float] | None:
    """The fewest pieces for an error, spread so that none is much better than the others; None beyond 16.

    greedy : of an error and the most pieces: knots, each piece as long as the error lets it be, or None
    """
    found = greedy(share, MOST_PIECES)
    if found is None:
        return None
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        better = greedy(middle * share, len(found) - 1)
        if better is None:
            low = middle
        else:
            found, high = better, middle
    return found
