"""Faults in a score are named; each is written here in plain NumPy, sharing nothing with the diagnosis."""

from __future__ import annotations

import numpy as np
import pytest
import scores
from depth import some

import certflow as cf
from certflow.testing import check_score, check_velocity
from certflow.testing.causes.code import Asked, Code
from certflow.testing.causes.plain import plain_causes
from certflow.testing.causes.search import Evidence
from certflow.testing.result import CheckFailed


def root(noise):
    return np.sqrt(noise)


#: Fault, its options for `scores.faulty`, the name of the cause.
FAULTS = [
    ("sign", {"said": lambda s, x, m: -s}, "sign"),
    ("half", {"said": lambda s, x, m: s / 2}, "factor"),
    ("any factor", {"said": lambda s, x, m: 1.37 * s}, "factor"),
    ("times m", {"said": lambda s, x, m: m * s}, "factor"),
    ("over 1 - m^2", {"said": lambda s, x, m: s / (1 - m * m)}, "factor"),
    ("noise", {"said": lambda s, x, m: -root(1 - m * m) * s}, "other prediction"),
    ("data", {"said": lambda s, x, m: (x + (1 - m * m) * s) / m}, "other prediction"),
    ("velocity", {"said": lambda s, x, m: -x - s}, "other prediction"),
    ("prior", {"said": lambda s, x, m: -x}, "prior"),
    ("clipped", {"said": lambda s, x, m: np.clip(s, -5, 5)}, "clipped"),
    ("constant", {"said": lambda s, x, m: 0 * s + 1}, "constant"),
    ("zero", {"said": lambda s, x, m: 0 * s}, "zero"),
    ("one coordinate", {"said": lambda s, x, m: s * np.array([1, -1])}, "coordinate"),
    ("shifted", {"said": lambda s, x, m: s + np.array([0.25, -1])}, "constant added"),
    ("1 - m", {"noise": lambda m: 1 - m}, "noise variance"),
    ("m", {"noise": lambda m: m}, "noise variance"),
    ("standard deviation", {"noise": lambda m: root(1 - m * m)}, "noise variance"),
    ("means not scaled", {"alpha": lambda m: 0 * m + 1}, "mean factor"),
    ("covariances not scaled", {"beta": lambda m: 0 * m + 1}, "covariance factor"),
    ("jitter", {"noise": lambda m: 1 - m * m + 1e-4}, "jitter"),
    ("half the time", {"time": lambda t: t / 2}, "time: half"),
    ("twice the time", {"time": lambda t: 2 * t}, "time: twice"),
    ("from the other end", {"time": lambda t: 3 - t}, "time: from the other end"),
    ("times 1000", {"time": lambda t: t / 1000}, "time: thousand"),
    ("log time", {"time": lambda t: np.log(np.sqrt(np.expm1(2 * t)))}, "time: log sigma"),
    ("noised variance as a deviation", {"noised": lambda c: c @ c}, "variance for its root"),
    ("deviation as noised variance", {"noised": root}, "root for the variance"),
    ("hard maximum", {"share": lambda a: np.eye(a.shape[1])[a.argmax(1)]}, "nearest component only"),
    (
        "exploding variance",
        {"alpha": lambda m: 0 * m + 1, "beta": lambda m: 0 * m + 1, "noise": lambda m: m**-2.0 - 1},
        "other schedule",
    ),
    ("1 - m and a sign", {"noise": lambda m: 1 - m, "said": lambda s, x, m: -s}, "sign, noise variance"),
    ("float32 answers", {"said": lambda s, x, m: s.astype("f4").astype("f8")}, "float32 leak"),
    ("float32 factor", {"alpha": lambda m: m.astype("f4").astype("f8")}, "float32 leak"),
]


def causes(subject, mixture, check=check_score, **options):
    with pytest.raises(CheckFailed) as caught:
        check(subject, mixture, max_examples=64, **options)
    return caught.value.result.causes


@pytest.mark.parametrize("fault", some([fault[0] for fault in FAULTS], 2))
def test_faults_of_the_formula(fault: str) -> None:
    ((changes, cause),) = [each[1:] for each in FAULTS if each[0] == fault]
    mixture = cf.load_mixture("two-variances")
    found = causes(scores.faulty(scores.parts(mixture), **changes), mixture, dtype="float64")
    assert cause in [each.name for each in found]


def test_the_words_are_those_of_the_process() -> None:
    mixture = cf.load_mixture("two-variances")
    found = causes(scores.faulty(scores.parts(mixture), noise=lambda m: 1 - m), mixture)
    assert [each.sentence for each in found] == ["1 - m stands for (1 - m^2), the variance of the noise"]


