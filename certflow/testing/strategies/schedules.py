"""Noise schedules of every family."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from certflow.schedules import families, table
from certflow.schedules.schedule import Schedule
from certflow.testing.strategies.numbers import check_some


def _variance_preserving(draw: st.DrawFn) -> Schedule:
    low = draw(st.integers(1, 20))
    return families.variance_preserving(low / 10, (low + draw(st.integers(0, 200))) / 10)


def _scaled_linear(draw: st.DrawFn) -> Schedule:
    start, end = sorted((draw(st.integers(5, 100)), draw(st.integers(5, 400))))
    return table.scaled_linear(start / 10_000, end / 10_000, draw(st.integers(10, 200)))


def _table(draw: st.DrawFn) -> Schedule:
    """`alpha_bar` falls from 0.99 by factors of `1 - n / 10`."""
    values = [0.99]
    for fall in draw(st.lists(st.integers(1, 7), min_size=3, max_size=12)):
        values.append(round(values[-1] * (10 - fall) / 10, 12))
    return table.from_alphas_cumprod(values)


_MAKERS: dict[str, Callable[[st.DrawFn], Schedule]] = {
    "ornstein_uhlenbeck": lambda draw: families.ornstein_uhlenbeck(),
    "edm": lambda draw: families.edm(),
    "flow_matching": lambda draw: families.flow_matching(draw(st.integers(2, 12)) / 2),
    "variance_preserving": _variance_preserving,
    "cosine": lambda draw: families.cosine(draw(st.integers(8, 100)) / 1000),
    "scaled_linear": _scaled_linear,
    "from_alphas_cumprod": _table,
}

#: Names of the families, those of `certflow.schedules`, the simplest first.
FAMILIES = tuple(_MAKERS)


@st.composite
def schedules(draw: st.DrawFn, *, kinds: Sequence[str] = FAMILIES) -> Schedule:
    """Schedules of the given families (`FAMILIES`: names of `certflow.schedules`), with random parameters.

    Shrinks towards the first of the families given (of all: OU time itself), small parameters and short tables. Their
    `repr` is code, but for long tables.

    Raises
    ------
    InputError : an unknown family, or none.
    """
    check_some("kinds", kinds, FAMILIES)
    return _MAKERS[draw(st.sampled_from(list(kinds)))](draw)
