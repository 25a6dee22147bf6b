"""Certificates of students in one dimension (C2, C4), their falsehoods, and the parts of their rule against mpmath."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import mpmath
import numpy as np
import pytest
from certificates import sealed
from depth import cases, nightly
from refusing import check, refuse
from students import (
    compared,
    comparison_holds,
    error_holds,
    fitted,
    image,
    process,
    relative_error,
    relative_error_mpmath,
    student,
)

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.checker import student_cells, student_maps, student_models
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.checker.student_laws import Component, Law, density_factor
from certflow.certificate.checker.student_models import SUPREMA, Model, Models
from certflow.certificate.checker.work import Work
from certflow.certificate.envelope import certificate_text
from certflow.certificate.students import comparison_certificate, student_certificate
from certflow.enclosure.students.maps import ExactMap
from certflow.errors import InputError

Kept = namedtuple("Kept", ("maps", "times"))
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
)
#: Law, activation, width, maps, skip: every kind of covariance, every activation.
STUDENTS: dict[str, tuple[Any, ...]] = {
    "silu": ("two", "silu", 4),
    "tanh, two maps": ("two", "tanh", 4, 2),
    "relu, no skip": ("three", "relu", 4, 1, 0.0),
    "two variances": ("isotropic", "silu", 3),
    "shared variance": ("shared", "tanh", 3, 1, 0.0),
    "variances as matrices": ("full", "relu", 4, 2),
    "one component": ("one", "silu", 2),
}
BITS = 96
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "tanh": mpmath.tanh,
    "relu": lambda u: max(u, mpmath.mpf(0)),
}


@pytest.mark.parametrize("name", STUDENTS)
def test_the_interval_holds_a_quadrature_and_is_narrow(name: str) -> None:
    content = student(*STUDENTS[name], rtol="0.1")
    SCHEMA.validate(content)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert error_holds(content)
    lower, upper = (Fraction(content["assertion"][key]) for key in ("lower", "upper"))
    assert upper <= lower * Fraction(112, 100)


def test_the_quadrature_agrees_with_mpmath() -> None:
    content = student("two", "silu", 4)
    maps = content["assertion"]["maps"]
    slow = float(relative_error_mpmath(content["problem"], maps, panels=12))
    assert relative_error(content["problem"], maps) == pytest.approx(slow, rel=1e-7)


def test_a_comparison_is_accepted_with_its_ratio() -> None:
    content = compared("two", ("tanh", 4, 2), ("silu", 4), rtol="0.1")
    SCHEMA.validate(content)
    assert check(content).accepted
    assert comparison_holds(content)
    pair = content["assertion"]
    true = relative_error(content["problem"], pair["worse"]) / relative_error(content["problem"], pair["better"])
    assert float(Fraction(pair["ratio"])) > 0.85 * true


def test_students_that_are_close_are_told_apart() -> None:
    """Errors that differ by less than a tenth: the cells are made finer by themselves."""
    p, (one,) = process("two"), fitted("two", "silu", 4)
    other = ExactMap(one.weights, one.biases, "silu", 1.0, [0.0], [1.0], [0.0], [1.01])
    content = student_certificate(p, other)["assertion"]["maps"]
    first, second = (
        relative_error(student("two", "silu", 4)["problem"], maps)
        for maps in (student("two", "silu", 4)["assertion"]["maps"], content)
    )
    better, worse = (one, other) if first < second else (other, one)
    made = comparison_certificate(p, better, worse)
    assert 1 + (max(first, second) / min(first, second) - 1) / 2 < Fraction(made["assertion"]["ratio"])
    assert comparison_holds(made)


# -- planted falsehoods -----------------------------------------------------------------------------------------------


def test_false_assertions_are_refused() -> None:
    content = student("two", "silu", 4)
    lower, upper = (Fraction(content["assertion"][key]) for key in ("lower", "upper"))
    for key, value in (("lower", upper), ("upper", lower), ("upper", Fraction(-1))):
        false = copy.deepcopy(content)
        false["assertion"][key] = str(value)
        refuse(sealed(false), f"assertion.{key}", "as enclosed here")
    pair = compared("two", ("tanh", 4, 2), ("silu", 4))
    pair["assertion"]["ratio"] = str(2 * Fraction(pair["assertion"]["ratio"]))
    refuse(sealed(pair), "assertion.ratio", "as enclosed here")
    pair["assertion"]["ratio"] = "1/2"
    refuse(sealed(pair), "assertion.ratio", "a number >= 1")


def test_students_that_change_places_are_refused() -> None:
    content = compared("two", ("tanh", 4, 2), ("silu", 4))
    for part in (content["assertion"], content["proof"]):
        part["better"], part["worse"] = part["worse"], part["better"]
    refuse(sealed(content), "assertion.ratio")


def test_a_weight_that_makes_it_false_is_refused() -> None:
    content, found = student("two", "silu", 4), 0
    layers = content["assertion"]["maps"][0]["layers"]
    for layer in layers:
        for j, row in enumerate(layer["weights"]):
            changed = row.split(" ")
            changed[0] = str(int(changed[0]) + 2**23)
            layer["weights"][j] = " ".join(changed)
            verdict = check(sealed(content))
            assert not verdict.accepted or error_holds(content), verdict.text
            found += not verdict.accepted
            layer["weights"][j] = row
    assert found > 3


def test_hints_that_prove_nothing_are_refused() -> None:
    content = student("two", "silu", 4)
    rows = content["proof"]["cells"]["rows"]
    place = len(rows) // 2

    def with_row(*entries: str) -> dict[str, Any]:
        wrong = copy.deepcopy(content)
        wrong["proof"]["cells"]["rows"][place : place + 1] = entries
        return wrong

    width, first, *rest, radius = rows[place].split(" ")
    field = f"proof.cells.rows[{place}]"
    refuse(with_row(" ".join([width, str(int(first) + 2**54), *rest, radius])), field, "a radius at least")
    refuse(with_row(" ".join([width, first, *rest, "0"])), field, "a radius at least")
    refuse(with_row(" ".join([width, first, "0", "0", "0", "0"])), field, "keeps the order")
    refuse(with_row(" ".join([width, first, *rest])), field, "6 integers")
    refuse(with_row(" ".join(["0", first, *rest, radius])), field, "a width > 0")
    refuse(with_row(" ".join([width, first, *rest, "-1"])), field, "a radius >= 0")
    refuse(with_row("1" * 81), field, "integers of at most")
    refuse(with_row(" ".join([width, "9" * 79, *rest, radius])), field, "numbers below")
    refuse(with_row(), f"proof.cells.rows[{place}]", "a radius")  # the next cell is not where its cubic is
    for key in ("places", "fine"):
        wrong = copy.deepcopy(content)
        wrong["proof"]["cells"][key] = 97
        refuse(wrong, f"proof.cells.{key}", "less than the 96 bits")
    empty = copy.deepcopy(content)
    empty["proof"]["cells"]["rows"] = []
    refuse(empty, "proof.cells.rows", "at least 1 cell")


def test_forms_that_are_no_students_are_refused() -> None:
    def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        content = student("two", "silu", 4)
        change(content["assertion"]["maps"][0])
        return sealed(content)

    field = "assertion.maps[0]"
    refuse(changed(lambda one: one.update(layers=[])), f"{field}.layers", "1 to 64 layers")
    refuse(changed(lambda one: one.update(input_scale="0")), f"{field}.input_scale", "> 0")
    refuse(changed(lambda one: one.update(skip=2)), f"{field}.skip")
    refuse(changed(lambda one: one["layers"][0].update(biases="1 2")), f"{field}.layers[0].biases", "4 biases")
    refuse(changed(lambda one: one["layers"][1].update(weights=["1 2"])), f"{field}.layers[1].weights[0]", "4 weights")
    refuse(changed(lambda one: one["layers"].pop()), f"{field}.layers", "a last layer of one row")
    refuse(changed(lambda one: one.update(output_scale="1e300")), "proof.bits", "too large")
    content = student("two", "silu", 4)
    content["problem"]["mixture"]["means"] = [["-1", "0"], ["1", "0"]]
    refuse(sealed(content), "problem.mixture.means", "one coordinate")
    for name, values in (("isotropic", ["0.09"]), ("isotropic", ["0.09", "-1"]), ("shared", [["1", "0"]])):
        content = student(name, *{"isotropic": ("silu", 3), "shared": ("tanh", 3, 1, 0.0)}[name])
        content["problem"]["mixture"]["covariances"]["values"] = values
        refuse(sealed(content), "problem.mixture.covariances.values")


# -- false twins: a checker without one of its reasons accepts something false ----------------------------------------


def test_no_tail_accepts_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    content = student("two", "silu", 4)
    true = relative_error(content["problem"], content["assertion"]["maps"])
    content["assertion"] |= {"lower": "0", "upper": str(Fraction(true * 0.8))}
    assert not error_holds(content)
    rows = content["proof"]["cells"]["rows"]
    del rows[len(rows) // 2 :]
    refuse(sealed(content), "assertion.upper")
    monkeypatch.setattr(student_cells, "beyond", lambda *arguments: 0)
    assert check(sealed(content)).accepted


def misled(content: dict[str, Any]) -> dict[str, Any]:
    """Cells whose cubic is where the student takes the value y, not the flow, and whose radius is 0."""
    cells, x = content["proof"]["cells"], np.linspace(-1.8, 1.8, 4001)
    values = np.maximum.accumulate(image(content["assertion"]["maps"], x))
    scale, unit = 2.0 ** cells["fine"], 2.0 ** cells["places"]
    at = cells["start"] / unit
    for i, row in enumerate(cells["rows"]):
        width, middle, *_ = map(int, row.split(" "))
        low, high = np.interp([at, at + width / unit], values, x)
        if abs((low + high) / 2 - middle / scale) < 0.6 and high > low:
            numbers = round((low + high) / 2 * scale), round((high - low) / 2 * scale)
            cells["rows"][i] = f"{width} {numbers[0]} {numbers[1]} 0 0 0"
        at += width / unit
    return content


def test_radii_that_are_believed_accept_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    content = student("two", "silu", 4, rtol="0.1")
    true = relative_error(content["problem"], content["assertion"]["maps"])
    content["assertion"] |= {"lower": "0", "upper": str(Fraction(true * 0.5))}
    refuse(sealed(misled(content)), "proof.cells.rows", "a radius at least")
    monkeypatch.setattr(student_cells.Flow, "apart", lambda *arguments: 0)
    assert check(sealed(content)).accepted


def test_straight_models_accept_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found with models cut after their slope is accepted by such a checker, and not by the honest one."""
    honest = student_models.Models.tanh

    def straight(self: Models, x: Model) -> Model:
        c0, c1, _, _, symbol, _ = honest(self, x)
        return c0, c1, 0, 0, symbol, 0

    with monkeypatch.context() as patch:
        patch.setattr(student_models.Models, "tanh", straight)
        content = student_certificate(process("two"), fitted("two", "tanh", 4, 2), rtol="0.02")
        assert check(content).accepted
    assert not error_holds(content)
    assert not check(content).accepted


