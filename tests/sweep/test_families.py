"""Families of mixtures: what is asked for is what the mixtures have, and the same seed gives the same ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from certflow.errors import InputError
from certflow.sweep.specification import specification

HEAD = 'schema = "certflow/sweep/1"\n[[claims]]\nids = ["L2"]\n[[mixtures]]\n'


def mixtures(text: str, seed: int = 0):
    return [member.mixture for member in specification(f"seed = {seed}\n{HEAD}{text}").members]


def test_every_combination_once() -> None:
    found = specification(f"{HEAD}components = [2, 3]\ndimension = [1, 4]\nsigma = [0.1, '1/3']\n").members
    asked = [(m.parameters["components"], m.parameters["dimension"], m.parameters["sigma"]) for m in found]
    assert sorted(asked) == sorted(itertools.product([2, 3], [1, 4], [0.1, 1 / 3]))
    assert len({m.mixture.name for m in found}) == 8


@pytest.mark.parametrize(("layout", "dimension"), [("line", 1), ("ring", 2), ("simplex", 4), ("random", 3)])
def test_largest_distance_is_the_separation(layout: str, dimension: int) -> None:
    (mixture,) = mixtures(f'layout = "{layout}"\ncomponents = 5\ndimension = {dimension}\nseparation = 3\n')
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(mixture.means, 2)]
    assert max(distances) == pytest.approx(3, rel=1e-5)
    if layout == "simplex":
        assert min(distances) == pytest.approx(3, rel=1e-5)
    if layout == "line":
        assert sorted(distances) == pytest.approx([0.75] * 4 + [1.5] * 3 + [2.25] * 2 + [3])
    if layout == "ring":
        assert sorted(distances)[:5] == pytest.approx([3 * np.sin(np.pi / 5) / np.sin(2 * np.pi / 5)] * 5, rel=1e-5)


def test_weights_fall_by_the_ratio() -> None:
    (mixture,) = mixtures("components = 4\nweights = 8\n")
    assert mixture.weights == pytest.approx(np.array([8, 4, 2, 1]) / 15, abs=1e-6)
    assert mixture.weight_total == 1
    (equal,) = mixtures('components = 3\nweights = "equal"\n')
    assert equal.exact_weights.texts() == ["1/3"] * 3


def test_covariances_have_their_spread() -> None:
    for kind in ("isotropic", "shared", "full"):
        (mixture,) = mixtures(
            f'components = 3\ndimension = 4\nsigma = 0.5\ncovariances = "{kind}"\nanisotropy = 9\nlayout = "random"\n'
        )
        assert mixture.kind == kind
        values = np.linalg.eigvalsh(mixture.covariance_matrices)
        assert values.max() / values.min() == pytest.approx(9, rel=1e-4)
        assert np.exp(np.log(values).mean()) == pytest.approx(0.25, rel=1e-4)
    (common,) = mixtures("sigma = 0.3\n")
    assert common.exact_covariances.texts() == "0.09"


def test_draws_stay_within_and_depend_on_seed_and_place() -> None:
    text = (
        'draws = 40\nlayout = ["line", "random"]\ncomponents = { low = 2, high = 5 }\ndimension = 2\n'
        "sigma = { low = 0.01, high = 1, log = true }\nweights = ['equal', 'random', 3]\n"
    )
    found = specification(f"{HEAD}{text}").members
    sigmas = [m.parameters["sigma"] for m in found]
    assert {m.parameters["components"] for m in found} == {2, 3, 4, 5}
    assert all(0.01 <= sigma <= 1 for sigma in sigmas)
    assert 8 <= sum(sigma < 0.1 for sigma in sigmas) <= 32, "uniform in the logarithm"
    again, other = mixtures(text), mixtures(text, seed=1)
    assert [m.exact_means.texts() for m in again] == [m.mixture.exact_means.texts() for m in found]
    assert again[3].exact_means.texts() != other[3].exact_means.texts()


def test_copies_differ() -> None:
    a, b = mixtures("components = 4\ndimension = 2\ncopies = 2\n")
    assert a.exact_means.texts() != b.exact_means.texts()


def test_fits_to_data() -> None:
    (mixture,) = mixtures('data = "iris"\ncomponents = 3\ndimension = 2\ncovariances = "isotropic"\n')
    assert (mixture.n_components, mixture.dimension, mixture.kind) == (3, 2, "isotropic")
    weights = mixture.weights
    second = weights @ ((mixture.means**2).sum(1) + 2 * mixture.covariances)
    assert second == pytest.approx(2, rel=0.05), "data are scaled to a mean variance of one"
    with pytest.raises(InputError, match=r"data.*read by the command line"):
        mixtures('data = "points.csv"\n')


def test_a_file_of_points_is_read_where_the_specification_lies(tmp_path) -> None:
    seen = []

    def read(path: str):
        seen.append(path)
        return np.random.default_rng(0).standard_normal((50, 2))

    found = specification(f'{HEAD}data = "points.csv"\ncomponents = 2\n', tmp_path, read).members
    assert seen == [str(tmp_path / "points.csv")]
    assert found[0].parameters["data"] == "points"
