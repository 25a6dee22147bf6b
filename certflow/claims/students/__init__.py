"""Chapter C: what is proved of students that are given by their weights."""

from certflow.claims.chapter import Chapter
from certflow.claims.students.checks import CHECKS
from certflow.claims.students.statements import STATEMENTS

CHAPTER = Chapter("Students given by their weights", STATEMENTS, CHECKS)
