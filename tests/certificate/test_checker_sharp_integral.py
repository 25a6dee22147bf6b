"""The integral of the sharp rate (F5): what is produced is accepted and true; planted falsehoods are refused."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from importlib.resources import files
from typing import Any

import jsonschema
import mpmath
import numpy as np
import pytest
from certificates import changed, sealed
from depth import night
from hostile import counted
from produced import integral, process
from refusing import check, refuse

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.checker import sharp_integrals
from certflow.certificate.sharp_integral import sharp_integral_certificate
from certflow.errors import InputError

SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)
LINE = "minus one, zero, one"


def ends(content: dict[str, Any]) -> tuple[mpmath.mpf, mpmath.mpf]:
    return tuple(mpmath.mpf(content["assertion"][key]) for key in ("lower", "upper"))  # type: ignore[return-value]


def with_ends(content: dict[str, Any], lower: Any, upper: Any) -> dict[str, Any]:
    """The assertion with other ends, and a factor that fits; numbers are mpmath's, to 30 digits."""
    factor = mpmath.nstr(mpmath.exp(upper) * (1 + mpmath.mpf(10) ** -20), 40)
    told = {"lower": mpmath.nstr(lower, 30), "upper": mpmath.nstr(upper, 30), "factor": factor}
    return sealed(content | {"assertion": told})


def exact_growth(start: str, end: str, variance: str) -> mpmath.mpf:
    """`int lambda*` of equal weights at -1, 0, 1, by quadrature over time of the rate written out (proofs/L5.md)."""

    def rate(t: Any) -> Any:
        m = mpmath.exp(-t)
        v = mpmath.mpf(variance) * m**2 + 1 - m**2
        q = mpmath.exp(-(m**2) / (2 * v))
        spread = 2 * q / (1 + 2 * q) if 4 * q >= 1 else 1 / (4 * (1 - 4 * q * q))
        return 1 - 1 / v + m**2 / v**2 * spread

    # m^2/(2v) = log 4 where the maximum leaves the middle
    bend = mpmath.log(1 / (2 * mpmath.log(4)) + 1 - mpmath.mpf(variance)) / 2
    inner = [mpmath.mpf("0.03"), mpmath.mpf("0.1"), bend, mpmath.mpf("0.6")]
    nodes = [mpmath.mpf(start), *(t for t in sorted(inner) if mpmath.mpf(start) < t < mpmath.mpf(end)), mpmath.mpf(end)]
    return mpmath.quad(rate, nodes)


# -- accepted and true ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "gap"),
    [
        ("two", "0.1"),
        (LINE, "0.1"),
        ("turned", "0.1"),
        *night(*((law, "0.1") for law in ("edges", "embedded", "plane 5", "space 5", "opposite"))),
    ],
)
def test_what_is_produced_is_accepted(law: str, gap: str) -> None:
    content = integral(law, gap)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.text.startswith("int lambda* lies in [")
    assert 4 * verdict.work < 3 * checker.MAX_WORK
    FORM.validate(content)


@pytest.mark.parametrize("law", night("two-modes", "line-3", "ring-8", "grid-4x4", "random-5"))
def test_the_built_ins_within_a_hundredth_of_the_enclosure(law: str) -> None:
    content = integral(law, "5e-3")
    verdict = check(content)
    assert verdict.accepted, verdict.text
    found = cf.enclosure.sharp_stability(process(law), "0.01", "3", seconds=1e4)
    upper = Fraction(content["assertion"]["upper"])
    assert found.lower <= upper <= found.upper * Fraction("1.01")
    if law in ("line-3", "ring-8", "grid-4x4"):
        assert 2 * upper < found.popoviciu


def test_the_exact_integral_is_between_the_ends() -> None:
    """And half of it, or the closed form, is not."""
    low, high = ends(integral(LINE))
    with mpmath.workdps(25):
        value = exact_growth("0.01", "3", "0.04")
        assert low <= value <= high
        assert high - low <= value / 5
        closed = cf.OrnsteinUhlenbeck(process(LINE).mixture).stability(mpmath.mpf("0.01"), mpmath.mpf(3))
        assert closed > 2 * high


def test_of_two_means_the_closed_form_is_the_value() -> None:
    low, high = ends(integral("two"))
    with mpmath.workdps(25):
        closed = process("two").stability(mpmath.mpf("0.01"), mpmath.mpf(3))
        assert low <= closed <= high
        assert high - low < closed / 10**9
        assert (
            closed < mpmath.log(mpmath.mpf(integral("two")["assertion"]["factor"])) < closed * (1 + mpmath.mpf("1e-9"))
        )


