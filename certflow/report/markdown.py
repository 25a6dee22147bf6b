"""The report in GitHub-flavoured Markdown, and the short summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from certflow.claims.model import KIND_MEANING, ClaimResult, Evidence, Kind, Outcome, Theorem
from certflow.report import commands, verdict
from certflow.report.again import again
from certflow.report.captions import FIGURE_NAMES, caption, figure_title
from certflow.report.document import Document
from certflow.report.formatting import abbreviate, clean, duration, json_text, rows_of, value_text
from certflow.report.graph.mermaid import mermaid
from certflow.report.graph.nodes import report_nodes
from certflow.report.kept_proofs import kept
from certflow.report.mathml import split_inline
from certflow.report.tiers import NO_EVIDENCE, TIERS, general, tiers

MIXTURE_ENTRIES = 200

# Markdown reads a backslash before punctuation as an escape, also between dollar signs on some renderers.
_PORTABLE = {
    r"\|": r"\Vert ",
    r"\,": r"\thinspace ",
    r"\:": r"\medspace ",
    r"\;": r"\thickspace ",
    r"\!": r"\negthinspace ",
    r"\{": r"\lbrace ",
    r"\}": r"\rbrace ",
    r"\\": r"\cr ",
}

#: Claims that stand in tables after the others: the heading, and that of the column of reasons.
_APART = {
    Outcome.NOT_APPLICABLE: ("Claims that do not apply to this mixture", "why it does not apply"),
    Outcome.NOT_CHECKED: ("Claims that were not checked", "why it was not checked"),
}

_PROOFS = (
    "Proof pages lie in the folder `proofs` of the package and of its repository; "
    "`report.html`, written beside this file, holds those of the claims."
)


def render_markdown(report: Document, figures: Mapping[str, str] | None = None) -> str:
    """The report as Markdown; figures are linked as `figures/NAME.svg`, formulas stand between `$$`."""
    lines = [f"# {text(verdict.mixture_name(report))}: certflow verification report", ""]
    lines += [
        f"**{verdict.SYMBOL[report.outcome]} {verdict.headline(report)}**",
        "",
        _prose(" ".join(verdict.verdict_sentences(report))),
        "",
        *_left_out(report),
    ]
    rows = [(cell_text(key), cell_text(value_text(value))) for key, value in verdict.facts(report)]
    lines += [*table_lines(("", ""), rows), ""]
    lines += ["## Evidence at a glance", "", *_matrix(verdict.decided(report)), ""]
    lines += [
        f"{verdict.PENDING.symbol} pending: does not exist yet for the claim. –: not collected in this run.",
        "",
        *_tiers(report),
    ]
    lines += _graph(report)
    if figures:
        lines += ["## Figures", ""]
        for name in [n for n in FIGURE_NAMES if n in figures] + sorted(set(figures) - set(FIGURE_NAMES)):
            words = caption(name, verdict.dimension(report))
            lines += [
                f"### {text(figure_title(name))}",
                "",
                f"![{text(words)}](figures/{name}.svg)",
                "",
                text(words),
                "",
            ]
    lines += ["## Claims", ""]
    if any(result.proof for result in report.results):
        lines += [_PROOFS, ""]
    known = verdict.resting_on(report)
    for group in verdict.groups(verdict.decided(report)):
        lines += [f"### {group.title}", ""]
        for result in group.results:
            lines += _claim(report, result, known)
    for outcome, (title, why) in _APART.items():
        if results := verdict.with_outcome(report, outcome):
            told = [(f"**{text(r.id)}**", _prose(r.title), _prose(r.reason) + _pending(r)) for r in results]
            lines += [f"### {title}", "", *table_lines(("claim", "", why), told), ""]
            lines += ["<details><summary>What they say, and how they are run again</summary>", ""]
            for result in results:
                lines += _claim(report, result, known)
            lines += ["</details>", ""]
    return "\n".join([*lines, *_meaning(), *_run(report)]) + "\n"


def summary_markdown(report: Document) -> str:
    """What a CI page shows of a run: the verdict, what needs attention, the table of evidence."""
    lines = [f"## certflow: {text(verdict.mixture_name(report))}", ""]
    lines += [f"**{verdict.SYMBOL[report.outcome]} {verdict.headline(report)}**", ""]
    lines += [_prose(" ".join(verdict.verdict_sentences(report))), "", *_left_out(report)]
    attention = verdict.attention(report)
    for result in attention:
        lines.append(f"- {_mark(result.outcome)} **{text(result.id)}** {_prose(result.title)}")
        lines += [f"  - {_prose(result.reason)}"] if result.reason else []
        for item in result.evidence:
            if item.outcome is result.outcome:
                lines.append(f"  - {verdict.KIND_LABEL[item.kind]}: {_prose(item.summary)}")
    lines += [""] if attention else []
    lines += [
        "<details><summary>Evidence by claim and kind</summary>",
        "",
        *_matrix(report),
        "",
        "</details>",
        "",
    ]
    lines += code_lines(command, "sh") if (command := again(report)) else []
    return "\n".join(lines) + "\n"


def _left_out(report: Document) -> list[str]:
    """What was not checked, with the reasons."""
    lines = [f"- {verdict.SYMBOL[Outcome.NOT_CHECKED]} {_prose(line)}" for line in verdict.left_out(report)]
    return [*lines, ""] if lines else []


def text(value: str) -> str:
    """Plain text with everything that Markdown or HTML would interpret escaped, on one line."""
    one_line = " ".join(clean(value).split())
    escaped = re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", one_line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def portable_latex(latex: str) -> str:
    """LaTeX on one line that survives Markdown: no backslash before punctuation, no bare `<` or `|`."""
    source = " ".join(clean(latex).split())
    source = re.sub(r"\\[|,:;!{}\\]", lambda match: _PORTABLE[match.group()], source)
    source = source.replace("<", r"\lt ").replace(">", r"\gt ").replace("$", r"\text{\textdollar}")
    # A delimiter command keeps its bar; standing alone, the bar would end the cell of a table.
    source = re.sub(r"(\\(?:left|right|middle|[bB]igg?[lrm]?))\s*\|", r"\1\\vert ", source)
    return " ".join(source.replace("|", r"\vert ").replace("`", "'").split())


def _prose(value: str) -> str:
    return "".join(f"${portable_latex(s)}$" if formula else _keep_edges(s) for formula, s in split_inline(value))


def _keep_edges(piece: str) -> str:
    """Escaped text that keeps the space which parts it from a formula."""
    before = " " if piece[:1].isspace() else ""
    after = " " if piece[-1:].isspace() and piece.strip() else ""
    return before + text(piece) + after


def cell_text(value: Any) -> str:
    return text(str(value)) or " "


def _mark(outcome: Outcome) -> str:
    return f"{verdict.SYMBOL[outcome]} {outcome.value}"


def table_lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, tuple("---" for _ in head), *rows]]


def _matrix(report: Document) -> list[str]:
    head = ("claim", "", "outcome", *(verdict.KIND_LABEL[kind] for kind in Kind))
    rows = []
    for result in report.results:
        shown = tuple(" ".join(f"{c.symbol} {c.text}".strip() for c in verdict.cells(result, kind)) for kind in Kind)
        rows.append((f"**{text(result.id)}**", _prose(result.title), _mark(result.outcome), *shown))
    return table_lines(head, rows)


def _tiers(report: Document) -> list[str]:
    """What the marks of the formal tiers say, where a claim has one."""
    found = {tier for result in report.results for tier in tiers(result)}
    told = [f"{tier.mark} {tier.name}: {tier.says}." for tier in TIERS if tier in found]
    return [f"Formal: {' '.join(told)} {NO_EVIDENCE}", ""] if told else []


def _graph(report: Document) -> list[str]:
    if not report.results:
        return []
    words = (
        "An arrow leads from a statement to those whose proofs use it; the word is the weakest evidence of a claim "
        "that holds, or its outcome. ▲ names claims that it rests on, at any distance, and that are violated or open, "
        "▽ those that hold by weaker evidence. The same as a picture: [figures/graph.svg](figures/graph.svg)."
    )
    return ["## What rests on what", "", words, "", *code_lines(mermaid(report_nodes(report)), "mermaid"), ""]


def _pending(result: ClaimResult) -> str:
    kinds = ", ".join(verdict.KIND_LABEL[kind] for kind in result.pending)
    return f" · {verdict.PENDING.symbol} pending: {kinds}" if kinds else ""


def _claim(report: Document, result: ClaimResult, known: Mapping[str, str]) -> list[str]:
    lines = [f"#### {text(result.id)} · {_prose(result.title)}", "", f"**{_mark(result.outcome)}**", ""]
    if result.statement:
        lines += [f"$$ {portable_latex(result.statement)} $$", ""]
    if result.hypotheses:
        lines += ["Hypotheses:", "", *(f"- {_prose(h)}" for h in result.hypotheses), ""]
    if result.reason:
        lines += [f"Why {result.outcome.value}: {_prose(result.reason)}", ""]
    if result.remark:
        lines += [_prose(result.remark), ""]
    if result.machine_checked is not None:
        (tier,) = general(result.machine_checked)
        lines += [f"Machine-checked, {tier.mark} {tier.name}: {_prose(result.machine_checked.says)}", ""]
    origin = [f"{label}: {_prose(words)}" for label, words in verdict.sources(result)]
    if result.rests_on:
        origin.append(f"Rests on: {', '.join(f'{text(name)} ({known[name]})' for name in result.rests_on)}")
    lines += [" · ".join(origin), ""]
    for item in result.evidence:
        lines += _evidence(item)
    if result.pending:
        kinds = ", ".join(verdict.KIND_LABEL[kind] for kind in result.pending)
        lines += [f"{verdict.PENDING.symbol} pending: {kinds} (this version has no check of that kind)", ""]
    for kind, reason in result.left_out.items():
        lines += [f"{verdict.NOTHING.symbol} {verdict.KIND_LABEL[kind]}: {_prose(reason)}", ""]
    again = (commands.witness(result), commands.replay(report, result), commands.told(result))
    if any(again):
        lines += [f"Run {text(result.id)} again, and all about it:", ""]
        lines += [*code_lines("\n".join(line for line in again if line), "sh"), ""]
    return lines


def _evidence(item: Evidence) -> list[str]:
    lines = [f"**{verdict.KIND_LABEL[item.kind]}: {_mark(item.outcome)}.** {_prose(item.summary)}", ""]
    lines += [f"Scope: {_prose(item.scope)}", ""]
    plain = {key: value for key, value in item.numbers.items() if rows_of(value) is None}
    if plain:
        rows = [(cell_text(verdict.label(k)), cell_text(value_text(v))) for k, v in plain.items()]
        lines += [*table_lines(("number", "value"), rows), ""]
    for key, value in item.numbers.items():
        if found := rows_of(value):
            head, entries = found
            cells = [tuple(cell_text(entry) for entry in row) for row in entries]
            lines += [f"{text(verdict.label(key))}:", "", *table_lines(tuple(map(cell_text, head)), cells), ""]
    if item.certificates:
        links = ", ".join(f"[{text(path.rpartition('/')[2])}]({path})" for path in item.certificates)
        took = duration(item.checking_seconds)
        lines += [f"Certificates: {links}. The independent checker took {took}.", ""]
        lines += ["Each checked again, by certflow and by the checker beside them, with Python and nothing else:", ""]
        checks = [line for path in item.certificates for line in (commands.check(path), commands.check_alone(path))]
        lines += [*code_lines("\n".join(checks), "sh"), ""]
    if item.theorem is not None:
        lines += _theorem(item.theorem)
    if item.witness is not None:
        lines += ["Witness, replayable:", "", *code_lines(json_text(abbreviate(item.witness, 2000)), "json"), ""]
    seed = "" if item.seed is None else f" · seed {item.seed}"
    earlier = "" if item.proved is None else f" · {text(kept(item.proved))}"
    return [*lines, f"{text(item.check)}{seed}{earlier} · {duration(item.seconds)}", ""]


def _theorem(theorem: Theorem) -> list[str]:
    return [
        f"<details><summary>The theorem, {text(theorem.prover)}</summary>",
        "",
        *code_lines(theorem.text.strip(), "coq"),
        "",
        *([f"It rests on these axioms: {text(', '.join(theorem.axioms))}.", ""] if theorem.axioms else []),
        "</details>",
        "",
        "Written again with its proof, and compiled:",
        "",
        *code_lines(commands.compile_again(theorem), "sh"),
        "",
    ]


def _meaning() -> list[str]:
    kinds = [(verdict.KIND_LABEL[k], _prose(says), _prose(leaves)) for k, (says, leaves) in KIND_MEANING.items()]
    outcomes = [(_mark(o), _prose(says), _prose(leaves)) for o, (says, leaves) in verdict.OUTCOME_MEANING.items()]
    return [
        "## What each verdict means and does not mean",
        "",
        *table_lines(("evidence", "it says", "it does not say, or leaves open"), kinds),
        "",
        *table_lines(("outcome", "it says", "it does not say"), outcomes),
        "",
    ]


def _run(report: Document) -> list[str]:
    facts = {"started": report.started, "wall time": duration(report.seconds), "seed": report.seed}
    facts |= {"digits": report.digits, "profile": report.profile} | dict(report.environment)
    return [
        "## The mixture",
        "",
        *code_lines(json_text(abbreviate(report.mixture, MIXTURE_ENTRIES)), "json"),
        "",
        "## The run",
        "",
        *_again(report),
        *table_lines(("", ""), [(cell_text(key), cell_text(value)) for key, value in facts.items()]),
    ]


def _again(report: Document) -> list[str]:
    """How the report was made, and how it and its certificates are had again."""
    if command := again(report):
        made = "This report was made by" if report.command else "To obtain this report again, beside this file:"
        lines = [made, "", *code_lines(command, "sh"), ""]
    else:
        words = f"The formulas under test were those of {report.formulas}, which the command line does not have."
        lines = [text(words), ""]
    lines += ["To build the views again from `report.json`, in the directory of this file:", ""]
    lines += [*code_lines(commands.REBUILD, "sh"), ""]
    if report.certificates:
        words = "To check all certificates again, by a checker that shares no code with what made them:"
        lines += [words, "", *code_lines(f"{commands.RECHECK}\n{commands.RECHECK_ALONE}", "sh"), ""]
    return lines


def code_lines(content: str, language: str) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", clean(content), fence]
