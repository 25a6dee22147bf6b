"""Chapter S: density, score, velocity, Jacobian against derivatives of the density, and their size."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from certflow.numbers.arrays import Floats, Objects
from certflow.process import OrnsteinUhlenbeck
from certflow.testing.properties.arguments import near_spots, spots
from certflow.testing.properties.property import GUARDED, Property, at_most, equal, rounding

#: Digits and step of central differences: they are off by `step^2` times a third derivative (of order `v^{-3}`,
#: `v >= 1e-4` or so), far below float64.
_DIGITS, _STEP = 60, "1e-16"


def _exact(values: Any) -> Objects:
    """The numbers that floats are, for mpmath."""
    array = np.asarray(values, dtype=float)
    return np.array([mpmath.mpf(float(value)) for value in array.flat], dtype=object).reshape(array.shape)


def _moved(x: Floats) -> tuple[Objects, Any]:
    """`x`, then `x +- h e_i`, and `h`; shape (1 + 2d, d)."""
    h, centre = mpmath.mpf(_STEP), _exact(x)
    rows = [centre]
    for i in range(len(x)):
        for sign in (1, -1):
            row = centre.copy()
            row[i] += sign * h
            rows.append(row)
    return np.stack(rows), h


def _log_derivatives(process: Any, x: Floats, t: float) -> tuple[Objects, Any, Any]:
    """Gradient, Laplacian and time derivative of `log p_t`, by central differences in 60 digits."""
    rows, h = _moved(x)
    time = mpmath.mpf(t)
    logs = process.log_density(rows, time)
    late, early = (process.log_density(rows[:1], time + sign * h)[0] for sign in (1, -1))
    pairs = logs[1:].reshape(-1, 2)
    gradient = (pairs[:, 0] - pairs[:, 1]) / (2 * h)
    return gradient, ((pairs.sum(axis=1) - 2 * logs[0]) / h**2).sum(), (late - early) / (2 * h)


def fokker_planck(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """S1: `d_t l = d + x . grad l + Laplace l + |grad l|^2`, `l = log p_t`: `d_t p = div(x p) + Laplace p`."""
    with mpmath.workdps(_DIGITS):
        gradient, laplacian, rate = _log_derivatives(process, x, t)
        terms = [rate, -len(x), -(_exact(x) @ gradient), -laplacian, -(gradient @ gradient)]
        size = float(sum(map(abs, terms)))
        rest = float(sum(terms))
    equal(process, {"x": x, "t": t}, rest, 0.0, 1e-9 * (1 + size))


def gradient_of_density(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """S2: `s = grad log p_t`."""
    with mpmath.workdps(_DIGITS):
        gradient = _log_derivatives(process, x, t)[0].astype(float)
    equal(process, {"x": x, "t": t}, process.score(x, t), gradient, GUARDED * (1 + np.abs(gradient).max()))


def drift(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """S3: `u = -x - grad log p_t`."""
    with mpmath.workdps(_DIGITS):
        right = (-_exact(x) - _log_derivatives(process, x, t)[0]).astype(float)
    equal(process, {"x": x, "t": t}, process.velocity(x, t), right, GUARDED * (1 + np.abs(right).max()))


def size_of_velocity(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """S3: `|u| <= m max ||P_k|| (m max ||Sigma_k - I|| |x| + max |mu|)`: the velocity vanishes at the noise end.

    `u = sum_k gamma_k P_k (m^2 (Sigma_k - I) x - m mu_k)`, and `Sigma_k` commutes with `P_k`.
    """
    m2, n2 = float(np.exp(-2 * t)), float(-np.expm1(-2 * t))
    widths = np.linalg.eigvalsh(process.mixture.covariance_matrices)
    precision = float((1 / (m2 * widths + n2)).max())
    means = float(np.linalg.norm(process.mixture.means, axis=1).max())
    bound = precision * (m2 * float(np.abs(widths - 1).max()) * float(np.linalg.norm(x)) + m2**0.5 * means)
    at_most(process, {"x": x, "t": t}, np.linalg.norm(process.velocity(x, t)), bound, 1e-11 * bound + 1e-300)


def derivative_of_velocity(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """S4: `J = grad u`, and it is symmetric."""
    with mpmath.workdps(_DIGITS):
        rows, h = _moved(x)
        pairs = process.velocity(rows, mpmath.mpf(t))[1:].reshape(len(x), 2, len(x))
        slopes = ((pairs[:, 0] - pairs[:, 1]) / (2 * h)).astype(float).T
    found = process.jacobian(x, t)
    size = GUARDED * (1 + np.abs(slopes).max())
    equal(process, {"x": x, "t": t}, found, slopes, size)
    equal(process, {"x": x, "t": t}, found, found.T, size)


def posterior(process: OrnsteinUhlenbeck, x: Floats, t: float) -> None:
    """Tweedie: `gamma` sums to 1, and `x + n^2 s` is the posterior mean of the signal, `m E[x_0|x]`, component-wise.

    `E[x_0|x, k] = mu_k + m Sigma_k C_k^{-1} (x - m mu_k)`.
    """
    m, n2 = float(np.exp(-t)), float(-np.expm1(-2 * t))
    mixture, gamma = process.mixture, process.responsibilities(x, t)
    noised = m**2 * mixture.covariance_matrices + n2 * np.eye(len(x))
    gaps = x - m * mixture.means
    means = mixture.means + m * np.einsum(
        "kij,kj->ki", mixture.covariance_matrices, np.linalg.solve(noised, gaps[..., None])[..., 0]
    )
    inputs = {"x": x, "t": t}
    equal(process, inputs, gamma.sum(), 1.0, 1e-12)
    condition = float(np.linalg.cond(noised).max())
    size = 1 + float(np.abs(gaps).max())
    slack = 64 * rounding(process, x, t) + 1e-14 * condition * size
    equal(process, inputs, x + n2 * process.score(x, t), m * gamma @ means, slack)


PROPERTIES = (
    Property(
        "S1.fokker-planck", "S1", "the density solves the equation of Fokker and Planck", near_spots, fokker_planck
    ),
    Property("S2.gradient", "S2", "the score is the gradient of the log-density", spots, gradient_of_density),
    Property("S2.posterior", "S2", "the score tells the posterior mean of the data", near_spots, posterior),
    Property("S3.drift", "S3", "the velocity is minus x minus the score", spots, drift),
    Property("S3.size", "S3", "the velocity is no longer than its factors allow", spots, size_of_velocity),
    Property(
        "S4.derivative", "S4", "the Jacobian is the derivative of the velocity", near_spots, derivative_of_velocity
    ),
)
