"""The numbers of reports/sweep/findings.md: `python tools/sweep_findings.py [ROWS.parquet]` prints them.

Shares have Wilson intervals, medians and rank correlations bootstrap intervals (2,000 resamples, seed 0), all of 95 %.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyarrow import parquet
from scipy.stats import rankdata

from certflow.law.exposed import exposed_diameter
from certflow.sweep import read_specification

FOLDER = Path(__file__).resolve().parents[1] / "reports" / "sweep"
#: Normal quantile of 95 %.
Z = 1.959963984540054
Row = dict[str, Any]


def wilson(hits: int, count: int) -> str:
    """A share with its Wilson interval."""
    if not count:
        return "none"
    share, square = hits / count, Z * Z / count
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * np.sqrt(share * (1 - share) / count + square / (4 * count))
    return f"{hits} of {count} = {share:.3f} [{max(middle - half, 0.0):.3f}, {middle + half:.3f}]"


def resampled(statistic: Callable[..., float], *columns: ArrayLike) -> str:
    """A statistic of rows with its bootstrap interval."""
    arrays = [np.asarray(column, dtype=float) for column in columns]
    count = len(arrays[0])
    if count < 3:
        return f"too few rows ({count})"
    rng = np.random.default_rng(0)
    draws = (rng.integers(count, size=count) for _ in range(2000))
    low, high = np.quantile([statistic(*(array[draw] for array in arrays)) for draw in draws], [0.025, 0.975])
    return f"{statistic(*arrays):.3g} [{low:.3g}, {high:.3g}] of {count}"


def spearman(a: Any, b: Any) -> float:
    """Rank correlation."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def median(rows: Iterable[Row], figure: str) -> str:
    """The median of a figure."""
    return resampled(lambda a: float(np.median(a)), [row[figure] for row in rows if row.get(figure) is not None])


def wins(rows: Iterable[Row], figure: str) -> str:
    """How often a gain is above 1."""
    values = [row[figure] for row in rows if row.get(figure) is not None]
    return wilson(sum(value > 1 for value in values), len(values))


def where(rows: Iterable[Row], **asked: Any) -> list[Row]:
    """The rows with these values."""
    return [row for row in rows if all(row[key] == value for key, value in asked.items())]


def told(title: str, value: str) -> None:
    """One line."""
    print(f"  {title}: {value}")


def sharp(row: Row) -> bool:
    """int lambda* >= 0.99 int lambda is proved."""
    return bool(row["exponents.sharp_lower"] >= 0.99 * row["exponents.closed"])


def loose(row: Row) -> bool:
    """int lambda* < 0.99 int lambda is proved, however wide the enclosure."""
    return bool(row["exponents.sharp_upper"] < 0.99 * row["exponents.closed"])


def answers(rows: list[Row]) -> None:
    """H9: how every row ended, and which are out of budget."""
    print("H9:", Counter(row["outcome"] for row in rows))
    for task in ("exponents", "segments", "euler", "students"):
        told(task, str(dict(Counter(row["status"] for row in where(rows, task=task)))))
    for (task, family, kind), count in Counter(
        (row["task"], row["family"], row["covariances"]) for row in where(rows, status="refused")
    ).items():
        told(f"refused: {task} of {family}, {kind}", str(count))
    late = where(rows, status="out of budget")
    told("out of budget by dimension", str(dict(sorted(Counter(row["dimension"] for row in late).items()))))
    many = sum(row["dimension"] in (2, 3) and row["components"] >= 6 for row in late)
    told("out of budget: d = 2 or 3 and K >= 6", wilson(many, len(late)))
    told("... had less than 8 s of processor time", wilson(sum(row["cpu_seconds"] < 8 for row in late), len(late)))
    told("... median processor time", median(late, "cpu_seconds"))


