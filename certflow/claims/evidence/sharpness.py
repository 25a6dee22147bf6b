"""Sharp rates and certificates as the checks use them: found once, shown beside the bound, compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from certflow.claims.check import Context
from certflow.claims.evidence.balls import ends
from certflow.claims.model import Outcome
from certflow.enclosure.closed_forms import panel_times
from certflow.enclosure.results import rounded_down
from certflow.enclosure.suprema.exponent import SharpStability, sharp_stability
from certflow.enclosure.suprema.points import MAX_HULL_DIMENSION, MAX_POINTS, Points
from certflow.enclosure.suprema.rate import SharpRate
from certflow.errors import InputError
from certflow.law.exposed import exposed_diameter
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_number, exact_text
from certflow.numbers.numerals import above, below, nearest
from certflow.process import OrnsteinUhlenbeck

#: Relative room for the last digit of an end that was rounded outwards to 20 digits.
ROUNDING = Fraction(1, 10**15)
#: A bound within this share of the sharp rate is shown as attained.
_ATTAINED = Fraction(1, 10**6)
#: An integral of sharp rates may take as long as so many of them.
_PANELS = 4
#: Exact arithmetic on so many products of coordinates takes seconds; beyond, no sharp rate is searched for.
MAX_PRODUCTS = 1_000_000


def sharp_times(context: Context) -> list[Fraction]:
    """`t_min`, short decimals about evenly spaced in `log t`, `t_max`: as many as the profile says."""
    start, end = context.process.exact_t_min, context.process.exact_t_max
    exact = panel_times(start, end, context.profile.sharp_times - 1)
    short = [start, *(Fraction(rounded_down(time, 3)) for time in exact[1:-1]), end]
    return short if all(a < b for a, b in pairwise(short)) else list(map(Fraction, exact))


def covers(bound: Any, found: SharpRate) -> Outcome:
    """Whether a bound is at least the supremum that `found` encloses.

    Violated if it is certainly below the proved lower end. It holds if it is not below the upper end, the rounding of
    that end's last digit aside; where the search fell back on a closed form, only if it is above it with room.
    """
    if not bound.is_finite():
        return Outcome.INCONCLUSIVE
    low, high = ends(bound)
    if high < found.lower:
        return Outcome.VIOLATED
    room = ROUNDING * abs(found.upper)
    return Outcome.HOLDS if low >= found.upper + (-room if found.complete else room) else Outcome.INCONCLUSIVE


def ratio(bound: Any, found: SharpRate) -> float | None:
    """`bound / sharp`; None where the sharp rate is not surely positive."""
    return float(bound.mid()) / float(found.lower) if found.lower > 0 and bound.is_finite() else None


def row(found: SharpRate, bound: Any) -> dict[str, Any]:
    """A sharp rate beside the bound, for the table of a report."""
    return {
        "t": exact_text(found.time),
        "rate": found.kind,
        "lower": str(found.lower),
        "upper": str(found.upper),
        "bound": float(bound.mid()) if bound.is_finite() else "not a finite number",
        "bound_over_sharp": ratio(bound, found),
    }


def place(found: SharpRate) -> dict[str, Any]:
    """Where the lower bound is reached, exact: `x`, or the limit `x + s direction`, `s -> infinity`."""
    witness = found.witness
    return {
        "t": exact_text(found.time),
        "x": [exact_text(entry) for entry in witness.point],
        "direction_to_infinity": None if witness.direction is None else [exact_text(e) for e in witness.direction],
        "components_that_keep_mass": list(witness.components),
        "rate": found.kind,
        "sharp_rate_at_least": str(found.lower),
    }


def looseness(rows: Sequence[dict[str, Any]]) -> str:
    """A phrase: how many times larger than the sharp rate the bound is, over some times."""
    ratios = [_ratios(entry) for entry in rows if entry["bound_over_sharp"] is not None]
    if not ratios:
        return "no time looked at has a positive sharp rate"
    low, high = min(pair[0] for pair in ratios), max(pair[1] for pair in ratios)
    if max(abs(low - 1), abs(high - 1)) < _ATTAINED:
        return "the supremum over x attains the bound at the times looked at"
    if nearest(low, 4) == nearest(high, 4):
        return f"{nearest(low, 4)} times the sharp rate"
    lowest = "1" if abs(low - 1) < _ATTAINED else below(low, 4)  # what 1 lacks is the rounding of the upper end
    return f"{lowest} to {above(high, 4)} times the sharp rate"


def _ratios(entry: dict[str, Any]) -> tuple[Fraction, Fraction]:
    """Ends of `bound / sharp` of one row, whose bound is the float nearest to it."""
    bound, lower, upper = (exact_number(entry[key]) for key in ("bound", "lower", "upper"))
    return bound * (1 - ROUNDING) / upper, bound * (1 + ROUNDING) / lower


@lru_cache(maxsize=16)
def searchable(mixture: GaussianMixture) -> str | None:
    """None where sharp rates can be searched for, else the reason why not."""
    count, d = mixture.n_components, mixture.dimension
    if count * count * d > MAX_PRODUCTS:
        return f"a sharp rate is searched for up to K^2 d = {MAX_PRODUCTS:,}; this mixture has K = {count}, d = {d}"
    if mixture.kind == "common-isotropic" and exposed_diameter(mixture) is not None:
        return None
    points = Points.of_mixture(mixture)
    if mixture.kind == "isotropic":
        return _isotropic_limits(mixture, points)
    parts = [points]
    if mixture.kind == "common-isotropic" and points.dimension:
        parts = [points.project(axes) for axes in points.blocks()]
    for part in parts:
        if part.dimension > MAX_HULL_DIMENSION or len(part.points) > MAX_POINTS:
            return (
                f"the search over all x covers hulls of at most {MAX_HULL_DIMENSION} dimensions and {MAX_POINTS} "
                f"means, or with an exposed edge of length D; here {part.dimension} dimensions, {len(part.points)} "
                "means"
            )
    return None


def _isotropic_limits(mixture: GaussianMixture, points: Points) -> str | None:
    from certflow.enclosure.suprema.isotropic.rate import MAX_COMPONENTS, MAX_COORDINATES

    coordinates = min(points.dimension + 1, mixture.dimension)
    if coordinates <= MAX_COORDINATES and mixture.n_components <= MAX_COMPONENTS:
        return None
    return (
        f"the search over all x covers at most {MAX_COORDINATES} coordinates and {MAX_COMPONENTS} components; "
        f"here {coordinates} coordinates, {mixture.n_components} components"
    )


@lru_cache(maxsize=64)
def sharp(
    mixture: GaussianMixture, interval: tuple[Fraction, Fraction], time: Fraction, kind: str, seconds: float
) -> tuple[SharpRate, dict[str, Any] | None]:
    """The sharp rate at one time, and its certificate where the format has one; several checks ask for the same."""
    from certflow.certificate.sharp import CERTIFIED, sharp_certificate
    from certflow.enclosure.suprema.sharp import sharp_rate

    process = OrnsteinUhlenbeck(mixture, *interval)
    if mixture.kind in CERTIFIED and mixture.diameter_squared > 0 and certifiable(mixture):
        with suppress(InputError):  # a time so late that the format's precision does not reach
            certificate, found = sharp_certificate(process, time, kind, seconds=seconds)
            return found, certificate
    return sharp_rate(process, time, kind, seconds=seconds), None


def sharp_at(context: Context, time: Fraction, kind: str) -> tuple[SharpRate, dict[str, Any] | None]:
    """`sharp` for the process under test; its formulas play no part, only its mixture."""
    process = context.process
    return sharp(
        context.mixture, (process.exact_t_min, process.exact_t_max), time, kind, context.profile.search_seconds
    )


@lru_cache(maxsize=16)
def sharp_integral(
    mixture: GaussianMixture, interval: tuple[Fraction, Fraction], gap: str, seconds: float, certified: bool
) -> tuple[SharpStability, dict[str, Any] | None]:
    """`int lambda*` over the interval, of a common variance, and its certificate if it is wanted and there is one."""
    from certflow.certificate.sharp_integral import sharp_integral_certificate

    process = OrnsteinUhlenbeck(mixture, *interval)
    if certified and mixture.diameter_squared > 0 and certifiable(mixture):
        with suppress(InputError):
            certificate, made = sharp_integral_certificate(process, gap=gap, seconds=seconds)
            return made.found, certificate
    return sharp_stability(process, *interval, gap=gap, seconds=seconds), None


def sharp_growth(context: Context) -> tuple[SharpStability, dict[str, Any] | None]:
    """`sharp_integral` for the mixture and interval of the process under test; its formulas play no part."""
    process, profile = context.process, context.profile
    interval = process.exact_t_min, process.exact_t_max
    return sharp_integral(
        context.mixture, interval, profile.integral_gap, _PANELS * profile.search_seconds, profile.sharp_integral
    )


def certifiable(mixture: GaussianMixture) -> bool:
    """Whether a certificate of this mixture is of a size that the checker reads."""
    return mixture.n_components * (mixture.dimension + 1) <= 100_000


def certificates_of(
    context: Context, numbers: dict[str, Any], claim: str, *arguments: Any, stem: str = ""
) -> dict[str, dict[str, Any]]:
    """The certificate of a statement with a closed form by its stem; where there is none, `numbers` tells why."""
    from certflow.certificate.closed_forms import PRODUCERS
    from certflow.errors import NoEnclosure

    stem, process = stem or claim, context.process
    if not certifiable(context.mixture):
        numbers[f"certificate_{stem}"] = "none: the mixture is too large for the checker"
        return {}
    try:
        plain = OrnsteinUhlenbeck(context.mixture, process.exact_t_min, process.exact_t_max)
        return {stem: PRODUCERS[claim](plain, *arguments)}
    except (InputError, NoEnclosure) as error:
        numbers[f"certificate_{stem}"] = f"none: {error}"
        return {}
