"""Flow tubes (S3) of other covariances: accepted and true by exact quantile maps; a false box or hint is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import jsonschema
import mpmath
import pytest
from certificates import changed
from depth import night
from hostile import counted
from mutations_kinds import DIGITS, TUBED, Problem, image_holds, process
from refusing import check, refuse

import certflow as cf
from certflow.certificate.checker import flow_kinds
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.envelope import certificate_text
from certflow.certificate.flow_tube import flow_tube_certificate
from certflow.errors import InputError

SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)


@cache
def made(law: str, t_from: str, t_to: str) -> str:
    x = ["0.3", "0.1"][: TUBED[law].dimension]
    return certificate_text(flow_tube_certificate(process(law), x, t_from, t_to))


def tube(law: str, t_from: str, t_to: str) -> dict[str, Any]:
    """A fresh copy of the certificate."""
    return json.loads(made(law, t_from, t_to))


def holds(content: dict[str, Any]) -> bool:
    with mpmath.workdps(DIGITS):
        return image_holds(Problem(content["problem"]), content)


@pytest.mark.parametrize("law", ["full", *night("line", "shared")])
@pytest.mark.parametrize(("t_from", "t_to"), [("1", "0.05"), *night(("3", "0.01"), ("0.02", "2.9"), ("0.5", "0.5"))])
def test_the_box_contains_the_quantile_map(law: str, t_from: str, t_to: str) -> None:
    content = tube(law, t_from, t_to)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    assert verdict.text.startswith(f"Phi from t = {t_from} to t = {t_to} takes x into the box [lower, upper], x = (0.3")
    FORM.validate(content)
    pairs = zip(content["assertion"]["lower"], content["assertion"]["upper"], strict=True)
    assert max(Fraction(high) - Fraction(low) for low, high in pairs) <= Fraction(2, 10**12)
    assert holds(content)


def test_a_box_beside_the_truth() -> None:
    content = tube("full", "0.5", "0.45")
    for axis, share in ((0, "1e-11"), (1, "-1e-11"), (0, "1")):
        moved = content
        for key in ("lower", "upper"):
            value = Fraction(content["assertion"][key][axis]) + Fraction(share)
            moved = changed(moved, f"assertion.{key}.{axis}", str(value))
        refuse(moved, f"assertion.{'upper' if Fraction(share) < 0 else 'lower'}[{axis}]", "a bound of the image")


def test_hints_that_prove_nothing() -> None:
    content = tube("line", "0.5", "0.4")
    refuse(changed(content, "proof.steps", []), "proof.steps", "a node nearer to the time")
    refuse(changed(content, "proof.steps.0.order", 2), "")
    refuse(changed(content, "proof.steps.0.order", 1), "proof.steps[0].order", "from 2")
    refuse(changed(content, "proof.steps.0.end", "1/3"), "proof.steps[0].end", "binary")
    refuse(changed(content, "proof.start", "1/2"), "")
    refuse(changed(content, "proof.bits", 64), "")
    for floors in (["0.04", "0.2"], ["0.05", "0.2"], ["-1", "0.2"]):
        refuse(changed(content, "proof.floors", floors), "proof.floors", "below all eigenvalues")
    for floors in (["0.01"], ["0.01"] * 3):
        refuse(changed(content, "proof.floors", floors), "proof.floors", "2 numbers")
    assert check(changed(content, "proof.floors", ["0", "0"])).accepted  # the variances only narrow the tube


def test_covariances_that_are_none() -> None:
    content, values = tube("full", "0.5", "0.45"), "problem.mixture.covariances.values"
    field = f"{values}[1]"
    refuse(changed(content, f"{values}.1", [["1", "0.1"], ["0.2", "1"]]), field, "symmetric")
    refuse(changed(content, f"{values}.1", [["1", "2"], ["2", "1"]]), field, "positive definite")
    refuse(changed(content, f"{values}.1", [["1", "2"]]), field, "2 rows")
    refuse(changed(content, values, content["problem"]["mixture"]["covariances"]["values"][:1]), values, "2 entries")
    refuse(changed(content, "problem.mixture.covariances.kind", "shared"), values, "exact number")
    refuse(changed(content, "problem.mixture.covariances.kind", "none"), "problem.mixture.covariances.kind")
    line = changed(tube("line", "0.5", "0.4"), f"{values}.0", "-0.04")
    refuse(line, f"{values}[0]", "a variance > 0")


@pytest.mark.parametrize("law", ["line", *night("full")])
def test_a_path_without_its_defect(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of order 4 where they were of more: their end is no image, which only the defect tells."""
    content = tube(law, "0.5", "0.4")
    short = changed(content, "proof.steps", [step | {"order": 4} for step in content["proof"]["steps"]])
    refuse(short, "")
    with monkeypatch.context() as patch:
        patch.setattr(flow_kinds.Tube, "grow", lambda *_: None)
        seen: list[list[int]] = []
        patch.setattr(flow_kinds, "box_sentence", lambda case: "")
        honest = flow_kinds.Tube.step
        patch.setattr(flow_kinds.Tube, "step", lambda self, *a: (honest(self, *a), seen.append(self.xi))[0])
        check(short)
        false, unit = short, 1 << content["proof"]["bits"]
        with mpmath.workdps(40):
            scale = Fraction(mpmath.nstr(mpmath.exp(mpmath.mpf("-0.4")), 35))
        for axis, xi in enumerate(seen[-1]):
            value = Fraction(xi, unit) * scale
            for key, side in (("lower", -1), ("upper", 1)):
                false = changed(false, f"assertion.{key}.{axis}", str(value + side * Fraction(1, 10**20)))
        assert check(false).accepted
    assert not holds(false)
    refuse(false, "")


