"""Certificates of the closed forms: the format, mpmath's own computation of what is asserted, and the checker."""

from __future__ import annotations

import copy
import hashlib
import json
from fractions import Fraction
from itertools import pairwise

import mpmath
import pytest
from depth import some

import certflow as cf
from certflow.certificate.checker import check
from certflow.certificate.closed_forms import PRODUCERS, balanced_grid, widest_pair
from certflow.certificate.envelope import certificate_text, write_certificate
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.certificate.sharp import sharp_certificate
from certflow.certificate.sharp_integral import sharp_integral_certificate
from certflow.law.library import from_mapping
from certflow.numbers.exact import exact_number

BUILTIN = [name for name in cf.builtin_mixtures() if cf.load_mixture(name).kind == "common-isotropic"]


def process(variance, means, t_min="0.01", t_max=3):
    weights = [Fraction(1, len(means))] * len(means)
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance), t_min, t_max)


LAWS = {
    **{name: cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", 3) for name in BUILTIN},
    "binary times": cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), 0.01, 3.0),
    "thirds": cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"), "1/3", "2/3"),
    "crossing": process("0.25", [["-0.7"], ["0.7"]]),
    "unit": process("1", [["-1", 0], [1, "1/3"]]),
    "standard normal": process("1", [[0]]),
    "wide": process("2.5", [[-1], [2]]),
    "one mean": process("0.3", [["2", 0]]),
    "equal means": process("0.3", [["1/3"], ["1/3"]]),
    "very narrow": process("1e-8", [[-1], [1]]),
    "binary": process(0.3, [[0.1, 0.2], [0.3, -0.4]], 0.05, 2.5),
    "early and late": process("0.04", [[-1], [1]], "1e-9", 60),
    "a moment": process("0.04", [[-1], [1]], 1, "1.0000000000000001"),
}


