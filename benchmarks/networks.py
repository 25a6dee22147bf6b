"""Constructed networks for the score (proofs/A5.md, A6.md): sizes, proved and measured errors, rounding, speed.

    python benchmarks/networks.py [NAME ...] [--eps 1e-2,1e-6] [--resume]

Every built-in mixture of common variance at eps = 1e-2, 1e-4, ..., 1e-12, three of them at 1e-40, the other covariances
at 1e-6, each on 0.01 <= t <= 3 in L^2(p_t). Some ten seconds a network on one core; writes results/networks.json and
prints the table. With --resume networks that the file has are not made again; those of other runs stay in it.

Measured: 50 times, 2,000 draws of `X_t` at each in float64 down to 1e-9, 8 in Arb below. The share is the largest
`|N - s| / (A + B |x|)` over these draws and over hard points: ties of two and of more components, separatrices,
`|x|` up to 1e3. Seconds are CPU time of design, construction and proof. Rounding: root mean square over 100 draws at
each of 12 times, against the exact weights in double-double.
"""

from __future__ import annotations

import argparse
import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import environment

import certflow as cf
from certflow.atomic import write_text_atomic
from certflow.networks.conditioning import rounding
from certflow.networks.constructed import ConstructedScore, constructed_score
from certflow.networks.measuring import FLOAT64, Measured, differences, measured
from certflow.networks.module import NetworkModule

RESULTS = Path(__file__).parent / "results" / "networks.json"
TIMES = ("0.01", "3")
COMMON = ("two-modes", "line-3", "iris", "random-5", "ring-8", "modes-16d", "grid-4x4")
OTHERS = ("two-variances", "digits", "wine", "iris-full", "anisotropic-pair", "ordered-pair")
ERRORS = ("1e-2", "1e-4", "1e-6", "1e-8", "1e-10", "1e-12")
TINY, OTHER_ERROR = "1e-40", "1e-6"
CASES = [(name, eps) for name in COMMON for eps in ERRORS]
CASES += [(name, TINY) for name in ("two-modes", "ring-8", "modes-16d")] + [(name, OTHER_ERROR) for name in OTHERS]
#: What is to be reached: depths, neurons within a fifth of those of the first trial, ratios of proved to measured.
DEPTHS = {
    **{("two-modes", eps): depth for eps, depth in (("1e-2", 9), ("1e-6", 11), ("1e-10", 14), (TINY, 19))},
    **{("ring-8", eps): depth for eps, depth in (("1e-2", 11), ("1e-6", 14), ("1e-10", 16), (TINY, 21))},
    **{("modes-16d", eps): depth for eps, depth in (("1e-6", 14), (TINY, 21))},
    **{(name, OTHER_ERROR): 15 for name in OTHERS},
}
NEURONS = {
    **{("two-modes", eps): count for eps, count in (("1e-2", 159), ("1e-6", 301), ("1e-10", 415), (TINY, 1658))},
    **{("ring-8", eps): count for eps, count in (("1e-2", 385), ("1e-6", 702), ("1e-10", 989), (TINY, 4632))},
    **{("modes-16d", eps): count for eps, count in (("1e-6", 1414), (TINY, 5496))},
}
MORE, RATIO, RATIO_OTHERS, SECONDS = 1.2, 10, 100, 5
ROUNDING = {"float64": 1e-11, "float32": 5e-5}
#: An error below what float32 resolves is nothing to ask of it.
LEAST_FLOAT32 = 1e-6
FAST = ("ring-8", "1e-6")
POINTS, SPEED, ROUNDED = 100_000, 1.0, 100


