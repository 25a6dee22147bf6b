"""Regenerate the reference reports: `python tools/make_reports.py [PART ...]` rewrites reports/ (some minutes).

A directory for each mixture, made by the same function as `certflow verify` (two-modes with the full profile, which
trains maps and takes some minutes more, and with Coq, which must be installed for it); `kill-table.md`, which lists
every check of the registry with its deliberately wrong formulas and what the check said of them; `mutations.md`, which
counts the corrupted certificates that the checker refused; `networks.md`, the figures of constructed networks that
`benchmarks/networks.py` measured, with pictures.
A PART is a mixture, `kill-table`, `mutations` or `networks`; all unless given.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from certflow.atomic import write_text_atomic
from certflow.claims.check import Context
from certflow.claims.registry import CHECKS
from certflow.commands.network_plot import draw_layers, draw_sizes
from certflow.commands.network_table import network_table
from certflow.law.library import load_mixture
from certflow.networks.constructed import constructed_score
from certflow.process import OrnsteinUhlenbeck
from certflow.verification import verify

#: Errors of the picture of sizes.
SIZES = ("1e-2", "1e-3", "1e-4", "1e-6", "1e-8", "1e-10", "1e-12", "1e-16", "1e-20", "1e-30", "1e-40")
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "reports"
#: The mixtures, each with its profile.
MIXTURES = {"iris": "quick", "two-modes": "full", "line-3": "quick", "anisotropic-pair": "quick", "digits": "quick"}
#: Those of which Coq compiles what the certificates assert.
KERNEL = ("two-modes",)


def kill_table() -> str:
    """Every check with its false twins, as a Markdown table."""
    lines = [
        "# Kill table",
        "",
        "Each check of the registry must accept the right formulas and report each deliberately wrong one as violated.",
        "",
        "| check | evidence | wrong formula | mixture | right formula | wrong formula |",
        "|---|---|---|---|---|---|",
    ]
    for check in CHECKS:
        for twin in check.twins:
            mixture = load_mixture(twin.mixture)
            outcomes = [
                check.run(Context(formulas(mixture, "0.01", "3"))).outcome
                for formulas in (OrnsteinUhlenbeck, twin.formulas)
            ]
            cells = [check.name, check.kind, twin.mistake, twin.mixture, *outcomes]
            lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def mutation_table() -> str:
    """What the checker said of corrupted certificates, as a Markdown table; takes some minutes."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "certificate")]
    import mutations

    lines = [
        "# Mutation table",
        "",
        "Each file is a certificate of the package with one corruption: of its assertion, of the hints of its proof,",
        "of the hints below a false assertion, of the problem (its hash renewed or not), of the envelope, or of the",
        "characters of the text. An oracle that shares no code with the checker decides whether what an accepted file",
        "says is true. The last column must be 0: `tests/certificate/test_mutations.py` fails otherwise.",
        "",
    ]
    return "\n".join(lines) + "\n" + mutations.table()


def network_page() -> str:
    """Sizes, proved and measured errors of constructed networks, as measured by the benchmark; draws two pictures."""
    sys.path[:0] = [str(ROOT / "benchmarks")]
    import networks

    folder = FOLDER / "networks"
    sizes = network_table(
        OrnsteinUhlenbeck(load_mixture("two-modes"), *networks.TIMES), list(SIZES), 2.0, None, 0, networks.TIMES
    )
    draw_sizes(sizes, folder / "two-modes-sizes.svg")
    ring = constructed_score(OrnsteinUhlenbeck(load_mixture("ring-8"), *networks.TIMES), "1e-6")
    draw_layers(ring.network, "ring-8, eps = 1e-6", folder / "ring-8-layers.svg")
    rows = networks.rows_saved()
    lines = [
        "# Constructed networks",
        "",
        "Networks of affine maps, ReLU and ReQU for the score of the built-in mixtures on 0.01 <= t <= 3, built",
        "without training ([docs/networks.md](../docs/networks.md)). Proved: at most this in `L^2(p_t)` at every `t`.",
        "Measured: the largest over 50 times, on 2,000 draws in float64, on 8 in Arb where eps is below 1e-9, with its",
        "standard error. Share: the largest `|N - s| / (A + B |x|)` on draws and hard points. float64, float32:",
        "rounding in `L^2(p_t)`. s: CPU seconds of design, construction and proof. `python benchmarks/networks.py`",
        "measures them.",
        "",
        networks.table(rows),
        *(f"- {line}" for line in networks.verdicts(rows)),
        "",
        f"Rate (A7), two-modes down to {SIZES[-1]}: {sizes.rate}.",
        "",
        "![Sizes and errors of the networks of two-modes against eps](networks/two-modes-sizes.svg)",
        "",
        "![The layers of the network of ring-8 at eps = 1e-6](networks/ring-8-layers.svg)",
    ]
    return "\n".join(lines) + "\n"


TABLES = {"kill-table": kill_table, "mutations": mutation_table, "networks": network_page}


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerate the reference reports.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join((*MIXTURES, *TABLES)))
    parts = parser.parse_args().parts or [*MIXTURES, *TABLES]
    unknown = [part for part in parts if part not in (*MIXTURES, *TABLES)]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; the parts are {', '.join((*MIXTURES, *TABLES))}")
    for name in parts:
        start = time.perf_counter()
        print(name, end=" ", flush=True)
        if name in TABLES:
            write_text_atomic(FOLDER / f"{name}.md", TABLES[name]())
            print(f"{time.perf_counter() - start:.0f} s")
            continue
        profile, kernel = MIXTURES[name], name in KERNEL
        command = f"certflow verify {name} --profile {profile}{' --kernel' if kernel else ''} --out reports/{name}"
        report = verify(load_mixture(name), profile=profile, out=FOLDER / name, command=command, kernel=kernel)
        shutil.rmtree(FOLDER / name / ".certflow")
        print(report.outcome, f"{report.seconds:.0f} s")


if __name__ == "__main__":
    main()
