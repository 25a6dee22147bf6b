"""An oracle that shares nothing with the package: it reads a mixture's exact fractions and nothing else.

Two routes, held against each other in `test_field.py`:

- `log_density_mp`, `score_mp`, `jacobian_mp`: the density as a sum of exponentials with explicit matrices and
  determinants in mpmath, differentiated by mpmath's own numerical differentiation;
- `Oracle`: explicit formulas in the standard library's `decimal` at `DIGITS` digits (fast, and another
  implementation of arithmetic, exp and log than mpmath's).
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction

import mpmath
import numpy as np

#: Working digits of the decimal oracle; 50 would do, the rest covers cancellation of large exponents.
DIGITS = 130

_CONTEXT = Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)


# -- the exact data ----------------------------------------------------------------------------------------


def exact_parameters(mixture):
    """Weights, means (K, d) and covariance matrices (K, d, d) as exact fractions, in plain lists."""
    weights = [Fraction(w) for w in mixture.exact_weights.fractions]
    total = sum(weights)
    weights = [w / total for w in weights]
    means = [[Fraction(v) for v in row] for row in mixture.exact_means.fractions]
    dimension = len(means[0])
    given = mixture.exact_covariances.fractions

    def matrix(k):
        if given.ndim == 3:
            return [[Fraction(v) for v in row] for row in given[k]]
        if given.ndim == 2:
            return [[Fraction(v) for v in row] for row in given]
        variance = Fraction(given[k] if given.ndim == 1 else given[()])
        return [[variance * (i == j) for j in range(dimension)] for i in range(dimension)]

    return weights, means, [matrix(k) for k in range(len(weights))]


def fraction(value):
    """The exact value of a text, an int, a float or a fraction."""
    return Fraction(value)


# -- route one: mpmath, numerical differentiation ------------------------------------------------------------


def log_density_mp(mixture, x, t):
    """`log sum_k w_k (2 pi)^{-d/2} det(C_k)^{-1/2} exp(-(x - m mu)^T C_k^{-1} (x - m mu) / 2)`, in mpmath.

    x : list of mpf or exact numbers; t : likewise. No maximum is subtracted: mpmath's exponents do not
    overflow.
    """
    weights, means, covariances = exact_parameters(mixture)
    mp = mpmath.mp
    x = [_mpf(v) for v in x]
    m = mp.exp(-_mpf(t))
    d = len(x)
    total = mp.mpf(0)
    for w, mu, sigma in zip(weights, means, covariances, strict=True):
        c = mp.matrix(d, d)
        for i in range(d):
            for j in range(d):
                c[i, j] = m**2 * _mpf(sigma[i][j]) + (1 - m**2) * (i == j)
        r = mp.matrix([x[i] - m * _mpf(mu[i]) for i in range(d)])
        solved = mp.lu_solve(c, r)
        square = mp.fsum(r[i] * solved[i] for i in range(d))
        total += _mpf(w) * mp.exp(-square / 2) / mp.sqrt((2 * mp.pi) ** d * mp.det(c))
    return mp.log(total)


def _mpf(value):
    if isinstance(value, mpmath.mpf):
        return value
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def score_mp(mixture, x, t, digits=60):
    """Gradient of `log_density_mp` by `mpmath.diff`, shape (d,), to about `digits` digits."""
    x = list(x)
    with mpmath.workdps(2 * digits + 40):
        base = [_mpf(v) for v in x]
        result = []
        for i in range(len(x)):

            def along(h, i=i):
                return log_density_mp(mixture, [v + h * (j == i) for j, v in enumerate(base)], t)

            result.append(mpmath.diff(along, 0, h=mpmath.mpf(10) ** (-digits // 2 - 15)))
        return np.array(result, dtype=object)


def jacobian_mp(mixture, x, t, digits=30):
    """Jacobian of the velocity `-x - grad log p_t`, shape (d, d), by `mpmath.diff` of second order."""
    x = list(x)
    d = len(x)
    with mpmath.workdps(4 * digits + 40):
        base = [_mpf(v) for v in x]
        step = mpmath.mpf(10) ** (-digits // 2 - 10)
        result = np.empty((d, d), dtype=object)
        for i in range(d):
            for j in range(i + 1):

                def along(a, b, i=i, j=j):
                    point = [v + a * (k == i) + b * (k == j) for k, v in enumerate(base)]
                    return log_density_mp(mixture, point, t)

                value = mpmath.diff(along, (0, 0), (1, 1), h=step)
                result[i, j] = result[j, i] = -value - (i == j)
        return result


# -- route two: decimal, explicit formulas -------------------------------------------------------------------


def dec(value):
    """A fraction (or anything that denotes one) as a Decimal of `DIGITS` digits."""
    exact = Fraction(value)
    return _CONTEXT.divide(Decimal(exact.numerator), Decimal(exact.denominator))


_dec_array = np.frompyfunc(dec, 1, 1)


class Oracle:
    """Every quantity of a mixture at one point and time, in Decimal arrays."""

    def __init__(self, mixture):
        weights, means, covariances = exact_parameters(mixture)
        self.d = len(means[0])
        with localcontext(_CONTEXT):
            self.log_w = [dec(w).ln() for w in weights]
            self.means = _dec_array(np.array(means, dtype=object))
            self.distinct = []
            self.which = []
            for sigma in covariances:
                if sigma not in self.distinct:
                    self.distinct.append(sigma)
                self.which.append(self.distinct.index(sigma))
            self.scalar = all(
                s[i][j] == (s[0][0] if i == j else 0)
                for s in self.distinct
                for i in range(self.d)
                for j in range(self.d)
            )
            self.sigmas = [_dec_array(np.array(s, dtype=object)) for s in self.distinct]
            self.log_two_pi = dec(
                "6.28318530717958647692528676655900576839433879875021164194988918461563281257241799725606965068423413596429617302656461329418768921910116446345"
            ).ln()

    @classmethod
    def isotropic(cls, mixture):
        """The oracle of a mixture of one variance, in `R^d` for large `d`: no matrices, no Jacobian."""
        return _Isotropic(mixture)

    def at(self, x, t):
        """A dictionary: log_density, responsibilities, score, velocity, jacobian."""
        with localcontext(_CONTEXT):
            return self._at(_dec_array(np.asarray(x, dtype=object)), dec(t))

    def _at(self, x, t):
        d = self.d
        m = (-t).exp()
        m2 = (-2 * t).exp()
        one = Decimal(1)
        inverses, logdets = [], []
        for sigma in self.sigmas:
            if self.scalar:
                v = m2 * sigma[0, 0] + (one - m2)
                inverses.append(one / v)
                logdets.append(d * v.ln())
            else:
                inverse, logdet = _invert(m2 * sigma + (one - m2) * _identity(d))
                inverses.append(inverse)
                logdets.append(logdet)
        offsets = x[None, :] - m * self.means  # (K, d)
        scores, logs = [], []
        for k, which in enumerate(self.which):
            inverse = inverses[which]
            b = -(inverse * offsets[k]) if self.scalar else -(inverse @ offsets[k])
            scores.append(b)
            logs.append(self.log_w[k] + (b @ offsets[k] - logdets[which] - d * self.log_two_pi) / 2)
        scores = np.array(scores, dtype=object)
        top = max(logs)
        powers = np.array([(value - top).exp() for value in logs], dtype=object)
        total = powers.sum()
        gamma = powers / total
        score = gamma @ scores
        deviations = scores - score[None, :]
        spread = deviations.T @ (gamma[:, None] * deviations)
        mean_precision = self._mean_precision(gamma, inverses)
        return {
            "log_density": np.array(top + total.ln(), dtype=object),
            "responsibilities": gamma,
            "score": score,
            "velocity": -x - score,
            "jacobian": mean_precision - _identity(d) - spread,
        }

    def _mean_precision(self, gamma, inverses):
        mass = [Decimal(0)] * len(inverses)
        for k, which in enumerate(self.which):
            mass[which] += gamma[k]
        if self.scalar:
            return _identity(self.d) * sum(a * b for a, b in zip(mass, inverses, strict=True))
        return sum(a * b for a, b in zip(mass, inverses, strict=True))


class _Isotropic:
    def __init__(self, mixture):
        given = mixture.exact_weights.fractions
        self.log_w = [dec(Fraction(w) / sum(map(Fraction, given))).ln() for w in given]
        self.means = _dec_array(np.array(mixture.exact_means.fractions, dtype=object))
        self.variance = dec(Fraction(mixture.exact_covariances.fractions[()]))

    def at(self, x, t):
        with localcontext(_CONTEXT):
            x, t = _dec_array(np.asarray(x, dtype=object)), dec(t)
            m, m2 = (-t).exp(), (-2 * t).exp()
            v = m2 * self.variance + 1 - m2
            offsets = x[None, :] - m * self.means
            logs = [w - (o @ o) / (2 * v) for w, o in zip(self.log_w, offsets, strict=True)]
            powers = [(value - max(logs)).exp() for value in logs]
            gamma = np.array([power / sum(powers) for power in powers], dtype=object)
            score = -(gamma @ offsets) / v
            return {"responsibilities": gamma, "score": score, "velocity": -x - score}


def _identity(d):
    result = np.full((d, d), Decimal(0), dtype=object)
    for i in range(d):
        result[i, i] = Decimal(1)
    return result


def _invert(matrix):
    """Inverse and log-determinant by Gauss-Jordan elimination with row pivoting."""
    d = len(matrix)
    work = np.concatenate([matrix, _identity(d)], axis=1)
    logdet = Decimal(0)
    for j in range(d):
        pivot = j + max(range(d - j), key=lambda i: abs(work[j + i, j]))
        if pivot != j:
            work[[j, pivot]] = work[[pivot, j]]
        logdet += abs(work[j, j]).ln()
        work[j] = work[j] / work[j, j]
        for i in range(d):
            if i != j and work[i, j] != 0:
                work[i] = work[i] - work[i, j] * work[j]
    return work[:, d:], logdet


def relative_error(value, exact):
    """`|value - exact| / |exact|` in the Euclidean norm, as a float; `value` are floats, `exact` Decimals."""
    with localcontext(_CONTEXT):
        flat = np.asarray(exact, dtype=object).ravel()
        given = np.asarray(value).ravel()
        if not all(np.isfinite(float(v)) for v in given):
            return float("inf")
        error = sum(((dec(v) - e) ** 2 for v, e in zip(given, flat, strict=True)), Decimal(0)).sqrt()
        size = sum((e * e for e in flat), Decimal(0)).sqrt()
        if size < Decimal("1e-100"):  # a zero, up to the rounding of this oracle
            return 0.0 if error < Decimal("1e-100") else float("inf")
        return float(error / size)
