"""The students of an experiment kept with their weights: in memory, in a file of plain arrays, as exact maps."""

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from certflow.atomic import write_bytes_atomic
from certflow.distill.maps.residual import NORMALISERS, Normalisers, ResidualMap, ResidualMaps
from certflow.distill.plan import Plan
from certflow.distill.training import Trained
from certflow.errors import InputError
from certflow.numbers.inputs import file_path

FILE = "students.npz"
SCHEMA = "certflow/students/1"
_REQUIRED = "a students.npz as `cf.distill.run(..., keep_maps=True, out=DIR)` writes it"

#: Grid, number of segments, seed.
Name = tuple[str, int, int]


@dataclass(frozen=True)
class Student:
    """The trained maps of one grid, number of segments and seed, the first to be applied first.

    maps : a module for each segment, points (..., d) to points;  times : the nodes, latest first, one more than maps
    """

    grid: str
    segments: int
    seed: int
    maps: tuple[ResidualMap, ...]
    times: tuple[float, ...]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`Psi_K o ... o Psi_1(x)`, shape (..., d)."""
        for one in self.maps:
            x = one(x)
        return x

    def exact_maps(self) -> list[dict[str, Any]]:
        """The maps in exact form, in order (`certflow.distill.maps.residual.ResidualMaps.exact_maps`)."""
        return [fields for one in self.maps for fields in one.exact_maps()]


@dataclass(frozen=True)
class Kept:
    """The maps of an experiment and where they belong.

    stack : all of them, on the CPU;  segments : of each, the place of its seed and of both ends in `times`
    entries : label and nodes (places in `times`) of each grid;  diverged : places in `segments`
    """

    stack: ResidualMaps
    segments: tuple[tuple[int, int, int], ...]
    times: tuple[float, ...]
    entries: tuple[tuple[str, tuple[int, ...]], ...]
    seeds: tuple[int, ...]
    diverged: tuple[int, ...]

    @classmethod
    def of(cls, plan: Plan, trained: Sequence[Trained]) -> Kept:
        """From what was trained for a plan."""
        segments = [(segment.seed, segment.start, segment.end) for part in trained for segment in part.segments]
        lost = {(segment.seed, segment.start, segment.end) for part in trained for segment in part.diverged}
        entries = tuple((entry.label, tuple(plan.nodes(entry))) for entry in plan.entries)
        diverged = tuple(i for i, where in enumerate(segments) if where in lost)
        stack = joined([part.maps for part in trained])
        return cls(stack, tuple(segments), plan.times, entries, plan.seeds, diverged)

    def students(self) -> dict[Name, Student]:
        """By grid, number of segments and seed, without those with a diverged map; a map that grids share is one."""
        places = {where: index for index, where in enumerate(self.segments)}
        made: dict[int, ResidualMap] = {}
        found: dict[Name, Student] = {}
        for place, seed in enumerate(self.seeds):
            for label, nodes in self.entries:
                own = [places[place, start, end] for start, end in itertools.pairwise(nodes)]
                if set(own) & set(self.diverged):
                    continue
                for index in own:
                    if index not in made:
                        made[index] = ResidualMap(self.stack, index)
                maps, times = tuple(made[index] for index in own), tuple(self.times[node] for node in nodes)
                found[label, len(own), seed] = Student(label, len(own), seed, maps, times)
        return found

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write `students.npz`: plain arrays and one text in JSON, no pickles; atomically."""
        stack = self.stack
        header = {
            "schema": SCHEMA,
            "activation": stack.activation_name,
            "lipschitz": stack.lipschitz,
            **{name: getattr(self, name) for name in ("segments", "times", "entries", "seeds", "diverged")},
        }
        arrays = {name: getattr(stack.normalisers, name).numpy() for name in NORMALISERS}
        for i, (weight, bias) in enumerate(zip(stack.weights, stack.biases, strict=True)):
            arrays |= {f"weights_{i}": weight.detach().numpy(), f"biases_{i}": bias.detach().numpy()}
        buffer = io.BytesIO()
        np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
        return write_bytes_atomic(file_path(folder, "folder", "the name of a directory") / FILE, buffer.getvalue())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Kept:
        """The way back.

        Raises
        ------
        InputError : no such file, or one that is not what `save` writes.
        """
        path = file_path(folder, "folder", "the name of a directory") / FILE
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                return cls._read(json.loads(str(arrays["header"])), arrays)
        except FileNotFoundError:
            raise InputError(str(path), "no such file", _REQUIRED) from None
        except (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
            raise InputError(str(path), f"{type(error).__name__} {error}".splitlines()[0], _REQUIRED) from None

    @classmethod
    def _read(cls, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Kept:
        if header["schema"] != SCHEMA:
            raise ValueError(f"schema {header['schema']}")
        normalisers = Normalisers(*(torch.from_numpy(arrays[name]) for name in NORMALISERS))
        layers = sum(name.startswith("weights_") for name in arrays)
        count, _, hidden = arrays["weights_0"].shape
        stack = ResidualMaps(normalisers, hidden, layers - 1, header["activation"], (0,) * count, header["lipschitz"])
        numbers = {
            f"{kind}.{i}": torch.from_numpy(arrays[f"{kind}_{i}"])
            for kind in ("weights", "biases")
            for i in range(layers)
        }
        stack.load_state_dict(numbers)
        segments = tuple((int(a), int(b), int(c)) for a, b, c in header["segments"])
        entries = tuple((str(label), tuple(map(int, nodes))) for label, nodes in header["entries"])
        times, seeds = tuple(map(float, header["times"])), tuple(map(int, header["seeds"]))
        kept = cls(stack.requires_grad_(False), segments, times, entries, seeds, tuple(header["diverged"]))
        if len(segments) != count:
            raise ValueError(f"{len(segments)} segments for {count} maps")
        return kept


def joined(stacks: Sequence[ResidualMaps]) -> ResidualMaps:
    """Several stacks as one, on the CPU."""
    normalisers = Normalisers.stack([stack.normalisers.to("cpu") for stack in stacks])
    first = stacks[0]
    whole = first.like(normalisers)
    states = [stack.state_dict() for stack in stacks]
    whole.load_state_dict({name: torch.cat([state[name].cpu() for state in states]) for name in states[0]})
    return whole.requires_grad_(False)


def load_students(folder: str | os.PathLike[str]) -> dict[Name, Student]:
    """The students that `cf.distill.run(..., keep_maps=True, out=folder)` wrote, by (grid, segments, seed).

    Raises
    ------
    InputError : as `Kept.load`.
    """
    return Kept.load(folder).students()
