"""Errors of students in one dimension against quadrature; steep, far and cut short; false twins."""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
import pytest
from trained import DATA, NAMES, NOISE, Law, carried, evaluated, process, relative_mse, student

import certflow as cf
from certflow.enclosure.students import push as push_module
from certflow.enclosure.students.line import error as error_module
from certflow.enclosure.students.line.flow import LineFlow, between
from certflow.enclosure.students.maps import ExactMap
from certflow.enclosure.students.taylor import Models
from certflow.errors import InputError

ONE, ZERO = np.ones(1), np.zeros(1)
REACH = (-3.3, 3.3)


def steep(slope: float, height: float = 1.0) -> ExactMap:
    """`height tanh(slope x)`."""
    matrices = (np.array([[slope]]), np.array([[height]]))
    return ExactMap(matrices, (ZERO, ZERO), "tanh", 0.0, ZERO, ONE, ZERO, ONE)


@functools.cache
def truth(name: str) -> float:
    maps, _ = student(name)
    panels = 2000 if name in ("relu-1", "groupsort-1") else 300  # kinks
    return relative_mse(lambda x: evaluated(maps, x), NOISE, DATA, REACH, panels)


AFFINE = ExactMap((np.ones((1, 1)),), (ZERO,), "relu", 0.0, ZERO, ONE, ZERO, ONE)


@functools.cache
def of_the_identity() -> float:
    return relative_mse(lambda x: x, NOISE, DATA, REACH)


@pytest.mark.parametrize(("rtol", "cells"), [("0.02", 160), ("1e-5", 600)])
@pytest.mark.parametrize("name", NAMES)
def test_the_error_of_a_trained_student(name, rtol, cells):
    maps, times = student(name)
    found = cf.enclosure.student_error(process(), maps, times, rtol=rtol)
    assert found.complete
    assert found.upper - found.lower <= Fraction(rtol) * found.upper
    assert found.lower <= truth(name) <= found.upper
    assert len(found.cells.bound) <= cells
    assert found.tail < found.upper / 10**6
    width = sum(found.cells.part_high - found.cells.part_low)
    assert width == pytest.approx(float(found.upper - found.lower), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_local_errors_on_every_cell(name):
    maps, times = student(name)
    found = cf.enclosure.student_error(process(), maps, times)
    for place in (0.0, 0.31, 1.0):
        y = found.cells.low[:, 0] + place * (found.cells.high - found.cells.low)[:, 0]
        inside = np.abs(y) < 3
        error = evaluated(maps, carried(y[inside], DATA, NOISE)) - y[inside]
        assert (np.abs(error) <= found.cells.bound[inside] * (1 + 1e-9) + 1e-9).all()


LAWS = {
    "different variances": (["1/4", "1/2", "1/4"], ["-2", "0", "3"], ["0.01", "0.3", "0.04"]),
    "one": (["1"], ["0.5"], ["0.2"]),
    "far apart": (["0.1", "0.9"], ["-5", "5"], ["0.09", "0.0625"]),
}


@pytest.mark.parametrize("times", [("2", "0.02"), ("0.5", "0.1")])
@pytest.mark.parametrize("law", LAWS)
def test_other_laws_and_the_flow_on_cells(law, times):
    weights, means, variances = LAWS[law]
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, [[m] for m in means], variances), t_min="0.01", t_max="3")
    numbers = [[float(Fraction(v)) for v in row] for row in (weights, means, variances)]
    noise, data = (Law(*numbers, float(t)) for t in times)
    flow = LineFlow(p, *map(Fraction, times))
    reach = float((data.mu - 6 * data.sd).min()), float((data.mu + 6 * data.sd).max())
    cells = between(*reach, 60)
    for degree in (3, 5):
        x, error = flow.preimages(cells, degree)
        for eta in (-1.0, -0.4, 0.7, 1.0):
            model = sum(c * eta**k for k, c in enumerate(x))
            exact = carried(cells.centre + eta * cells.half, data, noise)
            near = np.minimum(*data.tails(cells.centre)) > 1e-9  # further out the oracle's own bisection is blunt
            assert (np.abs(exact - model) <= error + 1e-11 * np.abs(exact) + 1e-11)[near].all()
    found = cf.enclosure.student_error(p, steep(0.9, 2.0), times, rtol="1e-4")
    exact = relative_mse(lambda x: 2 * np.tanh(0.9 * x), noise, data, reach)
    assert found.complete
    assert float(found.lower) * (1 - 1e-9) <= exact <= float(found.upper) * (1 + 1e-9)


