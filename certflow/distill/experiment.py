"""One experiment: grids, cut into segments, trained together, composed and measured."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from certflow.distill.carried import exact_entries
from certflow.distill.clouds import clouds
from certflow.distill.ledger import Maps, Trajectories, drawn_trajectories, ledger, trajectories
from certflow.distill.plan import Entry, Plan, make_plan
from certflow.distill.reference import ReferenceFlow, device_of
from certflow.distill.results import Results
from certflow.distill.samples import TEST
from certflow.distill.settings import Progress, Settings
from certflow.distill.students.kept import Kept
from certflow.distill.training import train
from certflow.errors import InputError
from certflow.grids.grid import TimeGrid
from certflow.law.formats import to_mapping
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_text
from certflow.numbers.inputs import file_path
from certflow.process import OrnsteinUhlenbeck

#: Errors are measured with so many times the steps of the training data, whose own error is then 1/16 of theirs.
FINER = 2

#: Relative standard error of a measured error; where it is not met, up to `MORE` times as many points are taken, as
#: long as their coordinates at all times are no more than `NUMBERS`.
PRECISION, MORE, NUMBERS = 0.02, 4, 2**26

#: What is compared if nothing else is said.
GRIDS = (
    "uniform",
    "logsnr",
    "karras",
    "cosine",
    "stability-balanced",
    "stability-balanced:two-sided",
    "typical",
)


def run(
    subject: OrnsteinUhlenbeck | GaussianMixture,
    grids: Iterable[str | TimeGrid] = GRIDS,
    segments: Sequence[int] = (1, 2, 4, 8),
    seeds: int | Sequence[int] = 5,
    device: str = "auto",
    settings: Settings | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    exact: bool = True,
    keep_maps: bool = False,
) -> Results:
    """Train residual maps for every grid, number of segments and seed, and measure what comes of it.

    End-to-end relative mean squared error `E|Psi_K o ... o Psi_1(X) - Phi(X)|^2 / E|Phi(X)|^2`, `X ~ p_T`, on points
    that no map was trained on, with its standard error (`certflow.distill.weighted`: a quadrature in one dimension,
    weighted nets in more, enlarged where 2 % is not met); beside it the ledger of local, amplified and combined errors.
    proofs/E1.md to E3, E5, G4.

    Parameters
    ----------
    subject : a process, or a mixture (then t runs from 0.01 to 3)
    grids, segments, seeds : see `certflow.distill.plan.make_plan`; a seed varies training points, mini-batches, test
        points (in more than one dimension) and the first weights, which are the same for all maps of a seed: so the
        errors of different grids go up and down together, and a few seeds tell more of their order than of their size
    device : "auto" (the GPU if there is one), "cpu", "cuda", "cuda:1"
    settings : size and training of the maps; `Settings.usual` of the dimension unless given
    out : a directory for `distill.json` and `distill.csv`; training is kept there as it goes, and taken up again
    progress : called with `(done, total, what)`
    exact : also what needs the flow off the exact trajectories (`certflow.distill.carried.exact_entries`)
    keep_maps : keep the trained maps: `results.students[grid, segments, seed]` has `.maps` and `.times`, and goes into
        `cf.enclosure.student_error`. They stay in memory, 4 bytes for each parameter: 1,055 maps of the usual size in
        two dimensions are 5 MB. With `out` they are written to `students.npz` as soon as they are trained
        (`cf.distill.load_students` reads them)

    Raises
    ------
    InputError : a bad grid, number, device or setting; a reference flow that misses its tolerance.
    """
    process = subject if isinstance(subject, OrnsteinUhlenbeck) else OrnsteinUhlenbeck(subject, "0.01", "3")
    chosen = settings or Settings.usual(process.mixture.dimension)
    place = device_of(device)
    plan = make_plan(process, grids, segments, seeds, chosen)
    flow = ReferenceFlow(process, place)
    results = distil(plan, flow, out=out, progress=progress, exact=exact, keep_maps=keep_maps)
    results = replace(results, setting={**results.setting, "law": to_mapping(process.mixture)})
    if out is not None:
        results.save(out)
    return results


def distil(
    plan: Plan,
    flow: ReferenceFlow,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    exact: bool = True,
    keep_maps: bool = False,
) -> Results:
    """Carry out a plan with the teacher `flow` (`run` does so with the flow of a mixture)."""
    started = time.perf_counter()
    process, chosen = plan.process, plan.settings
    folder = None if out is None else file_path(out, "out", "the name of a directory")
    tell = progress or (lambda done, total, what: None)
    tell(0, 1, "reference flow")
    probes = flow.draw(chosen.test, plan.seeds[0], TEST)
    error = flow.choose_steps(probes, process.t_max, process.t_min, chosen.tolerance)
    if not error <= 1e-6:  # NaN too
        raise InputError("mixture", f"a reference flow of relative error {error:.1e}", "one that RK4 resolves to 1e-6")
    points = flow.pool(chosen.pool, plan.seeds, plan.times)
    kept = None if folder is None else folder / ".certflow" / f"distill-{plan.key[:16]}"
    prepared = time.perf_counter()
    trained = train(
        plan.segments, points, chosen, lambda done, total: tell(done, total, f"{len(plan.segments)} maps"), kept
    )
    finished = time.perf_counter()
    del points
    students = Kept.of(plan, trained) if keep_maps else None
    if students is not None and folder is not None:
        students.save(folder)
    flow.steps *= FINER
    maps = Maps(trained)
    rows = measure(plan, flow, maps, exact, tell)
    samples = clouds(plan, maps, flow)
    setting = {
        "mixture": process.mixture.name,
        "dimension": process.mixture.dimension,
        "components": process.mixture.n_components,
        "t_min": exact_text(process.exact_t_min),
        "t_max": exact_text(process.exact_t_max),
        "settings": chosen.mapping(),
        "maps": len(plan.segments),
        "parameters_per_map": trained[0].maps.parameters_per_map(),
        "reference": {"method": "RK4", "steps_per_unit": flow.steps // FINER, "relative_mse": error},
        "device": ", ".join([_device_name(flow.device), *sorted({stack.refused for stack in trained} - {""})]),
        "torch": torch.__version__,
        "seconds": {
            "reference": round(prepared - started, 3),
            "training": round(finished - prepared, 3),
            "measuring": round(time.perf_counter() - finished, 3),
        },
        "samples": samples,
    }
    return Results(tuple(rows), setting, None if students is None else students.students())


def measure(plan: Plan, flow: ReferenceFlow, maps: Maps, exact: bool, tell: Progress) -> list[dict[str, Any]]:
    """The rows, seed by seed, in the order of the entries."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    total = len(plan.seeds) * len(plan.entries)
    points = _Points(plan, flow)
    for place, seed in enumerate(plan.seeds):
        found: list[dict[str, Any]] = []
        for entry in plan.entries:
            tell(len(rows) + len(found), total, f"measuring {entry.label}, K = {entry.segments}")
            found.append(points.row(entry, place, maps))
        if exact:
            whole = [index for index, row in enumerate(found) if not row["diverged"]]
            tell(len(rows) + len(found), total, "carrying errors to the data end")
            tests = drawn_trajectories(plan, flow, seed)
            own = exact_entries(plan, [plan.entries[index] for index in whole], place, maps, tests, flow)
            for index, entries in zip(whole, own, strict=True):
                found[index] |= entries
                found[index]["learned_path"] = learned_path(found[index])
        rows |= {(index, place): row for index, row in enumerate(found)}
    return [rows[key] for key in sorted(rows)]


