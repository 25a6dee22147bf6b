"""What is proved of students, as results: two ends each, and the cells of which they were made."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from certflow.enclosure.results import Ends, rounded_down, rounded_up
from certflow.numbers.arrays import Floats
from certflow.numbers.numerals import above, below

#: Significant digits of the ends.
DIGITS = 17


def outwards(lower: float | Fraction, upper: float | Fraction) -> tuple[Fraction, Fraction]:
    """Two float64 numbers, or fractions, as exact decimals, rounded outwards."""
    return rounded_down(Fraction(lower), DIGITS), rounded_up(Fraction(upper), DIGITS)


@dataclass(frozen=True, eq=False)
class StudentCells:
    """Where a student errs: cells, and what is proved of each.

    low, high : ends of the cells, shape (cells, d), at the end that `end` names ("data" or "noise")
    bound : at least the error `|Psi - Phi|` (of Lipschitz constants: the slope) anywhere on the cell, shape (cells,)
    part_low, part_high : what the cell adds to the relative mean square, below and above, shape (cells,); or empty
    """

    low: Floats
    high: Floats
    bound: Floats
    part_low: Floats = field(default_factory=lambda: np.zeros(0))
    part_high: Floats = field(default_factory=lambda: np.zeros(0))
    end: str = "data"


@dataclass(frozen=True, repr=False)
class StudentError(Ends):
    """`lower <= E |Psi(X) - Phi(X)|^2 / E |Phi(X)|^2 <= upper`, `X ~ p_T`, proved (C2).

    complete : whether `upper - lower <= rtol upper` was reached
    tail : what of `upper` bounds the part outside of the cells
    second_moment : `E |Phi(X)|^2`, nearest float64
    law : code of the mixture and the two ends of time, by which results are compared
    """

    lower: Fraction
    upper: Fraction
    complete: bool
    tail: Fraction
    second_moment: float
    cells: StudentCells
    law: tuple[str, Fraction, Fraction]


@dataclass(frozen=True, repr=False)
class StudentDistance(Ends):
    """`lower <= sup |Psi - Phi| <= upper` over a box of the noise end, proved (C1)."""

    lower: Fraction
    upper: Fraction
    complete: bool
    cells: StudentCells


@dataclass(frozen=True, repr=False)
class StudentLipschitz(Ends):
    """`lower <= Lip(Psi) <= upper` over a box, proved (C3)."""

    lower: Fraction
    upper: Fraction
    complete: bool
    cells: StudentCells


@dataclass(frozen=True, repr=False)
class ProvedRange(Ends):
    """`lower <= value <= upper`, proved; `complete`: as near as was asked for."""

    lower: Fraction
    upper: Fraction
    complete: bool


@dataclass(frozen=True)
class StudentLaw:
    """The law of a student's output against `p_delta`, in one dimension.

    wasserstein : `W2`, as an enclosure
    total_variation : between 0 and 1, as an enclosure
    monotone : True: `Psi' >= 0` is proved on `interval`; False: `Psi' < 0` is proved somewhere on it; None: neither
    interval : of the noise end, float64 numbers
    """

    wasserstein: ProvedRange
    total_variation: ProvedRange
    monotone: bool | None
    interval: tuple[float, float]

    @property
    def complete(self) -> bool:
        """Whether both enclosures are as near as was asked for."""
        return self.wasserstein.complete and self.total_variation.complete

    def __str__(self) -> str:
        order = {True: "monotone", False: "not monotone", None: "not decided whether monotone"}[self.monotone]
        low, high = self.interval
        return f"W2 {self.wasserstein}, total variation {self.total_variation}, {order} on [{low:.6g}, {high:.6g}]"


@dataclass(frozen=True, repr=False)
class StudentComparison(Ends):
    """`lower <= (mean square error of the second) / (that of the first) <= upper`, proved (C4).

    better : "first" if `lower > 1`, "second" if `upper < 1`, else None: not decided
    """

    lower: Fraction
    upper: Fraction
    better: str | None

    @property
    def statement(self) -> str:
        """What is proved, in words.

        >>> StudentComparison(Fraction(3), Fraction(4), "first").statement
        'the first student has the smaller error: that of the second is at least 3 and at most 4 times as large'
        """
        if self.better is None:
            return f"which student has the smaller error is not decided: the ratio is in {self}"
        low, high, other = self.lower, self.upper, "second"
        if self.better == "second":
            low, high, other = 1 / self.upper, 1 / self.lower, "first"
        return (
            f"the {self.better} student has the smaller error: that of the {other} is at least "
            f"{below(low, 4)} and at most {above(high, 4)} times as large"
        )
