"""The page of the study on networks, made from its rows: verdicts, tables, what stands behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from certflow.report.laboratory.beyond.cells import (
    Compared,
    cells_of,
    geometric_mean,
    group_ratio,
    groups_of,
    maps_name,
    solvers_of,
    students_of,
)
from certflow.report.laboratory.beyond.hypotheses import verdicts


def markdown(content: Mapping[str, Any]) -> str:
    """The page; `content` is what `certflow.distill.beyond.study.study` returns or keeps."""
    design, rows = content["design"], content["rows"]
    cells = cells_of(rows)
    lines = [
        "# Grids on networks: outside the theory",
        "",
        "Networks trained on data that scikit-learn ships; grids for solvers and for students are compared on each "
        "network's own flow. The theory speaks of mixtures: nothing here is proved. What was expected stands in "
        "[expected.md](expected.md), written before any network was trained; raw rows, with intervals, are in "
        "[rows.json](rows.json). `python tools/make_laboratory.py beyond` goes on where it was, or begins anew without "
        "that file.",
        "",
        *_unfinished(content),
        *_networks(content["networks"], design),
        "## What was expected, and what was found",
        "",
        "Ratios are errors over that of the best usual grid of the same cell, geometric means over seeds in groups.",
        "",
        *_table(
            ("", "expected", "confirmed if", "verdict", "found"),
            (
                (v.hypothesis.id, v.hypothesis.expected, v.hypothesis.confirmed_if, v.word, v.found)
                for v in verdicts(rows)
            ),
        ),
        "",
        "## Ratios to the best usual grid",
        "",
        "Geometric mean over seeds (least to largest); the best usual grid's error is the geometric mean over seeds of "
        "the relative mean squared error. Several names: seeds disagree.",
        "",
    ]
    for maps in design["samplers"]:
        lines += _ratios(maps_name(maps), solvers_of(cells, maps))
    lines += _ratios("Students", students_of(cells))
    return "\n".join(lines).rstrip() + "\n"


def _unfinished(content: Mapping[str, Any]) -> list[str]:
    design = content["design"]
    networks = design["networks"] * len(design["subjects"])
    total = networks * (len(design["segments"]) * len(design["samplers"]) + design["students"])
    cells = cells_of(content["rows"])
    done = len(solvers_of(cells)) + len({(cell.data_set, cell.network, cell.student) for cell in students_of(cells)})
    if done == total:
        return []
    return [f"**Unfinished**: {done} of {total} parts are there; verdicts are those of what there is.", ""]


def _networks(networks: Sequence[Mapping[str, Any]], design: Mapping[str, Any]) -> list[str]:
    own: dict[str, list[Mapping[str, Any]]] = {}
    for network in networks:
        own.setdefault(network["data_set"], []).append(network)
    settings = design["settings"]
    students = {subject["data_set"]: subject["student"] for subject in design["subjects"]}
    rows = [
        (
            f"{name}: {some[0]['what']}",
            some[0]["dimension"],
            f"{some[0]['rows']:,} / {some[0]['held_out']:,}",
            len(some),
            f"{some[0]['weights']:,}",
            " / ".join(f"{fmean(n[loss] for n in some):.3f}" for loss in ("loss", "held_out_loss")),
            f"{max(n['flow_error'] for n in some):.0e}",
            students[name],
        )
        for name, some in own.items()
    ]
    head = (
        "data",
        "d",
        "rows / held out",
        "networks",
        "weights",
        "loss / held out",
        "flow error",
        "width of students",
    )
    return [
        *_table(head, rows),
        "",
        f"Networks: {design['score_steps']:,} steps. Loss: E (1 + 1/σ²) |D − x₀|² for one coordinate. Flow error: the "
        "estimated relative mean squared error of the flow that students learn, of the worst network; errors are "
        "measured against a solve with twice its steps, on "
        f"{design['points']:,} noised held-out rows for each network. Students: "
        f"{settings['steps']:,} steps, {settings['pool']:,} exact pairs, {design['students']} seeds for each network.",
        "",
    ]


def _ratios(title: str, cells: Sequence[Compared]) -> list[str]:
    if not cells:
        return []
    grids = list(dict.fromkeys(label for cell in cells for label in cell.rows))
    rows = []
    for (data_set, _, segments), group in groups_of(cells).items():
        best = dict.fromkeys(cell.best_usual for cell in group)
        error = geometric_mean([cell.error(cell.best_usual) for cell in group])
        rows.append(
            (data_set, segments, len(group), ", ".join(best), f"{error:.2e}", *(_cell(group, g) for g in grids))
        )
    return [f"### {title}", "", *_table(("data", "K", "cells", "best usual", "its error", *grids), rows), ""]


def _cell(group: Sequence[Compared], grid: str) -> str:
    if any(grid not in cell.rows for cell in group):
        return "–"
    ratios = [cell.ratio(grid) for cell in group]
    mean = _short(group_ratio(group, grid))
    return mean if len(group) == 1 else f"{mean} ({_short(min(ratios))}–{_short(max(ratios))})"


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]
