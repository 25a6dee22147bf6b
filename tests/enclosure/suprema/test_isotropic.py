"""Sharp rates (L5) for different isotropic variances: against L7, an independent field, and false twins."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from depth import night, some

import certflow as cf
from certflow.enclosure.suprema.cover import Budget, Exhausted
from certflow.enclosure.suprema.isotropic import cells as isotropic_cells
from certflow.enclosure.suprema.isotropic import search as isotropic_search
from certflow.enclosure.suprema.isotropic import taylor as isotropic_taylor
from certflow.enclosure.suprema.isotropic.cells import Cells, Level
from certflow.enclosure.suprema.isotropic.far import Widest, far_field
from certflow.enclosure.suprema.isotropic.law import IsotropicLaw, Pairs, law_bits
from certflow.enclosure.suprema.isotropic.rate import closed_form, isotropic_rate, prove_level
from certflow.enclosure.suprema.isotropic.search import LargerValue, cover

pytestmark = pytest.mark.usefixtures("still_clock")


def mixture(weights, means, variances):
    exact = [Fraction(w) for w in weights]
    return cf.GaussianMixture(
        [w / sum(exact) for w in exact],
        [[Fraction(a) for a in row] for row in means],
        [Fraction(v) for v in variances],
    )


def random_mixture(components, dimension, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(components) * 3).round(3) + 0.001
    means = (1.2 * rng.normal(size=(components, dimension))).round(3)
    variances = np.exp(rng.uniform(np.log(0.02), 0, size=components)).round(3)
    return mixture(map(str, weights), [list(map(str, row)) for row in means], map(str, variances))


TWO = cf.load_mixture("two-variances")
LAWS = {
    "two-variances": TWO,
    "line 3": random_mixture(3, 1, 1),
    "line 6": random_mixture(6, 1, 0),
    "plane 3": random_mixture(3, 2, 1),
    "plane 4": random_mixture(4, 2, 0),
    "plane 6": random_mixture(6, 2, 2),
    "negative": mixture([1, 1], [[0, 0], [0, 0]], ["0.04", "0.25"]),
    "wide": mixture([1, 1], [[0], [0]], [4, 2]),
    "pair of the largest": mixture([1, 5, 1], [[-1, 0], [0, 0], [1, 0]], ["0.5", "0.1", "0.5"]),
    "triangle of the largest": mixture(
        [1, 5, 1, 1], [[-1, 0], [0, "0.3"], [1, 0], [0, 1]], ["0.5", "0.1", "0.5", "0.5"]
    ),
    "collinear largest": mixture([1, 2, 1, 1], [[-1, 0], [0, 0], [1, 0], [0, 1]], ["0.5", "0.5", "0.5", "0.1"]),
    "narrow 1e-4": mixture([1, 1, 1], [[0, 0], [1, 1], [0, 1]], ["0.0001", "0.01", 1]),
}


# -- an independent field: densities and matrices from the definitions, in NumPy and in mpmath ----------------------


def eigenvalues(law, points, t):
    """Extreme eigenvalues of J at points (N, d), float64; J = -I + sum gamma P - Cov(b), from the definitions."""
    m2 = np.exp(-2 * t)
    v = law.covariances * m2 + 1 - m2
    b = -(points[:, None] - np.sqrt(m2) * law.means) / v[:, None]
    logs = np.log(law.weights) - law.dimension / 2 * np.log(v) - (b**2).sum(2) * v / 2
    gamma = np.exp(logs - logs.max(1, keepdims=True))
    gamma /= gamma.sum(1, keepdims=True)
    deviation = b - np.einsum("nk,nkj->nj", gamma, b)[:, None]
    spread = np.einsum("nk,nki,nkj->nij", gamma, deviation, deviation)
    values = np.linalg.eigvalsh((gamma @ (1 / v) - 1)[:, None, None] * np.eye(law.dimension) - spread)
    return values[:, 0], values[:, -1]


def mpf(value):
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def extremes_mp(law, point, t):
    """The same extremes at one point at 40 digits, from `process.jacobian` in mpmath."""
    with mpmath.workdps(60):
        process = cf.OrnsteinUhlenbeck(law, "0.001", 10)
        jacobian = process.jacobian(np.array([mpf(a) for a in point], dtype=object), mpf(t))
        values = mpmath.eigsy(mpmath.matrix(jacobian.tolist()), eigvals_only=True)
        return min(values), max(values)


def rate_of(kind, low, high):
    return -low if kind == "one-sided" else np.maximum(-low, high)


def cloud(law, t, seed, size=20_000):
    """Points around the means at many scales, between them, and far away."""
    rng = np.random.default_rng(seed)
    m = np.exp(-t)
    v = law.covariances * m**2 + 1 - m**2
    scale = np.sqrt(rng.choice(v, size=size)) * np.exp(rng.uniform(-2, 5, size=size))
    return m * law.means[rng.integers(law.n_components, size=size)] + scale[:, None] * rng.normal(
        size=(size, law.dimension)
    )


def two_components(law, t):
    """`sup lambda_max(-J)`, `sup lambda_max(J)` of proofs/L7.md for K = 2, in mpmath at 40 digits."""
    weights, means, s2 = law.exact_weights.fractions, law.exact_means.fractions, law.exact_covariances.fractions
    i, j = (0, 1) if s2[0] < s2[1] else (1, 0)
    m2 = mpmath.exp(-2 * mpf(t))
    v_i, v_j = (mpf(s2[k]) * m2 + 1 - m2 for k in (i, j))
    kappa = 1 / v_i - 1 / v_j
    square = sum((a - b) ** 2 for a, b in zip(means[i], means[j], strict=True))
    top = mpmath.log(mpf(weights[i] / weights[j])) + law.dimension * mpmath.log(v_j / v_i) / 2
    top += mpf(square / (2 * (s2[j] - s2[i])))
    start = max(mpmath.mpf(0), -top)
    root = mpmath.findroot(
        lambda g: (top + g) * mpmath.tanh(g / 2) - 1.5, (start + mpmath.mpf(10) ** -20, start + 60), solver="anderson"
    )
    growth = 1 - 1 / v_j + kappa * (2 * mpmath.exp(root) + 1) / (mpmath.exp(2 * root) - 1)
    return growth, 1 / v_j - 1 + kappa / (1 + mpmath.exp(-top))


def within(found, value):
    return mpf(found.lower) <= value <= mpf(found.upper)


# -- containment and width -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "t", "kind"),
    some(
        (name, t, kind)
        for t, kind in (("0.05", "one-sided"), ("0.6", "one-sided"), ("0.6", "two-sided"))
        for name in LAWS
    ),
)
def test_enclosure_holds_against_an_independent_field(name, t, kind):
    law, time = LAWS[name], Fraction(t)
    found = isotropic_rate(law, time, kind, 1e-6, 30)
    assert found.complete
    assert 0 <= found.relative_gap <= 1e-6
    with flint.ctx.workprec(200):
        assert found.upper <= closed_form(law, time, kind)
    points = cloud(law, float(t), 5)
    near = [float(a) for a in found.witness.point] + 0.1 * np.random.default_rng(6).normal(size=(4000, law.dimension))
    values = rate_of(kind, *eigenvalues(law, np.concatenate([points, near]), float(t)))
    assert values.max() <= float(found.upper) + 1e-9 * abs(float(found.upper))
    point = np.array(found.witness.point, dtype=object)
    if found.witness.direction is not None:
        point = point + 10**5 * np.array(found.witness.direction, dtype=object)
    with mpmath.workdps(40):
        reached = rate_of(kind, *extremes_mp(law, point, time))
        assert mpf(found.lower) <= reached + mpf("1e-35")
        assert reached <= mpf(found.upper)
        best = np.concatenate([points, near])[values.argmax()]
        assert rate_of(kind, *extremes_mp(law, [float(a) for a in best], time)) <= mpf(found.upper)


@pytest.mark.parametrize("t", ["0.01", "0.3", "1", "4"])
def test_exact_value_of_two_components_lies_inside(t):
    laws = [TWO, mixture([1, 3], [[0], ["1.5"]], ["0.04", 1]), random_mixture(2, 3, 0)]
    for law in laws:
        with mpmath.workdps(40):
            growth, other = two_components(law, t)
            assert within(isotropic_rate(law, Fraction(t), "one-sided", 1e-9, 20), growth)
            assert within(isotropic_rate(law, Fraction(t), "two-sided", 1e-9, 20), max(growth, other))


def test_covering_alone_finds_the_exact_value_of_two_components(monkeypatch):
    """Without the pair rule, which knows the closed form, the expansion on boxes proves the same number."""
    monkeypatch.setattr(isotropic_search, "pair_rule", lambda cells, pairs, level: np.zeros(len(cells), dtype=bool))
    found = isotropic_rate(mixture([3, 7], [[-1], [1]], ["0.04", "0.25"]), Fraction(3, 10), "one-sided", 1e-7, 20)
    assert found.complete
    with mpmath.workdps(40):
        assert within(found, two_components(mixture([3, 7], [[-1], [1]], ["0.04", "0.25"]), "0.3")[0])


def test_copies_of_a_component_do_not_change_the_rate():
    """proofs/L7.md: `max B_ij` would fall with the number of copies of the narrow component."""
    one = isotropic_rate(TWO, Fraction(3, 10), "one-sided", 1e-8, 20)
    three = mixture([3, 3, 14], [[-1, 0], [-1, 0], [1, "0.5"]], ["0.04", "0.04", "0.25"])
    copied = isotropic_rate(three, Fraction(3, 10), "one-sided", 1e-8, 20)
    assert (copied.lower, copied.upper) == (one.lower, one.upper)
    assert copied.witness.components == (0, 1, 2)
    apart = mixture([3, 3, 14], [[-1, 0], ["-1.000001", 0], [1, "0.5"]], ["0.04", "0.04", "0.25"])
    nearly = isotropic_rate(apart, Fraction(3, 10), "one-sided", 1e-4, 20)
    assert abs(float(nearly.lower - one.lower)) < 1e-4
    assert nearly.complete


def test_one_variance_for_all_is_the_common_case():
    law = mixture([1, 2, 1], [["-1"], ["0"], ["1"]], ["0.25"] * 3)
    found = isotropic_rate(law, Fraction(1, 5), "one-sided", 1e-6, 20)
    values = rate_of("one-sided", *eigenvalues(law, np.linspace(-9, 9, 200_001)[:, None], 0.2))
    assert law.kind == "isotropic"
    assert found.complete
    assert float(found.lower) - 1e-6 <= values.max() <= float(found.upper)


def test_hull_of_lower_dimension_is_reduced():
    law = mixture([1, 2, 1], [[0, 0, 0, 0, 1], [1, 1, 1, 1, 1], [3, 3, 3, 3, 1]], ["0.1", "0.4", "0.2"])
    found = isotropic_rate(law, Fraction(3, 10), "two-sided", 1e-5, 20)
    assert found.complete
    values = rate_of("two-sided", *eigenvalues(law, cloud(law, 0.3, 8), 0.3))
    assert float(found.lower) * 0.9 <= values.max() <= float(found.upper)


def test_supremum_at_infinity_lies_inside():
    """The narrow component lowers the rate of the pair of largest variance everywhere; it fades along the midline."""
    found = isotropic_rate(LAWS["pair of the largest"], Fraction(1), "one-sided", 1e-6, 20)
    with mpmath.workdps(40):
        m2 = mpmath.exp(-2)
        v = m2 / 2 + 1 - m2
        assert found.complete
        assert within(found, 1 - 1 / v + m2 * 4 / (4 * v * v))


def test_digits_are_inconclusive_without_a_search(ticking_clock):
    law = cf.load_mixture("digits")
    found = isotropic_rate(law, Fraction(3, 10), "one-sided", 1e-6, 1000)
    assert next(ticking_clock) < 10  # every step of a search looks at the clock
    assert not found.complete
    with flint.ctx.workprec(200):
        assert abs(found.upper - closed_form(law, Fraction(3, 10), "one-sided")) < 1e-15 * found.upper
    assert 0 < found.lower < found.upper


def test_out_of_time_means_a_wider_enclosure(ticking_clock):
    law = random_mixture(3, 5, 0)
    found = isotropic_rate(law, Fraction(3, 10), "one-sided", 1e-9, 10)
    assert not found.complete
    with flint.ctx.workprec(200):
        assert found.upper <= closed_form(law, Fraction(3, 10), "one-sided") * (1 + Fraction(1, 10**15))
    assert rate_of("one-sided", *eigenvalues(law, cloud(law, 0.3, 9), 0.3)).max() <= float(found.upper)


# -- negative controls and false twins -------------------------------------------------------------------------------


def prove_at(law, t, value, side=1, cells=20_000):
    with flint.ctx.workprec(law_bits(Fraction(t))):
        at = IsotropicLaw.of(law, Fraction(t))
        budget = Budget(cells, math.inf)
        return prove_level(at, Pairs.of(at), Widest(at), value, side, 1e-9 * abs(value), budget)


def reached_by(law, time, side):
    """The largest value of one side that the local search finds, in float64."""
    with flint.ctx.workprec(law_bits(time)):
        at = IsotropicLaw.of(law, time)
        return isotropic_search.propose(at, Pairs.of(at), side).value


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("name", ["two-variances", "line 6", "plane 3", "negative", "narrow 1e-4", *night("plane 6")])
def test_threshold_below_the_supremum_is_never_proved(name, side):
    time = Fraction(3, 10)
    reached = reached_by(LAWS[name], time, side)
    for below in (1e-8, 1e-6, 1e-3):
        with pytest.raises((LargerValue, Exhausted)):
            prove_at(LAWS[name], time, reached - below * abs(reached), side, 5000)
    assert prove_at(LAWS[name], time, reached + 1e-6 * abs(reached), side) >= 0


def boxes(at, rng, count):
    """Random boxes around the means and the pairs' peak sets, and values of both sides at many points of each."""
    pairs = Pairs.of(at)
    start = isotropic_search._cloud(at, rng)
    for i in range(at.size):
        for j in range(i):
            start = np.concatenate([start, *isotropic_search._on_peak(at, pairs, i, j, start[:60])])
    centre = start[rng.integers(len(start), size=count)]
    half = np.exp(rng.uniform(-5, 2, size=(count, 1))) * np.exp(rng.uniform(-1, 0, size=centre.shape))
    inside = centre[:, None] + half[:, None] * np.clip(
        rng.uniform(-1.3, 1.3, size=(count, 400, centre.shape[1])), -1, 1
    )
    return pairs, centre, half, inside