def test_where_there_is_no_certificate() -> None:
    single = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1"], [["1"]], "0.04"))
    with pytest.raises(InputError, match="at least two different means"):
        sharp_integral_certificate(single)
    shared = cf.OrnsteinUhlenbeck(cf.load_mixture("anisotropic-pair"))
    with pytest.raises(InputError, match="common-isotropic"):
        sharp_integral_certificate(shared)


# -- planted falsehoods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", ["1e-9", "1e-6", "1e-3"])
def test_ends_beyond_the_truth(relative: str) -> None:
    """Levels kept, and levels that would go with the false end: an end is refused, or a cell is not settled."""
    content = integral(LINE)
    with mpmath.workdps(40):
        value = exact_growth("0.01", "3", "0.04")
        step = value * mpmath.mpf(relative)
        high = ends(content)[1]
        refuse(with_ends(content, value - value / 2, value - step), "assertion.upper", "from above")
        refuse(with_ends(content, value + step, high), "assertion.lower", "from below")
        start, whole = Fraction(content["proof"]["start"]), Fraction(0)
        false = copy.deepcopy(content)
        for panel in false["proof"]["panels"]:
            end = Fraction(panel["end"])
            whole, start = whole + (end - start) * sum(map(Fraction, panel["levels"])) / 2, end
        share = 1 - Fraction(mpmath.nstr(high - value + 2 * step, 30)) / whole
        for panel in false["proof"]["panels"]:
            panel["levels"] = [str(Fraction(level) * share) for level in panel["levels"]]
        refuse(with_ends(false, value - value / 2, value - step), "proof.panels[", "settles its cell")


def changed_proof(change: str, content: dict[str, Any]) -> dict[str, Any]:
    """One falsehood in the hints; the panels of the line have coverings, and there are several."""
    proof = content["proof"]
    panels, pieces = proof["panels"], proof["pieces"]
    if change == "a late start":
        proof["start"] = "1e-2"
    elif change == "the last panel left out":
        del panels[-1]
    elif change == "a panel backwards":
        panels[1]["end"] = proof["start"]
    elif change == "Popoviciu above the line":
        panels[-1]["covers"] = [None]
    elif change == "two coverings of one block":
        panels[0]["covers"] = panels[0]["covers"] * 2
    elif change == "a level of 0":
        panels[0]["levels"][0] = "0"
    elif change == "an open cell":
        cover = panels[-1]["covers"][0]["cover"]
        *tree, leaf = cover["boxes"].split(" ")
        cover["boxes"] = " ".join([*tree, "0", leaf])  # what settles a cell settles its first half
    elif change == "one cell":
        panels[-1]["covers"][0]["cover"]["boxes"] = "T"
    elif change == "a region":
        panels[-1]["covers"][0]["cover"]["boxes"] = "R0"
    elif change == "a cone left out":
        del panels[-1]["covers"][0]["cover"]["cones"][0]
    elif change == "one piece twice":
        proof["pieces"] = [pieces[0], *pieces]
    elif change == "a piece too far":
        pieces[-1]["end"] = "1e3"
    elif change == "a piece too early":
        pieces[0]["start"] = "1e-9"
    elif change == "members of no face":
        pieces[0]["members"] = pieces[0]["members"][1:]
    elif change == "a vector of 0":
        pieces[0]["vector"] = ["0"] * len(pieces[0]["vector"])
    else:
        pieces[0]["block"] = 1
    return content


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ("a late start", "proof.start", "at most r(t_max)"),
        ("the last panel left out", "proof.panels", "up to r(t_min)"),
        ("a panel backwards", "proof.panels[1].end", "above the end before"),
        ("Popoviciu above the line", "proof.panels[", "D^2/4 of block 0"),
        ("two coverings of one block", "proof.panels[0].covers", "one for each block"),
        ("a level of 0", "proof.panels[0].levels", "numbers > 0"),
        ("an open cell", "proof.panels[", "cells left open"),
        ("one cell", "proof.panels[", "settles its cell"),
        ("a region", "proof.panels[", "settles its cell"),
        ("a cone left out", "proof.panels[", "2 trees"),
        ("one piece twice", "proof.pieces[1].start", "from the last end on"),
        ("a piece too far", "proof.pieces[", "at most r(t_min)"),
        ("a piece too early", "proof.pieces[0].start", "r(t_max) or more"),
        ("members of no face", "proof.pieces[0].members", "that the normal exposes"),
        ("a vector of 0", "proof.pieces[0].vector", "not 0"),
        ("another block", "proof.pieces[0].block", "below 1"),
    ],
)
def test_planted_falsehoods(change: str, field: str, words: str) -> None:
    refuse(changed_proof(change, integral(LINE)), field, words)


