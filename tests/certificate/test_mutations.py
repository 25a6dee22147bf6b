"""No single corruption of a real certificate is accepted unless what it then asserts is true (see mutations.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mutations
import pytest
from depth import night, nightly, some
from mutations import CASES, CLAIMS, GROUPS, PUBLISHED, certificates, false_certificates, is_true

from certflow.certificate import checker
from certflow.certificate.checker import (
    cases,
    closed_forms,
    coverings,
    flow_tubes,
    reading,
    refusals,
    sharp_integrals,
    sharp_rates,
    verdicts,
)
from certflow.certificate.checker.cases import Rule
from certflow.certificate.checker.rules import OTHERS, RULES
from certflow.certificate.envelope import certificate_text

#: Of every claim and of every group half, as on a chessboard: first that which takes less.
HALVES = [
    [(claim, group) for i, claim in enumerate(CLAIMS) for j, group in enumerate(GROUPS) if (i + j) % 2 == k]
    for k in (1, 0)
]


@pytest.mark.parametrize(("claim", "group"), [*HALVES[0], *night(*HALVES[1])])
def test_nothing_false_is_accepted(claim: str, group: str, record_property: Callable[[str, str], None]) -> None:
    tally = mutations.run(claim, group)
    record_property("mutation", " | ".join(tally.cells))
    assert tally.false == []
    if group in ("false, hints", "assertion, old hash", "problem, old hash"):
        assert tally.true == 0
    else:  # neither the checker nor the oracle refuses all
        assert tally.refused > 0
        assert tally.true > 0


@nightly
@pytest.mark.parametrize("group", GROUPS)
def test_ten_thousand_of_the_integral(group: str) -> None:
    """F5, whose few cases of every day are for its cost."""
    assert PUBLISHED["F5"] * len(GROUPS) > 10_000
    assert mutations.run("F5", group, PUBLISHED["F5"], seed=1).false == []


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_oracle_tells_true_from_false(claim: str) -> None:
    """Before any corruption: what the package asserts is true and accepted, the false versions are neither."""
    for content in certificates(claim):
        verdict = checker.check(certificate_text(content))
        assert verdict.accepted, verdict.text
        assert is_true(content)
    for content in false_certificates(claim):
        assert not checker.check(certificate_text(content)).accepted
        assert not is_true(content)


def test_there_are_enough_cases_of_all_kinds() -> None:
    assert sum(PUBLISHED.values()) * len(GROUPS) > 10_000  # the table; every day a part of them
    assert sum(CASES.values()) * len(GROUPS) > 3_000
    assert set(RULES) == set(CLAIMS) == set(CASES) == set(PUBLISHED)
    proofs = [content["proof"] for content in certificates("L5")]
    text = " ".join(certificate_text(content) for content in certificates("L5"))
    for token in ("T", "P0,1", "R0", "F0"):
        assert f" {token} " in text, token
    assert any(proof["turn"] for proof in proofs)
    assert any(block["faces"] for proof in proofs for block in proof["blocks"])
    assert any(block["cover"] is None for proof in proofs for block in proof["blocks"])


def test_the_table_lists_all_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "PUBLISHED", dict.fromkeys(CLAIMS, 2))
    lines = mutations.table().splitlines()
    assert len(lines) == 2 + len(CLAIMS) * len(GROUPS) + 1
    assert {line.count("|") for line in lines} == {len(mutations.COLUMNS) + 1}
    total = 2 * len(CLAIMS) * len(GROUPS)
    assert lines[-1].startswith(f"| all |  | {total} | ")
    assert lines[-1].endswith(" | 0 |")


# -- false twins: checkers without one of their reasons ---------------------------------------------------------------


def always(value: Any) -> Callable[..., Any]:
    return lambda *arguments: value


def indulgent(words: str) -> Callable[..., None]:
    """`require` without the requirements of a field, or in words, that begin so."""
    honest = refusals.require

    def require(holds: bool, field: str, received: Any, required: str) -> None:
        if not (field.startswith(words) or required.startswith(words)):
            honest(holds, field, received, required)

    return require


#: The modules that require something of a certificate.
READERS = (cases, closed_forms, coverings, flow_tubes, reading, sharp_integrals, sharp_rates, verdicts)
#: What is broken, where, how, and the claim and group in which it shows.
TWINS: dict[str, tuple[Any, str, Callable[[], Any], str, str]] = {
    "every matrix is positive": (coverings, "positive", lambda: always(True), "L5", "false, hints"),
    "a Taylor rule that always holds": (coverings.Covering, "taylor", lambda: always(True), "L5", "false, hints"),
    "a pair rule that always holds": (coverings.Covering, "pair", lambda: always(True), "L5", "false, hints"),
    "shares of other points are zero": (coverings.Covering, "share", lambda: always(0), "L5", "false, hints"),
    "no covering": (coverings.Covering, "cover", lambda: always(None), "L5", "problem, new hash"),
    "trees with open cells": (READERS, "require", lambda: indulgent("a tree without open"), "L5", "false, hints"),
    "any witness": (sharp_rates, "witnessed", lambda: always(Fraction(10**6)), "L5", "assertion, new hash"),
    "any bound, L2": (cases.Case, "bound", lambda: always(None), "L2", "assertion, new hash"),
    "any bound, L3": (cases.Case, "bound", lambda: always(None), "L3", "problem, new hash"),
    "any bound, L5": (cases.Case, "bound", lambda: always(None), "L5", "assertion, new hash"),
    "any bound, F1": (cases.Case, "bound", lambda: always(None), "F1", "false, hints"),
    "any bound, F2": (cases.Case, "bound", lambda: always(None), "F2", "problem, new hash"),
    "no panels": (sharp_integrals, "integral_above", lambda: always(0), "F5", "false, hints"),
    "any pieces": (sharp_integrals, "integral_below", lambda: always(2**140), "F5", "assertion, new hash"),
    "panels without coverings": (sharp_integrals, "Panel", lambda: always(None), "F5", "false, hints"),
    "any bound, S3": (cases.Case, "bound", lambda: always(None), "S3", "assertion, new hash"),
    "any bound, C2": (cases.Case, "bound", lambda: always(None), "C2", "assertion, new hash"),
    "any bound, C4": (cases.Case, "bound", lambda: always(None), "C4", "assertion, new hash"),
    "any node of a grid": (READERS, "require", lambda: indulgent("assertion.nodes"), "G1", "problem, new hash"),
    "any panels": (READERS, "require", lambda: indulgent("assertion.times"), "L2", "assertion, new hash"),
    "any diameter": (
        closed_forms,
        "squared_diameter",
        lambda: lambda case: case.assertion["diameter_squared"],
        "F1",
        "problem, new hash",
    ),
    "any pair": (READERS, "require", lambda: indulgent("proof.pair"), "F2", "problem, new hash"),
    "any times of a tube": (READERS, "require", lambda: indulgent("assertion.t_"), "S3", "problem, new hash"),
    "any weights": (READERS, "require", lambda: indulgent("problem.mixture.weights"), "L3", "problem, new hash"),
    "any hash": (READERS, "require", lambda: indulgent("hash"), "L3", "problem, old hash"),
}


@pytest.mark.parametrize("name", some(TWINS, 2))
def test_a_broken_checker_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, twin, claim, group = TWINS[name]
    certificates(claim), false_certificates(claim)  # by the honest checker
    for part in owner if owner is READERS else (owner,):
        monkeypatch.setattr(part, attribute, twin())
    assert any(mutations.run(claim, group, 50, seed).false for seed in range(200))


PROOFS = Path(__file__).resolve().parents[2] / "proofs"


@pytest.mark.parametrize("rule", [*RULES.values(), *OTHERS.values()], ids=lambda rule: f"{rule.name}-{rule.kind}")
def test_each_rule_names_its_proof(rule: Rule) -> None:
    """Pages that exist, and of `checker.md` and `flow-tube.md` sections that do; its own section among them."""
    named = []
    for part in rule.proofs.split(", "):
        page, *sections = part.removeprefix("proofs/").split(" ")
        text = (PROOFS / page).read_text(encoding="utf-8")
        for number in sections:
            if number.isdigit():
                assert f"\n## {number}. " in text, part
                named.append((page, number))
    assert "checker.md" in dict(named)
    checks = (PROOFS / "checker.md").read_text(encoding="utf-8")
    own = re.findall(rf'^## (\d+)\. .*the rule "{rule.name}"$', checks, re.MULTILINE)
    assert all(("checker.md", number) in named for number in own)
    assert own or rule.name in ("closed-form", "master-inequality", "popoviciu")
