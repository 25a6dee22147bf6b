"""The false twin of the mismatch floors."""

from __future__ import annotations

from certflow.process import OrnsteinUhlenbeck


class DoubledFloor(OrnsteinUhlenbeck):
    """The mismatch floors with 1/2 for 1/4, and 1 for 1/2."""

    def mismatch_floor(self, budget: float, norm: str = "mean-square") -> float:
        return 2 * super().mismatch_floor(budget, norm)
