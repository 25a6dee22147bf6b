"""Faults with an unknown number in them: a variance that is 1.001 times what it should be, a weight of 0.501."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from certflow.numbers.arrays import Floats
from certflow.testing.causes.code import Asked, Code, Noise, softmax
from certflow.testing.causes.fault import Fault, factor_text
from certflow.testing.causes.quantities import Quantity
from certflow.testing.causes.search import Candidate, Evidence, Field, left_by, screened
from certflow.testing.result import Cause

#: Logarithms of the number at which the search begins; it goes on from the best.
_STARTS = (0.0, 0.3, -0.3, 1.0, -1.0, 2.5, -2.5)
_STEPS = 20
#: Up to so many components have numbers of their own.
_COMPONENTS = 8


@dataclass(frozen=True)
class Family:
    """Faults with one number `c`, 1 where there is none; `sentence` has a place for it."""

    name: str
    sentence: str
    make: Callable[[Code, Asked, float], Code]


def fitted(evidence: Evidence, right: Quantity, field: Field) -> list[Cause]:
    """The faults of one number that explain every row, least left first."""
    rows = screened(evidence)
    if not len(rows):
        return []
    few = evidence.of(rows)
    kept = []
    for family in families(evidence.right):
        number = _solved(few, family, right, field)
        if number is None:
            continue
        fault = Fault(family.name, family.sentence.format(factor_text(number)), _at(family, number))
        left = left_by(evidence, Candidate(fault, right), field)
        if left is not None:
            kept.append((left, Cause(fault.name, fault.sentence)))
    kept.sort(key=lambda pair: pair[0])
    return [cause for left, cause in kept if left <= 10 * max(kept[0][0], 1e-6)][:3]


def _at(family: Family, number: float) -> Callable[[Code, Asked], Code]:
    return lambda code, asked: family.make(code, asked, number)


def _solved(few: Evidence, family: Family, right: Quantity, field: Field) -> float | None:
    """The number by which the family comes closest, by Gauss and Newton in its logarithm."""
    scale = few.allowed(few.expected)[:, None]

    def off(theta: float) -> Floats:
        with np.errstate(all="ignore"):
            said = right.of(field(family.make(few.right, few.asked, float(np.exp(theta))), few.asked), few.asked)
            rows = ((said - few.got).reshape(len(scale), -1)) / scale
        return rows.ravel()

    def cost(rows: Floats) -> float:
        return float(np.nan_to_num(rows @ rows, nan=np.inf))

    theta = min(_STARTS, key=lambda start: cost(off(start)))
    now = off(theta)
    for _ in range(_STEPS):
        slope = (off(theta + 1e-6) - off(theta - 1e-6)) / 2e-6
        bottom = float(slope @ slope)
        if not 0 < bottom < np.inf:
            return None
        step = float(np.clip(-(slope @ now) / bottom, -1, 1))
        while abs(step) > 1e-15 and cost(trial := off(theta + step)) > cost(now):
            step /= 2
        if abs(step) <= 1e-15:
            break
        theta, now = theta + step, trial
    return float(np.exp(theta)) if abs(theta) > 1e-12 else None


def families(code: Code) -> Iterator[Family]:
    """Families for a mixture of so many components."""
    yield Family("variances", "the variances of the components are {} times what they should be", _of("covariances"))
    yield Family("noise variance", "the variance of the noise is {} times what it should be", _noise("nu"))
    yield Family("mean factor", "the factor of the means is {} times what it should be", _noise("alpha"))
    yield Family("variance", "the variance at time t is {} times what it should be", _variance)
    yield Family("time: factor", "it takes {} times t for t", _time)
    yield Family("temperature", "its logits are {} times what they should be", _temperature)
    yield Family("scale of x", "it takes {} times x for x", lambda code, asked, c: replace(code, x=c * code.x))
    for k in range(min(len(code.weights), _COMPONENTS)):
        if len(code.weights) > 1:
            yield Family(
                "weight",
                f"weight {k} (counted from 0) is {{}} times what it should be, before all are divided by their sum",
                _one("weights", k),
            )
        yield Family(
            "variance",
            f"the variance of component {k} (counted from 0) is {{}} times what it should be",
            _one("covariances", k),
        )
        if np.any(code.means[k]):
            yield Family(
                "mean", f"the mean of component {k} (counted from 0) is {{}} times what it should be", _one("means", k)
            )


def _of(key: str) -> Callable[[Code, Asked, float], Code]:
    return lambda code, asked, c: replace(code, **{key: c * getattr(code, key)})


def _one(key: str, k: int) -> Callable[[Code, Asked, float], Code]:
    def make(code: Code, asked: Asked, c: float) -> Code:
        values: Any = getattr(code, key).copy()
        values[k] *= c
        return replace(code, **{key: values})

    return make


def _noise(part: str) -> Callable[[Code, Asked, float], Code]:
    def make(code: Code, asked: Asked, c: float) -> Code:
        return code.both(replace(code.parts, **{part: c * getattr(code.parts, part)}))

    return make


def _variance(code: Code, asked: Asked, c: float) -> Code:
    return code.both(replace(code.parts, beta=c * code.parts.beta, nu=c * code.parts.nu))


def _time(code: Code, asked: Asked, c: float) -> Code:
    m, n2 = np.exp(-c * asked.t), -np.expm1(-2 * c * asked.t)
    return code.both(Noise(asked.scale * m, (asked.scale * m) ** 2, asked.scale**2 * n2))


def _temperature(code: Code, asked: Asked, c: float) -> Code:
    return replace(code, blend=lambda logits, weights: softmax(c * logits, weights))
