"""The causes of what a score, a velocity or another prediction was found to say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from certflow.numbers.arrays import Flags, Floats
from certflow.schedules.families import OrnsteinUhlenbeckTime
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.fitted import fitted
from certflow.testing.causes.noising import noising_faults
from certflow.testing.causes.parameters import parameter_faults
from certflow.testing.causes.plain import plain_causes
from certflow.testing.causes.quantities import PREDICTED, Quantity, quantities
from certflow.testing.causes.search import Evidence, Tables, apart, norms
from certflow.testing.examination import Examination
from certflow.testing.precision import PRECISIONS, Posterior, Precision
from certflow.testing.result import Cause
from certflow.testing.subject import Misbehaviour
from certflow.testing.truth import Target

#: Arguments that are rounded to a shorter format too make so many times the error, at most.
_ROUNDINGS = 4.0

#: Errors of points next to each other that differ by more than this share of them are noise.
_NOISE = 0.3

#: So many wrong rows are asked alone.
_ALONE = 3


def vector_causes(examined: Examination) -> Sequence[Cause]:
    """The simplest causes that explain all answers: of the batch, of short formats, of the tables, with a number."""
    target, got = examined.target, examined.answers
    if not isinstance(target, Target) or isinstance(got, Misbehaviour) or got.ndim != 2:
        return ()
    evidence = gathered(examined, target)
    if _by_batch(examined, examined.wrong):
        return (
            Cause("batch", "alone every row is right: rows of a batch get into each other"),
            *_tabled(evidence, target, list),
        )
    return plain_causes(evidence) or _tabled(evidence, target, lambda: _by_format(examined, evidence))


def gathered(examined: Examination, target: Target) -> Evidence:
    """All that was said, as evidence."""
    rows = examined.rows
    of_x, of_s = (np.abs(each) for each in target.factors(rows))
    size = of_x * np.linalg.norm(rows.state, axis=1) + of_s * Posterior.of(target.mixture, rows.state, rows.time).size
    return evidence_of(examined, target, size)


def evidence_of(examined: Examination, target: Target, size: Floats) -> Evidence:
    """All that was said, beside the size of what is right, shape (N,)."""
    rows, got = examined.rows, np.asarray(examined.answers)
    m, n2 = np.exp(-rows.time), -np.expm1(-2 * rows.time)
    scale = np.asarray(target.schedule.scale_at(rows.time))
    asked = Asked(rows.x, rows.t, rows.time, scale * m, scale * np.sqrt(n2), target.t_min, target.t_max)
    right = Code.right(target.mixture, asked)
    return Evidence(asked, right, got, examined.expected, examined.tolerance, size, target.precision.unit)


def other_causes(
    examined: Examination,
    size: Floats,
    right: Quantity,
    others: Sequence[Quantity],
    said: Callable[[Code, Asked], Floats],
) -> list[Cause]:
    """The simplest causes of what code says that is no vector: `said` by the formulas, `others` in its place."""
    target = examined.target
    if not isinstance(target, Target) or isinstance(examined.answers, Misbehaviour):
        return []
    evidence = evidence_of(examined, target, size)
    faults = chain(parameter_faults(evidence.right), noising_faults(target.schedule, target.time_scale))
    tables = Tables.of(evidence, faults, right, list(others), said)
    causes = tables.single() or plain_causes(evidence) or tables.double()
    return [Cause(cause.name, in_words(cause.sentence, True)) for cause in causes]


def _tabled(evidence: Evidence, target: Target, by_format: Callable[[], list[Cause]]) -> list[Cause]:
    """The simplest causes of the tables; formats come before what has two faults or an unknown number."""
    right = Quantity("", "", PREDICTED[target.predicts])
    others = list(quantities(target.predicts, _common_variance(evidence.right), target.mixture.dimension))
    faults = chain(parameter_faults(evidence.right), noising_faults(target.schedule, target.time_scale))
    tables = Tables.of(evidence, faults, right, others, _score)
    causes = tables.single() or by_format() or fitted(evidence, right, _score) or tables.double()
    plain = isinstance(target.schedule, OrnsteinUhlenbeckTime)
    return [Cause(cause.name, in_words(cause.sentence, plain)) for cause in causes]


def in_words(sentence: str, process: bool) -> str:
    """A sentence with the names of the factors of data and noise, `A` and `B`, as they are where `x = A x_0 + B z`."""
    if not process:
        return re.sub(r"\bA\b", "a", re.sub(r"\bB\b", "b", sentence))
    for pattern, words in ((r"\bB\^2", "(1 - m^2)"), (r"\bB\b", "sqrt(1 - m^2)"), (r"\bA\b", "m")):
        sentence = re.sub(pattern, words, sentence)
    return sentence


def _score(code: Code, asked: Asked) -> Floats:
    return code.score


def _common_variance(code: Code) -> Callable[[Asked], Floats] | None:
    """`v` at the rows where all covariances are the same multiple of I, else None."""
    first = code.covariances[0]
    if not np.array_equal(code.covariances, np.broadcast_to(first[0, 0] * np.eye(len(first)), code.covariances.shape)):
        return None
    return lambda asked: np.asarray(asked.a**2 * first[0, 0] + asked.b**2)


def _by_batch(examined: Examination, wrong: Flags) -> bool:
    """Whether wrong rows are right when they are asked alone."""
    rows = np.flatnonzero(wrong)[:_ALONE]
    return len(rows) > 0 and all(examined.excess(examined.rows[[row]])[0] <= 0 for row in rows)


def _by_format(examined: Examination, evidence: Evidence) -> list[Cause]:
    """Whether errors are those of a shorter format: small enough, and all answers short, or like noise in float32.

    (Noise of still shorter formats cannot be told from a formula that is wrong.)
    """
    target, own = examined.target, examined.subject.precision
    assert isinstance(target, Target)
    for name, each in PRECISIONS.items():
        if each.digits < own.digits:
            allowed = replace(target, precision=each).tolerance(examined.rows, examined.rtol)
            small = (evidence.errors <= _ROUNDINGS * allowed)[np.isfinite(evidence.tolerance)].all()
            if small and (_short(evidence.got, each) or (name == "float32" and _noisy(examined, each.unit))):
                sentence = f"something in it is computed in {name}: its errors are those of rounding there"
                return [Cause(f"{name} leak", sentence)]
    return []


def _short(got: Floats, precision: Precision) -> bool:
    """Whether all that was said are numbers of a shorter format."""
    return np.array_equal(precision.rounded(got), got, equal_nan=True)


def _noisy(examined: Examination, unit: float) -> bool:
    """Whether errors at points next to each other have nothing to do with each other: so it is with rounding."""
    rows, target = examined.rows[np.flatnonzero(examined.wrong)[:64]], examined.target
    assert isinstance(target, Target)
    near = target.at(
        target.precision.rounded(rows.x * (1 + 3 * unit)), target.times(rows.t * (1 - 5 * unit) + 3 * unit)
    )
    try:
        here, there = (examined.said(each) - target.expected(each) for each in (rows, near))
    except Misbehaviour:
        return False
    return bool(np.median(apart(here, there) / np.maximum(norms(here), 1e-300)) > _NOISE)