def violations(law, t, seed, count=1500):
    """How many boxes are settled at levels that a point of the box exceeds by 1e-9, and how many at all."""
    with flint.ctx.workprec(law_bits(Fraction(t))):
        at = IsotropicLaw.of(law, Fraction(t))
        rng = np.random.default_rng(seed)
        pairs, centre, half, inside = boxes(at, rng, count)
        wrong = settled = 0
        for side in (1, -1):
            values = isotropic_search.rates(at, inside.reshape(-1, at.coordinates), side).reshape(count, -1).max(1)
            middle = isotropic_search.rates(at, centre, side)
            for number in range(count):
                cells = Cells(at, centre[number : number + 1], half[number : number + 1])
                scale = abs(values[number]) + 1e-3 * np.abs(at.quad).max()
                for factor, bad in ((-1e-9, True), (0.3, False)):
                    level = Level(values[number] + factor * scale, side)
                    if bad and middle[number] >= level.value:
                        continue
                    rules = [isotropic_taylor.taylor_rule(cells, level)[0][0]]
                    if side > 0:
                        rules.append(isotropic_cells.pair_rule(cells, pairs, level)[0])
                    else:
                        rules.append(isotropic_cells.screen_rule(cells, level)[0])
                    wrong += bad and any(rules)
                    settled += not bad and any(rules)
        return wrong, settled


