"""The exact score of a whole data set on torch: streamed, with all logits kept, and by torch's own attention.

    python benchmarks/dataset_score.py [THREADS [cuda]]

Means are the rows of a data set (images of eight hidden coordinates, by a random map and tanh), weights are equal, the
variance is 1e-4; 1,024 points are asked at `t = 0.1`. Each case runs in a process of its own, which tells the median
time of its calls (CPU time of the process; on a GPU wall time), the peak of memory beyond what it held before them (on
a GPU of what torch allocated) and the largest relative error of a row, at four points and three times, against
distances in float64.

"kept" is the formula with all logits at once. "attention" is `torch.nn.functional.scaled_dot_product_attention` with
keys `(mu_k, bias_k)`, which gives the score alone, without the density. Both are run up to 10^5 rows. Cases for which
memory is lacking are left out; interrupted, it reports what it has.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from measure import limit_threads, report

POINTS, ASKED, VARIANCE, TIME = 1024, 4, 1e-4, 0.1
TIMES = (0.01, 0.1, 1.0)
#: So many calls are timed, fewer if they take so many seconds together.
CALLS, LONG = 3, 3.0
#: Rows up to which the other two ways are run beside it.
BESIDE = 100_000
SIZES = ((100_000, 2), (100_000, 64), (100_000, 784), (1_000_000, 2), (1_000_000, 64), (1_000_000, 784))
ENGINES = ("streamed", "kept", "attention")
DTYPES = {"float32": torch.float32, "float64": torch.float64}
GIB = 2**30
Score = Callable[[torch.Tensor, float], torch.Tensor]


def main() -> None:
    device = sys.argv[2] if sys.argv[2:] else "cpu"
    threads = sys.argv[1] if sys.argv[1:] else "1"
    rows: list[dict[str, str]] = []
    numbers: list[dict[str, Any]] = []
    name = "dataset_score" if device == "cpu" else f"dataset_score_{device}"
    try:
        for count, dimension in SIZES:
            for engine in ENGINES if count <= BESIDE else ENGINES[:1]:
                for dtype in DTYPES:
                    outcome = measured(engine, dtype, count, dimension, device, threads)
                    numbers.append({"engine": engine, "dtype": dtype, "K": count, "d": dimension, **outcome})
                    rows.append(as_row(numbers[-1]))
                    print(*rows[-1].values(), file=sys.stderr)
    finally:
        report(name, f"Score of a data set of K rows at {POINTS} points", rows, numbers, threads=int(threads))


def measured(engine: str, dtype: str, count: int, dimension: int, device: str, threads: str) -> dict[str, Any]:
    if needed(engine, dtype, count, dimension) > 0.8 * free(device):
        return {"left out": "memory"}
    arguments = [sys.executable, __file__, threads, device, engine, dtype, str(count), str(dimension)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def needed(engine: str, dtype: str, count: int, dimension: int) -> float:
    """Bytes, at a guess: the data set in float32, exact and as tensors; logits that are kept, three times."""
    size = DTYPES[dtype].itemsize
    held = count * dimension * (4 + 2 * size if engine == "attention" else 4 + 8 + size)
    return 1.2 * held + (3 * POINTS * count * size if engine == "kept" else 0)


def free(device: str) -> float:
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def as_row(found: dict[str, Any]) -> dict[str, str]:
    done = "seconds" in found
    return {
        "K": f"{found['K']:,}",
        "d": str(found["d"]),
        "dtype": found["dtype"],
        "engine": found["engine"],
        "seconds": f"{found['seconds']:.2f}" if done else "no memory",
        "held GiB": f"{found['held_gib']:.2f}" if done else "-",
        "peak MiB": f"{found['peak_gib'] * 1024:.0f}" if done else "-",
        **{f"error t={t:g}": f"{error:.1e}" if done else "-" for t, error in zip(TIMES, errors_of(found), strict=True)},
    }


def errors_of(found: dict[str, Any]) -> list[float]:
    errors: list[float] = found.get("errors", [math.nan] * len(TIMES))
    return errors


def one_case(device: str, engine: str, dtype: str, count: int, dimension: int) -> None:
    limit_threads()
    generator = torch.Generator().manual_seed(0)
    data = data_set(count, dimension, generator)
    noise = torch.randn(POINTS, dimension, generator=generator)
    chosen = data[torch.randint(count, (POINTS,), generator=generator)]
    points = {t: (math.exp(-t) * chosen + math.sqrt(variance_at(t)) * noise).to(device, DTYPES[dtype]) for t in TIMES}
    score = (attention if engine == "attention" else mixture)(data, DTYPES[dtype], device, engine)
    before = held(device)
    clock = time.perf_counter if device == "cuda" else time.process_time
    seconds: list[float] = []
    while len(seconds) < CALLS and sum(seconds) < LONG:
        start = clock()
        score(points[TIME], TIME).sum().item()  # (waits for a GPU)
        seconds.append(clock() - start)
    memory = {"held_gib": before / GIB, "peak_gib": (peak(device) - before) / GIB}
    errors = []
    for t, x in points.items():
        asked = x if seconds[0] < LONG / CALLS else x[:ASKED]  # as many points as are timed, where they are cheap
        found, expected = score(asked, t)[:ASKED].double(), by_distances(data, x[:ASKED], t)
        errors.append(float(((found - expected).norm(dim=1) / expected.norm(dim=1)).max()))
    print(json.dumps({"seconds": median(seconds), "calls": len(seconds), "errors": errors, **memory}))


def data_set(count: int, dimension: int, generator: torch.Generator) -> torch.Tensor:
    """Rows in (-1, 1)^d, float32, near a surface of at most eight dimensions."""
    hidden = min(8, dimension)
    weights = torch.randn(hidden, dimension, generator=generator) / math.sqrt(hidden)
    return torch.tanh(torch.randn(count, hidden, generator=generator) @ weights)


def variance_at(t: float) -> float:
    return VARIANCE * math.exp(-2 * t) - math.expm1(-2 * t)


def by_distances(data: torch.Tensor, x: torch.Tensor, t: float) -> torch.Tensor:
    """The score in float64 by distances that are no differences of products, some rows of the data at a time."""
    m, v, x = math.exp(-t), variance_at(t), x.double()
    logits = torch.cat(
        [
            -torch.cdist(x, m * part.to(x), compute_mode="donot_use_mm_for_euclid_dist").square() / (2 * v)
            for part in data.split(2**14)
        ],
        dim=1,
    )
    gamma = torch.softmax(logits, dim=1)
    parts = zip(gamma.split(2**14, dim=1), data.split(2**14), strict=True)
    mean = sum((share @ part.to(x) for share, part in parts), torch.zeros_like(x))
    return (m * mean - x) / v


def mixture(data: torch.Tensor, dtype: torch.dtype, device: str, engine: str) -> Score:
    import numpy as np

    import certflow as cf
    from certflow.field import evaluate

    count = len(data)
    process = cf.OrnsteinUhlenbeck(cf.GaussianMixture(np.full(count, 1 / count), data.numpy(), VARIANCE))
    evaluate.KEPT_LOGITS = 0 if engine == "streamed" else 2**62
    process.score(torch.zeros(1, data.shape[1], dtype=dtype, device=device), TIME)  # converts the data
    return process.score


def attention(data: torch.Tensor, dtype: torch.dtype, device: str, engine: str) -> Score:
    keys = torch.cat([data.to(device, dtype), torch.zeros(len(data), 1, dtype=dtype, device=device)], dim=1)
    norms = torch.cat([part.double().square().sum(1) for part in data.split(2**14)]).to(device, dtype)

    def score(x: torch.Tensor, t: float) -> torch.Tensor:
        m, v = math.exp(-t), variance_at(t)
        keys[:, -1] = -(m * m / (2 * v)) * norms
        queries = torch.cat([m / v * x, torch.ones_like(x[:, :1])], dim=1)
        mean = torch.nn.functional.scaled_dot_product_attention(
            queries[None, None], keys[None, None], keys[None, None], scale=1.0
        )[0, 0, :, :-1]
        return (m * mean - x) / v

    return score


def held(device: str) -> int:
    """Bytes, from where the peak is counted."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak starts again from what is resident
    return resident("VmRSS")


def peak(device: str) -> int:
    return torch.cuda.max_memory_allocated() if device == "cuda" else resident("VmHWM")


def resident(key: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(key))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    if len(sys.argv) > 3:
        one_case(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
    else:
        main()
