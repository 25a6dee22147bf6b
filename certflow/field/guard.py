"""The guard of float64 results: an error bound for every point, and a repair where it is too large.

Rounding of the logits is what spoils a mixture's score in float64: at `|x| = 1000` and `v = 0.01` they are of
size 1e5, so near a tie the responsibilities lose five digits. For each point a first-order bound of the
error is at hand for a few operations; where it exceeds `TOLERANCE` times the result, the point is computed
again by the same formulas in double-double arithmetic (about 31 digits), and where the same bound says that
this is not enough either (next to a point where the score vanishes, say), in balls of rising precision.
The constants of the bound are generous, not proved: rigorous bounds are the business of ball arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.field.components import Components, components_at, quantity_from
from certflow.field.rounding import close_bound, coarse_bound, has_moments, moment_bound
from certflow.field.rounding.scale import accepted_error, scale_of, tiny
from certflow.law.kept import Recent
from certflow.law.mixture import GaussianMixture
from certflow.numbers.accuracy import from_balls
from certflow.numbers.arithmetic import FloatArithmetic
from certflow.numbers.arrays import Flags, Floats, Indices, Points, Times, Weights

#: Up to this dimension the bound by moments costs no more than the coarse one.
_SMALL_DIMENSION = 8

#: Spacing at one of double-double numbers, with a margin: exponentials of -400 are right to 2^-97, near zero to 2^-104.
DOUBLE_DOUBLE_UNIT = 2.0**-94

#: Components in double-double are kept where the covariances have no more numbers than this.
_KEPT_SIZE = 2**16

#: Double-double inverts matrices up to this size; beyond, balls are faster.
_DOUBLE_DOUBLE_SIZE = 64


def doubtful_rows(
    mixture: GaussianMixture,
    quantity: str,
    x: Points,
    t: Times,
    components: Components,
    gamma: Weights,
    values: Floats,
) -> Indices:
    """Indices of the rows of `values` whose error may exceed the tolerance, by bounds of rising cost.

    Where moments serve, few rows are left: the closest bound is then taken of all of them in `recompute`.
    """
    accepted, none = mixture.kept[accepted_error], _without_bound(mixture, x)
    with np.errstate(over="ignore", invalid="ignore"):
        if mixture.dimension <= _SMALL_DIMENSION and has_moments(mixture, quantity, len(t)):
            bound = _finer_bound(mixture, quantity, x, t, components, gamma)
            return _doubtful(quantity, np.where(none, np.inf, bound), values, accepted)
        bound = coarse_bound(mixture, quantity, x, t, gamma)
        index = _doubtful(quantity, np.where(none, np.inf, bound), values, accepted)
        if not len(index):
            return index
        if len(t) > 1:
            components = components_at(mixture, components.arithmetic, t[index])
        x, gamma = components.arithmetic.by_point(x[index]), gamma.T[:, index].T
        bound = _finer_bound(mixture, quantity, x, t, components, gamma)
        return index[_doubtful(quantity, np.where(none[index], np.inf, bound), values[index], accepted)]


def _without_bound(mixture: GaussianMixture, x: Points) -> Flags:
    """The rows of which no bound is taken, as it would underflow or overflow."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ones(len(x), dtype=bool) if mixture.kept[scale_of].extreme else tiny(x)


def _finer_bound(
    mixture: GaussianMixture, quantity: str, x: Points, t: Times, components: Components, gamma: Weights
) -> Floats:
    if has_moments(mixture, quantity, len(t)):
        return moment_bound(mixture, quantity, x, components, gamma)
    return close_bound(mixture, quantity, x, components, gamma)


def _doubtful(quantity: str, bound: Floats, values: Floats, accepted: float) -> Indices:
    """The rows whose bound exceeds the accepted relative error, or that are not finite."""
    if quantity == "responsibilities":
        size = np.where(np.isfinite(values).all(axis=1), 1.0, np.nan)
    elif quantity == "log_density":
        size = np.maximum(1.0, np.abs(values))
    else:
        size = np.sqrt((values * values).sum(axis=tuple(range(1, values.ndim))))
    return (~((bound <= accepted * size) & np.isfinite(size))).nonzero()[0]


