"""`certflow check --kernel` of L5: what the theorem says of its witness is true and compiles; with more it does not.

The truth is computed here with mpmath from the densities, at the points and the directions that the theorem names.
Coq has these theorems in the night, one of them every day in `test_kernel.py`.
"""

from __future__ import annotations

import copy
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from depth import nightly

import certflow as cf
from certflow.certificate.sharp import sharp_certificate
from certflow.formal import Kernel, opened_kernel, theorem_file

compiled = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc is not installed: apt-get install coq libcoq-interval libcoq-coquelicot"
)
#: A product of two laws along the axes (3, 4) and (-4, 3).
TURNED = cf.GaussianMixture(
    ["0.25", "0.25", "0.25", "0.25"], [["0", "0"], ["3", "4"], ["-4", "3"], ["-1", "7"]], "0.5", name="turned"
)
WIDE = cf.GaussianMixture(["0.3", "0.7"], [["0"], ["1/10"]], "3", name="wide")
#: Where each witness is: a point, an edge of the hull at infinity, a vertex there (where `L` is `|1/v - 1|`).
CASES = {
    "at a point": ("line-3", "0.1", "one-sided"),
    "of a norm at a point": ("line-3", "0.01", "two-sided"),
    "towards an edge": ("iris", "0.5", "one-sided"),
    "of a norm towards an edge": ("iris", "0.5", "two-sided"),
    "towards a vertex": ("line-3", "0.5", "two-sided"),
    "in a plane that is turned": (TURNED, "0.4", "one-sided"),
    "of a variance above 1": (WIDE, "0.2", "two-sided"),
}


@dataclass(frozen=True)
class Witness:
    """What the theorem names, read from its text."""

    point: list[mpmath.mpf]
    normal: list[int]
    direction: list[int]


def certificate(name: str) -> dict[str, Any]:
    law, t, rate = CASES[name]
    mixture = law if isinstance(law, cf.GaussianMixture) else cf.load_mixture(law)
    return sharp_certificate(cf.OrnsteinUhlenbeck(mixture, "0.01", 3), t, rate, gap="1e-6")[0]


def witness_of(text: str) -> Witness:
    def numbers(name: str) -> list[int]:
        found = re.search(rf"^Definition {name} : list Z := \((.*)\)%Z\.$", text, re.MULTILINE)
        assert found is not None
        return [int(entry.strip(" ()")) for entry in found[1].split("::")[:-1]]

    below = re.search(r"^Definition x : vec := entries point_row (\d+)%Z\.$", text, re.MULTILINE)
    assert below is not None
    point = [mpmath.mpf(entry) / int(below[1]) for entry in numbers("point_row")]
    return Witness(point, numbers("normal"), numbers("direction"))


def number(text: str) -> mpmath.mpf:
    top, _, bottom = text.partition("/")
    return mpmath.mpf(top) / (mpmath.mpf(bottom) if bottom else 1)


def quotient(content: dict[str, Any], witness: Witness) -> mpmath.mpf:
    """`-h^T J h / |h|^2`, or `|J h| / |h|`, at the point, or so far along the ray that the rest is at most `e^-200`."""
    mixture, assertion = content["problem"]["mixture"], content["assertion"]
    exact = [[Fraction(entry) for entry in row] for row in mixture["means"]]
    means = [[number(str(entry)) for entry in row] for row in exact]
    weights = [number(entry) for entry in mixture["weights"]]
    m = mpmath.exp(-number(assertion["t"]))
    v = 1 - (1 - number(mixture["covariances"]["values"])) * m**2
    x, h, axes = list(witness.point), witness.direction, range(len(means[0]))
    if witness.normal:
        pushes = [sum(n * a for n, a in zip(witness.normal, mean, strict=True)) for mean in exact]
        least = min(max(pushes) - push for push in pushes if push != max(pushes))
        far = math.ceil(200 * v / m * least.denominator / least.numerator)
        x = [a + far * n for a, n in zip(x, witness.normal, strict=True)]
    exponents = [-sum((x[i] - m * mean[i]) ** 2 for i in axes) / (2 * v) for mean in means]
    masses = [w * mpmath.exp(e - max(exponents)) for w, e in zip(weights, exponents, strict=True)]
    gamma = [mass / sum(masses) for mass in masses]
    middle = [sum(g * mean[i] for g, mean in zip(gamma, means, strict=True)) for i in axes]
    spread = mpmath.matrix(len(h), len(h))
    for g, mean in zip(gamma, means, strict=True):
        off = mpmath.matrix([a - b for a, b in zip(mean, middle, strict=True)])
        spread += g * off * off.T
    image = ((1 / v - 1) * mpmath.eye(len(h)) - m**2 / v**2 * spread) * mpmath.matrix(h)
    square = sum(mpmath.mpf(entry) ** 2 for entry in h)
    if assertion["kind"] == "two-sided":
        return mpmath.norm(image) / mpmath.sqrt(square)
    return -sum(a * b for a, b in zip(h, image, strict=True)) / square


def raised(name: str) -> dict[str, Any]:
    """The certificate with a lower bound just above the rate at its witness; no checker looks at it."""
    content = copy.deepcopy(certificate(name))
    with mpmath.workdps(60):
        truth = quotient(content, witness_of(theorem_file(content)))
        content["assertion"]["lower"] = mpmath.nstr(truth + mpmath.mpf("1e-15"), 40)
    return content


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with opened_kernel() as found:
        yield found


@pytest.mark.parametrize("name", CASES)
def test_the_witness_of_the_theorem_has_the_asserted_rate(name: str) -> None:
    content = certificate(name)
    assert (content["proof"]["turn"] is not None) == ("turned" in name)
    with mpmath.workdps(60):
        found, lower = quotient(content, witness_of(theorem_file(content))), mpmath.mpf(content["assertion"]["lower"])
        assert lower <= found <= lower + mpmath.mpf("1e-15") * abs(lower)


@compiled
@nightly
@pytest.mark.parametrize("name", CASES)
def test_the_theorem_of_the_lower_bound_compiles(name: str, kernel: Kernel) -> None:
    verdict = kernel.decide(certificate(name))
    assert verdict.accepted, verdict.text
    assert verdict.text == f"theorem of the lower bound compiled by Coq {kernel.version}, on the listed axioms"
    assert ("exists j, low" in (verdict.theorem or "")) == ("towards" in name)


@compiled
@nightly
@pytest.mark.parametrize("name", CASES)
def test_a_lower_bound_above_the_rate_does_not_compile(name: str, kernel: Kernel) -> None:
    verdict = kernel.decide(raised(name), seconds=30)
    assert not verdict.accepted
    assert verdict.text.startswith("not closed: low_below")


@compiled
@nightly
def test_a_witness_with_a_lower_rate_does_not_compile(kernel: Kernel) -> None:
    content = certificate("at a point")
    content["proof"]["lower"]["point"] = ["-0.6"]
    verdict = kernel.decide(content, seconds=30)
    assert not verdict.accepted
    assert verdict.text.startswith("not closed: low_below")
