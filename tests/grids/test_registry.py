"""Every kind on every built-in mixture, and bad input of every sort."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from depth import night, some

import certflow as cf
from certflow.grids import KINDS

SAMPLED = {name: {"samples": 32} for name, kind in KINDS.items() if "samples" in kind.options}
#: One of each dimension up to two and each kind of covariance but a shared one, which is left to the night.
EVERY_DAY = ("line-3", "two-modes", "random-5", "two-variances", "ordered-pair")

PINNED = {
    *("uniform", "quadratic", "cosine", "geometric", "logsnr", "karras", "exponential", "flow-matching", "arctan"),
    *("ays", "entropic", "gits", "optimal-steps", "score-optimal", "stability-balanced", "typical"),
}


def test_the_pinned_kinds_exist() -> None:
    assert set(KINDS) == PINNED | {"polyexponential"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *some(((kind, name) for kind in KINDS for name in EVERY_DAY), 2),
        *night(*((kind, name) for kind in KINDS for name in cf.builtin_mixtures() if name not in EVERY_DAY)),
    ],
)
def test_every_grid_has_its_ends_and_decreases(kind: str, name: str) -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), "1e-6", "3")
    if kind == "stability-balanced" and name in ("anisotropic-pair", "iris-full"):
        pytest.skip("no global bound")
    for segments in (1, 2, 64):
        fewest = {"candidates": max(9, segments + 1)} if "candidates" in KINDS[kind].options else {}
        grid = cf.time_grid(process, segments, kind, **SAMPLED.get(kind, {}), **fewest)
        assert grid.segments == segments
        assert (grid.times[0], grid.times[-1]) == (process.t_max, process.t_min)
        assert (np.diff(grid.times) < 0).all()
        assert grid.kind == kind
        assert json.loads(json.dumps(dict(grid.options))) == dict(grid.options)
        assert not grid.times.flags.writeable


def test_defaults() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    grid = cf.time_grid(process)
    assert (grid.segments, grid.kind, dict(grid.options)) == (8, "stability-balanced", {"rate": "one-sided"})
    again = cf.time_grid(process, segments=8, kind="stability-balanced", rate="one-sided")
    assert np.array_equal(grid.times, again.times)
    assert cf.time_grid(process, np.int64(3), "uniform").segments == 3
    assert repr(grid).startswith("TimeGrid(stability-balanced, K=8: 3, ")


def test_the_ends_are_the_floats_of_the_process() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("iris"), "1/3", "10/7")
    for kind in ("uniform", "karras", "stability-balanced"):
        grid = cf.time_grid(process, 3, kind)
        assert (grid.times[0], grid.times[-1]) == (10 / 7, 1 / 3)


POINT = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0, 0]], "1e-30"))
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "none": ({"segments": 0}, "segments", "an int from 1 to 10000"),
    "negative": ({"segments": -3}, "segments", "an int from 1 to 10000"),
    "many": ({"segments": 10_001}, "segments", "an int from 1 to 10000"),
    "float": ({"segments": 8.0}, "segments", "an int"),
    "bool": ({"segments": True}, "segments", "an int"),
    "kind": ({"kind": "sigmoid"}, "kind", "one of uniform, quadratic, cosine"),
    "kind-number": ({"kind": 3}, "kind", "one of uniform"),
    "rate": ({"rate": "l2"}, "rate", "one of one-sided, two-sided, sharp"),
    "rate-of-typical": ({"kind": "typical", "rate": "two-sided"}, "rate", "one of frobenius, spectral"),
    "rate-of-uniform": ({"kind": "uniform", "rate": "two-sided"}, "rate", "no rate for kind uniform"),
    "option": ({"kind": "karras", "sigma": 3}, "sigma", "an option of kind karras, which has rho"),
    "option-of-none": ({"kind": "uniform", "rho": 7}, "rho", "an option of kind uniform, which has none"),
    "option-of-rate": ({"rho": 7}, "rho", "an option of kind stability-balanced, which has rate"),
    "rho": ({"kind": "karras", "rho": 0}, "rho", "a finite number > 0"),
    "rho-text": ({"kind": "karras", "rho": "7"}, "rho", "a finite number > 0"),
    "rho-infinite": ({"kind": "polyexponential", "rho": float("inf")}, "rho", "a finite number > 0"),
    "shift": ({"kind": "flow-matching", "shift": -1.0}, "shift", "a finite number > 0"),
    "scale": ({"kind": "arctan", "scale": float("nan")}, "scale", "a finite number > 0"),
    "offset": ({"kind": "cosine", "offset": 0.0}, "offset", "a finite number > 0"),
    "samples": ({"kind": "typical", "samples": 1}, "samples", "an int from 2"),
    "seed": ({"kind": "ays", "seed": -1}, "seed", "an int from 0"),
    "metric": ({"kind": "gits", "metric": "l1"}, "metric", "one of l2, deviation"),
    "coefficient": ({"kind": "gits", "coefficient": 0}, "coefficient", "a finite number > 0"),
    "candidates": ({"kind": "gits", "candidates": 2}, "candidates", "an int from 3 to 2001"),
    "few-candidates": ({"kind": "optimal-steps", "candidates": 8}, "candidates", "more than segments = 8 candidates"),
    "shift-of-steps": ({"kind": "optimal-steps", "shift": 0}, "shift", "a finite number > 0"),
    "rate-of-entropic": ({"kind": "entropic", "rate": "sharp"}, "rate", "one of entropy, rescaled"),
    "entropy-of-a-point": ({"kind": "entropic", "process": POINT}, "mixture", "tell from zero"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    given, field, required = BAD[case]
    arguments = dict(given)
    process = arguments.pop("process", None) or cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    with pytest.raises(cf.InputError) as caught:
        cf.time_grid(process, **arguments)
    assert caught.value.field == field
    assert required in caught.value.requirement
    assert "\n" not in str(caught.value)


def test_what_is_no_process() -> None:
    with pytest.raises(cf.InputError, match=r"required: a certflow\.OrnsteinUhlenbeck"):
        cf.time_grid(cf.load_mixture("iris"))  # type: ignore[arg-type]


def test_nodes_that_float64_cannot_tell_apart() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), 1.0, float(np.nextafter(1.0, 2)))
    with pytest.raises(cf.InputError, match="float64 cannot tell all nodes"):
        cf.time_grid(process, 4, "uniform")
    with pytest.raises(cf.InputError):
        cf.time_grid(process, 4)


@pytest.mark.parametrize("kind", ["uniform", "typical"])
def test_symbolic_parameters_are_refused(kind: str) -> None:
    import sympy

    mixture = cf.GaussianMixture([1], [[0]], sympy.Symbol("s", positive=True))
    with pytest.raises(cf.InputError, match="symbolic parameters"):
        cf.time_grid(cf.OrnsteinUhlenbeck(mixture), 4, kind)


@pytest.mark.parametrize("times", [[1.0], [[1.0, 0.5]], [1.0, 1.0], [0.5, 1.0], [1.0, 0.0], [1.0, float("nan")], "ab"])
def test_a_grid_made_by_hand_is_checked(times: Any) -> None:
    with pytest.raises(cf.InputError):
        cf.TimeGrid("custom", times)


def test_the_default_rate_may_be_named_for_every_kind():
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    for kind in ("uniform", "typical", "stability-balanced"):
        named = cf.time_grid(process, 4, kind, rate="one-sided")
        assert named.times.tolist() == cf.time_grid(process, 4, kind).times.tolist()