def mpf(value):
    exact = exact_number(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def certificate(claim, name, **options):
    return PRODUCERS[claim](LAWS[name], **options)


def has_grid(name, rate):
    """Whether the rate is positive: by the formulas at both ends, between which its sign changes at most once."""
    with mpmath.workdps(80):
        problem = Problem(certificate("F2", name)["problem"])
        ends = [problem.rates(time) for time in (problem.start, problem.end)]
        return all(fast > 0 if rate == "one-sided" else both > 0 for _, fast, both in ends)


def options_of(claim):
    return [{}] if claim != "G1" else [{"rate": "one-sided"}, {"rate": "two-sided", "segments": 3}]


CASES = [(claim, options) for claim in PRODUCERS for options in options_of(claim)]


# -- an own computation, from the file alone -------------------------------------------------------------------------


class Problem:
    """The formulas in mpmath, from the definitions."""

    def __init__(self, mapping):
        mixture = mapping["mixture"]
        means = [[exact_number(number) for number in row] for row in mixture["means"]]
        self.square = max(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a in means for b in means)
        self.s2, self.d2 = mpf(mixture["covariances"]["values"]), mpf(self.square)
        self.start, self.end = mpf(mapping["t_min"]), mpf(mapping["t_max"])

    def v(self, t):
        return self.s2 * mpmath.exp(-2 * t) - mpmath.expm1(-2 * t)

    def rates(self, t):
        """`1 - 1/v`, `lambda`, `L`."""
        slow = 1 - 1 / self.v(t)
        fast = slow + mpmath.exp(-2 * t) * self.d2 / (4 * self.v(t) ** 2)
        return slow, fast, max(abs(slow), abs(fast))

    def integral(self, s, t, rate):
        """By the antiderivatives `-1/2 ln v - D^2/(8 c v)` (`D^2 m^2/(-8)` for `c = 0`) and `1/2 ln v`."""
        c = 1 - self.s2

        def growth(time):
            bend = -self.d2 * mpmath.exp(-2 * time) / 8 if c == 0 else -self.d2 / (8 * c * self.v(time))
            return bend - mpmath.log(self.v(time)) / 2

        if rate == "one-sided" or c <= 0 or self.d2 >= 8 * c:
            return growth(t) - growth(s)
        where = (1 - self.d2 / (8 * c)) / c
        middle = min(max(-mpmath.log(where) / 2, s), t)
        return growth(middle) - growth(s) + mpmath.log(self.v(t) / self.v(middle)) / 2


def recompute(content):
    """Hold every assertion against mpmath at 80 digits; panels at 5 times each."""
    assert set(content) == {"schema", "claim", "problem", "assertion", "proof", "hash", "producer"}
    hashed = {key: content[key] for key in ("schema", "claim", "problem", "assertion")}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert content["hash"] == "sha256-statement:" + hashlib.sha256(text.encode()).hexdigest()
    assertion, claim = content["assertion"], content["claim"]
    with mpmath.workdps(80):
        problem = Problem(content["problem"])
        assert exact_number(assertion["diameter_squared"]) == problem.square
        if claim in ("L2", "L3"):
            panels(problem, assertion)
        if claim == "F1":
            whole = problem.integral(problem.start, problem.end, "one-sided")
            shrink = mpmath.log(problem.v(problem.start) / problem.v(problem.end)) / 2
            above(assertion["growth"], whole)
            above(mpmath.nstr(-mpf(assertion["contraction"]), 70), -shrink)
            if whole > 600:
                assert assertion["factor"] is None
            else:
                above(assertion["factor"], mpmath.exp(mpf(assertion["growth"])))
        if claim == "F2":
            for rate in ("one-sided", "two-sided"):
                low, high = map(mpf, assertion[rate])
                value = problem.integral(problem.start, problem.end, rate)
                assert low <= value <= high
                assert high - low <= mpmath.mpf(10) ** -18 * (abs(value) + problem.d2 + 1)
        if claim == "G1":
            nodes(problem, assertion)


def above(text, value):
    """An upper bound, and one of at most 10^-15 too much."""
    assert value <= mpf(text) <= value + mpmath.mpf(10) ** -15 * abs(value) + mpmath.mpf(10) ** -25


def panels(problem, assertion):
    times = [mpf(text) for text in assertion["times"]]
    assert (times[0], times[-1]) == (problem.start, problem.end)
    for i, (early, late) in enumerate(pairwise(times)):
        assert early < late
        for k in range(5):
            slow, fast, both = problem.rates(early + (late - early) * k / 4)
            tiny = mpmath.mpf(10) ** -60 * (1 + abs(slow) + abs(fast))
            assert (fast if "lower" in assertion else both) <= mpf(assertion["upper"][i]) + tiny
            assert "lower" not in assertion or slow >= mpf(assertion["lower"][i]) - tiny


def nodes(problem, assertion):
    count, rate = assertion["segments"], assertion["rate"]
    ends = [[mpf(text) for text in pair] for pair in assertion["nodes"]]
    assert len(ends) == count + 1
    assert ends[0] == [problem.end] * 2
    assert ends[-1] == [problem.start] * 2
    whole = problem.integral(problem.start, problem.end, rate)
    for k in range(1, count):
        low, high = (problem.integral(problem.start, end, rate) for end in ends[k])
        assert low <= whole * (count - k) / count <= high
        assert ends[k][1] - ends[k][0] <= mpmath.mpf(10) ** -20 * ends[k][0]


@pytest.mark.parametrize(
    ("claim", "options", "name"), some((claim, options, name) for claim, options in CASES for name in LAWS)
)
def test_mpmath_agrees_and_the_checker_accepts(claim, options, name):
    if claim == "G1" and not has_grid(name, options["rate"]):
        with pytest.raises(cf.InputError, match="a rate that is positive"):
            certificate(claim, name, **options)
        return
    content = certificate(claim, name, **options)
    recompute(content)
    verdict = check(certificate_text(content))
    assert verdict.accepted, verdict.text
    assert verdict.claim == claim


# -- false twins -----------------------------------------------------------------------------------------------------


def moved(text, relative):
    return str(exact_number(text) * (1 + Fraction(relative)))


def spoil(content, change):
    wrong = copy.deepcopy(content)
    change(wrong["assertion"])
    return wrong


SPOILED = {
    "an upper bound of a panel": ("L2", {}, lambda a: a["upper"].__setitem__(7, moved(a["upper"][7], "-1/4"))),
    "a rate of a panel": ("L3", {}, lambda a: a["upper"].__setitem__(0, moved(a["upper"][0], "-1/1000000000"))),
    "a contraction": ("L3", {}, lambda a: a["lower"].__setitem__(3, moved(a["lower"][3], "-1/1000000000"))),
    "the growth": ("F1", {}, lambda a: a.__setitem__("growth", moved(a["growth"], "-1e-16"))),
    "the total contraction": ("F1", {}, lambda a: a.__setitem__("contraction", moved(a["contraction"], "-1e-16"))),
    "the factor": ("F1", {}, lambda a: a.__setitem__("factor", moved(a["factor"], "-1e-16"))),
    "an integral": ("F2", {}, lambda a: a.__setitem__("two-sided", [moved(text, "1e-15") for text in a["two-sided"]])),
    "the diameter": ("F2", {}, lambda a: a.__setitem__("diameter_squared", moved(a["diameter_squared"], "-1e-9"))),
    "a node": ("G1", {}, lambda a: a["nodes"].__setitem__(2, [moved(text, "1e-17") for text in a["nodes"][2]])),
    "the rate of the grid": ("G1", {}, lambda a: a.__setitem__("rate", "two-sided")),
}


@pytest.mark.parametrize("name", SPOILED)
def test_false_twins_are_refused_by_both(name):
    claim, options, change = SPOILED[name]
    wrong = spoil(certificate(claim, "two-modes", **options), change)
    assert not check(certificate_text(wrong)).accepted
    with pytest.raises(AssertionError):
        recompute(wrong)


def test_a_hash_belongs_to_its_problem_and_claim():
    first, second = certificate("L2", "two-modes"), certificate("L3", "two-modes")
    assert first["hash"] != second["hash"]
    assert not check(certificate_text({**first, "hash": second["hash"]})).accepted


# -- the envelope ----------------------------------------------------------------------------------------------------


def test_the_problem_is_exact_and_complete():
    content = certificate("F2", "binary")
    law, p = from_mapping(content["problem"]["mixture"]), LAWS["binary"]
    assert (law.exact_means.fractions == p.mixture.exact_means.fractions).all()
    assert law.exact_covariances.fractions[()] == Fraction(0.3)
    assert exact_number(content["problem"]["t_min"]) == Fraction(0.05)
    assert set(content["problem"]["mixture"]) == {"schema", "name", "weights", "means", "covariances"}
    assert set(content["producer"]) == {"certflow", "python", "platform", "python-flint"}


def test_a_file_is_deterministic_ascii_and_atomic(tmp_path):
    content = certificate("L3", "iris", panels=3)
    path = write_certificate(content, tmp_path / "new" / "L3.json")
    assert path.read_bytes().isascii()
    assert json.loads(path.read_text()) == content
    assert path.read_text() == certificate_text(certificate("L3", "iris", panels=3))
    assert [entry.name for entry in path.parent.iterdir()] == ["L3.json"]


def test_the_pair_attains_the_diameter():
    for p in LAWS.values():
        law = p.mixture
        i, j = widest_pair(law)
        means = law.exact_means.fractions
        assert ((means[i] - means[j]) ** 2).sum() == law.diameter_squared
    close = [[Fraction(1)], [1 + Fraction(1, 10**30)], [1 + Fraction(3, 10**30)]]  # one float64 number
    assert widest_pair(process("0.1", close).mixture) == [0, 2]


@pytest.mark.parametrize("claim", PRODUCERS)
def test_other_covariances_are_refused(claim):
    with pytest.raises(cf.InputError, match="common-isotropic"):
        PRODUCERS[claim](cf.OrnsteinUhlenbeck(cf.load_mixture("two-variances")))


@pytest.mark.parametrize("late", ["304.01", "1e5", "1e300"])
def test_a_time_beyond_the_format_is_refused_before_any_power_is_taken(late):
    """`96 + 3 t` bits and those of the sizes (here 16): at most 1024 up to t = 304."""
    for produce in PRODUCERS.values():
        with pytest.raises(cf.InputError, match=r"a time of at most 304, for which 1024 bits suffice") as caught:
            produce(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", late))
        assert caught.value.field == "t_max"
    last = PRODUCERS["F2"](cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "304"))
    assert last["proof"]["bits"] == 1024


@pytest.mark.parametrize("late", ["1e7", "1e300"])
def test_other_producers_refuse_late_times(late):
    p = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", late)
    line = cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["1"]], ["0.04", "0.25"])
    with pytest.raises(cf.InputError, match=r"t_max: .* a time of at most 301\.666"):
        sharp_integral_certificate(p)
    with pytest.raises(cf.InputError, match=r"t: .* 1024 bits hold the rate, at most 301\.666"):
        sharp_certificate(p, late)
    with pytest.raises(cf.InputError, match=r"t_from: .* a time of at most 148\.333"):
        flow_tube_certificate(cf.OrnsteinUhlenbeck(line, "0.01", late), ["0.3"], late, "1")
    with pytest.raises(cf.InputError, match=r"t_max: .* a time of at most 1328, for which 4096 bits"):
        cf.enclosure.balanced_nodes(p, 3)
    with pytest.raises(cf.InputError, match=r"t: .* a time of at most 1328, for which 4096 bits"):
        cf.enclosure.rate_bounds(p, "0.01", late)
    with pytest.raises(cf.InputError, match=r"t: .* a time of at most 1000000"):
        cf.enclosure.sharp_stability(p, "0.01", late)


def test_a_problem_beyond_the_format_is_refused():
    with pytest.raises(cf.InputError, match="1024 bits"):
        PRODUCERS["L2"](process("0.1", [[-1], [1]], "0.01", 400), panels=2)
    with pytest.raises(cf.InputError, match="segments"):
        balanced_grid(LAWS["two-modes"], 0)
