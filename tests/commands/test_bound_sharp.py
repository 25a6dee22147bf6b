"""`certflow bound --sharp` through the real command line, against exact values and the library."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from depth import night, nightly

import certflow as cf
from certflow.commands import bound_sharp
from certflow.enclosure.results import ExactDecimal
from certflow.enclosure.suprema.exponent import SharpStability

Command = Callable[..., Any]


def test_sharp_rates_of_three_on_a_line(command: Command) -> None:
    """`V*` of means -1, 0, 1 in closed form, at every time of the table; the integral by the trapezoidal rule."""
    ended = command("bound", "line-3", "--sharp", "--points", 5, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    sharp = json.loads(ended.out)["sharp"]
    assert sharp["complete"]
    for row in sharp["rows"]:
        value = exact(float(Fraction(row["t"])))
        ends = [float(Fraction(row["growth_rate"][key])) for key in ("lower", "upper")]
        assert ends[0] <= value * (1 + 1e-9 * np.sign(value)) + 1e-15
        assert value <= ends[1] * (1 + 1e-9 * np.sign(ends[1])) + 1e-15
        assert ends[1] - ends[0] <= 1e-6 * abs(ends[1])
    times = np.geomspace(0.01, 3, 200_001)
    rates = np.array([exact(float(t)) for t in times])
    integral = float(((rates[1:] + rates[:-1]) / 2 * np.diff(times)).sum())
    found = sharp["stability_one_sided"]
    assert float(Fraction(found["lower"])) <= integral + 1e-6
    assert integral <= float(Fraction(found["upper"])) + 1e-6
    assert float(Fraction(found["closed_form"])) == pytest.approx(14.7956, abs=1e-3)


def exact(t: float) -> float:
    """`lambda*` of means -1, 0, 1 of equal weight and variance 0.01."""
    grown = 0.01 + math.expm1(2 * t)
    r, m2 = 1 / (2 * grown), math.exp(-2 * t)
    q, v = math.exp(-r), grown * math.exp(-2 * t)
    spread = 2 * q / (1 + 2 * q) if q >= 0.25 else 1 / (4 * (1 - 4 * q * q))
    return 1 - 1 / v + m2 / v**2 * spread


@pytest.mark.parametrize("name", ["wine", "two-variances", *night("random-5")])
def test_the_witness_replays(name: str, command: Command) -> None:
    found = json.loads(command("bound", name, "--sharp", "--points", 3, "--format", "json").out)
    process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
    for row, sharp in zip(found["rows"], found["sharp"]["rows"], strict=True):
        rate = sharp["growth_rate"]
        lower, upper = (float(Fraction(rate[key])) for key in ("lower", "upper"))
        assert lower <= upper <= row["growth_rate"] * (1 + 1e-12)
        x = np.array([float(Fraction(entry)) for entry in rate["witness"]["point"]])
        if rate["witness"]["direction"] is not None:
            direction = np.array([float(Fraction(entry)) for entry in rate["witness"]["direction"]])
            x = x + 1000 * math.exp(float(Fraction(row["t"]))) * direction / np.linalg.norm(direction)
        value = np.linalg.eigvalsh(-process.jacobian(x, float(Fraction(row["t"]))))[-1]
        assert value >= lower - 1e-6 * abs(lower)
        assert value <= upper + 1e-9 * abs(upper)


def test_the_text_compares_with_the_closed_form(command: Command) -> None:
    ended = command("bound", "random-5", "--sharp", "--points", 3)
    assert (ended.code, ended.err) == (0, "")
    assert "proved from both sides" in ended.out
    assert "∫λ* from 0.01 to 3 lies in [25.7" in ended.out
    assert "the closed form gives ∫λ = 36.9589" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 110


def said(text: str) -> tuple[Fraction, Fraction, list[Fraction]]:
    """The printed ends of the integral and the factors."""
    text = " ".join(text.split())
    low, high = re.search(r"lies in \[(\S+), (\S+)\],", text).groups()
    return Fraction(low), Fraction(high), [Fraction(factor) for factor in re.findall(r"(\S+)-fold", text)]


@pytest.mark.parametrize("name", ["line-3", "two-modes"])
def test_what_the_text_says_is_proved(name: str, command: Command) -> None:
    """Every printed lower end is at most the proved one, every upper end and factor at least."""
    options = ("bound", name, "--sharp", "--points", 2, "--t-min", "0.3")
    exact, text = json.loads(command(*options, "--format", "json").out)["sharp"], command(*options).out
    low, high, factors = said(text)
    total = {key: Fraction(exact["stability_one_sided"][key]) for key in ("lower", "upper", "closed_form")}
    assert low <= total["lower"] <= total["upper"] <= high
    for factor, exponent in zip(factors, [total["upper"], total["closed_form"]], strict=False):
        assert mpmath.mpf(factor.numerator) / factor.denominator >= mpmath.exp(mpmath.mpf(float(exponent)))
    table = re.split(r"two\s+ends\s+rounded\s+outwards\.", text)[1]
    for row in exact["rows"]:
        line = re.search(rf"^ *{re.escape(row['t'])}  +(.*)$", table, flags=re.MULTILINE)[1]
        for cell, rate in zip(re.split(r"  +", line), (row["growth_rate"], row["lipschitz"]), strict=False):
            ends = [Fraction(end) for end in cell.split(" … ")]
            if len(ends) == 2:
                assert ends[0] <= Fraction(rate["lower"]) <= Fraction(rate["upper"]) <= ends[1]
            else:  # the number to which the supremum rounds
                assert all(abs(ends[0] / Fraction(rate[key]) - 1) <= Fraction(5, 10**6) for key in ("lower", "upper"))
    assert ("attained" in text) == (name == "two-modes")


@pytest.mark.parametrize(
    ("ends", "tail"),
    [
        (("2.76083879", "2.7632460759", "14.7956"), "at most 15.86-fold, not 2.665e+06-fold."),
        (("6.89038151731", "6.89038151732", "6.89038151732"), "at most 982.8-fold, and to the digits shown the closed"),
        (("1.131", "1.134135", "1.134135"), "at most 3.109-fold, as the closed form says."),
        (("-2.00000049", "-1.9999951", "-1.5"), "at most 0.1354-fold, not 0.2232-fold."),
        (("799.5", "800.0001", "900"), "at most 2.727e+347-fold, not 7.329e+390-fold."),
    ],
)
def test_the_sentence_on_the_exponent(
    ends: tuple[str, str, str], tail: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower, upper, closed = map(ExactDecimal, ends)
    found = SharpStability(lower, upper, True, closed, 1)
    monkeypatch.setattr(bound_sharp, "sharp_stability", lambda *_, **__: found)
    text = " ".join(command("bound", "two-modes", "--sharp", "--points", 2).out.split())
    assert tail in text
    low, high, factors = said(text)
    assert low <= lower <= upper <= high
    assert float(factors[0]) >= math.exp(upper) if upper < 700 else len(factors) == 2


@pytest.mark.usefixtures("ticking_clock")
def test_a_search_without_time_is_inconclusive(command: Command) -> None:
    """What is printed is the closed form and what was found until then, and code 3."""
    ended = command("bound", "random-5", "--sharp", "--points", 2)
    assert ended.code == 3
    assert "Inconclusive: a search ran out of its budget" in ended.out
    assert " … " in ended.out


@nightly
def test_out_of_reach_is_inconclusive(command: Command) -> None:
    """The hull of ten means in eight dimensions is not searched: what is printed is the closed form, and code 3."""
    ended = command("bound", "digits", "--sharp", "--points", 2)
    assert ended.code == 3
    assert "Inconclusive" in ended.out
    assert " … " in ended.out


def test_no_global_bound_no_sharp_one(command: Command) -> None:
    ended = command("bound", "anisotropic-pair", "--sharp")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "certflow: --sharp: got 'anisotropic-pair'; required: a mixture that has a global bound\n"


def test_full_covariances_with_a_bound_have_no_sharp_search(command: Command) -> None:
    ended = command("bound", "ordered-pair", "--sharp")
    assert ended.code == 2
    assert "mixture: got 'full covariances'" in ended.err
    assert len(ended.err.splitlines()) == 1
