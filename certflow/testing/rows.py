"""Points and times at which a check asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certflow.numbers.arrays import Points, Times


@dataclass(frozen=True)
class Rows:
    """N points as they are handed over and as they are in OU coordinates, exactly the same ones.

    Attributes
    ----------
    x, t : what the code is called with: its own state (N, d) and its own time (N,), numbers of its format
    state, time : the OU state (N, d) and the OU time (N,) that they stand for
    """

    x: Points
    t: Times
    state: Points
    time: Times

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, index: Any) -> Rows:
        return Rows(self.x[index], self.t[index], self.state[index], self.time[index])
