"""Chapter F: stability of the flow map."""

from certflow.claims.chapter import Chapter
from certflow.claims.stability.checks import CHECKS
from certflow.claims.stability.statements import STATEMENTS

CHAPTER = Chapter("Stability of the flow map", STATEMENTS, CHECKS)
