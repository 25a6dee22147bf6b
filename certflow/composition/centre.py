"""Floors about the centre of a law: the flow commutes with shifts, `Phi(x + m_T c) = Phi(x) + m_s c` (proofs/M2.md).

A law far from the origin has widths that its coordinates do not hold. With its mean taken off, exactly, distances are
what they are; only the scale `E|Phi|^2` that a relative floor is divided by is that of the law where it stands.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from certflow.law.mixture import GaussianMixture
from certflow.law.noised import Process
from certflow.numbers.arrays import Floats


def about_centre(process: Process) -> tuple[Process, Floats]:
    """The process of the law less its mean, rounded to float64, and that mean, shape (d,)."""
    if process.mixture.is_symbolic:
        return process, np.zeros(process.mixture.dimension)
    found: tuple[GaussianMixture, Floats] = process.mixture.kept[_centred]
    law, centre = found
    return (process.of(law) if law is not process.mixture else process), centre


def shifts(process: Process, centre: Floats) -> tuple[Floats, Floats]:
    """What is added to points at the noise end and at the data end, `m_T c` and `m_s c`."""
    return math.exp(-process.t_max) * centre, math.exp(-process.t_min) * centre


def _centred(mixture: GaussianMixture) -> tuple[GaussianMixture, Floats]:
    weights = mixture.weights / mixture.weights.sum()
    centre = weights @ mixture.means
    if not centre.any() or not np.isfinite(centre).all():
        return mixture, np.zeros_like(centre)
    exact = np.array([Fraction(float(v)) for v in centre], dtype=object)
    means = mixture.exact_means.fractions - exact
    law = GaussianMixture(
        mixture.exact_weights.values, means, mixture.exact_covariances.values, name=mixture.name, origin=mixture.origin
    )
    return law, centre
