"""Chapter S: the density, the score, the velocity and the Jacobian."""

from certflow.claims.chapter import Chapter
from certflow.claims.field.checks import CHECKS
from certflow.claims.field.statements import STATEMENTS

CHAPTER = Chapter("Score, velocity, Jacobian", STATEMENTS, CHECKS)
