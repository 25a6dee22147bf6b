"""Chapter E: how errors of composed maps add up."""

from certflow.claims.chapter import Chapter
from certflow.claims.composition.checks import CHECKS
from certflow.claims.composition.statements import STATEMENTS

CHAPTER = Chapter("Error propagation under composition", STATEMENTS, CHECKS)
