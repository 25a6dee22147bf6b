"""Work is charged with the length of the numbers before it is done, by every family of rules. Steps are counted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import certificates
import hostile
import pytest
from certificates import changed
from depth import some
from hostile import counted, cover, simplex, tree
from produced import sharp, tube

from certflow.certificate import checker
from certflow.certificate.checker import coverings, flow_tubes
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.checker.reading import MAX_VALUES, over_common_denominator
from certflow.certificate.checker.work import Work

HOSTILE = dict(hostile.certificates())
TEXTS = dict(hostile.texts(scale=16))


@pytest.mark.parametrize("name", some(HOSTILE, 2))
def test_calls_are_charged(name: str) -> None:
    """What is refused for its work has not done more than is counted, and nothing else costs more than is counted."""
    counted(json.dumps(HOSTILE[name]()))


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_charged(name: str) -> None:
    text = TEXTS[name]()
    verdict = counted(text, checker.MAX_WORK)
    assert len(text) // 2 <= verdict.work <= checker.MAX_WORK


def work_of(content: dict[str, Any]) -> int:
    verdict = checker.check(json.dumps(content), 10**15)
    assert verdict.accepted or "in which" in verdict.text or "enclosed here" in verdict.text, verdict.text
    return verdict.work


def begun(content: dict[str, Any]) -> int:
    return checker.check(json.dumps(content)).work


def test_leaves_of_1024_bits_are_refused_before_they_are_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 1.5 kB that took a minute: eight leaves with determinants of 256 matrices of 8 rows each."""
    content = HOSTILE["L5, Taylor leaves of 1024 bits"]()
    assert len(json.dumps(content)) < 2000
    settled: list[None] = []
    honest = coverings.Covering.taylor
    monkeypatch.setattr(coverings.Covering, "taylor", lambda *a: settled.append(None) or honest(*a))
    verdict = checker.check(json.dumps(content))
    assert not verdict.accepted
    assert verdict.text.startswith("proof.blocks[0].cover.boxes, token 3: got ")
    assert f"at most {checker.MAX_WORK} steps of work (--work N allows N)" in verdict.text
    assert settled == []


def test_a_list_over_a_long_common_denominator_is_refused_before_it_is_made() -> None:
    """935 kB of "1" beside three fractions whose common denominator is long: as integers they took 829 MB."""
    content = certificates.certificate(certificates.LAWS["plane"], "F2")
    coprime = [10**exponent + unit for exponent, unit in ((3270, 1), (3271, 3), (3270, 7))]
    rows = [[f"1/{each}", "1"] for each in coprime] + [["1", "1"]] * 90_000
    content["problem"]["mixture"]["means"] = rows
    content["problem"]["mixture"]["weights"] = [f"1/{len(rows)}"] * len(rows)
    verdict = checker.check(json.dumps(content), 10**12)
    assert not verdict.accepted
    assert verdict.text.startswith("problem.mixture.means: got 180006; required: fewer numbers"), verdict.text


def taylor_leaves(leaves: int, bits: int, size: int = 3) -> dict[str, Any]:
    depth = leaves.bit_length() - 1
    return hostile.sharp(simplex(size), cover(size, tree(depth, size, "T")), bits=bits)


def test_the_charge_doubles_with_the_leaves() -> None:
    few, more, most = (work_of(taylor_leaves(leaves, 256)) for leaves in (64, 128, 256))
    assert 1.9 < (most - more) / (more - few) < 2.1


@pytest.mark.parametrize(
    "family",
    [
        lambda bits: taylor_leaves(64, bits),
        lambda bits: hostile.sharp(simplex(2), cover(2, tree(6, 2, "P0,1")), bits=bits),
        lambda bits: hostile.flow([["0"], ["1"]], [{"end": hostile.START, "order": 64}] * 9, bits=bits),
    ],
    ids=["Taylor", "pair", "flow tube"],
)
def test_the_charge_grows_with_the_bits(family: Callable[[int], dict[str, Any]]) -> None:
    """Eight times the bits: multiplication takes up to 64 times as long, and the rest of the work eight times."""
    short, long = work_of(family(128)), work_of(family(1024))
    assert 6 < long / short < 200


@pytest.mark.parametrize("claim", ["F1", "L3", "G1"])
def test_long_numbers_are_charged(claim: str) -> None:
    name = {"F1": "F1, means of large exponents", "L3": "L3, long times", "G1": "G1, long nodes"}[claim]
    assert begun(HOSTILE[name]()) > checker.MAX_WORK


@pytest.mark.parametrize("text", ["1e5000", "1e-5000", "1" * 4300, hostile.LONG])
def test_a_long_number_costs_more_than_a_short_one(text: str) -> None:
    content = sharp("line-3", "1")

    def work(vector: str) -> int:
        content["proof"]["lower"]["vector"] = [vector]
        return checker.check(json.dumps(content)).work

    assert work(text) > 20_000 + work("1")


def test_a_face_that_has_few_members_is_charged_for_all_points() -> None:
    """On a face, points outside it count with a budget: each leaf passes them all."""
    face = {"members": [0, 1, 2], "pivots": [0], "cover": cover(1, tree(4, 1, "P0,2"), "P0,2")}

    def work(count: int, faces: int) -> int:
        means = [["0", "0"], ["1", "0"], ["2", "0"], *([str(k), "1"] for k in range(count))]
        return work_of(hostile.sharp(means, cover(2, "P0,1"), threshold="1e9", faces=[face] * faces, lower="-1e30"))

    assert work(400, 2) - work(400, 1) > 19 * 400 + work(10, 2) - work(10, 1)


