"""`certflow mixtures fit`: which type is taken and why, what each loses, in text and in a picture."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import certflow as cf
from certflow.claims.registry import STATEMENTS, checks_of
from certflow.commands.fit_claims import generic_mixture, standings
from certflow.commands.fit_guidance import _reason, choose
from certflow.law.fitting import fit
from certflow.law.selection import candidates, chosen, of_least_bic

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


def truth(mixture: cf.GaussianMixture) -> set[str]:
    """The claims that `verify` does not call not applicable or not checked, each asked of the mixture itself."""
    return {claim for claim in STATEMENTS if any(check.applies(mixture) is None for check in checks_of(claim))}


@pytest.mark.parametrize("word", TYPES)
def test_a_generic_mixture_has_the_covariances_of_its_type(word: str) -> None:
    kinds = {"spherical": "isotropic", "common": "common-isotropic", "tied": "shared", "full": "full", "diag": "full"}
    for count, dimension in ((1, 1), (1, 3), (3, 2), (7, 2)):
        mixture = generic_mixture(word, count, dimension)
        assert (mixture.kind, mixture.n_components, mixture.dimension) == (kinds[word], count, dimension)
        matrices = np.asarray(mixture.covariance_matrices)
        diagonal = np.array_equal(matrices, matrices * np.eye(dimension))
        assert diagonal is (word in ("spherical", "common", "diag") or dimension == 1)


@pytest.mark.parametrize(("count", "dimension"), [(2, 2), (3, 4), (7, 3)])
def test_of_generic_matrices_none_is_the_largest_and_full_ones_do_not_commute(count: int, dimension: int) -> None:
    for word in ("full", "diag"):
        matrices = np.asarray(generic_mixture(word, count, dimension).covariance_matrices)
        for first, second in itertools.permutations(matrices, 2):
            assert word == "diag" or not np.allclose(first @ second, second @ first)
        for largest in matrices:
            assert min(np.linalg.eigvalsh(largest - other)[0] for other in matrices) < 0


def test_one_variance_keeps_most_and_what_is_stated_for_it_is_lost_by_others() -> None:
    found = standings(dict.fromkeys(TYPES, 3), 2, {})
    assert found[0].covariance_type == "common"
    assert not found[0].lost
    for other in found[1:]:
        assert "F2" in other.lost  # its integral is in closed form for one isotropic variance alone
        assert "stated for common-isotropic covariances" in other.lost["F2"]
        assert {"S1", "S2"} <= set(other.kept)
        assert set(found[0].kept) - set(other.lost) <= set(other.kept)


@pytest.mark.parametrize(("count", "dimension"), [(2, 2), (5, 8)])
def test_what_is_said_of_types_is_the_truth_of_real_fits(count: int, dimension: int) -> None:
    """Clusters that are long in different directions: no growth rate of `full` and `diag`."""
    rng = np.random.default_rng(5)
    widths = 0.4 + 1.1 * np.eye(count, dimension)
    points = np.vstack(
        [rng.normal(size=dimension) * 9 + rng.normal(size=(50 + 9 * k, dimension)) * widths[k] for k in range(count)]
    )
    fits = {(word, count): fit(points, count, covariance_type=word) for word in TYPES}
    real = {
        word: truth(cf.GaussianMixture(each.weights, each.means, each.covariances)) for (word, _), each in fits.items()
    }
    for given in ({}, fits):
        for each in standings(dict.fromkeys(TYPES, count), dimension, given):
            assert set(each.kept) == real[each.covariance_type], each.covariance_type
            assert set(each.lost) == real["common"] - real[each.covariance_type]
            assert each.fitted is bool(given)
    assert {"F1", "E1", "E3", "M3", "G4"} <= real["common"] - (real["full"] | real["diag"])


def test_a_fit_is_asked_itself_where_its_matrices_are_ordered() -> None:
    """Two clusters of which one is wider in every direction have a global rate, which generic matrices have not."""
    rng = np.random.default_rng(1)
    points = np.vstack([rng.normal(size=(90, 2)) * 0.1 - 4, rng.normal(size=(90, 2)) + 4])
    fits = {("full", 2): fit(points, 2, covariance_type="full")}
    (ordered,), (generic,) = standings({"full": 2}, 2, fits), standings({"full": 2}, 2, {})
    assert {"F1", "E1", "E3", "M3", "G4"} <= set(ordered.kept)
    assert {"F1", "E1", "E3", "M3", "G4"} <= set(generic.lost)


def test_what_cannot_be_held_out_is_named_and_no_gain_is_nan() -> None:
    """Types of which some part of the rows cannot be fitted have no gain, over others or of others over them."""
    points = np.array([[1.0, 5.0], [2.0, 3.0], [3.0, 1.0], [4.0, 2.0]])
    reason = choose(points, [1, 2, 3], TYPES, 0).reason
    assert "nan" not in reason
    points = np.random.default_rng(0).normal(size=(40, 2))
    found = of_least_bic(candidates(points, [1], ["common", "tied", "diag"], 0)[0])
    blind = replace(found[1], held_out=None)
    for ordered, said in (
        ([found[0], blind, found[2]], "at best diag, by "),
        ([found[0], blind], "no other law could be compared with it; tied could not be compared: too few rows"),
        ([replace(found[0], held_out=None), *found[1:]], "too few rows can be held out to compare it with others"),
    ):
        best, compared = chosen(ordered)
        reason = _reason(best, compared, ordered, [1], 3)
        assert best is ordered[0]
        assert "nan" not in reason
        assert said in reason
        assert ("tied could not be compared" in reason) is (blind in ordered)


def test_types_that_are_the_same_law_are_named() -> None:
    points = np.random.default_rng(0).normal(size=(30, 1))
    made = choose(points, [1], TYPES, 0)
    assert made.best.covariance_type == "common"
    assert made.reason.count("the same law as a simpler type") == 1
    assert "nan" not in made.reason


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
