"""Single corruptions of real certificates, an oracle of what a file asserts, and the table of what the checker said.

A corrupted file is refused, or accepted and true, or accepted and false; the last must never happen. The oracle reads
nothing but the file, shares no code with the checker and believes no hint:

L2, L3 : the extremes of `1/v - 1` and `lambda` over each panel, at the ends and where `lambda' = 0`, 60 digits
F1, F2, G1 : antiderivatives, 60 digits
L5 : `V*` exactly for two means and for three in a row; else `lower` must be reached by `lambda_max Cov` at a tilt (or
    in the limit along an exposed face), evaluated at 60 digits, the tilt from a dense search or from the file, and
    `upper` must reach the best tilt, and Popoviciu's bound or the upper end of `sharp_rate` of the file's problem
S3 : the image by quantiles along the line of the means and scaling across it, 60 digits
F5 : the integral exactly where `V*` is known exactly, by quadrature; else the asserted ends must hold those of
    `sharp_stability` of the file's problem, to a smaller gap
A6 : the bound of the package, in Arb, of the gadgets in the file, with more boxes of time
C2, C4 : the students of the file in float64, by quadrature over their own cells (students.py)

A statement that the oracle cannot confirm counts as false. `depth.py` says how many cases there are.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from typing import Any
from unittest.mock import patch

import mpmath
import numpy as np
from constructed import constructed, network_holds
from depth import SCALE, cases
from students import compared, comparison_holds, error_holds, relative_error, student

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.closed_forms import PRODUCERS
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.certificate.sharp_integral import sharp_integral_certificate
from certflow.enclosure.suprema import supremum
from certflow.enclosure.suprema.exponent import sharp_stability
from certflow.enclosure.suprema.sharp import sharp_rate

CLAIMS = ("L2", "L3", "L5", "F1", "F2", "F5", "G1", "S3", "A6", "C2", "C4")
GROUPS = (
    "assertion, new hash",
    "assertion, old hash",
    "hints",
    "false, hints",
    "problem, new hash",
    "problem, old hash",
    "envelope",
    "characters",
)
#: Cases of each group every day, and in the published table.
CASES = {"L5": 100, "S3": 80, "A6": 30, "F5": 25, "C2": 120, "C4": 60} | dict.fromkeys(
    ("L2", "L3", "F1", "F2", "G1"), 50
)
PUBLISHED = {"L5": 2000, "S3": 1000, "A6": 120, "F5": 1300, "C2": 2000, "C4": 1000} | dict.fromkeys(
    ("L2", "L3", "F1", "F2", "G1"), 600
)
DIGITS = 60
#: What the oracle's own rounding may cost, relative.
TINY = mpmath.mpf(10) ** -45

Certificate = dict[str, Any]

# -- real certificates ------------------------------------------------------------------------------------------------


def law(weights: list[str], means: list[list[str]], variance: str) -> cf.GaussianMixture:
    return cf.GaussianMixture(weights, means, variance, name="law")


def plane_of_nine() -> cf.GaussianMixture:
    """Normal means and random weights: its coverings have regions."""
    draw = np.random.default_rng([9, 2, 9])
    shares = draw.integers(100, 1000, 9)
    weights = [f"{share}/{shares.sum()}" for share in shares]
    return law(weights, [[f"{x:.3f}" for x in row] for row in draw.normal(size=(9, 2))], "0.04")


#: Three means on an edge of the hull, so that the covering of infinity refers to a face.
EDGE = [["0", "0"], ["1", "0"], ["2", "0"], ["1", "1.5"], ["0.6", "0.3"]]
TURNED = [[str(Fraction(3 * x - 4 * y, 5)), str(Fraction(4 * x + 3 * y, 5))] for x in (-1, 0, 1) for y in (-1, 1)]
LAWS = {
    **{name: cf.load_mixture(name) for name in ("two-modes", "line-3", "random-5")},
    "edge": law(["0.1", "0.5", "0.1", "0.1", "0.2"], EDGE, "0.01"),
    "nine": plane_of_nine(),
    "turned": law(["0.1", "0.1", "0.3", "0.3", "0.1", "0.1"], TURNED, "0.04"),
    "two": law(["0.3", "0.7"], [["0", "0"], ["1", "0.5"]], "0.09"),
    "line": law(["1/2", "1/2"], [["-1"], ["1"]], "0.01"),
    "three": law(["0.2", "0.5", "0.3"], [["-1.5"], ["0.1"], ["0.8"]], "0.04"),
    "wide": law(["0.4", "0.6"], [["-1", "0.5"], ["2", "0"]], "2.5"),
}
SHARP = (
    ("line-3", "0.3", "one-sided", "1e-3"),
    ("line-3", "0.1", "two-sided", "1e-6"),
    ("random-5", "0.1", "one-sided", "1e-9"),
    ("edge", "0.3", "one-sided", "1e-2"),
    ("nine", "0.3", "one-sided", "1e-2"),
    ("turned", "0.3", "two-sided", "1e-3"),
    ("two", "0.3", "one-sided", "1e-3"),
    ("three", "0.2", "one-sided", "1e-9"),
)
TUBES = (
    ("line", ["0.3"], "0.5", "0.4"),
    ("three", ["0.3"], "0.2", "0.3"),
    ("three", ["-0.2"], "0.5", "0.4"),
    ("two", ["0.3", "0.2"], "0.5", "0.4"),
)
#: Law, activation, width, maps, skip.
STUDENTS = (("two", "silu", 4), ("two", "tanh", 3, 2), ("three", "relu", 4, 1, 0.0), ("one", "silu", 2))
CLOSED = ("two-modes", "line-3", "random-5", "wide")
#: Every day those whose integral is known exactly, at once; in the night a face, a turn, and means of any weights too.
INTEGRALS = ("two", "line-3", *(("three", "turned", "edge") if SCALE > 1 else ()))


def process(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(LAWS[name], "0.01", "3")


@cache
def certificates(claim: str) -> list[Certificate]:
    """Small certificates of the claim, as the package produces them."""
    if claim == "L5":
        return [sharp_certificate(process(name), t, kind, gap=gap)[0] for name, t, kind, gap in SHARP]
    if claim == "S3":
        return [flow_tube_certificate(process(name), x, start, end, 12) for name, x, start, end in TUBES]
    if claim == "F5":
        return [sharp_integral_certificate(process(name), gap="0.1", seconds=1e4)[0] for name in INTEGRALS]
    if claim == "A6":
        return [constructed(name) for name in ("two modes", "wide", "one")]
    if claim == "C2":
        return [student(*arguments) for arguments in STUDENTS]
    if claim == "C4":
        return [compared("two", ("tanh", 4, 2), ("silu", 4)), compared("three", ("relu", 6), ("relu", 3, 1, 0.0))]
    if claim == "G1":
        return [PRODUCERS[claim](process(name), 3, "two-sided" if name == "wide" else "one-sided") for name in CLOSED]
    options = {"panels": 4} if claim in ("L2", "L3") else {}
    return [PRODUCERS[claim](process(name), **options) for name in CLOSED]


@cache
def false_certificates(claim: str) -> list[Certificate]:
    """The same with an assertion that is false by little, and hints that would go with it."""
    return [sealed(falsified(copy.deepcopy(content))) for content in certificates(claim)]


def falsified(content: Certificate) -> Certificate:
    claim, assertion = content["claim"], content["assertion"]
    if claim in ("L2", "L3"):
        assertion["upper"][0] = moved(assertion["upper"][0], "-1/2")
    elif claim == "F1":
        growth = Fraction(assertion["growth"]) - Fraction(1, 10**15)
        assertion["growth"] = str(growth)
        if growth <= 600:
            with mpmath.workdps(DIGITS):
                assertion["factor"] = text_above(mpmath.exp(mpf(growth)))
    elif claim == "F5":
        lower_the_integral(content)
    elif claim == "F2":
        assertion["one-sided"] = [moved(end, "1e-15") for end in assertion["one-sided"]]
    elif claim == "G1":
        assertion["nodes"][1] = [moved(end, "1e-15") for end in assertion["nodes"][1]]
    elif claim == "A6":  # far away the error is |e_q| |x|, and e_q is not 0: its half
        assertion["B"] = str(Fraction(assertion["B"]) / 2) if Fraction(assertion["B"]) else "-1"
    elif claim in ("C2", "C4"):  # by a thousandth of what it is
        keys = ("maps",) if claim == "C2" else ("worse", "better")
        errors = [Fraction(relative_error(content["problem"], assertion[key])) for key in keys]
        if claim == "C2":
            assertion |= {"lower": "0", "upper": str(errors[0] * Fraction(999, 1000))}
        else:
            assertion["ratio"] = str(errors[0] / errors[1] * Fraction(1001, 1000))
    elif claim == "S3":
        width = Fraction(assertion["upper"][0]) - Fraction(assertion["lower"][0])
        for key in ("lower", "upper"):
            assertion[key][0] = str(Fraction(assertion[key][0]) + width)
    else:
        lower_the_supremum(content)
    return content


def lower_the_supremum(content: Certificate) -> None:
    """L5: thresholds below the largest known variance by 1e-9, and the upper bound that follows from them.

    Where another term is larger, the upper bound is below that term."""
    with mpmath.workdps(DIGITS):
        problem, kind = Problem(content["problem"]), content["assertion"]["kind"]
        rates, spread = Rates(problem, Fraction(content["assertion"]["t"])), witness_spread(problem, content)
        tau, known = Fraction(text_above(spread * (1 - mpf("1e-9")))), rates.rate(kind, spread)
        upper = rates.rate(kind, mpf(tau)) + abs(known) * mpf("1e-25")
        if upper > known:
            upper = known - abs(known) * mpf("1e-9")
        for block in content["proof"]["blocks"]:
            block["threshold"] = str(min(Fraction(block["threshold"]), tau))
        content["assertion"]["upper"] = text_above(upper)
        content["assertion"]["lower"] = text_above(upper - abs(upper))


def lower_the_integral(content: Certificate) -> None:
    """F5: an upper end below the proved lower end by a billionth, and levels of coverings as much lower as it needs."""
    assertion, panels, start = content["assertion"], content["proof"]["panels"], Fraction(content["proof"]["start"])
    upper, whole = Fraction(assertion["lower"]) * (1 - Fraction(1, 10**9)), Fraction(0)
    for panel in panels:
        end = Fraction(panel["end"])
        part = (end - start) * sum(map(Fraction, panel["levels"])) / 2
        whole, start = whole + part * any(panel["covers"]), end
    share = 1 - (Fraction(assertion["upper"]) - upper) / whole - Fraction(1, 10**10) if whole else Fraction(1)
    for panel in filter(lambda panel: any(panel["covers"]), panels):
        panel["levels"] = [str(Fraction(level) * share) for level in panel["levels"]]
    with mpmath.workdps(DIGITS):
        assertion |= {
            "lower": str(upper - abs(upper)),
            "upper": str(upper),
            "factor": text_above(mpmath.exp(mpf(upper)) * (1 + mpf("1e-30"))),
        }


def text_above(value: Any) -> str:
    """A decimal of 40 places, above."""
    return str(Fraction(int(mpmath.ceil(value * mpmath.mpf(10) ** 40)) + 1, 10**40))


def moved(text: str, share: str) -> str:
    """A number moved by a share of its size."""
    value = Fraction(text)
    return str(value + abs(value) * Fraction(share))


def sealed(content: Certificate) -> Certificate:
    """The certificate with the hash of its statement."""
    return content | {"hash": hash_of(content, "sha256-statement")}


def hash_of(content: Certificate, form: str) -> str:
    """`sha256-statement` covers claim, problem and assertion; `sha256`, of older files, claim and problem."""
    keys = ("schema", "claim", "problem", "assertion")[: 3 if form == "sha256" else 4]
    hashed = {key: content.get(key) for key in keys}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{form}:{hashlib.sha256(text.encode()).hexdigest()}"


# -- corruptions ------------------------------------------------------------------------------------------------------

JUNK = ("nan", "inf", "1/0", "", "1e9999", " 1", "0x1", "1_0", "١", "true", "-", "1e-4999", "p/q", "0", "1", "-1")
WORDS = (
    "one-sided",
    "two-sided",
    "popoviciu",
    "closed-form",
    "taylor-steps",
    "master-inequality",
    "gadgets",
    "panels",
    "student-cells",
    "silu",
    "tanh",
    "relu",
    "isotropic",
    "",
    "x",
)
OTHERS: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, 10**30, "", "0", "1", [], {}, [[]], ["0"], [0], {"a": "0"})
TOKENS = (
    "0",
    "1",
    "2",
    "9",
    "T",
    "R0",
    "R1",
    "F0",
    "F1",
    "P0,0",
    "P0,1",
    "P1,1",
    "P0,2",
    "P1,2",
    "P2,3",
    "P9,9",
    "Q",
    "",
)
SHARES = ("1e-12", "-1e-12", "1e-6", "-1e-6", "1e-3", "-1e-3", "1/10", "-1/10", "1", "-1/2", "9", "1e6", "-2")


def corrupted_number(draw: random.Random, text: str) -> str:
    places = [i for i, character in enumerate(text) if character.isdigit()]
    kind = draw.randrange(10)
    if kind < 4 and places:
        i = draw.choice(places)
        return text[:i] + draw.choice("0123456789") + text[i + 1 :]
    if kind < 8:
        return moved(text, draw.choice(SHARES))
    return draw.choice((text[1:] if text[0] == "-" else "-" + text, text[:-1], text + "e1", draw.choice(JUNK)))


def corrupted_tree(draw: random.Random, text: str) -> str:
    tokens = text.split(" ")
    i, j = draw.randrange(len(tokens)), draw.randrange(len(tokens))
    kind = draw.randrange(8)
    if kind == 0:
        tokens[i], tokens[j] = tokens[j], tokens[i]
    elif kind == 1:
        del tokens[i]
    elif kind == 2:
        tokens.insert(j, tokens[i])
    elif kind == 3:
        tokens[i] = tokens[j]
    elif kind == 4:
        tokens[i] = draw.choice(TOKENS)
    elif kind == 5:
        tokens[i] = draw.choice(
            ["0", "1"] if tokens[i].isdigit() else ["T", *(f"P{k // 5},{k % 5}" for k in range(25))]
        )
    elif kind == 6:
        del tokens[max(i, 1) :]
    else:  # a cell and what may belong to it: one leaf instead
        tokens[i : i + draw.randrange(1, 6)] = [draw.choice(TOKENS)]
    return " ".join(tokens)


def corrupted_integers(draw: random.Random, text: str) -> str:
    """A text of integers."""
    entries = text.split(" ")
    i, j, kind = draw.randrange(len(entries)), draw.randrange(len(entries)), draw.randrange(8)
    if kind < 5:
        value = int(entries[i])
        moves = (1, -1, 2**20, -(2**20), value, -2 * value, value // 100, -value // 100, 2**70)
        entries[i] = str(value + draw.choice(moves))
    elif kind == 5:
        entries[i], entries[j] = entries[j], entries[i]
    elif kind == 6:
        entries[i] = draw.choice(("", "-", "1.5", "x", "0", "-0", "1" * 81))
    else:
        entries[i : i + 1] = draw.choice(([], [entries[i]] * 2))
    return " ".join(entries)


def corrupted_integer(draw: random.Random, value: int) -> Any:
    return draw.choice((value + 1, value - 1, -value, 0, 2 * value, value + 8, 10**20, str(value), float(value)))


def corrupted_list(draw: random.Random, values: list[Any]) -> list[Any]:
    values = list(values)
    if not values:
        return [draw.choice(OTHERS)]
    i, j = draw.randrange(len(values)), draw.randrange(len(values))
    kind = draw.randrange(5)
    if kind == 0:
        del values[i]
    elif kind == 1:
        values.insert(j, values[i])
    elif kind == 2:
        values[i], values[j] = values[j], values[i]
    elif kind == 3:
        values.reverse()
    else:
        values.insert(i, draw.choice(OTHERS))
    return values


def corrupted_object(draw: random.Random, value: Certificate) -> Certificate:
    if not value:
        return {"a": draw.choice(OTHERS)}
    name, other = draw.choice(sorted(value)), draw.choice(sorted(value))
    rest = {key: entry for key, entry in value.items() if key != name}
    return draw.choice(
        (rest, rest | {name + "s": value[name]}, value | {"more": value[name]}, value | {name: value[other]})
    )


def corrupted(draw: random.Random, value: Any, name: str) -> Any:
    """One entry, of the field of this name, changed in a way that suits it; sometimes its type."""
    if draw.random() < 0.06:
        return draw.choice(OTHERS)
    if isinstance(value, str) and name in ("boxes", "cones"):
        return corrupted_tree(draw, value)
    if isinstance(value, str) and name in ("weights", "biases", "rows") and " " in value:
        return corrupted_integers(draw, value)
    if isinstance(value, str):
        return corrupted_number(draw, value) if is_number(value) else draw.choice((*WORDS, value[1:], value + " "))
    for kind, corruption in ((dict, corrupted_object), (list, corrupted_list)):
        if isinstance(value, kind):
            return corruption(draw, value)
    return corrupted_integer(draw, value) if type(value) is int else draw.choice(OTHERS)


def is_number(text: str) -> bool:
    try:
        Fraction(text)
    except (ValueError, ZeroDivisionError):
        return False
    return True


def entries(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every entry with its path, the whole included."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inner:
        yield from entries(entry, (*path, key))


def corrupted_at(draw: random.Random, content: Certificate, sections: tuple[str, ...]) -> tuple[Certificate, str]:
    """One corruption in these sections, and in words; all fields are as likely, trees six times."""
    fields: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for section in sections:
        for path, value in entries(content[section], (section,)):
            names = tuple(step for step in path if isinstance(step, str))
            fields.setdefault((*names, type(value).__name__), []).append(path)
    weights = [6 if key[-2:] in (("boxes", "str"), ("cones", "str")) else 1 for key in fields]
    path = draw.choice(fields[draw.choices(list(fields), weights)[0]])
    result: Certificate = copy.deepcopy(content)
    target: Any = result
    for step in path[:-1]:
        target = target[step]
    before, name = target[path[-1]], [step for step in path if isinstance(step, str)][-1]
    target[path[-1]] = corrupted(draw, before, name)
    return result, f"{'.'.join(map(str, path))}: {before!r:.60} -> {target[path[-1]]!r:.60}"


def corrupted_text(draw: random.Random, text: str) -> tuple[str, str]:
    """One character of the file changed, lost, or added."""
    i, new = draw.randrange(len(text)), draw.choice('0123456789-./e"[]{},: PTRF')
    end = i + draw.choice((0, 1, 1, 1))
    return text[:i] + draw.choice((new, new, "")) + text[end:], f"character {i}: {text[i]!r} -> {new!r} or none"


def corrupted_file(draw: random.Random, claim: str, group: str) -> tuple[str, str] | None:
    """The text of a corrupted certificate and what was changed; None where nothing was."""
    content = draw.choice(false_certificates(claim) if group == "false, hints" else certificates(claim))
    before = certificate_text(content)
    if group == "characters":
        text, words = corrupted_text(draw, before)
    else:
        where = {"envelope": ("schema", "claim", "hash", "producer"), "hints": ("proof",), "false, hints": ("proof",)}
        content, words = corrupted_at(draw, content, where.get(group, (group.partition(",")[0],)))
        if group.endswith(", new hash") or (group == "envelope" and draw.random() < 0.3):
            content = sealed(content)
        text = certificate_text(content)
    return None if text == before and group != "false, hints" else (text, words)


# -- the oracle -------------------------------------------------------------------------------------------------------


def mpf(value: Any) -> Any:
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def below(x: Any, y: Any) -> bool:
    """`x <= y`, up to the oracle's own rounding."""
    return bool(x <= y + TINY * (abs(x) + abs(y)))


