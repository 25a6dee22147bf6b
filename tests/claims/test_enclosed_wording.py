"""What evidence by enclosure says in words is proved: lower ends are rounded down, upper ends up."""

from __future__ import annotations

import re
from fractions import Fraction

import mpmath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import certflow as cf
from certflow.claims.check import Context, Profile
from certflow.claims.evidence.balls import rounded
from certflow.claims.evidence.measured import judged
from certflow.claims.evidence.sharpness import looseness
from certflow.claims.model import Evidence, Kind, Outcome
from certflow.claims.registry import CHECKS

LIGHT = Profile("light", precise_points=6, sampled_points=500, flow_pairs=20, times=5)
ENCLOSED = {check.claim: check for check in CHECKS if check.kind is Kind.ENCLOSURE}
NUMBER = r"(-?[\d.]+(?:e[+-]\d+)?)"


def evidence(claim: str, process: cf.OrnsteinUhlenbeck) -> Evidence:
    return ENCLOSED[claim].run(Context(process, LIGHT))


def process_of(
    mixture: cf.GaussianMixture, kind: type[cf.OrnsteinUhlenbeck] = cf.OrnsteinUhlenbeck
) -> cf.OrnsteinUhlenbeck:
    return kind(mixture, "0.1", "1.7")


def read(pattern: str, text: str) -> list[Fraction]:
    match = re.search(pattern, text)
    assert match is not None, text
    return list(map(Fraction, match.groups()))


def exponent(square: Fraction, variance: str) -> mpmath.mpf:
    """`int_0.1^1.7 lambda` by quadrature of `1 - 1/v + e^{-2t} D^2/(4 v^2)`."""

    def rate(t: mpmath.mpf) -> mpmath.mpf:
        q = mpmath.exp(-2 * t)
        v = 1 + (mpmath.mpf(variance) - 1) * q
        return 1 - 1 / v + q * square.numerator / (4 * v * v * square.denominator)

    with mpmath.workdps(30):
        return mpmath.quad(rate, mpmath.linspace(mpmath.mpf("0.1"), mpmath.mpf("1.7"), 9))


@pytest.mark.parametrize("variance", ["0.04", "0.07", "0.3", "1.3"])
@pytest.mark.parametrize("mean", ["1", "0.45"])
def test_growth_and_exponent_of_two_modes(mean: str, variance: str) -> None:
    """Midway between two equal modes the bound is attained (F3): the true growth is `exp(int lambda)`."""
    process = process_of(cf.GaussianMixture(["0.5", "0.5"], [[f"-{mean}"], [mean]], variance))
    found = evidence("F1", process)
    assert found.outcome is Outcome.HOLDS
    true = exponent(4 * Fraction(mean) ** 2, variance)
    low, high = read(rf"which lies in \[{NUMBER}, {NUMBER}\]", found.summary)
    assert as_mpf(low) <= true <= as_mpf(high)
    (grown,) = read(rf"growth of at least {NUMBER} is proved", found.summary)
    assert as_mpf(grown) <= mpmath.exp(true)
    assert as_mpf(grown) >= mpmath.exp(true) * mpmath.mpf("0.999")
    (proved,) = read(rf"^\[{NUMBER}, ", found.numbers["its_proved_growth"])
    assert grown <= proved


def as_mpf(value: Fraction) -> mpmath.mpf:
    with mpmath.workdps(30):
        return mpmath.mpf(value.numerator) / value.denominator


class Tighter(cf.OrnsteinUhlenbeck):
    """An amplification that is too small, while the exponents stay right."""

    def amplification(self, s, t, rate="one-sided"):
        return super().amplification(s, t, rate) * 9 / 10


def test_a_trajectory_that_grows_more_than_claimed() -> None:
    found = evidence("F1", process_of(cf.load_mixture("two-modes"), Tighter))
    assert found.outcome is Outcome.VIOLATED
    grown, claimed = read(rf"grows at least {NUMBER}-fold, the bound is at most {NUMBER}$", found.summary)
    true = mpmath.exp(exponent(Fraction(4), "0.04"))
    assert as_mpf(claimed) < as_mpf(grown) <= true
    assert as_mpf(claimed) >= true * 9 / 10
    assert grown <= Fraction(found.witness["derivative_norm_at_least"])


