"""Networks for the score (A6): what is accepted holds, at points and on average; changes are refused or harmless."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import files
from typing import Any

import jsonschema
import mpmath
import pytest
from certificates import changed, sealed
from constructed import ASKED, DIGITS, Asserted, constructed, number, score, values
from depth import night, nightly
from flint import ctx
from mpmath import mpf
from mutations import is_true
from produced import without

import certflow as cf
from certflow.certificate import checker
from certflow.certificate import networks as producer
from certflow.certificate.checker import cases, gadgets, time_functions
from certflow.certificate.checker import networks as rule
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.checker.polynomials import Algebra, Polynomial
from certflow.certificate.checker.rules import RULES
from certflow.certificate.checker.work import Work
from certflow.certificate.networks import network_certificate
from certflow.errors import InputError
from certflow.networks.common.times import time_gadget
from certflow.networks.constructed import constructed_score
from certflow.networks.exact_json import gadget_mapping, to_mapping

FORM = jsonschema.Draft202012Validator(
    json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
)
SMALL = "two modes"
BOUNDS = ("l2_error", "A", "B")


def check(content: dict[str, Any]) -> checker.Verdict:
    return checker.check(json.dumps(content))


def refuse(content: dict[str, Any], field: str, *words: str) -> None:
    """Refused in one line that names the field (or one of it, where that ends in a bracket) and has the words."""
    verdict = check(sealed(content))
    assert not verdict.accepted, verdict.text
    assert verdict.text.startswith(field if field.endswith("[") else f"{field}: got "), verdict.text
    assert "\n" not in verdict.text
    for word in words:
        assert word in verdict.text, verdict.text


def parts(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Paths of all exact numbers of the network, with their texts."""

    def below(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict | list):
            for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
                yield from below(entry, f"{path}.{key}")

    for path, text in below(content["assertion"]["network"], "assertion.network"):
        if not path.endswith(".side"):
            yield path, text


