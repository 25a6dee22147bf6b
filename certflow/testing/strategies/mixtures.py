"""Gaussian mixtures of every kind of covariance, with conditions that are constructed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from certflow.errors import InputError, unknown
from certflow.law.covariances import KINDS
from certflow.law.mixture import GaussianMixture
from certflow.numbers.exact import exact_number
from certflow.testing.strategies.covariances import Shape, allowed_variances, least_deviation
from certflow.testing.strategies.means import Layout, check_room, means_of
from certflow.testing.strategies.numbers import check_order, check_some

#: What weights may be asked to be.
WEIGHTS = ("any", "equal", "unequal")

#: Decimal weights are multiples of one over this.
_UNITS = 10_000


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
    max_condition: Any = None,
    min_distance: Any = 0,
    overlapping: bool = False,
    symmetric: bool = False,
    weights: str = "any",
    exact: bool | str | None = None,
) -> GaussianMixture:
    """Gaussian mixtures of the given kinds of covariance, from exact rationals or from float arrays.

    Parameters
    ----------
    max_mean : bounds the coordinates of the means
    min_variance, max_variance : of variances; of matrices the factors `D` of `L D L^T`, which are positive definite so
    max_condition : bounds the condition number of every covariance; the matrices are then `Q D Q^T`, `Q` a rational
        rotation, and their eigenvalues lie in [min_variance, max_variance]
    min_distance : between any two means at least
    overlapping : any two means at most as far apart as the smallest standard deviation
    symmetric : `-X` has the law of `X`: components in pairs of the same weight and covariance, and one at 0 where their
        number is odd
    weights : "any", "equal", or "unequal" (any two different; not with `symmetric`)
    exact : True for rationals, "decimal" for decimals alone, False for float arrays, None for rationals and floats

    Shrinks towards the first of `kinds`, the fewest components and dimensions, equal weights, zero means (or the
    nearest that are allowed), unit variance (or the first allowed one), diagonal matrices and exact rationals.

    Raises
    ------
    InputError : bounds that contradict each other, an unknown kind.
    """
    check_some("kinds", kinds, KINDS)
    _check_word("weights", weights, WEIGHTS)
    _check_word("exact", exact, (True, False, "decimal", None))
    check_order("components", min_components, max_components, least=1)
    check_order("dimension", min_dimension, max_dimension, least=1)
    if symmetric and weights == "unequal":
        raise InputError("weights", weights, "any or equal weights of a symmetric mixture")
    variances = allowed_variances(min_variance, max_variance, decimal=exact == "decimal")
    limit, apart = exact_number(max_mean, "max_mean"), exact_number(min_distance, "min_distance")
    check_room(limit, apart, max_components, max_mean, min_distance, overlapping)
    shape = Shape(variances, _condition(max_condition))

    kind = draw(st.sampled_from(list(kinds)))
    count = draw(st.sampled_from(_counts(min_components, max_components, weights == "equal" and exact == "decimal")))
    dimension = draw(st.integers(min_dimension, max_dimension))
    shares = draw(_shares(count, weights, symmetric, exact == "decimal"))
    covariances = draw(shape.covariances(kind, count, dimension, symmetric))
    layout = Layout(count, dimension, limit, apart, symmetric)
    within = least_deviation(kind, covariances) if overlapping else None
    parts: Any = shares, draw(means_of(layout, within)), covariances
    if not (draw(st.sampled_from([True, False])) if exact is None else exact):
        parts = tuple(np.array(part, dtype=float) for part in parts)
    return GaussianMixture(*parts, name=f"random-{kind}")


@st.composite
def _shares(draw: st.DrawFn, count: int, wanted: str, symmetric: bool, decimal: bool) -> list[Fraction]:
    """Weights; of a symmetric mixture component `k` has that of `count - 1 - k`."""
    if wanted == "equal":
        return [Fraction(1, count)] * count
    if wanted == "unequal":
        gaps = [draw(st.integers(1, 9)) for _ in range(count)]
        raw = [sum(gaps[: k + 1]) for k in range(count)]
    else:
        raw = [draw(st.integers(1, 9)) for _ in range(count)]
    if symmetric:
        raw = [raw[min(k, count - 1 - k)] for k in range(count)]
    if not decimal:
        return [Fraction(w, sum(raw)) for w in raw]
    units = [w * _UNITS // sum(raw) for w in raw]
    # what rounding left goes to the largest, of a symmetric mixture to the middle
    top = range((count - 1) // 2, count // 2 + 1) if symmetric else [units.index(max(units))]
    rest = (_UNITS - sum(units)) // len(top)
    return [Fraction(u + (rest if k in top else 0), _UNITS) for k, u in enumerate(units)]


def _counts(low: int, high: int, decimal: bool) -> list[int]:
    """Numbers of components; those whose equal weights are decimals, where they must be."""
    found = [count for count in range(low, high + 1) if not decimal or _UNITS % count == 0]
    if not found:
        raise InputError("max_components", high, "a number whose inverse is a decimal, for equal decimal weights")
    return found


def _condition(max_condition: Any) -> Fraction | None:
    if max_condition is None:
        return None
    found = exact_number(max_condition, "max_condition")
    if found < 1:
        raise InputError("max_condition", max_condition, "a number >= 1")
    return found


def _check_word(field: str, value: Any, words: tuple[Any, ...]) -> None:
    if not any(value is word or (isinstance(word, str) and value == word) for word in words):
        raise unknown(field, value, words)
