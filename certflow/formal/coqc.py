"""`coqc` within limits of time."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

_OPTIONS = ("-q", "-w", "none", "-Q", ".", "Certflow")


def compiled(
    program: str, folder: Path, name: str, text: str, seconds: float
) -> subprocess.CompletedProcess[str] | None:
    """`coqc` on the text; None where so many seconds of processor time, or ten times as many of the clock, are over."""
    (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return limited([program, *_OPTIONS, f"{name}.v"], folder, seconds)


def limited(command: Sequence[str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str] | None:
    """A command in this folder, within so many seconds of processor time; None where they are over."""
    run = ["sh", "-c", f'ulimit -t {math.ceil(seconds)}; exec "$@"', "sh", *command]
    try:
        done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=10 * seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode < 0 else done
