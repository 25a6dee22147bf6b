"""`certflow certify` through the real command line: files that the checker accepts, reasons where there are none."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import certflow as cf
from certflow.certificate import catalogue
from certflow.certificate.checker import check, check_file
from certflow.certificate.envelope import certificate_text

Command = Callable[..., Any]
CLOSED = ("L2", "L3", "F1", "F2", "G1")


def test_the_closed_forms(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "certificates"
    ended = command("certify", "two-modes", "--t-min", "1/20", "--t-max", "2", "--out", folder)
    assert (ended.code, ended.err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{claim}.json" for claim in CLOSED)
    for claim in CLOSED:
        verdict = check_file(str(folder / f"{claim}.json"))
        assert (verdict.accepted, verdict.claim) == (True, claim)
        assert " ".join(verdict.text.split()) in " ".join(ended.out.split())
        problem = json.loads((folder / f"{claim}.json").read_text())["problem"]
        assert (problem["t_min"], problem["t_max"]) == ("0.05", "2")
    line = ended.out.splitlines()[-1].strip()
    assert line.startswith("certflow check ")
    again = command(*shlex.split(line)[1:])
    assert again.code == 0
    assert again.out.count("accepted: ") == len(CLOSED)


def test_sharp_rates_and_their_integral(command: Command, tmp_path: Path) -> None:
    options = ("--sharp", "--times", "0.1, 1/3,0.1", "--out", tmp_path, "--format", "json")
    ended = command("certify", "two-modes", *options)
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert (told["schema"], told["missing"]) == ("certflow/certify/1", [])
    stems = [Path(row["file"]).stem for row in told["certificates"]]
    rates = [f"L5-t-{t}-{kind}" for t in ("0.1", "0.333333333333") for kind in ("one-sided", "two-sided")]
    assert stems == [*CLOSED, *rates, "F5"]
    assert all(row["complete"] for row in told["certificates"])
    files = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert Fraction(files["L5-t-0.333333333333-one-sided"]["assertion"]["t"]) == Fraction(1, 3)
    sharp, closed = files["F5"]["assertion"], files["F2"]["assertion"]["one-sided"]
    assert Fraction(sharp["lower"]) <= Fraction(closed[0]) <= Fraction(closed[1]) <= Fraction(sharp["upper"])
    assert all(check_file(row["file"]).text == row["asserts"] for row in told["certificates"])


def test_without_times_there_are_three() -> None:
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"))
    assert [offer.stem for offer in catalogue.offers(process)] == list(CLOSED)
    near = [Fraction(1, 3), Fraction(333333333333, 10**12)]
    stems = [offer.stem for offer in catalogue.offers(process, True, near)]
    assert len(set(stems)) == len(stems) == len(CLOSED) + 5


def test_a_mixture_that_has_none(command: Command, tmp_path: Path) -> None:
    ended = command("certify", "anisotropic-pair", "--sharp", "--times", "1", "--out", tmp_path)
    assert (ended.code, ended.err) == (3, "")
    assert list(tmp_path.iterdir()) == []
    assert "certflow check" not in ended.out
    reasons = re.sub(r"\n    +", " ", ended.out.partition("Not certified:\n")[2]).splitlines()
    assert [line.split(":")[0].strip() for line in reasons] == [*CLOSED, "L5-t-1-one-sided", "L5-t-1-two-sided", "F5"]
    assert all("full covariances" in line for line in reasons)


def test_what_one_gaussian_has(command: Command, tmp_path: Path) -> None:
    """No sharp rates, since one point has no spread, and a rate that is not positive has no balanced grid."""
    source = tmp_path / "one.json"
    cf.GaussianMixture(["1"], [["1"]], "0.25", name="one").save(source)
    ended = command("certify", source, "--sharp", "--times", "1", "--out", tmp_path / "c", "--format", "json")
    told = json.loads(ended.out)
    assert ended.code == 0
    assert [row["claim"] for row in told["certificates"]] == ["L2", "L3", "F1", "F2"]
    assert [row["name"] for row in told["missing"]] == ["G1", "L5-t-1-one-sided", "L5-t-1-two-sided", "F5"]


def test_out_of_its_budget_the_best_that_is_proved() -> None:
    """No second to search in: the closed form, certified, and said to be wide."""
    process = cf.OrnsteinUhlenbeck(cf.load_mixture("line-3"))
    made = catalogue.offers(process, True)[-1].make(-1.0)
    assert made.certificate is not None
    assert not made.complete
    assert check(certificate_text(made.certificate)).accepted
    upper = Fraction(made.certificate["assertion"]["upper"])
    closed = Fraction(process.stability(process.t_min, process.t_max))
    assert abs(upper / closed - 1) < Fraction(1, 10**9)


def test_what_the_checker_refuses_is_not_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a false one: that which the producer made counts for nothing."""
    honest = catalogue.PRODUCERS["F2"]

    def lying(process: Any) -> dict[str, Any]:
        certificate = honest(process)
        certificate["assertion"]["one-sided"][1] = "0"
        return certificate

    monkeypatch.setitem(catalogue.PRODUCERS, "F2", lying)
    ended = command("certify", "two-modes", "--out", tmp_path, "--format", "json")
    told = json.loads(ended.out)
    assert ended.code == 0
    assert not (tmp_path / "F2.json").exists()
    assert [row["name"] for row in told["missing"]] == ["F2"]
    assert "the checker refuses" in told["missing"][0]["reason"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--times", "1"), "--times: got '1'; required: --sharp"),
        (("--sharp", "--times", "4"), "--times: got '4'; required: times from --t-min = 0.01 to --t-max = 3"),
        (("--sharp", "--times", "0.1,,1"), "--times: got ''"),
        (("--sharp", "--times", "soon"), "--times: got 'soon'"),
        (("--sharp", "--times", ",".join(["1"] * 101)), "--times: got '101 times'"),
        (("--seconds", "0"), "--seconds: got '0'"),
        (("--format", "xml"), "--format: got 'xml'"),
        (("--t-min", "3"), "--t-"),
    ],
)
def test_bad_input(command: Command, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    ended = command("certify", "two-modes", "--out", tmp_path / "none", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert words in ended.err
    assert not (tmp_path / "none").exists()


def test_files_of_others_are_left_alone(command: Command, tmp_path: Path) -> None:
    assert command("certify", "two-modes", "--out", tmp_path).code == 0
    kept = (tmp_path / "F1.json").read_text()
    assert command("certify", "two-modes", "--out", tmp_path).code == 0
    ended = command("certify", "line-3", "--out", tmp_path)
    assert ended.code == 2
    assert "L2.json is that of another mixture" in ended.err
    assert (tmp_path / "F1.json").read_text() == kept
    (tmp_path / "L2.json").write_text("mine")
    ended = command("certify", "two-modes", "--out", tmp_path)
    assert (ended.code, (tmp_path / "L2.json").read_text()) == (2, "mine")
    assert "L2.json is no certificate" in ended.err
