"""Flow tubes (S3): accepted and true by exact quantile maps; a wrong hint or a box beside the truth is refused."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from certificates import changed
from depth import night
from hostile import counted
from mpmath import mp
from produced import process, tube
from quantiles import exact_flow, number

import certflow as cf
from certflow.certificate import checker
from certflow.certificate.checker import Verdict, flow_tubes
from certflow.certificate.envelope import certificate_text, envelope
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.errors import InputError

SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)
#: weights, means, variance on a line.
LINES = {
    "two": (["1/2", "1/2"], ["-1", "1"], "0.01"),
    "two wide": (["1/2", "1/2"], ["-1", "1"], "0.09"),
    "three": (["0.2", "0.5", "0.3"], ["-1.5", "0.1", "0.8"], "0.04"),
    "unit": (["1/3", "2/3"], ["-2", "1/7"], "1"),
    "broad": (["0.3", "0.7"], ["-2", "1"], "4"),
    "one": (["1"], ["0.7"], "0.09"),
    "narrow": (["0.4", "0.6"], ["-1", "1"], "1e-6"),
}


def check(content: dict[str, Any]) -> Verdict:
    return checker.check(json.dumps(content))


def refuse(content: dict[str, Any], field: str, *words: str) -> None:
    verdict = check(content)
    assert not verdict.accepted, verdict.text
    assert verdict.text.startswith(field), verdict.text
    for word in words:
        assert word in verdict.text, verdict.text


def on_a_line(line: str, x: str, t_from: str, t_to: str, digits: int = 12) -> dict[str, Any]:
    weights, means, variance = LINES[line]
    law = cf.GaussianMixture(weights, [[a] for a in means], variance, name=line)
    made = flow_tube_certificate(cf.OrnsteinUhlenbeck(law, "0.01", 3), [x], t_from, t_to, digits)
    return json.loads(certificate_text(made))


def holds(content: dict[str, Any], image: Sequence[Any]) -> bool:
    """The asserted box contains a point of 60 digits."""
    with mp.workdps(75):
        low, high = ([number(a) for a in content["assertion"][key]] for key in ("lower", "upper"))
        return all(a <= b <= c for a, b, c in zip(low, image, high, strict=True))


def radius(content: dict[str, Any]) -> Fraction:
    pairs = zip(content["assertion"]["lower"], content["assertion"]["upper"], strict=True)
    return max(Fraction(b) - Fraction(a) for a, b in pairs) / 2


# -- accepted and true ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("x", [*night("-1.7", "0"), "1e-7", *night("0.3")])
@pytest.mark.parametrize(("t_from", "t_to"), [("3", "0.01"), ("0.02", "2.9"), ("0.5", "0.5")])
def test_the_box_contains_the_quantile_map(line: str, x: str, t_from: str, t_to: str) -> None:
    content = on_a_line(line, x, t_from, t_to)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.text.startswith(f"Phi from t = {t_from} to t = {t_to} takes x into the box")
    FORM.validate(content)
    assert radius(content) <= Fraction(1, 10**12)
    assert holds(content, [exact_flow(*LINES[line], x, t_from, t_to)])


@pytest.mark.parametrize("line", ["two", *night("three")])
def test_more_digits(line: str) -> None:
    content = on_a_line(line, "0.3", "3", "0.01", 30)
    assert check(content).accepted
    assert radius(content) <= Fraction(1, 10**30)
    assert holds(content, [exact_flow(*LINES[line], "0.3", "3", "0.01")])


@pytest.mark.parametrize("turn", [((1, 0), (0, 1)), (("3/5", "-4/5"), ("4/5", "3/5"))])
@pytest.mark.parametrize("variance", [*night("0.09"), "0.01"])
def test_products_of_lines(turn: Any, variance: str) -> None:
    """In the plane, and turned by a rational rotation."""
    lines = [(LINES[name][0], LINES[name][1], variance) for name in ("two", "three")]
    rotate = [[Fraction(a) for a in row] for row in turn]

    def turned(vector: Sequence[Any]) -> list[Any]:
        return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rotate]

    weights = [Fraction(a) * Fraction(b) for a, b in itertools.product(lines[0][0], lines[1][0])]
    means = [turned([Fraction(a), Fraction(b)]) for a, b in itertools.product(lines[0][1], lines[1][1])]
    law = cf.OrnsteinUhlenbeck(cf.GaussianMixture(weights, means, variance, name="product"), "0.01", 3)
    x = [Fraction("0.02"), Fraction("-0.4")]
    content = json.loads(certificate_text(flow_tube_certificate(law, turned(x), "3", "0.01")))
    assert check(content).accepted
    with mp.workdps(60):
        image = [exact_flow(*line, a, "3", "0.01") for line, a in zip(lines, x, strict=True)]
        assert holds(content, [sum(number(a) * y for a, y in zip(row, image, strict=True)) for row in rotate])


@pytest.mark.parametrize(
    ("law", "x"),
    [
        ("plane of five", ("0.3", "-0.4")),
        *night(
            ("embedded", ("0.1", "0.2", "0.3", "0.4")),
            ("ring-8", ("0.01", "0")),
            ("plane of five", ("0.05", "0.02")),
            ("random-5", ("1", "-0.2")),
            ("space 5", ("1/3", "0", "-0.5")),
        ),
    ],
)
def test_in_more_dimensions(law: str, x: tuple[str, ...]) -> None:
    content = tube(law, x)
    assert check(content).accepted
    FORM.validate(content)
    assert radius(content) <= Fraction(1, 10**12)
    finer = tube(law, x, digits=25)
    assert check(finer).accepted
    for key, sign in (("lower", 1), ("upper", -1)):
        pairs = zip(content["assertion"][key], finer["assertion"][key], strict=True)
        assert all(sign * (Fraction(b) - Fraction(a)) >= 0 for a, b in pairs)


def test_the_producer_says_what_it_needs() -> None:
    law = process("line")
    for times in (("4", "0.01"), ("3", "0.001")):
        with pytest.raises(InputError, match=r"t_(from|to): got .*; required: a time from t_min"):
            flow_tube_certificate(law, ["0.3"], *times)
    with pytest.raises(InputError, match="digits: got 300"):
        flow_tube_certificate(law, ["0.3"], "3", "0.01", 300)
    with pytest.raises(InputError, match="shape"):
        flow_tube_certificate(law, ["0.3", "0"], "3", "0.01")


# -- false statements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", ["1e-11", "-1e-3", *night("-1e-11", "1e-6", "1")])
def test_a_box_beside_the_image(shift: str) -> None:
    for content in (on_a_line("two", "0.3", "3", "0.01"), tube("plane of five", ("0.3", "-0.4"))):
        for key in ("lower", "upper"):
            for axis in range(len(content["assertion"]["x"])):
                value = str(Fraction(content["assertion"][key][axis]) + Fraction(shift))
                false = changed(content, f"assertion.{key}.{axis}", value)
                if (Fraction(shift) > 0) == (key == "lower"):
                    refuse(false, f"assertion.{key}[{axis}]", "the image")
                else:
                    assert check(false).accepted


@pytest.mark.parametrize("line", ["three", *night("two", "two wide")])
def test_another_problem_with_the_same_box(line: str) -> None:
    """A mean, a weight, the variance, a time, the point: changed by 10^-9 of itself, where that moves the image."""
    weights, means, variance = LINES[line]
    content = on_a_line(line, "0.02", "3", "0.01")
    step = 1 + Fraction(1, 10**9)
    mixture = "problem.mixture"
    moved = [
        (f"{mixture}.means", [[str(Fraction(means[0]) * step)], *([a] for a in means[1:])]),
        (f"{mixture}.covariances.values", str(Fraction(variance) * step)),
        ("assertion.x", [str(Fraction("0.02") * step)]),
        ("assertion.t_to", str(Fraction("0.01") * step)),
        ("assertion.t_from", "2.999"),
    ]
    for path, value in moved:
        false = changed(content, path, value)
        assertion, law = false["assertion"], false["problem"]["mixture"]
        points = [row[0] for row in law["means"]]
        times = assertion["t_from"], assertion["t_to"]
        image = exact_flow(law["weights"], points, law["covariances"]["values"], assertion["x"][0], *times)
        assert not holds(false, [image])
        refuse(false, "", "required")
    heavier = [str(Fraction(weights[0]) + Fraction(1, 10**9)), *weights[1:-1]]
    heavier.append(str(1 - sum(map(Fraction, heavier))))
    refuse(changed(content, f"{mixture}.weights", heavier), "assertion.", "the image")


def test_ends_that_are_exchanged() -> None:
    content = on_a_line("two", "0.3", "3", "0.01")
    low, high = content["assertion"]["lower"], content["assertion"]["upper"]
    refuse(changed(changed(content, "assertion.lower", high), "assertion.upper", low), "assertion.lower[0]")
    other = changed(changed(content, "assertion.t_from", "0.01"), "assertion.t_to", "3")
    refuse(other, "", "required")


# -- wrong hints ------------------------------------------------------------------------------------------------------


def test_nodes_that_are_moved() -> None:
    """The ends of the path must be those of the interval of time; nodes between them are free."""
    content = on_a_line("three", "0.3", "3", "0.01")
    steps = content["proof"]["steps"]
    for path in ("proof.start", f"proof.steps.{len(steps) - 1}.end"):
        value: Any = content
        for part in path.split("."):
            value = value[int(part) if part.isdigit() else part]
        for change in (Fraction(1, 2**12), -Fraction(1, 2**12), Fraction(1, 2**30)):
            refuse(changed(content, path, str(Fraction(value) + change)), "", "required")
    ends = [Fraction(step["end"]) for step in steps]
    free = changed(content, "proof.steps.5.end", str(ends[5] + (ends[6] - ends[5]) / 16))
    assert check(free).accepted
    refuse(changed(content, "proof.steps", steps[:-1]), "assertion.", "the image")
    refuse(changed(content, "proof.steps", []), "assertion.", "the image")
    assert check(changed(content, "proof.steps", [*steps, steps[-1]])).accepted


def test_steps_that_are_too_long_or_of_too_low_order() -> None:
    content = on_a_line("two", "0.3", "3", "0.01")
    steps = content["proof"]["steps"]
    low = [{"end": step["end"], "order": 4} for step in steps]
    refuse(changed(content, "proof.steps", low), "", "required")
    one = [{"end": steps[-1]["end"], "order": 22}]
    refuse(changed(content, "proof.steps", one), "proof.steps[0]", "a step in which")
    jump = changed(content, "proof.steps", steps[::6] + steps[-1:])
    refuse(jump, "", "required")


@pytest.mark.parametrize(
    ("path", "value", "field", "word"),
    [
        ("proof.start", "0", "proof.start", "a positive binary number"),
        ("proof.start", "-1", "proof.start", "a positive binary number"),
        ("proof.start", "1/3", "proof.start", "a positive binary number"),
        ("proof.start", "NaN", "proof.start", "an exact number"),
        ("proof.start", None, "proof.start", "in quotes"),
        ("proof.steps.2.end", "0", "proof.steps[2].end", "a positive binary number"),
        ("proof.steps.2.end", "-0.5", "proof.steps[2].end", "a positive binary number"),
        ("proof.steps.2.end", "0.1", "proof.steps[2].end", "a positive binary number"),
        ("proof.steps.2.order", 1, "proof.steps[2].order", "an integer from 2 to 256"),
        ("proof.steps.2.order", 257, "proof.steps[2].order", "an integer from 2 to 256"),
        ("proof.steps.2.order", "9", "proof.steps[2].order", "an integer from 2 to 256"),
        ("proof.steps.2.order", True, "proof.steps[2].order", "an integer from 2 to 256"),
        ("proof.steps.2", {"end": "1"}, "proof.steps[2].order", "this key"),
        ("proof.steps", {}, "proof.steps", "a list"),
        ("proof.rule", "trust", "proof.rule", "taylor-steps"),
        ("proof.bits", 64, "proof.s", "a positive binary number"),
        ("assertion.x", [], "assertion.x", "1 numbers"),
        ("assertion.x", ["0", "0"], "assertion.x", "1 numbers"),
        ("assertion.lower", [], "assertion.lower", "1 numbers"),
        ("assertion.upper", ["9", "9"], "assertion.upper", "1 numbers"),
        ("assertion.t_from", "4", "assertion.t_from", "in [t_min, t_max]"),
        ("assertion.t_to", "0", "assertion.t_to", "in [t_min, t_max]"),
        ("problem.mixture.means", [["0", "0"]] * 2, "assertion.x", "2 numbers"),
    ],
)
def test_a_value_that_does_not_fit(path: str, value: Any, field: str, word: str) -> None:
    refuse(changed(on_a_line("two", "0.3", "3", "0.01"), path, value), field, word)


def test_a_polynomial_of_order_one_forgets_the_curvature() -> None:
    """From far out, z = 0 and Q near 0, the path moves by -Q^3/6 times the third moment: not seen to order 1."""
    weights, means = ["0.1", "0.9"], ["9", "-1"]
    law = cf.GaussianMixture(weights, [[a] for a in means], "1", name="skew")
    times = ("40", "3")
    with mp.workdps(60):
        nodes = [Fraction(int(mp.exp(-int(t)) * 2**200), 2**200) for t in times]
    assertion = {"x": ["0"], "t_from": times[0], "t_to": times[1], "lower": ["-1e-12"], "upper": ["1e-12"]}
    proof = {"rule": "taylor-steps", "bits": 256, "start": str(nodes[0]), "steps": [{"end": str(nodes[1]), "order": 1}]}
    content = json.loads(certificate_text(envelope(cf.OrnsteinUhlenbeck(law, "0.01", 200), "S3", assertion, proof)))
    assert not holds(content, [exact_flow(weights, means, "1", "0", *times)])
    refuse(content, "proof.steps[0].order", "an integer from 2")
    for order in (2, 3, 9):
        refuse(changed(content, "proof.steps.0.order", order), "", "required")
    near = changed(changed(content, "proof.steps.0.order", 9), "assertion.lower", ["-1.453e-3"])
    near = changed(near, "assertion.upper", ["-1.452e-3"])
    assert check(near).accepted
    assert holds(near, [exact_flow(weights, means, "1", "0", *times)])


def test_hints_at_random() -> None:
    """Whatever the nodes and orders, what is accepted is true; and some of it is accepted."""
    draw = random.Random(5)
    content = on_a_line("three", "0.3", "0.5", "0.1", 6)
    image = exact_flow(*LINES["three"], "0.3", "0.5", "0.1")
    ends = [Fraction(content["proof"]["start"]), *(Fraction(step["end"]) for step in content["proof"]["steps"])]
    accepted = 0
    for _ in range(150):
        nodes = sorted(draw.sample(ends[1:-1], draw.randrange(len(ends) // 2, len(ends) - 1)))
        nodes = [node + Fraction(draw.randrange(-64, 64), 2**12) for node in nodes] + ends[-1:]
        steps = [{"end": str(node), "order": draw.randrange(3, 24)} for node in nodes]
        middle = Fraction(content["assertion"]["lower"][0]) + Fraction(1, 10**6) * draw.randrange(-3, 4)
        wide = Fraction(1, 10 ** draw.randrange(2, 8))
        trial = changed(content, "proof.steps", steps)
        trial = changed(trial, "assertion.lower", [str(middle - wide)])
        trial = changed(trial, "assertion.upper", [str(middle + wide)])
        if check(trial).accepted:
            accepted += 1
            assert holds(trial, [image])
    assert accepted > 10


def swelling_coefficients() -> dict[str, Any]:
    """Two far modes of almost the same mass: every coefficient is a thousand bits longer than the one before."""
    law = cf.GaussianMixture(["0.5", "0.5"], [["1e100", "1"], ["-1e100", "0"]], "1", name="far")
    assertion = {"x": ["0", "0"], "t_from": "1", "t_to": "0.1", "lower": ["-1", "-1"], "upper": ["1", "1"]}
    proof = {"rule": "taylor-steps", "bits": 1024, "start": "0.5", "steps": [{"end": "0.75", "order": 256}]}
    return json.loads(certificate_text(envelope(cf.OrnsteinUhlenbeck(law, "0.01", 3), "S3", assertion, proof)))


def test_problems_that_would_take_too_long() -> None:
    content = on_a_line("three", "0.3", "3", "0.01")
    steps = content["proof"]["steps"]
    many = changed(content, "problem.mixture.means", [[f"{k}e-3"] for k in range(1000)])
    hostile = [
        changed(content, "proof.steps", [{"end": content["proof"]["start"], "order": 2}] * 50_000),
        changed(content, "proof.steps", [{**step, "order": 256} for step in steps] * 9),
        changed(many, "problem.mixture.weights", ["1/1000"] * 1000),
        changed(content, "problem.mixture.means", [["1e4000"], ["-1e4000"], ["0"]]),
        swelling_coefficients(),
        changed(content, "problem.mixture.covariances.values", "1e-4000"),
        changed(content, "assertion.x", ["1e4000"]),
        changed(content, "proof.start", "1e4000"),
    ]
    for trial in hostile:
        assert not counted(json.dumps(trial)).accepted


# -- false twins ------------------------------------------------------------------------------------------------------


def test_false_twins_accept_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that forgets its error, and a path that may end anywhere: wrong boxes get through."""
    content = on_a_line("two", "0.3", "3", "0.01")
    rough = changed(content, "proof.steps", [{**step, "order": 6} for step in content["proof"]["steps"]])
    short = changed(content, "proof.steps", content["proof"]["steps"][:-1])
    image = exact_flow(*LINES["two"], "0.3", "3", "0.01")
    step, drift = flow_tubes.Tube.step, flow_tubes.Tube.drift

    def forgetful(tube: Any, *arguments: Any) -> None:
        step(tube, *arguments)
        tube.radius = 1

    for patch, false in ((("step", forgetful), rough), (("drift", lambda *_: 1), short)):
        refuse(false, "", "required")
        monkeypatch.setattr(flow_tubes.Tube, *patch)
        reason = check(false).text
        enclosed = Fraction(reason.split("as enclosed here: ")[1].split(";")[0])
        boxes = {"lower": enclosed - Fraction(1, 10**13), "upper": enclosed + Fraction(1, 10**13)}
        for key, value in boxes.items():
            false = changed(false, f"assertion.{key}", [str(value)])
        assert check(false).accepted
        assert not holds(false, [image])
        monkeypatch.setattr(flow_tubes.Tube, "step", step)
        monkeypatch.setattr(flow_tubes.Tube, "drift", drift)
        assert not check(false).accepted


