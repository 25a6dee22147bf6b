"""The mpmath context of high-precision evidence: no one else's, and for one verification at a time."""

from __future__ import annotations

import mpmath

from certflow.numbers.precision import process_lock

#: Its precision is raised and put back by each check.
mp = mpmath.MPContext()

#: Held by a verification while it uses `mp`.
ALONE = process_lock()
