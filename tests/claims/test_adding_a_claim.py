"""The claim that `docs/adding-a-claim.md` adds: its code is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import certflow as cf
from certflow.claims.check import Check, Context, Profile
from certflow.claims.field import checks, comparisons, statements
from certflow.claims.model import Outcome
from certflow.claims.registry import STATEMENTS
from certflow.claims.statement import Statement

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-claim.md").read_text(encoding="utf-8")
LIGHT = Profile("light", precise_points=4, sampled_points=100, flow_pairs=10, times=3)


def block(name: str) -> str:
    (code,) = re.findall(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE, flags=re.DOTALL)
    return code


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> tuple[Statement, Check]:
    """The statement and the check of the page, read where the page puts them."""
    statement = eval(block("statement"), dict(vars(statements)))
    space: dict[str, Any] = dict(vars(comparisons))
    exec(block("comparison"), space)
    monkeypatch.setattr(comparisons, "divergence", space["divergence"], raising=False)
    check = eval(block("check"), dict(vars(checks)))
    return statement, check


def test_the_check_holds_and_rejects_its_false_twin(added: tuple[Statement, Check]) -> None:
    statement, check = added
    assert check.claim == statement.id
    for name in ("two-modes", "anisotropic-pair"):
        found = check.run(Context(cf.OrnsteinUhlenbeck(cf.load_mixture(name)), LIGHT, digits=20))
        assert found.outcome is Outcome.HOLDS, found
    (twin,) = check.twins
    found = check.run(Context(twin.formulas(cf.load_mixture(twin.mixture)), LIGHT, digits=20))
    assert found.outcome is Outcome.VIOLATED
    assert found.witness is not None


def test_the_example_is_free_and_rests_on_what_exists(added: tuple[Statement, Check]) -> None:
    statement, _ = added
    assert statement.id not in STATEMENTS
    assert set(statement.depends_on) <= set(STATEMENTS)
    assert {statement.proof, *statement.tests} <= set(re.findall(r"`([a-z/_]+(?:S5)?\.\w+)`", PAGE))


def test_the_test_of_the_page_passes() -> None:
    space: dict[str, Any] = {}
    exec(block("test"), space)
    assert "(S5)" in space["__doc__"]
    space["test_divergence_of_one_gaussian"]()


def test_the_paths_of_the_page_exist_except_for_the_new_ones() -> None:
    paths = set(re.findall(r"`((?:certflow|tests|proofs|docs)/[\w/.-]*)`", PAGE))
    assert {path for path in paths if not (ROOT / path).exists()} == {"proofs/S5.md", "tests/field/test_divergence.py"}
    assert len(paths) >= 10
