"""Chapter A: approximation by ReLU–ReQU networks."""

from certflow.claims.chapter import Chapter
from certflow.claims.networks.checks import CHECKS
from certflow.claims.networks.statements import STATEMENTS

CHAPTER = Chapter("Constructive ReLU–ReQU approximation", STATEMENTS, CHECKS)