class _Points:
    """The points of each seed on which maps are measured, more of them where the first are too few."""

    def __init__(self, plan: Plan, flow: ReferenceFlow):
        self.plan, self.flow = plan, flow
        self.seed, self.known = -1, dict[int, Trajectories]()

    def row(self, entry: Entry, place: int, maps: Maps) -> dict[str, Any]:
        """The ledger of an entry, with a standard error of at most `PRECISION` times its error, if it can be had."""
        count = self.plan.settings.test
        row = ledger(self.plan, entry, place, maps, self._tests(place, count))
        over, d = _times_too_large(row), self.plan.process.mixture.dimension
        room = NUMBERS // (count * d * len(self.plan.times))
        if over <= 1 or d == 1 or room < 2:
            return row
        more = min(MORE, room, 2 ** math.ceil(2 * math.log2(over)))
        return ledger(self.plan, entry, place, maps, self._tests(place, more * count))

    def _tests(self, place: int, count: int) -> Trajectories:
        seed = 0 if self.plan.process.mixture.dimension == 1 else self.plan.seeds[place]  # a quadrature has no seed
        if seed != self.seed:
            self.seed, self.known = seed, {}
        if count not in self.known:
            self.known[count] = trajectories(self.plan, self.flow, self.flow.sample(count, seed))
        return self.known[count]


def _times_too_large(row: Mapping[str, Any]) -> float:
    """The standard error of a row over what is wanted."""
    error = row["relative_mse"]
    return row["standard_error"] / (PRECISION * error) if error else 0.0


def learned_path(row: Mapping[str, Any]) -> float | None:
    """The coherent sum along the learned path, scaled from the points of `exact_entries` to all: `>= relative_mse`."""
    return row["relative_mse"] * row["path_coherent"] / row["end_to_end"] if row["end_to_end"] else None


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