class Problem:
    """A mixture and its interval of time; raises ValueError unless it is one."""

    def __init__(self, mapping: Certificate):
        mixture = mapping["mixture"]
        weights, rows = ([Fraction(w) for w in mixture["weights"]], mixture["means"])
        self.rows = [tuple(Fraction(x) for x in row) for row in rows]
        self.s2 = Fraction(mixture["covariances"]["values"])
        self.t_min, self.t_max = Fraction(mapping["t_min"]), Fraction(mapping["t_max"])
        well_formed = (
            mixture["schema"] == "certflow/mixture/1"
            and mixture["covariances"]["kind"] == "common-isotropic"
            and len(self.rows) == len(weights) > 0
            and len({len(row) for row in self.rows}) == 1
            and len(self.rows[0]) > 0
            and min(weights) > 0
            and abs(sum(weights) - 1) <= Fraction(1, 10**9)
            and self.s2 > 0
            and 0 < self.t_min < self.t_max
        )
        if not well_formed:
            raise ValueError("no mixture of common variance")
        merged: dict[tuple[Fraction, ...], Fraction] = {}
        for row, weight in zip(self.rows, weights, strict=True):
            merged[row] = merged.get(row, Fraction(0)) + weight / sum(weights)
        self.points, self.weights = tuple(merged), tuple(merged.values())
        self.d2 = max(squared(a, b) for a in self.points for b in self.points)

    def q(self, t: Any) -> Any:
        return mpmath.exp(-2 * mpf(t))

    def v(self, q: Any) -> Any:
        return 1 - mpf(1 - self.s2) * q

    def rates(self, q: Any) -> tuple[Any, Any]:
        """`1/v - 1` and `lambda`."""
        return 1 / self.v(q) - 1, 1 - 1 / self.v(q) + q * mpf(self.d2) / (4 * self.v(q) ** 2)

    def integral(self, s: Any, t: Any, rate: str) -> Any:
        """`int_s^t` of `1 - 1/v`, `lambda` or `L`, by `1/2 ln v`-like antiderivatives."""
        q_s, q_t = self.q(s), self.q(t)
        expansion = mpmath.log(self.v(q_s) / self.v(q_t)) / 2
        if rate == "expansion":
            return expansion
        c = 1 - self.s2
        if rate == "two-sided" and c > 0 and self.d2 < 8 * c:  # L = 1/v - 1 where v > D^2/(8c)
            crossing = min(max(mpf((1 - self.d2 / (8 * c)) / c), q_t), q_s)
            late = mpmath.log(self.v(q_t) / self.v(crossing)) / 2
            return mpmath.log(self.v(q_s) / self.v(crossing)) / 2 + self.pull(q_s, crossing) + late
        return expansion + self.pull(q_s, q_t)

    def pull(self, q_s: Any, q_t: Any) -> Any:
        return mpf(self.d2) * (q_s - q_t) / (8 * self.v(q_s) * self.v(q_t))


