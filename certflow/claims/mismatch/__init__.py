"""Chapter M: what a map of small Lipschitz constant cannot do."""

from certflow.claims.chapter import Chapter
from certflow.claims.mismatch.checks import CHECKS
from certflow.claims.mismatch.statements import STATEMENTS

CHAPTER = Chapter("Lipschitz mismatch", STATEMENTS, CHECKS)
