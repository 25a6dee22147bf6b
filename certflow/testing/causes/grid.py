"""Why a grid is wrong: other numbers in place of its times, and nodes that are missing at an end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from certflow.numbers.arrays import Floats, Times
from certflow.testing.result import Cause

#: The relative difference that float32 and a few roundings explain.
NEAR = 1e-5

#: What may stand in place of a time t: name -> sentence, function of t.
_OTHERS: dict[str, tuple[str, Callable[[Times], Floats]]] = {
    "sigmas for times": ("its numbers are sigma = sqrt(e^{2t} - 1)", lambda t: np.sqrt(np.expm1(2 * t))),
    "variances for times": ("its numbers are sigma^2 = e^{2t} - 1", lambda t: np.expm1(2 * t)),
    "log sigma for times": ("its numbers are log sigma", lambda t: np.log(np.expm1(2 * t)) / 2),
    "flow times": ("its numbers are the u = sigma / (1 + sigma) of flow matching", lambda t: _flow(t)),
    "factors for times": ("its numbers are m = e^{-t}", lambda t: np.exp(-t)),
    "alpha_bar for times": ("its numbers are alpha_bar = e^{-2t}", lambda t: np.exp(-2 * t)),
    "factor 2": ("its numbers are 2t: e^{-t/2} is taken for the factor of the data", lambda t: 2 * t),
    "factor 1/2": ("its numbers are t/2: e^{-2t} is taken for the factor of the data", lambda t: t / 2),
    "log t for times": ("its numbers are log t: their exponential is missing", lambda t: np.log(t)),
    "factor 1000": ("its numbers are 1000 t, as networks take them", lambda t: 1000 * t),
}

#: Coordinates in which grids are even: title -> function of t.
COORDINATES: dict[str, Callable[[Times], Floats]] = {
    "t": lambda t: t,
    "log t": np.log,
    "log sigma": lambda t: np.log(np.expm1(2 * t)) / 2,
    "sigma": lambda t: np.sqrt(np.expm1(2 * t)),
    "sigma^(1/7) (Karras)": lambda t: np.expm1(2 * t) ** (1 / 14),
    "arctan sigma": lambda t: np.arctan(np.sqrt(np.expm1(2 * t))),
    "sigma / (1 + sigma) (flow matching)": lambda t: _flow(t),
}


def _flow(t: Times) -> Floats:
    sigma = np.sqrt(np.expm1(2 * t))
    return np.asarray(sigma / (1 + sigma))


@np.errstate(all="ignore")  # of numbers that are no times nothing is even
def even_in(times: Times) -> str:
    """The coordinate in which descending times are even; "" where there is none, or two times only."""
    if len(times) < 3 or not (times > 0).all():
        return ""
    for title, coordinate in COORDINATES.items():
        steps = np.diff(coordinate(times))
        if np.ptp(steps) <= NEAR * float(np.abs(coordinate(times)).max()) < np.inf:
            return title
    return ""


@np.errstate(all="ignore")
def grid_causes(times: Times, t_min: float, t_max: float, segments: int | None) -> tuple[Cause, ...]:
    """The likely causes; none where nothing fits."""
    ends = np.array([t_max, t_min])
    if _near(times[[0, -1]], ends[::-1]) and (np.diff(times) >= 0).all():
        return (Cause("ascending", "it rises: t_max, the noise end, comes first"),)
    for name, (sentence, other) in _OTHERS.items():
        for meant in (ends, ends[::-1]):
            if _near(times[[0, -1]], other(meant)):
                turned = "" if meant is ends else ", in reverse order"
                return (Cause(name, sentence + turned),)
    if segments is not None and len(times) == segments and _near(times[[0, -1]], ends):
        return (Cause("nodes for segments", f"it has {segments} nodes, where {segments} segments have {segments + 1}"),)
    if missing := _missing(times, ends):
        return (missing,)
    repeated = np.flatnonzero(np.diff(times) == 0)
    if repeated.size:
        return (Cause("duplicates", f"the node {repeated[0] + 1} stands twice: its step does nothing"),)
    return ()


def _missing(times: Times, ends: Times) -> Cause | None:
    """An end at which an even grid would have its next node."""
    first, last = abs(times[0] - ends[0]) <= NEAR * ends[0], abs(times[-1] - ends[1]) <= NEAR * ends[1]
    if last and not first and len(times) > 1 and _goes_on(times[::-1], ends[0]):
        return Cause("t_max missing", "its first node is left out: one step more would begin at t_max")
    if first and not last:
        if times[-1] == 0 and _near(times[[-2]], ends[1:]):
            return Cause("zero added", "it goes on to t = 0 after t_min, as lists of sigmas do")
        if _goes_on(times, ends[1]):
            return Cause("t_min missing", "its last node is left out: one step more would end at t_min")
    return None


def _goes_on(times: Times, end: float) -> bool:
    """Whether one more node makes an even grid that ends here."""
    whole = np.append(times, end)
    turned = whole if whole[0] > whole[-1] else whole[::-1]
    return len(whole) > 2 and even_in(turned) != ""


def _near(values: Floats, meant: Floats) -> bool:
    return bool((np.abs(values - meant) <= NEAR * np.maximum(np.abs(meant), 1e-3)).all())
