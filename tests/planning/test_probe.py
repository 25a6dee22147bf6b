"""Probes: nothing is left of an affine map, and of others what an independent least-squares fit leaves."""

from __future__ import annotations

import numpy as np
import pytest

import certflow as cf

torch = pytest.importorskip("torch")

from certflow.distill.reference import ReferenceFlow  # noqa: E402
from certflow.planning import probe  # noqa: E402
from certflow.planning.probe import probes  # noqa: E402

TIMES = (3.0, 1.0, 0.4, 0.1, 0.01)


def trajectories(law: cf.GaussianMixture, count: int = 600) -> torch.Tensor:
    flow = ReferenceFlow(cf.OrnsteinUhlenbeck(law), steps=16)
    return flow.nodes(flow.draw(count, 3, 1), TIMES)


def two_modes(variance: str) -> cf.GaussianMixture:
    return cf.GaussianMixture(["0.5", "0.5"], [[-1, 0], [1, 0]], variance)


@pytest.fixture(scope="module")
def bimodal() -> torch.Tensor:
    return trajectories(two_modes("0.04"))


def test_nothing_is_left_of_an_affine_flow():
    law = cf.GaussianMixture([1], [[0.5, -1]], [[[0.3, 0.1], [0.1, 1.7]]])
    found = probes(trajectories(law), [(0, 4), (1, 3), (3, 4)])
    assert found.shape == (3, 2)
    assert (found >= 0).all()
    assert found.max() < 1e-8  # the ridge: at most 1e-8 times the squared weights of the affine map


def test_against_least_squares_of_numpy(bimodal, monkeypatch):
    """The same random features, written out anew, and `lstsq` on rows with the ridge below them."""
    monkeypatch.setattr(probe, "FEATURES", 24)
    seed, pairs = 5, [(0, 4), (2, 4), (0, 1)]
    points = bimodal.numpy()
    half, scale = points.shape[1] // 2, (points[-1] ** 2).sum(1).mean()
    expected = np.zeros((3, 2))
    for row, (a, b) in enumerate(pairs):
        x, y = points[a], points[b] - points[a]
        z = (x - x.mean(0)) / x.std(0, ddof=1)
        for column, sharpness in enumerate((1.0, 3.0)):
            for draw in range(2):
                generator = torch.Generator().manual_seed(2 * seed + draw)
                w = sharpness * torch.randn(2, 24, generator=generator, dtype=torch.float64).numpy()
                centres = z[torch.randint(len(z), (24,), generator=generator).numpy()]
                ridges = [np.tanh((z - centre) @ w[:, i]) for i, centre in enumerate(centres)]
                features = np.column_stack([*ridges, z, np.ones(len(z))])
                damped = np.vstack([features[:half], np.sqrt(1e-8 * half) * np.eye(27)])
                weights = np.linalg.lstsq(damped, np.vstack([y[:half], np.zeros((27, 2))]), rcond=None)[0]
                gap = y[half:] - features[half:] @ weights
                expected[row, column] += (gap**2).sum(1).mean() / 2 / scale
    np.testing.assert_allclose(probes(bimodal, pairs, seed), expected, rtol=1e-6)


def test_harder_segments_leave_more(bimodal):
    long, middle, short = probes(bimodal, [(0, 4), (1, 3), (0, 1)])
    assert (long > middle).all()
    assert (middle > short).all()
    wide, narrow = (probes(trajectories(two_modes(variance)), [(0, 4)])[0] for variance in ("0.3", "0.01"))
    assert (narrow > 10 * wide).all()


def test_a_probe_does_not_depend_on_the_others(bimodal):
    pairs = [(2, 4), (0, 4), (2, 3), (0, 1)]
    together = probes(bimodal, pairs)
    for pair, row in zip(pairs, together, strict=True):
        np.testing.assert_allclose(probes(bimodal, [pair])[0], row, rtol=1e-9)
    assert np.array_equal(probes(bimodal, pairs), together)
    assert not np.array_equal(probes(bimodal, pairs, seed=1), together)