def squared(a: tuple[Fraction, ...], b: tuple[Fraction, ...]) -> Fraction:
    return sum(((x - y) ** 2 for x, y in zip(a, b, strict=True)), Fraction(0))


def is_true(content: Certificate) -> bool:
    """Whether the file is well-formed and what it asserts is confirmed to be true."""
    return confirmed(content, Problem, ORACLES)


def confirmed(content: Certificate, problem: Callable[[Any], Any], oracles: Mapping[str, Callable[..., bool]]) -> bool:
    """Whether a file is well-formed, and the oracle of its claim confirms it for the problem that is read from it."""
    with mpmath.workdps(DIGITS):
        try:
            hashes = [hash_of(content, form) for form in ("sha256", "sha256-statement")]
            whole = content["schema"] == "certflow/certificate/1" and content["hash"] in hashes
            return whole and oracles[content["claim"]](problem(content["problem"]), content)
        except (KeyError, ValueError, TypeError, ZeroDivisionError, IndexError, cf.InputError):
            return False


def panels_hold(problem: Problem, content: Certificate) -> bool:
    """L2, L3: the rates at the ends of each panel, and at `q = (c - D^2/4)/(c^2 + c D^2/4)`, where `lambda' = 0`."""
    assertion = content["assertion"]
    times, upper = [Fraction(t) for t in assertion["times"]], [mpf(x) for x in assertion["upper"]]
    c, d2 = 1 - problem.s2, problem.d2
    bend = None if c == 0 or 4 * c + d2 == 0 else (c - d2 / 4) / (c * (c + d2 / 4))
    fits = times[0] == problem.t_min and times[-1] == problem.t_max and len(upper) == len(times) - 1
    fits = fits and Fraction(assertion["diameter_squared"]) >= d2
    lower = [mpf(x) for x in assertion["lower"]] if content["claim"] == "L3" else upper
    for early, late, high, low in zip(times[:-1], times[1:], upper, lower, strict=True):
        q = [problem.q(late), problem.q(early)]
        fits = fits and early < late
        if bend is not None and q[0] < mpf(bend) < q[1]:
            q.append(mpf(bend))
        for inner, growth in map(problem.rates, q):
            if content["claim"] == "L2":
                fits = fits and below(max(abs(inner), abs(growth)), high)
            else:
                fits = fits and below(growth, high) and below(low, -inner)
    return fits


