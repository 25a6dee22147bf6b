"""Worst relative error of float64 fields, and width of Arb's, against an independent 130-digit oracle.

    python benchmarks/field_accuracy.py

For each built-in mixture 1,000 points: half over all sizes (|x| from 1e-3 to 1e3, t from 1e-6 to 50), a third on tie
sets of components, the rest next to zeros of the score. The oracle and the points are those of the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import flint
import numpy as np
from measure import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "field"))

from oracle import Oracle, relative_error
from test_field import adversarial_points, process

import certflow as cf
from certflow.field import evaluate
from certflow.field.fused.rows import LATEST

QUANTITIES = ("score", "velocity", "jacobian")
BITS = 200


def worst_errors(name: str) -> dict[str, str]:
    """The row of one mixture: by NumPy, and by the compiled formulas with what is done of the rows that these doubt."""
    p = process(cf.load_mixture(name))
    x, t = adversarial_points(p, 1000, seed=11)
    oracle = Oracle(p.mixture)
    values = {quantity: getattr(p, quantity)(x, t) for quantity in QUANTITIES}
    worst = {(quantity, road): 0.0 for quantity in QUANTITIES for road in ("", ", compiled")}
    for n in range(len(x)):
        exact = oracle.at(x[n], t[n])
        for quantity in QUANTITIES:
            compiled = values[quantity][n]
            if t[n] <= LATEST:
                compiled = evaluate._in_one_pass(p.mixture, quantity, x[n : n + 1], t[n : n + 1])[0]
            for road, value in (("", values[quantity][n]), (", compiled", compiled)):
                error = float(relative_error(value, exact[quantity]))
                worst[quantity, road] = max(worst[quantity, road], error)
    row = {"case": name, "points": str(len(x)), **{"".join(key): f"{error:.1e}" for key, error in worst.items()}}
    return {**row, "target": "<= 1e-12", "": "met" if max(worst.values()) <= 1e-12 else "not met"}


def ball_width(name: str, count: int = 20) -> float:
    """Largest radius of the score's balls relative to its size, at the first points of the spread half."""
    p = process(cf.load_mixture(name))
    x, t = adversarial_points(p, 1000, seed=11)
    widths = []
    with flint.ctx.workprec(BITS):
        for n in range(count):
            point = np.array([flint.arb(float(c)) for c in x[n]], dtype=object)
            balls = p.score(point, flint.arb(float(t[n])))
            widths.append(float(max(b.rad() for b in balls) / max(abs(b.mid()) for b in balls)))
    return max(widths)


if __name__ == "__main__":
    rows = []
    for mixture in cf.builtin_mixtures():
        rows.append({**worst_errors(mixture), f"Arb width, {BITS} bits": f"{ball_width(mixture):.1e}"})
        print(*rows[-1].values(), file=sys.stderr)
    report("field_accuracy", "float64 against 130 digits, worst relative error in norm", rows, rows)