def test_coefficients_that_swell_are_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a thousand bits longer than the one before: 256 of them are not computed before that is seen."""
    bits: list[int] = []
    honest = flow_tubes.bits_of

    def seen(numbers: Any) -> int:
        bits.append(honest(numbers))
        return bits[-1]

    monkeypatch.setattr(flow_tubes, "bits_of", seen)
    verdict = checker.check(json.dumps(HOSTILE["S3, coefficients that swell"]()), 10_000_000)
    assert "at most 10000000 steps of work" in verdict.text
    assert max(bits) < 256 * 1000


def test_what_the_product_makes_is_far_from_the_bound() -> None:
    for content in (sharp("plane 9", "0.3"), sharp("ring-8", "1"), tube("ring-8", ("0.01", "0"), digits=25)):
        verdict = checker.check(json.dumps(content))
        assert verdict.accepted
        assert 2 * verdict.work < checker.MAX_WORK


def test_limits_of_the_form() -> None:
    assert checker.check(f"[{'0,' * MAX_VALUES}0]").text.startswith(
        f"certificate: got {MAX_VALUES + 1}; required: at most"
    )
    assert "integers of at most 4300 digits" in checker.check('{"a": ' + "7" * 4301 + "}").text
    assert Fraction(hostile.START).denominator <= 2**96


# -- what is done is charged, and what is charged stays ---------------------------------------------------------------


def closed(claim: str, assertion: dict[str, Any]) -> dict[str, Any]:
    """A file by hand: two means at distance 2, variance 0.04, t from 0.01 to 3."""
    pair = {"pair": [0, 1]} if claim in ("F2", "G1") else {}
    return hostile.sealed(
        {
            "schema": "certflow/certificate/1",
            "claim": claim,
            "problem": {"mixture": hostile.mixture([["-1"], ["1"]]), "t_min": "0.01", "t_max": "3"},
            "assertion": {"diameter_squared": "4", **assertion},
            "proof": {"rule": "popoviciu" if claim in ("L2", "L3") else "closed-form", "bits": 128} | pair,
            "producer": {"name": "x"},
        }
    )


PANELS = {"times": ["0.01", "1", "3"], "upper": ["1e9"] * 2}
RATIOS = {"growth": "1000", "contraction": "-1000", "factor": None}
ENDS = [["3", "3"], ["0.01", "0.01"]]
BY_HAND = {
    "L2": closed("L2", PANELS),
    "L3": closed("L3", PANELS | {"lower": ["-1e9"] * 2}),
    "F1": closed("F1", RATIOS),
    "F2": closed("F2", {"one-sided": ["0", "1e9"], "two-sided": ["0", "1e9"]}),
    "G1, one segment": closed("G1", {"rate": "two-sided", "segments": 1, "nodes": ENDS}),
    "G1, two segments": closed(
        "G1", {"rate": "one-sided", "segments": 2, "nodes": [ENDS[0], ["0.02", "2.9"], ENDS[1]]}
    ),
    "L5": hostile.sharp(simplex(2), cover(2, "P0,1"), threshold="1e9"),
    "L5, no cover": hostile.sharp(simplex(2), None, threshold="1e9"),
    "F5": hostile.integral(simplex(2), [hostile.panel("1", cover(2, "2 P0,1 P0,1"))], pieces=[hostile.piece(2, 3, 4)]),
    "S3": hostile.flow([["0"], ["1"]], [{"end": hostile.START, "order": 4}]),
    "C2": hostile.maps(hostile.residual(hostile.layer(2, 1), hostile.layer(1, 2)), count=8),
}
STEPS = {
    "L2": 78614,
    "L3": 79033,
    "F1": 78046,
    "F2": 80517,
    "G1, one segment": 87414,
    "G1, two segments": 94652,
    "L5": 99074,
    "L5, no cover": 86890,
    "F5": 149033,
    "S3": 83520,
    "C2": 143439,
}


@pytest.mark.parametrize(("name", "steps"), STEPS.items())
def test_the_count_is_the_same_everywhere_and_in_every_release(name: str, steps: int) -> None:
    """What `--work N` allows is a promise: these are the counts of files by hand. They change on purpose only."""
    assert checker.check(json.dumps(BY_HAND[name])).work == steps


@pytest.mark.parametrize("name", [name for name in BY_HAND if name[0] != "S"])
def test_every_exponential_and_logarithm_is_charged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 1024 bits they are the dearest part; the tables of the arithmetic are charged for themselves."""
    made: list[str] = []
    for part in ("exp", "log"):
        honest = getattr(Arithmetic, part)
        monkeypatch.setattr(
            Arithmetic, part, lambda self, x, part=part, honest=honest: made.append(part) or honest(self, x)
        )
    verdict = checker.check(json.dumps(changed(BY_HAND[name], "proof.bits", 1024)), 10**9)
    assert len(made) >= 2
    terms = next(n for n in range(1000) if math.factorial(n) << 8 * n >= 1 << 1024)
    each = 2 * terms * (1024**2 >> 15)  # products of two ends
    assert verdict.work - Arithmetic.setup(1024) >= len(made) * each


def test_products_of_long_numerators_are_charged() -> None:
    """Over a common denominator of `b` bits, a numerator of `a` bits is multiplied by up to `b` bits."""
    numerator, denominator, work = 3**9000, 7**5000, Work(10**9)
    integers, common = over_common_denominator([Fraction(numerator), Fraction(1, denominator)], "means", work)
    assert (integers, common) == ([numerator * denominator, 1], denominator)
    assert work.done >= numerator.bit_length() * denominator.bit_length() >> 15
