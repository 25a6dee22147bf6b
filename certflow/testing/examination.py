"""A subject held against what is right, row by row: the parts that every check of a field has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from certflow.law.code import mixture_code
from certflow.law.library import builtin_mixtures, load_mixture
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Flags, Floats, Indices, Points, Times
from certflow.testing.checks.part import Part
from certflow.testing.probes import KINDS
from certflow.testing.result import Cause, Counterexample, Result
from certflow.testing.rows import Rows
from certflow.testing.shrinking import smallest
from certflow.testing.subject import Misbehaviour, Subject
from certflow.testing.truth import differing, wrong


class Target(Protocol):
    """What is right at rows, and how exactly; results for one row have the shape `shape`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def mixture(self) -> GaussianMixture: ...

    def rows(self, x: Points, t: Times) -> Rows:
        """Rows at OU states and times, as near as the numbers of the subject's dtype are."""
        ...

    def expected(self, rows: Rows) -> Floats: ...

    def tolerance(self, rows: Rows, rtol: float = ...) -> Floats: ...

    def simple(self, rows: Rows) -> Rows:
        """Rows made of simple numbers, those first that are best to read."""
        ...

    def simpler(self, row: Rows) -> list[Rows]:
        """For one row, steps in which one of its numbers becomes simpler, each a choice of rows."""
        ...


@dataclass
class Examination:
    """What `prepare` of a check of a field makes, and its parts look at.

    Attributes
    ----------
    check : its name, "check_score"
    subject : the code
    target : what is right
    rows : the points that are looked at, with `kind`, the index of each into `KINDS`
    rtol : what is allowed beyond rounding
    causes : names what explains the answers, from the rows, what was said there and what is right
    """

    check: str
    subject: Subject
    target: Target
    rows: Rows
    kind: Indices
    rtol: float
    causes: Callable[[Examination], Sequence[Cause]]
    noun: str = field(default="score")

    @cached_property
    def answers(self) -> Floats | Misbehaviour:
        """What the subject says of all rows in one call, or how it fails to."""
        try:
            return self.said(self.rows)
        except Misbehaviour as found:
            return found

    def said(self, rows: Rows) -> Floats:
        """What the subject says of rows."""
        return self.subject(rows.x, rows.t, shape=self.target.shape)

    @cached_property
    def expected(self) -> Floats:
        return self.target.expected(self.rows)

    @cached_property
    def tolerance(self) -> Floats:
        return self.target.tolerance(self.rows, self.rtol)

    @cached_property
    def errors(self) -> Floats:
        """`|got - expected|` in norm, shape (N,)."""
        assert isinstance(self.answers, np.ndarray)
        return differing(self.answers, self.expected)

    @cached_property
    def wrong(self) -> Flags:
        """Which rows are wrong, shape (N,)."""
        return wrong(self.errors, self.tolerance)

    @cached_property
    def counterexample(self) -> Counterexample | None:
        """The smallest case found in which the code is wrong; None where it is right."""
        if not self.wrong.any():
            return None
        excess = _excess(self.errors, self.tolerance)
        return self.shown(smallest(self.rows[[int(np.argmax(excess))]], self.target, self.excess))

    def excess(self, rows: Rows) -> Floats:
        """How many times the tolerance the errors are; 0 where the subject does not answer."""
        try:
            got = self.said(rows)
        except Misbehaviour:
            return np.zeros(len(rows))
        tolerance = self.target.tolerance(rows, self.rtol)
        return _excess(differing(got, self.target.expected(rows)), tolerance)

    def shown(self, row: Rows) -> Counterexample:
        """One row as a counterexample."""
        got, expected = self.said(row), self.target.expected(row)
        error, tolerance = differing(got, expected)[0], self.target.tolerance(row, self.rtol)[0]
        inputs = {self.subject.names[0]: row.x[0], self.subject.names[1]: float(row.t[0])}
        return Counterexample(
            mixture_line(self.target.mixture), inputs, got[0], expected[0], float(error), float(tolerance)
        )

    @cached_property
    def found_causes(self) -> tuple[Cause, ...]:
        return tuple(self.causes(self))

    def result(self, part: str, passed: bool, message: str, evaluations: int, **more: Any) -> Result:
        return Result(self.check, part, passed, message, evaluations, **more)


def _excess(error: Floats, tolerance: Floats) -> Floats:
    """How many times the tolerance an error is, 0 where that allows it."""
    bad = wrong(error, tolerance)
    return np.divide(error, tolerance, out=np.zeros(len(error)), where=bad)


def mixture_line(mixture: GaussianMixture) -> str:
    """`mixture = ...`, by its name where it is built in."""
    if mixture.name in builtin_mixtures() and mixture_code(load_mixture(mixture.name)) == mixture_code(mixture):
        return f'mixture = cf.load_mixture("{mixture.name}")'
    return f"mixture = {mixture_code(mixture)}"


# -- parts ----------------------------------------------------------------------------------------------------


def _answers(found: Examination) -> Result:
    """It returns numbers of the right shape."""
    said, count = found.answers, len(found.rows)
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, "answers", said, count)
    return found.result("answers", True, f"it answers for {count} rows at once", count)


def _finite(found: Examination) -> Result:
    said, count = found.answers, len(found.rows)
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, "finite numbers", said, count)
    bad = ~np.isfinite(said.reshape(count, -1)).all(axis=1) & np.isfinite(found.tolerance)
    if not bad.any():
        return found.result("finite numbers", True, f"no NaN or infinity in {count} rows", 0)
    row = found.rows[[int(np.argmax(bad))]]
    message = f"NaN or infinity at {int(bad.sum())} of {count} points"
    return found.result("finite numbers", False, message, 0, counterexample=found.shown(row))