def exponents(rows: list[Row], exposed: dict[str, bool]) -> dict[str, Row]:
    """H1 to H3."""
    there = [row for row in where(rows, task="exponents") if row.get("exponents.share") is not None]
    done = where(there, status="done")
    print("H1, H2, H3: exponents")
    told("simplex sharp", wilson(sum(map(sharp, where(done, family="simplex"))), len(where(done, family="simplex"))))
    pairs = where(done, components=2)
    told("K = 2 sharp", wilson(sum(map(sharp, pairs)), len(pairs)))
    for flag in (True, False):
        group = [row for row in done if exposed[row["mixture"]] is flag]
        told(f"exposed {flag}: sharp", wilson(sum(map(sharp, group)), len(group)))
        told(f"exposed {flag}: median excess", median(group, "exponents.excess"))
    inner = [row for row in there if not exposed[row["mixture"]]]
    told("not exposed, settled or not: proved loose", wilson(sum(map(loose, inner)), len(inner)))
    told("not exposed, settled or not: proved sharp", wilson(sum(map(sharp, inner)), len(inner)))
    for row in done:
        if not sharp(row) and not loose(row):
            low = row["exponents.sharp_lower"] / row["exponents.closed"]
            told(
                f"settled, neither: {row['mixture']} K={row['components']} d={row['dimension']}: share", f">= {low:.3f}"
            )
    random = where(done, family="random")
    for d in (1, 2, 3, 4, 6, 8, 12, 16):
        for low, high in ((3, 5), (6, 8), (9, 12)):
            every = where(rows, family="random", task="exponents", dimension=d)
            every = [row for row in every if low <= row["components"] <= high and row["components"] > d + 1]
            group = [row for row in random if row["dimension"] == d and low <= row["components"] <= high]
            group = [row for row in group if row["components"] > d + 1]
            if every:
                line = f"sharp {wilson(sum(map(sharp, group)), len(group))}; out of budget {len(every) - len(group)}"
                told(f"random d={d} K={low}..{high}, K > d+1", f"{line}; excess {median(group, 'exponents.excess')}")
    every = [row for row in where(rows, family="random", task="exponents") if row["components"] > row["dimension"] + 1]
    for title, low, top in (("d = 1", 1, 1), ("d = 2", 2, 2), ("d = 3", 3, 3), ("d >= 4", 4, 99)):
        group = [row for row in every if low <= row["dimension"] <= top]
        told(
            f"random {title}, K > d + 1, settled or not: exposed",
            wilson(sum(exposed[r["mixture"]] for r in group), len(group)),
        )
    unsettled = where(there, status="out of budget")
    told("out of budget: exposed", wilson(sum(exposed[row["mixture"]] for row in unsettled), len(unsettled)))
    axis = [r for r in there if r["family"] == "random" and r["dimension"] == 1 and r["components"] >= 3]
    told("random d = 1, K >= 3: median share", median(where(axis, status="done"), "exponents.share"))
    told("... settled or not, of its upper bound", median(axis, "exponents.share"))
    told("... settled or not: proved loose", wilson(sum(map(loose, axis)), len(axis)))
    above = [row for row in random if row["dimension"] >= 4 and row["components"] > row["dimension"] + 1]
    told("random d >= 4, K > d + 1: sharp", wilson(sum(map(sharp, above)), len(above)))
    for family in ("small", "many", "data"):
        group = where(there, family=family)
        told(f"{family}: exposed", wilson(sum(exposed[row["mixture"]] for row in group), len(group)))
        told(f"{family}: proved sharp", wilson(sum(map(sharp, group)), len(group)))
        told(f"{family}: proved loose", wilson(sum(map(loose, group)), len(group)))
        told(f"{family}: settled: median share", median(where(group, status="done"), "exponents.share"))
    for row in where(done, family="ring"):
        if row["components"] % 2 == 0 and row["sigma"] <= 0.12:
            told(f"ring K={row['components']} sigma={row['sigma']}: share", f"{row['exponents.share']:.3f}")
    plane = [row for row in there if loose(row) and row["dimension"] <= 2]
    ratios = [[row[key] for row in plane] for key in ("exponents.excess", "ratio")]
    told("loose, d <= 2, settled or not: rank correlation of excess with ratio", resampled(spearman, *ratios))
    plane = where(plane, status="done")
    for name in ("ratio", "components", "dimension", "nearest"):
        columns = [[row[key] for row in plane] for key in ("exponents.excess", name)]
        told(f"loose, d <= 2: rank correlation of excess with {name}", resampled(spearman, *columns))
    inside = [[row[key] for row in plane] for key in ("exponents.excess", "exponents.closed")]
    told("loose, d <= 2: rank correlation of excess with the closed form", resampled(spearman, *inside))
    return {row["mixture"]: row for row in there}


