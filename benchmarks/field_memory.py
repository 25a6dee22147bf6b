"""Peak memory of the score, each case in a process of its own.

    python benchmarks/field_memory.py

The peer runs with its address space limited to 8 GiB (what the process needs to start included).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

from measure import mixture, noised_points, report, verdict

GIB = 2**30
PEER_LIMIT = 8 * GIB

CASES = (
    ("certflow", "common-isotropic", 1_000_000, 1000, 2, "<= 2"),
    ("certflow", "isotropic", 1_000_000, 1000, 2, "<= 2"),
    ("certflow", "common-isotropic", 10_000, 1000, 64, "<= 2"),
    ("peer", "common-isotropic", 10_000, 1000, 64, ""),
    ("peer without limit", "common-isotropic", 500, 1000, 64, ""),
    ("peer without limit", "common-isotropic", 1_000, 1000, 64, ""),
)


def main() -> None:
    rows, numbers = [], []
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for who, kind, n, k, d, target in CASES:
        arguments = [sys.executable, __file__, who, kind, str(n), str(k), str(d)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
        lines = done.stdout.strip().splitlines()
        outcome: dict[str, Any] = {"error": "out of memory"}
        if done.returncode == 0:
            outcome = json.loads(lines[-1])
        elif "memory" not in done.stderr and done.returncode > 0:
            raise RuntimeError(done.stderr)
        numbers.append({"who": who, "kind": kind, "N": n, "K": k, "d": d, **outcome})
        peak = outcome.get("peak_gib")
        rows.append(
            {
                "who": who if who != "peer" else "peer, 8 GiB allowed",
                "case": f"score {kind} N={n} K={k} d={d}",
                "peak GiB": f"{peak:.2f}" if peak else outcome["error"],
                "of it before the call": f"{outcome['before_gib']:.2f}" if peak else "-",
                "seconds": f"{outcome['seconds']:.2f}" if peak else "-",
                "target GiB": target or "-",
                "": verdict(peak, target) if peak else "-",
            }
        )
    slope = (numbers[-1]["peak_gib"] - numbers[-2]["peak_gib"]) / 500
    need = numbers[-1]["peak_gib"] + slope * 9_000
    last = {"who": "peer, extrapolated", "case": "score common-isotropic N=10000 K=1000 d=64"}
    rows.append({**dict.fromkeys(rows[0], "-"), **last, "peak GiB": f"about {need:.0f}"})
    numbers.append({"who": "peer, extrapolated", "peak_gib": need})
    report("field_memory", "Peak resident memory", rows, numbers, threads=1)


def one_case(who: str, kind: str, n: int, k: int, d: int) -> None:
    law = mixture(kind, k, d)
    x = noised_points(law, 0.3, n)
    if who == "certflow":
        import certflow as cf

        process = cf.OrnsteinUhlenbeck(law)
        process.score(x[:1], 0.3)
        call: Any = lambda: process.score(x, 0.3)  # noqa: E731
    else:
        import peers

        if who == "peer":
            resource.setrlimit(resource.RLIMIT_AS, (PEER_LIMIT, PEER_LIMIT))
        peer = peers.torch_mixture(law, 0.3)
        peers.torch_score(peer, x[:1])
        call = lambda: peers.torch_score(peer, x)  # noqa: E731
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"peak_gib": peak * 1024 / GIB, "before_gib": before * 1024 / GIB, "seconds": seconds}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one_case(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
    else:
        main()
