"""What an experiment trains: which grids, cut into which segments, each different segment once for each seed."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from certflow.distill.settings import Settings
from certflow.distill.training import Segment
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.numbers.inputs import seed_numbers, whole_number
from certflow.process import OrnsteinUhlenbeck

MAX_SEEDS = 1000


@dataclass(frozen=True)
class Entry:
    """A grid in the comparison, under the label that its rows carry."""

    label: str
    grid: TimeGrid

    @property
    def segments(self) -> int:
        return self.grid.segments


@dataclass(frozen=True)
class Plan:
    """Entries, seeds, and the segments to train: segments that grids share are trained once for each seed.

    times : every node of every grid, from the noise end to the data end
    segments : the place of the seed in `seeds`, and of both ends in `times`
    """

    process: OrnsteinUhlenbeck
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...]
    settings: Settings
    times: tuple[float, ...]
    segments: tuple[Segment, ...]

    def nodes(self, entry: Entry) -> list[int]:
        """The indices of the nodes of a grid in `times`."""
        places = {time: index for index, time in enumerate(self.times)}
        return [places[float(time)] for time in entry.grid.times]

    @property
    def key(self) -> str:
        """A hash of what is asked for: mixture, grids, seeds and settings. Neither the device nor the versions of
        packages enter it, though the last digits of an outcome depend on them."""
        from certflow.law.formats import to_mapping

        content = {
            "mixture": to_mapping(self.process.mixture),
            "entries": [(entry.label, entry.grid.times.tolist()) for entry in self.entries],
            "seeds": self.seeds,
            "settings": self.settings.mapping(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def make_plan(
    process: OrnsteinUhlenbeck,
    grids: Iterable[str | TimeGrid],
    segments: Sequence[int],
    seeds: int | Sequence[int],
    settings: Settings,
) -> Plan:
    """Every grid with every number of segments.

    Parameters
    ----------
    grids : kinds of `cf.time_grid`, with a rate after a colon where a kind has several
        ("stability-balanced:two-sided"), or grids of one's own (each stands for itself, whatever `segments` says)
    segments : numbers K >= 1
    seeds : how many (0, 1, ...), or which

    Raises
    ------
    InputError : no grid or seed, an unknown kind, K not from 1 to 1000, a grid whose ends are not those of the process,
        two of one label and number of segments.
    """
    if isinstance(grids, str | TimeGrid) or not isinstance(grids, Iterable):
        raise InputError("grids", grids, "a list of kinds or grids")
    if not isinstance(segments, Sequence) or isinstance(segments, str):
        raise InputError("segments", segments, "a list of ints from 1 to 1000")
    entries = tuple(_entries(process, list(grids), [count_of(k) for k in segments]))
    if not entries:
        raise InputError("grids", [], "at least one grid")
    numbers = seeds_of(seeds)
    times = sorted({float(time) for entry in entries for time in entry.grid.times}, reverse=True)
    places = {time: index for index, time in enumerate(times)}
    segments_: dict[tuple[int, int, int], Segment] = {}
    for place, seed in enumerate(numbers):
        for entry in entries:
            nodes = [float(time) for time in entry.grid.times]
            for start, end in itertools.pairwise(nodes):
                where = (place, places[start], places[end])
                segments_.setdefault(where, Segment(*where, key=f"{seed}/{start!r}/{end!r}", origin=str(seed)))
    return Plan(process, entries, numbers, settings, tuple(times), tuple(segments_.values()))


def _entries(process: OrnsteinUhlenbeck, grids: list[Any], segments: list[int]) -> Iterable[Entry]:
    from certflow.grids.registry import grid_of_kind

    seen = set()
    for grid in grids:
        if isinstance(grid, TimeGrid):
            ends = (float(grid.times[0]), float(grid.times[-1]))
            if ends != (process.t_max, process.t_min):
                raise InputError("grids", ends, f"a grid from {process.t_max} to {process.t_min}")
            made = [Entry(grid.kind, grid)]
        else:
            kind, _, rate = str(grid).partition(":")
            options = {"rate": rate} if rate else {}
            made = [Entry(str(grid), grid_of_kind(process, k, kind, **options)) for k in segments]
        for entry in made:
            if (entry.label, entry.segments) in seen:
                raise InputError("grids", f"{entry.label} with K = {entry.segments} twice", "different grids")
            seen.add((entry.label, entry.segments))
            yield entry


def count_of(k: Any) -> int:
    """A number of segments, checked."""
    return whole_number(k, "segments", 1, 1000, "ints from 1 to 1000")


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Which seeds: as given, or the first so many."""
    requirement = f"a number of seeds from 1 to {MAX_SEEDS}, or different ints >= 0"
    numbers = seed_numbers(seeds, MAX_SEEDS, requirement)
    if not 1 <= len(numbers) <= MAX_SEEDS or len(set(numbers)) != len(numbers):
        raise InputError("seeds", seeds, requirement)
    return numbers
