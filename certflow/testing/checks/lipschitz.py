"""`check_lipschitz`: a claimed bound of `||grad u||`, refuted by any point that exceeds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from certflow.errors import NoGlobalBound
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import exact_interval
from certflow.numbers.arrays import Floats, Points, Times
from certflow.numbers.inputs import one_of, real_number, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.part import Part
from certflow.testing.checks.preparation import mixture_of
from certflow.testing.examination import mixture_line
from certflow.testing.probes import MOST_EXAMPLES, places
from certflow.testing.result import Counterexample, Result
from certflow.testing.subject import Misbehaviour, Subject

#: So many times, geometric between the ends.
DEFAULT_EXAMPLES = 24

#: Points at each time from which the ascent starts, and its steps.
_STARTS, _STEPS = 32, 20

#: What float64 may lose of a rate that is attained.
_SLACK = 1e-9


def check_lipschitz(
    bound: Callable[..., Any] | float,
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    rate: str = "two-sided",
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Look for a point with `||grad u(x, t)||_2 > bound(t)`, which refutes the bound (proofs/L2.md, L3, L8).

    Parameters
    ----------
    bound : `f(t)`, `t` of shape (N,), result of shape (N,); or one number for all times
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max : the ends of the OU time
    rate : "two-sided" for `||J||_2`, "one-sided" for `lambda_max(-J)`
    dtype : of the bound, as `check_score` has it
    rtol : by how much of itself the bound may be too small, beyond rounding
    max_examples : so many times (default 24)

    Points between any two components, far out along their difference, typical ones, and an ascent from the best of
    them. A bound above the closed form of the theory holds; the message says by how much it could be smaller.

    Raises
    ------
    CheckFailed : an `AssertionError`; the bound is refuted by a point.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_lipschitz
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> check_lipschitz(p.lipschitz_bound, "two-modes").passed
    True
    """
    options: dict[str, Any] = {"t_min": t_min, "t_max": t_max, "rate": rate, "dtype": dtype, "rtol": rtol}
    found = prepare(bound, mixture, **options, max_examples=max_examples, seed=seed)
    return concluded("check_lipschitz", [part.run(found) for part in PARTS])


@dataclass(frozen=True)
class Rates:
    """What the parts look at: times, and at each the point found with the largest rate."""

    subject: Subject
    process: OrnsteinUhlenbeck
    t: Times
    x: Points
    attained: Floats
    known: Floats | None
    rate: str
    rtol: float


