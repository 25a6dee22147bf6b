"""Mixture files keep every exact number through every format (what is refused: test_bad_input.py)."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import certflow as cf
from certflow.law.formats import SCHEMA, to_mapping
from certflow.numbers.exact import exact_number
from certflow.testing import mixtures

FORMATS = (".json", ".toml", ".npz")


def same(a, b):
    assert (a.name, a.kind, a.origin) == (b.name, b.kind, b.origin)
    # Binary weights that miss one by rounding are divided by their sum when they come back as decimals.
    weights = zip(a.exact_weights.fractions, b.exact_weights.fractions, strict=True)
    assert all(w / a.weight_total == v / b.weight_total for w, v in weights)
    for part in ("exact_means", "exact_covariances"):
        left, right = getattr(a, part), getattr(b, part)
        assert left.shape == right.shape
        assert (left.fractions == right.fractions).all()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", cf.builtin_mixtures())
def test_builtins_survive_every_format(name, suffix, tmp_path):
    mixture = cf.load_mixture(name)
    path = tmp_path / f"copy{suffix}"
    mixture.save(path)
    same(mixture, cf.load_mixture(path))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # no temporary file is left


def test_the_mixtures_of_certified_students_are_exact():
    triangle, line = cf.load_mixture("triangle"), cf.load_mixture("two-modes-1d")
    corners = [[Fraction(1), Fraction(0)], [Fraction(-1, 2), Fraction(7, 8)], [Fraction(-1, 2), Fraction(-7, 8)]]
    assert triangle.exact_means.fractions.tolist() == corners
    assert triangle.exact_covariances.fractions[()] == Fraction(1, 16)
    assert line.exact_means.fractions.tolist() == [[-1], [1]]
    assert line.exact_covariances.fractions[()] == Fraction(1, 25)
    for mixture in (triangle, line):
        assert mixture.kind == "common-isotropic"
        assert len(set(mixture.exact_weights.fractions.tolist())) == 1


@given(mixture=mixtures(), suffix=st.sampled_from(FORMATS))
def test_round_trip(mixture, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("m") / f"m{suffix}"
    mixture.save(path)
    same(mixture, cf.load_mixture(str(path)))


def test_numbers_in_a_file_are_what_is_written(tmp_path):
    """JSON numbers and TOML floats are decimals, not binary numbers."""
    mapping = '{"schema": "certflow/mixture/1", "weights": [0.1, 0.9], "means": [["1/3"], [0.7]], '
    (tmp_path / "a.json").write_text(mapping + '"covariances": {"kind": "common-isotropic", "values": 0.1}}')
    (tmp_path / "a.toml").write_text(
        f'schema = "{SCHEMA}"\nweights = [0.1, 0.9]\nmeans = [["1/3"], [0.7]]\n'
        '[covariances]\nkind = "common-isotropic"\nvalues = 0.1\n'
    )
    for name in ("a.json", "a.toml"):
        mixture = cf.load_mixture(tmp_path / name)
        assert mixture.exact_weights.fractions.tolist() == [Fraction(1, 10), Fraction(9, 10)]
        assert mixture.exact_means.fractions.ravel().tolist() == [Fraction(1, 3), Fraction(7, 10)]
        assert mixture.exact_covariances.fractions[()] == Fraction(1, 10)
        assert mixture.exact_covariances.fractions[()] != Fraction(0.1)


def test_digits_of_a_toml_number_may_be_grouped(tmp_path):
    head = f'schema = "{SCHEMA}"\nweights = [1]\nmeans = [[1_000.000_1]]\n'
    (tmp_path / "a.toml").write_text(f'{head}[covariances]\nkind = "common-isotropic"\nvalues = 1_0.5\n')
    mixture = cf.load_mixture(tmp_path / "a.toml")
    assert mixture.exact_means.fractions[0, 0] == Fraction(10_000_001, 10_000)
    assert mixture.exact_covariances.fractions[()] == Fraction(21, 2)


def test_npz_of_plain_arrays_is_binary(tmp_path):
    np.savez(tmp_path / "plain.npz", weights=[0.1, 0.9], means=[[0.1], [1.0]], covariances=0.1)
    mixture = cf.load_mixture(tmp_path / "plain.npz")
    assert mixture.name == "plain"
    assert mixture.exact_covariances.fractions[()] == Fraction(0.1)


def test_the_file_is_the_pinned_one(tmp_path):
    mixture = cf.GaussianMixture(["0.5", "0.5"], [["-1", "0"], ["1", "0"]], "0.04", name="two-modes")
    mixture.save(tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "schema": "certflow/mixture/1",
        "name": "two-modes",
        "weights": ["0.5", "0.5"],
        "means": [["-1", "0"], ["1", "0"]],
        "covariances": {"kind": "common-isotropic", "values": "0.04"},
    }
    assert to_mapping(cf.load_mixture("two-modes"))["weights"] == ["0.5", "0.5"]


def test_saving_replaces_atomically_and_names_bad_suffixes(tmp_path):
    path = tmp_path / "m.json"
    path.write_text("old")
    cf.load_mixture("line-3").save(path)
    assert cf.load_mixture(path).exact_weights.fractions[0] == exact_number("1/3")
    with pytest.raises(cf.InputError, match=r"path: got .*; required: a file name that ends in .json, .toml or .npz"):
        cf.load_mixture("line-3").save(tmp_path / "m.yaml")


def test_origin_keeps_numbers_and_nested_values(tmp_path):
    origin = {"seed": 3, "score": -0.5, "tags": ["a", 2], "inner": {"key with space": True}}
    mixture = cf.GaussianMixture([1], [[0]], 1, origin=origin)
    for suffix in FORMATS:
        mixture.save(tmp_path / f"m{suffix}")
        assert cf.load_mixture(tmp_path / f"m{suffix}").origin == origin


ORIGINS: dict[str, tuple[str, Any]] = {
    "date": ("fitted = 2024-05-17", "2024-05-17"),
    "date-and-time": ("fitted = 2024-05-17T08:30:00.25Z", "2024-05-17T08:30:00.250000+00:00"),
    "time": ("fitted = 08:30:00", "08:30:00"),
    "date-in-a-list": ("fitted = [2024-05-17]", ["2024-05-17"]),
    "nan": ("fitted = nan", "nan"),
    "infinity": ("fitted = -inf", "-inf"),
    "beyond-float": ("fitted = 1e999", "1e999"),
    "whole-number": ("fitted = 0xff", 255),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_what_toml_has_and_json_lacks_may_stand_in_the_origin(case: str, tmp_path: Path) -> None:
    line, expected = ORIGINS[case]
    head = 'schema = "certflow/mixture/1"\nweights = ["1"]\nmeans = [["0"]]\n'
    covariances = '[covariances]\nkind = "common-isotropic"\nvalues = "1"\n'
    (tmp_path / "m.toml").write_text(f"{head}{covariances}[origin]\n{line}\n")
    found = cf.load_mixture(tmp_path / "m.toml")
    assert found.origin == {"fitted": expected}
    for name in ("a.json", "a.toml", "a.npz"):
        found.save(tmp_path / name)
        assert cf.load_mixture(tmp_path / name).origin == found.origin


def test_a_number_of_a_million_digits_may_stand_in_the_origin(tmp_path: Path) -> None:
    text = json.dumps(to_mapping(cf.GaussianMixture([1], [[0]], 1)))
    (tmp_path / "m.json").write_text(f'{text[:-1]}, "origin": {{"a": {"7" * 10**6}, "b": 1e400, "c": [12]}}}}')
    assert cf.load_mixture(tmp_path / "m.json").origin == {"a": "7" * 10**6, "b": "1e400", "c": [12]}


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_a_byte_order_mark_is_passed_over(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m.{suffix}"
    cf.load_mixture("two-modes").save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert to_mapping(cf.load_mixture(path)) == to_mapping(cf.load_mixture("two-modes"))


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + ".json", "b/" * 5000])
def test_a_name_that_no_file_can_have_is_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(cf.InputError) as raised:
        cf.load_mixture(name)
    line = str(raised.value)
    assert line.startswith(f"MIXTURE: got '{name[:30]}")
    assert "a file (.json, .toml, .npz) or one of" in line
    assert len(line) < 500
    assert "\n" not in line


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "m.json").symlink_to(tmp_path / "n.json")
    (tmp_path / "n.json").symlink_to(tmp_path / "m.json")
    with pytest.raises(cf.InputError, match=r"MIXTURE: got .*m\.json"):
        cf.load_mixture(tmp_path / "m.json")
