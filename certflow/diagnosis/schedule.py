"""The numbers of one list of steps, with the convention that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.diagnosis.conventions import Convention
from certflow.numbers.arrays import Floats

_NONE: Floats = np.zeros(0)


@dataclass(frozen=True)
class Schedule:
    """A list that is handed to a library, or the lists that a scheduler holds.

    Attributes
    ----------
    convention : what the library wants
    sigmas : noise levels, OU times where the convention is "ou"; None where not given
    timesteps : None where not given
    handed : True for an argument of the library, False for what a scheduler holds after `set_timesteps`
    asked : `num_inference_steps`, where it is known
    final : the noise level that a scheduler without sigmas steps to last
    fresh : the call that makes a scheduler set its steps again
    target : the scheduler for which an export writes steps, an object, its config or class name; None where a list is
        written as it was read
    """

    convention: Convention
    sigmas: Floats | None = None
    timesteps: Floats | None = None
    handed: bool = True
    asked: int | None = None
    final: float = 0.0
    fresh: str = ""
    target: Any = None

    @property
    def where(self) -> str:
        """The name of the list that the nodes are read from."""
        if self.convention.scale == "ou":
            return "times"
        return "timesteps" if self.sigmas is None else "sigmas"

    @property
    def values(self) -> Floats:
        """The list that the nodes are read from."""
        found = self.timesteps if self.sigmas is None else self.sigmas
        return _NONE if found is None else found

    @property
    def told(self) -> Floats:
        """The timesteps at which the model is evaluated, without a final one that stands for noise level 0."""
        timesteps = _NONE if self.timesteps is None else self.timesteps
        alone = self.sigmas is None or self.sigmas.size == timesteps.size
        ends = self.convention.final_timestep and alone and timesteps.size > 1 and timesteps[-1] == 0
        return timesteps[:-1] if ends else timesteps

    @property
    def evaluations(self) -> int:
        """How often the model is called, by a solver with one evaluation a step; the segments of OU times."""
        if self.where == "times":
            return self.values.size - 1
        return self.told.size if self.timesteps is not None else int((self.values != 0).sum())

    @property
    def signed(self) -> bool:
        """Whether timesteps may be negative: logarithms of noise levels."""
        return self.convention.reading in ("log", "log-1000")

    def line(self, code: str) -> str:
        """The code that mends a list; a scheduler is told its steps again."""
        return code if self.handed else self.fresh

    def sorted(self, entry: str = "value") -> str:
        """The line that puts what becomes of the entries in order, each once; NaN, which has no place, goes."""
        where, numbers = self.where, " if value == value" if np.isnan(self.values).any() else ""
        if entry == "value" and not numbers:
            return self.line(f"{where} = sorted(set({where}), reverse=True)")
        return self.line(f"{where} = sorted({{{entry} for value in {where}{numbers}}}, reverse=True)")

    def levels(self) -> Floats:
        """The noise levels above 0 in the convention's scale, in the order of the list; those that are known."""
        found = self.values if self.where != "timesteps" else self.convention.levels_of(self.told)
        return found[np.isfinite(found) & (found > 0)]


def even(values: Floats) -> bool:
    """Whether the gaps are of one size, within a factor 4, as between timesteps: noise levels fall by powers."""
    gaps = np.abs(np.diff(values[np.isfinite(values)]))
    gaps = gaps[gaps > 0]
    return bool(gaps.size > 1 and gaps.max() <= 4 * gaps.min())


def whole(values: Floats) -> bool:
    """Whether all are whole numbers."""
    return bool((values == np.round(values)).all())