@pytest.mark.parametrize(
    ("name", "change", "cause"),
    [
        ("two-variances", lambda p: p.but(weights=0 * p.weights + 0.5), "weights lost"),
        ("two-variances", lambda p: p.but(weights=p.weights[::-1]), "weights swapped"),
        ("two-variances", lambda p: p.but(covariances=p.covariances[::-1]), "covariances swapped"),
        ("iris", lambda p: p.but(means=p.means[::-1]), "means swapped"),
        ("iris", lambda p: scores.Parts(p.weights[1:], p.means[1:], p.covariances[1:]), "component lost"),
        ("iris", lambda p: p.but(means=-p.means), "means negated"),
        ("two-variances", lambda p: p.but(covariances=p.covariances @ p.covariances), "variance for its root"),
        ("two-variances", lambda p: p.but(covariances=np.sqrt(p.covariances)), "root for the variance"),
        ("anisotropic-pair", lambda p: p.but(covariances=p.covariances * np.eye(2)), "diagonal covariances"),
        ("anisotropic-pair", lambda p: p.but(covariances=np.linalg.cholesky(p.covariances)), "Cholesky factor"),
        ("iris", lambda p: p.but(covariances=1.001 * p.covariances), "variances"),
        ("iris", lambda p: p.but(weights=p.weights * np.array([1.01, 1, 1])), "weight"),
        ("iris", lambda p: p.but(means=p.means.astype("f4").astype("f8")), "float32 parameters"),
    ],
)  # fmt: skip
def test_faults_of_the_parameters(name: str, change, cause: str) -> None:
    mixture = cf.load_mixture(name)
    found = causes(scores.faulty(change(scores.parts(mixture))), mixture, dtype="float64")
    assert cause in [each.name for each in found]


def test_a_leak_of_float32() -> None:
    mixture = cf.load_mixture("two-variances")
    single = scores.solved(scores.parts(mixture), np.float32)
    found = causes(lambda x, t: single(x.astype("f4"), t.astype("f4")).astype("f8"), mixture)
    assert [each.name for each in found] == ["float32 leak"]


def test_rows_that_get_into_each_other() -> None:
    mixture = cf.load_mixture("two-variances")
    found = causes(scores.faulty(scores.parts(mixture), time=lambda t: 0 * t + t[:1].sum()), mixture)
    assert [each.name for each in found] == ["batch", "time: first row"]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (lambda s, x, m: -x + s, "sign of the score"),
        (lambda s, x, m: x + s, "sign"),
        (lambda s, x, m: -x, "score lost"),
        (lambda s, x, m: -x - s / 2, "half the score"),
        (lambda s, x, m: -x - 2 * s, "twice the score"),
        (lambda s, x, m: s, "other prediction"),
    ],
)
def test_faults_of_a_velocity(said, cause: str) -> None:
    mixture = cf.load_mixture("two-variances")
    found = causes(scores.faulty(scores.parts(mixture), said=said), mixture, check_velocity)
    assert cause in [each.name for each in found]


def test_what_no_table_has_gets_no_name() -> None:
    mixture = cf.load_mixture("two-variances")
    wrong = scores.faulty(scores.parts(mixture), said=lambda s, x, m: s + np.sin(3 * x) * m**3)
    assert causes(wrong, mixture) == ()


def test_numbers_that_are_missing_at_one_point_are_explained_by_no_formula_that_is_infinite_elsewhere():
    exact = scores.faulty(scores.parts(cf.load_mixture("random-5")))

    def holed(x, t):
        return np.where((x == 0).all(axis=1, keepdims=True), np.nan, exact(x, t))

    assert causes(holed, "random-5") == ()


def test_a_factor_next_to_one_is_told_by_how_far_it_is_from_it():
    exact = scores.faulty(scores.parts(cf.load_mixture("two-modes")))
    (cause,) = causes(lambda x, t: (1 + 1e-8) * exact(x, t), "two-modes")
    assert cause.sentence == "it is (1 + 1e-08) times what is right, everywhere"


def evidence(got, expected, tolerance):
    rows, ones = len(got), np.ones(len(got))
    asked = Asked(np.zeros(got.shape), ones, ones, ones, ones, 0.01, 3.0)
    right = Code.right(cf.GaussianMixture([1], np.zeros((1, got.shape[1])), 1), asked)
    return Evidence(asked, right, got, expected, np.full(rows, tolerance), ones, 2.0**-11)


def test_an_error_that_is_too_large_in_norm_alone_is_of_no_coordinate_and_no_factor():
    expected = np.random.default_rng(0).standard_normal((20, 2))
    got = expected.copy()
    got[3] += 0.08
    assert plain_causes(evidence(got, expected, 0.1)) == []


def test_answers_that_have_one_largest_number_twice_are_not_clipped_for_that():
    expected = np.random.default_rng(0).uniform(-1, 1, (20, 1))
    expected[:2] = 2.0
    got = expected.copy()
    got[3] += 0.2
    assert plain_causes(evidence(got, expected, 0.1)) == []