@pytest.mark.parametrize("slope", [1e2, 1e4, 1e6])
def test_steep_students(slope):
    found = cf.enclosure.student_error(process(), steep(slope), ["3", "0.01"], rtol="1e-4")
    assert found.complete
    assert len(found.cells.bound) < 1000
    if slope == 1e6:  # all but the sign: between its jumps the oracle needs no panels
        exact = relative_mse(np.sign, NOISE, DATA, REACH)
        assert float(found.lower) * (1 - 1e-6) <= exact <= float(found.upper) * (1 + 1e-6)
    assert cf.enclosure.student_distance(process(), steep(slope), ["3", "0.01"], (-4, 4)).complete
    lipschitz = cf.enclosure.student_lipschitz(steep(slope), (-4, 4))
    assert lipschitz.complete
    assert lipschitz.lower <= slope <= lipschitz.upper


def test_maps_far_from_the_data():
    far = ExactMap((np.ones((1, 1)),), (np.array([1e6]),), "relu", 0.0, ZERO, ONE, ZERO, ONE)  # x + 10^6
    found = cf.enclosure.student_error(process(), far, ["3", "0.01"], rtol="1e-6")
    assert found.lower <= relative_mse(lambda x: x + 1e6, NOISE, DATA, REACH) <= found.upper


def test_a_student_without_error_is_not_sought_for_ever():
    """Of one component the flow is linear, by the root of the ratio of the variances."""
    p = cf.OrnsteinUhlenbeck(cf.GaussianMixture([1], [[0]], "0.04"), t_min="0.01", t_max="3")
    ratio = np.sqrt((1 - 0.96 * np.exp(-0.02)) / (1 - 0.96 * np.exp(-6)))
    exact = ExactMap((np.array([[ratio]]),), (ZERO,), "relu", 0.0, ZERO, ONE, ZERO, ONE)
    found = cf.enclosure.student_error(p, exact, ["3", "0.01"])
    assert not found.complete
    assert found.lower < found.upper < 1e-21
    assert len(found.cells.bound) < 1000
    found = cf.enclosure.student_distance(p, exact, ["3", "0.01"], (-4, 4))
    assert not found.complete
    assert found.upper < 1e-10
    assert len(found.cells.bound) < 400


def test_out_of_budget_is_the_best_so_far():
    maps, times = student("balanced-2")
    found = cf.enclosure.student_error(process(), maps, times, rtol="1e-9", seconds=1e-9)
    assert not found.complete
    assert "wider than asked for" in str(found)
    assert found.lower <= truth("balanced-2") <= found.upper
    assert not cf.enclosure.student_distance(process(), maps, times, (-4, 4), rtol="1e-9", seconds=1e-9).complete
    assert not cf.enclosure.student_lipschitz(maps, (-4, 4), rtol="1e-9", seconds=1e-9).complete


@pytest.mark.parametrize("name", NAMES)
def test_the_distance_and_the_lipschitz_constant(name):
    maps, times = student(name)
    x = np.linspace(-4.5, 4.5, 20_001)
    psi = evaluated(maps, x)
    found = cf.enclosure.student_distance(process(), maps, times, (-4.5, 4.5))
    assert found.complete
    seen = np.abs(psi - carried(x, NOISE, DATA)).max()
    assert float(found.lower) * 0.98 <= seen <= float(found.upper)
    found = cf.enclosure.student_lipschitz(maps, (-4.5, 4.5))
    assert found.complete
    seen = np.abs(np.diff(psi) / np.diff(x)).max()
    assert float(found.lower) * 0.98 <= seen <= float(found.upper) * (1 + 1e-9)
    assert len(found.cells.bound) < 300


def test_which_of_two_students_is_better():
    results = [cf.enclosure.student_error(process(), *student(name)) for name in ("balanced-2", "uniform-2")]
    found = cf.enclosure.compare_students(*results)
    assert found.better == "first"
    assert found.lower <= truth("uniform-2") / truth("balanced-2") <= found.upper
    assert found.lower > 2
    other = cf.enclosure.compare_students(*results[::-1])
    assert other.better == "second"
    assert other.statement.startswith("the second student has the smaller error: that of the first is at least 2.6")
    same = cf.enclosure.compare_students(results[0], results[0])
    assert same.better is None
    assert "not decided" in same.statement


# -- false twins: each leaves out one thing, and its enclosure must be false ---------------------------------


def coarse(maps, times):
    """An enclosure from 40 cells, so that what is left out weighs."""
    return cf.enclosure.student_error(process(), maps, times, rtol="1e-9", seconds=1e-9)


def test_the_honest_enclosure_of_40_cells_is_true():
    found = coarse(*student("uniform-2"))
    assert found.lower <= truth("uniform-2") <= found.upper


