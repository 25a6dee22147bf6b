"""What is proved of students in one dimension, and its cost.

    python benchmarks/students.py

Modes at -1 and 1, sigma 0.2 and 0.3; students of the laboratory (width 32, depth 2, SiLU, three seeds) on uniform and
stability-balanced grids with K = 1, 2, 4, 8. One thread, seconds of CPU; training is not timed. Beside each enclosure
a quadrature by SciPy's distribution function, which shares nothing with it but the weights. Certificates of "balanced
beats uniform" at K = 4, each checked by Python alone, without site packages, in a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from measure import report
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

import certflow as cf
from certflow.certificate.envelope import certificate_text
from certflow.certificate.students import comparison_certificate
from certflow.enclosure.students.maps import read_maps

SIGMAS = ("0.2", "0.3")
GRIDS, SEGMENTS, SEEDS = ("uniform", "stability-balanced"), (1, 2, 4, 8), 3
#: Relative widths of the mean square error, and where suprema and slopes are looked for.
WIDTHS, BOX = ("0.02", "1e-5"), (-4.9, 4.9)
#: Measured ratio from which "balanced beats uniform" is to be proved; segments of the certificates.
APART, CERTIFIED = 1.05, 4
#: What the float64 quadrature itself may err, relative.
ROUNDING = 1e-9
CHECKER = Path(cf.__file__).parent / "certificate" / "checker"


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    found = function()
    return found, time.process_time() - start


class Quadrature:
    """`E|Psi - Phi|^2 / E|Phi|^2` by Gauss and Legendre's rule at the data end, the flow backwards by bisection."""

    def __init__(self, sigma: float, start: float, end: float):
        ends = np.linspace(-1 - 11 * sigma, 1 + 11 * sigma, 2001)
        points, weights = np.polynomial.legendre.leggauss(8)
        half = np.diff(ends)[:, None] / 2
        self.y = (ends[:-1, None] + half * (1 + points)).ravel()
        noise, data = ((np.exp(-t), np.sqrt(1 - (1 - sigma**2) * np.exp(-2 * t))) for t in (start, end))
        density = np.exp(-(((self.y[:, None] - data[0] * np.array([-1, 1])) / data[1]) ** 2) / 2).sum(1)
        self.weights = (half * weights).ravel() * density / (2 * data[1] * np.sqrt(2 * np.pi))
        tails = self.tail(self.y, *data)
        low, high = np.full_like(self.y, -20.0), np.full_like(self.y, 20.0)
        for _ in range(100):
            middle = (low + high) / 2
            beyond = np.where(self.y < 0, 1, -1) * (self.tail(middle, *noise, side=self.y) - tails) > 0
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        self.x = (low + high) / 2

    @staticmethod
    def tail(x: Any, mean: float, width: float, side: Any = None) -> Any:
        """The distribution function for points below zero, one minus it for the others."""
        sign = np.where((x if side is None else side) < 0, 1, -1)
        return (ndtr(sign * (x - mean) / width) + ndtr(sign * (x + mean) / width)) / 2

    def __call__(self, student: Any) -> float:
        x = self.x[:, None]
        for one in read_maps(student):
            x = one(x)
        return float((x[:, 0] - self.y) ** 2 @ self.weights / (self.y**2 @ self.weights))


def of_student(process: cf.OrnsteinUhlenbeck, student: Any) -> tuple[dict[str, Any], Any]:
    """Errors to both widths, supremum, slope, law; and the finest error, to be compared."""
    enclosure, times, row = cf.enclosure, student.times, {}
    for width in WIDTHS:
        found, seconds = timed(lambda width=width: enclosure.student_error(process, student, times, rtol=width))
        row |= {f"error, {width}": f"{found:.7}", f"complete, {width}": found.complete, f"s, {width}": seconds}
    sup, row["s, sup"] = timed(lambda: enclosure.student_distance(process, student, times, BOX))
    slope, row["s, slope"] = timed(lambda: enclosure.student_lipschitz(student, BOX))
    law, row["s, law"] = timed(lambda: enclosure.student_law(process, student, times))
    row |= {"sup": f"{sup:.4}", "slope": f"{slope:.4}", "W2": f"{law.wasserstein:.4}"}
    row |= {"TV": f"{law.total_variation:.4}", "monotone": law.monotone}
    row["complete"] = sup.complete and slope.complete and law.complete
    return row, found


