"""`check_velocity`, `check_jacobian`, `check_log_density`: right code passes, wrong code is named."""

from __future__ import annotations

import numpy as np
import pytest
import scores

import certflow as cf
from certflow.testing import check_jacobian, check_log_density, check_velocity
from certflow.testing.result import CheckFailed

SMALL = {"max_examples": 32}


def log_density(law, dtype=np.float64):
    w, mu, sigma = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means, law.covariances))

    def f(x, t):
        m = np.exp(-t)[:, None, None]
        c = (m * m)[..., None] * sigma + (1 - m * m)[..., None] * np.eye(mu.shape[1], dtype=dtype)
        z = x[:, None, :] - m * mu
        q = (z * np.linalg.solve(c, z[..., None])[..., 0]).sum(-1)
        logits = np.log(w) - np.linalg.slogdet(c)[1] / 2 - q / 2 - dtype(mu.shape[1] * np.log(2 * np.pi) / 2)
        top = logits.max(1)
        return top + np.log(np.exp(logits - top[:, None]).sum(1))

    return f


def jacobian(law, dtype=np.float64):
    """`-I + sum g P - sum g b b^T + s s^T`, as one writes it down."""
    w, mu, sigma = (np.asarray(each, dtype=dtype) for each in (law.weights, law.means, law.covariances))

    def f(x, t):
        m = np.exp(-t)[:, None, None]
        eye = np.eye(mu.shape[1], dtype=dtype)
        p = np.linalg.inv((m * m)[..., None] * sigma + (1 - m * m)[..., None] * eye)
        z = x[:, None, :] - m * mu
        b = -(p @ z[..., None])[..., 0]
        logits = np.log(w) + np.linalg.slogdet(p)[1] / 2 + (b * z).sum(-1) / 2
        g = np.exp(logits - logits.max(1, keepdims=True))
        g /= g.sum(1, keepdims=True)
        s = (g[..., None] * b).sum(1)
        outer = (g[..., None, None] * b[..., :, None] * b[..., None, :]).sum(1)
        return -eye + (g[..., None, None] * p).sum(1) - outer + s[:, :, None] * s[:, None, :]

    return f


CHECKS = {
    "velocity": (check_velocity, lambda law, dtype=np.float64: lambda x, t: -x - scores.solved(law, dtype)(x, t)),
    "jacobian": (check_jacobian, jacobian),
    "log_density": (check_log_density, log_density),
}


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_right_code_passes(kind: str, name: str) -> None:
    check, make = CHECKS[kind]
    law = scores.parts(cf.load_mixture(name))
    for dtype in (np.float64, np.float32):
        check(make(law, dtype), name, dtype=np.dtype(dtype), **SMALL)


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize(("dtype", "relative"), [(np.float64, 1e-6), (np.float32, 1e-3)])
def test_a_slightly_wrong_variance_is_caught(kind: str, dtype, relative: float) -> None:
    check, make = CHECKS[kind]
    law = scores.parts(cf.load_mixture("two-modes"))
    with pytest.raises(CheckFailed):
        check(make(law.but(covariances=law.covariances * (1 + relative)), dtype), "two-modes", dtype=np.dtype(dtype))


@pytest.mark.parametrize(
    ("kind", "change", "cause"),
    [
        ("jacobian", lambda j, t: -np.eye(2) - j, "score for the velocity"),
        ("jacobian", lambda j, t: -j, "sign"),
        ("jacobian", lambda j, t: j + np.eye(2), "-I lost"),
        ("jacobian", lambda j, t: -np.eye(2) - (np.eye(2) + j), "sign of a term"),
        ("jacobian", lambda j, t: j * np.eye(2), "diagonal"),
        ("log_density", lambda p, t: -p, "sign"),
        ("log_density", lambda p, t: np.exp(p), "density"),
        ("log_density", lambda p, t: p + np.log(2 * np.pi), "constant lost"),
        ("log_density", lambda p, t: p / np.log(10), "base"),
    ],
)
def test_faults_are_named(kind: str, change, cause: str) -> None:
    check, make = CHECKS[kind]
    right = make(scores.parts(cf.load_mixture("two-variances")))
    with pytest.raises(CheckFailed) as caught:
        check(lambda x, t: change(right(x, t), t), "two-variances", **SMALL)
    assert cause in [each.name for each in caught.value.result.causes]


@pytest.mark.parametrize("kind", CHECKS)
def test_the_time_convention_is_named(kind: str) -> None:
    check, make = CHECKS[kind]
    right = make(scores.parts(cf.load_mixture("two-variances")))
    with pytest.raises(CheckFailed) as caught:
        check(lambda x, t: right(x, t / 2), "two-variances", **SMALL)
    assert [each.name for each in caught.value.result.causes] == ["time: half"]