def flow_holds(problem: Problem, content: Certificate) -> bool:
    """F1."""
    assertion, ends = content["assertion"], (problem.t_min, problem.t_max)
    growth, factor = Fraction(assertion["growth"]), assertion["factor"]
    return (
        Fraction(assertion["diameter_squared"]) >= problem.d2
        and below(problem.integral(*ends, "one-sided"), mpf(growth))
        and below(mpf(assertion["contraction"]), problem.integral(*ends, "expansion"))
        and (growth > 600 if factor is None else below(mpmath.exp(mpf(growth)), mpf(factor)))
    )


def integrals_hold(problem: Problem, content: Certificate) -> bool:
    """F2."""
    assertion = content["assertion"]
    fits = Fraction(assertion["diameter_squared"]) == problem.d2
    for rate in ("one-sided", "two-sided"):
        low, high = map(mpf, assertion[rate])
        value = problem.integral(problem.t_min, problem.t_max, rate)
        fits = fits and below(low, value) and below(value, high)
    return fits


def grid_holds(problem: Problem, content: Certificate) -> bool:
    """G1: the integrals to the ends of a bracket lie on either side of the share; the rate is positive at both ends."""
    assertion, start, end = content["assertion"], problem.t_min, problem.t_max
    nodes, count, rate = assertion["nodes"], assertion["segments"], assertion["rate"]
    brackets = [tuple(map(Fraction, node)) for node in nodes]
    speeds = [problem.rates(problem.q(t)) for t in (start, end)]
    fits = min(growth if rate == "one-sided" else max(abs(inner), abs(growth)) for inner, growth in speeds) > 0
    fits = fits and rate in ("one-sided", "two-sided") and Fraction(assertion["diameter_squared"]) == problem.d2
    fits = fits and len(brackets) == count + 1 and brackets[0] == (end, end) and brackets[-1] == (start, start)
    fits = fits and all(late[0] > early[1] for late, early in pairwise(brackets))
    whole = problem.integral(start, end, rate)
    for k, (low, high) in enumerate(brackets[1:-1], 1):
        share = whole * (count - k) / count
        fits = fits and below(problem.integral(start, low, rate), share)
        fits = fits and below(share, problem.integral(start, high, rate))
    return fits


