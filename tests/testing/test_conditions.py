"""What strategies promise: conditions of mixtures, places, grids, maps, schedules, planted faults; how they shrink."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from depth import night
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import certflow as cf
import certflow.testing as ct
from certflow.testing.planted import FAULTS
from certflow.testing.strategies.places import PLACES
from certflow.testing.strategies.schedules import FAMILIES

ONCE = settings(max_examples=2000, database=None, derandomize=True)
FEW = settings(max_examples=12)


def decimal(value: Fraction) -> bool:
    return (10**60) % value.denominator == 0


def distances(mixture: cf.GaussianMixture) -> list[Fraction]:
    """Squared distances of means, exactly."""
    means = mixture.exact_means.fractions
    return [((means[i] - means[j]) ** 2).sum() for i, j in combinations(range(len(means)), 2)]


# -- mixtures ----------------------------------------------------------------------------------------------------


@given(ct.mixtures(min_components=2, max_components=4, min_distance="1.5", max_mean=3, exact=True))
@FEW
def test_components_are_as_far_apart_as_asked(mixture):
    assert min(distances(mixture)) >= Fraction(9, 4)
    assert abs(mixture.exact_means.fractions).max() <= 3


@given(ct.mixtures(min_components=2, symmetric=True, min_distance="1.5", exact=True))
@FEW
def test_symmetric_components_are_as_far_apart_as_asked(mixture):
    assert min(distances(mixture)) >= Fraction(9, 4)
    assert abs(mixture.exact_means.fractions).max() <= 3


@given(ct.mixtures(min_components=2, overlapping=True, exact=True))
@FEW
def test_overlapping_components_are_within_a_standard_deviation(mixture):
    least = np.linalg.eigvalsh(mixture.covariance_matrices).min()
    assert max(distances(mixture)) <= least * (1 + 1e-9)


@given(ct.mixtures(symmetric=True), st.data())
@FEW
def test_a_symmetric_law_is_that_of_minus_the_variable(mixture, data):
    process = cf.OrnsteinUhlenbeck(mixture)
    x = data.draw(ct.points(mixture.dimension, max_coordinate=4))
    assert process.log_density(-x, 0.3) == pytest.approx(process.log_density(x, 0.3), rel=1e-12, abs=1e-12)


@given(ct.mixtures(kinds=["shared", "full"], max_condition=5, min_variance="0.01"))
@FEW
def test_the_condition_number_is_bounded(mixture):
    assert np.linalg.cond(mixture.covariance_matrices).max() <= 5 * (1 + 1e-9)
    assert np.linalg.eigvalsh(mixture.covariance_matrices).min() >= 0.01 * (1 - 1e-9)


def test_the_condition_number_reaches_its_bound_in_a_turned_matrix():
    turned = find(
        ct.mixtures(kinds=["shared"], max_condition=4, min_dimension=2),
        lambda m: m.covariances[0, 1] != 0 and np.linalg.cond(m.covariances) > 3.99,
        settings=ONCE,
    )
    assert turned.n_components == 1


@given(ct.mixtures(exact="decimal", symmetric=True), ct.mixtures(exact="decimal", weights="unequal"))
@FEW
def test_decimals_alone(symmetric, unequal):
    for mixture in (symmetric, unequal):
        for part in (mixture.exact_weights, mixture.exact_means, mixture.exact_covariances):
            assert all(map(decimal, part.fractions.ravel()))
        assert sum(mixture.exact_weights.fractions) == 1
    shares = symmetric.exact_weights.fractions.tolist()
    assert shares == shares[::-1]
    assert len(set(unequal.exact_weights.fractions)) == unequal.n_components


def test_weights_are_equal_or_unequal():
    equal = find(ct.mixtures(weights="equal"), lambda m: m.n_components == 3, settings=ONCE)
    assert set(equal.weights) == {1 / 3}
    unequal = find(ct.mixtures(weights="unequal"), lambda m: m.n_components == 3, settings=ONCE)
    assert unequal.exact_weights.fractions.tolist() == [Fraction(1, 6), Fraction(1, 3), Fraction(1, 2)]
    few = ct.mixtures(weights="equal", exact="decimal", min_components=3)
    assert find(few, lambda m: True, settings=ONCE).n_components == 4


@pytest.mark.parametrize("kind", ["common-isotropic", *night("full", "isotropic", "shared")])
@pytest.mark.parametrize(
    ("options", "means"),
    [
        ({"symmetric": True, "min_distance": 2}, [[1], [-1]]),
        ({"max_condition": 2, "exact": "decimal"}, [[0], [0]]),
        *night(
            ({"min_distance": 2}, [[-1], [1]]),
            ({"overlapping": True}, [[0], [0]]),
            ({"symmetric": True}, [[0], [0]]),
        ),
    ],
)
def test_conditions_shrink_to_the_nearest_that_is_allowed(kind, options, means):
    smallest = find(ct.mixtures(kinds=[kind], min_components=2, **options), lambda m: True, settings=ONCE)
    assert smallest.exact_means.fractions.tolist() == means
    assert set(smallest.exact_covariances.fractions.ravel()) == {1}
    assert smallest.exact_weights.fractions.tolist() == [Fraction(1, 2)] * 2


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda: ct.mixtures(min_distance=-1), "min_distance: got -1; required: a number >= 0"),
        (lambda: ct.mixtures(min_distance=3), r"min_distance: got 3; required: at most 2 max_mean / .* = 2"),
        (lambda: ct.mixtures(min_distance=1, overlapping=True), "min_distance: got 1; required: 0 for overlapping"),
        (lambda: ct.mixtures(max_condition="1/2"), "max_condition: got '1/2'; required: a number >= 1"),
        (lambda: ct.mixtures(weights="all"), "weights: got 'all'; required: one of any, equal, unequal"),
        (lambda: ct.mixtures(weights="unequal", symmetric=True), "weights: got 'unequal'; required: any or equal"),
        (lambda: ct.mixtures(exact="decimals"), "exact: got 'decimals'; required: one of True, False, decimal, None"),
        (
            lambda: ct.mixtures(exact="decimal", min_variance="1/3", max_variance="1/3"),
            "min_variance: got '1/3'; required: a decimal",
        ),
        (
            lambda: ct.mixtures(exact="decimal", weights="equal", min_components=3, max_components=3),
            "max_components: got 3; required: a number whose inverse is a decimal",
        ),
        (lambda: ct.decimals("0.11", "0.19", places=1), "max_value: got '0.19'; required: room for a decimal"),
        (lambda: ct.time_grids(min_segments=0), "min_segments: got 0"),
        (lambda: ct.time_grids(min_time=1, max_time=1), "min_time: got 1; required: a time < max_time = 1"),
        (lambda: ct.lipschitz_maps(2, max_constant=0), "max_constant: got 0; required: a finite number > 0"),
        (lambda: ct.lipschitz_maps(2, max_shift=-1), "max_shift: got -1; required: a finite number >= 0"),
        (lambda: ct.schedules(kinds=["linear"]), "kinds: got 'linear'; required: a list of some of ornstein_uhl"),
        (lambda: ct.planted_models(faults=["typo"]), "faults: got 'typo'; required: a list of some of none, sign"),
        (lambda: ct.planted_models(predicts="score"), "predicts: got 'score'"),
        (lambda: ct.places(PROCESS, 1.0, kinds=["near"]), "kinds: got 'near'; required: a list of some of typical"),
    ],
)
def test_bad_arguments(strategy, message):
    with pytest.raises(cf.InputError, match=message):
        find(strategy(), lambda value: True, settings=ONCE)


# -- numbers, times ----------------------------------------------------------------------------------------------


@given(ct.decimals("-0.25", "1/3", places=2))
@FEW
def test_decimals_are_inside_and_short(text):
    value = Fraction(text)
    assert Fraction(-1, 4) <= value <= Fraction(1, 3)
    assert (100 * value).denominator == 1


def test_decimals_shrink_to_few_digits():
    assert find(ct.decimals(), lambda text: True, settings=ONCE) == "0"
    assert find(ct.decimals("0.5", 2), lambda text: True, settings=ONCE) in ("0.5", "1")
    assert find(ct.decimals(), lambda text: Fraction(text) < -2, settings=ONCE) in ("-3", "-2.1", "-2.01", "-2.001")


@given(ct.time_grids(min_segments=2, max_segments=5, min_time="0.1", max_time=2))
@FEW
def test_grids_descend_from_end_to_end(grid):
    assert 3 <= len(grid) <= 6
    assert (grid[0], grid[-1]) == (2, 0.1)
    assert (np.diff(grid) < 0).all()


def test_grids_shrink_to_equal_ratios():
    assert find(ct.time_grids(), lambda grid: True, settings=ONCE).tolist() == [3, 0.01]
    three = find(ct.time_grids(), lambda grid: len(grid) == 4, settings=ONCE)
    np.testing.assert_allclose(three[1:] / three[:-1], (0.01 / 3) ** (1 / 3), rtol=1e-12)


# -- places ------------------------------------------------------------------------------------------------------

PROCESS = cf.OrnsteinUhlenbeck(cf.GaussianMixture(["1/3", "2/3"], [[-1, 0], [1, 0]], "0.04"), "0.1", 2)


@given(st.data(), ct.times(min_time="0.1", max_time=2))
@FEW
def test_a_tie_is_one(data, t):
    x = data.draw(ct.places(PROCESS, t, kinds=["tie"]))
    np.testing.assert_allclose(PROCESS.responsibilities(x, t), 0.5, atol=1e-9)


@given(st.data(), ct.times(min_time="0.1", max_time=2))
@settings(max_examples=10)
def test_a_separatrix_goes_to_a_tie(data, t):
    x = data.draw(ct.places(PROCESS, t, kinds=["separatrix"]))
    end = PROCESS.flow(x, t, PROCESS.t_min)
    assert abs(np.subtract(*PROCESS.responsibilities(end, PROCESS.t_min))) < 1e-4


@given(ct.processes(), st.data(), ct.times())
@FEW
def test_every_place_is_a_point(process, data, t):
    kind = data.draw(st.sampled_from([name for name in PLACES if name != "separatrix"]))
    x = data.draw(ct.places(process, t, kinds=[kind]))
    assert x.shape == (process.mixture.dimension,)
    assert np.isfinite(x).all()
    if kind == "far":
        assert np.linalg.norm(x) >= 9.9 * (1 + np.abs(process.mixture.means).max())


def test_places_shrink_to_the_first_component():
    first = find(ct.places(PROCESS, 0.5), lambda x: True, settings=ONCE)
    np.testing.assert_allclose(first, math.exp(-0.5) * np.array([-1, 0]), rtol=1e-12)
    far = find(ct.places(PROCESS, 0.5, kinds=["far"]), lambda x: True, settings=ONCE)
    assert far.tolist() == [20, 0]


# -- maps --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3), st.data())
@FEW
def test_maps_stretch_by_no_more_than_their_constant(dimension, data):
    found = data.draw(ct.lipschitz_maps(dimension, max_constant=2))
    assert found.constant <= 2
    x, y = (data.draw(ct.points(dimension)) for _ in range(2))
    moved = np.linalg.norm(found(x) - found(y))
    assert moved <= found.constant * np.linalg.norm(x - y) + 1e-12
    again = eval(repr(found), {"cf": cf})
    assert (again(x) == found(x)).all()


@given(st.data())
@FEW
def test_a_map_without_a_linear_part_is_bounded(data):
    found = data.draw(ct.lipschitz_maps(2, max_constant=2, max_shift=0.5, linear=False))
    x = data.draw(ct.points(2))
    assert np.linalg.norm(found(x)) <= 0.5 + math.sqrt(2) * np.linalg.norm(found.amplitude, 2) + 1e-12


def test_maps_shrink_to_zero_and_do_wave():
    zero = find(ct.lipschitz_maps(2), lambda found: True, settings=ONCE)
    assert zero.constant == 0
    assert not zero([3.0, 4.0]).any()
    waving = find(ct.lipschitz_maps(1, max_constant=4), lambda f: f([1.0]) > f([0.9]) + 0.3, settings=ONCE)
    assert waving.constant >= 3


def test_bad_maps():
    with pytest.raises(cf.InputError, match=r"linear: got 'shape \(1,\)'; required: shape \(d,\) of shift"):
        ct.LipschitzMap([1], [0], [[1]], [[1]], [0])
    with pytest.raises(cf.InputError, match="phase"):
        ct.LipschitzMap([[1]], [0], [[1]], [[1]], [math.inf])


# -- schedules and models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_schedules_are_code_and_schedules(family):
    @given(ct.schedules(kinds=[family]))
    @settings(max_examples=10)
    def check(schedule):
        again = eval(repr(schedule), {"cf": cf})
        t = np.geomspace(schedule.t_min, schedule.t_max, 5)
        np.testing.assert_array_equal(again.time_at(t), schedule.time_at(t))
        np.testing.assert_allclose(schedule.ou_time(schedule.time_at(t)), t, rtol=1e-6)

    check()
    assert hasattr(cf.schedules, family)


def test_schedules_shrink_to_the_simplest():
    assert repr(find(ct.schedules(), lambda s: True, settings=ONCE)) == "cf.schedules.ornstein_uhlenbeck()"
    shifted = find(ct.schedules(), lambda s: getattr(s, "shift", 0) > 2, settings=ONCE)
    assert repr(shifted) == "cf.schedules.flow_matching(shift=2.5)"


@given(ct.planted_models(faults=["none"]), st.data())
@FEW
def test_without_a_fault_the_model_is_exact(planted, data):
    process = planted.process
    t = data.draw(ct.times(min_time=process.t_min, max_time=process.t_max))
    x = data.draw(ct.places(process, t, kinds=["typical"]))
    exact = process.score(x, t)
    size = 1 + np.abs(exact).max() + 1 / t
    np.testing.assert_allclose(planted.model.score(x, t), exact, atol=1e-7 * size)


@given(ct.planted_models())
def test_a_planted_model_has_every_time_of_its_process(planted):
    process, schedule = planted.process, planted.schedule
    assert max(0.01, schedule.t_min) == process.t_min < process.t_max == min(3, schedule.t_max)
    assert (planted.model.t_min, planted.model.t_max) == (process.t_min, process.t_max)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "none"])
def test_every_fault_shows(fault):
    """At places where the two first components tie, or near their means, by more than rounding."""

    @given(ct.planted_models(faults=[fault]))
    @settings(max_examples=5, phases=[Phase.generate])
    def check(planted):
        process, t = planted.process, (planted.process.t_min * planted.process.t_max) ** 0.5
        first, second = np.exp(-t) * process.mixture.means[:2]
        x = first + np.linspace(0, 1.5, 60)[:, None] * (second - first) + 0.05
        exact = process.score(x, t)
        assert np.abs(planted.model.score(x, t) - exact).max() > 1e-8 * np.abs(exact).max()

    check()


def test_planted_models_shrink_and_are_code():
    assert find(ct.planted_models(), lambda found: True, settings=ONCE).fault == "none"
    found = find(ct.planted_models(), lambda planted: planted.fault == "float32", settings=ONCE)
    assert found.process.mixture.n_components == 2
    assert repr(found).startswith("cf.testing.PlantedModel(cf.OrnsteinUhlenbeck(cf.GaussianMixture(['1/3', '2/3'], ")
    again = eval(repr(found), {"cf": cf})
    assert again.model.score([[0.1]], 0.5) == found.model.score([[0.1]], 0.5)
    with pytest.raises(cf.InputError, match="fault: got 'typo'; required: one of none, sign"):
        ct.PlantedModel(PROCESS, "score", cf.schedules.edm(), "typo")
    with pytest.raises(cf.InputError, match="predicts: got 'typo'"):
        ct.PlantedModel(PROCESS, "typo", cf.schedules.edm())


def test_what_hypothesis_prints_is_code():
    """Of a failing example every argument but a NumPy array can be pasted after `import certflow as cf`."""

    @given(ct.processes(), ct.schedules(kinds=["flow_matching"]), ct.lipschitz_maps(1), ct.planted_models())
    @settings(ONCE, phases=[Phase.generate])
    def fails(process, schedule, wave, planted):
        raise AssertionError

    with pytest.raises(AssertionError) as caught:
        fails()
    said = "\n".join(caught.value.__notes__)
    call = said[said.index("fails(") : said.index("\n)") + 2]
    found = eval(call, {"cf": cf, "fails": lambda **given: given})
    assert isinstance(found["planted"], ct.PlantedModel)
    assert isinstance(found["process"], cf.OrnsteinUhlenbeck)
    assert isinstance(found["wave"], ct.LipschitzMap)
    assert repr(found["schedule"]).startswith("cf.schedules.flow_matching(shift=")
