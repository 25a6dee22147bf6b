"""What a sweep costs beside its tasks, how long ten thousand verifications take, how far it scales.

python benchmarks/sweep.py [MIXTURES]     200 mixtures unless given

Quick verifications of random mixtures, by two processes here; tasks that do nothing, here and on two workers of Dask;
from the measured times a simulation of more workers.
"""

from __future__ import annotations

import heapq
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import report

from certflow.sweep import Sweep, read_specification, run

#: The claims of a quick verification: score, both bounds, the closed exponent, the balanced grid.
CLAIMS = ("S2", "L2", "L3", "F2", "G1")
WORKERS = 2
#: Ten thousand verifications are to be done in one night of two cores.
MANY, NIGHT = 10_000, 12 * 3600.0
SIMULATED = (1, 2, 8, 16, 32, 64, 128)

FAMILY = """schema = "certflow/sweep/1"
[[mixtures]]
draws = {mixtures}
layout = "random"
components = {{ low = 2, high = 8 }}
dimension = [1, 2, 3, 4]
sigma = {{ low = 0.1, high = 0.6, log = true }}
weights = ["equal", "random"]
"""
NOTHING = "def nothing(process):\n    return {}\n"


def cpu() -> float:
    """Processor time of this process and of those that it had and that have ended, in seconds."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def own() -> float:
    """Processor time of this process alone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(folder: Path, questions: str, mixtures: int, **how: Any) -> tuple[Sweep, dict[str, float]]:
    """A sweep, and what it took: seconds of the clock, of all processors, of this process."""
    (folder / "nothing.py").write_text(NOTHING, encoding="utf-8")
    path = folder / "spec.toml"
    path.write_text(FAMILY.format(mixtures=mixtures) + questions, encoding="utf-8")
    specification = read_specification(path)
    clocks = time.perf_counter, cpu, own
    before = [clock() for clock in clocks]
    found = run(specification, folder / "out", **how)
    return found, dict(zip(("wall", "cpu", "own"), (c() - b for c, b in zip(clocks, before, strict=True)), strict=True))


def verified(mixtures: int) -> tuple[dict[str, float], list[float]]:
    """Quick verifications by two processes: their cost, that of the sweep beside them, and the times of the tasks."""
    asked = f"[[claims]]\nids = {list(CLAIMS)}\n".replace("'", '"')
    with tempfile.TemporaryDirectory() as name:
        found, took = timed(Path(name), asked, mixtures, workers=WORKERS)
        again, resumed = timed(Path(name), asked, mixtures, workers=WORKERS)
    assert again.computed == 0
    tasks = [float(row["cpu_seconds"]) for row in found.rows]
    walls = sum(float(row["seconds"]) for row in found.rows)
    settled = sum(row["outcome"] in ("holds", "not applicable") for row in found.rows)
    numbers = {
        "verifications": float(mixtures),
        "tasks": float(len(tasks)),
        "settled": float(settled),
        "task_cpu": sum(tasks),
        "task_wall": walls,
        **took,
        "cpu_overhead": took["cpu"] / sum(tasks) - 1,
        "wall_overhead": WORKERS * took["wall"] / walls - 1,
        "cpu_of_one": took["cpu"] / mixtures,
        "hours_for_many": MANY * took["cpu"] / mixtures / WORKERS / 3600,
        "coordinator_of_task": took["own"] / len(tasks),
        "resumed_wall": resumed["wall"],
    }
    return numbers, tasks


def idle(mixtures: int, cluster: bool) -> float:
    """Processor time of this process for one task that does nothing, in seconds."""
    asked = '[[experiments]]\ncall = "nothing:nothing"\n'
    with tempfile.TemporaryDirectory() as name:
        if not cluster:
            return timed(Path(name), asked, mixtures, workers=WORKERS)[1]["own"] / mixtures
        from distributed import LocalCluster

        with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as there:
            return timed(Path(name), asked, mixtures, cluster=there.scheduler_address)[1]["own"] / mixtures


def simulated(tasks: Sequence[float], workers: int, serial: float, start: float) -> float:
    """Efficiency `sum of task times / (workers x makespan)` of a queue that one process serves.

    Each worker takes the next task when it is free; to hand it over and to take its result costs the one process
    `serial` seconds, during which it serves nobody else. Workers begin after `start` seconds.
    """
    free = [start] * workers
    served = 0.0
    end = 0.0
    for seconds in tasks:
        ready = heapq.heappop(free)
        served = max(served, ready) + serial
        end = max(end, served + seconds)
        heapq.heappush(free, served + seconds)
    return sum(tasks) / (workers * end)


def main() -> None:
    """Measure, simulate, print and write the result."""
    mixtures = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    numbers, tasks = verified(mixtures)
    here, there = (idle(mixtures, cluster) for cluster in (False, True))
    rng = np.random.default_rng(0)
    long = rng.choice(tasks, size=MANY * len(CLAIMS))
    start = 1.0  # a child process imports for 0.7 s of processor time
    efficiency = {
        str(workers): {"local": simulated(long, workers, here, start), "dask": simulated(long, workers, there, start)}
        for workers in SIMULATED
    }
    for name, value in numbers.items():
        print(f"{name}: {value:.4g}")
    print(f"coordinator, a task that does nothing: {1e3 * here:.2f} ms here, {1e3 * there:.2f} ms with Dask")
    rows = [
        {"workers": str(workers), "efficiency here": f"{both['local']:.3f}", "with Dask": f"{both['dask']:.3f}"}
        for workers, both in efficiency.items()
    ]
    report(
        "sweep",
        "Efficiency of more workers, simulated",
        rows,
        {**numbers, "idle_local": here, "idle_dask": there, "efficiency": efficiency},
    )


if __name__ == "__main__":
    main()
