"""One step against `K` steps of equal parameters and work as `sigma` falls, in one dimension (proofs/M3.md, F3).

`K` maps of a width for which all of them together have as many weights as the one-step map. Each map of a composition
is evaluated once, and each is trained with as many steps on batches of the same size: then the multiplications of an
evaluation, and those of training, are the same too. Errors are quadratures, relative to `E|Phi|^2`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch

from certflow.composition.floors import LEAST, best_map, second_moment
from certflow.distill.exact_pairs import (
    Measure,
    Student,
    composed,
    in_float64,
    part_of,
    stratified,
    student,
)
from certflow.distill.plan import count_of, seeds_of
from certflow.distill.reference import ReferenceFlow, device_of
from certflow.distill.settings import Progress, Settings
from certflow.distill.training import Segment, train
from certflow.errors import InputError
from certflow.flow.quantile_map import QuantileMap
from certflow.grids.grid import TimeGrid
from certflow.grids.registry import grid_of_kind
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_number
from certflow.process import OrnsteinUhlenbeck

#: Width of the one-step map, and training of all.
BUILD = Settings(hidden=32, depth=2, activation="silu", steps=2000, batch=128, learning_rate=1e-2, pool=16_384)
SIGMAS = ("0.4", "0.2", "0.1", "0.05")
SEGMENTS = (1, 2, 4, 8)
GRIDS = ("uniform", "typical")
#: Points of the segment between outermost means on which slopes are measured; quantiles of "typical" points.
SEPARATRIX, TYPICAL = 2001, 0.999


def two_modes(sigma: Any, t_min: Any = "0.01", t_max: Any = "3") -> OrnsteinUhlenbeck:
    """Equal modes at -1 and 1 with standard deviation `sigma`, in one dimension."""
    variance: Fraction = exact_number(sigma, "sigma") ** 2
    if not variance > 0:
        raise InputError("sigma", sigma, "a standard deviation > 0")
    return OrnsteinUhlenbeck(GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], variance, name="two modes"), t_min, t_max)


def parameters(hidden: int, depth: int) -> int:
    """Weights and biases of one map in one dimension: `(depth - 1) h^2 + (depth + 2) h + 1`."""
    return (depth - 1) * hidden**2 + (depth + 2) * hidden + 1


def equal_width(hidden: int, depth: int, segments: int) -> int:
    """The width at which `segments` maps have, as nearly as can be, as many parameters as one of width `hidden`."""
    whole = parameters(hidden, depth)
    best = min(range(1, hidden + 1), key=lambda h: (abs(segments * parameters(h, depth) - whole), h))
    return best


@dataclass(frozen=True)
class Compositions:
    """rows: a dictionary for each process, grid, number of segments and seed.

    relative_mse : of the composition, with its `uncertainty`
    steepest : largest `|(Psi_K o ... o Psi_1)'|` at the nodes of the quadrature and between the outermost means
    typical, separatrix : the same of each map, at typical points (99.9 %) and between the outermost means
    exponents : `int lambda` over each segment;  exponent : over all of them, so `exp` of it bounds Lip(Phi)
    floor_of_steepest : relative error of the best map that is no steeper than measured (exact, M2): what is left
        is not mismatch
    diverged : which maps; all of them where the composition's error or slope is not a finite number
    hidden, parameters, multiplications : width of each map; all of their parameters; products of one evaluation
    """

    rows: tuple[dict[str, Any], ...]
    setting: dict[str, Any]

    def summary(self) -> list[dict[str, Any]]:
        """Mean and standard deviation of the error over seeds, with medians of the slopes."""
        keys = ("sigma", "grid", "segments")
        entries = []
        for key in dict.fromkeys(tuple(row[name] for name in keys) for row in self.rows):
            rows = [row for row in self.rows if tuple(row[name] for name in keys) == key]
            fine = [row for row in rows if not row["diverged"]]
            errors = [row["relative_mse"] for row in fine]
            entry: dict[str, Any] = dict(zip(keys, key, strict=True))
            entry |= {"seeds": len(fine), "diverged": len(rows) - len(fine)}
            if fine:
                entry |= {
                    "relative_mse": fmean(errors),
                    "deviation": stdev(errors) if len(errors) > 1 else 0.0,
                    "steepest": float(np.median([row["steepest"] for row in fine])),
                    "floor_of_steepest": fmean(row["floor_of_steepest"] for row in fine),
                    "exponent": fine[0]["exponent"],
                    "hidden": fine[0]["hidden"],
                    "parameters": fine[0]["parameters"],
                }
            entries.append(entry)
        return entries

    def mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return {**self.setting, "summary": self.summary(), "rows": list(self.rows)}


def compositions(
    sigmas: Sequence[Any] = SIGMAS,
    segments: Sequence[int] = SEGMENTS,
    grids: Sequence[str] = GRIDS,
    seeds: int | Sequence[int] = 3,
    settings: Settings = BUILD,
    device: str = "cpu",
    progress: Progress | None = None,
    t_min: Any = "0.01",
    t_max: Any = "3",
) -> Compositions:
    """Train compositions of `K` maps for every `sigma`, grid, `K` and seed: all those of one `K` in one batch.

    Parameters
    ----------
    sigmas : standard deviations of the two modes at +-1, numbers or exact texts
    grids : kinds of `cf.time_grid`; for `K = 1` all are the same and only the first is trained
    settings : `hidden` is the width of the one-step map; the others follow (`equal_width`)

    Raises
    ------
    InputError : a bad sigma, number of segments, grid, seed or device.
    """
    for name, given in (("sigmas", sigmas), ("segments", segments), ("grids", grids)):
        if not given or len(set(map(str, given))) != len(given):
            raise InputError(name, list(given), "one or more, all different")
    numbers, place = seeds_of(seeds), device_of(device)
    counts = [count_of(k) for k in segments]
    subjects = [_Subject(sigma, two_modes(sigma, t_min, t_max), counts, grids, settings, place) for sigma in sigmas]
    rows: list[dict[str, Any]] = []
    for index, k in enumerate(counts):
        hidden = equal_width(settings.hidden, settings.depth, k)
        own = replace(settings, hidden=hidden)
        labels = grids[:1] if k == 1 else grids
        pool = torch.stack([subject.pool(labels, k) for subject in subjects]).to(place)
        wanted: list[tuple[int, int, str, int]] = []  # subject, seed, grid, segment
        stack: list[Segment] = []
        for (s, subject), seed in itertools.product(enumerate(subjects), numbers):
            for (g, label), i in itertools.product(enumerate(labels), range(k)):
                first = g * (k + 1) + i
                stack.append(Segment(s, first, first + 1, key=f"{subject.label}/{seed}/{label}/{k}/{i}"))
                wanted.append((s, seed, label, i))
        trained = train(stack, pool, own, part_of(progress, index, len(counts), f"{len(stack)} maps, K = {k}"))
        made: dict[tuple[int, int, str, int], Student | None] = {}
        for part in trained:
            exact = in_float64(part.maps)
            for i, segment in enumerate(part.segments):
                made[wanted[len(made)]] = None if segment in part.diverged else student(exact, i)
        for (s, subject), seed, label in itertools.product(enumerate(subjects), numbers, labels):
            maps = [made[s, seed, label, i] for i in range(k)]
            size = {"hidden": hidden, "parameters": k * parameters(hidden, settings.depth)}
            size["multiplications"] = size["parameters"] - k * (settings.depth * hidden + 1)
            start = {"sigma": subject.label, "grid": label, "segments": k, "seed": seed, **size}
            start["diverged"] = [i for i, one in enumerate(maps, 1) if one is None]
            measured = None if start["diverged"] else subject.row(maps, label, k)  # type: ignore[arg-type]
            if measured is None and not start["diverged"]:
                start["diverged"] = list(range(1, k + 1))  # each is finite somewhere, their composition is not
            rows.append(start | (measured or {}))
    setting = {
        "sigmas": [subject.label for subject in subjects],
        "segments": counts,
        "grids": list(grids),
        "seeds": list(numbers),
        "settings": settings.mapping(),
        "t_min": str(t_min),
        "t_max": str(t_max),
    }
    return Compositions(tuple(rows), setting)


class _Subject:
    """One process: its grids, exact pairs at their nodes, and what is measured of a composition."""

    def __init__(
        self,
        label: Any,
        process: OrnsteinUhlenbeck,
        segments: Sequence[int],
        grids: Sequence[str],
        settings: Settings,
        device: torch.device,
    ):
        self.label, self.process = str(label), process
        flow = QuantileMap(process)
        self.measure = Measure(flow)
        self.scale = second_moment(process)
        self.grids: Mapping[tuple[str, int], TimeGrid] = {
            (kind, k): grid_of_kind(process, k, kind) for kind in grids for k in segments
        }
        self.times = sorted({float(t) for grid in self.grids.values() for t in grid.times}, reverse=True)
        z, _ = stratified(flow, self.measure.coarse, settings.pool)
        reference = ReferenceFlow(process, device)
        points = torch.from_numpy(z).to(device).unsqueeze(1)
        probes = points[:: max(1, len(z) // 512)]
        reference.choose_steps(probes, process.t_max, process.t_min, settings.tolerance)
        self.points = reference.nodes(points, self.times)

    def _at(self, time: float) -> torch.Tensor:
        return self.points[self.times.index(float(time))]

    def pool(self, grids: Sequence[str], k: int) -> torch.Tensor:
        """Points at the nodes of the grids one after another, shape (grids (K + 1), N, 1)."""
        return torch.stack([self._at(t) for kind in grids for t in self.grids[kind, k].times]).float()

    def row(self, maps: list[Student], grid: str, k: int) -> dict[str, Any] | None:
        """See `Compositions`; None if error or slope is not a finite number."""
        times = [float(t) for t in self.grids[grid, k].times]
        whole = composed(maps)
        found = self.measure(whole)
        bridge = np.linspace(-1.0, 1.0, SEPARATRIX)
        typical, separatrix = [], []
        for one, time in zip(maps, times, strict=False):
            points = np.sort(self._at(time)[:, 0].cpu().numpy())
            cut = int(len(points) * (1 - TYPICAL) / 2)
            typical.append(float(np.abs(one(points[cut : len(points) - cut])[1]).max()))
            separatrix.append(float(np.abs(one(math.exp(-time) * bridge)[1]).max()))
        steepest = max(found.steepest, float(np.abs(whole(math.exp(-times[0]) * bridge)[1]).max()))
        if not math.isfinite(found.error + found.uncertainty + steepest):
            return None
        exponents = [float(self.process.stability(s, t)) for t, s in itertools.pairwise(times)]
        return {
            "times": times,
            "relative_mse": found.error / self.scale,
            "uncertainty": found.uncertainty / self.scale,
            "steepest": steepest,
            "typical": typical,
            "separatrix": separatrix,
            "exponents": exponents,
            "exponent": math.fsum(exponents),
            "floor_of_steepest": best_map(self.process, max(steepest, LEAST), self.measure.coarse).floor.relative,
        }
