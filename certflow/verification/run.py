"""Collect the evidence for every claim on one mixture and make the report.

Each piece of evidence is kept on disk as soon as it is found (if there is a directory), so a run that is interrupted
and repeated takes up where it was.
"""

from __future__ import annotations

import datetime
import importlib.util
import os
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from certflow.claims.check import PROFILES, Check, Context, OutOfReach
from certflow.claims.digits import ALONE
from certflow.claims.machine_checked import machine_checked
from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.claims.registry import PENDING, STATEMENTS, checks_of
from certflow.errors import INSTALL_TORCH, InputError, unknown
from certflow.formal import Kernel, opened_kernel
from certflow.law.formats import to_mapping
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text
from certflow.numbers.inputs import file_path, whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.report.curves import curves, sharp_points
from certflow.report.document import Curves
from certflow.report.report import Report
from certflow.verification.drawings import EARLY, Drawing
from certflow.verification.keeper import Keeper, environment
from certflow.verification.theorems import formal_tier
from certflow.verification.workers import Crew, Task

Progress = Callable[[int, int, str], None]

#: Where evidence is kept below the output directory.
_KEPT = ".certflow"

#: The latest end of an interval that is verified; float64 loses the rates soon after.
LATEST = 300


def verify(
    subject: OrnsteinUhlenbeck | GaussianMixture,
    claims: Iterable[str] | None = None,
    profile: str = "quick",
    *,
    digits: int = 50,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    command: str = "",
    fresh: bool = False,
    jobs: int = 1,
    kernel: bool = False,
) -> Report:
    """Verify the statements of the theory for one mixture.

    Parameters
    ----------
    subject : a process, or a mixture (then t runs from 0.01 to 3)
    claims : ids such as `["L2", "F1"]`, in upper or lower case; None for all
    profile : "quick" or "full"
    digits : working digits of the high-precision evidence, at least 15
    seed : of every random draw
    out : directory that receives the report and certificates/*.json; evidence found before an interruption is taken
        from there
    progress : called with `(done, total, what)` before each check
    command : the command line that makes this report, shown in it
    jobs : processes that run checks, this one included; the results do not depend on their number
    fresh : prove the symbolic derivations anew; else those that an earlier run proved of the same code are taken from
        the user's cache (`certflow.claims.kept`), and the evidence says when they were proved
    kernel : have what the certificates assert compiled as theorems by Coq, as far as it can be written as one
        (`certflow.formal`): formal evidence where its kernel accepts it, else inconclusive evidence

    Raises
    ------
    InputError : unknown claim, profile, or a number out of range; `kernel` without Coq or its libraries.
    Exception : a check met a mistake in the code. It is raised at the end: every other result is collected first, and
        saved if there is a directory.

    Examples
    --------
    ::

        import certflow as cf

        report = cf.verify(cf.load_mixture("two-modes"), ["L2", "F1"], out="report")
        print(report.outcome, report.exit_code)
    """
    process = subject if isinstance(subject, OrnsteinUhlenbeck) else OrnsteinUhlenbeck(subject, "0.01", "3")
    if process.exact_t_max > LATEST:
        required = f"at most {LATEST}: there is nothing left to check later, for p_t is standard normal to 1e-130"
        raise InputError("t_max", process.t_max, required)
    wanted = _wanted(claims)
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    digits = whole_number(digits, "digits", 15, 1000)
    seed = whole_number(seed, "seed", 0, 2**32 - 1)
    jobs = whole_number(jobs, "jobs", 1, 64)
    for name, value in (("fresh", fresh), ("kernel", kernel)):
        if not isinstance(value, bool):
            raise InputError(name, value, "True or False")
    if process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    folder = None if out is None else file_path(out, "out", "the name of a directory")
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    context = Context(process, PROFILES[profile], digits, seed, fresh)
    keeper = Keeper(folder, context)
    with opened_kernel() if kernel else nullcontext() as coq, ALONE, Crew(context, keeper.code) as crew:
        drawn = curves(process)
        results, mistake, figures = _collect(crew, wanted, keeper, progress, jobs, drawn, coq)
        report = Report(
            mixture=to_mapping(process.mixture),
            description=_description(process.mixture),
            t_min=exact_text(process.exact_t_min),
            t_max=exact_text(process.exact_t_max),
            profile=profile,
            digits=digits,
            seed=seed,
            outcome=overall(result.outcome for result in results),
            results=tuple(results),
            curves=drawn.model_copy(update=sharp_points(results)),
            environment=environment(),
            command=command,
            claims_known=len(STATEMENTS),
            formulas=f"{type(process).__module__}.{type(process).__qualname__}",
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - clock, 3),
        )
        if folder is not None:
            _save(report, folder, figures, crew)
    if mistake is not None:
        raise mistake
    return report


