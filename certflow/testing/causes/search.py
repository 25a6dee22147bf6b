"""Which faults explain all that code said: tables of them, compared within the tolerance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from certflow.numbers.arrays import Flags, Floats, Indices
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.fault import NONE, Fault
from certflow.testing.causes.quantities import Quantity
from certflow.testing.result import Cause

#: So many rows are compared first; a fault that fits too few of them is left.
_SCREENED = 32
_FITTING = 0.75

#: Wrong formulas are worse conditioned than right ones: so many times the tolerance is allowed where they are compared.
_ALLOWED = 4.0

#: What is computed here in float64 is good to this.
_FLOAT64 = 1e-9

#: A cause leaves at most this share of the error of a typical wrong row.
_LEFT = 0.1

#: No more causes than this are named.
_NAMED = 3


@dataclass(frozen=True)
class Evidence:
    """What code said at N rows, and what is right there.

    Attributes
    ----------
    asked, right : the rows, and code without a fault
    got, expected : shape (N, ...)
    tolerance : of the check, shape (N,); infinite where a row says nothing
    size : of the terms whose sum is expected, shape (N,)
    unit : of rounding in the format of the code
    """

    asked: Asked
    right: Code
    got: Floats
    expected: Floats
    tolerance: Floats
    size: Floats
    unit: float

    def of(self, rows: Indices | Flags) -> Evidence:
        """The same of some rows."""
        got, expected, tolerance, size = (part[rows] for part in (self.got, self.expected, self.tolerance, self.size))
        return Evidence(self.asked[rows], at_rows(self.right, rows), got, expected, tolerance, size, self.unit)

    @property
    def errors(self) -> Floats:
        return apart(self.got, self.expected)

    @property
    def wrong(self) -> Flags:
        return np.isfinite(self.tolerance) & ~(self.errors <= self.tolerance)

    def allowed(self, said: Floats) -> Floats:
        """How far the code may be from what a fault makes it say, shape (N,)."""
        size = np.maximum(self.size, 1e-300)
        return np.asarray((_ALLOWED * self.tolerance / size + _FLOAT64) * (size + norms(said)))

    def fits(self, said: Floats, slack: Floats | float = 0.0) -> Flags:
        """Which rows a fault explains."""
        with np.errstate(invalid="ignore"):
            close = apart(self.got, said) <= self.allowed(said) + slack
        return close | ~np.isfinite(self.tolerance) | _both_nan(self.got, said)

    def left(self, said: Floats) -> float:
        """The share of the error that a fault leaves, of the median wrong row."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = apart(self.got, said) / self.errors
        shares = np.where(_both_nan(self.got, said), 0.0, share)[self.wrong]
        return float(np.median(np.where(np.isnan(shares), np.inf, shares))) if len(shares) else np.inf


def apart(first: Floats, second: Floats) -> Floats:
    """Distance in norm for each row."""
    with np.errstate(invalid="ignore", over="ignore"):
        return norms(first - second)


def norms(values: Floats) -> Floats:
    """Of each row, shape (N,)."""
    with np.errstate(over="ignore"):
        return np.asarray(np.linalg.norm(values.reshape(len(values), -1), axis=1))


def _both_nan(first: Floats, second: Floats) -> Flags:
    return np.isnan(norms(first)) & np.isnan(norms(second))


def at_rows(code: Code, rows: Indices | Flags) -> Code:
    """The same code at some of its rows."""

    def of(noise: object) -> object:
        return type(noise)(*(getattr(noise, name)[rows] for name in ("alpha", "beta", "nu")))

    return replace(code, x=code.x[rows], parts=of(code.parts), shares=of(code.shares))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Candidate:
    """A fault of the code with a quantity that it returns: together they say something at every row."""

    fault: Fault
    quantity: Quantity

    @property
    def cause(self) -> Cause:
        if self.fault is NONE:
            return Cause(self.quantity.name, self.quantity.sentence)
        if not self.quantity.name:
            return Cause(self.fault.name, self.fault.sentence)
        return Cause(
            f"{self.quantity.name}, {self.fault.name}", f"{self.quantity.sentence}; besides, {self.fault.sentence}"
        )


