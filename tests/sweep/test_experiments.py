"""Experiments against closed forms and against the functions that a user would call instead."""

from __future__ import annotations

import math

import pytest

import certflow as cf
from certflow.composition.segments import segment_table
from certflow.errors import InputError
from certflow.sweep.experiments.comparison import column, log_ratio_error
from certflow.sweep.experiments.registry import EXPERIMENTS, call_of, measured_by

TWO = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/2", "1/2"], [[-1], [1]], "0.04"))
THREE = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3"] * 3, [[-1], [0], [1]], "0.04"))


def measured(name, process, **options):
    known = {key: option.default for key, option in EXPERIMENTS[name].options.items()}
    return EXPERIMENTS[name].measure(process, **{**known, **options})


def test_two_modes_are_sharp() -> None:
    """F2 by hand: `-1/2 ln v - D^2/(8 c v)` between the ends, with D = 2, c = 0.96."""
    c = 0.96
    v = {t: 1 - c * math.exp(-2 * t) for t in (0.01, 3)}
    primitive = {t: -0.5 * math.log(v[t]) - 4 / (8 * c * v[t]) for t in v}
    found = measured("exponents", TWO)
    assert found.figures["closed"] == pytest.approx(primitive[3] - primitive[0.01], rel=1e-12)
    assert found.figures["share"] == pytest.approx(1, abs=0.05)
    assert (found.violated, found.spent, found.figures["exposed"]) == ("", "", True)
    assert measured("exponents", THREE).figures["exposed"] is False


def test_a_loose_bound_where_l4_says_sharp_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an edge that is not exposed taken for one, the sharp exponent of three means on a line refutes L4."""
    from certflow.sweep.experiments import exponents

    monkeypatch.setattr(exponents, "exposed_diameter", lambda mixture: (0, 2, None))
    assert measured("exponents", THREE).violated.startswith("the bound is attained (L4), but int lambda* <= ")


def test_three_on_a_line_by_its_closed_supremum() -> None:
    """`V* = 2q/(1+2q)` if `q = e^{-r} >= 1/4`, else `1/(4(1-4q^2))` (L5), integrated over r by a fine sum."""
    ends = [0.5 * math.exp(-2 * t) / (1 - 0.96 * math.exp(-2 * t)) for t in (3, 0.01)]

    def supremum(r: float) -> float:
        q = math.exp(-r)
        return 2 * q / (1 + 2 * q) if q >= 0.25 else 1 / (4 * (1 - 4 * q * q))

    count = 20_000
    width = (ends[1] - ends[0]) / count
    integral = sum(supremum(ends[0] + (i + 0.5) * width) for i in range(count)) * width
    v = [1 - 0.96 * math.exp(-2 * t) for t in (0.01, 3)]
    exact = integral - 0.5 * math.log(v[1] / v[0])
    found = measured("exponents", THREE, gap=0.02)
    assert found.figures["sharp_lower"] <= exact <= found.figures["sharp_upper"]
    assert found.figures["sharp_upper"] - found.figures["sharp_lower"] <= 0.02 * found.figures["closed"]
    assert found.figures["excess"] == pytest.approx(found.figures["closed"] - exact, abs=0.2)


def test_a_search_without_time_is_spent() -> None:
    found = measured("exponents", THREE, gap=1e-9, seconds=0.1)
    assert found.spent.startswith("an enclosure of width")


def test_other_covariances_are_refused() -> None:
    mixed = cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances"))
    with pytest.raises(InputError, match="common-isotropic"):
        measured("exponents", mixed)


def test_solver_errors_are_those_of_the_library() -> None:
    found = measured(
        "solver-grids",
        TWO,
        sampler="heun",
        segments=6,
        samples=256,
        grids=["uniform", "stability-balanced", "stability-balanced:two-sided", "karras"],
    ).figures
    for kind, rate in (
        ("uniform", None),
        ("stability-balanced", None),
        ("stability-balanced", "two-sided"),
        ("karras", None),
    ):
        times = cf.time_grid(TWO, 6, kind, rate)
        error = cf.samplers.relative_mse(TWO, times, "heun", samples=256)
        assert found[column(f"{kind}:{rate}" if rate else kind)] == pytest.approx(error, rel=1e-12)
    assert found["gain_balanced"] == pytest.approx(found["mse_uniform"] / found["mse_stability_balanced"])
    assert found["best"] == "karras"


def test_standard_error_of_a_ratio() -> None:
    """Two draws each: means 2 and 4, relative deviations +-1/2 and -+1/4."""
    assert log_ratio_error([1.0, 3.0], [5.0, 3.0]) == pytest.approx(math.sqrt(2 * 0.75**2 / 1) / math.sqrt(2))
    assert log_ratio_error([0.0, 0.0], [1.0, 2.0]) is None


def test_segments_are_those_of_the_library() -> None:
    found = measured("segments", TWO, budget=5.0).figures
    table = segment_table(TWO, 5.0, [1])
    assert (found["needed"], found["sufficient"]) == (table.needed, table.sufficient)
    assert found["floor"] == pytest.approx(table.rows[0].floor, rel=1e-6)
    assert found["one_step"] == "not enough"
    assert measured("segments", TWO, budget=2000.0).figures["one_step"] == "enough"
    between = measured("segments", THREE, budget=10.0).figures
    assert between["sufficient"] > 1, "the bound does not see the mean between"
    assert between["one_step"] == "enough"


def test_what_no_floor_is_known_of_is_open() -> None:
    skew = cf.GaussianMixture(["0.2", "0.3", "0.5"], [[-1, 0], [1, "0.3"], ["0.1", 1]], "0.01")
    found = measured("segments", cf.OrnsteinUhlenbeck(skew)).figures
    assert found["floor"] is None
    assert (found["one_step"], found["enough"]) == ("open", None)


def test_students_are_those_of_the_laboratory() -> None:
    pytest.importorskip("torch")
    few = {"steps": 20, "points": 256, "hidden": 8}
    found = measured("student-grids", TWO, segments=2, seeds=2, **few).figures
    settings = cf.distill.Settings(hidden=8, steps=20, pool=256, test=256, batch=128)
    results = cf.distill.run(
        TWO, ["uniform", "stability-balanced", "stability-balanced:two-sided"], [2], 2, "cpu", settings, exact=False
    )
    for grid, name in (("uniform", "mse_uniform"), ("stability-balanced", "mse_stability_balanced")):
        errors = [row["relative_mse"] for row in results.of(grid, 2)]
        assert found[name] == pytest.approx(math.sqrt(errors[0] * errors[1]))
    assert found["gain_error"] is not None


def test_functions_of_ones_own(tmp_path) -> None:
    (tmp_path / "mine_of_sweep.py").write_text(
        "def f(process, a=1):\n    return {'a': a}\ndef g(process):\n    return 3\n"
    )
    assert measured_by(call_of("mine_of_sweep:f", "call", tmp_path), TWO, {"a": 2}).figures == {"a": 2}
    with pytest.raises(TypeError, match="returned int, not figures by name"):
        measured_by(call_of("mine_of_sweep:g", "call"), TWO, {})
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine_of_sweep.py").write_text("def f(process):\n    return {'a': 'other'}\n")
    assert call_of("mine_of_sweep:f", "call", other)(TWO) == {"a": "other"}, "the module of this folder"
    for bad in ("mine_of_sweep", "mine_of_sweep:h", "os:sep", 3):
        with pytest.raises(InputError, match="MODULE:FUNCTION"):
            call_of(bad, "call")