class Rates:
    """The rates at one time as functions of `V*`."""

    def __init__(self, problem: Problem, t: Any):
        self.q = problem.q(t)
        self.v = problem.v(self.q)
        self.r = self.q / (2 * self.v)

    def rate(self, kind: str, spread: Any) -> Any:
        growth = self.q / self.v**2 * spread - (1 / self.v - 1)
        return {"one-sided": growth, "two-sided": max(abs(1 / self.v - 1), growth)}[kind]


def supremum_holds(problem: Problem, content: Certificate) -> bool:
    """L5."""
    assertion, law = content["assertion"], (problem.points, problem.weights, problem.s2)
    t, kind = Fraction(assertion["t"]), assertion["kind"]
    lower, upper = mpf(assertion["lower"]), mpf(assertion["upper"])
    if not problem.t_min <= t <= problem.t_max:
        return False
    rates = Rates(problem, t)
    known = exact_spread(problem, rates.r)
    if known is not None:
        return below(lower, rates.rate(kind, known)) and below(rates.rate(kind, known), upper)
    popoviciu, searched = rates.rate(kind, mpf(problem.d2 / 4)), rates.rate(kind, searched_spread(*law, t))
    if not below(searched, upper):
        return False
    if not below(lower, searched) and not below(lower, rates.rate(kind, witness_spread(problem, content))):
        return False
    return below(popoviciu, upper) or any(
        below(rates.rate(kind, enclosed_spread(*law, t, gap)), upper) for gap in ("1e-9", "1e-11")
    )


