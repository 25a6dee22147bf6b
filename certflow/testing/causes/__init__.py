"""Diagnosis: which known fault explains what code said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from certflow.testing.result import Cause

if TYPE_CHECKING:
    from certflow.testing.examination import Examination


def explained(found: Examination) -> Sequence[Cause]:
    """The simplest causes that explain every answer."""
    return ()