def test_the_twin_without_remainders_is_caught(monkeypatch):
    honest = error_module.push

    def twin(basis, models, maps):
        c, r = honest(basis, models, maps)
        c = c.copy()
        c[basis.size :] = 0
        return Models(c, 0 * r)

    monkeypatch.setattr(error_module, "push", twin)
    found = coarse(*student("uniform-2"))
    assert not found.lower <= truth("uniform-2") <= found.upper


def test_the_twin_without_the_error_of_the_flow_is_caught(monkeypatch):
    """The student is the identity: the models are exact but for the flow."""
    honest = LineFlow.preimages

    def twin(self, cells, degree):
        x, error = honest(self, cells, degree)
        return x, 0 * error

    found = coarse(AFFINE, ["3", "0.01"])
    assert found.lower <= of_the_identity() <= found.upper
    monkeypatch.setattr(LineFlow, "preimages", twin)
    found = coarse(AFFINE, ["3", "0.01"])
    assert not found.lower <= of_the_identity() <= found.upper


def test_the_twin_that_drops_symbols_is_caught(monkeypatch):
    def twin(basis, models):
        c = models.coefficients.copy()
        c[basis.size :] = 0
        return Models(c, 0 * models.remainder)

    monkeypatch.setattr(push_module, "renewed", twin)
    found = coarse(AFFINE, ["3", "0.01"])
    assert not found.lower <= of_the_identity() <= found.upper


def test_the_twin_without_the_tail_is_caught(monkeypatch):
    maps, times = student("uniform-2")
    monkeypatch.setattr(error_module, "range_of", lambda *_: (-1.2, 1.2))
    honest = cf.enclosure.student_error(process(), maps, times, seconds=2)
    assert honest.lower <= truth("uniform-2") <= honest.upper
    assert not honest.complete
    monkeypatch.setattr(error_module, "tail_square", lambda *_: 0.0)
    found = cf.enclosure.student_error(process(), maps, times, rtol="1e-3")
    assert not found.lower <= truth("uniform-2") <= found.upper


def test_the_twin_that_stops_half_way_through_the_last_segment_is_caught():
    maps, times = student("uniform-2")
    found = cf.enclosure.student_error(process(), maps, [*times[:2], (times[1] + times[2]) / 2])
    assert not found.lower <= truth("uniform-2") <= found.upper


class Kept(list):
    """Maps that are kept with the times between which they were trained."""

    def __init__(self, maps, times):
        super().__init__(maps)
        self.times = times


def test_a_kept_student_stands_for_its_own_times():
    maps, times = student("tanh-1")
    kept = Kept(maps, (3.0, 0.01))
    found, same = (cf.enclosure.student_error(process(), one, times) for one in (kept, maps))
    assert (found.lower, found.upper) == (same.lower, same.upper)
    assert found != same  # results are not compared by their cells, which are arrays


# -- what is refused -----------------------------------------------------------------------------------------


def refusals():
    maps, times = student("tanh-1")
    p = process()
    error, distance = cf.enclosure.student_error, cf.enclosure.student_distance
    plane = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    flat = ExactMap((np.eye(2),), (np.zeros(2),), "relu", 0.0, *[np.ones(2)] * 4)
    found = error(p, maps, times)
    other = error(p, maps, ["3", "0.02"])
    return [
        ("p", lambda: error(None, maps, times)),
        ("maps", lambda: error(p, [], times)),
        ("maps", lambda: error(p, "psi", times)),
        ("maps", lambda: error(plane, maps, times)),
        ("maps", lambda: distance(plane, flat, times, (-1, 1))),
        ("times", lambda: error(p, maps, times[:1])),
        ("times", lambda: error(p, maps, times[::-1])),
        ("times", lambda: error(p, maps, [3, 0])),
        ("times", lambda: error(p, Kept(maps, (3.0, 0.01)), ["3", "0.02"])),
        ("rtol", lambda: error(p, maps, times, rtol=2)),
        ("seconds", lambda: error(p, maps, times, seconds=0)),
        ("box", lambda: distance(p, maps, times, (1, 1))),
        ("box", lambda: cf.enclosure.student_lipschitz(maps, (0, np.inf))),
        ("second", lambda: cf.enclosure.compare_students(found, other)),
        ("second", lambda: cf.enclosure.compare_students(found, error(p, maps, ["3", "0.01"]))),
        ("first", lambda: cf.enclosure.compare_students(0.1, found)),
    ]


@pytest.mark.parametrize("index", range(16))
def test_what_is_refused(index):
    field, call = refusals()[index]
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