def exact_spread(problem: Problem, r: Any) -> Any:
    """`V*` of one or two means, `D^2/4`, and of three equal ones in a row at equal distances (L5); else None."""
    points = sorted(problem.points)
    if len(points) < 3:
        return mpf(problem.d2 / 4)
    steps = {tuple(y - x for x, y in zip(a, b, strict=True)) for a, b in pairwise(points)}
    if len(points) > 3 or len(steps) > 1 or len(set(problem.weights)) > 1:
        return None
    square = mpf(problem.d2 / 4)
    power = mpmath.exp(-r * square)
    return square * (2 * power / (1 + 2 * power) if 4 * power >= 1 else 1 / (4 * (1 - 4 * power * power)))


def growth_holds(problem: Problem, content: Certificate) -> bool:
    """F5."""
    assertion = content["assertion"]
    lower, upper, factor = (None if assertion[key] is None else Fraction(assertion[key]) for key in GROWTH)
    fits = upper > 600 if factor is None else below(mpmath.exp(mpf(upper)), mpf(factor))
    law = problem.points, problem.weights, problem.s2, problem.t_min, problem.t_max
    low, high = exact_growth(*law) or enclosed_growth(*law)
    return fits and below(mpf(lower), low) and below(high, mpf(upper))


GROWTH = ("lower", "upper", "factor")


@cache
def exact_growth(points: Any, weights: Any, s2: Fraction, start: Fraction, end: Fraction) -> tuple[Any, Any] | None:
    """`int lambda*` where `V*` is known exactly; it bends where `exp(-r D^2/4) = 1/4`."""
    law = {"schema": "certflow/mixture/1", "weights": weights, "means": points}
    law["covariances"] = {"kind": "common-isotropic", "values": s2}
    problem = Problem({"mixture": law, "t_min": start, "t_max": end})
    late, early = (Rates(problem, t).r for t in (problem.t_max, problem.t_min))
    if exact_spread(problem, late) is None:
        return None
    bend = mpmath.log(4) / mpf(problem.d2 / 4) if problem.d2 else late
    nodes = [late, *([bend] if late < bend < early else []), early]
    expansion = problem.integral(problem.t_min, problem.t_max, "expansion")
    value = mpmath.quad(lambda r: exact_spread(problem, r), nodes) + expansion
    return value, value