def test_the_derivative_on_the_separatrix() -> None:
    true = mpmath.exp(exponent(Fraction(4), "0.04"))
    found = evidence("F3", process_of(cf.load_mixture("two-modes"), Tighter))
    assert found.outcome is Outcome.VIOLATED
    low, high = read(rf"lies in \[{NUMBER}, {NUMBER}\]", found.summary)
    assert as_mpf(low) <= true <= as_mpf(high)


class Displaced(cf.OrnsteinUhlenbeck):
    """A flow map that ends 3e-4 beside where it should."""

    def flow(self, *arguments, **options):
        return super().flow(*arguments, **options) + 3e-4


def test_a_flow_map_beside_its_tube() -> None:
    found = evidence("S3", process_of(cf.load_mixture("two-modes"), Displaced))
    assert found.outcome is Outcome.VIOLATED
    (off,) = read(rf"^flow map at least {NUMBER} off its tube$", found.summary)
    assert Fraction(29, 10**5) < off <= Fraction(3, 10**4)


def test_the_supremum_that_a_bound_does_not_reach() -> None:
    from certflow.claims.spatial.twins import RadiusForDiameter

    found = evidence("L2", process_of(cf.load_mixture("ring-8"), RadiusForDiameter))
    assert found.outcome is Outcome.VIOLATED
    (least,) = read(rf"the supremum over x is at least {NUMBER}$", found.summary)
    assert least <= Fraction(found.witness["sharp_rate_at_least"])


ROWS = st.lists(st.tuples(st.fractions("1e-6", 10**6), st.floats(0, 1e-3), st.floats(1, 100)), min_size=1, max_size=4)


@given(ROWS)
@example([(Fraction(1, 3), 0.0, 1.0)])
@example([(Fraction(1, 3), 0.0, 1.0), (Fraction(7), 1e-9, 4.39801)])
@example([(Fraction(2), 0.0, 2.0)])
def test_times_the_sharp_rate(rows: list[tuple[Fraction, float, float]]) -> None:
    """What is printed has room for every ratio of the bound to a number between the proved ends."""
    listed, ratios = [], []
    for lower, gap, factor in rows:
        upper = lower * (1 + Fraction(gap))
        bound = float(upper) * factor
        listed.append(
            {"lower": str(lower), "upper": str(upper), "bound": bound, "bound_over_sharp": bound / float(lower)}
        )
        ratios += [Fraction(bound) / upper, Fraction(bound) / lower]
    text = looseness(listed)
    if text == "the supremum over x attains the bound at the times looked at":
        assert all(abs(ratio - 1) < Fraction(1, 10**6) for ratio in ratios)
    elif " to " in text:
        low, high = read(rf"^{NUMBER} to {NUMBER} times the sharp rate$", text)
        assert low * (1 - Fraction(1, 10**15)) <= min(ratios)
        assert max(ratios) <= high
    else:
        (about,) = read(rf"^{NUMBER} times the sharp rate$", text)
        assert all(abs(ratio / about - 1) < Fraction(1, 1000) for ratio in ratios)


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        ("0.03336611087861", "0.03336611087864", "0.033366"),
        ("0.0333655", "0.0333664", "0.033366"),
        ("0.0333654", "0.0333656", "[0.033365, 0.033366]"),
        ("0.01", "3", "[0.01, 3]"),  # a node that was not found is not its lower end
    ],
)
def test_a_node_is_one_number_only_where_it_is_known(lower: str, upper: str, text: str) -> None:
    assert rounded(Fraction(lower), Fraction(upper), 5) == text


def test_nothing_positive_to_compare_with() -> None:
    row = {"lower": "-2", "upper": "-1", "bound": -0.5, "bound_over_sharp": None}
    assert looseness([row]) == "no time looked at has a positive sharp rate"


@pytest.mark.parametrize(
    ("worst", "text"), [(1.01e-9, "at most 1.1e-09"), (0.2041, "at most 0.21"), (0.0, "at most 0 ")]
)
def test_the_largest_of_what_was_measured(worst: float, text: str) -> None:
    assert text in judged("error", [(worst, {}), (-1.0, {})], 0.3, "here", {}).summary