# -- neither more nor less than the page proves -----------------------------------------------------------------------


def clock(t: str, variance: Any) -> Any:
    m = mp.exp(-number(t))
    return m / mp.sqrt(1 - (1 - variance) * m * m)


def proved(weights: Any, means: Any, z: Any, now: Any, end: Any, order: int) -> tuple[Any, Any]:
    """Where proofs/checker.md, section 6, sees the image of z after one step on a line, and how far off: in real
    numbers, so without what is cut off."""
    h, low = end - now, [w * mp.exp(-((z - now * mu) ** 2) / 2) for w, mu in zip(weights, means, strict=True)]
    first = mp.fsum(low)

    def mean(values: Sequence[Any]) -> Any:
        return mp.fdot(low, values) / first

    g = mean(means)
    arms = [mu - g for mu in means]
    slopes = [(z - now * mu) * e for mu, e in zip(means, arms, strict=True)]
    slopes, bends = [x - mean(slopes) for x in slopes], [e * e for e in arms]
    bends = [x - mean(bends) for x in bends]
    Z, b, E = [mp.mpf(0)], [[mp.mpf(0)] for _ in arms], [[x] for x in low]  # coefficients of y^n
    for n in range(order):
        sums = [mp.fsum(row[i] for row in E) for i in range(n + 1)]
        pull = h * mp.fsum(row[n] * e for row, e in zip(E, arms, strict=True))
        Z.append((pull - mp.fsum(sums[n - i] * (i + 1) * Z[i + 1] for i in range(n))) / ((n + 1) * first))
        for k, e in enumerate(arms):
            extra = (h * slopes[k], -h * h * bends[k] / 2)[n] if n < 2 else 0
            b[k].append((h * Z[n] + now * Z[n + 1]) * e + extra)
            E[k].append(mp.fsum((i + 1) * b[k][i + 1] * E[k][n - i] for i in range(n + 1)) / (n + 1))
    speed = [(n + 1) * x for n, x in enumerate(Z[1:])]
    theta, fast = abs(h * Z[-1]) * max(map(abs, arms)), mp.fsum(map(abs, speed))
    least = first * (1 - mp.fsum(abs(mean(column)) for column in zip(*b, strict=True)) - theta)
    total = [mp.fsum(column) for column in zip(*E, strict=True)]
    last = [h * mp.fsum(row[n] * e for row, e in zip(E, arms, strict=True)) for n in range(order + 1)]
    defect = mp.fsum(
        abs(mp.fsum(total[n - i] * speed[i] for i in range(order) if n - i <= order) - (last[n] if n <= order else 0))
        for n in range(order, 2 * order)
    )
    spread = mp.mpf(0)
    for start, row, poly, e in zip(low, b, E, arms, strict=True):
        rate = [(n + 1) * x for n, x in enumerate(row[1:])]
        up = max(0, row[1]) + mp.fsum(map(abs, row[2:]))
        rise = max(0, rate[0] + mp.fsum(map(abs, rate[1:])))
        rest = mp.fsum(
            abs(mp.fsum(rate[i] * poly[n - i] for i in range(order) if n - i <= order)) for n in range(order, 2 * order)
        )
        eps = mp.exp(rise) * rest + 2 * theta * start * mp.exp(up)
        defect += eps * (fast + abs(h * e))
        spread += min(1, mp.mpf(257) / 256 * start * mp.exp(up + theta) / least) * e * e
    return z + h * g + mp.fsum(Z), mp.exp(max(h, 0) * max(now, end) * spread) * defect / least