def replaced(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`changed`, but keys of weights are digits too."""
    result = copy.deepcopy(content)
    target: Any = result
    *way, last = path.split(".")
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[int(last) if isinstance(target, list) else last] = value
    return sealed(result)


# -- accepted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASKED)
def test_what_the_package_makes_is_accepted(name: str) -> None:
    content = constructed(name)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.claim == "A6"
    assert 4 * verdict.work < checker.MAX_WORK
    FORM.validate(content)
    asserted = content["assertion"]
    assert verdict.text.startswith(
        f"for all t, the network N of the assertion has ||N - s||_L2(p_t) <= {asserted['l2_error']}, and for all x "
        f"|N(x,t) - s(x,t)| <= {asserted['A']} + {asserted['B']} |x|, s the score; mixture "
    )


@pytest.mark.parametrize("name", ASKED)
def test_the_assertion_is_the_bound_of_the_score(name: str) -> None:
    """And a ten-thousandth more, rounded up in the sixth digit."""
    content, found = constructed(name)["assertion"], score(name)
    for key, bound in (("l2_error", found.error_bound), ("A", found.offset), ("B", found.slope)):
        assert bound * (1 - 1e-12) <= float(content[key]) <= bound * (1 + 1.2e-4)


@pytest.mark.parametrize("name", ["two modes", "unit variance", "three", "one"])
def test_the_network_of_the_assertion_is_the_network(name: str) -> None:
    """The gadgets put together by the formula of the file, and the assembled network, in mpmath."""
    asserted, whole = Asserted(constructed(name)), to_mapping(score(name).network)
    draw = random.Random(name)
    with mpmath.workdps(DIGITS):
        for _ in range(4):
            x = [mpf(draw.gauss(0, 3)) for _ in asserted.means[0]]
            t = asserted.t_min + (asserted.t_max - asserted.t_min) * mpf(draw.random())
            for one, other in zip(asserted.network(x, t), values(whole, [*x, t]), strict=True):
                assert mpmath.almosteq(one, other, 1e-40, 1e-40)


def points(draw: random.Random, asserted: Asserted, t: Any) -> Iterator[list[Any]]:
    """A draw of `p_t`, a point near a separatrix, one far away."""
    m, v = asserted.factors(t)
    near, other = (draw.choice(asserted.means) for _ in range(2))
    noise = [mpmath.sqrt(v) * mpf(draw.gauss(0, 1)) for _ in near]
    yield [m * a + b for a, b in zip(near, noise, strict=True)]
    yield [m * (a + b) / 2 + z / 50 for a, b, z in zip(near, other, noise, strict=True)]
    far = mpf(10) ** mpf(draw.uniform(0, 3))
    yield [far * z for z in noise]


@pytest.mark.parametrize("name", ASKED)
def test_the_bounds_hold(name: str) -> None:
    """At points drawn, near separatrices and far away."""
    content, draw = constructed(name), random.Random(name)
    asserted = Asserted(content)
    with mpmath.workdps(DIGITS):
        constant, slope = (number(content["assertion"][key]) for key in ("A", "B"))
        closest = mpf(0)
        for i in range(10):
            t = asserted.t_min + (asserted.t_max - asserted.t_min) * (mpf(draw.random()) ** 4 if i else 0)
            for x in points(draw, asserted, t):
                share = asserted.error(x, t) / (constant + slope * mpmath.norm(x))
                assert share <= 1
                closest = max(closest, share)
    assert closest > mpf("1e-2")  # the bound is near what is bounded


@pytest.mark.parametrize("name", ["three", "unit variance"])
def test_the_mean_square_holds(name: str) -> None:
    """`int |N - s|^2 p_t`, on a line, by the trapezoidal rule."""
    content = constructed(name)
    asserted, worst = Asserted(content), mpf(0)
    with mpmath.workdps(DIGITS):
        for share in ("0", "0.02", "0.3", "1"):
            t = asserted.t_min + (asserted.t_max - asserted.t_min) * mpf(share)
            m, v = asserted.factors(t)
            low, high = (end(m * mean[0] for mean in asserted.means) for end in (min, max))
            root, total = mpmath.sqrt(v), mpf(0)
            step = root / 4
            for i in range(int((high - low) / step) + 49):
                x = low - 6 * root + i * step
                density = mpmath.fsum(
                    w * mpmath.npdf(x, m * mean[0], root)
                    for w, mean in zip(asserted.weights, asserted.means, strict=True)
                )
                total += step * density * asserted.error([x], t) ** 2
            worst = max(worst, mpmath.sqrt(total) / number(content["assertion"]["l2_error"]))
    assert mpf("0.05") < worst <= 1


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SMALL, "one", "wide"])
def test_a_slope_below_the_error_of_q_is_refused(name: str) -> None:
    """False for certain: far away the error is `|e_q| |x|`, and the checker loses little of that."""
    content = constructed(name)
    slope = Fraction(content["assertion"]["B"])
    content["assertion"]["B"] = str(slope / 2)
    refuse(content, "assertion.B", "a bound of B for t from ", "as enclosed here: ")
    assert not is_true(sealed(content))


@pytest.mark.parametrize("key", BOUNDS)
@pytest.mark.parametrize("name", [SMALL, "three"])
def test_less_than_is_proved_is_refused(name: str, key: str) -> None:
    content = constructed(name)
    content["assertion"][key] = str(Fraction(content["assertion"][key]) / 3)
    refuse(content, f"assertion.{key}", f"a bound of {key} for t from ")


@pytest.mark.parametrize("name", ["three", "wide"])
def test_halved_stretches_are_sharper_than_the_producer(name: str) -> None:
    """What the producer says is not reached: the checker accepts a little less."""
    content = constructed(name)
    content["assertion"]["l2_error"] = str(Fraction(content["assertion"]["l2_error"]) * Fraction(99, 100))
    assert check(sealed(content)).accepted


@pytest.mark.parametrize("share", [0.1, *night(1.0)])
def test_every_weight_counts(share: float) -> None:
    """Each number of the network changed by a thousandth: refused, or the bounds hold all the same."""
    content, draw, refused = constructed("two modes, finer"), random.Random(3), 0
    numbers = list(parts(content))
    chosen = draw.sample(numbers, int(share * len(numbers)))
    for path, text in chosen:
        value = Fraction(text)
        false = replaced(content, path, str(value + (value or 1) / 1000))
        verdict = check(false)
        refused += not verdict.accepted
        assert not verdict.accepted or is_true(false), path
    assert len(chosen) / 2 < refused < len(chosen)


@pytest.mark.parametrize("gadget", ["time", "exponential", "reciprocal"])
def test_a_missing_knot_is_refused(gadget: str) -> None:
    content = constructed("three")
    count = len(content["assertion"]["network"][gadget]["knots"])
    assert count > 2
    for i in range(1, count - 1):
        false = without(content, f"assertion.network.{gadget}.knots.{i}")
        refuse(false, f"assertion.network.{gadget}.network.layers[0][", "may change its sign")


@pytest.mark.parametrize("gadget", ["time", "exponential", "reciprocal"])
def test_missing_ends_are_refused(gadget: str) -> None:
    content = constructed("three")
    knots = content["assertion"]["network"][gadget]["knots"]
    for i in (0, len(knots) - 1):
        false = without(content, f"assertion.network.{gadget}.knots.{i}")
        verdict = check(sealed(false))
        assert not verdict.accepted
        assert verdict.text.startswith((f"assertion.network.{gadget}.", "proof.")), verdict.text


def test_half_the_degree_is_refused() -> None:
    """The time gadget of the same knots and half the degree."""
    content, found = constructed("three"), score("three")
    before, ctx.prec = ctx.prec, 300
    try:
        coarse = time_gadget(found.pieces.law, found.plan.time_knots, found.plan.time_level - 1, 100)
    finally:
        ctx.prec = before
    content["assertion"]["network"]["time"] = gadget_mapping(coarse)
    refuse(content, "assertion.A", "as enclosed here: ")


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ("exponential", "reciprocal", "assertion.network.exponential.knots[1]"),
        ("time", "exponential", "assertion.network.time.network.outputs"),
        ("time", "reciprocal", "assertion.network.time.network.outputs"),
    ],
)
def test_swapped_gadgets_are_refused(first: str, second: str, field: str) -> None:
    content = constructed(SMALL)
    network = content["assertion"]["network"]
    network[first], network[second] = network[second], network[first]
    refuse(content, field)


def test_swapped_outputs_are_refused() -> None:
    content = constructed(SMALL)
    content["assertion"]["network"]["time"]["network"]["outputs"].reverse()
    refuse(content, "assertion.network.time", "an error below half of m/v at all times")


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        ("N.extra", "0", "N.extra", "no key but time"),
        ("N.time.network.extra", [], "N.time.network.extra", "no key but inputs"),
        ("N.time.network.layers.0.0.extra", [], "N.time.network.layers[0][0].extra", ""),
        ("N.time.network.layers.0.0.square", 1, "N.time.network.layers[0][0].square", "true or false"),
        ("N.time.network.layers.0.0.weights.00", "1", "N.time.network.layers[0][0].weights", "integers from 0"),
        ("N.time.network.layers.0.0.weights.1", "1", "N.time.network.layers[0][0].weights", "places below 1"),
        ("N.time.network.outputs.0.weights.999", "1", "N.time.network.outputs[0].weights", "places below "),
        ("N.time.network.inputs", 2, "N.time.network.inputs", "1 to 1"),
        ("N.time.network.layers", [], "N.time.network.layers", "at least 1 layer"),
        ("N.time.network.layers.0", [], "N.time.network.layers[0]", "at least 1 neuron"),
        ("N.time.knots", ["0.5"], "N.time.knots", "at least 2 knots"),
        ("N.time.knots", ["0.5", "1", "1"], "N.time.knots[2]", "a knot after the one before"),
        ("N.time.knots", ["0.6", "1"], "N.time.knots", "t_min or before"),
        ("N.exponential", None, "N.exponential", "there are 2 components"),
        ("N.log_weights", ["0"], "N.log_weights", "2 numbers"),
        ("N.centre", ["0"], "N.centre", "2 numbers"),
        ("N.side", "above", "N.side", "no key but"),
        ("N.reciprocal.side", "left", "N.reciprocal.side", "above or below or both"),
        ("proof.relative", None, "proof.relative", "a number >= 0"),
        ("proof.relative", "1", "proof.relative", "relative + K absolute < 1"),
        ("proof.relative", "1e-3", "N.exponential", "relative e^z + absolute"),
        ("proof.absolute", "-1", "proof.absolute", "a number >= 0"),
        ("proof.absolute", "1e-3", "proof.absolute", "apart below the first knot"),
        ("proof.reciprocal", "0", "proof.reciprocal", "a number > 0"),
        ("proof.reciprocal", "1e-3", "N.reciprocal", "<= reciprocal"),
        ("proof.halvings", 9, "proof.halvings", "0 to 8"),
        ("proof.order", 1, "proof.order", "2 to 256"),
        ("proof.more", 1, "proof.more", "no key but"),
    ],
)  # fmt: skip
def test_each_hypothesis_is_required(path: str, value: Any, field: str, words: str) -> None:
    """N stands for the network of the assertion."""
    path, field = (re.sub("^N", "assertion.network", text) for text in (path, field))
    refuse(replaced(constructed(SMALL), path, value), field, words)


def test_sums_beyond_the_reciprocal_are_refused() -> None:
    end = replaced(constructed(SMALL), "assertion.network.reciprocal.knots.1", "2")
    refuse(end, "assertion.network.reciprocal.knots[1]", "above every sum")
    start = replaced(constructed(SMALL), "assertion.network.reciprocal.knots.0", "1.05")
    refuse(start, "assertion.network.reciprocal.knots[0]", "below every sum")


@pytest.mark.parametrize("key", ["exponential", "reciprocal"])
def test_one_component_has_no_head(key: str) -> None:
    content = constructed("one")
    content["assertion"]["network"][key] = constructed(SMALL)["assertion"]["network"][key]
    refuse(content, f"assertion.network.{key}", "null: one component needs none")
    refuse(replaced(constructed("one"), "proof.absolute", "1"), "proof.absolute", "null")
    refuse(
        replaced(constructed("one"), "assertion.network.centre", ["1", "2"]), "assertion.network.centre", "0 numbers"
    )


def test_another_mixture_is_refused() -> None:
    for path, value in (
        ("means.0.0", "-1.001"),
        ("weights", ["0.499", "0.501"]),
        ("covariances.values", "0.0401"),
    ):
        false = changed(constructed("two modes, longer"), f"problem.mixture.{path}", value)
        verdict = check(false)
        assert not verdict.accepted or is_true(false)
    assert not check(changed(constructed("ring"), "problem.mixture.covariances.values", "0.040001")).accepted


def test_more_than_the_format_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = score(SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(producer, "MAX_BITS", 64)
        with pytest.raises(InputError, match=r"^eps: got 0\.5; required: an error within reach of the checker"):
            network_certificate(found)
    with monkeypatch.context() as patch:
        patch.setattr(producer, "MAX_ORDER", 2)
        with pytest.raises(InputError, match=r"^t_min: got 0\.5; required: a time at which v is further from 0"):
            network_certificate(found)


# -- false twins: checkers without one of their reasons ---------------------------------------------------------------


def turned(content: dict[str, Any]) -> dict[str, Any]:
    """A squared neuron of the second layer with the opposite sign: it is off where it was on."""
    layer = content["assertion"]["network"]["exponential"]["network"]["layers"][1]
    neuron = next(entry for entry in layer if entry["square"])
    neuron["bias"] = str(-Fraction(neuron["bias"]))
    neuron["weights"] = {key: str(-Fraction(weight)) for key, weight in neuron["weights"].items()}
    return sealed(content)


def doubled(content: dict[str, Any]) -> dict[str, Any]:
    """An exponential that is twice as large."""
    (row,) = content["assertion"]["network"]["exponential"]["network"]["outputs"]
    row["weights"] = {key: str(2 * Fraction(weight)) for key, weight in row["weights"].items()}
    row["bias"] = str(2 * Fraction(row["bias"]))
    content["assertion"]["l2_error"] = str(2 * Fraction(content["assertion"]["l2_error"]))
    return sealed(content)


def halved(content: dict[str, Any]) -> dict[str, Any]:
    content["assertion"]["B"] = str(Fraction(content["assertion"]["B"]) / 2)
    return sealed(content)


def longer(content: dict[str, Any]) -> dict[str, Any]:
    content["problem"]["t_max"] = "1.5"
    return sealed(content)


def tolerant(honest: Any, words: str) -> Any:
    return lambda holds, field, received, required: honest(holds or words in required, field, received, required)


#: What is broken, where, how, and the false certificate that it accepts.
TWINS: dict[str, tuple[Any, str, Any, Any]] = {
    "any bound": (cases.Case, "bound", lambda honest: lambda *arguments: None, halved),
    "any gadget": (gadgets, "prove", lambda honest: lambda *arguments: None, doubled),
    "any sign": (Algebra, "sign", lambda honest: lambda *arguments: 1, turned),
    "any times": (rule, "require", lambda honest: tolerant(honest, "knots from t_min"), longer),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_broken_checker_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, broken, spoiled = TWINS[name]
    false = spoiled(constructed(SMALL))
    assert not check(false).accepted
    assert not is_true(false)
    monkeypatch.setattr(owner, attribute, broken(getattr(owner, attribute)))
    if name == "any gadget":  # sums of exponentials twice as large leave the reciprocal
        monkeypatch.setattr(rule, "require", tolerant(rule.require, "sum of exponentials"))
    assert check(false).accepted, check(false).text


# -- numbers of the means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 8, 1000])
def test_the_largest_varentropy(count: int) -> None:
    """`sqrt(V_K)`, `V_K = max_P P (1 - P) log^2((K - 1) P/(1 - P))`, from above and sharp."""
    means = object.__new__(rule.Means)
    means.a, means.bits, means.count = Arithmetic(128), 128, count
    with mpmath.workdps(40):
        found = mpf(means.surprise()) / mpf(2) ** 128
        values = []
        for i in range(1, 4000):
            share = mpf(i) / 4000
            values.append(share * (1 - share) * mpmath.log((count - 1) * share / (1 - share)) ** 2)
        assert 0 <= found - mpmath.sqrt(max(values)) < 1e-6


@pytest.mark.parametrize(("share", "end"), [("0.5", "0.5"), ("0.1", "0.9"), ("0.3", "2"), ("0.5", "0.01")])
def test_overlaps(share: str, end: str) -> None:
    """`E gamma_1 gamma_2` under `p_t` by quadrature is at most what the checker takes for it; at errors of zero."""
    content = constructed(SMALL)
    content["problem"]["mixture"] |= {"weights": [share, str(1 - Fraction(share))]}
    case = cases.Case(sealed(content), RULES["A6"], Work())
    law, t = rule.Means(case, case.assertion["network"]), Fraction(end)
    law.logs_off = 0
    here = time_functions.values(case, time_functions.Stretch(t, t, (Polynomial([0], 0),) * 4))
    variance, overlap = (Fraction(x, 1 << law.bits) for x in law.overlaps(here, 0, t))
    with mpmath.workdps(20):
        m = mpmath.exp(-number(t))
        v = 1 - number(Fraction(24, 25)) * m * m
        first, second = number(Fraction(share)), 1 - number(Fraction(share))

        def joint(x: Any) -> Any:
            p, q = first * mpmath.npdf(x, -m, mpmath.sqrt(v)), second * mpmath.npdf(x, m, mpmath.sqrt(v))
            return p * q / (p + q)

        exact = mpmath.quad(joint, [-8, -1, 0, 1, 8])
        assert 2 * exact <= number(overlap) <= 4 * exact
        assert 4 * exact <= number(variance) <= 8 * exact


def score_at(name: str, error: str) -> Any:
    return constructed_score(cf.OrnsteinUhlenbeck(cf.load_mixture(name), "0.01", "3"), error)


@nightly
@pytest.mark.parametrize("name", ["two-modes", "ring-8", "modes-16d"])
def test_far_below_float64(name: str) -> None:
    verdict = check(network_certificate(score_at(name, "1e-40")))
    assert verdict.accepted, verdict.text
    assert verdict.work < checker.MAX_WORK


@nightly
@pytest.mark.parametrize("error", ["1e-2", "1e-6", "1e-12"])
@pytest.mark.parametrize("name", ["two-modes", "line-3", "random-5", "grid-4x4", "iris", "modes-16d"])
def test_built_in_mixtures(name: str, error: str) -> None:
    verdict = check(network_certificate(score_at(name, error)))
    assert verdict.accepted, verdict.text
    assert 4 * verdict.work < checker.MAX_WORK
