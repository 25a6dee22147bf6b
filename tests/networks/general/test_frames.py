"""Rounded axes and variances: the covariance that they stand for is between the exact one and a little more (A6)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

import certflow as cf
from certflow.networks.general.frames import frames


def fractions(rows):
    return np.array([[Fraction(int(entry.p), int(entry.q)) for entry in row] for row in rows], dtype=object)


def is_positive(matrix):
    """Whether a symmetric matrix of fractions is positive semidefinite, by elimination."""
    matrix = matrix.copy()
    for i in range(len(matrix)):
        if matrix[i, i] < 0 or (matrix[i, i] == 0 and any(matrix[i, i + 1 :])):
            return False
        if matrix[i, i] > 0:
            for j in range(i + 1, len(matrix)):
                matrix[j] = matrix[j] - matrix[i] * (matrix[j, i] / matrix[i, i])
    return True


@pytest.mark.parametrize("name", ["iris-full", "anisotropic-pair", "wine"])
@pytest.mark.parametrize("bits", [30, 100])
def test_rounded_covariances_are_above_the_exact_ones_by_at_most_the_slack(name, bits):
    """In the coordinates of the axes `v - U^T C U` and `(1 + slack) U^T C U - v` are positive, at three times."""
    mixture = cf.load_mixture(name)
    found, of = frames(mixture, bits)
    exact = np.broadcast_to(mixture.exact_covariances.fractions, (mixture.n_components, *[mixture.dimension] * 2))
    for k in range(1 if mixture.kind == "shared" else mixture.n_components):
        frame = found[of[k]]
        if frame.axes is None:
            assert frame.slack == 0
            continue
        axes, slack = fractions(frame.axes), Fraction(int(frame.slack.p), int(frame.slack.q))
        assert slack < Fraction(2) ** (8 - bits) * mixture.dimension**2
        for square in (Fraction(0), Fraction(1, 3), Fraction(98, 100)):  # m^2
            covariance = square * exact[k] + (1 - square) * np.eye(mixture.dimension, dtype=int)
            turned = axes @ covariance @ axes.T
            variances = np.diag([square * entry + 1 - square for entry in fractions([frame.variances])[0]])
            assert is_positive(variances - turned)
            assert is_positive((1 + slack) * turned - variances)
            assert not is_positive(turned - variances)


def test_diagonal_and_scalar_covariances_are_taken_as_they_are():
    found, of = frames(cf.load_mixture("two-variances"), 50)
    assert [frame.variances for frame in found] == [(fmpq(1, 25),), (fmpq(1, 4),)]
    assert of == (0, 1)
    diagonal = cf.GaussianMixture(
        [Fraction(1, 3)] * 3, [[0, 0], [1, 0], [2, 0]], [[[2, 0], [0, 3]], [[5, 0], [0, 5]], [[2, 0], [0, 3]]]
    )
    found, of = frames(diagonal, 50)
    assert [frame.variances for frame in found] == [(2, 3), (5, 5)]
    assert of == (0, 1, 0)
    assert all(frame.axes is None and frame.slack == 0 for frame in found)