def one_step(rows: list[Row]) -> None:
    """H4."""
    there = [row for row in where(rows, task="segments", status="done") if row["covariances"] == "common-isotropic"]
    print("H4: one step, B = 10")
    for title, low, high in (("ratio < 5", 0, 5), ("5 to 6", 5, 6), ("ratio > 6", 6, 1e9)):
        group = [row for row in there if low < row["ratio"] <= high]
        told(f"{title}: sufficient = 1", wilson(sum(row["segments.sufficient"] == 1 for row in group), len(group)))
    for row in there:
        if row["ratio"] < 5 and row["segments.sufficient"] != 1:
            told("ratio < 5, sufficient > 1", f"{row['mixture']}: ratio {row['ratio']:.3g}")
    kinds = where(rows, task="segments", status="done", family="kinds")
    told("kinds: answers", str(Counter((row["covariances"], row["segments.one_step"]) for row in kinds)))
    bounded = [row for row in kinds if row["segments.sufficient"] is not None]
    for title, low, high in (("ratio < 5", 0, 5), ("5 to 6", 5, 6), ("ratio > 6", 6, 1e9)):
        group = [row for row in bounded if low < row["ratio"] <= high]
        told(
            f"kinds, {title}: sufficient = 1", wilson(sum(row["segments.sufficient"] == 1 for row in group), len(group))
        )
    one = [row for row in there if row["dimension"] == 1 and row["segments.sufficient"] > 1]
    for low, high in ((2, 2), (3, 3), (4, 5), (6, 8), (9, 12)):
        group = [row for row in one if low <= row["components"] <= high]
        enough = sum(row["segments.one_step"] == "enough" for row in group)
        told(f"d = 1, sufficient > 1, K={low}..{high}: enough", wilson(enough, len(group)))
    group = [row for row in one if row["components"] >= 4]
    told("d = 1, K >= 4: enough", wilson(sum(r["segments.one_step"] == "enough" for r in group), len(group)))
    for name in ("ratio", "nearest", "segments.log_lipschitz", "segments.log_bound", "components"):
        pairs = [(row["segments.enough"], row[name]) for row in one if row["segments.enough"] is not None]
        told(
            f"d = 1, sufficient > 1: rank correlation of enough with {name}",
            resampled(spearman, *zip(*pairs, strict=True)),
        )
    gap = [[row["segments.nearest_ratio"] for row in one], [row["segments.enough"] for row in one]]
    told("... with nearest / sigma", resampled(spearman, *gap))
    more = [row for row in there if row["dimension"] > 1]
    told("d > 1: answers", str(Counter(row["segments.one_step"] for row in more)))
    known = [row for row in there if row["segments.sufficient"] is not None]
    slack = [row["segments.log_bound"] - row["segments.log_lipschitz"] for row in known if row["dimension"] == 1]
    told("d = 1: median of int lambda - log Lip", resampled(lambda a: float(np.median(a)), slack))


def students(rows: list[Row], bounds: dict[str, Row]) -> None:
    """H5 and H6."""
    there = where(rows, task="students", status="done")
    figure, other = "student-grids.gain_balanced", "student-grids.gain_two_sided"
    print("H5, H6: trained maps, K = 4")
    told("balanced wins", wins(there, figure))
    told("two-sided wins", wins(there, other))
    for family in ("line", "ring", "small"):
        told(f"{family}: balanced wins", wins(where(there, family=family), figure))
        told(f"{family}: two-sided wins", wins(where(there, family=family), other))
        told(f"{family}: median gain", median(where(there, family=family), figure))
    known = [(row, bounds[row["mixture"]]["exponents.share"]) for row in there]
    told("share >= 0.9: balanced wins", wins([row for row, share in known if share >= 0.9], figure))
    told("share <= 0.5: balanced wins", wins([row for row, share in known if share <= 0.5], figure))
    told("largest share of a loss", f"{max(share for row, share in known if row[figure] < 1):.3f}")
    slack = [(row, share) for row, share in known if share <= 0.5]
    for title, low, top in (("d = 1", 1, 1), ("d > 1", 2, 99)):
        part = [(row, share) for row, share in slack if low <= row["dimension"] <= top]
        told(f"share <= 0.5, {title}: balanced wins", wins([row for row, _ in part], figure))
        columns = zip(*((row[figure], share) for row, share in part), strict=True)
        told(f"share <= 0.5, {title}: rank correlation of gain with share", resampled(spearman, *columns))
    for d in (1, 2, 3):
        told(f"d = {d}: balanced wins", wins(where(there, dimension=d), figure))
    one = where(there, dimension=1)
    for k in sorted({row["components"] for row in one}):
        told(f"d = 1, K = {k}: balanced wins", wins(where(one, components=k), figure))
        for family in ("line", "small"):
            told(f"d = 1, K = {k}, {family}: balanced wins", wins(where(one, components=k, family=family), figure))
    for low, high in ((0, 4), (4, 8), (8, 12), (12, 40)):
        group = [row for row in there if low < row["ratio"] <= high]
        told(f"ratio {low} to {high}: balanced wins", wins(group, figure))
    near = [abs(np.log(row[other] / row[figure])) < np.log(1.2) for row in there]
    told("two-sided within 20 % of balanced", wilson(sum(near), len(near)))
    gains = np.log([row[figure] for row in there])
    for name in ("ratio", "components", "dimension", "nearest"):
        told(f"rank correlation of the gain with {name}", resampled(spearman, gains, [row[name] for row in there]))
    told("... with share", resampled(spearman, *zip(*((np.log(r[figure]), s) for r, s in known), strict=True)))
    off = Counter(f"d={row['dimension']} {row['layout']}" for row in there if row[other] < 1)
    told("where the two-sided grid loses", str(dict(off)))
    worst = sorted(there, key=lambda row: row[figure])
    for row in (*worst[:3], *worst[-3:]):
        facts = f"K={row['components']} d={row['dimension']} ratio={row['ratio']:.3g} imbalance={row['imbalance']:.3g}"
        told(f"{row['mixture']} ({facts}): gain", f"{row[figure]:.3g}, two-sided {row[other]:.3g}")