@cache
def enclosed_growth(points: Any, weights: Any, s2: Fraction, start: Fraction, end: Fraction) -> tuple[Any, Any]:
    mixture = cf.GaussianMixture(list(weights), [list(point) for point in points], s2)
    found = sharp_stability(cf.OrnsteinUhlenbeck(mixture, start, end), start, end, gap="0.02", seconds=1e4)
    return mpf(found.lower), mpf(found.upper)


@cache
def enclosed_spread(points: tuple[Any, ...], weights: tuple[Any, ...], s2: Fraction, t: Fraction, gap: str) -> Any:
    """An upper bound of `V*`, to the relative gap where so many cells suffice."""
    mixture = cf.GaussianMixture(list(weights), [list(point) for point in points], s2)
    with patch.object(supremum, "MAX_CELLS", 30_000):
        found = sharp_rate(cf.OrnsteinUhlenbeck(mixture, t / 2, 2 * t), t, gap=gap, seconds=math.inf)
    return mpf(found.spread[1])


@cache
def searched_spread(points: tuple[Any, ...], weights: tuple[Any, ...], s2: Fraction, t: Fraction) -> Any:
    """`lambda_max Cov` at the best of many tilts: random ones, and others that balance two means; then small steps."""
    means, rng = np.array(points, dtype=float), np.random.default_rng(len(points))
    r = 1 / (2 * (float(s2) + np.expm1(2 * float(t))))
    offset = np.log(np.array(weights, dtype=float)) - r * (means**2).sum(1)

    def value(tilts: np.ndarray) -> np.ndarray:
        logits = offset + tilts @ means.T
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        rest = means - (shares @ means)[:, None]
        return np.linalg.eigvalsh(np.einsum("nk,nki,nkj->nij", shares, rest, rest))[:, -1]

    size = 2 * r * np.abs(means).max() + 8 / max(np.ptp(means, axis=0).max(), 1e-300)
    tilts = rng.normal(size=(1500, means.shape[1])) * size * 10 ** rng.uniform(-1.5, 1.5, (1500, 1))
    for i, j in combinations(range(len(means)), 2):  # log p_i = log p_j, and far out across
        axis = means[j] - means[i]
        across = rng.normal(size=(60, len(axis))) * size * 10 ** rng.uniform(-1.5, 2.5, (60, 1))
        moves = (offset[i] - offset[j] - across @ axis) / (axis @ axis)
        tilts = np.concatenate([tilts, across + moves[:, None] * axis])
    tilts = tilts[np.argsort(-value(tilts))[:16]]
    best, step = value(tilts), np.full(16, size / 4)
    for _ in range(90):
        trial = tilts + step[:, None] * rng.normal(size=tilts.shape)
        found = value(trial)
        better = found > best
        tilts[better], best[better] = trial[better], found[better]
        step = np.where(better, 1.6 * step, 0.8 * step)
    tilt = [mpmath.mpf(float(x)) for x in tilts[best.argmax()]]
    return spread_at(points, weights, tilt, mpf(1) / (2 * (mpf(s2) + mpmath.expm1(2 * mpf(t)))))


def spread_at(points: Any, weights: Any, tilt: list[Any], r: Any) -> Any:
    """`lambda_max Cov_p(a)`, `p_k ~ w_k exp(y.a_k - r |a_k|^2)`."""
    rows, axes = [[mpf(x) for x in point] for point in points], range(len(points[0]))
    logits = [
        mpmath.log(mpf(weight)) + mpmath.fdot(zip(tilt, row, strict=True)) - r * mpmath.fdot(row, row)
        for row, weight in zip(rows, weights, strict=True)
    ]
    shares = [mpmath.exp(x - max(logits)) for x in logits]
    shares = [x / mpmath.fsum(shares) for x in shares]
    mean = [mpmath.fdot(zip(shares, (row[i] for row in rows), strict=True)) for i in axes]
    matrix = mpmath.matrix(len(axes), len(axes))
    for i in axes:
        for j in axes:
            products = ((row[i] - mean[i]) * (row[j] - mean[j]) for row in rows)
            matrix[i, j] = mpmath.fdot(zip(shares, products, strict=True))
    return max(mpmath.eigsy(matrix, eigvals_only=True))


def witness_spread(problem: Problem, content: Certificate) -> Any:
    """The same at the file's point, or on the face that its normal exposes: one more tilt to try, whatever it is."""
    proof = content["proof"]
    hint, turn = proof["lower"], proof["turn"]
    axes, x = proof["blocks"][hint["block"]]["axes"], [Fraction(entry) for entry in hint["point"]]
    normal = [Fraction(0)] * len(x)
    for axis, entry in zip(axes, hint["normal"] or ["0"] * len(axes), strict=True):
        normal[axis] = Fraction(entry)
    if turn is not None:
        x, normal = ([turn[0] * a - turn[1] * b, turn[1] * a + turn[0] * b] for a, b in (x, normal))
    heights = [sum(a * b for a, b in zip(normal, point, strict=True)) for point in problem.points]
    face = [k for k, height in enumerate(heights) if height == max(heights)]
    t = Fraction(content["assertion"]["t"])
    rates = Rates(problem, t)
    tilt = [mpmath.exp(-mpf(t)) / rates.v * mpf(entry) for entry in x]
    return spread_at([problem.points[k] for k in face], [problem.weights[k] for k in face], tilt, rates.r)


