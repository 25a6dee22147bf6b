"""Symbolic checks: SymPy reduces the difference between a formula and an independent derivation to zero."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from certflow.claims import kept
from certflow.claims.check import Context, Finding
from certflow.claims.fingerprint import agrees, class_digest, live_digests
from certflow.claims.kept import Step
from certflow.claims.model import Outcome
from certflow.process import OrnsteinUhlenbeck

#: What this process derived, by the class under test and the statement, with the code as it was then.
_FOUND: WeakKeyDictionary[type, dict[str, tuple[dict[str, str], Finding]]] = WeakKeyDictionary()


def derivations(statement: str) -> Callable[[Context, str], Finding]:
    """A check that runs every derivation of a statement on the formulas under test.

    They depend on the formulas only. So one process derives them once for all mixtures, and those of the package's own
    formulas are taken from earlier runs, unless the context asks for fresh ones.
    """

    def procedure(context: Context, name: str) -> Finding:
        formulas = type(context.process)
        found = _FOUND.setdefault(formulas, {})
        if not context.fresh:
            if statement in found and agrees(found[statement][0], _code(formulas)):
                return found[statement][1]
            proof = kept.load(statement) if formulas is OrnsteinUhlenbeck else None
            if proof is not None:
                return _proved(proof.steps, proof.proved)
        finding = _derived(statement, formulas)
        found[statement] = _code(formulas), finding
        return finding

    return procedure


def _code(formulas: type) -> dict[str, str]:
    return {**live_digests(), "": class_digest(formulas)}


def _derived(statement: str, formulas: Any) -> Finding:
    from certflow.symbolic import Verdict, derive

    residuals = derive(statement, formulas)
    steps = tuple(Step(name=r.name, scope=r.scope, expressions=max(len(r.expressions), 1)) for r in residuals)
    scope, numbers = _covered(steps)
    broken = [r for r in residuals if r.verdict is Verdict.NONZERO]
    open_ = [r for r in residuals if r.verdict is Verdict.UNDECIDED]
    if broken:
        first = broken[0]
        witness = {"derivation": first.name, "scope": first.scope}
        return Finding(Outcome.VIOLATED, f"{first.name}: the difference is not zero", scope, numbers, witness)
    if open_:
        return Finding(Outcome.INCONCLUSIVE, f"{open_[0].name}: SymPy's normal form could not decide", scope, numbers)
    if formulas is OrnsteinUhlenbeck:
        kept.save(statement, steps, datetime.datetime.now(datetime.UTC).replace(microsecond=0))
    return _proved(steps)


def _proved(steps: Sequence[Step], proved: datetime.datetime | None = None) -> Finding:
    scope, numbers = _covered(steps)
    amounts = f"{_count(numbers['expressions'], 'expression')} in {_count(len(steps), 'derivation')}"
    when = None if proved is None else proved.isoformat(timespec="seconds")
    return Finding(Outcome.HOLDS, f"{amounts} reduced to exactly zero", scope, numbers, proved=when)


def _covered(steps: Sequence[Step]) -> tuple[str, dict[str, Any]]:
    numbers = {"derivations": len(steps), "expressions": sum(step.expressions for step in steps)}
    return _joined([step.scope for step in steps]), numbers


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
