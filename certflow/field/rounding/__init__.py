"""First-order bounds of the rounding errors of float64 fields, of rising cost and closeness.

| bound | costs | knows of the point |
|---|---|---|
| `coarse_bound` | a few operations for each point | `|x|`, the responsibilities |
| `moment_bound` | one more matrix product | moments of the component velocities over the responsibilities |
| `close_bound` | as much as the field itself | every component velocity |

Rounding of the logits is what spoils a mixture's score in float64. Each bound is put together from what the
covariances give (how far off a logit or a component velocity may be) and what the quantity asks for (how an error of
the responsibilities moves it), a function for each. The constants are generous, not proved: rigorous bounds are the
business of ball arithmetic. The compiled formulas (`certflow.field.fused`) bring their moments with them.
"""

from __future__ import annotations

from certflow.field.rounding.close import close_bound
from certflow.field.rounding.coarse import coarse_bound
from certflow.field.rounding.measured import has_moments, moment_bound

__all__ = ["close_bound", "coarse_bound", "has_moments", "moment_bound"]
