"""The formal tier of a run: what its certificates assert, compiled as theorems by the kernel of Coq."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from certflow.claims.model import Evidence, Kind, Outcome, Theorem
from certflow.formal import Compilation, Kernel, KernelVerdict, NotServed, statement_of, theorem_file
from certflow.formal.text import PARTS
from certflow.verification.keeper import Keeper

#: Why a claim has no formal evidence.
NOT_ASKED = "its theorem is compiled with --kernel, which needs Coq"
NOT_SERVED = "no theorem is written for its certificates"
#: Seconds between two looks at the compilations that run.
_PAUSE = 0.02


@dataclass(frozen=True)
class Goal:
    """The theorem of a certificate, which lies at `path` below the directory of the report."""

    claim: str
    path: str
    text: str

    @property
    def check(self) -> str:
        """The name of its evidence: `F1.kernel`, `G1.kernel-one-sided`."""
        return f"{self.claim}.kernel{self.stem.removeprefix(self.claim)}"

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".json")


@dataclass(frozen=True)
class Tier:
    """The formal evidence of claims, and why other claims that have certificates have none."""

    evidence: dict[str, list[Evidence]]
    left_out: dict[str, str]


def formal_tier(
    kernel: Kernel | None, found: Iterable[Evidence], keeper: Keeper, jobs: int, tell: Callable[[int, int, str], None]
) -> Tier:
    """The formal tier over the evidence of the checks: kept from an earlier run, or compiled now, `jobs` at a time.

    kernel : None where nobody asked for it
    tell : called with the numbers of theorems that are done and of all, and the claim, before each compilation
    """
    goals, without = _goals(found)
    if kernel is None:
        return Tier({}, {goal.claim: NOT_ASKED for goal in goals})
    digests = {goal: kernel.digest(goal.text) for goal in goals}
    come = {goal: kept for goal in goals if (kept := keeper.load_theorem(goal.check, digests[goal])) is not None}
    missing = [goal for goal in goals if goal not in come]

    def before(goal: Goal) -> None:
        tell(len(come), len(goals), goal.claim)

    for goal, verdict, seconds in _compiled(kernel, missing, jobs, before):
        come[goal] = _evidence(goal, verdict, kernel, seconds)
        if verdict.accepted:  # why another one is not may pass: too little memory, a full machine
            keeper.save_theorem(come[goal], digests[goal])
    evidence: dict[str, list[Evidence]] = {}
    for goal in goals:
        evidence.setdefault(goal.claim, []).append(come[goal])
    return Tier(evidence, {claim: NOT_SERVED for claim in without if claim not in evidence})


def _goals(evidence: Iterable[Evidence]) -> tuple[list[Goal], list[str]]:
    """The theorems of the certificates of evidence that holds; and the claims of certificates that have none."""
    goals, without = dict[str, Goal](), []
    for item in evidence:
        for path, certificate in item.contents.items() if item.outcome is Outcome.HOLDS else ():
            try:
                goals[path] = Goal(certificate["claim"], path, theorem_file(certificate))
            except NotServed:
                without.append(certificate["claim"])
    return list(goals.values()), without


def _compiled(
    kernel: Kernel, missing: list[Goal], jobs: int, before: Callable[[Goal], None]
) -> Iterator[tuple[Goal, KernelVerdict, float]]:
    """What the kernel says of each goal, as soon as it does, and the seconds that it took."""
    waiting, running = list(missing), dict[Goal, tuple[Compilation, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                goal = waiting.pop(0)
                before(goal)
                running[goal] = kernel.begin(goal.text, name=f"Goal{len(waiting)}"), time.perf_counter()
            for goal, (compilation, started) in list(running.items()):
                if not compilation.at_work:
                    del running[goal]
                    yield goal, compilation.verdict(), time.perf_counter() - started
            time.sleep(_PAUSE)
    finally:
        for compilation, _ in running.values():
            compilation.stop()


def _evidence(goal: Goal, verdict: KernelVerdict, kernel: Kernel, seconds: float) -> Evidence:
    part = PARTS.get(goal.claim, "").strip()
    of = f"{part} of {goal.stem}" if part else f"of {goal.stem}"
    said = f"the kernel of Coq has {'' if verdict.accepted else 'not '}accepted the theorem {of}"
    return Evidence(
        check=goal.check,
        kind=Kind.FORMAL,
        outcome=Outcome.HOLDS if verdict.accepted else Outcome.INCONCLUSIVE,
        summary=said if verdict.accepted else f"{said}: {verdict.text}",
        scope="instance: this mixture and interval; what the text of the theorem says, and no more",
        seconds=round(seconds, 3),
        theorem=Theorem(
            certificate=goal.path,
            part=part,
            text=statement_of(goal.text),
            prover=f"Coq {kernel.version}",
            axioms=verdict.axioms or (),
        ),
    )
