"""Sharp rates (L5): what the package produces is accepted; a condition that fails is refused, and its field named."""

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
from depth import night, nightly, some
from hostile import counted
from produced import LAWS, sharp, trees

from certflow.certificate import checker
from certflow.certificate.checker import Verdict, coverings

KINDS = ("one-sided", "two-sided")
SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)
BLOCK = "proof.blocks.0"


def check(content: dict[str, Any]) -> Verdict:
    return checker.check(json.dumps(content))


def refuse(content: dict[str, Any], field: str, *words: str) -> None:
    """Refused in one line that begins with the field and contains the words."""
    verdict = check(content)
    assert not verdict.accepted, verdict.text
    assert verdict.text.isprintable()
    assert verdict.text.startswith(field), verdict.text
    assert "cannot be checked" not in verdict.text
    for word in words:
        assert word in verdict.text, verdict.text


def tokens(content: dict[str, Any], path: str) -> list[str]:
    return trees(content)[path].split(" ")


def with_tokens(content: dict[str, Any], path: str, words: list[str]) -> dict[str, Any]:
    return changed(content, path, " ".join(words))


def leaves(content: dict[str, Any], kind: str) -> list[tuple[str, int]]:
    """Path and place of all leaves of a kind."""
    found = [(path, place, word) for path, tree in trees(content).items() for place, word in enumerate(tree.split(" "))]
    return [(path, place) for path, place, word in found if word[0] == kind]


def replaced(content: dict[str, Any], place: tuple[str, int], word: str | None) -> dict[str, Any]:
    """One token replaced, or left out."""
    words = tokens(content, place[0])
    words[place[1] : place[1] + 1] = [] if word is None else [word]
    return with_tokens(content, place[0], words)


# -- accepted ---------------------------------------------------------------------------------------------------------

PLAIN = [law for law in LAWS if law != "opposite"]


@pytest.mark.parametrize(
    ("law", "t", "kind"),
    [
        *some((law, "0.3", kind) for law in PLAIN for kind in KINDS),
        *night(*((law, t, kind) for law in PLAIN for t in ("0.03", "1") for kind in KINDS)),
    ],
)
def test_what_is_produced_is_accepted(law: str, t: str, kind: str) -> None:
    content = sharp(law, t, kind)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.text.startswith(f"at t = {t}, ")
    FORM.validate(content)


def test_a_covering_in_space_with_faces_and_regions() -> None:
    content = sharp("opposite", "0.1", gap="1e-2")
    assert check(content).accepted
    assert {word[0] for tree in trees(content).values() for word in tree.split(" ")} >= set("012PTRF")
    FORM.validate(content)


def test_the_cases_hold_every_kind_of_proof() -> None:
    kinds = {word[0] for law in PLAIN for tree in trees(sharp(law, "0.3")).values() for word in tree.split(" ")}
    assert kinds >= set("01PTRF")
    proofs = [sharp(law, "0.3")["proof"] for law in PLAIN]
    assert any(proof["turn"] is not None for proof in proofs)
    assert any(len(proof["blocks"]) > 1 for proof in proofs)
    assert any(proof["blocks"][0]["cover"] is None for proof in proofs)
    assert {proof["lower"]["normal"] is None for proof in proofs} == {True, False}


