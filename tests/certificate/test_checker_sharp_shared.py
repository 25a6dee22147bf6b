"""Sharp rates of a shared covariance (L5): what is produced is accepted and true, a condition that fails is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import mpmath
import pytest
from certificates import changed
from depth import night, nightly
from hostile import counted
from mutations_kinds import DIGITS, LAWS, Problem, below, mpf, pair_bound, process, supremum_holds
from refusing import check, refuse

import certflow as cf
from certflow.certificate import sharp
from certflow.certificate.checker.arithmetic import Arithmetic
from certflow.certificate.checker.matrices import definite, inverse
from certflow.certificate.checker.work import Work
from certflow.certificate.envelope import certificate_text

SCHEMA = json.loads((files("certflow.certificate") / "certificate-1.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)


@cache
def made(law: str, t: str, rate: str, gap: str) -> str:
    return certificate_text(sharp.sharp_certificate(process(law), t, rate, gap=gap)[0])


def rate(law: str, t: str, kind: str = "one-sided", gap: str = "1e-3") -> dict[str, Any]:
    return json.loads(made(law, t, kind, gap))


@pytest.mark.parametrize("law", ["two", "three", *night("edge", "line in a plane")])
@pytest.mark.parametrize(("t", "kind"), [("0.3", "two-sided"), *night(("0.02", "one-sided"), ("3", "two-sided"))])
def test_what_is_produced_is_accepted_and_true(law: str, t: str, kind: str) -> None:
    content = rate(law, t, kind)
    verdict = check(content)
    assert verdict.accepted, verdict.text
    of = "lambda_max(-J)" if kind == "one-sided" else "||J||_2"
    assert verdict.text.startswith(f"at t = {t}, ")
    assert f" <= sup over all x of {of} <= " in verdict.text
    FORM.validate(content)
    with mpmath.workdps(DIGITS):
        assert supremum_holds(Problem(content["problem"]), content)


def test_a_hull_of_lower_dimension_and_no_covering() -> None:
    """Three means on a line of R^2, and a pair: coordinates on one axis; the pair needs no covering at a narrow gap."""
    line = rate("line in a plane", "0.5")
    assert len(line["proof"]["pivots"]) == 1
    assert line["proof"]["cover"] is not None
    pair = rate("two", "0.3", gap="1e-9")
    assert check(pair).accepted


@nightly
def test_a_covering_with_faces() -> None:
    content = rate("edge", "1")
    assert check(content).accepted
    assert content["proof"]["faces"]
    assert "F0" in json.dumps(content["proof"]["cover"])


def test_the_closed_form_where_a_covering_would_be_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharp, "MAX_LEAVES", 2)
    content, found = sharp.sharp_certificate(process("three"), "0.3", gap="1e-3")
    assert content["proof"]["cover"] is None
    assert not found.complete
    assert check(content).accepted
    with mpmath.workdps(DIGITS):
        closed = pair_bound(Problem(content["problem"]), Fraction("0.3"), "one-sided")
        assert below(closed, mpf(content["assertion"]["upper"]))


@pytest.mark.parametrize("relative", ["1e-9", "1e-6", "1e-2"])
def test_bounds_beside_the_truth(relative: str) -> None:
    """Two means, where the supremum is known: metric, threshold and covering kept, or the threshold lowered as well."""
    content = rate("two", "0.3", gap="1e-9")
    with mpmath.workdps(DIGITS):
        known = pair_bound(Problem(content["problem"]), Fraction("0.3"), "one-sided")
        low, high = (mpmath.nstr(known + side * abs(known) * mpf(relative), 40) for side in (-1, 1))
    refuse(changed(content, "assertion.upper", low), "assertion.upper", "the metric and its threshold")
    refuse(changed(content, "assertion.lower", high), "assertion.lower", "at the witness")
    threshold = str(Fraction(content["proof"]["threshold"]) * (1 - Fraction(relative)))
    refuse(changed(changed(content, "assertion.upper", low), "proof.threshold", threshold), "proof.")


def test_the_other_end_of_a_two_sided_rate() -> None:
    """`lambda_max(P) - 1` decides: an upper bound below it is refused, whatever the metric."""
    content = rate("two", "0.05", "two-sided")
    upper = Fraction(content["assertion"]["upper"])
    one = changed(content, "assertion.kind", "one-sided")
    assert check(changed(changed(one, "assertion.upper", str(upper * 2)), "assertion.lower", "-3")).accepted
    low = changed(content, "assertion.upper", str(upper * (1 - Fraction(1, 10**15))))
    refuse(changed(low, "assertion.lower", "-1"), "assertion.upper", "lambda_max(P) - 1")


@pytest.mark.parametrize("law", ["three", *night("edge", "line in a plane")])
def test_metrics_and_pivots_that_prove_nothing(law: str) -> None:
    content = rate(law, "0.3")
    rows, size = content["proof"]["metric"], len(content["proof"]["pivots"])
    half = [[str(Fraction(x) / 2) for x in row] for row in rows]
    refuse(changed(content, "proof.metric", half), "assertion.upper", "the metric and its threshold")
    refuse(changed(content, "proof.metric", [["0"] * size] * size), "assertion.upper")
    refuse(changed(content, "proof.metric", [[str(2 * Fraction(x)) for x in row] for row in rows]), "proof.cover")
    refuse(changed(content, "proof.metric", rows[:-1]), "proof.metric", "rows of")
    for pivots in ([], [0, 0], [5], [1, 0]):
        refuse(changed(content, "proof.pivots", pivots), "proof.pivots")
    refuse(changed(content, "proof.threshold", "0"), "proof.threshold", "> 0")
    refuse(changed(content, "proof.threshold", "2"), "assertion.upper")
    refuse(changed(content, "proof.threshold", "0.5"), "proof.cover", "settles")
    bare = changed(content, "proof.cover", None)
    refuse(changed(bare, "proof.threshold", "0.9"), "proof.threshold", "D^2/4 in the metric")
    refuse(changed(content, "proof.cover.boxes", "T"), "proof.cover.boxes", "settles")
    refuse(changed(content, "proof.lower.vector", ["0", "0"]), "proof.lower.vector", "not all 0")
    refuse(changed(content, "proof.lower.point", ["0"]), "proof.lower.point", "each axis")


def test_covariances_that_are_none() -> None:
    content, values = rate("two", "0.3"), "problem.mixture.covariances.values"
    refuse(changed(content, values, [["1", "0.1"], ["0.2", "1"]]), values, "symmetric")
    refuse(changed(content, values, [["1", "2"], ["2", "1"]]), values, "positive definite")
    refuse(changed(content, values, [["1", "2"]]), values, "2 rows")
    for kind, words in (("full", "common-isotropic or shared"), ("isotropic", "shared"), ("", "shared")):
        refuse(changed(content, "problem.mixture.covariances.kind", kind), "problem.mixture.covariances.kind", words)
    refuse(changed(content, "claim", "L2"), "problem.mixture.covariances.kind", "common-isotropic")
    refuse(changed(content, "proof.rule", "master-inequality"), "proof.rule", "metric-inequality")


def test_a_single_mean_has_no_certificate() -> None:
    law = cf.GaussianMixture(["1"], [["1", "2"]], [["0.1", "0.02"], ["0.02", "0.3"]])
    with pytest.raises(cf.InputError, match="at least two different means"):
        sharp.sharp_certificate(cf.OrnsteinUhlenbeck(law, "0.01", "3"), "0.3")


def test_late_times_get_more_bits() -> None:
    law = cf.OrnsteinUhlenbeck(LAWS["three"], "0.01", "60")
    content = sharp.sharp_certificate(law, "50", "two-sided", gap="1e-3")[0]
    assert content["proof"]["bits"] > 256
    assert check(content).accepted
    low, high = (Fraction(content["assertion"][key]) for key in ("lower", "upper"))
    assert 0 < low <= high


@pytest.mark.parametrize(
    "path", ["proof.metric.0.0", "proof.threshold", "proof.lower.vector.0", "problem.mixture.covariances.values.0.0"]
)
def test_long_numbers_are_counted(path: str) -> None:
    counted(json.dumps(changed(rate("two", "0.3"), path, "1" + "7" * 2000 + "/" + "3" * 2100)))


# -- matrices ---------------------------------------------------------------------------------------------------------


def test_positive_matrices_of_intervals() -> None:
    one, work = 1 << 64, Work(10**9)

    def wide(rows: list[list[int]], width: int) -> list[list[tuple[int, int]]]:
        return [[(x * one - width, x * one + width) for x in row] for row in rows]

    assert definite(wide([[2, 1], [1, 2]], 0), work, "x")
    assert not definite(wide([[1, 1], [1, 1]], 0), work, "x")
    assert definite(wide([[2, 1], [1, 2]], one // 5), work, "x")  # the least eigenvalue is 1 - 4/5 or more
    assert not definite(wide([[2, 1], [1, 2]], one // 3), work, "x")  # ((5/3, 4/3), (4/3, 5/3)) is, but 1 < 4/3


def test_inverses_are_within_what_is_said() -> None:
    a, work = Arithmetic(128), Work(10**9)
    rows = [["2", "1/3", "0"], ["1/3", "1/10", "1/70"], ["0", "1/70", "5"]]
    near, off = inverse(a, [[a.rational(Fraction(x)) for x in row] for row in rows], work, "x")
    with mpmath.workdps(80):
        exact = mpmath.matrix([[mpf(x) for x in row] for row in rows]) ** -1
        errors = [abs(mpf(near[i][j]) - exact[i, j] * 2**128) for i in range(3) for j in range(3)]
    assert max(errors) <= off < 2**30
