"""What is printed of an accepted certificate is what it asserts: numbers are read back and held against the file."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from certificates import LAWS, certificate, sealed, sealed_as_before
from constructed import constructed
from produced import integral, sharp, tube
from students import compared, student

from certflow.certificate import checker
from certflow.certificate.checker import closed_forms
from certflow.certificate.checker.sentences import SHORT, SHORT_EXACT, about, rounded

NUMBER = r"[-+.0-9eE/]+"
EXACT = rf"(?:a number in \[{NUMBER}, {NUMBER}\]|{NUMBER})"
LIST = rf"\({EXACT}(?:, {EXACT})*\)"
#: Certificates of each claim.
CASES = 8
#: A printed number is this close to the asserted one, relative.
CLOSE = Fraction(1, 10**19)


def holes(sentence: str) -> str:
    """A pattern of a sentence with `<n>` for a bound, `<e>` for an exact number, `<l>` for a list of numbers."""
    pattern = re.escape(sentence)
    for name, hole in (("<n>", NUMBER), ("<e>", EXACT), ("<l>", LIST)):
        pattern = pattern.replace(re.escape(name), f"({hole})")
    return f'{pattern}; mixture ".*", t from ({EXACT}) to ({EXACT})'


#: For each claim: the sentence, and the direction and path in the assertion of each of its numbers.
SENTENCES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "L2": (
        "for all x, ||J(x,t)||_2 <= upper(t) <= <n>, 40 panels, D^2 <= <n>",
        (("up", "upper.max"), ("up", "diameter_squared")),
    ),
    "L3": (
        "for all x, lower(t) <= -J(x,t) <= upper(t) <= <n>, lower(t) >= <n>, 40 panels, D^2 <= <n>",
        (("up", "upper.max"), ("down", "lower.min"), ("up", "diameter_squared")),
    ),
    "F1": (
        "for all x, y, exp(<n>) <= |Phi(x)-Phi(y)| / |x-y| <= exp(<n>), factor <n>, D^2 <= <n>",
        (("down", "contraction"), ("up", "growth"), ("up", "factor"), ("up", "diameter_squared")),
    ),
    "F2": (
        "int lambda in [<n>, <n>], int L in [<n>, <n>], D^2 = <e>",
        (
            *((way, f"{kind}.{i}") for kind in ("one-sided", "two-sided") for i, way in enumerate(("down", "up"))),
            ("exact", "diameter_squared"),
        ),
    ),
    "G1": (
        "each node of the one-sided balanced grid of 3 segments lies in its interval of assertion.nodes, "
        "of length at most <n>, D^2 = <e>",
        (("up", "nodes.width"), ("exact", "diameter_squared")),
    ),
    "L5": (
        "at t = <e>, <n> <= sup over all x of lambda_max(-J) <= <n>",
        (("exact", "t"), ("down", "lower"), ("up", "upper")),
    ),
    "F5": (
        "int lambda* lies in [<n>, <n>], lambda* = sup over all x of lambda_max(-J), "
        "and for all x, y, |Phi(x)-Phi(y)| <= exp(<n>) |x-y|, factor <n>",
        (("down", "lower"), ("up", "upper"), ("up", "upper"), ("up", "factor")),
    ),
    "S3": (
        "Phi from t = <e> to t = <e> takes x into the box [lower, upper], x = <l>, lower = <l>, upper = <l>",
        (("exact", "t_from"), ("exact", "t_to"), ("exact", "x"), ("down", "lower"), ("up", "upper")),
    ),
    "A6": (
        "for all t, the network N of the assertion has ||N - s||_L2(p_t) <= <n>, and for all x "
        "|N(x,t) - s(x,t)| <= <n> + <n> |x|, s the score",
        (("up", "l2_error"), ("up", "A"), ("up", "B")),
    ),
    "C2": (
        "for X of the law at t_max, Phi the flow map to t_min, Psi the map of the assertion, "
        "E|Psi(X)-Phi(X)|^2 / E|Phi(X)|^2 lies in [<n>, <n>]",
        (("down", "lower"), ("up", "upper")),
    ),
    "C4": (
        "for X of the law at t_max, Phi the flow map to t_min, E|B(X)-Phi(X)|^2 >= <n> E|A(X)-Phi(X)|^2, A the "
        "composition of 2 maps that the assertion calls better, B the map that it calls worse",
        (("down", "ratio"),),
    ),
}


def entry(assertion: dict[str, Any], path: str) -> list[tuple[Fraction, str]]:
    """The numbers of the assertion that a hole of the sentence stands for, and how they are written, "" if nowhere."""
    key, _, place = path.partition(".")
    value = assertion[key]
    if place == "width":
        return [(max(Fraction(high) - Fraction(low) for low, high in value), "")]
    if place in ("max", "min"):
        value = (max if place == "max" else min)(value, key=Fraction)
    elif place:
        value = value[int(place)]
    return [(Fraction(text), text) for text in (value if isinstance(value, list) else [value])]


def assert_said(way: str, printed: str, value: Fraction, written: str) -> None:
    """The printed number is the asserted one where that is short, else rounded to the side on which it stays true."""
    if written and len(written) <= (SHORT_EXACT if way == "exact" else SHORT):
        assert printed == written
    if way == "exact":
        ends = [Fraction(end) for end in re.findall(NUMBER, printed.removeprefix("a number in "))]
        low, high = ends[0], ends[-1]
        assert low <= value <= high
        assert high - low <= 2 * CLOSE * abs(value)
        return
    assert value <= Fraction(printed) if way == "up" else Fraction(printed) <= value
    assert abs(Fraction(printed) - value) <= CLOSE * abs(value)


def assert_sentence(content: dict[str, Any]) -> None:
    verdict = checker.check(json.dumps(content))
    assert verdict.accepted, verdict.text
    sentence, parts = SENTENCES[content["claim"]]
    found = re.fullmatch(holes(sentence), verdict.text)
    assert found, verdict.text
    *numbers, start, end = found.groups()
    for printed, (way, path) in zip(numbers, parts, strict=True):
        texts = re.findall(EXACT, printed) if printed.startswith("(") else [printed]
        for text, (value, written) in zip(texts, entry(content["assertion"], path), strict=True):
            assert_said(way, text, value, written)
    for printed, key in ((start, "t_min"), (end, "t_max")):
        text = content["problem"][key]
        assert_said("exact", printed, Fraction(text), text)


def base(claim: str) -> dict[str, Any]:
    if claim == "L5":
        return sharp("plane 5", "0.3", gap="1e-3")
    if claim == "F5":
        return integral("two")
    if claim == "A6":
        return constructed("two modes")
    if claim == "C2":
        return student("two", "silu", 4)
    if claim == "C4":
        return compared("two", ("tanh", 4, 2), ("silu", 4))
    return tube("ring-8", ("0.01", "0")) if claim == "S3" else certificate(LAWS["plane"], claim)


def spelled(draw: random.Random, value: Fraction) -> str:
    """The same number in many characters: zeros that an exponent takes back, zeros at the end, a fraction unreduced."""
    power = max(value.denominator.bit_length(), 1)  # 10^power is a multiple of a denominator 2^a 5^b
    scaled = value * 10**power
    kind = draw.randrange(3) if scaled.denominator == 1 else 0
    if kind == 0:
        factor = draw.getrandbits(draw.choice((3, 200, 1200))) | 1
        return f"{value.numerator * factor}/{value.denominator * factor}"
    sign, digits, shift = "-" if value < 0 else "", str(abs(int(scaled))), draw.choice((0, 5, 60, 700))
    if kind == 1:
        return f"{sign}0.{'0' * shift}{digits}e{shift + len(digits) - power}"
    return f"{sign}{digits}{'0' * shift}.{'0' * draw.choice((0, 50))}e-{shift + power}"


def loosened(draw: random.Random, value: Fraction, sign: int, exponents: tuple[int, ...]) -> Fraction:
    """A number on the weaker side of a bound, by a part of it of hundreds of bits."""
    size = Fraction(draw.getrandbits(500) | 1, 2**500) * Fraction(10) ** draw.choice(exponents)
    return value + sign * size * (abs(value) or 1)


#: By how much a bound may be looser, as powers of 10; the growth of F1 and F5 by little, since its factor is to fit.
LITTLE, ANY = (-300, -60, -25, -21), (-300, -60, -25, -21, -9, 0, 3, 40, 300)


#: What is no bound of an assertion.
KEPT = ("rate", "kind", "segments", "network", "maps", "better", "worse")


def respelled(draw: random.Random, content: dict[str, Any]) -> dict[str, Any]:
    """The certificate with every number of its assertion in many characters, bounds moved to the weaker side."""
    signs = {
        "upper": 1,
        "lower": -1,
        "growth": 1,
        "contraction": -1,
        "factor": 1,
        "l2_error": 1,
        "A": 1,
        "B": 1,
        "ratio": -1,
    }

    def again(key: str, value: Any, sign: int) -> Any:
        if isinstance(value, list):
            ends = (-1, 1) if key in ("one-sided", "two-sided") else [sign] * len(value)
            return [again(key, entry, end) for entry, end in zip(value, ends, strict=True)]
        number = Fraction(value) * (2 if key == "factor" else 1)
        with_factor = key == {"F5": "upper", "C4": "ratio"}.get(content["claim"], "growth")
        return spelled(draw, loosened(draw, number, sign, LITTLE if with_factor else ANY))

    assertion = {
        key: value if key in KEPT else again(key, value, signs.get(key, 0))
        for key, value in content["assertion"].items()
    }
    ends = {key: spelled(draw, Fraction(content["problem"][key])) for key in ("t_min", "t_max")}
    return sealed(content | {"assertion": assertion, "problem": content["problem"] | ends})


@pytest.mark.parametrize("claim", SENTENCES)
def test_the_sentence_is_the_assertion(claim: str) -> None:
    assert_sentence(sealed(base(claim)))


@pytest.mark.parametrize("claim", SENTENCES)
def test_long_numbers_are_rounded_outwards(claim: str) -> None:
    draw = random.Random(claim)
    for _ in range(CASES):
        assert_sentence(respelled(draw, sealed(base(claim))))


def test_a_flow_without_a_factor() -> None:
    content = certificate(LAWS["plane"], "F1")
    wide = {"growth": "0." + "1" * 50 + "e9", "contraction": "-0.000000000000000000000000000000000000000001e45"}
    content["assertion"] |= wide | {"factor": None}
    text = checker.check(json.dumps(sealed(content))).text
    said = "for all x, y, exp(-1000) <= |Phi(x)-Phi(y)| / |x-y| <= exp(111111111.11111111112), no factor, D^2 <= "
    assert text.startswith(said), text


@pytest.mark.parametrize(
    ("claim", "path", "text", "said"),
    [
        ("L3", "upper", ["0.10000000000000000000000000000000000000000e9"], "upper(t) <= 100000000, lower(t)"),
        ("L5", "upper", "0.10000000000000000000000000000000000000000e9", "lambda_max(-J) <= 100000000;"),
        ("L5", "lower", "-100000000000000000000000000000000000000000", ", -1e41 <= sup"),
        ("L5", "lower", f"-{10**50 + 1}/3", ", -33333333333333333334000000000000000000000000000000 <= sup"),
    ],
)
def test_the_exponent_is_said(claim: str, path: str, text: Any, said: str) -> None:
    content = certificate(LAWS["plane"], claim, panels=1) if claim == "L3" else base(claim)
    content["assertion"][path] = text
    printed = checker.check(json.dumps(sealed(content))).text
    if said.startswith(", -333"):
        assert ", -3.3333333333333333334e49 <= sup" in printed
    else:
        assert said in printed


def test_a_point_of_many_coordinates_is_not_printed() -> None:
    content = tube("ring-8", ("0.01", "0"))
    mixture = content["problem"]["mixture"]
    mixture["means"] = [[*row, *["0"] * 9] for row in mixture["means"]]
    content["assertion"] |= {key: [*content["assertion"][key], *["0"] * 9] for key in ("x", "lower", "upper")}
    content["assertion"]["upper"] = ["9"] * 11
    content["assertion"]["lower"] = ["-9"] * 11
    verdict = checker.check(json.dumps(sealed(content)))
    assert verdict.accepted, verdict.text
    assert "takes x into the box [lower, upper] of the assertion; " in verdict.text


@pytest.mark.parametrize("claim", SENTENCES)
def test_an_older_hash_is_said_to_cover_less(claim: str) -> None:
    verdict = checker.check(json.dumps(sealed_as_before(base(claim))))
    assert verdict.accepted, verdict.text
    told = "hash of claim and problem only: an older file, whose hash would not show a changed assertion"
    assert f"; {told}; mixture " in verdict.text


# -- numbers ----------------------------------------------------------------------------------------------------------


def numbers(draw: random.Random) -> Fraction:
    size = draw.choice((1, 20, 60, 64, 65, 70, 400, 3000, 50_000))
    top, bottom = draw.getrandbits(size), draw.getrandbits(draw.choice((1, 30, 400, 20_000))) + 1
    near = draw.choice((-1, 0, 1)) + 10 ** draw.randrange(60)
    value = draw.choice((Fraction(top, bottom), Fraction(near), Fraction(1, max(near, 1)), Fraction(near, 10**40)))
    return value * draw.choice((-1, 1))


def test_rounded_to_twenty_digits() -> None:
    draw = random.Random(20)
    for _ in range(4000):
        value = numbers(draw)
        low, high = Fraction(rounded(value, up=False)), Fraction(rounded(value, up=True))
        assert low <= value <= high
        if low == high:
            continue
        assert high - low <= CLOSE * abs(value)
        digits = rounded(value, up=True).lstrip("-0.").partition("e")[0].replace(".", "")
        assert len(digits.strip("0")) <= 20


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [
        ("0", "0", "0"),
        ("7", "7", "7"),
        ("-1e20", "-100000000000000000000", "-100000000000000000000"),
        ("1e21", "1e21", "1e21"),
        ("123456789012345678901", "123456789012345678900", "123456789012345678910"),
        ("-123456789012345678901", "-123456789012345678910", "-123456789012345678900"),
        ("0.000012", "0.000012", "0.000012"),
        ("0.00000012", "1.2e-7", "1.2e-7"),
        ("99999999999999999999.5", "99999999999999999999", "100000000000000000000"),
        ("1/3", "0.33333333333333333333", "0.33333333333333333334"),
        ("-2e-5000", "-2e-5000", "-2e-5000"),
    ],
)
def test_what_numbers_look_like(value: str, down: str, up: str) -> None:
    assert (rounded(Fraction(value), up=False), rounded(Fraction(value), up=True)) == (down, up)


def test_numbers_of_refusals() -> None:
    assert about(Fraction("0.02")) == "0.02"
    assert about(Fraction(1, 3)) == "1/3"
    assert about(Fraction(-(10**30) - 1, 7)) == "about -1.4285714285714285715e29"
    content = certificate(LAWS["plane"], "F1")
    content["assertion"]["growth"] = "0." + "1" * 100 + "e9999"
    text = checker.check(json.dumps(sealed(content))).text
    assert text.startswith('assertion.growth: got "0.1111')
    assert '1e9999"; required: ' in text


#: Sentences of a checker that shortens numbers by cutting them, or rounds them inwards.
TWINS: dict[str, Callable[[str, Fraction], str]] = {
    "cut": lambda text, value: text if len(text) <= 40 else text[:37] + "...",
    "inwards": lambda text, value: text if len(text) <= 40 else rounded(value, up=False),
    "float": lambda text, value: f"{float(value):.15g}",
}


@pytest.mark.parametrize("name", TWINS)
def test_false_twins_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(name)
    contents = [respelled(draw, sealed(base("F1"))) for _ in range(CASES)]
    monkeypatch.setattr(closed_forms, "at_most", TWINS[name])

    def held() -> None:
        for content in contents:
            assert_sentence(content)

    with pytest.raises((AssertionError, ValueError)):
        held()
