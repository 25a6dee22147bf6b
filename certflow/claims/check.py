"""What a check is: a procedure that collects one kind of evidence for one claim, and its false twins."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from mpmath.libmp import NoConvergence

from certflow.claims.model import Evidence, Kind, Outcome
from certflow.errors import InputError
from certflow.flow.reference import AccuracyWarning
from certflow.law.mixture import GaussianMixture
from certflow.process import OrnsteinUhlenbeck

#: How a computation says that it got no result: no enclosure, no convergence, a division by zero, an overflow, a flow
#: short of its tolerance, numbers or a budget beyond its range. Whatever else a check raises is a mistake in the code.
UNDECIDED = (ArithmeticError, NoConvergence, np.linalg.LinAlgError, AccuracyWarning, InputError, MemoryError)


@dataclass(frozen=True)
class Profile:
    """How deep a run looks.

    sharp_times : times at which sharp rates are enclosed; search_seconds : for each of them, four times as many for an
    integral of them; integral_gap : its relative width; sharp_integral : whether L5 tells it
    network_errors : the errors for which networks are constructed; general_network_errors : where the variance is not
    common; rate_errors : those between which their growth is looked at, the largest first
    sharp_blocks : methods of whose steps the local errors of two modes are enclosed sharply, others by Schwarz's lemma
    trained : whether maps are trained (empirical evidence), with so many steps, seeds, and numbers of segments
    """

    name: str
    precise_points: int
    sampled_points: int
    flow_pairs: int
    times: int
    sharp_times: int = 3
    search_seconds: float = 10.0
    integral_gap: str = "1e-2"
    sharp_integral: bool = False
    network_errors: tuple[str, ...] = ("1e-8",)
    general_network_errors: tuple[str, ...] = ("1e-4",)
    rate_errors: tuple[str, ...] = ("1e-2", "1e-8")
    sharp_blocks: tuple[str, ...] = ("midpoint",)
    trained: bool = False
    training_steps: int = 1000
    training_seeds: int = 2
    training_segments: tuple[int, ...] = (8,)


PROFILES = {
    "quick": Profile("quick", precise_points=16, sampled_points=4_000, flow_pairs=200, times=9),
    "full": Profile(
        "full",
        precise_points=100,
        sampled_points=100_000,
        flow_pairs=3_000,
        times=33,
        sharp_times=9,
        search_seconds=60.0,
        integral_gap="1e-3",
        sharp_integral=True,
        network_errors=("1e-6", "1e-10"),
        general_network_errors=("1e-6",),
        rate_errors=("1e-2", "1e-4", "1e-6", "1e-10", "1e-20", "1e-40"),
        sharp_blocks=("euler", "midpoint", "rk4"),
        trained=True,
        training_steps=3000,
        training_seeds=5,
        training_segments=(1, 2, 4, 8),
    ),
}


@dataclass(frozen=True)
class Context:
    """What a check is given: the process under test, depth, digits and seed.

    fresh : derivations that an earlier run proved are proved anew

    A check builds further processes with `type(process)`, so that a false twin's wrong formula is under test
    wherever the check looks.
    """

    process: OrnsteinUhlenbeck
    profile: Profile = PROFILES["quick"]
    digits: int = 50
    seed: int = 0
    fresh: bool = False

    @property
    def mixture(self) -> GaussianMixture:
        return self.process.mixture

    def rng(self, name: str) -> np.random.Generator:
        """A generator that depends on the seed and on the check's name only."""
        return np.random.default_rng([self.seed, *name.encode()])

    def remake(self, mixture: GaussianMixture, t_min: Any = "0.01", t_max: Any = "3") -> OrnsteinUhlenbeck:
        """A process of the class under test for another mixture."""
        return type(self.process)(mixture, t_min=t_min, t_max=t_max)


