"""The committed history of the figures: a line of JSON for each path and record, the newest last."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy

import certflow as cf
from recording.measuring import Figure
from recording.paths import PATHS

HISTORY = Path(__file__).parents[1] / "history.jsonl"


@dataclass(frozen=True)
class Row:
    """One figure: `Figure`, of which path and peer, when, of which commit, on what."""

    date: str
    commit: str
    path: str
    peer: str
    ratio: float
    spread: float
    milliseconds: float
    machine: str
    versions: str


class Unreadable(Exception):
    """A history that is not one, told in one line."""


def read(file: Path) -> list[Row]:
    """All rows of a file, none where there is no file; raises `Unreadable`."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines() if file.exists() else [], 1):
        try:
            row = Row(**json.loads(line))
            sound = min(row.ratio, row.milliseconds) > 0 <= row.spread
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise Unreadable(f"{file}, line {number}: not a row of the record of performance")
        rows.append(row)
    return rows


def append(file: Path, rows: list[Row]) -> None:
    """Write the rows below those that are there."""
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(asdict(row)) + "\n" for row in rows)


def rows_of(figures: Mapping[str, Figure]) -> list[Row]:
    """The figures as they are written down now, of the checkout that `certflow` was imported from."""
    date, kind = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"), machine()
    commit = commit_of(Path(cf.__file__).parent)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    peers = {path.name: path.peer for path in PATHS}
    return [
        Row(
            date=date,
            commit=commit,
            path=name,
            peer=peers[name],
            ratio=_rounded(figure.ratio),
            spread=_rounded(figure.spread),
            milliseconds=_rounded(figure.milliseconds),
            machine=kind,
            versions=versions,
        )
        for name, figure in figures.items()
    ]


def _rounded(value: float) -> float:
    """Four digits: more are noise."""
    return float(f"{value:.4g}")


def comparable(rows: list[Row], kind: str) -> dict[str, list[Row]]:
    """For each path of today the rows of this kind of machine and the same peer, oldest first; none that has no row."""
    peers = {path.name: path.peer for path in PATHS}
    found: dict[str, list[Row]] = {name: [] for name in peers}
    for row in rows:
        if row.machine == kind and peers.get(row.path) == row.peer:
            found[row.path].append(row)
    return {name: mine for name, mine in found.items() if mine}


def machine() -> str:
    """The kind of machine, within which figures are compared: its processor, cores, and the minor release of Python."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.machine()}, {_processor()}, {os.cpu_count()} cores, Python {python}"


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or "unknown processor"
    pairs = [line.partition(":")[::2] for line in file.read_text().splitlines()]
    facts = {key.strip(): value.strip() for key, value in reversed(pairs)}
    name = facts.get("model name", "unknown processor")
    return f"{name} (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else name


def commit_of(package: Path) -> str:
    """The commit of a checkout, with "+" where the package was changed since; "unknown" outside of one."""

    def git(*words: str) -> str:
        run = subprocess.run(["git", "-C", str(package), *words], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        return git("rev-parse", "--short=10", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
