"""Certificates of sharp rates (L5), their integral (F5) and flow tubes (S3) as produced, and their mixtures."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

import certflow as cf
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.certificate.sharp_integral import sharp_integral_certificate


def mixture(means: list[list[str]], weights: list[str], variance: str, name: str = "law") -> cf.GaussianMixture:
    return cf.GaussianMixture(weights, means, variance, name=name)


def random_mixture(dimension: int, count: int, seed: int) -> cf.GaussianMixture:
    """Normal means and weights between 0.1 and 1, to three decimals."""
    rng = np.random.default_rng([seed, dimension, count])
    weights = [Fraction(f"{w:.3f}") for w in rng.uniform(0.1, 1, count)]
    means = [[f"{x:.3f}" for x in row] for row in rng.normal(size=(count, dimension))]
    return cf.GaussianMixture([w / sum(weights) for w in weights], means, "0.04", name=f"random {dimension} {count}")


#: A point on an edge of the hull: the coverings of infinity make use of the edge.
EDGES = [["0", "0"], ["1", "0"], ["2", "0"], ["1", "1.5"], ["0.6", "0.3"]]
#: Three pairs of nearly opposite points in space: the longest distances run through the inside, along ridges.
OPPOSITE = [
    ["0.5", "-0.146", "0.743"],
    ["0.125", "0.734", "0.399"],
    ["0.703", "-0.62", "0.395"],
    ["-0.823", "0.035", "-1.031"],
    ["-0.012", "-0.787", "-0.438"],
    ["-0.797", "0.647", "-0.188"],
]
#: A square and its middle in a plane of R^4, and a product of lines turned by (3/5, 4/5).
SQUARE = [["0", "0"], ["1", "0"], ["0", "1"], ["1", "1"], ["0.5", "0.4"]]
TURNED = [[str(Fraction(3 * x - 4 * y, 5)), str(Fraction(4 * x + 3 * y, 5))] for x in (-1, 0, 1) for y in (-1, 1)]

LAWS = {
    **{name: cf.load_mixture(name) for name in ("line-3", "ring-8", "random-5", "grid-4x4", "iris", "two-modes")},
    **{f"plane {count}": random_mixture(2, count, count) for count in (3, 5, 7, 9)},
    "space 5": random_mixture(3, 5, 1),
    "edges": mixture(EDGES, ["0.1", "0.5", "0.1", "0.1", "0.2"], "0.01"),
    "opposite": mixture(OPPOSITE, [f"{n}/3322" for n in (212, 779, 182, 914, 288, 947)], "0.01"),
    "embedded": mixture([[x, y, "1/3", str(Fraction(x) - Fraction(y))] for x, y in SQUARE], ["0.2"] * 5, "0.04"),
    "turned": mixture(TURNED, ["0.1", "0.1", "0.3", "0.3", "0.1", "0.1"], "0.04"),
    "minus one, zero, one": mixture([["-1"], ["0"], ["1"]], ["1/3"] * 3, "0.04"),
    "two": mixture([["0", "0"], ["1", "0.5"]], ["0.3", "0.7"], "0.09"),
    "line": mixture([["-1"], ["1"]], ["1/2", "1/2"], "0.01"),
    "three on a line": mixture([["-1.5"], ["0.1"], ["0.8"]], ["0.2", "0.5", "0.3"], "0.04"),
    "plane of five": mixture(
        [["0.13", "-0.13"], ["0.64", "0.1"], ["-0.54", "0.36"], ["1.3", "0.95"], ["-0.7", "-1.27"]], ["0.2"] * 5, "0.01"
    ),
}
T_MIN, T_MAX = "0.01", "3"


def process(law: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(LAWS[law], T_MIN, T_MAX)


@cache
def _sharp(law: str, t: str, kind: str, gap: str) -> str:
    return certificate_text(sharp_certificate(process(law), t, kind, gap=gap)[0])


def sharp(law: str, t: str, kind: str = "one-sided", gap: str = "1e-6") -> dict[str, Any]:
    """A fresh copy of the certificate of the sharp rate at `t`."""
    return json.loads(_sharp(law, t, kind, gap))


@cache
def _integral(law: str, gap: str) -> str:
    return certificate_text(sharp_integral_certificate(process(law), gap=gap, seconds=1e4)[0])


def integral(law: str, gap: str = "0.1") -> dict[str, Any]:
    """A fresh copy of the certificate of the integral of the sharp rate."""
    return json.loads(_integral(law, gap))


@cache
def _tube(law: str, x: tuple[str, ...], t_from: str, t_to: str, digits: int) -> str:
    return certificate_text(flow_tube_certificate(process(law), list(x), t_from, t_to, digits))


def tube(law: str, x: tuple[str, ...], t_from: str = "3", t_to: str = "0.01", digits: int = 12) -> dict[str, Any]:
    """A fresh copy of the certificate of the flow tube from `x`."""
    return json.loads(_tube(law, x, t_from, t_to, digits))


def trees(certificate: dict[str, Any]) -> dict[str, str]:
    """The paths of all trees of a sharp certificate, with the trees."""
    found = {}
    for b, block in enumerate(certificate["proof"]["blocks"]):
        covers = {f"proof.blocks.{b}.cover": block["cover"]} if block["cover"] else {}
        covers |= {f"proof.blocks.{b}.faces.{f}.cover": face["cover"] for f, face in enumerate(block["faces"])}
        for path, cover in covers.items():
            found[f"{path}.boxes"] = cover["boxes"]
            found |= {f"{path}.cones.{i}": tree for i, tree in enumerate(cover["cones"])}
            found |= {f"{path}.regions.{i}.boxes": region["boxes"] for i, region in enumerate(cover["regions"])}
    return found


def without(content: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy without one entry of a list or object."""
    result = copy.deepcopy(content)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = result
    for step in way:
        target = target[step]
    del target[last]
    return result