def test_the_factor_is_the_exponential_of_the_upper_end() -> None:
    content = integral("two")
    factor = Fraction(content["assertion"]["factor"])
    refuse(
        changed(content, "assertion.factor", str(factor * (1 - Fraction(1, 10**15)))), "assertion.factor", "from above"
    )
    refuse(changed(content, "assertion.factor", None), "assertion.factor", "null if upper > 600")
    assert check(changed(content, "assertion.factor", str(2 * factor))).accepted


def test_r_is_bisected_and_its_axis_is_known() -> None:
    """Some trees bisect r, the last axis; one axis more is refused."""
    content = integral(LINE)
    trees = [panel["covers"][0]["cover"]["boxes"] for panel in content["proof"]["panels"] if panel["covers"][0]]
    assert trees
    assert any(tree.startswith("1 ") or " 1 " in tree for tree in trees)
    wrong = copy.deepcopy(content)
    where = next(panel for panel in wrong["proof"]["panels"] if panel["covers"][0])["covers"][0]["cover"]
    where["boxes"] = "2 " + where["boxes"]
    refuse(wrong, "proof.panels[", "an axis below 2")


def test_a_cone_does_not_grow_with_r_alone() -> None:
    """Far out the pair of -1 and 0 settles nothing on the side of 1, whatever r does to their masses."""
    content = integral(LINE)
    panel = next(panel for panel in content["proof"]["panels"] if panel["covers"][0])
    cones = panel["covers"][0]["cover"]["cones"]
    assert cones[0] != cones[1]
    cones.reverse()
    refuse(content, "proof.panels[", "settles its cell")


def test_few_midpoints_say_less() -> None:
    content = integral(LINE)
    assert max(piece["steps"] for piece in content["proof"]["pieces"]) > 1
    for piece in content["proof"]["pieces"]:
        piece["steps"] = 1
    refuse(content, "assertion.lower", "from below")


def test_no_call_is_free() -> None:
    verdict = counted(json.dumps(integral(LINE)), checker.MAX_WORK)
    assert verdict.accepted


def test_work_is_refused_before_it_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million midpoints are not begun."""
    content = integral("two")
    content["proof"]["pieces"][0]["steps"] = 999_999
    asked: list[None] = []
    monkeypatch.setattr(sharp_integrals, "variance_of", lambda *_: asked.append(None) or (0, 0))
    refuse(content, "proof.pieces[0]", "steps of work")
    assert asked == []


# -- the lemma --------------------------------------------------------------------------------------------------------


def midpoint_loss(logits: Any, heights: Any, rates: Any, width: float) -> float:
    """`(w f(0) - int f) / (w^3 H^2 S^2)` for `f(r) = Var(h)`, `p ~ exp(logits + rates r)`, by Gauss-Legendre."""

    def variance(r: Any) -> Any:
        share = np.exp(logits + np.outer(r, rates))
        share /= share.sum(1, keepdims=True)
        return (share * (heights - (share @ heights)[:, None]) ** 2).sum(1)

    nodes, weights = np.polynomial.legendre.leggauss(40)
    whole = (variance(nodes * width / 2) * weights).sum() * width / 2
    return float((width * variance(np.zeros(1))[0] - whole) / (width**3 * np.ptp(heights) ** 2 * np.ptp(rates) ** 2))


def test_the_midpoint_rule_loses_no_more_than_the_lemma_says() -> None:
    """At random laws; two means of equal mass lose nearly all of it, so no smaller bound holds."""
    draw = np.random.default_rng(5)
    for _ in range(300):
        count = draw.integers(2, 7)
        logits, heights, rates = draw.normal(size=(3, count)) * 10 ** draw.uniform(-1, 1)
        assert midpoint_loss(logits, heights, rates, 10 ** draw.uniform(-2, 0.5)) <= 1 / 192 + 1e-9
    pair = np.array([0.0, 1.0])
    assert midpoint_loss(np.zeros(2), pair, pair, 0.05) > 0.99 / 192
