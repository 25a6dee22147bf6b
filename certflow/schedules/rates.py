"""The rate at which a model drives typical points apart, from data alone: no mixture is needed (proofs/N3.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from certflow.errors import InputError
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import float_array, is_tensor, whole_number
from certflow.schedules.model import Model
from certflow.schedules.rows import data_rows, drawn, plain


class TypicalRate(NamedTuple):
    """`values`, their `standard_errors`, shape (T,) each, and the `method` of the Jacobian–vector products."""

    values: Floats
    standard_errors: Floats
    method: str


def typical_rate(
    model: Model,
    data: Any,
    times: Any,
    *,
    samples: int = 2048,
    seed: int = 0,
    batch: int = 512,
    progress: Callable[[int, int], None] | None = None,
) -> TypicalRate:
    """`(E ||J(x_t, t)||_F^2)^{1/2}` at noised data, by `||J||_F^2 = E_v |J v|^2`, `v` of random signs. proofs/N3.md.

    `x_t = m x_0 + sqrt(1 - m^2) z`: the same rows `x_0` of the data (drawn with replacement), the same `z` and the same
    `v` at all times, so that the curve is smooth in `t`. No bound: a typical size. By central differences in float32,
    and for data of size 1, that of a "sample" model is noise below about `t = 1e-3`.

    Parameters
    ----------
    data : shape (n, ...), NumPy or torch; the model is called with that kind, for whole numbers in the default float
        dtype
    times : OU times, shape (T,)
    samples : rows drawn; batch : so many of them go through the model at once
    progress : called with (times done, times in all)

    Raises
    ------
    InputError : no rows of finite data of the model's shape, times that the schedule does not have, and what `Model`
        refuses.

    For one point as data the exact denoiser is constant, and `J = m^2 / (1 - m^2)` times the identity:

    >>> import numpy as np
    >>> import certflow as cf
    >>> m = cf.Model(lambda x, tau: 0 * x + 0.5, predicts="sample", schedule=cf.schedules.edm())
    >>> cf.schedules.typical_rate(m, np.full((1, 2), 0.5), [0.5], samples=16).values.round(6)
    array([0.823039])
    """
    if not isinstance(model, Model):
        required = "a certflow.Model (for a mixture's process: certflow.grids.typical_rate)"
        raise InputError("model", model, required)
    moments = np.asarray(float_array(times, "times"))
    if moments.ndim != 1 or not moments.size:
        raise InputError("times", f"shape {moments.shape}", "shape (T,), T >= 1")
    if not ((moments > 0) & (moments < math.inf)).all():
        raise InputError("times", times, "finite times > 0")
    count, start = whole_number(samples, "samples", 2), whole_number(seed, "seed")
    size = whole_number(batch, "batch", 1)
    rows = data_rows(data, model.shape)
    rng = np.random.default_rng(start)
    chosen, z = drawn(rows, count, rng)
    v = np.asarray(rng.integers(0, 2, size=z.shape) * 2 - 1, dtype=np.float64)
    values, errors, methods = [], [], set()
    for t in moments.tolist():
        m, n = math.exp(-t), math.sqrt(-math.expm1(-2 * t))
        squares = np.empty(count)
        for begin in range(0, count, size):
            part = slice(begin, begin + size)
            product = _product(model, rows[chosen[part]], m, n * z[part], t, v[part])
            methods.add(product.method)
            squares[part] = (plain(product) ** 2).reshape(len(product), -1).sum(1)
        mean = squares.mean()
        values.append(np.sqrt(mean))
        errors.append(squares.std(ddof=1) / np.sqrt(count) / (2 * np.sqrt(mean)) if mean else 0.0)
        if progress is not None:
            progress(len(values), len(moments))
    return TypicalRate(np.array(values), np.array(errors), " and ".join(sorted(methods)))


def _product(model: Model, x_0: Any, m: float, noise: Floats, t: float, v: Floats) -> Any:
    """`J v` at `m x_0 + noise`, in the kind of `x_0`."""
    if not is_tensor(x_0):
        return model.jacobian_product(m * x_0 + noise, t, v)
    import torch

    with torch.no_grad():
        z = torch.as_tensor(noise, dtype=x_0.dtype, device=x_0.device)
        return model.jacobian_product(m * x_0 + z, t, v)
