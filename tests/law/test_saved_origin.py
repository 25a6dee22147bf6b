"""What is saved comes back, in every format; what would not is refused when it is saved."""

from __future__ import annotations

import copy
import datetime
import pickle
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import certflow as cf

FORMATS = ("json", "toml", "npz")


def mixture(origin: Any = None, name: str = "m") -> cf.GaussianMixture:
    return cf.GaussianMixture(["1/3", "2/3"], [["0.1"], [2]], "1e-3", origin=origin, name=name)


#: origin -> what comes back (... : the same)
ROUND: dict[str, tuple[Any, Any]] = {
    "objects in lists": ({"steps": [{"k": 1}, {"k": 2, "deep": {"a b": [[], {}]}}]}, ...),
    "nested objects": ({"a": {"d": [], "b": {"c": 1.5}}, "e": {}}, ...),
    "keys": ({"": 1, "a.b": 2, "ä": 3, "tab\t": 4, "del\x7f": 5, '"': 6, "😀": 7, "a-b_C": 8}, ...),
    "texts": ({"t": ["", "\x7f", "\x00\x1f", "\u2028", "😀", "1", "nan", "\\u007f", '"\n']}, ...),
    "numbers": ({"n": [0, -1, 2**70, 10**100, 1e22, 1e-7, -0.0, 5e-324, 1.7976931348623157e308, 0.1]}, ...),
    "truth": ({"n": [True, False]}, ...),
    "numpy": (
        {"n": np.int64(3), "x": np.float32(0.5), "b": np.True_, "s": np.str_("a"), "a": np.array([[1, 2]]), "t": (1,)},
        {"n": 3, "x": 0.5, "b": True, "s": "a", "a": [[1, 2]], "t": [1]},
    ),
    "nothing": ({}, ...),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("case", ROUND)
def test_round_trip(case: str, suffix: str, tmp_path: Path) -> None:
    origin, wanted = ROUND[case]
    saved, path = mixture(origin), tmp_path / f"m.{suffix}"
    saved.save(path)
    found = cf.load_mixture(path)
    assert found.origin == (origin if wanted is ... else wanted)
    assert repr(found.origin) == repr(origin if wanted is ... else wanted)  # 1 is not 1.0, nor True
    assert found.exact_weights.fractions.tolist() == [Fraction(1, 3), Fraction(2, 3)]
    assert found.exact_means.fractions.tolist() == [[Fraction(1, 10)], [2]]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["a\x7f", "", "ä😀", 'a"\\\n\t', "\x00a", "nan", "1"])
