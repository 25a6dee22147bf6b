"""Where a global bound exists, and where L8 says that none does (proofs/L8.md)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from oracle import Oracle

import certflow as cf
from certflow.bounds.divergence import obstruction
from certflow.bounds.existence import _by_distance, existence, groups, signature, sorted_pair
from certflow.numbers.exact import ExactArray

EYE = [[1, 0], [0, 1]]
WIDE = [[2, 0], [0, 3]]
ALONG = [[2, 0], [0, 1]]  # wider along the first axis only
CROSSED = [["0.5", 0], [0, 2]]
TILTED = [[1, "0.1"], ["0.1", 1]]
TINY = [[1 + 2.0**-52, 0], [0, 1 - 2.0**-53]]


def full(covariances, means=None):
    count, d = len(covariances), len(covariances[0])
    means = means or [[k] + [0] * (d - 1) for k in range(count)]
    weights = [Fraction(1, count)] * count
    return cf.GaussianMixture(weights, means, covariances)


FLAT = [[[1, 0, 0], [0, 2, 0], [0, 0, 1]], [[2, 0, 0], [0, 1, 0], [0, 0, 1]], [[3, 0, 0], [0, 3, 0], [0, 0, 1]]]

#: The first is wider than the last along the third axis only.
FACE = [[[1, 0, 0], [0, 1, 0], [0, 0, 2]]] * 3 + [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]

#: covariances, means, growth (None: a global bound exists)
CASES = {
    "equal, written as full": ([EYE, EYE], None, None),
    "equal floats": ([[[0.1, 0.0], [0.0, 0.1]]] * 2, None, None),
    "equal up to the sign of zero": ([[[1.0, 0.0], [0.0, 1.0]], [[1.0, -0.0], [-0.0, 1.0]]], None, None),
    "definite": ([EYE, WIDE], None, None),
    "definite, the other way": ([WIDE, EYE], None, None),
    "definite by one rounding": ([EYE, [[1 + 2.0**-52, 0], [0, 1 + 2.0**-52]]], None, None),
    "semidefinite, in range": ([EYE, ALONG], [[0, 0], [5, 0]], None),
    "semidefinite, equal means": ([EYE, ALONG], [[1, 1], [1, 1]], None),
    "semidefinite, outside range": ([EYE, ALONG], [[0, 0], [5, 1]], "linear"),
    "semidefinite, outside by little": ([EYE, ALONG], [[0, 0], [5, "1e-30"]], "linear"),
    "semidefinite, oblique, in range": ([EYE, [[2, 1], [1, 2]]], [[0, 0], [3, 3]], None),
    "semidefinite, oblique, outside": ([EYE, [[2, 1], [1, 2]]], [[0, 0], [3, "3.0000001"]], "linear"),
    "indefinite": ([EYE, CROSSED], None, "quadratic"),
    "indefinite, equal means": ([EYE, CROSSED], [[0, 0], [0, 0]], "quadratic"),
    "indefinite off the diagonal": ([EYE, TILTED], None, "quadratic"),
    "indefinite by one rounding": ([EYE, TINY], None, "quadratic"),
    "one dimension is always ordered": ([[[1]], [["1.5"]]], None, None),
    "one dimension, three": ([[[1]], [["1.5"]], [[4]]], None, None),
    "three, ordered": ([EYE, ALONG, WIDE], [[0, 0], [1, 0], [1, 5]], None),
    "three, one pair crossed": ([EYE, CROSSED, EYE], None, "quadratic"),
    "three, the upper pair outside range": ([EYE, ALONG, WIDE], [[0, 0], [1, 0], [5, 5]], "linear"),
    "three, crossed pair below a wide one": ([EYE, CROSSED, [[100, 0], [0, 100]]], None, None),
    "three, crossed pair below a flat one": (FLAT, None, None),
    "three, crossed pair below a flat one, beyond it": (FLAT, [[0, 0, 0], [1, 0, 0], [0, 0, 5]], "linear"),
    "three, crossed pair above the third": ([WIDE, [[3, 0], [0, 2]], EYE], None, "quadratic"),
    "three, largest along every axis but not the largest": ([EYE, WIDE, [[3, 4], [4, 8]]], None, "quadratic"),
    "between the means of the largest": ([ALONG, ALONG, EYE], [[0, 1], [3, -1], [9, "0.5"]], None),
    "at the end of the means of the largest": ([ALONG, ALONG, EYE], [[0, 1], [3, -1], [9, 1]], None),
    "beyond the means of the largest": ([ALONG, ALONG, EYE], [[0, 1], [3, -1], [9, "1.000001"]], "linear"),
    "inside a triangle of means": (FACE, [[0, 0, 0], [4, 0, 1], [0, 4, 2], [1, 1, 9]], None),
    "outside a triangle of means": (FACE, [[0, 0, 0], [4, 0, 1], [0, 4, 2], [3, "1.5", 9]], "linear"),
    "the largest outside the means of others": ([EYE, EYE, ALONG], [[0, 1], [0, -1], [9, 2]], "linear"),
}


@pytest.mark.parametrize("case", CASES)
def test_decision(case):
    covariances, means, growth = CASES[case]
    mixture = full(covariances, means)
    for t in (1e-6, 0.1, 1.0, 5.0):  # the decision does not depend on t
        found = obstruction(mixture, t)
        p = cf.OrnsteinUhlenbeck(mixture)
        if growth is None:
            assert found is None
            assert np.isfinite(p.lipschitz_bound(t))
            continue
        assert found is not None
        assert found.growth == growth
        with pytest.raises(cf.NoGlobalBound, match=f"growth is {growth}") as error:
            p.lipschitz_bound(t)
        assert (error.value.growth, error.value.proved, error.value.pair) == (growth, True, found.pair)
        assert "is infinite" in str(error.value)
        with pytest.raises(cf.NoGlobalBound):
            p.growth_rate_bound(np.array([t, 2 * t]))
        with pytest.raises(cf.NoGlobalBound):
            p.stability(t, 2 * t)
        assert np.isfinite(p.ball_bound(1.0, t))


def largest_on_tie(oracle, x, direction, t):
    """|J| at the point of `x + [-1, 1] direction` where the responsibilities cross, in exact coordinates."""
    x, direction = (np.array([Fraction(v) for v in a], dtype=object) for a in (x, direction))
    low, high = Fraction(-1), Fraction(1)
    first = np.argmax(oracle.at(x - direction, t)["responsibilities"])
    assert np.argmax(oracle.at(x + direction, t)["responsibilities"]) != first, "no crossing"
    for _ in range(140):
        middle = (low + high) / 2
        same = np.argmax(oracle.at(x + middle * direction, t)["responsibilities"]) == first
        low, high = (middle, high) if same else (low, middle)
    return np.linalg.norm(oracle.at(x + low * direction, t)["jacobian"].astype(float), 2)


@pytest.mark.parametrize(
    ("covariances", "means", "growth"),
    [
        ([EYE, ALONG], [[0, 0], [5, 1]], "linear"),
        ([EYE, [[2, 1], [1, 2]]], [[0, 0], [3, "3.5"]], "linear"),
        ([EYE, CROSSED], [[0, 0], [1, 0]], "quadratic"),
        ([EYE, TILTED], [[0, 0], [1, 0]], "quadratic"),
        ([EYE, CROSSED, EYE], [[0, 0], [1, 0], [2, 2]], "quadratic"),
        ([EYE, ALONG, EYE], [[0, 0], [5, 1], [0, -3]], "linear"),
        ([EYE, CROSSED, EYE, EYE, EYE], [[0, 0], [0, 0], [5, 5], [-5, -5], [5, -5]], "quadratic"),
        ([EYE, ALONG, [["0.1", 0], [0, "0.1"]]], [[0, 0], [5, 1], [0, -3]], "linear"),
    ],
)
def test_growth_is_as_announced(covariances, means, growth):
    """`||J||` on the tie set, far out along the direction that is given: like |x| or |x|^2 (130 digits)."""
    mixture, t = full(covariances, means), 0.5
    oracle, found = Oracle(mixture), obstruction(mixture, t)
    assert found.growth == growth
    theta = np.array(found.direction)
    assert np.linalg.norm(theta) == pytest.approx(1)
    across = np.array([-theta[1], theta[0]])
    sizes = []
    for radius in (1e4, 1e6):
        if growth == "quadratic":
            sizes.append(largest_on_tie(oracle, radius * theta, 0.1 * radius * across, t))
        else:  # the tie lies at a distance like the root of the radius, on either side
            reach = 5 * radius**0.5
            sizes.append(largest_on_tie(oracle, radius * theta + reach * across, reach * across, t))
    assert sizes[1] / sizes[0] == pytest.approx(100.0 if growth == "linear" else 1e4, rel=0.1)


def test_bounded_cases_do_not_grow():
    """The false twin of the growth test: on the tie sets of a bounded pair, nothing grows."""
    mixture, t = full([EYE, ALONG], [[0, 0], [5, 0]]), 0.5
    oracle, p = Oracle(mixture), cf.OrnsteinUhlenbeck(mixture)
    bound = p.lipschitz_bound(t)
    for radius in (1e2, 1e4, 1e6):
        assert largest_on_tie(oracle, np.array([10.0, radius]), np.array([10.0, 0.0]), t) <= bound


def test_the_pair_is_one_that_ties_above_all_others():
    """Components of one covariance: the pair has the member whose mean reaches farthest along the direction."""
    crossed = [[[1, 0], [0, 2]], [[2, 0], [0, 1]], *[[[1, 0], [0, 2]]] * 3]
    mixture = full(crossed, [[0, 0], [0, 0], [5, 5], [-5, -5], [5, -5]])
    for t in (0.05, 0.5, 2.0):
        found = obstruction(mixture, t)
        assert found.pair[1] != 0
        assert found.pair != (0, 1)
        x = [1e5 * c for c in found.direction]
        theta = np.array(found.direction)
        across = np.array([-theta[1], theta[0]])
        oracle = Oracle(mixture)
        sides = [
            oracle.at([Fraction(float(a + s * b)) for a, b in zip(x, across, strict=True)], t)["responsibilities"]
            for s in (-1e3, 1e3)
        ]
        assert {int(np.argmax(side)) for side in sides} == set(found.pair)


def small_mixture(rng):
    """Weights, means, covariances: rational, covariances repeated, ordered, singularly different or crossed."""
    d, count = int(rng.integers(1, 4)), int(rng.integers(2, 6))

    def gram(columns):
        root = rng.integers(-1, 2, (d, columns))
        return root @ root.T

    covariances = [gram(d) + np.diag(rng.integers(1, 4, d))]
    while len(covariances) < count:
        base = covariances[rng.integers(len(covariances))]
        kind = rng.random()
        new = (
            base
            if kind < 0.3
            else base + gram(int(rng.integers(1, d + 1)))
            if kind < 0.8
            else gram(d) + np.eye(d, dtype=int)
        )
        covariances.append(new.astype(int))
    if rng.random() < 0.5:
        covariances[-1] = sum(covariances)
    means = rng.integers(-1, 2, (count, d)).astype(object)
    if rng.random() < 0.3:
        means[0, 0] = means[0, 0] + Fraction(1, 10 ** int(rng.integers(1, 15)))
    weights = [Fraction(int(rng.integers(1, 5)), 10 ** int(rng.choice([0, 40]))) for _ in range(count)]
    return [w / sum(weights) for w in weights], means, np.array(covariances).astype(object)


def as_full(weights, means, covariances):
    """The mixture, with the covariances written out also where all of them agree."""
    return cf.GaussianMixture(weights, means.tolist(), covariances.tolist())


@pytest.mark.parametrize("seed", range(40))
def test_the_decision_is_invariant(seed):
    """Under another order of the components, a translation, a signed permutation of the axes, a common coordinate."""
    rng = np.random.default_rng(seed)
    weights, means, covariances = small_mixture(rng)
    count, d = means.shape
    wanted = existence(as_full(weights, means, covariances)).growth
    order, axes, signs = rng.permutation(count), rng.permutation(d), rng.choice([-1, 1], d)
    moved = as_full(
        [weights[k] for k in order],
        (means[order][:, axes] * signs) + [Fraction(int(c), 3) for c in rng.integers(-9, 9, d)],
        covariances[order][:, axes][:, :, axes] * np.outer(signs, signs),
    )
    assert existence(moved).growth == wanted
    wide = np.zeros((count, d + 1, d + 1), dtype=object)
    wide[:, :d, :d], wide[:, d, d] = covariances, Fraction(1, 3)
    product = as_full(weights, np.concatenate([means, np.full((count, 1), Fraction(7, 3))], axis=1), wide)
    assert existence(product).growth == wanted
    found = obstruction(product, 0.3)
    assert (found is None) == (wanted is None)
    if found is None:
        plain, other, more = (cf.OrnsteinUhlenbeck(m) for m in (as_full(weights, means, covariances), moved, product))
        normal = (1 - 1 / 3) * np.exp(-0.6) / (np.exp(-0.6) / 3 + 1 - np.exp(-0.6))  # variance 1/3, narrower than all
        assert other.lipschitz_bound(0.3) == pytest.approx(plain.lipschitz_bound(0.3), rel=1e-9)
        assert more.growth_rate_bound(0.3) == pytest.approx(plain.growth_rate_bound(0.3), rel=1e-9)
        assert more.lipschitz_bound(0.3) == pytest.approx(max(plain.lipschitz_bound(0.3), normal), rel=1e-9)


def test_groups_by_exact_covariance():
    mixture = full([EYE, WIDE, EYE, [[1.0, 0.0], [-0.0, 1.0]]], [[k, 0] for k in range(4)])
    assert [group.indices for group in groups(mixture)] == [(0, 2, 3), (1,)]
    isotropic = cf.GaussianMixture(["0.5", "0.5"], [[0], [1]], ["0.1", "1/10"])
    assert [group.indices for group in groups(isotropic)] == [(0, 1)]
    mixed = cf.GaussianMixture([0.5, 0.5], [[0], [1]], ["0.1", 0.1])  # a decimal and its binary neighbour
    assert len(groups(mixed)) == 2


@pytest.mark.parametrize(
    ("matrix", "wanted"),
    [
        ([[0, 0], [0, 0]], (0, 0, 2)),
        ([[1, 0], [0, 0]], (1, 0, 1)),
        ([[1, 1], [1, 1]], (1, 0, 1)),
        ([[1, 0], [0, "-1e-40"]], (1, 1, 0)),
        ([["1e-300", 0], [0, "1e-300"]], (2, 0, 0)),
        ([[-1, 0], [0, -2]], (0, 2, 0)),
        ([[1, 1], [1, "1.00000000000000000001"]], (2, 0, 0)),
        ([[1, 1], [1, "0.99999999999999999999"]], (1, 1, 0)),
    ],
)
def test_signature(matrix, wanted):
    assert signature(ExactArray.of(matrix, "matrix")) == wanted


def test_sorted_pair_puts_the_narrower_first():
    mixture = full([WIDE, EYE])
    wide, narrow = groups(mixture)
    first, second, difference = sorted_pair(mixture, wide, narrow)
    assert (first, second) == (narrow, wide)
    assert difference.tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize("exponent", [-600, 0, 600])
def test_nearer_means_come_first_at_every_scale(exponent):
    """Squares of means like 1e200 are no float64 numbers."""
    means = np.ldexp([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [2.0, 0.0]], exponent)
    mixture = cf.GaussianMixture([0.25] * 4, means, 1.0)
    assert _by_distance(mixture, (1, 2, 3), 0) == [2, 3, 1]