def units(value: Fraction, bits: int) -> int:
    return round(value * 2**bits)


def boxed(content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The certificate with the box that the checker, as it is now, finds: a little wider."""
    ends: dict[str, Fraction] = {}

    def noted(case: Any, side: str, end: int, of: str, key: str, axis: int) -> None:
        ends[key] = Fraction(end, 1 << case.arithmetic.bits)

    with monkeypatch.context() as patch:
        patch.setattr(flow_kinds.Case, "bound", noted)
        check(content)
    for key, room in (("lower", -1), ("upper", 1)):
        content = changed(content, f"assertion.{key}", [str(ends[key] + room * Fraction(1, 10**14))])
    return content


@pytest.mark.parametrize("place", ["start", "end"])
def test_a_node_beside_the_time(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start or an end displaced by 2^-20, and the box moved along: only `drift` tells."""
    content = tube("line", "0.5", "0.4")
    proof, away = content["proof"], Fraction(1, 2**20)
    if place == "start":
        proof["start"] = str(Fraction(proof["start"]) + away)
    else:
        proof["steps"][-1]["end"] = str(Fraction(proof["steps"][-1]["end"]) - away)
    with monkeypatch.context() as patch:
        patch.setattr(flow_kinds.Tube, "drift", lambda *_: None)
        content = boxed(content, monkeypatch)
        assert check(content).accepted
    assert not holds(content)
    refuse(content, "assertion.", "a bound of the image")


def test_distances_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start displaced by 2^-40 between two modes, from where paths part: without their growth, `drift` is too small.

    `theta` and `eps` are in `defect`. Of the paths that were tried, the error was at most a sixteenth of the radius
    without either of them: no file was found that they decide.
    """
    law = cf.GaussianMixture(["0.3", "0.7"], [["-1"], ["1"]], ["0.01", "0.02"])
    made = flow_tube_certificate(cf.OrnsteinUhlenbeck(law, "0.01", "3"), ["-0.183"], "0.3", "0.04")
    content = json.loads(certificate_text(made))
    content["proof"]["start"] = str(Fraction(content["proof"]["start"]) + Fraction(1, 2**40))
    with monkeypatch.context() as patch:
        patch.setattr(
            flow_kinds.Tube, "grow", lambda self, h, defect, *_: setattr(self, "radius", self.radius + defect)
        )
        content = boxed(content, monkeypatch)
        assert check(content).accepted
    assert not holds(content)
    refuse(content, "assertion.", "a bound of the image")


def one_component(bits: int, h: Fraction, order: int) -> Any:
    """A `Tube` of one variance 1/4, the Taylor series of `B = 1/(1/4 + theta)` from theta = 1/2 and of `B (x - mu)`,
    both rounded to units; x - mu = 3/5 at every theta."""
    case = SimpleNamespace(arithmetic=Arithmetic(bits), size=1)
    part = SimpleNamespace(single=True, sigma=[[units(Fraction(1, 4), bits)]], mean=[units(Fraction(1, 5), bits)])
    part.applied = lambda theta, vector: flow_kinds.Component.applied(part, theta, vector)  # type: ignore[arg-type]
    found = SimpleNamespace(a=case.arithmetic, case=case, parts=[part])
    ratio = -h / Fraction(3, 4)
    V = [[[units(Fraction(4, 3) * ratio**n, bits)]] for n in range(order + 1)]
    G = [[units(Fraction(4, 3) * Fraction(3, 5) * ratio**n, bits)] for n in range(order + 1)]
    X = [[units(Fraction(4, 5), bits)] + [0] * order]
    return found, part, X, G, V


@pytest.mark.parametrize(("bits", "h", "order"), [(64, "-1/8", 2), (64, "1/4", 3), (64, "-1/4", 40), (96, "-1/2", 8)])
def test_residuals_of_one_component(bits: int, h: str, order: int) -> None:
    """`off` and `trace_rest` bound what a cut series and rounding leave out, at 60 digits, and are never 0.

    On a step of one variance they decide no statement by themselves. What a cut leaves out of `g` beyond order n is at
    most `r/(1 - r)` times its last term, `r = |h B|`, and the defect has that term in full, at its largest on the step;
    but the error at the end is an integral with `y^(n+1)`, a share `1/(n+2)`; and `theta < 2^-10` asks for
    `r^(n+2)/(2 - 2 r) < 2^-10`, so that `r/(1 - r) < n + 2`. Rounding leaves out some units, and the defect has more of
    them, `3 (n + 2)^2`. So the terms themselves are tested. (Of matrices that are nearly singular, rounding leaves out
    more: that is not tested here.)
    """
    step = Fraction(h)
    found, part, X, G, V = one_component(bits, step, order)
    now, wide, unit = units(Fraction(1, 2), bits), units(step, bits), mpmath.mpf(2) ** bits
    norm = units(Fraction(1) / (Fraction(3, 4) + min(step, 0)), bits) + 1
    off = flow_kinds.Tube.off(found, 0, now, wide, X, G, norm)
    rest = flow_kinds.Tube.trace_rest(found, part, now, wide, V)
    with mpmath.workdps(DIGITS):
        worst = [mpmath.mpf(0), mpmath.mpf(0)]
        for k in range(21):
            y = mpmath.mpf(k) / 20
            scale = mpmath.mpf("0.75") + mpmath.mpf(step.numerator) / step.denominator * y
            g, inverse = (
                sum(row[n] * y**n for n in range(order + 1)) / unit for row in ([x for (x,) in G], [x for ((x,),) in V])
            )
            worst[0] = max(worst[0], abs(g - mpmath.mpf("0.6") / scale))
            worst[1] = max(worst[1], abs(scale * inverse - 1))
        assert 0 < worst[0] <= off / unit
        assert 0 < worst[1] <= rest / unit
        assert off / unit < 8 * worst[0] + 200 / unit
        assert rest / unit < 8 * worst[1] + 200 / unit


def test_tails_of_products() -> None:
    x, y = [3, -1, 4, 1], [-5, 9, -2]
    for degree in range(8):
        pairs = [(i, j) for i in range(4) for j in range(3) if i + j >= degree]
        assert flow_kinds.tail(x, y, degree) == sum(abs(x[i] * y[j]) for i, j in pairs)


def test_the_producer_says_what_it_needs() -> None:
    law = process("full")
    with pytest.raises(InputError, match=r"t_to: got '0\.001'; required: a time from t_min"):
        flow_tube_certificate(law, ["0", "0"], "3", "0.001")
    with pytest.raises(InputError, match="x: got 'shape"):
        flow_tube_certificate(law, ["0"], "3", "0.1")
    with pytest.raises(InputError, match="digits: got 0"):
        flow_tube_certificate(law, ["0", "0"], "3", "0.1", 0)
    wide = cf.GaussianMixture(
        ["1/2", "1/2"], [["0"] * 9, ["1"] * 9], [[str(int(i == j)) for j in range(9)] for i in range(9)]
    )
    with pytest.raises(InputError, match="mixture: got 'matrices of 9 rows'; required: at most 8"):
        flow_tube_certificate(cf.OrnsteinUhlenbeck(wide, "0.01", "3"), ["0"] * 9, "3", "0.1")


def test_nodes_are_binary_and_in_order() -> None:
    proof = tube("line", "0.5", "0.05")["proof"]
    nodes = [Fraction(proof["start"]), *(Fraction(step["end"]) for step in proof["steps"])]
    assert all(node.denominator & (node.denominator - 1) == 0 for node in nodes)
    assert all(left > right for left, right in pairwise(nodes))


@pytest.mark.parametrize(
    "path", ["proof.floors.0", "proof.start", "problem.mixture.covariances.values.0", "proof.bits"]
)
def test_hostile_numbers_are_counted(path: str) -> None:
    """What is refused for its work has not done more than is counted."""
    content = tube("line", "0.5", "0.4")
    long = 1024 if path == "proof.bits" else "1" + "7" * 2000 + "/" + "3" * 2100
    counted(json.dumps(changed(content, path, long)))


def test_many_steps_are_counted() -> None:
    content = tube("line", "0.5", "0.4")
    steps = [{"end": end, "order": 256} for end in [step["end"] for step in content["proof"]["steps"]] * 200]
    verdict = counted(json.dumps(changed(content, "proof.steps", steps)), 1_000_000)
    assert "steps of work" in verdict.text