def _save(report: Report, out: Path, figures: dict[str, str], crew: Crew) -> None:
    """Write the report; where workers drew the other figures, one draws the rates while the proofs are typeset here."""
    from certflow.report.proofs import proof_views  # Markdown, MathML

    if crew.alone or report.curves is None:
        report.save(out)
        return
    take = crew.elsewhere(Drawing("rates", report.curves))
    proof_views(report)  # the report finds its formulas typeset
    rates = take()
    report.save(out, {name: svg for name, svg in {**figures, "rates": rates}.items() if svg})


def _wanted(claims: Iterable[str] | None) -> list[str]:
    if claims is None:
        return list(STATEMENTS)
    wanted = [claims] if isinstance(claims, str) else list(claims)
    for place, claim in enumerate(wanted):
        wanted[place] = claim.upper() if isinstance(claim, str) else claim
        if wanted[place] not in STATEMENTS:
            raise unknown("claims", claim, STATEMENTS, before="ids among ")
    if not wanted:
        raise InputError("claims", wanted, "at least one id")
    return [claim for claim in STATEMENTS if claim in wanted]


def _collect(
    crew: Crew,
    wanted: list[str],
    keeper: Keeper,
    progress: Progress | None,
    jobs: int,
    drawn: Curves,
    coq: Kernel | None,
) -> tuple[list[ClaimResult], Exception | None, dict[str, str]]:
    """The result of each claim, the first mistake in the code that a check met, and figures that workers drew."""
    context = crew.context
    plan = {claim: [(check, *_hindrance(context, check)) for check in checks_of(claim)] for claim in wanted}
    checks = [
        check for entries in plan.values() for check, reason, later in entries if reason is None and later is None
    ]
    found, mistakes, figures = _evidence(crew, checks, keeper, progress, jobs, drawn)
    total = len(checks)

    def tell(done: int, theorems: int, claim: str) -> None:
        nonlocal total
        total = len(checks) + theorems
        if progress is not None:
            progress(len(checks) + done, total, f"{claim} theorem, by the kernel of Coq")

    tier = formal_tier(coq, found.values(), keeper, jobs, tell)
    results = []
    for claim, entries in plan.items():
        evidence = tier.evidence.get(claim, [])
        evidence += [found[check.name] for check, reason, later in entries if reason is None and later is None]
        reasons = [reason for _, reason, _ in entries if reason is not None]
        waiting = [later for _, reason, later in entries if reason is None and later is not None]
        mendable = [later for later in waiting if not isinstance(later, OutOfReach)]  # another profile, torch
        result = _result(claim, evidence, reasons, next(iter([*mendable, *waiting]), None))
        results.append(result.model_copy(update={"left_out": _left_out(result, entries, tier.left_out.get(claim))}))
    if progress is not None:
        progress(total, total, "report")
    return results, next((mistakes[check.name] for check in checks if check.name in mistakes), None), figures


def _evidence(
    crew: Crew, checks: list[Check], keeper: Keeper, progress: Progress | None, jobs: int, drawn: Curves
) -> tuple[dict[str, Evidence], dict[str, Exception], dict[str, str]]:
    """The evidence of each check, from an earlier run or found now; mistakes in the code that were met; figures."""
    found = {check.name: kept for check in checks if (kept := keeper.load(check)) is not None}
    mistakes: dict[str, Exception] = {}
    figures: dict[str, str] = {}

    def tell(task: Task) -> None:
        if progress is not None and isinstance(task, Check):
            progress(len(found), len(checks), f"{task.claim} {STATEMENTS[task.claim].title}")

    missing = [check for check in checks if check.name not in found]
    crew.enlist(len(missing), jobs)
    early = [] if keeper.out is None or crew.alone else [Drawing(name, drawn) for name in EARLY]
    for task, came, code in crew.outcomes([*missing, *early], tell):
        if isinstance(came, str):
            figures[task.name] = came
        elif isinstance(task, Drawing):
            assert isinstance(came, Exception)
            raise came
        elif isinstance(came, Evidence):
            keeper.save(task, came, code)
            found[task.name] = came
        else:
            mistakes[task.name] = came
            found[task.name] = _mistaken(task, came)
    return found, mistakes, figures


