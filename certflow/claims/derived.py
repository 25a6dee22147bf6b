"""Symbolic checks: SymPy reduces the difference between a formula and an independent derivation to zero."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.model import Outcome
from certflow.process import OrnsteinUhlenbeck


@cache
def _derived(statement: str, formulas: type[OrnsteinUhlenbeck]) -> tuple[Any, ...]:
    """The residuals; they depend on the formulas only, so one process derives them once for all mixtures."""
    from certflow.symbolic import derive

    return derive(statement, formulas)


def derivations(statement: str) -> Callable[[Context, str], Finding]:
    """A check that runs every derivation of a statement on the formulas under test."""

    def procedure(context: Context, name: str) -> Finding:
        from certflow.symbolic import Verdict

        residuals = _derived(statement, type(context.process))
        scope = "; ".join(dict.fromkeys(residual.scope for residual in residuals))
        numbers = {"derivations": len(residuals), "expressions": sum(len(r.expressions) for r in residuals)}
        broken = [r for r in residuals if r.verdict is Verdict.NONZERO]
        open_ = [r for r in residuals if r.verdict is Verdict.UNDECIDED]
        if broken:
            first = broken[0]
            witness = {"derivation": first.name, "scope": first.scope}
            return Finding(
                Outcome.VIOLATED, f"{first.name}: the difference is not zero", scope, numbers, witness
            )
        if open_:
            return Finding(
                Outcome.INCONCLUSIVE, f"{open_[0].name}: SymPy's normal form could not decide", scope, numbers
            )
        summary = f"{numbers['expressions']} expressions in {len(residuals)} derivations reduced to exactly zero"
        return Finding(Outcome.HOLDS, summary, scope, numbers)

    return procedure
