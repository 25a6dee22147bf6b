"""What a check is: a procedure that collects one kind of evidence for one claim, and its false twins."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from mpmath.libmp import NoConvergence

from certflow.bounds.existence import groups
from certflow.claims.digits import mp
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

    sharp_times : times at which sharp rates are enclosed; search_seconds : for each of them, and for an integral of
    them; integral_gap : its relative width; sharp_integral : whether L5 tells it; trained : whether maps are trained
    (empirical evidence), with so many steps, seeds, and numbers of segments
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
    """

    name: str
    kind: Kind
    procedure: Procedure
    applies: Applicability = everywhere
    twins: tuple[Twin, ...] = ()

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


class Agreement:
    """Collects relative differences of pairs of numbers in mpmath and tells how many digits agree."""

    def __init__(self, digits: int, required: int):
        self.digits = digits
        self.required = required
        self.worst_log = -math.inf
        self.broken = False
        self.witness: dict[str, Any] | None = None
        self.count = 0

    def compare(self, found: Iterable[Any], expected: Iterable[Any], where: dict[str, Any]) -> None:
        """Compare two vectors in norm; an absolute difference counts when the expected one is below 1e-30."""

        found, expected = list(found), list(expected)
        size = mp.sqrt(sum(abs(e) ** 2 for e in expected))
        gap = mp.sqrt(sum(abs(f - e) ** 2 for f, e in zip(found, expected, strict=True)))
        relative = gap / size if size > mp.mpf(10) ** -30 else gap
        self.count += 1
        if not mp.isfinite(relative):
            self.broken = True
        log = -math.inf if relative == 0 else float(mp.log10(relative)) if mp.isfinite(relative) else math.inf
        if self.witness is None or log > self.worst_log:
            self.worst_log = log
            self.witness = {
                **where,
                "found": [mp.nstr(f, 25) for f in found[:16]],
                "expected": [mp.nstr(e, 25) for e in expected[:16]],
                "relative_difference": mp.nstr(relative, 5),
            }

    @property
    def agreed_digits(self) -> int:
        """Decimal digits that agree in the worst case, at most the working digits."""
        return self.digits if self.worst_log == -math.inf else min(self.digits, math.floor(-self.worst_log))

    def finding(self, what: str, scope: str) -> Finding:
        """Holds if the required digits agree; a NaN is inconclusive."""
        if not self.count:
            return Finding(Outcome.INCONCLUSIVE, f"{what}: no point could be evaluated", scope)
        if self.broken:
            return Finding(Outcome.INCONCLUSIVE, f"{what}: not a finite number", scope, witness=self.witness)
        numbers = {
            "digits_agreed": self.agreed_digits,
            "digits_required": self.required,
            "comparisons": self.count,
        }
        if self.agreed_digits >= self.required:
            return Finding(Outcome.HOLDS, f"{what}: {self.agreed_digits} digits agree", scope, numbers)
        summary = f"{what}: only {max(self.agreed_digits, 0)} digits agree, {self.required} are required"
        return Finding(Outcome.VIOLATED, summary, scope, numbers, self.witness)


def only(*kinds: str) -> Applicability:
    """Applicability by the form of the covariances.

    Hypotheses speak of the covariances, not of how a file gives them: where another kind could hold the same numbers,
    the check is out of reach, but the statement is not excluded.
    """

    def applies(mixture: GaussianMixture) -> str | None:
        if mixture.kind in kinds:
            return None
        form = simplest_kind(mixture)
        if form in kinds:
            return OutOfReach(f"checked where its covariances are given as {form}; they are given as {mixture.kind}")
        return f"stated for {' or '.join(kinds)} covariances; this mixture has {form} ones"

    return applies


def within_reach(*kinds: str) -> Applicability:
    """Applicability of a check that needs one of these kinds of covariance, though its statement does not."""

    def applies(mixture: GaussianMixture) -> str | None:
        if mixture.kind in kinds:
            return None
        return OutOfReach(f"this version checks it for {' or '.join(kinds)} covariances, not for {mixture.kind} ones")

    return applies


def simplest_kind(mixture: GaussianMixture) -> str:
    """The simplest kind that could hold the covariances of the mixture."""
    found = [group.covariance for group in groups(mixture)]
    if all(_is_multiple_of_identity(covariance) for covariance in found):
        return "common-isotropic" if len({_scale(covariance) for covariance in found}) == 1 else "isotropic"
    return "shared" if len(found) == 1 else "full"


def _is_multiple_of_identity(covariance: Any) -> bool:
    if np.ndim(covariance) == 0:
        return True
    return bool((covariance == covariance[0, 0] * np.eye(len(covariance), dtype=int)).all())


def _scale(covariance: Any) -> Any:
    return covariance if np.ndim(covariance) == 0 else covariance[0, 0]