@pytest.mark.parametrize(
    ("line", "t_from", "t_to", "order"),
    [("two wide", "3", "1", 4), ("unit", "0.5", "0.3", 4), ("broad", "3", "1", 6), ("broad", "0.3", "1.5", 9)],
)
def test_a_step_is_enclosed_as_far_as_is_proved(line: str, t_from: str, t_to: str, order: int) -> None:
    """Both ends: the box that section 6 proves is accepted, and one that is thinner by a millionth is refused."""
    weights, means, variance = LINES[line]
    with mp.workdps(60):
        s2 = number(variance)
        ends = [Fraction(int(clock(t, s2) * 2**120), 2**120) for t in (t_from, t_to)]
        m, m_end = (mp.exp(-number(t)) for t in (t_from, t_to))
        z = number("0.3") / mp.sqrt(1 - (1 - s2) * m * m)
        image, radius = proved(*([number(a) for a in part] for part in (weights, means)), z, *map(number, ends), order)
        scale = mp.sqrt(1 - (1 - s2) * m_end * m_end)
        boxes = [
            [str(int(scale * (image + side * radius * (1 + more)) * 10**30)) + "e-30" for side in (-1, 1)]
            for more in (mp.mpf(10) ** -6, -(mp.mpf(10) ** -6))
        ]
    law = cf.GaussianMixture(weights, [[a] for a in means], variance, name=line)
    proof = {
        "rule": "taylor-steps",
        "bits": 128,
        "start": str(ends[0]),
        "steps": [{"end": str(ends[1]), "order": order}],
    }
    for (low, high), fits in zip(boxes, (True, False), strict=True):
        assertion = {"x": ["0.3"], "t_from": t_from, "t_to": t_to, "lower": [low], "upper": [high]}
        process = cf.OrnsteinUhlenbeck(law, "0.01", 3)
        content = json.loads(certificate_text(envelope(process, "S3", assertion, proof)))
        verdict = check(content)
        assert verdict.accepted == fits, verdict.text
        if fits:
            assert holds(content, [exact_flow(weights, means, variance, "0.3", t_from, t_to)])
