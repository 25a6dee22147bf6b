"""The registry: every statement says where it is computed, proved, checked and tested, and what it rests on."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from certflow.certificate.checker.rules import RULES
from certflow.claims.registry import CHAPTERS, CHECKS, STATEMENTS, checks_of, resting_on
from certflow.claims.statement import Statement
from certflow.report import verdict

ROOT = Path(__file__).parents[2]


def resolve(name: str) -> Any:
    """What a dotted name stands for: the longest part of it that is a module, then attributes."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError as error:
            if error.name != ".".join(parts[:cut]):
                raise
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


@pytest.fixture(params=STATEMENTS.values(), ids=STATEMENTS)
def statement(request: pytest.FixtureRequest) -> Statement:
    return request.param


def test_the_order_of_reports_is_that_of_the_theory() -> None:
    """Chapter by chapter, and numbered from 1 in each."""
    letters = [identifier[0] for identifier in STATEMENTS]
    assert list(dict.fromkeys(letters)) == list("SLFEMGAC")
    assert list(STATEMENTS) == [f"{c}{k}" for c in "SLFEMGAC" for k in range(1, letters.count(c) + 1)]


def test_a_chapter_holds_its_own_and_has_the_title_of_its_part_of_a_report() -> None:
    for chapter in CHAPTERS:
        (letter,) = {statement.id[0] for statement in chapter.statements}
        assert chapter.title == verdict._GROUP_TITLE[letter]
        assert {check.claim for check in chapter.checks} <= {statement.id for statement in chapter.statements}


def test_the_code_exists(statement: Statement) -> None:
    for name in statement.code:
        assert callable(resolve(name)), name
    assert bool(statement.code) == bool(checks_of(statement.id))


def test_a_name_that_is_nowhere_is_found_out() -> None:
    with pytest.raises(AttributeError):
        resolve("certflow.process.OrnsteinUhlenbeck.no_such_method")
    with pytest.raises(AttributeError):
        resolve("certflow.no_such_module.function")


def test_the_proof_page_is_about_it_and_cites_what_it_rests_on(statement: Statement) -> None:
    page = (ROOT / statement.proof).read_text(encoding="utf-8")
    for identifier in (statement.id, *statement.depends_on):
        assert re.search(rf"\b{identifier}\b", page), identifier


def test_each_test_exists_and_is_about_it(statement: Statement) -> None:
    for path in statement.tests:
        assert re.search(rf"\b{statement.id}\b", (ROOT / path).read_text(encoding="utf-8")), path
    assert bool(statement.tests) == bool(checks_of(statement.id))


def test_the_certificate_is_decided_by_the_rule_of_the_checker(statement: Statement) -> None:
    rule = RULES.get(statement.id)
    assert statement.certificate == (() if rule is None else (rule.name,))


def test_nothing_rests_on_itself() -> None:
    """Put down in turn whatever rests on nothing that is not down yet: all can be put down."""
    down: set[str] = set()
    while ready := {s.id for s in STATEMENTS.values() if s.id not in down and down.issuperset(s.depends_on)}:
        down |= ready
    assert down == set(STATEMENTS)


def test_what_rests_on_a_statement_is_the_other_side_of_what_it_rests_on() -> None:
    assert resting_on("S1") == ("S2", "S3", "S4")
    assert {(s.id, d) for s in STATEMENTS.values() for d in s.depends_on} == {
        (other, identifier) for identifier in STATEMENTS for other in resting_on(identifier)
    }


def test_a_kind_of_evidence_that_is_collected_is_not_pending(statement: Statement) -> None:
    assert {check.kind for check in CHECKS if check.claim == statement.id}.isdisjoint(statement.pending)


def test_a_wrong_formula_has_one_name() -> None:
    """Two names of one false twin read as two."""
    names: dict[type, set[str]] = {}
    for check in CHECKS:
        for twin in check.twins:
            names.setdefault(twin.formulas, set()).add(twin.mistake)
    assert {formulas.__name__: found for formulas, found in names.items() if len(found) > 1} == {}


def test_no_statement_and_no_chapter_is_called_certified():
    """Reports show titles, words, code and tests of claims whether or not there is a certificate."""
    shown = [chapter.title for chapter in CHAPTERS]
    for row in STATEMENTS.values():
        shown += [row.title, row.statement, row.remark, *row.hypotheses, *row.code, *row.tests]
    assert not [text for text in shown if "certified" in text.lower()]