def euler(rows: list[Row]) -> None:
    """H7 and H8."""
    every = where(rows, task="euler")
    there = where(every, status="done")
    figure, other = "solver-grids.gain_balanced", "solver-grids.gain_two_sided"
    print("H7, H8: Euler, K = 8", Counter(row["status"] for row in every))
    told("best grid", str(Counter(row["solver-grids.best"] for row in there)))
    best = sum(row["solver-grids.best"] == "flow-matching" for row in there)
    told("flow-matching best of four", wilson(best, len(there)))
    told("balanced wins", wins(there, figure))
    told("two-sided wins", wins(there, other))
    narrow = [row for row in there if row["ratio"] > 15]
    told("ratio > 15, d <= 2: balanced wins", wins([row for row in narrow if row["dimension"] <= 2], figure))
    told("ratio > 15, d > 2: balanced wins", wins([row for row in narrow if row["dimension"] > 2], figure))
    for k_low, k_high in ((2, 3), (4, 6), (7, 12), (13, 40)):
        group = [row for row in narrow if k_low <= row["components"] <= k_high]
        told(f"ratio > 15, K={k_low}..{k_high}: balanced wins", wins(group, figure))
    told("ratio < 5: balanced wins", wins([row for row in there if row["ratio"] < 5], figure))
    told("two-sided at least as good", wilson(sum(row[other] >= row[figure] * (1 - 1e-9) for row in there), len(there)))
    for data in ("iris", "wine", "digits"):
        told(f"{data}: balanced wins", wins(where(there, data=data), figure))
        told(f"{data}: median gain", median(where(there, data=data), figure))
    for low, high in ((0, 5), (5, 8), (8, 15), (15, 99)):
        alike = [r for r in there if low < r["ratio"] <= high and r["dimension"] in (2, 4) and r["components"] <= 6]
        for title, group in (
            ("families", [row for row in alike if row["family"] != "data"]),
            ("iris and wine", [row for row in alike if row["data"] in ("iris", "wine")]),
            ("digits", where(alike, data="digits")),
        ):
            told(f"{title}, ratio {low} to {high}, d = 2 or 4, K <= 6: balanced wins", wins(group, figure))
            told("... median gain", median(group, figure))
    for family in ("line", "ring", "simplex", "random", "small", "many", "kinds"):
        told(f"{family}: balanced wins", wins(where(there, family=family), figure))
        told(f"{family}: median gain", median(where(there, family=family), figure))
    for kind in ("common-isotropic", "isotropic", "shared", "full"):
        group = [row for row in where(there, covariances=kind) if row["family"] != "data"]
        told(f"{kind}: balanced wins", wins(group, figure))
        told(f"{kind}, ratio < 5: balanced wins", wins([row for row in group if row["ratio"] < 5], figure))
    gains = np.log([row[figure] for row in there])
    for name in ("ratio", "components", "dimension", "nearest", "sigma", "separation"):
        told(f"rank correlation of the gain with {name}", resampled(spearman, gains, [row[name] for row in there]))
    loses = [row for row in there if row["ratio"] < 5 and row[figure] < 1]
    for row in loses[:8]:
        told(
            f"loses at a small ratio: {row['mixture']}", f"K={row['components']} d={row['dimension']} {row[figure]:.3g}"
        )


def main() -> None:
    """Print everything."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "sweep.parquet"
    rows: list[Row] = parquet.read_table(path).to_pylist()
    members = read_specification(FOLDER / "sweep.toml").members
    there = {row["mixture"] for row in rows}
    laws = [member.mixture for member in members if member.mixture.name in there]
    exposed = {mixture.name: exposed_diameter(mixture) is not None for mixture in laws}
    for row in rows:
        row["segments.nearest_ratio"] = (row["nearest"] or np.nan) / row["sigma"]
    spent = sum(row["cpu_seconds"] for row in rows)
    print(f"{len(rows)} rows, {len(there)} of {len(members)} mixtures, {spent:.0f} s of CPU")
    answers(rows)
    bounds = exponents(rows, exposed)
    one_step(rows)
    students(rows, bounds)
    euler(rows)


if __name__ == "__main__":
    main()
