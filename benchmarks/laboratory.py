"""Mixtures and grids that the benchmarks of the distillation laboratory share, and how their results are kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import certflow as cf
from certflow.atomic import write_text_atomic
from certflow.distill import Settings
from certflow.errors import InputError, NoGlobalBound

SEGMENTS = 8
GRIDS = (
    "uniform",
    "quadratic",
    "cosine",
    "geometric",
    "logsnr",
    "karras",
    "flow-matching",
    "arctan",
    "ays",
    "gits",
    "score-optimal",
    "typical",
    "typical:spectral",
    "stability-balanced",
    "stability-balanced:two-sided",
)

#: Cases that are looked at after some numbers of training steps.
STEPS = {"two-modes-0.3": (100, 300, 600, 1500, 3000, 6000, 12000), "modes-16d": (3000,), "wine": (3000,)}


def two_modes(sigma: str) -> cf.GaussianMixture:
    return cf.GaussianMixture(
        ["1/2", "1/2"], [[-1, 0], [1, 0]], str(float(sigma) ** 2), name=f"two modes, sigma {sigma}"
    )


def random_mixture(seed: int, count: int, dimension: int, sigma: float) -> cf.GaussianMixture:
    """Means uniform in a cube, weights drawn: mixtures that were not looked at when constants were chosen."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(count, 3.0))
    means = rng.uniform(-1.5, 1.5, (count, dimension))
    name = f"random, seed {seed}: K {count}, d {dimension}, sigma {sigma}"
    return cf.GaussianMixture(weights.tolist(), means.tolist(), sigma * sigma, name=name)


@dataclass(frozen=True)
class Case:
    """What is distilled and how; `fresh` if the mixture was not looked at when constants were chosen.

    seeds : from which the coherence of its errors is told: more where five left it open
    """

    mixture: cf.GaussianMixture
    t_min: str = "0.01"
    fresh: bool = False
    settings: Settings | None = None
    seeds: int = 5

    @property
    def process(self) -> cf.OrnsteinUhlenbeck:
        return cf.OrnsteinUhlenbeck(self.mixture, self.t_min, "3")


def cases() -> dict[str, Case]:
    """The cases by name: built-in mixtures under their own names, then others."""
    found = {name: Case(cf.load_mixture(name)) for name in cf.builtin_mixtures()}
    found["two-modes-0.3"] = Case(two_modes("0.3"), seeds=20)
    found["two-modes-0.05"] = Case(two_modes("0.05"), "0.001")
    for seed, count, dimension, sigma in ((21, 6, 2, 0.15), (22, 4, 3, 0.25), (23, 9, 2, 0.1), (24, 5, 1, 0.12)):
        found[f"fresh-{seed}"] = Case(random_mixture(seed, count, dimension, sigma), fresh=True)
    found["fresh-21"] = replace(found["fresh-21"], seeds=20)
    return found


def trained_otherwise() -> dict[str, Case]:
    """These cases with another activation (3,000 steps), and some after given numbers of steps; five seeds each."""
    usual = {name: replace(case, seeds=Case.seeds) for name, case in cases().items()}
    found = {
        f"{name}, {steps} steps": replace(usual[name], settings=Settings(steps=steps))
        for name, numbers in STEPS.items()
        for steps in numbers
    }
    found |= {f"{name}, tanh": replace(case, settings=Settings(activation="tanh")) for name, case in usual.items()}
    return found


def available(process: cf.OrnsteinUhlenbeck) -> list[str]:
    """Those of the grids that the mixture has."""
    labels = []
    for label in GRIDS:
        kind, _, rate = label.partition(":")
        try:
            cf.time_grid(process, SEGMENTS, kind, rate or None)
        except (InputError, NoGlobalBound):
            continue
        labels.append(label)
    return labels


def options(description: str, known: Iterable[str]) -> argparse.Namespace:
    """The command line of these benchmarks: `names`, `jobs`, `device`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases; all unless given")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="cases at a time, each on one core")
    parser.add_argument("--device", default="cpu", help="where maps are trained: cpu (the default) or cuda")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in known:
            parser.error(f"unknown case {name!r}; the cases are {'; '.join(known)}")
    return chosen


def collected(
    path: Path,
    known: Callable[[], dict[str, Case]],
    measured: Callable[[Case, str], dict[str, Any]],
    told: Callable[[dict[str, Any]], str],
    description: str,
) -> dict[str, Any]:
    """Measure the cases named on the command line (all unless given), each saved as soon as it is done.

    Each is measured in a process of its own with one thread. Returns all entries of the file at `path`, in the order
    of `known`; those of other cases stay as they were.
    """
    order = known()
    chosen = options(description, order)
    content = json.loads(path.read_text()) if path.exists() else {}
    pool = ProcessPoolExecutor(chosen.jobs, get_context("spawn"), _one_thread, max_tasks_per_child=1)
    with pool:
        running = {pool.submit(_measured, known, name, measured, chosen.device): name for name in chosen.names or order}
        for future in as_completed(running):
            name = running[future]
            content[name] = future.result()
            content = {key: content[key] for key in order if key in content}
            write_text_atomic(path, json.dumps(content, indent=1) + "\n")
            print(f"{name}: {told(content[name])}", flush=True)
    return content


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    threadpool_limits(1)


def _measured(
    known: Callable[[], dict[str, Case]], name: str, measured: Callable[[Case, str], dict[str, Any]], device: str
) -> dict[str, Any]:
    return measured(known()[name], device)


def built_in(content: dict[str, Any]) -> dict[str, Any]:
    """The entries of the mixtures that certflow ships."""
    own = cf.builtin_mixtures()
    return {name: entry for name, entry in content.items() if name in own}
