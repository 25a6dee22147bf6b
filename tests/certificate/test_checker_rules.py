"""True certificates of every claim are accepted; each hypothesis that fails is refused, and its field is named."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import certificates
import jsonschema
import pytest
from certificates import CLAIMS, LAWS, changed, sealed
from depth import night, nightly, some

from certflow.certificate import checker
from certflow.certificate.checker import Verdict, verdicts

#: The rate with which a law's grid is balanced where lambda is not positive throughout.
TWO_SIDED_ONLY = ("one point", "weak pull")
KINDS = ("one-sided", "two-sided")


@cache
def certificate_text(law: str, claim: str, **options: Any) -> str:
    if claim == "G1" and law in TWO_SIDED_ONLY:
        options = {"rate": "two-sided"} | options
    return json.dumps(certificates.certificate(LAWS[law], claim, **options))


def certificate(law: str, claim: str, **options: Any) -> dict[str, Any]:
    return json.loads(certificate_text(law, claim, **options))


def check(content: Any) -> Verdict:
    return checker.check(content if isinstance(content, str) else json.dumps(content))


def refuse(content: Any, field: str, *words: str) -> None:
    """The certificate is refused in one line that begins with the field and contains the words."""
    verdict = check(content)
    assert not verdict.accepted, verdict.text
    assert "\n" not in verdict.text
    assert verdict.text.isprintable()
    assert len(verdict.text) < 600
    assert verdict.text.startswith(f"{field}: got "), verdict.text
    for word in words:
        assert word in verdict.text


def shifted(text: str, relative: float) -> str:
    """The number moved by this fraction of itself (of 1, where it is 0)."""
    value = Fraction(text)
    return str(value + Fraction(relative) * (value or 1))


SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)

# -- accepted ---------------------------------------------------------------------------------------------------------


#: Dear grids; others are tried every day, here and below.
DEAR = [(law, "G1") for law in ("strong", "two modes", "one point")]


@pytest.mark.parametrize(
    ("law", "claim"),
    [*some(((law, claim) for law in LAWS for claim in CLAIMS if (law, claim) not in DEAR), 2), *night(*DEAR)],
)
def test_a_true_certificate_is_accepted(law: str, claim: str) -> None:
    content = certificate(law, claim)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.claim == claim
    assert verdict.text.endswith(f'; mixture "{law}", t from {LAWS[law].t_min} to {LAWS[law].t_max}')
    FORM.validate(content)


@pytest.mark.parametrize(
    ("law", "rate"),
    [
        ("unit variance", "one-sided"),
        ("wide", "one-sided"),
        *night(
            ("two modes", "one-sided"),
            ("two modes", "two-sided"),
            ("unit variance", "two-sided"),
            ("wide", "two-sided"),
        ),
    ],
)
def test_balanced_grids_of_both_rates(law: str, rate: str) -> None:
    for segments in (1, 4):
        assert check(certificate(law, "G1", segments=segments, rate=rate)).accepted


@pytest.mark.parametrize("bits", [128, 1024])
@pytest.mark.parametrize("claim", CLAIMS)
def test_other_precisions(claim: str, bits: int) -> None:
    assert check(changed(certificate("plane", claim), "proof.bits", bits)).accepted


def test_what_is_asserted_is_said_in_words() -> None:
    said = {claim: check(certificate("two modes", claim)).text.split(";")[0] for claim in CLAIMS}
    assert said["L2"].startswith("for all x, ||J(x,t)||_2 <= upper(t) <= 266.33896956953256143")
    assert said["L3"].startswith("for all x, lower(t) <= -J(x,t) <= upper(t) <= 266.33896956953256143")
    assert said["F1"].startswith("for all x, y, exp(-1.4138391147461270003")
    assert "<= |Phi(x)-Phi(y)| / |x-y| <= exp(6.8903815173176715138" in said["F1"]
    assert said["F2"].startswith("int lambda in [6.89038151731767151386")
    assert said["G1"].startswith("each node of the one-sided balanced grid of 3 segments lies in its interval")


@pytest.mark.parametrize("text", ["1/25", "0.040", "4e-2", "+.04", "40.E-3"])
def test_numbers_are_read_as_they_are_written(text: str) -> None:
    content = changed(certificate("two modes", "F1"), "problem.mixture.covariances.values", text)
    assert check(content).accepted


def test_weights_almost_of_sum_one() -> None:
    content = certificate("two modes", "F1")
    assert check(changed(content, "problem.mixture.weights", ["0.5", "0.5000000009"])).accepted
    refuse(changed(content, "problem.mixture.weights", ["0.5", "0.500000002"]), "problem.mixture.weights", "1e-9")


def test_a_looser_diameter_is_a_bound_but_not_the_diameter() -> None:
    flow = certificate("two modes", "F1")
    looser = changed(changed(flow, "assertion.growth", "10"), "assertion.factor", "1e5")
    assert check(changed(looser, "assertion.diameter_squared", "4.1")).accepted
    refuse(changed(certificate("two modes", "F2"), "assertion.diameter_squared", "4.1"), "proof.pair", "attains")


# -- false statements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["two modes", "wide", "plane", "unit variance", "one wide point"])
@pytest.mark.parametrize("claim", ["L2", "L3"])
def test_a_bound_below_the_supremum_on_its_panel(law: str, claim: str) -> None:
    """The supremum over a panel, by sampling at 60 digits; 10^-8 less is refused on every fourth panel."""
    content = certificate(law, claim)
    rate = certificates.rate(LAWS[law], "two-sided" if claim == "L2" else "one-sided")
    times = [Fraction(t) for t in content["assertion"]["times"]]
    with certificates.mpmath.workdps(certificates.DIGITS):
        for i in range(0, len(times) - 1, 4):
            inside = [times[i] + (times[i + 1] - times[i]) * j / 8 for j in range(9)]
            highest = max(rate(certificates.decimal(t)) for t in inside)
            assert Fraction(content["assertion"]["upper"][i]) >= Fraction(certificates.exact(highest))
            low = certificates.exact(highest * (1 - certificates.mpf("1e-8")))
            refuse(changed(content, f"assertion.upper.{i}", low), f"assertion.upper[{i}]", "from above")


def test_bounds_on_the_far_side_of_zero() -> None:
    content = certificate("two modes", "L3")
    refuse(changed(content, "assertion.lower.7", "0"), "assertion.lower[7]", "1 - 1/v", "from below")
    refuse(changed(content, "assertion.upper.7", "-1"), "assertion.upper[7]", "lambda", "from above")


@pytest.mark.parametrize("law", LAWS)
def test_flow_exponents_moved_by_1e_8(law: str) -> None:
    content = certificate(law, "F1")
    low, high = (shifted(content["assertion"][key], 0) for key in ("contraction", "growth"))
    step = Fraction(1, 10**8)
    refuse(
        changed(content, "assertion.growth", str(Fraction(high) - step * abs(Fraction(high)))),
        "assertion.growth",
        "int lambda",
    )
    refuse(changed(content, "assertion.contraction", str(Fraction(low) + step)), "assertion.contraction", "1 - 1/v")
    if content["assertion"]["factor"] is not None:
        factor = shifted(content["assertion"]["factor"], -1e-8)
        refuse(changed(content, "assertion.factor", factor), "assertion.factor", "exp(growth)")


def test_a_factor_is_there_exactly_if_the_growth_is_at_most_600() -> None:
    refuse(changed(certificate("strong", "F1"), "assertion.factor", "1e4000"), "assertion.factor", "null")
    refuse(changed(certificate("plane", "F1"), "assertion.factor", None), "assertion.factor", "null if growth > 600")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("kind", KINDS)
def test_integrals_moved_by_1e_8(law: str, kind: str) -> None:
    content = certificate(law, "F2")
    low, high = (Fraction(text) for text in content["assertion"][kind])
    step = Fraction(1, 10**8) * abs(high)
    refuse(changed(content, f"assertion.{kind}.0", str(low + step)), f"assertion.{kind}[0]", "from below")
    refuse(changed(content, f"assertion.{kind}.1", str(high - step)), f"assertion.{kind}[1]", "from above")
    refuse(changed(content, f"assertion.{kind}", [str(high), str(low)]), f"assertion.{kind}[0]", "from below")
    refuse(changed(content, f"assertion.{kind}", [str(low)]), f"assertion.{kind}", "two ends")


@pytest.mark.parametrize("law", [*(law for law in LAWS if law != "strong"), *night("strong")])
def test_nodes_that_do_not_bracket(law: str) -> None:
    content = certificate(law, "G1")
    low, high = (Fraction(text) for text in content["assertion"]["nodes"][1])
    step = Fraction(1, 10**8)
    above, below = [str(low + step), str(high + step)], [str(low - step), str(high - step)]
    refuse(changed(content, "assertion.nodes.1", above), "assertion.nodes[1][0]", "certainly up to 2/3")
    refuse(changed(content, "assertion.nodes.1", below), "assertion.nodes[1][1]", "certainly from 2/3")


def test_grids_that_are_none() -> None:
    content = certificate("plane", "G1")
    nodes = content["assertion"]["nodes"]
    refuse(changed(content, "assertion.nodes", [*nodes[:2], *nodes[1:]]), "assertion.nodes", "4 nodes, segments + 1")
    refuse(changed(content, "assertion.segments", 4), "assertion.nodes", "5 nodes")
    refuse(changed(content, "assertion.nodes.1", nodes[1][::-1]), "assertion.nodes[1]", "lo <= hi")
    refuse(changed(content, "assertion.nodes.1", nodes[1] * 2), "assertion.nodes[1]", "lo <= hi")
    refuse(changed(content, "assertion.nodes.2", nodes[1]), "assertion.nodes[2]", "before those of the last node")
    refuse(changed(content, "assertion.nodes.0", ["2.4", "2.5"]), "assertion.nodes[0]", "2.5 twice")
    refuse(changed(content, "assertion.nodes.3", ["0.01", "0.01"]), "assertion.nodes[3]", "0.02 twice")
    refuse(changed(content, "assertion.rate", "typical"), "assertion.rate", "one-sided or two-sided")
    refuse(changed(content, "assertion.segments", True), "assertion.segments", "an integer from 1")
    refuse(changed(content, "assertion.segments", 0), "assertion.segments", "an integer from 1")


@pytest.mark.parametrize("law", TWO_SIDED_ONLY)
def test_a_rate_that_is_not_positive_has_no_balanced_grid(law: str) -> None:
    refuse(changed(certificate(law, "G1"), "assertion.rate", "one-sided"), "assertion.rate", "certainly positive")


def test_no_rate_at_all() -> None:
    content = changed(certificate("one point", "G1"), "problem.mixture.covariances.values", "1")
    refuse(content, "assertion.rate", "certainly positive")


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("law", ["two modes", "plane", "unit variance"])
def test_a_diameter_that_is_too_small(law: str, claim: str) -> None:
    content = certificate(law, claim)
    small = shifted(content["assertion"]["diameter_squared"], -1e-15)
    refuse(changed(content, "assertion.diameter_squared", small), "assertion.diameter_squared", "at least |mu_")


@pytest.mark.parametrize("claim", ["L2", "L3", "F1"])
def test_a_diameter_below_zero(claim: str) -> None:
    """One mean has no pair of different ones, but its diameter is 0, and not less."""
    content = changed(certificate("one point", claim), "assertion.diameter_squared", "-4")
    refuse(content, "assertion.diameter_squared", "at least |mu_0 - mu_0|^2")
    if claim == "F1":
        content = changed(changed(content, "assertion.growth", "-5"), "assertion.factor", "1")
        refuse(content, "assertion.diameter_squared", "at least |mu_0 - mu_0|^2")


def test_a_pair_that_does_not_attain_the_diameter() -> None:
    content = certificate("plane", "F2")
    assert content["proof"]["pair"] == [0, 1]
    assert check(changed(content, "proof.pair", [1, 0])).accepted
    for pair in ([0, 2], [0, 0], [1, 2]):
        refuse(changed(content, "proof.pair", pair), "proof.pair", "attains")
    for pair in ([0, 3], [0], [], [0, 1, 1]):
        refuse(changed(content, "proof.pair", pair), "proof.pair", "two of 3 components")
    refuse(changed(content, "proof.pair", [0, -1]), "proof.pair[1]", "an integer from 0")
    refuse(changed(content, "proof.pair", [0, True]), "proof.pair[1]", "an integer from 0")


def test_panels_that_do_not_cover_the_interval() -> None:
    content = certificate("two modes", "L2")
    times, upper = content["assertion"]["times"], content["assertion"]["upper"]

    def panels(times: list[str], upper: list[str]) -> dict[str, Any]:
        return changed(changed(content, "assertion.times", times), "assertion.upper", upper)

    refuse(panels(times[1:], upper[1:]), "assertion.times[0]", "0.01", "cover")
    refuse(panels(times[:-1], upper[:-1]), "assertion.times[39]", "3: the panels cover")
    refuse(panels(times[:5] + times[6:], upper), "assertion.upper", "39 bounds")
    # one panel over two, with the bound of the later one
    refuse(panels(times[:5] + times[6:], upper[:4] + upper[5:]), "assertion.upper[4]", "L from above")
    unsorted = [*times[:5], times[6], times[5], *times[7:]]
    refuse(panels(unsorted, upper), "assertion.times[6]", "after the one before")
    refuse(panels([*times[:5], times[4], *times[5:]], [*upper, "999"]), "assertion.times[5]", "after the one before")
    refuse(panels(times[:1], []), "assertion.times", "at least 2 times")
    refuse(panels([], []), "assertion.times", "at least 2 times")
    refuse(changed(content, "assertion.upper", upper[1:]), "assertion.upper", "40 bounds, one a panel")
    refuse(changed(certificate("wide", "L3"), "assertion.lower", upper[1:]), "assertion.lower", "40 bounds")


@pytest.mark.parametrize(
    ("claim", "path", "direction", "places"),
    [
        ("F1", "assertion.growth", -1, 22),
        ("F1", "assertion.contraction", 1, 22),
        ("F1", "assertion.factor", -1, 22),
        *(("F2", f"assertion.{kind}.{end}", direction, 22) for kind in KINDS for end, direction in ((0, 1), (1, -1))),
        *(("G1", f"assertion.nodes.{k}.{end}", direction, 8) for k in (1, 2) for end, direction in ((0, 1), (1, -1))),
    ],
)
def test_any_digit_changed_so_that_it_becomes_false(claim: str, path: str, direction: int, places: int) -> None:
    """One digit up in a lower end, one down in an upper end, at every place before the margin of the producer."""
    content = certificate("two modes", claim)
    text: Any = content
    for step in path.split("."):
        text = text[int(step) if step.isdigit() else step]
    tried = 0
    for i in range(min(len(text), places + 2)):
        digit = text[i] if text[i].isdigit() else ""
        other = str(int(digit) + (-direction if text.startswith("-") else direction)) if digit else ""
        if len(other) == 1:
            verdict = check(changed(content, path, f"{text[:i]}{other}{text[i + 1 :]}"))
            assert not verdict.accepted, (text, i)
            assert verdict.text.startswith(".".join(path.split(".")[:2]))
            tried += 1
    assert tried > places // 2


# -- what is not of the form ------------------------------------------------------------------------------------------

MIXTURE = "problem.mixture"


@pytest.mark.parametrize(
    ("path", "value", "field", "word"),
    [
        ("schema", "certflow/certificate/2", "schema", "certflow/certificate/1"),
        ("schema", 1, "schema", "certflow/certificate/1"),
        ("claim", "L9", "claim", "F1 or F2"),
        ("claim", ["F1"], "claim", "F1 or F2"),
        ("claim", None, "claim", "F1 or F2"),
        ("hash", "sha256:" + "0" * 64, "hash", "for this problem"),
        ("hash", None, "hash", "a text"),
        ("proof.rule", "trust", "proof.rule", "closed-form"),
        ("proof.rule", "popoviciu", "proof.rule", "closed-form"),
        ("proof.bits", 63, "proof.bits", "64 to 1024"),
        ("proof.bits", 1025, "proof.bits", "64 to 1024"),
        ("proof.bits", 10**1000, "proof.bits", "64 to 1024"),
        ("proof.bits", True, "proof.bits", "64 to 1024"),
        ("proof.bits", "128", "proof.bits", "64 to 1024"),
        ("proof", [], "proof", "an object"),
        ("proof", "closed-form", "proof", "an object"),
        ("producer", "me", "producer", "an object of texts"),
        ("producer", {"python": 3}, "producer", "an object of texts"),
        ("assertion", None, "assertion", "an object"),
        ("assertion.growth", 7, "assertion.growth", "in quotes"),
        ("assertion.growth", True, "assertion.growth", "in quotes"),
        ("assertion.growth", ["7"], "assertion.growth", "in quotes"),
        ("assertion.growth", "NaN", "assertion.growth", "an exact number"),
        ("assertion.growth", "inf", "assertion.growth", "an exact number"),
        ("assertion.growth", "", "assertion.growth", "an exact number"),
        ("assertion.growth", " 7", "assertion.growth", "an exact number"),
        ("assertion.growth", "7\n", "assertion.growth", "an exact number"),
        ("assertion.growth", "1_0", "assertion.growth", "an exact number"),
        ("assertion.growth", "\u0667", "assertion.growth", "an exact number"),  # ARABIC-INDIC DIGIT SEVEN
        ("assertion.growth", "\uff17", "assertion.growth", "an exact number"),  # FULLWIDTH DIGIT SEVEN
        ("assertion.growth", "7/0", "assertion.growth", "an exact number"),
        ("assertion.growth", "7/00", "assertion.growth", "an exact number"),
        ("assertion.growth", "1/-7", "assertion.growth", "an exact number"),
        ("assertion.growth", "7/2.0", "assertion.growth", "an exact number"),
        ("assertion.growth", "0x7", "assertion.growth", "an exact number"),
        ("assertion.growth", "7e5001", "assertion.growth", "exponent of at most 5000"),
        ("assertion.growth", "7e-999999", "assertion.growth", "exponent of at most 5000"),
        ("assertion.growth", "7e999999999999", "assertion.growth", "an exact number"),
        ("assertion.growth", "7" * 4301, "assertion.growth", "at most 4300 characters"),
        ("assertion.factor", False, "assertion.factor", "in quotes"),
        ("problem", [], "problem", "an object"),
        ("problem.t_min", "0", "problem.t_min", "a time > 0"),
        ("problem.t_min", "-1", "problem.t_min", "a time > 0"),
        ("problem.t_max", "0.01", "problem.t_max", "a time > t_min"),
        ("problem.t_max", 3, "problem.t_max", "in quotes"),
        (f"{MIXTURE}.schema", "certflow/mixture/2", f"{MIXTURE}.schema", "certflow/mixture/1"),
        (f"{MIXTURE}.name", 1, f"{MIXTURE}.name", "a text"),
        (f"{MIXTURE}.weights", [], f"{MIXTURE}.weights", "a sum within"),
        (f"{MIXTURE}.weights", ["1"], f"{MIXTURE}.means", "one row for each of the 1 weights"),
        (f"{MIXTURE}.weights", ["1.5", "-0.5"], f"{MIXTURE}.weights[1]", "a number > 0"),
        (f"{MIXTURE}.weights", ["1", "0"], f"{MIXTURE}.weights[1]", "a number > 0"),
        (f"{MIXTURE}.weights", "1", f"{MIXTURE}.weights", "a list"),
        (f"{MIXTURE}.weights", {"0": "1"}, f"{MIXTURE}.weights", "a list"),
        (f"{MIXTURE}.means", [["-1", "0"], ["1"]], f"{MIXTURE}.means[1]", "rows of one length"),
        (f"{MIXTURE}.means", [[], []], f"{MIXTURE}.means[0]", "at least 1"),
        (f"{MIXTURE}.means", [["-1", "0"], "10"], f"{MIXTURE}.means[1]", "a list"),
        (f"{MIXTURE}.means", [["-1", "0"], ["1", None]], f"{MIXTURE}.means[1][1]", "in quotes"),
        (f"{MIXTURE}.covariances.kind", "full", f"{MIXTURE}.covariances.kind", "common-isotropic"),
        (f"{MIXTURE}.covariances.kind", "isotropic", f"{MIXTURE}.covariances.kind", "common-isotropic"),
        (f"{MIXTURE}.covariances.values", "0", f"{MIXTURE}.covariances.values", "a variance > 0"),
        (f"{MIXTURE}.covariances.values", "-0.04", f"{MIXTURE}.covariances.values", "a variance > 0"),
        (f"{MIXTURE}.covariances.values", ["0.04"], f"{MIXTURE}.covariances.values", "in quotes"),
    ],
)
def test_a_value_that_does_not_fit(path: str, value: Any, field: str, word: str) -> None:
    refuse(changed(certificate("two modes", "F1"), path, value), field, word)


def test_a_changed_problem_with_the_old_hash() -> None:
    for path, value in (("t_max", "2.5"), ("mixture.name", "another"), ("mixture.weights.0", "0.50")):
        content = certificate("two modes", "F1")
        refuse(
            changed(content, f"problem.{path}", value) | {"hash": content["hash"]},
            "hash",
            "for this claim, problem and assertion",
        )
    refuse(
        certificate("two modes", "F2") | {"hash": certificate("two modes", "F1")["hash"]},
        "hash",
        "for this claim, problem",
    )


@pytest.mark.parametrize("claim", CLAIMS)
def test_keys_too_many_and_too_few(claim: str) -> None:
    content = certificate("two modes", claim)
    places = ["", "problem", "problem.mixture", "problem.mixture.covariances", "assertion", "proof"]
    for place in places:
        base: Any = content
        for step in filter(None, place.split(".")):
            base = base[step]
        for key in base:
            missing = copy.deepcopy(content)
            target: Any = missing
            for step in filter(None, place.split(".")):
                target = target[step]
            del target[key]
            if place.startswith("problem"):
                missing = sealed(missing)
            refuse(missing, f"{place}.{key}".lstrip("."), "nothing", "this key")
            assert not FORM.is_valid(missing)
        extra = changed(content, f"{place}.trusted".lstrip("."), "yes")
        refuse(extra, f"{place}.trusted".lstrip("."), "no key but")
        assert not FORM.is_valid(extra)


@pytest.mark.parametrize("claim", CLAIMS)
def test_precision_that_does_not_suffice(claim: str) -> None:
    """64 bits cannot confirm what is asserted to 25 digits; nor can they for a variance of 10^-30."""
    content = changed(certificate("two modes", claim), "proof.bits", 64)
    if claim not in ("L2", "L3", "G1"):
        assert check(content).text.startswith("assertion.")
    content = changed(content, "problem.mixture.covariances.values", "1e-30")
    refuse(changed(content, "problem.t_min", "1e-30"), *(["assertion.times[0]"] if claim[0] == "L" else ["proof.bits"]))


# -- hostile texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("", "certificate", "not JSON"),
        ("null", "certificate", "an object"),
        ("[]", "certificate", "an object"),
        ('"text"', "certificate", "an object"),
        ("{}", "schema", "this key"),
        ("{} {}", "certificate", "Extra data"),
        ("\ufeff{}", "certificate", "not JSON"),
        ("{'schema': 1}", "certificate", "not JSON"),
        ('{"a": NaN}', "certificate", "integers"),
        ('{"a": -Infinity}', "certificate", "integers"),
        ('{"a": 0.1}', "certificate", "integers"),
        ('{"a": 1e3}', "certificate", "integers"),
        ('{"a": 1, "a": 1}', "a", "each key once"),
        ('{"a": {"b": 1, "c": 2, "b": 1}}', "b", "each key once"),
        ('{"a": ' + "1" * 5000 + "}", "certificate", "digits"),
        ("[" * 100_000, "certificate", "nested levels"),
        ("[" * 40 + "]" * 40, "certificate", "at most 32 nested levels"),
        ('{"a":' * 40 + "1" + "}" * 40, "certificate", "at most 32 nested levels"),
        ('["]","' + '","'.join("]" * 50) + '",' + "[" * 32 + "]" * 32 + "]", "certificate", "nested levels"),
        ("[" + "1," * 1_000_001 + "1]", "certificate", "at most 1000000 values"),
        ('"' + '\\"' * 1_000_000, "certificate", "not JSON"),
        ('"' * 1_000_001, "certificate", "not JSON"),
        ('{"\\ud800": 1}', "\\ud800", "no key but"),
        ('{"a\\n\\u001b[31m": 1}', "a\\n\\u001b[31m", "no key but"),
        ('{"' + "a" * 10_000 + '": 1}', "a" * 56 + "..." + "a" * 19, "no key but"),
    ],
)
def test_texts_that_are_no_certificate(text: str, field: str, word: str) -> None:
    refuse(text, field, word)


@pytest.mark.parametrize("claim", CLAIMS)
def test_truncated_anywhere(claim: str) -> None:
    text = certificate_text("plane", claim)
    for length in {*range(0, len(text), max(1, len(text) // 300)), *range(len(text) - 40, len(text))}:
        refuse(text[:length], "certificate", "not JSON")


@pytest.mark.parametrize("claim", CLAIMS)
def test_any_character_replaced(claim: str) -> None:
    """A verdict, always; and acceptance only where the statement stayed as it was or is another true one."""
    text, draw = certificate_text("plane", claim), random.Random(claim)
    for _ in range(400):
        i = draw.randrange(len(text))
        content = text[:i] + draw.choice('0123456789"{}[],:-/.eE \\nau\x00\u0663') + text[i + 1 :]
        verdict = check(content)
        assert "cannot be checked" not in verdict.text, content
        if verdict.accepted:
            assert json.loads(content)["problem"] == json.loads(text)["problem"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_any_value_replaced(claim: str) -> None:
    """Every entry of the certificate replaced by values of every type: refused in one line that names a field."""
    content = certificate("plane", claim)
    values: list[Any] = [
        None,
        True,
        0,
        -1,
        10**400,
        "",
        "0",
        "1e5000",
        "-1e-5000",
        "1/3",
        "x" * 5000,
        [],
        ["0"],
        [[]],
        {},
        {"a": 1},
    ]
    for path in paths_of(content, ""):
        if path.startswith("producer"):
            continue
        for value in values:
            verdict = check(changed(content, path, value))
            assert "cannot be checked" not in verdict.text, (path, value, verdict.text)
            assert "\n" not in verdict.text


def paths_of(value: Any, path: str) -> Iterator[str]:
    """The paths of all entries; of long lists, of the first three."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        if isinstance(key, str) or key < 3:
            inner = f"{path}.{key}".lstrip(".")
            yield inner
            yield from paths_of(entry, inner)


