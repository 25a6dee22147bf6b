"""Fits to data: known clusters come back whatever the units, the origin and the order of the data are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.mixture
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning

import certflow as cf
from certflow.errors import InputError

TYPES = ("spherical", "common", "tied", "full", "diag")
#: Those whose model knows no unit common to the columns.
BY_COLUMN = ("tied", "full", "diag")
COUNT = 150


def clusters(centres: Any, deviation: float, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points about centres far apart, with the mean and the (pooled over columns) variance of each cluster."""
    centres = np.asarray(centres, dtype=float)
    noise = np.random.default_rng(seed).standard_normal((len(centres), COUNT, centres.shape[1]))
    parts = centres[:, None] + deviation * noise
    return parts.reshape(-1, centres.shape[1]), parts.mean(axis=1), parts.var(axis=1).mean(axis=1)


def in_order(mixture: cf.GaussianMixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.lexsort(mixture.means.T[::-1])
    return mixture.weights[order], mixture.means[order], np.asarray(mixture.covariance_matrices)[order]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("unit", [1e-150, 1e-9, 1e-4, 1.0, 1e7, 1e150])
@pytest.mark.parametrize("width", [0.2, 1e-3, 1e-5])
def test_clusters_come_back_in_any_unit(kind: str, unit: float, width: float) -> None:
    points, means, variances = clusters([[-1.0, -1.0], [1.0, 1.0]], width)
    weights, found, covariances = in_order(cf.GaussianMixture.fit(points * unit, 2, kind))
    np.testing.assert_allclose(weights, [0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found / unit, means, rtol=1e-5)
    spread = np.trace(covariances / unit / unit, axis1=1, axis2=2) / 2
    expected = variances if kind in ("spherical", "full", "diag") else np.full(2, variances.mean())
    np.testing.assert_allclose(spread, expected, rtol=1e-3)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("offset", [1e3, -3e6, 1.7e9])
def test_an_offset_has_no_effect(kind: str, offset: float) -> None:
    points = np.round(clusters([[-3.0, 0.0], [3.0, 1.0]], 0.8)[0] * 2**16) / 2**16  # so that the sum is exact
    plain, shifted = (in_order(cf.GaussianMixture.fit(data, 2, kind, seed=1)) for data in (points, points + offset))
    np.testing.assert_allclose(shifted[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(shifted[1] - offset, plain[1], atol=1e-6)
    np.testing.assert_allclose(shifted[2], plain[2], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_units_have_no_effect(kind: str) -> None:
    factor = np.array([1e-5, 300.0]) if kind in BY_COLUMN else np.array([1e-5, 1e-5])
    points = clusters([[-1.0, 0.0], [1.0, 2.0], [4.0, -1.0]], 0.5)[0]
    plain, scaled = (in_order(cf.GaussianMixture.fit(data, 3, kind, seed=1)) for data in (points, points * factor))
    np.testing.assert_allclose(scaled[0], plain[0], rtol=1e-8)
    np.testing.assert_allclose(scaled[1] / factor, plain[1], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(scaled[2] / np.outer(factor, factor), plain[2], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_the_order_of_rows_and_columns_has_no_effect(kind: str) -> None:
    points = clusters([[-1.0, 0.0, 3.0], [1.0, 2.0, 0.0]], 0.3)[0]
    rows = np.random.default_rng(0).permutation(len(points))
    plain, other = (in_order(cf.GaussianMixture.fit(data, 2, kind)) for data in (points, points[rows]))
    turned = in_order(cf.GaussianMixture.fit(points[:, [2, 0, 1]], 2, kind))
    for a, b in zip(plain, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.sort(turned[1], axis=0), np.sort(plain[1][:, [2, 0, 1]], axis=0), rtol=1e-6)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_the_likelihood_is_that_of_the_mixture_returned(kind: str, unit: float) -> None:
    points = clusters([[-1.0, 0.0], [1.0, 2.0]], 0.01)[0] * unit
    found = cf.GaussianMixture.fit(points, 2, kind)
    parts = zip(found.weights, found.means, found.covariance_matrices, strict=True)
    density = sum(weight * multivariate_normal(mean, matrix).pdf(points) for weight, mean, matrix in parts)
    assert found.origin["mean_log_likelihood"] == pytest.approx(np.log(density).mean(), abs=1e-7)


REFUSED: dict[str, tuple[Any, int, str, str, str]] = {
    "constant-column": (np.c_[np.arange(9.0) ** 2, np.full(9, 7.5)], 1, "full", "data[:, 1]", "7.5 in every row"),
    "constant-column-diag": (np.c_[np.full(9, -1e9), np.arange(9.0)], 2, "diag", "data[:, 0]", "in every row"),
    "one-point-many-times": (np.ones((9, 2)), 1, "spherical", "data", "the same point in every row"),
    "more-components-than-points": (np.repeat([[0.0], [1.0]], 10, axis=0), 3, "spherical", "n_components", "3"),
    "components-without-variance": (np.repeat([[0.0], [1.0]], 10, axis=0), 2, "full", "n_components", "2"),
    "as-many-as-points": (np.array([[0.0], [1.0], [5.0]]), 3, "diag", "n_components", "3"),
    "dependent-columns": (np.c_[np.arange(9.0), 3 * np.arange(9.0)], 1, "tied", "n_components", "1"),
    "fewer-points-than-directions": (np.random.default_rng(0).normal(size=(4, 6)), 1, "full", "n_components", "1"),
    "too-large": (np.array([[0.0], [1e300], [3e300]]), 1, "spherical", "data", "float64 can hold"),
    "too-small": (np.array([[0.0], [1e-300], [3e-300]]), 1, "spherical", "data", "float64 can hold"),
    "complex": (np.array([[1j], [2.0], [3.0]]), 1, "spherical", "data[0][0]", "complex"),
    "masked": (np.ma.masked_less(np.array([[1.0], [-999.0], [3.0]]), 0), 1, "spherical", "data", "masked"),
    "infinite": (np.array([[1.0], [np.inf]]), 1, "spherical", "data[1][0]", "a finite number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_fit_is_refused_in_one_line(case: str) -> None:
    points, count, kind, field, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        cf.GaussianMixture.fit(points, count, kind)
    message = str(caught.value)
    assert message.startswith(f"{field}: got ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "0"])
def test_a_seed_is_an_int(seed: Any) -> None:
    with pytest.raises(InputError, match=r"^seed: got "):
        cf.GaussianMixture.fit([[0.0], [1.0]], 1, seed=seed)


def test_what_has_not_converged_is_said_in_one_line(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = sklearn.mixture.GaussianMixture.fit
    monkeypatch.setattr(
        sklearn.mixture.GaussianMixture, "fit", lambda self, points: usual(self.set_params(max_iter=1), points)
    )
    points = np.random.default_rng(0).random((400, 1))
    with pytest.warns(ConvergenceWarning, match=r"\Athe fit has NOT converged: [^\n]*\Z"):
        found = cf.GaussianMixture.fit(points, 5)
    assert found.origin["converged"] is False
    np.save(tmp_path / "data.npy", points)
    ended = command("mixtures", "fit", tmp_path / "data.npy", "--components", 5, "--covariance-type", "spherical")
    assert ended.code == 0
    assert json.loads(ended.out)["origin"]["converged"] is False
    assert ended.err.startswith("certflow: warning: the fit has NOT converged: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("kind", ["spherical", "diag", "full", "tied"])
@pytest.mark.parametrize("gap", [1e-3, 1e-4])
def test_clusters_much_narrower_than_their_distance(kind: str, gap: float) -> None:
    """Two clusters side by side and one far away: no regulariser may melt the two into one."""
    draw = np.random.default_rng(0).standard_normal((3, 300, 1)) * gap / 10
    points = np.concatenate([-1 + draw[0], 1 + draw[1], 1 + gap + draw[2]])
    mixture = cf.GaussianMixture.fit(points, 3, kind, seed=0)
    found = np.sort(mixture.means[:, 0])
    np.testing.assert_allclose(found, [-1, 1, 1 + gap], atol=gap / 30)
    deviations = np.sqrt(mixture.covariance_matrices[:, 0, 0])
    np.testing.assert_allclose(deviations, gap / 10, rtol=0.15)


@pytest.mark.parametrize("kind", ["bfloat16", "sparse", "without memory"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_tensor_that_numpy_cannot_read_is_told_by_its_kind(kind, listed):
    torch = pytest.importorskip("torch")
    points = torch.arange(12.0).reshape(6, 2)
    given, what = {
        "bfloat16": (points.bfloat16(), "a tensor of torch.bfloat16, torch.strided, on cpu"),
        "sparse": (points.to_sparse(), "a tensor of torch.float32, torch.sparse_coo, on cpu"),
        "without memory": (points.to("meta"), "a tensor of torch.float32, torch.strided, on meta"),
    }[kind]
    with pytest.raises(cf.InputError) as caught:
        cf.GaussianMixture.fit(list(given) if listed else given, 2)
    assert str(caught.value) == (
        f"data: got {what!r}; required: real numbers that NumPy can read: tensor.cpu().double(), dense"
    )


def test_a_tensor_that_numpy_reads_is_fitted():
    torch = pytest.importorskip("torch")
    points = cf.load_mixture("two-modes").sample(60, seed=0).astype(np.float32)
    found = [cf.GaussianMixture.fit(data, 2) for data in (points, torch.tensor(points), torch.tensor(points).double())]
    assert found[0].means.tolist() == found[1].means.tolist() == found[2].means.tolist()


@pytest.mark.parametrize("word", ["shared", "tied", "full", "diag"])
def test_a_constant_column_is_refused_in_the_word_that_was_received(word: str) -> None:
    points = np.column_stack([np.arange(9.0), np.full(9, 2.0)])
    with pytest.raises(InputError, match=rf"data\[:, 1\]: .* for covariance type {word} \(leave"):
        cf.GaussianMixture.fit(points, 2, word)


@pytest.mark.parametrize("word", ["isotropic", "spherical", "common-isotropic", "common", "shared", "full", "diag"])
def test_clusters_too_narrow_to_measure_are_refused_with_what_was_not_found(word: str) -> None:
    """The clusters do have a variance: 2.5e-15, where that of the data is 0.25."""
    rng = np.random.default_rng(0)
    points = np.repeat([[0.0, 0.0], [1.0, 1.0]], 100, axis=0) + 5e-8 * rng.standard_normal((200, 2))
    message = f"a variance above 1e-12 of that of the data, of which 3 starts with covariance type {word} found none"
    with pytest.raises(InputError, match=message):
        cf.GaussianMixture.fit(points, 2, word)