def prepare(
    subject: Callable[..., Any] | float,
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    rate: str = "two-sided",
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Rates:
    """What the parts look at; arguments and errors as `check_lipschitz`."""
    law = mixture_of(mixture)
    process = OrnsteinUhlenbeck(law, *exact_interval(t_min, t_max))
    one_of(rate, "rate", ("two-sided", "one-sided"))
    count = DEFAULT_EXAMPLES if max_examples is None else whole_number(max_examples, "max_examples", 1, MOST_EXAMPLES)
    loose = 0.0 if rtol is None else real_number(rtol, "rtol", "a finite number >= 0", lambda v: 0 <= v < float("inf"))
    times = np.geomspace(process.t_min, process.t_max, count)
    found = Subject.of(_callable(subject), ("t",), (times[:2],), (), dtype)
    t = found.precision.between(times, process.t_min, process.t_max)
    x, attained = _largest(process, t, rate, whole_number(seed, "seed"))
    try:
        known = process.lipschitz_bound(t) if rate == "two-sided" else process.growth_rate_bound(t)
    except NoGlobalBound:
        known = None
    return Rates(found, process, t, x, attained, known, rate, loose)


def _callable(bound: Any) -> Callable[..., Any]:
    if callable(bound):
        found: Callable[..., Any] = bound
        return found
    value = real_number(bound, "bound", "a callable f(t), or a finite number")
    return lambda t: 0 * t + value


def _largest(process: OrnsteinUhlenbeck, t: Times, rate: str, seed: int) -> tuple[Points, Floats]:
    """At each time a point with a large rate, (T, d), and the rate, (T,): the best of many, then by ascent."""
    starts = [_candidates(process.mixture, float(time), seed) for time in t]
    most = min(len(each) for each in starts)
    x = np.stack([each[:most] for each in starts])
    times = np.broadcast_to(t[:, None], x.shape[:2])
    values = _rates(process.jacobian(x, times), rate)
    best = np.argsort(-values, axis=1)[:, :4]
    x, values = np.take_along_axis(x, best[:, :, None], 1), np.take_along_axis(values, best, 1)
    rng, width = np.random.default_rng(seed), np.sqrt(-np.expm1(-2 * t))[:, None, None]
    for step in range(_STEPS):  # random moves that are kept where they help: rates have no derivative at a tie
        moved = x + rng.standard_normal(x.shape) * width * 0.7**step
        there = _rates(process.jacobian(moved, np.broadcast_to(t[:, None], x.shape[:2])), rate)
        better = there > values
        x, values = np.where(better[:, :, None], moved, x), np.where(better, there, values)
    top = np.argmax(values, axis=1)[:, None]
    return np.take_along_axis(x, top[:, :, None], 1)[:, 0], np.take_along_axis(values, top, 1)[:, 0]


def _candidates(mixture: GaussianMixture, t: float, seed: int) -> Points:
    """Ties, means, typical and far points at one time; ties far out along every difference of means too."""
    found = places(mixture, t, t * (1 + 1e-12), _STARTS, seed).x
    means = np.exp(-t) * mixture.means[:16]
    between = (means[:, None] + means[None]) / 2
    rows, columns = np.triu_indices(len(means), 1)
    return np.concatenate([between[rows, columns], found])


def _rates(jacobian: Floats, rate: str) -> Floats:
    values = np.linalg.eigvalsh((jacobian + np.swapaxes(jacobian, -1, -2)) / 2)
    return np.asarray(np.abs(values).max(-1) if rate == "two-sided" else -values[..., 0])


def _answers(found: Rates) -> Result:
    try:
        values = found.subject(found.t, shape=())
    except Misbehaviour as error:
        return Result("check_lipschitz", "answers", False, error.message)
    if np.isnan(values).any():
        when = float(found.t[np.isnan(values)][0])
        return Result("check_lipschitz", "answers", False, f"the bound is NaN at t = {when:.6g}", len(found.t))
    return Result("check_lipschitz", "answers", True, f"a bound for {len(found.t)} times", len(found.t))


def _holds(found: Rates) -> Result:
    name, count = "not exceeded", len(found.t)
    try:
        values = found.subject(found.t, shape=())
    except Misbehaviour as error:
        return Result("check_lipschitz", name, False, error.message)
    slack = _SLACK + 16 * found.subject.precision.unit + found.rtol
    allowed = values + slack * np.maximum(np.abs(values), 1 + np.abs(found.attained))
    with np.errstate(invalid="ignore"):
        bad = ~(found.attained <= allowed)
    if not bad.any():
        return Result("check_lipschitz", name, True, _how_loose(found, values), count)
    excess = np.where(bad, (found.attained - values) / (allowed - values), -np.inf)
    row = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    example = Counterexample(
        mixture_line(found.process.mixture),
        {"x": found.x[row], "t": float(found.t[row])},
        float(values[row]),
        float(found.attained[row]),
        float(found.attained[row] - values[row]),
        float(allowed[row] - values[row]),
    )
    what = "||grad u||" if found.rate == "two-sided" else "lambda_max(-grad u)"
    message = (
        f"at {int(bad.sum())} of {count} times a point has {what} above the bound: {found.attained[row]:.6g} against "
        f"{values[row]:.6g} at t = {found.t[row]:.6g}"
    )
    return Result("check_lipschitz", name, False, message, count, counterexample=example)


def _how_loose(found: Rates, values: Floats) -> str:
    """What is to be said of a bound that no point exceeds."""
    text = f"found no point above the bound at {len(found.t)} times"
    if found.known is None:
        return f"{text}; by L8 there is none for all x, so some point exceeds every finite bound"
    with np.errstate(divide="ignore", invalid="ignore"):
        loose = np.where(found.known > 0, values / found.known, 1.0)
    most = float(np.nanmax(loose))
    return f"{text}; it is up to {most:.3g} times the closed form of the theory" if most > 1 + 1e-6 else text


PARTS: tuple[Part, ...] = (Part("answers", _answers), Part("not exceeded", _holds))