def _left_by_close_bound(
    mixture: GaussianMixture, quantity: str, x: Points, t: Times, index: Indices, values: Floats
) -> Indices:
    arithmetic = FloatArithmetic()
    rows = max(1, 2**18 // (mixture.n_components * mixture.dimension))
    left = []
    for start in range(0, len(index), rows):
        part = index[start : start + rows]
        points = arithmetic.by_point(x[part])
        components = components_at(mixture, arithmetic, t if len(t) == 1 else t[part])
        _, gamma = quantity_from(components, arithmetic, "responsibilities", points)
        bound = close_bound(mixture, quantity, points, components, gamma)
        left.append(part[_doubtful(quantity, bound, values[part], mixture.kept[accepted_error])])
    return np.concatenate(left)


def recompute(mixture: GaussianMixture, quantity: str, x: Points, t: Times, index: Indices, values: Floats) -> None:
    """Replace, in place, the rows `index` of `values` that are doubtful indeed by more precise ones.

    Raises
    ------
    InputError : a value that is too large for float64.
    """
    none = _without_bound(mixture, x[index])
    bare, index = index[none], index[~none]
    with np.errstate(over="ignore", invalid="ignore"):
        if len(index) and has_moments(mixture, quantity, len(t)):
            index = _left_by_close_bound(mixture, quantity, x, t, index, values)
        if len(index) and (mixture.kind.endswith("isotropic") or mixture.dimension <= _DOUBLE_DOUBLE_SIZE):
            index = _repair_in_double_double(mixture, quantity, x, t, index, values)
    for row in np.concatenate([bare, index]):
        values[row] = _in_balls(mixture, quantity, x[row], t[row if len(t) > 1 else 0])
        if not np.isfinite(values[row]).all():
            raise InputError("x, t", f"x = {x[row]}", f"a point at which the {quantity} is a float64 number")


def _repair_in_double_double(
    mixture: GaussianMixture, quantity: str, x: Points, t: Times, index: Indices, values: Floats
) -> Indices:
    """Recompute the rows `index` in double-double; return those for which it was not enough."""
    from certflow.numbers.doubledouble import DoubleDoubleArithmetic

    arithmetic = DoubleDoubleArithmetic()
    width = 1 if mixture.kind.endswith("isotropic") and quantity != "jacobian" else mixture.dimension
    rows = max(1, 2**18 // (mixture.n_components * mixture.dimension * width))
    left = []
    for start in range(0, len(index), rows):
        part = index[start : start + rows]
        times = t if len(t) == 1 else t[part]
        precise = precise_components(mixture, times)
        result, gamma = quantity_from(precise, arithmetic, quantity, arithmetic.asarray(x[part]))
        values[part] = result.to_float()
        bound = coarse_bound(mixture, quantity, x[part], times, gamma.to_float(), DOUBLE_DOUBLE_UNIT)
        left.append(part[_doubtful(quantity, bound, values[part], mixture.kept[accepted_error])])
    return np.concatenate(left)


def precise_components(mixture: GaussianMixture, t: Times) -> Components:
    """The components in double-double; of a single time, unless they are large, they are kept for the next array."""
    from certflow.numbers.doubledouble import DoubleDoubleArithmetic

    arithmetic = DoubleDoubleArithmetic()
    if len(t) > 1 or mixture.exact_covariances.values.size > _KEPT_SIZE:
        return components_at(mixture, arithmetic, arithmetic.asarray(t))
    kept: Recent[Components] = mixture.kept[_last_time]
    time = float(t[0])
    return kept.get(time) or kept.keep(time, components_at(mixture, arithmetic, arithmetic.asarray(t)))


def _last_time(mixture: GaussianMixture) -> Recent[Components]:
    return Recent(1)


def _in_balls(mixture: GaussianMixture, quantity: str, x: Points, t: float) -> Any:
    """One row in Arb balls, of a precision at which the radius is below the rounding of the result."""
    from certflow.numbers.balls import ArbArithmetic

    arithmetic = ArbArithmetic()

    def row() -> Any:
        precise = components_at(mixture, arithmetic, arithmetic.asarray([t]))
        return quantity_from(precise, arithmetic, quantity, arithmetic.asarray(x[None]))[0][0]

    return from_balls(row)
