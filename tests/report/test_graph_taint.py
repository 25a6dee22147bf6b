"""Taint of claims: what each rests on, against all paths of small graphs; the words that tell of it."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from depth import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from certflow.claims.model import ClaimResult, Evidence, Kind, Outcome
from certflow.report.graph.nodes import label, report_nodes
from certflow.report.graph.taint import Doubt, doubts, standing
from certflow.report.verdict import weakest

#: Strength of what a claim that holds stands on; the order of proofs/evidence.md, written out again.
ORDER = ["formal", "symbolic", "enclosure", "high precision", "sampled", "empirical"]
BAD = {"violated", "inconclusive", "not yet checked", "not in this run", "without evidence"}


def claim(name: str, outcome: Outcome, kinds: tuple[Kind, ...] = (), rests_on: tuple[str, ...] = ()) -> ClaimResult:
    evidence = tuple(Evidence(check=f"{name}.x", kind=k, outcome=outcome, summary="", scope="") for k in kinds)
    return ClaimResult(
        id=name,
        title=f"title of {name}",
        statement="",
        hypotheses=(),
        source="",
        outcome=outcome,
        rests_on=rests_on,
        evidence=evidence,
    )


def of(report, *claims: ClaimResult):
    return report.model_copy(update={"results": claims})


@st.composite
def linked_claims(draw):
    """Up to five claims in any order that rest on each other without circles, and on one that is absent."""
    size = draw(st.integers(1, 5))
    found = []
    for i in range(size):
        outcome = draw(st.sampled_from(list(Outcome)))
        kinds = draw(st.sets(st.sampled_from(list(Kind)), max_size=3))
        below = [f"L{j}" for j in range(i) if draw(st.booleans())] + (["X9"] if draw(st.integers(0, 4)) == 0 else [])
        found.append(claim(f"L{i}", outcome, tuple(kinds), tuple(below)))
    return draw(st.permutations(found))


def path_exists(edges: set[tuple[str, str]], start: str, end: str, length: int) -> bool:
    """Is there a path of that many steps? By trying all sequences of nodes."""
    nodes = {node for edge in edges for node in edge} - {start, end}
    return any(
        all(step in edges for step in zip((start, *between), (*between, end), strict=True))
        for between in permutations(nodes, length - 1)
    )


@settings(max_examples=cases(40))
@given(linked_claims())
def test_taint_is_what_all_paths_say(report, found):
    edges = {(result.id, on) for result in found for on in result.rests_on}
    by_name = {result.id: result for result in found}
    told = doubts(of(report, *found))
    assert set(told) == set(by_name)
    for name, result in by_name.items():
        own = words_of(result)
        expected = {}
        for on in {*by_name, "X9"} - {name}:
            lengths = [n for n in range(1, 7) if path_exists(edges, name, on, n)]
            word = words_of(by_name[on]) if on in by_name else "not in this run"
            weaker = word in ORDER and own in ORDER and ORDER.index(word) > ORDER.index(own)
            if lengths and own != "not applicable" and (word in BAD or weaker):
                expected[on] = (word, lengths[0] - 1)
        assert {doubt.on: (doubt.standing, len(doubt.path)) for doubt in told[name]} == expected
        for doubt in told[name]:
            way = (name, *doubt.path, doubt.on)
            assert set(pairwise(way)) <= edges


def words_of(result: ClaimResult) -> str:
    if result.outcome is not Outcome.HOLDS:
        return result.outcome.value
    kinds = [item.kind.value.replace("_", " ") for item in result.evidence]
    return max(kinds, key=ORDER.index) if kinds else "without evidence"


def test_the_worst_come_first(report):
    found = doubts(
        of(
            report,
            claim("S1", Outcome.HOLDS, (Kind.SAMPLED,)),
            claim("S2", Outcome.HOLDS, (Kind.EMPIRICAL,), ("S1",)),
            claim("S3", Outcome.INCONCLUSIVE, (), ("S1",)),
            claim("L1", Outcome.HOLDS, (Kind.SYMBOLIC, Kind.ENCLOSURE), ("S1", "S2", "S3", "S4", "L2")),
            claim("L2", Outcome.VIOLATED, (Kind.SAMPLED,)),
        )
    )["L1"]
    assert [doubt.on for doubt in found] == ["L2", "S3", "S4", "S2", "S1"]
    assert [doubt.weaker for doubt in found] == [False, False, False, True, True]


def test_taint_passes_through_claims_that_do_not_apply_and_circles_end(report):
    found = doubts(
        of(
            report,
            claim("S1", Outcome.VIOLATED, (), ("F1",)),
            claim("L6", Outcome.NOT_APPLICABLE, (), ("S1",)),
            claim("F1", Outcome.HOLDS, (Kind.SYMBOLIC,), ("L6", "F1")),
        )
    )
    assert found == {"S1": (), "L6": (), "F1": (Doubt("S1", "violated", ("L6",)),)}


def test_only_evidence_that_agrees_is_weakest(report):
    held = claim("S1", Outcome.HOLDS, (Kind.SYMBOLIC,))
    other = held.evidence[0].model_copy(update={"kind": Kind.EMPIRICAL, "outcome": Outcome.NOT_APPLICABLE})
    both = held.model_copy(update={"evidence": (*held.evidence, other)})
    assert weakest(both).kind is Kind.SYMBOLIC
    assert standing(both) == "symbolic"
    assert standing(claim("S1", Outcome.HOLDS)) == "without evidence"
    assert standing(None) == "not in this run"


@pytest.mark.parametrize(("letters", "flag"), [(40, "▽ S1, L2, S3"), (11, "▽ S1, L2 +1"), (9, "▽ S1 +2"), (5, "▽ 3")])
def test_a_flag_names_as_many_as_it_has_room_for(report, letters, flag):
    nodes = report_nodes(
        of(
            report,
            claim("F1", Outcome.HOLDS, (Kind.SYMBOLIC,), ("S1", "L2", "S3")),
            *(claim(name, Outcome.HOLDS, (Kind.SAMPLED,)) for name in ("S1", "L2", "S3")),
        )
    )
    assert nodes[0].flag(letters) == flag
    assert nodes[1].flag(letters) == ""


def test_a_label_tells_all_of_a_node(report):
    nodes = report_nodes(
        of(
            report,
            claim("F1", Outcome.HOLDS, (Kind.SYMBOLIC,), ("S1", "S9")),
            claim("S1", Outcome.HOLDS, (Kind.SAMPLED,)),
        )
    )
    assert [(node.id, node.taint, node.state) for node in nodes] == [
        ("F1", "doubt", "symbolic"),
        ("S1", "", "sampled"),
        ("S9", "", "not-in-this-run"),
    ]
    assert label(nodes[0]) == (
        "F1, title of F1. holds; weakest evidence: symbolic. collected: symbolic. "
        "rests on claims that stand less well: S9 (not in this run); S1 (sampled)"
    )
    assert label(nodes[2]) == "S9. not in this run"
