"""Regenerate reference runs of the laboratory: `python tools/make_laboratory.py [PART ...]` writes reports/laboratory.

two-modes : the default experiment on the built-in mixture, with K = 16 as well
gpu       : the same on a GPU; left out where there is none
narrow    : two modes with sigma = 0.05, t from 0.001: where the paper's grid falls behind
modes-16d : sixteen dimensions, where typical growth is not that of the worst case either
mismatch  : students under a Lipschitz budget against the floor, one step against K (proofs/M1.md to M3)
digits    : a score network on scikit-learn's digits, outside the theory
optimised : direct search on the measured error, the yardstick of grids
beyond    : grids for solvers and students on networks trained on three data sets, held against what was expected; an
            interrupted run goes on where it was

Each takes some minutes on two cores, the last one an hour on one. The last four write their results as JSON and tables
in Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch

import certflow as cf
from certflow.atomic import write_text_atomic
from certflow.cli import main as certflow

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "reports" / "laboratory"


def two_modes() -> None:
    command("two-modes", FOLDER / "two-modes", "--segments", "1,2,4,8,16")


def gpu() -> None:
    command("two-modes", FOLDER / "two-modes-gpu", "--segments", "1,2,4,8,16", "--device", "cuda")


def narrow() -> None:
    folder = FOLDER / "narrow"
    mixture = cf.GaussianMixture(["1/2", "1/2"], [["-1", "0"], ["1", "0"]], "0.0025", name="two narrow modes")
    folder.mkdir(parents=True, exist_ok=True)
    mixture.save(folder / "mixture.json")
    command(str((folder / "mixture.json").relative_to(ROOT)), folder, "--t-min", "0.001")


def modes_16d() -> None:
    command("modes-16d", FOLDER / "modes-16d", "--segments", "1,4,8")


def command(mixture: str, folder: Path, *options: str) -> None:
    """Run `certflow distill` in this process; what it kept to be resumed goes."""
    line = ["distill", mixture, "--out", str(folder.relative_to(ROOT)), *options]
    sys.argv = ["certflow", *line]
    if certflow(line) != 0:
        sys.exit(f"certflow {' '.join(line)} failed")
    shutil.rmtree(folder / ".certflow", ignore_errors=True)


def mismatch() -> None:
    from certflow.distill.students.mismatch import experiment

    found = experiment().mapping()
    students = [
        (
            f"{row['budget']:g}",
            row["seed"],
            f"{row['relative_mse']:.4e}",
            f"{row['floor']:.4e}",
            row["basis"],
            f"{row['ratio']:.4f}",
        )
        for row in found["students"]["rows"]
        if not row["diverged"]
    ]
    text = ["# Students under a Lipschitz budget", "", "Two modes at -1 and 1, sigma 0.1, one dimension.", ""]
    text += table(("B", "seed", "relative MSE", "floor (proofs/M2.md)", "which is", "MSE / floor"), students)
    text += ["", "# One step against K steps at equal parameters", ""]
    built = [
        (
            row["sigma"],
            row["grid"],
            row["segments"],
            row["hidden"],
            f"{row['relative_mse']:.2e} ± {row['deviation']:.0e}",
            f"{row['steepest']:.3g}",
            f"{row['floor_of_steepest']:.2e}",
            f"{row['exponent']:.2f}",
        )
        for row in found["compositions"]["summary"]
    ]
    head = ("sigma", "grid", "K", "width", "relative MSE", "steepest slope", "floor at that slope", "int lambda")
    text += table(head, built)
    write(FOLDER / "mismatch", "mismatch", found, text)


def digits() -> None:
    from certflow.distill.beyond.real_data import real_data

    results, network = real_data()
    content = {**results.mapping(), "network": network}
    rows = [
        (entry["grid"], entry["segments"], *(f"{entry['relative_mse'][key]:.2e}" for key in ("mean", "deviation")))
        for entry in results.summary()
    ]
    text = ["# Digits: a score network", "", f"{network['scope'][0].upper()}{network['scope'][1:]}.", ""]
    text += [f"{network['data']}; {network['score_steps']} steps of the score network.", ""]
    text += table(("grid", "K", "relative MSE", "deviation over seeds"), rows)
    write(FOLDER / "digits", "digits", content, text)


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def write(folder: Path, name: str, content: dict[str, Any], lines: list[str]) -> None:
    write_text_atomic(folder / f"{name}.json", json.dumps(content, indent=1) + "\n")
    write_text_atomic(folder / f"{name}.md", "\n".join(lines) + "\n")


def optimised() -> None:
    """What direct search on the measured error finds, beside the grids that cost nothing."""
    from certflow.distill import run
    from certflow.distill.optimised import optimise

    content, rows = {}, []
    for name in ("two-modes", "ring-8"):
        process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3")
        found = optimise(process, cf.time_grid(process, 8, "typical"))
        grids = ["uniform", "typical", "stability-balanced:two-sided", found.grid]
        results = run(process, grids, [8], 5, exact=False)
        content[name] = {"history": found.history, "trained_maps": found.trained_maps, **results.mapping()}
        rows += [
            (name, grid, f"{spread.mean:.2e}", f"{spread.deviation:.0e}")
            for grid in results.grids()
            for spread in [results.spread(grid, 8)]
        ]
    text = ["# Direct search on the measured error, K = 8", ""]
    text += table(("mixture", "grid", "relative MSE", "deviation over seeds"), rows)
    write(FOLDER / "optimised", "optimised", content, text)


def beyond() -> None:
    from certflow.distill.beyond.study import Design, study
    from certflow.report.laboratory.beyond.page import markdown

    rows = FOLDER / "beyond" / "rows.json"
    known = json.loads(rows.read_text(encoding="utf-8")) if rows.exists() else None
    began = time.perf_counter()

    def told(done: int, total: int, what: str) -> None:
        print(f"{time.perf_counter() - began:.0f} s: {done} of {total} parts, {what}", file=sys.stderr, flush=True)

    def keep(content: dict[str, Any]) -> None:
        write_text_atomic(rows, json_lines(content))
        write_text_atomic(FOLDER / "beyond" / "beyond.md", markdown(content))

    keep(study(Design(), solver_grids, known, keep=keep, progress=told))


def solver_grids(model: Any, segments: int, sampler: str, data: Any) -> dict[str, cf.TimeGrid]:
    """Every named grid that a model has, and the one that is searched for the solver."""
    from certflow.planning.solver_grids import named_grids

    named = {kind: cf.TimeGrid(kind, times) for kind, times in named_grids(model, segments, data).items()}
    return named | {"optimised": cf.time_grid(model, segments, kind="auto", sampler=sampler, data=data)}


def json_lines(content: dict[str, Any]) -> str:
    """JSON with one line for each entry of its lists."""
    parts = []
    for name, value in content.items():
        listed = isinstance(value, list) and value
        inner = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if listed else json.dumps(value)
        parts.append(f"{json.dumps(name)}: {inner}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


PARTS = {
    "two-modes": two_modes,
    "gpu": gpu,
    "narrow": narrow,
    "modes-16d": modes_16d,
    "mismatch": mismatch,
    "digits": digits,
    "optimised": optimised,
    "beyond": beyond,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerate the reference runs of the laboratory.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parts = parser.parse_args().parts or [part for part in PARTS if part != "gpu" or torch.cuda.is_available()]
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    for part in parts:
        start = time.perf_counter()
        PARTS[part]()
        print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
