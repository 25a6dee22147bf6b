"""What rounding in a dtype may do to a right score: a stated error model, with no constant that was tuned.

With `u` half the gap after one in the dtype, `e = 6 + 3t` the roundings that `m = e^{-t}` costs in a term, `h_k` the
largest eigenvalue of `Sigma_k`, `C_k` with eigenvalues in `[l_k, g_k]`, `z_k = x - m mu_k`, `q_k = |z_k|^2 / l_k`,
`a_k = |x| + m |mu_k|`, `n^2 = 1 - m^2`, `b_k = -C_k^{-1} z_k` (proofs/rounding.md derives each line):

- `eta_k = u (3 + (1 + e m^2 (1 + h_k) + 3 d (g_k - l_k)) / l_k)`: relative error of `C_k^{-1}`, with `1 - exp(-2t)` for
  `expm1`; below, `i_k = eta_k / (1 - eta_k)`;
- `delta_k = ((e + K) u a_k + i_k |z_k|) / n^2`: error of `b_k`, by way of the denoiser too;
- `E_k = u ((d + e) a_k^2 / (2 l_k) + 4 f_k) + i_k (q_k + d) / 2`: of a logit, `|x|^2 - 2 x.mu + |mu|^2` for the square
  included; `f_k = |log w_k| + |log det C_k| / 2 + d + 1` or more;
- responsibilities become at most `rho_k = gamma_k e^{E_k} / sum_j gamma_j e^{-E_j}`, which moves the score by at most
  `sum_k gamma_k (e^{E_k} - 1) |b_k - s| / sum_j gamma_j e^{-E_j}`, and never by more than `max_k |b_k - s|`; as
  `exp(logit - logsumexp)` they sum to one within `4 u (q_k / 2 + f_k)` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from certflow.errors import unknown
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


#: The exponential of this and its inverse are numbers, far beyond what an error may be.
_LARGE = 200.0

#: Less than this is left of a sum only where nothing is.
_NONE = 1e-100

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
        raise unknown(field, dtype, PRECISIONS)
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
    data : `h_k`, shape (K,)
    low, high : `l_k` and `g_k`, shape (N, K)
    fixed : `f_k`, shape (N, K)
    prior, sizes : `w_k` and `|mu_k|`, shape (K,)
    m, n2 : `e^{-t}` and `1 - e^{-2t}`, shape (N,)
    """

    gamma: Weights
    scores: Floats
    gaps: Floats
    reaches: Floats
    data: Floats
    low: Floats
    high: Floats
    fixed: Floats
    prior: Floats
    sizes: Floats
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
        sizes = np.linalg.norm(mixture.means, axis=1)
        return cls(
            gamma=np.asarray(FLOATS.responsibilities(components.logits(x))),
            scores=np.asarray(components.component_scores(x)),
            gaps=np.linalg.norm(x[:, None, :] - m[:, None, None] * mixture.means, axis=-1),
            reaches=np.linalg.norm(x, axis=1)[:, None] + m[:, None] * sizes,
            data=largest,
            low=low,
            high=high,
            fixed=np.abs(np.log(mixture.weights)) + mixture.dimension * size / 2 + mixture.dimension + 1,
            prior=np.asarray(mixture.weights),
            sizes=sizes,
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


def steps_of_time(t: Times) -> Floats:
    """`e = 6 + 3t`, the roundings that `m = e^{-t}` costs: three of them may be in the exponent."""
    return np.asarray(6 + 3 * t)


@dataclass(frozen=True)
class Rounding:
    """What rounding in a format may do at N points: see the formulas of this module.

    Attributes
    ----------
    inverses : `i_k`, infinite from `eta_k = 1` on and where a logit may overflow, shape (N, K)
    components : `delta_k`, shape (N, K)
    logits : `E_k`, shape (N, K)
    weights : `rho_k`, shape (N, K)
    spill : `gamma_k (e^{E_k} - 1) / sum_j gamma_j e^{-E_j}`, how far responsibilities may move, shape (N, K)
    sums : relative error of a sum of terms with responsibilities, shape (N, K)
    dropped : how far the log-density may fall by weights that underflow, shape (N,)
    """

    inverses: Floats
    components: Floats
    logits: Floats
    weights: Weights
    spill: Weights
    sums: Floats
    dropped: Floats

    @classmethod
    def of(cls, found: Posterior, precision: Precision, t: Times) -> Rounding:
        """At the points of a posterior."""
        u, count, dimension = precision.unit, found.gamma.shape[1], found.scores.shape[2]
        e, m2, n2 = steps_of_time(t)[:, None], (found.m**2)[:, None], found.n2[:, None]
        formed = 1 + e * m2 * (1 + found.data) + 3 * dimension * (found.high - found.low)
        eta = u * (3 + formed / found.low)
        inverses = np.where(eta < 1, eta / np.maximum(1 - eta, precision.unit), np.inf)
        squares, q = found.reaches**2 / found.low, found.gaps**2 / found.low
        inverses = np.where(8 * squares < precision.largest, inverses, np.inf)
        with np.errstate(invalid="ignore"):  # infinite times zero: nothing is known
            components = ((e + count) * u * found.reaches + inverses * found.gaps) / n2
        components = np.where(np.isnan(components), np.inf, components)
        logits = u * ((dimension + e) * squares / 2 + 4 * found.fixed) + inverses * (q + dimension) / 2
        limited = np.minimum(logits, _LARGE)
        shares = found.gamma * np.exp(-limited)
        lost = np.minimum(precision.least / 2 / found.prior, 1.0)  # the share of a weight that underflow may take
        left = np.maximum((shares * (1 - lost)).sum(axis=1, keepdims=True), _NONE)
        gone = left <= _NONE  # what is left says nothing of who has which share
        dropped = np.where(gone[:, 0], np.inf, np.log(np.maximum(shares.sum(axis=1), _NONE) / left[:, 0]))
        logits, limited = logits + np.log1p(lost), np.minimum(limited + np.log1p(lost), _LARGE)
        weights = np.where(gone, 1.0, np.minimum(found.gamma * np.exp(limited) / left, 1.0))
        spill = np.where(gone, 1 / _NONE, found.gamma * np.expm1(limited) / left)
        sums = (count + 4) * u + np.expm1(np.minimum(4 * u * (q / 2 + found.fixed), _LARGE))
        return cls(inverses, components, logits, weights, spill, sums, dropped)

    def of_mean(self, found: Posterior, values: Floats, mean: Floats) -> Floats:
        """How far `sum_k gamma_k values_k` may move by its weights; `values` of shape (N, K, ...), result (N,)."""
        apart = (values - mean[:, None]).reshape((*found.gamma.shape, -1))
        distances = np.linalg.norm(apart, axis=-1)
        return np.asarray(np.minimum(np.einsum("nk,nk->n", self.spill, distances), distances.max(axis=1)))

    def of_terms(self, errors: Floats) -> Floats:
        """`sum_k rho_k errors_k`, where a weight of zero makes nothing of any error; shape (N,)."""
        with np.errstate(invalid="ignore"):
            each = self.weights * errors
        return np.asarray(np.where(self.weights > 0, each, 0.0).sum(axis=1))


def score_error(found: Posterior, precision: Precision, t: Times) -> Floats:
    """How far, in norm, a right score in this format may be from the exact one; infinite where it may say anything."""
    rounding = Rounding.of(found, precision, t)
    own = rounding.of_terms(rounding.components + rounding.sums * np.linalg.norm(found.scores, axis=-1))
    count, dimension = found.scores.shape[1:]
    underflow = precision.least / 2 * (found.sizes.max() + (count + 2) * dimension**0.5) / found.n2
    return np.asarray(own + rounding.of_mean(found, found.scores, found.score) + underflow)
