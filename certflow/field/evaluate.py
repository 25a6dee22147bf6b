"""Log-density, responsibilities, score, velocity and Jacobian of a noised mixture, in any arithmetic.

proofs/S1.md to S4. The formulas stand in `certflow.field.components`; here the data are brought into shape, cut into
chunks of bounded memory, and, for float64, every result whose error bound is too large is computed again in
double-double arithmetic by the same formulas (`certflow.field.guard`).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.field import guard
from certflow.field.components import components_at, quantity_from
from certflow.field.fused.rows import MANY, fused_rows, serves
from certflow.field.point import at_point
from certflow.field.rounding import has_moments
from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import smallest_variance
from certflow.numbers.arithmetic import Arithmetic, arithmetic_of
from certflow.numbers.floats import FLOATS
from certflow.numbers.inputs import joint_shape

#: Numbers in the largest temporary of one chunk: 512 KiB of float64, so that several stay in the cache.
CHUNK_NUMBERS = 2**16
#: Logits (points by components) that torch keeps at once: 32 MiB of float64. Where one variance makes it possible, more
#: of them are streamed (`certflow.field.attention`).
KEPT_LOGITS = 2**22


def evaluate(mixture: GaussianMixture, quantity: str, x: Any, t: Any) -> Any:
    """Evaluate "log_density", "responsibilities", "score", "velocity" or "jacobian".

    x : shape (..., d); t : scalar or broadcastable to (...), positive.
    Returns an array of the kind of `x` (or of `t`, if that is the one that is not plain numbers).
    """
    if _is_float64(x) and _is_float64(t):  # most calls: there is nothing to ask and nothing to convert
        batch, result = _at_points(
            mixture, FLOATS, quantity, np.asarray(x), np.asarray(t), t if type(t) is float else None
        )
    else:
        arithmetic = arithmetic_of(x, t)
        with arithmetic.undisturbed():
            points, times = arithmetic.read(x, "x"), arithmetic.read(t, "t")
            known = isinstance(t, (int, float)) and arithmetic.name == "torch"  # with no wait for a device
            batch, result = _at_points(mixture, arithmetic, quantity, points, times, t if known else None)
            result = arithmetic.finish(result)
        if arithmetic.name == "float64" and getattr(x, "dtype", None) == np.float32:
            result = result.astype(np.float32)
    result = result.reshape(batch + tuple(result.shape[1:]))
    return result if batch or result.ndim else result[()]


def _is_float64(value: Any) -> bool:
    """A float, or an array of float64 numbers and of no subclass."""
    kind = type(value)
    return kind is float or (kind is np.ndarray and value.dtype == np.float64)


def _at_points(
    mixture: GaussianMixture, arithmetic: Arithmetic, quantity: str, points: Any, times: Any, known: Any = None
) -> tuple[tuple[int, ...], Any]:
    """The shape of the points, and the results row by row; `known` : the time as a Python number, if it is one."""
    if arithmetic.guarded and points.size == mixture.dimension and points.ndim and times.size == 1:
        found = at_point(mixture, quantity, points.reshape(-1), times.item() if known is None else known)
        if found is not None and points.shape[-1] == mixture.dimension:
            return points.shape[:-1], found
    if not len(points.shape) or points.shape[-1] != mixture.dimension:
        raise InputError("x", f"shape {tuple(points.shape)}", f"shape (..., {mixture.dimension})")
    if known is None:
        times = check_times(times, arithmetic)
    else:
        check_times(known, arithmetic)
    batch = tuple(points.shape[:-1])
    times = _broadcast_times(times, batch)
    flat = points.reshape((-1, mixture.dimension))
    if (
        arithmetic.guarded
        and flat.shape[0] >= MANY
        and times.shape[0] == 1
        and serves(mixture, quantity, len(flat), float(times[0]))
    ):
        return batch, _in_one_pass(mixture, quantity, flat, times)
    _check_finite(flat, arithmetic)
    with arithmetic.extended(_cancelled(mixture, arithmetic, flat, times)):
        return batch, _in_chunks(mixture, arithmetic, quantity, flat, times)


def _in_one_pass(mixture: GaussianMixture, quantity: str, x: Any, t: Any) -> Any:
    """By the compiled formulas; of the rows that they leave in doubt the guard has the last word, as of others."""
    result, doubtful = fused_rows(mixture, quantity, x, t)
    _check_finite(x[doubtful], FLOATS, doubtful)  # of a point that is not finite no bound is accepted
    if len(doubtful):
        from certflow.numbers.doubledouble import compile_operations

        compile_operations(len(doubtful) * mixture.n_components * mixture.dimension)
    if len(doubtful) and has_moments(mixture, quantity, 1):
        guard.recompute(mixture, quantity, x, t, doubtful, result)
    elif len(doubtful):
        result[doubtful] = _in_chunks(mixture, FLOATS, quantity, x[doubtful], t)
    return result


def _in_chunks(mixture: GaussianMixture, arithmetic: Arithmetic, quantity: str, x: Any, t: Any) -> Any:
    if arithmetic.name == "torch":  # differentiable and on a device: one piece
        return _on_torch(mixture, arithmetic, quantity, x, t)
    rows = _rows(mixture, quantity, t.shape[0])
    count = x.shape[0]
    fixed = components_at(mixture, arithmetic, t) if t.shape[0] == 1 else None
    result: Any = None
    doubtful = []
    for start in range(0, max(count, 1), rows):
        part = slice(start, min(start + rows, count))
        times = t if fixed is not None else t[part]
        components = fixed if fixed is not None else components_at(mixture, arithmetic, times)
        points = arithmetic.by_point(x[part])
        values, gamma = quantity_from(components, arithmetic, quantity, points)
        if arithmetic.guarded:
            index = guard.doubtful_rows(mixture, quantity, points, times, components, gamma, values)
            if len(index):
                doubtful.append(index + start)
        if result is None:
            result = np.empty((count, *values.shape[1:]), dtype=values.dtype)
        result[part] = values
    if doubtful:
        guard.recompute(mixture, quantity, x, t, np.concatenate(doubtful), result)
    return result


def _on_torch(mixture: GaussianMixture, arithmetic: Arithmetic, quantity: str, x: Any, t: Any) -> Any:
    components = components_at(mixture, arithmetic, t)
    if x.shape[0] * mixture.n_components > KEPT_LOGITS:
        from certflow.field import attention

        if attention.is_streamed(components, quantity):
            return attention.streamed(components, quantity, x)
    return quantity_from(components, arithmetic, quantity, x)[0]


def _rows(mixture: GaussianMixture, quantity: str, times: int) -> int:
    per_row = mixture.n_components
    if quantity == "jacobian" or mixture.kind == "full":
        per_row *= mixture.dimension
    if quantity == "jacobian":
        per_row += mixture.dimension**2
        if mixture.kind == "full" and times > 1:  # a matrix for each component and point
            per_row *= mixture.dimension
    return max(1, CHUNK_NUMBERS // per_row)


def _broadcast_times(times: Any, batch: tuple[int, ...]) -> Any:
    if math.prod(times.shape) == 1:
        return times.reshape((1,))
    if joint_shape(tuple(times.shape), batch) != batch:
        raise InputError("t", f"shape {tuple(times.shape)}", f"a scalar or a shape that broadcasts to {batch}")
    if hasattr(times, "broadcast_to"):
        return times.broadcast_to(batch).reshape((-1,))
    return np.broadcast_to(times, batch).reshape((-1,))


def _check_finite(points: Any, arithmetic: Arithmetic, rows: Any = None) -> None:
    """Of points (N, d), which are these rows of what was given, or all of it."""
    if arithmetic.name == "float64" and not np.isfinite(points).all():
        row, axis = np.argwhere(~np.isfinite(points))[0]
        place = row if rows is None else rows[row]
        told = f" (point {place}, the first being 0)" if rows is not None or len(points) > 1 else ""
        raise InputError("x", float(points[row, axis]), f"finite numbers{told}")
    if arithmetic.name == "mpmath":
        for entry in points.flat:
            if not abs(entry) < float("inf"):
                raise InputError("x", float(entry), "finite numbers")


def check_times(times: Any, arithmetic: Arithmetic, field: str = "t", required: str = "a finite time > 0") -> Any:
    """Times must be positive and finite where that can be told (of a symbol it cannot); the times.

    Inside `torch.vmap` and `torch.compile` it cannot either: there a bad time becomes NaN, and so does the result.
    """
    if arithmetic.name == "sympy":
        return times
    if arithmetic.name == "torch" and not isinstance(times, (int, float)):
        good = (times > 0) & (times < float("inf"))
        found = arithmetic.known(good)
        if found is False:
            raise InputError(field, float(times[~good].detach().flatten()[0]), required)
        return times if found else times.masked_fill(~good, float("nan"))
    if isinstance(times, (int, float)):
        if not 0 < times < float("inf"):
            raise InputError(field, float(times), required)
        return times
    good = np.asarray((times > 0) & (times < float("inf")))
    if not good.all():
        raise InputError(field, float(times[~good][0]), required)
    return times


def _cancelled(mixture: GaussianMixture, arithmetic: Arithmetic, x: Any, t: Any) -> int:
    """Bits of the size of the terms that cancel in the logits, for arithmetics of adjustable precision."""
    if arithmetic.name not in ("mpmath", "arb"):
        return 0
    if mixture.is_symbolic:
        raise InputError("mixture", "symbolic parameters", f"numbers, for {arithmetic.name} evaluation")
    least = arithmetic.number(mixture.kept[_least_variance])
    ceiling = 1 / (least * arithmetic.exp(-2 * t) - arithmetic.expm1(-2 * t))  # the largest eigenvalue of any P_k
    means: int = mixture.kept[_mean_bits]
    reach = max(arithmetic.bits(x), means) + 1
    return max(0, arithmetic.bits(ceiling) + 2 * reach)


def _least_variance(mixture: GaussianMixture) -> Fraction:
    """The smallest variance in any direction: of variances exact, of matrices in float64."""
    if mixture.kind.endswith("isotropic"):
        return min(Fraction(value) for value in mixture.exact_covariances.fractions.flat)
    return Fraction(smallest_variance(mixture))


def _mean_bits(mixture: GaussianMixture) -> int:
    """The least `n >= 0` at hand with `2^n` above every coordinate of a mean, which may be beyond float64."""
    values: list[Fraction] = mixture.exact_means.fractions.ravel().tolist()
    return max(0, *(v.numerator.bit_length() - v.denominator.bit_length() + 1 for v in values))
