"""False twins of time grids: the wrong branch, another interval, nodes counted from the wrong end."""

from __future__ import annotations

from typing import Any

from certflow.process import OrnsteinUhlenbeck


class WrongBranch(OrnsteinUhlenbeck):
    """The Lambert-W time with a target that lost its factor 2 (`A` for `2 A`)."""

    def time_at_stability(self, value: Any, s: Any | None = None) -> Any:
        return super().time_at_stability(value / 2, s)


class WrongInterval(OrnsteinUhlenbeck):
    """Grids that start at half of `t_max`."""

    @property
    def t_max(self) -> float:
        return super().t_max / 2


class NoiseEndGrid(OrnsteinUhlenbeck):
    """Nodes of equal stability counted from the wrong end: crowded at the noise instead of the data."""

    def time_at_stability(self, value: Any, s: Any | None = None) -> Any:
        rest = self.stability(self.t_min, self.t_max) - value
        return self.t_min + self.t_max - super().time_at_stability(max(rest, 0.0), s)
