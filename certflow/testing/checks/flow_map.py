"""`check_flow_map`: a map along the probability flow, held against the exact one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.flow.reference import flow_with_derivative
from certflow.law.mixture import GaussianMixture
from certflow.law.noised import exact_interval
from certflow.numbers.arrays import Floats, Points
from certflow.numbers.inputs import real_number, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.checks.conclusion import concluded
from certflow.testing.checks.part import Part
from certflow.testing.checks.preparation import mixture_of
from certflow.testing.examination import mixture_line
from certflow.testing.probes import MOST_EXAMPLES, places
from certflow.testing.result import Cause, Counterexample, Result
from certflow.testing.subject import Misbehaviour, Subject

#: What integrators are usually asked for; rounding comes on top.
DEFAULT_RTOL = 1e-6

#: So many points for each pair of times.
DEFAULT_EXAMPLES = 16

#: Pairs of times, as shares of `log(t_max / t_min)`: over all, parts of it, both ways.
_PAIRS = ((1.0, 0.0), (0.3, 0.8), (0.6, 0.5))


def check_flow_map(
    flow: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Result:
    """Hold `flow(x, t_from, t_to)` against `Phi_{t_from -> t_to}(x)`, the probability flow of a mixture (proofs/F1.md).

    Parameters
    ----------
    flow : `f(x, t_from, t_to)` over NumPy arrays or torch tensors, `x` (N, d), two times, result (N, d)
    mixture : a mixture, the name of a built-in one, or a file
    t_min, t_max : the ends of the OU time
    dtype : as `check_score` has it
    rtol : of every integration, default 1e-6: `|flow - Phi| <= (rtol + 64 u) (|Phi| + 1 + |D Phi| (|x| + 1))`
    max_examples : so many points for each of three pairs of times (default 16)

    Besides, nothing moves where both times are the same, going there and back changes nothing, and two steps are one.

    Raises
    ------
    CheckFailed : an `AssertionError`; the code is wrong, with a counterexample and the causes that fit.
    InputError : an argument that is none of these.

    >>> import certflow as cf
    >>> from certflow.testing import check_flow_map
    >>> p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    >>> check_flow_map(p.flow, "two-modes", max_examples=4).passed
    True
    """
    options: dict[str, Any] = {"t_min": t_min, "t_max": t_max, "dtype": dtype, "rtol": rtol}
    found = prepare(flow, mixture, **options, max_examples=max_examples, seed=seed)
    return concluded("check_flow_map", [part.run(found) for part in PARTS])


@dataclass(frozen=True)
class Case:
    """Points at one time, carried to another: `expected`, `|D Phi|`, `|D Phi^{-1}|` for each."""

    x: Points
    t_from: float
    t_to: float
    expected: Points
    stretch: Floats
    shrink: Floats


@dataclass(frozen=True)
class Flows:
    """What the parts look at."""

    subject: Subject
    process: OrnsteinUhlenbeck
    cases: tuple[Case, ...]
    rtol: float

    def said(self, x: Points, t_from: float, t_to: float) -> Points:
        """What the code makes of points."""
        found: Points = self.subject(x, np.array(t_from), np.array(t_to), shape=(x.shape[1],))
        return found

    def tolerance(self, case: Case) -> Floats:
        """How far a right map may be, shape (N,)."""
        start, end = (np.linalg.norm(each, axis=1) for each in (case.x, case.expected))
        return np.asarray((self.rtol + 64 * self.subject.precision.unit) * (end + 1 + case.stretch * (start + 1)))


def prepare(
    subject: Callable[..., Any],
    mixture: GaussianMixture | str | PathLike[str],
    *,
    t_min: Any = 0.01,
    t_max: Any = 3.0,
    dtype: Any = None,
    rtol: float | None = None,
    max_examples: int | None = None,
    seed: int = 0,
) -> Flows:
    """What the parts look at; arguments and errors as `check_flow_map`."""
    law = mixture_of(mixture)
    process = OrnsteinUhlenbeck(law, *exact_interval(t_min, t_max))
    low, high = process.t_min, process.t_max
    count = DEFAULT_EXAMPLES if max_examples is None else whole_number(max_examples, "max_examples", 1, MOST_EXAMPLES)
    loose = DEFAULT_RTOL if rtol is None else real_number(rtol, "rtol", "a number in [0, 1)", lambda v: 0 <= v < 1)
    if not callable(subject):
        raise InputError("subject", subject, "a callable f(x, t_from, t_to)")
    probe = (np.zeros((2, law.dimension)), np.array(high), np.array(high / 2))
    found = Subject.of(subject, ("x", "t_from", "t_to"), probe, (law.dimension,), dtype)
    cases = []
    for i, pair in enumerate(_PAIRS):
        t_from, t_to = (float(found.precision.between(low * (high / low) ** share, low, high)) for share in pair)
        start = places(law, t_from, t_from * (1 + 1e-12), count, whole_number(seed, "seed") + i).x[:count]
        x = found.precision.rounded(start)
        expected, derivative = flow_with_derivative(process, x, t_from, t_to, min(1e-8, max(loose / 100, 5e-14)))
        sizes = np.linalg.svd(derivative, compute_uv=False)
        cases.append(Case(x, t_from, t_to, expected, sizes[:, 0], 1 / sizes[:, -1]))
    return Flows(found, process, tuple(cases), loose)


# -- parts -------------------------------------------------------------------------------------------------


def _right(found: Flows) -> Result:
    """Against the reference flow."""
    name, count = "against the flow", 0
    worst: tuple[float, Case, int, Floats] | None = None
    answers = []
    for case in found.cases:
        try:
            got = found.said(case.x, case.t_from, case.t_to)
        except Misbehaviour as error:
            return Result("check_flow_map", name, False, error.message, count)
        count += len(got)
        answers.append(got)
        excess = _excess(got, case.expected, found.tolerance(case))
        row = int(np.argmax(excess))
        if excess[row] > 1 and (worst is None or excess[row] > worst[0]):
            worst = (float(excess[row]), case, row, got)
    if worst is None:
        return Result("check_flow_map", name, True, f"found no counterexample among {count} points", count)
    excess_there, case, row, got = worst
    tolerance = float(found.tolerance(case)[row])
    inputs = {"x": case.x[row], "t_from": case.t_from, "t_to": case.t_to}
    off = float(np.linalg.norm(got[row] - case.expected[row]))
    example = Counterexample(mixture_line(found.process.mixture), inputs, got[row], case.expected[row], off, tolerance)
    message = f"wrong by up to {excess_there:.3g} times the tolerance"
    return Result(
        "check_flow_map", name, False, message, count, counterexample=example, causes=tuple(_causes(found, answers))
    )


def _still(found: Flows) -> Result:
    """Nothing moves where both times are the same."""
    return _compared(found, "no time, no motion", lambda case: (found.said(case.x, case.t_from, case.t_from), case.x))


def _back(found: Flows) -> Result:
    """There and back changes nothing."""

    def there_and_back(case: Case) -> tuple[Points, Points]:
        there = found.said(case.x, case.t_from, case.t_to)
        return found.said(there, case.t_to, case.t_from), case.x

    return _compared(found, "there and back", there_and_back, inverse=True)


def _two_steps(found: Flows) -> Result:
    """`Phi_{s -> t} o Phi_{r -> s} = Phi_{r -> t}`."""

    def steps(case: Case) -> tuple[Points, Points]:
        middle = float(found.subject.precision.rounded(np.sqrt(case.t_from * case.t_to)))
        return found.said(found.said(case.x, case.t_from, middle), middle, case.t_to), case.expected

    return _compared(found, "two steps are one", steps)


def _one(found: Flows) -> Result:
    """A point alone goes where it goes among others."""
    few = replace(found, cases=found.cases[:1])

    def alone(case: Case) -> tuple[Points, Points]:
        return np.concatenate([found.said(case.x[:1], case.t_from, case.t_to), case.expected[1:]]), case.expected

    return _compared(few, "batch of one", alone)


def _empty(found: Flows) -> Result:
    case = found.cases[0]
    try:
        found.said(case.x[:0], case.t_from, case.t_to)
    except Misbehaviour as error:
        return Result("check_flow_map", "empty batch", False, error.message)
    return Result("check_flow_map", "empty batch", True, "a batch of no rows gives no rows")


def _compared(found: Flows, name: str, pair: Callable[[Case], tuple[Points, Points]], inverse: bool = False) -> Result:
    """Two ways to the same points, over all cases."""
    count = 0
    for case in found.cases:
        try:
            got, expected = pair(case)
        except Misbehaviour as error:
            return Result("check_flow_map", name, False, error.message, count)
        count += len(got)
        tolerance = 4 * found.tolerance(case)
        if inverse:  # an error there grows on the way back
            tolerance = tolerance * (1 + case.shrink)
        excess = _excess(got, expected, tolerance)
        row = int(np.argmax(excess))
        if excess[row] > 1:
            inputs = {"x": case.x[row], "t_from": case.t_from, "t_to": case.t_to}
            error_there = float(np.linalg.norm(got[row] - expected[row]))
            example = Counterexample(
                mixture_line(found.process.mixture), inputs, got[row], expected[row], error_there, float(tolerance[row])
            )
            message = f"off by {excess[row]:.3g} times the tolerance"
            return Result("check_flow_map", name, False, message, count, counterexample=example)
    return Result("check_flow_map", name, True, f"found no counterexample among {count} points", count)


def _excess(got: Points, expected: Points, tolerance: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.linalg.norm(got - expected, axis=1) / tolerance
    return np.where(np.isfinite(apart), apart, np.inf)


def _causes(found: Flows, answers: list[Points]) -> list[Cause]:
    """What else explains every answer."""
    process = found.process
    tables: tuple[tuple[str, str, Callable[[Case], Points]], ...] = (
        ("identity", "it returns the points where they were", lambda c: c.x),
        ("sign", "it returns minus what is right", lambda c: -c.expected),
        (
            "times exchanged",
            "it goes from t_to to t_from",
            lambda c: np.asarray(process.flow(c.x, c.t_to, c.t_from, rtol=1e-8)),
        ),
        (
            "one Euler step",
            "it makes one Euler step of the whole length",
            lambda c: np.asarray(c.x + (c.t_to - c.t_from) * process.velocity(c.x, c.t_from)),
        ),
        (
            "scaled only",
            "it scales the points by e^{-(t_to - t_from)}, without the score",
            lambda c: np.asarray(c.x * np.exp(-(c.t_to - c.t_from))),
        ),
        ("drift doubled", "it follows -x - 2 s, the reverse SDE without noise", lambda c: _followed(process, c, 2.0)),
        ("half the score", "it follows -x - s / 2", lambda c: _followed(process, c, 0.5)),
        ("sign of the score", "it follows -x + s", lambda c: _followed(process, c, -1.0)),
    )
    kept = []
    for name, sentence, says in tables:
        with np.errstate(all="ignore"):
            pairs = zip(found.cases, answers, strict=True)
            fits = all((_excess(got, says(case), 100 * found.tolerance(case)) <= 1).all() for case, got in pairs)
        if fits:
            kept.append(Cause(name, sentence))
    return kept


def _followed(process: OrnsteinUhlenbeck, case: Case, share: float) -> Points:
    """Where `dx/dt = -x - share s` leads, by Runge and Kutta's method in log t."""
    x, steps = case.x, 200
    logs = np.linspace(np.log(case.t_from), np.log(case.t_to), steps + 1)

    def rate(y: Points, log: float) -> Points:
        t = float(np.exp(log))
        return np.asarray(t * (-y - share * process.score(y, t)))

    for a, b in pairwise(logs):
        if not np.isfinite(x).all() or np.abs(x).max() > 1e6:
            return np.full_like(x, np.nan)
        h = b - a
        first = rate(x, a)
        second = rate(x + h / 2 * first, a + h / 2)
        third = rate(x + h / 2 * second, a + h / 2)
        x = x + h / 6 * (first + 2 * second + 2 * third + rate(x + h * third, b))
    return x


PARTS: tuple[Part, ...] = (
    Part("against the flow", _right),
    Part("no time, no motion", _still),
    Part("there and back", _back),
    Part("two steps are one", _two_steps),
    Part("batch of one", _one),
    Part("empty batch", _empty),
)
