"""Hypothesis strategies for mixtures, points, times and processes.

Every number is built from small integers, so that what Hypothesis reports is short: a failing example shrinks
towards one standard normal component in one dimension.

::

    from hypothesis import given
    from certflow.testing import mixtures, points

    @given(mixtures(kinds=["isotropic"], max_dimension=2), points(2))
    def test_the_density_is_finite(mixture, x): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.errors import InputError
from certflow.law.covariances import KINDS
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.numbers.exact import exact_number
from certflow.numbers.inputs import whole_number
from certflow.process import OrnsteinUhlenbeck

#: Variances that are drawn, the one to shrink to first; a third is no binary number.
_VARIANCES = tuple(Fraction(v) for v in ("1", "1/4", "4", "1/3", "0.04", "0.01", "9/7", "1/10000"))

#: Means are multiples of this, half of which are no binary numbers of few digits.
_MEAN_STEP = Fraction(3, 10)


@st.composite
def mixtures(
    draw: st.DrawFn,
    *,
    kinds: Sequence[str] = KINDS,
    min_components: int = 1,
    max_components: int = 4,
    min_dimension: int = 1,
    max_dimension: int = 3,
    min_variance: Any = "1/10000",
    max_variance: Any = 4,
    max_mean: Any = 3,
    exact: bool | None = None,
) -> GaussianMixture:
    """Gaussian mixtures of the given kinds of covariance, from exact rationals or from float arrays.

    `max_mean` bounds the coordinates of the means; for `exact=None` both rationals and floats are drawn.
    Variances (of matrices: the factors `D` of `L D L^T`) lie in [min_variance, max_variance].

    Shrinks towards the first of `kinds`, the fewest components and dimensions, equal weights, zero means, unit
    variance (or the first allowed one), diagonal matrices and exact rationals.

    Raises
    ------
    InputError : bounds that contradict each other, an unknown kind.
    """
    _check_kinds(kinds)
    _check_order("components", min_components, max_components, least=1)
    _check_order("dimension", min_dimension, max_dimension, least=1)
    variances = _allowed_variances(min_variance, max_variance)
    limit = exact_number(max_mean, "max_mean")
    if limit < 0:
        raise InputError("max_mean", max_mean, "a number >= 0")
    kind = draw(st.sampled_from(list(kinds)))
    count = draw(st.integers(min_components, max_components))
    dimension = draw(st.integers(min_dimension, max_dimension))
    steps = int(limit / _MEAN_STEP)
    raw = [draw(st.integers(1, 9)) for _ in range(count)]
    weights: Any = [Fraction(w, sum(raw)) for w in raw]
    means: Any = [[_MEAN_STEP * draw(_integers(steps)) for _ in range(dimension)] for _ in range(count)]
    covariances: Any
    if kind == "common-isotropic":
        covariances = draw(st.sampled_from(variances))
    elif kind == "isotropic":
        covariances = [draw(st.sampled_from(variances)) for _ in range(count)]
    elif kind == "shared":
        covariances = draw(_matrices(dimension, variances))
    else:
        covariances = [draw(_matrices(dimension, variances)) for _ in range(count)]
    if not (draw(st.sampled_from([True, False])) if exact is None else exact):
        weights, means, covariances = (np.array(part, dtype=float) for part in (weights, means, covariances))
    return GaussianMixture(weights, means, covariances, name=f"random-{kind}")


@st.composite
def points(
    draw: st.DrawFn, dimension: int, *, min_points: int | None = None, max_points: int = 5, max_coordinate: float = 10.0
) -> Points:
    """Points of `R^d` as float64: shape (d,), or (n, d) with `min_points <= n <= max_points` if that is given.

    Shrinks towards the fewest points and the origin, coordinates towards small multiples of 1/8.
    """
    dimension = whole_number(dimension, "dimension", 1)
    if not 0 < max_coordinate < float("inf"):
        raise InputError("max_coordinate", max_coordinate, "a finite number > 0")
    shape: tuple[int, ...] = (dimension,)
    if min_points is not None:
        _check_order("points", min_points, max_points, least=0)
        shape = (draw(st.integers(min_points, max_points)), dimension)
    steps = int(8 * max_coordinate)
    coordinate = st.one_of(
        _integers(steps).map(lambda n: n / 8),
        st.floats(-max_coordinate, max_coordinate, allow_nan=False, allow_subnormal=False),
    )
    return np.array([draw(coordinate) for _ in range(int(np.prod(shape)))], dtype=float).reshape(shape)


def times(*, min_time: Any = "0.01", max_time: Any = 3) -> st.SearchStrategy[float]:
    """Noising times in [min_time, max_time] as floats, evenly spread in the logarithm.

    Shrinks towards `max_time`, the noise end, where the field is smoothest.
    """
    low, high = (float(exact_number(v, f)) for v, f in ((min_time, "min_time"), (max_time, "max_time")))
    if not 0 < low <= high:
        raise InputError("min_time", min_time, f"a time > 0, at most max_time = {max_time}")

    def at(step: int) -> float:
        return float(min(high, max(low, high * (low / high) ** (step / 1000))))

    return st.integers(0, 1000).map(at)


def time_pairs(*, min_time: Any = "0.01", max_time: Any = 3) -> st.SearchStrategy[tuple[float, float]]:
    """Pairs `(s, t)`, `s <= t`, of times as in `times`; both shrink towards `max_time`."""
    each = times(min_time=min_time, max_time=max_time)
    return st.tuples(each, each).map(lambda pair: (min(pair), max(pair)))


@st.composite
def processes(
    draw: st.DrawFn, /, *, min_time: Any = "0.01", max_time: Any = 3, **mixture_options: Any
) -> OrnsteinUhlenbeck:
    """Ornstein–Uhlenbeck processes of `mixtures(**mixture_options)` on [min_time, max_time].

    Shrinks as `mixtures` does; the interval is fixed.
    """
    return OrnsteinUhlenbeck(draw(mixtures(**mixture_options)), min_time, max_time)


def _integers(steps: int) -> st.SearchStrategy[int]:
    return st.integers(-steps, steps)


@st.composite
def _matrices(draw: st.DrawFn, dimension: int, variances: list[Fraction]) -> list[list[Fraction]]:
    """`L D L^T` with unit lower triangular `L`: exact and positive definite; shrinks towards the identity."""
    diagonal = [draw(st.sampled_from(variances)) for _ in range(dimension)]
    lower = [
        [Fraction(draw(_integers(4)), 4) if j < i else Fraction(int(i == j)) for j in range(dimension)]
        for i in range(dimension)
    ]
    rows = range(dimension)
    return [[sum((lower[i][k] * diagonal[k] * lower[j][k] for k in rows), Fraction(0)) for j in rows] for i in rows]


def _allowed_variances(min_variance: Any, max_variance: Any) -> list[Fraction]:
    low, high = exact_number(min_variance, "min_variance"), exact_number(max_variance, "max_variance")
    if not 0 < low <= high:
        raise InputError("min_variance", min_variance, f"a variance > 0, at most max_variance = {max_variance}")
    inside = [v for v in _VARIANCES if low <= v <= high]
    return inside + [v for v in (low, high) if v not in inside]


def _check_kinds(kinds: Sequence[str]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if isinstance(kinds, str) or unknown or not kinds:
        raise InputError("kinds", unknown[0] if unknown else kinds, f"a list of some of {', '.join(KINDS)}")


def _check_order(noun: str, low: int, high: int, *, least: int) -> None:
    whole_number(low, f"min_{noun}", least)
    whole_number(high, f"max_{noun}", int(low), requirement=f"an int >= min_{noun} = {low}")
