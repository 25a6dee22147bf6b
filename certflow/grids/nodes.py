"""The nodes `t_0 = t_max > t_1 > ... > t_K = t_min` of a grid, and the names that other conventions have for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats, Times
from certflow.numbers.inputs import float_array

MAX_SEGMENTS = 10_000
#: Nodes that a text shows.
_SHOWN = 12

#: What `sampler` is of grids for trained maps.
DISTILLED = "distilled"


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of a sampler, in OU time, latest (noisiest) first.

    Parameters
    ----------
    kind : how the nodes were chosen, a name of `certflow.grids.KINDS` or "custom"
    times : shape (K + 1,), finite, > 0, strictly decreasing
    options : what else determined the nodes (a rate, an exponent, a seed), JSON values
    sampler : the maps that the nodes are meant for: "distilled", maps trained on the segments, or a solver's name
        (`certflow.samplers.SOLVERS`); what serves the ones can ruin the others (proofs/G5.md)

    Raises
    ------
    InputError : nodes that are not finite, not positive or not strictly decreasing; a sampler that is no text.
    """

    kind: str
    times: Times
    options: Mapping[str, Any] = field(default_factory=dict)
    sampler: str = DISTILLED

    def __post_init__(self) -> None:
        times = np.array(float_array(self.times, "times"))
        if times.ndim != 1 or not 2 <= times.size <= MAX_SEGMENTS + 1:
            raise InputError("times", f"shape {times.shape}", f"shape (K + 1,), 1 <= K <= {MAX_SEGMENTS}")
        if not (np.isfinite(times).all() and (times > 0).all() and (np.diff(times) < 0).all()):
            raise InputError("times", times.tolist(), "finite times > 0, strictly decreasing (noise end first)")
        if not isinstance(self.sampler, str):
            raise InputError("sampler", self.sampler, f"{DISTILLED} or the name of a solver")
        times.flags.writeable = False
        object.__setattr__(self, "times", times)

    @property
    def segments(self) -> int:
        """`K`."""
        return self.times.size - 1

    @property
    def sigmas(self) -> Floats:
        """`sqrt(e^{2t} - 1)`, the noise level of the variance-exploding (EDM, k-diffusion) convention."""
        return np.sqrt(np.expm1(2 * self.times))

    @property
    def half_log_snr(self) -> Floats:
        """`ln(m / sqrt(1 - m^2)) = -ln sigma`, half the logarithm of the signal-to-noise ratio `m^2/(1 - m^2)`."""
        return -(self.times + np.log(-np.expm1(-2 * self.times)) / 2)

    def __repr__(self) -> str:
        shown = [f"{time:.4g}" for time in self.times]
        nodes = ", ".join(shown if len(shown) <= _SHOWN else [*shown[: _SHOWN // 2], "...", *shown[-2:]])
        kind = self.kind if self.sampler == DISTILLED else f"{self.kind} for {self.sampler}"
        return f"{type(self).__name__}({kind}, K={self.segments}: {nodes})"
