"""`certflow certify`: certificates of what is asked of a mixture, each checked before it is written."""

from __future__ import annotations

import json
import math
import shlex
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certflow.commands.options import Format, Mixture, TMax, TMin
from certflow.commands.output import print_json
from certflow.commands.texts import (
    INCONCLUSIVE,
    check_directory,
    choice,
    directory_target,
    headline,
    integer,
    read_process,
    renamed,
    writing,
)
from certflow.errors import InputError
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck
from certflow.progress import progress_bar
from certflow.terminal import filled

if TYPE_CHECKING:
    from certflow.certificate.catalogue import Offer

#: Times that one command line may ask for.
_MOST = 100
_WIDE = "out of its budget: what is asserted is proved, and wider than asked for; more --seconds may narrow it"


@dataclass(frozen=True)
class _Row:
    """A certificate that was written, with what it asserts; or one that there is not, and why."""

    name: str
    claim: str
    path: Path | None
    text: str
    complete: bool = True


def certify(
    mixture: Mixture,
    sharp: Annotated[
        bool, typer.Option("--sharp", help="Also the sharp rates at the times (L5), and their integral (F5).")
    ] = False,
    times: Annotated[
        str | None,
        typer.Option(metavar="T,...", help="With --sharp: exact times (default: three, of the whole interval)."),
    ] = None,
    t_min: TMin = "0.01",
    t_max: TMax = "3",
    out: Annotated[str, typer.Option(metavar="DIR", help="Write the certificates here.")] = "certificates",
    seconds: Annotated[
        str, typer.Option(metavar="N", help="Seconds for all searches; then the best that is proved is taken.")
    ] = "300",
    output: Format = "text",
) -> int:
    """Write certificates, for certflow check and for its checker alone.

    The bounds, integrals and the balanced grid in closed form (L2, L3, F1, F2, G1) over the interval; with --sharp also
    the suprema over all x at the times, and the integral of the one-sided one with the amplification that follows. Each
    is checked before it is written, and what it asserts is printed. A kind that this mixture does not have is a line
    with the reason. Exit code 3 if nothing could be certified.
    """
    choice(output, "--format", ("text", "json"))
    budget = integer(seconds, "--seconds", 1, 10**6)
    process = read_process(mixture, t_min, t_max)
    if times is not None and not sharp:
        raise InputError("--times", times, "--sharp with it, since the closed forms are of the whole interval")
    asked = (_default_times(process) if times is None else _times(times, process)) if sharp else []
    folder = directory_target(out, "--out")
    check_directory("--out", folder)

    from certflow.certificate.catalogue import offers

    wanted = offers(process, sharp, asked)
    _check_owner(folder, [offer.stem for offer in wanted], process)
    rows = _made(wanted, folder, budget)
    written = [row for row in rows if row.path is not None]
    if output == "json":
        print_json(json.dumps(_mapping(process, rows, folder), indent=1, ensure_ascii=False) + "\n")
    else:
        print(f"{filled(headline(process.mixture))}, {t_min.strip()} ≤ t ≤ {t_max.strip()}\n\n{_text(rows)}")
    return 0 if written else INCONCLUSIVE


def _made(wanted: list[Offer], folder: Path, budget: int) -> list[_Row]:
    """Each offer in turn: searches share the seconds that are left."""
    from certflow.certificate.checker import check
    from certflow.certificate.envelope import certificate_text, write_certificate

    deadline, rows = time.perf_counter() + budget, list[_Row]()
    searches = sum(offer.searched for offer in wanted)
    with progress_bar() as told:
        for number, offer in enumerate(wanted):
            told(number, len(wanted), offer.stem)
            made = offer.make((deadline - time.perf_counter()) / max(searches, 1))
            searches -= offer.searched
            if made.certificate is None:
                rows.append(_Row(offer.stem, offer.claim, None, made.reason))
                continue
            verdict = check(certificate_text(made.certificate))
            if not verdict.accepted:
                rows.append(_Row(offer.stem, offer.claim, None, f"the checker refuses what was found: {verdict.text}"))
                continue
            path = folder / f"{offer.stem}.json"
            with writing("--out", path):
                write_certificate(made.certificate, path)
            rows.append(_Row(offer.stem, offer.claim, path, verdict.text, made.complete))
    return rows


def _text(rows: list[_Row]) -> str:
    parts = []
    for row in rows:
        if row.path is not None:
            lines = [_indented(row.text), *([] if row.complete else [_indented(_WIDE)])]
            parts.append("\n".join([str(row.path), *lines]))
    missing = [filled(f"{row.name}: {row.text}", "  ", "    ") for row in rows if row.path is None]
    if missing:
        parts.append("\n".join(["Not certified:", *missing]))
    written = [str(row.path) for row in rows if row.path is not None]
    if written:
        command = _command(written)
        parts.append(f"Check again, independently of the code that made them:\n  {command}")
    return "\n\n".join(parts)


def _indented(text: str) -> str:
    return filled(text, "  ", "  ")


def _command(paths: list[str]) -> str:
    return shlex.join(["certflow", "check", *paths])


def _mapping(process: OrnsteinUhlenbeck, rows: list[_Row], folder: Path) -> dict[str, Any]:
    written = [row for row in rows if row.path is not None]
    return {
        "schema": "certflow/certify/1",
        "mixture": process.mixture.name,
        "directory": str(folder),
        "certificates": [
            {"file": str(row.path), "claim": row.claim, "asserts": row.text, "complete": row.complete}
            for row in written
        ],
        "missing": [{"name": row.name, "claim": row.claim, "reason": row.text} for row in rows if row.path is None],
        "check": _command([str(row.path) for row in written]) if written else None,
    }


def _times(text: str, process: OrnsteinUhlenbeck) -> list[Fraction]:
    """The times asked for, each once."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST:
        raise InputError("--times", f"{len(parts)} times", f"at most {_MOST} times, separated by commas: 0.1,1/3")
    found = []
    for part in parts:
        with renamed({"times": "--times"}):
            number = exact_number(part, "times")
        if not process.exact_t_min <= number <= process.exact_t_max:
            within = f"times from --t-min = {process.t_min:g} to --t-max = {process.t_max:g}"
            raise InputError("--times", part, within)
        found.append(number)
    return list(dict.fromkeys(found))


def _default_times(process: OrnsteinUhlenbeck) -> list[Fraction]:
    """Both ends, and a short decimal near their geometric mean."""
    start, end = process.exact_t_min, process.exact_t_max
    middle = Fraction(f"{math.sqrt(start * end):.2g}")
    return [start, middle, end] if start < middle < end else [start, end]


def _check_owner(folder: Path, stems: list[str], process: OrnsteinUhlenbeck) -> None:
    """No file of another mixture, nor any that is no certificate, is replaced."""
    from certflow.law.formats import to_mapping

    mine = to_mapping(process.mixture)
    for path in (folder / f"{stem}.json" for stem in stems):
        if not path.exists():
            continue
        remedy = f"a directory with certificates of this mixture only; there, {path.name} is"
        try:
            law = json.loads(path.read_bytes().decode("utf-8"))["problem"]["mixture"]
            same = all(law[key] == mine[key] for key in ("weights", "means", "covariances"))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            raise InputError("--out", str(folder), f"{remedy} no certificate") from None
        if not same:
            raise InputError("--out", str(folder), f"{remedy} that of another mixture")