def of_certificate(process: cf.OrnsteinUhlenbeck, better: Any, worse: Any, folder: Path) -> dict[str, Any]:
    """Made, written, and checked by Python alone."""
    made, seconds = timed(lambda: comparison_certificate(process, better, worse))
    path = folder / "comparison.json"
    path.write_text(certificate_text(made), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-I", "-S", str(CHECKER), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    checked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = path.stat().st_size
    return {
        "accepted": run.returncode == 0,
        "ratio": made["assertion"]["ratio"],
        "kB": size / 1000,
        "s, made": seconds,
        "s, checked": checked,
    }


def of_sigma(sigma: str, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    mixture = cf.GaussianMixture(["1/2", "1/2"], [["-1"], ["1"]], str(Fraction(sigma) ** 2))
    process = cf.OrnsteinUhlenbeck(mixture, "0.01", "3")
    options: dict[str, Any] = {"grids": list(GRIDS), "segments": list(SEGMENTS), "seeds": SEEDS, "device": "cpu"}
    trained = cf.distill.run(process, **options, exact=False, keep_maps=True)
    quadrature = Quadrature(float(sigma), 3.0, 0.01)
    measured = {key: quadrature(student) for key, student in trained.students.items()}
    rows, errors = [], {}
    for key, student in trained.students.items():
        row, errors[key] = of_student(process, student)
        value, error = measured[key], errors[key]
        holds = float(error.lower) * (1 - ROUNDING) <= value <= float(error.upper) * (1 + ROUNDING)
        head = {"sigma": sigma, "grid": key[0], "K": key[1], "seed": key[2]}
        rows.append(head | {"quadrature": value, "inside": holds} | row)
    pairs, certificates = [], []
    for (grid, segments, seed), error in errors.items():
        if grid != GRIDS[0] or segments < 2:
            continue
        other = (GRIDS[1], segments, seed)
        ratio = measured[grid, segments, seed] / measured[other]
        proved = cf.enclosure.compare_students(errors[other], error)
        pairs.append(
            {
                "sigma": sigma,
                "K": segments,
                "seed": seed,
                "measured": ratio,
                "proved": f"{proved:.5}",
                "better": proved.better or "-",
                "wanted": ratio > APART,
            }
        )
        if segments == CERTIFIED:
            better, worse = trained.students[other], trained.students[grid, segments, seed]
            if ratio < 1:
                better, worse = worse, better
            certificates.append({"sigma": sigma, "seed": seed} | of_certificate(process, better, worse, folder))
    return rows, pairs, certificates


def shown(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()} for row in rows]


def main() -> None:
    """All students, all pairs, certificates at K = 4; then the worst of each column."""
    with threadpool_limits(1), TemporaryDirectory() as name:
        parts = [of_sigma(sigma, Path(name)) for sigma in SIGMAS]
    rows, pairs, certificates = ([row for part in parts for row in part[i]] for i in range(3))
    report("students_pairs", "Balanced against uniform", shown(pairs), pairs, 1)
    report(
        "students_certificates", f"Certificates of comparisons, K = {CERTIFIED}", shown(certificates), certificates, 1
    )
    report("students", "Students in one dimension, proved", shown(rows), rows, 1)
    for column in [key for key in rows[0] if key.startswith("s, ")]:
        print(f"{column}: at most {max(row[column] for row in rows):.2f}")
    wanted = [pair for pair in pairs if pair["wanted"]]
    print(f"{sum(row['inside'] for row in rows)} of {len(rows)} quadratures inside")
    print(
        f"{sum(row['complete'] and all(row[f'complete, {w}'] for w in WIDTHS) for row in rows)} of {len(rows)} complete"
    )
    print(
        f"{sum(pair['better'] == 'first' for pair in wanted)} of {len(wanted)} pairs with a ratio above {APART} proved"
    )


if __name__ == "__main__":
    main()