@pytest.mark.parametrize("name", ["two-variances", *night("line 3", "plane 4")])
def test_no_rule_settles_a_box_with_a_larger_value(name):
    wrong, settled = violations(LAWS[name], "0.3", 1, 200)
    assert wrong == 0
    assert settled > 60


@pytest.mark.parametrize(
    ("twin", "name"),
    [
        ("second order", "two-variances"),
        ("peak", "two-variances"),
        *night(("remainder", "plane 4"), ("mass", "plane 4")),
    ],
)
def test_false_twins_of_the_rules_are_caught(twin, name, monkeypatch):
    """The same search with a term of a rule left out settles boxes that hold larger values."""
    if twin == "remainder":
        monkeypatch.setattr(isotropic_taylor, "exp_remainder", lambda z: 0 * z)
    elif twin == "second order":
        monkeypatch.setattr(isotropic_taylor._Expansion, "second_order", lambda *terms: 0.0)
        monkeypatch.setattr(isotropic_taylor, "exp_remainder", lambda z: 0 * z)
    elif twin == "mass":
        monkeypatch.setattr(isotropic_cells, "exp_upper", lambda z: 0 * z)
    else:
        honest = Pairs.of.__func__
        lowered = classmethod(lambda cls, law: replace(honest(cls, law), top=honest(cls, law).top - 0.05))
        monkeypatch.setattr(Pairs, "of", lowered)
    assert violations(LAWS[name], "0.3", 1, 200)[0] > 0


