"""Chapter G: time grids."""

from certflow.claims.chapter import Chapter
from certflow.claims.grids.checks import CHECKS
from certflow.claims.grids.statements import STATEMENTS

CHAPTER = Chapter("Time grids", STATEMENTS, CHECKS)
