"""Each quantity of the noised components, for each kind of covariance, against its formula with matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.field.components import components_at, quantity_from
from certflow.numbers.floats import FLOATS

RNG = np.random.default_rng(3)
WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = RNG.normal(size=(3, 2))
FACTORS = RNG.normal(size=(3, 2, 2))
FULL = FACTORS @ FACTORS.transpose(0, 2, 1) + 0.2 * np.eye(2)
X, T = RNG.normal(size=(7, 2)), np.array([0.05, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5])

COVARIANCES = {"common-isotropic": 0.3, "isotropic": np.array([0.2, 0.7, 1.4]), "shared": FULL[0], "full": FULL}


def matrices(kind: str) -> Any:
    """`Sigma_k`, shape (K, d, d)."""
    given = COVARIANCES[kind]
    if kind in ("common-isotropic", "isotropic"):
        return np.broadcast_to(given, (3,))[:, None, None] * np.eye(2)
    return np.broadcast_to(given, (3, 2, 2))


def expected(kind: str, x: Any, t: float) -> dict[str, Any]:
    """S1 to S4 at one point."""
    m = np.exp(-t)
    noised = m**2 * matrices(kind) + (1 - m**2) * np.eye(2)
    precisions = np.linalg.inv(noised)
    scores = -np.einsum("kij,kj->ki", precisions, x - m * MEANS)
    densities = WEIGHTS * np.exp(np.einsum("ki,ki->k", scores, x - m * MEANS) / 2) / (2 * np.pi)
    densities = densities / np.sqrt(np.linalg.det(noised))
    gamma = densities / densities.sum()
    score = gamma @ scores
    centred = scores - score
    spread = np.einsum("k,ki,kj->ij", gamma, centred, centred)
    return {
        "log_density": np.log(densities.sum()),
        "responsibilities": gamma,
        "score": score,
        "velocity": -x - score,
        "jacobian": -np.eye(2) + np.einsum("k,kij->ij", gamma, precisions) - spread,
        "component_scores": scores,
        "component_velocities": -x - scores,
        "log_joint": np.log(densities),
    }


@pytest.mark.parametrize("times", ["one for each point", "one for all"])
@pytest.mark.parametrize("kind", list(COVARIANCES))
def test_every_quantity_is_its_formula(kind: str, times: str) -> None:
    mixture = cf.GaussianMixture(WEIGHTS, MEANS, COVARIANCES[kind])
    assert mixture.kind == kind
    t = T if times == "one for each point" else T[2:3]
    parts = components_at(mixture, FLOATS, t)
    found = {
        name: quantity_from(parts, FLOATS, name, X)[0]
        for name in ("log_density", "responsibilities", "score", "velocity", "jacobian")
    }
    found["component_scores"] = parts.component_scores(X)
    found["component_velocities"] = parts.component_velocities(X)
    found["log_joint"] = parts.logits(X) + parts.log_scale(X)[:, None]
    for row, (x, time) in enumerate(zip(X, np.broadcast_to(t, 7), strict=True)):
        for name, right in expected(kind, x, float(time)).items():
            np.testing.assert_allclose(found[name][row], right, rtol=1e-12, atol=1e-12, err_msg=name)


def test_binary_weights_that_miss_one_are_divided_by_their_exact_sum() -> None:
    mixture = cf.GaussianMixture([1 / 3 + 4e-10, 2 / 3], MEANS[:2], 0.3)
    total = float(mixture.weight_total)
    assert total != 1
    joint = components_at(mixture, FLOATS, T[:1])
    exact = cf.GaussianMixture([(1 / 3 + 4e-10) / total, 2 / 3 / total], MEANS[:2], 0.3)
    np.testing.assert_allclose(joint.logits(X), components_at(exact, FLOATS, T[:1]).logits(X), rtol=0, atol=1e-14)