def test_names(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m.{suffix}"
    mixture(name=name).save(path)
    assert cf.load_mixture(path).name == name


def _deep() -> dict[str, Any]:
    origin: dict[str, Any] = {}
    for _ in range(5000):
        origin = {"a": origin}
    return origin


#: origin, the field that the line names
REFUSED: dict[str, tuple[Any, str]] = {
    "nan": ({"loss": float("nan")}, "origin.loss"),
    "infinity": ({"a": [1, -float("inf")]}, "origin.a[1]"),
    "numpy nan": ({"a": np.array([1.0, np.nan])}, "origin.a[1]"),
    "number as key": ({"a": {1: 2}}, "origin.a: key"),
    "none as key": ({None: 2}, "origin: key"),
    "date": ({"when": datetime.date(2020, 1, 1)}, "origin.when"),
    "numpy date": ({"when": np.datetime64("2020-01-01")}, "origin.when"),
    "complex": ({"z": 1j}, "origin.z"),
    "numpy complex": ({"z": np.array([1j])}, "origin.z"),
    "fraction": ({"q": Fraction(1, 3)}, "origin.q"),
    "set": ({"s": {1}}, "origin.s"),
    "bytes": ({"b": b"a"}, "origin.b"),
    "path": ({"p": Path("a")}, "origin.p"),
    "object": ({"o": object()}, "origin.o"),
    "surrogate": ({"t": "\ud800"}, "origin.t"),
    "surrogate as key": ({"\ud800": 1}, "origin: key"),
    "huge": ({"n": 10**5000}, "origin.n"),
    "deep": (_deep(), "origin.a.a"),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_when_saving(case: str, suffix: str, tmp_path: Path) -> None:
    origin, field = REFUSED[case]
    path = tmp_path / f"m.{suffix}"
    with pytest.raises(cf.InputError, match="required: ") as caught:
        mixture(origin).save(path)
    assert str(caught.value).startswith(field)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
    assert not path.exists()


def test_null_is_of_json(tmp_path: Path) -> None:
    """TOML has none."""
    saved = mixture({"parent": None, "steps": [{"k": None}]})
    for suffix in ("json", "npz"):
        saved.save(tmp_path / f"m.{suffix}")
        assert cf.load_mixture(tmp_path / f"m.{suffix}").origin == saved.origin
    with pytest.raises(cf.InputError, match=r"origin\.parent: got None; required: .*save as \.json"):
        saved.save(tmp_path / "m.toml")


@pytest.mark.parametrize("origin", [[1], "text", 3, {1, 2}])
def test_an_origin_is_an_object(origin: Any) -> None:
    with pytest.raises(cf.InputError, match="origin: "):
        mixture(origin)


@pytest.mark.parametrize("name", [7, None, b"a"])
def test_a_name_is_a_text(name: Any) -> None:
    with pytest.raises(cf.InputError, match="name: "):
        mixture(name=name)


@pytest.mark.parametrize("suffix", FORMATS)
def test_parameters_that_would_not_come_back(suffix: str, tmp_path: Path) -> None:
    import sympy

    path = tmp_path / f"m.{suffix}"
    with pytest.raises(cf.InputError, match="symbolic parameters"):
        cf.GaussianMixture([1], [[sympy.Symbol("a", real=True)]], 1).save(path)
    with pytest.raises(cf.InputError, match="means: got 'a number of"):
        cf.GaussianMixture([1], [[Fraction(1, 3**10000)]], 1).save(path)
    with pytest.raises(cf.InputError, match="name: "):
        mixture(name="\udfff").save(path)
    cf.GaussianMixture([1], [[Fraction(1, 3**2000)]], 5e-324).save(path)
    found = cf.load_mixture(path)
    assert found.exact_means.fractions.item() == Fraction(1, 3**2000)
    assert found.covariances == 5e-324


def test_npz_drops_zero_characters(tmp_path: Path) -> None:
    with pytest.raises(cf.InputError, match="zero character"):
        mixture(name="a\0").save(tmp_path / "m.npz")


#: What a caller has at hand -> the JSON values that it stands for.
SETTLED: dict[str, tuple[Any, Any]] = {
    "tuple": ({"sizes": (1, 2)}, {"sizes": [1, 2]}),
    "empty tuple": ({"sizes": ()}, {"sizes": []}),
    "tuples inside": ({"a": [({"b": (True, None)},)]}, {"a": [[{"b": [True, None]}]]}),
    "array": ({"a": np.arange(3)}, {"a": [0, 1, 2]}),
    "number of NumPy": ({"a": np.float64(0.5), "b": np.bool_(False)}, {"a": 0.5, "b": False}),
    "mapping": ({"a": MappingProxyType({"b": (1,)})}, {"a": {"b": [1]}}),
    "mapping outside": (MappingProxyType({"a": (1,)}), {"a": [1]}),
}


@pytest.mark.parametrize("case", SETTLED)
def test_an_origin_is_of_json_values_from_the_start(case: str, tmp_path: Path) -> None:
    given, settled = SETTLED[case]
    made = mixture(given)
    assert repr(made.origin) == repr(settled)
    assert repr(copy.deepcopy(made).origin) == repr(pickle.loads(pickle.dumps(made)).origin) == repr(settled)
    for suffix in FORMATS if case != "tuples inside" else ("json", "npz"):  # TOML has no null
        made.save(tmp_path / f"m.{suffix}")
        assert repr(cf.load_mixture(tmp_path / f"m.{suffix}").origin) == repr(made.origin)


def test_an_origin_is_not_that_of_the_caller() -> None:
    given: dict[str, Any] = {"steps": [1]}
    made = mixture(given)
    given["steps"].append(2)
    assert made.origin == {"steps": [1]}


def test_an_origin_that_no_file_holds_stays_as_it_was_given() -> None:
    """The mixture is of use all the same; `test_refused_when_saving` says when the line comes."""
    when = datetime.date(2020, 1, 1)
    assert mixture({"when": when, "sizes": (1,)}).origin == {"when": when, "sizes": (1,)}
