"""`certflow check`: re-check certificates with the independent checker, and have their theorems compiled by Coq."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certflow.commands.options import Format
from certflow.commands.output import print_json
from certflow.commands.texts import choice, renamed
from certflow.errors import InputError

if TYPE_CHECKING:
    from certflow.formal import Kernel, KernelVerdict, ProvedChecker


def check(
    certificates: Annotated[list[str], typer.Argument(metavar="CERTIFICATE...", help="Certificate files (.json).")],
    work: Annotated[
        str | None, typer.Option("--work", metavar="N", help="Steps of work allowed for each, of 0.1 microseconds.")
    ] = None,
    kernel: Annotated[
        bool,
        typer.Option(
            "--kernel", help="Also have the theorem of each compiled by Coq (L2, L3, L5 from below, F1, F2, G1)."
        ),
    ] = False,
    proved: Annotated[
        bool,
        typer.Option("--proved", help="Also decide each by the rules that are proved in Coq (L2, L3, F1, F2, G1)."),
    ] = False,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="DIR", help="With --kernel: keep the theorem files (.v) there.")
    ] = None,
    output: Format = "text",
) -> int:
    """Re-check certificates, independently of the code that made them.

    Each is accepted or refused with the reason; the exit code is 0 if all are accepted, 1 if one is refused.
    What is printed of an accepted one is what it asserts. The folder certflow/certificate/checker does the same alone,
    without certflow. With --kernel the statement is also written as a theorem, which the kernel of the Coq proof
    assistant accepts or not, in 60 seconds of processor time each; with --proved a program that Coq extracts from
    proved rules decides the same numbers again. The exit code is 3 if one of these two does not accept one, 1 if the
    proved rules refuse what the checker accepts.
    """
    from certflow.certificate import checker

    most = checker.MAX_WORK if work is None else checker.steps(work)
    if not most:
        raise InputError("--work", work, "an integer > 0")
    if keep is not None and not kernel:
        raise InputError("--keep", keep, "--kernel with it")
    choice(output, "--format", ("text", "json"))
    rows: list[dict[str, Any]] = []
    with (
        renamed({"kernel": "--kernel"}),
        _kernel() if kernel else nullcontext() as found,
        _rules() if proved else nullcontext() as rules,
    ):
        for path in certificates:
            try:
                read = checker.read_bytes(path)
            except OSError as error:
                raise InputError("CERTIFICATE", path, f"a file to read ({error.strerror})") from None
            verdict = checker.check_bytes(read, most)
            rows.append({"file": path, **verdict._asdict()})
            if output == "text":
                print(verdict.line(path), flush=True)
            if not verdict.accepted:
                continue
            further: dict[str, KernelVerdict] = {}
            if found is not None:
                further["kernel"] = _decided(found, json.loads(read), keep)
            if rules is not None:
                further["proved rules"] = rules.verdict(json.loads(read))
            for by, said in further.items():
                rows[-1][by] = said._asdict()
                if output == "text":
                    print(said.line(path, by), flush=True)
    if output == "json":
        print_json(json.dumps({"certificates": rows}, indent=1) + "\n")
    if not all(row["accepted"] for row in rows) or any(_disagree(row) for row in rows):
        return 1
    second = ("kernel", "proved rules")
    return 0 if all(row[by]["accepted"] for row in rows for by in second if by in row) else 3


def _disagree(row: dict[str, Any]) -> bool:
    """Does the checker accept what the proved rules refuse?"""
    from certflow.formal.proved import DISAGREE

    return "proved rules" in row and row["proved rules"]["text"] == DISAGREE


def _kernel() -> AbstractContextManager[Kernel]:
    from certflow.formal import opened_kernel

    return opened_kernel()


def _rules() -> AbstractContextManager[ProvedChecker]:
    from certflow.formal import opened_proved_checker

    return opened_proved_checker()


def _decided(kernel: Kernel, content: dict[str, Any], keep: str | None) -> KernelVerdict:
    try:
        return kernel.decide(content, keep=None if keep is None else Path(keep))
    except OSError as error:
        raise InputError("--keep", keep, f"a folder to write to ({error.strerror})") from None
