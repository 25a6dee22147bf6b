"""`time_grid` of a model with data: what is chosen, its ends, its progress, and bad input of every sort."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from depth import some
from exact import told

import certflow as cf
from certflow.errors import InputError
from certflow.grids import KINDS

VARIANCE = 0.25
DATA = math.sqrt(VARIANCE) * np.random.default_rng(3).standard_normal((300, 2))
SAMPLED = [kind for kind, entry in KINDS.items() if "samples" in entry.options]


def linear(x: Any, sigma: Any) -> Any:
    """The denoiser of `N(0, VARIANCE)` in `x_0 + sigma z`, for arrays and tensors."""
    return VARIANCE / (VARIANCE + sigma.reshape(-1, *[1] * (x.ndim - 1)) ** 2) * x


def model_of(f: Any = linear, **options: Any) -> cf.Model:
    return cf.Model(f, "sample", cf.schedules.edm(), **options)


MODEL = model_of(t_min="0.01", t_max=3)


# -- what is chosen ------------------------------------------------------------------------------------------


def test_without_a_solver_auto_is_the_typical_grid_and_says_why() -> None:
    plain = cf.time_grid(MODEL, 5, "typical", data=DATA, samples=16, seed=2)
    for chosen in (
        cf.time_grid(MODEL, 5, "auto", data=DATA, samples=16, seed=2),
        cf.time_grid(MODEL, 5, data=DATA, samples=16, seed=2),
    ):
        assert (chosen.kind, chosen.sampler) == ("typical", "distilled")
        assert chosen.times.tolist() == plain.times.tolist()
        assert "no pilot of a network" in chosen.options["reason"]
        assert dict(chosen.options) == {**plain.options, "reason": chosen.options["reason"]}


def test_a_named_kind_says_for_which_maps_it_is() -> None:
    found = cf.time_grid(MODEL, 4, "karras", sampler="heun", rho=5)
    assert (found.kind, found.sampler, dict(found.options)) == ("karras", "heun", {"rho": 5.0})
    law = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
    assert found.times.tolist() == cf.time_grid(law, 4, "karras", rho=5).times.tolist()


def test_the_ends_are_those_of_the_model_or_those_that_are_asked_for() -> None:
    own = cf.time_grid(model_of(), 4, "typical", data=DATA, samples=8)
    assert own.sigmas[[-1, 0]].tolist() == pytest.approx([0.002, 80])
    asked = cf.time_grid(model_of(), 4, "typical", data=DATA, samples=8, t_min="0.01", t_max=3)
    assert asked.times.tolist() == cf.time_grid(MODEL, 4, "typical", data=DATA, samples=8).times.tolist()
    one = cf.time_grid(model_of(), 4, "uniform", t_min="1/3")
    assert one.times[[-1, 0]].tolist() == [1 / 3, model_of().t_max]


def test_a_solver_is_searched_for_between_the_ends_that_are_asked_for() -> None:
    pytest.importorskip("torch")
    told: list[tuple[int, int]] = []
    found = cf.time_grid(
        model_of(),
        3,
        sampler="euler",
        data=DATA,
        t_min="0.01",
        t_max=3,
        samples=64,
        progress=lambda done, total: told.append((done, total)),
    )
    angles = np.arctan(found.sigmas / math.sqrt(VARIANCE))
    assert np.diff(angles) == pytest.approx(np.full(3, (angles[-1] - angles[0]) / 3), rel=0.05)  # the only optimum
    assert (found.sampler, found.times[0], found.times[-1]) == ("euler", 3.0, 0.01)
    assert told == [(k, 5) for k in range(1, 6)]


def test_rivals_and_starts_of_a_search_look_at_few_rows() -> None:
    pytest.importorskip("torch")
    from certflow.planning.solver_grids import named_grids

    rows = 0

    def counted(x: Any, sigma: Any) -> Any:
        nonlocal rows
        rows += len(x)
        return linear(x, sigma)

    model = model_of(counted, t_min="0.01", t_max=3, shape=(2,))
    found = named_grids(model, 4, DATA)
    assert {"typical", "score-optimal", "gits", "ays", "entropic", "optimal-steps", "karras"} <= set(found)
    assert "stability-balanced" not in found
    assert rows < 400_000
    assert set(SAMPLED).isdisjoint(named_grids(model, 4))


PREDICTED = ("epsilon", "sample", "v_prediction", "flow_prediction", "score")
SCHEDULES = ("flow_matching", "variance_preserving", "scaled_linear")


@pytest.mark.parametrize(("make", "predicts"), some(((make, each) for make in SCHEDULES for each in PREDICTED), 2))
def test_grids_are_the_same_whatever_is_predicted_on_which_schedule(make: str, predicts: str) -> None:
    """The same law in other clothes, `x = a x_0 + b z`; the draws do not depend on them."""
    schedule = getattr(cf.schedules, make)()

    def f(x: Any, tau: Any) -> Any:
        a, b = (part(tau)[:, None] for part in (schedule.a, schedule.b))
        data = VARIANCE * a / (VARIANCE * a**2 + b**2) * x
        return told(predicts, data, (x - a * data) / b, a, b)

    for kind in ("typical", "score-optimal", "entropic"):
        given: dict[str, Any] = {"data": DATA, "samples": 8, "t_min": "0.02", "t_max": 2}
        found = cf.time_grid(cf.Model(f, predicts, schedule), 4, kind, **given)
        np.testing.assert_allclose(found.times, cf.time_grid(model_of(), 4, kind, **given).times, rtol=1e-5)


# -- progress ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLED)
def test_progress_rises_to_the_end(kind: str) -> None:
    told: list[float] = []
    few = {"candidates": 9} if "candidates" in KINDS[kind].options else {}
    cf.time_grid(MODEL, 3, kind, data=DATA, samples=8, progress=lambda done, total: told.append(done / total), **few)
    assert len(told) > 8
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_bar_on_stderr_only_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for asked in (None, False):
        cf.time_grid(MODEL, 3, "typical", data=DATA, samples=8, progress=asked)
    assert capsys.readouterr() == ("", "")
    cf.time_grid(MODEL, 3, "typical", data=DATA, samples=8, progress=True)
    out, err = capsys.readouterr()
    assert not out
    assert "97/97 typical" in err


# -- bad input -----------------------------------------------------------------------------------------------


def nan(x: Any, sigma: Any) -> Any:
    return x * np.where(sigma[:, None] < 1, np.nan, 1.0)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no data": ({"data": None}, "data: got None; required: rows of the data, shape (n, ...)"),
    "one row": ({"data": DATA[:1]}, "data: got 'shape (1, 2)'; required: two rows or more"),
    "no row": ({"data": DATA[:0]}, "data: got 'shape (0, 2)'; required: rows, shape (n, ...)"),
    "one number a row": ({"data": DATA[:, 0]}, "data: got 'shape (300,)'; required: rows, shape (n, ...)"),
    "another shape": (
        {"process": model_of(shape=(3,))},
        "data: got 'shape (300, 2)'; required: rows of the model's samples, shape (n, 3)",
    ),
    "another shape, searched": (
        {"process": model_of(shape=(3,)), "kind": "auto", "sampler": "heun"},
        "data: got 'shape (300, 2)'; required: rows of the model's samples, shape (n, 3)",
    ),
    "text": ({"data": [["a", "b"]] * 3}, "data[0][0]: got 'a'"),
    "NaN in the data": ({"data": [[1.0, math.nan], [0, 1]]}, "data: got nan; required: finite numbers"),
    "infinite data": ({"data": [[1.0, math.inf], [0, 1]]}, "data: got inf; required: finite numbers"),
    "the model's shape": (
        {"process": model_of(lambda x, sigma: x[:, :1])},
        "model: got 'shape (8, 1) returned'; required: an array of the shape of x, (8, 2)",
    ),
    "the model's NaN": ({"process": model_of(nan), "t_min": 0.1}, "model: got 'nan returned in row 0, at tau = "),
    "early": (
        {"process": cf.Model(linear, "sample", cf.schedules.scaled_linear()), "t_min": 1e-9},
        "t_min: got 1e-09; required: an OU time from 0.000425181 to 2.68436, which the schedule has",
    ),
    "late": (
        {"process": cf.Model(linear, "sample", cf.schedules.scaled_linear()), "t_max": 5},
        "t_max: got 5; required: an OU time from 0.000425181 to 2.68436, which the schedule has",
    ),
    "turned round": ({"t_min": 2, "t_max": 1}, "t_max: got 1.0; required: a time > t_min = 2"),
    "equal": ({"t_min": 1, "t_max": 1}, "t_max: got 1.0; required: a time > t_min = 1"),
    "an end of zero": ({"t_min": 0}, "t_min: got 0; required: a finite time > 0"),
    "an end that is text": ({"t_max": "late"}, "t_max: got 'late'; required:"),
    "no kind": ({"kind": "sigmoid"}, "kind: got 'sigmoid'; required: one of uniform, quadratic"),
    "kind a number": ({"kind": 3}, "kind: got 3; required: one of uniform, quadratic"),
    "a bound": ({"kind": "stability-balanced"}, "kind: got 'stability-balanced'; required: one of uniform, quadratic"),
    "spectral": ({"rate": "spectral"}, "rate: got 'spectral'; required: frobenius for a model"),
    "a rate of auto": ({"kind": "auto", "rate": "spectral"}, "rate: got 'spectral'; required: no rate for a plan"),
    "settings of auto": ({"kind": "auto", "settings": 1}, "settings: got 1; required: no settings for a plan"),
    "tolerance": ({"kind": "auto", "tolerance": 0.1}, "tolerance: got 0.1; required: none for the trained maps"),
    "tolerance of a kind": (
        {"kind": "karras", "tolerance": 0.1, "sampler": "euler"},
        "kind: got 'karras'; required: auto for a tolerance with sampler euler",
    ),
    "sampler": ({"sampler": "ddpm"}, "sampler: got 'ddpm'; required: one of distilled, euler"),
    "segments": ({"segments": 0}, "segments: got 0; required: an int from 1 to 10000"),
    "samples": ({"samples": 1}, "samples: got 1; required: an int from 2"),
    "seed": ({"seed": -1}, "seed: got -1; required: an int from 0"),
    "option": ({"rho": 7}, "rho: got 7; required: an option of kind typical, which has rate, samples, seed"),
    "progress": ({"progress": "yes"}, "progress: got 'yes'; required: True for a bar on stderr, or a function"),
    "data of one point, ays": (
        {"process": model_of(lambda x, sigma: 0 * x + 0.5), "data": np.full((4, 2), 0.5), "kind": "ays"},
        "data: got 'shape (4, 2)'; required: data whose mean squared error",
    ),
    "data of one point, entropic": (
        {"process": model_of(lambda x, sigma: 0 * x + 0.5), "data": np.full((4, 2), 0.5), "kind": "entropic"},
        "data: got 'shape (4, 2)'; required: data whose variance",
    ),
    "at rest": (
        {"process": cf.Model(lambda x, t: -x, "score", cf.schedules.ornstein_uhlenbeck())},
        "rate: got 'frobenius'; required: a rate that is positive somewhere",
    ),
    "ends of a mixture": (
        {"process": cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes")), "t_min": 0.1, "data": None},
        "t_min: got 0.1; required: no t_min here",
    ),
    "data of a mixture": (
        {"process": cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))},
        "data: got array(",
    ),
    "no process": ({"process": object()}, "process: got <object"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name: str) -> None:
    change, line = BAD[name]
    given = {"process": MODEL, "segments": 4, "kind": "typical", "data": DATA, "samples": 8} | change
    with pytest.raises(InputError) as refused:
        cf.time_grid(**given)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", SAMPLED)
def test_every_kind_meets_a_bad_model_in_one_line(kind: str) -> None:
    for f, line in ((nan, "model: got 'nan returned"), (lambda x, sigma: x[:1], "model: got 'shape (1, 2) returned'")):
        with pytest.raises(InputError) as refused:
            cf.time_grid(model_of(f), 3, kind, data=DATA, samples=8)
        assert str(refused.value).startswith(line)
