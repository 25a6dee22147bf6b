"""`certflow mixtures fit`: which type is taken and why, what each loses, in text and in a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.commands.fit_claims import small_mixture, standings

COMMON = ("--covariance-type", "common")
TYPES = ("spherical", "common", "tied", "full", "diag")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    centres = np.array([[-4.0, 0.0], [4.0, 1.0]])[rng.integers(0, 2, 120)]
    np.save("round.npy", centres + 0.5 * rng.normal(size=(120, 2)))
    np.save("long.npy", centres + rng.normal(size=(120, 2)) * [1.5, 0.1])
    return tmp_path


@pytest.mark.parametrize("word", TYPES)
def test_a_small_mixture_has_the_covariances_of_its_type(word: str) -> None:
    kinds = {"spherical": "isotropic", "common": "common-isotropic", "tied": "shared", "full": "full", "diag": "full"}
    for count, dimension in ((1, 1), (1, 3), (3, 2)):
        mixture = small_mixture(word, count, dimension)
        assert (mixture.kind, mixture.n_components, mixture.dimension) == (kinds[word], count, dimension)
        matrices = np.asarray(mixture.covariance_matrices)
        diagonal = np.array_equal(matrices, matrices * np.eye(dimension))
        assert diagonal is (word in ("spherical", "common", "diag") or dimension == 1)


def test_one_variance_keeps_most_and_what_is_stated_for_it_is_lost_by_others() -> None:
    found = standings(TYPES, 3, 2)
    assert found[0].covariance_type == "common"
    assert not found[0].lost
    for other in found[1:]:
        assert "F2" in other.lost  # its integral is in closed form for one isotropic variance alone
        assert "stated for common-isotropic covariances" in other.lost["F2"]
        assert {"S1", "S2"} <= set(other.kept)
        assert set(found[0].kept) - set(other.lost) <= set(other.kept)


def test_the_default_keeps_the_theory_where_the_data_let_it(folder: Path, command: Callable[..., Any]) -> None:
    ended = command("mixtures", "fit", "round.npy", "--components", "1,2,3", "--out", "m.json")
    told = " ".join(ended.out.split())
    assert (ended.code, ended.err) == (0, "")
    assert "Chosen: common: it keeps most claims" in told
    assert "K = 2 has the least BIC" in told
    assert "With common no claim is lost." in told
    fitted = cf.load_mixture("m.json")
    assert (fitted.kind, fitted.n_components) == ("common-isotropic", 2)
    assert fitted.origin["chosen"].startswith("common: ")


def test_where_the_data_speak_against_it_what_is_lost_is_said(folder: Path, command: Callable[..., Any]) -> None:
    ended = command("mixtures", "fit", "long.npy", "--components", "2")
    assert ended.code == 0
    assert json.loads(ended.out)["covariances"]["kind"] == "shared"
    told = " ".join(ended.err.split())
    assert "Chosen: tied: rows that were held out are told better than by common by 1." in told
    assert "more than 2 standard errors" in told
    assert "Lost with tied (--covariance-type common keeps them): L1 to L4, F2" in told


def test_a_type_that_is_asked_for_is_taken(folder: Path, command: Callable[..., Any]) -> None:
    ended = command("mixtures", "fit", "long.npy", "--components", 2, "--compare", *COMMON, "--out", "m.json")
    assert ended.code == 0
    assert "Chosen: common was asked for; K = " in " ".join(ended.out.split())
    ended = command("mixtures", "fit", "long.npy", "--components", 2, "--covariance-type", "full", "--out", "m.json")
    assert "Lost with full" in ended.out
    assert cf.load_mixture("m.json").kind == "full"


def test_a_picture_of_the_comparison(folder: Path, command: Callable[..., Any]) -> None:
    ended = command("mixtures", "fit", "round.npy", "--components", "1,2", *COMMON, "--plot", "f.svg")
    assert ended.code == 0
    content = Path("f.svg").read_text()
    assert content.startswith("<svg") or "<svg" in content[:300]


@pytest.mark.parametrize("components", ["1,two", "", "0", "1,2 --compare"])
def test_numbers_of_components_that_are_none(components: str, folder: Path, command: Callable[..., Any]) -> None:
    words = components.split(" ") if components.strip() else [""]
    ended = command("mixtures", "fit", "round.npy", "--components", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("certflow: --components: got ")
