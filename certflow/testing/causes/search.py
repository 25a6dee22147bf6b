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
LEFT = 0.1

#: So many units of rounding the points are moved, to see how much rounding matters.
_MOVED = 8

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

    def repeated(self, count: int) -> Evidence:
        """The same rows so many times, one after the other; the code is not repeated."""
        parts = (self.got, self.expected, self.tolerance, self.size)
        got, expected, tolerance, size = (np.tile(part, (count, *[1] * (part.ndim - 1))) for part in parts)
        return replace(self, got=got, expected=expected, tolerance=tolerance, size=size)

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
            close = (apart(self.got, said) <= self.allowed(said) + slack) & np.isfinite(norms(said))
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
    """A fault of the code with a quantity that it returns: together they say something at every row.

    `own` : whether the factors of the quantity have the fault too: `1 - m` for `1 - m^2` there as well
    """

    fault: Fault
    quantity: Quantity
    own: bool = False

    @property
    def cause(self) -> Cause:
        if self.fault is NONE:
            return Cause(self.quantity.name, self.quantity.sentence)
        if not self.quantity.name:
            return Cause(self.fault.name, self.fault.sentence)
        return Cause(
            f"{self.quantity.name}, {self.fault.name}", f"{self.quantity.sentence}; besides, {self.fault.sentence}"
        )

    def said(self, code: Code, asked: Asked, field: Field) -> Floats:
        """What code with both says, where `code` has the fault already."""
        return self.quantity.of(field(code, asked), own_factors(code, asked) if self.own else asked)


#: `(code, asked) -> what the code is made of`, from which every quantity is computed: the score, or more.
Field = Callable[[Code, Asked], Floats]


def own_factors(code: Code, asked: Asked) -> Asked:
    """The points with the factors of data and noise that the code has."""
    with np.errstate(invalid="ignore"):
        return replace(asked, a=code.parts.alpha, b=np.sqrt(code.parts.nu))


def screened(evidence: Evidence) -> Indices:
    """Rows that tell faults apart: spread over all, wrong ones before right ones."""
    told = np.flatnonzero(np.isfinite(evidence.tolerance) & np.isfinite(norms(evidence.got)))
    wrong = told[evidence.wrong[told]]
    rows = wrong if len(wrong) >= _SCREENED // 2 else told
    return rows[np.unique(np.linspace(0, len(rows) - 1, _SCREENED).astype(int))] if len(rows) else rows


@dataclass(frozen=True)
class Tables:
    """Faults and quantities, with what they say of the screened rows.

    Attributes
    ----------
    evidence, few : all rows, and the screened ones
    faults : the first is none
    fields, factors : for each fault its field at the screened rows, and the points with its own factors
    right, others : what should be returned, and what may be instead
    field : from which quantities are computed
    """

    evidence: Evidence
    few: Evidence
    faults: list[Fault]
    fields: list[Floats]
    factors: list[Asked]
    right: Quantity
    others: list[Quantity]
    field: Field

    @classmethod
    def of(
        cls, evidence: Evidence, faults: Iterable[Fault], right: Quantity, others: list[Quantity], field: Field
    ) -> Self:
        rows = screened(evidence)
        few = evidence.of(rows)
        tried = [NONE, *faults] if len(rows) else []
        fields, factors = [], []
        for fault in tried:
            if fault.batch:
                code = made(fault, evidence)
                fields.append(field(code, evidence.asked)[rows])
                code = at_rows(code, rows)
            else:
                code = made(fault, few)
                fields.append(field(code, few.asked))
            factors.append(own_factors(code, few.asked))
        return cls(evidence, few, tried, fields, factors, right, _distinct(few, [right, *others], fields), field)

    def single(self) -> list[Cause]:
        """One fault, or one wrong quantity, that explains every row."""
        candidates = self._fitting(slice(0, 1), self.others) + self._fitting(slice(1, None), [self.right])
        return best(self.evidence, candidates, self.field)

    def double(self) -> list[Cause]:
        """A fault together with a wrong quantity."""
        return best(self.evidence, self._fitting(slice(1, None), self.others), self.field)

    def _fitting(self, some: slice, quantities: list[Quantity]) -> list[Candidate]:
        """Pairs that fit most of the screened rows; one call of a quantity for all faults."""
        faults, fields = self.faults[some], self.fields[some]
        if not faults:
            return []
        joined, count = np.concatenate(fields), len(faults)
        kept = []
        for own in (False, True):
            asked = _joined(self.factors[some] if own else [self.few.asked] * count)
            every = self.few.repeated(count)
            for quantity in quantities:
                with np.errstate(all="ignore"):
                    fits = every.fits(quantity.of(joined, asked)).reshape(count, -1)
                kept += [
                    Candidate(fault, quantity, own)
                    for fault, share in zip(faults, fits.mean(axis=1), strict=True)
                    if share >= _FITTING
                ]
        return kept


def _joined(several: list[Asked]) -> Asked:
    """Points one after the other."""

    def of(name: str) -> Floats:
        return np.concatenate([getattr(each, name) for each in several])

    return replace(several[0], x=of("x"), tau=of("tau"), t=of("t"), a=of("a"), b=of("b"))


def _distinct(few: Evidence, quantities: list[Quantity], fields: list[Floats]) -> list[Quantity]:
    """All but the first, and of those that say the same here the first one only."""
    seen: list[Floats] = []
    kept = []
    for quantity in quantities if fields else []:
        with np.errstate(all="ignore"):
            said = quantity.of(fields[0], few.asked)
        if not any(np.allclose(said, other, rtol=1e-12, atol=0, equal_nan=True) for other in seen):
            seen.append(said)
            kept.append(quantity)
    return kept[1:]


def made(fault: Fault, evidence: Evidence) -> Code:
    """The code with a fault."""
    with np.errstate(all="ignore"):
        return fault.make(evidence.right, evidence.asked)


def best(evidence: Evidence, candidates: list[Candidate], field: Field) -> list[Cause]:
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
    code = made(candidate.fault, evidence)
    with np.errstate(all="ignore"):
        said = candidate.said(code, evidence.asked, field)
        left = evidence.left(said)
        if left > LEFT:
            return None
        if evidence.fits(said).all():
            return left
        slack = np.zeros(len(said))
        for sign in (1, -1):  # how much rounding matters to the wrong formula
            moved = replace(code, x=code.x * (1 + sign * _MOVED * evidence.unit))
            change = apart(said, candidate.said(moved, evidence.asked, field))
            slack = np.maximum(slack, np.nan_to_num(4 * change, posinf=0.0))
    return left if evidence.fits(said, slack).all() else None
