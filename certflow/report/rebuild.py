"""From a report back to the process that it speaks of."""

from __future__ import annotations

from certflow.law.library import from_mapping
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck
from certflow.report.document import Document


def process_of(report: Document) -> OrnsteinUhlenbeck:
    """The process of a report, from its exact mixture and interval of time."""
    mixture: GaussianMixture = from_mapping(report.mixture)
    return OrnsteinUhlenbeck(mixture, t_min=report.t_min, t_max=report.t_max)