def row(name: str, eps: str) -> dict[str, Any]:
    """All figures of one network."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), *TIMES)
    start = time.process_time()
    score = constructed_score(process, eps)
    seconds = time.process_time() - start
    error, network = measured(score), score.network
    found: dict[str, Any] = {
        "mixture": name,
        "eps": eps,
        "depth": network.depth,
        "width": network.width,
        "neurons": network.neurons,
        "weights": network.parameters_count,
        "proved": score.error_bound,
        "parts": score.parts,
        "measured": error.largest,
        "uncertainty": error.uncertainty,
        "arithmetic": error.arithmetic,
        "share": share(score, error),
        "seconds": round(seconds, 2),
    }
    if float(eps) >= 1e-12:
        found["float64"] = rounding(network, process, "float64", ROUNDED).largest
    if float(eps) >= LEAST_FLOAT32:
        found["float32"] = rounding(network, process, "float32", ROUNDED).largest
    if (name, eps) == FAST:
        found["seconds_of_100000_points"] = speed(score)
    return found


def share(score: ConstructedScore, error: Measured) -> float:
    """The largest `|N - s| / (A + B |x|)` over the draws and over hard points."""
    each = 120 if score.eps >= FLOAT64 else 3
    rng = np.random.default_rng(7)
    points, times = [], []
    for t in error.times[:: 1 if score.eps >= FLOAT64 else 7]:
        x = hard_points(score.process.mixture, float(t), each, rng)
        points.append(x)
        times.append(np.full(len(x), t))
    x = np.concatenate(points)
    return max(error.share, float((differences(score, x, np.concatenate(times)) / score.pointwise_bound(x)).max()))


def hard_points(mixture: cf.GaussianMixture, t: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Near midpoints of two means, near mixtures of all of them, and far away."""
    m, means = np.exp(-t), mixture.means
    d, k = mixture.dimension, mixture.n_components
    i = rng.integers(0, k, count)
    j = (i + rng.integers(1, max(k, 2), count)) % k
    width = np.sqrt(-np.expm1(-2 * t) + 0.04 * m * m)
    noise = rng.normal(size=(count, d)) * width * rng.choice([0, 0.02, 0.5], size=(count, 1))
    middle = m * (means[i] + (means[j] - means[i]) * rng.normal(0.5, 0.1, size=(count, 1)))
    several = m * (rng.dirichlet(np.full(k, 0.7), count) @ means)
    far = rng.normal(size=(count, d))
    far *= 10 ** rng.uniform(0, 3, size=(count, 1)) / np.linalg.norm(far, axis=1, keepdims=True)
    return np.concatenate([middle + noise, several + noise, far])


