"""What a property is: a statement about every point, time or map, held against one process at drawn arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from certflow.bounds.existence import existence
from certflow.law.mixture import GaussianMixture
from certflow.law.symmetry import is_equal_pair
from certflow.numbers.arrays import Floats
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.result import Counterexample, Result

#: The unit of rounding of float64, and what the guard of the field leaves of it in a score, a velocity or a Jacobian,
#: relative to the largest entry.
UNIT, GUARDED = 2.0**-52, 1e-12
#: What the reference flow leaves at its tolerance `rtol = 1e-10`, relative to the size of the points.
FLOW = 1e-8

Arguments = st.SearchStrategy[tuple[Any, ...]]


class Refuted(AssertionError):
    """A property does not hold of a process; `.counterexample` has the arguments."""

    def __init__(self, counterexample: Counterexample):
        super().__init__("\n" + str(counterexample))
        self.counterexample = counterexample

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.counterexample,), self.__dict__


def equal(process: Any, inputs: Mapping[str, Any], got: Any, expected: Any, tolerance: Any) -> None:
    """`|got - expected| <= tolerance`, entry by entry. NaN is never equal."""
    found, right = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    allowed = np.broadcast_to(np.asarray(tolerance, dtype=float), np.broadcast_shapes(found.shape, right.shape))
    with np.errstate(invalid="ignore"):
        error = np.abs(found - right)
        over = np.where(error <= allowed, 0.0, np.nan_to_num(error - allowed, nan=np.inf))
    if over.any():
        worst = np.unravel_index(int(over.argmax()), over.shape)
        raise Refuted(
            Counterexample(f"process = {process!r}", inputs, got, expected, float(error[worst]), float(allowed[worst]))
        )


def at_most(process: Any, inputs: Mapping[str, Any], value: Any, bound: Any, tolerance: Any) -> None:
    """`value <= bound + tolerance`, entry by entry; `value` and `bound` are told as got and expected. NaN is more."""
    found, right = np.asarray(value, dtype=float), np.asarray(bound, dtype=float)
    if not bool((found <= right + tolerance).all()):
        with np.errstate(invalid="ignore"):
            excess = float(np.max(found - right))
        allowed = float(np.max(np.asarray(tolerance, dtype=float)))
        raise Refuted(Counterexample(f"process = {process!r}", inputs, value, bound, excess, allowed))


def rounding(process: Any, x: Floats, t: float) -> float:
    """What float64 may leave of a score at a point that is itself rounded: `|grad s| |x|` units, and the guard's part.

    `32 u (1 + ||J||)(1 + |x| + max |mu|) + 1e-12 (1 + max |s|)`.
    """
    size = 1 + float(np.abs(x).max()) + float(np.abs(process.mixture.means).max())
    steep = 1 + float(np.abs(np.linalg.eigvalsh(process.jacobian(x, t))).max())
    return 32 * UNIT * steep * size + GUARDED * (1 + float(np.abs(process.score(x, t)).max()))


# -- to which mixtures a property applies: None, or why not --------------------------------------------------------


def everywhere(mixture: GaussianMixture) -> str | None:
    return None


def has_bound(mixture: GaussianMixture) -> str | None:
    """Those with a finite bound over all x (L8)."""
    if mixture.kind != "full" or existence(mixture).finite:
        return None
    return "no global bound exists for this mixture (L8)"


def has_none(mixture: GaussianMixture) -> str | None:
    return None if has_bound(mixture) else "a global bound exists for this mixture (L8)"


def only(*kinds: str) -> Callable[[GaussianMixture], str | None]:
    """Those whose covariances are given as one of these kinds."""

    def applies(mixture: GaussianMixture) -> str | None:
        return None if mixture.kind in kinds else f"stated for {' or '.join(kinds)} covariances"

    return applies


def equal_pair(mixture: GaussianMixture) -> str | None:
    return None if is_equal_pair(mixture) else "stated for two equal modes of common isotropic variance"


@dataclass(frozen=True)
class Property:
    """A statement of the theory as a test: `holds(process, *arguments)` for arguments drawn from `strategy(process)`.

    name : "L2.bound";  claim : the id of the statement;  title : what it says, in words
    holds : returns None, or raises `Refuted`, an `AssertionError` with the counterexample
    applies : None where the statement speaks of the mixture, else the reason why not
    mixtures : options of `certflow.testing.mixtures` under which there are mixtures that it applies to
    share : of the examples asked for, what a run of this property is given: flows and searches cost more
    """

    name: str
    claim: str
    title: str
    strategy: Callable[[OrnsteinUhlenbeck], Arguments]
    holds: Callable[..., None]
    applies: Callable[[GaussianMixture], str | None] = everywhere
    mixtures: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0

    def run(self, process: OrnsteinUhlenbeck, *, seed: int = 0, examples: int = 20) -> Result:
        """Hold the process against the property at so many drawn arguments (times `share`, at least one).

        A counterexample is shrunk. Nothing is proved: the result says how many arguments were looked at. A property
        that does not apply has looked at none, and says why.
        """
        reason = self.applies(process.mixture)
        if reason is not None:
            return Result(self.name, "", True, f"does not apply: {reason}")
        looked = 0
        count = max(1, round(examples * self.share))

        @seeded(seed)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(self.strategy(process))
        def hold(arguments: tuple[Any, ...]) -> None:
            nonlocal looked
            looked += 1
            self.holds(process, *arguments)

        try:
            hold()
        except Refuted as refuted:
            return Result(self.name, "", False, f"{self.title}: it does not hold", looked, refuted.counterexample)
        plural = "" if looked == 1 else "s"
        return Result(self.name, "", True, f"{self.title}: no counterexample among {looked} example{plural}", looked)
