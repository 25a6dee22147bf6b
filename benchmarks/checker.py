"""Time of the checker beside that of the producer, for every claim: at most a tenth, or a second; of F5 ten seconds.

python benchmarks/checker.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from measure import limit_threads, report, verdict
from sharp import random_mixture, time_of

import certflow as cf
from certflow.certificate.checker import check
from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.certificate.sharp_integral import sharp_integral_certificate

MIXTURES = ("two-modes", "ring-8", "random-5", "grid-4x4", "iris")
#: Those whose integral of the sharp rate is to be checked in so many seconds.
INTEGRALS, INTEGRAL_SECONDS = ("two-modes", "line-3", "ring-8", "grid-4x4", "random-5"), 10.0
REPETITIONS = 5
#: Producers that take seconds, timed once.
SLOW = ("antipodal, d = 3, K = 10, r = 0.2", "double pyramid, t = 0.3")
#: A double pyramid, whose longest diagonal runs through its inside.
PYRAMIDS = [["0", "0", "1.1"], ["0", "0", "-1"], ["1", "0", "0"], ["-0.5", "0.8", "0"], ["-0.5", "-0.8", "0"]]
#: Random mixtures of `benchmarks/sharp.py`, d and K; five modes in a plane and a point, of `benchmarks/flow_tube.py`.
RANDOM = ((2, 5), (2, 9), (2, 14), (3, 8))
FIVE = [["0.13", "-0.13"], ["0.64", "0.1"], ["-0.54", "0.36"], ["1.3", "0.95"], ["-0.7", "-1.27"]]
POINT = ["0.3", "-0.4"]


def timed(function: Callable[[], Any], repetitions: int = REPETITIONS) -> tuple[Any, float]:
    """The result and the median time."""
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return result, median(seconds)


def producers() -> dict[str, dict[str, Callable[[], dict[str, Any]]]]:
    """For each claim: certificates by name."""
    laws = {name: cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", 3) for name in MIXTURES}
    pyramids = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.2"] * 5, PYRAMIDS, "0.04"), "0.01", 3)
    cases: dict[str, dict[str, Callable[[], dict[str, Any]]]] = {}
    for claim, produce in PRODUCERS.items():
        options = {"rate": "two-sided"} if claim == "G1" else {}
        cases[claim] = {name: lambda p=p, f=produce, o=options: f(p, **o) for name, p in laws.items()}  # type: ignore[misc]
    cases["L5"] = {
        f"{name}, t = {t}": lambda p=p, t=t: sharp_certificate(p, t)[0]  # type: ignore[misc]
        for name, p in laws.items()
        for t in ("0.03", "0.3", "1")
    }
    for d, count in RANDOM:
        p = cf.OrnsteinUhlenbeck(random_mixture("normal", d, count), "0.001", 3)
        for r in (0.2, 1, 5):
            cases["L5"][f"random, d = {d}, K = {count}, r = {r}"] = lambda p=p, r=r: sharp_certificate(p, time_of(r))[0]  # type: ignore[misc]
    antipodal = cf.OrnsteinUhlenbeck(random_mixture("antipodal", 3, 10), "0.001", 3)  # thousands of cells
    cases["L5"]["antipodal, d = 3, K = 10, r = 0.2"] = lambda: sharp_certificate(antipodal, time_of(0.2))[0]
    cases["L5"]["double pyramid, t = 0.3"] = lambda: sharp_certificate(pyramids, "0.3")[0]
    for name in INTEGRALS:
        p = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", 3)
        cases.setdefault("F5", {})[name] = lambda p=p: sharp_integral_certificate(p)[0]  # type: ignore[misc]
    for name, p in laws.items():
        x = [f"{0.3 / (k + 1):.3f}" for k in range(p.mixture.dimension)]
        for digits in (12, 25):
            cases.setdefault("S3", {})[f"{name}, {digits} digits"] = lambda p=p, x=x, n=digits: flow_tube_certificate(  # type: ignore[misc]
                p, x, "3", "0.01", n
            )
    for variance in ("0.09", "0.01"):
        p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["0.2"] * 5, FIVE, variance), "0.01", 3)
        cases["S3"][f"five modes, variance {variance}"] = lambda p=p: flow_tube_certificate(p, POINT, "3", "0.01", 12)  # type: ignore[misc]
    return cases


def size(certificate: dict[str, Any]) -> int:
    """Leaves of all coverings, steps of a tube, bounds or nodes of an assertion."""
    proof, assertion = certificate["proof"], certificate["assertion"]
    if certificate["claim"] == "F5":
        covers = [cover for panel in proof["panels"] for cover in panel["covers"] if cover is not None]
        parts = [part["cover"] for cover in covers for part in (cover, *cover["faces"])]
        trees = [tree for part in parts for tree in (part["boxes"], *part["cones"])]
        return sum(not token.isdigit() for tree in trees for token in tree.split())
    if certificate["claim"] != "L5":
        return len(proof.get("steps", assertion.get("upper", assertion.get("nodes", [None]))))
    parts = [part for block in proof["blocks"] for part in (block, *block["faces"])]
    covers = [part["cover"] for part in parts if part["cover"] is not None]
    trees = [tree for cover in covers for tree in (cover["boxes"], *cover["cones"])]
    trees += [region["boxes"] for cover in covers for region in cover["regions"]]
    return sum(not token.isdigit() for tree in trees for token in tree.split())


def main() -> None:
    limit_threads()
    rows, numbers = [], []
    for claim, cases in producers().items():
        runs = []
        for name, produce in cases.items():
            produce()  # imports, and what a mixture remembers
            certificate, made = timed(produce, 1 if name in SLOW or claim == "F5" else REPETITIONS)
            text = certificate_text(certificate)
            found, checked = timed(lambda text=text: check(text))  # type: ignore[misc]
            runs.append(
                {
                    "claim": claim,
                    "case": name,
                    "accepted": found.accepted,
                    "bytes": len(text),
                    "leaves": size(certificate),
                    "producer seconds": made,
                    "checker seconds": checked,
                    "ratio": checked / made,
                    "allowed seconds": INTEGRAL_SECONDS if claim == "F5" else max(1.0, made / 10),
                }
            )
        numbers += runs
        worst = max(runs, key=lambda run: run["checker seconds"] / run["allowed seconds"])
        met = verdict(worst["checker seconds"] / worst["allowed seconds"], "<= 1")
        rows.append(
            {
                "claim": claim,
                "files": f"{len(runs)}",
                "accepted": f"{sum(run['accepted'] for run in runs)}",
                "most kB": f"{max(run['bytes'] for run in runs) / 1000:.1f}",
                "most leaves": f"{max(run['leaves'] for run in runs)}",
                "producer s": f"{median(run['producer seconds'] for run in runs):.4f}",
                "checker s": f"{median(run['checker seconds'] for run in runs):.4f}",
                "ratio": f"{median(run['ratio'] for run in runs):.3f}",
                "slowest case": worst["case"],
                "producer s there": f"{worst['producer seconds']:.3f}",
                "checker s there": f"{worst['checker seconds']:.3f}",
                "allowed s": f"{worst['allowed seconds']:.1f}",
                "verdict": met if all(run["accepted"] for run in runs) else "not met",
            }
        )
    report("checker", "the checker beside the producer, one core", rows, numbers)


if __name__ == "__main__":
    main()