# -- the truth, by other means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["ring-8", "plane 5", "plane 7", "edges", "embedded", "turned", "plane of five"])
@pytest.mark.parametrize("t", [*night("0.03"), "1"])
def test_no_tilt_exceeds_what_is_asserted(law: str, t: str) -> None:
    """`lambda_max(-J)` at many points of all scales, from the means themselves."""
    content = sharp(law, t)
    mixture = LAWS[law]
    m = np.exp(-float(Fraction(t)))
    v = float(mixture.exact_covariances.fractions[()]) * m**2 + 1 - m**2
    rng = np.random.default_rng(len(law))
    means = mixture.means - mixture.means.mean(0)
    x = rng.normal(size=(20_000, means.shape[1])) * 10.0 ** rng.uniform(-2, 3, (20_000, 1))
    logits = np.log(mixture.weights) - ((x[:, None] - m * means) ** 2).sum(2) / (2 * v)
    share = np.exp(logits - logits.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    off = means - (share @ means)[:, None]
    spread = np.linalg.eigvalsh(np.einsum("nk,nki,nkj->nij", share, off, off))[:, -1].max()
    assert 1 - 1 / v + m**2 / v**2 * spread <= float(Fraction(content["assertion"]["upper"])) * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("t", ["0.03", "0.3", "1"])
@pytest.mark.parametrize("relative", ["1e-8", "1e-6", "1e-3"])
def test_a_threshold_below_the_truth(t: str, relative: str) -> None:
    """Equal weights at -1, 0, 1, where V* is known exactly: all trees kept, the threshold and the bound lowered."""
    content = sharp("minus one, zero, one", t, gap="1e-9")
    with mpmath.workdps(40):
        m = mpmath.exp(-mpmath.mpf(t))
        v = mpmath.mpf("0.04") * m**2 + 1 - m**2
        q = mpmath.exp(-(m**2) / (2 * v))
        spread = 2 * q / (1 + 2 * q) if q >= 0.25 else 1 / (4 * (1 - 4 * q * q))
        rate = 1 - 1 / v + m**2 / v**2 * spread
        below = spread * (1 - mpmath.mpf(relative))
        false = changed(content, f"{BLOCK}.threshold", mpmath.nstr(below, 30, strip_zeros=False))
        assert mpmath.mpf(content["assertion"]["lower"]) <= rate <= mpmath.mpf(content["assertion"]["upper"])
        refuse(changed(false, "assertion.upper", mpmath.nstr(rate, 25)), "proof.blocks[0].cover.", "settles")
        low = rate - mpmath.mpf(relative) * abs(rate)
        refuse(changed(content, "assertion.upper", mpmath.nstr(low, 30)), "assertion.upper", "from above")
        high = rate + mpmath.mpf(relative) * abs(rate)
        refuse(changed(content, "assertion.lower", mpmath.nstr(high, 30)), "assertion.lower", "from below")


@pytest.mark.parametrize("law", ["ring-8", "plane 5", "edges", "embedded", "turned", "plane 7"])
@pytest.mark.parametrize("relative", ["1e-6", *night("1e-3")])
def test_thresholds_below_a_witness(law: str, relative: str) -> None:
    """The lower bound is a true value: no threshold below it may pass, whatever the trees."""
    content = sharp(law, "1", gap="1e-7")
    for number, block in enumerate(content["proof"]["blocks"]):
        low = Fraction(block["threshold"]) * (1 - Fraction(relative) - Fraction(2, 10**7))
        false = changed(content, f"proof.blocks.{number}.threshold", str(low))
        if number == content["proof"]["lower"]["block"]:
            refuse(false, f"proof.blocks[{number}].")


def test_bounds_that_are_exchanged() -> None:
    content = sharp("plane 5", "0.3")
    low, high = content["assertion"]["lower"], content["assertion"]["upper"]
    false = changed(changed(content, "assertion.lower", high), "assertion.upper", low)
    refuse(false, "assertion.upper", "from above")


# -- trees ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["line-3", "edges", *night("ring-8", "plane 5")])
def test_tokens_missing_or_left_over(law: str) -> None:
    content = sharp(law, "1")
    for path, tree in trees(content).items():
        words, field = tree.split(" "), path.replace(".0", "[0]").split(".cover")[0]
        refuse(with_tokens(content, path, words[:-1] or [""]), field)
        refuse(with_tokens(content, path, [*words, words[-1]]), field, "the end of the tree")
        refuse(with_tokens(content, path, [*words, "0"]), field, "the end of the tree")
        refuse(with_tokens(content, path, ["0", *words]), field)
        refuse(changed(content, path, tree + " "), field, "the end of the tree")
        refuse(changed(content, path, tree.replace(" ", "  ", 1) + ("" if " " in tree else " ")), field)
        refuse(changed(content, path, ""), field, "an axis, or one of the reasons")


def test_a_gap_in_a_covering() -> None:
    """A subtree left out, so that its sibling and what follows move up: cells stay open, or reasons do not fit."""
    content = sharp("plane 5", "1")
    for place in leaves(content, "P")[:10] + leaves(content, "T")[:10]:
        refuse(replaced(content, place, None), "proof.blocks[0].cover")
    words = tokens(content, f"{BLOCK}.cover.boxes")
    refuse(with_tokens(content, f"{BLOCK}.cover.boxes", words[:1]), "proof.blocks[0].cover.boxes", "2 cells left open")


@pytest.mark.parametrize(
    "word", ["2", "9", "t", "P", "P0", "P0,", "P0,1,2", "P-1,0", "T0", "F", "R", "R0,0", "F-1", "X0"]
)
def test_words_that_are_no_reason(word: str) -> None:
    content = sharp("plane 5", "1")
    refuse(replaced(content, leaves(content, "P")[3], word), "proof.blocks[0].cover.", "token ")


@pytest.mark.parametrize("word", ["P0,5", "P5,5", "P99,99", "F0", "F999999", "R2", "R999999", "\u0660", "\uff11"])
def test_reasons_that_name_nothing(word: str) -> None:
    content = sharp("plane 5", "1")
    assert not content["proof"]["blocks"][0]["faces"]
    for place in (leaves(content, "P")[0], leaves(content, "P")[-1], leaves(content, "T")[0]):
        refuse(replaced(content, place, word), "proof.blocks[0].cover.", "token ")


@nightly  # every day hints are changed in test_mutations.py
def test_other_reasons_for_leaves() -> None:
    """Pairs for Taylor cells, Taylor for pairs, other pairs: refused unless that reason settles the cell too."""
    content = sharp("plane 5", "1")
    refused = 0
    for kind, word in (
        ("T", "P0,1"),
        ("T", "P2,2"),
        ("P", "P1,1"),
        ("P", "P3,4"),
        ("T", "F0"),
        ("T", "R0"),
        ("P", "T"),
    ):
        for place in leaves(content, kind)[::6]:
            refused += not check(replaced(content, place, word)).accepted
    assert refused > 15
    far = [place for place in leaves(content, "P") if "cones" in place[0]]
    for place in far:  # cells that run to infinity have no Taylor polynomial
        words = tokens(content, place[0])
        if len(words) == 1:
            refuse(replaced(content, place, "T"), "proof.blocks[0].cover.cones", "settles")
            refuse(replaced(content, place, "R0"), "proof.blocks[0].cover.cones", "settles")


def test_a_pair_that_is_too_wide() -> None:
    """The longest diagonal of the ring: `q > tau`."""
    content = sharp("ring-8", "1")
    assert Fraction(content["proof"]["blocks"][0]["threshold"]) < 1
    for place in leaves(content, "P")[:6]:
        refuse(replaced(content, place, "P0,4"), "proof.blocks[0].cover", "settles")


def test_a_region_that_does_not_contain_its_cell() -> None:
    content = sharp("ring-8", "1")
    path = f"{BLOCK}.cover.regions.0"
    region = content["proof"]["blocks"][0]["cover"]["regions"][0]
    assert leaves(content, "R")
    smaller = [[str(Fraction(x) / 1000) for x in row] for row in region["frame"]]
    refuse(changed(content, f"{path}.frame", smaller), "proof.blocks[0].cover", "settles")
    refuse(changed(content, f"{path}.centre", ["1e5", "0"]), "proof.blocks[0].cover")
    assert not check(changed(content, f"{path}.centre", ["1e9", "0"])).accepted
    singular = [region["frame"][0], region["frame"][0]]
    refuse(changed(content, f"{path}.frame", singular), "proof.blocks[0].cover.regions[0].frame", "a regular matrix")
    refuse(changed(content, f"{path}.frame", region["frame"][:1]), "proof.blocks[0].cover.regions[0].frame", "2 rows")
    refuse(changed(content, f"{path}.centre", ["0"]), "proof.blocks[0].cover.regions[0].frame", "2 in the centre")
    refuse(changed(content, f"{path}.boxes", "R0"), "proof.blocks[0].cover.regions[0].boxes", "settles")
    refuse(changed(content, f"{BLOCK}.cover.regions", []), "proof.blocks[0].cover", "settles")


@pytest.mark.parametrize("radius", ["0", "-1", "-16"])
def test_a_cube_that_is_none(radius: str) -> None:
    refuse(changed(sharp("plane 5", "1"), f"{BLOCK}.cover.radius", radius), "proof.blocks[0].cover.radius", "> 0")


def test_another_radius() -> None:
    content = sharp("plane 5", "1", gap="1e-9")
    for radius in ("0.001", "1e6", "1e4000"):
        refuse(changed(content, f"{BLOCK}.cover.radius", radius), "proof.blocks[0].cover", "settles")


def test_a_family_of_cones_that_is_missing() -> None:
    content = sharp("edges", "1")
    cones = content["proof"]["blocks"][0]["cover"]["cones"]
    for given in (cones[:3], cones[1:], [], [*cones, cones[0]]):
        refuse(changed(content, f"{BLOCK}.cover.cones", given), "proof.blocks[0].cover.cones", "4 trees")
    for i, j in ((0, 1), (0, 2), (2, 3)):
        swapped = copy.deepcopy(cones)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        refuse(changed(content, f"{BLOCK}.cover.cones", swapped), "proof.blocks[0].cover.cones[", "settles")


# -- faces ------------------------------------------------------------------------------------------------------------


def test_faces_that_are_none() -> None:
    content = sharp("edges", "1")
    path = f"{BLOCK}.faces.0"
    assert content["proof"]["blocks"][0]["faces"][0]["members"] == [0, 1, 2]
    where = "proof.blocks[0].faces[0]"
    for members in ([0, 1, 2, 3, 4], [], [0, 1, 1, 2], [2, 1, 0], [0, 1, 5]):
        refuse(changed(content, f"{path}.members", members), f"{where}.members", "some of the points")
    refuse(changed(content, f"{path}.members", [-1, 0]), f"{where}.members[0]", "an integer from 0")
    for members in ([0, 1], [0, 2], [1, 2], [0, 1, 2, 3], [3, 4]):
        refuse(changed(content, f"{path}.members", members), "proof.blocks[0].")
    for pivots in ([1], [], [0, 1], [0, 0], [2]):
        refuse(changed(content, f"{path}.pivots", pivots), f"{where}.pivots", "axes")
    refuse(changed(content, f"{BLOCK}.faces", []), "proof.blocks[0].cover.cones", "settles")
    refuse(changed(content, f"{path}.cover.boxes", "P0,0"), f"{where}.cover.boxes", "settles")
    refuse(changed(content, f"{path}.cover.cones", ["P0,1"]), f"{where}.cover.cones", "2 trees")


def test_a_face_cannot_stand_for_itself() -> None:
    """F0 within the covering of face 0, and a face whose members are not among the task's."""
    content = sharp("edges", "1")
    face = f"{BLOCK}.faces.0.cover.cones.0"
    refuse(changed(content, face, "F0"), "proof.blocks[0].faces[0].cover.cones[0]", "settles")
    more = content["proof"]["blocks"][0]["faces"][0]
    other = {"members": [2, 3], "pivots": [0], "cover": more["cover"]}
    both = changed(content, f"{BLOCK}.faces", [more, other])
    refuse(changed(both, face, "F1"), "proof.blocks[0].faces[0].cover.cones[0]", "settles")


def test_a_face_for_a_cell_where_others_have_mass() -> None:
    content = sharp("edges", "1")
    for path, place in leaves(content, "P"):
        if path.startswith(f"{BLOCK}.cover.cones") and place == 0:
            refuse(replaced(content, (path, place), "F0"), "proof.blocks[0].cover.cones", "settles")
        if path == f"{BLOCK}.cover.boxes":
            refuse(replaced(content, (path, place), "F0"), "proof.blocks[0].cover.boxes", "settles")


# -- blocks, pivots, turn ---------------------------------------------------------------------------------------------


def test_blocks_that_are_no_product() -> None:
    content = sharp("grid-4x4", "1")
    assert [block["axes"] for block in content["proof"]["blocks"]] == [[0], [1]]
    for axes in ([1], [0, 1], [], [0, 0], [1, 0], [2], [0, 2]):
        refuse(changed(content, f"{BLOCK}.axes", axes), "proof.blocks", "in no other block")
    one = content["proof"]["blocks"][:1]
    refuse(changed(content, "proof.blocks", one), "proof.blocks: got a list of length 1", "on which the means differ")
    refuse(changed(content, "proof.blocks", []), "proof.blocks", "on which the means differ")
    weights = content["problem"]["mixture"]["weights"]
    tiny = Fraction(1, 10**30)
    other = [str(Fraction(weights[0]) + tiny), str(Fraction(weights[1]) - tiny), *weights[2:]]
    refuse(changed(content, "problem.mixture.weights", other), "proof.blocks", "products over the blocks")
    means = copy.deepcopy(content["problem"]["mixture"]["means"])
    means[0][0] = str(Fraction(means[0][0]) + tiny)
    refuse(changed(content, "problem.mixture.means", means), "proof.blocks", "products")
    refuse(
        changed(sharp("ring-8", "1"), "proof.blocks", content["proof"]["blocks"]), "proof.blocks", "as many as means"
    )


def test_an_axis_that_is_left_out() -> None:
    content = sharp("embedded", "1")
    assert content["proof"]["blocks"][0]["axes"] == [0, 1, 3]  # axis 2 is constant
    for axes in ([0, 1], [0, 3], [1, 3]):
        refuse(changed(content, f"{BLOCK}.axes", axes), "proof.blocks: got a list of length 1", "means differ")
    means = content["problem"]["mixture"]["means"]
    moved = [[*means[0][:2], "1/3000", means[0][3]], *means[1:]]
    refuse(changed(content, "problem.mixture.means", moved), "proof.blocks: got a list of length 1", "means differ")


@pytest.mark.parametrize("pivots", [[0], [], [0, 1, 2], [0, 0], [1, 0], [0, 3], [0, 99]])
def test_pivots_that_are_none(pivots: list[int]) -> None:
    refuse(changed(sharp("embedded", "1"), f"{BLOCK}.pivots", pivots), "proof.blocks[0].pivots", "axes")


def test_pivots_of_lower_rank() -> None:
    """In the plane of the hull of the third law, two axes are proportional."""
    content = sharp("embedded", "1")
    means = [[x, y, z, x] for x, y, z, _ in content["problem"]["mixture"]["means"]]
    content = changed(content, "problem.mixture.means", means)
    refuse(changed(content, f"{BLOCK}.pivots", [0, 2]), "proof.blocks[0].pivots", "one to one")


@pytest.mark.parametrize("turn", [[0, 0], [3], [3, 4, 5], []])
def test_turns_that_are_none(turn: list[int]) -> None:
    refuse(changed(sharp("turned", "1"), "proof.turn", turn), "proof.turn", "two integers, not both 0")


def test_another_turn() -> None:
    content = sharp("turned", "1")
    for turn in (None, [1, 0], [3, 4], [4, 3], [-4, 5]):
        assert not check(changed(content, "proof.turn", turn)).accepted
    refuse(changed(content, "proof.turn", ["-4", 3]), "proof.turn[0]", "an integer")
    refuse(changed(sharp("line-3", "1"), "proof.turn", [3, 4]), "proof.turn", "means in a plane")
    refuse(changed(sharp("ring-8", "1"), "proof.turn", [2, 0]), "proof.blocks[0].cover", "settles")


@pytest.mark.parametrize("value", ["0", "-0.25"])
def test_thresholds_that_are_none(value: str) -> None:
    refuse(changed(sharp("plane 5", "1"), f"{BLOCK}.threshold", value), "proof.blocks[0].threshold", "> 0")


def test_popoviciu_needs_the_diameter() -> None:
    content = sharp("plane 3", "1")
    assert content["proof"]["blocks"][0]["cover"] is None
    low = Fraction(content["proof"]["blocks"][0]["threshold"]) * (1 - Fraction(1, 10**30))
    refuse(changed(content, f"{BLOCK}.threshold", str(low)), "proof.blocks[0].threshold", "D^2/4")
    refuse(changed(sharp("plane 5", "1"), f"{BLOCK}.cover", None), "proof.blocks[0].threshold", "D^2/4")


# -- the lower bound --------------------------------------------------------------------------------------------------


def test_a_witness_that_is_none() -> None:
    content = sharp("plane 9", "1")  # in the limit along a normal
    lower = content["proof"]["lower"]
    assert lower["normal"] is not None
    for normal in (None, ["0", "0"], [str(-Fraction(x)) for x in lower["normal"]], lower["normal"][::-1]):
        refuse(changed(content, "proof.lower.normal", normal), "proof.lower.members", "normal exposes")
    refuse(changed(content, "proof.lower.normal", ["1"]), "proof.lower.normal", "each axis of the block")
    others = [k for k in range(9) if k not in lower["members"]]
    for members in (lower["members"][:1], [*lower["members"], others[0]], [], others, lower["members"][::-1], [99]):
        refuse(changed(content, "proof.lower.members", members), "proof.lower.members", "normal exposes")
    refuse(changed(content, "proof.lower.block", 1), "proof.lower.block", "below 1")
    refuse(changed(content, "proof.lower.vector", ["0", "0"]), "proof.lower.vector", "not 0")
    refuse(changed(content, "proof.lower.vector", ["1"]), "proof.lower.vector", "on the block")
    refuse(changed(content, "proof.lower.point", ["1"]), "proof.lower.point", "each axis")
    turned = [lower["vector"][1], str(-Fraction(lower["vector"][0]))]
    refuse(changed(content, "proof.lower.vector", turned), "assertion.lower", "at the witness")
    double = [str(2 * Fraction(x)) for x in lower["vector"]]
    assert check(changed(content, "proof.lower.vector", double)).accepted


@pytest.mark.parametrize("law", ["ring-8", "plane 5", "edges", "turned", "grid-4x4", "embedded", "two-modes"])
def test_a_point_that_is_moved(law: str) -> None:
    content = sharp(law, "0.3", gap="1e-9")
    axis = content["proof"]["blocks"][content["proof"]["lower"]["block"]]["axes"][0]
    point = list(content["proof"]["lower"]["point"])
    point[axis] = str(Fraction(point[axis]) + 1)
    refuse(changed(content, "proof.lower.point", point), "assertion.lower", "at the witness")


# -- time, form, hostile numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", ["0.009", "3.0001", "0", "-1"])
def test_a_time_outside(t: str) -> None:
    refuse(changed(sharp("plane 5", "1"), "assertion.t", t), "assertion.t", "in [t_min, t_max]")


@pytest.mark.parametrize("t", ["0.99", "1.01", "0.1"])
def test_another_time(t: str) -> None:
    assert not check(changed(sharp("plane 5", "1", gap="1e-9"), "assertion.t", t)).accepted


def test_the_other_kind() -> None:
    """Two-sided rates are at least `|1/v - 1|`, which decides where the means are near each other."""
    content = changed(sharp("two", "1"), "problem.mixture.means", [["0", "0"], ["0.01", "0.005"]])
    content = changed(content, f"{BLOCK}.threshold", "1")
    content = changed(content, "assertion.upper", "1")
    content = changed(content, "assertion.lower", "-1")
    assert check(content).accepted
    refuse(changed(content, "assertion.upper", "-0.1"), "assertion.upper")
    two = changed(content, "assertion.kind", "two-sided")
    assert check(changed(two, "assertion.lower", "0.14")).accepted
    refuse(changed(two, "assertion.lower", "0.15"), "assertion.lower")
    for kind in ("both", None, 1):
        refuse(changed(content, "assertion.kind", kind), "assertion.kind", "one-sided or two-sided")


@pytest.mark.parametrize("value", ["NaN", "inf", "", "1_0", "0x1", "1e9999", "--1", None, 1, True, [], {}])
def test_values_that_are_no_numbers(value: Any) -> None:
    content = sharp("ring-8", "1")
    cover = f"{BLOCK}.cover"
    for path in (
        f"{BLOCK}.threshold",
        f"{cover}.radius",
        f"{cover}.regions.0.centre.0",
        f"{cover}.regions.0.frame.1.1",
    ):
        field = path.replace(".0.", "[0].").replace("].1.1", "][1][1]").replace("frame.1.1", "frame[1][1]")
        refuse(changed(content, path, value), field.replace("centre.0", "centre[0]"), "required")
    refuse(changed(content, "proof.lower.point.0", value), "proof.lower.point[0]", "required")


def test_keys_too_many_and_too_few() -> None:
    content = sharp("edges", "1")
    places = [
        "proof",
        BLOCK,
        f"{BLOCK}.cover",
        f"{BLOCK}.faces.0",
        f"{BLOCK}.faces.0.cover",
        "proof.lower",
        "assertion",
    ]
    for place in [*places, f"{BLOCK}.cover.regions.0"]:
        base: Any = content
        for step in place.split("."):
            base = base[int(step) if step.isdigit() else step]
        for key in base:
            missing = copy.deepcopy(content)
            target: Any = missing
            for step in place.split("."):
                target = target[int(step) if step.isdigit() else step]
            del target[key]
            refuse(sealed(missing), place.split(".")[0], "this key")
            assert not FORM.is_valid(missing)
        extra = changed(content, f"{place}.trusted", "yes")
        refuse(extra, place.split(".")[0], "no key but")
        assert not FORM.is_valid(extra)


def test_problems_and_proofs_that_would_take_too_long() -> None:
    """Endless trees, faces, frames and numbers end at the limit of work, soon and in little memory."""
    content = sharp("edges", "1")
    number = "1" + "7" * 2000 + "/" + "3" * 2100
    line = {"radius": "1", "boxes": "T", "cones": ["T"] * 4, "regions": []}
    region = {"centre": [number] * 2, "frame": [[number, "1"], ["1", number]], "boxes": "T"}
    hostile = {
        f"{BLOCK}.cover.boxes": " ".join(["0"] * 2_000_000),
        f"{BLOCK}.cover.cones.0": " ".join(["0 P0,0"] * 500_000),
        f"{BLOCK}.cover.radius": number,
        f"{BLOCK}.threshold": number,
        f"{BLOCK}.cover.regions": [region] * 300,
        f"{BLOCK}.faces": [{"members": [0, 1, 2, 3], "pivots": [0, 1], "cover": line}] * 20_000,
        "proof.lower.vector": [number] * 2,
        "proof.turn": [2**63, 1],
    }
    for path, value in hostile.items():
        assert not counted(json.dumps(changed(content, path, value))).accepted, path


def test_many_means() -> None:
    content = changed(sharp("two", "1"), "problem.mixture.means", [[str(k), "0"] for k in range(20_000)])
    content = changed(content, "problem.mixture.weights", ["1/20000"] * 20_000)
    refuse(content, "pro", "steps of work")


# -- false twins ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["tree", "taylor", "pair"])
def test_false_twins_accept_what_is_false(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the coverings, or with a rule that always agrees, a bound below the witness gets through."""
    content = sharp("minus one, zero, one", "1")
    low = Fraction(content["proof"]["blocks"][0]["threshold"]) * Fraction(999, 1000)
    false = changed(content, f"{BLOCK}.threshold", str(low))
    upper = Fraction(content["assertion"]["lower"])
    false = changed(false, "assertion.upper", str(upper - abs(upper) / 10**6))
    for place in leaves(false, "T" if rule == "pair" else "P"):
        if rule != "tree" and "boxes" in place[0]:
            false = replaced(false, place, "P0,0" if rule == "pair" else "T")
    refuse(false, "proof.blocks[0].cover")
    monkeypatch.setattr(coverings.Covering, rule, lambda *_, **__: True)
    assert check(false).accepted
