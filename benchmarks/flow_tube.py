"""Time and error of validated flow tubes beside SciPy's DOP853 and mpmath's odefun, which estimate and do not prove.

    python benchmarks/flow_tube.py [--odefun]

Two mixtures in the plane, one core: five modes at random (errors against a tube of 45 digits), and a product of two and
three modes turned by (3/5, 4/5), where the exact map is known from one-dimensional quantiles at 60 digits. With
`--odefun` also mpmath's Taylor integrator at 25 digits at one point (most of a minute).
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from measure import report
from mpmath import mp, mpf
from scipy.integrate import solve_ivp
from threadpoolctl import threadpool_limits

import certflow as cf
from certflow.numbers.numerals import above

START, END = 3, Fraction("0.01")
DEVIATIONS = ("0.3", "0.1")
POINT = (Fraction("0.3"), Fraction("-0.4"))
MEANS = [["0.13", "-0.13"], ["0.64", "0.1"], ["-0.54", "0.36"], ["1.3", "0.95"], ["-0.7", "-1.27"]]
LINES = ((["1/2", "1/2"], ["-1", "1"]), (["0.2", "0.5", "0.3"], ["-1.5", "0.1", "0.8"]))
TURN = ((Fraction(3, 5), Fraction(-4, 5)), (Fraction(4, 5), Fraction(3, 5)))
REPETITIONS = 5


def five_modes(deviation: str) -> cf.OrnsteinUhlenbeck:
    law = cf.GaussianMixture(["0.2"] * 5, MEANS, Fraction(deviation) ** 2, name=f"5 modes, sigma {deviation}")
    return cf.OrnsteinUhlenbeck(law)


def turned_product(deviation: str) -> cf.OrnsteinUhlenbeck:
    weights = [Fraction(a) * Fraction(b) for a, b in itertools.product(LINES[0][0], LINES[1][0])]
    means = [turned((Fraction(a), Fraction(b))) for a, b in itertools.product(LINES[0][1], LINES[1][1])]
    name = f"2 x 3 modes turned, sigma {deviation}"
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, Fraction(deviation) ** 2, name=name))


def turned(vector: Any) -> list[Any]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in TURN]


def quantile_map(line: Any, variance: Any, x: Any) -> Any:
    """`F_end^{-1}(F_start(x))` of a mixture on a line, by bisection and Newton's method."""
    weights, means = ([mpf(Fraction(a).numerator) / Fraction(a).denominator for a in part] for part in line)

    def tail(y: Any, t: Any) -> tuple[Any, Any]:
        m = mp.exp(-t)
        deviation = mp.sqrt(variance * m * m - mp.expm1(-2 * t))
        z = [(y - m * mean) / deviation for mean in means]
        above = sum(w * mp.erfc(part / mp.sqrt(2)) for w, part in zip(weights, z, strict=True)) / 2
        return above, sum(w * mp.npdf(part) for w, part in zip(weights, z, strict=True)) / deviation

    end = mpf(END.numerator) / END.denominator
    target, _ = tail(x, mpf(START))
    low, high = mpf(-50), mpf(50)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, end)[0] > target else (low, middle)
    for _ in range(7):
        above, density = tail(low, end)
        low += (above - target) / density
    return low


def exact_image(deviation: str) -> list[Any]:
    """Image of `turned(POINT)` under the turned product."""
    variance = mpf(Fraction(deviation).numerator) / Fraction(deviation).denominator
    points = [mpf(a.numerator) / a.denominator for a in POINT]
    image = [quantile_map(line, variance**2, x) for line, x in zip(LINES, points, strict=True)]
    return [sum(mpf(a.numerator) / a.denominator * y for a, y in zip(row, image, strict=True)) for row in TURN]


def timed(function: Callable[[], Any], repetitions: int = REPETITIONS) -> tuple[Any, float]:
    """The result and the median time."""
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return result, float(np.median(seconds))


def middle(tube: Any) -> list[Any]:
    pairs = zip(tube.lower, tube.upper, strict=True)
    return [mpf((low + high).numerator) / (low + high).denominator / 2 for low, high in pairs]


def distance(a: Any, b: Any) -> float:
    return float(max(abs(x - y) for x, y in zip(a, b, strict=True)))


def compare(process: cf.OrnsteinUhlenbeck, x: list[Fraction], image: Any, odefun: bool) -> list[dict[str, Any]]:
    name = process.mixture.name
    rows = []
    for digits in (12, 30):
        tube, seconds = timed(lambda n=digits: cf.enclosure.flow_tube(process, x, START, END, n))  # type: ignore[misc]
        inside = all(
            low <= Fraction(int(value * 2**170), 2**170) <= high
            for low, value, high in zip(tube.lower, image, tube.upper, strict=True)
        )
        rows.append(
            {
                "mixture": name,
                "method": f"certflow flow_tube, {digits} digits",
                "seconds": seconds,
                "error": distance(middle(tube), image),
                "proved radius": float(tube.radius),
                "steps": len(tube.steps),
                "contains": inside,
            }
        )
    floats = [float(a) for a in x]
    solution, seconds = timed(
        lambda: solve_ivp(
            lambda t, y: process.velocity(y, t), (START, float(END)), floats, "DOP853", rtol=1e-13, atol=1e-15
        )
    )
    error = distance([mpf(float(a)) for a in solution.y[:, -1]], image)
    steps = len(solution.t) - 1
    rows.append(
        {"mixture": name, "method": "SciPy DOP853, rtol 1e-13", "seconds": seconds, "error": error, "steps": steps}
    )
    if odefun:
        with mp.workdps(25):
            last = mpf(END.numerator) / END.denominator
            start = [mpf(a.numerator) / a.denominator for a in x]

            def slope(s: Any, y: list[Any]) -> list[Any]:
                return [-a for a in process.velocity(np.array(y, dtype=object), START - s)]

            value, seconds = timed(lambda: mpmath.odefun(slope, 0, start)(START - last), 1)
            error = distance(value, image)
        rows.append({"mixture": name, "method": "mpmath odefun, 25 digits", "seconds": seconds, "error": error})
    return rows


def main() -> None:
    numbers = []
    with threadpool_limits(1), mp.workdps(60):
        cf.enclosure.flow_tube(five_modes("0.3"), POINT, START, END)  # first use: imports
        for deviation in DEVIATIONS:
            process = five_modes(deviation)
            image = middle(cf.enclosure.flow_tube(process, list(POINT), START, END, 45))
            numbers += compare(process, list(POINT), image, "--odefun" in sys.argv and deviation == "0.3")
        for deviation in DEVIATIONS:
            numbers += compare(turned_product(deviation), turned(POINT), exact_image(deviation), False)
    rows = [
        {
            "mixture": row["mixture"],
            "method": row["method"],
            "seconds": f"{row['seconds']:.3f}",
            "error": f"{row['error']:.1e}",
            "proved radius": above(repr(row["proved radius"]), 2) if "proved radius" in row else "none",
            "steps": str(row.get("steps", "-")),
            "contains": {True: "yes", False: "NO", None: "-"}[row.get("contains")],
        }
        for row in numbers
    ]
    report("flow_tube", f"t = {START} to {float(END)}, one point, one core", rows, numbers, threads=1)


if __name__ == "__main__":
    main()
