"""Seconds and memory that hostile certificates take from the checker: at most 10 s and 1 GiB, whatever they ask for.

python benchmarks/hostile_certificates.py

The files are those of tests/certificate/hostile.py, each checked in a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import Any

from measure import limit_threads, report, verdict

from certflow.certificate.checker import MAX_BYTES, check

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "certificate"))
#: Bounds: seconds, MiB.
SECONDS, MEMORY = 10, 1024


def texts() -> list[str]:
    import hostile

    return [*(name for name, _ in hostile.texts()), *(name for name, _ in hostile.certificates())]


def measured(name: str) -> dict[str, Any]:
    """What one file takes, in a new process; its memory with that of the text."""
    import hostile

    make = dict(hostile.texts()).get(name)
    text = make() if make else json.dumps(dict(hostile.certificates())[name]())
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"{name}: more bytes than the checker reads")
    started = time.process_time()
    found = check(text)
    seconds = time.process_time() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "case": name,
        "MB": len(text) / 1e6,
        "seconds": seconds,
        "MiB": memory,
        "steps": found.work,
        "said": found.text,
    }


def main() -> None:
    limit_threads()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        runs = pool.map(measured, texts(), chunksize=1)
    rows = [
        {
            "case": run["case"],
            "MB": f"{run['MB']:.2f}",
            "steps": f"{run['steps'] / 1e6:.1f}M",
            "seconds": f"{run['seconds']:.2f}",
            "MiB": f"{run['MiB']:.0f}",
            "verdict": verdict(max(run["seconds"] / SECONDS, run["MiB"] / MEMORY), "<= 1"),
        }
        for run in runs
    ]
    report("hostile_certificates", "what hostile certificates take from the checker, one core", rows, runs)


if __name__ == "__main__":
    main()