def image_holds(problem: Problem, content: Certificate) -> bool:
    """S3, of means on a line `a + s e`: quantiles along it, `v_to/v_from` across it."""
    assertion = content["assertion"]
    x, start, end = (assertion["x"], Fraction(assertion["t_from"]), Fraction(assertion["t_to"]))
    box = zip(assertion["lower"], assertion["upper"], strict=True)
    if not all(problem.t_min <= t <= problem.t_max for t in (start, end)):
        return False
    value = image(problem.points, problem.weights, problem.s2, tuple(map(Fraction, x)), start, end)
    return all(below(mpf(low), y) and below(y, mpf(high)) for y, (low, high) in zip(value, box, strict=True))


@cache
def image(points: Any, weights: Any, s2: Fraction, x: Any, start: Fraction, end: Fraction) -> list[Any]:
    base, tip = points[0], points[-1]
    line = [b - a for a, b in zip(base, tip, strict=True)] if len(points) > 1 else [Fraction(1)] + [0] * (len(x) - 1)
    size = sum(e * e for e in line)
    places = [sum(e * (y - a) for e, y, a in zip(line, point, base, strict=True)) / size for point in points]
    if any(tuple(a + s * e for a, e in zip(base, line, strict=True)) != p for s, p in zip(places, points, strict=True)):
        raise ValueError("means that are not on a line")

    def law_at(t: Fraction) -> tuple[Any, Any]:
        """`e^-t` and the deviation, of lengths in units of e along the line."""
        m = mpmath.exp(-mpf(t))
        return m, mpmath.sqrt(1 - mpf(1 - s2) * m * m)

    def tails(s: Any, t: Fraction) -> tuple[Any, Any]:
        m, deviation = law_at(t)
        steps = [(s - m * mpf(place)) * root / deviation for place in places]
        return tuple(  # type: ignore[return-value]
            mpmath.fsum(mpf(w) * mpmath.erfc(sign * step) for w, step in zip(weights, steps, strict=True))
            for sign in (-1, 1)
        )

    root = mpmath.sqrt(mpf(size) / 2)
    (m, deviation), (m_end, deviation_end) = law_at(start), law_at(end)
    place = mpmath.fdot((mpf(e), mpf(y) - m * mpf(a)) for e, y, a in zip(line, x, base, strict=True)) / mpf(size)
    masses = tails(place, start)
    side = int(masses[1] < masses[0])
    low, high = mpmath.mpf(-1), mpmath.mpf(1)
    while not (tails(low, end)[0] <= masses[0] and tails(high, end)[1] <= masses[1]):
        low, high = 2 * low, 2 * high
    while high - low > mpmath.mpf(10) ** -50 * max(abs(low), abs(high), mpmath.mpf(10) ** -30):
        middle = (low + high) / 2
        if (tails(middle, end)[side] < masses[side]) == (side == 0):
            low = middle
        else:
            high = middle
    scale = deviation_end / deviation
    across = [mpf(y) - m * mpf(a) - place * mpf(e) for e, y, a in zip(line, x, base, strict=True)]
    return [m_end * mpf(a) + low * mpf(e) + scale * z for e, a, z in zip(line, base, across, strict=True)]


ORACLES: dict[str, Callable[[Problem, Certificate], bool]] = {
    "L2": panels_hold,
    "L3": panels_hold,
    "L5": supremum_holds,
    "F1": flow_holds,
    "F2": integrals_hold,
    "F5": growth_holds,
    "G1": grid_holds,
    "S3": image_holds,
    "A6": network_holds,
    "C2": lambda problem, content: error_holds(content),
    "C4": lambda problem, content: comparison_holds(content),
}

# -- runs -------------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What the checker said of the corrupted files of one claim and group."""

    claim: str
    group: str
    refused: int = 0
    true: int = 0
    false: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[str]:
        total = self.refused + self.true + len(self.false)
        return [self.claim, self.group, *map(str, (total, self.refused, self.true, len(self.false)))]


COLUMNS = ("claim", "changed", "files", "refused", "accepted and true", "accepted and false")


def run(claim: str, group: str, count: int | None = None, seed: int = 0) -> Tally:
    """Corrupt, check, and hold what is accepted against the oracle."""
    draw, tally = random.Random(f"{claim} {group} {seed}"), Tally(claim, group)
    known: dict[str, bool] = {}
    for _ in range(cases(CASES[claim]) if count is None else count):
        case = None
        while case is None:
            case = corrupted_file(draw, claim, group)
        text, words = case
        verdict = checker.check(text)
        if not verdict.accepted:
            tally.refused += 1
            continue
        content = json.loads(text)
        key = json.dumps([content[part] for part in ("schema", "claim", "problem", "assertion", "hash")])
        if not known.get(key):  # a statement that is true stays true with other hints
            known[key] = is_true(content)
        if known[key]:
            tally.true += 1
        else:
            tally.false.append(words)
    return tally


def table() -> str:
    """Markdown: of each claim and group, how many corrupted files were refused, accepted and true, and false."""
    rows = [run(claim, group, PUBLISHED[claim]).cells for claim in CLAIMS for group in GROUPS]
    sums = [str(sum(int(row[i]) for row in rows)) for i in range(2, len(COLUMNS))]
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows, ["all", "", *sums]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
