"""Verification: every check of a mixture is run, in one process or several, and the report is made."""

from __future__ import annotations

from certflow.verification.run import overall, verify
from certflow.verification.workers import usual_jobs

__all__ = ["overall", "usual_jobs", "verify"]