#: `(code, asked) -> what the code is made of`, from which every quantity is computed: the score, or more.
Field = Callable[[Code, Asked], Floats]


def screened(evidence: Evidence) -> Indices:
    """Rows that tell faults apart: spread over all, wrong ones before right ones."""
    told = np.flatnonzero(np.isfinite(evidence.tolerance) & np.isfinite(norms(evidence.got)))
    wrong = told[evidence.wrong[told]]
    rows = wrong if len(wrong) >= _SCREENED // 2 else told
    return rows[np.unique(np.linspace(0, len(rows) - 1, _SCREENED).astype(int))] if len(rows) else rows


@dataclass(frozen=True)
class Tables:
    """Faults and quantities with what they say of the screened rows.

    Attributes
    ----------
    evidence, few : all rows, and the screened ones
    said : every fault, that there is none among them, with the field that it makes at the screened rows
    right, others : what should be returned, and what may be instead
    """

    evidence: Evidence
    few: Evidence
    said: list[tuple[Fault, Floats]]
    right: Quantity
    others: list[Quantity]
    field: Field

    @classmethod
    def of(
        cls, evidence: Evidence, faults: Iterable[Fault], right: Quantity, others: list[Quantity], field: Field
    ) -> Self:
        rows = screened(evidence)
        few = evidence.of(rows)
        said = []
        for fault in [NONE, *faults] if len(rows) else []:
            code = at_rows(_made(fault, evidence), rows) if fault.batch else _made(fault, few)
            said.append((fault, field(code, few.asked)))
        return cls(evidence, few, said, right, others, field)

    def single(self) -> list[Cause]:
        """One fault, or one wrong quantity, that explains every row."""
        pairs = [(fault, field, self.right) for fault, field in self.said[1:]]
        return self._best([(fault, field, each) for fault, field in self.said[:1] for each in self.others] + pairs)

    def double(self) -> list[Cause]:
        """A fault together with a wrong quantity."""
        return self._best([(fault, field, each) for fault, field in self.said[1:] for each in self.others])

    def _best(self, triples: list[tuple[Fault, Floats, Quantity]]) -> list[Cause]:
        fitting = [Candidate(fault, each) for fault, field, each in triples if _may_fit(self.few, each, field)]
        return _best(self.evidence, fitting, self.field)


def _made(fault: Fault, evidence: Evidence) -> Code:
    with np.errstate(all="ignore"):
        return fault.make(evidence.right, evidence.asked)


def _may_fit(few: Evidence, quantity: Quantity, said: Floats) -> bool:
    with np.errstate(all="ignore"):
        fits = few.fits(quantity.of(said, few.asked))
    return float(fits.mean()) >= _FITTING


def _best(evidence: Evidence, candidates: list[Candidate], field: Field) -> list[Cause]:
    """The causes that explain every row, those that leave least first; others that leave as little beside them."""
    kept = [(left, each.cause) for each in candidates if (left := left_by(evidence, each, field)) is not None]
    if not kept:
        return []
    kept.sort(key=lambda pair: pair[0])
    least = max(kept[0][0], 1e-6)
    causes = [cause for left, cause in kept if left <= 10 * least]
    return list(dict.fromkeys(causes))[:_NAMED]


def left_by(evidence: Evidence, candidate: Candidate, field: Field) -> float | None:
    """The share of the error that a candidate leaves, None where it does not explain every row."""
    code = _made(candidate.fault, evidence)
    moved = replace(code, x=code.x * (1 + 4 * evidence.unit))
    with np.errstate(all="ignore"):
        said = candidate.quantity.of(field(code, evidence.asked), evidence.asked)
        nearby = candidate.quantity.of(field(moved, evidence.asked), evidence.asked)
        slack = np.nan_to_num(4 * apart(said, nearby), posinf=0.0)  # how much rounding matters to the wrong formula
        explained = evidence.fits(said, slack).all()
    left = evidence.left(said)
    return left if explained and left <= _LEFT else None
