"""`certflow claims`: the table, one claim in full, and ids that do not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from certflow.claims.model import Kind
from certflow.claims.registry import STATEMENTS, checks_of

Command = Callable[..., Any]
FORMULAS = "certflow.claims.stability.twins.LostPrefactor"


def kinds_of(claim: str) -> list[str]:
    return list(dict.fromkeys(str(check.kind) for check in checks_of(claim)))


def test_the_table_has_every_claim_with_its_evidence_and_proof_page(command: Command) -> None:
    ended = command("claims")
    assert (ended.code, ended.err) == (0, "")
    rows = [re.split(r"  +", line) for line in ended.out.splitlines()[2:]]
    assert [row[0] for row in rows] == list(STATEMENTS)
    assert rows[list(STATEMENTS).index("L2")] == [
        "L2",
        "Two-sided Lipschitz bound",
        "symbolic, enclosure, sampled",
        "proofs/L2.md",
    ]
    assert rows[list(STATEMENTS).index("A9")][2:] == [", ".join(kinds_of("A9")), "proofs/A9.md"]


def test_a_claim_is_told_in_full(command: Command) -> None:
    ended = command("claims", "L2")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "L2  Two-sided Lipschitz bound"
    for text in (
        r"\| J(x, t) \|_2 \le L(t)",
        "common isotropic covariance",
        "certflow.process.OrnsteinUhlenbeck.lipschitz_bound",
        "L2.bound (sampled)",
        "rejects: D/2 for D, on two-modes (certflow.claims.",
        "rejects: v for v^2, on ring-8",
        "rule popoviciu of the checker",
        "tests/bounds/test_bounds.py",
    ):
        assert text in ended.out, text
    told = dict(re.split(r"  +", line, maxsplit=1) for line in lines[2:])
    assert told["proof"] == "proofs/L2.md"
    assert told["chapter"] == "certflow/claims/spatial"
    assert told["rests on"] == "L1"
    assert told["supports"].split(", ")[:2] == ["L3", "L4"]


def test_a_claim_without_checks_and_without_a_proof_says_so(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = (Kind.SYMBOLIC, Kind.HIGH_PRECISION)
    bare = replace(STATEMENTS["A3"], proved=False, code=(), tests=(), pending=pending)
    monkeypatch.setitem(STATEMENTS, "A3", bare)
    monkeypatch.setattr("certflow.claims.registry.checks_of", lambda claim: ())
    monkeypatch.setattr("certflow.claims.registry.folder_of", lambda claim: "certflow/claims/networks")
    ended = command("claims", "A3")
    told = dict(re.split(r"  +", line, maxsplit=1) for line in ended.out.splitlines()[2:])
    assert told["checks"] == told["code"] == told["tests"] == told["certificate"] == "none"
    assert told["pending"] == "symbolic, high_precision"
    assert told["proof"] == "no proof yet; announced in proofs/A3.md"
    assert json.loads(command("claims", "A3", "--format", "json").out)["proved"] is False
    rows = [re.split(r"  +", line) for line in command("claims").out.splitlines()[2:]]
    assert rows[list(STATEMENTS).index("A3")][2:] == ["none yet", "no proof yet; announced in proofs/A3.md"]


@pytest.mark.parametrize("claim", STATEMENTS)
def test_every_claim_has_a_proof(command: Command, claim: str) -> None:
    told = dict(re.split(r"  +", line, maxsplit=1) for line in command("claims", claim).out.splitlines()[2:])
    assert told["proof"] == STATEMENTS[claim].proof == f"proofs/{claim}.md"
    assert json.loads(command("claims", claim, "--format", "json").out)["proved"] is True


def test_the_same_for_programs(command: Command) -> None:
    listed = json.loads(command("claims", "--format", "json").out)["claims"]
    assert [row["id"] for row in listed] == list(STATEMENTS)
    assert next(row for row in listed if row["id"] == "L1") == {
        "id": "L1",
        "title": "Jacobian for a common variance",
        "evidence": ["symbolic", "high_precision"],
        "proof": "proofs/L1.md",
    }
    one = json.loads(command("claims", "G1", "--format", "json").out)
    assert one["certificate"] == ["closed-form"]
    assert one["rests_on"] == ["L5", "F1"]
    assert one["supports"] == ["G4"]
    (check,) = one["checks"]
    assert check == {
        "name": "G1.enclosed",
        "kind": "enclosure",
        "false_twins": [{"mistake": "lost sqrt(v_s/v_t)", "mixture": "ring-8", "formulas": FORMULAS}],
    }


@pytest.mark.parametrize("arguments", [("L9",), ("L2.bound",), ("",), ("L2", "--format", "yaml"), ("L2", "L3")])
def test_bad_usage_is_one_line(command: Command, arguments: tuple[str, ...]) -> None:
    ended = command("claims", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "required: " in ended.err


def test_a_claim_in_lower_case_is_the_same(command: Command) -> None:
    assert command("claims", "l5") == command("claims", "L5")
    assert command("claims", "l9").err.startswith("certflow: ID: got 'l9'; required: one of S1")
    report = json.loads(command("verify", "two-modes", "--claims", "f2, a1", "--format", "json").out)
    assert [result["id"] for result in report["results"]] == ["F2", "A1"]
    assert command("verify", "two-modes", "--claims", "l9").err.startswith("certflow: --claims: got 'l9'; required: ")


def test_an_unknown_id_is_named_with_those_that_exist(command: Command) -> None:
    assert command("claims", "L9").err.startswith("certflow: ID: got 'L9'; required: one of S1, S2, S3, S4, L1,")


def test_the_graph_of_the_theory_as_a_picture_and_as_markdown(command: Command, tmp_path) -> None:
    for name in ("graph.svg", "graph.md"):
        ended = command("claims", "--graph", str(tmp_path / name))
        assert (ended.code, ended.err, ended.out) == (0, "", f"written: {tmp_path / name}\n")
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert all(statement.title.split()[0] in text for statement in STATEMENTS.values())
    assert "```mermaid\nflowchart TD\n" in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--graph", "graph.png"], "--graph: got 'graph.png'; required: a file name that ends in .svg or .md"),
        (["L2", "--graph", "graph.svg"], "--graph: got 'graph.svg'; required: no ID beside it (L2)"),
    ],
)
def test_a_graph_that_cannot_be_written_is_refused(command: Command, tmp_path, monkeypatch, words, complaint) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command("claims", *words)
    assert ended.code == 2
    assert complaint in ended.err
    assert list(tmp_path.iterdir()) == []
