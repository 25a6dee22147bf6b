"""The checker and the rules that are proved, side by side: every certificate and its corruptions, any disagreement.

The proved rules decide exact numbers. Reading (the form of a file, its hash) is the checker's own, so a file is told
apart first: one that is not read is refused by the checker and has no numbers to decide. A file whose hash alone is
wrong is compared with its hash made right, so that corrupted statements reach the rules.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mutations

from certflow.certificate import checker
from certflow.certificate.checker.cases import _MIXTURE, COVARIANCES, Case
from certflow.certificate.checker.reading import parse, read
from certflow.certificate.checker.refusals import Refused
from certflow.certificate.checker.rules import rule_of
from certflow.certificate.checker.verdicts import _CERTIFICATE
from certflow.certificate.checker.work import Work
from certflow.formal import ProvedChecker

CLAIMS = ("L2", "L3", "F1", "F2", "G1")
#: Steps of work: as many as it takes.
WORK = 10**12


@dataclass
class Agreement:
    """How many files were not read, and of the others how many both accept and both refuse; the others by name."""

    claim: str
    unread: int = 0
    accepted: int = 0
    refused: int = 0
    disagreements: list[str] = field(default_factory=list)

    @property
    def decided(self) -> int:
        return self.accepted + self.refused + len(self.disagreements)


def compare(proved: ProvedChecker, claim: str, files: Iterator[tuple[str, str]]) -> Agreement:
    """Both decide each of these files, `(text, words)`."""
    found, contents, verdicts = Agreement(claim), [], []
    for text, words in files:
        content = numbers(text)
        if content is None:
            assert not checker.check(text, WORK).accepted, words
            found.unread += 1
            continue
        contents.append(content)
        verdicts.append((checker.check(json.dumps(mutations.sealed(content)), WORK).accepted, words))
    for (here, words), there in zip(verdicts, proved.decide(contents), strict=True):
        if here != there:
            found.disagreements.append(f"{words}: checker {here}, proved rules {there}")
        elif here:
            found.accepted += 1
        else:
            found.refused += 1
    return found


def numbers(text: str) -> dict[str, Any] | None:
    """The file, if the checker reads it, whatever its hash and whatever it decides."""
    work = Work(WORK)
    try:
        content = read(parse(text, work), _CERTIFICATE, "", work)
        rule = rule_of(content)
        covariances = {"kind": {rule.kind}, "values": COVARIANCES[rule.kind]}
        mixture = _MIXTURE | {"covariances": covariances}
        read(content["producer"], dict.fromkeys(content["producer"], str), "producer", work)
        read(content["proof"], {"rule": {rule.name}, "bits": range(64, 1025)} | rule.hints, "proof", work)
        read(content["problem"], {"mixture": mixture, "t_min": Fraction, "t_max": Fraction}, "problem", work)
        read(content["assertion"], rule.assertion, "assertion", work)
    except (Refused, TypeError):  # a producer that is no object
        return None
    return content if content["claim"] in CLAIMS else None


def at_thresholds(claim: str) -> Iterator[tuple[str, str]]:
    """All asserted bounds at the last numbers that the checker accepts; the same but one half a unit beyond; 64 bits
    and more."""
    if claim == "G1":
        yield from _narrowest_grids()
        return
    for real in mutations.certificates(claim):
        for bits in (64, 65, 200, real["proof"]["bits"]):
            content = copy.deepcopy(real)
            content["proof"]["bits"] = bits
            for _ in range(2):  # the bound of the factor moves with the growth
                for _, end, key, indices in _bounds(content):
                    _place(content, key, indices, Fraction(end, 2**bits))
            for side, end, key, indices in _bounds(content):
                for half in (0, -1 if side == "above" else 1):
                    other = copy.deepcopy(content)
                    _place(other, key, indices, Fraction(2 * end + half, 2 ** (bits + 1)))
                    yield json.dumps(other), f"{key}{list(indices)} at {bits} bits, {half} halves beyond"


def _narrowest_grids() -> Iterator[tuple[str, str]]:
    """The ends of a node as near to it as the checker accepts, on a lattice, and one step nearer."""
    for real in mutations.certificates("G1"):
        content, step = copy.deepcopy(real), Fraction(1, 2 ** (real["proof"]["bits"] + 2))
        nodes = content["assertion"]["nodes"]
        for k in range(1, len(nodes) - 1):
            low, high = map(Fraction, nodes[k])
            for end, outer, inner in ((0, low, high), (1, high, low)):
                steps = [0, int((inner - outer) / step)]
                while abs(steps[1] - steps[0]) > 1:
                    middle = (steps[0] + steps[1]) // 2
                    nodes[k][end] = str(outer + middle * step)
                    accepted = checker.check(json.dumps(mutations.sealed(content)), WORK).accepted
                    steps[0 if accepted else 1] = middle
                for place in steps:
                    nodes[k][end] = str(outer + place * step)
                    yield json.dumps(content), f"node {k}, end {end}, {place} steps inwards"
                nodes[k][end] = real["assertion"]["nodes"][k][end]


def _place(content: dict[str, Any], key: str, indices: tuple[int, ...], value: Fraction) -> None:
    place: Any = content["assertion"]
    for i in indices:
        place, key = place[key], i
    place[key] = str(value)


def _bounds(content: dict[str, Any]) -> list[tuple[str, int, str, tuple[int, ...]]]:
    """What the rule requires of the assertion: the side, the integer, the key, the places."""
    found: list[tuple[str, int, str, tuple[int, ...]]] = []

    class Recorded(Case):
        def bound(self, side: str, end: int, of: str, key: str, *indices: int) -> None:
            found.append((side, end, key, indices))

    rule = rule_of(content)
    rule.decide(Recorded(mutations.sealed(content), rule, Work(WORK)))
    return found


def corrupted(claim: str, count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """So many single corruptions of real certificates, of each group the same share: those of `mutations.run` first."""
    for group in mutations.GROUPS:
        draw, made = random.Random(f"{claim} {group} {seed}"), 0
        while made < -(-count // len(mutations.GROUPS)):
            case = mutations.corrupted_file(draw, claim, group)
            if case is not None:
                made += 1
                yield case
