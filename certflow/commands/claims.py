"""`certflow claims`: what the package claims, how each claim is checked, proved and tested, and what rests on what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from certflow.atomic import write_text_atomic
from certflow.commands.completion import claims as known_claims
from certflow.commands.options import Format
from certflow.commands.output import print_json
from certflow.commands.texts import choice, file_target, named, writing
from certflow.errors import InputError
from certflow.terminal import columns, filled, table


def claims(
    claim: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="A claim, such as L2; all unless given.", autocompletion=known_claims),
    ] = None,
    output: Format = "text",
    graph: Annotated[
        str | None, typer.Option(metavar="FILE.svg|md", help="Write the graph of what rests on what here, and no list.")
    ] = None,
) -> int:
    """List the claims, or tell all about one of them.

    With an ID: the statement, its hypotheses, the code that computes it, its checks with the false twins that each must
    reject, its proof page and what Coq's kernel accepted of it, tests, the rule of its certificates, what it rests on
    and what rests on it. With --graph: a picture of all, or Mermaid in Markdown.
    """
    from certflow.claims.registry import STATEMENTS

    choice(output, "--format", ("text", "json"))
    drawing = file_target(graph, "--graph", (".svg", ".md"))
    if drawing is not None:
        if claim is not None:
            raise InputError("--graph", str(drawing), f"no ID beside it ({claim}): the graph is that of all claims")
        _draw(drawing)
        return 0
    if claim is not None:
        found = _described(named(claim, "ID", STATEMENTS))
        if output == "json":
            _print(found)
        else:
            print(_page(found))
        return 0
    rows = [_row(identifier) for identifier in STATEMENTS]
    if output == "json":
        _print({"claims": rows})
        return 0
    cells = [(row["id"], row["title"], ", ".join(row["evidence"]) or "none yet", _proof(row["id"])) for row in rows]
    print(table(("claim", "title", "evidence", "proof"), cells, left=4))
    return 0


def _draw(target: Path) -> None:
    """Write the graph of statements, without evidence; the suffix chooses the format."""
    from certflow.claims.registry import STATEMENTS
    from certflow.report.graph.drawing import draw_alone
    from certflow.report.graph.mermaid import mermaid
    from certflow.report.graph.nodes import theory_nodes

    nodes = theory_nodes(STATEMENTS.values())
    title = "What rests on what"
    if target.suffix.lower() == ".svg":
        text = draw_alone(nodes, title)
    else:
        words = "An arrow leads from a statement to those whose proofs use it."
        text = f"# {title}\n\n{words}\n\n```mermaid\n{mermaid(nodes)}\n```\n"
    with writing("--graph", target):
        write_text_atomic(target, text)
    print(f"written: {target}")


def _row(identifier: str) -> dict[str, Any]:
    """A line of the table."""
    from certflow.claims.registry import STATEMENTS, checks_of

    statement = STATEMENTS[identifier]
    kinds = list(dict.fromkeys(str(check.kind) for check in checks_of(identifier)))
    return {"id": identifier, "title": statement.title, "evidence": kinds, "proof": statement.proof}


def _proof(identifier: str) -> str:
    """The page on which a claim is proved, or that no proof stands there yet."""
    from certflow.claims.registry import STATEMENTS

    statement = STATEMENTS[identifier]
    return statement.proof if statement.proved else f"no proof yet; announced in {statement.proof}"


def _described(identifier: str) -> dict[str, Any]:
    """All about one claim, as data."""
    from certflow.claims.machine_checked import machine_checked
    from certflow.claims.places import place_of
    from certflow.claims.registry import STATEMENTS, checks_of, folder_of, resting_on

    statement, formal = STATEMENTS[identifier], machine_checked(identifier)
    places = [place for place in map(place_of, statement.code) if place is not None]
    checks = [
        {
            "name": check.name,
            "kind": str(check.kind),
            "false_twins": [
                {
                    "mistake": twin.mistake,
                    "mixture": twin.mixture,
                    "formulas": f"{twin.formulas.__module__}.{twin.formulas.__qualname__}",
                }
                for twin in check.twins
            ],
        }
        for check in checks_of(identifier)
    ]
    return {
        **_row(identifier),
        "proved": statement.proved,
        "machine_checked": None if formal is None else formal.model_dump(mode="json"),
        "chapter": folder_of(identifier),
        "statement": statement.statement,
        "hypotheses": statement.hypotheses,
        "remark": statement.remark,
        "source": statement.source,
        "code": statement.code,
        "places": [{"name": place.name, "file": place.path, "line": place.line} for place in places],
        "checks": checks,
        "pending": [str(kind) for kind in statement.pending],
        "certificate": statement.certificate,
        "tests": statement.tests,
        "rests_on": statement.depends_on,
        "supports": resting_on(identifier),
    }


def _page(found: dict[str, Any]) -> str:
    """All about one claim, as text: a label, and its lines beside it."""
    checks = []
    for check in found["checks"]:
        checks.append(f"{check['name']} ({check['kind']})")
        twins = check["false_twins"]
        checks += [f"  rejects: {twin['mistake']}, on {twin['mixture']} ({twin['formulas']})" for twin in twins]
    places = {place["name"]: f" ({place['file']}, line {place['line']})" for place in found["places"]}
    parts = {
        "chapter": [found["chapter"]],
        "statement": [found["statement"]],
        "hypotheses": found["hypotheses"],
        "remark": [found["remark"]],
        "source": [found["source"]],
        "proof": [_proof(found["id"])],
        "formal": _formal(found["machine_checked"]),
        "code": [f"{name}{places.get(name, '')}" for name in found["code"]],
        "checks": checks,
        "pending": [", ".join(found["pending"])] if found["pending"] else [],
        "certificate": [f"rule {name} of the checker" for name in found["certificate"]],
        "tests": found["tests"],
        "rests on": [", ".join(found["rests_on"])] if found["rests_on"] else [],
        "supports": [", ".join(found["supports"])] if found["supports"] else [],
    }
    lines = [f"{found['id']}  {found['title']}", ""]
    for label, texts in parts.items():
        for first, text in zip([label, *[""] * len(texts)], texts or ["none"], strict=False):
            lines.append(f"{first:<13}{text}" if columns() is None else filled(text, f"{first:<13}", " " * 13))
    return "\n".join(lines)


def _formal(found: dict[str, str] | None) -> list[str]:
    """How far Coq's kernel has accepted a claim, for all parameters."""
    from certflow.claims.model import MachineChecked
    from certflow.report.tiers import general

    if found is None:
        return []
    checked = MachineChecked.model_validate(found)
    return [*(f"{tier.mark} {tier.name}" for tier in general(checked)), checked.says]


def _print(content: dict[str, Any]) -> None:
    print_json(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
