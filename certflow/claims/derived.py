"""Symbolic checks: SymPy reduces the difference between a formula and an independent derivation to zero."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from certflow.claims.check import Context, Finding
from certflow.claims.model import Outcome


@cache
def _derived(statement: str, formulas: Any) -> tuple[Any, ...]:
    """The residuals; they depend on the formulas only, so one process derives them once for all mixtures."""
    from certflow.symbolic import derive

    return derive(statement, formulas)


def derivations(statement: str) -> Callable[[Context, str], Finding]:
    """A check that runs every derivation of a statement on the formulas under test."""

    def procedure(context: Context, name: str) -> Finding:
        from certflow.symbolic import Verdict

        formulas: Any = type(context.process)
        residuals = _derived(statement, formulas)
        scope = _joined([residual.scope for residual in residuals])
        numbers = {"derivations": len(residuals), "expressions": sum(len(r.expressions) for r in residuals)}
        broken = [r for r in residuals if r.verdict is Verdict.NONZERO]
        open_ = [r for r in residuals if r.verdict is Verdict.UNDECIDED]
        if broken:
            first = broken[0]
            witness = {"derivation": first.name, "scope": first.scope}
            return Finding(Outcome.VIOLATED, f"{first.name}: the difference is not zero", scope, numbers, witness)
        if open_:
            return Finding(
                Outcome.INCONCLUSIVE, f"{open_[0].name}: SymPy's normal form could not decide", scope, numbers
            )
        amounts = f"{_count(numbers['expressions'], 'expression')} in {_count(len(residuals), 'derivation')}"
        summary = f"{amounts} reduced to exactly zero"
        return Finding(Outcome.HOLDS, summary, scope, numbers)

    return procedure


_SIZES = re.compile(r"(?P<what>.*) for K = (?P<k>\d+), d = (?P<d>\d+)")


def _joined(scopes: list[str]) -> str:
    """Scopes that differ in `(K, d)` only are told in one phrase."""
    sizes: dict[str, list[str]] = {}
    for scope in dict.fromkeys(scopes):
        match = _SIZES.fullmatch(scope)
        what = match["what"] if match else scope
        sizes.setdefault(what, []).extend([f"({match['k']}, {match['d']})"] if match else [])
    return "; ".join(f"{what}, (K, d) = {', '.join(found)}" if found else what for what, found in sizes.items())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
