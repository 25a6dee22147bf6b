"""Chapter L: bounds of the Jacobian over space."""

from certflow.claims.chapter import Chapter
from certflow.claims.spatial.checks import CHECKS
from certflow.claims.spatial.statements import STATEMENTS

CHAPTER = Chapter("Spatial Lipschitz bounds", STATEMENTS, CHECKS)