@dataclass(frozen=True)
class Finding:
    """What a check found; `Check.run` adds its name, its kind and the time it took.

    certificates : by the stem of their file names; `Check.run` has them checked before the finding counts
    proved : when it was proved, where that was in an earlier run
    """

    outcome: Outcome
    summary: str
    scope: str
    numbers: dict[str, Any] = field(default_factory=dict)
    witness: dict[str, Any] | None = None
    certificates: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    proved: str | None = None


@dataclass(frozen=True)
class Twin:
    """A deliberately wrong formula that the check must report as violated."""

    mistake: str
    formulas: type[OrnsteinUhlenbeck]
    mixture: str = "two-modes"


_UNDECIDED_SCOPE = "this mixture and interval"
#: What collects the evidence, given the context and the name of the check.
Procedure = Callable[[Context, str], Finding]

#: None where a check fits a mixture, else the reason why it does not: the hypotheses, unless it is `OutOfReach`.
Applicability = Callable[[GaussianMixture], str | None]


class OutOfReach(str):
    """Why a check cannot be run on a mixture that the hypotheses of its statement allow: it is not yet checked."""

    __slots__ = ()


def everywhere(mixture: GaussianMixture) -> str | None:
    """Applicability of a check that fits every mixture."""
    return None


@dataclass(frozen=True)
class Check:
    """A procedure with a name such as `S2.gradient`, the kind of its evidence, and its false twins.

    `applies` returns None, or why the check does not fit a mixture (`OutOfReach`: though the statement does).
    `trains`: it trains maps, which takes torch and minutes, whatever the kind of its evidence.
    """

    name: str
    kind: Kind
    procedure: Procedure
    applies: Applicability = everywhere
    twins: tuple[Twin, ...] = ()
    trains: bool = False

    @property
    def claim(self) -> str:
        return self.name.partition(".")[0]

    def run(self, context: Context) -> Evidence:
        """Collect the evidence; a check that cannot decide says inconclusive, with the reason.

        So does one whose computation fails (`UNDECIDED`). Certificates go through the independent checker first: with a
        refused one, nothing holds.
        """
        started = time.perf_counter()
        finding, checking = _checked(self._finding(context))
        evidence = Evidence(
            check=self.name,
            kind=self.kind,
            outcome=finding.outcome,
            summary=finding.summary,
            scope=finding.scope,
            numbers=finding.numbers,
            witness=finding.witness,
            seed=None if self.kind is Kind.SYMBOLIC else context.seed,
            seconds=round(time.perf_counter() - started, 3),
            certificates=tuple(f"certificates/{stem}.json" for stem in finding.certificates),
            checking_seconds=checking,
            proved=finding.proved,
        )
        return evidence.attach({f"certificates/{stem}.json": c for stem, c in finding.certificates.items()})

    def _finding(self, context: Context) -> Finding:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", AccuracyWarning)
                return self.procedure(context, self.name)
        except UNDECIDED as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return Finding(Outcome.INCONCLUSIVE, f"the computation did not succeed: {reason}", _UNDECIDED_SCOPE)


def _checked(finding: Finding) -> tuple[Finding, float]:
    """The finding after the checker has read its certificates as text, and the seconds that this took."""
    if not finding.certificates:
        return finding, 0.0
    from certflow.certificate import checker
    from certflow.certificate.envelope import certificate_text

    started = time.perf_counter()
    verdicts = {stem: checker.check(certificate_text(c)) for stem, c in finding.certificates.items()}
    seconds = round(time.perf_counter() - started, 3)
    refused = {stem: verdict.text for stem, verdict in verdicts.items() if not verdict.accepted}
    accepted = f"{len(verdicts) - len(refused)} of {len(verdicts)} certificates accepted"
    numbers = {**finding.numbers, "independent_checker": accepted}
    if not refused or finding.outcome is Outcome.VIOLATED:
        return replace(finding, numbers=numbers), seconds
    stem, reason = next(iter(refused.items()))
    summary = f"the independent checker refused {stem}: {reason}"
    return replace(finding, outcome=Outcome.INCONCLUSIVE, summary=summary, numbers=numbers), seconds
