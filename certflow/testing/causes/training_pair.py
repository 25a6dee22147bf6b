"""Why noised data or a target is wrong: the pair with a fault, and the fault that says the same in every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from certflow.numbers.arrays import Floats, Indices
from certflow.testing.causes.fault import factor_text
from certflow.testing.causes.schedule import faulty_factors
from certflow.testing.chance import mean_limit, variance_limits
from certflow.testing.pairing import Pair, Pairing
from certflow.testing.result import Cause

#: `(x0, z, a, b)` -> a target, `z` the noise that is in `x_t`; all with one row for each row.
Target = Callable[[Floats, Floats, Floats, Floats], Floats]

#: What is predicted -> its formula.
TARGETS: dict[str, Target] = {
    "epsilon": lambda x0, z, a, b: z,
    "sample": lambda x0, z, a, b: x0,
    "v_prediction": lambda x0, z, a, b: a * z - b * x0,
    "flow_prediction": lambda x0, z, a, b: z - x0,
    "score": lambda x0, z, a, b: -z / b,
}

_WRONG: dict[str, dict[str, tuple[str, Target]]] = {
    "v_prediction": {
        "sign within": ("its v is a z + b x_0: the sign between the terms", lambda x0, z, a, b: a * z + b * x0),
        "a and b swapped": ("its v is b z - a x_0: a and b are swapped", lambda x0, z, a, b: b * z - a * x0),
        "swapped and turned": ("its v is a x_0 - b z", lambda x0, z, a, b: a * x0 - b * z),
    },
    "score": {
        "scale": ("its score is -z: it is not divided by b", lambda x0, z, a, b: -z),
        "variance for its root": ("its score is -z / b^2: b is divided by twice", lambda x0, z, a, b: -z / b**2),
        "multiplied": ("its score is -b z: multiplied by b, where it is divided", lambda x0, z, a, b: -b * z),
        "a for b": ("its score is -z / a", lambda x0, z, a, b: -z / a),
    },
    "epsilon": {
        "scale": ("its noise is b z, as it is in x_t: it is not divided by b", lambda x0, z, a, b: b * z),
        "divided by b": ("its noise is z / b", lambda x0, z, a, b: z / b),
    },
    "sample": {"scale": ("its sample is a x_0, as it is in x_t: it is not divided by a", lambda x0, z, a, b: a * x0)},
    "flow_prediction": {
        "sign within": ("its flow is z + x_0: the sign between the terms", lambda x0, z, a, b: z + x0),
        "with factors": ("its flow is b z - a x_0", lambda x0, z, a, b: b * z - a * x0),
    },
}


@np.errstate(all="ignore")
def noised_causes(it: Pairing, pair: Pair) -> tuple[Cause, ...]:
    """Why `x_t` is wrong, where the noise is known."""
    for cause, x in _noised(it, pair):
        known = np.isfinite(x).reshape(len(x), -1).all(axis=1)
        if known.sum() >= len(x) / 3 and _same(pair.x[known], x[known], it.rounding**0.5):
            return (cause,)
    return ()


def _noised(it: Pairing, pair: Pair) -> Iterator[tuple[Cause, Floats]]:
    x0, z, (a, b) = pair.x0, pair.z, it.factors(pair.levels)
    yield Cause("sign of the noise", "it subtracts its noise"), a * x0 - b * z
    yield Cause("noise reused", "all rows have the noise of the first"), a * x0 + b * z[:1]
    yield Cause("noise missing", "it adds no noise"), a * x0
    yield Cause("data not scaled", "it adds noise to x_0 without its factor a"), x0 + b * z
    yield Cause("noise not scaled", "it adds noise without its factor b"), a * x0 + z
    first = it.factors(np.full(len(x0), pair.levels[0]))
    yield Cause("one time", "all rows have the time of the first"), first[0] * x0 + first[1] * z
    yield Cause("rows shuffled", "rows have the noise of their neighbours"), a * x0 + b * np.roll(z, 1, axis=0)
    yield Cause("noise for data", "x_0 and the noise are swapped"), a * z + b * x0
    for cause, (a_wrong, b_wrong) in faulty_factors(it.schedule, it.taus):
        yield cause, it.rows(a_wrong[pair.levels]) * x0 + it.rows(b_wrong[pair.levels]) * z


@np.errstate(all="ignore")
def drawn_causes(it: Pairing, a: Floats, b: Floats, tolerance: Floats) -> tuple[Cause, ...]:
    """Why `x_t` is wrong, from the factors that were measured at every level, within chance.

    tolerance : what chance explains of `a` and of `b`, shape (2, L)
    """
    right = it.factors_at(it.taus)
    first = tuple(np.full(len(it.taus), float(factor[0])) for factor in right)
    candidates = [
        (Cause("one time", "all rows have the time of the first"), first),
        (Cause("noise missing", "it adds no noise"), (right[0], 0 * right[1])),
        (Cause("data not scaled", "it adds noise to x_0 without its factor a"), (np.ones_like(a), right[1])),
        (Cause("noise not scaled", "it adds noise without its factor b"), (right[0], np.ones_like(b))),
        *faulty_factors(it.schedule, it.taus),
    ]
    found = []
    for cause, factors in candidates:
        gaps = [np.abs(got - np.abs(f)) / t for got, f, t in zip((a, b), factors, tolerance, strict=True)]
        known = np.isfinite(gaps[0]) & np.isfinite(gaps[1])
        if known.sum() >= len(it.taus) / 3 and max(gap[known].max() for gap in gaps) <= 1:
            found.append((float(sum((gap[known] ** 2).mean() for gap in gaps)), cause))
    return (min(found, key=lambda each: each[0])[1],) if found else ()


def scatter_causes(z: Floats, levels: Indices, level: float) -> tuple[Cause, ...]:
    """What mean and variance of the noise say, of all numbers and by coordinate, where they are so at every level.

    z : noise, shape (n, D)
    """
    moments = [(z[levels == i].mean(), z[levels == i].var(), z[levels == i].size) for i in np.unique(levels)]
    mean, variance = float(z.mean()), float(z.var(ddof=1))
    if not all(_alike(*each, mean, variance, level / len(moments)) for each in moments):
        return ()
    each = level / z.shape[1]
    columns = [(float(column.mean()), float(column.var(ddof=1)), len(column)) for column in z.T]
    differ = [i for i, column in enumerate(columns) if not _alike(*column, mean, variance, each)]
    if differ:
        off = [max(abs(column[0]), abs(float(np.log(column[1])))) for column in columns]
        worst = max(differ, key=lambda i: off[i])
        own, spread, _ = columns[worst]
        told = f"mean {own:.3g}" if off[worst] == abs(own) else f"variance {spread:.3g}"
        return (Cause("noise by coordinate", f"coordinate {worst} of its noise has the {told}, unlike others"),)
    found = []
    if abs(mean) > mean_limit(z.size, level) * max(1.0, variance**0.5):
        found.append(Cause("noise not centred", f"its noise has the mean {mean:.3g}, where 0 is meant"))
    low, high = variance_limits(z.size - 1, level)
    if not low <= variance <= high:
        told = f"its noise is scaled by a factor {variance**0.5:.3g}: its variance is {variance:.3g}, where 1 is meant"
        found.append(Cause("noise scaled", told))
    return tuple(found)


def _alike(mean: float, variance: float, count: int, of_all: float, variance_of_all: float, level: float) -> bool:
    """Moments of a part are within chance those of the whole."""
    low, high = variance_limits(count - 1, level)
    near = abs(mean - of_all) <= mean_limit(count, level) * variance_of_all**0.5
    return near and low * variance_of_all <= variance <= high * variance_of_all


@np.errstate(all="ignore")
def target_causes(it: Pairing, pair: Pair, predicts: str) -> tuple[Cause, ...]:
    """Why a target is not the one that is predicted."""
    given = (pair.x0, pair.z, *it.factors(pair.levels))
    limit, got = it.rounding**0.5, pair.target
    assert got is not None
    if _same(got, -TARGETS[predicts](*given), limit):
        return (Cause("sign", "it is minus the target"),)
    for name, (sentence, target) in _WRONG[predicts].items():
        for turned in (1, -1):
            if _same(got, turned * target(*given), limit):
                sign = "" if turned == 1 else ", with the other sign"
                return (Cause(name, sentence + sign),)
    for name, target in TARGETS.items():
        for turned in (1, -1):
            if _same(got, turned * target(*given), limit):
                return (Cause("another prediction", f"it is {'' if turned == 1 else 'minus '}what {name} is"),)
    if _same(got, pair.x, limit):
        return (Cause("another prediction", "it is x_t itself"),)
    for cause, (a, b) in faulty_factors(it.schedule, it.taus):
        factors = it.rows(a[pair.levels]), it.rows(b[pair.levels])
        if np.isfinite(factors).all() and _same(got, TARGETS[predicts](pair.x0, pair.z, *factors), limit):
            return (cause,)
    meant = TARGETS[predicts](*given)
    ratio = float((got * meant).sum() / (meant**2).sum())
    if _same(got, ratio * meant, limit):
        return (Cause("factor", f"it is {factor_text(ratio)} times the target"),)
    if predicts == "epsilon" and abs(ratio) < 0.2 and abs(float(got.std()) - 1) < 0.2:
        return (Cause("another noise", "it is noise, but not the noise that is in x_t"),)
    return ()


def _same(got: Floats, meant: Floats, limit: float) -> bool:
    return bool((np.abs(got - meant) <= limit * np.maximum(1, np.abs(meant))).all())
