"""Fuzzing: `python tools/fuzz.py [--inputs 100000] [--seed 0] [--target NAME]` gives certflow broken files and lists.

Inputs know the form that they break (tests/fuzzing/inputs.py); what may come of each is in tests/fuzzing/targets.py.
Prints for each target how many inputs were accepted and refused, the slowest, and every finding with the seed that
brings it back, and writes benchmarks/results/fuzz.json. Exit code 1 where anything was found.

An input has 10 s of CPU time, and the process 2 GiB of memory beyond what it starts with.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "certificate")]

from fuzzing.targets import TARGETS  # noqa: E402

SECONDS, MEMORY = 10.0, 2 * 2**30
RESULTS = ROOT / "benchmarks" / "results" / "fuzz.json"


class Hang(BaseException):
    """An input took its time and more."""


def main() -> int:
    parser = argparse.ArgumentParser(description="broken inputs for whatever reads")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=list(TARGETS))
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to bring back a finding")
    asked = parser.parse_args()
    warnings.simplefilter("error")
    signal.signal(signal.SIGVTALRM, _hang)
    counts = {name: {"inputs": 0, "accepted": 0, "slowest_seconds": 0.0} for name in TARGETS}
    found: list[dict[str, Any]] = []
    names = [asked.target] if asked.target else list(TARGETS)
    shares = [TARGETS[name][1] for name in names]
    begun, started = _megabytes(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="certflow-fuzz-") as folder:
        for number in range(asked.first, asked.first + asked.inputs):
            draw = random.Random(f"{asked.seed} {number}")
            name = draw.choices(names, shares)[0]
            before = time.process_time()
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            try:
                counts[name]["accepted"] += TARGETS[name][0](draw, Path(folder))
            except (Exception, Hang) as error:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                where = [
                    f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
                    for frame in traceback.extract_tb(error.__traceback__)
                ]
                found.append(
                    {
                        "number": number,
                        "target": name,
                        "what": f"{type(error).__name__}: {error}"[:300],
                        "where": where[-6:],
                    }
                )
                print(found[-1], flush=True)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            counts[name]["inputs"] += 1
            counts[name]["slowest_seconds"] = max(
                counts[name]["slowest_seconds"], round(time.process_time() - before, 3)
            )
            if number - asked.first == 500:  # by now everything is imported and kept
                begun = _megabytes()
                _limit_memory()
    memory = {"after_500_inputs": begun, "peak": _megabytes()}
    result = {
        "inputs": asked.inputs,
        "seed": asked.seed,
        "targets": counts,
        "findings": found,
        "memory_megabytes": memory,
    }
    result["cpu_seconds"] = round(time.process_time() - started)
    print(json.dumps({key: value for key, value in result.items() if key != "findings"}, indent=1))
    print(f"{len(found)} findings")
    if not asked.target and not asked.first:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if found else 0


def _hang(*_: Any) -> None:
    raise Hang(f"more than {SECONDS:g} s of CPU time")


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _limit_memory() -> None:
    """So that a small input that asks for gigabytes is a finding, not a machine that stops."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


if __name__ == "__main__":
    sys.exit(main())
