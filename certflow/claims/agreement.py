"""How many digits two evaluations of a formula share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from certflow.claims.check import Finding
from certflow.claims.digits import mp
from certflow.claims.model import Outcome


class Agreement:
    """Collects relative differences of pairs of numbers in mpmath and tells how many digits agree."""

    def __init__(self, digits: int, required: int):
        self.digits = digits
        self.required = required
        self.worst_log = -math.inf
        self.broken = False
        self.witness: dict[str, Any] | None = None
        self.count = 0

    def compare(self, found: Iterable[Any], expected: Iterable[Any], where: dict[str, Any]) -> None:
        """Compare two vectors in norm; an absolute difference counts when the expected one is below 1e-30."""

        found, expected = list(found), list(expected)
        size = mp.sqrt(sum(abs(e) ** 2 for e in expected))
        gap = mp.sqrt(sum(abs(f - e) ** 2 for f, e in zip(found, expected, strict=True)))
        relative = gap / size if size > mp.mpf(10) ** -30 else gap
        self.count += 1
        if not mp.isfinite(relative):
            self.broken = True
        log = -math.inf if relative == 0 else float(mp.log10(relative)) if mp.isfinite(relative) else math.inf
        if self.witness is None or log > self.worst_log:
            self.worst_log = log
            self.witness = {
                **where,
                "found": [mp.nstr(f, 25) for f in found[:16]],
                "expected": [mp.nstr(e, 25) for e in expected[:16]],
                "relative_difference": mp.nstr(relative, 5),
            }

    @property
    def agreed_digits(self) -> int:
        """Decimal digits that agree in the worst case, at most the working digits."""
        return self.digits if self.worst_log == -math.inf else min(self.digits, math.floor(-self.worst_log))

    def finding(self, what: str, scope: str) -> Finding:
        """Holds if the required digits agree; a NaN is inconclusive."""
        if not self.count:
            return Finding(Outcome.INCONCLUSIVE, f"{what}: no point could be evaluated", scope)
        if self.broken:
            return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope, witness=self.witness)
        numbers = {
            "digits_agreed": self.agreed_digits,
            "digits_required": self.required,
            "comparisons": self.count,
        }
        if self.agreed_digits >= self.required:
            return Finding(Outcome.HOLDS, f"{what}: {self.agreed_digits} digits agree", scope, numbers)
        summary = f"{what}: only {max(self.agreed_digits, 0)} digits agree, {self.required} are required"
        return Finding(Outcome.VIOLATED, summary, scope, numbers, self.witness)
