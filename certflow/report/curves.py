"""What the charts of a report draw: the rates, their integrals, and the enclosed sharp rates of the run."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from certflow.claims.evidence.sampling import log_times
from certflow.claims.model import ClaimResult, Kind, Outcome
from certflow.errors import NoGlobalBound
from certflow.process import OrnsteinUhlenbeck
from certflow.report.document import Curves


def sharp_points(results: Iterable[ClaimResult]) -> dict[str, tuple[tuple[float, float], ...]]:
    """The enclosed sharp rates of a run as points `(t, rate)` for the plot, by the fields of `Curves`."""
    found: dict[str, dict[float, float]] = {"sharp_one_sided": {}, "sharp_two_sided": {}}
    for result in results:
        for item in result.evidence:
            if item.kind is Kind.ENCLOSURE and item.outcome is Outcome.HOLDS:
                for row in item.numbers.get("sharp_rates", ()):
                    name = f"sharp_{row['rate'].replace('-', '_')}"
                    found[name][float(Fraction(row["t"]))] = float(Fraction(row["upper"]))
    return {name: tuple(sorted(points.items())) for name, points in found.items()}


def curves(process: OrnsteinUhlenbeck, count: int = 160) -> Curves:
    """`L(t)`, `lambda(t)` and their integrals from `t_min` on a logarithmic grid."""
    times = log_times(process, count)
    listed = tuple(float(t) for t in times)
    try:
        lipschitz, growth = process.lipschitz_bound(times), process.growth_rate_bound(times)
    except NoGlobalBound as error:
        return Curves(
            times=listed,
            lipschitz=None,
            growth_rate=None,
            stability_two_sided=None,
            stability_one_sided=None,
            note=str(error),
        )
    integrals = [
        np.concatenate([[0.0], np.cumsum(process.stability(times[:-1], times[1:], rate))])
        for rate in ("two-sided", "one-sided")
    ]
    as_tuple = [tuple(float(v) for v in values) for values in (lipschitz, growth, *integrals)]
    return Curves(
        times=listed,
        lipschitz=as_tuple[0],
        growth_rate=as_tuple[1],
        stability_two_sided=as_tuple[2],
        stability_one_sided=as_tuple[3],
    )