def _mistaken(check: Check, error: Exception) -> Evidence:
    """What a report says of a check that met a mistake in the code."""
    summary = " ".join(f"internal error: {type(error).__name__}: {error}".split())
    return Evidence(
        check=check.name, kind=check.kind, outcome=Outcome.INCONCLUSIVE, summary=summary, scope="nothing was looked at"
    )


def _left_out(
    result: ClaimResult, entries: list[tuple[Check, str | None, str | None]], formal: str | None
) -> dict[Kind, str]:
    """Of each kind of evidence that a claim applies to and that no check of it collected, why none did.

    formal : why there is none of that kind, where the claim has certificates
    """
    if result.outcome is Outcome.NOT_APPLICABLE:
        return {}
    there = {item.kind for item in result.evidence}
    why = {} if formal is None else {Kind.FORMAL: formal}
    why |= {check.kind: later for check, reason, later in reversed(entries) if reason is None and later is not None}
    return {kind: why[kind] for kind in Kind if kind in why and kind not in there}


def _hindrance(context: Context, check: Check) -> tuple[str | None, str | None]:
    """What hypotheses exclude a check, and what else it cannot be run for; both None where it can be run."""
    reason = check.applies(context.mixture)
    if isinstance(reason, OutOfReach):
        return None, reason
    return reason, None if reason is not None else _postponed(context, check)


def _postponed(context: Context, check: Check) -> str | None:
    """What a check is waiting for; None where it can be run."""
    if not check.trains:
        return None
    torch = importlib.util.find_spec("torch") is not None
    if not context.profile.trained:
        return f"its evidence comes with the full profile{'' if torch else f', and needs torch: {INSTALL_TORCH}'}"
    return None if torch else f"its evidence needs torch: {INSTALL_TORCH}"


def _result(claim: str, evidence: list[Evidence], reasons: list[str], later: str | None) -> ClaimResult:
    statement = STATEMENTS[claim]
    pending = PENDING.get(claim, ())
    outcome, reason = _judge(evidence, reasons, later)
    return ClaimResult(
        id=claim,
        title=statement.title,
        statement=statement.statement,
        hypotheses=statement.hypotheses,
        source=statement.source,
        remark=statement.remark,
        proof=statement.proof,
        rests_on=statement.depends_on,
        machine_checked=machine_checked(claim),
        outcome=outcome,
        reason=reason,
        evidence=tuple(evidence),
        pending=pending,
    )


def _judge(evidence: list[Evidence], reasons: list[str], later: str | None) -> tuple[Outcome, str]:
    """The outcome of a claim; inapplicable checks of an applicable claim do not weaken it.

    later : why a check that the hypotheses allow was not run
    """
    outcomes = {item.outcome for item in evidence}
    for outcome in (Outcome.VIOLATED, Outcome.INCONCLUSIVE):
        if outcome in outcomes:
            return outcome, next(item.summary for item in evidence if item.outcome is outcome)
    if Outcome.HOLDS in outcomes:
        return Outcome.HOLDS, ""
    later = next((item.summary for item in evidence if item.outcome is Outcome.NOT_CHECKED), later)
    if later is not None:
        return Outcome.NOT_CHECKED, later
    if evidence or reasons:
        return Outcome.NOT_APPLICABLE, reasons[0] if reasons else evidence[0].summary
    return Outcome.NOT_CHECKED, "this version has no check of it"


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """The verdict over claims: violated beats inconclusive beats holds; nothing established is inconclusive."""
    found = set(outcomes)
    for outcome in (Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.HOLDS):
        if outcome in found:
            return outcome
    return Outcome.INCONCLUSIVE


def _description(mixture: GaussianMixture) -> dict[str, Any]:
    return {
        "name": mixture.name,
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "covariances": mixture.kind,
        "diameter_of_means": mixture.diameter,
        "origin": mixture.origin,
    }