@nightly  # every day: what is hostile in test_work.py
def test_a_problem_that_would_take_too_long() -> None:
    """Thousands of distant means, or of huge or incommensurable numbers: refused by counting, before the work."""
    content = certificate("one wide point", "F1")
    many = [["1e4000", "1e-4000"]] * 3000
    incommensurable = [[f"1/{10**60 + i}"] for i in range(1, 2000, 2)]
    for means in (many, incommensurable):
        weights = [f"1/{len(means)}"] * len(means)
        false = changed(changed(content, "problem.mixture.means", means), "problem.mixture.weights", weights)
        refuse(false, "problem.mixture.means")
    far = changed(content, "problem.mixture.means", [[str(i)] for i in range(20_000)])
    refuse(changed(far, "problem.mixture.weights", ["1/20000"] * 20_000), "problem.mixture.means", "steps of work")
    panels = certificate("one wide point", "L2")
    times = ["0.5", *(f"{i}e-5" for i in range(50_001, 250_000)), "4"]
    slow = changed(changed(panels, "assertion.times", times), "assertion.upper", ["1"] * (len(times) - 1))
    refuse(changed(slow, "proof.bits", 1024), "assertion.times", "steps of work")


def test_a_flaw_of_the_checker_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> Any:
        raise RecursionError

    monkeypatch.setattr(verdicts, "Case", fail)
    verdict = check(certificate("plane", "F1"))
    assert (verdict.accepted, verdict.text) == (False, "certificate: cannot be checked: RecursionError")
