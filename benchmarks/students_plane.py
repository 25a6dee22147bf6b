"""What is proved of students in the plane, and its cost: the atlas of the flow, the error, the Lipschitz constant.

    python benchmarks/students_plane.py [NAME ...]

Mixtures: triangle and ring-8, unless named. Students of the laboratory (width 32, depth 2, SiLU, one seed) on uniform
and stability-balanced grids with K = 1, 2, 4; one thread, seconds of CPU. Training is not timed.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from measure import report
from threadpoolctl import threadpool_limits

import certflow as cf

MIXTURES = ("triangle", "ring-8")
GRIDS, SEGMENTS = ("uniform", "stability-balanced"), (1, 2, 4)
#: The flow's error at the data end, relative; relative widths of the errors, and of Lipschitz constants on the box.
TOLERANCES = {"triangle": "1e-4", "ring-8": "2e-4"}
WIDTHS = ("0.15", "0.02")
BOX, LIPSCHITZ_WIDTH = [[-4, -4], [4, 4]], "0.05"


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    found = function()
    return found, time.process_time() - start


def of_mixture(name: str) -> list[dict[str, Any]]:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), t_min=0.01, t_max=3.0)
    trained = cf.distill.run(process, grids=list(GRIDS), segments=list(SEGMENTS), seeds=1, device="cpu", keep_maps=True)
    ends = process.exact_t_max, process.exact_t_min
    make = cf.enclosure.flow_atlas
    atlas, seconds = timed(lambda: make(process, *ends, tolerance=TOLERANCES.get(name, "5e-4"), seconds=math.inf))
    process.mixture.kept[make, *ends] = atlas
    print(f"{name}: {atlas}, {atlas.flows} flows, {seconds:.1f} s")
    measured = {(r["grid"], r["segments"], r["seed"]): r["relative_mse"] for r in trained.rows}
    rows = []
    for key, student in trained.students.items():
        row: dict[str, Any] = {"mixture": name, "grid": key[0], "K": key[1], "measured": measured[key]}
        for width in WIDTHS:
            found, seconds = timed(
                lambda student=student, width=width: cf.enclosure.student_error(
                    process, student, student.times, rtol=width, seconds=math.inf
                )
            )
            row |= {f"error to {width}": told(found), f"s, {width}": round(seconds, 1)}
        found, seconds = timed(
            lambda student=student: cf.enclosure.student_lipschitz(student, BOX, rtol=LIPSCHITZ_WIDTH, seconds=math.inf)
        )
        rows.append(row | {"Lipschitz": told(found), "s, Lipschitz": round(seconds, 1)})
    return rows


def told(found: Any) -> str:
    return f"{found:.4}" + ("" if found.complete else " (wider than asked for)")


if __name__ == "__main__":
    with threadpool_limits(1):
        numbers = [row for name in sys.argv[1:] or MIXTURES for row in of_mixture(name)]
    shown = [{k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()} for row in numbers]
    report("students_plane", "Students in the plane, proved", shown, numbers, 1)