# -- the parts, against mpmath ----------------------------------------------------------------------------------------


def number(units: int, bits: int = BITS) -> Any:
    return mpmath.mpf(units) / 2**bits


def drawn(draw: random.Random, scale: float) -> Model:
    """A model near 0 whose parts are about so large."""
    one = 1 << BITS
    c = [round(draw.uniform(-4, 4) * one), *(round(draw.gauss(0, scale) * one) for _ in range(3))]
    return (*c, round(draw.gauss(0, scale) * one), round(abs(draw.gauss(0, scale)) * one))  # type: ignore[return-value]


def member(model: Model, y: Any, e: Any, rest: Any) -> Any:
    c0, c1, c2, c3, s, r = map(number, model)
    return c0 + y * (c1 + y * (c2 + y * c3)) + s * e + r * rest


def contained(draw: random.Random, before: Model, after: Model, function: Callable[[Any], Any]) -> bool:
    """Whether values of members of the one are members of the other."""
    for _ in range(12):
        y, e, rest = (mpmath.mpf(draw.choice((-1, 1, draw.uniform(-1, 1)))) for _ in range(3))
        value = function(member(before, y, e, rest))
        if abs(value - member(after, y, e, 0)) > number(after[5]):
            return False
    return True


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations_of_models(name: str) -> None:
    draw, models, forgetful = random.Random(name), Models(Arithmetic(BITS)), 0
    with mpmath.workdps(60):
        for _ in range(cases(60)):
            before = drawn(draw, draw.choice((1e-6, 1e-3, 0.1, 1, 5)))
            after = models.activations[name](before)
            assert contained(draw, before, after, FUNCTIONS[name])
            forgetful += not contained(draw, before, (*after[:5], after[5] // 50), FUNCTIONS[name])
            size = sum(map(abs, before[1:]))
            assert after[5] <= 1.2 * size + 10**4  # never worse than a constant
    assert forgetful > 3  # with a fiftieth of the remainder values are missed


@pytest.mark.parametrize("name", ["silu", "tanh"])
def test_the_remainder_of_small_models_is_of_fourth_order(name: str) -> None:
    models, one = Models(Arithmetic(BITS)), 1 << BITS
    for u in (-2.0, -0.3, 0.0, 0.7, 3.0):
        wide, narrow = (models.activations[name]((round(u * one), h, 0, 0, 0, 0))[5] for h in (one // 64, one // 128))
        assert 14 < wide / narrow < 34  # of fifth where the fourth derivative is 0
        assert wide < one * 64**-4


def test_exponentials_of_models() -> None:
    draw, models = random.Random(5), Models(Arithmetic(BITS))
    with mpmath.workdps(60):
        for _ in range(cases(60)):
            c0, c1, c2, c3, _, rest = drawn(draw, draw.choice((1e-6, 1e-3, 0.1, 1)))
            reach = abs(c1) + abs(c2) + abs(c3) + rest
            before = (-abs(c0) - reach, c1, c2, c3, 0, rest)
            assert contained(draw, before, models.exponential(before), mpmath.exp)


def test_suprema_of_derivatives() -> None:
    """Above the values on a grid, whose mesh no derivative notices, and not twice as large but where it is told."""
    u = np.linspace(-40, 40, 400_001)
    s = 1 / (1 + np.exp(-u))
    t = s * (1 - s)
    logistic = [s, t, t * (1 - 2 * s), t * (1 - 6 * t), t * (1 - 2 * s) * (1 - 12 * t), t * (1 - 30 * t + 120 * t * t)]
    for j in range(1, 6):
        silu = np.abs(u * logistic[j] + j * logistic[j - 1]).max()
        tanh = 2 ** (j + 1) * np.abs(logistic[j]).max()
        for name, value in (("silu", silu), ("tanh", tanh)):
            assert value <= float(SUPREMA[name][j - 1]) + 1e-12
            assert float(SUPREMA[name][j - 1]) < 1.7 * value


def law(arithmetic: Arithmetic, parts: list[tuple[float, float, float]]) -> Law:
    """A law without a certificate."""
    made = object.__new__(Law)
    made.models, made.a, made.work = Models(arithmetic), arithmetic, Work(10**12)
    made.bits, made.one, made.factor = arithmetic.bits, 1 << arithmetic.bits, density_factor(arithmetic)
    made.components = []
    for weight, place, variance in parts:
        w, m, v = (arithmetic.rational(Fraction(x)) for x in (weight, place, variance))
        deviation = arithmetic.sqrt(v)
        height = arithmetic.div(arithmetic.mul(w, made.factor), deviation)
        curve = arithmetic.div(arithmetic.one, (2 * v[0], 2 * v[1]))
        made.components.append(Component(w, m, v, deviation, height, curve))
    return made


PARTS = [(0.25, -1.0, 0.0625), (0.75, 0.5, 1.5)]


@pytest.mark.parametrize("bits", [64, 96, 160, 320])
def test_distribution_functions(bits: int) -> None:
    made, draw = law(Arithmetic(bits), PARTS), random.Random(bits)
    with mpmath.workprec(2 * bits + 40):
        low, high = density_factor(made.a)
        assert number(low, bits) <= 1 / mpmath.sqrt(2 * mpmath.pi) <= number(high, bits)
        assert high - low < 16
        for size in (1e-9, 0.1, 1, 3, 9, 14, 40):
            for _ in range(4):
                z = round(draw.uniform(-size, size) * 2**bits)
                low, high = made.normal(z, "")
                assert number(low, bits) <= mpmath.ncdf(number(z, bits)) <= number(high, bits)
                assert high - low < 4000
                low, high = made.distribution(z, "")
                true = sum(w * mpmath.ncdf((number(z, bits) - m) / mpmath.sqrt(v)) for w, m, v in PARTS)
                assert number(low, bits) <= true <= number(high, bits)


def test_densities_and_tails() -> None:
    made, draw, one = law(Arithmetic(BITS), PARTS), random.Random(3), 1 << BITS

    def density(x: Any) -> Any:
        return sum(w * mpmath.npdf(x, m, mpmath.sqrt(v)) for w, m, v in PARTS)

    with mpmath.workdps(40):
        for _ in range(cases(30)):
            scale = draw.choice((1e-3, 0.05, 0.5))
            cubic = [round(draw.uniform(-3, 3) * one), *(round(draw.gauss(0, scale) * one) for _ in range(3))]
            before = (*cubic, 0, 0)
            assert contained(draw, before, made.density(tuple(cubic)), density)  # type: ignore[arg-type]
            reach = sum(map(abs, cubic[1:]))
            least = made.least(cubic[0] - reach, cubic[0] + reach)
            assert all(number(least) <= density(member(before, mpmath.mpf(y), 0, 0)) for y in (-1, -0.5, 0, 0.5, 1))
        for x in (-3.0, -0.5, 0.4, 2.0, 5.0):
            for side in (-1, 1):
                mass, square = made.beyond(round(x * one), side)
                true = [0, 0]
                for w, m, v in PARTS:
                    g = side * (x - m) / mpmath.sqrt(v)
                    above = mpmath.ncdf(-g)
                    true[0] += w * above
                    true[1] += w * v * ((1 + g * g) * above - g * mpmath.npdf(g))
                assert true[0] <= number(mass) <= 9 * true[0] + 0.01
                assert true[1] <= number(square) <= 50 * true[1] + 3


def test_the_steepness_is_one() -> None:
    """Of maps by hand, above the slopes, with equality where signs agree."""
    content = student("two", "silu", 4)
    for _ in range(2):
        models = Models(Arithmetic(BITS))
        maps = [
            entry | {key: Fraction(entry[key]) for key in entry if "_" in key} for entry in content["assertion"]["maps"]
        ]
        made = student_maps.Student(models, maps, "maps", Work(10**9))
        x = np.linspace(-9, 9, 2001)
        slopes = np.diff(image(content["assertion"]["maps"], x)) / np.diff(x)
        assert np.abs(slopes).max() <= made.steepness / models.one
        content = student("two", "tanh", 4, 2)


# -- the producer -----------------------------------------------------------------------------------------------------


def still(activation: str = "relu", skip: float = 1.0, gain: float = 0.0, weight: float = 1.0) -> ExactMap:
    """`skip x + gain weight max(x, 0)`-like, one neuron."""
    return ExactMap([[[weight]], [[1.0]]], [[0.0], [0.0]], activation, skip, [0.0], [1.0], [0.0], [gain])


def test_steep_students_have_their_tails_proved() -> None:
    """A slope of 10^5 on the right half: tails are cut where the law is as small as the student is steep."""
    content = student_certificate(process("two"), still(gain=1.0, weight=1e5), rtol="0.5")
    assert check(content).accepted
    assert error_holds(content)
    assert float(Fraction(content["assertion"]["lower"])) > 1e6


def test_bits_rise_where_few_do_not_do() -> None:
    content = student_certificate(process("one"), still(gain=1.0, weight=2.0**38), rtol="0.5")
    assert content["proof"]["bits"] >= 96
    assert check(content).accepted


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (lambda p, m: student_certificate(p, still("relu", 0.5)), "maps", "s = 0 or 1"),
        (lambda p, m: student_certificate(p, m, rtol="0"), "rtol", "from 1e-6 to 1"),
        (lambda p, m: comparison_certificate(p, m, m), "better", "smaller error: proved is a ratio of"),
        (lambda p, m: student_certificate(p.mixture, m), "process", "OrnsteinUhlenbeck"),
        (lambda p, m: student_certificate(p, Kept(m, (1.0, 0.2))), "times", "was trained"),
        (lambda p, m: comparison_certificate(p, m, still(), ratio="1/2"), "ratio", ">= 1"),
        (lambda p, m: comparison_certificate(p, m, still(), ratio="1e6", rtol="0.5"), "ratio", "to what is proved"),
        (lambda p, m: student_certificate(p, still("relu", 1.0, 1.0, 2.0**-300)), "maps", "fewer places"),
        (
            lambda p, m: student_certificate(
                p, ExactMap([np.eye(2)] * 2, [np.zeros(2)] * 2, "groupsort", 1.0, *([np.ones(2)] * 4))
            ),
            "maps",
            "one coordinate",
        ),
        (
            lambda p, m: student_certificate(
                p, ExactMap([[[1.0, 1.0]], [[1.0], [1.0]]], [[0.0, 0.0], [0.0]], "groupsort", 1.0, *([[1.0]] * 4))
            ),
            "maps",
            "silu, tanh or relu",
        ),
        (
            lambda p, m: student_certificate(cf.OrnsteinUhlenbeck(cf.load_mixture("ring-8"), "0.1", "1"), m),
            "mixture",
            "one dimension",
        ),
    ],
)
def test_what_has_no_certificate_is_said_in_one_line(make: Any, field: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make(process("two"), fitted("two", "silu", 4))
    assert str(caught.value).startswith(field)


def test_students_that_take_too_much_work_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from certflow.certificate import student_hints

    monkeypatch.setattr(student_hints, "MAX_WORK", 1000)
    with pytest.raises(InputError, match="steps of the checker's work"):
        student_certificate(process("two"), still(), rtol="0.5")


@nightly
def test_trained_students_of_four_maps(tmp_path: Path) -> None:
    """The comparison of the laboratory's own maps: at most 250 kB, within the work of a check, by Python alone."""
    from laboratory import trained

    p, maps = trained("0.2", 4)
    made = comparison_certificate(p, maps["stability-balanced"], maps["uniform"])
    text = certificate_text(made)
    assert len(text) <= 250_000
    assert comparison_holds(made)
    assert checker.check(text).work <= 50_000_000
    path = tmp_path / "comparison.json"
    path.write_text(text)
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(checker.__file__).parent), str(path)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout
    assert run.stdout.startswith("accepted: ")
    false = copy.deepcopy(made)
    false["assertion"]["ratio"] = str(2 * Fraction(made["assertion"]["ratio"]))
    refuse(sealed(false), "assertion.ratio", "as enclosed here")
    false = copy.deepcopy(made)
    rows = false["assertion"]["better"][-1]["layers"][-1]
    rows["biases"] = str(int(rows["biases"]) + 2 ** rows["places"])
    assert not comparison_holds(false)
    refuse(sealed(false), "assertion.ratio", "as enclosed here")
