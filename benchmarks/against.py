"""This checkout against another one, case by case: which is faster, however the speed of the machine drifts.

    git worktree add /tmp/old REVISION
    python benchmarks/against.py /tmp/old [ROUNDS [TEXT]]

Two processes, one of each checkout, each in one thread, run the same case in turn, some 50 ms or one call at a time. A
round gives one ratio of CPU times, and the table has the median of the rounds (15 unless given) and their quartiles.
Above 1, the other one takes longer. With TEXT only the cases whose names have it are run. Cases use names that both
checkouts have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SLICE = 0.05


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is compared: one point, many points, sharp rates, tubes, integrals, producers and checker, training."""
    import numpy as np
    import torch
    from measure import mixture, noised_points
    from sharp import random_mixture, time_of

    import certflow as cf
    from certflow.certificate import checker
    from certflow.certificate.closed_forms import PRODUCERS
    from certflow.certificate.envelope import certificate_text
    from certflow.certificate.flow_tube import flow_tube_certificate
    from certflow.certificate.sharp import sharp_certificate
    from certflow.distill.settings import Settings
    from certflow.distill.training import Segment, train

    times = np.geomspace(0.01, 3, 64)
    for kind in ("common-isotropic", "isotropic", "shared", "full"):
        pair, law = cf.OrnsteinUhlenbeck(mixture(kind, 2, 2)), mixture(kind, 8, 2)
        p, x = cf.OrnsteinUhlenbeck(law), noised_points(law, 0.3, 20_000)
        for quantity in ("score", "jacobian"):
            yield f"{quantity}, one point, {kind}", partial(getattr(pair, quantity), [0.3, 0.1], 0.3)
            yield f"{quantity}, one point in an array, {kind}", partial(getattr(pair, quantity), x[0], 0.3)
            yield f"{quantity}, 20,000 points, {kind}", partial(getattr(p, quantity), x, 0.3)
        if kind != "full":  # of a random pair no bound exists
            yield f"L at 64 times, {kind}", partial(p.lipschitz_bound, times)
    law = mixture("common-isotropic", 64, 64)
    yield (
        "score, 2,000 points, K = d = 64",
        partial(cf.OrnsteinUhlenbeck(law).score, noised_points(law, 0.3, 2_000), 0.3),
    )
    five = cf.OrnsteinUhlenbeck(cf.load_mixture("random-5"), "0.01", 3)
    yield "flow of 50 points", partial(five.flow, five.mixture.sample(50, seed=0), 3.0, 0.01)
    for family, d, count, r in (("normal", 1, 9, 1), ("normal", 2, 9, 1), ("antipodal", 2, 8, 5), ("normal", 3, 8, 1)):
        p, t = cf.OrnsteinUhlenbeck(random_mixture(family, d, count), "0.001", 3), time_of(r)
        name = f"{family}, d = {d}, K = {count}, r = {r}"
        yield f"sharp rate, {name}", partial(cf.enclosure.sharp_rate, p, t, gap="1e-9" if d < 3 else "1e-6")
        yield f"checker, L5, {name}", partial(checker.check, certificate_text(sharp_certificate(p, t)[0]))
    point = ["0.3", "-0.4"]
    yield "tube, random-5, 10 digits", partial(cf.enclosure.flow_tube, five, point, "3", "0.01", digits=10)
    tube = certificate_text(flow_tube_certificate(five, point, "3", "0.01", 10))
    yield "checker, S3", partial(checker.check, tube)
    for claim in ("L2", "L3", "F1", "F2", "G1"):
        yield f"producer, {claim}", partial(PRODUCERS[claim], five)
        yield f"checker, {claim}", partial(checker.check, certificate_text(PRODUCERS[claim](five)))
    for count, d, steps, budget in (
        (1, 2, 500, None),
        (8, 2, 300, None),
        (8, 2, 100, 3.0),
        (96, 2, 50, None),
        (96, 16, 30, None),
    ):
        x = torch.randn(count, 2048, d, generator=torch.Generator().manual_seed(3))
        pool = torch.stack([x, x + 0.3 * torch.sin(2 * x)], dim=1)
        settings = Settings(steps=steps, pool=2048, lipschitz=budget)
        segments = [Segment(i, 0, 1, key=str(i)) for i in range(count)]
        name = f"training, {steps} steps, d = {d}, maps: {count}" + (f", budget {budget:g}" if budget else "")
        yield name, partial(train, segments, pool, settings)


def serve() -> None:
    """In a process of one checkout: names of the cases, then for each name read the CPU seconds of a call."""
    found = dict(cases())
    counts: dict[str, int] = {}
    print(json.dumps(list(found)), flush=True)
    for line in sys.stdin:
        name = line.rstrip("\n")
        run = found[name]
        if name not in counts:
            run()
            start = time.process_time()
            run()
            counts[name] = max(1, int(SLICE / max(time.process_time() - start, 1e-7)))
        start = time.process_time()
        for _ in range(counts[name]):
            run()
        print((time.process_time() - start) / counts[name], flush=True)


def started(checkout: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(checkout), str(HERE)])
    words = [sys.executable, str(HERE / "against.py"), "--serve"]
    return subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **THREADS, "PYTHONPATH": paths},
    )


def asked(process: subprocess.Popen[str], name: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(name + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    if len(sys.argv) < 2 or not Path(sys.argv[1], "certflow").is_dir():
        sys.exit("usage: python benchmarks/against.py CHECKOUT [ROUNDS [TEXT]]")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    text = sys.argv[3] if len(sys.argv) > 3 else ""
    both = [started(path) for path in (HERE.parent, Path(sys.argv[1]).resolve())]
    names, others = (json.loads(process.stdout.readline()) for process in both)  # type: ignore[union-attr]
    assert names == others
    print("| case | here ms | there ms | there/here | quartiles |\n|---|---|---|---|---|")
    for name in (name for name in names if text in name):
        pairs = [[asked(process, name) for process in both] for _ in range(rounds)]
        ratios = sorted(there / here for here, there in pairs)
        here, there = (sorted(times)[rounds // 2] * 1e3 for times in zip(*pairs, strict=True))
        middle, low, high = ratios[rounds // 2], ratios[rounds // 4], ratios[-1 - rounds // 4]
        print(f"| {name} | {here:.3g} | {there:.3g} | {middle:.2f} | {low:.2f} to {high:.2f} |", flush=True)
    for process in both:
        process.terminate()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main()
