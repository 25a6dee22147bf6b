"""Collect the evidence for every claim on one mixture and make the report.

Each piece of evidence is kept on disk as soon as it is found (if there is a directory), with its certificates, under
a key of everything that it depends on, so a run that is interrupted and repeated takes up where it was.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from certflow import __version__
from certflow.atomic import write_text_atomic
from certflow.certificate.envelope import certificate_text, write_certificate
from certflow.claims.check import PROFILES, Check, Context, OutOfReach
from certflow.claims.digits import ALONE
from certflow.claims.fingerprint import agrees, class_digest, live_digests, source_digest
from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.claims.registry import PENDING, STATEMENTS, checks_of
from certflow.errors import InputError
from certflow.law.formats import to_mapping
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text
from certflow.numbers.inputs import whole_number
from certflow.process import OrnsteinUhlenbeck
from certflow.report.curves import curves, sharp_points
from certflow.report.report import Report

Progress = Callable[[int, int, str], None]

#: Where evidence is kept below the output directory.
_KEPT = ".certflow"


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
) -> Report:
    """Verify the statements of the theory for one mixture.

    Parameters
    ----------
    subject : a process, or a mixture (then t runs from 0.01 to 3)
    claims : ids such as `["L2", "F1"]`; None for all
    profile : "quick" or "full"
    digits : working digits of the high-precision evidence, at least 15
    seed : of every random draw
    out : directory that receives the report and certificates/*.json; evidence found before an interruption is taken
        from there
    progress : called with `(done, total, what)` before each check
    command : the command line that makes this report, shown in it
    fresh : prove the symbolic derivations anew; else those that an earlier run proved of the same code are taken from
        the user's cache (`certflow.claims.kept`), and the evidence says when they were proved

    Raises
    ------
    InputError : unknown claim, profile, or a number out of range.
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
    wanted = _wanted(claims)
    if profile not in PROFILES:
        raise InputError("profile", profile, f"one of {', '.join(PROFILES)}")
    digits = whole_number(digits, "digits", 15, 1000)
    seed = whole_number(seed, "seed", 0, 2**32 - 1)
    if not isinstance(fresh, bool):
        raise InputError("fresh", fresh, "True or False")
    if process.mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", "numbers")
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    context = Context(process, PROFILES[profile], digits, seed, fresh)
    keeper = _Keeper(None if out is None else Path(out), context)
    with ALONE:
        results, mistake = _collect(context, wanted, keeper, progress)
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
        curves=curves(process).model_copy(update=sharp_points(results)),
        environment=_environment(),
        command=command,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - clock, 3),
    )
    if out is not None:
        report.save(out)
    if mistake is not None:
        raise mistake
    return report


def _wanted(claims: Iterable[str] | None) -> list[str]:
    if claims is None:
        return list(STATEMENTS)
    wanted = [claims] if isinstance(claims, str) else list(claims)
    for claim in wanted:
        if claim not in STATEMENTS:
            raise InputError("claims", claim, f"ids among {', '.join(STATEMENTS)}")
    if not wanted:
        raise InputError("claims", wanted, "at least one id")
    return [claim for claim in STATEMENTS if claim in wanted]


def _collect(
    context: Context, wanted: list[str], keeper: _Keeper, progress: Progress | None
) -> tuple[list[ClaimResult], Exception | None]:
    """The result of each claim, and the first mistake in the code that a check met."""
    plan = {claim: [(check, *_hindrance(context, check)) for check in checks_of(claim)] for claim in wanted}
    total = sum(reason is None and later is None for entries in plan.values() for _, reason, later in entries)
    done, results, mistake = 0, [], None
    for claim, entries in plan.items():
        evidence = []
        for check in (check for check, reason, later in entries if reason is None and later is None):
            if progress is not None:
                progress(done, total, f"{claim} {STATEMENTS[claim].title}")
            try:
                evidence.append(keeper.evidence(check))
            except OSError:  # of the directory, not of the check
                raise
            except Exception as error:
                mistake = mistake or error
                evidence.append(_mistaken(check, error))
            done += 1
        reasons = [reason for _, reason, _ in entries if reason is not None]
        waiting = [later for _, reason, later in entries if reason is None and later is not None]
        results.append(_result(claim, evidence, reasons, waiting[0] if waiting else None))
    if progress is not None:
        progress(total, total, "report")
    return results, mistake


def _mistaken(check: Check, error: Exception) -> Evidence:
    """What a report says of a check that met a mistake in the code."""
    summary = " ".join(f"internal error: {type(error).__name__}: {error}".split())
    return Evidence(
        check=check.name, kind=check.kind, outcome=Outcome.INCONCLUSIVE, summary=summary, scope="nothing was looked at"
    )


def _hindrance(context: Context, check: Check) -> tuple[str | None, str | None]:
    """What hypotheses exclude a check, and what else it cannot be run for; both None where it can be run."""
    reason = check.applies(context.mixture)
    if isinstance(reason, OutOfReach):
        return None, str(reason)
    return reason, None if reason is not None else _postponed(context, check)


def _postponed(context: Context, check: Check) -> str | None:
    """What a check is waiting for; None where it can be run."""
    if check.kind is not Kind.EMPIRICAL:
        return None
    torch = importlib.util.find_spec("torch") is not None
    if not context.profile.trained:
        return f"its evidence comes with the full profile{'' if torch else ', and needs torch'}"
    return None if torch else "its evidence needs torch: pip install 'certflow[torch]'"


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
    return Outcome.NOT_CHECKED, "no check of it exists yet"


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """The verdict over claims: violated beats inconclusive beats holds; nothing established is inconclusive."""
    found = set(outcomes)
    for outcome in (Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.HOLDS):
        if outcome in found:
            return outcome
    return Outcome.INCONCLUSIVE


class _Keeper:
    """Runs checks, and keeps their evidence below the output directory under a hash of all that it depends on.

    Certificates are written as soon as they are found; kept evidence counts only while they are as they were.
    """

    def __init__(self, out: Path | None, context: Context):
        self.out = out
        self.context = context
        process = context.process
        problem = {
            "mixture": to_mapping(process.mixture),
            "t": [exact_text(process.exact_t_min), exact_text(process.exact_t_max)],
            "profile": context.profile.name,
            "digits": context.digits,
            "seed": context.seed,
            "environment": _environment(),
            "source": source_digest(),
            "formulas": class_digest(type(process)),
        }
        self.key = hashlib.sha256(json.dumps(problem, sort_keys=True).encode()).hexdigest()
        self._code: dict[str, str] = {}
        self._loaded: set[str] = set()

    def code(self) -> dict[str, str]:
        """Digests of the loaded code; within a run they are made anew only where modules were loaded since."""
        loaded = {name for name in sys.modules if name.startswith("certflow")}
        if loaded != self._loaded:
            self._code, self._loaded = live_digests(), loaded
        return self._code

    def evidence(self, check: Check) -> Evidence:
        if self.out is None:
            return check.run(self.context)
        path = self.out / _KEPT / f"{check.name}.json"
        anew = self.context.fresh and check.kind is Kind.SYMBOLIC
        kept = None if anew else self._load(path, self.out)
        if kept is None:
            kept = check.run(self.context)
            for name, certificate in kept.contents.items():
                write_certificate(certificate, self.out / name)
            digests = {name: _digest(certificate) for name, certificate in kept.contents.items()}
            content = {"key": self.key, "code": self.code(), "certificates": digests, "evidence": kept.model_dump()}
            write_text_atomic(path, json.dumps(content, indent=1) + "\n")
        return kept

    def _load(self, path: Path, out: Path) -> Evidence | None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] == self.key and agrees(content["code"], self.code()):
                evidence = Evidence.model_validate(content["evidence"])
                contents = {name: _certificate(out / name) for name in evidence.certificates}
                if content["certificates"] == {name: _digest(found) for name, found in contents.items()}:
                    return evidence.attach(contents)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
            pass  # nothing kept, or nothing usable: the check runs again
        return None


def _certificate(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{path} holds no certificate")
    return found


def _digest(certificate: dict[str, Any]) -> str:
    return hashlib.sha256(certificate_text(certificate).encode()).hexdigest()


def _description(mixture: GaussianMixture) -> dict[str, Any]:
    return {
        "name": mixture.name,
        "components": mixture.n_components,
        "dimension": mixture.dimension,
        "covariances": mixture.kind,
        "diameter_of_means": mixture.diameter,
        "origin": mixture.origin,
    }


def _environment() -> dict[str, str]:
    names = ("numpy", "scipy", "sympy", "mpmath", "python-flint")
    return {
        "certflow": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        **{name: metadata.version(name) for name in names},
    }
