"""The registry: every statement of the theory and every check, collected from the chapters.

A claim is added in its chapter's folder (`docs/adding-a-claim.md`); nothing here names one.
"""

from __future__ import annotations

from certflow.claims.chapter import Chapter
from certflow.claims.check import Check
from certflow.claims.composition import CHAPTER as COMPOSITION
from certflow.claims.field import CHAPTER as FIELD
from certflow.claims.grids import CHAPTER as GRIDS
from certflow.claims.mismatch import CHAPTER as MISMATCH
from certflow.claims.model import Kind
from certflow.claims.networks import CHAPTER as NETWORKS
from certflow.claims.spatial import CHAPTER as SPATIAL
from certflow.claims.stability import CHAPTER as STABILITY
from certflow.claims.statement import Statement
from certflow.claims.students import CHAPTER as STUDENTS

#: The chapters by their folders below `certflow/claims/`, in the order of reports.
FOLDERS: dict[str, Chapter] = {
    "field": FIELD,
    "spatial": SPATIAL,
    "stability": STABILITY,
    "composition": COMPOSITION,
    "mismatch": MISMATCH,
    "grids": GRIDS,
    "networks": NETWORKS,
    "students": STUDENTS,
}
CHAPTERS: tuple[Chapter, ...] = tuple(FOLDERS.values())

#: Every statement by its id, in the order of the theory.
STATEMENTS: dict[str, Statement] = {row.id: row for chapter in CHAPTERS for row in chapter.statements}

#: Every check, chapter by chapter.
CHECKS: tuple[Check, ...] = tuple(check for chapter in CHAPTERS for check in chapter.checks)

#: Kinds of evidence that no check here collects yet, by claim; a claim without any check is listed as not yet checked.
PENDING: dict[str, tuple[Kind, ...]] = {row.id: row.pending for row in STATEMENTS.values() if row.pending}


def checks_of(claim: str) -> tuple[Check, ...]:
    """The checks of one claim, strongest kind of evidence first."""
    return tuple(sorted((c for c in CHECKS if c.claim == claim), key=lambda check: tuple(Kind).index(check.kind)))


def folder_of(claim: str) -> str:
    """The folder of the chapter in which a claim stands."""
    return next(
        f"certflow/claims/{name}" for name, chapter in FOLDERS.items() if STATEMENTS[claim] in chapter.statements
    )


def resting_on(claim: str) -> tuple[str, ...]:
    """The statements whose proofs use this one."""
    return tuple(row.id for row in STATEMENTS.values() if claim in row.depends_on)