def speed(score: ConstructedScore) -> dict[str, float]:
    """CPU seconds of 100,000 points through the torch module on one thread, the best of three."""
    found = {}
    for arithmetic in ("float64", "float32"):
        module = NetworkModule(score.network, arithmetic)
        x = torch.tensor(score.process.mixture.sample(POINTS, seed=1), dtype=module.outputs.weight.dtype)
        seconds = []
        for _ in range(3):
            start = time.process_time()
            module(x, 0.1)
            seconds.append(time.process_time() - start)
        found[arithmetic] = round(min(seconds), 3)
    return found


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """What is to be reached and what was, one line each."""
    lines = []

    def line(what: str, good: list[bool], worst: str) -> None:
        lines.append(f"{'met' if all(good) else 'NOT MET'}: {what} ({sum(good)} of {len(good)}); {worst}")

    def ratio(found: dict[str, Any]) -> float:
        return float(found["proved"] / found["measured"])

    common = [found for found in rows if found["mixture"] in COMMON]
    others = [found for found in rows if found["mixture"] in OTHERS]
    for those, most, what in ((common, RATIO, "common variance"), (others, RATIO_OTHERS, "other covariances")):
        if not those:
            continue
        good = [found["measured"] <= found["proved"] <= Fraction(found["eps"]) for found in those]
        line(f"{what}: measured <= proved <= eps", good, f"{len(those)} networks")
        worst = max(those, key=ratio)
        line(
            f"{what}: proved over measured at most {most}",
            [ratio(found) <= most for found in those],
            f"largest {ratio(worst):.1f}, {worst['mixture']} at {worst['eps']}",
        )
    worst = max(rows, key=lambda found: found["share"])
    line(
        "|N - s| <= A + B|x|",
        [found["share"] <= 1 for found in rows],
        f"largest share {worst['share']:.2f}, {worst['mixture']} at {worst['eps']}",
    )
    for what, limits, more in (("depth", DEPTHS, 1.0), ("neurons", NEURONS, MORE)):
        held = [
            (found, limits[found["mixture"], found["eps"]])
            for found in rows
            if (found["mixture"], found["eps"]) in limits
        ]
        if held:
            over = max(held, key=lambda pair: pair[0][what] / pair[1])
            line(
                f"{what} at most {more:g} times what is to be reached",
                [found[what] <= more * limit for found, limit in held],
                f"largest {over[0][what] / over[1]:.2f} times, {over[0]['mixture']} at {over[0]['eps']}",
            )
    for arithmetic, most in ROUNDING.items():
        held = [found for found in rows if arithmetic in found]
        if held:
            worst = max(held, key=lambda found: found[arithmetic])
            line(
                f"{arithmetic} rounding at most {most:g}",
                [found[arithmetic] <= most for found in held],
                f"largest {worst[arithmetic]:.1e}, {worst['mixture']} at {worst['eps']}",
            )
    worst = max(rows, key=lambda found: found["seconds"])
    line(
        f"design, construction and proof at most {SECONDS} s",
        [found["seconds"] <= SECONDS for found in rows],
        f"longest {worst['seconds']} s, {worst['mixture']} at {worst['eps']}",
    )
    for found in rows:
        if "seconds_of_100000_points" in found:
            took = found["seconds_of_100000_points"]
            line(
                f"100,000 points at most {SPEED:g} s",
                [took["float64"] <= SPEED],
                ", ".join(f"{k} {v} s" for k, v in took.items()),
            )
    return lines


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    heads = [
        "mixture",
        "eps",
        "depth",
        "width",
        "neurons",
        "weights",
        "proved",
        "measured",
        "ratio",
        "share",
        *ROUNDING,
        "s",
    ]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for found in rows:
        measured_text = f"{found['measured']:.2e} ± {100 * found['uncertainty'] / found['measured']:.0f} %"
        rounded = [f"{found[kind]:.0e}" if kind in found else "–" for kind in ROUNDING]
        cells = [
            found["mixture"],
            found["eps"],
            *(f"{found[key]:,}" for key in ("depth", "width", "neurons", "weights")),
            f"{found['proved']:.2e}",
            measured_text,
            f"{found['proved'] / found['measured']:.1f}",
            f"{found['share']:.2f}",
            *rounded,
            f"{found['seconds']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def saved() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else {}


def rows_saved() -> list[dict[str, Any]]:
    """The rows that the file has, in the order of the cases."""
    content = saved()
    return [content[f"{name} {eps}"] for name, eps in CASES if f"{name} {eps}" in content]


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of constructed networks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="mixtures; all unless given")
    parser.add_argument("--eps", help="errors, separated by commas; all unless given")
    parser.add_argument("--resume", action="store_true", help="keep the rows that there are")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    wanted = None if chosen.eps is None else chosen.eps.split(",")
    for name, eps in CASES:
        key = f"{name} {eps}"
        if (
            (chosen.names and name not in chosen.names)
            or (wanted and eps not in wanted)
            or (chosen.resume and key in saved())
        ):
            continue
        found = row(name, eps)
        content = saved() | {"environment": environment(), key: found}
        write_text_atomic(RESULTS, json.dumps(content, indent=1) + "\n")
        print(table([found]).splitlines()[-1], flush=True)
    rows = rows_saved()
    print("\n" + table(rows))
    print("\n".join(f"- {line}" for line in verdicts(rows)))


if __name__ == "__main__":
    main()
