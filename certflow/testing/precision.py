"""What rounding in a dtype may do to a right score: a stated error model, first order in nothing, tuned to nothing.

With `u` half the gap after one in the dtype, `c = 8 + 2d + K` the roundings that a term goes through, `C_k` with
eigenvalues in `[l_k, h_k]`, `z_k = x - m mu_k`, `a_k = |x| + m |mu_k|`, `n^2 = 1 - m^2` and `b_k = -C_k^{-1} z_k`
(proofs/rounding.md derives each line):

- `eta_k = c u (1 + h_k) / l_k`: relative error of `C_k^{-1}`, `1 - exp(-2t)` without `expm1` included;
- `delta_k = (c u a_k + eta_k / (1 - eta_k) |z_k|) / n^2`: error of `b_k`, by way of the denoiser too;
- `E_k = c u (a_k^2 / l_k + |log w_k| + |log det C_k| / 2 + d + 1) + eta_k / (1 - eta_k) (|z_k|^2 / l_k + d)`: that
  of a logit, the expanded square `|x|^2 - 2 x.mu + |mu|^2` included;
- responsibilities become at most `rho_k = gamma_k e^{E_k} / sum_j gamma_j e^{-E_j}`, and move the score by at most
  `sum_k gamma_k (e^{E_k} - 1) |b_k - s| / sum_j gamma_j e^{-E_j}`, and never by more than `max_k |b_k - s|`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import InputError
from certflow.field.components import components_at
from certflow.law.mixture import GaussianMixture
from certflow.law.spectra import variance_extremes
from certflow.numbers.arrays import Floats, Points, Times, Weights
from certflow.numbers.floats import FLOATS


@dataclass(frozen=True)
class Precision:
    """A binary floating-point format.

    Attributes
    ----------
    name : as torch and NumPy have it
    digits : binary digits of the significand, the leading one included
    least : the smallest positive number
    largest : the largest finite number
    """

    name: str
    digits: int
    least: float
    largest: float

    @property
    def unit(self) -> float:
        """`u`, the largest relative error of one rounding."""
        return 2.0**-self.digits

    def rounded(self, values: Any) -> Floats:
        """The nearest numbers of the format, as float64."""
        array = np.asarray(values, dtype=np.float64)
        if self.digits >= 53:
            return array
        gap = self._gap(array)
        return np.clip(np.round(array / gap) * gap, -self.largest, self.largest)

    def between(self, values: Any, low: float, high: float) -> Floats:
        """The nearest numbers of the format within [low, high], where there are any."""
        near = self.rounded(np.clip(values, low, high))
        near = np.where(near < low, near + self._gap(near), near)
        return np.asarray(np.where(near > high, near - self._gap(near), near))

    def _gap(self, array: Floats) -> Floats:
        """From a number to the next one of the same exponent."""
        exponent = np.frexp(array)[1]
        return np.asarray(np.maximum(np.ldexp(1.0, exponent - self.digits), self.least))


#: The formats that checks know, finest first.
PRECISIONS = {
    found.name: found
    for found in (
        Precision("float64", 53, 2.0**-1074, float(np.finfo(np.float64).max)),
        Precision("float32", 24, 2.0**-149, float(np.finfo(np.float32).max)),
        Precision("float16", 11, 2.0**-24, 65504.0),
        Precision("bfloat16", 8, 2.0**-133, float(2.0**128 - 2.0**120)),
    )
}


def precision_of(dtype: Any, field: str = "dtype") -> Precision:
    """The format of a dtype of NumPy or torch, or of its name.

    Raises
    ------
    InputError : another dtype than float64, float32, float16 and bfloat16.
    """
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or str(dtype)
    name = name.removeprefix("torch.")
    if isinstance(dtype, type) and issubclass(dtype, np.floating):
        name = np.dtype(dtype).name
    if name not in PRECISIONS:
        raise InputError(field, dtype, "one of " + ", ".join(PRECISIONS))
    return PRECISIONS[name]


@dataclass(frozen=True)
class Posterior:
    """The components of a noised mixture at N points, in float64, with the sizes that the error model asks for.

    Attributes
    ----------
    gamma : responsibilities, shape (N, K)
    scores : `b_k`, shape (N, K, d)
    gaps : `|z_k|`, shape (N, K)
    reaches : `a_k = |x| + m |mu_k|`, shape (N, K)
    low, high : least and largest eigenvalue of `C_k`, shape (N, K)
    fixed : `|log w_k| + |log det C_k| / 2 + d + 1` or more, shape (N, K)
    m, n2 : `e^{-t}` and `1 - e^{-2t}`, shape (N,)
    """

    gamma: Weights
    scores: Floats
    gaps: Floats
    reaches: Floats
    low: Floats
    high: Floats
    fixed: Floats
    m: Times
    n2: Times

    @classmethod
    def of(cls, mixture: GaussianMixture, x: Points, t: Times) -> Posterior:
        """At points of shape (N, d) and times of shape (N,)."""
        components = components_at(mixture, FLOATS, t)
        m, n2 = np.exp(-t), -np.expm1(-2 * t)
        least, largest = (np.broadcast_to(v, (mixture.n_components,)) for v in variance_extremes(mixture))
        low, high = ((m * m)[:, None] * v + n2[:, None] for v in (least, largest))
        size = np.maximum(np.abs(np.log(low)), np.abs(np.log(high)))
        centres = m[:, None] * np.linalg.norm(mixture.means, axis=1)
        return cls(
            gamma=np.asarray(FLOATS.responsibilities(components.logits(x))),
            scores=np.asarray(components.component_scores(x)),
            gaps=np.linalg.norm(x[:, None, :] - m[:, None, None] * mixture.means, axis=-1),
            reaches=np.linalg.norm(x, axis=1)[:, None] + centres,
            low=low,
            high=high,
            fixed=np.abs(np.log(mixture.weights)) + mixture.dimension * size / 2 + mixture.dimension + 1,
            m=m,
            n2=n2,
        )

    @property
    def score(self) -> Floats:
        """`sum_k gamma_k b_k`, shape (N, d)."""
        return np.asarray(np.einsum("nk,nkd->nd", self.gamma, self.scores))

    @property
    def size(self) -> Floats:
        """`sum_k gamma_k |b_k|`: the size of the terms whose sum the score is, shape (N,)."""
        return np.asarray(np.einsum("nk,nk->n", self.gamma, np.linalg.norm(self.scores, axis=-1)))


@dataclass(frozen=True)
class Rounding:
    """What rounding in a format may do at N points: see the formulas of this module.

    Attributes
    ----------
    each : `c u`, the relative error of one term, shape (N,)
    inverses : `eta_k / (1 - eta_k)`, infinite from `eta_k = 1` on, shape (N, K)
    components : `delta_k`, shape (N, K)
    logits : `E_k`, shape (N, K)
    weights : `rho_k`, shape (N, K)
    spill : `gamma_k (e^{E_k} - 1) / sum_j gamma_j e^{-E_j}`, how far responsibilities may move, shape (N, K)
    """

    each: Floats
    inverses: Floats
    components: Floats
    logits: Floats
    weights: Weights
    spill: Weights

    @classmethod
    def of(cls, found: Posterior, precision: Precision, t: Times) -> Rounding:
        """At the points of a posterior; `1 + t` is what an exponent of size t adds."""
        count, dimension = found.gamma.shape[1], found.scores.shape[2]
        each = (8 + 2 * dimension + count) * precision.unit * (1 + t)
        eta = each[:, None] * (1 + found.high) / found.low
        inverses = np.where(eta < 1, eta / np.maximum(1 - eta, 1e-300), np.inf)
        squares = found.reaches**2 / found.low
        inverses = np.where(8 * squares < precision.largest, inverses, np.inf)  # else a logit may overflow
        n2, steps = found.n2[:, None], each[:, None]
        components = (steps * found.reaches + inverses * found.gaps) / n2
        logits = steps * (squares + found.fixed) + inverses * (found.gaps**2 / found.low + dimension)
        limited = np.minimum(logits, 200.0)
        left = np.einsum("nk,nk->n", found.gamma, np.exp(-limited))[:, None]
        weights = np.minimum(found.gamma * np.exp(limited) / left, 1.0)
        return cls(each, inverses, components, logits, weights, found.gamma * np.expm1(limited) / left)

    def of_mean(self, found: Posterior, values: Floats, mean: Floats) -> Floats:
        """How far `sum_k gamma_k values_k` may move by its weights; `values` of shape (N, K, ...), result (N,)."""
        apart = (values - mean[:, None]).reshape((*found.gamma.shape, -1))
        distances = np.linalg.norm(apart, axis=-1)
        return np.asarray(np.minimum(np.einsum("nk,nk->n", self.spill, distances), distances.max(axis=1)))


def score_error(found: Posterior, precision: Precision, t: Times) -> Floats:
    """How far, in norm, a right score in this format may be from the exact one; infinite where it may say anything."""
    rounding = Rounding.of(found, precision, t)
    with np.errstate(invalid="ignore", over="ignore"):
        own = np.nan_to_num(rounding.weights * rounding.components, nan=0.0, posinf=np.inf).sum(axis=1)
        sums = rounding.each * (rounding.weights * np.linalg.norm(found.scores, axis=-1)).sum(axis=1)
        moved = rounding.of_mean(found, found.scores, found.score)
    return np.asarray(own + sums + moved + precision.least / found.n2)
