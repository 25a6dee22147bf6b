"""CPU time of a call over that of fixed work, the two in turn, so that a slower or busier machine cancels."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from recording.paths import PATHS, HotPath
from recording.peers import PEERS

#: Each figure is the median over so many processes: where a process has its memory alone moves some paths by 10 %.
PROCESSES = 3
#: CPU seconds of one timing at least; of the peer at least this share of the path's.
SLICE, SHARE = 0.01, 0.25
#: Rounds at least, and CPU seconds of the path in all at least.
ROUNDS, SECONDS = 3, 0.5
#: Bytes that are taken and given back at first: from then on glibc keeps memory, and no call waits for pages.
WARM = 31 << 20


@dataclass(frozen=True)
class Figure:
    """CPU time over that of the peer; largest over smallest of the processes, less 1; CPU time of a call."""

    ratio: float
    spread: float
    milliseconds: float


def sampled(path: HotPath, clock: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """Of this process: the median over rounds of the ratio of the two times, and the median time of a call, in seconds.

    In a round the path and its peer run once each, one after the other, each often enough for the clock.
    """
    call, peer = path.prepare(), PEERS[path.peer]
    repeats, seconds = _repeats(call, SLICE, clock)
    peer_repeats, _ = _repeats(peer, max(SLICE, SHARE * repeats * seconds), clock)
    rounds = max(ROUNDS, round(SECONDS / (repeats * seconds)))
    times, ratios = [], []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            times.append(_timed(call, repeats, clock))
            ratios.append(times[-1] / _timed(peer, peer_repeats, clock))
    finally:
        gc.enable()
    return median(ratios), median(times)


def measured(names: Iterable[str]) -> dict[str, Figure]:
    """The figures of these hot paths, from `PROCESSES` new processes of one thread, one after another."""
    wanted = list(names)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned, max_tasks_per_child=1) as pool:
        runs = list(pool.map(_in_one_process, [wanted] * PROCESSES))
    return {name: combined([run[name] for run in runs]) for name in wanted}


def combined(samples: list[tuple[float, float]]) -> Figure:
    """The figure of several processes."""
    ratios = [ratio for ratio, _ in samples]
    return Figure(median(ratios), max(ratios) / min(ratios) - 1, 1e3 * median(seconds for _, seconds in samples))


def _in_one_process(names: list[str]) -> dict[str, tuple[float, float]]:
    np.empty(WARM, np.uint8).fill(1)
    with threadpool_limits(1):
        return {path.name: sampled(path) for path in PATHS if path.name in names}


def _timed(call: Callable[[], Any], repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def _repeats(call: Callable[[], Any], seconds: float, clock: Callable[[], float]) -> tuple[int, float]:
    """How often the call is made in a timing of so many seconds, and what one takes; the first one only loads."""
    call()
    took = _timed(call, 1, clock)
    repeats = max(1, round(seconds / took))
    return repeats, _timed(call, repeats, clock) if repeats > 1 else took