def test_far_field_left_out_is_caught():
    """A cube that ends before the tie sphere "proves" a threshold that is far too low; the real one does not."""
    time = Fraction(3)
    low = 0.8 * float(isotropic_rate(TWO, time, "one-sided", 1e-6, 10).lower)
    with flint.ctx.workprec(law_bits(time)):
        at = IsotropicLaw.of(TWO, time)
        assert cover(at, Pairs.of(at), Level(low, 1), 1.0, Budget(10_000, math.inf)).leaves
    with pytest.raises(LargerValue):
        prove_at(TWO, time, low)


@pytest.mark.parametrize("name", ["plane 4", "triangle of the largest", "collinear largest"])
def test_nothing_beyond_the_far_field_is_larger(name):
    law, time = LAWS[name], Fraction(1, 10)
    found = isotropic_rate(law, time, "two-sided", 1e-4, 20)
    with flint.ctx.workprec(law_bits(time)):
        at = IsotropicLaw.of(law, time)
        budget = Budget(10**6, math.inf)
        rng = np.random.default_rng(4)
        for side in (1, -1):
            far = far_field(at, Widest(at), float(found.upper), side, 1e-5 * float(found.upper), budget)
            rays = rng.normal(size=(20_000, 2))
            rays *= far.radius * np.exp(rng.exponential(1.0, size=(20_000, 1))) / np.abs(rays).max(1, keepdims=True)
            assert isotropic_search.rates(at, rays, side).max() <= float(found.upper)


def test_group_rule_settles_only_what_it_may():
    """Three components of the largest variance on a line, and a narrow one: the group rule far from the narrow one."""
    law, time = LAWS["collinear largest"], Fraction(1, 10)
    with flint.ctx.workprec(law_bits(time)):
        at = IsotropicLaw.of(law, time)
        widest, rng = Widest(at), np.random.default_rng(7)
        spread = float(widest.factor.mid()) * float(widest.points.diameter_squared) / 4
        _, centre, half, inside = boxes(at, rng, 600)
        values = isotropic_search.rates(at, inside.reshape(-1, 2), 1).reshape(600, -1).max(1)
        for value in np.quantile(values, [0.5, 0.9, 0.99]):
            settled = isotropic_cells.group_rule(Cells(at, centre, half), Level(value, 1, spread))
            assert not (settled & (values > value)).any()
        far = Cells(at, 40 * rng.normal(size=(50, 2)) + [0, 200], np.full((50, 2), 5.0))
        level = Level(spread - float(at.quad[widest.members[0]]) + 1e-3, 1, spread)
        assert isotropic_cells.group_rule(far, level).all()
