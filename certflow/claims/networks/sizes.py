"""How sizes grow as the error falls (A7), and the floor under every network (A8)."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from flint import acb, arb, fmpq

from certflow.claims.check import Context, Finding
from certflow.claims.hypotheses import only
from certflow.claims.model import Outcome
from certflow.claims.networks.altered import AlteredNetworks, errors, judged, planned, refusing
from certflow.claims.networks.scores import depth_of
from certflow.law.mixture import GaussianMixture
from certflow.networks.floor import depth_floor, log_distance
from certflow.networks.rate import GADGETS, Size, log_log, rate
from certflow.numbers.numerals import figure
from certflow.numbers.precision import ball_precision

#: Pieces and degrees at which the floor is looked at, halvings of an interval of places, poles that are summed.
_PIECES, _DEGREES, _HALVINGS, _POLES = (2, 3, 5), (2, 4, 8), 9, 8


@refusing
def growth(context: Context, name: str) -> Finding:
    """A7: from the largest error to the smallest depth grows by `3 log2` of the ratio of `log(1/eps)` and 3 at most.

    One layer for each of the three gadgets is what rounding their degrees up to powers of two may take.
    """
    process, asked = context.process, context.profile.rate_errors
    layers = process.layers if isinstance(process, AlteredNetworks) else int
    count = len(set(map(tuple, context.mixture.exact_means.fractions.tolist())))  # equal means are one component
    depths = [depth_of(planned(context, eps), count, layers) for eps in asked]
    numbers: dict[str, Any] = {f"eps = {eps}": {"depth": depth} for eps, depth in zip(asked, depths, strict=True)}
    grown = depths[-1] - depths[0]
    allowed = GADGETS * (log_log(asked[-1]) - log_log(asked[0])) + GADGETS
    summary = f"from eps = {asked[0]} to {asked[-1]} {grown} layers more, {allowed:.1f} allowed"
    if len(asked) > 2:
        built = [judged(context, eps).score.network for eps in asked]
        sizes = [Size(e, n.depth, n.width, n.neurons) for e, n in zip(asked, built, strict=True)]
        found = rate(sizes, count)
        summary = f"{summary}; {found}"
        numbers["powers of log(1/eps)"] = {key: figure(power, 3) for key, power in found.powers.items()}
        for size in sizes:
            numbers[f"eps = {size.eps}"] |= {"width": size.width, "neurons": size.neurons}
    scope = f"this mixture, eps = {', '.join(asked)}"
    if grown <= allowed:
        return Finding(Outcome.HOLDS, summary, scope, numbers)
    return Finding(Outcome.VIOLATED, summary, scope, numbers, {"depths": depths})


def two_components(mixture: GaussianMixture) -> str | None:
    """Applicability: the floor is stated for two components of a common isotropic variance."""
    if mixture.n_components == 2 and mixture.diameter_squared:
        return only("common-isotropic")(mixture)
    return "stated for two components of different means"


def floor(context: Context, name: str) -> Finding:
    """A8: the floor is below the error of every polynomial on a piece in `[-pi, pi]`, and below what is built.

    From below: `pi/4` times the larger of two Chebyshev coefficients of the logistic, in balls on intervals of places,
    which are halved. Violated where the floor is above what the series cut after its degree leaves.
    """
    process = context.process
    distance = process.log_distance if isinstance(process, AlteredNetworks) else log_distance
    least, undecided = math.inf, 0
    scope = f"N in {_PIECES}, degrees {_DEGREES}, every place of the longest piece"
    with ball_precision(128):
        for pieces, degree in product(_PIECES, _DEGREES):
            claimed = distance(pieces, degree).exp()
            places = [(fmpq(0), fmpq(1), 0)]
            while places:
                low, high, halvings = places.pop()
                lower, upper = _distances(pieces, degree, low, high)
                if claimed > upper:
                    told = {"pieces": pieces, "degree": degree, "place": str(low), "claimed": figure(float(claimed), 5)}
                    told["error_at_most"] = figure(float(upper), 5)
                    return Finding(Outcome.VIOLATED, "a polynomial is nearer than the floor", scope, {}, told)
                if claimed <= lower:
                    least = min(least, float((lower / claimed).lower()))
                elif halvings < _HALVINGS:
                    middle = (low + high) / 2
                    places += [(low, middle, halvings + 1), (middle, high, halvings + 1)]
                else:
                    undecided += 1
    if undecided:
        return Finding(Outcome.INCONCLUSIVE, f"not decided at {undecided} places", scope)
    return _under_what_is_built(context, scope, least)


def _under_what_is_built(context: Context, scope: str, least: float) -> Finding:
    numbers: dict[str, Any] = {"least_error_over_floor": figure(least, 3)}
    built = []
    for eps in errors(context):
        whole = judged(context, eps).score.network
        under = depth_floor(context.process, eps, whole.width)
        numbers[f"eps = {eps}"] = {"depth": whole.depth, "floor": under.depth, "width": whole.width}
        built.append(f"at least {under.depth} layers for eps = {eps}, {whole.depth} built")
        if under.depth > whole.depth:
            told = {"eps": eps, "depth": whole.depth, "floor": under.depth}
            return Finding(Outcome.VIOLATED, "a network is less deep than the floor", scope, numbers, told)
    summary = f"every polynomial is off by more than {figure(least, 2)} times the floor; in sup norm {'; '.join(built)}"
    return Finding(Outcome.HOLDS, summary, scope, numbers)


def _distances(pieces: int, degree: int, low: Any, high: Any) -> tuple[Any, Any]:
    """Balls below and above the distance of the logistic from polynomials on `[y_0 - h, y_0 + h]`, `h = pi/N`.

    `y_0 / (pi - h)` runs from `low` to `high` within [0, 1]; by symmetry that is enough.
    """
    pi = arb.pi()
    h = pi / pieces
    place = (pi - h) * arb((low + high) / 2, (high - low) / 2)
    first, second, rest = arb(0), arb(0), arb(0)
    for j in range(_POLES):
        z = acb(-place, pi * (2 * j + 1)) / h
        root = (z - 1).sqrt() * (z + 1).sqrt()
        p = z + root
        size = 4 / (h * abs(root))
        first += (-4 * p ** (-(degree + 1)) / (h * root)).real
        second += (-4 * p ** (-(degree + 2)) / (h * root)).real
        rest += size * abs(p) ** (-(degree + 1)) / (1 - 1 / abs(p))
    # the poles left out: |p_j| >= (2j + 1) N and h |root| >= 2 pi j
    left = 2 / pi * (arb(1) / (2 * pieces)) ** (degree + 1) * arb(_POLES - 1) ** (-(degree + 1)) / (degree + 1)
    lower = pi / 4 * ((abs(first) - left).max(abs(second) - left))
    return lower.lower(), (rest + 2 * left).upper()