def _twice(found: Examination) -> Result:
    """A second call says the same."""
    name, said, count = "twice the same", found.answers, len(found.rows)
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, name, said, count)
    return _same(found, name, found.rows, said, "a second call with the same arguments says another thing", "random")


def _unchanged(found: Examination) -> Result:
    name, said = "arguments left alone", found.answers
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, name, said, len(found.rows))
    changed = sorted(found.subject.changed)
    message = f"it writes into {' and '.join(changed)}" if changed else "it changes none of its arguments"
    return found.result(name, not changed, message, 0)


def _alone(found: Examination) -> Result:
    """One row by itself says what it says among others."""
    name, said = "batch of one", found.answers
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, name, said, len(found.rows))
    return _same(found, name, found.rows[:1], said[:1], "a row alone says another thing than among others", "batch")


def _any_batch(found: Examination) -> Result:
    """Rows in another order and number say the same."""
    name, said = "any batch", found.answers
    if isinstance(said, Misbehaviour):
        return _misbehaved(found, name, said, len(found.rows))
    order = slice(None, None, -3)
    return _same(found, name, found.rows[order], said[order], "other rows in the batch change what it says", "batch")


def _empty(found: Examination) -> Result:
    try:
        found.said(found.rows[:0])
    except Misbehaviour as error:
        return found.result("empty batch", False, error.message, 0)
    return found.result("empty batch", True, "a batch of no rows gives no rows", 0)


def _one_time(found: Examination) -> Result:
    """One time for all rows, of shape () or (1,), is that time for each: a code may refuse it, not mistake it."""
    name, count = "one time for all", min(len(found.rows), 6)
    if isinstance(found.answers, Misbehaviour):
        return _misbehaved(found, name, found.answers, count)
    some = found.rows[:count]
    rows = found.target.rows(some.state, np.full(count, some.time[-1]))
    taken = []
    try:
        each = found.said(rows)
    except Misbehaviour as error:
        return _misbehaved(found, name, error, count)
    for shape in ((), (1,)):
        try:
            said = found.subject(rows.x, rows.t[0].reshape(shape), shape=found.target.shape)
        except Misbehaviour:
            continue
        taken.append(str(shape))
        message = f"a time of shape {shape} is not taken for that of every row"
        result = _agree(found, name, rows, said, each, message, "one time for all")
        if not result:
            return result
    message = f"a time of shape {' or '.join(taken)} is that of every row" if taken else "it takes no time without rows"
    return found.result(name, True, message, count * len(taken))


def _same(found: Examination, name: str, rows: Rows, before: Floats, message: str, cause: str) -> Result:
    """Whether rows say again what was said before, within the tolerance."""
    try:
        again = found.said(rows)
    except Misbehaviour as error:
        return _misbehaved(found, name, error, len(rows))
    return _agree(found, name, rows, again, before, message, cause)


def _agree(
    found: Examination, name: str, rows: Rows, again: Floats, before: Floats, message: str, cause: str
) -> Result:
    """Whether what is said of rows is what was said before, within the tolerance."""
    both = ~np.isfinite(before) & ~np.isfinite(again)
    apart = differing(np.where(both, 0, again), np.where(both, 0, before))
    bad = wrong(apart, found.target.tolerance(rows, found.rtol))
    if not bad.any():
        return found.result(name, True, f"{len(rows)} rows say the same", len(rows))
    worst = int(np.argmax(np.where(bad, apart, -1)))
    inputs = {found.subject.names[0]: rows.x[worst], found.subject.names[1]: float(rows.t[worst])}
    tolerance = float(found.target.tolerance(rows[[worst]], found.rtol)[0])
    example = Counterexample(
        mixture_line(found.target.mixture), inputs, again[worst], before[worst], float(apart[worst]), tolerance
    )
    return found.result(name, False, message, len(rows), counterexample=example, causes=(Cause(cause, message),))


def _misbehaved(found: Examination, name: str, error: Misbehaviour, count: int) -> Result:
    return found.result(name, False, error.message, count)


def _points(kind: str) -> Callable[[Examination], Result]:
    def run(found: Examination) -> Result:
        chosen = found.kind == KINDS.index(kind)
        count = int(chosen.sum())
        if isinstance(found.answers, Misbehaviour):
            return _misbehaved(found, kind, found.answers, count)
        bad, told = chosen & found.wrong, chosen & np.isfinite(found.tolerance)
        if not bad.any():
            silent = count - int(told.sum())
            dtype = found.subject.precision.name
            rest = f" ({silent} of them say nothing: rounding in {dtype} allows any value there)" if silent else ""
            return found.result(kind, True, f"found no counterexample among {count} points{rest}", count)
        worst = float((found.errors[bad] / found.tolerance[bad]).max())
        message = f"wrong at {int(bad.sum())} of {count} points, by up to {worst:.3g} times the tolerance"
        return found.result(kind, False, message, count, counterexample=found.counterexample, causes=found.found_causes)

    return run


#: The parts of a check of a field, in the order in which they are reported.
PARTS: tuple[Part, ...] = (
    Part("answers", _answers),
    Part("finite numbers", _finite),
    Part("twice the same", _twice),
    Part("arguments left alone", _unchanged),
    *(Part(kind, _points(kind)) for kind in KINDS),
    Part("batch of one", _alone),
    Part("any batch", _any_batch),
    Part("empty batch", _empty),
    Part("one time for all", _one_time),
)
