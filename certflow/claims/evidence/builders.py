"""How a line of a chapter becomes a check, for each kind of evidence."""

from __future__ import annotations

from certflow.claims.check import Applicability, Check, Procedure, Twin, everywhere
from certflow.claims.evidence.bounded import Side, bounded_by
from certflow.claims.evidence.derived import derivations
from certflow.claims.evidence.precise import Comparison, at_points
from certflow.claims.hypotheses import COMMON
from certflow.claims.model import Kind


def symbolic_check(statement: str, *mistakes: Twin, applies: Applicability = everywhere) -> Check:
    """The derivations of a statement, by SymPy."""
    return Check(f"{statement}.derivation", Kind.SYMBOLIC, derivations(statement), applies, mistakes)


def precise_check(
    name: str,
    comparison: Comparison,
    what: str,
    *mistakes: Twin,
    applies: Applicability = everywhere,
    share: float = 1.0,
) -> Check:
    """A comparison in mpmath at sampled points."""
    return Check(name, Kind.HIGH_PRECISION, at_points(comparison, what, share), applies, mistakes)


def enclosed_check(statement: str, procedure: Procedure, *mistakes: Twin, applies: Applicability = COMMON) -> Check:
    """A procedure in ball arithmetic, one for each statement."""
    return Check(f"{statement}.enclosed", Kind.ENCLOSURE, procedure, applies, mistakes)


def sampled_check(
    name: str,
    side: Side,
    what: str,
    *mistakes: Twin,
    applies: Applicability = everywhere,
    of_time: bool = False,
) -> Check:
    """A bound that no sampled point may exceed, or no sampled time."""
    return Check(name, Kind.SAMPLED, bounded_by(side, what, of_time), applies, mistakes)


def trained_check(
    name: str,
    procedure: Procedure,
    *mistakes: Twin,
    applies: Applicability = everywhere,
    kind: Kind = Kind.EMPIRICAL,
) -> Check:
    """A measurement in torch, mostly on trained maps, or what is proved of these (`kind`); profiles that train no maps
    leave it out: it takes minutes."""
    return Check(name, kind, procedure, applies, mistakes, trains=True)
