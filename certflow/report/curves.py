"""What the charts of a report draw: the rates, their integrals, and the enclosed sharp rates of the run."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from certflow.claims.evidence.sampling import log_times
from certflow.claims.model import ClaimResult, Kind, Outcome
from certflow.errors import NoGlobalBound
from certflow.numbers.exact import float_below
from certflow.process import OrnsteinUhlenbeck
from certflow.report.document import Curves

#: Draws at which growth is measured, at so many times; fewer where their Jacobians are large.
POINTS, TIMES = 200, 32
_NUMBERS = 60_000_000


def sharp_points(results: Iterable[ClaimResult]) -> dict[str, tuple[tuple[float, float], ...]]:
    """The enclosed sharp rates of a run as points `(t, end)`, ends rounded outwards, by the fields of `Curves`."""
    found: dict[str, dict[float, float]] = {}
    for result in results:
        for item in result.evidence:
            if item.kind is Kind.ENCLOSURE and item.outcome is Outcome.HOLDS:
                for row in item.numbers.get("sharp_rates", ()):
                    name, t = f"sharp_{row['rate'].replace('-', '_')}", float(Fraction(row["t"]))
                    found.setdefault(name, {})[t] = -float_below(-Fraction(row["upper"]))
                    found.setdefault(f"{name}_lower", {})[t] = float_below(Fraction(row["lower"]))
    return {name: tuple(sorted(points.items())) for name, points in found.items()}


def measured_growth(
    process: OrnsteinUhlenbeck, points: int = POINTS, times: int = TIMES, seed: int = 0
) -> tuple[tuple[float, float, float, float], ...]:
    """Median, 95 % quantile and largest of `lambda_max(-J(X_t, t))` over draws of `X_t`, rows `(t, ...)`.

    The rate at which sampling drives a point of the flow and its neighbours apart, in the worst direction there: along
    a trajectory no perturbation grows faster. The flow carries `p_t` into `p_s`, so draws `m X_0 + sqrt(1 - m^2) Z` are
    points of its trajectories. No bound: `lambda*(t)` is the supremum over all x (proofs/L5.md).

    points, times : how many draws, and times evenly in log t; seed : of the draws, the same `X_0`, `Z` for all times
    """
    x0 = process.mixture.sample(points, seed=seed)
    noise = np.random.default_rng([seed, 4]).standard_normal(x0.shape)
    rows = []
    for t in log_times(process, times):
        x = np.exp(-t) * x0 + np.sqrt(-np.expm1(-2 * t)) * noise
        rates = np.linalg.eigvalsh(-np.asarray(process.jacobian(x, float(t))))[:, -1]
        middle, high, largest = (float(value) for value in np.quantile(rates, (0.5, 0.95, 1.0)))
        rows.append((float(t), middle, high, largest))
    return tuple(rows)


def points_in(process: OrnsteinUhlenbeck) -> int:
    """How many draws are affordable: an eigenvalue costs `d^3`, a Jacobian `K d^2`."""
    count, d = process.mixture.n_components, process.mixture.dimension
    return min(POINTS, max(8, _NUMBERS // (TIMES * d**2 * (d + count))))


def curves(process: OrnsteinUhlenbeck, count: int = 160) -> Curves:
    """`L(t)`, `lambda(t)`, their integrals from `t_min` on a logarithmic grid, and the rate at draws."""
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
    points = points_in(process)
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
        measured=measured_growth(process, points),
        measured_points=points,
    )
