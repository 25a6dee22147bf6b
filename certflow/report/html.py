"""The report as one HTML page: no network, everything inside, and nothing lost where scripts are off."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from certflow import __version__
from certflow.claims.model import KIND_MEANING, Evidence, Kind, Outcome
from certflow.report import commands, verdict
from certflow.report.again import again
from certflow.report.badge import badge
from certflow.report.captions import FIGURE_NAMES, caption, figure_title
from certflow.report.citation import PAPER, citation
from certflow.report.document import Document
from certflow.report.formatting import (
    abbreviate,
    clean,
    count_entries,
    duration,
    json_text,
    rows_of,
    value_text,
)
from certflow.report.graph.page import graph_link, graph_view
from certflow.report.kept_proofs import kept
from certflow.report.mathml import typeset, typeset_inline
from certflow.report.origins import origins
from certflow.report.proofs import proof_views
from certflow.report.svg import isolate, numbers_of, with_numbers
from certflow.report.tiers import NO_EVIDENCE, TIERS, general, tiers

#: Scalars of a list beyond which the page shows its beginning only; report.json has it whole.
MIXTURE_ENTRIES = 200
WITNESS_ENTRIES = 2000
#: The scripts of the page, in `templates`; no other is run.
SCRIPTS = ("copy.js", "graph.js")


@dataclass(frozen=True)
class FigureView:
    """A figure with its words; the SVG has been made safe to stand inline. `numbers` is the CSV of what it draws."""

    anchor: str
    title: str
    caption: str
    svg: Markup
    numbers: str = ""


def render_html(report: Document, figures: Mapping[str, str] | None = None) -> str:
    """The page for `report`, with `figures` (name -> SVG) inline. The same input gives the same text.

    Raises `ValueError` if a figure is not an SVG document.
    """
    anchors = _anchors(report)
    mixture = abbreviate(report.mixture, MIXTURE_ENTRIES)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            name=verdict.mixture_name(report),
            facts=verdict.facts(report),
            overall=dataclasses.replace(verdict.outcome_cell(report.outcome), text=verdict.headline(report)),
            sentences=verdict.verdict_sentences(report),
            left_out=verdict.left_out(report),
            attention=verdict.attention(report),
            groups=verdict.groups(verdict.decided(report)),
            excluded=verdict.with_outcome(report, Outcome.NOT_APPLICABLE),
            unchecked=verdict.with_outcome(report, Outcome.NOT_CHECKED),
            apart={r.id for r in report.results} - {r.id for r in verdict.decided(report).results},
            contents=verdict.groups(report),
            origins=origins(report),
            anchors=anchors,
            known=verdict.resting_on(report),
            graph=graph_view(report, anchors) if report.results else None,
            proofs=proof_views(report),
            kinds=list(Kind),
            formal=[tier for tier in TIERS if any(tier in tiers(result) for result in report.results)],
            figures=figure_views(report, figures or {}),
            missing_figures=missing_figures(report, figures or {}),
            mixture_json=json_text(mixture),
            mixture_entries=count_entries(report.mixture),
            mixture_shortened=mixture != report.mixture,
            command=again(report),
            entries=(citation(report), PAPER),
            badge=Markup(isolate(badge(report), "badge")),
            scripts=[Markup(_script(name)) for name in SCRIPTS],
            script_hashes=" ".join(map(_hash, SCRIPTS)),
        )
    )


@cache
def _script(name: str) -> str:
    return (files("certflow.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _hash(name: str) -> str:
    """What the policy of the page says of a script that may run: the digest of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_script(name).encode()).digest()).decode()}'"


def figure_views(report: Document, figures: Mapping[str, str]) -> list[FigureView]:
    """The figures in the order of the report, known ones first."""
    order = [n for n in FIGURE_NAMES if n in figures] + sorted(set(figures) - set(FIGURE_NAMES))
    views = []
    for name in order:
        words = caption(name, verdict.dimension(report))
        svg = isolate(figures[name], name, words)
        drawing = Markup(with_numbers(svg, ""))
        views.append(FigureView(f"figure-{name}", figure_title(name), words, drawing, numbers_of(svg)))
    return views


def missing_figures(report: Document, figures: Mapping[str, str]) -> str:
    """A sentence on the figures that this report does not have, with the reason where it is known."""
    absent = [figure_title(name).lower() for name in FIGURE_NAMES if name not in figures]
    if not absent:
        return ""
    why = report.curves.note if report.curves is not None else ""
    return f"Not drawn: {', '.join(absent)}." + (f" {why}" if why else "")


def _anchors(report: Document) -> dict[str, str]:
    """A distinct fragment for every claim id, readable where the id is made of plain characters."""
    anchors: dict[str, str] = {}
    for index, result in enumerate(report.results):
        slug = re.sub(r"[^A-Za-z0-9.-]", "_", result.id)
        anchors[result.id] = f"claim-{slug}" if slug == result.id else f"claim-{slug}-{index}"
    return anchors


def _witness(item: Evidence) -> str:
    return json_text(abbreviate(item.witness, WITNESS_ENTRIES))


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("certflow.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters |= {
        "duration": duration,
        "figure": value_text,
        "graph_link": graph_link,
        "kept": kept,
        "label": verdict.label,
        "typeset": typeset,
        "typeset_inline": typeset_inline,
        "witness": _witness,
        "sources": verdict.sources,
        "rows": rows_of,
        "basename": posixpath.basename,
        "quote": quote,
    }
    made.globals |= {
        "cells": verdict.cells,
        "general": general,
        "no_evidence": NO_EVIDENCE,
        "outcome_cell": verdict.outcome_cell,
        "kind_label": verdict.KIND_LABEL,
        "kind_meaning": KIND_MEANING,
        "outcome_meaning": verdict.OUTCOME_MEANING,
        "commands": commands,
        "version": __version__,
        "pending": verdict.PENDING,
        "nothing": verdict.NOTHING,
    }
    return made


def _printable(value: Any) -> Any:
    """Whatever a template prints, with characters that HTML forbids made visible."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
